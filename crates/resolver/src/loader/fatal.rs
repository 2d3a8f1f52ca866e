//! What ends the loading of a program.

use crate::host::Errno;

use super::elf::ElfProblem;
use super::trace::Requester;

/// The loader stops here; the program does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fatal {
    /// What is wrong. `Display` is the loader's own text, where it has one.
    pub cause: Cause,
    /// The path or name that it is about, as the loader names it.
    pub path: Box<[u8]>,
    /// Who asked for it.
    pub requester: Requester,
}

/// Why a candidate or a name is fatal (glibc `elf/dl-load.c`, `open_verify` and
/// `_dl_map_object_from_fd`; `elf/dl-deps.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Cause {
    /// A directory, or a device.
    #[error("cannot read file data")]
    Unreadable,
    /// The file is broken.
    #[error("{0}")]
    Elf(#[from] ElfProblem),
    /// `EI_DATA`.
    #[error("ELF file data encoding not little-endian")]
    NotLittleEndian,
    /// `EI_DATA`.
    #[error("ELF file data encoding not big-endian")]
    NotBigEndian,
    /// `EI_VERSION`.
    #[error("ELF file version ident does not match current one")]
    IdentVersion,
    /// `EI_OSABI`.
    #[error("ELF file OS ABI invalid")]
    OsAbi,
    /// `EI_ABIVERSION`.
    #[error("ELF file ABI version invalid")]
    AbiVersion,
    /// `EI_PAD`.
    #[error("nonzero padding in e_ident")]
    Padding,
    /// `e_flags` of another float ABI of ARM; Debian's loader passes over it.
    #[error("internal error")]
    FloatAbi,
    /// `e_version`.
    #[error("ELF file version does not match current one")]
    Version,
    /// `e_type`.
    #[error("only ET_DYN and ET_EXEC can be loaded")]
    Type,
    /// No `PT_LOAD`.
    #[error("object file has no loadable segments")]
    NoSegments,
    /// `ET_EXEC`.
    #[error("cannot dynamically load executable")]
    Executable,
    /// `DF_1_PIE`.
    #[error("cannot dynamically load position-independent executable")]
    PositionIndependentExecutable,
    /// No `PT_DYNAMIC`, or an empty one.
    #[error("object file has no dynamic section")]
    NoDynamic,
    /// `GNU_PROPERTY_X86_ISA_1_NEEDED` above the level that was asked for.
    #[error("CPU ISA level is lower than required")]
    IsaLevel,
    /// A token in `DT_NEEDED` of a program in secure mode.
    #[error("DST not allowed in SUID/SGID programs")]
    SecureToken,
    /// A token of `DT_AUXILIARY` or `DT_FILTER` has no value.
    #[error("empty dynamic string token substitution")]
    EmptyToken,
    /// musl: the file was opened and is none that it can map.
    #[error("Exec format error")]
    NotLoadable,
    /// musl: a name is empty.
    #[error("Invalid argument")]
    EmptyName,
    /// The search itself failed.
    #[error("cannot open shared object file: {0}")]
    Errno(Errno),
    /// More objects than imgc follows; see [`super::MAX_OBJECTS`].
    #[error("more than 10000 objects")]
    TooMany,
}
