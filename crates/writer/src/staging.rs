//! A temporary sibling of an output, in which it is made, and from which it is published by one
//! rename.
//!
//! It is named `.NAME.imgc-tmp.PID.N` and locked with `flock` for as long as its process lives: who
//! can take the lock knows that the process is dead, in whatever namespace it had its number, and
//! removes what it left. Every mode is set on the open file, whatever the umask says. All paths are
//! taken relative to open directories, so nobody can move the place under our feet.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::error::WriteError;

/// The mode of each directory of an output.
pub(crate) const DIRECTORY_MODE: u16 = 0o755;
/// The mode of each file of an output.
pub(crate) const FILE_MODE: u16 = 0o644;

/// How much of the output's name goes into the temporary's, in bytes, so that both fit into 255.
const STEM_BYTES: usize = 200;

/// A locked temporary directory beside an output. Whatever it holds goes away when it is dropped.
pub(crate) struct Staging {
    /// The output as the caller names it, for messages.
    pub(crate) target: PathBuf,
    pub(crate) parent: OwnedFd,
    /// The output's name in its parent.
    pub(crate) target_name: OsString,
    /// The temporary's name in the parent.
    pub(crate) name: OsString,
    pub(crate) directory: OwnedFd,
    /// Whether something of ours still has the temporary's name.
    pub(crate) occupied: bool,
}

impl Staging {
    /// Removes what dead processes left beside `target`, and makes a new temporary.
    pub(crate) fn create(target: &Path) -> Result<Self, WriteError> {
        let Some(target_name) = target.file_name() else {
            let (path, occupant) = (target.to_owned(), "no name for an output");
            return Err(WriteError::Occupied { path, occupant });
        };
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |action| move |error: Errno| WriteError::io(action, parent)(error.into());
        let parent_fd = open_directory(rustix::fs::CWD, parent.as_os_str(), true)
            .map_err(failed("open the directory"))?;
        let prefix = prefix(target_name);
        remove_stale(&parent_fd, &prefix).map_err(failed("list the directory"))?;

        let (name, directory) =
            lock_new(&parent_fd, &prefix).map_err(failed("make a temporary directory in"))?;
        let staging = Self {
            target: target.to_owned(),
            parent: parent_fd,
            target_name: target_name.to_owned(),
            name,
            directory,
            occupied: true,
        };
        set_mode(&staging.directory, DIRECTORY_MODE)
            .map_err(failed("set the mode of a temporary directory in"))?;
        Ok(staging)
    }

    /// Makes the error of an action on a file of the temporary.
    pub(crate) fn failed(&self, action: &'static str, error: Errno) -> WriteError {
        WriteError::io(action, &self.target)(error.into())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.occupied {
            // What cannot be removed, also not at the second try, is removed by the next build that
            // has something to do, which finds it unlocked.
            if remove_tree(&self.parent, &self.name).is_err() {
                let _ = remove_tree(&self.parent, &self.name);
            }
        }
    }
}

/// Makes a directory that is locked before anybody else can take it for a dead one.
fn lock_new(parent: &OwnedFd, prefix: &[u8]) -> Result<(OsString, OwnedFd), Errno> {
    for number in 0..10_000 {
        let suffix = format!("{}.{number}", std::process::id());
        let name = OsString::from_vec([prefix, suffix.as_bytes()].concat());
        match make_directory(parent, &name) {
            Ok(()) => {}
            Err(Errno::EXIST) => continue,
            Err(error) => return Err(error),
        }
        // Until the lock is ours, another process may remove the directory as a dead one's.
        let directory = match open_directory(parent, &name, false) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(error),
        };
        let lock = FlockOperation::NonBlockingLockExclusive;
        // On a file system without locks nobody can take it, so nobody removes it either.
        if retry_on_intr(|| rustix::fs::flock(&directory, lock)) == Err(Errno::WOULDBLOCK) {
            continue;
        }
        let ours = retry_on_intr(|| rustix::fs::fstat(&directory))?;
        match retry_on_intr(|| rustix::fs::statat(parent, &name, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(named) if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino) => {
                return Ok((name, directory));
            }
            Ok(_) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Errno::EXIST)
}

/// Removes the temporaries of `prefix` whose lock nobody holds.
fn remove_stale(parent: &OwnedFd, prefix: &[u8]) -> Result<(), Errno> {
    for entry in Dir::read_from(parent)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        let Some(numbers) = name.strip_prefix(prefix) else { continue };
        if !numbers.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
            continue;
        }
        let name = OsStr::from_bytes(name);
        let Ok(directory) = open_directory(parent, name, false) else { continue };
        let lock = FlockOperation::NonBlockingLockExclusive;
        if retry_on_intr(|| rustix::fs::flock(&directory, lock)).is_ok() {
            // Somebody else's leftover that cannot be removed does not hinder this build.
            let _ = remove_tree(parent, name);
        }
    }
    Ok(())
}

fn prefix(target_name: &OsStr) -> Vec<u8> {
    let stem = target_name.as_bytes();
    [b".", &stem[..stem.len().min(STEM_BYTES)], b".imgc-tmp."].concat()
}

/// Makes a directory; its mode is set when it is opened.
pub(crate) fn make_directory(parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::mkdirat(parent, name, Mode::RWXU))
}

/// Opens a directory; a link that leads to one only if `follow` says so.
pub(crate) fn open_directory(
    parent: impl std::os::fd::AsFd,
    name: &OsStr,
    follow: bool,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let flags = if follow { flags } else { flags | OFlags::NOFOLLOW };
    retry_on_intr(|| rustix::fs::openat(&parent, name, flags, Mode::empty()))
}

/// Makes a new file, open for reading and writing, with the mode that outputs have.
pub(crate) fn create_file(directory: &OwnedFd, name: &OsStr) -> Result<File, Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let own = Mode::RUSR | Mode::WUSR;
    let file = retry_on_intr(|| rustix::fs::openat(directory, name, flags, own))?;
    set_mode(&file, FILE_MODE)?;
    Ok(file.into())
}

pub(crate) fn set_mode(file: &OwnedFd, mode: u16) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::fchmod(file, Mode::from_raw_mode(mode.into())))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &OwnedFd) -> Result<(), Errno> {
    match retry_on_intr(|| rustix::fs::fsync(directory)) {
        // File systems that keep no directories themselves (9p, some of FUSE) say so like this.
        Err(Errno::INVAL) => Ok(()),
        result => result,
    }
}

/// Removes a directory with all that is in it, or a file. Links are removed, not followed.
pub(crate) fn remove_tree(parent: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    match retry_on_intr(|| rustix::fs::unlinkat(parent, name, AtFlags::empty())) {
        // Linux says EISDIR; POSIX would have EPERM.
        Err(Errno::ISDIR | Errno::PERM) => {}
        result => return result,
    }
    let directory = open_directory(parent, name, false)?;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        match remove_tree(&directory, name) {
            // Two builds may remove the same leftover.
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    retry_on_intr(|| rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR))
}

/// What stands at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occupant {
    Nothing,
    File,
    EmptyDirectory,
    /// A directory with a regular file `oci-layout`.
    Layout,
    OtherDirectory,
    Symlink,
    Special,
}

/// Finds out what stands at a name, without following a link.
pub(crate) fn occupant(parent: &OwnedFd, name: &OsStr) -> Result<Occupant, Errno> {
    let status = |directory: &OwnedFd, name: &OsStr| {
        let stat = retry_on_intr(|| rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW));
        match stat {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    };
    match status(parent, name)? {
        None => return Ok(Occupant::Nothing),
        Some(FileType::RegularFile) => return Ok(Occupant::File),
        Some(FileType::Symlink) => return Ok(Occupant::Symlink),
        Some(FileType::Directory) => {}
        Some(_) => return Ok(Occupant::Special),
    }
    let directory = match open_directory(parent, name, false) {
        Ok(directory) => directory,
        Err(Errno::NOENT) => return Ok(Occupant::Nothing),
        Err(error) => return Err(error),
    };
    if status(&directory, OsStr::new("oci-layout"))? == Some(FileType::RegularFile) {
        return Ok(Occupant::Layout);
    }
    for entry in Dir::read_from(&directory)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(Occupant::OtherDirectory);
        }
    }
    Ok(Occupant::EmptyDirectory)
}
