//! What glibc's loader makes of a file that it opened: take it, pass over it, or stop
//! (`elf/dl-load.c`, `open_verify` and `_dl_map_object_from_fd`).

use goblin::elf::header;

use super::elf::{Class, Elf, ElfProblem, Machine};
use super::fatal::Cause;
use super::profile::{Family, Profile};
use super::request::Level;
use super::trace::Refusal;

/// What becomes of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    Skip(Refusal),
    Stop(Cause),
}

/// `EF_RISCV_FLOAT_ABI` (RISC-V psABI); `EF_PPC64_ABI` (`elf.h`); `EF_LARCH_ABI_MODIFIER_MASK`
/// (LoongArch psABI).
const RISCV_FLOAT_ABI: u32 = 6;
const PPC64_ABI: u32 = 3;
const LOONGARCH_ABI: u32 = 7;

/// `EF_ARM_EABIMASK` and version 5 of it; `EF_ARM_ABI_FLOAT_SOFT` and `EF_ARM_ABI_FLOAT_HARD`
/// (`elf.h`).
const ARM_EABI: u32 = 0xff00_0000;
const ARM_EABI_5: u32 = 0x0500_0000;
const ARM_SOFT_FLOAT: u32 = 0x200;
const ARM_HARD_FLOAT: u32 = 0x400;

/// `ELFOSABI_ARM_AEABI` (`elf.h`); goblin has no name for it.
const OSABI_ARM_AEABI: u8 = 64;

/// Judges the header, as `open_verify` does. Only another class and another machine are passed
/// over; everything else that is wrong ends the start.
pub(super) fn header(elf: &Elf, size_bytes: u64, profile: &Profile) -> Verdict {
    let class = match profile.class {
        Class::Elf32 => header::ELFCLASS32,
        Class::Elf64 => header::ELFCLASS64,
    };
    // The header of the loader's own class, before that of the file is looked at.
    if size_bytes < profile.class.header_bytes() as u64 {
        return Verdict::Stop(Cause::Elf(ElfProblem::TooShort));
    }
    let data = if profile.big_endian { header::ELFDATA2MSB } else { header::ELFDATA2LSB };
    let ident = &elf.ident;
    if ident[header::EI_CLASS] != class {
        // Whatever else is odd about it: the class is looked at first after the magic number.
        return Verdict::Skip(Refusal::OtherClass);
    }
    if profile.machine == Machine::ARM && !fits_float_abi(elf, profile) {
        // Without Debian's `ldso-multilib` this is an "internal error".
        return if machine_first(profile) {
            Verdict::Skip(Refusal::OtherMachine)
        } else {
            Verdict::Stop(Cause::FloatAbi)
        };
    }
    if machine_first(profile) && !is_plain(ident, class, data, profile) && !fits(elf, profile) {
        return Verdict::Skip(Refusal::OtherMachine);
    }
    if ident[header::EI_DATA] != data {
        return Verdict::Stop(if profile.big_endian {
            Cause::NotBigEndian
        } else {
            Cause::NotLittleEndian
        });
    }
    if ident[header::EI_VERSION] != header::EV_CURRENT {
        return Verdict::Stop(Cause::IdentVersion);
    }
    let (system, abi_version) = (ident[header::EI_OSABI], ident[header::EI_ABIVERSION]);
    if !is_known_system(system, profile) {
        return Verdict::Stop(Cause::OsAbi);
    }
    if !is_known_abi(system, abi_version) {
        return Verdict::Stop(Cause::AbiVersion);
    }
    if ident[header::EI_ABIVERSION + 1..].iter().any(|byte| *byte != 0) {
        return Verdict::Stop(Cause::Padding);
    }
    if elf.version != u32::from(header::EV_CURRENT) {
        return Verdict::Stop(Cause::Version);
    }
    if !fits(elf, profile) {
        return Verdict::Skip(Refusal::OtherMachine);
    }
    if !elf.is_executable_or_shared() {
        return Verdict::Stop(Cause::Type);
    }
    match &elf.segments {
        Ok(_) => Verdict::Take,
        Err(ElfProblem::SegmentsOutside) => Verdict::Stop(Cause::Unreadable),
        // Loaders have no complaint about a table without entries; there is just nothing to load.
        Err(ElfProblem::SegmentCount) => Verdict::Stop(Cause::NoSegments),
        Err(problem) => Verdict::Stop(Cause::Elf(*problem)),
    }
}

/// Tells whether the loader looks at the machine before byte order, system and versions: Debian's
/// does, and those that were made from it (`debian/patches/any/unsubmitted-ldso-machine-mismatch`),
/// so that a library of any other machine is passed over.
fn machine_first(profile: &Profile) -> bool {
    matches!(&profile.family, Family::Glibc(glibc) if glibc.debian)
}

/// Tells whether there is nothing odd about `e_ident`.
fn is_plain(ident: &[u8; 16], class: u8, data: u8, profile: &Profile) -> bool {
    let (system, abi_version) = (ident[header::EI_OSABI], ident[header::EI_ABIVERSION]);
    ident[..header::EI_OSABI] == [0x7f, b'E', b'L', b'F', class, data, header::EV_CURRENT]
        && is_known_system(system, profile)
        && is_known_abi(system, abi_version)
        && ident[header::EI_ABIVERSION + 1..].iter().all(|byte| *byte == 0)
}

fn is_known_system(system: u8, profile: &Profile) -> bool {
    matches!(system, header::ELFOSABI_NONE | header::ELFOSABI_GNU)
        || (system == OSABI_ARM_AEABI && profile.machine == Machine::ARM)
}

/// LIBC_ABI_MAX is 4 since 2.31 (`libc-abis`).
fn is_known_abi(system: u8, abi_version: u8) -> bool {
    abi_version == 0 || (system == header::ELFOSABI_GNU && abi_version < 4)
}

/// Compares float ABIs of ARM (glibc `sysdeps/unix/sysv/linux/arm/ldsodefs.h`, `VALID_FLOAT_ABI`).
fn fits_float_abi(elf: &Elf, profile: &Profile) -> bool {
    let is_hard = profile.flags & ARM_HARD_FLOAT != 0;
    let other = if is_hard { ARM_SOFT_FLOAT } else { ARM_HARD_FLOAT };
    elf.flags & ARM_EABI != ARM_EABI_5 || elf.flags & other == 0
}

/// Compares machines (glibc `sysdeps/*/dl-machine.h`, `elf_machine_matches_host`).
fn fits(elf: &Elf, profile: &Profile) -> bool {
    let same = |mask: u32| elf.flags & mask == profile.flags & mask;
    // The loader reads the number in its own byte order, whatever `EI_DATA` says.
    let machine = if elf.layout.big_endian == profile.big_endian {
        elf.machine
    } else {
        Machine(elf.machine.0.swap_bytes())
    };
    machine == profile.machine
        && match profile.machine {
            Machine::RISCV => same(RISCV_FLOAT_ABI),
            Machine::PPC64 => elf.flags & PPC64_ABI == 0 || same(PPC64_ABI),
            Machine::LOONGARCH => same(LOONGARCH_ABI),
            _ => true,
        }
}

/// Judges the rest, as `_dl_map_object_from_fd` does when it maps a new object.
pub(super) fn contents(elf: &Elf, version: (u16, u16)) -> Result<(), Cause> {
    let segments = match &elf.segments {
        Ok(segments) => segments,
        Err(problem) => return Err(Cause::Elf(*problem)),
    };
    if segments.loads == Err(ElfProblem::Unaligned) {
        return Err(Cause::Elf(ElfProblem::Unaligned));
    }
    if !segments.loadable {
        return Err(Cause::NoSegments);
    }
    if elf.is_fixed() {
        return Err(Cause::Executable);
    }
    if segments.empty_dynamic || segments.dynamic.is_none() {
        return Err(Cause::NoDynamic);
    }
    segments.loads?;
    let dynamic = match &segments.dynamic {
        Some(Ok(dynamic)) => dynamic,
        Some(Err(problem)) => return Err(Cause::Elf(*problem)),
        None => return Err(Cause::NoDynamic),
    };
    if version >= (2, 30) && dynamic.is_pie() {
        return Err(Cause::PositionIndependentExecutable);
    }
    Ok(())
}

/// Compares what an object asks of the processor with the level that it is started for
/// (`sysdeps/x86/dl-prop.h`, `dl_isa_level_check`). Without a level nobody knows the processor:
/// what some have is a warning, what none has is fatal.
pub(super) fn check_level(
    elf: &Elf,
    version: (u16, u16),
    level: Option<Level>,
) -> Result<(), Cause> {
    let needed = elf.segments.as_ref().map_or(0, |segments| segments.isa_needed);
    if version >= (2, 33) && needed & !isa_bits(level.unwrap_or(Level::V4)) != 0 {
        return Err(Cause::IsaLevel);
    }
    Ok(())
}

/// Returns `GNU_PROPERTY_X86_ISA_1_*` of a level: one bit for each level below it, and its own.
fn isa_bits(level: Level) -> u32 {
    match level {
        Level::V2 => 0b11,
        Level::V3 => 0b111,
        Level::V4 => 0b1111,
    }
}
