//! `ld.so.cache`: reads all of its formats, and looks names up as the loader does
//! (glibc `elf/dl-cache.c`, `sysdeps/generic/dl-cache.h`).

mod write;

use std::cmp::Ordering;

use super::elf::{Class, Machine};
use super::profile::Profile;
use super::request::Level;

pub(crate) use write::{CacheAbi, CacheEntry, write_cache};

const OLD_MAGIC: &[u8] = b"ld.so-1.7.0";
const NEW_MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const OLD_HEADER_BYTES: usize = 16;
const NEW_HEADER_BYTES: usize = 48;
const OLD_ENTRY_BYTES: usize = 12;
const NEW_ENTRY_BYTES: usize = 24;
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
/// Tag of the extension that holds the names of capability directories.
const CAPABILITY_NAMES: u32 = 1;

/// Largest cache that is read, in bytes. A desktop's has 200 KiB.
pub(super) const MAX_CACHE_BYTES: u64 = 64 << 20;

/// Bit of `hwcap` that marks an entry of a named capability directory; the index of the name is in
/// the low 32 bits, the level in the ten above. All bits above those are zero.
const NAMED: u64 = 1 << 62;
const NAMED_MASK: u64 = !0 << 42;

/// Bits of old capabilities that are there on every x86-64, and `tls` (glibc 2.36 `dl-hwcap.h`).
const LEGACY_X86_64: u64 = 1 << 1;
const LEGACY_TLS: u64 = 1 << 63;

/// A cache file.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    bytes: Vec<u8>,
    big_endian: bool,
    entries: usize,
    count: usize,
    entry_bytes: usize,
    /// String offsets count from here.
    strings: usize,
    /// The capability names, by the index that entries have.
    names: Vec<Box<[u8]>>,
}

/// Which entries of a cache are usable.
pub(super) struct Choice<'a> {
    /// The loader.
    pub(super) profile: &'a Profile,
    /// Its version.
    pub(super) version: (u16, u16),
    /// Its capability names that are in use, best first.
    pub(super) active: &'a [Box<[u8]>],
    /// The processor.
    pub(super) level: Option<Level>,
}

/// What a cache says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// An absolute path.
    pub(super) path: Box<[u8]>,
    /// The capability directory that it comes from.
    pub(super) capability: Option<Box<[u8]>>,
}

impl Cache {
    /// Reads a cache; nothing if a loader would ignore it.
    pub(super) fn parse(bytes: Vec<u8>, big_endian: bool) -> Option<Self> {
        let word = |at: usize| word(&bytes, at, big_endian);
        let (start, old) = if bytes.starts_with(NEW_MAGIC) {
            (0, None)
        } else if bytes.starts_with(OLD_MAGIC) {
            let count = word(12)? as usize;
            if bytes.len().checked_sub(OLD_HEADER_BYTES)? / OLD_ENTRY_BYTES < count {
                return None;
            }
            let end = OLD_HEADER_BYTES + count * OLD_ENTRY_BYTES;
            (end.next_multiple_of(8), Some((count, end)))
        } else {
            return None;
        };
        let is_new = bytes.get(start..).is_some_and(|new| new.starts_with(NEW_MAGIC));
        match old {
            Some((count, strings)) if !is_new || bytes.len() < start + NEW_HEADER_BYTES => {
                return Some(Self {
                    big_endian,
                    entries: OLD_HEADER_BYTES,
                    count,
                    entry_bytes: OLD_ENTRY_BYTES,
                    strings,
                    names: Vec::new(),
                    bytes,
                });
            }
            _ => {}
        }
        let count = word(start + 20)? as usize;
        if bytes.len().checked_sub(start + NEW_HEADER_BYTES)? / NEW_ENTRY_BYTES < count {
            return None;
        }
        // 0 is a cache from before 2.33; else the two lowest bits are the byte order, 2 or 3
        // (`cache_file_new_matches_endian`).
        let flags = *bytes.get(start + 28)?;
        if flags != 0 && flags & 3 != if big_endian { 3 } else { 2 } {
            return None;
        }
        let names = capability_names(&bytes, start, big_endian).unwrap_or_default();
        Some(Self {
            big_endian,
            entries: start + NEW_HEADER_BYTES,
            count,
            entry_bytes: NEW_ENTRY_BYTES,
            strings: start,
            names,
            bytes,
        })
    }

    /// Looks a name up (`search_cache`): a binary search for entries that compare equal, which need
    /// not be equal, and then the best usable one of them.
    pub(super) fn look_up(&self, name: &[u8], choice: &Choice<'_>) -> Option<Answer> {
        let signed = choice.profile.machine.has_signed_char();
        let compare = |key: &[u8]| compare(name, key, signed);
        // The halves are those of the loader: a table that is not sorted gives its answer too.
        let (mut left, mut end) = (0, self.count);
        let mut first = None;
        while left < end {
            let middle = usize::midpoint(left, end - 1);
            match compare(self.key(middle)?) {
                Ordering::Equal => {
                    first = Some(middle);
                    break;
                }
                // The table descends.
                Ordering::Less => left = middle + 1,
                Ordering::Greater => end = middle,
            }
        }
        let is_equal = |place: usize| self.key(place).is_some_and(|key| compare(key).is_eq());
        let mut first = first?;
        while first > 0 && is_equal(first - 1) {
            first -= 1;
        }

        let mut best: Option<(usize, Answer)> = None;
        for place in first..end {
            if !is_equal(place) {
                break;
            }
            let flags = self.number(place, 0);
            if !accepts(choice.profile, flags) {
                continue;
            }
            let Some(path) = self.text(self.number(place, 8)) else { continue };
            let hwcap = self.hwcap(place);
            if hwcap & NAMED_MASK == NAMED {
                let Some((priority, name)) = self.priority(hwcap, choice) else { continue };
                if best.as_ref().is_none_or(|(found, _)| priority < *found) {
                    let capability = Some(name.into());
                    best = Some((priority, Answer { path: path.into(), capability }));
                }
                continue;
            }
            // Named entries stand before the plain ones: here all of them have been seen.
            let is_old = self.entry_bytes == OLD_ENTRY_BYTES;
            if best.is_some() && !is_old {
                break;
            }
            if hwcap & !legacy(choice) == 0 {
                best = Some((0, Answer { path: path.into(), capability: None }));
                // In the old format what needs libc.so.6 is preferred, wherever it stands.
                if !is_old || flags == own_flags(choice.profile) {
                    break;
                }
            }
        }
        best.map(|(_, answer)| answer)
    }

    /// Returns the place of an entry's capability among those in use, if its level fits.
    fn priority(&self, hwcap: u64, choice: &Choice<'_>) -> Option<(usize, &[u8])> {
        let name = self.names.get(usize::try_from(hwcap & 0xffff_ffff).ok()?)?;
        let place = choice.active.iter().position(|active| active == name)?;
        let entry_level = hwcap >> 32 & 0x3ff;
        let level = match choice.level {
            None => 0,
            Some(Level::V2) => 1,
            Some(Level::V3) => 2,
            Some(Level::V4) => 3,
        };
        (entry_level <= level).then_some((place, &**name))
    }

    fn number(&self, place: usize, field: usize) -> u32 {
        let at = self.entries + place * self.entry_bytes + field;
        word(&self.bytes, at, self.big_endian).unwrap_or(u32::MAX)
    }

    fn hwcap(&self, place: usize) -> u64 {
        if self.entry_bytes == OLD_ENTRY_BYTES {
            return 0;
        }
        let (first, second) =
            (u64::from(self.number(place, 16)), u64::from(self.number(place, 20)));
        if self.big_endian { first << 32 | second } else { second << 32 | first }
    }

    fn key(&self, place: usize) -> Option<&[u8]> {
        self.text(self.number(place, 4))
    }

    fn text(&self, offset: u32) -> Option<&[u8]> {
        let tail = self.bytes.get(self.strings.checked_add(offset as usize)?..)?;
        // A loader would read on behind the file; a path that has no end is none.
        tail.iter().position(|byte| *byte == 0).map(|end| &tail[..end])
    }
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let bytes = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

/// Reads the extension with the names; 2.33 and later. Offsets in it count from the start of the
/// file, which has no old part then.
fn capability_names(bytes: &[u8], start: usize, big_endian: bool) -> Option<Vec<Box<[u8]>>> {
    let word = |at: usize| word(bytes, at, big_endian);
    let directory = word(start + 32)? as usize;
    if directory == 0 || !directory.is_multiple_of(4) || word(directory)? != EXTENSION_MAGIC {
        return None;
    }
    let count = (word(directory + 4)? as usize).min(64);
    for extension in 0..count {
        let at = directory + 8 + extension * 16;
        if word(at)? != CAPABILITY_NAMES {
            continue;
        }
        let (offset, size) = (word(at + 8)? as usize, word(at + 12)? as usize);
        bytes.get(offset..offset.checked_add(size)?)?;
        return (0..size / 4)
            .map(|index| {
                let tail = bytes.get(start.checked_add(word(offset + index * 4)? as usize)?..)?;
                let end = tail.iter().position(|byte| *byte == 0)?;
                Some(tail[..end].into())
            })
            .collect();
    }
    None
}

/// Flags of an entry for a machine without an ABI byte, and of one that needs no `libc.so.6`.
const ELF_LIBC6: u32 = 3;
const ELF: u32 = 1;

/// Tells whether an entry is for this loader (`_dl_cache_check_flags`).
fn accepts(profile: &Profile, entry: u32) -> bool {
    let own = own_flags(profile);
    // i386 and other plain ones: `ldconfig` writes 1 for what does not need libc.so.6. ARM: what
    // says nothing about its float ABI fits both.
    entry == own
        || own == ELF_LIBC6 && entry == ELF
        || profile.machine == Machine::ARM && entry == ELF_LIBC6
}

fn own_flags(profile: &Profile) -> u32 {
    flags(profile.machine, profile.class, profile.flags)
}

/// Returns the flags of an entry for a machine (`sysdeps/generic/ldconfig.h`).
fn flags(machine: Machine, class: Class, e_flags: u32) -> u32 {
    /// `EF_ARM_ABI_FLOAT_HARD`, `EF_ARM_ABI_FLOAT_SOFT`.
    const ARM_HARD: u32 = 0x400;
    const ARM_SOFT: u32 = 0x200;
    let abi = match (machine, class) {
        (Machine::X86_64, Class::Elf64) => 3,
        (Machine::X86_64, Class::Elf32) => 8,
        (Machine::S390, Class::Elf64) => 4,
        (Machine::PPC64, _) => 5,
        (Machine::AARCH64, Class::Elf64) => 0xa,
        (Machine::ARM, _) if e_flags & ARM_HARD != 0 => 9,
        (Machine::ARM, _) if e_flags & ARM_SOFT != 0 => 0xb,
        // EF_RISCV_FLOAT_ABI: 0 soft, 4 double.
        (Machine::RISCV, _) if e_flags & 6 == 4 => 0x10,
        (Machine::RISCV, _) => 0xf,
        // EF_LARCH_ABI: 1 soft, 3 double.
        (Machine::LOONGARCH, _) if e_flags & 7 == 3 => 0x12,
        (Machine::LOONGARCH, _) => 0x11,
        _ => 0,
    };
    abi << 8 | ELF_LIBC6
}

/// Returns the bits that a plain entry may have: none since 2.37.
fn legacy(choice: &Choice<'_>) -> u64 {
    if choice.version >= (2, 37) {
        0
    } else if choice.profile.machine == Machine::X86_64 {
        LEGACY_X86_64 | LEGACY_TLS
    } else {
        LEGACY_TLS
    }
}

/// Compares names as the table is sorted (`_dl_cache_libcmp`): runs of digits by their value, a
/// digit above anything else. `libz.so.01` equals `libz.so.1`. Bytes are compared as `char`, which
/// is `signed` on some machines.
pub(crate) fn compare(mut left: &[u8], mut right: &[u8], signed: bool) -> Ordering {
    let number = |byte: u8| if signed { i32::from(byte.cast_signed()) } else { i32::from(byte) };
    loop {
        let (Some(&first), second) = (left.first(), right.first().copied().unwrap_or(0)) else {
            return 0.cmp(&number(right.first().copied().unwrap_or(0)));
        };
        match (first.is_ascii_digit(), second.is_ascii_digit()) {
            (true, true) => {
                let values = (run(&mut left), run(&mut right));
                if values.0 != values.1 {
                    // A difference and not a comparison, wrapped as the loader's `int` does.
                    return values.0.wrapping_sub(values.1).cmp(&0);
                }
            }
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) if first != second => return number(first).cmp(&number(second)),
            (false, false) => {
                left = &left[1..];
                right = &right[1..];
            }
        }
    }
}

fn run(text: &mut &[u8]) -> i32 {
    let mut value = 0_i32;
    while let [digit @ b'0'..=b'9', rest @ ..] = *text {
        value = value.wrapping_mul(10).wrapping_add(i32::from(digit - b'0'));
        *text = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::profile::{Family, Glibc, Profile};
    use super::*;

    fn profile(machine: Machine) -> Profile {
        Profile {
            family: Family::Glibc(Glibc {
                version: (2, 36),
                debian: true,
                directories: Vec::new(),
                lib: Box::default(),
                cache: Box::default(),
                capabilities: Vec::new(),
            }),
            machine,
            class: Class::Elf64,
            big_endian: false,
            flags: 0,
            defaults_used: false,
        }
    }

    fn look_up(bytes: &[u8], name: &str, machine: Machine, level: Option<Level>) -> Option<String> {
        let active: Vec<Box<[u8]>> = match level {
            None => Vec::new(),
            Some(_) => vec![(*b"x86-64-v3").into(), (*b"x86-64-v2").into()],
        };
        let profile = profile(machine);
        let choice = Choice { profile: &profile, version: (2, 36), active: &active, level };
        let answer = Cache::parse(bytes.into(), false)?.look_up(name.as_bytes(), &choice)?;
        Some(String::from_utf8(answer.path.into()).unwrap())
    }

    #[test]
    fn digits_compare_as_numbers_and_stand_above_all_else() {
        for (left, right, expected) in [
            ("libz.so.10", "libz.so.9", Ordering::Greater),
            ("libz.so.01", "libz.so.1", Ordering::Equal),
            ("lib1.so", "liba.so", Ordering::Greater),
            ("liba.so", "lib1.so", Ordering::Less),
            ("liba.so", "liba.so.1", Ordering::Less),
            ("", "", Ordering::Equal),
        ] {
            for signed in [false, true] {
                let ordering = compare(left.as_bytes(), right.as_bytes(), signed);
                assert_eq!(ordering, expected, "{left} {right}");
            }
        }
    }

    #[test]
    fn bytes_compare_as_char() {
        for (signed, expected) in [(false, Ordering::Greater), (true, Ordering::Less)] {
            assert_eq!(compare(b"lib\xff.so", b"liba.so", signed), expected);
            assert_eq!(compare(b"lib\xff", b"lib", signed), expected);
            assert_eq!(compare(b"lib", b"lib\xff", signed), expected.reverse());
        }
    }

    #[test]
    fn an_equal_number_is_found_under_another_spelling() {
        let bytes = fixture::cache(
            &[("libz.so.10", "/ten", 0x303, 0), ("libz.so.1", "/one", 0x303, 0)],
            &[],
        );
        assert_eq!(look_up(&bytes, "libz.so.01", Machine::X86_64, None).unwrap(), "/one");
        assert_eq!(look_up(&bytes, "libz.so.010", Machine::X86_64, None).unwrap(), "/ten");
        assert_eq!(look_up(&bytes, "libz.so.2", Machine::X86_64, None), None);
    }

    #[test]
    fn flags_are_those_of_the_machine() {
        let bytes = fixture::cache(
            &[
                ("liba.so", "/arm", 0xa03, 0),
                ("liba.so", "/x86", 0x303, 0),
                ("liba.so", "/386", 1, 0),
            ],
            &[],
        );
        assert_eq!(look_up(&bytes, "liba.so", Machine::X86_64, None).unwrap(), "/x86");
        assert_eq!(look_up(&bytes, "liba.so", Machine::AARCH64, None).unwrap(), "/arm");
        assert_eq!(look_up(&bytes, "liba.so", Machine::I386, None).unwrap(), "/386");
    }

    #[test]
    fn the_best_capability_wins_wherever_it_stands() {
        let v2 = NAMED | 1 << 32;
        let v3 = NAMED | 2 << 32 | 1;
        let bytes = fixture::cache(
            &[
                ("liba.so", "/v2", 0x303, v2),
                ("liba.so", "/v3", 0x303, v3),
                ("liba.so", "/haswell", 0x303, 1 << 50),
                ("liba.so", "/plain", 0x303, 0),
            ],
            &["x86-64-v2", "x86-64-v3"],
        );
        let at = |level| look_up(&bytes, "liba.so", Machine::X86_64, level).unwrap();
        assert_eq!(at(None), "/plain");
        assert_eq!(at(Some(Level::V3)), "/v3");
        assert_eq!(at(Some(Level::V2)), "/v2");
    }

    #[test]
    fn old_caches_are_read_with_and_without_a_new_part() {
        let mut old = b"ld.so-1.7.0\0".to_vec();
        for number in [1_u32, 0x303, 0, 8] {
            old.extend(number.to_le_bytes());
        }
        let mut compat = old.clone();
        old.extend(b"liba.so\0/old\0");
        assert_eq!(look_up(&old, "liba.so", Machine::X86_64, None).unwrap(), "/old");
        compat.resize(32, 0);
        compat.extend(fixture::cache(&[("liba.so", "/new", 0x303, 0)], &[]));
        assert_eq!(look_up(&compat, "liba.so", Machine::X86_64, None).unwrap(), "/new");
    }

    #[test]
    fn a_table_that_is_not_sorted_is_searched_as_the_loader_does() {
        let bytes =
            fixture::cache(&[("liba.so", "/a", 0x303, 0), ("libb.so", "/b", 0x303, 0)], &[]);
        assert_eq!(look_up(&bytes, "liba.so", Machine::X86_64, None).unwrap(), "/a");
        assert_eq!(look_up(&bytes, "libb.so", Machine::X86_64, None), None);
    }

    #[test]
    fn old_entries_that_need_libc_are_preferred() {
        let mut old = b"ld.so-1.7.0\0".to_vec();
        for number in [3_u32, 1, 0, 8, 3, 0, 11, 1, 0, 14] {
            old.extend(number.to_le_bytes());
        }
        old.extend(b"liba.so\0/1\0/3\0/x\0");
        assert_eq!(look_up(&old, "liba.so", Machine::I386, None).unwrap(), "/3");
    }

    #[test]
    fn unmarked_entries_fit_both_float_abis_of_arm() {
        let hard = Profile { flags: 0x500_0400, ..profile(Machine::ARM) };
        assert!(accepts(&hard, 0x903));
        assert!(accepts(&hard, 3));
        assert!(!accepts(&hard, 0xb03));
        assert_eq!(flags(Machine::ARM, Class::Elf32, 0x500_0200), 0xb03);
        assert_eq!(flags(Machine::ARM, Class::Elf32, 0x500_0000), 3);
    }

    #[test]
    fn what_no_loader_would_use_is_no_cache() {
        let bytes = fixture::cache(&[("liba.so", "/a", 0x303, 0)], &[]);
        let mut odd = bytes.clone();
        odd[28] = 4;
        assert!(Cache::parse(odd, false).is_none());
        let mut foreign = bytes.clone();
        foreign[28] = 3;
        assert!(Cache::parse(foreign, false).is_none());
        let mut long = bytes.clone();
        long[20] = 200;
        assert!(Cache::parse(long, false).is_none());
        for length in 0..bytes.len() {
            let _ = look_up(&bytes[..length], "liba.so", Machine::X86_64, None);
        }
    }
}
