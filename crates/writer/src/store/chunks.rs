//! Compressed chunks by the bytes that were compressed: those of all blobs in the store, found
//! through the records of their layers.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use imgc_planner::BlobDigest;
use rustix::fs::{AtFlags, Dir};
use rustix::io::retry_on_intr;

use crate::encoder::Encoder;
use crate::store::envelope::RecordKind;
use crate::store::layer_record::{LayerRecord, VERSION};
use crate::store::{Room, Store, temporary};

/// Most chunks that are known at a time: those of some 30 GB of archives, in 4 MB of memory. The
/// layers that were used last come first.
const MAX_CHUNKS: usize = 32_768;

/// Where chunks are.
#[derive(Debug)]
pub(crate) struct ChunkIndex<'a> {
    store: &'a Store,
    places: HashMap<[u8; 32], Place>,
    blobs: Vec<StoredChunks>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    blob: usize,
    offset: u64,
    size: u64,
    check: [u8; 32],
}

#[derive(Debug)]
struct StoredChunks {
    digest: BlobDigest,
    file: OnceLock<Option<File>>,
    damaged: AtomicBool,
}

impl<'a> ChunkIndex<'a> {
    /// Reads the records of the layers that were compressed in the same way.
    pub(crate) fn read(store: &'a Store, encoder: Encoder) -> Self {
        let mut index = Self { store, places: HashMap::new(), blobs: Vec::new() };
        for name in newest_layers(store) {
            let record = name
                .to_str()
                .and_then(|name| store.record(RecordKind::Layer, name, VERSION))
                .and_then(|record| LayerRecord::decode(&record));
            if let Some(record) = record.filter(|record| record.encoder == encoder.identity()) {
                index.add(&record, encoder);
            }
            if index.places.len() >= MAX_CHUNKS {
                break;
            }
        }
        index
    }

    /// Lists the contents whose compressed form is known.
    #[cfg(test)]
    pub(crate) fn contents(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.places.keys()
    }

    /// Tells whether the compressed form of a content is known.
    #[cfg(test)]
    pub(crate) fn contains(&self, content: &[u8; 32]) -> bool {
        self.places.contains_key(content)
    }

    fn add(&mut self, record: &LayerRecord, encoder: Encoder) {
        let blob = self.blobs.len();
        let (file, damaged) = (OnceLock::new(), AtomicBool::new(false));
        self.blobs.push(StoredChunks { digest: record.blob, file, damaged });
        let mut offset = encoder.header().len() as u64;
        for chunk in &record.chunks {
            let place = Place { blob, offset, size: chunk.size, check: chunk.check };
            self.places.entry(chunk.content).or_insert(place);
            offset = offset.saturating_add(chunk.size);
        }
    }

    /// Returns what a chunk was compressed to, at most `limit` bytes, and its hash. What comes from
    /// the store is checked; a blob in which it is not what it was is removed.
    pub(crate) fn find(&self, content: &[u8; 32], limit: usize) -> Option<(Vec<u8>, [u8; 32])> {
        let place = self.places.get(content)?;
        let blob = &self.blobs[place.blob];
        if blob.damaged.load(Ordering::Relaxed) {
            return None;
        }
        let file = blob.file.get_or_init(|| self.store.unchecked_blob(blob.digest)).as_ref()?;
        let size = usize::try_from(place.size).ok().filter(|size| *size <= limit)?;
        let mut bytes = vec![0; size];
        let read = file.read_exact_at(&mut bytes, place.offset);
        if read.is_ok() && *blake3::hash(&bytes).as_bytes() == place.check {
            return Some((bytes, place.check));
        }
        // An error may pass; a wrong byte, or one too few, does not.
        let is_wrong =
            read.map_or_else(|error| error.kind() == std::io::ErrorKind::UnexpectedEof, |()| true);
        if is_wrong && !blob.damaged.swap(true, Ordering::Relaxed) {
            self.store.discard(Room::Blobs, OsStr::new(&blob.digest.hex()));
        }
        None
    }
}

/// Lists the layers' records, the one that was used last first.
fn newest_layers(store: &Store) -> Vec<OsString> {
    let Some(room) = store.room(Room::Layers) else { return Vec::new() };
    let Ok(entries) = Dir::read_from(&room) else { return Vec::new() };
    let mut layers = Vec::new();
    for entry in entries.flatten() {
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." || temporary::is_temporary(name) {
            continue;
        }
        let stat = retry_on_intr(|| rustix::fs::statat(&room, name, AtFlags::SYMLINK_NOFOLLOW));
        if let Ok(stat) = stat {
            layers.push((Reverse((stat.st_mtime, stat.st_mtime_nsec)), name.to_owned()));
        }
    }
    layers.sort();
    layers.into_iter().map(|(_, name)| name).collect()
}
