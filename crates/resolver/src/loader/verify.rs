//! What glibc's loader makes of a file that it opened: take it, pass over it, or stop
//! (`elf/dl-load.c`, `open_verify` and `_dl_map_object_from_fd`).

use goblin::elf::header;

use super::elf::{Class, Elf, ElfProblem, Machine};
use super::fatal::Cause;
use super::profile::Profile;
use super::request::Level;
use super::trace::Refusal;

/// What becomes of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    Skip(Refusal),
    Stop(Cause),
}

/// `EF_RISCV_FLOAT_ABI`, `EF_RISCV_RVE` (RISC-V psABI); `EF_PPC64_ABI` (`elf.h`);
/// `EF_LARCH_ABI_MODIFIER_MASK` (LoongArch psABI).
const RISCV_FLOAT_ABI_AND_RVE: u32 = 0xe;
const PPC64_ABI: u32 = 3;
const LOONGARCH_ABI: u32 = 7;

/// Judges the header, as `open_verify` does. Only another class and another machine are passed
/// over; everything else that is wrong ends the start.
pub(super) fn header(elf: &Elf, profile: &Profile) -> Verdict {
    let class = match profile.class {
        Class::Elf32 => header::ELFCLASS32,
        Class::Elf64 => header::ELFCLASS64,
    };
    let data = if profile.big_endian { header::ELFDATA2MSB } else { header::ELFDATA2LSB };
    let ident = &elf.ident;
    if ident[header::EI_CLASS] != class {
        // Whatever else is odd about it: the class is looked at first after the magic number.
        return Verdict::Skip(Refusal::OtherClass);
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
    if !matches!(system, header::ELFOSABI_NONE | header::ELFOSABI_GNU) {
        return Verdict::Stop(Cause::OsAbi);
    }
    // LIBC_ABI_MAX is 4 since 2.31 (`libc-abis`).
    if abi_version != 0 && !(system == header::ELFOSABI_GNU && abi_version < 4) {
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

/// Compares machines (glibc `sysdeps/*/dl-machine.h`, `elf_machine_matches_host`).
fn fits(elf: &Elf, profile: &Profile) -> bool {
    let same = |mask: u32| elf.flags & mask == profile.flags & mask;
    elf.machine == profile.machine
        && match profile.machine {
            Machine::RISCV => same(RISCV_FLOAT_ABI_AND_RVE),
            Machine::PPC64 => elf.flags & PPC64_ABI == 0 || same(PPC64_ABI),
            Machine::LOONGARCH => same(LOONGARCH_ABI),
            _ => true,
        }
}

/// Judges the rest, as `_dl_map_object_from_fd` does when it maps a new object.
pub(super) fn contents(elf: &Elf, version: (u16, u16), level: Option<Level>) -> Result<(), Cause> {
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
    check_level(elf, version, level)
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
