//! Notes: the oldest kernel and the x86 level that an object asks for.

use goblin::elf::program_header::{PT_NOTE, ProgramHeader};

use crate::host::HostFile;

use super::{Buffers, Class, Elf, Layout, Reader};

/// `NT_GNU_ABI_TAG` and `NT_GNU_PROPERTY_TYPE_0` (`elf.h`).
const NT_GNU_ABI_TAG: u32 = 1;
const NT_GNU_PROPERTY_TYPE_0: u32 = 5;
/// `GNU_PROPERTY_X86_ISA_1_NEEDED` (x86-64 psABI).
const X86_ISA_1_NEEDED: u32 = 0xc000_8002;
/// `GNU_PROPERTY_NO_COPY_ON_PROTECTED`; `GNU_PROPERTY_1_NEEDED` with its bit
/// `INDIRECT_EXTERN_ACCESS` (Linux extensions to the gABI).
const NO_COPY_ON_PROTECTED: u32 = 2;
const NEEDED_1: u32 = 0xb000_8000;
const INDIRECT_EXTERN_ACCESS: u32 = 1;

/// Type of a note that tells what its object opens at run time; the owner is `FDO`
/// (systemd, `ELF_DLOPEN_METADATA`).
const FDO_DLOPEN: u32 = 0x407c_0c0a;

/// Most bytes of notes that are looked at: loaders have no limit, real ones have some hundred.
const MAX_NOTE_BYTES: u64 = 65_536;

/// `NT_GNU_ABI_TAG`: an operating system (0 is Linux) and its oldest version that will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AbiTag {
    /// The system; 0 is Linux.
    pub system: u32,
    /// Major, minor and patch version of the kernel.
    pub version: [u32; 3],
}

/// What notes say.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) abi_tag: Option<AbiTag>,
    /// `GNU_PROPERTY_X86_ISA_1_NEEDED`.
    pub(super) isa_needed: u32,
    /// Whether protected symbols must not be copied.
    pub(super) keeps_protected: bool,
}

/// Reads all of them; a note that cannot be read is none.
pub(super) fn read(reader: &mut Reader<'_>, headers: &[ProgramHeader], layout: Layout) -> Notes {
    let mut read = Notes::default();
    let has_notes =
        |header: &&ProgramHeader| header.p_type == PT_NOTE && header.p_filesz <= MAX_NOTE_BYTES;
    for header in headers.iter().filter(has_notes) {
        let Ok(bytes) = reader.bytes(header.p_offset, header.p_filesz) else { continue };
        let tag = gnu(bytes, header, layout)
            .find(|note| note.kind == NT_GNU_ABI_TAG && note.description.len() == 16);
        if let Some(Note { description, .. }) = tag {
            let word = |index: usize| word(description, index * 4, layout).unwrap_or(0);
            read.abi_tag = Some(AbiTag { system: word(0), version: [word(1), word(2), word(3)] });
            break;
        }
    }
    // Properties are read from `PT_NOTE` and not from `PT_GNU_PROPERTY`, from the last one that has
    // some, and only where their alignment is right (`sysdeps/x86/dl-prop.h`).
    let word_bytes = match layout.class {
        Class::Elf32 => 4,
        Class::Elf64 => 8,
    };
    let aligned = |header: &&ProgramHeader| has_notes(header) && header.p_align == word_bytes;
    for header in headers.iter().rev().filter(aligned) {
        let Ok(bytes) = reader.bytes(header.p_offset, header.p_filesz) else { continue };
        let mut properties =
            gnu(bytes, header, layout).filter(|note| note.kind == NT_GNU_PROPERTY_TYPE_0);
        if let Some(Note { description, .. }) = properties.next() {
            // Two of them are the work of an old linker, and void.
            if properties.next().is_none() {
                read.take_properties(description, layout);
            }
            break;
        }
    }
    read
}

/// Returns the notes of owner `GNU`.
fn gnu<'a>(
    bytes: &'a [u8],
    header: &ProgramHeader,
    layout: Layout,
) -> impl Iterator<Item = Note<'a>> {
    let alignment = if header.p_align == 8 { 8 } else { 4 };
    notes(bytes, alignment, layout).filter(|note| note.owner == b"GNU\0")
}

/// Returns the descriptions of the notes that tell what the object opens at run time.
pub(super) fn dlopen(
    reader: &mut Reader<'_>,
    headers: &[ProgramHeader],
    layout: Layout,
) -> Vec<Box<[u8]>> {
    let mut found = Vec::new();
    for header in headers.iter().filter(|header| header.p_type == PT_NOTE) {
        let length = header.p_filesz.min(MAX_NOTE_BYTES);
        let Ok(bytes) = reader.bytes(header.p_offset, length) else { continue };
        let alignment = if header.p_align == 8 { 8 } else { 4 };
        let notes = notes(bytes, alignment, layout)
            .filter(|note| note.owner == b"FDO\0" && note.kind == FDO_DLOPEN);
        found.extend(notes.map(|note| note.description.into()));
    }
    found
}

/// A note of any owner, read for whoever knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnedNote {
    /// Its owner without the NUL, such as `FDO`.
    pub(crate) owner: Box<[u8]>,
    pub(crate) kind: u32,
    pub(crate) description: Box<[u8]>,
}

impl Elf {
    /// Returns all notes, in file order, up to 64 KiB of each segment; what cannot be read is none.
    pub(crate) fn notes(&self, file: &dyn HostFile, size_bytes: u64) -> Vec<OwnedNote> {
        let mut buffers = Buffers::default();
        let reader = Reader::new(file, size_bytes, &mut buffers);
        let (Ok(segments), Ok(mut reader)) = (&self.segments, reader) else { return Vec::new() };
        let mut found = Vec::new();
        for (offset, length, alignment) in &segments.notes {
            let Ok(bytes) = reader.bytes(*offset, (*length).min(MAX_NOTE_BYTES)) else { continue };
            let alignment = if *alignment == 8 { 8 } else { 4 };
            found.extend(notes(bytes, alignment, self.layout).map(|note| OwnedNote {
                owner: note.owner.strip_suffix(b"\0").unwrap_or(note.owner).into(),
                kind: note.kind,
                description: note.description.into(),
            }));
        }
        found
    }
}

/// One note.
struct Note<'a> {
    /// Its owner with the NUL, such as `GNU\0`.
    owner: &'a [u8],
    kind: u32,
    description: &'a [u8],
}

/// Returns the notes of a segment, as far as they are whole.
fn notes(bytes: &[u8], alignment: usize, layout: Layout) -> impl Iterator<Item = Note<'_>> {
    let mut at: usize = 0;
    std::iter::from_fn(move || {
        let name_at = at.checked_add(12)?;
        let name_bytes = word(bytes, at, layout)? as usize;
        let description_bytes = word(bytes, at + 4, layout)? as usize;
        let kind = word(bytes, at + 8, layout)?;
        let name_end = name_at.checked_add(name_bytes)?;
        let description_at = name_end.checked_next_multiple_of(alignment)?;
        let end = description_at.checked_add(description_bytes)?;
        let owner = bytes.get(name_at..name_end)?;
        let description = bytes.get(description_at..end)?;
        at = end.checked_next_multiple_of(alignment)?;
        Some(Note { owner, kind, description })
    })
}

impl Notes {
    fn take_properties(&mut self, mut properties: &[u8], layout: Layout) {
        let alignment = match layout.class {
            Class::Elf32 => 4,
            Class::Elf64 => 8,
        };
        while let (Some(kind), Some(size_bytes)) =
            (word(properties, 0, layout), word(properties, 4, layout))
        {
            let value = if size_bytes == 4 { word(properties, 8, layout) } else { None };
            match (kind, value) {
                (X86_ISA_1_NEEDED, Some(bits)) => self.isa_needed |= bits,
                (NEEDED_1, Some(bits)) => {
                    self.keeps_protected |= bits & INDIRECT_EXTERN_ACCESS != 0;
                }
                (NO_COPY_ON_PROTECTED, _) => self.keeps_protected = true,
                _ => {}
            }
            let Some(next) = (8 + size_bytes as usize).checked_next_multiple_of(alignment) else {
                break;
            };
            properties = properties.get(next..).unwrap_or_default();
        }
    }
}

/// Returns the 32-bit number at `at`.
pub(in crate::loader) fn word(bytes: &[u8], at: usize, layout: Layout) -> Option<u32> {
    let bytes = *bytes.get(at..)?.first_chunk()?;
    Some(if layout.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

/// Returns the 16-bit number at `at`.
pub(in crate::loader) fn half(bytes: &[u8], at: usize, layout: Layout) -> Option<u16> {
    let bytes = *bytes.get(at..)?.first_chunk()?;
    Some(if layout.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
}
