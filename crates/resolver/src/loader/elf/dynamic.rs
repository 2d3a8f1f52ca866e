//! The dynamic table: what an object needs, and where it wants that to be searched.

use goblin::elf::dynamic as dt;
use goblin::elf::program_header::{PT_DYNAMIC, ProgramHeader};

use super::symbol::{Relocations, SymbolTables};
use super::version::Table;
use super::{ElfProblem, Layout, Reader, VersionDefinition, VersionNeed, file_offset};

/// `DT_AUXILIARY` and `DT_FILTER`; goblin has no names for them (`elf.h`).
const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;
/// `DT_RELR` (gABI).
const DT_RELR: u64 = 36;
/// `DF_1_PIE` (`elf.h`).
const DF_1_PIE: u64 = 0x0800_0000;

/// Most entries of a dynamic table. Real ones have 20 to 300.
const MAX_ENTRIES: u64 = 65_536;
/// Most `DT_NEEDED`, `DT_FILTER` and `DT_AUXILIARY` of one object, and most bytes of their names.
/// Chromium has some fifty.
const MAX_NEEDED: usize = 4096;
const MAX_NEEDED_BYTES: usize = 1 << 20;
/// Strings and versions that lie within so many bytes are read at once: one call instead of three.
const MAX_PREFETCH_BYTES: u64 = 65_536;

/// By which tag, or by whom, an object asks for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// `DT_NEEDED`.
    Needed,
    /// `DT_FILTER`: must be there, and comes before its owner.
    Filter,
    /// `DT_AUXILIARY`: comes before its owner if it is there.
    Auxiliary,
    /// `DT_AUDIT` or `DT_DEPAUDIT` of the program.
    Audit,
    /// `LD_PRELOAD` or `/etc/ld.so.preload`.
    Preload,
    /// `dlopen(3)`: not at the start, but by an object that is loaded then.
    Opened,
}

/// A dynamic table, decoded. For what occurs more than once, the last entry counts
/// (glibc `elf/get-dynamic-info.h`), except for those in `needed`.
#[derive(Clone, Debug, Default)]
pub struct Dynamic {
    /// `DT_NEEDED`, `DT_FILTER` and `DT_AUXILIARY` in file order.
    pub needed: Vec<(Tag, Box<[u8]>)>,
    /// `DT_SONAME`.
    pub soname: Option<Box<[u8]>>,
    /// `DT_RPATH`. glibc takes it as absent if there is a `DT_RUNPATH`.
    pub rpath: Option<Box<[u8]>>,
    /// `DT_RUNPATH`; that it is there counts, even if it is empty.
    pub runpath: Option<Box<[u8]>>,
    /// `DT_AUDIT`, a list with colons.
    pub audit: Option<Box<[u8]>>,
    /// `DT_DEPAUDIT`, a list with colons.
    pub depaudit: Option<Box<[u8]>>,
    /// `DT_FLAGS`.
    pub flags: u64,
    /// `DT_FLAGS_1`.
    pub flags_1: u64,
    /// Whether there is a `DT_BIND_NOW`.
    pub bind_now: bool,
    /// Whether there is a `DT_SYMBOLIC`.
    pub symbolic: bool,
    /// Whether there is a `DT_VERSYM`.
    pub versioned_symbols: bool,
    /// Whether there is a `DT_RELR`.
    pub relr: bool,
    /// `DT_VERNEED`.
    pub version_needs: Vec<VersionNeed>,
    /// `DT_VERDEF`; none if the tag is absent.
    pub version_definitions: Option<Vec<VersionDefinition>>,
    pub(in crate::loader) symbol_tables: SymbolTables,
}

impl Dynamic {
    /// Tells whether the object is a program (`DF_1_PIE`), which cannot be loaded as a library.
    #[must_use]
    pub fn is_pie(&self) -> bool {
        self.flags_1 & DF_1_PIE != 0
    }

    /// Tells whether nothing may be searched in the built-in directories (`DF_1_NODEFLIB`).
    #[must_use]
    pub fn no_default_directories(&self) -> bool {
        self.flags_1 & dt::DF_1_NODEFLIB != 0
    }

    /// Tells whether all symbols are looked up at the start (`DF_BIND_NOW`, `DF_1_NOW`).
    #[must_use]
    pub fn binds_at_start(&self) -> bool {
        self.bind_now || self.flags & dt::DF_BIND_NOW != 0 || self.flags_1 & dt::DF_1_NOW != 0
    }

    /// Tells whether the object looks for symbols in itself first (`DF_SYMBOLIC`).
    #[must_use]
    pub fn searches_itself(&self) -> bool {
        self.symbolic || self.flags & dt::DF_SYMBOLIC != 0
    }

    /// Returns the `DT_RPATH` that is in force: none beside a `DT_RUNPATH`.
    #[must_use]
    pub fn effective_rpath(&self) -> Option<&[u8]> {
        if self.runpath.is_some() { None } else { self.rpath.as_deref() }
    }

    pub(super) fn read(
        reader: &mut Reader<'_>,
        header: &ProgramHeader,
        headers: &[ProgramHeader],
        layout: Layout,
    ) -> Result<Self, ElfProblem> {
        let entries = entries(reader, header, headers, layout)?;
        // The last entry of each tag, where the tag has one value.
        let last = |tag: u64| {
            entries.iter().rev().find(|entry| entry.d_tag == tag).map(|entry| entry.d_val)
        };
        let strings = last(dt::DT_STRTAB);
        let string = |offset: u64| file_offset(headers, strings?.checked_add(offset)?);
        let table = |tag: u64| match last(tag) {
            None => Ok(None),
            Some(address) => {
                file_offset(headers, address).ok_or(ElfProblem::PointsOutside).map(Some)
            }
        };
        let address = |tag: u64| file_offset(headers, last(tag)?);
        let (needs_at, definitions_at) = (table(dt::DT_VERNEED)?, table(dt::DT_VERDEF)?);
        prefetch(reader, &entries, &string, [needs_at, definitions_at])?;

        let text = |reader: &mut Reader<'_>, offset: u64| match strings {
            None => Err(ElfProblem::NoStrings),
            Some(_) => reader.string(string(offset).ok_or(ElfProblem::PointsOutside)?),
        };
        let optional = |reader: &mut Reader<'_>, tag: u64| {
            last(tag).map(|offset| text(reader, offset)).transpose()
        };
        let mut dynamic = Self {
            soname: optional(reader, dt::DT_SONAME)?,
            rpath: optional(reader, dt::DT_RPATH)?,
            runpath: optional(reader, dt::DT_RUNPATH)?,
            audit: optional(reader, dt::DT_AUDIT)?,
            depaudit: optional(reader, dt::DT_DEPAUDIT)?,
            bind_now: last(dt::DT_BIND_NOW).is_some(),
            symbolic: last(dt::DT_SYMBOLIC).is_some(),
            flags: last(dt::DT_FLAGS).unwrap_or(0),
            flags_1: last(dt::DT_FLAGS_1).unwrap_or(0),
            versioned_symbols: last(dt::DT_VERSYM).is_some(),
            relr: last(DT_RELR).is_some(),
            symbol_tables: SymbolTables {
                gnu_hash: address(dt::DT_GNU_HASH),
                hash: address(dt::DT_HASH),
                symbols: address(dt::DT_SYMTAB),
                strings: string(0),
                versions: address(dt::DT_VERSYM),
                relocations: Relocations::of(&last, &address),
            },
            ..Self::default()
        };
        let mut needed_bytes = 0;
        for entry in &entries {
            let tag = match entry.d_tag {
                dt::DT_NEEDED => Tag::Needed,
                DT_FILTER => Tag::Filter,
                DT_AUXILIARY => Tag::Auxiliary,
                _ => continue,
            };
            if dynamic.needed.len() == MAX_NEEDED {
                return Err(ElfProblem::DynamicCount);
            }
            let name = text(reader, entry.d_val)?;
            needed_bytes += name.len();
            if needed_bytes > MAX_NEEDED_BYTES {
                return Err(ElfProblem::DynamicCount);
            }
            dynamic.needed.push((tag, name));
        }
        if let Some(offset) = needs_at {
            dynamic.version_needs = Table { offset, string: &string, layout }.needs(reader)?;
        }
        if let Some(offset) = definitions_at {
            let table = Table { offset, string: &string, layout };
            dynamic.version_definitions = Some(table.definitions(reader)?);
        }
        Ok(dynamic)
    }
}

/// Returns the entries before `DT_NULL`. Loaders find the table by its address in memory.
fn entries(
    reader: &mut Reader<'_>,
    header: &ProgramHeader,
    headers: &[ProgramHeader],
    layout: Layout,
) -> Result<Vec<dt::Dyn>, ElfProblem> {
    let entry_bytes = dt::Dyn::size(layout.context().container) as u64;
    let size_bytes = header.p_filesz / entry_bytes * entry_bytes;
    if size_bytes > MAX_ENTRIES * entry_bytes {
        return Err(ElfProblem::DynamicCount);
    }
    let offset = file_offset(headers, header.p_vaddr).ok_or(ElfProblem::DynamicOutside)?;
    let bytes = reader
        .bytes(offset, size_bytes)
        .map_err(|problem| problem.or_outside(ElfProblem::DynamicOutside))?;
    // goblin reads the table behind a program header: give it one for just these bytes.
    let window =
        ProgramHeader { p_type: PT_DYNAMIC, p_filesz: size_bytes, ..ProgramHeader::default() };
    let mut entries = dt::Dynamic::parse(bytes, &[window], layout.context())
        .map_err(|_| ElfProblem::DynamicOutside)?
        .map(|dynamic| dynamic.dyns)
        .unwrap_or_default();
    match entries.pop() {
        Some(end) if end.d_tag == dt::DT_NULL => Ok(entries),
        _ => Err(ElfProblem::DynamicUnterminated),
    }
}

/// Reads names and version tables at once when they lie close together. GNU linkers put names
/// behind those of symbols, and then the tables; others put the tables first, and then names before
/// those of symbols. The names of versions lie beside the others. What lies elsewhere is read later.
fn prefetch(
    reader: &mut Reader<'_>,
    entries: &[dt::Dyn],
    string: &dyn Fn(u64) -> Option<u64>,
    tables: [Option<u64>; 2],
) -> Result<(), ElfProblem> {
    /// Room for the last name and those of versions.
    const NAME_BYTES: u64 = 256;
    /// Room for the records of a version table, whose size no tag tells.
    const TABLE_BYTES: u64 = 1024;
    let (mut start, mut end) = (u64::MAX, 0);
    let names = entries.iter().filter(|entry| {
        matches!(
            entry.d_tag,
            dt::DT_NEEDED
                | dt::DT_SONAME
                | dt::DT_RPATH
                | dt::DT_RUNPATH
                | dt::DT_AUDIT
                | dt::DT_DEPAUDIT
                | DT_FILTER
                | DT_AUXILIARY
        )
    });
    let names = names.filter_map(|entry| string(entry.d_val)).map(|at| (at, NAME_BYTES));
    let tables = tables.into_iter().flatten().map(|at| (at, TABLE_BYTES));
    for (at, length) in names.chain(tables) {
        start = start.min(at);
        end = end.max(at.saturating_add(length));
    }
    if end.saturating_sub(start) <= MAX_PREFETCH_BYTES && end > start && start < reader.size_bytes()
    {
        reader.prefetch(start, end)?;
    }
    Ok(())
}
