//! What a compiler of C gives to programs that it starts, or reads itself: headers, the files that are
//! linked to every program, an assembler and a linker.
//!
//! A driver knows their names and looks for them in directories that it puts together, so no constant
//! names them whole. But it names `crt1.o`, with which programs start (System V ABI, 4.1; GCC manual,
//! "Link Options"), and its package depends on those that bring all of this.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{Mention, NodeId};

use super::data::is_triplet;
use super::parcels::Parcels;
use super::scene::{Object, Scene};
use crate::error::{Name, ResolveError};
use crate::host::FileType;
use crate::packages::Packages;
use crate::parcel::Parcel;

/// Where headers lie (FHS 3.0, 4.5).
const HEADERS: &str = "/usr/include";

/// The file of a C library with which programs start.
const START: &[u8] = b"crt1.o";

/// What reads headers and compiles C (GCC internals, "Passes and Files of the Compiler").
const PREPROCESSOR: &[u8] = b"cc1";

/// What drivers start of the packages that theirs depend on (GCC manual, "Directory Options", `-B`).
const TOOLS: &[&str] = &["/usr/bin/as", "/usr/bin/ld"];

/// The same of one for another machine, below `/usr/TARGET` (GCC manual, "Configuration",
/// `--with-sysroot`; Debian's cross compilers), and its headers there.
const TOOLS_OF_TARGET: &[&str] = &["bin/as", "bin/ld"];
const HEADERS_OF_TARGET: &str = "include";

/// What GCC has wrappers of (GCC manual, `-flto`).
const WRAPPED: &[&str] = &["ar", "nm", "ranlib"];

/// Most bytes of a text that stands for a library (ld manual, "Implicit Linker Scripts").
const MAX_SCRIPT_BYTES: u64 = 4096;

/// Returns what the compilers of a scene give to the programs that they start, and the image has not.
pub(super) fn judge(scene: &Scene<'_>, parcels: &Parcels<'_>) -> Vec<ResolveError> {
    let mut found: BTreeMap<Vec<Name>, ResolveError> = BTreeMap::new();
    for run in scene.runs.iter().filter(|run| run.is_start()) {
        let Some(program) = scene.program(run) else { continue };
        if let Some(path) = wrapped(&program).filter(|path| is_absent(scene, path)) {
            let (add, missing) = helpers(run.node, &program.path, &BTreeSet::from([path]));
            found.entry(add).or_insert(missing);
        }
        let objects = scene.objects(run);
        if !is_driver(&program, &objects) {
            continue;
        }
        let Some((packages, parcel)) = parcels.find(scene, &program) else { continue };
        let target = target(scene, &program);
        let files = files(scene, packages, &packages.development(&parcel), target.as_deref());
        let (node, by) = (run.node, &program.path);
        let Some(files) = files else {
            // Who only needs a library with such a driver in it compiles nothing.
            let add = match preprocessor(scene, &parcel) {
                Some(directory) => format!("tree \"{directory}\""),
                None if has_preprocessor(scene) && is_absent_directory(scene, HEADERS) => {
                    format!("directory \"{HEADERS}\"")
                }
                None => continue,
            };
            let add = vec![Name::new(add)];
            let missing = ResolveError::DataIsMissing { node, by: by.clone(), add: add.clone() };
            found.entry(add).or_insert(missing);
            continue;
        };
        // What holds most stands first.
        let (trees, others): (Vec<String>, Vec<String>) =
            files.into_iter().partition(|line| line.starts_with("tree "));
        let add: Vec<Name> = trees.into_iter().chain(others).map(Name::new).collect();
        if !add.is_empty() {
            let missing = ResolveError::DataIsMissing { node, by: by.clone(), add: add.clone() };
            found.entry(add).or_insert(missing);
        }
        let names = tools(scene, packages, &parcel, target.as_deref());
        if !names.is_empty() && compiles(&program) {
            let (add, missing) = helpers(node, by, &names);
            found.entry(add).or_insert(missing);
        }
        let add = own_libraries(scene, parcels);
        if !add.is_empty() {
            let left_out = ResolveError::DataIsLeftOut { node, by: by.clone(), add: add.clone() };
            found.entry(add).or_insert(left_out);
        }
    }
    found.into_values().collect()
}

/// Returns the lines that add programs which another one starts, and the warning that they are missing.
fn helpers(node: NodeId, by: &ImagePath, paths: &BTreeSet<String>) -> (Vec<Name>, ResolveError) {
    let add: Vec<Name> = paths.iter().map(|path| Name::new(format!("binary \"{path}\""))).collect();
    let names = paths.iter().map(Name::new).collect();
    let by = by.clone();
    (add.clone(), ResolveError::HelpersAreMissing { node, by, names, add })
}

/// Returns the tool that a program starts with GCC's plug-in, by the name of the program: `gcc-ar-12`.
fn wrapped(program: &Object<'_>) -> Option<String> {
    let name = std::str::from_utf8(program.source.file_name()?).ok()?;
    let (_, rest) = name.split_once("gcc-")?;
    let tool = rest.split('-').next().filter(|tool| WRAPPED.contains(tool))?;
    Some(format!("/usr/bin/{tool}"))
}

/// Tells whether the sources have a program that the image has not.
fn is_absent(scene: &Scene<'_>, path: &str) -> bool {
    !scene.image_has(path) && scene.source_has(path) == Some(FileType::Regular)
}

/// Returns the lines for the libraries that the packages of what the image runs have for those who
/// compile: what it compiles may be linked to them.
fn own_libraries(scene: &Scene<'_>, parcels: &Parcels<'_>) -> Vec<Name> {
    let development = parcels.all().flat_map(|(packages, parcel)| {
        let parts = parcel.packages.iter().filter(|package| packages.is_development(package));
        parts.flat_map(|package| packages.libraries(package))
    });
    let absent = development.filter(|path| !scene.has(path));
    absent.map(|path| Name::new(format!("library \"{path}\""))).collect()
}

/// Tells whether a program, or a library that it needs itself, names what programs of C start with.
fn is_driver(program: &Object<'_>, objects: &[Object<'_>]) -> bool {
    let names = |object: &Object<'_>| object.facts().mentions.contains(&Mention::StartFiles);
    let needs = &program.facts().needed;
    objects.iter().any(|object| {
        let soname = object.facts().soname.as_deref();
        let is_own = object.path == program.path
            || soname.is_some_and(|soname| needs.iter().any(|needed| **needed == *soname));
        is_own && names(object)
    })
}

/// A class of clang's library by which its driver starts other programs; who only parses has none of it
/// (LLVM, `clang/Driver/Driver.h`).
const DRIVER: &[u8] = b"_ZN5clang6driver6Driver";

/// Tells whether a program with a driver assembles and links.
fn compiles(program: &Object<'_>) -> bool {
    let facts = program.facts();
    facts.mentions.contains(&Mention::StartFiles)
        || facts.imports.iter().any(|import| import.starts_with(DRIVER))
}

/// Returns the lines that add headers and what is linked to every program; nothing if no package has
/// what programs start with.
fn files(
    scene: &Scene<'_>,
    packages: &Packages<'_>,
    development: &BTreeSet<&str>,
    target: Option<&str>,
) -> Option<BTreeSet<String>> {
    let mut lines = BTreeSet::new();
    let mut is_found = false;
    for package in development {
        let paths: Vec<ImagePath> = packages.image_paths(package).collect();
        let brings_start = paths.iter().any(|path| path.file_name() == Some(START));
        is_found |= brings_start;
        for path in &paths {
            let name = path.file_name().unwrap_or_default();
            let Some(directory) = path.parent() else { continue };
            let is_common = is_triplet(&directory) || directory.as_bytes() == b"/usr/lib";
            let is_start = name.starts_with(b"crt") && name.ends_with(b".o");
            let is_linked =
                [&b".o"[..], b".a", b".so"].iter().any(|end| name.ends_with(end)) || is_start;
            if is_common && brings_start && is_linked {
                lines.extend(linked(scene, path));
            } else if !is_common && (is_start || is_own_header(path)) && !scene.has(path) {
                lines.insert(format!("tree \"{directory}\""));
            }
        }
    }
    let headers = match target {
        Some(target) => format!("{target}/{HEADERS_OF_TARGET}"),
        None => HEADERS.to_owned(),
    };
    if is_absent_directory(scene, &headers) {
        lines.insert(format!("tree \"{headers}\""));
    }
    is_found.then_some(lines)
}

/// Tells whether a path is that of a header which clang brings itself, as GCC does beside what it links
/// ("Clang Compiler User's Manual", builtin headers).
fn is_own_header(path: &ImagePath) -> bool {
    let mut parts = path.as_bytes().split(|byte| *byte == b'/');
    path.file_name() == Some(b"stddef.h") && parts.any(|part| part == b"clang")
}

fn is_absent_directory(scene: &Scene<'_>, path: &str) -> bool {
    scene.source_has(path) == Some(FileType::Directory) && !scene.image_has(path)
}

/// Returns the directory in which the packages of a compiler have the part of it that reads headers, if
/// the image has none.
fn preprocessor(scene: &Scene<'_>, parcel: &Parcel) -> Option<ImagePath> {
    let mut paths = parcel.paths.iter().filter(|path| path.file_name() == Some(PREPROCESSOR));
    let path = paths.next().filter(|_| !has_preprocessor(scene))?;
    path.parent()
}

/// Tells whether the image has that part. It wants one of their
/// directories to be there, though none may be in it (measured on `cpp` of GCC 12).
fn has_preprocessor(scene: &Scene<'_>) -> bool {
    scene.entries.keys().any(|path| path.file_name() == Some(PREPROCESSOR))
}

/// Returns the lines for what lies beside the libraries of all programs: a file, and the libraries that
/// a text in the place of one names.
fn linked(scene: &Scene<'_>, path: &ImagePath) -> Vec<String> {
    let roots = scene.surroundings.roots;
    let Ok(walk) = roots.walk(path.as_bytes(), &ImagePath::root()) else { return Vec::new() };
    if walk.stat.file_type != FileType::Regular || walk.real != *path {
        return Vec::new();
    }
    let mut lines = Vec::new();
    if !scene.has(path) {
        lines.push(format!("file \"{path}\""));
    }
    if path.as_bytes().ends_with(b".so") && walk.stat.size < MAX_SCRIPT_BYTES {
        let text = scene.source_texts(&path.to_string()).into_iter().next().unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let words = text.split_whitespace().filter(|word| {
            word.starts_with('/') && word.contains(".so.") && !scene.image_has(word)
        });
        let known = words.filter(|word| scene.source_has(word) == Some(FileType::Regular));
        lines.extend(known.map(|word| format!("library \"{word}\"")));
    }
    lines
}

/// Returns the directory of the machine for which a compiler is, if that is another one: `/usr/TARGET` of
/// `TARGET-gcc`.
fn target(scene: &Scene<'_>, program: &Object<'_>) -> Option<String> {
    let name = String::from_utf8_lossy(program.source.file_name()?).into_owned();
    let ends = name.match_indices('-').map(|(at, _)| &name[..at]);
    let directories = ends.map(|target| format!("/usr/{target}"));
    let has_tools = |directory: &String| {
        TOOLS_OF_TARGET
            .iter()
            .all(|tool| scene.source_has(&format!("{directory}/{tool}")).is_some())
    };
    directories.into_iter().find(has_tools)
}

/// Returns the tools of the packages on which a compiler depends.
fn tools(
    scene: &Scene<'_>,
    packages: &Packages<'_>,
    parcel: &Parcel,
    target: Option<&str>,
) -> BTreeSet<String> {
    let listed: BTreeSet<ImagePath> =
        parcel.dependencies.iter().flat_map(|package| packages.image_paths(package)).collect();
    let is_absent = |path: &String| {
        !scene.image_has(path)
            && scene.source_has(path) == Some(FileType::Regular)
            && ImagePath::parse(path.as_bytes()).is_ok_and(|path| listed.contains(&path))
    };
    let paths: Vec<String> = match target {
        Some(target) => TOOLS_OF_TARGET.iter().map(|tool| format!("{target}/{tool}")).collect(),
        None => TOOLS.iter().map(|path| (*path).to_owned()).collect(),
    };
    paths.into_iter().filter(is_absent).collect()
}
