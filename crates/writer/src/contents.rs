//! Where the bytes of files come from, and the proof that they are the planned ones.

use std::io;

use imgc_planner::Digest;
use imgc_planner::recipe::ImagePath;
use sha2::{Digest as _, Sha256};

use crate::error::WriteError;

/// Bytes by their digest. The writer opens no input path itself.
pub trait Contents: Sync {
    /// Opens the content whose SHA-256 is `digest`; what is read is checked against it. A large one
    /// is opened again for each of its parts.
    ///
    /// # Errors
    /// When there is none, or the system refuses.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Content>>;
}

/// An open content.
pub trait Content {
    /// Reads at `offset` (bytes) into `buffer`; returns how many bytes, 0 only at the end.
    ///
    /// # Errors
    /// When the system refuses.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Content for std::fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

/// Which bytes of the image a content is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedContent<'a> {
    pub(crate) path: &'a ImagePath,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl PlannedContent<'_> {
    /// Fills `buffer` with the bytes from `offset` on. With the content's last byte it checks that
    /// nothing is left behind it.
    pub(crate) fn read(
        &self,
        contents: &dyn Contents,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), WriteError> {
        let content = contents.open(&self.digest).map_err(|source| self.unreadable(source))?;
        let mut filled = 0;
        while filled < buffer.len() {
            match content.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => return Err(self.wrong_size(offset + filled as u64)),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.unreadable(source)),
            }
        }
        if offset + (filled as u64) < self.size {
            return Ok(());
        }
        loop {
            match content.read_at(&mut [0], self.size) {
                Ok(0) => return Ok(()),
                Ok(_) => return Err(self.wrong_size(self.size + 1)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.unreadable(source)),
            }
        }
    }

    fn wrong_size(&self, found: u64) -> WriteError {
        WriteError::ContentSize { path: self.path.clone(), planned: self.size, found }
    }

    fn unreadable(&self, source: io::Error) -> WriteError {
        WriteError::ContentUnreadable { path: self.path.clone(), digest: self.digest, source }
    }
}

/// Proves that the parts of contents, which come one after the other, are the planned bytes.
#[derive(Default)]
pub(crate) struct ContentProof {
    hash: Sha256,
    seen: u64,
}

impl ContentProof {
    /// Takes the next part of a content; the last one is followed by the first of another.
    pub(crate) fn go_on(
        &mut self,
        content: &PlannedContent<'_>,
        bytes: &[u8],
    ) -> Result<(), WriteError> {
        self.hash.update(bytes);
        self.seen += bytes.len() as u64;
        if self.seen < content.size {
            return Ok(());
        }
        self.seen = 0;
        let found = Digest::new(self.hash.finalize_reset().into());
        if found == content.digest {
            return Ok(());
        }
        let (path, planned) = (content.path.clone(), content.digest);
        Err(WriteError::ContentChanged { path, planned, found })
    }
}
