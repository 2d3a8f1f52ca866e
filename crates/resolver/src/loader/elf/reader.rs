//! Reads parts of a file, each part once.

use crate::host::{Errno, HostFile};

use super::ElfProblem;

/// Bytes that are read at once from the start of each file: header, program headers, notes and,
/// in small libraries, all else that is wanted.
const PREFIX_BYTES: usize = 4096;

/// Bytes that are read around a string, so that its neighbours cost no further call.
const WINDOW_BYTES: u64 = 4096;

/// Steps in which buffers grow, in bytes, so that few of them ever have to be replaced.
const STEP_BYTES: usize = 4096;

/// Longest string that is taken, in bytes without its NUL. Loaders have no limit; the search lists
/// of Nix have some thousand bytes, and no path has more than `PATH_MAX`, which is 4096.
const MAX_STRING_BYTES: u64 = 32_768;

/// Memory for the parts of a file. It is used again for the next one: memory that is taken anew for
/// each of hundreds of files costs more than the files.
#[derive(Default)]
pub(in crate::loader) struct Buffers {
    prefix: Part,
    /// Only the first `used` belong to the file.
    windows: Vec<Part>,
    used: usize,
}

/// One part. The buffer stays as long as it ever was.
#[derive(Default)]
struct Part {
    start: u64,
    length: usize,
    buffer: Vec<u8>,
}

impl Part {
    fn read(&mut self, file: &dyn HostFile, start: u64, length: usize) -> Result<(), ElfProblem> {
        if self.buffer.capacity() < length {
            // What was read before is not needed any more, and must not be moved.
            self.buffer = Vec::with_capacity(length.next_multiple_of(STEP_BYTES));
        }
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        self.start = start;
        self.length = 0;
        let buffer = &mut self.buffer[..length];
        self.length = file.read_at(buffer, start).map_err(ElfProblem::Unreadable)?;
        Ok(())
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    fn holds(&self, offset: u64, end: u64) -> bool {
        self.start <= offset && end <= self.start + self.length as u64
    }
}

/// Parts of one file that are in memory.
pub(super) struct Reader<'a> {
    file: &'a dyn HostFile,
    size_bytes: u64,
    buffers: &'a mut Buffers,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        file: &'a dyn HostFile,
        size_bytes: u64,
        buffers: &'a mut Buffers,
    ) -> Result<Self, ElfProblem> {
        buffers.used = 0;
        buffers.prefix.read(file, 0, PREFIX_BYTES)?;
        Ok(Self { file, size_bytes, buffers })
    }

    pub(super) fn prefix(&self) -> &[u8] {
        self.buffers.prefix.bytes()
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
            let tail = part.bytes().get(from..).unwrap_or_default();
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

    fn find(&self, offset: u64, end: u64) -> Option<&Part> {
        let windows = &self.buffers.windows[..self.buffers.used];
        std::iter::once(&self.buffers.prefix).chain(windows).find(|part| part.holds(offset, end))
    }

    /// Returns a part that holds the range, and reads it if there is none yet.
    fn window(&mut self, offset: u64, end: u64) -> Result<(u64, &[u8]), ElfProblem> {
        // Two look-ups: a borrow that is returned early cannot end before the reading.
        if self.find(offset, end).is_none() {
            let length = end.saturating_sub(offset).max(WINDOW_BYTES);
            let length = length.min(self.size_bytes.saturating_sub(offset));
            let length = usize::try_from(length).map_err(|_| ElfProblem::PointsOutside)?;
            let Buffers { windows, used, .. } = &mut *self.buffers;
            if windows.len() == *used {
                windows.push(Part::default());
            }
            let window = &mut windows[*used];
            window.read(self.file, offset, length)?;
            *used += 1;
            return Ok((offset, window.bytes()));
        }
        Ok(self.find(offset, end).map_or((0, &[]), |part| (part.start, part.bytes())))
    }
}
