//! The directory `blobs/sha256` of an output that is being made.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imgc_planner::BlobDigest;
use rustix::fs::AtFlags;
use rustix::io::{Errno, retry_on_intr};

use crate::error::WriteError;
use crate::flush;
use crate::sink::{Blob, BlobSink};
use crate::staging::{self, Staging};
use crate::store::blob::StoredBlob;
use crate::store::duplicate::{self, Original};

/// Takes blobs under temporary names. They get their own when all are there.
pub(crate) struct StagedBlobs(Arc<Shared>);

struct Shared {
    target: PathBuf,
    /// `blobs/sha256`.
    directory: OwnedFd,
    /// `blobs/sha256` of the output that is replaced.
    old: Option<OwnedFd>,
    next: AtomicU64,
    committed: Mutex<Vec<CommittedBlob>>,
}

/// A complete blob.
pub(crate) struct CommittedBlob {
    pub(crate) digest: BlobDigest,
    pub(crate) size: u64,
    /// Open for reading and writing. An error of a late write is reported to this handle alone.
    pub(crate) file: File,
    temporary: OsString,
}

impl StagedBlobs {
    /// Makes `blobs/sha256` in a temporary.
    pub(crate) fn create(staging: &Staging) -> Result<Self, WriteError> {
        let make = |parent: &OwnedFd, name: &str| {
            staging::make_directory(parent, name.as_ref())?;
            let directory = staging::open_directory(parent, name.as_ref(), false)?;
            staging::set_mode(&directory, staging::DIRECTORY_MODE)?;
            Ok::<_, Errno>(directory)
        };
        let directory = make(&staging.directory, "blobs")
            .and_then(|blobs| make(&blobs, "sha256"))
            .map_err(|error| staging.failed("make the directories of", error))?;
        Ok(Self(Arc::new(Shared {
            target: staging.target.clone(),
            directory,
            old: old_blobs(staging),
            next: AtomicU64::new(0),
            committed: Mutex::default(),
        })))
    }

    /// Returns the directory that holds the blobs.
    pub(crate) fn directory(&self) -> &OwnedFd {
        &self.0.directory
    }

    /// Flushes the blobs to the disk together with `others`, if there are any, and gives them their
    /// names.
    ///
    /// The flushes come last and together, when most of the data is on its way already.
    pub(crate) fn settle(&self, others: Option<&[&File]>) -> Result<(), WriteError> {
        let blobs = self.0.committed();
        if let Some(others) = others {
            let own = blobs.iter().map(|blob| &blob.file);
            let files: Vec<&File> = own.chain(others.iter().copied()).collect();
            flush::files(&files).map_err(WriteError::io("flush a file of", &self.0.target))?;
        }
        for blob in blobs.iter() {
            let status = blob.file.metadata();
            let status = status.map_err(WriteError::io("check a blob of", &self.0.target))?;
            if status.len() != blob.size {
                return Err(WriteError::internal(blob.digest, "a blob on disk has another size"));
            }
        }
        let directory = &self.0.directory;
        for blob in blobs.iter() {
            let (from, to) = (&blob.temporary, blob.digest.hex());
            retry_on_intr(|| rustix::fs::renameat(directory, from, directory, &to))
                .map_err(|error| self.0.failed("name a blob of", error))?;
        }
        Ok(())
    }

    /// Calls `act` with a blob that has its name already; nothing if there is none.
    pub(crate) fn with<T>(
        &self,
        digest: BlobDigest,
        name: &OsStr,
        act: impl FnOnce(Original<'_>) -> T,
    ) -> Option<T> {
        let blobs = self.0.committed();
        let blob = blobs.iter().find(|blob| blob.digest == digest)?;
        Some(act(Original { directory: &self.0.directory, name, file: &blob.file }))
    }

    /// Returns the blobs in the order of their digests, each once.
    pub(crate) fn sorted(&self) -> MutexGuard<'_, Vec<CommittedBlob>> {
        let mut blobs = self.0.committed();
        blobs.sort_by_key(|blob| blob.digest);
        blobs
    }
}

/// Opens the blobs of the output that stands at the target, if there are any.
fn old_blobs(staging: &Staging) -> Option<OwnedFd> {
    let open = |parent: &OwnedFd, name: &OsStr| staging::open_directory(parent, name, false).ok();
    let target = open(&staging.parent, &staging.target_name)?;
    open(&open(&target, "blobs".as_ref())?, "sha256".as_ref())
}

impl Shared {
    /// Makes a new file for a blob, and returns its name.
    fn create(&self) -> Result<(OsString, File), WriteError> {
        let name = self.temporary();
        let file = staging::create_file(&self.directory, &name)
            .map_err(|error| self.failed("make a blob of", error))?;
        Ok((name, file))
    }

    fn temporary(&self) -> OsString {
        format!(".imgc-tmp.{}", self.next.fetch_add(1, Ordering::Relaxed)).into()
    }

    /// Gives a stored blob a name here, if that would be the only one outside the store, now or as
    /// soon as the old output is gone.
    fn link(&self, stored: &StoredBlob) -> io::Result<Option<(OsString, File)>> {
        let status = stored.file.metadata()?;
        let is_in_old = || {
            let (old, name) = (self.old.as_ref()?, stored.digest.hex());
            let named = rustix::fs::statat(old, &name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            Some((named.st_dev, named.st_ino) == (status.dev(), status.ino()))
        };
        let may = status.nlink() == 1 || (status.nlink() == 2 && is_in_old() == Some(true));
        let name = self.temporary();
        if may && stored.original().link(&self.directory, &name)? {
            return Ok(Some((name, stored.file.try_clone()?)));
        }
        Ok(None)
    }

    fn committed(&self) -> MutexGuard<'_, Vec<CommittedBlob>> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, action: &'static str, error: Errno) -> WriteError {
        WriteError::io(action, &self.target)(error.into())
    }
}

impl BlobSink for StagedBlobs {
    fn begin(&self) -> Result<Box<dyn Blob>, WriteError> {
        let (temporary, file) = self.0.create()?;
        let shared = Arc::clone(&self.0);
        Ok(Box::new(StagedBlob { shared, temporary, file: Some(file) }))
    }

    fn adopt(&self, stored: &StoredBlob) -> Result<(), WriteError> {
        let failed = |source| WriteError::io("write a blob of", &self.0.target)(source);
        let blob = match self.0.link(stored).map_err(failed)? {
            Some((temporary, file)) => {
                StagedBlob { shared: Arc::clone(&self.0), temporary, file: Some(file) }
            }
            None => {
                let (temporary, file) = self.0.create()?;
                let size = duplicate::copy(&stored.file, &file).map_err(failed)?;
                let shared = Arc::clone(&self.0);
                let blob = StagedBlob { shared, temporary, file: Some(file) };
                if size != stored.size {
                    return Err(WriteError::internal(stored.digest, "a stored blob changed"));
                }
                blob
            }
        };
        Box::new(blob).commit(&stored.digest, stored.size)
    }
}

struct StagedBlob {
    shared: Arc<Shared>,
    temporary: OsString,
    /// There until the blob is committed.
    file: Option<File>,
}

impl Blob for StagedBlob {
    fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let file = self.file.as_mut().expect("a blob that is written is not committed yet");
        file.write_all(bytes).map_err(WriteError::io("write a blob of", &self.shared.target))
    }

    fn commit(mut self: Box<Self>, digest: &BlobDigest, size: u64) -> Result<(), WriteError> {
        let mut committed = self.shared.committed();
        if committed.iter().any(|blob| blob.digest == *digest) {
            drop(committed);
            return Ok(());
        }
        let file = self.file.take().expect("a blob is committed once");
        let temporary = std::mem::take(&mut self.temporary);
        committed.push(CommittedBlob { digest: *digest, size, file, temporary });
        Ok(())
    }
}

impl Drop for StagedBlob {
    fn drop(&mut self) {
        if self.file.is_some() {
            let (directory, name) = (&self.shared.directory, &self.temporary);
            // If it stays, it goes with the whole temporary, unless the rest is published: a blob
            // is given up only together with the rest, or when there is one like it.
            let _ = retry_on_intr(|| rustix::fs::unlinkat(directory, name, AtFlags::empty()));
        }
    }
}
