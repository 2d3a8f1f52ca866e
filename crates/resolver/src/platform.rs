//! What a program runs on.

use imgc_planner::recipe::{Architecture, Platform};

use crate::error::{Name, ResolveError};
use crate::launch::Run;
use crate::loader::{Class, Elf};

/// `EF_ARM_ABI_FLOAT_HARD` and `EF_ARM_ABI_FLOAT_SOFT` of `e_flags` ("ELF for the Arm
/// Architecture", 5.2). Files from before version 5 of that ABI have neither.
const ARM_FLOAT_HARD: u32 = 0x400;
const ARM_FLOAT_SOFT: u32 = 0x200;

/// Returns the platform of an ELF file: of ARM with its variant, which its float ABI tells, of the
/// others without.
pub(crate) fn of_elf(elf: &Elf) -> Option<Platform> {
    let architecture = elf.machine.architecture()?;
    let fits = match architecture {
        Architecture::Amd64
        | Architecture::Arm64
        | Architecture::Riscv64
        | Architecture::Loong64 => !elf.layout.big_endian && elf.layout.class == Class::Elf64,
        Architecture::Ppc64le => !elf.layout.big_endian,
        Architecture::I386 | Architecture::Arm => !elf.layout.big_endian,
        Architecture::S390x => elf.layout.big_endian,
    };
    let variant = match architecture {
        Architecture::Arm if elf.flags & ARM_FLOAT_HARD != 0 => Some("v7"),
        Architecture::Arm if elf.flags & ARM_FLOAT_SOFT != 0 => Some("v6"),
        _ => None,
    };
    fits.then_some(Platform { architecture, variant })
}

/// Tells whether a program for `found` runs where the image is for `wanted`. A stated variant is
/// the recipe's promise about the processor; of the file it can be told for ARM's float ABI alone,
/// and `arm/v6` has both.
pub(crate) fn agrees(found: Platform, wanted: Platform) -> bool {
    found.architecture == wanted.architecture
        && !(found.variant == Some("v7") && wanted.variant == Some("v5"))
}

/// Says of a program that it is for another platform, if it is.
pub(crate) fn differs(run: &Run, wanted: Platform) -> Option<ResolveError> {
    let elf = &run.trace.main.elf;
    let found = of_elf(elf);
    if found.is_some_and(|found| agrees(found, wanted)) {
        return None;
    }
    let found = found
        .map_or_else(|| format!("the ELF machine {}", elf.machine.0), |found| found.to_string());
    Some(ResolveError::PlatformDiffers {
        node: run.node,
        path: run.place.clone(),
        found: Name::new(found),
        expected: wanted,
    })
}

/// Says of a program whose interpreter is absent that it is for another platform, if it is: that is
/// why.
pub(crate) fn explain(problem: &mut ResolveError, wanted: Platform) {
    if let ResolveError::InterpreterIsMissing { node, program, platform: Some(found), .. } = problem
        && !agrees(*found, wanted)
    {
        *problem = ResolveError::PlatformDiffers {
            node: *node,
            path: program.clone(),
            found: Name::new(found.to_string()),
            expected: wanted,
        };
    }
}
