//! What is in the store, and whether it is what its names say.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use imgc_planner::BlobDigest;
use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::{Errno, retry_on_intr};

use crate::staging;
use crate::store::envelope::{self, Opened, RecordKind};
use crate::store::layer_record::{LayerRecord, VERSION};
use crate::store::{Room, Store, StoreError, blob, temporary};

/// One file of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) name: OsString,
    pub(crate) size: u64,
    /// When it was used last, to a day, in seconds since 1970.
    pub(crate) used: i64,
    /// Whether an output has the same storage.
    pub(crate) shared: bool,
}

/// How much is in a part of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many files.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// How much is in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Layers' blobs.
    pub blobs: Amount,
    /// Those of them whose storage is an output's, too.
    pub shared: Amount,
    /// Records of layers.
    pub layers: Amount,
    /// Receipts of builds.
    pub receipts: Amount,
    /// Records of what was found out about files.
    pub memory: Amount,
    /// What processes left that are dead.
    pub left_over: Amount,
}

impl Amount {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

impl Amounts {
    /// Returns how much it is altogether.
    #[must_use]
    pub fn total(&self) -> Amount {
        let parts = [self.blobs, self.layers, self.receipts, self.memory, self.left_over];
        parts.into_iter().fold(Amount::default(), |sum, part| Amount {
            files: sum.files + part.files,
            bytes: sum.bytes + part.bytes,
        })
    }
}

impl Store {
    /// Counts what is in the store.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn amounts(&self) -> Result<Amounts, StoreError> {
        let mut amounts = Amounts::default();
        for room in Room::ALL {
            for item in self.items(room)? {
                match room {
                    Room::Blobs => {
                        amounts.blobs.add(item.size);
                        if item.shared {
                            amounts.shared.add(item.size);
                        }
                    }
                    Room::Layers => amounts.layers.add(item.size),
                    Room::Receipts => amounts.receipts.add(item.size),
                    Room::Memory => amounts.memory.add(item.size),
                }
            }
            for (_, size) in self.left_over(room)? {
                amounts.left_over.add(size);
            }
        }
        Ok(amounts)
    }

    /// Reads every byte of the store, and returns what is not what its name says.
    ///
    /// What disappears meanwhile is no damage: a build or a collector removed it. Nor is a record
    /// without its blob, or a blob without a record: both are what a kill leaves behind.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn verify(&self) -> Result<Vec<StoreError>, StoreError> {
        let mut damaged = Vec::new();
        for room in Room::ALL {
            let Some(directory) = self.existing_room(room)? else { continue };
            for name in self.names(&directory)? {
                if temporary::is_temporary(&name) {
                    continue;
                }
                if let Some(problem) = self.problem(room, &directory, &name)? {
                    let path = PathBuf::from(room.name()).join(&name);
                    damaged.push(StoreError::Damaged { path, problem });
                }
            }
        }
        damaged.extend(self.strangers()?);
        Ok(damaged)
    }

    /// Removes what [`Store::verify`] found, and what dead processes left.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn repair(&self, damaged: &[StoreError]) -> Result<(), StoreError> {
        let failed = |error: Errno| self.unusable(error);
        for error in damaged {
            let StoreError::Damaged { path, .. } = error else { continue };
            let place = match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                Some(room) => staging::open_directory(&self.root, room.as_os_str(), false),
                None => self.root.try_clone().map_err(|_| Errno::MFILE),
            };
            let name = path.file_name().unwrap_or_default();
            match place.and_then(|place| staging::remove_tree(&place, name)) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        self.sweep()?;
        Ok(())
    }

    /// Removes what dead processes left.
    pub(crate) fn sweep(&self) -> Result<Amount, StoreError> {
        let mut swept = Amount::default();
        for room in Room::ALL {
            for (name, size) in self.left_over(room)? {
                self.discard(room, &name);
                swept.add(size);
            }
        }
        Ok(swept)
    }

    /// Lists the files of a room that have their names.
    pub(crate) fn items(&self, room: Room) -> Result<Vec<Item>, StoreError> {
        let Some(directory) = self.existing_room(room)? else { return Ok(Vec::new()) };
        let mut items = Vec::new();
        for name in self.names(&directory)? {
            if temporary::is_temporary(&name) {
                continue;
            }
            let stat =
                retry_on_intr(|| rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW));
            match stat {
                Ok(stat) => items.push(Item {
                    name,
                    size: u64::try_from(stat.st_size).unwrap_or(0),
                    used: stat.st_mtime,
                    shared: stat.st_nlink > 1
                        && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
                }),
                Err(Errno::NOENT) => {}
                Err(error) => return Err(self.unusable(error)),
            }
        }
        items.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(items)
    }

    /// Lists the temporaries of dead processes in a room, and their sizes.
    fn left_over(&self, room: Room) -> Result<Vec<(OsString, u64)>, StoreError> {
        let Some(directory) = self.existing_room(room)? else { return Ok(Vec::new()) };
        let stale = temporary::stale(&directory).map_err(|error| self.unusable(error))?;
        let size = |name: &OsString| {
            let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW);
            stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0))
        };
        Ok(stale.into_iter().map(|name| (name.clone(), size(&name))).collect())
    }

    fn existing_room(&self, room: Room) -> Result<Option<OwnedFd>, StoreError> {
        match staging::open_directory(&self.root, room.name().as_ref(), false) {
            Ok(directory) => Ok(Some(directory)),
            // What is there instead of a directory is reported as a stranger.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(self.unusable(error)),
        }
    }

    fn names(&self, directory: &OwnedFd) -> Result<Vec<OsString>, StoreError> {
        let mut names = Vec::new();
        for entry in Dir::read_from(directory).map_err(|error| self.unusable(error))? {
            let entry = entry.map_err(|error| self.unusable(error))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Finds what stands in the store's directory and is no directory of ours.
    fn strangers(&self) -> Result<Vec<StoreError>, StoreError> {
        let mut strangers = Vec::new();
        for name in self.names(&self.root)? {
            let stat = rustix::fs::statat(&self.root, &name, AtFlags::SYMLINK_NOFOLLOW);
            let is_room = Room::ALL.iter().any(|room| name == room.name())
                && stat
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
            if !is_room {
                let problem = "is nothing that imgc puts there";
                strangers.push(StoreError::Damaged { path: name.into(), problem });
            }
        }
        Ok(strangers)
    }

    /// Says what is wrong with a file.
    fn problem(
        &self,
        room: Room,
        directory: &OwnedFd,
        name: &OsStr,
    ) -> Result<Option<&'static str>, StoreError> {
        let file = match super::open(directory, name) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO) => return Ok(Some("is no regular file")),
            Err(Errno::ACCESS) => return Ok(Some("cannot be read by its owner")),
            Err(error) => return Err(self.unusable(error)),
        };
        let io = |source| StoreError::unusable(self.path(), source);
        let status = file.metadata().map_err(io)?;
        if !status.is_file() {
            return Ok(Some("is no regular file"));
        }
        if !super::is_ours(&status) {
            return Ok(Some("has another owner or mode than imgc gives it"));
        }
        let kind = match room {
            Room::Blobs => {
                let (found, _) = blob::digest(&file).map_err(io)?;
                let is_named = OsStr::new(&found.hex()) == name;
                return Ok((!is_named).then_some("has another digest than its name says"));
            }
            Room::Layers => RecordKind::Layer,
            Room::Receipts => RecordKind::Receipt,
            Room::Memory => RecordKind::Memory,
        };
        let mut bytes = Vec::with_capacity(usize::try_from(status.size()).unwrap_or(0));
        let mut file = file.take(envelope::MAX_BYTES);
        file.read_to_end(&mut bytes).map_err(io)?;
        let is_sound = match (envelope::open(kind, bytes), room) {
            (Opened::Damaged, _) => false,
            (Opened::Record(VERSION, record), Room::Layers) => {
                LayerRecord::decode(&record).is_some()
            }
            (Opened::Record(..), _) => true,
        };
        Ok((!is_sound).then_some("is a record whose checksum is wrong"))
    }

    pub(crate) fn unusable(&self, error: Errno) -> StoreError {
        StoreError::unusable(self.path(), error.into())
    }
}

/// Reads the digest that a blob's name is.
pub(crate) fn digest_of(name: &OsStr) -> Option<BlobDigest> {
    BlobDigest::parse(&format!("sha256:{}", name.to_str()?))
}
