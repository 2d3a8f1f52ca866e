//! Files that no program of the recipe loads, and that need more than the image has: what `tree` and
//! `file` have put there, such as the modules of a language.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{Digest, ElfKind, Found, NodeId, Reason};

use super::Evidence;
use super::scene::{Scene, digest};
use crate::error::{Name, ResolveError};
use crate::glob::glob;
use crate::packages::Installed;

/// Where libraries lie (`ld.so(8)`, "DESCRIPTION"; Debian's multiarch).
const DIRECTORIES: &[&str] = &[
    "/usr/lib",
    "/usr/lib/*",
    "/usr/lib/*/*",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib/*",
    "/lib",
    "/lib/*",
    "/lib64",
    "/opt/*/lib",
];

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
    let mut by_node: BTreeMap<NodeId, (Vec<ImagePath>, BTreeSet<Name>)> = BTreeMap::new();
    for (path, found) in entries {
        if loaded.contains(path) {
            continue;
        }
        let Some(read) = digest(entries, path).and_then(|digest| evidence.get(&digest)) else {
            continue;
        };
        let facts = &read.facts;
        if facts.kind == ElfKind::Static {
            continue;
        }
        let base = |name: &[u8]| -> Box<[u8]> {
            name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().into()
        };
        let is_lost = |name: &[u8]| {
            scene.is_some_and(|scene| !is_there(scene, name) && is_owned(scene, installed, path))
        };
        let absent = facts.needed.iter().filter(|name| !known.contains(&base(name)));
        let absent = absent.filter(|name| !is_lost(&base(name)));
        // The kernel starts it by its path, which is that of a link on most systems.
        let has = |path: &[u8]| {
            scene.is_some_and(|scene| scene.image.walk(path, &ImagePath::root()).is_ok())
        };
        let interpreter = facts
            .interpreter
            .as_ref()
            .filter(|path| facts.kind == ElfKind::Dynamic && path.starts_with(b"/") && !has(path));
        let absent: Vec<Name> = absent.chain(interpreter).map(Name::new).collect();
        let placed =
            found.needs.iter().find(|need| matches!(need.reason, Reason::Asked | Reason::Matched));
        if let (false, Some(need)) = (absent.is_empty(), placed) {
            let (files, names) = by_node.entry(need.node).or_default();
            files.push(path.clone());
            names.extend(absent);
        }
    }
    let warning = |(node, (files, names)): (NodeId, (Vec<ImagePath>, BTreeSet<Name>))| {
        let names = names.into_iter().collect();
        ResolveError::UnloadedNeedsMore { node, files, names }
    };
    by_node.into_iter().map(warning).collect()
}

/// Tells whether the sources have a library where loaders look by default, or beside others.
fn is_there(scene: &Scene<'_>, name: &[u8]) -> bool {
    let roots = scene.surroundings.roots;
    DIRECTORIES
        .iter()
        .any(|directory| !glob(roots, &[directory.as_bytes(), b"/", name].concat()).is_empty())
}

/// Tells whether a file is from a package of the sources.
fn is_owned(scene: &Scene<'_>, installed: &Installed<'_>, path: &ImagePath) -> bool {
    let roots = scene.surroundings.roots;
    let walk = roots.walk(path.as_bytes(), &ImagePath::root()).ok();
    walk.is_some_and(|walk| {
        let packages = installed.packages(&roots.roots()[walk.source]);
        packages.is_owned(walk.real.as_bytes())
    })
}
