//! Files to digests, and digests back to files.
//!
//! A file is read once, however many paths of the image it is at, and must be the same file from
//! beginning to end: what changes while it is read is an error and never a wrong image.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use imgc_planner::Digest;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::host::{Errno, FileId, FileType, Hashed, Host, HostFile, HostPath, Stat};
use crate::loader::Elf;
use crate::secret;

/// How much of a file is in memory at a time, in bytes and for each thread.
const BUFFER_BYTES: u64 = 1024 * 1024;

/// A regular file of a host, as it was when it was found.
#[derive(Clone)]
pub(crate) struct FileRef {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) path: HostPath,
    pub(crate) stat: Stat,
}

/// Which file of which host something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileKey(usize, FileId);

impl FileRef {
    pub(crate) fn key(&self) -> FileKey {
        FileKey(Arc::as_ptr(&self.host).cast::<()>() as usize, self.stat.id)
    }

    /// Opens the file if it is still the one that was found.
    pub(crate) fn open(&self) -> Result<Box<dyn HostFile>, ReadProblem> {
        if self.stat.file_type != FileType::Regular {
            return Err(ReadProblem::Changed);
        }
        let file = self.host.open(&self.path)?;
        if !is_same(&file.opened(), &self.stat) {
            return Err(ReadProblem::Changed);
        }
        Ok(file)
    }

    /// Returns the first bytes of the file, at most `limit`.
    pub(crate) fn read_start(&self, limit: usize) -> Result<Vec<u8>, ReadProblem> {
        let file = self.open()?;
        let mut bytes = vec![0; limit];
        let count = file.read_at(&mut bytes, 0)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Returns the hash of the file's bytes, and whether it is an ELF file: from what the host knows,
    /// else by reading it.
    fn known_or_hash(&self) -> Result<ReadFile, ReadProblem> {
        if let Some(hashed) = self.host.recall(&self.stat) {
            return Ok(ReadFile { hashed, secret: None });
        }
        let read = self.hash()?;
        // A file with a secret is read again each time, so that it is told each time.
        if read.secret.is_none() {
            self.host.learn(&self.stat, read.hashed);
        }
        Ok(read)
    }

    /// Reads the whole file; returns the hash of its bytes, and whether it is an ELF file.
    fn hash(&self) -> Result<ReadFile, ReadProblem> {
        let file = self.open()?;
        let size = self.stat.size;
        let capacity = usize::try_from(size.saturating_add(1).min(BUFFER_BYTES)).unwrap_or(1);
        let mut buffer = vec![0; capacity];
        let mut hasher = Sha256::new();
        let mut offset = 0;
        let mut is_elf = false;
        let mut secret = None;
        loop {
            let count = file.read_at(&mut buffer, offset)?;
            if offset == 0 {
                is_elf = Elf::is_elf(&buffer[..count]);
                // Who reads keys has such texts in its constants.
                secret = if is_elf { None } else { secret::find(&buffer[..count]) };
            }
            hasher.update(&buffer[..count]);
            offset += count as u64;
            // More than was promised, as `/proc` gives it, ends here and not at the end of memory.
            if count < buffer.len() || offset > size {
                break;
            }
        }
        if offset != size || !is_same(&file.stat()?, &self.stat) {
            return Err(ReadProblem::Changed);
        }
        let hashed = Hashed { digest: Digest::new(hasher.finalize().into()), is_elf };
        Ok(ReadFile { hashed, secret })
    }
}

/// What the first reading of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadFile {
    pub(crate) hashed: Hashed,
    /// The secret in its beginning, if there is one.
    pub(crate) secret: Option<&'static str>,
}

/// Tells whether a file is still the one that was seen.
pub(crate) fn is_same(now: &Stat, then: &Stat) -> bool {
    (now.id, now.file_type, now.size, now.mtime_ns, now.ctime_ns)
        == (then.id, then.file_type, then.size, then.mtime_ns, then.ctime_ns)
}

/// Why a file could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadProblem {
    /// It is not the file that was found, or not any more.
    Changed,
    /// The host's answer.
    Errno(Errno),
}

impl From<Errno> for ReadProblem {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::STALE | Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO => Self::Changed,
            other => Self::Errno(other),
        }
    }
}

/// Hashes files, each once and several at a time; the answers are in the order of the keys.
pub(crate) fn hash_all(
    files: &BTreeMap<FileKey, &FileRef>,
) -> BTreeMap<FileKey, Result<ReadFile, ReadProblem>> {
    let listed: Vec<_> = files.iter().collect();
    let hashed: Vec<_> =
        listed.par_iter().map(|(key, file)| (**key, file.known_or_hash())).collect();
    hashed.into_iter().collect()
}

/// Where the bytes of a closure's files are: the resolver's side of the writer's contents.
#[derive(Clone, Default)]
pub struct Sources {
    places: BTreeMap<Digest, Bytes>,
}

#[derive(Clone)]
pub(crate) enum Bytes {
    Inline(Arc<[u8]>),
    File(FileRef),
}

impl Sources {
    /// Notes where the bytes of `digest` are. The first place stays.
    pub(crate) fn insert(&mut self, digest: Digest, bytes: Bytes) {
        self.places.entry(digest).or_insert(bytes);
    }

    /// Returns every digest whose bytes are known, in order.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.places.keys()
    }

    /// Returns which file of the machine has the content `digest`; nothing for a text of the
    /// recipe.
    #[must_use]
    pub fn host_path(&self, digest: &Digest) -> Option<&HostPath> {
        match self.places.get(digest)? {
            Bytes::Inline(_) => None,
            Bytes::File(file) => Some(&file.path),
        }
    }

    /// Opens the bytes of `digest`. Whoever reads them hashes them, since the file may change
    /// while it is read.
    ///
    /// # Errors
    /// `NotFound` for a digest of no file of the closure, the host's error, and an error that says
    /// so for a file that is not what it was when it was hashed.
    pub fn open(&self, digest: &Digest) -> io::Result<OpenContent> {
        match self.places.get(digest) {
            None => Err(io::Error::new(io::ErrorKind::NotFound, format!("no file is {digest}"))),
            Some(Bytes::Inline(bytes)) => Ok(OpenContent(Opened::Inline(Arc::clone(bytes)))),
            Some(Bytes::File(source)) => match source.open() {
                Ok(file) => Ok(OpenContent(Opened::File(file))),
                Err(ReadProblem::Errno(errno)) => Err(errno.into()),
                Err(ReadProblem::Changed) => {
                    Err(io::Error::other(format!("`{}` changed during the build", source.path)))
                }
            },
        }
    }

    /// Returns the place of a content as a file of a host.
    pub(crate) fn place(&self, digest: &Digest) -> Option<&Bytes> {
        self.places.get(digest)
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.places.keys().map(|digest| (digest, self.host_path(digest)));
        formatter.debug_map().entries(places).finish()
    }
}

/// The open bytes of a digest.
pub struct OpenContent(Opened);

enum Opened {
    Inline(Arc<[u8]>),
    File(Box<dyn HostFile>),
}

impl OpenContent {
    /// Reads at `offset` (bytes) until `buffer` is full or the bytes end; returns how many.
    ///
    /// # Errors
    /// The host's.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.0 {
            Opened::File(file) => Ok(file.read_at(buffer, offset)?),
            Opened::Inline(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = bytes.get(start..).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
        }
    }

    /// Returns all of the bytes, for tests.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let start = bytes.len();
            bytes.resize(start + (1 << 20), 0);
            let count = self.read_at(&mut bytes[start..], start as u64)?;
            bytes.truncate(start + count);
            if count == 0 {
                return Ok(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    fn file_ref(host: Memory, path: &str) -> FileRef {
        let path = HostPath::new(path.as_bytes());
        let stat = host.lstat(&path).unwrap();
        FileRef { host: Arc::new(host), path, stat }
    }

    #[test]
    fn a_file_is_hashed_whole() {
        for size in [0, 1, BUFFER_BYTES as usize - 1, BUFFER_BYTES as usize, 3_000_000] {
            let bytes = vec![7; size];
            let file = file_ref(Memory::new().file("/x", &bytes), "/x");
            assert_eq!(
                file.hash().map(|read| read.hashed.digest),
                Ok(Digest::of(&bytes)),
                "{size}"
            );
        }
    }

    #[test]
    fn a_file_that_is_another_by_now_is_not_read() {
        let mut file = file_ref(Memory::new().file("/x", "one"), "/x");
        file.host = Arc::new(Memory::new().file("/x", "other"));
        assert_eq!(file.hash(), Err(ReadProblem::Changed));
        file.host = Arc::new(Memory::new());
        assert_eq!(file.hash(), Err(ReadProblem::Changed));
        // A file that promises fewer bytes than it has, as those of `/proc` do.
        let short = file_ref(
            Memory::new().foreign(
                "/short",
                Arc::new(Memory::new().file("/x", "0123456789")),
                HostPath::new(b"/x"),
                3,
            ),
            "/short",
        );
        assert_eq!(short.hash(), Err(ReadProblem::Changed));
    }

    #[test]
    fn sources_give_the_bytes_back() {
        let file = file_ref(Memory::new().file("/x", "bytes"), "/x");
        let mut sources = Sources::default();
        sources.insert(Digest::of(b"bytes"), Bytes::File(file));
        sources.insert(Digest::of(b"text"), Bytes::Inline(Arc::from(*b"text")));
        for bytes in ["bytes", "text"] {
            let digest = Digest::of(bytes.as_bytes());
            assert_eq!(sources.open(&digest).unwrap().bytes().unwrap(), bytes.as_bytes());
        }
        let absent = sources.open(&Digest::of(b"")).map(|_| ()).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
        assert_eq!(sources.host_path(&Digest::of(b"bytes")), Some(&HostPath::new(b"/x")));
    }
}
