//! Reads, hashes, compresses and writes a layer at the same time, in bounded memory.
//!
//! ```text
//!  reader ──chunks, in order──▶ diff id, size and CRC-32
//!     ├──────chunks───────────▶ workers: compress, in any order
//!     └──promises, in order───▶ blob: waits for each chunk's promise, hashes, writes
//! ```
//!
//! The reader runs on the caller's thread, each other part on threads of its own. Chunks are made
//! by the reader alone and put together in its order, so no byte depends on how many workers there
//! are. All queues are bounded: at most `workers + 4` chunks exist, each with its compressed form
//! (2 MiB for gzip, 8 MiB for zstd), whatever the image's size.
//!
//! A part that fails drops its end of the queues, at which the others stop.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use imgc_planner::{BlobDigest, DiffId, LayerSpec};
use libdeflater::Crc;
use sha2::{Digest as _, Sha256};

use crate::build::Work;
use crate::chunk;
use crate::encoder::{Encoder, Worker};
use crate::error::WriteError;
use crate::image::Layer;
use crate::layer::{self, PlannedMember};
use crate::sink::{BlobSink, HashedBlob};
use crate::store::chunks::ChunkIndex;
use crate::store::key::LayerKey;
use crate::store::layer_record::ChunkRecord;
use crate::store::shelf::Shelf;

type Chunk = Arc<Vec<u8>>;

struct Job {
    chunk: Chunk,
    done: SyncSender<Result<Piece, WriteError>>,
}

/// A chunk as it stands in the blob.
struct Piece {
    bytes: Chunk,
    /// What the store knows it by, if there is one.
    record: Option<ChunkRecord>,
}

/// What the archive comes to.
struct Archive {
    diff_id: DiffId,
    size: u64,
    crc: u32,
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
    let Some(shelf) = shelf else {
        return Ok(make_layer(&members, encoder, work, None, sink)?.0);
    };
    let key = LayerKey::of(&members, encoder);
    if let Some(layer) = shelf.supply(&key, encoder, sink)? {
        return Ok(layer);
    }
    let known = shelf.chunks(encoder);
    let (layer, chunks) = make_layer(&members, encoder, work, known, sink)?;
    shelf.add(key, &layer, encoder, chunks);
    Ok(layer)
}

/// Makes a layer. What was compressed before, and is in the store, is taken from there.
fn make_layer(
    members: &[PlannedMember<'_>],
    encoder: Encoder,
    work: &Work<'_>,
    known: Option<&ChunkIndex<'_>>,
    sink: &dyn BlobSink,
) -> Result<(Layer, Vec<ChunkRecord>), WriteError> {
    let size: u64 = members.iter().map(|planned| planned.member.archived_size()).sum();
    // A small layer needs no more workers than it has chunks, of which there are at most twice as
    // many as would be if all were full.
    let chunks = usize::try_from(size / encoder.chunk_bytes() as u64 * 2 + 1).unwrap_or(usize::MAX);
    let workers = work.workers.get().min(chunks);

    let (descriptor, archive, records) = thread::scope(|scope| {
        let (to_hash, hash_queue) = sync_channel(workers + 1);
        let (to_compress, jobs) = sync_channel::<Job>(workers + 1);
        let (to_write, promises) = sync_channel(workers + 1);
        let jobs = Arc::new(Mutex::new(jobs));
        let hasher = scope.spawn(move || hash(&hash_queue));
        for _ in 0..workers {
            let jobs = Arc::clone(&jobs);
            scope.spawn(move || compress(encoder, known, &jobs));
        }
        drop(jobs);
        let writer = scope.spawn(move || write(encoder, &promises, sink));

        let mut send = |chunk| {
            let chunk: Chunk = Arc::new(chunk);
            let (done, promise) = sync_channel(1);
            let job = Job { chunk: Arc::clone(&chunk), done };
            !(work.is_stopped)()
                && to_write.send(promise).is_ok()
                && to_compress.send(job).is_ok()
                && to_hash.send(chunk).is_ok()
        };
        let read = chunk::cut(members, work.contents, encoder.chunk_bytes(), &mut send);
        drop((to_hash, to_compress, to_write));

        let (archive, blob) = (join(hasher), join(writer));
        // The blob's error is the reason why the reader was told to stop; both cannot have one.
        let (mut blob, records) = blob?;
        read?;
        work.go_on()?;
        let descriptor = if encoder.is_identity() {
            let digest = BlobDigest::new(*archive.diff_id.as_bytes());
            blob.commit_as(encoder.media_type(), digest)?
        } else {
            blob.append(&encoder.trailer(archive.crc, archive.size))?;
            blob.commit(encoder.media_type())?
        };
        Ok::<_, WriteError>((descriptor, archive, records))
    })?;

    let files = members.iter().filter(|planned| planned.content.is_some()).count();
    let layer = Layer {
        diff_id: archive.diff_id,
        descriptor,
        archive_size: archive.size,
        entries: members.len() as u64,
        files: files as u64,
    };
    Ok((layer, records))
}

fn hash(chunks: &Receiver<Chunk>) -> Archive {
    let (mut hash, mut crc, mut size) = (Sha256::new(), Crc::new(), 0);
    for chunk in chunks {
        hash.update(&*chunk);
        crc.update(&chunk);
        size += chunk.len() as u64;
    }
    Archive { diff_id: DiffId::new(hash.finalize().into()), size, crc: crc.sum() }
}

fn compress(encoder: Encoder, known: Option<&ChunkIndex<'_>>, jobs: &Mutex<Receiver<Job>>) {
    let mut worker = encoder.worker();
    loop {
        // The lock is held while waiting: the next worker waits for it instead.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { chunk, done }) = job else { return };
        let compressed = match &mut worker {
            Ok(worker) => piece(&chunk, worker, known),
            Err(_) => Err(WriteError::internal("compression", "the encoder has no memory")),
        };
        // Nobody waits for it only if the blob failed, which says so itself.
        drop(done.send(compressed));
    }
}

/// Looks a chunk up in the store, or compresses it.
fn piece(
    chunk: &Chunk,
    worker: &mut Worker,
    known: Option<&ChunkIndex<'_>>,
) -> Result<Piece, WriteError> {
    let Some(known) = known else {
        return Ok(Piece { bytes: worker.compress(chunk)?, record: None });
    };
    let content: [u8; 32] = blake3::hash(chunk).into();
    let (bytes, check) = match known.find(&content, 2 * chunk.len() + 1024) {
        Some((bytes, check)) => (Arc::new(bytes), check),
        None => {
            let bytes = worker.compress(chunk)?;
            let check = blake3::hash(&bytes).into();
            (bytes, check)
        }
    };
    let size = bytes.len() as u64;
    Ok(Piece { bytes, record: Some(ChunkRecord { content, check, size }) })
}

fn write(
    encoder: Encoder,
    promises: &Receiver<Receiver<Result<Piece, WriteError>>>,
    sink: &dyn BlobSink,
) -> Result<(HashedBlob, Vec<ChunkRecord>), WriteError> {
    let mut blob = HashedBlob::begin(sink)?;
    let mut records = Vec::new();
    blob.append(encoder.header())?;
    for promise in promises {
        // A promise is broken only if the reader stops between the queues; then it has an error,
        // or the hasher or all workers are gone, whose panic the scope passes on.
        let Ok(compressed) = promise.recv() else { break };
        let Piece { bytes, record } = compressed?;
        records.extend(record);
        if encoder.is_identity() { blob.append_unhashed(&bytes)? } else { blob.append(&bytes)? }
    }
    Ok((blob, records))
}

fn join<T>(part: ScopedJoinHandle<'_, T>) -> T {
    part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
