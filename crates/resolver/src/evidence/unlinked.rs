//! Libraries that the packages of a program depend on, or have, and that nothing of these is linked to.
//!
//! dpkg-shlibdeps writes down what is linked. What a maintainer adds to it is opened by a name that no
//! reading finds: it is put together, or stands in the image of a Lisp (measured on pgloader, which
//! does not start without SQLite).

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::ElfKind;
use imgc_planner::recipe::ImagePath;
use memchr::memmem::Finder;

use super::candidates::opens_libraries;
use super::data::is_triplet;
use super::parcels::Parcels;
use super::scene::{Object, Scene};
use crate::error::{Name, ResolveError};
use crate::loader::Elf;
use crate::packages::Packages;
use crate::parcel::Parcel;
use crate::programs::is_program;
use crate::root::Roots;

/// Most files of packages that are looked at for what is linked to them. Who brings more has parts
/// that are for something else.
const MAX_FILES: usize = 300;

/// By which who does not import `dlopen` gets it, as SBCL does.
const FINDERS: &[&str] = &["dlsym"];

/// A library with a rule of its own.
const UNWINDER: &[u8] = b"libgcc_s.so.1";

/// Returns a warning for each program whose packages depend on such libraries or have some of their own,
/// if it opens any.
pub(super) fn judge(scene: &Scene<'_>, parcels: &Parcels<'_>) -> Vec<ResolveError> {
    let mut warnings = BTreeMap::new();
    let mut plugins = BTreeMap::new();
    let roots = scene.surroundings.roots;
    for run in scene.runs.iter().filter(|run| run.is_start()) {
        let Some(program) = scene.program(run) else { continue };
        let facts = program.facts();
        let opens = opens_libraries(facts) || facts.imports_any(FINDERS);
        if facts.kind != ElfKind::Dynamic || !opens {
            continue;
        }
        let Some((packages, parcel)) = parcels.get(&program) else { continue };
        let mut add = BTreeSet::new();
        if opens_libraries(facts) {
            add = own(scene, packages, parcel);
            add.retain(|path| names_beginning(scene, &program, path));
        }
        if !add.is_empty() {
            let line = |path: &ImagePath| Name::new(format!("library \"{path}\""));
            let add: Vec<Name> = add.iter().map(line).collect();
            plugins.entry(add.clone()).or_insert(ResolveError::PluginsAreMissing {
                node: run.node,
                by: program.path.clone(),
                family: "libraries of its package to which nothing is linked",
                without: "what they are for cannot be done",
                add,
            });
        }
        let named = parcel.dependencies.iter().filter(|name| packages.is_library(name));
        let brought = named.map(|package| libraries(roots, packages, package));
        let absent: Vec<Vec<(ImagePath, Box<[u8]>)>> = brought
            .filter(|libraries| !libraries.is_empty())
            .filter(|libraries| !libraries.iter().any(|(path, _)| scene.has(path)))
            .collect();
        if absent.is_empty() {
            continue;
        }
        let Some(linked) = linked(roots, parcel) else { continue };
        let unlinked = absent
            .iter()
            .filter(|libraries| !libraries.iter().any(|(_, soname)| linked.contains(soname)));
        let sonames = unlinked.flatten().map(|(_, soname)| &**soname);
        let names: BTreeSet<&[u8]> = sonames.filter(|soname| *soname != UNWINDER).collect();
        if !names.is_empty() {
            warnings.entry(program.path.clone()).or_insert(ResolveError::MayOpen {
                node: run.node,
                by: program.path.clone(),
                found: names.iter().map(Name::new).collect(),
                absent: Vec::new(),
            });
        }
    }
    warnings.into_values().chain(plugins.into_values()).collect()
}

/// Returns the libraries that stand in a package of programs, are not in the image, and are linked to
/// none of its files: they open them.
fn own(scene: &Scene<'_>, packages: &Packages<'_>, parcel: &Parcel) -> BTreeSet<ImagePath> {
    let roots = scene.surroundings.roots;
    let is_of_programs = |name: &&String| {
        !packages.is_library(name) && packages.image_paths(name).any(|path| is_program(&path))
    };
    let paths: Vec<ImagePath> = parcel
        .packages
        .iter()
        .filter(is_of_programs)
        .flat_map(|package| packages.libraries(package))
        .filter(|path| path.file_name().is_some_and(|name| name.starts_with(b"lib")))
        .filter(|path| path.parent().is_some_and(|above| is_of_all(&above)))
        .filter(|path| !scene.has(path))
        .collect();
    if paths.is_empty() {
        return BTreeSet::new();
    }
    let Some(linked) = linked(roots, parcel) else { return BTreeSet::new() };
    let is_linked = |path: &ImagePath| {
        let soname = read(roots, path).and_then(|(_, elf)| elf.dynamic()?.soname.clone());
        soname.is_none_or(|soname| linked.contains(&soname))
    };
    // A link brings the file that it leads to.
    let real = |path: &ImagePath| {
        roots.walk(path.as_bytes(), &ImagePath::root()).ok().map(|walk| walk.real)
    };
    let targets: Vec<ImagePath> =
        paths.iter().filter_map(|path| real(path).filter(|real| real != path)).collect();
    let is_opened = |path: &ImagePath| !targets.contains(path) && !is_linked(path);
    paths.iter().filter(|path| is_opened(path)).cloned().collect()
}

/// Tells whether a program has the first word of a library's name in its constants, from which it would
/// put the name together: `app` of `libapp-fast.so`. Else the library is for the programs that it looks
/// at (gdbserver's `libinproctrace.so`).
fn names_beginning(scene: &Scene<'_>, program: &Object<'_>, library: &ImagePath) -> bool {
    let name = library.file_name().unwrap_or_default();
    let name = name.strip_prefix(b"lib").unwrap_or(name);
    let end = name.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(name.len());
    let finder = Finder::new(&name[..end]);
    let mut is_found = false;
    scene.look(program, |chunk| is_found |= finder.find(chunk).is_some());
    is_found
}

/// Tells whether a directory is that of the libraries of all programs, or of those of one machine.
fn is_of_all(directory: &ImagePath) -> bool {
    directory.as_bytes() == b"/usr/lib" || is_triplet(directory)
}

/// Returns the libraries of a package where loaders look for them: real path and soname.
fn libraries(roots: &Roots, packages: &Packages<'_>, package: &str) -> Vec<(ImagePath, Box<[u8]>)> {
    let is_needed = |path: &ImagePath| {
        let name = path.file_name().unwrap_or_default();
        name.starts_with(b"lib") && name.windows(4).any(|part| part == b".so.")
    };
    let mut found = Vec::new();
    for path in packages.libraries(package).filter(is_needed) {
        let Some((real, elf)) = read(roots, &path) else { continue };
        let soname = elf.dynamic().and_then(|dynamic| dynamic.soname.clone());
        found.extend(soname.map(|soname| (real, soname)));
    }
    found
}

/// Returns the names that the ELF files of a parcel need; nothing if they are too many to look at.
fn linked(roots: &Roots, parcel: &Parcel) -> Option<BTreeSet<Box<[u8]>>> {
    let is_file = |path: &&ImagePath| {
        let path = path.as_bytes();
        let outside = [&b"/usr/share/"[..], b"/etc/", b"/var/"];
        !outside.iter().any(|directory| path.starts_with(directory))
    };
    let files: Vec<&ImagePath> = parcel.paths.iter().filter(is_file).take(MAX_FILES + 1).collect();
    (files.len() <= MAX_FILES).then(|| {
        let elves = files.into_iter().filter_map(|path| read(roots, path));
        let needed = elves.flat_map(|(_, elf)| {
            let dynamic = elf.dynamic().map(|dynamic| dynamic.needed.clone());
            dynamic.unwrap_or_default().into_iter().map(|(_, name)| name)
        });
        needed.collect()
    })
}

fn read(roots: &Roots, path: &ImagePath) -> Option<(ImagePath, Elf)> {
    let walk = roots.walk(path.as_bytes(), &ImagePath::root()).ok()?;
    let file = roots.open(&walk).ok()?;
    let elf = Elf::read(&*file, walk.stat.size, None).ok()?;
    Some((walk.real, elf))
}
