//! Reads, hashes, compresses and writes a layer at the same time, in bounded memory.
//!
//! ```text
//!  feeder: numbers of chunks, in order
//!     ├─▶ workers: read a chunk, compress it, in any order
//!     ├─▶ hasher: waits for each chunk's bytes in order: diff id, size, CRC-32, proof of contents
//!     └─▶ writer: waits for each chunk's compressed form in order: blob digest, blob
//! ```
//!
//! The feeder runs on the caller's thread, each other part on threads of its own. What a chunk is
//! made of is decided before, and chunks are put together in order, so no byte depends on how many
//! workers there are. All queues are bounded: at most `workers + 4` chunks are under way, each with
//! its compressed form, whatever the image's size.
//!
//! A part that fails drops its end of the queues, at which the others stop. What is taken from the
//! store is planned in `reuse.rs`.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use crc32fast::Hasher as Crc;
use imgc_planner::{BlobDigest, DiffId, LayerSpec};
use sha2::{Digest as _, Sha256};

use crate::buffer::{Buffer, Buffers};
use crate::build::Work;
use crate::chunk::ChunkSpecs;
use crate::contents::ContentProof;
use crate::encoder::{Encoder, Worker};
use crate::error::WriteError;
use crate::image::Layer;
use crate::layer;
use crate::reuse::Reuse;
use crate::sink::{BlobSink, HashedBlob};
use crate::store::key::LayerKey;
use crate::store::layer_record::{Border, ChunkRecord};
use crate::store::midstate::Midstate;
use crate::store::shelf::Shelf;

type Raw<'a> = Arc<Buffer<'a>>;

/// A chunk that is to be read and compressed.
struct Job<'a> {
    number: usize,
    read: SyncSender<Raw<'a>>,
    compressed: SyncSender<Result<Piece<'a>, Fault>>,
}

/// A chunk as it stands in the blob.
struct Piece<'a> {
    bytes: PieceBytes<'a>,
    /// What the store knows it by, if there is one.
    record: Option<ChunkRecord>,
}

enum PieceBytes<'a> {
    Raw(Raw<'a>),
    Compressed(Vec<u8>),
}

impl PieceBytes<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Raw(raw) => raw,
            Self::Compressed(bytes) => bytes,
        }
    }
}

/// What the archive comes to.
struct Archive {
    diff_id: DiffId,
    size: u64,
    crc: u32,
    /// The hash and the CRC-32 behind each chunk behind which a later build may go on.
    borders: Vec<(usize, Midstate, u32)>,
}

/// What the blob comes to, before its end.
struct Written {
    blob: HashedBlob,
    records: Vec<ChunkRecord>,
    /// The hash behind each chunk behind which a later build may go on.
    borders: Vec<Midstate>,
}

/// Why a layer cannot be made like this.
enum Fault {
    Write(WriteError),
    /// The store, or a file, is not what was noted about it.
    Stale,
}

impl From<WriteError> for Fault {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// Writes one layer into `sink`: from the store if it is there, else from its contents.
pub(crate) fn write_layer(
    spec: &LayerSpec,
    encoder: Encoder,
    work: &Work<'_>,
    shelf: Option<&Shelf<'_>>,
    sink: &dyn BlobSink,
) -> Result<Layer, WriteError> {
    let members = layer::members(spec)?;
    let specs = ChunkSpecs::cut(&members, encoder.chunk_bytes());
    let made = |reuse| make_layer(&specs, encoder, work, reuse, sink);
    let Some(shelf) = shelf else { return Ok(fresh(made(None))?.0) };
    let keys = specs.keys();
    let key = LayerKey::of(&keys, encoder);
    if let Some(layer) = shelf.supply(&key, encoder, sink)? {
        return Ok(layer);
    }
    let reuse = shelf.chunks(encoder).map(|index| Reuse::plan(&specs, &keys, index));
    let (layer, chunks) = match made(reuse.as_ref()) {
        Err(Fault::Stale) => fresh(made(Some(&Reuse::plan(&specs, &keys, &shelf.no_chunks()))))?,
        made => fresh(made)?,
    };
    shelf.add(key, &layer, encoder, chunks);
    Ok(layer)
}

/// Takes what was made without any knowledge, which cannot be stale.
fn fresh<T>(made: Result<T, Fault>) -> Result<T, WriteError> {
    made.map_err(|fault| match fault {
        Fault::Write(error) => error,
        Fault::Stale => WriteError::internal("the store", "what is not there is out of date"),
    })
}

/// Makes a layer. What was compressed before, and is in the store, is taken from there.
fn make_layer(
    specs: &ChunkSpecs<'_>,
    encoder: Encoder,
    work: &Work<'_>,
    reuse: Option<&Reuse<'_>>,
    sink: &dyn BlobSink,
) -> Result<(Layer, Vec<ChunkRecord>), Fault> {
    let making = Making { specs, encoder, work, reuse, sink };
    let first = making.first();
    let workers = work.workers.get().min(specs.count() - first).max(1);
    let buffers = Buffers::new(encoder.chunk_bytes());

    let (archive, written) = thread::scope(|scope| {
        let (to_hash, hash_queue) = sync_channel(workers + 1);
        let (to_compress, jobs) = sync_channel::<Job<'_>>(workers + 1);
        let (to_write, promises) = sync_channel(workers + 1);
        let jobs = Arc::new(Mutex::new(jobs));
        let (making, buffers) = (&making, &buffers);
        let hasher = scope.spawn(move || making.hash(&hash_queue));
        for _ in 0..workers {
            let jobs = Arc::clone(&jobs);
            scope.spawn(move || making.compress(&jobs, buffers));
        }
        drop(jobs);
        let writer = scope.spawn(move || making.write(&promises));

        for number in first..specs.count() {
            let (read, raw) = sync_channel(1);
            let (compressed, piece) = sync_channel(1);
            let goes_on = !(work.is_stopped)()
                && to_hash.send(raw).is_ok()
                && to_write.send(piece).is_ok()
                && to_compress.send(Job { number, read, compressed }).is_ok();
            if !goes_on {
                break;
            }
        }
        drop((to_hash, to_compress, to_write));

        let (archive, written) = (join(hasher), join(writer));
        // What the hasher has found out about a content is why the others were told to stop.
        let (archive, written) = (archive?, written?);
        work.go_on()?;
        Ok::<_, Fault>((archive, written))
    })?;
    let Written { mut blob, records, borders } = written;
    let descriptor = if encoder.is_identity() {
        let digest = BlobDigest::new(*archive.diff_id.as_bytes());
        blob.commit_as(encoder.media_type(), digest)?
    } else {
        blob.append(&encoder.trailer(archive.crc, archive.size))?;
        blob.commit(encoder.media_type())?
    };
    let layer = Layer {
        diff_id: archive.diff_id,
        descriptor,
        archive_size: archive.size,
        entries: specs.members() as u64,
        files: specs.files() as u64,
    };
    Ok((layer, with_borders(records, archive.borders, borders)))
}

/// Joins what the writer knows of each border with what the hasher knows. Both have seen the same
/// chunks, one after the other.
fn with_borders(
    mut records: Vec<ChunkRecord>,
    hashed: Vec<(usize, Midstate, u32)>,
    written: Vec<Midstate>,
) -> Vec<ChunkRecord> {
    for ((number, archive, crc), blob) in hashed.into_iter().zip(written) {
        if let Some(record) = records.get_mut(number) {
            record.border = Some(Border { archive, crc, blob });
        }
    }
    records
}

/// What all parts of the work on a layer know.
struct Making<'a> {
    specs: &'a ChunkSpecs<'a>,
    encoder: Encoder,
    work: &'a Work<'a>,
    reuse: Option<&'a Reuse<'a>>,
    sink: &'a dyn BlobSink,
}

impl<'a> Making<'a> {
    /// Returns the first chunk that has to be read.
    fn first(&self) -> usize {
        self.reuse.map_or(0, Reuse::first)
    }

    /// Tells whether a later build may go on behind a chunk.
    fn is_border(&self, number: usize) -> bool {
        self.reuse.is_some() && self.specs.is_between_members(number + 1)
    }

    fn hash(&self, chunks: &Receiver<Receiver<Raw<'_>>>) -> Result<Archive, WriteError> {
        let first = self.first();
        let (mut hash, mut crc) = self.reuse.and_then(Reuse::archive).unwrap_or_default();
        let mut size = (0..first).map(|number| self.specs.get(number).size()).sum();
        let (mut borders, mut proof) = (Vec::new(), ContentProof::default());
        for (number, chunk) in (first..).zip(chunks) {
            // The worker has failed; its error is in the compressed form's place.
            let Ok(chunk) = chunk.recv() else { break };
            let spec = self.specs.get(number);
            hash.update(&**chunk);
            if self.encoder.has_crc() {
                crc.update(&chunk);
            }
            size += chunk.len() as u64;
            for (member, bytes) in spec.contents(&chunk) {
                if self.reuse.is_none_or(|reuse| !reuse.is_proved(member)) {
                    proof.go_on(&spec.content(member), bytes)?;
                }
            }
            if self.is_border(number) {
                borders.push((number, Midstate::of(&hash), crc.clone().finalize()));
            }
        }
        let (diff_id, crc) = (DiffId::new(hash.finalize().into()), crc.finalize());
        Ok(Archive { diff_id, size, crc, borders })
    }

    fn compress<'b>(&self, jobs: &Mutex<Receiver<Job<'b>>>, buffers: &'b Buffers) {
        let mut worker = self.encoder.worker();
        loop {
            // The lock is held while waiting: the next worker waits for it instead.
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { number, read, compressed }) = job else { return };
            let piece = match &mut worker {
                Ok(worker) => self.piece(number, &read, worker, buffers),
                Err(_) => {
                    Err(WriteError::internal("compression", "the encoder has no memory").into())
                }
            };
            drop(read);
            // Nobody waits for it only if the blob failed, which says so itself.
            drop(compressed.send(piece));
        }
    }

    /// Reads a chunk, then looks it up in the store, or compresses it.
    fn piece<'b>(
        &self,
        number: usize,
        read: &SyncSender<Raw<'b>>,
        worker: &mut Worker,
        buffers: &'b Buffers,
    ) -> Result<Piece<'b>, Fault> {
        let spec = self.specs.get(number);
        let mut buffer = buffers.take();
        let filled = spec.read(self.work.contents, buffer.room())?;
        buffer.set_filled(filled);
        let raw = Arc::new(buffer);
        // Nobody waits for it only if the hasher failed, which says so itself.
        drop(read.send(Arc::clone(&raw)));
        let Some(reuse) = self.reuse else {
            let bytes = match worker.compress(&raw)? {
                Some(bytes) => PieceBytes::Compressed(bytes),
                None => PieceBytes::Raw(raw),
            };
            return Ok(Piece { bytes, record: None });
        };
        let content: [u8; 32] = blake3::hash(&raw).into();
        if !reuse.agrees(number, &content) {
            return Err(Fault::Stale);
        }
        let (bytes, check) = match reuse.find(&content) {
            Some(found) => found,
            None => {
                let bytes = worker.compress(&raw)?.unwrap_or_else(|| raw.to_vec());
                let check = blake3::hash(&bytes).into();
                (bytes, check)
            }
        };
        let (key, size) = (*reuse.key(number), bytes.len() as u64);
        let record = ChunkRecord { key, content, check, size, border: None };
        Ok(Piece { bytes: PieceBytes::Compressed(bytes), record: Some(record) })
    }

    fn write(
        &self,
        promises: &Receiver<Receiver<Result<Piece<'_>, Fault>>>,
    ) -> Result<Written, Fault> {
        let mut blob = HashedBlob::begin(self.sink)?;
        let (mut records, mut borders) = (Vec::new(), Vec::new());
        blob.append(self.encoder.header())?;
        if let Some(beginning) = self.reuse.and_then(Reuse::beginning) {
            for number in 0..beginning.chunks.len() {
                if (self.work.is_stopped)() {
                    return Err(WriteError::Stopped.into());
                }
                let bytes = beginning.load(number).ok_or(Fault::Stale)?;
                blob.append_unhashed(&bytes)?;
            }
            records.extend_from_slice(beginning.chunks);
            blob.resume(beginning.written.clone());
        }
        for (number, promise) in (self.first()..).zip(promises) {
            // A promise is broken only if all workers are gone, whose panic the scope passes on, or
            // the feeder stopped between the queues.
            let Ok(compressed) = promise.recv() else { break };
            let Piece { bytes, record } = compressed?;
            if self.encoder.is_identity() {
                blob.append_unhashed(bytes.as_slice())?;
            } else {
                blob.append(bytes.as_slice())?;
            }
            if self.is_border(number) {
                borders.push(blob.midstate());
            }
            records.extend(record);
        }
        Ok(Written { blob, records, borders })
    }
}

fn join<T>(part: ScopedJoinHandle<'_, T>) -> T {
    part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The hash and the CRC-32 of an archive, as far as it is known.
pub(crate) type ArchiveHash = (Sha256, Crc);
