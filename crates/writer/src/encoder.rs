//! Which bytes a layer's blob is made of, for each codec.

use imgc_planner::recipe::{Codec, Compression};

use crate::error::WriteError;
use crate::gzip::{self, GzipChunks};
use crate::zstandard::{self, ZstdChunks};

/// A codec with its level: all that a blob's bytes depend on beside the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoder {
    codec: Codec,
    level: u8,
}

impl Encoder {
    pub(crate) fn new(compression: Compression) -> Result<Self, WriteError> {
        let level = match (compression.codec, compression.level) {
            (Codec::Gzip, level) => level.unwrap_or(gzip::DEFAULT_LEVEL),
            (Codec::Zstd, level) => level.unwrap_or(zstandard::DEFAULT_LEVEL),
            (Codec::None, _) => 0,
        };
        let encoder = Self { codec: compression.codec, level };
        encoder.worker()?;
        Ok(encoder)
    }

    /// OCI image-spec, `media-types.md`.
    pub(crate) fn media_type(self) -> &'static str {
        match self.codec {
            Codec::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Codec::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            Codec::None => "application/vnd.oci.image.layer.v1.tar",
        }
    }

    /// The largest chunk in bytes.
    pub(crate) fn chunk_bytes(self) -> usize {
        match self.codec {
            Codec::Gzip | Codec::None => gzip::CHUNK_BYTES,
            Codec::Zstd => zstandard::CHUNK_BYTES,
        }
    }

    /// What stands before the first chunk.
    pub(crate) fn header(self) -> &'static [u8] {
        match self.codec {
            Codec::Gzip => &gzip::HEADER,
            Codec::Zstd | Codec::None => &[],
        }
    }

    /// What stands behind the last chunk, given the archive's CRC-32 and size.
    pub(crate) fn trailer(self, crc: u32, size: u64) -> Vec<u8> {
        match self.codec {
            Codec::Gzip => gzip::trailer(crc, size),
            Codec::Zstd | Codec::None => Vec::new(),
        }
    }

    /// Tells whether the trailer needs the archive's CRC-32.
    pub(crate) fn has_crc(self) -> bool {
        self.codec == Codec::Gzip
    }

    /// Returns the codec and the level: what tells this encoder from others of the same format
    /// version.
    pub(crate) fn identity(self) -> [u8; 2] {
        let codec = match self.codec {
            Codec::Gzip => 0,
            Codec::Zstd => 1,
            Codec::None => 2,
        };
        [codec, self.level]
    }

    /// Tells whether the blob is the archive itself.
    pub(crate) fn is_identity(self) -> bool {
        self.codec == Codec::None
    }

    /// Returns something that compresses chunks; each thread has its own.
    pub(crate) fn worker(self) -> Result<Worker, WriteError> {
        let worker = match self.codec {
            Codec::Gzip => GzipChunks::new(self.level).map(Worker::Gzip),
            Codec::Zstd => ZstdChunks::new(self.level).map(Worker::Zstd),
            Codec::None => Some(Worker::None),
        };
        worker.ok_or_else(|| WriteError::internal("compression", "the codec has no such level"))
    }
}

/// Compresses chunks one by one; what comes out depends on the chunk alone.
pub(crate) enum Worker {
    Gzip(GzipChunks),
    Zstd(ZstdChunks),
    None,
}

impl Worker {
    /// Returns a chunk's compressed form; nothing if it is the chunk itself.
    pub(crate) fn compress(&mut self, chunk: &[u8]) -> Result<Option<Vec<u8>>, WriteError> {
        let bytes = match self {
            Self::Gzip(chunks) => chunks.compress(chunk),
            Self::Zstd(chunks) => chunks.compress(chunk),
            Self::None => return Ok(None),
        };
        let failed = || WriteError::internal("compression", "the encoder failed");
        bytes.ok_or_else(failed).map(Some)
    }
}
