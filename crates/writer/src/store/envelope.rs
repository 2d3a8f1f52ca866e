//! Records in the store: bytes with their kind, version and checksum before them.
//!
//! | bytes | are |
//! |---|---|
//! | 0–7 | `imgc-rec` |
//! | 8 | the kind |
//! | 9–12 | the kind's version, lowest byte first |
//! | 13–44 | the BLAKE3 of the kind, the version and the rest |
//! | 45– | the record |
//!
//! A record that is not exactly this counts as absent. So does one of another version, which stays
//! until it is replaced: an older and a newer imgc may share a store.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW};

use crate::error::WriteError;
use crate::flush;
use crate::store::{Room, Store, temporary};

const MAGIC: &[u8; 8] = b"imgc-rec";
const HEADER_BYTES: usize = 45;

/// Largest record that is read, in bytes: some million paths.
pub(crate) const MAX_BYTES: u64 = 512 << 20;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// What a layer came to.
    Layer,
    /// What a build looked at, and what came of it.
    Receipt,
    /// What was found out about files.
    Memory,
}

impl RecordKind {
    pub(crate) fn room(self) -> Room {
        match self {
            Self::Layer => Room::Layers,
            Self::Receipt => Room::Receipts,
            Self::Memory => Room::Memory,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Layer => 1,
            Self::Receipt => 2,
            Self::Memory => 3,
        }
    }

    fn head(self, version: u32) -> [u8; 5] {
        let [a, b, c, d] = version.to_le_bytes();
        [self.byte(), a, b, c, d]
    }
}

/// A record that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// What it says.
    pub kind: RecordKind,
    /// Its name.
    pub name: String,
    /// The version of its bytes.
    pub version: u32,
    /// The bytes.
    pub record: Vec<u8>,
}

/// What a file that should be a record is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// The record, and its version.
    Record(u32, Vec<u8>),
    Damaged,
}

/// Puts a record into its envelope.
pub(crate) fn close(kind: RecordKind, version: u32, record: &[u8]) -> Vec<u8> {
    let head = kind.head(version);
    let check = checksum(&head, record);
    [&MAGIC[..], &head, &check, record].concat()
}

/// Takes a record out of its envelope.
pub(crate) fn open(kind: RecordKind, mut bytes: Vec<u8>) -> Opened {
    let Some((header, record)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Opened::Damaged;
    };
    let (magic, header) = header.split_at(MAGIC.len());
    let (head, check) = header.split_at(5);
    if magic != MAGIC || head[0] != kind.byte() || checksum(head, record) != check {
        return Opened::Damaged;
    }
    let version = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    bytes.drain(..HEADER_BYTES);
    Opened::Record(version, bytes)
}

fn checksum(head: &[u8], record: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head).update(record);
    hasher.finalize().into()
}

impl Store {
    /// Returns the record of a name, of exactly this version; nothing if there is none. What is
    /// damaged is removed.
    #[must_use]
    pub fn record(&self, kind: RecordKind, name: &str, version: u32) -> Option<Vec<u8>> {
        let name = OsStr::new(name);
        let mut bytes = Vec::new();
        let file = self.file(kind.room(), name)?;
        file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        match open(kind, bytes) {
            Opened::Record(found, record) => (found == version).then_some(record),
            Opened::Damaged => {
                self.discard(kind.room(), name);
                None
            }
        }
    }

    /// Notes that a record is still of use, if that was last noted before `since` (seconds since
    /// 1970): the collector removes first what was not used for long. If it fails, the record only
    /// seems older than it is.
    pub fn refresh(&self, kind: RecordKind, name: &str, since: i64) {
        let Some(file) = self.file(kind.room(), OsStr::new(name)) else { return };
        if file.metadata().is_ok_and(|status| status.mtime() < since) {
            let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
            let _ = rustix::fs::futimens(
                &file,
                &Timestamps { last_access: now, last_modification: now },
            );
        }
    }

    /// Keeps records in place of those that have their names, all at once. What fails is
    /// [`trouble`].
    ///
    /// [`trouble`]: Store::trouble
    pub fn keep_records(&self, records: &[NewRecord]) {
        let keep = |new: &NewRecord| {
            self.keep_record(new.kind, &new.name, new.version, &new.record);
            Ok::<(), Infallible>(())
        };
        let Ok(()) = flush::each(records, &keep);
    }

    /// Keeps a record in place of the one that has its name. If that fails, it is trouble.
    pub(crate) fn keep_record(&self, kind: RecordKind, name: &str, version: u32, record: &[u8]) {
        let bytes = close(kind, version, record);
        let keep = || {
            let failed = |error| self.failed("keep a record in the store", error);
            let room = self.room_to_fill(kind.room()).map_err(failed)?;
            temporary::put(&room, OsStr::new(name), &bytes)
                .map_err(WriteError::io("keep a record in the store", self.path()))
        };
        self.note(keep());
    }
}
