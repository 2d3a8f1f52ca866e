//! Reads parts of a file, each part once.

use crate::host::{Errno, HostFile};

use super::ElfProblem;

/// Bytes that are read at once from the start of each file: header, program headers, notes and,
/// in small libraries, all else that is wanted.
const PREFIX_BYTES: usize = 4096;

/// Bytes that are read around a string, so that its neighbours cost no further call.
const WINDOW_BYTES: u64 = 4096;

/// Room for the parts of most files, in bytes. What is not used of it costs nothing.
const ROOM_BYTES: usize = 64 << 10;

/// Longest string that is taken, in bytes without its NUL. Loaders have no limit; the search lists
/// of Nix have some thousand bytes, and no path has more than `PATH_MAX`, which is 4096.
const MAX_STRING_BYTES: u64 = 32_768;

/// Memory for the parts of a file, one behind the other. It is used again for the next file: a page of
/// memory that is used for the first time costs more than what is read into it.
#[derive(Default)]
pub(in crate::loader) struct Buffers {
    bytes: Vec<u8>,
    parts: Vec<Part>,
}

/// One part.
#[derive(Clone, Copy)]
struct Part {
    /// Where it starts in the file.
    start: u64,
    /// Where it starts in the memory.
    at: usize,
    length: usize,
}

impl Buffers {
    /// Reads a part behind those that are there.
    fn read(&mut self, file: &dyn HostFile, start: u64, length: usize) -> Result<Part, ElfProblem> {
        let at = self.parts.last().map_or(0, |part| part.at + part.length);
        if self.bytes.len() < at + length {
            self.bytes.reserve(ROOM_BYTES.max(at + length) - self.bytes.len());
            self.bytes.resize(at + length, 0);
        }
        let buffer = &mut self.bytes[at..at + length];
        let length = file.read_at(buffer, start).map_err(ElfProblem::Unreadable)?;
        let part = Part { start, at, length };
        self.parts.push(part);
        Ok(part)
    }

    fn bytes(&self, part: Part) -> &[u8] {
        &self.bytes[part.at..part.at + part.length]
    }
}

impl Part {
    fn holds(&self, offset: u64, end: u64) -> bool {
        self.start <= offset && end <= self.start + self.length as u64
    }
}

/// Parts of one file that are in memory.
pub(super) struct Reader<'a> {
    file: &'a dyn HostFile,
    size_bytes: u64,
    prefix: Part,
    buffers: &'a mut Buffers,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        file: &'a dyn HostFile,
        size_bytes: u64,
        buffers: &'a mut Buffers,
    ) -> Result<Self, ElfProblem> {
        buffers.parts.clear();
        let prefix = buffers.read(file, 0, PREFIX_BYTES)?;
        Ok(Self { file, size_bytes, prefix, buffers })
    }

    pub(super) fn prefix(&self) -> &[u8] {
        self.buffers.bytes(self.prefix)
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
        match self.string_within(offset, WINDOW_BYTES) {
            Err(ElfProblem::StringTooLong) => self.string_within(offset, MAX_STRING_BYTES),
            string => string,
        }
    }

    fn string_within(&mut self, offset: u64, longest_bytes: u64) -> Result<Box<[u8]>, ElfProblem> {
        let limit = self.size_bytes.min(offset.saturating_add(longest_bytes + 1));
        if offset >= limit {
            return Err(ElfProblem::PointsOutside);
        }
        // Most strings lie in what is read already: look there before the longest is asked for.
        if let Some(part) = self.find(offset, offset + 1) {
            let from = usize::try_from(offset - part.start);
            let from = from.map_err(|_| ElfProblem::PointsOutside)?;
            let tail = self.buffers.bytes(part).get(from..).unwrap_or_default();
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

    fn find(&self, offset: u64, end: u64) -> Option<Part> {
        self.buffers.parts.iter().find(|part| part.holds(offset, end)).copied()
    }

    /// Returns a part that holds the range, and reads it if there is none yet.
    fn window(&mut self, offset: u64, end: u64) -> Result<(u64, &[u8]), ElfProblem> {
        let part = match self.find(offset, end) {
            Some(part) => part,
            None => {
                let length = end.saturating_sub(offset).max(WINDOW_BYTES);
                let length = length.min(self.size_bytes.saturating_sub(offset));
                let length = usize::try_from(length).map_err(|_| ElfProblem::PointsOutside)?;
                self.buffers.read(self.file, offset, length)?
            }
        };
        Ok((part.start, self.buffers.bytes(part)))
    }
}
