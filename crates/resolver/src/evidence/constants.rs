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
    /// Absolute paths below `/var` and `/run`.
    pub(super) state: BTreeSet<Box<[u8]>>,
}

/// Reads the constants of a file, and names of libraries among them if those are asked for. What
/// cannot be read holds nothing.
pub(super) fn read(file: &dyn HostFile, elf: &Elf, wants_libraries: bool) -> Constants {
    let mut constants = Constants::default();
    let finders: Vec<(Finder<'_>, Mention)> =
        Mention::TEXTS.iter().map(|(text, mention)| (Finder::new(text), *mention)).collect();
    let suffix = Finder::new(b".so");
    let starts = [&b"/usr/"[..], b"/etc/", b"/var/", b"/run/"].map(Finder::new);
    each_chunk(file, elf, |chunk| {
        for (finder, mention) in &finders {
            if !constants.mentions.contains(mention) && finder.find(chunk).is_some() {
                constants.mentions.insert(*mention);
            }
        }
        for start in &starts {
            for at in start.find_iter(chunk) {
                let before = at.checked_sub(1).map_or(0, |before| chunk[before]);
                let Some(path) = STARTS.contains(&before).then(|| path(&chunk[at..])).flatten()
                else {
                    continue;
                };
                if is_data(path) {
                    constants.paths.insert(path.into());
                } else if is_state(path) {
                    constants.state.insert(path.into());
                }
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

/// What may stand before a path and after it: the ends of a text, what parts the paths of a list, and
/// what encloses them.
const STARTS: &[u8] = b"\0:=\"'@";
const ENDS: &[u8] = b"\0:\"'";

/// What is put in at run time, or matches several names (`printf(3)`, `glob(7)`).
const PLACEHOLDERS: &[u8] = b"%*?$[{";

/// Returns the path at the beginning of a text, up to the last slash before what is put in at run
/// time; nothing if it does not end as paths do.
fn path(text: &[u8]) -> Option<&[u8]> {
    let text = &text[..text.len().min(MAX_NAME_BYTES)];
    let is_of_path = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.+@~,#".contains(byte);
    let end = text.iter().position(|byte| !is_of_path(byte))?;
    if ENDS.contains(&text[end]) {
        return Some(&text[..end]);
    }
    let is_placeholder = PLACEHOLDERS.contains(&text[end]);
    let slash = memchr::memrchr(b'/', &text[..end]).filter(|_| is_placeholder)?;
    Some(&text[..slash])
}

/// Where temporary files lie that outlive a start of the machine (FHS 3.0, 5.15).
pub(super) const LASTING: &[u8] = b"/var/tmp/";

/// Tells whether a path is that of files that a program makes.
pub(super) fn is_state(path: &[u8]) -> bool {
    let starts = [
        &b"/var/lib/"[..],
        b"/var/log/",
        b"/var/cache/",
        b"/var/spool/",
        b"/var/run/",
        b"/run/",
        LASTING,
    ];
    starts.iter().any(|start| path.len() > start.len() && path.starts_with(start))
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
    // OCaml keeps all texts where they may be written, and so do programs with tables of their own.
    let variables = elf.interpreter().map_or(&[][..], |_| &segments.variables);
    let mut buffer = vec![0; CHUNK_BYTES];
    for (offset, length) in ranges.iter().chain(variables) {
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
