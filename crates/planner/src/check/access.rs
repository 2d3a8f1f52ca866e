//! The image's user may write where its program works, and read what the recipe put there.

use std::collections::HashMap;

use imgc_parser::ImagePath;

use crate::check::Finding;
use crate::check::scene::Scene;
use crate::closure::Reason;
use crate::digest::NodeId;
use crate::origin::Setting;
use crate::spec::{Entry, EntryKind, ImageSpec};

/// Bits of one class of users (`inode(7)`).
const READ: u16 = 0o4;
const WRITE: u16 = 0o2;
const SEARCH: u16 = 0o1;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = places(scene);
    findings.extend(unreadable(scene));
    findings
}

/// Reports a working directory that the recipe names, and volumes, that the user may not write.
/// Those that nothing else puts there belong to the user.
fn places(scene: &Scene<'_>) -> Vec<Finding> {
    let config = &scene.spec.config;
    let volumes = config.volumes.iter().map(|path| ("volume", path, Setting::Volume(path.clone())));
    let workdir = ("working directory", &config.workdir, Setting::Workdir);
    let asked = volumes.chain([workdir]).filter(|(_, path, _)| scene.is_asked(path));
    asked
        .filter_map(|(what, path, setting)| {
            let (_, entry) = scene.tree.resolve(path.as_bytes(), &ImagePath::root()).ok()?;
            let entry = entry?;
            let is_volume = what == "volume";
            // Nobody writes into a tree of files that is only looked at from where it stands.
            let is_plain =
                scene.closure.entries.get(path).is_some_and(|found| {
                    found.needs.iter().any(|need| need.reason == Reason::Asked)
                });
            let may = allows(entry, scene.spec, WRITE | SEARCH);
            (!may && (is_volume || is_plain)).then(|| Finding::NotWritable {
                what,
                path: path.clone(),
                setting,
                mode: entry.mode,
                uid: config.uid,
                gid: config.gid,
            })
        })
        .collect()
}

/// Returns the program that the image runs, about which the rule of the entrypoint speaks.
fn program(scene: &Scene<'_>) -> Option<ImagePath> {
    let config = &scene.spec.config;
    let program = config.entrypoint.first().or(config.command.first())?;
    Some(scene.tree.resolve(program.as_bytes(), &config.workdir).ok()?.0)
}

/// Reports, for each node, files that the user may not read, or that stand in a directory that the
/// user may not search.
fn unreadable(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<(NodeId, ImagePath, usize)> = Vec::new();
    let program = program(scene);
    let mut closed = HashMap::new();
    for (path, entry) in scene.tree.entries() {
        let is_file = !matches!(entry.kind, EntryKind::Symlink(_) | EntryKind::Directory);
        if !is_file || program.as_ref() == Some(path) {
            continue;
        }
        // The interpreter of a program is read by the kernel; a program may be executed alone.
        let wanted = if entry.mode.bits() & 0o111 == 0 { READ } else { SEARCH };
        if allows(entry, scene.spec, wanted) && !stands_behind(path, scene, &mut closed) {
            continue;
        }
        let Some(node) = scene.node_of(path) else { continue };
        match found.iter_mut().find(|(known, ..)| *known == node) {
            Some((_, _, more)) => *more += 1,
            None => found.push((node, path.clone(), 0)),
        }
    }
    let (uid, gid) = (scene.spec.config.uid, scene.spec.config.gid);
    let finding = |(node, path, more)| Finding::NotReadable { path, node, more, uid, gid };
    found.into_iter().map(finding).collect()
}

/// Tells whether the user may not search a directory above `path`. What is found out about a
/// directory is kept: most files have neighbours.
fn stands_behind(
    path: &ImagePath,
    scene: &Scene<'_>,
    closed: &mut HashMap<ImagePath, bool>,
) -> bool {
    let Some(above) = path.parent() else { return false };
    if let Some(known) = closed.get(&above) {
        return *known;
    }
    let entry = scene.tree.resolve(above.as_bytes(), &ImagePath::root());
    let own = matches!(entry, Ok((_, Some(entry))) if !allows(entry, scene.spec, SEARCH));
    // No deeper than a path is long.
    let is_closed = own || stands_behind(&above, scene, closed);
    closed.insert(above, is_closed);
    is_closed
}

/// Tells whether the image's user has these rights (`path_resolution(7)`, "Permissions").
pub(super) fn allows(entry: &Entry, spec: &ImageSpec, rights: u16) -> bool {
    let mode = entry.mode.bits();
    let config = &spec.config;
    let granted = if config.uid.number() == 0 {
        // Root may do everything but execute what nobody may.
        return rights & SEARCH == 0
            || matches!(entry.kind, EntryKind::Directory)
            || mode & 0o111 != 0;
    } else if entry.uid == config.uid {
        mode >> 6
    } else if entry.gid == config.gid {
        mode >> 3
    } else {
        mode
    };
    granted & rights == rights
}
