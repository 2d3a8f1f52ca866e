//! The machine that builds: the one file of the resolver that makes system calls.
//!
//! It waits for nothing and trusts no type: a path that was a regular file a moment ago may be a
//! fifo now. Calls that a signal interrupted are made again, which rustix leaves to its callers.

use rustix::fd::OwnedFd;
use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::{pread, retry_on_intr};

use crate::host::{Errno, FileId, FileType, Host, HostFile, HostPath, Stat};

/// The machine that runs this process.
#[derive(Clone, Copy, Debug)]
pub struct Machine;

impl Machine {
    /// Says what stands at `path`: `lstat(2)`.
    pub(crate) fn look(path: &[u8]) -> Result<Stat, Errno> {
        retry_on_intr(|| rustix::fs::lstat(path)).map(stat)
    }

    /// Says what stands where the link at `path` leads: `stat(2)`.
    pub(crate) fn look_through(path: &[u8]) -> Result<Stat, Errno> {
        retry_on_intr(|| rustix::fs::stat(path)).map(stat)
    }

    /// Opens the regular file to which a link at `path` may lead.
    pub(crate) fn open_through(path: &HostPath) -> Result<Box<dyn HostFile>, Errno> {
        open(path, OFlags::empty())
    }
}

fn open(path: &HostPath, more: OFlags) -> Result<Box<dyn HostFile>, Errno> {
    // NONBLOCK: opening a fifo without a writer would wait for ever. NOCTTY: a terminal must not
    // become ours.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | more;
    let file = retry_on_intr(|| rustix::fs::open(path.as_bytes(), flags, Mode::empty()))?;
    let opened = stat(retry_on_intr(|| rustix::fs::fstat(&file))?);
    match opened.file_type {
        FileType::Regular => Ok(Box::new(MachineFile { file, opened })),
        FileType::Directory => Err(Errno::ISDIR),
        FileType::Symlink => Err(Errno::LOOP),
        FileType::Special => Err(Errno::NXIO),
    }
}

impl Host for Machine {
    fn lstat(&self, path: &HostPath) -> Result<Stat, Errno> {
        Self::look(path.as_bytes())
    }

    fn has_capabilities(&self, path: &HostPath) -> bool {
        // Revision 3 has 24 bytes (`linux/capability.h`); a longer one is an error, and none.
        let mut value = [0_u8; 24];
        let read =
            || rustix::fs::lgetxattr(path.as_bytes(), c"security.capability", &mut value[..]);
        retry_on_intr(read).is_ok_and(|length| length > 0)
    }

    fn read_link(&self, path: &HostPath) -> Result<Vec<u8>, Errno> {
        // Room for most targets: a buffer that is too small costs another call.
        retry_on_intr(|| rustix::fs::readlink(path.as_bytes(), Vec::with_capacity(256)))
            .map(std::ffi::CString::into_bytes)
    }

    fn read_dir(&self, path: &HostPath) -> Result<Vec<Vec<u8>>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = retry_on_intr(|| rustix::fs::open(path.as_bytes(), flags, Mode::empty()))?;
        // Not std's `ReadDir`: dropping it panics if the directory cannot be closed.
        let mut stream = Dir::new(directory)?;
        let mut names = Vec::new();
        while let Some(entry) = stream.read() {
            match entry {
                Ok(entry) => match entry.file_name().to_bytes() {
                    b"." | b".." => {}
                    name => names.push(name.to_vec()),
                },
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open(&self, path: &HostPath) -> Result<Box<dyn HostFile>, Errno> {
        open(path, OFlags::NOFOLLOW)
    }
}

struct MachineFile {
    file: OwnedFd,
    opened: Stat,
}

impl HostFile for MachineFile {
    fn opened(&self) -> Stat {
        self.opened
    }

    fn stat(&self) -> Result<Stat, Errno> {
        retry_on_intr(|| rustix::fs::fstat(&self.file)).map(stat)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let mut filled = 0;
        while filled < buffer.len() {
            let Some(position) = offset.checked_add(filled as u64) else {
                return Err(Errno::INVAL);
            };
            match retry_on_intr(|| pread(&self.file, &mut buffer[filled..], position))? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }
}

/// Takes over what the kernel says; the fields' types differ between architectures.
#[allow(
    clippy::allow_attributes,
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    clippy::useless_conversion,
    reason = "the conversions are needed on some architectures and not on others"
)]
fn stat(stat: rustix::fs::Stat) -> Stat {
    let nanoseconds = |seconds: i128, rest: i128| seconds * 1_000_000_000 + rest;
    Stat {
        file_type: match rustix::fs::FileType::from_raw_mode(stat.st_mode as _) {
            rustix::fs::FileType::RegularFile => FileType::Regular,
            rustix::fs::FileType::Directory => FileType::Directory,
            rustix::fs::FileType::Symlink => FileType::Symlink,
            _ => FileType::Special,
        },
        id: FileId { device: stat.st_dev as u64, inode: stat.st_ino as u64 },
        size: stat.st_size as u64,
        mode: (stat.st_mode & 0o7777) as u16,
        mtime_ns: nanoseconds(i128::from(stat.st_mtime), i128::from(stat.st_mtime_nsec)),
        ctime_ns: nanoseconds(i128::from(stat.st_ctime), i128::from(stat.st_ctime_nsec)),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make what they read")]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    fn host_path(path: &std::path::Path) -> HostPath {
        HostPath::new(path.as_os_str().as_bytes())
    }

    #[test]
    fn a_directory_is_listed_by_bytes() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b", "a", "B", "a-"] {
            std::fs::write(directory.path().join(name), name).unwrap();
        }
        let names = Machine.read_dir(&host_path(directory.path())).unwrap();
        assert_eq!(names, [&b"B"[..], b"a", b"a-", b"b"]);
    }

    #[test]
    fn only_regular_files_open() {
        let directory = tempfile::tempdir().unwrap();
        let below = |name: &str| host_path(&directory.path().join(name));
        symlink("file", directory.path().join("link")).unwrap();
        std::fs::write(directory.path().join("file"), b"0123456789").unwrap();
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            directory.path().join("fifo"),
            rustix::fs::Mode::from_raw_mode(0o600),
        )
        .unwrap();
        let errno = |name| Machine.open(&below(name)).err();
        assert_eq!(errno("link"), Some(Errno::LOOP));
        assert_eq!(errno("fifo"), Some(Errno::NXIO));
        assert_eq!(errno("."), Some(Errno::ISDIR));
        assert_eq!(errno("none"), Some(Errno::NOENT));

        let file = Machine.open(&below("file")).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(file.read_at(&mut buffer, 4), Ok(6));
        assert_eq!(&buffer[..6], b"456789");
        assert_eq!(file.stat(), Machine.lstat(&below("file")));
        assert_eq!(Machine.read_link(&below("link")), Ok(b"file".to_vec()));
        assert_eq!(Machine.read_link(&below("file")), Err(Errno::INVAL));
    }
}
