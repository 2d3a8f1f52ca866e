//! gzip: one member of chunks that were compressed one by one (RFC 1952).
//!
//! libdeflate compresses each chunk from scratch, so that chunks can be made in parallel and a
//! chunk's bytes depend on its content alone; `deflate.rs` joins them. One member, since Rust's
//! `GzDecoder` and others stop behind the first. `docs/decisions/0002-gzip-encoder.md` has numbers.

use libdeflater::{CompressionLvl, Compressor};

use crate::deflate;

/// The level when the recipe names none. What it changes: the digest of each blob.
pub(crate) const DEFAULT_LEVEL: u8 = 5;
pub(crate) const MAX_LEVEL: u8 = 12;

/// The largest chunk in bytes: 1 MiB costs a quarter of a percent of size against one stream, and
/// is small enough to keep all processors busy with an image of a few files.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// Method 8 (deflate), no flags, no time, no hint at the level, "unknown" operating system.
pub(crate) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Compresses chunks; keeps the encoder's memory from one to the next.
pub(crate) struct GzipChunks {
    compressor: Compressor,
    blocks: Vec<u8>,
}

impl GzipChunks {
    pub(crate) fn new(level: u8) -> Option<Self> {
        let level = (1..=MAX_LEVEL).contains(&level).then_some(level)?;
        let compressor = Compressor::new(CompressionLvl::new(i32::from(level)).ok()?);
        Some(Self { compressor, blocks: Vec::new() })
    }

    /// Returns deflate blocks, none of them marked as the last one, that end on a byte's border.
    pub(crate) fn compress(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let bound = self.compressor.deflate_compress_bound(chunk.len());
        self.blocks.resize(bound.max(self.blocks.len()), 0);
        let length = self.compressor.deflate_compress(chunk, &mut self.blocks).ok()?;
        // Room for the block that closes the chunk.
        let mut blocks = Vec::with_capacity(length + 5);
        blocks.extend_from_slice(&self.blocks[..length]);
        deflate::open_end(&mut blocks)?;
        Some(blocks)
    }
}

/// Returns what stands behind the last chunk: the last block, and what the data must come to.
pub(crate) fn trailer(crc: u32, size: u64) -> Vec<u8> {
    // RFC 1952, 2.3.1: ISIZE is the size modulo 2^32.
    let size = (size & 0xffff_ffff) as u32;
    [&deflate::LAST_BLOCK[..], &crc.to_le_bytes(), &size.to_le_bytes()].concat()
}
