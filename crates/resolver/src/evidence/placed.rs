//! Libraries that no program loads at its start, as the modules of a language are: what they look for
//! when they are loaded later. Nothing says whether they will be, so all of this is remarks, and what
//! they open by its name counts only if their package depends on the package that has it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{ElfKind, Reason};

use super::candidates::{candidates, remark};
use super::plugins;
use super::scene::{Object, Scene, digest};
use crate::error::ResolveError;
use crate::packages::{Installed, Packages};

/// Most libraries of one image that are looked at.
const MAX_LIBRARIES: usize = 2000;

/// Returns a remark for each family of plug-ins and each library that is opened by name, if a library
/// wants it that lies ready in the image. `start` is what the image runs.
pub(super) fn judge(
    scene: &Scene<'_>,
    start: Option<&ImagePath>,
    loaded: &BTreeSet<ImagePath>,
    known: &BTreeSet<Box<[u8]>>,
    installed: &Installed<'_>,
) -> Vec<ResolveError> {
    let Some(run) = scene.runs.iter().find(|run| run.is_start()) else { return Vec::new() };
    let by_name = by_name(scene);
    let placed = placed(scene, loaded);
    let needed = placed.iter().map(|library| closure(library, &by_name));
    let placed: Vec<_> = placed.iter().cloned().zip(needed).collect();
    let mut remarks = plugins::of_placed(scene, run, &placed);
    let roots = scene.surroundings.roots;
    let needed = OnceCell::new();
    let mut told: BTreeSet<Vec<&[u8]>> = BTreeSet::new();
    for (library, _) in &placed {
        let names = candidates(library, known);
        if names.is_empty() {
            continue;
        }
        let Some((packages, owner)) = installed.owner(roots, library.source) else { continue };
        // What is there for other programs does not count.
        let needed = needed.get_or_init(|| start.and_then(|start| around(scene, installed, start)));
        if needed.as_ref().is_some_and(|needed| !needed.contains(owner)) {
            continue;
        }
        let given = given(packages, owner);
        let names: Vec<&[u8]> = names.into_iter().filter(|name| given.contains(*name)).collect();
        if !names.is_empty() && told.insert(names.clone()) {
            remarks.push(remark(library, names));
        }
    }
    remarks
}

/// Returns the package of a program and all that it needs.
fn around<'i>(
    scene: &Scene<'_>,
    installed: &'i Installed<'_>,
    program: &ImagePath,
) -> Option<BTreeSet<&'i str>> {
    let (packages, owner) = installed.owner(scene.surroundings.roots, program)?;
    Some(packages.closure(owner, &[]))
}

/// Returns the names of the libraries that a package depends on.
fn given(packages: &Packages<'_>, package: &str) -> BTreeSet<Vec<u8>> {
    let depends = packages.depends(package).into_iter();
    let libraries = depends.filter(|package| packages.is_library(package));
    let paths = libraries.flat_map(|package| packages.libraries(package));
    paths.filter_map(|path| path.file_name().map(<[u8]>::to_vec)).collect()
}

/// Returns the libraries that the recipe puts into the image, and that no program loads at its start.
fn placed<'s>(scene: &'s Scene<'_>, loaded: &BTreeSet<ImagePath>) -> Vec<Object<'s>> {
    let object = |(path, found): (&'s ImagePath, &'s imgc_planner::Found)| {
        let is_placed = |reason: &Reason| matches!(reason, Reason::Asked | Reason::Matched);
        let need = found.needs.iter().find(|need| is_placed(&need.reason))?;
        let evidence = scene.evidence.get(&digest(scene.entries, path)?)?;
        let is_library = evidence.facts.kind == ElfKind::Library && !loaded.contains(path);
        is_library.then(|| Object { node: need.node, source: path, path: path.clone(), evidence })
    };
    scene.entries.iter().filter_map(object).take(MAX_LIBRARIES).collect()
}

/// Returns the libraries of the image by their sonames.
fn by_name<'s>(scene: &'s Scene<'_>) -> BTreeMap<&'s [u8], Object<'s>> {
    let object = |(path, found): (&'s ImagePath, &'s imgc_planner::Found)| {
        let evidence = scene.evidence.get(&digest(scene.entries, path)?)?;
        let soname = evidence.facts.soname.as_deref()?;
        let node = found.needs.first()?.node;
        Some((soname, Object { node, source: path, path: path.clone(), evidence }))
    };
    scene.entries.iter().filter_map(object).collect()
}

/// Returns a library and what it needs, as far as the image has it.
fn closure<'s>(library: &Object<'s>, by_name: &BTreeMap<&[u8], Object<'s>>) -> Vec<Object<'s>> {
    let mut objects = vec![library.clone()];
    let mut next = 0;
    while let Some(object) = objects.get(next) {
        next += 1;
        for needed in &object.evidence.facts.needed {
            let found = by_name.get(&**needed);
            if let Some(found) =
                found.filter(|found| objects.iter().all(|one| one.path != found.path))
            {
                objects.push(found.clone());
            }
        }
    }
    objects
}
