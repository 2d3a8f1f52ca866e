//! What a loader reads of an ELF file: header, segments, dynamic table, versions, notes.
//!
//! Nothing of a section header is read, nor any whole table: a prefix, the dynamic table, and the
//! strings that it names. Start at [`Elf::read`]. The file is taken as it is; whether that is good
//! enough is decided by who wants it: the kernel ([`super::kernel`]) or a loader's own checks
//! ([`super::verify`]).

mod dynamic;
mod imports;
mod machine;
mod note;
mod reader;
mod shelf;
mod symbol;
mod version;

use goblin::container::{Container, Ctx, Endian};
use goblin::elf::header::{self, Header};
use goblin::elf::program_header::{
    PF_R, PF_W, PF_X, PT_DYNAMIC, PT_GNU_EH_FRAME, PT_INTERP, PT_LOAD, PT_NOTE, ProgramHeader,
};

use crate::host::{Errno, HostFile};

use super::constants::Constants;

pub use dynamic::{Dynamic, Tag};
pub use machine::{Class, Layout, Machine};
pub use note::AbiTag;
pub(in crate::loader) use note::{half, word};
use reader::{Buffers, Reader};
pub(in crate::loader) use shelf::{Shelf, Unread, View, read};
pub(in crate::loader) use symbol::{SymbolTables, gnu_hash, sysv_hash};
pub use version::{NeededVersion, VersionDefinition, VersionNeed};

/// Largest program header table, in bytes: the kernel's own limit (`fs/binfmt_elf.c`,
/// `load_elf_phdrs`).
const MAX_SEGMENT_TABLE_BYTES: u64 = 65_536;

/// Longest interpreter path with its NUL, in bytes: `PATH_MAX` (`fs/binfmt_elf.c`).
const MAX_INTERPRETER_BYTES: u64 = 4096;

/// Which part of an ELF file is broken, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ElfProblem {
    /// A read of the file failed.
    #[error("cannot read file data")]
    Unreadable(#[source] Errno),
    /// The file ends before its ELF header does.
    #[error("file too short")]
    TooShort,
    /// The first four bytes are not those of ELF.
    #[error("invalid ELF header")]
    Magic,
    /// `e_phentsize` is not the size of a program header.
    #[error("ELF file's phentsize not the expected size")]
    SegmentSize,
    /// There is no program header, or more than the kernel takes (also `PN_XNUM`).
    #[error("the program header table has no entry or more than 64 KiB")]
    SegmentCount,
    /// The program header table lies outside the file.
    #[error("the program header table lies outside the file")]
    SegmentsOutside,
    /// A `PT_LOAD` reaches beyond the end of the file: a download that was cut off.
    #[error("the file is shorter than its loadable segments")]
    Truncated,
    /// A `PT_LOAD` has more bytes in the file than in memory.
    #[error("a loadable segment is larger in the file than in memory")]
    FileLargerThanMemory,
    /// `PT_LOAD`s overlap or do not ascend.
    #[error("loadable segments overlap or are not in ascending order")]
    Overlap,
    /// `p_vaddr` and `p_offset` of a `PT_LOAD` differ by more than pages.
    #[error("ELF load command address/offset not page-aligned")]
    Unaligned,
    /// `PT_INTERP` has less than 2 or more than 4096 bytes.
    #[error("the interpreter's path has less than 2 or more than 4096 bytes")]
    InterpreterSize,
    /// `PT_INTERP` lies outside the file.
    #[error("the interpreter's path lies outside the file")]
    InterpreterOutside,
    /// The last byte of `PT_INTERP` is not NUL.
    #[error("the interpreter's path does not end with NUL")]
    InterpreterUnterminated,
    /// The dynamic table lies outside the file.
    #[error("the dynamic table lies outside the file")]
    DynamicOutside,
    /// The dynamic table has more than 65,536 entries, or more than 4,096 of one that is counted.
    #[error("the dynamic table has too many entries")]
    DynamicCount,
    /// The dynamic table has no `DT_NULL`.
    #[error("the dynamic table does not end")]
    DynamicUnterminated,
    /// Names are asked for, but there is no `DT_STRTAB`.
    #[error("the dynamic table has no string table")]
    NoStrings,
    /// A string or table that the dynamic table points to is not in the file.
    #[error("the dynamic table points outside the file")]
    PointsOutside,
    /// A string has more than 32 KiB.
    #[error("a string of the dynamic table has more than 32 KiB")]
    StringTooLong,
    /// A version record has another format than 1, or there are too many.
    #[error("unsupported version record")]
    VersionRecord,
}

/// An ELF file, as far as loaders look at it.
#[derive(Clone, Debug)]
pub struct Elf {
    /// `e_ident`.
    pub ident: [u8; 16],
    /// Class and byte order by which the rest was read.
    pub layout: Layout,
    /// `e_type`.
    pub object_type: u16,
    /// `e_machine`.
    pub machine: Machine,
    /// `e_version`.
    pub version: u32,
    /// `e_flags`: the float ABI of ARM and RISC-V stands here.
    pub flags: u32,
    /// `e_entry`.
    pub entry: u64,
    /// The program headers, or why there are none.
    pub segments: Result<Segments, ElfProblem>,
}

/// What the program headers lead to.
#[derive(Clone, Debug)]
pub struct Segments {
    /// The first `PT_INTERP` without its NUL, which is the one that the kernel takes; the bytes end
    /// at the first NUL.
    pub interpreter: Option<Result<Box<[u8]>, ElfProblem>>,
    /// Whether there is a `PT_LOAD`.
    pub loadable: bool,
    /// What is wrong with the `PT_LOAD`s.
    pub loads: Result<(), ElfProblem>,
    /// The dynamic table; none without `PT_DYNAMIC`, or if that has no bytes in the file.
    pub dynamic: Option<Result<Dynamic, ElfProblem>>,
    /// Whether a `PT_DYNAMIC` has no bytes in the file, as in separate debug files.
    pub empty_dynamic: bool,
    /// Where the constants are: offset and size of the `PT_LOAD`s that may only be read.
    pub constants: Vec<(u64, u64)>,
    /// Where the tables for unwinding start that linkers put behind the constants
    /// (`PT_GNU_EH_FRAME`).
    pub unwinding: Option<u64>,
    /// Where the code is: offset and size of the `PT_LOAD`s that may be executed and not written.
    /// Older linkers put the constants beside it.
    pub code: Vec<(u64, u64)>,
    /// Where the variables are: offset and size of the `PT_LOAD`s that may be written.
    pub variables: Vec<(u64, u64)>,
    /// Where the notes are: offset, size and alignment of each `PT_NOTE`.
    pub notes: Vec<(u64, u64, u64)>,
    /// What the object says that it opens at run time: a JSON array for each note of owner `FDO`.
    pub dlopen: Vec<Box<[u8]>>,
    /// `NT_GNU_ABI_TAG`: the oldest system that the object runs on.
    pub abi_tag: Option<AbiTag>,
    /// `GNU_PROPERTY_X86_ISA_1_NEEDED`: one bit for each x86-64 level.
    pub isa_needed: u32,
    /// Whether protected symbols must not be copied into a program
    /// (`GNU_PROPERTY_NO_COPY_ON_PROTECTED`, `GNU_PROPERTY_1_NEEDED_INDIRECT_EXTERN_ACCESS`).
    pub keeps_protected: bool,
    /// Whether the file was packed by UPX; looked for only if there is no interpreter.
    pub packed: bool,
}

impl Elf {
    /// Tells whether `prefix`, the first bytes of a file, is that of an ELF file.
    #[must_use]
    pub fn is_elf(prefix: &[u8]) -> bool {
        prefix.starts_with(header::ELFMAG)
    }

    /// Reads a file of `size_bytes`, as its own `e_ident` says, or by `forced`.
    ///
    /// # Errors
    /// [`ElfProblem::Unreadable`], [`ElfProblem::TooShort`] and [`ElfProblem::Magic`]; all else is
    /// said in the value.
    pub fn read(
        file: &dyn HostFile,
        size_bytes: u64,
        forced: Option<Layout>,
    ) -> Result<Self, ElfProblem> {
        Self::read_with(file, size_bytes, forced, &mut Buffers::default())
    }

    /// As [`Elf::read`], with memory that is used again for the next file.
    pub(in crate::loader) fn read_with(
        file: &dyn HostFile,
        size_bytes: u64,
        forced: Option<Layout>,
        buffers: &mut Buffers,
    ) -> Result<Self, ElfProblem> {
        let mut reader = Reader::new(file, size_bytes, buffers)?;
        let prefix = reader.prefix();
        let Some(ident) = prefix.first_chunk::<16>().copied() else {
            return Err(ElfProblem::TooShort);
        };
        // A text of less than 64 bytes is "too short" and not "invalid", as glibc has it.
        let layout = forced.unwrap_or_else(|| Layout::of_ident(&ident));
        if prefix.len() < layout.class.header_bytes() {
            return Err(ElfProblem::TooShort);
        }
        if !Self::is_elf(prefix) {
            return Err(ElfProblem::Magic);
        }
        let header = parse_header(prefix, layout)?;
        let segments = Segments::read(&mut reader, &header, layout);
        Ok(Self {
            ident,
            layout,
            object_type: header.e_type,
            machine: Machine(header.e_machine),
            version: header.e_version,
            flags: header.e_flags,
            entry: header.e_entry,
            segments,
        })
    }

    /// Tells whether the kernel or a loader may map this file at all: `ET_EXEC` or `ET_DYN`.
    #[must_use]
    pub fn is_executable_or_shared(&self) -> bool {
        matches!(self.object_type, header::ET_EXEC | header::ET_DYN)
    }

    /// Tells whether this is linked to a fixed address.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.object_type == header::ET_EXEC
    }

    /// Returns the dynamic table, if there is one and it can be read.
    #[must_use]
    pub fn dynamic(&self) -> Option<&Dynamic> {
        self.segments.as_ref().ok()?.dynamic.as_ref()?.as_ref().ok()
    }

    /// Returns the path of the interpreter, if there is one that the kernel takes.
    #[must_use]
    pub fn interpreter(&self) -> Option<&[u8]> {
        self.segments.as_ref().ok()?.interpreter.as_ref()?.as_deref().ok()
    }
}

/// Decodes the header by `layout`, whatever `e_ident` says: the kernel does not look at its class.
fn parse_header(prefix: &[u8], layout: Layout) -> Result<Header, ElfProblem> {
    let length = prefix.len().min(header::header64::SIZEOF_EHDR);
    let mut bytes = [0; header::header64::SIZEOF_EHDR];
    bytes[..length].copy_from_slice(&prefix[..length]);
    bytes[header::EI_CLASS] = match layout.class {
        Class::Elf32 => header::ELFCLASS32,
        Class::Elf64 => header::ELFCLASS64,
    };
    bytes[header::EI_DATA] =
        if layout.big_endian { header::ELFDATA2MSB } else { header::ELFDATA2LSB };
    goblin::elf::Elf::parse_header(&bytes).map_err(|_| ElfProblem::TooShort)
}

impl Layout {
    fn context(self) -> Ctx {
        let container = match self.class {
            Class::Elf32 => Container::Little,
            Class::Elf64 => Container::Big,
        };
        Ctx::new(container, if self.big_endian { Endian::Big } else { Endian::Little })
    }
}

impl Segments {
    fn read(reader: &mut Reader<'_>, header: &Header, layout: Layout) -> Result<Self, ElfProblem> {
        let entry_bytes = ProgramHeader::size(layout.context()) as u64;
        if u64::from(header.e_phentsize) != entry_bytes {
            return Err(ElfProblem::SegmentSize);
        }
        let table_bytes = entry_bytes * u64::from(header.e_phnum);
        if table_bytes == 0 || table_bytes > MAX_SEGMENT_TABLE_BYTES {
            return Err(ElfProblem::SegmentCount);
        }
        let table = reader
            .bytes(header.e_phoff, table_bytes)
            .map_err(|problem| problem.or_outside(ElfProblem::SegmentsOutside))?;
        let headers = ProgramHeader::parse(table, 0, header.e_phnum.into(), layout.context())
            .map_err(|_| ElfProblem::SegmentsOutside)?;
        let interpreter = headers
            .iter()
            .find(|header| header.p_type == PT_INTERP)
            .map(|header| read_interpreter(reader, header));
        let packed =
            interpreter.is_none() && Constants(reader.prefix()).places(b"UPX!").next().is_some();
        let note::Notes { abi_tag, isa_needed, keeps_protected } =
            note::read(reader, &headers, layout);
        // The last one with content counts (`_dl_map_object_from_fd`).
        let empty_dynamic =
            headers.iter().any(|header| header.p_type == PT_DYNAMIC && header.p_filesz == 0);
        let dynamic = headers
            .iter()
            .rfind(|header| header.p_type == PT_DYNAMIC && header.p_filesz > 0)
            .map(|header| Dynamic::read(reader, header, &headers, layout));
        Ok(Self {
            interpreter,
            loadable: headers.iter().any(|header| header.p_type == PT_LOAD),
            loads: check_loads(&headers, reader.size_bytes()),
            dynamic,
            empty_dynamic,
            constants: headers
                .iter()
                .filter(|header| header.p_type == PT_LOAD && header.p_flags == PF_R)
                .map(|header| (header.p_offset, header.p_filesz))
                .collect(),
            unwinding: headers
                .iter()
                .find(|header| header.p_type == PT_GNU_EH_FRAME)
                .map(|header| header.p_offset),
            code: headers
                .iter()
                .filter(|header| header.p_type == PT_LOAD && header.p_flags & (PF_W | PF_X) == PF_X)
                .map(|header| (header.p_offset, header.p_filesz))
                .collect(),
            variables: headers
                .iter()
                .filter(|header| header.p_type == PT_LOAD && header.p_flags & PF_W != 0)
                .map(|header| (header.p_offset, header.p_filesz))
                .collect(),
            notes: headers
                .iter()
                .filter(|header| header.p_type == PT_NOTE)
                .map(|header| (header.p_offset, header.p_filesz, header.p_align))
                .collect(),
            dlopen: note::dlopen(reader, &headers, layout),
            abi_tag,
            isa_needed,
            keeps_protected,
            packed,
        })
    }
}

fn read_interpreter(
    reader: &mut Reader<'_>,
    header: &ProgramHeader,
) -> Result<Box<[u8]>, ElfProblem> {
    if !(2..=MAX_INTERPRETER_BYTES).contains(&header.p_filesz) {
        return Err(ElfProblem::InterpreterSize);
    }
    let bytes = reader
        .bytes(header.p_offset, header.p_filesz)
        .map_err(|problem| problem.or_outside(ElfProblem::InterpreterOutside))?;
    if bytes.last() != Some(&0) {
        return Err(ElfProblem::InterpreterUnterminated);
    }
    Ok(bytes.split(|byte| *byte == 0).next().unwrap_or_default().into())
}

/// Checks what the mapping of the `PT_LOAD`s relies on (gABI, chapter 5; `dl-map-segments.h`).
fn check_loads(headers: &[ProgramHeader], size_bytes: u64) -> Result<(), ElfProblem> {
    const PAGE_BYTES: u64 = 4096;
    let mut previous_end = 0;
    for header in headers.iter().filter(|header| header.p_type == PT_LOAD) {
        if !header.p_vaddr.wrapping_sub(header.p_offset).is_multiple_of(PAGE_BYTES) {
            return Err(ElfProblem::Unaligned);
        }
        if header.p_filesz > header.p_memsz {
            return Err(ElfProblem::FileLargerThanMemory);
        }
        let end = header.p_vaddr.checked_add(header.p_memsz).ok_or(ElfProblem::Overlap)?;
        if header.p_vaddr < previous_end {
            return Err(ElfProblem::Overlap);
        }
        previous_end = end;
        let file_end = header.p_offset.checked_add(header.p_filesz).ok_or(ElfProblem::Truncated)?;
        if file_end > size_bytes {
            return Err(ElfProblem::Truncated);
        }
    }
    Ok(())
}

/// Translates an address to an offset of the file; only bytes that the file really has count, not
/// those that memory has beyond them.
fn file_offset(headers: &[ProgramHeader], address: u64) -> Option<u64> {
    let header = headers.iter().find(|header| {
        header.p_type == PT_LOAD
            && address.checked_sub(header.p_vaddr).is_some_and(|inside| inside < header.p_filesz)
    })?;
    header.p_offset.checked_add(address - header.p_vaddr)
}

impl ElfProblem {
    fn or_outside(self, outside: Self) -> Self {
        if self == Self::PointsOutside { outside } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Host, HostPath};
    use crate::loader::fixture;
    use crate::memory::Memory;

    fn read(bytes: &[u8]) -> Result<Elf, ElfProblem> {
        let file = Memory::new().file("/x", bytes).open(&HostPath::new(b"/x")).unwrap();
        Elf::read(&*file, bytes.len() as u64, None)
    }

    /// Every truncation, every bit, and extreme values of every field: nothing panics or hangs.
    #[test]
    fn damaged_files_are_only_problems() {
        let whole = fixture::program("/lib/ld.so")
            .needed("liba.so")
            .needs("liba.so", "A_1", 0)
            .defines("B_1")
            .text(fixture::RPATH, "$ORIGIN")
            .bytes();
        assert!(read(&whole).unwrap().dynamic().is_some());
        for length in 0..whole.len() {
            let _ = read(&whole[..length]);
        }
        let mut bytes = whole.clone();
        for at in 0..whole.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let _ = read(&bytes);
                bytes[at] = whole[at];
            }
            for value in [u64::MAX, 1 << 63, u64::from(u32::MAX), 0x7fff_ffff_ffff_f000] {
                let end = (at + 8).min(whole.len());
                bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
                let _ = read(&bytes);
                bytes[at..end].copy_from_slice(&whole[at..end]);
            }
        }
    }

    #[test]
    fn each_damage_has_its_name() {
        let library = fixture::library;
        let dynamic = |file: fixture::File| read(&file.bytes()).unwrap().segments.unwrap().dynamic;
        let problem = |file| dynamic(file).unwrap().unwrap_err();
        assert_eq!(problem(library().number(fixture::NEEDED, 9999)), ElfProblem::PointsOutside);
        assert_eq!(problem(library().number(fixture::NEEDED, u64::MAX)), ElfProblem::PointsOutside);
        assert_eq!(problem(library().needed(&"x".repeat(50_000))), ElfProblem::StringTooLong);
        let long = "x".repeat(5000);
        let Some(Ok(named)) = dynamic(library().needed(&long).text(fixture::RPATH, &long)) else {
            panic!("long strings are read")
        };
        assert_eq!(named.needed[0].1.len(), 5000);
        assert_eq!(named.rpath.unwrap().len(), 5000);
        assert_eq!(problem(library().number(0x6fff_fffe, 1 << 40)), ElfProblem::PointsOutside);
        let interpreter = |text: &str| {
            let elf = read(&fixture::program(text).bytes()).unwrap();
            elf.segments.unwrap().interpreter.unwrap()
        };
        assert_eq!(interpreter("/a\0b").as_deref(), Ok(&b"/a"[..]));
        assert_eq!(interpreter(&"x".repeat(4096)), Err(ElfProblem::InterpreterSize));
        assert_eq!(interpreter(""), Err(ElfProblem::InterpreterSize));
    }

    #[test]
    fn the_last_entry_of_a_tag_counts_but_all_that_are_needed() {
        let file = fixture::library()
            .text(fixture::SONAME, "a")
            .needed("x")
            .text(fixture::SONAME, "b")
            .text(fixture::FILTER, "y")
            .needed("x");
        let elf = read(&file.bytes()).unwrap();
        let dynamic = elf.dynamic().unwrap();
        assert_eq!(dynamic.soname.as_deref(), Some(&b"b"[..]));
        let tags: Vec<Tag> = dynamic.needed.iter().map(|(tag, _)| *tag).collect();
        assert_eq!(tags, [Tag::Needed, Tag::Filter, Tag::Needed]);
    }

    #[test]
    fn an_empty_runpath_is_not_an_absent_one() {
        let elf = read(&fixture::library().text(fixture::RUNPATH, "").bytes()).unwrap();
        assert_eq!(elf.dynamic().unwrap().runpath.as_deref(), Some(&b""[..]));
        let elf = read(&fixture::library().bytes()).unwrap();
        assert_eq!(elf.dynamic().unwrap().runpath, None);
    }
}
