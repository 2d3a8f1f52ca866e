//! zstd: independent frames, one for each chunk (RFC 8878, 3.1: frames may follow each other).
//!
//! A frame is made by one call with the whole chunk, since zstd's bytes depend on how it is fed.
//! It carries its content's size and no checksum: the blob's digest covers it.

use zstd::bulk::Compressor;

/// The level when the recipe names none; zstd's own default.
pub(crate) const DEFAULT_LEVEL: u8 = 3;
pub(crate) const MAX_LEVEL: u8 = 19;

/// The largest chunk in bytes.
pub(crate) const CHUNK_BYTES: usize = 4 << 20;

/// Compresses chunks; keeps the encoder's memory from one to the next.
pub(crate) struct ZstdChunks {
    compressor: Compressor<'static>,
    frame: Vec<u8>,
}

impl ZstdChunks {
    pub(crate) fn new(level: u8) -> Option<Self> {
        let level = (1..=MAX_LEVEL).contains(&level).then_some(level)?;
        let mut compressor = Compressor::new(i32::from(level)).ok()?;
        compressor.include_checksum(false).ok()?;
        compressor.include_contentsize(true).ok()?;
        compressor.include_dictid(false).ok()?;
        Some(Self { compressor, frame: Vec::new() })
    }

    /// Returns one whole frame.
    pub(crate) fn compress(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let bound = zstd::zstd_safe::compress_bound(chunk.len());
        self.frame.resize(bound.max(self.frame.len()), 0);
        let length = self.compressor.compress_to_buffer(chunk, &mut self.frame[..]).ok()?;
        Some(self.frame[..length].to_vec())
    }
}
