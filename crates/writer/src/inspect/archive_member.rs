//! The header of one member of an archive, as raw bytes.

use tar::{EntryType, Header};

use super::finding::{Finding, Problem};

/// Checks all that one header shows by itself.
pub(super) fn check_header(header: &Header, name: &[u8], findings: &mut Vec<Finding>) {
    let mut found = |problem| findings.push(Finding::new(name, problem));
    let bytes = header.as_bytes();
    // Numbers are octal digits that fill their field but for the closing NUL.
    let normal = |field: &[u8]| match field {
        [digits @ .., 0] => digits.iter().all(|digit| matches!(digit, b'0'..=b'7')),
        _ => false,
    };
    let numbers = [&bytes[100..108], &bytes[108..116], &bytes[116..124], &bytes[124..136]];
    let sum = matches!(&bytes[148..156], [digits @ .., 0, b' ']
        if digits.iter().all(|digit| matches!(digit, b'0'..=b'7')));
    let magic = &bytes[257..265] == b"ustar\x0000";
    let padding = bytes[500..].iter().all(|byte| *byte == 0);
    // A text ends at its first NUL, and zeros fill its field.
    let ends = |field: &[u8]| {
        let text = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        field[text..].iter().all(|byte| *byte == 0)
    };
    let texts = [&bytes[..100], &bytes[157..257], &bytes[345..500]];
    let (kind, link) = (bytes[156], bytes[157]);
    let has_link = (link != 0) == matches!(kind, b'1' | b'2');
    let has_size = header.entry_size().is_ok_and(|size| size > 0);
    let is_whole = kind != 0 && has_link && (!has_size || matches!(kind, b'0' | b'x'));
    let is_normal = numbers.into_iter().all(normal) && texts.into_iter().all(ends);
    if !(is_normal && sum && magic && padding && is_whole) {
        found(Problem::Header);
    }
    if &bytes[136..148] != b"00000000000\0" {
        found(Problem::Time);
    }
    if bytes[265..329].iter().any(|byte| *byte != 0) {
        found(Problem::OwnerName);
    }
    if &bytes[329..345] != b"0000000\x000000000\0" {
        found(Problem::DeviceNumber);
    }
    let mode = header.mode().unwrap_or(u32::MAX);
    let link = header.entry_type() == EntryType::Symlink;
    if mode > 0o7777 || (link && mode != 0o777) {
        found(Problem::Mode);
    }
}

/// What PAX records say about the member behind them.
#[derive(Debug, Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) capability: Option<Vec<u8>>,
}

impl Extended {
    /// Reads records; nothing if they are damaged. `normal` becomes false if they are not sorted,
    /// or one is there that imgc does not write or need not.
    pub(super) fn read(records: &[u8], normal: &mut bool) -> Option<Self> {
        let mut extended = Self::default();
        let mut last = Vec::new();
        let mut rest = records;
        while !rest.is_empty() {
            let (key, value);
            (key, value, rest) = record(rest)?;
            *normal &= last.as_slice() < key;
            last = key.to_vec();
            let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
            let is_long = |limit: usize| value.len() > limit || !value.is_ascii();
            *normal &= match key {
                b"path" => {
                    extended.path = Some(value.to_vec());
                    is_long(100)
                }
                b"linkpath" => {
                    extended.link = Some(value.to_vec());
                    is_long(100)
                }
                b"uid" => {
                    extended.uid = Some(number()?);
                    number()? > 0o7_777_777
                }
                b"gid" => {
                    extended.gid = Some(number()?);
                    number()? > 0o7_777_777
                }
                b"size" => number()? > 0o77_777_777_777,
                b"SCHILY.xattr.security.capability" => {
                    extended.capability = Some(value.to_vec());
                    is_capability(value)
                }
                _ => false,
            };
        }
        Some(extended)
    }
}

/// Splits the first record off, by its length: a value may hold any byte.
pub(super) fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let pair = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    Some((&pair[..equals], &pair[equals + 1..], rest))
}

/// Tells whether a value is `struct vfs_cap_data` of revision 2 that grants something.
fn is_capability(value: &[u8]) -> bool {
    value.len() == 20
        && value[..4] == [value[0] & 1, 0, 0, 2]
        && value[4..].iter().any(|byte| *byte != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_where_they_say_and_not_at_a_line_break() {
        let value = [1, 0, 0, 2, b'\n', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let read = |value: &[u8]| {
            let pair = [b" SCHILY.xattr.security.capability=", value, b"\n"].concat();
            let records = [(pair.len() + 2).to_string().as_bytes(), &pair, b"8 uid=7\n"].concat();
            let mut normal = true;
            Extended::read(&records, &mut normal).map(|extended| (extended.capability, normal))
        };
        assert_eq!(read(&value).map(|(value, _)| value), Some(Some(value.to_vec())));
        // Another revision, and one that grants nothing.
        for wrong in [&[&[1, 0, 0, 3], &value[4..]].concat()[..], &[&value[..4], &[0; 16]].concat()]
        {
            assert_eq!(read(wrong).map(|(_, normal)| normal), Some(false));
        }
        assert_eq!(record(b"9 uid=7\n"), None);
        assert_eq!(record(b"99999999999999999999 a=b\n"), None);
    }
}
