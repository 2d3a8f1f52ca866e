//! Programs of the packages that a program's package depends on, and what these bring.
//!
//! Debian's policy (7.2) has a package depend on what it needs for a significant part of what it does.
//! dpkg-shlibdeps writes down the libraries; a program stands there because a maintainer knows that it
//! is started. Its name can be too short to be told from other words (`gs`), or be of a library's that
//! is needed (libgpgme starts `gpg`). So all of this is remarks.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{ElfKind, Mention};

use super::helpers::{SPAWNERS, has_program, is_elf};
use super::parcels::{Parcels, places};
use super::scene::{Object, Scene};
use super::scripts::{INSTALLERS, is_interpreter};
use super::words::Words;
use crate::error::{Name, ResolveError};
use crate::packages::Packages;
use crate::parcel::Parcel;
use crate::programs::is_program;

/// Most programs of one package that are taken though nothing names them, if none has the name of the
/// package.
const MAX_UNNAMED: usize = 3;

/// Most programs that are said of one program: who depends on more is there for their sake.
const MAX_PROGRAMS: usize = 16;

/// Returns a remark for each program that starts others of packages it depends on, of which the image
/// has nothing; and one for each such program in the image whose packages bring more than the image has.
pub(super) fn judge(
    scene: &Scene<'_>,
    start: Option<&ImagePath>,
    parcels: &Parcels<'_>,
) -> Vec<ResolveError> {
    let mut remarks: BTreeMap<Vec<Name>, ResolveError> = BTreeMap::new();
    let Some(start) = start else { return Vec::new() };
    let runs = || scene.runs.iter().filter(|run| run.is_start());
    // Few images have other programs than the one that they run.
    let owned = OnceCell::new();
    for run in runs() {
        let Some(program) = scene.program(run) else { continue };
        let node = run.node;
        if program.path == *start {
            let paths = programs(scene, &program, &scene.objects(run), parcels);
            if !paths.is_empty() {
                let names = paths.iter().map(Name::new).collect();
                let add: Vec<Name> =
                    paths.iter().map(|path| Name::new(format!("binary \"{path}\""))).collect();
                let by = program.path.clone();
                let left_out =
                    ResolveError::HelpersAreLeftOut { node, by, names, add: add.clone() };
                remarks.entry(add).or_insert(left_out);
            }
        } else if let Some((packages, package)) = *owned.get_or_init(|| parcels.owner(scene, start))
        {
            let add = brought(scene, &program, packages, package, parcels);
            if !add.is_empty() {
                let by = program.path.clone();
                let left_out = ResolveError::PackageIsLeftOut { node, by, add: add.clone() };
                remarks.entry(add).or_insert(left_out);
            }
        }
    }
    remarks.into_values().collect()
}

/// Returns the programs that a program, and the libraries which it needs itself, may start.
fn programs(
    scene: &Scene<'_>,
    program: &Object<'_>,
    objects: &[Object<'_>],
    parcels: &Parcels<'_>,
) -> BTreeSet<String> {
    let facts = program.facts();
    let starts_by_go = facts.go && facts.mentions.contains(&Mention::StartsProgramsInGo);
    let is_whole = facts.go || facts.mentions.contains(&Mention::Rust);
    if is_whole && !starts_by_go {
        return BTreeSet::new();
    }
    let known = parcels.get(program);
    let found = if known.is_none() { parcels.find(scene, program) } else { None };
    let found = found.as_ref().map(|(packages, parcel)| (*packages, parcel));
    let Some((packages, own)) = known.or(found) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    for object in objects {
        let soname = object.facts().soname.as_deref();
        let is_needed = soname.is_some_and(|name| facts.needed.iter().any(|one| **one == *name));
        let is_own = object.path == program.path || own.paths.contains(object.source);
        let starts = starts_by_go || object.facts().imports_any(SPAWNERS);
        if !(is_own || is_needed) || !starts {
            continue;
        }
        let Some(owner) = packages.owner(object.source.as_bytes()) else { continue };
        let names = &own.packages;
        let parts: Vec<&str> =
            if is_own { names.iter().map(String::as_str).collect() } else { vec![owner] };
        for dependency in parts.iter().flat_map(|part| packages.depends(part)) {
            let is_other = !names.contains(dependency)
                && !packages.is_library(dependency)
                && !packages.is_essential(dependency)
                && !INSTALLERS.contains(&dependency);
            if is_other && !is_in_image(scene, packages, dependency) {
                found.extend(of_package(scene, packages, dependency, object));
            }
        }
    }
    if found.len() > MAX_PROGRAMS { BTreeSet::new() } else { found }
}

/// Tells whether the image has a program of a package.
fn is_in_image(scene: &Scene<'_>, packages: &Packages<'_>, package: &str) -> bool {
    packages.image_paths(package).any(|path| is_program(&path) && scene.has(&path))
}

/// Returns the programs of a package that an object means: those that it names, or that bear the name
/// of the package, or all if they are few.
fn of_package(
    scene: &Scene<'_>,
    packages: &Packages<'_>,
    package: &str,
    object: &Object<'_>,
) -> BTreeSet<String> {
    let source = packages.source(package);
    let parts = packages.depends(package).into_iter();
    let parts = parts.filter(|part| packages.source(part) == source && !packages.is_library(part));
    let listed: Vec<(&str, ImagePath)> = std::iter::once(package)
        .chain(parts)
        .flat_map(|part| packages.image_paths(part).map(move |path| (part, path)))
        .filter(|(_, path)| is_program(path) && is_elf(scene, path))
        // Interpreters are there for scripts beside the program, and their names are common words.
        .filter(|(_, path)| !path.file_name().is_some_and(is_interpreter))
        .filter(|(_, path)| has_program(scene, &path.to_string()))
        .collect();
    let named: BTreeMap<Vec<u8>, (ImagePath, bool)> = listed
        .iter()
        .filter_map(|(_, path)| Some((path.file_name()?.to_vec(), (path.clone(), false))))
        .collect();
    if named.is_empty() {
        return BTreeSet::new();
    }
    let mut words = Words::of(named);
    words.read(scene, object);
    let names: BTreeSet<&[u8]> = words.found().collect();
    let is_named =
        |(_, path): &&(&str, ImagePath)| path.file_name().is_some_and(|name| names.contains(name));
    let is_same = |(part, path): &&(&str, ImagePath)| path.file_name() == Some(part.as_bytes());
    let mut found: Vec<&(&str, ImagePath)> = listed.iter().filter(is_named).collect();
    // A compiler is there for who has it started, by its name.
    if found.is_empty() && !packages.is_for_development(package) {
        found = listed.iter().filter(is_same).collect();
        if found.is_empty() && listed.len() <= MAX_UNNAMED {
            found = listed.iter().collect();
        }
    }
    found.into_iter().map(|(_, path)| path.to_string()).collect()
}

/// Returns the lines for what the packages of a program bring, if a package depends on one of them.
fn brought(
    scene: &Scene<'_>,
    program: &Object<'_>,
    packages: &Packages<'_>,
    package: &str,
    parcels: &Parcels<'_>,
) -> Vec<Name> {
    let is_library = program.facts().kind == ElfKind::Library;
    let name = program.source.file_name().unwrap_or_default();
    // What is of the same packages has been told of.
    if is_library || is_interpreter(name) || parcels.get(program).is_some() {
        return Vec::new();
    }
    let Some(owner) = packages.owner(program.source.as_bytes()) else { return Vec::new() };
    let is_given = packages.depends(package).contains(owner) && !packages.is_essential(owner);
    let parcel: Option<(&Packages<'_>, Parcel)> =
        is_given.then(|| parcels.find(scene, program)).flatten();
    parcel.map(|(packages, parcel)| places(scene, packages, &parcel)).unwrap_or_default()
}
