//! How a layer's archive is cut into chunks. Their borders depend on the members alone, and are
//! known before anything is read.
//!
//! A chunk is closed before a member that does not fit into it any more, and when it is full. So
//! small members share a chunk, a large one starts its own and is cut at multiples of the largest
//! size, and what changes in one file changes few chunks.

use std::ops::Range;

use crate::contents::{Contents, PlannedContent};
use crate::error::WriteError;
use crate::layer::PlannedMember;
use crate::tar_header::{self, TRAILER};

/// A part of a chunk. Only contents are cut: headers and fillings end on the blocks of which a
/// chunk has a whole number, and a header is far smaller than a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The header of a member, of so many bytes.
    Header { member: usize, length: usize },
    /// So many bytes of a member's content; none of one that is empty.
    Content { member: usize, offset: u64, length: usize },
    /// So many zeros.
    Zeros { length: usize },
}

impl Part {
    fn length(self) -> usize {
        match self {
            Self::Header { length, .. } | Self::Content { length, .. } | Self::Zeros { length } => {
                length
            }
        }
    }
}

/// A layer's archive, cut into chunks.
#[derive(Debug)]
pub(crate) struct ChunkSpecs<'a> {
    members: &'a [PlannedMember<'a>],
    parts: Vec<Part>,
    /// Where each chunk's parts end.
    ends: Vec<usize>,
}

/// A chunk, numbered from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkSpec<'a> {
    members: &'a [PlannedMember<'a>],
    pub(crate) parts: &'a [Part],
}

impl<'a> ChunkSpecs<'a> {
    /// Cuts the archive of `members` into chunks of at most `chunk_bytes`, a multiple of a block.
    pub(crate) fn cut(members: &'a [PlannedMember<'a>], chunk_bytes: usize) -> Self {
        let specs = Self { members, parts: Vec::with_capacity(3 * members.len()), ends: vec![] };
        let mut cutter = Cutter { specs, chunk_bytes, filled: 0 };
        for (member, planned) in members.iter().enumerate() {
            let size = planned.member.size;
            let (header, filling) = (planned.member.header_bytes(), tar_header::padding(size));
            cutter.make_room(header as u64 + size + filling as u64);
            cutter.add(Part::Header { member, length: header });
            let mut offset = 0;
            while planned.content.is_some() {
                let room = (chunk_bytes - cutter.filled) as u64;
                let length = usize::try_from(room.min(size - offset)).expect("less than a chunk");
                cutter.add(Part::Content { member, offset, length });
                offset += length as u64;
                if offset == size {
                    break;
                }
            }
            if filling > 0 {
                cutter.add(Part::Zeros { length: filling });
            }
        }
        cutter.make_room(TRAILER.len() as u64);
        cutter.add(Part::Zeros { length: TRAILER.len() });
        cutter.close();
        cutter.specs
    }

    /// Returns how many chunks there are.
    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    /// Returns a chunk.
    pub(crate) fn get(&self, number: usize) -> ChunkSpec<'_> {
        ChunkSpec { members: self.members, parts: &self.parts[self.range(number)] }
    }

    /// Returns the key of each chunk, see [`ChunkSpec::key`].
    pub(crate) fn keys(&self) -> Vec<[u8; 32]> {
        (0..self.count()).map(|number| self.get(number).key()).collect()
    }

    /// Returns how many members there are.
    pub(crate) fn members(&self) -> usize {
        self.members.len()
    }

    /// Returns how many of them are files.
    pub(crate) fn files(&self) -> usize {
        self.members.iter().filter(|planned| planned.content.is_some()).count()
    }

    fn range(&self, number: usize) -> Range<usize> {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[number]
    }

    /// Tells whether no content reaches over the start of a chunk, or of what is behind the last.
    pub(crate) fn is_between_members(&self, number: usize) -> bool {
        let first = self.ends.get(number).and_then(|_| self.parts.get(self.range(number).start));
        !matches!(first, Some(Part::Content { .. }))
    }
}

impl<'a> ChunkSpec<'a> {
    /// Reads the chunk into `buffer`, which has room for it; returns how many bytes it has.
    pub(crate) fn read(
        &self,
        contents: &dyn Contents,
        buffer: &mut [u8],
    ) -> Result<usize, WriteError> {
        let mut filled = 0;
        for part in self.parts {
            let place = &mut buffer[filled..filled + part.length()];
            match *part {
                Part::Header { member, .. } => {
                    place.copy_from_slice(&self.members[member].member.header());
                }
                Part::Content { member, offset, .. } => {
                    self.content(member).read(contents, offset, place)?;
                }
                Part::Zeros { .. } => place.fill(0),
            }
            filled += part.length();
        }
        Ok(filled)
    }

    /// Returns the chunk's size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.length() as u64).sum()
    }

    /// Returns what a member's content has to be.
    pub(crate) fn content(&self, member: usize) -> PlannedContent<'a> {
        let PlannedMember { path, member, content } = &self.members[member];
        let digest = content.expect("a part of a content belongs to a file");
        PlannedContent { path, digest, size: member.size }
    }

    /// Returns the contents of which the chunk has a part, each with its bytes in `chunk`.
    pub(crate) fn contents<'b>(
        self,
        chunk: &'b [u8],
    ) -> impl Iterator<Item = (usize, &'b [u8])> + use<'a, 'b> {
        let mut rest = chunk;
        self.parts.iter().filter_map(move |part| {
            let (bytes, behind) = rest.split_at(part.length());
            rest = behind;
            match part {
                Part::Content { member, .. } => Some((*member, bytes)),
                Part::Header { .. } | Part::Zeros { .. } => None,
            }
        })
    }

    /// Returns the BLAKE3 of all that decides the chunk's bytes: headers, and what the contents are
    /// by their digests. Equal keys, equal bytes; the reverse need not be.
    pub(crate) fn key(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for part in self.parts {
            match *part {
                Part::Header { member, length } => {
                    hasher.update(b"h").update(&(length as u64).to_le_bytes());
                    hasher.update(&self.members[member].member.header());
                }
                Part::Content { member, offset, length } => {
                    let digest = self.content(member).digest;
                    hasher.update(b"c").update(digest.as_bytes());
                    hasher.update(&offset.to_le_bytes()).update(&(length as u64).to_le_bytes());
                }
                Part::Zeros { length } => {
                    hasher.update(b"z").update(&(length as u64).to_le_bytes());
                }
            }
        }
        hasher.finalize().into()
    }
}

struct Cutter<'a> {
    specs: ChunkSpecs<'a>,
    chunk_bytes: usize,
    /// How much of the open chunk is taken.
    filled: usize,
}

impl Cutter<'_> {
    fn make_room(&mut self, size: u64) {
        if size > (self.chunk_bytes - self.filled) as u64 {
            self.close();
        }
    }

    fn add(&mut self, part: Part) {
        self.specs.parts.push(part);
        self.filled += part.length();
        debug_assert!(self.filled <= self.chunk_bytes, "only contents are cut");
        if self.filled == self.chunk_bytes {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.filled > 0 {
            self.specs.ends.push(self.specs.parts.len());
            self.filled = 0;
        }
    }
}
