//! The members of a layer that anybody wrote: ustar, GNU and PAX headers alike.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use imgc_planner::recipe::Printable;
use imgc_planner::{BlobDigest, DiffId, Digest};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::layout::{Layout, Section};
use super::observe::{EntryField, ObservedEntry, ObservedLayer};
use super::{MAX_ENTRIES, MAX_LAYER_BYTES, MAX_PAX_BYTES, MAX_RATIO};
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
fn open<'a>(mut blob: impl BufRead + 'a) -> io::Result<(Box<dyn Read + 'a>, &'static str)> {
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
    let walk = |blob: &mut Meter<Section>, entries: &mut Vec<ObservedEntry>| {
        let (decoded, compression) = open(BufReader::new(&mut *blob))?;
        let mut archive = Meter { inner: decoded, hash: Sha256::new(), size: 0, limit };
        walk(&mut archive, &mut |member| {
            entries.push(observe(member)?);
            if entries.len() > MAX_ENTRIES {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            Ok(())
        })?;
        io::copy(&mut archive, &mut io::sink())?;
        Ok((DiffId::new(archive.hash.finalize().into()), compression))
    };
    let (diff_id, compression) = walk(&mut blob, &mut entries).map_err(&failed)?;
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
    walk(&mut archive, &mut |member| {
        let is_file = member.header.entry_type().is_file();
        if is_file && member.header.size().is_ok_and(|size| size <= limit) {
            let mut bytes = Vec::new();
            member.content.read_to_end(&mut bytes)?;
            let digest = Digest::of(&bytes);
            if wanted.contains(&digest) {
                found.insert(digest, bytes);
            }
        }
        Ok(())
    })
    .map_err(&failed)
}

/// A member with what the headers before it say.
struct Member<'a> {
    header: &'a Header,
    name: Vec<u8>,
    link: Vec<u8>,
    pax: &'a BTreeMap<String, Vec<u8>>,
    content: &'a mut dyn Read,
}

fn walk(
    archive: &mut dyn Read,
    take: &mut dyn FnMut(&mut Member<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let (mut pax, mut long_name, mut long_link) = (BTreeMap::new(), None, None);
    for member in tar::Archive::new(archive).entries()?.raw(true) {
        let mut member = member?;
        let header = member.header().clone();
        let kind = header.entry_type();
        let is_extension = kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions()
            || kind.is_gnu_longname()
            || kind.is_gnu_longlink();
        if is_extension {
            if member.size() > MAX_PAX_BYTES {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes)?;
            if kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
                for record in tar::PaxExtensions::new(&bytes) {
                    let record = record?;
                    let key = Printable::new(record.key_bytes()).to_string();
                    pax.insert(key, record.value_bytes().to_vec());
                }
            } else {
                let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
                *(if kind.is_gnu_longname() { &mut long_name } else { &mut long_link }) =
                    Some(text);
            }
            continue;
        }
        let name = pax.remove("path").or(long_name.take());
        let link = pax.remove("linkpath").or(long_link.take());
        take(&mut Member {
            name: name.unwrap_or_else(|| member.path_bytes().into_owned()),
            link: link.or_else(|| Some(member.link_name_bytes()?.into_owned())).unwrap_or_default(),
            header: &header,
            pax: &pax,
            content: &mut member,
        })?;
        pax.clear();
    }
    Ok(())
}

fn observe(member: &mut Member<'_>) -> io::Result<ObservedEntry> {
    let header = member.header;
    let mut fields = BTreeMap::new();
    let text = |bytes: &[u8]| Printable::new(bytes).to_string();
    let mut pax = member.pax.clone();
    let mut number = |key: &str, plain: io::Result<u64>| match pax.remove(key) {
        Some(value) => Ok(text(&value)),
        None => plain.map(|number| number.to_string()),
    };
    let kind = header.entry_type();
    fields.insert(EntryField::Uid, number("uid", header.uid())?);
    fields.insert(EntryField::Gid, number("gid", header.gid())?);
    fields.insert(EntryField::Mtime, number("mtime", header.mtime())?);
    pax.remove("size");
    let mode = header.mode()?;
    fields.insert(EntryField::Mode, format!("{:04o}", mode & 0o7777));
    if mode & !0o7777 != 0 {
        fields.insert(EntryField::TypeBits, format!("{:o}", mode & !0o7777));
    }
    let flag = format!("type {}", Printable::new(&[kind.as_byte()]));
    let name = match kind {
        EntryType::Regular | EntryType::Continuous => "file",
        EntryType::Directory => "directory",
        EntryType::Symlink => "link",
        EntryType::Link => "hard link",
        EntryType::Char => "character device",
        EntryType::Block => "block device",
        EntryType::Fifo => "fifo",
        _ => &flag,
    };
    fields.insert(EntryField::Type, name.to_owned());
    let mut is_elf = false;
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let mut start = Vec::new();
            let mut meter =
                Meter { inner: &mut member.content, hash: Sha256::new(), size: 0, limit: u64::MAX };
            meter.by_ref().take(4).read_to_end(&mut start)?;
            is_elf = start == b"\x7fELF";
            io::copy(&mut meter, &mut io::sink())?;
            fields.insert(EntryField::Size, meter.size.to_string());
            let digest = Digest::new(meter.hash.finalize().into());
            fields.insert(EntryField::Digest, digest.to_string());
        }
        EntryType::Symlink => {
            fields.insert(EntryField::Target, text(&member.link));
        }
        EntryType::Link => {
            fields.insert(EntryField::Target, text(&normal(&member.link)));
        }
        EntryType::Char | EntryType::Block => {
            let (major, minor) = (header.device_major()?, header.device_minor()?);
            let device = format!("{}:{}", major.unwrap_or(0), minor.unwrap_or(0));
            fields.insert(EntryField::Device, device);
        }
        _ => {}
    }
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
    let format = match (header.as_ustar(), header.as_gnu()) {
        (Some(_), _) => "ustar",
        (_, Some(_)) => "gnu",
        (None, None) => "v7",
    };
    fields.insert(EntryField::Format, format.to_owned());
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
