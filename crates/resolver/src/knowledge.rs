//! What earlier builds found out about files, so that a file that has not changed need not be read
//! to know its digest.
//!
//! A file is known by what `stat(2)` says of it: device, inode, size, mtime and ctime. What changed
//! shortly before it was read is not learned, since it may have changed once more without its times
//! showing it (`noted.rs`).

use std::collections::BTreeMap;

use imgc_planner::{Digest, RecordReader, RecordWriter};

use crate::host::{Hashed, Stat};

/// The version of [`Knowledge`]'s bytes.
pub const KNOWLEDGE_VERSION: u32 = 1;

/// Most files that are remembered. When there are more, those go that the last build did not meet.
const MAX_FILES: usize = 200_000;

/// Bytes of a file in a record, at least.
const FILE_BYTES: usize = 68;

/// Which content a file has, as far as its `stat` can tell.
type Signature = (u64, u64, u64, i128, i128);

fn signature(stat: &Stat) -> Signature {
    (stat.id.device, stat.id.inode, stat.size, stat.mtime_ns, stat.ctime_ns)
}

/// Digests of files.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    files: BTreeMap<Signature, Hashed>,
    /// What this run met.
    met: BTreeMap<Signature, Hashed>,
    learned: bool,
}

impl Knowledge {
    /// Returns what is known of a file.
    pub(crate) fn recall(&mut self, stat: &Stat) -> Option<Hashed> {
        let signature = signature(stat);
        let hashed = *self.files.get(&signature)?;
        self.met.insert(signature, hashed);
        Some(hashed)
    }

    /// Takes note of a file that was read.
    pub(crate) fn learn(&mut self, stat: &Stat, hashed: Hashed) {
        self.learned |= self.met.insert(signature(stat), hashed) != Some(hashed);
    }

    /// Returns the bytes; nothing if nothing was learned.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        if !self.learned {
            return None;
        }
        let mut files = self.met.clone();
        if files.len() + self.files.len() <= MAX_FILES {
            files.extend(&self.files);
        }
        let mut writer = RecordWriter::default();
        writer.number(files.len() as u64);
        for ((device, inode, size, mtime_ns, ctime_ns), hashed) in &files {
            for number in [device, inode, size] {
                writer.number(*number);
            }
            writer.time_ns(*mtime_ns);
            writer.time_ns(*ctime_ns);
            writer.array(hashed.digest.as_bytes());
            writer.tag(hashed.is_elf.into());
        }
        Some(writer.finish())
    }

    /// Reads the bytes; nothing if they are none.
    #[must_use]
    pub fn decode(record: &[u8]) -> Option<Self> {
        let mut reader = RecordReader::new(record);
        let count = reader.count(FILE_BYTES)?;
        let mut file = || {
            let (device, inode, size) = (reader.number()?, reader.number()?, reader.number()?);
            let signature = (device, inode, size, reader.time_ns()?, reader.time_ns()?);
            let digest = Digest::new(reader.array()?);
            Some((signature, Hashed { digest, is_elf: reader.tag()? != 0 }))
        };
        // In their order, which makes the tree without searching.
        let files = (0..count).map(|_| file()).collect::<Option<_>>()?;
        reader.end()?;
        Some(Self { files, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FileId, FileType};

    fn stat(inode: u64) -> Stat {
        Stat {
            file_type: FileType::Regular,
            id: FileId { device: 1, inode },
            size: 3,
            mode: 0o644,
            mtime_ns: -5,
            ctime_ns: 1_700_000_000_000_000_000,
        }
    }

    #[test]
    fn what_is_learned_is_known_next_time() {
        let hashed = |text: &[u8]| Hashed { digest: Digest::of(text), is_elf: text == b"elf" };
        let mut first = Knowledge::default();
        assert_eq!(first.encode(), None);
        first.learn(&stat(1), hashed(b"elf"));
        first.learn(&stat(2), hashed(b"two"));
        let record = first.encode().unwrap();

        let mut second = Knowledge::decode(&record).unwrap();
        assert_eq!(second.recall(&stat(1)), Some(hashed(b"elf")));
        let others = [
            Stat { size: 4, ..stat(1) },
            Stat { mtime_ns: 0, ..stat(1) },
            Stat { ctime_ns: 0, ..stat(1) },
            Stat { id: FileId { device: 2, inode: 1 }, ..stat(1) },
            stat(3),
        ];
        for other in others {
            assert_eq!(second.recall(&other), None);
        }
        assert_eq!(second.encode(), None, "nothing is new");
        second.learn(&stat(3), hashed(b"three"));
        let mut third = Knowledge::decode(&second.encode().unwrap()).unwrap();
        assert_eq!(third.recall(&stat(2)), Some(hashed(b"two")), "what was not met stays");
        for length in 0..record.len() {
            assert!(Knowledge::decode(&record[..length]).is_none(), "{length}");
        }
    }
}
