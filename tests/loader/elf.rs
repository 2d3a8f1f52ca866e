//! Writes tiny ELF files, field by field.
//!
//! A linker refuses, reorders or repairs what the cases want to say (two sonames, an empty run path, a name in the
//! wrong order), and takes a hundred times as long. What is written here is real all the same: the kernel and the
//! loaders of glibc and musl start it. One segment holds the whole file, so an offset is also an address.

/// What to write. The bytes are a function of this value alone.
#[derive(Clone, Default)]
pub(crate) struct Elf {
    pub(crate) machine: Machine,
    /// `ET_EXEC` instead of `ET_DYN`.
    pub(crate) fixed: bool,
    pub(crate) interpreter: Option<Vec<u8>>,
    /// The dynamic table in file order, without the entries that every table has. `None`: no `PT_DYNAMIC`.
    pub(crate) dynamic: Option<Vec<(u64, Value)>>,
    /// `PT_DYNAMIC` says that it has no bytes in the file, as in separate debug files.
    pub(crate) dynamic_is_empty: bool,
    /// No `PT_LOAD`.
    pub(crate) unloadable: bool,
    /// Versions that it defines, after the base definition.
    pub(crate) defines: Vec<String>,
    /// Versions that it requires: file, version, weak.
    pub(crate) requires: Vec<(String, String, bool)>,
    /// A `DT_VERSYM` even without versions.
    pub(crate) versym: bool,
    /// `DF_1_*` bits.
    pub(crate) flags_1: u64,
    /// The bits of `GNU_PROPERTY_X86_ISA_1_NEEDED`, 0 for no such note.
    pub(crate) isa: u32,
    /// Entries behind all others of the dynamic table, which therefore count instead of them.
    pub(crate) last: Vec<(u64, u64)>,
    /// What runs at the entry point. Empty: no entry point.
    pub(crate) code: Vec<u8>,
}

/// One value of the dynamic table.
#[derive(Clone)]
pub(crate) enum Value {
    /// An offset in the string table.
    Text(Vec<u8>),
    Number(u64),
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) enum Machine {
    #[default]
    X86_64,
    Aarch64,
}

pub(crate) const DT_NEEDED: u64 = 1;
pub(crate) const DT_SONAME: u64 = 14;
pub(crate) const DT_RPATH: u64 = 15;
pub(crate) const DT_RUNPATH: u64 = 29;
pub(crate) const DT_AUXILIARY: u64 = 0x7fff_fffd;
pub(crate) const DT_FILTER: u64 = 0x7fff_ffff;
pub(crate) const DT_AUDIT: u64 = 0x6fff_fefc;
const DT_FLAGS_1: u64 = 0x6fff_fffb;
const DT_VERDEF: u64 = 0x6fff_fffc;
const DT_VERNEED: u64 = 0x6fff_fffe;
const DT_VERSYM: u64 = 0x6fff_fff0;

const HEADER_BYTES: usize = 64;
const SEGMENT_BYTES: usize = 56;
const SEGMENTS: usize = 7;

/// Fields of the ELF header that a case may overwrite: name, offset, width in bytes.
pub(crate) const FIELDS: &[(&str, usize, usize)] = &[
    ("ei_mag", 0, 4),
    ("ei_class", 4, 1),
    ("ei_data", 5, 1),
    ("ei_version", 6, 1),
    ("ei_osabi", 7, 1),
    ("ei_abiversion", 8, 1),
    ("ei_pad", 9, 1),
    ("e_type", 16, 2),
    ("e_machine", 18, 2),
    ("e_version", 20, 4),
    ("e_phoff", 32, 8),
    ("e_shoff", 40, 8),
    ("e_phentsize", 54, 2),
    ("e_phnum", 56, 2),
    ("e_shnum", 60, 2),
    // Segments stand in a fixed order: PT_PHDR, PT_LOAD, PT_INTERP, PT_DYNAMIC.
    ("load_filesz", HEADER_BYTES + SEGMENT_BYTES + 32, 8),
    ("interp_type", HEADER_BYTES + 2 * SEGMENT_BYTES, 4),
    ("interp_offset", HEADER_BYTES + 2 * SEGMENT_BYTES + 8, 8),
    ("interp_filesz", HEADER_BYTES + 2 * SEGMENT_BYTES + 32, 8),
    ("dynamic_offset", HEADER_BYTES + 3 * SEGMENT_BYTES + 8, 8),
    ("dynamic_filesz", HEADER_BYTES + 3 * SEGMENT_BYTES + 32, 8),
];

/// Returns the file's bytes.
pub(crate) fn write(elf: &Elf) -> Vec<u8> {
    let base: u64 = if elf.fixed { 0x40_0000 } else { 0 };
    let mut body =
        Body { bytes: vec![0; HEADER_BYTES + SEGMENTS * SEGMENT_BYTES], strings: vec![0] };

    let interpreter = elf.interpreter.as_ref().map(|path| body.place(&[path, &b"\0"[..]].concat()));
    let code = body.place(&elf.code);
    let property = (elf.isa != 0).then(|| body.place(&isa_note(elf.isa)));
    // One bucket, one symbol, and that is the undefined one: enough for every look-up to end.
    let hash = body.place(&words(&[1, 1, 0, 0]));
    let symbols = body.place(&[0; 24]);

    let mut dynamic = Vec::new();
    for (tag, value) in elf.dynamic.iter().flatten() {
        let number = match value {
            Value::Text(text) => body.string(text),
            Value::Number(number) => *number,
        };
        dynamic.push((*tag, number));
    }
    if elf.flags_1 != 0 {
        dynamic.push((DT_FLAGS_1, elf.flags_1));
    }
    if !elf.defines.is_empty() {
        let table = definitions(&elf.defines, &mut body);
        let place = body.place(&table).0;
        dynamic.extend([(DT_VERDEF, base + place), (DT_VERDEF + 1, elf.defines.len() as u64 + 1)]);
    }
    if !elf.requires.is_empty() {
        let table = requirements(&elf.requires, &mut body);
        let place = body.place(&table).0;
        dynamic.extend([(DT_VERNEED, base + place), (DT_VERNEED + 1, elf.requires.len() as u64)]);
    }
    if elf.versym || !elf.defines.is_empty() || !elf.requires.is_empty() {
        dynamic.push((DT_VERSYM, base + body.place(&[0; 8]).0));
    }
    let strings = std::mem::take(&mut body.strings);
    let strings = body.place(&strings);
    const DT_DEBUG: u64 = 21;
    let (dt_hash, dt_strtab, dt_symtab, dt_strsz, dt_syment) = (4, 5, 6, 10, 11);
    dynamic.extend([
        (dt_hash, base + hash.0),
        (dt_strtab, base + strings.0),
        (dt_symtab, base + symbols.0),
        (dt_strsz, strings.1),
        (dt_syment, 24),
        (DT_DEBUG, 0),
    ]);
    dynamic.extend(elf.last.iter().copied().chain([(0, 0)]));
    let dynamic: Vec<u8> = dynamic
        .iter()
        .flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()].concat())
        .collect();
    let dynamic = elf.dynamic.is_some().then(|| body.place(&dynamic));

    let mut bytes = body.bytes;
    let whole = (0, bytes.len() as u64);
    const PT_NULL: u32 = 0;
    let headers = (HEADER_BYTES as u64, (SEGMENTS * SEGMENT_BYTES) as u64);
    let segments = [
        // By this one the loader knows where a program was placed.
        (6, Some(headers)),
        (if elf.unloadable { PT_NULL } else { 1 }, Some(whole)),
        (3, interpreter),
        (
            2,
            dynamic.map(
                |(place, length)| if elf.dynamic_is_empty { (place, 0) } else { (place, length) },
            ),
        ),
        (4, property),
        (0x6474_e553, property),
        // PT_GNU_STACK: without it the loader asks for an executable stack, which some machines refuse.
        (0x6474_e551, Some((0, 0))),
    ];
    for (index, (kind, range)) in segments.into_iter().enumerate() {
        let kind = if range.is_some() { kind } else { PT_NULL };
        let flags: u32 = if kind == 1 { 7 } else { 6 };
        let (place, length) = range.unwrap_or((0, 0));
        let align: u64 = if kind == 1 { 0x1_0000 } else { 8 };
        let start = HEADER_BYTES + index * SEGMENT_BYTES;
        let mut segment = [kind.to_le_bytes(), flags.to_le_bytes()].concat();
        for number in [place, base + place, base + place, length, length, align] {
            segment.extend(number.to_le_bytes());
        }
        bytes[start..start + SEGMENT_BYTES].copy_from_slice(&segment);
    }
    let entry = if elf.code.is_empty() { 0 } else { base + code.0 };
    bytes[..HEADER_BYTES].copy_from_slice(&header(elf, entry));
    bytes
}

/// The file while it grows. Everything is placed at a multiple of 8.
struct Body {
    bytes: Vec<u8>,
    strings: Vec<u8>,
}

impl Body {
    /// Returns where it was placed, and its length.
    fn place(&mut self, part: &[u8]) -> (u64, u64) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let place = self.bytes.len() as u64;
        self.bytes.extend(part);
        (place, part.len() as u64)
    }

    /// Returns the offset in the string table.
    fn string(&mut self, text: &[u8]) -> u64 {
        let offset = self.strings.len() as u64;
        self.strings.extend(text);
        self.strings.push(0);
        offset
    }
}

fn header(elf: &Elf, entry: u64) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let kind: u16 = if elf.fixed { 2 } else { 3 };
    let machine: u16 = match elf.machine {
        Machine::X86_64 => 62,
        Machine::Aarch64 => 183,
    };
    header.extend(kind.to_le_bytes());
    header.extend(machine.to_le_bytes());
    header.extend(1u32.to_le_bytes());
    for number in [entry, HEADER_BYTES as u64, 0] {
        header.extend(number.to_le_bytes());
    }
    header.extend(0u32.to_le_bytes());
    for number in [HEADER_BYTES, SEGMENT_BYTES, SEGMENTS, 64, 0, 0] {
        header.extend((number as u16).to_le_bytes());
    }
    header
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn isa_note(bits: u32) -> Vec<u8> {
    const GNU_PROPERTY_X86_ISA_1_NEEDED: u32 = 0xc000_8002;
    words(&[4, 16, 5, u32::from_le_bytes(*b"GNU\0"), GNU_PROPERTY_X86_ISA_1_NEEDED, 4, bits, 0])
}

/// Returns a `DT_VERDEF` table: the base definition, then the given ones.
fn definitions(names: &[String], body: &mut Body) -> Vec<u8> {
    let all: Vec<&str> = std::iter::once("base").chain(names.iter().map(String::as_str)).collect();
    let mut table = Vec::new();
    for (index, name) in all.iter().enumerate() {
        let base: u16 = u16::from(index == 0);
        for half in [1, base, index as u16 + 1, 1] {
            table.extend(half.to_le_bytes());
        }
        let next = if index + 1 == all.len() { 0 } else { 28 };
        let name_at = body.string(name.as_bytes()) as u32;
        table.extend(words(&[hash(name), 20, next, name_at, 0]));
    }
    table
}

/// Returns a `DT_VERNEED` table with one record for each requirement.
fn requirements(all: &[(String, String, bool)], body: &mut Body) -> Vec<u8> {
    let mut table = Vec::new();
    for (index, (file, version, weak)) in all.iter().enumerate() {
        table.extend([1u16.to_le_bytes(), 1u16.to_le_bytes()].concat());
        let next = if index + 1 == all.len() { 0 } else { 32 };
        let file_at = body.string(file.as_bytes()) as u32;
        table.extend(words(&[file_at, 16, next, hash(version)]));
        const VER_FLG_WEAK: u16 = 2;
        table.extend((if *weak { VER_FLG_WEAK } else { 0 }).to_le_bytes());
        table.extend((index as u16 + 2).to_le_bytes());
        let version_at = body.string(version.as_bytes()) as u32;
        table.extend(words(&[version_at, 0]));
    }
    table
}

/// The hash of the ELF specification, by which versions are compared.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |sum, byte| {
        let sum = (sum << 4).wrapping_add(u32::from(byte));
        let high = sum & 0xf000_0000;
        (sum ^ (high >> 24)) & !high
    })
}
