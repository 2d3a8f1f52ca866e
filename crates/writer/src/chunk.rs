//! Cuts a layer's archive into chunks. Their borders depend on the members alone.
//!
//! A chunk is closed before a member that does not fit into it any more, and when it is full. So
//! small members share a chunk, a large one starts its own and is cut at multiples of the largest
//! size, and what changes in one file changes few chunks.

use crate::contents::{CheckedContent, Contents};
use crate::error::WriteError;
use crate::layer::PlannedMember;
use crate::tar_header::{self, TRAILER};

/// Reads the members' contents and gives the archive to `send`, chunk by chunk, until it says that
/// nobody wants more.
pub(crate) fn cut(
    members: &[PlannedMember<'_>],
    contents: &dyn Contents,
    chunk_bytes: usize,
    send: &mut dyn FnMut(Vec<u8>) -> bool,
) -> Result<(), WriteError> {
    let mut chunks = Chunks { chunk_bytes, open: Vec::with_capacity(chunk_bytes), send };
    for planned in members {
        if !chunks.make_room(planned.member.archived_size()) {
            return Ok(());
        }
        if !chunks.append(&planned.member.header()) {
            return Ok(());
        }
        if let Some(digest) = planned.content {
            let size = planned.member.size;
            let mut content = CheckedContent::open(contents, planned.path, digest, size)?;
            loop {
                let room = chunks.room();
                if content.read(&mut chunks.open, room)? == 0 {
                    break;
                }
                if !chunks.close_if_full() {
                    return Ok(());
                }
            }
            content.finish()?;
            if !chunks.append(&[0; tar_header::BLOCK_BYTES][..tar_header::padding(size)]) {
                return Ok(());
            }
        }
    }
    if chunks.make_room(TRAILER.len() as u64) && chunks.append(&TRAILER) {
        chunks.close();
    }
    Ok(())
}

/// Each function returns `false` when nobody wants more.
struct Chunks<'a> {
    chunk_bytes: usize,
    open: Vec<u8>,
    send: &'a mut dyn FnMut(Vec<u8>) -> bool,
}

impl Chunks<'_> {
    fn room(&self) -> usize {
        self.chunk_bytes - self.open.len()
    }

    fn make_room(&mut self, size: u64) -> bool {
        size <= self.room() as u64 || self.close()
    }

    fn append(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.room()));
            self.open.extend_from_slice(now);
            bytes = later;
            if !self.close_if_full() {
                return false;
            }
        }
        true
    }

    fn close_if_full(&mut self) -> bool {
        self.room() > 0 || self.close()
    }

    fn close(&mut self) -> bool {
        let next = Vec::with_capacity(self.chunk_bytes);
        let chunk = std::mem::replace(&mut self.open, next);
        chunk.is_empty() || (self.send)(chunk)
    }
}
