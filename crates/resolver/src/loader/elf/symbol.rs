//! Whether an object defines a symbol, by its hash table.

use goblin::elf::dynamic as dt;

use crate::host::HostFile;

use super::note::{half, word};
use super::{Buffers, Class, Elf, ElfProblem, Layout, Reader};

/// Where the symbol tables are in the file.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::loader) struct SymbolTables {
    pub(in crate::loader) gnu_hash: Option<u64>,
    pub(in crate::loader) hash: Option<u64>,
    pub(in crate::loader) symbols: Option<u64>,
    pub(in crate::loader) strings: Option<u64>,
    /// `DT_VERSYM`.
    pub(in crate::loader) versions: Option<u64>,
    pub(in crate::loader) relocations: Relocations,
}

/// Where the relocations are in the file: offset and size in bytes of each table. Those of
/// `DT_RELR` name no symbol.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::loader) struct Relocations {
    /// `DT_REL`.
    pub(in crate::loader) without_addend: Option<(u64, u64)>,
    /// `DT_RELA`.
    pub(in crate::loader) with_addend: Option<(u64, u64)>,
    /// `DT_JMPREL`.
    pub(in crate::loader) plt: Option<(u64, u64)>,
    /// Whether `DT_JMPREL` has addends (`DT_PLTREL`).
    pub(in crate::loader) plt_has_addend: bool,
}

impl Relocations {
    /// Takes them from a dynamic table: `last` is its last value of a tag, `address` what that is
    /// in the file.
    pub(super) fn of(
        last: &dyn Fn(u64) -> Option<u64>,
        address: &dyn Fn(u64) -> Option<u64>,
    ) -> Self {
        Self {
            without_addend: address(dt::DT_REL).zip(last(dt::DT_RELSZ)),
            with_addend: address(dt::DT_RELA).zip(last(dt::DT_RELASZ)),
            plt: address(dt::DT_JMPREL).zip(last(dt::DT_PLTRELSZ)),
            plt_has_addend: last(dt::DT_PLTREL) == Some(dt::DT_RELA),
        }
    }
}

/// Longest chain that is followed. Real ones have less than twenty.
const MAX_CHAIN: u64 = 65_536;

impl Elf {
    /// Tells whether the object defines `name`, whatever its version. A table that cannot be read
    /// defines nothing.
    pub(in crate::loader) fn defines(
        &self,
        file: &dyn HostFile,
        size_bytes: u64,
        name: &[u8],
    ) -> bool {
        let Some(tables) = self.dynamic().map(|dynamic| dynamic.symbol_tables) else {
            return false;
        };
        let mut buffers = Buffers::default();
        let Ok(mut reader) = Reader::new(file, size_bytes, &mut buffers) else { return false };
        tables.defines(&mut reader, self.layout, name).unwrap_or(false)
    }
}

impl SymbolTables {
    fn defines(
        &self,
        reader: &mut Reader<'_>,
        layout: Layout,
        name: &[u8],
    ) -> Result<bool, ElfProblem> {
        if let Some(table) = self.gnu_hash {
            return self.defines_by_gnu_hash(reader, layout, table, name);
        }
        let Some(table) = self.hash else { return Ok(false) };
        let buckets = number(reader, layout, table)?;
        if buckets == 0 {
            return Ok(false);
        }
        let bucket = u64::from(sysv_hash(name) % buckets);
        let mut symbol = number(reader, layout, table + 8 + bucket * 4)?;
        for _ in 0..MAX_CHAIN {
            if symbol == 0 {
                return Ok(false);
            }
            if self.is_definition(reader, layout, symbol, name)? {
                return Ok(true);
            }
            let next = table + 8 + (u64::from(buckets) + u64::from(symbol)) * 4;
            symbol = number(reader, layout, next)?;
        }
        Ok(false)
    }

    fn defines_by_gnu_hash(
        &self,
        reader: &mut Reader<'_>,
        layout: Layout,
        table: u64,
        name: &[u8],
    ) -> Result<bool, ElfProblem> {
        let buckets = number(reader, layout, table)?;
        let first = number(reader, layout, table + 4)?;
        let bloom_words = number(reader, layout, table + 8)?;
        if buckets == 0 {
            return Ok(false);
        }
        let word_bytes = match layout.class {
            Class::Elf32 => 4,
            Class::Elf64 => 8,
        };
        let buckets_at = table + 16 + u64::from(bloom_words) * word_bytes;
        let chains_at = buckets_at + u64::from(buckets) * 4;
        let hash = gnu_hash(name);
        let mut symbol = number(reader, layout, buckets_at + u64::from(hash % buckets) * 4)?;
        for _ in 0..MAX_CHAIN {
            if symbol < first {
                return Ok(false);
            }
            let other = number(reader, layout, chains_at + u64::from(symbol - first) * 4)?;
            if other | 1 == hash | 1 && self.is_definition(reader, layout, symbol, name)? {
                return Ok(true);
            }
            if other & 1 == 1 {
                return Ok(false);
            }
            symbol = symbol.wrapping_add(1);
        }
        Ok(false)
    }

    fn is_definition(
        &self,
        reader: &mut Reader<'_>,
        layout: Layout,
        symbol: u32,
        name: &[u8],
    ) -> Result<bool, ElfProblem> {
        let (Some(symbols), Some(strings)) = (self.symbols, self.strings) else {
            return Ok(false);
        };
        let (entry_bytes, section_at) = match layout.class {
            Class::Elf32 => (16, 14),
            Class::Elf64 => (24, 6),
        };
        let entry = reader.bytes(symbols + u64::from(symbol) * entry_bytes, entry_bytes)?;
        let text = word(entry, 0, layout).unwrap_or(0);
        let section = half(entry, section_at, layout).unwrap_or(0);
        Ok(section != 0 && *reader.string(strings + u64::from(text))? == *name)
    }
}

fn number(reader: &mut Reader<'_>, layout: Layout, at: u64) -> Result<u32, ElfProblem> {
    Ok(word(reader.bytes(at, 4)?, 0, layout).unwrap_or(0))
}

/// The hash of `DT_HASH` (gABI, chapter 5).
pub(in crate::loader) fn sysv_hash(name: &[u8]) -> u32 {
    name.iter().fold(0_u32, |hash, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(*byte));
        let high = hash & 0xf000_0000;
        (hash ^ high >> 24) & !high
    })
}

/// The hash of `DT_GNU_HASH`.
pub(in crate::loader) fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381_u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(u32::from(*byte)))
}
