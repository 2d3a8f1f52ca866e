//! The constants of a file: which well-known names stand in them.
//!
//! Found by the program headers, since section headers may be stripped.

use std::collections::BTreeSet;

use imgc_planner::Mention;
use memchr::memmem::Finder;

use crate::host::HostFile;
use crate::loader::Elf;

/// How much of a file is in memory at a time, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// How much of a chunk is looked at again with the next one, in bytes: the longest text that is
/// found across the cut.
const OVERLAP_BYTES: usize = 4096;

/// Returns which names the constants of a file hold. What cannot be read holds none.
pub(super) fn read(file: &dyn HostFile, elf: &Elf) -> BTreeSet<Mention> {
    let mut mentions = BTreeSet::new();
    let finders: Vec<(Finder<'_>, Mention)> =
        Mention::TEXTS.iter().map(|(text, mention)| (Finder::new(text), *mention)).collect();
    each_chunk(file, elf, |chunk| {
        for (finder, mention) in &finders {
            if !mentions.contains(mention) && finder.find(chunk).is_some() {
                mentions.insert(*mention);
            }
        }
    });
    mentions
}

/// Reads the segments that hold constants, in pieces that overlap.
fn each_chunk(file: &dyn HostFile, elf: &Elf, mut look: impl FnMut(&[u8])) {
    let Ok(segments) = &elf.segments else { return };
    // A linker that separates code puts the headers and all constants into segments that may only be
    // read; one that does not has no such segment.
    let ranges = if segments.constants.is_empty() { &segments.code } else { &segments.constants };
    let mut buffer = vec![0; CHUNK_BYTES];
    for (offset, length) in ranges {
        let end = offset.saturating_add(*length);
        let mut at = *offset;
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let Ok(count) = file.read_at(&mut buffer[..wanted], at) else { return };
            look(&buffer[..count]);
            if count < CHUNK_BYTES {
                break;
            }
            at += (CHUNK_BYTES - OVERLAP_BYTES) as u64;
        }
    }
}
