//! Reads parts of a file, each part once.

use crate::host::{Errno, HostFile};

use super::ElfProblem;

/// Bytes that are read at once from the start of each file: header, program headers, notes and,
/// in small libraries, all else that is wanted.
const PREFIX_BYTES: usize = 4096;

/// Bytes that are read around a string, so that its neighbours cost no further call.
const WINDOW_BYTES: u64 = 4096;

/// Longest string that is taken, in bytes without its NUL: `PATH_MAX` (`limits.h`).
const MAX_STRING_BYTES: u64 = 4096;

/// Parts of one file that are in memory.
pub(super) struct Reader<'a> {
    file: &'a dyn HostFile,
    size_bytes: u64,
    prefix: Vec<u8>,
    windows: Vec<(u64, Vec<u8>)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a dyn HostFile, size_bytes: u64) -> Result<Self, ElfProblem> {
        let mut prefix = vec![0; PREFIX_BYTES];
        let length = file.read_at(&mut prefix, 0).map_err(ElfProblem::Unreadable)?;
        prefix.truncate(length);
        Ok(Self { file, size_bytes, prefix, windows: Vec::new() })
    }

    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns `length` bytes at `offset`; all of them, or it fails.
    pub(super) fn bytes(&mut self, offset: u64, length: u64) -> Result<&[u8], ElfProblem> {
        let end = offset.checked_add(length).ok_or(ElfProblem::PointsOutside)?;
        if end > self.size_bytes {
            return Err(ElfProblem::PointsOutside);
        }
        let (start, bytes) = self.window(offset, end)?;
        let from = usize::try_from(offset - start).map_err(|_| ElfProblem::PointsOutside)?;
        let length = usize::try_from(length).map_err(|_| ElfProblem::PointsOutside)?;
        bytes
            .get(from..)
            .and_then(|tail| tail.get(..length))
            // The file became shorter since its size was taken.
            .ok_or(ElfProblem::Unreadable(Errno::IO))
    }

    /// Returns the bytes at `offset` up to the next NUL.
    pub(super) fn string(&mut self, offset: u64) -> Result<Box<[u8]>, ElfProblem> {
        let limit = self.size_bytes.min(offset.saturating_add(MAX_STRING_BYTES + 1));
        if offset >= limit {
            return Err(ElfProblem::PointsOutside);
        }
        // Most strings lie in what is read already: look there before the longest is asked for.
        if let Some((start, bytes)) = self.find(offset, offset + 1) {
            let from = usize::try_from(offset - start).map_err(|_| ElfProblem::PointsOutside)?;
            let tail = bytes.get(from..).unwrap_or_default();
            if let Some(length) = tail.iter().position(|byte| *byte == 0) {
                return Ok(tail[..length].into());
            }
        }
        let bytes = self.bytes(offset, limit - offset)?;
        match bytes.iter().position(|byte| *byte == 0) {
            Some(length) => Ok(bytes[..length].into()),
            None if limit == self.size_bytes => Err(ElfProblem::PointsOutside),
            None => Err(ElfProblem::StringTooLong),
        }
    }

    /// Reads a range at once if it is not there yet.
    pub(super) fn prefetch(&mut self, offset: u64, end: u64) -> Result<(), ElfProblem> {
        self.window(offset, end.min(self.size_bytes)).map(drop)
    }

    fn find(&self, offset: u64, end: u64) -> Option<(u64, &[u8])> {
        if end <= self.prefix.len() as u64 {
            return Some((0, &self.prefix));
        }
        self.windows
            .iter()
            .find(|(start, bytes)| *start <= offset && end <= *start + bytes.len() as u64)
            .map(|(start, bytes)| (*start, bytes.as_slice()))
    }

    fn window(&mut self, offset: u64, end: u64) -> Result<(u64, &[u8]), ElfProblem> {
        // Two look-ups: a borrow that is returned early cannot end before the push.
        if self.find(offset, end).is_none() {
            let length = end.saturating_sub(offset).max(WINDOW_BYTES);
            let length = length.min(self.size_bytes.saturating_sub(offset));
            let mut bytes =
                vec![0; usize::try_from(length).map_err(|_| ElfProblem::PointsOutside)?];
            let read = self.file.read_at(&mut bytes, offset).map_err(ElfProblem::Unreadable)?;
            bytes.truncate(read);
            self.windows.push((offset, bytes));
            let (start, bytes) = &self.windows[self.windows.len() - 1];
            return Ok((*start, bytes));
        }
        Ok(self.find(offset, end).unwrap_or((0, &self.prefix)))
    }
}
