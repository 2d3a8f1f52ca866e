//! The one door to the machine: what the resolver reads, it reads through [`Host`].
//!
//! There are two implementations: `Machine`, the real one, and `Memory`, a tree in memory, for
//! tests and for the image's own tree. Both only read.

use std::fmt::{self, Debug, Display, Formatter};

use imgc_planner::Digest;
use imgc_planner::recipe::Printable;

/// An error number of Linux, as its name is written in `errno(3)`. It is part of the contract: a
/// loader goes on after `ENOENT` and stops a search after `ELOOP`.
pub type Errno = rustix::io::Errno;

/// A path on the machine that builds, absolute, in bytes. It never reaches anything that is hashed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPath(Box<[u8]>);

impl HostPath {
    /// Wraps an absolute path.
    ///
    /// # Panics
    /// When `bytes` does not start with `/`: the session makes paths absolute.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        assert!(bytes.first() == Some(&b'/'), "host paths are absolute");
        Self(bytes.into())
    }

    /// Returns this path with `below` behind it, with one slash between them.
    #[must_use]
    pub fn join(&self, below: &[u8]) -> Self {
        let base = self.0.strip_suffix(b"/").unwrap_or(&self.0);
        let below = below.strip_prefix(b"/").unwrap_or(below);
        Self([base, b"/", below].concat().into())
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the path with everything escaped that could steer a terminal.
impl Display for HostPath {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&Printable::new(&self.0), formatter)
    }
}

impl Debug for HostPath {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, fifo or socket.
    Special,
}

/// Which file of a machine something is: equal numbers, the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The file system.
    pub device: u64,
    /// The inode in it.
    pub inode: u64,
}

/// What `lstat(2)` says about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub file_type: FileType,
    /// Which file it is.
    pub id: FileId,
    /// Size in bytes; meaningful for regular files and links.
    pub size: u64,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u16,
    /// Time of the last change of the content, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// Time of the last change of the inode, in nanoseconds since 1970.
    pub ctime_ns: i128,
}

/// What reading a file as a whole says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// The hash of its bytes.
    pub digest: Digest,
    /// Whether it starts as ELF files do.
    pub is_elf: bool,
}

/// A machine's file system. Paths are taken as they are: `lstat` and `open` do not follow a link in
/// the last component; links before it are the caller's business (see `Root`).
pub trait Host: Send + Sync {
    /// Says what stands at `path`.
    ///
    /// # Errors
    /// The kernel's.
    fn lstat(&self, path: &HostPath) -> Result<Stat, Errno>;

    /// Returns the target of the link at `path`.
    ///
    /// # Errors
    /// The kernel's; `EINVAL` if it is no link.
    fn read_link(&self, path: &HostPath) -> Result<Vec<u8>, Errno>;

    /// Returns the names in the directory at `path`, sorted by bytes, without `.` and `..`.
    ///
    /// # Errors
    /// The kernel's.
    fn read_dir(&self, path: &HostPath) -> Result<Vec<Vec<u8>>, Errno>;

    /// Opens the regular file at `path`. Never blocks and never gives anything else. The caller
    /// has seen by `lstat` that a regular file stands there: opening a device may change it.
    ///
    /// # Errors
    /// The kernel's; `ELOOP` for a link, `EISDIR` for a directory, `ENXIO` for a device, fifo or
    /// socket.
    fn open(&self, path: &HostPath) -> Result<Box<dyn HostFile>, Errno>;

    /// Tells whether a file has capabilities (`security.capability`, `capabilities(7)`). A host that
    /// keeps none says no.
    fn has_capabilities(&self, _path: &HostPath) -> bool {
        false
    }

    /// Returns what is known of the content of a file that this host says this of; nothing if it has
    /// to be read.
    fn recall(&self, _stat: &Stat) -> Option<Hashed> {
        None
    }

    /// Takes note of a file's content, which was read whole.
    fn learn(&self, _stat: &Stat, _hashed: Hashed) {}
}

/// An open regular file.
pub trait HostFile: Send + Sync {
    /// Returns what the file was when it was opened.
    fn opened(&self) -> Stat;

    /// Says what the open file is now.
    ///
    /// # Errors
    /// The kernel's.
    fn stat(&self) -> Result<Stat, Errno>;

    /// Reads at `offset` (bytes) until `buffer` is full or the file ends; returns how many bytes.
    ///
    /// # Errors
    /// The kernel's. An interrupted call is made again.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno>;
}
