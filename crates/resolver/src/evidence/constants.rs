//! The constants of a file: which well-known names stand in them.
//!
//! Found by the program headers, since section headers may be stripped.

use std::collections::BTreeSet;

use imgc_planner::Mention;
use memchr::memmem::Finder;

use super::candidates::is_library;
use super::data::is_data;
use crate::host::HostFile;
use crate::loader::Elf;

/// How much of a file is in memory at a time, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// Longest path of a library that is taken, in bytes. Those that stand in files have less than a
/// hundred.
const MAX_NAME_BYTES: usize = 1024;

/// How much of a chunk is looked at again with the next one, in bytes: the longest text that is
/// found across the cut.
const OVERLAP_BYTES: usize = 4096;

/// What stands in the constants of a file.
#[derive(Default)]
pub(super) struct Constants {
    pub(super) mentions: BTreeSet<Mention>,
    /// Names of shared libraries, between NULs.
    pub(super) libraries: BTreeSet<Box<[u8]>>,
    /// Absolute paths of data, between NULs.
    pub(super) paths: BTreeSet<Box<[u8]>>,
}

/// Reads the constants of a file, and names of libraries among them if those are asked for. What
/// cannot be read holds nothing.
pub(super) fn read(file: &dyn HostFile, elf: &Elf, wants_libraries: bool) -> Constants {
    let mut constants = Constants::default();
    let finders: Vec<(Finder<'_>, Mention)> =
        Mention::TEXTS.iter().map(|(text, mention)| (Finder::new(text), *mention)).collect();
    let suffix = Finder::new(b".so");
    let starts = [Finder::new(b"\0/usr/"), Finder::new(b"\0/etc/")];
    each_chunk(file, elf, |chunk| {
        for (finder, mention) in &finders {
            if !constants.mentions.contains(mention) && finder.find(chunk).is_some() {
                constants.mentions.insert(*mention);
            }
        }
        for start in &starts {
            for at in start.find_iter(chunk) {
                let tail = &chunk[at + 1..];
                let end = memchr::memchr(0, &tail[..tail.len().min(MAX_NAME_BYTES)]);
                // A list of paths is cut at its colons.
                let text = end.map(|end| &tail[..end]).unwrap_or_default();
                let paths = text.split(|byte| *byte == b':').filter(|path| is_data(path));
                constants.paths.extend(paths.map(Into::into));
            }
        }
        if wants_libraries {
            for at in suffix.find_iter(chunk) {
                constants
                    .libraries
                    .extend(text_around(chunk, at).filter(|text| is_library(text)).map(Into::into));
            }
        }
    });
    constants
}

/// Returns the text between NULs at a place, if both of them are in the chunk; the first text of a
/// segment needs none before it.
fn text_around(chunk: &[u8], at: usize) -> Option<&[u8]> {
    let start = memchr::memrchr(0, &chunk[at.saturating_sub(MAX_NAME_BYTES)..at]);
    let start = match start {
        Some(before) => at.saturating_sub(MAX_NAME_BYTES) + before + 1,
        None if at < MAX_NAME_BYTES => 0,
        None => return None,
    };
    let tail = chunk.get(at..)?;
    let end = memchr::memchr(0, &tail[..tail.len().min(MAX_NAME_BYTES)])?;
    chunk.get(start..at + end)
}

/// Reads the segments that hold constants, in pieces that overlap.
pub(super) fn each_chunk(file: &dyn HostFile, elf: &Elf, mut look: impl FnMut(&[u8])) {
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
