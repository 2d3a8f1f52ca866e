//! The store: what builds keep for the next ones. Whatever is in it can be made again, and nothing
//! of it is used before it was checked in the same run; so it may be removed, damaged or cut off at
//! any moment, and no digest changes.
//!
//! ```text
//! STORE/store-1/blobs/HEX      layers' blobs, by their SHA-256
//! STORE/store-1/layers/HEX     a record for each LayerKey: what the layer came to, and its chunks
//! STORE/store-1/receipts/HEX   a record for each build: what it looked at, and what came of it
//! STORE/store-1/memory/NAME    records of what was found out about files
//! ```
//!
//! All is in a directory of a name of its own, so that a store may be put into one that holds
//! something else, and nothing of that is ever touched.
//!
//! There is no lock on the whole. A file appears under its name complete and flushed, and is never
//! written again; who finds one that is not what it should be, or none, does without and puts it
//! there anew. So builds and the collector (`collect.rs`) need not know of each other. Files under
//! temporary names are locked by the processes that write them, and a lock dies with its holder.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::error::WriteError;
use crate::staging;

pub(crate) mod blob;
pub(crate) mod chunks;
mod collect;
pub(crate) mod duplicate;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod key;
pub(crate) mod layer_record;
pub(crate) mod midstate;
pub(crate) mod shelf;
mod survey;
mod temporary;
#[cfg(test)]
mod tests;

pub use collect::{CollectRoot, StoredReceipt};
pub use envelope::{NewRecord, RecordKind};
pub use error::{CODES as STORE_CODES, StoreError};
pub use survey::{Amount, Amounts};

/// The directory that holds everything. Another layout gets another name.
const INNER: &str = "store-1";

/// The mode of each directory of the store: it is its owner's alone.
const DIRECTORY_MODE: u16 = 0o700;

/// The directories of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Room {
    Blobs,
    Layers,
    Receipts,
    Memory,
}

impl Room {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Blobs, Self::Layers, Self::Receipts, Self::Memory];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Layers => "layers",
            Self::Receipts => "receipts",
            Self::Memory => "memory",
        }
    }
}

/// An open store. All that it holds is taken relative to the open directory: who moves another
/// store to its place meanwhile changes nothing for this run.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    root: OwnedFd,
    /// The first thing that could not be kept.
    trouble: Mutex<Option<WriteError>>,
}

impl Store {
    /// Opens the store at an absolute path, and makes it if there is none.
    ///
    /// # Errors
    /// When it belongs to another user, others may write to it, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match Self::open_existing(path)? {
            Some(store) => Ok(store),
            None => {
                let unusable = |error: Errno| StoreError::unusable(path, error.into());
                make_path(&path.join(INNER)).map_err(unusable)?;
                let absent = StoreError::unusable(path, std::io::ErrorKind::NotFound.into());
                Self::open_existing(path)?.ok_or(absent)
            }
        }
    }

    /// Opens the store at an absolute path; nothing if there is none.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_existing(path: &Path) -> Result<Option<Self>, StoreError> {
        let unusable = |error: Errno| StoreError::unusable(path, error.into());
        let outer = match staging::open_directory(rustix::fs::CWD, path.as_os_str(), true) {
            Ok(outer) => outer,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(unusable(error)),
        };
        check_owner(&outer, path)?;
        let root = match staging::open_directory(&outer, INNER.as_ref(), false) {
            Ok(root) => root,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(unusable(error)),
        };
        check_owner(&root, &path.join(INNER))?;
        Ok(Some(Self { path: path.to_owned(), root, trouble: Mutex::default() }))
    }

    /// Returns where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the first thing that could not be kept since the last call. A build does without:
    /// what it could not keep is made again next time.
    pub fn trouble(&self) -> Option<WriteError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes note of something that could not be kept.
    pub(crate) fn note<T>(&self, result: Result<T, WriteError>) -> Option<T> {
        match result {
            Ok(kept) => Some(kept),
            Err(error) => {
                let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                trouble.get_or_insert(error);
                None
            }
        }
    }

    /// Opens a directory of the store; nothing if it is not there, or is none.
    pub(crate) fn room(&self, room: Room) -> Option<OwnedFd> {
        staging::open_directory(&self.root, room.name().as_ref(), false).ok()
    }

    /// Opens a directory of the store to put something into it, and makes it if it is not there.
    pub(crate) fn room_to_fill(&self, room: Room) -> Result<OwnedFd, Errno> {
        let name = OsStr::new(room.name());
        match staging::open_directory(&self.root, name, false) {
            Err(Errno::NOENT) => {}
            result => return result,
        }
        match staging::make_directory(&self.root, name) {
            // A directory that a power cut takes away is made again.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        staging::open_directory(&self.root, name, false)
    }

    /// Opens the file of a name; nothing if there is none. What stands there and is none of ours, or
    /// cannot be opened by its owner, is removed.
    fn file(&self, room: Room, name: &OsStr) -> Option<File> {
        let directory = self.room(room)?;
        match open(&directory, name) {
            Ok(file) => {
                if is_ours(&file.metadata().ok()?) {
                    return Some(file);
                }
            }
            Err(Errno::LOOP | Errno::ACCESS | Errno::NXIO) => {}
            Err(_) => return None,
        }
        self.discard(room, name);
        None
    }

    /// Removes what was found to be damaged. If it stays, it is found again.
    pub(crate) fn discard(&self, room: Room, name: &OsStr) {
        if let Some(directory) = self.room(room) {
            let _ = staging::remove_tree(&directory, name);
        }
    }

    fn failed(&self, action: &'static str, error: Errno) -> WriteError {
        WriteError::io(action, &self.path)(error.into())
    }
}

/// Checks that a directory is its user's alone.
fn check_owner(directory: &OwnedFd, path: &Path) -> Result<(), StoreError> {
    let stat = retry_on_intr(|| rustix::fs::fstat(directory))
        .map_err(|error| StoreError::unusable(path, error.into()))?;
    let why = if stat.st_uid != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if stat.st_mode & 0o022 != 0 {
        "can be written to by others"
    } else {
        return Ok(());
    };
    Err(StoreError::Foreign { path: path.to_owned(), why })
}

/// Opens what stands at a name, without waiting for anybody.
fn open(directory: &OwnedFd, name: &OsStr) -> Result<File, Errno> {
    // NONBLOCK: a fifo without a writer would wait for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    retry_on_intr(|| rustix::fs::openat(directory, name, flags, Mode::empty())).map(File::from)
}

/// Tells whether a file has the type, mode and owner that those of the store have: what an output
/// gets by a hard link is the same as what is written into it.
pub(crate) fn is_ours(status: &Metadata) -> bool {
    status.is_file()
        && status.mode() & 0o7777 == u32::from(staging::FILE_MODE)
        && status.uid() == rustix::process::geteuid().as_raw()
}

/// Makes a directory with those above it, each its maker's alone, as the XDG base directory
/// specification wants it of `$XDG_CACHE_HOME`.
fn make_path(path: &Path) -> Result<(), Errno> {
    let mut missing: Vec<&Path> = Vec::new();
    for above in path.ancestors() {
        match retry_on_intr(|| rustix::fs::stat(above)) {
            Ok(_) => break,
            Err(Errno::NOENT) => missing.push(above),
            Err(error) => return Err(error),
        }
    }
    for directory in missing.into_iter().rev() {
        let mode = Mode::from_raw_mode(DIRECTORY_MODE.into());
        match retry_on_intr(|| rustix::fs::mkdir(directory, mode)) {
            // Another build makes the same store.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
