//! Whether an object defines a symbol, by its hash table.

use crate::host::HostFile;

use super::note::{half, word};
use super::{Class, Elf, ElfProblem, Layout, Reader};

/// Where the symbol tables are in the file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SymbolTables {
    pub(super) gnu_hash: Option<u64>,
    pub(super) hash: Option<u64>,
    pub(super) symbols: Option<u64>,
    pub(super) strings: Option<u64>,
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
        let Ok(mut reader) = Reader::new(file, size_bytes) else { return false };
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
fn sysv_hash(name: &[u8]) -> u32 {
    name.iter().fold(0_u32, |hash, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(*byte));
        let high = hash & 0xf000_0000;
        (hash ^ high >> 24) & !high
    })
}

/// The hash of `DT_GNU_HASH`.
fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381_u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(u32::from(*byte)))
}
