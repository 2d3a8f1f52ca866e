//! Where a plan's files come from: its project and its sources, opened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imgc_planner::NodeId;
use imgc_planner::node::{Place, Source};
use imgc_planner::recipe::{From, ImagePath, Platform};

use crate::contents::{FileRef, ReadProblem};
use crate::error::{Name, ResolveError, errno_text};
use crate::host::{Errno, FileType, Host, HostPath, Stat};
use crate::ldconfig;
use crate::memory::Memory;
use crate::query::Query;
use crate::root::{Root, Roots, Walk, WalkError};

/// How many names of a directory are compared with one that is missing; more are not worth it.
const MAX_COMPARED: usize = 10_000;

/// The device of the first search's computed cache; the next ones count down. No file system has
/// such numbers, and loaders tell caches by them.
const FIRST_CACHE_DEVICE: u64 = u64::MAX - 0x1000;

pub(crate) struct Places {
    project: Roots,
    /// By search; none if one of its sources cannot be used, which was reported.
    searches: BTreeMap<NodeId, Option<Vec<Root>>>,
    /// Searches of directories alone, which may never have been configured.
    unpacked: BTreeSet<NodeId>,
    depend_on_platform: bool,
}

impl Places {
    /// Opens what the requests of `query` look at. Without a platform, sources of every platform.
    pub(crate) fn open(
        query: &Query<'_>,
        platform: Option<Platform>,
        project: &HostPath,
        host: &Arc<dyn Host>,
    ) -> (Self, Vec<ResolveError>) {
        let mut problems = Vec::new();
        let project = Roots::new(vec![Root::beneath(Arc::clone(host), project.clone())]);
        let mut opened: BTreeMap<NodeId, Option<Root>> = BTreeMap::new();
        let mut searches = BTreeMap::new();
        let mut unpacked = BTreeSet::new();
        let mut depend_on_platform = false;
        for request in &query.requests {
            let Some((search, _)) = query.search(*request) else { continue };
            if searches.contains_key(&search) {
                continue;
            }
            depend_on_platform |=
                query.sources(search).any(|(_, source)| source.platform.is_some());
            let is_directory = |source: &Source| matches!(source.place, Place::Directory(_));
            if query.sources(search).all(|(_, source)| is_directory(source)) {
                unpacked.insert(search);
            }
            let sources = query.sources(search).filter(|(_, source)| serves(source, platform));
            let roots = sources.map(|(node, source)| {
                opened
                    .entry(node)
                    .or_insert_with(|| match open_source(source, &project, host) {
                        Ok(root) => Some(root),
                        Err((path, found)) => {
                            problems.push(ResolveError::SourceIsNoDirectory { node, path, found });
                            None
                        }
                    })
                    .clone()
            });
            // Collected first: every broken source is reported.
            let roots: Vec<Option<Root>> = roots.collect();
            searches.insert(search, roots.into_iter().collect());
        }
        (Self { project, searches, unpacked, depend_on_platform }, problems)
    }

    pub(crate) fn project(&self) -> &Roots {
        &self.project
    }

    /// Returns the sources of each search, as one tree; not of those with a source that cannot be
    /// used. A tree that was never configured has the cache that `ldconfig` would have made.
    pub(crate) fn overlays(&self) -> BTreeMap<NodeId, Roots> {
        let overlay = |(place, (search, roots)): (usize, (&NodeId, &Option<Vec<Root>>))| {
            let mut roots = roots.clone()?;
            if self.unpacked.contains(search)
                && let Some(cache) = ldconfig::cache(&Roots::new(roots.clone()))
            {
                let tree = Memory::on_device(FIRST_CACHE_DEVICE - place as u64);
                let tree = tree.file("/etc/ld.so.cache", cache);
                roots.push(Root::new(Arc::new(tree), HostPath::new(b"/")));
            }
            Some((*search, Roots::new(roots)))
        };
        self.searches.iter().enumerate().filter_map(overlay).collect()
    }

    /// Tells whether a source serves one platform alone.
    pub(crate) fn depend_on_platform(&self) -> bool {
        self.depend_on_platform
    }
}

fn serves(source: &Source, platform: Option<Platform>) -> bool {
    match (source.platform, platform) {
        (Some(its), Some(wanted)) => {
            its.architecture == wanted.architecture
                && (its.variant.is_none() || its.variant == wanted.variant)
        }
        _ => true,
    }
}

fn open_source(
    source: &Source,
    project: &Roots,
    host: &Arc<dyn Host>,
) -> Result<Root, (Name, Name)> {
    let (shown, base) = match &source.place {
        Place::Host => (Name::new("/"), HostPath::new(b"/")),
        Place::Directory(From::Source(path)) => {
            (Name::new(path.as_bytes()), HostPath::new(path.as_bytes()))
        }
        Place::Directory(From::Project(path)) => {
            let shown = Name::new(path.to_string());
            match project.walk(project_path(path.as_str()).as_bytes(), &ImagePath::root()) {
                Ok(walk) => (shown, project.host_path(&walk)),
                Err(WalkError { errno: Errno::XDEV, .. }) => {
                    return Err((shown, Name::new("leads out of the project by a link")));
                }
                Err(error) => return Err((shown, absent(error.errno))),
            }
        }
    };
    match host.lstat(&base.join(b".")) {
        Ok(Stat { file_type: FileType::Directory, .. }) => Ok(Root::new(Arc::clone(host), base)),
        Ok(_) | Err(Errno::NOTDIR) => Err((shown, Name::new("is no directory"))),
        Err(errno) => Err((shown, absent(errno))),
    }
}

fn absent(errno: Errno) -> Name {
    match errno {
        Errno::NOENT => Name::new("does not exist"),
        other => Name::new(format!("cannot be opened: {}", errno_text(other))),
    }
}

/// Returns a project's path as the project's own root has it.
pub(crate) fn project_path(path: &str) -> String {
    format!("/{path}")
}

/// Goes to what a node takes its files from; the error is the one to report.
pub(crate) fn find(roots: &Roots, node: NodeId, from: &From) -> Result<Walk, ResolveError> {
    let root = ImagePath::root();
    let (path, shown) = match from {
        From::Project(path) => (project_path(path.as_str()).into_bytes(), path.to_string()),
        From::Source(path) => (path.as_bytes().to_vec(), path.to_string()),
    };
    roots.walk(&path, &root).map_err(|error| match error.errno {
        Errno::XDEV => {
            ResolveError::LinkLeavesProject { node, path: Name::new(shown), at: error.at }
        }
        Errno::NOENT | Errno::NOTDIR => ResolveError::FileIsMissing {
            node,
            from: from.clone(),
            nearest: nearest(roots, &error.at),
            at: error.at,
        },
        errno => ResolveError::Unreadable { node, path: Name::new(shown), doing: "find", errno },
    })
}

/// Returns the name beside an absent path that is most like it, if one is like it at all.
pub(crate) fn nearest(roots: &Roots, absent: &ImagePath) -> Option<Name> {
    let name = absent.file_name()?;
    let directory = roots.walk(absent.parent()?.as_bytes(), &ImagePath::root()).ok()?;
    if directory.stat.file_type != FileType::Directory {
        return None;
    }
    let text = String::from_utf8_lossy(name);
    let limit = (text.chars().count() / 3).clamp(1, 3);
    roots
        .read_dir(&directory)
        .ok()?
        .into_iter()
        .take(MAX_COMPARED)
        .map(|other| (strsim::osa_distance(&text, &String::from_utf8_lossy(&other)), other))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, other)| Name::new(other))
}

/// Returns the regular file at the end of a walk.
pub(crate) fn regular(roots: &Roots, node: NodeId, walk: &Walk) -> Result<FileRef, ResolveError> {
    match walk.stat.file_type {
        FileType::Regular => Ok(FileRef {
            host: Arc::clone(roots.roots()[walk.source].host()),
            path: roots.host_path(walk),
            stat: walk.stat,
        }),
        other => Err(ResolveError::NotAFile {
            node,
            path: Name::new(roots.host_path(walk).as_bytes()),
            found: kind(other),
        }),
    }
}

/// Returns the error of a file that was found and could not be read.
pub(crate) fn unreadable(node: NodeId, path: &HostPath, problem: ReadProblem) -> ResolveError {
    match problem {
        ReadProblem::Changed => ResolveError::FileChanged { node, path: path.clone() },
        ReadProblem::Errno(errno) => {
            let path = Name::new(path.as_bytes());
            ResolveError::Unreadable { node, path, doing: "read", errno }
        }
    }
}

pub(crate) fn kind(file_type: FileType) -> &'static str {
    match file_type {
        FileType::Regular => "a regular file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Special => "a device, fifo or socket",
    }
}
