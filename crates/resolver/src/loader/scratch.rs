//! Memory for what is read of one large file after the other: the loader, and then its cache.
//!
//! A page that is used for the first time costs more than what is read into it.

use std::mem;

use crate::host::{Errno, HostFile};

/// Room that is asked for at first, in bytes: enough for the constants of a loader and for the cache
/// of most systems. What is not used of it costs nothing.
const ROOM_BYTES: usize = 64 << 10;

/// The memory.
#[derive(Default)]
pub(super) struct Scratch(Vec<u8>);

impl Scratch {
    /// Returns it, empty.
    pub(super) fn take(&mut self) -> &mut Vec<u8> {
        self.0.clear();
        if self.0.capacity() < ROOM_BYTES {
            self.0.reserve_exact(ROOM_BYTES);
        }
        &mut self.0
    }

    /// Reads the first bytes of a file, and gives the memory away with them.
    pub(super) fn read(&mut self, file: &dyn HostFile, length: u64) -> Result<Vec<u8>, Errno> {
        append(self.take(), file, 0, length)?;
        Ok(mem::take(&mut self.0))
    }
}

/// Reads a part of a file behind what is there, as far as the file has it.
pub(super) fn append(
    bytes: &mut Vec<u8>,
    file: &dyn HostFile,
    offset: u64,
    length: u64,
) -> Result<(), Errno> {
    let before = bytes.len();
    bytes.resize(before + usize::try_from(length).map_err(|_| Errno::FBIG)?, 0);
    let length = file.read_at(&mut bytes[before..], offset)?;
    bytes.truncate(before + length);
    Ok(())
}
