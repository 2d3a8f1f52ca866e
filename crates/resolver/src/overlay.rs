//! The recipe's own files above its sources: what programs see when they look for others.
//!
//! A file that a recipe puts at `/usr/lib/libfoo.so` is found there by a program's loader, before
//! the one that a source has. So the rule for a program that stands elsewhere in the image than in
//! its source is simple: it runs at its new place. What it looks for from there (`$ORIGIN`) is
//! found if the recipe or a source has it there, and missing otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;

use imgc_planner::recipe::{ImagePath, Mode};

use crate::contents::FileRef;
use crate::draft::{Draft, DraftContent};
use crate::host::{FileType, HostPath};
use crate::memory::Memory;
use crate::root::{Root, Roots};

/// A path that the recipe fills, from elsewhere than the same path of a source.
pub(crate) struct Placed {
    path: ImagePath,
    content: DraftContent,
    mode: Option<Mode>,
}

/// Returns what the drafts of nodes and the programs put at paths that they name.
pub(crate) fn placed<'a>(
    drafts: impl Iterator<Item = &'a Draft>,
    programs: impl Iterator<Item = (&'a ImagePath, &'a FileRef, Option<Mode>)>,
) -> Vec<Placed> {
    let named = drafts.filter(|draft| draft.is_named()).map(|draft| Placed {
        path: draft.path.clone(),
        content: draft.content.clone(),
        mode: draft.attributes.mode,
    });
    let programs = programs.map(|(path, file, mode)| Placed {
        path: path.clone(),
        content: DraftContent::File { file: file.clone(), program: true, loaded: false },
        mode,
    });
    named.chain(programs).collect()
}

/// Returns the sources with `placed` above them; nothing if that is nothing.
pub(crate) fn above(placed: &[Placed], sources: &Roots) -> Option<Roots> {
    let mut parents: BTreeMap<ImagePath, ImagePath> = BTreeMap::new();
    let mut tree = Memory::new();
    let mut empty = true;
    for Placed { path, content, mode } in placed {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
        let parent =
            parents.entry(parent.clone()).or_insert_with(|| behind_links(&parent, sources));
        let Ok(path) = parent.join(name) else { continue };
        tree = match content {
            DraftContent::File { file, .. } => {
                // The same file at the same place hides nothing.
                let same = sources.walk(path.as_bytes(), &ImagePath::root()).is_ok_and(|walk| {
                    walk.trail.iter().all(|step| matches!(step, crate::root::Step::Directory(_)))
                        && walk.stat.id == file.stat.id
                        && sources.host_path(&walk) == file.path
                });
                if same {
                    continue;
                }
                let mode = mode.map_or(file.stat.mode, Mode::bits);
                tree.foreign(&path, Arc::clone(&file.host), file.path.clone(), file.stat.size)
                    .mode(&path, mode)
            }
            DraftContent::Text(text) => {
                tree.file(&path, text).mode(&path, mode.map_or(Mode::PLAIN.bits(), Mode::bits))
            }
            DraftContent::Link(target) => tree.link(&path, target),
            DraftContent::Directory => {
                // Where the sources have one, or a link to one, it adds nothing.
                let is_there = sources
                    .walk(path.as_bytes(), &ImagePath::root())
                    .is_ok_and(|walk| walk.stat.file_type == FileType::Directory);
                if is_there {
                    continue;
                }
                tree.directory(&path)
            }
        };
        empty = false;
    }
    if empty {
        return None;
    }
    let mut roots = vec![Root::new(Arc::new(tree), HostPath::new(b"/"))];
    roots.extend_from_slice(sources.roots());
    Some(Roots::new(roots))
}

/// Returns a directory's path behind the links that the sources have on it: a directory of the
/// recipe must not hide a link of theirs, since the image gets the link if anything needs it.
fn behind_links(directory: &ImagePath, sources: &Roots) -> ImagePath {
    let mut here = ImagePath::root();
    for name in directory.components() {
        let Ok(next) = here.join(name) else { return directory.clone() };
        here = match sources.walk(next.as_bytes(), &ImagePath::root()) {
            Ok(walk) if walk.stat.file_type == FileType::Directory => walk.real,
            _ => next,
        };
    }
    here
}
