//! One member's header blocks: USTAR, every field set by hand, with a PAX header before it where
//! USTAR has no room (POSIX.1-2017, `pax`, "ustar Interchange Format" and "pax Header Block").
//!
//! Nothing is taken from a clock, a user or a machine. `docs/formats.md` describes each byte.

use crate::pax::Records;

/// The unit of a tar archive in bytes: headers are blocks, and contents are filled up to them.
pub(crate) const BLOCK_BYTES: usize = 512;

/// What an archive ends in: exactly two zero blocks. Other tools fill up to 10 KiB.
pub(crate) const TRAILER: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];

/// The name of every PAX header. Readers ignore it; a constant cannot differ between builds.
const PAX_NAME: &[u8] = b"PaxHeaders/entry";

const NAME_BYTES: usize = 100;
const LINK_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;
/// Seven octal digits; a larger id needs a PAX record.
const MAX_ID: u32 = 0o7_777_777;
/// Eleven octal digits (8 GiB - 1); a larger size needs a PAX record.
const MAX_SIZE: u64 = 0o77_777_777_777;

/// What a member is, as the header's type flag says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeFlag {
    File,
    HardLink,
    Symlink,
    Directory,
    Pax,
}

impl TypeFlag {
    fn byte(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::HardLink => b'1',
            Self::Symlink => b'2',
            Self::Directory => b'5',
            Self::Pax => b'x',
        }
    }
}

/// What a member's header says. There is no time: each is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The name in the archive: relative, with `/` at the end if it is a directory.
    pub(crate) name: Vec<u8>,
    /// Where a symbolic or hard link leads; else empty.
    pub(crate) link: Vec<u8>,
    pub(crate) type_flag: TypeFlag,
    /// At most 0o7777.
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The content's size in bytes; 0 unless this is a file.
    pub(crate) size: u64,
    /// The extended attribute `security.capability`, if it has one.
    pub(crate) capability: Option<[u8; 20]>,
}

impl Member {
    /// Returns how many bytes the header has.
    pub(crate) fn header_bytes(&self) -> usize {
        match self.records().encode().len() {
            0 => BLOCK_BYTES,
            records => 2 * BLOCK_BYTES + records + padding(records as u64),
        }
    }

    /// Returns what USTAR has no room for.
    fn records(&self) -> Records {
        let mut records = Records::default();
        if split_name(&self.name).is_none() {
            records.add("path", &self.name);
        }
        if self.link.len() > LINK_BYTES || !self.link.is_ascii() {
            records.add("linkpath", &self.link);
        }
        if self.size > MAX_SIZE {
            records.add("size", self.size.to_string().as_bytes());
        }
        for (key, id) in [("uid", self.uid), ("gid", self.gid)] {
            if id > MAX_ID {
                records.add(key, id.to_string().as_bytes());
            }
        }
        if let Some(capability) = &self.capability {
            records.add("SCHILY.xattr.security.capability", capability);
        }
        records
    }

    /// Returns the header blocks: one, or three and more if a PAX header is needed.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut blocks = Vec::with_capacity(BLOCK_BYTES);
        let records = self.records().encode();
        if !records.is_empty() {
            let header = Self {
                name: PAX_NAME.to_vec(),
                link: Vec::new(),
                type_flag: TypeFlag::Pax,
                mode: 0o644,
                uid: 0,
                gid: 0,
                size: records.len() as u64,
                capability: None,
            };
            blocks.extend_from_slice(&header.block(b"", PAX_NAME));
            blocks.extend_from_slice(&records);
            blocks.resize(blocks.len() + padding(records.len() as u64), 0);
        }
        let fallback = ascii(&self.name, NAME_BYTES);
        let (prefix, name) = split_name(&self.name).unwrap_or((b"", &fallback));
        blocks.extend_from_slice(&self.block(prefix, name));
        blocks
    }

    fn block(&self, prefix: &[u8], name: &[u8]) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        let id = |id: u32| u64::from(if id > MAX_ID { 0 } else { id });
        let size = if self.size > MAX_SIZE { 0 } else { self.size };
        block[..name.len()].copy_from_slice(name);
        octal(&mut block[100..107], u64::from(self.mode));
        octal(&mut block[108..115], id(self.uid));
        octal(&mut block[116..123], id(self.gid));
        octal(&mut block[124..135], size);
        octal(&mut block[136..147], 0);
        block[156] = self.type_flag.byte();
        let link = ascii(&self.link, LINK_BYTES);
        block[157..157 + link.len()].copy_from_slice(&link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        // The names of user and group, 265 to 328, stay empty: engines take the numbers.
        octal(&mut block[329..336], 0);
        octal(&mut block[337..344], 0);
        block[345..345 + prefix.len()].copy_from_slice(prefix);

        // The sum is taken with its own field full of spaces.
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        octal(&mut block[148..154], sum);
        block[154] = 0;
        block
    }
}

/// Returns how many zeros fill up `size` bytes to whole blocks.
pub(crate) fn padding(size: u64) -> usize {
    (BLOCK_BYTES - (size % BLOCK_BYTES as u64) as usize) % BLOCK_BYTES
}

/// Splits a name into USTAR's prefix and name; nothing if only PAX can hold it.
///
/// A name of at most 100 bytes is not split. A longer one is split at the first slash behind which
/// at most 100 bytes are left, which makes the prefix as short as it can be; the slash at the end
/// of a directory's name is none to split at.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= NAME_BYTES {
        return Some((b"", name));
    }
    let earliest = name.len() - NAME_BYTES - 1;
    let slash = earliest + name[earliest..name.len() - 1].iter().position(|byte| *byte == b'/')?;
    (slash <= PREFIX_BYTES).then(|| (&name[..slash], &name[slash + 1..]))
}

/// Returns what stands in a field whose real value is a PAX record: ASCII, cut off.
fn ascii(bytes: &[u8], limit: usize) -> Vec<u8> {
    let bytes = bytes.iter().take(limit);
    bytes.map(|byte| if byte.is_ascii() { *byte } else { b'_' }).collect()
}

/// Writes a number with leading zeros; the byte behind the field closes it and stays 0.
fn octal(field: &mut [u8], mut number: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 8) as u8;
        number /= 8;
    }
    assert!(number == 0, "numbers that do not fit have a PAX record");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &[u8]) -> Member {
        Member {
            name: name.to_vec(),
            link: Vec::new(),
            type_flag: TypeFlag::File,
            mode: 0o4755,
            uid: 10_001,
            gid: 0,
            size: 5,
            capability: None,
        }
    }

    #[test]
    fn every_field_is_set() {
        let block = file(b"usr/bin/rg").header();
        assert_eq!(block.len(), 512);
        assert_eq!(&block[..11], b"usr/bin/rg\0");
        assert_eq!(&block[100..124], b"0004755\x000023421\x000000000\0");
        assert_eq!(&block[124..148], b"00000000005\x0000000000000\0");
        assert_eq!(&block[148..157], b"011137\0 0");
        assert_eq!(&block[257..265], b"ustar\x0000");
        assert!(block[265..329].iter().all(|byte| *byte == 0));
        assert_eq!(&block[329..345], b"0000000\x000000000\0");
        assert!(block[345..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn names_are_split_at_the_first_slash_that_helps() {
        let parts = |name: &str| {
            let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
            split_name(name.as_bytes()).map(|(prefix, name)| (text(prefix), text(name)))
        };
        let hundred = "n".repeat(100);
        assert_eq!(parts(&hundred), Some((String::new(), hundred.clone())));
        assert_eq!(parts(&format!("a/b/{hundred}")), Some(("a/b".into(), hundred.clone())));
        assert_eq!(parts(&format!("{hundred}/x")), Some((hundred.clone(), "x".into())));
        assert_eq!(parts(&format!("{hundred}/x/y")), Some((hundred.clone(), "x/y".into())));
        assert_eq!(parts(&format!("{hundred}/")), None, "the name would be empty");
        assert_eq!(parts(&format!("{hundred}n")), None);
        let prefix = format!("{}/{}", "p".repeat(77), "q".repeat(77));
        assert_eq!(parts(&format!("{prefix}/{hundred}")), Some((prefix.clone(), hundred.clone())));
        assert_eq!(parts(&format!("{prefix}q/{hundred}")), None);
        assert_eq!(parts("caf\u{e9}"), None);
    }

    #[test]
    fn what_ustar_cannot_hold_has_a_sorted_record() {
        let member = Member { uid: 4_294_967_294, size: 1 << 33, ..file("ä".as_bytes()) };
        let blocks = member.header();
        assert_eq!(blocks.len(), 3 * 512);
        assert_eq!(&blocks[..17], b"PaxHeaders/entry\0");
        assert_eq!(blocks[156], b'x');
        let records = b"11 path=\xc3\xa4\n19 size=8589934592\n18 uid=4294967294\n";
        assert_eq!(&blocks[512..512 + records.len()], records);
        assert!(blocks[512 + records.len()..1024].iter().all(|byte| *byte == 0));
        assert_eq!(&blocks[1024..1027], b"__\0");
        assert_eq!(&blocks[1132..1139], b"0000000");
        assert_eq!(&blocks[1148..1159], b"00000000000");
    }

    #[test]
    fn contents_are_filled_up_to_blocks() {
        assert_eq!([0, 1, 511, 512, 513].map(padding), [0, 511, 1, 0, 511]);
    }
}
