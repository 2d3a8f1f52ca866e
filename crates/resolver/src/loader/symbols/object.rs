//! The symbols of one object: what its relocations refer to, and what it defines.

use std::collections::HashSet;

use goblin::elf::{reloc, sym};

use super::blocks::Blocks;
use crate::host::HostFile;
use crate::loader::elf::{self, Elf, Layout, Machine, SymbolTables};

/// Bytes of relocations that are read at once.
const CHUNK_BYTES: u64 = 1 << 20;

/// Longest hash chain that is followed. Real ones have less than twenty.
const MAX_CHAIN: u32 = 1 << 20;

/// `SHN_UNDEF` and `SHN_ABS` (gABI, chapter 4).
const UNDEFINED: u16 = 0;
const ABSOLUTE: u16 = 0xfff1;

/// The bits of `DT_VERSYM` (LSB, "Symbol Version Table").
const HIDDEN: u16 = 0x8000;
const INDEX: u16 = 0x7fff;
/// The highest index that is no version: 0 is local, 1 global, 2 the first of the file, which an
/// unversioned reference also takes (`check_match`).
const LAST_BASE_INDEX: u16 = 2;

/// The two relocation types for which the search differs.
#[derive(Clone, Copy)]
pub(super) struct Types {
    copy: u32,
    jump_slot: u32,
}

/// Returns the types of a machine (goblin's tables; for LoongArch its psABI).
pub(super) fn types(machine: Machine) -> Option<Types> {
    let (copy, jump_slot) = match machine {
        Machine::X86_64 => (reloc::R_X86_64_COPY, reloc::R_X86_64_JUMP_SLOT),
        Machine::I386 => (reloc::R_386_COPY, reloc::R_386_JMP_SLOT),
        Machine::AARCH64 => (reloc::R_AARCH64_COPY, reloc::R_AARCH64_JUMP_SLOT),
        Machine::ARM => (reloc::R_ARM_COPY, reloc::R_ARM_JUMP_SLOT),
        Machine::RISCV => (reloc::R_RISCV_COPY, reloc::R_RISCV_JUMP_SLOT),
        Machine::LOONGARCH => (4, 5),
        _ => return None,
    };
    Some(Types { copy, jump_slot })
}

/// For what a symbol is looked up (`ELF_RTYPE_CLASS_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// A call: an address that a program keeps for comparisons is no definition.
    Call,
    /// A copy of data into the program.
    Copy,
    /// Anything else.
    Other,
}

/// One relocation that names a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Relocation {
    pub(super) symbol: u32,
    pub(super) class: Class,
    /// Whether a lazy start leaves it for later.
    pub(super) lazy: bool,
}

/// An entry of `DT_SYMTAB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    pub(super) size: u64,
}

impl Symbol {
    pub(super) fn is_weak(&self) -> bool {
        sym::st_bind(self.info) == sym::STB_WEAK
    }

    pub(super) fn is_protected(&self) -> bool {
        sym::st_visibility(self.other) == sym::STV_PROTECTED
    }

    /// Tells whether the object means its own symbol, and nobody else can mean it.
    pub(super) fn is_bound_locally(&self) -> bool {
        sym::st_bind(self.info) == sym::STB_LOCAL || self.is_hidden()
    }

    fn is_hidden(&self) -> bool {
        matches!(sym::st_visibility(self.other), sym::STV_HIDDEN | sym::STV_INTERNAL)
    }

    /// Tells whether this can be what is looked for, leaving name and version aside
    /// (`check_match`, and the bindings in `do_lookup_x`; musl's `find_sym2`).
    fn defines(&self, class: Class, is_musl: bool) -> bool {
        /// `STB_GNU_UNIQUE` and `STT_GNU_IFUNC` have the first number of their range.
        const BINDINGS: [u8; 3] = [sym::STB_GLOBAL, sym::STB_WEAK, sym::STB_GNU_UNIQUE];
        const TYPES: [u8; 5] =
            [sym::STT_NOTYPE, sym::STT_OBJECT, sym::STT_FUNC, sym::STT_COMMON, sym::STT_TLS];
        let kind = sym::st_type(self.info);
        // musl knows no functions that choose one, no symbol of value 0, and no visibility.
        let is_absolute = self.section == ABSOLUTE && !is_musl;
        let has_value = self.value != 0 || is_absolute || kind == sym::STT_TLS;
        let is_undefined = self.section == UNDEFINED;
        let is_usable = !is_undefined || (class != Class::Call && kind != sym::STT_TLS);
        has_value
            && is_usable
            && (TYPES.contains(&kind) || (kind == sym::STT_GNU_IFUNC && !is_musl))
            && BINDINGS.contains(&sym::st_bind(self.info))
            && (is_musl || !self.is_hidden())
    }
}

/// A version, as an object needs or defines it (`struct r_found_version`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Version {
    pub(super) name: Box<[u8]>,
    hash: u32,
    hidden: bool,
}

/// What a relocation refers to.
pub(super) struct Reference {
    pub(super) name: Box<[u8]>,
    pub(super) symbol: Symbol,
    pub(super) version: Option<Version>,
    gnu_hash: u32,
    sysv_hash: u32,
}

/// How definitions are found.
enum HashTable {
    Gnu { buckets: u32, first: u32, bloom: u32, shift: u32, at: u64 },
    Sysv { buckets: u32, at: u64 },
    None,
}

/// One object.
pub(super) struct Object {
    blocks: Blocks,
    layout: Layout,
    tables: SymbolTables,
    /// By their index in `DT_VERSYM`.
    versions: Vec<Option<Version>>,
    hashes: HashTable,
}

impl Object {
    /// Opens an object. Nothing if it has no dynamic table, or a broken hash table.
    pub(super) fn open(file: Box<dyn HostFile>, size_bytes: u64, elf: &Elf) -> Option<Self> {
        let dynamic = elf.dynamic()?;
        let needs = dynamic.version_needs.iter().flat_map(|need| &need.versions);
        let needs = needs.map(|need| {
            let hidden = need.index & HIDDEN != 0;
            (need.index, Version { name: need.name.clone(), hash: need.hash, hidden })
        });
        let definitions = dynamic.version_definitions.iter().flatten();
        let definitions = definitions.filter(|definition| !definition.base).map(|definition| {
            let (name, hash) = (definition.name.clone(), definition.hash);
            (definition.index, Version { name, hash, hidden: false })
        });
        let mut versions = Vec::new();
        for (index, version) in needs.chain(definitions) {
            let index = usize::from(index & INDEX);
            if versions.len() <= index {
                versions.resize(index + 1, None);
            }
            versions[index] = Some(version);
        }
        let mut object = Self {
            blocks: Blocks::new(file, size_bytes),
            layout: elf.layout,
            tables: dynamic.symbol_tables,
            versions,
            hashes: HashTable::None,
        };
        object.hashes = object.hash_table()?;
        Some(object)
    }

    fn hash_table(&mut self) -> Option<HashTable> {
        if let Some(at) = self.tables.gnu_hash {
            return Some(HashTable::Gnu {
                buckets: self.word(at)?,
                first: self.word(at + 4)?,
                bloom: self.word(at + 8)?,
                shift: self.word(at + 12)?,
                at: at + 16,
            });
        }
        match self.tables.hash {
            Some(at) => Some(HashTable::Sysv { buckets: self.word(at)?, at: at + 8 }),
            None => Some(HashTable::None),
        }
    }

    /// Returns the relocations that name a symbol, each once. Nothing if a table is broken.
    pub(super) fn relocations(&self, types: Types) -> Option<Vec<Relocation>> {
        let tables = self.tables.relocations;
        let end = |table: Option<(u64, u64)>| Some(table?.0.saturating_add(table?.1));
        // Some linkers count those of DT_JMPREL also in the table before.
        let without_plt = |table: Option<(u64, u64)>| match (table, tables.plt) {
            (Some((at, size)), Some((plt_at, plt_size)))
                if end(table) == end(tables.plt) && plt_at >= at =>
            {
                Some((at, size - plt_size.min(size)))
            }
            _ => table,
        };
        let mut seen = HashSet::new();
        let mut relocations = Vec::new();
        for (table, has_addend, is_plt) in [
            (without_plt(tables.without_addend), false, false),
            (without_plt(tables.with_addend), true, false),
            (tables.plt, tables.plt_has_addend, true),
        ] {
            let Some((at, size)) = table else { continue };
            self.read_relocations(at, size, has_addend, |symbol, kind| {
                let class = match kind {
                    kind if kind == types.jump_slot => Class::Call,
                    kind if kind == types.copy => Class::Copy,
                    _ => Class::Other,
                };
                let lazy = is_plt && class == Class::Call;
                let relocation = Relocation { symbol, class, lazy };
                if symbol != 0 && kind != 0 && seen.insert(relocation) {
                    relocations.push(relocation);
                }
            })?;
        }
        Some(relocations)
    }

    fn read_relocations(
        &self,
        at: u64,
        size_bytes: u64,
        has_addend: bool,
        mut take: impl FnMut(u32, u32),
    ) -> Option<()> {
        let wide = self.layout.class == elf::Class::Elf64;
        let entry_bytes = match (wide, has_addend) {
            (true, true) => 24,
            (true, false) => 16,
            (false, true) => 12,
            (false, false) => 8,
        };
        let chunk_bytes = CHUNK_BYTES / entry_bytes * entry_bytes;
        let end = at.checked_add(size_bytes / entry_bytes * entry_bytes)?;
        if end > self.blocks.size_bytes() {
            return None;
        }
        let mut next = at;
        while next < end {
            let chunk = self.blocks.once(next, chunk_bytes.min(end - next))?;
            for entry in chunk.chunks_exact(usize::try_from(entry_bytes).ok()?) {
                let word = |at: usize| elf::word(entry, at, self.layout);
                // r_info is one number: its halves lie the other way round in big-endian files.
                let (symbol, kind) = match (wide, self.layout.big_endian) {
                    (true, false) => (word(12)?, word(8)?),
                    (true, true) => (word(8)?, word(12)?),
                    (false, _) => (word(4)? >> 8, word(4)? & 0xff),
                };
                take(symbol, kind);
            }
            next += chunk.len() as u64;
        }
        Some(())
    }

    /// Returns what a relocation refers to. musl knows no versions of references.
    pub(super) fn reference(&mut self, symbol: u32, is_musl: bool) -> Option<Reference> {
        let entry = self.symbol(symbol)?;
        let name = self.blocks.name(self.tables.strings?.checked_add(entry.name.into())?)?;
        let index = if is_musl { None } else { self.version_of(symbol) };
        let version = index
            .and_then(|index| self.versions.get(usize::from(index & INDEX)).cloned().flatten())
            .filter(|version| version.hash != 0);
        let (gnu_hash, sysv_hash) = (elf::gnu_hash(&name), elf::sysv_hash(&name));
        Some(Reference { name, symbol: entry, version, gnu_hash, sysv_hash })
    }

    /// Returns the definition that this object has for a reference. `steps` grows by the entries
    /// that were looked at.
    pub(super) fn find(
        &mut self,
        reference: &Reference,
        class: Class,
        is_musl: bool,
        steps: &mut u64,
    ) -> Option<Symbol> {
        let mut only = Unversioned::default();
        match self.hashes {
            HashTable::None => None,
            HashTable::Gnu { buckets, first, bloom, shift, at } => {
                *steps += 1;
                let hash = reference.gnu_hash;
                if buckets == 0 || !self.may_have(hash, bloom, shift, at) {
                    return None;
                }
                let word_bytes = self.word_bytes();
                let buckets_at = at.checked_add(u64::from(bloom) * word_bytes)?;
                let chains_at = buckets_at + u64::from(buckets) * 4;
                let mut symbol = self.word(buckets_at + u64::from(hash % buckets) * 4)?;
                for _ in 0..MAX_CHAIN {
                    *steps += 1;
                    let place = symbol.checked_sub(first)?;
                    let other = self.word(chains_at + u64::from(place) * 4)?;
                    if other | 1 == hash | 1
                        && let Some(found) =
                            self.check(symbol, reference, class, is_musl, &mut only)
                    {
                        return Some(found);
                    }
                    if other & 1 == 1 {
                        break;
                    }
                    symbol = symbol.checked_add(1)?;
                }
                only.definition()
            }
            HashTable::Sysv { buckets, at } => {
                if buckets == 0 {
                    return None;
                }
                let mut symbol = self.word(at + u64::from(reference.sysv_hash % buckets) * 4)?;
                for _ in 0..MAX_CHAIN {
                    *steps += 1;
                    if symbol == 0 {
                        break;
                    }
                    if let Some(found) = self.check(symbol, reference, class, is_musl, &mut only) {
                        return Some(found);
                    }
                    symbol = self.word(at + (u64::from(buckets) + u64::from(symbol)) * 4)?;
                }
                only.definition()
            }
        }
    }

    /// Asks the bloom filter: two bits of one word.
    fn may_have(&mut self, hash: u32, bloom: u32, shift: u32, at: u64) -> bool {
        let bits = u32::try_from(self.word_bytes() * 8).unwrap_or(64);
        let word = (hash / bits) & bloom.wrapping_sub(1);
        let word_at = at + u64::from(word) * self.word_bytes();
        let Some(word) = self.number(word_at) else { return false };
        let second = hash.checked_shr(shift).unwrap_or(0);
        word >> (hash % bits) & word >> (second % bits) & 1 == 1
    }

    /// Tells whether a symbol is what is looked for (`check_match`).
    fn check(
        &mut self,
        symbol: u32,
        reference: &Reference,
        class: Class,
        is_musl: bool,
        only: &mut Unversioned,
    ) -> Option<Symbol> {
        let entry = self.symbol(symbol)?;
        let strings = self.tables.strings?;
        if !entry.defines(class, is_musl)
            || !self.blocks.is_name(strings.checked_add(entry.name.into())?, &reference.name)
        {
            return None;
        }
        // Without versions of its own, an object offers all of its symbols.
        let Some(index) = self.version_of(symbol) else { return Some(entry) };
        let is_hidden = index & HIDDEN != 0;
        if is_musl {
            return (!is_hidden).then_some(entry);
        }
        match &reference.version {
            Some(wanted) => {
                let own = self.versions.get(usize::from(index & INDEX)).and_then(Option::as_ref);
                let matches = match own {
                    Some(own) if own.hash == wanted.hash && own.name == wanted.name => true,
                    Some(own) if own.hash != 0 => false,
                    Some(_) | None => !wanted.hidden && !is_hidden,
                };
                matches.then_some(entry)
            }
            None if index & INDEX <= LAST_BASE_INDEX => Some(entry),
            None => {
                if !is_hidden {
                    only.add(entry);
                }
                None
            }
        }
    }

    fn symbol(&mut self, index: u32) -> Option<Symbol> {
        let at = self.tables.symbols?;
        let layout = self.layout;
        if layout.class == elf::Class::Elf64 {
            let bytes: [u8; 24] = self.blocks.bytes(at.checked_add(u64::from(index) * 24)?)?;
            Some(Symbol {
                name: elf::word(&bytes, 0, layout)?,
                info: bytes[4],
                other: bytes[5],
                section: elf::half(&bytes, 6, layout)?,
                value: long(&bytes, 8, layout)?,
                size: long(&bytes, 16, layout)?,
            })
        } else {
            let bytes: [u8; 16] = self.blocks.bytes(at.checked_add(u64::from(index) * 16)?)?;
            Some(Symbol {
                name: elf::word(&bytes, 0, layout)?,
                info: bytes[12],
                other: bytes[13],
                section: elf::half(&bytes, 14, layout)?,
                value: elf::word(&bytes, 4, layout)?.into(),
                size: elf::word(&bytes, 8, layout)?.into(),
            })
        }
    }

    /// Returns the entry of `DT_VERSYM` for a symbol; nothing if there is no such table.
    fn version_of(&mut self, symbol: u32) -> Option<u16> {
        let at = self.tables.versions?.checked_add(u64::from(symbol) * 2)?;
        let bytes: [u8; 2] = self.blocks.bytes(at)?;
        elf::half(&bytes, 0, self.layout)
    }

    fn word_bytes(&self) -> u64 {
        match self.layout.class {
            elf::Class::Elf32 => 4,
            elf::Class::Elf64 => 8,
        }
    }

    fn word(&mut self, at: u64) -> Option<u32> {
        let bytes: [u8; 4] = self.blocks.bytes(at)?;
        elf::word(&bytes, 0, self.layout)
    }

    /// Reads a number as wide as an address.
    fn number(&mut self, at: u64) -> Option<u64> {
        match self.layout.class {
            elf::Class::Elf32 => self.word(at).map(u64::from),
            elf::Class::Elf64 => {
                let bytes: [u8; 8] = self.blocks.bytes(at)?;
                long(&bytes, 0, self.layout)
            }
        }
    }
}

fn long(bytes: &[u8], at: usize, layout: Layout) -> Option<u64> {
    let first = u64::from(elf::word(bytes, at, layout)?);
    let second = u64::from(elf::word(bytes, at + 4, layout)?);
    Some(if layout.big_endian { first << 32 | second } else { second << 32 | first })
}

/// Versions of a symbol that is asked for without one: it is taken if there is a single one.
#[derive(Default)]
struct Unversioned {
    count: usize,
    first: Option<Symbol>,
}

impl Unversioned {
    fn add(&mut self, symbol: Symbol) {
        self.count += 1;
        self.first.get_or_insert(symbol);
    }

    fn definition(&self) -> Option<Symbol> {
        self.first.filter(|_| self.count == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn musl_takes_fewer_symbols_than_glibc() {
        let symbol = |kind: u8, section: u16, value: u64| Symbol {
            name: 1,
            info: sym::STB_GLOBAL << 4 | kind,
            other: 0,
            section,
            value,
            size: 0,
        };
        for (symbol, glibc, musl) in [
            (symbol(sym::STT_FUNC, 1, 1), true, true),
            (symbol(sym::STT_TLS, 1, 0), true, true),
            (symbol(sym::STT_GNU_IFUNC, 1, 1), true, false),
            (symbol(sym::STT_NOTYPE, ABSOLUTE, 0), true, false),
            (symbol(sym::STT_NOTYPE, 1, 0), false, false),
        ] {
            assert_eq!(symbol.defines(Class::Other, false), glibc);
            assert_eq!(symbol.defines(Class::Other, true), musl);
        }
    }
}
