//! The members of an archive that anybody wrote: v7, ustar, GNU and PAX headers alike, and files
//! whose holes were left out.
//!
//! It reads as engines do, whose reader is Go's `archive/tar`: links and directories have no
//! content, a global PAX header changes nothing behind it, and what follows a single zero block is
//! damage. Start reading at [`walk`].

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::MAX_PAX_BYTES;
use super::archive_member::record;
use super::holes::{self, Expanded};

/// Size of a header and of the units in which contents are stored, in bytes (POSIX.1-2017, pax,
/// "ustar Interchange Format").
pub(super) const BLOCK_BYTES: usize = 512;

/// PAX records, in their order.
pub(super) type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// A member with what all headers before its content say.
pub(super) struct Member<'a> {
    /// Its own header.
    pub(super) header: &'a Header,
    /// Its name as the archive has it.
    pub(super) name: Vec<u8>,
    /// The target of a link.
    pub(super) link: Vec<u8>,
    /// The PAX records that are about it; those of a global header if it is one.
    pub(super) records: &'a Records,
    /// The kinds of its headers: `ustar`, `gnu`, `v7`, and what was added.
    pub(super) format: String,
    /// The SHA-256 of all its headers as they stand there.
    pub(super) headers: [u8; 32],
    /// Its content, with zeros for the holes.
    pub(super) content: &'a mut dyn Read,
}

/// What stands before the header of a member.
#[derive(Default)]
struct Extensions {
    records: Records,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    hash: Sha256,
}

/// Calls `take` with each member. Stops at the two zero blocks, or where the archive does.
///
/// `limit` is the largest content that is made of a file with holes, in bytes.
///
/// # Errors
/// When a header is damaged, the archive is cut off, or something is above a limit, which has the
/// kind [`io::ErrorKind::QuotaExceeded`].
pub(super) fn walk(
    archive: &mut dyn Read,
    limit: u64,
    take: &mut dyn FnMut(&mut Member<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut before = Extensions::default();
    while let Some(header) = next_header(archive)? {
        before.hash.update(header.as_bytes());
        let kind = header.entry_type();
        let size = content_size(&header, &before.records)?;
        let padding = size.next_multiple_of(BLOCK_BYTES as u64) - size;
        let is_extension =
            kind.is_pax_local_extensions() || kind.is_gnu_longname() || kind.is_gnu_longlink();
        if is_extension || kind.is_pax_global_extensions() {
            let bytes = small(archive, size)?;
            skip(archive, padding)?;
            if kind.is_pax_global_extensions() {
                let records = parse_records(&bytes)?;
                take(&mut Member {
                    name: header.path_bytes().into_owned(),
                    link: Vec::new(),
                    header: &header,
                    records: &records,
                    format: "pax".into(),
                    headers: Sha256::digest(header.as_bytes()).into(),
                    content: &mut io::empty(),
                })?;
                continue;
            }
            before.hash.update(&bytes);
            let text = || bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
            match kind {
                _ if kind.is_gnu_longname() => before.name = Some(text()),
                _ if kind.is_gnu_longlink() => before.link = Some(text()),
                _ => before.records.extend(parse_records(&bytes)?),
            }
            continue;
        }
        member(archive, &header, size, limit, before, take)?;
        skip(archive, padding)?;
        before = Extensions::default();
    }
    Ok(())
}

/// Reads the content of one member to its end.
fn member(
    archive: &mut dyn Read,
    header: &Header,
    size: u64,
    limit: u64,
    mut before: Extensions,
    take: &mut dyn FnMut(&mut Member<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let in_header = holes::of_header(header, archive, &mut before.hash)?;
    let mut stored = archive.take(size);
    let map = match in_header {
        Some(map) => Some(map),
        None => holes::of_records(&before.records, &mut stored, &mut before.hash)?,
    };
    let find = |key: &[u8]| {
        let known = before.records.iter().rev().find(|(known, _)| known == key);
        known.map(|(_, value)| value.clone())
    };
    let base = match (header.as_ustar(), header.as_gnu()) {
        (Some(_), _) => "ustar",
        (_, Some(_)) => "gnu",
        (None, None) => "v7",
    };
    let more = [(!before.records.is_empty(), " pax"), (map.is_some(), " with holes")];
    let more = more.iter().filter(|(is, _)| *is).map(|(_, word)| *word);
    let name = find(b"GNU.sparse.name").or_else(|| find(b"path")).or(before.name.take());
    let link = find(b"linkpath").or(before.link.take());
    let own_link = || header.link_name_bytes().map(std::borrow::Cow::into_owned);
    let mut expanded;
    let content: &mut dyn Read = match map {
        Some(map) => {
            if map.size > limit {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            expanded = Expanded::new(&mut stored, map);
            &mut expanded
        }
        None => &mut stored,
    };
    take(&mut Member {
        name: name.unwrap_or_else(|| header.path_bytes().into_owned()),
        link: link.or_else(own_link).unwrap_or_default(),
        header,
        records: &before.records,
        format: std::iter::once(base).chain(more).collect(),
        headers: before.hash.finalize().into(),
        content,
    })?;
    let mut rest = Vec::new();
    // What nobody wanted is passed over, in pieces.
    while stored.by_ref().take(64 << 10).read_to_end(&mut rest)? > 0 {
        rest.clear();
    }
    if stored.limit() > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Returns the next header; nothing at the end.
fn next_header(archive: &mut dyn Read) -> io::Result<Option<Header>> {
    let Some(block) = next_block(archive)? else { return Ok(None) };
    if block.iter().all(|byte| *byte == 0) {
        return match next_block(archive)? {
            Some(second) if second.iter().any(|byte| *byte != 0) => {
                Err(io::ErrorKind::InvalidData.into())
            }
            _ => Ok(None),
        };
    }
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(&block);
    // The sum takes its own field for spaces; old programs added up signed bytes.
    let summed = block[..148].iter().chain(&[b' '; 8]).chain(&block[156..]);
    let unsigned: i64 = summed.clone().map(|byte| i64::from(*byte)).sum();
    let signed: i64 = summed.map(|byte| i64::from(byte.cast_signed())).sum();
    let stated = i64::from(header.cksum()?);
    if stated != unsigned && stated != signed {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(header))
}

fn next_block(archive: &mut dyn Read) -> io::Result<Option<[u8; BLOCK_BYTES]>> {
    let mut bytes = Vec::with_capacity(BLOCK_BYTES);
    archive.take(BLOCK_BYTES as u64).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let block = bytes.try_into().map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    Ok(Some(block))
}

/// Returns the size of what is stored behind a header.
fn content_size(header: &Header, records: &Records) -> io::Result<u64> {
    let kind = header.entry_type();
    let has_none = matches!(
        kind,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo
    );
    if has_none {
        return Ok(0);
    }
    let stated = records.iter().rev().find(|(key, _)| key == b"size");
    let size = match stated {
        Some((_, value)) => holes::number(value)?,
        None => header.entry_size()?,
    };
    // No archive is that large; it could not be rounded up to blocks.
    if size > u64::MAX / 2 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(size)
}

/// Reads the content of an extension.
fn small(archive: &mut dyn Read, size: u64) -> io::Result<Vec<u8>> {
    if size > MAX_PAX_BYTES {
        return Err(io::ErrorKind::QuotaExceeded.into());
    }
    let mut bytes = Vec::new();
    let read = archive.take(size).read_to_end(&mut bytes)?;
    if (read as u64) < size { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

fn skip(archive: &mut dyn Read, padding: u64) -> io::Result<()> {
    small(archive, padding).map(drop)
}

fn parse_records(bytes: &[u8]) -> io::Result<Records> {
    let mut records = Records::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (key, value);
        (key, value, rest) = record(rest).ok_or(io::ErrorKind::InvalidData)?;
        records.push((key.to_vec(), value.to_vec()));
    }
    Ok(records)
}
