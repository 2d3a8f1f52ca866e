//! Blobs in the store: taken out after a check of every byte, put in when an output has them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;

use imgc_planner::BlobDigest;
use rustix::fs::AtFlags;
use rustix::io::{Errno, retry_on_intr};
use sha2::{Digest as _, Sha256};

use crate::error::WriteError;
use crate::staging;
use crate::store::duplicate::{self, Original};
use crate::store::temporary::Temporary;
use crate::store::{Room, Store};

/// How much of a blob is in memory at a time, in bytes.
const BUFFER_BYTES: usize = 1 << 20;

/// A blob of the store that was found to be what its name says.
#[derive(Debug)]
pub struct StoredBlob {
    pub(crate) digest: BlobDigest,
    pub(crate) size: u64,
    pub(crate) file: File,
    room: OwnedFd,
    name: OsString,
}

impl StoredBlob {
    pub(crate) fn original(&self) -> Original<'_> {
        Original { directory: &self.room, name: &self.name, file: &self.file }
    }
}

/// Returns the SHA-256 of a file's bytes and how many there are, from the first one on.
pub(crate) fn digest(mut file: &File) -> io::Result<(BlobDigest, u64)> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.rewind()?;
    Ok((BlobDigest::new(hash.finalize().into()), size))
}

impl Store {
    /// Returns a blob of which every byte was read and hashed; nothing if it is not there. One that
    /// is not what its name says is removed.
    pub(crate) fn blob(&self, wanted: BlobDigest, size: u64) -> Option<StoredBlob> {
        let name = OsString::from(wanted.hex());
        let room = self.room(Room::Blobs)?;
        let file = self.file(Room::Blobs, &name)?;
        // What cannot be read now may well be sound.
        if file.metadata().ok()?.len() != size || digest(&file).ok()? != (wanted, size) {
            self.discard(Room::Blobs, &name);
            return None;
        }
        Some(StoredBlob { digest: wanted, size, file, room, name })
    }

    /// Opens a blob whose bytes the caller checks.
    pub(crate) fn unchecked_blob(&self, digest: BlobDigest) -> Option<File> {
        self.file(Room::Blobs, OsStr::new(&digest.hex()))
    }

    /// Keeps a blob that is complete, flushed and has the digest that its name in an output says.
    pub(crate) fn keep_blob(&self, original: Original<'_>, size: u64) -> Result<(), WriteError> {
        let failed = |error: Errno| self.failed("keep a blob in the store", error);
        let room = self.room_to_fill(Room::Blobs).map_err(failed)?;
        let name = original.name;
        match retry_on_intr(|| rustix::fs::statat(&room, name, AtFlags::SYMLINK_NOFOLLOW)) {
            // Found to be sound by this run, or put there by another one since.
            Ok(_) => return Ok(()),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(error)),
        }
        let copied = |error| WriteError::io("keep a blob in the store", self.path())(error);
        let linked = if original.is_single().map_err(copied)? {
            match original.link(&room, name) {
                Err(Errno::EXIST) => true,
                result => result.map_err(failed)?,
            }
        } else {
            false
        };
        if linked {
            return staging::sync_directory(&room).map_err(failed);
        }
        let temporary = Temporary::create(&room).map_err(copied)?;
        duplicate::copy(original.file, &temporary.file).map_err(copied)?;
        // The copy is checked like everything that comes from a disk.
        let found = digest(&temporary.file).map_err(copied)?;
        if (OsStr::new(&found.0.hex()), found.1) != (name, size) {
            return Err(WriteError::internal("the store", "a copied blob has another digest"));
        }
        temporary.commit(name, size).map_err(copied)
    }
}
