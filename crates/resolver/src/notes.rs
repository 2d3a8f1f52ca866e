//! What a build looked at on its machine, written down, so that the next run can tell with one
//! `stat` for each path that nothing has changed.

use imgc_planner::{RecordReader, RecordWriter};
use rayon::prelude::*;

use crate::host::{Errno, FileId, FileType, HostPath, Stat};
use crate::machine::Machine;

/// The version of [`Notes`]' bytes.
pub const NOTES_VERSION: u32 = 2;

/// How many paths are looked at by one thread. A build that looks at fewer starts no thread.
const BLOCK_PATHS: usize = 1024;

/// How a path is looked at. Of a directory that is only passed through, or asked for, it counts that
/// it is there: what else is put into it is no change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// As `lstat(2)` does.
    Itself,
    /// As `stat(2)` does: through a link.
    Through,
    /// A directory of which the names matter.
    Listing,
    /// As `lstat(2)` does, but nothing is said of the inode's own changes: who links to a file or
    /// moves a directory changes neither.
    Content,
}

impl Look {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 4] = [Self::Itself, Self::Through, Self::Listing, Self::Content];
}

/// What was seen at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    Absent(Errno),
    Present(Stat),
}

impl Sight {
    /// Keeps what counts for a look.
    pub(crate) fn of(seen: Result<Stat, Errno>, look: Look) -> Self {
        match (seen, look) {
            (Ok(stat), Look::Itself | Look::Through) if stat.file_type == FileType::Directory => {
                Self::Present(Stat { size: 0, mtime_ns: 0, ctime_ns: 0, ..stat })
            }
            (seen, _) => seen.map_or_else(Self::Absent, Self::Present),
        }
    }
}

/// Which paths were looked at, and what was seen, in the order of their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(pub(crate) Vec<(HostPath, Look, Sight)>);

impl Notes {
    /// Looks at paths of this machine.
    pub fn take<'a>(paths: impl IntoIterator<Item = &'a HostPath>, look: Look) -> Self {
        let take = |path: &HostPath| (path.clone(), look, see(path.as_bytes(), look));
        let mut notes: Vec<_> = paths.into_iter().map(take).collect();
        notes.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        Self(notes)
    }

    /// Returns the bytes: blocks of paths, which can be looked at side by side.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = RecordWriter::default();
        writer.number(self.0.len().div_ceil(BLOCK_PATHS) as u64);
        for block in self.0.chunks(BLOCK_PATHS) {
            writer.bytes(&Self::encode_block(block));
        }
        writer.finish()
    }

    /// Returns the bytes of a block. A path stands as how many bytes it shares with the one before
    /// it, and the others.
    fn encode_block(notes: &[(HostPath, Look, Sight)]) -> Vec<u8> {
        let mut writer = RecordWriter::default();
        writer.number(notes.len() as u64);
        let mut last: &[u8] = &[];
        for (path, look, sight) in notes {
            let path = path.as_bytes();
            let shared = path.iter().zip(last).take_while(|(one, other)| one == other).count();
            writer.number(shared as u64);
            writer.bytes(&path[shared..]);
            last = path;
            let look = match look {
                Look::Itself => 0,
                Look::Through => 1,
                Look::Listing => 2,
                Look::Content => 3,
            };
            match sight {
                Sight::Absent(errno) => {
                    writer.tag(look);
                    writer.number(u64::from(errno.raw_os_error().unsigned_abs()));
                }
                Sight::Present(stat) => {
                    writer.tag(look | PRESENT);
                    write_stat(stat, &mut writer);
                }
            }
        }
        writer.finish()
    }

    /// Looks at every path again; tells whether all is as it was. Bytes that are no notes say that
    /// it is not.
    #[must_use]
    pub fn hold(bytes: &[u8]) -> bool {
        match blocks(bytes).as_deref() {
            Some([block]) => compare(block).is_some(),
            Some(blocks) => blocks.par_iter().all(|block| compare(block).is_some()),
            None => false,
        }
    }
}

/// Marks a path at which something stood.
const PRESENT: u8 = 4;

/// Takes the bytes of notes apart.
fn blocks(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = RecordReader::new(bytes);
    let count = reader.count(8)?;
    let blocks = (0..count).map(|_| reader.bytes()).collect::<Option<_>>()?;
    reader.end()?;
    Some(blocks)
}

/// Looks at every path of a block again; nothing if something is not as it was.
fn compare(bytes: &[u8]) -> Option<()> {
    let mut reader = RecordReader::new(bytes);
    let count = reader.count(3)?;
    let mut path = Vec::new();
    for _ in 0..count {
        let shared = usize::try_from(reader.number()?).ok()?;
        if shared > path.len() {
            return None;
        }
        path.truncate(shared);
        path.extend_from_slice(reader.bytes()?);
        let tag = reader.tag()?;
        let look = match tag & !PRESENT {
            0 => Look::Itself,
            1 => Look::Through,
            2 => Look::Listing,
            3 => Look::Content,
            _ => return None,
        };
        let is_same = match (see(&path, look), tag & PRESENT != 0) {
            (Sight::Absent(errno), false) => {
                u64::from(errno.raw_os_error().unsigned_abs()) == reader.number()?
            }
            (Sight::Present(stat), true) => agrees(&stat, &read_stat(&mut reader)?, look),
            (Sight::Absent(_), true) | (Sight::Present(_), false) => false,
        };
        if !is_same {
            return None;
        }
    }
    reader.end()
}

/// Looks at a path of this machine.
pub(crate) fn see(path: &[u8], look: Look) -> Sight {
    let seen = match look {
        Look::Through => Machine::look_through(path),
        Look::Itself | Look::Listing | Look::Content => Machine::look(path),
    };
    Sight::of(seen, look)
}

fn agrees(now: &Stat, then: &Stat, look: Look) -> bool {
    match look {
        Look::Itself | Look::Through | Look::Listing => now == then,
        Look::Content => Stat { ctime_ns: then.ctime_ns, ..*now } == *then,
    }
}

fn write_stat(stat: &Stat, writer: &mut RecordWriter) {
    writer.tag(match stat.file_type {
        FileType::Regular => 0,
        FileType::Directory => 1,
        FileType::Symlink => 2,
        FileType::Special => 3,
    });
    for number in [stat.id.device, stat.id.inode, stat.size, u64::from(stat.mode)] {
        writer.number(number);
    }
    writer.time_ns(stat.mtime_ns);
    writer.time_ns(stat.ctime_ns);
}

fn read_stat(reader: &mut RecordReader<'_>) -> Option<Stat> {
    let file_type = match reader.tag()? {
        0 => FileType::Regular,
        1 => FileType::Directory,
        2 => FileType::Symlink,
        3 => FileType::Special,
        _ => return None,
    };
    let id = FileId { device: reader.number()?, inode: reader.number()? };
    Some(Stat {
        file_type,
        id,
        size: reader.number()?,
        mode: u16::try_from(reader.number()?).ok()?,
        mtime_ns: reader.time_ns()?,
        ctime_ns: reader.time_ns()?,
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make what they look at")]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn every_change_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let changes: [(&str, &dyn Fn()); 7] = [
            ("a byte", &|| fs::write(at("file"), "other").unwrap()),
            ("another file", &|| fs::rename(at("new"), at("file")).unwrap()),
            ("a mode", &|| {
                fs::set_permissions(at("file"), fs::Permissions::from_mode(0o600)).unwrap();
            }),
            ("no file", &|| fs::remove_file(at("file")).unwrap()),
            ("a link", &|| {
                fs::remove_file(at("link")).unwrap();
                symlink("new", at("link")).unwrap();
            }),
            ("what was missed", &|| fs::write(at("absent"), "").unwrap()),
            ("a directory above", &|| fs::rename(at("below"), at("gone")).unwrap()),
        ];
        for (what, change) in changes {
            let _ = fs::remove_dir_all(at("below"));
            let _ = fs::remove_dir_all(at("gone"));
            for name in ["file", "link", "absent", "new"] {
                let _ = fs::remove_file(at(name));
            }
            fs::write(at("file"), "bytes").unwrap();
            fs::write(at("new"), "bytes").unwrap();
            symlink("file", at("link")).unwrap();
            fs::create_dir(at("below")).unwrap();
            let names = ["file", "link", "below", "below/none", "absent", "file/below"];
            let paths = names.map(|name| HostPath::new(at(name).as_os_str().as_bytes()));
            let mut notes = Notes::take(&paths, Look::Itself);
            notes.0.extend(Notes::take([&paths[2]], Look::Listing).0);
            let notes = notes.encode();
            assert!(Notes::hold(&notes));
            let through = Notes::take(&paths, Look::Through).encode();
            assert!(Notes::hold(&through));
            // Clocks of file systems are coarse.
            std::thread::sleep(std::time::Duration::from_millis(20));
            change();
            assert!(!Notes::hold(&notes), "{what}");
            assert!(!Notes::hold(&through), "{what}");
        }
    }

    #[test]
    fn a_name_in_a_directory_counts_where_the_names_were_listed() {
        let directory = tempfile::tempdir().unwrap();
        let path = HostPath::new(directory.path().as_os_str().as_bytes());
        let notes = |look| Notes::take([&path], look).encode();
        let (itself, listing) = (notes(Look::Itself), notes(Look::Listing));
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(directory.path().join("name"), "").unwrap();
        assert!(Notes::hold(&itself));
        assert!(!Notes::hold(&listing));
    }

    #[test]
    fn a_second_name_is_no_change_of_a_content() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("file"), "bytes").unwrap();
        let path = HostPath::new(at("file").as_os_str().as_bytes());
        let notes = |look| Notes::take([&path], look).encode();
        let (itself, content) = (notes(Look::Itself), notes(Look::Content));
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::hard_link(at("file"), at("name")).unwrap();
        assert!(!Notes::hold(&itself));
        assert!(Notes::hold(&content));
        fs::write(at("name"), "other").unwrap();
        assert!(!Notes::hold(&content));
    }

    #[test]
    fn a_change_is_seen_in_every_block() {
        let directory = tempfile::tempdir().unwrap();
        let at = |number: usize| directory.path().join(format!("{number:05}"));
        let paths: Vec<_> = (0..2 * BLOCK_PATHS + 10)
            .map(|number| HostPath::new(at(number).as_os_str().as_bytes()))
            .collect();
        let notes = Notes::take(&paths, Look::Itself).encode();
        assert!(Notes::hold(&notes));
        for number in [0, BLOCK_PATHS - 1, BLOCK_PATHS, 2 * BLOCK_PATHS + 9] {
            fs::write(at(number), "").unwrap();
            assert!(!Notes::hold(&notes), "{number}");
            fs::remove_file(at(number)).unwrap();
        }
    }

    #[test]
    fn what_is_cut_off_does_not_hold() {
        let paths = [HostPath::new(b"/"), HostPath::new(b"/none/at/all"), HostPath::new(b"/proc")];
        let notes = Notes::take(&paths[..2], Look::Content).encode();
        assert!(Notes::hold(&notes));
        for length in 0..notes.len() {
            assert!(!Notes::hold(&notes[..length]), "{length}");
        }
        assert!(!Notes::hold(&[&notes[..], b"x"].concat()));
    }
}
