//! One ELF file to evidence.

use std::collections::BTreeSet;

use imgc_planner::{ElfFacts, ElfKind};

use crate::contents::FileRef;
use crate::loader::{Elf, Tag};

use super::Evidence;
use super::candidates::opens_libraries;
use super::constants::{self, Constants};

/// Type of the note in which Go's linker keeps its build id (`cmd/link/internal/ld/elf.go`,
/// `ELF_NOTE_GOBUILDID_TAG`); its owner is `Go` with two NULs, of which the length counts both.
const GO_BUILD_ID: u32 = 4;

/// Reads a file; nothing if it is no ELF file (any more).
pub(super) fn read(file: &FileRef) -> Option<Evidence> {
    let size_bytes = file.stat.size;
    let (open, elf) = super::open(file)?;
    let kind = kind(&elf);
    let imports = match kind {
        ElfKind::Library | ElfKind::Dynamic => elf.imports(&*open, size_bytes),
        ElfKind::Static => BTreeSet::new(),
    };
    let dynamic = elf.dynamic();
    let needed = dynamic.map(|dynamic| &*dynamic.needed).unwrap_or_default();
    let needed = needed.iter().filter(|(tag, _)| *tag == Tag::Needed);
    let notes = elf.notes(&*open, size_bytes);
    let isa_needed = elf.segments.as_ref().map_or(0, |segments| segments.isa_needed);
    let mut facts = ElfFacts {
        kind,
        interpreter: elf.interpreter().map(Into::into),
        soname: dynamic.and_then(|dynamic| dynamic.soname.clone()),
        needed: needed.map(|(_, name)| name.clone()).collect(),
        imports,
        // The highest bit decides: a level implies those below it.
        x86_64_level: u8::try_from(u32::BITS - isa_needed.leading_zeros()).unwrap_or(0),
        go: notes.iter().any(|note| {
            note.owner.strip_suffix(b"\0").unwrap_or(&note.owner) == b"Go"
                && note.kind == GO_BUILD_ID
        }),
        mentions: BTreeSet::new(),
    };
    let wants_libraries = opens_libraries(&facts);
    let Constants { mentions, libraries, paths, state } =
        constants::read(&*open, &elf, wants_libraries);
    facts.mentions = mentions;
    Some(Evidence { facts, names: libraries, paths, state })
}

fn kind(elf: &Elf) -> ElfKind {
    let dynamic = elf.dynamic();
    let is_program = elf.is_fixed() || dynamic.is_some_and(|dynamic| dynamic.is_pie());
    let has_soname = dynamic.is_some_and(|dynamic| dynamic.soname.is_some());
    match elf.interpreter() {
        // Linkers mark what is position-independent since 2016. glibc's libc.so.6 has an
        // interpreter and is a library all the same.
        Some(_) if is_program || !has_soname => ElfKind::Dynamic,
        None if is_program && elf.is_executable_or_shared() => ElfKind::Static,
        Some(_) | None => ElfKind::Library,
    }
}
