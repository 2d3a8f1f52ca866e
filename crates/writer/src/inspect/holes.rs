//! Files whose holes an archive leaves out: where their parts stand, and how they were.
//!
//! GNU tar has four forms of it (GNU tar manual, "Storing Sparse Files"): a header of type `S`, and
//! the PAX forms 0.0, 0.1 and 1.0.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};
use tar::{EntryType, GnuExtSparseHeader, GnuSparseHeader, Header};

use super::members::{BLOCK_BYTES, Records};

/// Most parts of one file.
const MAX_PARTS: usize = 1 << 16;

/// Where the parts of a file stand.
#[derive(Debug)]
pub(super) struct Map {
    /// Offset and size of each part, in bytes, in their order.
    parts: Vec<(u64, u64)>,
    /// The size of the whole file, in bytes.
    pub(super) size: u64,
}

impl Map {
    /// Takes parts that lie in order inside the file.
    fn new(parts: Vec<(u64, u64)>, size: u64) -> io::Result<Self> {
        let mut end = 0;
        for (offset, length) in &parts {
            let next = offset.checked_add(*length).filter(|next| *offset >= end && *next <= size);
            end = next.ok_or_else(damaged)?;
        }
        Ok(Self { parts, size })
    }
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Reads a decimal number.
pub(super) fn number(digits: &[u8]) -> io::Result<u64> {
    let text = std::str::from_utf8(digits).map_err(|_| damaged())?;
    text.parse().map_err(|_| damaged())
}

/// Reads the map of a header of type `S`, and the blocks behind it that go on with it.
pub(super) fn of_header(
    header: &Header,
    archive: &mut dyn Read,
    hash: &mut Sha256,
) -> io::Result<Option<Map>> {
    let (EntryType::GNUSparse, Some(gnu)) = (header.entry_type(), header.as_gnu()) else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    let mut add = |all: &[GnuSparseHeader]| -> io::Result<()> {
        for part in all.iter().filter(|part| !part.is_empty()) {
            parts.push((part.offset()?, part.length()?));
        }
        if parts.len() > MAX_PARTS {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        Ok(())
    };
    add(&gnu.sparse)?;
    let mut goes_on = gnu.is_extended();
    while goes_on {
        let mut more = GnuExtSparseHeader::new();
        archive.read_exact(more.as_mut_bytes())?;
        hash.update(more.as_bytes());
        add(&more.sparse)?;
        goes_on = more.is_extended();
    }
    Map::new(parts, gnu.real_size()?).map(Some)
}

/// Reads the map that PAX records hold or, in form 1.0, that stands before the content.
pub(super) fn of_records(
    records: &Records,
    stored: &mut dyn Read,
    hash: &mut Sha256,
) -> io::Result<Option<Map>> {
    let find = |key: &str| records.iter().rev().find(|(known, _)| known == key.as_bytes());
    let value = |key: &str| find(key).map(|(_, value)| value.as_slice());
    let size = match value("GNU.sparse.realsize").or(value("GNU.sparse.size")) {
        Some(size) => number(size)?,
        None => return Ok(None),
    };
    let numbers: Vec<u64> = if value("GNU.sparse.major") == Some(b"1") {
        in_front(stored, hash)?
    } else if let Some(map) = value("GNU.sparse.map") {
        let parts = map.split(|byte| *byte == b',').filter(|part| !part.is_empty());
        parts.map(number).collect::<io::Result<_>>()?
    } else {
        let keys: [&[u8]; 2] = [b"GNU.sparse.offset", b"GNU.sparse.numbytes"];
        let parts = records.iter().filter(|(key, _)| keys.contains(&key.as_slice()));
        parts.map(|(_, value)| number(value)).collect::<io::Result<_>>()?
    };
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(damaged());
    }
    Map::new(pairs.iter().map(|[offset, length]| (*offset, *length)).collect(), size).map(Some)
}

/// Reads the map of form 1.0: the number of parts, then their numbers, a line each, in blocks.
fn in_front(stored: &mut dyn Read, hash: &mut Sha256) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    let (mut line, mut count) = (Vec::new(), None);
    loop {
        let mut block = [0; BLOCK_BYTES];
        stored.read_exact(&mut block)?;
        hash.update(block);
        for byte in block {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            let value = number(&line)?;
            line.clear();
            match count {
                None if value > MAX_PARTS as u64 => {
                    return Err(io::ErrorKind::QuotaExceeded.into());
                }
                None => count = Some(value),
                Some(_) => numbers.push(value),
            }
            if count.is_some_and(|count| numbers.len() as u64 == 2 * count) {
                return Ok(numbers);
            }
        }
        // No number has as many digits.
        if line.len() >= BLOCK_BYTES {
            return Err(damaged());
        }
    }
}

/// A file as it was before its holes were left out.
pub(super) struct Expanded<'a> {
    stored: &'a mut dyn Read,
    map: Map,
    next: usize,
    place: u64,
}

impl<'a> Expanded<'a> {
    /// Puts zeros between the parts in `stored`.
    pub(super) fn new(stored: &'a mut dyn Read, map: Map) -> Self {
        Self { stored, map, next: 0, place: 0 }
    }
}

impl Read for Expanded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let parts = &self.map.parts;
        while parts.get(self.next).is_some_and(|(offset, size)| offset + size <= self.place) {
            self.next += 1;
        }
        let (start, end) = match parts.get(self.next) {
            Some((offset, size)) => (*offset, offset + size),
            None => (self.map.size, self.map.size),
        };
        let is_hole = self.place < start;
        let left = if is_hole { start - self.place } else { end - self.place };
        let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if is_hole {
            buffer[..length].fill(0);
        } else if length > 0 {
            self.stored.read_exact(&mut buffer[..length])?;
        }
        self.place += length as u64;
        Ok(length)
    }
}
