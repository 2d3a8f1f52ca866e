//! Writes an `ld.so.cache`: the new format, without capabilities and extensions.
//!
//! The same entries give the same bytes. glibc's loader and `ldconfig -p -C` take it (glibc
//! `elf/cache.c`, `save_cache`; `sysdeps/generic/dl-cache.h`).

use std::cmp::Ordering;

use super::{NEW_ENTRY_BYTES, NEW_HEADER_BYTES, NEW_MAGIC, compare, flags};
use crate::loader::profile::Profile;
use crate::loader::{Class, Machine};

/// One library of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheEntry {
    /// The name that programs need.
    pub(crate) name: Box<[u8]>,
    /// The absolute path that the loader opens for it.
    pub(crate) path: Box<[u8]>,
    /// Which loaders take it.
    pub(crate) abi: CacheAbi,
}

/// The processor and its conventions, as entries of a cache name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CacheAbi(u32);

impl CacheAbi {
    /// Returns what a loader takes.
    pub(crate) fn of(profile: &Profile) -> Self {
        Self::of_machine(profile.machine, profile.class, profile.flags)
    }

    /// Returns what an object of a machine is, with its `e_flags`.
    pub(crate) fn of_machine(machine: Machine, class: Class, e_flags: u32) -> Self {
        Self(flags(machine, class, e_flags))
    }

    /// Tells whether its loaders compare bytes as signed numbers: x86 and LoongArch.
    fn has_signed_char(self) -> bool {
        matches!(self.0 >> 8, 0 | 3 | 8 | 0x11 | 0x12)
    }
}

/// Writes a cache. Of entries with one name for one loader the first counts.
pub(crate) fn write_cache(mut entries: Vec<CacheEntry>, big_endian: bool) -> Vec<u8> {
    // The order of `ldconfig` (`elf/cache.c`, `compare`): the loader searches by halves.
    entries.sort_by(order);
    entries.dedup_by(|later, kept| later.name == kept.name && later.abi == kept.abi);

    let strings_at = NEW_HEADER_BYTES + NEW_ENTRY_BYTES * entries.len();
    let mut table = Vec::new();
    let mut strings = Vec::new();
    let mut text = |text: &[u8]| {
        let offset = strings_at + strings.len();
        strings.extend_from_slice(text);
        strings.push(0);
        word(offset, big_endian)
    };
    for entry in &entries {
        table.extend(word(entry.abi.0 as usize, big_endian));
        table.extend(text(&entry.name));
        table.extend(text(&entry.path));
        // No version of the system, and no capabilities (8 bytes).
        table.extend([0; 12]);
    }
    let mut bytes = NEW_MAGIC.to_vec();
    bytes.extend(word(entries.len(), big_endian));
    bytes.extend(word(strings.len(), big_endian));
    // `cache_file_new_flags_endian_little` and `…_big`.
    bytes.push(if big_endian { 3 } else { 2 });
    bytes.resize(NEW_HEADER_BYTES, 0);
    bytes.extend(table);
    bytes.extend(strings);
    bytes
}

/// A stable order: what compares equal stays as it came.
fn order(one: &CacheEntry, other: &CacheEntry) -> Ordering {
    let signed = one.abi.has_signed_char();
    compare(&other.name, &one.name, signed).then(other.abi.cmp(&one.abi))
}

fn word(value: usize, big_endian: bool) -> [u8; 4] {
    // A cache has the libraries of one image: 4 GiB of paths is beyond any.
    let value = u32::try_from(value).unwrap_or(u32::MAX);
    if big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
}

#[cfg(test)]
mod tests {
    use super::super::{Cache, Choice};
    use super::*;
    use crate::loader::profile::{Family, Glibc};

    fn entry(name: &str, path: &str, machine: Machine) -> CacheEntry {
        let abi = CacheAbi::of_machine(machine, Class::Elf64, 0);
        CacheEntry { name: name.as_bytes().into(), path: path.as_bytes().into(), abi }
    }

    fn profile(machine: Machine, big_endian: bool) -> Profile {
        Profile {
            family: Family::Glibc(Glibc {
                version: (2, 41),
                debian: true,
                directories: Vec::new(),
                lib: Box::default(),
                cache: Box::default(),
                capabilities: Vec::new(),
            }),
            machine,
            class: Class::Elf64,
            big_endian,
            flags: 0,
            defaults_used: false,
        }
    }

    #[test]
    fn what_is_written_is_found_again_whatever_its_order() {
        let machines = [(Machine::X86_64, false), (Machine::AARCH64, false), (Machine::S390, true)];
        for (machine, big_endian) in machines {
            let names = ["liba.so", "libz.so.1", "libz.so.10", "libz.so.9", "lib1.so", "LIB.so"];
            let mut entries: Vec<CacheEntry> =
                names.iter().map(|name| entry(name, &format!("/opt/{name}"), machine)).collect();
            let bytes = write_cache(entries.clone(), big_endian);
            entries.reverse();
            assert_eq!(write_cache(entries, big_endian), bytes);

            let cache = Cache::parse(bytes, big_endian).unwrap();
            let profile = profile(machine, big_endian);
            let choice = Choice { profile: &profile, version: (2, 41), active: &[], level: None };
            for name in names {
                let answer = cache.look_up(name.as_bytes(), &choice).unwrap();
                assert_eq!(*answer.path, *format!("/opt/{name}").as_bytes());
            }
            assert_eq!(cache.look_up(b"libz.so.2", &choice), None);
        }
    }

    #[test]
    fn the_first_entry_of_a_name_counts_for_each_loader() {
        let bytes = write_cache(
            vec![
                entry("liba.so", "/first", Machine::X86_64),
                entry("liba.so", "/arm", Machine::AARCH64),
                entry("liba.so", "/second", Machine::X86_64),
            ],
            false,
        );
        assert_eq!(bytes.len(), 48 + 2 * 24 + "liba.so\0/first\0liba.so\0/arm\0".len());
        assert_eq!(bytes[20], 2);
    }
}
