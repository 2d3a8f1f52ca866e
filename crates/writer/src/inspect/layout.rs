//! The files of an OCI directory or archive, by their names. This is where the writer crate opens
//! what its caller names; nothing is opened by a name that an image contains.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use imgc_planner::BlobDigest;
use imgc_planner::recipe::Printable;
use rustix::fs::{Dir, FileType, Mode, OFlags};

use super::archive_member;
use super::finding::{Finding, Problem};
use super::padding::Padding;
use super::{MAX_DOCUMENT_BYTES, MAX_ENTRIES, MAX_LAYER_BYTES, observe_layer};
use crate::error::WriteError;

/// The files of a layout.
pub(super) struct Layout {
    path: PathBuf,
    files: BTreeMap<Vec<u8>, Stored>,
    /// Whether this is an archive, which has Docker's `manifest.json`.
    pub(super) is_archive: bool,
}

/// Where a file of the layout is.
enum Stored {
    /// In a directory; opened when it is read, since there may be more than can be open.
    File { directory: Arc<OwnedFd>, name: OsString },
    /// In an archive.
    Part(Section),
}

impl Stored {
    fn open(&self) -> io::Result<Section> {
        match self {
            Self::File { directory, name } => {
                let file = File::from(open(directory.as_ref(), name, false)?);
                let status = file.metadata()?;
                if !status.is_file() {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                Ok(Section { file: Arc::new(file), offset: 0, size: status.len() })
            }
            Self::Part(section) => Ok(section.clone()),
        }
    }
}

/// A part of an open file.
#[derive(Clone)]
pub(super) struct Section {
    file: Arc<File>,
    offset: u64,
    pub(super) size: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(usize::try_from(self.size).unwrap_or(usize::MAX));
        let count = self.file.read_at(&mut buffer[..length], self.offset)?;
        self.offset += count as u64;
        self.size -= count as u64;
        Ok(count)
    }
}

impl Layout {
    pub(super) fn open(path: &Path, findings: &mut Vec<Finding>) -> Result<Self, WriteError> {
        let status = std::fs::metadata(path).map_err(WriteError::io("look at", path))?;
        let (files, is_archive) = if status.is_dir() {
            let root = open(rustix::fs::CWD, path.as_os_str(), true)
                .map_err(|error| WriteError::io("open", path)(error.into()))?;
            let mut files = BTreeMap::new();
            list(&Arc::new(root), b"", &mut files, findings)
                .map_err(WriteError::io("list", path))?;
            (files, false)
        } else if status.is_file() {
            let file = File::open(path).map_err(WriteError::io("open", path))?;
            let file = if is_compressed(&file).map_err(WriteError::io("read", path))? {
                findings.push(Finding::new("archive", Problem::Compressed));
                decompress(path, file)?
            } else {
                file
            };
            (members(path, file, findings)?, true)
        } else {
            return Err(unreadable(path, "it is neither a directory nor a file"));
        };
        Ok(Self { path: path.to_owned(), files, is_archive })
    }

    /// Returns a small file whole.
    pub(super) fn document(&self, name: &str) -> Result<Vec<u8>, WriteError> {
        let Some(stored) = self.files.get(name.as_bytes()) else {
            return Err(self.unreadable(&format!("it has no `{}`", Printable::new(name))));
        };
        let mut section = stored.open().map_err(WriteError::io("open a file of", &self.path))?;
        if section.size > MAX_DOCUMENT_BYTES {
            return Err(self.too_large(name, MAX_DOCUMENT_BYTES));
        }
        let mut bytes = Vec::new();
        let read = section.read_to_end(&mut bytes);
        read.map_err(WriteError::io("read", &self.path))?;
        Ok(bytes)
    }

    /// Tells whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name.as_bytes())
    }

    /// Returns any file, if it is there.
    pub(super) fn file(&self, name: &str) -> Result<Option<Section>, WriteError> {
        let section = self.files.get(name.as_bytes()).map(Stored::open).transpose();
        section.map_err(WriteError::io("open a file of", &self.path))
    }

    /// Returns a blob, if it is there.
    pub(super) fn blob(&self, digest: &BlobDigest) -> Result<Option<Section>, WriteError> {
        let stored = self.files.get(blob_name(digest).as_bytes());
        let section = stored.map(Stored::open).transpose();
        section.map_err(WriteError::io("open a blob of", &self.path))
    }

    /// Finds the files that are neither of `blobs` nor of the layout itself.
    pub(super) fn find_strays(&self, blobs: &BTreeSet<BlobDigest>, findings: &mut Vec<Finding>) {
        let mut expected: BTreeSet<_> =
            blobs.iter().map(|digest| blob_name(digest).into_bytes()).collect();
        expected.extend([b"index.json".to_vec(), b"oci-layout".to_vec()]);
        if self.is_archive {
            expected.insert(b"manifest.json".to_vec());
        }
        let strays = self.files.keys().filter(|name| !expected.contains(*name));
        findings.extend(strays.map(|name| Finding::new(name, Problem::Stray)));
    }

    pub(super) fn unreadable(&self, problem: &str) -> WriteError {
        unreadable(&self.path, problem)
    }

    pub(super) fn too_large(&self, what: &str, limit: u64) -> WriteError {
        let what = Printable::new(what).to_string();
        WriteError::TooLarge { path: self.path.clone(), what, limit }
    }
}

pub(super) fn blob_name(digest: &BlobDigest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn unreadable(path: &Path, problem: &str) -> WriteError {
    WriteError::UnreadableImage { path: path.to_owned(), problem: problem.to_owned() }
}

fn open(at: impl std::os::fd::AsFd, name: &OsStr, directory: bool) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let more = if directory { OFlags::DIRECTORY } else { OFlags::NOFOLLOW };
    rustix::io::retry_on_intr(|| rustix::fs::openat(&at, name, flags | more, Mode::empty()))
}

/// Tells by its first 512 bytes whether a file is a tar archive, compressed or not. Those of before
/// 1988 have no mark.
#[must_use]
pub fn is_archive(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar") || COMPRESSED.iter().any(|mark| start.starts_with(mark))
}

/// The first bytes of gzip (RFC 1952, section 2.3.1) and zstd (RFC 8878, section 3.1.1).
const COMPRESSED: [&[u8]; 2] = [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"];

fn is_compressed(file: &File) -> io::Result<bool> {
    let mut start = [0; 4];
    let count = file.read_at(&mut start, 0)?;
    Ok(COMPRESSED.iter().any(|mark| start[..count].starts_with(mark)))
}

/// Returns an archive as it was before it was compressed, in memory.
fn decompress(path: &Path, file: File) -> Result<File, WriteError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::QuotaExceeded => {
            let (what, limit) = ("what is compressed".to_owned(), MAX_LAYER_BYTES);
            WriteError::TooLarge { path: path.to_owned(), what, limit }
        }
        _ => unreadable(path, "it is compressed, and damaged"),
    };
    let whole = || {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let mut memory = File::from(rustix::fs::memfd_create("archive", flags)?);
        let (decoded, _) = observe_layer::open(io::BufReader::new(file))?;
        let size = io::copy(&mut decoded.take(MAX_LAYER_BYTES + 1), &mut memory)?;
        if size > MAX_LAYER_BYTES {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        Ok(memory)
    };
    whole().map_err(failed)
}

/// Lists `blobs/sha256` and the files above it; anything else is a stray and not looked into.
fn list(
    directory: &Arc<OwnedFd>,
    above: &[u8],
    files: &mut BTreeMap<Vec<u8>, Stored>,
    findings: &mut Vec<Finding>,
) -> io::Result<()> {
    for entry in Dir::read_from(directory.as_ref())? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        let path = [above, name].concat();
        let name = OsStr::from_bytes(name);
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        let status = rustix::fs::statat(directory.as_ref(), name, flags)?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => {
                let (directory, name) = (Arc::clone(directory), name.to_owned());
                files.insert(path, Stored::File { directory, name });
            }
            FileType::Directory if path == b"blobs" || path == b"blobs/sha256" => {
                let below = open(directory.as_ref(), name, true)?;
                list(&Arc::new(below), &[&path[..], b"/"].concat(), files, findings)?;
            }
            _ => findings.push(Finding::new(&path, Problem::Stray)),
        }
    }
    Ok(())
}

/// Lists an archive's members and checks their headers.
fn members(
    path: &Path,
    file: File,
    findings: &mut Vec<Finding>,
) -> Result<BTreeMap<Vec<u8>, Stored>, WriteError> {
    let file = Arc::new(file);
    let damaged = |_: io::Error| unreadable(path, "it is no tar archive, or a damaged one");
    let size = file.metadata().map_err(WriteError::io("look at", path))?.len();
    let whole = Section { file: Arc::clone(&file), offset: 0, size };
    let mut archive = tar::Archive::new(Padding::new(whole));
    let (mut files, mut last) = (BTreeMap::new(), Vec::new());
    let mut end = 0;
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let entry = entry.map_err(damaged)?;
        let name = entry.path_bytes().into_owned();
        archive_member::check_header(entry.header(), &name, findings);
        let bare = name.strip_suffix(b"/").unwrap_or(&name);
        if bare <= &last[..] && !last.is_empty() {
            let problem = if bare == &last[..] { Problem::Duplicate } else { Problem::Unsorted };
            findings.push(Finding::new(&name, problem));
        }
        last = bare.to_vec();
        if files.len() >= MAX_ENTRIES {
            let (what, limit) = ("the number of members".to_owned(), MAX_ENTRIES as u64);
            return Err(WriteError::TooLarge { path: path.to_owned(), what, limit });
        }
        let (offset, size) = (entry.raw_file_position(), entry.size());
        end = offset.saturating_add(size).next_multiple_of(512);
        if entry.header().entry_type().is_file() {
            let section = Section { file: Arc::clone(&file), offset, size };
            files.insert(name, Stored::Part(section));
        } else if !matches!(&name[..], b"blobs/" | b"blobs/sha256/") {
            findings.push(Finding::new(&name, Problem::Stray));
        }
    }
    if !archive.into_inner().is_clean() {
        findings.push(Finding::new("archive", Problem::Padding));
    }
    let mut rest = Vec::new();
    let mut section = Section { file, offset: end, size: size.saturating_sub(end).min(1025) };
    section.read_to_end(&mut rest).map_err(WriteError::io("read", path))?;
    if rest.len() != 1024 || rest.iter().any(|byte| *byte != 0) {
        findings.push(Finding::new("archive", Problem::Trailer));
    }
    Ok(files)
}
