//! What of a layer need not be made again, decided before anything is read.
//!
//! - The chunks at the beginning that a layer of the store begins with as well are copied from its
//!   blob; their files are not read, and the digests go on from what they had come to behind them.
//! - Behind them all is read, since the digests need every byte. A chunk whose bytes were
//!   compressed before is not compressed again.
//! - A content all of whose chunks are known by their keys was proved when they were made: they
//!   have to have the same bytes again, which is faster to see than its SHA-256.

use sha2::Sha256;

use crate::chunk::{ChunkSpecs, Part};
use crate::pipeline::ArchiveHash;
use crate::store::chunks::{Beginning, ChunkIndex};

/// What is taken from the store for a layer.
#[derive(Debug)]
pub(crate) struct Reuse<'a> {
    index: &'a ChunkIndex<'a>,
    keys: &'a [[u8; 32]],
    beginning: Option<Beginning<'a>>,
    /// By member: whether a chunk that has a part of it is not known.
    is_unproved: Vec<bool>,
}

impl<'a> Reuse<'a> {
    /// Looks for what is known of the chunks, which have these keys.
    pub(crate) fn plan(
        specs: &ChunkSpecs<'_>,
        keys: &'a [[u8; 32]],
        index: &'a ChunkIndex<'a>,
    ) -> Self {
        let mut is_unproved = vec![false; specs.members()];
        for (number, key) in keys.iter().enumerate() {
            if index.content_of(key).is_none() {
                for part in specs.get(number).parts {
                    if let Part::Content { member, .. } = part {
                        is_unproved[*member] = true;
                    }
                }
            }
        }
        // The last chunk is always made: the blob's end has to follow it in any case.
        let last = keys.len() - 1;
        let may_end = |count: usize| count <= last && specs.is_between_members(count);
        let beginning = index.beginning(keys, may_end);
        Self { index, keys, beginning, is_unproved }
    }

    /// Returns what the layer begins with.
    pub(crate) fn beginning(&self) -> Option<&Beginning<'a>> {
        self.beginning.as_ref()
    }

    /// Returns the first chunk that has to be read.
    pub(crate) fn first(&self) -> usize {
        self.beginning.as_ref().map_or(0, |beginning| beginning.chunks.len())
    }

    /// Returns what the archive's hashes have come to before that one.
    pub(crate) fn archive(&self) -> Option<ArchiveHash> {
        let beginning = self.beginning.as_ref()?;
        let hash: Sha256 = beginning.archive.clone();
        // How many bytes it has seen matters only to sums of two.
        Some((hash, crc32fast::Hasher::new_with_initial(beginning.crc)))
    }

    /// Tells whether a member's content needs no other proof than that of [`Reuse::agrees`].
    pub(crate) fn is_proved(&self, member: usize) -> bool {
        !self.is_unproved[member]
    }

    /// Tells whether a chunk's bytes, of which the BLAKE3 is given, are those that it had when it was
    /// made before; also if it was not.
    pub(crate) fn agrees(&self, number: usize, content: &[u8; 32]) -> bool {
        self.index.content_of(&self.keys[number]).is_none_or(|known| known == content)
    }

    /// Returns what bytes of a BLAKE3 were compressed to, and the BLAKE3 of that.
    pub(crate) fn find(&self, content: &[u8; 32]) -> Option<(Vec<u8>, [u8; 32])> {
        self.index.find(content)
    }

    /// Returns a chunk's key.
    pub(crate) fn key(&self, number: usize) -> &[u8; 32] {
        &self.keys[number]
    }
}
