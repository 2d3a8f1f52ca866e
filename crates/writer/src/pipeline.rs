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

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use imgc_planner::{BlobDigest, DiffId, LayerSpec};
use libdeflater::Crc;
use sha2::{Digest as _, Sha256};

use crate::chunk;
use crate::contents::Contents;
use crate::encoder::Encoder;
use crate::error::WriteError;
use crate::image::Layer;
use crate::layer;
use crate::sink::{BlobSink, HashedBlob};

type Chunk = Arc<Vec<u8>>;
type Compressed = Result<Chunk, WriteError>;

struct Job {
    chunk: Chunk,
    done: SyncSender<Compressed>,
}

/// What the archive comes to.
struct Archive {
    diff_id: DiffId,
    size: u64,
    crc: u32,
}

/// Writes one layer into `sink`.
pub(crate) fn write_layer(
    spec: &LayerSpec,
    contents: &dyn Contents,
    encoder: Encoder,
    workers: NonZeroUsize,
    sink: &dyn BlobSink,
) -> Result<Layer, WriteError> {
    let members = layer::members(spec)?;
    let size: u64 = members.iter().map(|planned| planned.member.archived_size()).sum();
    // A small layer needs no more workers than it has chunks, of which there are at most twice as
    // many as would be if all were full.
    let chunks = usize::try_from(size / encoder.chunk_bytes() as u64 * 2 + 1).unwrap_or(usize::MAX);
    let workers = workers.get().min(chunks);

    let (descriptor, archive) = thread::scope(|scope| {
        let (to_hash, hash_queue) = sync_channel(workers + 1);
        let (to_compress, jobs) = sync_channel::<Job>(workers + 1);
        let (to_write, promises) = sync_channel(workers + 1);
        let jobs = Arc::new(Mutex::new(jobs));
        let hasher = scope.spawn(move || hash(&hash_queue));
        for _ in 0..workers {
            let jobs = Arc::clone(&jobs);
            scope.spawn(move || compress(encoder, &jobs));
        }
        drop(jobs);
        let writer = scope.spawn(move || write(encoder, &promises, sink));

        let mut send = |chunk| {
            let chunk: Chunk = Arc::new(chunk);
            let (done, promise) = sync_channel(1);
            let job = Job { chunk: Arc::clone(&chunk), done };
            to_write.send(promise).is_ok()
                && to_compress.send(job).is_ok()
                && to_hash.send(chunk).is_ok()
        };
        let read = chunk::cut(&members, contents, encoder.chunk_bytes(), &mut send);
        drop((to_hash, to_compress, to_write));

        let (archive, blob) = (join(hasher), join(writer));
        // The blob's error is the reason why the reader was told to stop; both cannot have one.
        let mut blob = blob?;
        read?;
        let descriptor = if encoder.is_identity() {
            let digest = BlobDigest::new(*archive.diff_id.as_bytes());
            blob.commit_as(encoder.media_type(), digest)?
        } else {
            blob.append(&encoder.trailer(archive.crc, archive.size))?;
            blob.commit(encoder.media_type())?
        };
        Ok::<_, WriteError>((descriptor, archive))
    })?;

    let files = members.iter().filter(|planned| planned.content.is_some()).count();
    Ok(Layer {
        diff_id: archive.diff_id,
        descriptor,
        archive_size: archive.size,
        entries: members.len() as u64,
        files: files as u64,
    })
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

fn compress(encoder: Encoder, jobs: &Mutex<Receiver<Job>>) {
    let mut worker = encoder.worker();
    loop {
        // The lock is held while waiting: the next worker waits for it instead.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { chunk, done }) = job else { return };
        let compressed = match &mut worker {
            Ok(worker) => worker.compress(&chunk),
            Err(_) => Err(WriteError::internal("compression", "the encoder has no memory")),
        };
        // Nobody waits for it only if the blob failed, which says so itself.
        drop(done.send(compressed));
    }
}

fn write(
    encoder: Encoder,
    promises: &Receiver<Receiver<Compressed>>,
    sink: &dyn BlobSink,
) -> Result<HashedBlob, WriteError> {
    let mut blob = HashedBlob::begin(sink)?;
    blob.append(encoder.header())?;
    for promise in promises {
        // A promise is broken only if the reader stops between the queues; then it has an error,
        // or the hasher or all workers are gone, whose panic the scope passes on.
        let Ok(compressed) = promise.recv() else { break };
        let bytes = compressed?;
        if encoder.is_identity() { blob.append_unhashed(&bytes)? } else { blob.append(&bytes)? }
    }
    Ok(blob)
}

fn join<T>(part: ScopedJoinHandle<'_, T>) -> T {
    part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
