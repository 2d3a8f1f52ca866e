//! The record of a layer: what it came to, and which chunks its blob is made of.

use imgc_planner::{BlobDigest, DiffId, RecordReader, RecordWriter};

use crate::encoder::Encoder;
use crate::image::{Descriptor, Layer};
use crate::store::Store;
use crate::store::envelope::RecordKind;
use crate::store::key::LayerKey;

/// The version of [`LayerRecord`]'s bytes.
pub(crate) const VERSION: u32 = 1;

/// Bytes of a chunk in a record, at least.
const CHUNK_BYTES: usize = 65;

/// A compressed chunk of a blob. Where it starts is where the one before it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChunkRecord {
    /// The BLAKE3 of the bytes that were compressed.
    pub(crate) content: [u8; 32],
    /// The BLAKE3 of what came out.
    pub(crate) check: [u8; 32],
    /// How many bytes came out.
    pub(crate) size: u64,
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
            writer.array(&chunk.content);
            writer.array(&chunk.check);
            writer.number(chunk.size);
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
            let (content, check) = (reader.array()?, reader.array()?);
            Some(ChunkRecord { content, check, size: reader.number()? })
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
