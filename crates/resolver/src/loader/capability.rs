//! Capability directories: variants of libraries for better processors.

use super::elf::Machine;
use super::profile::Profile;
use super::request::Level;

/// The names of `glibc-hwcaps` directories that are in use, best first (glibc `elf/dl-hwcaps.c`).
/// A level implies those below it; without one there are none, since nobody knows the processor.
pub(super) fn active(names: &[Box<[u8]>], level: Option<Level>) -> Vec<Box<[u8]>> {
    let levels = [Level::V2, Level::V3, Level::V4];
    let usable = |name: &[u8]| {
        let known = levels.into_iter().find(|level| level.name() == name);
        known.is_some_and(|known| Some(known) <= level)
    };
    names.iter().filter(|name| usable(name)).cloned().collect()
}

/// Returns what is put between a directory and a name, in the order in which it is tried; the last
/// one is empty.
pub(super) fn prefixes(
    active: &[Box<[u8]>],
    profile: &Profile,
    version: (u16, u16),
    level: Option<Level>,
    platform: Option<&[u8]>,
) -> Vec<Box<[u8]>> {
    let mut prefixes: Vec<Box<[u8]>> = if version >= (2, 33) {
        active.iter().map(|name| [b"glibc-hwcaps/", &**name, b"/"].concat().into()).collect()
    } else {
        Vec::new()
    };
    if version <= (2, 36) {
        let parts = legacy_parts(profile.machine, level, platform);
        for set in (0..1_usize << parts.len()).rev() {
            let chosen = (0..parts.len()).filter(|part| set >> (parts.len() - 1 - part) & 1 == 1);
            let prefix: Box<[u8]> =
                chosen.flat_map(|part| [parts[part], b"/"]).collect::<Vec<_>>().concat().into();
            if !prefixes.contains(&prefix) {
                prefixes.push(prefix);
            }
        }
    } else {
        prefixes.push(Box::default());
    }
    prefixes
}

/// Directories whose subsets were searched until 2.36, the most important first (glibc 2.36
/// `elf/dl-hwcaps.c`, `_dl_important_hwcaps`; the names in `sysdeps/x86/dl-procinfo.c`).
fn legacy_parts(machine: Machine, level: Option<Level>, platform: Option<&[u8]>) -> Vec<&[u8]> {
    let mut parts: Vec<&[u8]> = vec![b"tls"];
    match platform {
        None if machine == Machine::X86_64 && level >= Some(Level::V3) => parts.push(b"haswell"),
        Some(platform) => parts.push(platform),
        None => parts.extend(machine.platform()),
    }
    if machine == Machine::X86_64 {
        if level >= Some(Level::V4) {
            parts.push(b"avx512_1");
        }
        parts.push(b"x86_64");
    }
    parts
}
