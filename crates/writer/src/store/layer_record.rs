//! The record of a layer: what it came to, and which chunks its blob is made of.

use imgc_planner::{BlobDigest, DiffId, RecordReader, RecordWriter};

use crate::encoder::Encoder;
use crate::image::{Descriptor, Layer};
use crate::store::Store;
use crate::store::envelope::RecordKind;
use crate::store::key::LayerKey;
use crate::store::midstate::Midstate;

/// The version of [`LayerRecord`]'s bytes.
pub(crate) const VERSION: u32 = 2;

/// Bytes of a chunk in a record, at least.
const CHUNK_BYTES: usize = 105;

/// A compressed chunk of a blob. Where it starts is where the one before it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChunkRecord {
    /// What the chunk was made of, see [`ChunkSpec::key`].
    ///
    /// [`ChunkSpec::key`]: crate::chunk::ChunkSpec::key
    pub(crate) key: [u8; 32],
    /// The BLAKE3 of the bytes that were compressed.
    pub(crate) content: [u8; 32],
    /// The BLAKE3 of what came out.
    pub(crate) check: [u8; 32],
    /// How many bytes came out.
    pub(crate) size: u64,
    /// How to go on behind it; nothing where a content reaches over its end.
    pub(crate) border: Option<Border>,
}

/// What the digests had come to behind a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Border {
    /// The diff id's hash.
    pub(crate) archive: Midstate,
    /// The CRC-32 of the archive.
    pub(crate) crc: u32,
    /// The hash of the blob.
    pub(crate) blob: Midstate,
}

/// What is known of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerRecord {
    pub(crate) encoder: [u8; 2],
    pub(crate) diff_id: DiffId,
    pub(crate) blob: BlobDigest,
    pub(crate) blob_size: u64,
    pub(crate) archive_size: u64,
    pub(crate) entries: u64,
    pub(crate) files: u64,
    /// In the blob's order, behind its header.
    pub(crate) chunks: Vec<ChunkRecord>,
}

impl LayerRecord {
    pub(crate) fn new(layer: &Layer, encoder: Encoder, chunks: Vec<ChunkRecord>) -> Self {
        Self {
            encoder: encoder.identity(),
            diff_id: layer.diff_id,
            blob: layer.descriptor.digest,
            blob_size: layer.descriptor.size,
            archive_size: layer.archive_size,
            entries: layer.entries,
            files: layer.files,
            chunks,
        }
    }

    /// Returns the layer of an encoder.
    pub(crate) fn layer(&self, encoder: Encoder) -> Layer {
        let media_type = encoder.media_type();
        Layer {
            diff_id: self.diff_id,
            descriptor: Descriptor { media_type, digest: self.blob, size: self.blob_size },
            archive_size: self.archive_size,
            entries: self.entries,
            files: self.files,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = RecordWriter::default();
        writer.array(&self.encoder);
        writer.array(self.diff_id.as_bytes());
        writer.array(self.blob.as_bytes());
        for number in [self.blob_size, self.archive_size, self.entries, self.files] {
            writer.number(number);
        }
        writer.number(self.chunks.len() as u64);
        for chunk in &self.chunks {
            for hash in [&chunk.key, &chunk.content, &chunk.check] {
                writer.array(hash);
            }
            writer.number(chunk.size);
            writer.tag(u8::from(chunk.border.is_some()));
            if let Some(border) = &chunk.border {
                writer.bytes(border.archive.as_bytes());
                writer.number(border.crc.into());
                writer.bytes(border.blob.as_bytes());
            }
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = RecordReader::new(bytes);
        let encoder = reader.array()?;
        let (diff_id, blob) = (DiffId::new(reader.array()?), BlobDigest::new(reader.array()?));
        let [blob_size, archive_size, entries, files] =
            [reader.number()?, reader.number()?, reader.number()?, reader.number()?];
        let count = reader.count(CHUNK_BYTES)?;
        let mut chunk = || {
            let (key, content, check) = (reader.array()?, reader.array()?, reader.array()?);
            let size = reader.number()?;
            let border = match reader.tag()? {
                0 => None,
                _ => Some(Border {
                    archive: Midstate::from_bytes(reader.bytes()?),
                    crc: u32::try_from(reader.number()?).ok()?,
                    blob: Midstate::from_bytes(reader.bytes()?),
                }),
            };
            Some(ChunkRecord { key, content, check, size, border })
        };
        let chunks = (0..count).map(|_| chunk()).collect::<Option<Vec<_>>>()?;
        reader.end()?;
        Some(Self { encoder, diff_id, blob, blob_size, archive_size, entries, files, chunks })
    }
}

impl Store {
    /// Returns what is known of a layer.
    pub(crate) fn layer(&self, key: &LayerKey) -> Option<LayerRecord> {
        LayerRecord::decode(&self.record(RecordKind::Layer, &key.hex(), VERSION)?)
    }
}
