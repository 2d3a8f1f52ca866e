//! The store as one build uses it: what it may take, and what it has to keep in the end.

use std::ffi::OsStr;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::blobs::StagedBlobs;
use crate::encoder::Encoder;
use crate::error::WriteError;
use crate::image::Layer;
use crate::sink::BlobSink;
use crate::store::Store;
use crate::store::chunks::ChunkIndex;
use crate::store::envelope::RecordKind;
use crate::store::key::LayerKey;
use crate::store::layer_record::{self, ChunkRecord, LayerRecord};

/// A store, and what is new for it.
pub(crate) struct Shelf<'a> {
    store: &'a Store,
    /// Read when the first layer has to be made. Images of one build that are compressed in
    /// different ways are rare: the others find nothing.
    chunks: OnceLock<(Encoder, ChunkIndex<'a>)>,
    made: Mutex<Vec<(LayerKey, LayerRecord)>>,
}

impl<'a> Shelf<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, chunks: OnceLock::new(), made: Mutex::default() }
    }

    /// Gives a layer to `sink` if the store has it.
    pub(crate) fn supply(
        &self,
        key: &LayerKey,
        encoder: Encoder,
        sink: &dyn BlobSink,
    ) -> Result<Option<Layer>, WriteError> {
        let Some(record) = self.store.layer(key) else { return Ok(None) };
        let layer = record.layer(encoder);
        match self.store.blob(layer.descriptor.digest, layer.descriptor.size) {
            Some(blob) => sink.adopt(&blob).map(|()| Some(layer)),
            None => Ok(None),
        }
    }

    /// Returns the chunks that are there already. There is no point in keeping what is not
    /// compressed.
    pub(crate) fn chunks(&self, encoder: Encoder) -> Option<&ChunkIndex<'a>> {
        if encoder.is_identity() {
            return None;
        }
        let (known, index) =
            self.chunks.get_or_init(|| (encoder, ChunkIndex::read(self.store, encoder)));
        (*known == encoder).then_some(index)
    }

    /// Returns an index that knows nothing, for when what is there was not what it should be.
    pub(crate) fn no_chunks(&self) -> ChunkIndex<'a> {
        ChunkIndex::empty(self.store)
    }

    /// Takes note of a layer that was made.
    pub(crate) fn add(
        &self,
        key: LayerKey,
        layer: &Layer,
        encoder: Encoder,
        chunks: Vec<ChunkRecord>,
    ) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push((key, LayerRecord::new(layer, encoder, chunks)));
    }

    /// Keeps the layers that were made, now that their blobs are on the disk. What cannot be kept
    /// is the store's trouble.
    pub(crate) fn keep(&self, blobs: &StagedBlobs) {
        for (key, record) in &*self.made.lock().unwrap_or_else(PoisonError::into_inner) {
            let hex = record.blob.hex();
            let kept = blobs.with(record.blob, OsStr::new(&hex), |original| {
                self.store.keep_blob(original, record.blob_size)
            });
            if kept.and_then(|kept| self.store.note(kept)).is_some() {
                let (kind, version) = (RecordKind::Layer, layer_record::VERSION);
                self.store.keep_record(kind, &key.hex(), version, &record.encode());
            }
        }
    }
}
