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
use sha2::Sha256;

use crate::encoder::Encoder;
use crate::store::envelope::RecordKind;
use crate::store::layer_record::{ChunkRecord, LayerRecord, VERSION};
use crate::store::{Room, Store, temporary};

/// Most chunks that are known at a time: those of some 30 GB of archives, in 12 MB of memory. The
/// layers that were used last come first.
const MAX_CHUNKS: usize = 32_768;

/// Largest compressed chunk that is taken, in bytes: twice the largest chunk of any encoder.
const MAX_PIECE_BYTES: usize = 8 << 20;

/// Where chunks are.
#[derive(Debug)]
pub(crate) struct ChunkIndex<'a> {
    store: &'a Store,
    places: HashMap<[u8; 32], Place>,
    /// The BLAKE3 of a chunk's bytes, by its key.
    contents: HashMap<[u8; 32], [u8; 32]>,
    blobs: Vec<StoredChunks>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    blob: usize,
    chunk: usize,
}

#[derive(Debug)]
struct StoredChunks {
    digest: BlobDigest,
    file: OnceLock<Option<File>>,
    damaged: AtomicBool,
    chunks: Vec<ChunkRecord>,
    /// Where each chunk starts in the blob.
    offsets: Vec<u64>,
}

/// How a layer of the store begins that begins like one that is to be made.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    index: &'a ChunkIndex<'a>,
    blob: usize,
    /// Its chunks, one at least; the last one has a border.
    pub(crate) chunks: &'a [ChunkRecord],
    /// The hashes of archive and blob behind it, and the archive's CRC-32.
    pub(crate) archive: Sha256,
    pub(crate) crc: u32,
    pub(crate) written: Sha256,
}

impl Beginning<'_> {
    /// Returns what a chunk was compressed to; nothing if it cannot be had any more.
    pub(crate) fn load(&self, number: usize) -> Option<Vec<u8>> {
        self.index.load(Place { blob: self.blob, chunk: number })
    }
}

impl<'a> ChunkIndex<'a> {
    /// An index that knows nothing.
    pub(crate) fn empty(store: &'a Store) -> Self {
        let (places, contents) = (HashMap::new(), HashMap::new());
        Self { store, places, contents, blobs: Vec::new() }
    }

    /// Reads the records of the layers that were compressed in the same way.
    pub(crate) fn read(store: &'a Store, encoder: Encoder) -> Self {
        let mut index = Self::empty(store);
        for name in newest_layers(store) {
            let record = name
                .to_str()
                .and_then(|name| store.record(RecordKind::Layer, name, VERSION))
                .and_then(|record| LayerRecord::decode(&record));
            if let Some(record) = record.filter(|record| record.encoder == encoder.identity()) {
                index.add(record, encoder);
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

    fn add(&mut self, record: LayerRecord, encoder: Encoder) {
        let blob = self.blobs.len();
        let mut offsets = Vec::with_capacity(record.chunks.len());
        let mut offset = encoder.header().len() as u64;
        for (chunk, known) in record.chunks.iter().enumerate() {
            self.places.entry(known.content).or_insert(Place { blob, chunk });
            self.contents.entry(known.key).or_insert(known.content);
            offsets.push(offset);
            offset = offset.saturating_add(known.size);
        }
        let (file, damaged) = (OnceLock::new(), AtomicBool::new(false));
        let (digest, chunks) = (record.blob, record.chunks);
        self.blobs.push(StoredChunks { digest, file, damaged, chunks, offsets });
    }

    /// Returns the BLAKE3 that the bytes of the chunk of a key have.
    pub(crate) fn content_of(&self, key: &[u8; 32]) -> Option<&[u8; 32]> {
        self.contents.get(key)
    }

    /// Returns the longest beginning that is known of a layer whose chunks have these keys, as far
    /// as it ends where `may_end` allows it.
    pub(crate) fn beginning(
        &self,
        keys: &[[u8; 32]],
        may_end: impl Fn(usize) -> bool,
    ) -> Option<Beginning<'_>> {
        let ends = self.blobs.iter().enumerate().filter_map(|(blob, stored)| {
            let pairs = stored.chunks.iter().zip(keys);
            let same = pairs.take_while(|(known, key)| known.key == **key).count();
            let is_end = |count: &usize| stored.chunks[count - 1].border.is_some();
            let end = (1..=same).rev().filter(|count| may_end(*count)).find(is_end)?;
            Some((end, blob))
        });
        // Of equal ones that of the layer that was used last.
        let (end, blob) = ends.max_by_key(|(end, blob)| (*end, Reverse(*blob)))?;
        let chunks = &self.blobs[blob].chunks[..end];
        let border = chunks[end - 1].border.as_ref()?;
        let (archive, written) = (border.archive.resume()?, border.blob.resume()?);
        Some(Beginning { index: self, blob, chunks, archive, crc: border.crc, written })
    }

    /// Returns what a chunk was compressed to, and its hash.
    pub(crate) fn find(&self, content: &[u8; 32]) -> Option<(Vec<u8>, [u8; 32])> {
        let place = *self.places.get(content)?;
        Some((self.load(place)?, self.blobs[place.blob].chunks[place.chunk].check))
    }

    /// Returns a chunk of a blob. What comes from the store is checked; a blob in which it is not
    /// what it was is removed.
    fn load(&self, place: Place) -> Option<Vec<u8>> {
        let blob = &self.blobs[place.blob];
        let (known, offset) = (&blob.chunks[place.chunk], blob.offsets[place.chunk]);
        if blob.damaged.load(Ordering::Relaxed) {
            return None;
        }
        let file = blob.file.get_or_init(|| self.store.unchecked_blob(blob.digest)).as_ref()?;
        // No encoder makes that much of a chunk: a record that says so is not believed.
        let size = usize::try_from(known.size).ok().filter(|size| *size <= MAX_PIECE_BYTES)?;
        let mut bytes = vec![0; size];
        let read = file.read_exact_at(&mut bytes, offset);
        if read.is_ok() && *blake3::hash(&bytes).as_bytes() == known.check {
            return Some(bytes);
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
