//! `tree`: a directory with all below it.

use std::sync::Arc;

use imgc_planner::node::{Attributes, Tree};
use imgc_planner::recipe::ImagePath;
use imgc_planner::{NodeId, Reason};
use rayon::prelude::*;

use crate::contents::FileRef;
use crate::draft::{DraftContent, Drafts};
use crate::error::{Name, ResolveError};
use crate::host::{Errno, FileType, Host, HostPath, Stat};
use crate::pattern::Exclude;
use crate::places::{kind, unreadable};
use crate::root::{Root, Walk};

/// A tree that is being gathered. What it holds is read from its host without the memory of a
/// `Roots`: it may be large, and nothing in it is walked twice.
struct Gathering<'a> {
    node: NodeId,
    tree: &'a Tree,
    root: &'a Root,
    excludes: Vec<Exclude>,
    limit: usize,
    /// How many drafts there were before.
    start: usize,
    drafts: &'a mut Drafts,
}

/// Adds the directory at the end of `walk` and all below it, as `to` and below. Links are kept as
/// they are. Stops when there are more than `limit`.
pub(crate) fn gather(
    node: NodeId,
    tree: &Tree,
    root: &Root,
    walk: &Walk,
    to: &ImagePath,
    limit: usize,
    drafts: &mut Drafts,
) {
    let host_path = root.host_path(&walk.real);
    if walk.stat.file_type != FileType::Directory {
        let path = Name::new(host_path.as_bytes());
        let found = kind(walk.stat.file_type);
        drafts.problems.push(ResolveError::TreeIsNoDirectory { node, path, found });
        return;
    }
    let mut excludes = Vec::new();
    for pattern in &tree.exclude {
        match Exclude::parse(pattern) {
            Ok(exclude) => excludes.push(exclude),
            Err(problem) => drafts.problems.push(ResolveError::ExcludeIsNoPattern {
                node,
                pattern: Name::new(pattern),
                problem,
            }),
        }
    }
    if excludes.len() < tree.exclude.len() {
        return;
    }
    let attributes = Attributes { mode: None, ..tree.attributes };
    if !to.is_root() {
        drafts.add(node, Reason::Asked, to.clone(), DraftContent::Directory, attributes);
    }
    let start = drafts.drafts.len();
    Gathering { node, tree, root, excludes, limit, start, drafts }.run(host_path, to.clone());
}

impl Gathering<'_> {
    fn run(mut self, host_path: HostPath, to: ImagePath) {
        // Level by level, and the directories of a level side by side; what comes of them is put
        // together in their order. Names are those below the tree's top.
        let mut level: Vec<(HostPath, ImagePath, Vec<Vec<u8>>)> = vec![(host_path, to, Vec::new())];
        while !level.is_empty() {
            let host = self.root.host();
            let listings: Vec<_> = level.par_iter().map(|(path, ..)| list(host, path)).collect();
            let mut below = Vec::new();
            for ((host_path, to, above), listing) in level.into_iter().zip(listings) {
                let names = match listing {
                    Ok(names) => names,
                    Err(errno) => {
                        self.fail_to("list", &host_path, errno);
                        continue;
                    }
                };
                for (name, stat) in names {
                    if self.drafts.drafts.len() > self.start + self.limit {
                        return;
                    }
                    let mut relative = above.clone();
                    relative.push(name.clone());
                    if self.one(host_path.join(&name), stat, &to, &name, &relative)
                        && let Ok(path) = to.join(&name)
                    {
                        below.push((host_path.join(&name), path, relative));
                    }
                }
            }
            level = below;
        }
    }

    /// Adds one name; returns whether it is a directory whose names are to be added too.
    fn one(
        &mut self,
        host_path: HostPath,
        stat: Result<Stat, Errno>,
        directory: &ImagePath,
        name: &[u8],
        relative: &[Vec<u8>],
    ) -> bool {
        let stat = match stat {
            Ok(stat) => stat,
            Err(errno) => {
                self.fail_to("look at", &host_path, errno);
                return false;
            }
        };
        let is_directory = stat.file_type == FileType::Directory;
        let names: Vec<&[u8]> = relative.iter().map(Vec::as_slice).collect();
        if self.excludes.iter().any(|exclude| exclude.matches(&names, is_directory)) {
            return false;
        }
        let node = self.node;
        let path = match directory.join(name) {
            Ok(path) => path,
            Err(problem) => {
                self.drafts.problems.push(ResolveError::NameIsImpossible {
                    node,
                    directory: directory.clone(),
                    name: Name::new(name),
                    problem,
                });
                return false;
            }
        };
        let (content, attributes) = match stat.file_type {
            FileType::Directory => {
                (DraftContent::Directory, Attributes { mode: None, ..self.tree.attributes })
            }
            FileType::Regular => {
                let executable = stat.mode & 0o111 != 0;
                let attributes = if executable {
                    Attributes { mode: None, ..self.tree.attributes }
                } else {
                    self.tree.attributes
                };
                let host = Arc::clone(self.root.host());
                let file = FileRef { host, path: host_path, stat };
                (DraftContent::File { file, program: false, loaded: false }, attributes)
            }
            FileType::Symlink => {
                let target = match self.root.host().read_link(&host_path) {
                    Ok(target) => target,
                    Err(errno) => {
                        self.fail_to("read the link", &host_path, errno);
                        return false;
                    }
                };
                if climbs_out(directory, &target) {
                    let target = Name::new(target);
                    self.drafts.problems.push(ResolveError::LinkLeavesImage { node, path, target });
                    return false;
                }
                let attributes = Attributes { mode: None, ..self.tree.attributes };
                (DraftContent::Link(target.into()), attributes)
            }
            FileType::Special => {
                self.drafts.problems.push(ResolveError::NotAFile {
                    node,
                    path: Name::new(host_path.as_bytes()),
                    found: kind(stat.file_type),
                });
                return false;
            }
        };
        self.drafts.add(node, Reason::Matched, path, content, attributes);
        is_directory
    }

    fn fail_to(&mut self, doing: &'static str, host_path: &HostPath, errno: Errno) {
        let problem = match errno {
            Errno::NOENT | Errno::NOTDIR => {
                unreadable(self.node, host_path, crate::contents::ReadProblem::Changed)
            }
            errno => {
                let path = Name::new(host_path.as_bytes());
                ResolveError::Unreadable { node: self.node, path, doing, errno }
            }
        };
        self.drafts.problems.push(problem);
    }
}

/// A name in a directory, and what stands there.
type Listed = (Vec<u8>, Result<Stat, Errno>);

/// Lists a directory, and looks at all that is in it.
fn list(host: &Arc<dyn Host>, directory: &HostPath) -> Result<Vec<Listed>, Errno> {
    let look = |name: Vec<u8>| {
        let stat = host.lstat(&directory.join(&name));
        (name, stat)
    };
    Ok(host.read_dir(directory)?.into_iter().map(look).collect())
}

/// Tells whether a link's `..` go above `/`, counted without looking at other links.
fn climbs_out(directory: &ImagePath, target: &[u8]) -> bool {
    let mut depth = if target.starts_with(b"/") { 0 } else { directory.components().count() };
    for name in target.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}
