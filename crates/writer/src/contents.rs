//! Where the bytes of files come from, and the proof that they are the planned ones.

use std::io::{self, Read};

use imgc_planner::Digest;
use imgc_planner::recipe::ImagePath;
use sha2::{Digest as _, Sha256};

use crate::error::WriteError;

/// Bytes by their digest. The writer opens no input path itself.
pub trait Contents: Sync {
    /// Opens the content whose SHA-256 is `digest`; what is read is checked against it.
    ///
    /// # Errors
    /// When there is none, or the system refuses.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>>;
}

/// One file's content, which is hashed while it is read.
pub(crate) struct CheckedContent<'a> {
    path: &'a ImagePath,
    digest: Digest,
    size: u64,
    found: u64,
    hash: Sha256,
    reader: Box<dyn Read + Send>,
}

impl<'a> CheckedContent<'a> {
    pub(crate) fn open(
        contents: &dyn Contents,
        path: &'a ImagePath,
        digest: Digest,
        size: u64,
    ) -> Result<Self, WriteError> {
        let reader = contents.open(&digest).map_err(|source| WriteError::ContentUnreadable {
            path: path.clone(),
            digest,
            source,
        })?;
        Ok(Self { path, digest, size, found: 0, hash: Sha256::new(), reader })
    }

    /// Appends the next bytes to `buffer`: `limit` of them, or what is left; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>, limit: usize) -> Result<usize, WriteError> {
        let wanted = (self.size - self.found).min(limit as u64);
        let start = buffer.len();
        // Deals with short reads and EINTR, and reads into the buffer's spare room.
        let read = (&mut self.reader).take(wanted).read_to_end(buffer);
        let count = read.map_err(|source| self.unreadable(source))?;
        self.found += count as u64;
        if (count as u64) < wanted {
            return Err(self.wrong_size());
        }
        self.hash.update(&buffer[start..]);
        Ok(count)
    }

    /// Checks that nothing is left, and that what was read is what was planned.
    pub(crate) fn finish(mut self) -> Result<(), WriteError> {
        let mut more = [0];
        loop {
            match self.reader.read(&mut more) {
                Ok(0) => break,
                Ok(_) => {
                    self.found += 1;
                    return Err(self.wrong_size());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.unreadable(source)),
            }
        }
        let found = Digest::new(self.hash.finalize().into());
        if found != self.digest {
            let (path, planned) = (self.path.clone(), self.digest);
            return Err(WriteError::ContentChanged { path, planned, found });
        }
        Ok(())
    }

    fn wrong_size(&self) -> WriteError {
        let (path, planned, found) = (self.path.clone(), self.size, self.found);
        WriteError::ContentSize { path, planned, found }
    }

    fn unreadable(&self, source: io::Error) -> WriteError {
        WriteError::ContentUnreadable { path: self.path.clone(), digest: self.digest, source }
    }
}
