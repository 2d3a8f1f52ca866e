//! Contents and blobs in memory, for tests.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use imgc_planner::{BlobDigest, Digest};

use crate::contents::{Content, Contents};
use crate::error::WriteError;
use crate::sink::{Blob, BlobSink};

/// Contents by their digest, which are read a few bytes at a time if `short_reads` says so.
#[derive(Default)]
pub(crate) struct MemoryContents {
    pub(crate) contents: BTreeMap<Digest, Vec<u8>>,
    pub(crate) short_reads: bool,
}

impl MemoryContents {
    pub(crate) fn add(&mut self, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        self.contents.insert(digest, content.to_vec());
        digest
    }
}

impl Contents for MemoryContents {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Content>> {
        let content = self.contents.get(digest).ok_or(io::ErrorKind::NotFound)?.clone();
        let is_interrupted = Cell::new(false);
        Ok(Box::new(Bytes { content, short_reads: self.short_reads, is_interrupted }))
    }
}

struct Bytes {
    content: Vec<u8>,
    short_reads: bool,
    is_interrupted: Cell<bool>,
}

impl Content for Bytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut length = buffer.len();
        if self.short_reads {
            self.is_interrupted.set(!self.is_interrupted.get());
            if self.is_interrupted.get() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            length = length.min(1 + offset as usize % 4099);
        }
        let rest = self.content.get(offset as usize..).unwrap_or_default();
        let length = length.min(rest.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

type Blobs = Arc<Mutex<BTreeMap<BlobDigest, Vec<u8>>>>;

/// Blobs by their digest, up to a number of bytes if `space` says so.
#[derive(Default)]
pub(crate) struct MemorySink {
    pub(crate) blobs: Blobs,
    pub(crate) space: Option<usize>,
}

struct MemoryBlob {
    bytes: Vec<u8>,
    space: Option<usize>,
    blobs: Blobs,
}

impl BlobSink for MemorySink {
    fn begin(&self) -> Result<Box<dyn Blob>, WriteError> {
        let (blobs, space) = (Arc::clone(&self.blobs), self.space);
        Ok(Box::new(MemoryBlob { bytes: Vec::new(), space, blobs }))
    }
}

impl Blob for MemoryBlob {
    fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.bytes.extend_from_slice(bytes);
        if self.space.is_some_and(|space| self.bytes.len() > space) {
            let full = io::ErrorKind::StorageFull.into();
            return Err(WriteError::io("write", Path::new("memory"))(full));
        }
        Ok(())
    }

    fn commit(self: Box<Self>, digest: &BlobDigest, size: u64) -> Result<(), WriteError> {
        assert_eq!((BlobDigest::of(&self.bytes), self.bytes.len() as u64), (*digest, size));
        self.blobs.lock().unwrap().insert(*digest, self.bytes);
        Ok(())
    }
}
