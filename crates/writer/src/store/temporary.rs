//! How a file gets into a directory of the store: under a temporary name, written in full, flushed,
//! checked, renamed, and the directory flushed (the order of containerd's content store).
//!
//! A temporary is `.tmp.PID.N`, locked by the process that writes it. One that nobody holds a lock
//! on is what a dead process left; the next that puts something into the directory removes it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::staging;

const PREFIX: &[u8] = b".tmp.";

/// A file under a temporary name, which goes away with it unless it gets its own.
pub(crate) struct Temporary<'a> {
    directory: &'a OwnedFd,
    name: Option<OsString>,
    pub(crate) file: File,
}

impl<'a> Temporary<'a> {
    /// Makes a new one, and removes those of dead processes.
    pub(crate) fn create(directory: &'a OwnedFd) -> io::Result<Self> {
        // What cannot be removed hinders nobody.
        let _ = remove_stale(directory);
        for number in 0..10_000 {
            let name = OsString::from(format!(".tmp.{}.{number}", std::process::id()));
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(staging::FILE_MODE.into());
            let made = retry_on_intr(|| rustix::fs::openat(directory, &name, flags, mode));
            let file = match made {
                Ok(file) => file,
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error.into()),
            };
            // Until the lock is ours, another process may take the file for a dead one's: then it
            // gets no name in the end, and is not kept.
            let lock = FlockOperation::NonBlockingLockExclusive;
            let _ = retry_on_intr(|| rustix::fs::flock(&file, lock));
            let temporary = Self { directory, name: Some(name), file: file.into() };
            staging::set_mode(&temporary.directory_file()?, staging::FILE_MODE)?;
            return Ok(temporary);
        }
        Err(Errno::EXIST.into())
    }

    fn directory_file(&self) -> io::Result<OwnedFd> {
        Ok(self.file.try_clone()?.into())
    }

    /// Flushes the file and checks its size, gives it its name, and flushes the directory.
    pub(crate) fn commit(mut self, name: &OsStr, size: u64) -> io::Result<()> {
        self.file.sync_all()?;
        if self.file.metadata()?.len() != size {
            return Err(io::Error::other("a file on disk has another size than was written"));
        }
        let directory = self.directory;
        let Some(from) = &self.name else { return Ok(()) };
        let rename = || rustix::fs::renameat(directory, from, directory, name);
        match retry_on_intr(rename) {
            Ok(()) => {}
            // What somebody else put there gives way.
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                staging::remove_tree(directory, name)?;
                retry_on_intr(rename)?;
            }
            Err(error) => return Err(error.into()),
        }
        self.name = None;
        staging::sync_directory(directory)?;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // If it stays, the next process removes it.
            let directory = self.directory;
            let _ = retry_on_intr(|| rustix::fs::unlinkat(directory, name, AtFlags::empty()));
        }
    }
}

/// Puts bytes under a name, in place of what has it.
pub(crate) fn put(directory: &OwnedFd, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = Temporary::create(directory)?;
    temporary.file.write_all(bytes)?;
    temporary.commit(name, bytes.len() as u64)
}

/// Removes the temporaries that no process holds; returns how many.
pub(crate) fn remove_stale(directory: &OwnedFd) -> Result<usize, Errno> {
    let mut removed = 0;
    for name in stale(directory)? {
        staging::remove_tree(directory, &name)?;
        removed += 1;
    }
    Ok(removed)
}

/// Tells whether a name is that of a temporary.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.as_bytes().starts_with(PREFIX)
}

/// Lists the temporaries that no process holds.
pub(crate) fn stale(directory: &OwnedFd) -> Result<Vec<OsString>, Errno> {
    let mut stale = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if !is_temporary(name) {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| rustix::fs::openat(directory, name, flags, Mode::empty()));
        let is_held = match opened {
            Ok(file) => {
                let lock = FlockOperation::NonBlockingLockExclusive;
                retry_on_intr(|| rustix::fs::flock(&file, lock)).is_err()
            }
            Err(Errno::NOENT) => true,
            // None of ours is a link or cannot be opened.
            Err(Errno::LOOP | Errno::ACCESS | Errno::NXIO) => false,
            Err(_) => true,
        };
        if !is_held {
            stale.push(name.to_owned());
        }
    }
    Ok(stale)
}
