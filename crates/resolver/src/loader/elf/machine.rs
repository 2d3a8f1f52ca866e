//! Processors, and how wide and in which byte order their files are written.

use goblin::elf::header as em;
use imgc_planner::recipe::Architecture;

/// Width of addresses (`EI_CLASS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// 32 bits.
    Elf32,
    /// 64 bits.
    Elf64,
}

impl Class {
    /// Returns the size of an ELF header, in bytes.
    pub(in crate::loader) fn header_bytes(self) -> usize {
        match self {
            Self::Elf32 => em::header32::SIZEOF_EHDR,
            Self::Elf64 => em::header64::SIZEOF_EHDR,
        }
    }
}

/// How the fields of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layout {
    /// Width of addresses.
    pub class: Class,
    /// Whether the most significant byte comes first (`EI_DATA`).
    pub big_endian: bool,
}

impl Layout {
    /// Returns what `e_ident` says; 64 bits, little endian for values that do not exist.
    pub(in crate::loader) fn of_ident(ident: &[u8; 16]) -> Self {
        let class = if ident[em::EI_CLASS] == em::ELFCLASS32 { Class::Elf32 } else { Class::Elf64 };
        Self { class, big_endian: ident[em::EI_DATA] == em::ELFDATA2MSB }
    }
}

/// A processor, as `e_machine` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Machine(pub u16);

impl Machine {
    /// x86-64.
    pub const X86_64: Self = Self(em::EM_X86_64);
    /// 32-bit x86.
    pub const I386: Self = Self(em::EM_386);
    /// AArch64.
    pub const AARCH64: Self = Self(em::EM_AARCH64);
    /// 32-bit ARM.
    pub const ARM: Self = Self(em::EM_ARM);
    /// RISC-V.
    pub const RISCV: Self = Self(em::EM_RISCV);
    /// POWER, 64 bits.
    pub const PPC64: Self = Self(em::EM_PPC64);
    /// IBM Z.
    pub const S390: Self = Self(em::EM_S390);
    /// LoongArch; goblin has no name for it (`elf.h`).
    pub const LOONGARCH: Self = Self(258);

    /// Returns the machine of an architecture.
    #[must_use]
    pub fn of(architecture: Architecture) -> Self {
        match architecture {
            Architecture::Amd64 => Self::X86_64,
            Architecture::I386 => Self::I386,
            Architecture::Arm64 => Self::AARCH64,
            Architecture::Arm => Self::ARM,
            Architecture::Riscv64 => Self::RISCV,
            Architecture::Ppc64le => Self::PPC64,
            Architecture::S390x => Self::S390,
            Architecture::Loong64 => Self::LOONGARCH,
        }
    }

    /// Tells whether a machine starts programs for another one: those for its smaller sister, too.
    pub(crate) fn starts(self, other: Self) -> bool {
        self == other
            || matches!((self, other), (Self::X86_64, Self::I386) | (Self::AARCH64, Self::ARM))
    }

    /// Returns the architecture, if it is one that imgc knows.
    #[must_use]
    pub fn architecture(self) -> Option<Architecture> {
        Architecture::ALL.into_iter().find(|architecture| Self::of(*architecture) == self)
    }

    /// Returns how this machine's kernel reads the headers of a program, whatever `e_ident` says:
    /// `load_elf_binary` looks at the magic number and `e_machine` alone (`fs/binfmt_elf.c`,
    /// `elf_check_arch`).
    #[must_use]
    pub fn layout(self) -> Option<Layout> {
        Some(match self.architecture()? {
            Architecture::Amd64
            | Architecture::Arm64
            | Architecture::Riscv64
            | Architecture::Ppc64le
            | Architecture::Loong64 => Layout { class: Class::Elf64, big_endian: false },
            Architecture::I386 | Architecture::Arm => {
                Layout { class: Class::Elf32, big_endian: false }
            }
            Architecture::S390x => Layout { class: Class::Elf64, big_endian: true },
        })
    }

    /// Tells whether the kernel compares `EI_CLASS` too (`arch/{riscv,s390}/include/asm/elf.h`).
    pub(in crate::loader) fn kernel_checks_class(self) -> bool {
        matches!(self, Self::RISCV | Self::S390)
    }

    /// Tells whether `char` of C is a signed number: in comparisons of names (the psABIs).
    pub(in crate::loader) fn has_signed_char(self) -> bool {
        matches!(self, Self::X86_64 | Self::I386 | Self::LOONGARCH)
    }

    /// Returns the machine's name as `uname -m` has it, which is `AT_PLATFORM` on most of them.
    #[must_use]
    pub fn platform(self) -> Option<&'static [u8]> {
        Some(match self.architecture()? {
            Architecture::Amd64 => b"x86_64",
            Architecture::Arm64 => b"aarch64",
            Architecture::I386 => b"i686",
            Architecture::Arm => b"v7l",
            Architecture::S390x => b"z900",
            Architecture::Ppc64le => b"power8",
            Architecture::Riscv64 | Architecture::Loong64 => return None,
        })
    }
}
