//! A layer that anybody wrote: how it is compressed, and all that its members say.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use imgc_planner::recipe::Printable;
use imgc_planner::{BlobDigest, DiffId, Digest};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::layout::{Layout, Section};
use super::members::{Member, walk};
use super::observe::{EntryField, ObservedEntry, ObservedLayer};
use super::{MAX_ENTRIES, MAX_LAYER_BYTES, MAX_RATIO};
use crate::error::WriteError;

/// Hashes what passes, and stops at a limit.
struct Meter<R> {
    inner: R,
    hash: Sha256,
    size: u64,
    limit: u64,
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.size += count as u64;
        if self.size > self.limit {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        Ok(count)
    }
}

/// Opens what is in a blob; says how it was compressed.
pub(super) fn open<'a>(
    mut blob: impl BufRead + 'a,
) -> io::Result<(Box<dyn Read + 'a>, &'static str)> {
    let start = blob.fill_buf()?;
    Ok(match start {
        [0x1f, 0x8b, ..] => (Box::new(flate2::bufread::MultiGzDecoder::new(blob)), "gzip"),
        // A frame, or a skippable one before it (RFC 8878, sections 3.1.1 and 3.1.2).
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            (Box::new(zstd::stream::read::Decoder::with_buffer(blob)?), "zstd")
        }
        _ => (Box::new(blob), "none"),
    })
}

fn section(layout: &Layout, name: &str) -> Result<Section, WriteError> {
    layout.file(name)?.ok_or_else(|| layout.unreadable("a layer of it is not there"))
}

/// What goes wrong with the archive itself, as an error about the image.
fn damaged(layout: &Layout, name: &str, limit: u64) -> impl Fn(io::Error) -> WriteError {
    let too_large = layout.too_large(name, limit);
    let broken = layout.unreadable(&format!("`{}` is damaged", Printable::new(name)));
    let errors = std::cell::RefCell::new((Some(too_large), Some(broken)));
    move |error| {
        let (too_large, broken) = &mut *errors.borrow_mut();
        let error = if error.kind() == io::ErrorKind::QuotaExceeded { too_large } else { broken };
        error.take().expect("an archive breaks once")
    }
}

/// Reads a layer to its end.
pub(super) fn read(layout: &Layout, name: &str) -> Result<ObservedLayer, WriteError> {
    let section = section(layout, name)?;
    let size = section.size;
    let limit = MAX_LAYER_BYTES.max(size.saturating_mul(MAX_RATIO));
    let failed = damaged(layout, name, limit);
    let mut blob = Meter { inner: section, hash: Sha256::new(), size: 0, limit: u64::MAX };
    let mut entries = Vec::new();
    let read = |blob: &mut Meter<Section>, entries: &mut Vec<ObservedEntry>| {
        let (decoded, compression) = open(BufReader::new(&mut *blob))?;
        let mut archive = Meter { inner: decoded, hash: Sha256::new(), size: 0, limit };
        walk(&mut archive, limit, &mut |member| {
            entries.push(observe(member)?);
            if entries.len() > MAX_ENTRIES {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            Ok(())
        })?;
        io::copy(&mut archive, &mut io::sink())?;
        Ok((DiffId::new(archive.hash.finalize().into()), compression))
    };
    let (diff_id, compression) = read(&mut blob, &mut entries).map_err(&failed)?;
    // The decoder may have stopped before the blob's end.
    io::copy(&mut blob, &mut io::sink()).map_err(&failed)?;
    let blob = BlobDigest::new(blob.hash.finalize().into());
    Ok(ObservedLayer { blob, size, compression, diff_id, entries })
}

/// Adds the contents that are wanted to `found`.
pub(super) fn contents(
    layout: &Layout,
    name: &str,
    wanted: &BTreeSet<Digest>,
    limit: u64,
    found: &mut BTreeMap<Digest, Vec<u8>>,
) -> Result<(), WriteError> {
    let section = section(layout, name)?;
    let most = MAX_LAYER_BYTES.max(section.size.saturating_mul(MAX_RATIO));
    let failed = damaged(layout, name, most);
    let (decoded, _) = open(BufReader::new(section)).map_err(&failed)?;
    let mut archive = Meter { inner: decoded, hash: Sha256::new(), size: 0, limit: most };
    walk(&mut archive, most, &mut |member| {
        let mut bytes = Vec::new();
        member.content.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= limit {
            let digest = Digest::of(&bytes);
            if wanted.contains(&digest) {
                found.insert(digest, bytes);
            }
        }
        Ok(())
    })
    .map_err(&failed)
}

fn observe(member: &mut Member<'_>) -> io::Result<ObservedEntry> {
    let header = member.header;
    let mut fields = BTreeMap::new();
    let text = |bytes: &[u8]| Printable::new(bytes).to_string();
    let mut pax: BTreeMap<String, Vec<u8>> =
        member.records.iter().map(|(key, value)| (text(key), value.clone())).collect();
    let kind = kind_of(member);
    let flag = format!("type {}", text(&[kind.as_byte()]));
    let name = match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => "file",
        EntryType::Directory => "directory",
        EntryType::Symlink => "link",
        EntryType::Link => "hard link",
        EntryType::Char => "character device",
        EntryType::Block => "block device",
        EntryType::Fifo => "fifo",
        EntryType::XGlobalHeader => "global header",
        _ => &flag,
    };
    fields.insert(EntryField::Type, name.to_owned());
    fields.insert(EntryField::Format, member.format.clone());
    fields.insert(EntryField::Headers, Digest::new(member.headers).to_string());
    let mut is_elf = false;
    if kind != EntryType::XGlobalHeader {
        let mut number = |key: &str, plain: io::Result<u64>| match pax.remove(key) {
            Some(value) => Ok(text(&value)),
            None => plain.map(|number| number.to_string()),
        };
        fields.insert(EntryField::Uid, number("uid", header.uid())?);
        fields.insert(EntryField::Gid, number("gid", header.gid())?);
        fields.insert(EntryField::Mtime, number("mtime", header.mtime())?);
        let mode = header.mode()?;
        fields.insert(EntryField::Mode, format!("{:04o}", mode & 0o7777));
        if mode & !0o7777 != 0 {
            fields.insert(EntryField::TypeBits, format!("{:o}", mode & !0o7777));
        }
        is_elf = content(member, kind, &mut fields)?;
    }
    // What other fields say already.
    for key in ["path", "linkpath", "size"] {
        pax.remove(key);
    }
    pax.retain(|key, _| !key.starts_with("GNU.sparse."));
    names(header, &mut pax, &mut fields);
    for (key, value) in pax {
        let field = match key.strip_prefix("SCHILY.xattr.") {
            Some(name) => EntryField::Xattr(name.to_owned()),
            None => EntryField::Pax(key),
        };
        fields.insert(field, text(&value));
    }
    let path = normal(&member.name);
    let usual = [&path[1..], if kind.is_dir() && path.len() > 1 { b"/" } else { b"" }].concat();
    if member.name != usual {
        fields.insert(EntryField::Name, text(&member.name));
    }
    Ok(ObservedEntry { path: path.into(), is_elf, fields })
}

/// Returns what a member is. In the oldest archives a directory is a file with `/` at its end.
fn kind_of(member: &Member<'_>) -> EntryType {
    let kind = member.header.entry_type();
    let is_old = kind.is_file() && member.header.as_bytes()[156] == 0;
    if is_old && member.name.ends_with(b"/") { EntryType::Directory } else { kind }
}

/// Adds what a member holds or points at, and what it says about it without meaning it. Tells
/// whether it starts as ELF files do.
fn content(
    member: &mut Member<'_>,
    kind: EntryType,
    fields: &mut BTreeMap<EntryField, String>,
) -> io::Result<bool> {
    let text = |bytes: &[u8]| Printable::new(bytes).to_string();
    let header = member.header;
    let is_file = kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse();
    let mut is_elf = false;
    if is_file {
        let mut start = Vec::new();
        let mut meter =
            Meter { inner: &mut member.content, hash: Sha256::new(), size: 0, limit: u64::MAX };
        meter.by_ref().take(4).read_to_end(&mut start)?;
        is_elf = start == b"\x7fELF";
        io::copy(&mut meter, &mut io::sink())?;
        fields.insert(EntryField::Size, meter.size.to_string());
        let digest = Digest::new(meter.hash.finalize().into());
        fields.insert(EntryField::Digest, digest.to_string());
    } else if let Some(size) = header.entry_size().ok().filter(|size| *size > 0) {
        fields.insert(EntryField::UnusedSize, size.to_string());
    }
    match kind {
        EntryType::Symlink => {
            fields.insert(EntryField::Target, text(&member.link));
        }
        EntryType::Link => {
            fields.insert(EntryField::Target, text(&normal(&member.link)));
        }
        _ if !member.link.is_empty() => {
            fields.insert(EntryField::UnusedTarget, text(&member.link));
        }
        _ => {}
    }
    let is_device = matches!(kind, EntryType::Char | EntryType::Block);
    // Fields that nobody has filled may hold anything that is no number.
    let numbers = (header.device_major().ok().flatten(), header.device_minor().ok().flatten());
    let numbers = (numbers.0.unwrap_or(0), numbers.1.unwrap_or(0));
    if is_device || numbers != (0, 0) {
        let field = if is_device { EntryField::Device } else { EntryField::UnusedDevice };
        fields.insert(field, format!("{}:{}", numbers.0, numbers.1));
    }
    Ok(is_elf)
}

/// Adds the names of owners, and the times that only some archives have.
fn names(
    header: &Header,
    pax: &mut BTreeMap<String, Vec<u8>>,
    fields: &mut BTreeMap<EntryField, String>,
) {
    let text = |bytes: &[u8]| Printable::new(bytes).to_string();
    for (field, key, name) in [
        (EntryField::UserName, "uname", header.username_bytes()),
        (EntryField::GroupName, "gname", header.groupname_bytes()),
    ] {
        let long = pax.remove(key);
        let name = long.as_deref().or(name).unwrap_or_default();
        if !name.is_empty() {
            fields.insert(field, text(name));
        }
    }
    let gnu = |field: fn(&tar::GnuHeader) -> io::Result<u64>| {
        let time = header.as_gnu().and_then(|gnu| field(gnu).ok()).filter(|time| *time > 0);
        time.map(|time| time.to_string())
    };
    for (field, key, time) in [
        (EntryField::Atime, "atime", gnu(tar::GnuHeader::atime)),
        (EntryField::Ctime, "ctime", gnu(tar::GnuHeader::ctime)),
    ] {
        if let Some(time) = pax.remove(key).map(|time| text(&time)).or(time) {
            fields.insert(field, time);
        }
    }
}

/// Returns a name with one `/` in front, without `.` and repeated slashes.
fn normal(name: &[u8]) -> Vec<u8> {
    let parts = name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let path = parts.fold(Vec::new(), |mut path, part| {
        path.push(b'/');
        path.extend_from_slice(part);
        path
    });
    if path.is_empty() { b"/".to_vec() } else { path }
}
