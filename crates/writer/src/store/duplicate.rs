//! A second name for the bytes of a file: by a hard link where that is safe, else by a reflink if the
//! file system has them, else by copying.
//!
//! A hard link is one file with two names: who writes through one of them changes the other. The
//! store hears of that, since it checks what it uses; another output would not. So a file has at
//! most two names, one of them in the store.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use rustix::fs::AtFlags;
use rustix::io::{Errno, retry_on_intr};

/// A file that is there, and its name.
#[derive(Clone, Copy)]
pub(crate) struct Original<'a> {
    pub(crate) directory: &'a OwnedFd,
    pub(crate) name: &'a OsStr,
    pub(crate) file: &'a File,
}

impl Original<'_> {
    /// Tells whether the file has one name.
    pub(crate) fn is_single(self) -> io::Result<bool> {
        Ok(self.file.metadata()?.nlink() == 1)
    }

    /// Gives the file a second name; `false` if the file system cannot, or not between these
    /// places, or the file is another one by now.
    pub(crate) fn link(self, directory: &OwnedFd, name: &OsStr) -> Result<bool, Errno> {
        let linked = retry_on_intr(|| {
            rustix::fs::linkat(self.directory, self.name, directory, name, AtFlags::empty())
        });
        match linked {
            Ok(()) => {}
            Err(
                Errno::XDEV
                | Errno::PERM
                | Errno::MLINK
                | Errno::OPNOTSUPP
                | Errno::NOSYS
                | Errno::NOENT
                | Errno::ACCESS,
            ) => return Ok(false),
            Err(error) => return Err(error),
        }
        let ours = retry_on_intr(|| rustix::fs::fstat(self.file))?;
        let made =
            retry_on_intr(|| rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW))?;
        let is_ours = (ours.st_dev, ours.st_ino) == (made.st_dev, made.st_ino);
        if !is_ours {
            retry_on_intr(|| rustix::fs::unlinkat(directory, name, AtFlags::empty()))?;
        }
        Ok(is_ours)
    }
}

/// Copies all bytes of a file to a new, empty one; returns how many. If the file system has
/// reflinks, the two share their blocks until one is written to.
pub(crate) fn copy(from: &File, to: &File) -> io::Result<u64> {
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(to.metadata()?.len());
    }
    let mut offset = 0;
    loop {
        let copied = retry_on_intr(|| {
            rustix::fs::copy_file_range(from, Some(&mut offset), to, None, 1 << 30)
        });
        match copied {
            Ok(0) => return Ok(offset),
            Ok(_) => {}
            // The kernel cannot, or not between these file systems.
            Err(Errno::XDEV | Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) if offset == 0 => {
                let (mut from, mut to) = (from, to);
                from.rewind()?;
                return io::copy(&mut from, &mut to);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
