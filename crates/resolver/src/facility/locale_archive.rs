//! glibc's `locale-archive`: one file with many locales (`locale/locarchive.h`).
//!
//! Numbers are 32 bits wide, in the byte order of the machine that the archive is for; its first
//! number tells which.

use crate::host::HostFile;

const MAGIC: u32 = 0xde02_0109;

/// Where in the header the tables are told: the hash table of names with its size, and nothing else
/// that is used here.
const NAMES_AT: usize = 2;
const NAMES_SIZE_AT: usize = 4;
const HEADER_NUMBERS: usize = 14;

/// Most names of an archive. That of all languages has some 800.
const MAX_NAMES: u32 = 100_000;

/// Largest category, in bytes. Large ones (Chinese collation) have some megabytes.
const MAX_CATEGORY_BYTES: u32 = 64 << 20;

/// The files of a locale, in the order of the numbers of their categories (`locale.h`).
pub(super) const FILES: [&str; 12] = [
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES/SYS_LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
];

/// How many categories there are, and the one among them that stands for all and has no file.
const CATEGORIES: usize = 13;
const ALL: usize = 6;

/// Returns the files of one locale of an archive, each with its name below the locale's directory;
/// nothing if the archive does not have it or is damaged.
pub(super) fn locale(
    file: &dyn HostFile,
    size_bytes: u64,
    name: &[u8],
) -> Option<Vec<(&'static str, Vec<u8>)>> {
    let archive = Archive::open(file, size_bytes)?;
    let record = archive.record(name)?;
    let places = record.chunks_exact(2).enumerate().filter(|(number, _)| *number != ALL);
    places
        .zip(FILES)
        .map(|((_, place), file)| {
            let length = Some(place[1]).filter(|length| *length <= MAX_CATEGORY_BYTES)?;
            Some((file, archive.bytes(place[0], length)?))
        })
        .collect()
}

struct Archive<'a> {
    file: &'a dyn HostFile,
    size_bytes: u64,
    is_swapped: bool,
}

impl<'a> Archive<'a> {
    fn open(file: &'a dyn HostFile, size_bytes: u64) -> Option<Self> {
        let mut archive = Self { file, size_bytes, is_swapped: false };
        archive.is_swapped = match archive.numbers(0, 1)?[0] {
            MAGIC => false,
            other if other.swap_bytes() == MAGIC => true,
            _ => return None,
        };
        Some(archive)
    }

    /// Returns offset and length of each category of a locale.
    fn record(&self, name: &[u8]) -> Option<Vec<u32>> {
        let header = self.numbers(0, HEADER_NUMBERS)?;
        let size = header[NAMES_SIZE_AT].min(MAX_NAMES);
        let names = self.numbers(header[NAMES_AT], usize::try_from(size).ok()? * 3)?;
        for entry in names.chunks_exact(3) {
            let [_, name_at, record_at] = *entry else { continue };
            // An empty place of the hash table.
            if record_at == 0 {
                continue;
            }
            let length = u32::try_from(name.len() + 1).ok()?;
            let found = self.bytes(name_at, length);
            if found.is_some_and(|found| found.strip_suffix(b"\0") == Some(name)) {
                // How many names the record has stands before it.
                return self.numbers(record_at.checked_add(4)?, CATEGORIES * 2);
            }
        }
        None
    }

    fn numbers(&self, offset: u32, count: usize) -> Option<Vec<u32>> {
        let bytes = self.bytes(offset, u32::try_from(count * 4).ok()?)?;
        let number = |bytes: &[u8]| {
            let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            if self.is_swapped { number.swap_bytes() } else { number }
        };
        Some(bytes.chunks_exact(4).map(number).collect())
    }

    fn bytes(&self, offset: u32, length: u32) -> Option<Vec<u8>> {
        if u64::from(offset) + u64::from(length) > self.size_bytes {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        let count = self.file.read_at(&mut bytes, offset.into()).ok()?;
        (count == bytes.len()).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Host, HostPath};
    use crate::memory::Memory;

    /// An archive of one locale, whose categories are their numbers.
    fn archive(name: &str, is_swapped: bool) -> Vec<u8> {
        let number = |number: u32| {
            if is_swapped { number.to_be_bytes() } else { number.to_le_bytes() }
        };
        let (names_at, strings_at) = (56, 56 + 24);
        let record_at = strings_at + 32;
        let data_at = record_at + 4 + 13 * 8;
        let mut numbers = vec![MAGIC, 0, names_at, 1, 2, strings_at, 32, 32, record_at, 1, 1];
        numbers.extend([0, 0, 0]);
        // An empty place of the table, and the one of the name.
        numbers.extend([0, 0, 0, 7, strings_at, record_at]);
        let mut bytes: Vec<u8> = numbers.into_iter().flat_map(number).collect();
        bytes.extend(name.bytes().chain(std::iter::repeat_n(0, 32 - name.len())));
        bytes.extend(number(1));
        for category in 0..13 {
            bytes.extend(number(data_at + category).into_iter().chain(number(1)));
        }
        bytes.extend(0..13);
        bytes
    }

    fn read(bytes: &[u8], name: &str) -> Option<Vec<(&'static str, Vec<u8>)>> {
        let host = Memory::new().file("/archive", bytes);
        let file = host.open(&HostPath::new(b"/archive")).unwrap();
        locale(&*file, bytes.len() as u64, name.as_bytes())
    }

    #[test]
    fn a_locale_is_its_categories() {
        for is_swapped in [false, true] {
            let bytes = archive("cs_CZ.utf8", is_swapped);
            let files = read(&bytes, "cs_CZ.utf8").expect("is there");
            assert_eq!(files.len(), 12);
            assert_eq!(files[5], ("LC_MESSAGES/SYS_LC_MESSAGES", vec![5]));
            assert_eq!(files[6], ("LC_PAPER", vec![7]));
            assert_eq!(read(&bytes, "cs_CZ"), None);
            assert_eq!(read(&bytes, "cs_CZ.utf8x"), None);
        }
    }

    #[test]
    fn a_damaged_archive_has_nothing() {
        let bytes = archive("cs_CZ.utf8", false);
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length], "cs_CZ.utf8"), None, "{length}");
        }
        for at in (0..bytes.len() - 4).step_by(4) {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
            let _ = read(&bytes, "cs_CZ.utf8");
        }
    }
}
