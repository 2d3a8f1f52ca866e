//! Files that no program of the recipe loads, and that need more than the image has: what `tree` and
//! `file` have put there, such as the modules of a language.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{Digest, ElfKind, Found, NodeId, Reason};

use super::Evidence;
use super::scene::{Scene, digest};
use crate::error::{Name, ResolveError};
use crate::loader::machine_of;
use crate::packages::{Installed, Packages};

/// What the files of a node lack.
#[derive(Default)]
struct Lost {
    files: Vec<ImagePath>,
    libraries: BTreeSet<Name>,
    interpreters: BTreeSet<Name>,
}

/// Returns a warning for each node whose files need libraries that the image has under no name, or an
/// interpreter that it has not. Where a library stands does not matter here: whoever loads the file may
/// search anywhere. A file of a package needs nothing that its own system has not.
pub(super) fn judge(
    scene: Option<&Scene<'_>>,
    installed: &Installed<'_>,
    entries: &BTreeMap<ImagePath, Found>,
    evidence: &BTreeMap<Digest, Evidence>,
    known: &BTreeSet<Box<[u8]>>,
    loaded: &BTreeSet<ImagePath>,
) -> Vec<ResolveError> {
    let mut by_node: BTreeMap<NodeId, Lost> = BTreeMap::new();
    // Whether packages have a library, by its name.
    let mut listed: BTreeMap<Box<[u8]>, bool> = BTreeMap::new();
    for (path, found) in entries {
        if loaded.contains(path) {
            continue;
        }
        let Some(read) = digest(entries, path).and_then(|digest| evidence.get(&digest)) else {
            continue;
        };
        let facts = &read.facts;
        let placed =
            found.needs.iter().find(|need| matches!(need.reason, Reason::Asked | Reason::Matched));
        let Some(need) = placed.filter(|_| facts.kind != ElfKind::Static) else { continue };
        let base = |name: &[u8]| -> Box<[u8]> {
            name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().into()
        };
        let absent: Vec<&[u8]> = facts
            .needed
            .iter()
            .map(|name| &**name)
            .filter(|name| !known.contains(&base(name)))
            .collect();
        // A library for another machine is a part of what is made for that, and no program loads it.
        if facts.kind == ElfKind::Library && absent.iter().any(|name| is_loader(&base(name))) {
            continue;
        }
        let owner =
            scene.filter(|_| !absent.is_empty()).and_then(|scene| owner(scene, installed, path));
        let libraries: Vec<Name> = absent
            .into_iter()
            .filter(|name| {
                owner.is_none_or(|packages| {
                    *listed.entry(base(name)).or_insert_with(|| packages.lists_name(&base(name)))
                })
            })
            .map(Name::new)
            .collect();
        // The kernel starts it by its path, which is that of a link on most systems.
        let has = |path: &[u8]| {
            scene.is_none_or(|scene| scene.image.walk(path, &ImagePath::root()).is_ok())
        };
        let interpreter = facts.interpreter.as_ref().filter(|path| {
            facts.kind == ElfKind::Dynamic
                && path.starts_with(b"/")
                && !has(path)
                && !scene.is_some_and(|scene| is_for_other(scene, path))
        });
        if !libraries.is_empty() || interpreter.is_some() {
            let lost = by_node.entry(need.node).or_default();
            lost.files.push(path.clone());
            lost.libraries.extend(libraries);
            lost.interpreters.extend(interpreter.map(Name::new));
        }
    }
    let warning = |(node, lost): (NodeId, Lost)| {
        let libraries: Vec<Name> = lost.libraries.into_iter().collect();
        let names = libraries.iter().cloned().chain(lost.interpreters).collect();
        ResolveError::UnloadedNeedsMore { node, files: lost.files, names, libraries }
    };
    by_node.into_iter().map(warning).collect()
}

/// Tells whether a program with this interpreter is for a machine that none of the image's programs is for,
/// such as one which they emulate: they start it by other means.
fn is_for_other(scene: &Scene<'_>, interpreter: &[u8]) -> bool {
    let starts = |machine| scene.runs.iter().any(|run| run.trace.main.elf.machine.starts(machine));
    machine_of(interpreter).is_some_and(|machine| !starts(machine))
}

/// Tells whether a library is a loader of glibc, by its name: `ld-linux-armhf.so.3`, `ld64.so.1`, `ld.so.1`.
fn is_loader(name: &[u8]) -> bool {
    let rest = name.strip_prefix(b"ld").unwrap_or_default();
    let rest = rest.strip_prefix(b"64").unwrap_or(rest);
    rest.starts_with(b".so.")
        || rest.starts_with(b"-linux") && rest.windows(4).any(|part| part == b".so.")
}

/// Returns the packages of the source that a file is from, if one of them lists it.
fn owner<'i>(
    scene: &Scene<'_>,
    installed: &'i Installed<'_>,
    path: &ImagePath,
) -> Option<&'i Packages<'i>> {
    let (packages, real) = installed.around(scene.surroundings.roots, path.as_bytes())?;
    packages.is_owned(real.as_bytes()).then_some(packages)
}
