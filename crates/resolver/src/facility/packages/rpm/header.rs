//! The header of a package, as rpm's database keeps it: numbers and texts by their tags.
//!
//! Two lengths of 4 bytes, then entries of 16 bytes (tag, type, offset, count), then the data, all
//! big-endian: the "header record" of packages (LSB Core 5.0, 25.2.3) without the magic number. The
//! first entry stands for the region that came with the package's file and is signed; what was found
//! out when it was installed stands behind it, in entries of the same form.

use std::collections::BTreeMap;

use crate::error::Unread;

/// A tag of rpm's (`include/rpm/rpmtag.h`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag(u32);

impl Tag {
    pub(super) const NAME: Self = Self(1000);
    pub(super) const VERSION: Self = Self(1001);
    pub(super) const RELEASE: Self = Self(1002);
    pub(super) const EPOCH: Self = Self(1003);
    pub(super) const BUILDTIME: Self = Self(1006);
    pub(super) const SIZE: Self = Self(1009);
    pub(super) const VENDOR: Self = Self(1011);
    pub(super) const ARCH: Self = Self(1022);
    /// A byte for each file: what became of it.
    pub(super) const FILESTATES: Self = Self(1029);
    pub(super) const SOURCERPM: Self = Self(1044);
    /// For each file, the number of its directory.
    pub(super) const DIRINDEXES: Self = Self(1116);
    pub(super) const BASENAMES: Self = Self(1117);
    /// Each with its closing slash.
    pub(super) const DIRNAMES: Self = Self(1118);
    /// The size of a package of 4 GiB and more, which has no [`Tag::SIZE`].
    pub(super) const LONGSIZE: Self = Self(5009);
}

/// Most entries of a header, as rpm has it (`lib/header.c`).
const MAX_ENTRIES: usize = 0xffff;

/// Most directories of a package; they are held in memory. No package has a tenth of it.
const MAX_DIRECTORIES: usize = 1 << 20;

/// What a file must not have become to be a file of the package: left out, or taken over by
/// another package (`lib/rpmfiles.h`, `rpmfileState`: normal and on a shared disk).
const INSTALLED: [u8; 2] = [0, 3];

/// A header.
pub(super) struct Header<'b> {
    entries: BTreeMap<Tag, Entry>,
    data: &'b [u8],
}

/// A path of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File<'b> {
    /// Where it stands, by any name that leads there.
    pub(super) directory: &'b [u8],
    pub(super) name: &'b [u8],
}

#[derive(Clone, Copy)]
struct Entry {
    kind: u32,
    offset: usize,
    count: usize,
}

const BYTE_KINDS: [u32; 2] = [1, 2];
const INT32: u32 = 4;
const INT64: u32 = 5;
const TEXT_ARRAY: u32 = 8;
/// A text, and one that has translations behind it.
const TEXTS: [u32; 2] = [6, 9];

const DAMAGED: Unread = Unread::Damaged("the header of a package is not as rpm writes it");

impl<'b> Header<'b> {
    pub(super) fn parse(blob: &'b [u8]) -> Result<Self, Unread> {
        let (count, blob) = number(blob)?;
        let (size, blob) = number(blob)?;
        if count > MAX_ENTRIES {
            return Err(DAMAGED);
        }
        let index = blob.get(..count * 16).ok_or(DAMAGED)?;
        let data = &blob[index.len()..];
        if data.len() != size {
            return Err(DAMAGED);
        }
        let mut entries = BTreeMap::new();
        for entry in index.chunks_exact(16) {
            let field = |at: usize| number(&entry[at..]).map(|(number, _)| number);
            let (tag, kind) = (field(0)? as u32, field(4)? as u32);
            // Of two, the later one counts: that of the installation (`lib/header.c`).
            entries.insert(Tag(tag), Entry { kind, offset: field(8)?, count: field(12)? });
        }
        Ok(Self { entries, data })
    }

    /// Returns a text; nothing if the package has none.
    pub(super) fn text(&self, tag: Tag) -> Result<Option<&'b [u8]>, Unread> {
        let Some(entry) = self.entries.get(&tag) else { return Ok(None) };
        if !TEXTS.contains(&entry.kind) {
            return Err(DAMAGED);
        }
        texts(self.from(entry)?, 1)?.next().transpose()
    }

    /// Returns a number; nothing if the package has none.
    pub(super) fn number(&self, tag: Tag) -> Result<Option<u64>, Unread> {
        let Some(entry) = self.entries.get(&tag) else { return Ok(None) };
        let size = match entry.kind {
            INT32 => 4,
            INT64 => 8,
            _ => return Err(DAMAGED),
        };
        let bytes = self.from(entry)?.get(..size).ok_or(DAMAGED)?;
        Ok(Some(bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))))
    }

    /// Tells whether one of the files that are the package's where it is installed is a wanted one.
    pub(super) fn has_file(&self, wanted: impl Fn(File<'b>) -> bool) -> Result<bool, Unread> {
        let Some(names) = self.array(Tag::BASENAMES, usize::MAX)? else { return Ok(false) };
        let directories = self.array(Tag::DIRNAMES, MAX_DIRECTORIES)?.ok_or(DAMAGED)?;
        let directories: Vec<&[u8]> = directories.collect::<Result<_, Unread>>()?;
        let count = self.entries[&Tag::BASENAMES].count;
        let indexes = self.bytes(Tag::DIRINDEXES, &[INT32], count, 4)?.ok_or(DAMAGED)?;
        let states = self.bytes(Tag::FILESTATES, &BYTE_KINDS, count, 1)?;
        for (file, (name, index)) in names.zip(indexes.chunks_exact(4)).enumerate() {
            let (index, _) = number(index)?;
            let directory = *directories.get(index).ok_or(DAMAGED)?;
            let is_installed = states.is_none_or(|states| INSTALLED.contains(&states[file]));
            if wanted(File { directory, name: name? }) && is_installed {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the texts of an array; nothing if the package has none.
    fn array(
        &self,
        tag: Tag,
        most: usize,
    ) -> Result<Option<impl Iterator<Item = Result<&'b [u8], Unread>>>, Unread> {
        let Some(entry) = self.entries.get(&tag) else { return Ok(None) };
        if entry.kind != TEXT_ARRAY || entry.count > most {
            return Err(DAMAGED);
        }
        texts(self.from(entry)?, entry.count).map(Some)
    }

    /// Returns the bytes of `count` numbers of one of some types; nothing if the package has none.
    fn bytes(
        &self,
        tag: Tag,
        kinds: &[u32],
        count: usize,
        size: usize,
    ) -> Result<Option<&'b [u8]>, Unread> {
        let Some(entry) = self.entries.get(&tag) else { return Ok(None) };
        if !kinds.contains(&entry.kind) || entry.count != count {
            return Err(DAMAGED);
        }
        let size = count.checked_mul(size).ok_or(DAMAGED)?;
        self.from(entry)?.get(..size).map(Some).ok_or(DAMAGED)
    }

    /// Returns the data from an entry's start on.
    fn from(&self, entry: &Entry) -> Result<&'b [u8], Unread> {
        self.data.get(entry.offset..).ok_or(DAMAGED)
    }
}

/// Returns the first texts, each of which ends with a zero byte.
fn texts(data: &[u8], count: usize) -> Result<impl Iterator<Item = Result<&[u8], Unread>>, Unread> {
    // So many texts have so many zeros.
    if count > data.len() {
        return Err(DAMAGED);
    }
    let mut rest = data;
    Ok((0..count).map(move |_| {
        let end = memchr::memchr(0, rest).ok_or(DAMAGED)?;
        let text = &rest[..end];
        rest = &rest[end + 1..];
        Ok(text)
    }))
}

/// Reads a number of 4 bytes, and returns what stands behind it.
fn number(bytes: &[u8]) -> Result<(usize, &[u8]), Unread> {
    let (number, rest) = bytes.split_first_chunk().ok_or(DAMAGED)?;
    Ok((u32::from_be_bytes(*number) as usize, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::rpm::{Field, header};

    fn tool() -> Vec<u8> {
        header(&[
            (1000, Field::Text("tool")),
            (1003, Field::Number(7)),
            (5009, Field::Long(5 << 30)),
            (1116, Field::Numbers(&[1, 0, 1, 1])),
            (1117, Field::Texts(&["tool", "conf", "other", "shared"])),
            (1118, Field::Texts(&["/etc/", "/usr/bin/"])),
            (1029, Field::Bytes(&[0, 1, 4, 3])),
        ])
    }

    #[test]
    fn a_header_has_numbers_texts_and_files() {
        let blob = tool();
        let header = Header::parse(&blob).unwrap();
        assert_eq!(header.text(Tag::NAME), Ok(Some(&b"tool"[..])));
        assert_eq!(header.text(Tag::VENDOR), Ok(None));
        assert_eq!(header.number(Tag::EPOCH), Ok(Some(7)));
        assert_eq!(header.number(Tag::LONGSIZE), Ok(Some(5 << 30)));
        let has = |directory: &str, name: &str| {
            let wanted = (directory.as_bytes(), name.as_bytes());
            header.has_file(|file| (file.directory, file.name) == wanted)
        };
        assert_eq!(has("/usr/bin/", "tool"), Ok(true));
        assert_eq!(has("/usr/bin/", "shared"), Ok(true));
        assert_eq!(has("/etc/", "tool"), Ok(false));
        // This one was taken over by another package, and the next is for another architecture.
        assert_eq!(has("/etc/", "conf"), Ok(false));
        assert_eq!(has("/usr/bin/", "other"), Ok(false));
        // A number is no text.
        assert_eq!(header.text(Tag::EPOCH), Err(DAMAGED));
        assert_eq!(header.number(Tag::NAME), Err(DAMAGED));
    }

    #[test]
    fn a_header_that_is_cut_is_damaged() {
        let blob = tool();
        for end in 0..blob.len() {
            assert!(Header::parse(&blob[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn counts_that_the_data_does_not_hold_are_damage() {
        let mut blob = tool();
        // Every entry says that it has 2^32 - 1 values.
        let entries = blob[3] as usize;
        for entry in 0..entries {
            blob[8 + 16 * entry + 12..][..4].fill(0xff);
        }
        let header = Header::parse(&blob).unwrap();
        assert_eq!(header.has_file(|_| false), Err(DAMAGED));
        assert_eq!(header.text(Tag::NAME), Ok(Some(&b"tool"[..])));
    }
    #[test]
    fn no_bit_makes_a_reader_fail() {
        let blob = tool();
        for bit in 0..blob.len() * 8 {
            let mut blob = blob.clone();
            blob[bit / 8] ^= 1 << (bit % 8);
            let Ok(header) = Header::parse(&blob) else { continue };
            // Values or a reason.
            let _ = header.has_file(|_| false);
            for tag in [Tag::NAME, Tag::EPOCH, Tag::LONGSIZE] {
                let _ = (header.text(tag), header.number(tag));
            }
        }
    }
}
