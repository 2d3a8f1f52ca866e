//! Source trees, walked as the kernel of a running image would walk them.
//!
//! A path of a source is never given to the machine whole: the machine would follow an absolute
//! link to its own files. [`Roots::walk`] goes component by component instead, stays below the
//! source's base, and reports every link and directory that it passed, since the image must hold
//! them too (`path_resolution(7)`).
//!
//! All that was looked at is remembered, found or absent: a prefix that is walked again costs no
//! system call, and one run sees one state of each path.

mod walker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imgc_planner::recipe::ImagePath;

use crate::host::{Errno, FileType, Host, HostFile, HostPath, Stat};
use walker::Walker;

/// One tree that files are taken from: a host, and the directory of it that is the tree's `/`.
#[derive(Clone)]
pub struct Root {
    host: Arc<dyn Host>,
    base: HostPath,
    beneath: bool,
}

impl Root {
    /// Returns a root file system: an absolute link starts again at `base`, and `..` stays there.
    #[must_use]
    pub fn new(host: Arc<dyn Host>, base: HostPath) -> Self {
        Self { host, base, beneath: false }
    }

    /// Returns a tree that is no root file system, as a project is none: a link out of it, which
    /// is any absolute one, is `EXDEV` (as `RESOLVE_BENEATH` of `openat2(2)` has it).
    #[must_use]
    pub fn beneath(host: Arc<dyn Host>, base: HostPath) -> Self {
        Self { host, base, beneath: true }
    }

    /// Returns the host that holds the tree.
    #[must_use]
    pub fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }

    /// Returns the directory of the host that is the tree's `/`.
    pub(crate) fn base(&self) -> &HostPath {
        &self.base
    }

    /// Tells whether another root is the same directory of the same host.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.host, &other.host) && self.base == other.base
    }

    /// Returns where on the host a path of the tree stands. Only the real path of a [`Walk`] is
    /// sure to lie in the tree.
    #[must_use]
    pub fn host_path(&self, real: &ImagePath) -> HostPath {
        self.base.join(real.as_bytes())
    }
}

/// Trees that are searched as an overlay, like the layers of an image: directories are merged, of
/// anything else the first tree that has a path wins.
///
/// A link of one tree may so lead to a file of another, as it will in the image.
pub struct Roots {
    roots: Vec<Root>,
    walker: Mutex<Walker>,
}

/// A path that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The path without any link, below the root of its source.
    pub real: ImagePath,
    /// What stands there; never a link.
    pub stat: Stat,
    /// The first of the roots that it is in, counted from 0.
    pub source: usize,
    /// What was passed on the way, in order: without `/`, and without `real` itself.
    pub trail: Vec<Step>,
}

/// One component that a walk passed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A symbolic link that was followed.
    Link {
        /// Where it stands; the directories above it are real.
        at: ImagePath,
        /// Its text.
        target: Box<[u8]>,
    },
    /// A directory that was passed, be it only to come back by `..`.
    Directory(ImagePath),
}

/// A path that was not found in any root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkError {
    /// What the kernel would say.
    pub errno: Errno,
    /// The path, real up to its last component, at which the walk ended: what is absent, is no
    /// directory, or is one link too many.
    pub at: ImagePath,
    /// What was passed before.
    pub trail: Vec<Step>,
}

impl Roots {
    /// Returns an overlay of `roots`, the one that is searched first in front.
    #[must_use]
    pub fn new(roots: Vec<Root>) -> Self {
        Self { roots, walker: Mutex::new(Walker::new()) }
    }

    /// Returns the roots in the order in which they are searched.
    #[must_use]
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Goes to what `path` names, following every link. A relative path starts at `cwd`.
    ///
    /// `path` is what a program would pass to `open(2)`: any bytes.
    ///
    /// # Errors
    /// The kernel's: `ENOENT`, `ENOTDIR`, `ELOOP` after 40 links, `ENAMETOOLONG`, `EACCES`, and
    /// what the host reports. A name that no image can hold (`.wh.x`) is absent.
    pub fn walk(&self, path: &[u8], cwd: &ImagePath) -> Result<Walk, WalkError> {
        self.walker().walk(&self.roots, path, cwd)
    }

    /// Opens the file that a walk ended at.
    ///
    /// # Errors
    /// The host's; `EISDIR` and `ENXIO` for what is no regular file, without opening it; `ESTALE`
    /// if another file stands there by now.
    ///
    /// # Panics
    /// When the walk is that of other roots.
    pub fn open(&self, walk: &Walk) -> Result<Box<dyn HostFile>, Errno> {
        match walk.stat.file_type {
            FileType::Regular => {}
            FileType::Directory => return Err(Errno::ISDIR),
            FileType::Symlink => return Err(Errno::LOOP),
            FileType::Special => return Err(Errno::NXIO),
        }
        let root = &self.roots[walk.source];
        let file = root.host.open(&root.host_path(&walk.real))?;
        if file.opened().id != walk.stat.id {
            return Err(Errno::STALE);
        }
        Ok(file)
    }

    /// Returns the first bytes of the file that a walk ended at, at most `limit`.
    ///
    /// # Errors
    /// As [`open`](Self::open), and the host's.
    ///
    /// # Panics
    /// When the walk is that of other roots.
    pub(crate) fn read_start(&self, walk: &Walk, limit: usize) -> Result<Vec<u8>, Errno> {
        let mut start = vec![0; limit];
        let count = self.open(walk)?.read_at(&mut start, 0)?;
        start.truncate(count);
        Ok(start)
    }

    /// Tells whether the file that a walk ended at has capabilities (`security.capability`).
    ///
    /// # Panics
    /// When the walk is that of other roots.
    #[must_use]
    pub fn has_capabilities(&self, walk: &Walk) -> bool {
        self.roots[walk.source].host.has_capabilities(&self.host_path(walk))
    }

    /// Returns the names in the directory that a walk ended at, those of all trees that have it,
    /// sorted by bytes.
    ///
    /// # Errors
    /// The host's.
    ///
    /// # Panics
    /// When the walk is that of other roots.
    pub fn read_dir(&self, walk: &Walk) -> Result<Vec<Vec<u8>>, Errno> {
        let layers = self.walker().layers(&self.roots, walk)?;
        let mut names = Vec::new();
        for source in layers {
            let root = &self.roots[source];
            names.extend(root.host.read_dir(&root.host_path(&walk.real))?);
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Returns where on its host the end of a walk stands.
    ///
    /// # Panics
    /// When the walk is that of other roots.
    #[must_use]
    pub fn host_path(&self, walk: &Walk) -> HostPath {
        self.roots[walk.source].host_path(&walk.real)
    }

    fn walker(&self) -> MutexGuard<'_, Walker> {
        // A panic elsewhere leaves a memory that is short of places, never one that is wrong.
        self.walker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
