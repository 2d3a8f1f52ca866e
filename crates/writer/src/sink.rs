//! Where blobs go: an output directory, an archive, later a registry.

use std::io::Read;

use imgc_planner::BlobDigest;
use sha2::{Digest as _, Sha256};

use crate::error::WriteError;
use crate::image::Descriptor;
use crate::store::blob::StoredBlob;
use crate::store::midstate::Midstate;

/// How much of a blob is copied at a time, in bytes.
const COPY_BYTES: usize = 1 << 20;

/// Takes blobs. What it holds becomes visible elsewhere only by what its owner does afterwards.
pub trait BlobSink: Sync {
    /// Starts a blob whose digest is not known yet. A blob that is dropped before its commit
    /// leaves nothing behind.
    ///
    /// # Errors
    /// When the system refuses.
    fn begin(&self) -> Result<Box<dyn Blob>, WriteError>;

    /// Takes a blob of the store, all of which was checked.
    ///
    /// # Errors
    /// When the system refuses.
    fn adopt(&self, stored: &StoredBlob) -> Result<(), WriteError> {
        let mut blob = self.begin()?;
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            match (&stored.file).read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => blob.append(&buffer[..count])?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(WriteError::io("read a blob of", "the store".as_ref())(source));
                }
            }
        }
        blob.commit(&stored.digest, stored.size)
    }
}

/// A blob that is being written.
pub trait Blob: Send {
    /// Appends all of `bytes`.
    ///
    /// # Errors
    /// When the system refuses.
    fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError>;

    /// Gives the blob its name. A blob of that digest that is there already is as good as this.
    ///
    /// # Errors
    /// When the system refuses.
    fn commit(self: Box<Self>, digest: &BlobDigest, size: u64) -> Result<(), WriteError>;
}

/// Writes a small blob, such as a manifest.
pub(crate) fn put(
    sink: &dyn BlobSink,
    media_type: &'static str,
    bytes: &[u8],
) -> Result<Descriptor, WriteError> {
    let (digest, size) = (BlobDigest::of(bytes), bytes.len() as u64);
    let mut blob = sink.begin()?;
    blob.append(bytes)?;
    blob.commit(&digest, size)?;
    Ok(Descriptor { media_type, digest, size })
}

/// A blob that is hashed while it is written.
pub(crate) struct HashedBlob {
    blob: Box<dyn Blob>,
    hash: Sha256,
    size: u64,
}

impl HashedBlob {
    pub(crate) fn begin(sink: &dyn BlobSink) -> Result<Self, WriteError> {
        Ok(Self { blob: sink.begin()?, hash: Sha256::new(), size: 0 })
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.append_unhashed(bytes)?;
        self.hash.update(bytes);
        Ok(())
    }

    /// Goes on with the hash of what was appended so far, which somebody else knows.
    pub(crate) fn resume(&mut self, hash: Sha256) {
        self.hash = hash;
    }

    /// Returns what the hash has come to so far.
    pub(crate) fn midstate(&self) -> Midstate {
        Midstate::of(&self.hash)
    }

    /// Appends bytes that somebody else hashes.
    pub(crate) fn append_unhashed(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.size += bytes.len() as u64;
        self.blob.append(bytes)
    }

    pub(crate) fn commit(self, media_type: &'static str) -> Result<Descriptor, WriteError> {
        let digest = BlobDigest::new(self.hash.clone().finalize().into());
        self.commit_as(media_type, digest)
    }

    /// Commits a blob whose digest somebody else has found out.
    pub(crate) fn commit_as(
        self,
        media_type: &'static str,
        digest: BlobDigest,
    ) -> Result<Descriptor, WriteError> {
        self.blob.commit(&digest, self.size)?;
        Ok(Descriptor { media_type, digest, size: self.size })
    }
}
