//! Reads small pieces of a large file, each block of it once.

use std::collections::HashMap;

use crate::host::HostFile;

/// Bytes that are read at once: neighbouring symbols and strings come with them.
const BLOCK_BYTES: u64 = 65_536;

/// Longest name of a symbol that is read, in bytes. Mangled names of templates reach some thousand.
const MAX_NAME_BYTES: usize = 1 << 20;

/// A file, as far as it was read.
pub(super) struct Blocks {
    file: Box<dyn HostFile>,
    size_bytes: u64,
    blocks: HashMap<u64, Box<[u8]>>,
}

impl Blocks {
    pub(super) fn new(file: Box<dyn HostFile>, size_bytes: u64) -> Self {
        Self { file, size_bytes, blocks: HashMap::new() }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns the bytes at `offset`; nothing if the file does not hold all of them.
    pub(super) fn bytes<const N: usize>(&mut self, offset: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        let mut filled = 0;
        while filled < N {
            let tail = self.tail(offset.checked_add(filled as u64)?)?;
            let length = tail.len().min(N - filled);
            bytes[filled..filled + length].copy_from_slice(&tail[..length]);
            filled += length;
        }
        Some(bytes)
    }

    /// Tells whether the bytes at `offset` are `name` and a NUL.
    pub(super) fn is_name(&mut self, offset: u64, name: &[u8]) -> bool {
        let mut compared = 0;
        while compared <= name.len() {
            let at = offset.checked_add(compared as u64);
            let Some(tail) = at.and_then(|at| self.tail(at)) else { return false };
            for byte in tail {
                match name.get(compared) {
                    Some(expected) if expected == byte => compared += 1,
                    Some(_) => return false,
                    None => return *byte == 0,
                }
            }
        }
        false
    }

    /// Returns the bytes at `offset` up to the next NUL.
    pub(super) fn name(&mut self, offset: u64) -> Option<Box<[u8]>> {
        let mut name: Vec<u8> = Vec::new();
        while name.len() < MAX_NAME_BYTES {
            let tail = self.tail(offset.checked_add(name.len() as u64)?)?;
            if let Some(end) = tail.iter().position(|byte| *byte == 0) {
                name.extend_from_slice(&tail[..end]);
                return Some(name.into());
            }
            name.extend_from_slice(tail);
        }
        None
    }

    /// Returns a part of the file without keeping it.
    pub(super) fn once(&self, offset: u64, length: u64) -> Option<Vec<u8>> {
        if offset.checked_add(length)? > self.size_bytes {
            return None;
        }
        let length = usize::try_from(length).ok()?;
        let mut bytes = vec![0; length];
        let read = self.file.read_at(&mut bytes, offset).ok()?;
        (read == length).then_some(bytes)
    }

    /// Returns the rest of the block that `offset` is in; at least one byte.
    fn tail(&mut self, offset: u64) -> Option<&[u8]> {
        if offset >= self.size_bytes {
            return None;
        }
        let start = offset / BLOCK_BYTES * BLOCK_BYTES;
        if !self.blocks.contains_key(&start) {
            let length = BLOCK_BYTES.min(self.size_bytes - start);
            self.blocks.insert(start, self.once(start, length)?.into());
        }
        self.blocks.get(&start)?.get(usize::try_from(offset - start).ok()?..)
    }
}
