//! One layer: its compression, its archive, its entries.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use imgc_planner::{BlobDigest, DiffId, Digest};
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use super::archive_member::{self, Extended};
use super::finding::{Finding, Problem};
use super::layout::{Layout, Section, blob_name};
use super::padding::Padding;
use super::{InspectedEntry, InspectedKind, InspectedLayer};
use super::{MAX_ENTRIES, MAX_LAYER_BYTES, MAX_PAX_BYTES, MAX_RATIO};
use crate::error::WriteError;

/// Hashes and counts what passes, up to a limit.
struct Meter<R> {
    inner: R,
    hash: Sha256,
    size: u64,
    limit: u64,
    /// The end of the last byte that is not zero.
    nonzero_end: u64,
}

impl<R> Meter<R> {
    fn new(inner: R, limit: u64) -> Self {
        Self { inner, hash: Sha256::new(), size: 0, limit, nonzero_end: 0 }
    }

    fn digest(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        if let Some(last) = buffer[..count].iter().rposition(|byte| *byte != 0) {
            self.nonzero_end = self.size + last as u64 + 1;
        }
        self.size += count as u64;
        if self.size > self.limit {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        Ok(count)
    }
}

type Blob = BufReader<Meter<Section>>;

enum Decoder {
    Gzip(Box<flate2::bufread::GzDecoder<Blob>>),
    Zstd(zstd::stream::read::Decoder<'static, Blob>),
    None(Blob),
}

impl Decoder {
    fn new(media_type: &str, mut blob: Blob) -> io::Result<(Self, bool)> {
        Ok(if media_type.ends_with("gzip") {
            let header = blob.fill_buf()?.starts_with(b"\x1f\x8b\x08\0\0\0\0\0\0\xff");
            (Self::Gzip(Box::new(flate2::bufread::GzDecoder::new(blob))), header)
        } else if media_type.ends_with("zstd") {
            (Self::Zstd(zstd::stream::read::Decoder::with_buffer(blob)?), true)
        } else {
            (Self::None(blob), true)
        })
    }

    fn into_inner(self) -> Blob {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish(),
            Self::None(blob) => blob,
        }
    }
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::None(blob) => blob.read(buffer),
        }
    }
}

/// Reads a layer to its end.
pub(super) fn read(
    layout: &Layout,
    digest: BlobDigest,
    media_type: &str,
    size: u64,
    findings: &mut Vec<Finding>,
) -> Result<InspectedLayer, WriteError> {
    let name = blob_name(&digest);
    let mut layer = InspectedLayer {
        digest,
        size,
        media_type: media_type.to_owned(),
        diff_id: None,
        archive_size: 0,
        entries: Vec::new(),
    };
    let Some(section) = layout.blob(&digest)? else {
        findings.push(Finding::new(&name, Problem::Missing));
        return Ok(layer);
    };
    if section.size != size {
        findings.push(Finding::new(&name, Problem::Size));
    }
    let limit = MAX_LAYER_BYTES.max(section.size.saturating_mul(MAX_RATIO));
    let blob = BufReader::new(Meter::new(section, u64::MAX));
    let Ok((decoder, header)) = Decoder::new(media_type, blob) else {
        findings.push(Finding::new(&name, Problem::Damaged));
        return Ok(layer);
    };
    if !header {
        findings.push(Finding::new(&name, Problem::GzipHeader));
    }
    let mut meter = Meter::new(decoder, limit);
    let result = read_archive(&mut meter, &name, &mut layer.entries, findings)
        .and_then(|end| io::copy(&mut meter, &mut io::sink()).map(|_| end));
    layer.archive_size = meter.size;
    match result {
        Ok(end) => {
            layer.diff_id = Some(DiffId::new(meter.digest()));
            if meter.nonzero_end > end || meter.size != end + 1024 {
                findings.push(Finding::new(&name, Problem::Trailer));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
            return Err(layout.too_large(&name, limit));
        }
        Err(_) => findings.push(Finding::new(&name, Problem::Damaged)),
    }
    if layer.entries.len() >= MAX_ENTRIES {
        return Err(layout.too_large(&name, MAX_ENTRIES as u64));
    }
    let mut blob = meter.inner.into_inner();
    if layer.diff_id.is_some() && !blob.fill_buf().is_ok_and(<[u8]>::is_empty) {
        findings.push(Finding::new(&name, Problem::Trailing));
    }
    let rest = io::copy(&mut blob, &mut io::sink());
    if rest.is_err() || blob.get_ref().digest() != *digest.as_bytes() {
        findings.push(Finding::new(&name, Problem::Digest));
    }
    check_entries(&layer.entries, findings);
    Ok(layer)
}

/// Reads the members; returns the end of the last one.
fn read_archive(
    reader: &mut impl Read,
    blob: &str,
    entries: &mut Vec<InspectedEntry>,
    findings: &mut Vec<Finding>,
) -> io::Result<u64> {
    let mut padded = Padding::new(reader);
    let mut archive = tar::Archive::new(&mut padded);
    let mut extended = None;
    let mut end = 0;
    for member in archive.entries()?.raw(true) {
        let mut member = member?;
        end = member.raw_file_position().saturating_add(member.size()).next_multiple_of(512);
        if member.header().entry_type() == EntryType::XHeader {
            archive_member::check_header(member.header(), blob.as_bytes(), findings);
            if member.size() > MAX_PAX_BYTES || extended.is_some() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut records = Vec::new();
            member.read_to_end(&mut records)?;
            let mut normal = true;
            extended = Extended::read(&records, &mut normal);
            if !normal || extended.is_none() {
                findings.push(Finding::new(blob, Problem::Pax));
            }
            continue;
        }
        let extended = extended.take().unwrap_or_default();
        let name = extended.path.unwrap_or_else(|| member.path_bytes().into_owned());
        archive_member::check_header(member.header(), &name, findings);
        let is_directory = member.header().entry_type() == EntryType::Directory;
        if is_directory != name.ends_with(b"/") {
            findings.push(Finding::new(&name, Problem::Slash));
        }
        let bare = name.strip_suffix(b"/").unwrap_or(&name);
        let is_normal = |part: &[u8]| {
            !matches!(part, b"" | b"." | b"..") && !part.starts_with(b".wh.") && !part.contains(&0)
        };
        if !bare.split(|byte| *byte == b'/').all(is_normal) {
            findings.push(Finding::new(&name, Problem::Name));
        }
        let link = extended.link.or_else(|| member.link_name_bytes().map(Into::into));
        let link = link.unwrap_or_default().into_boxed_slice();
        let path = [b"/", bare].concat().into_boxed_slice();
        let header = member.header();
        let (mode, uid, gid) = (header.mode()?, header.uid()?, header.gid()?);
        let kind = match header.entry_type() {
            EntryType::Regular => {
                let mut hash = Meter::new(&mut member, u64::MAX);
                let size = io::copy(&mut hash, &mut io::sink())?;
                InspectedKind::File { size, digest: Digest::new(hash.digest()) }
            }
            EntryType::Directory => InspectedKind::Directory,
            EntryType::Symlink => InspectedKind::Symlink(link),
            EntryType::Link => InspectedKind::HardLink(link),
            other => InspectedKind::Other(other.as_byte()),
        };
        let (uid, gid) = (extended.uid.unwrap_or(uid), extended.gid.unwrap_or(gid));
        let capability = extended.capability;
        if capability.is_some() && !matches!(kind, InspectedKind::File { .. }) {
            findings.push(Finding::new(&name, Problem::Pax));
        }
        entries.push(InspectedEntry { path, kind, mode, uid, gid, capability });
        if entries.len() >= MAX_ENTRIES {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    if !padded.is_clean() {
        findings.push(Finding::new(blob, Problem::Padding));
    }
    Ok(end)
}

/// Checks what entries are to each other.
fn check_entries(entries: &[InspectedEntry], findings: &mut Vec<Finding>) {
    let mut earlier: BTreeMap<&[u8], &InspectedKind> = BTreeMap::new();
    let mut last: &[u8] = b"";
    for entry in entries {
        let mut found = |problem| findings.push(Finding::new(&entry.path, problem));
        if earlier.contains_key(&*entry.path) {
            found(Problem::Duplicate);
        } else if *entry.path < *last {
            found(Problem::Unsorted);
        }
        last = &entry.path;
        let slash = entry.path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        match earlier.get(&entry.path[..slash]) {
            Some(InspectedKind::Directory) => {}
            Some(_) => found(Problem::BelowNoDirectory),
            None if slash == 0 => {}
            None => found(Problem::NoParent),
        }
        match &entry.kind {
            InspectedKind::HardLink(target) => {
                let target = [b"/", &target[..]].concat();
                if !matches!(earlier.get(&target[..]), Some(InspectedKind::File { .. })) {
                    found(Problem::HardLink);
                }
            }
            InspectedKind::Symlink(target) if target.is_empty() => found(Problem::Header),
            InspectedKind::Other(_) => found(Problem::Kind),
            InspectedKind::File { .. } | InspectedKind::Directory | InspectedKind::Symlink(_) => {}
        }
        earlier.insert(&entry.path, &entry.kind);
    }
}
