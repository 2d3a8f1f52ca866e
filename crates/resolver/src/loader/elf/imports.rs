//! Which symbols an object wants from others, by its dynamic symbol table.

use std::collections::BTreeSet;

use crate::host::HostFile;

use super::note::{half, word};
use super::symbol::SymbolTables;
use super::{Buffers, Class, Elf, ElfProblem, Layout, Reader};

/// Most symbols of one table. The largest known libraries have some hundred thousand.
const MAX_SYMBOLS: u64 = 1 << 20;
/// Most bytes of names that are read: the string table of such a library.
const MAX_NAME_BYTES: u64 = 64 << 20;
/// Longest name of a symbol, in bytes. C++ templates have names of some thousand.
const MAX_SYMBOL_BYTES: u64 = 65_536;
/// `STB_WEAK` (gABI).
const WEAK: u8 = 2;

impl Elf {
    /// Returns the names of the symbols that the object refers to and does not define, without the
    /// weak ones. A table that cannot be read refers to nothing.
    pub(crate) fn imports(&self, file: &dyn HostFile, size_bytes: u64) -> BTreeSet<Box<[u8]>> {
        let tables = self.dynamic().map(|dynamic| dynamic.symbol_tables);
        let read = |tables: SymbolTables| {
            let mut buffers = Buffers::default();
            let mut reader = Reader::new(file, size_bytes, &mut buffers).ok()?;
            tables.undefined(&mut reader, self.layout).ok()
        };
        tables.and_then(read).unwrap_or_default()
    }
}

impl SymbolTables {
    fn undefined(
        &self,
        reader: &mut Reader<'_>,
        layout: Layout,
    ) -> Result<BTreeSet<Box<[u8]>>, ElfProblem> {
        let (Some(symbols), Some(strings)) = (self.symbols, self.strings) else {
            return Ok(BTreeSet::new());
        };
        let (entry_bytes, info_at, section_at) = match layout.class {
            Class::Elf32 => (16, 12, 14),
            Class::Elf64 => (24, 4, 6),
        };
        let count = self.candidates(reader, layout, entry_bytes)?.min(MAX_SYMBOLS);
        let table = reader.bytes(symbols, count * entry_bytes)?;
        let mut offsets = Vec::new();
        for entry in table.chunks_exact(usize::try_from(entry_bytes).unwrap_or(24)) {
            let is_weak = entry.get(info_at).is_some_and(|info| info >> 4 == WEAK);
            if half(entry, section_at, layout) == Some(0) && !is_weak {
                offsets.extend(word(entry, 0, layout).filter(|offset| *offset != 0));
            }
        }
        let Some(last) = offsets.iter().max() else { return Ok(BTreeSet::new()) };
        let length = (u64::from(*last) + MAX_SYMBOL_BYTES)
            .min(MAX_NAME_BYTES)
            .min(reader.size_bytes().saturating_sub(strings));
        let names = reader.bytes(strings, length)?;
        let name = |offset: &u32| {
            let tail = names.get(usize::try_from(*offset).ok()?..)?;
            let end = tail.iter().position(|byte| *byte == 0)?;
            Some(tail[..end].into())
        };
        Ok(offsets.iter().filter_map(name).collect())
    }

    /// Returns how many entries of the symbol table can be undefined. Nothing tells the table's
    /// length: `DT_HASH` has it, and `DT_GNU_HASH` the number of those before the defined ones.
    fn candidates(
        &self,
        reader: &mut Reader<'_>,
        layout: Layout,
        entry_bytes: u64,
    ) -> Result<u64, ElfProblem> {
        if let Some(table) = self.hash {
            return Ok(word(reader.bytes(table, 8)?, 4, layout).unwrap_or(0).into());
        }
        if let Some(table) = self.gnu_hash {
            let first = word(reader.bytes(table, 8)?, 4, layout).unwrap_or(0);
            // GNU ld writes 1 for an object that defines nothing, whatever it imports.
            if first > 1 {
                return Ok(first.into());
            }
        }
        // All linkers put the names behind the table.
        let (symbols, strings) = (self.symbols.unwrap_or(0), self.strings.unwrap_or(0));
        Ok(strings.saturating_sub(symbols) / entry_bytes)
    }
}
