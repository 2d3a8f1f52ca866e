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
}

impl Extended {
    /// Reads records; nothing if they are damaged. `normal` becomes false if they are not sorted,
    /// or one is there that imgc does not write or need not.
    pub(super) fn read(records: &[u8], normal: &mut bool) -> Option<Self> {
        let mut extended = Self::default();
        let mut last = Vec::new();
        for record in tar::PaxExtensions::new(records) {
            let record = record.ok()?;
            let (key, value) = (record.key_bytes(), record.value_bytes());
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
                _ => false,
            };
        }
        Some(extended)
    }
}
