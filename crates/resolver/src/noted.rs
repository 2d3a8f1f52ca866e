//! The machine, with everything that is looked at written down.
//!
//! A file that is written to twice within one tick of the clock looks the same both times. So what
//! changed shortly before a build, or during it, is *racy*, as git calls it: it may have changed
//! again after it was read. Of such files the content is hashed when they are opened, and again at
//! the end, when their last change is long enough ago to tell it from a next one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::host::{Errno, FileType, Hashed, Host, HostFile, HostPath, Stat};
use crate::knowledge::Knowledge;
use crate::machine::Machine;
use crate::notes::{Look, Notes, Sight, see};

/// How long ago a change must be, in nanoseconds, to be told from a next one. Linux takes the time
/// from the last tick of its timer: every 10 ms at most. A larger margin makes more files racy,
/// which costs reading them again.
const TICK_NS: i128 = 20_000_000;

/// The same for a file system that keeps whole seconds, two of them on FAT.
const COARSE_TICK_NS: i128 = 2_000_000_000;

/// This machine, which remembers what was asked.
#[derive(Debug)]
pub struct Noted {
    start_ns: i128,
    seen: Arc<Mutex<Seen>>,
    knowledge: Mutex<Knowledge>,
}

#[derive(Debug, Default)]
struct Seen {
    /// By path; whoever writes them down sorts them.
    notes: HashMap<HostPath, Sights>,
    /// Hashes of what was read at racy paths.
    racy: BTreeMap<(HostPath, Look), [u8; 32]>,
    /// A path was seen in two states.
    changed: bool,
    /// The first thing that the machine refused and that is no answer.
    trouble: Option<(HostPath, Errno)>,
}

/// What was seen at a path, for each way to look at it.
#[derive(Debug, Default)]
struct Sights([Option<Sight>; Look::ALL.len()]);

impl Sights {
    fn get(&self, look: Look) -> Option<&Sight> {
        self.0[look as usize].as_ref()
    }
}

impl Seen {
    fn get(&self, path: &HostPath, look: Look) -> Option<&Sight> {
        self.notes.get(path)?.get(look)
    }

    fn note(&mut self, path: &HostPath, look: Look, sight: Sight) {
        // Most paths are looked at again and again, and are not copied then.
        let sights = match self.notes.get_mut(path) {
            Some(sights) => sights,
            None => self.notes.entry(path.clone()).or_default(),
        };
        let known = *sights.0[look as usize].get_or_insert(sight);
        self.changed |= known != sight;
    }
}

impl Noted {
    /// Starts with nothing seen, and with what earlier builds found out. `start_ns` is the time, in
    /// nanoseconds since 1970.
    #[must_use]
    pub fn new(start_ns: i128, knowledge: Knowledge) -> Self {
        Self { start_ns, seen: Arc::default(), knowledge: Mutex::new(knowledge) }
    }

    /// Returns the first path that the machine refused to give out, and why. A loader that meets
    /// this goes on and does without; what it finds then is none of the sources' doing.
    pub fn trouble(&self) -> Option<(HostPath, Errno)> {
        self.seen().trouble.clone()
    }

    /// Returns the bytes of what is known by now; nothing if that is what was known before.
    pub fn learned(&self) -> Option<Vec<u8>> {
        self.knowledge().encode()
    }

    fn knowledge(&self) -> MutexGuard<'_, Knowledge> {
        self.knowledge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a path whose content is read, through a link.
    pub fn follow(&self, path: &HostPath) {
        self.note_before_reading(path, Look::Through);
    }

    /// Returns the time from which on it can be told whether what is racy has changed, in
    /// nanoseconds since 1970; nothing if nothing is racy.
    pub fn settled_ns(&self) -> Option<i128> {
        let seen = self.seen();
        let settled = |(path, look): &(HostPath, Look)| settled_ns(seen.get(path, *look)?);
        seen.racy.keys().filter_map(settled).max()
    }

    /// Returns what was seen; nothing if something has changed meanwhile. Asked after
    /// [`Noted::settled_ns`].
    pub fn notes(&self) -> Option<Notes> {
        let seen = self.seen();
        if seen.changed {
            return None;
        }
        for ((path, look), before) in &seen.racy {
            let sight = see(path.as_bytes(), *look);
            if seen.get(path, *look) != Some(&sight) || content(path, &sight) != Some(*before) {
                return None;
            }
        }
        let mut paths: Vec<_> = seen.notes.iter().collect();
        paths.sort_unstable_by_key(|(path, _)| *path);
        let notes = paths.into_iter().flat_map(|(path, sights)| {
            let seen = Look::ALL.into_iter().filter_map(|look| Some((look, *sights.get(look)?)));
            seen.map(|(look, sight)| (path.clone(), look, sight))
        });
        Some(Notes(notes.collect()))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        locked(&self.seen)
    }

    /// Passes an outcome on, after taking note of an error that is no answer: that nothing is
    /// there, or something else than was asked for.
    fn checked<T>(
        &self,
        path: &HostPath,
        outcome: Result<T, Errno>,
        answers: &[Errno],
    ) -> Result<T, Errno> {
        const ANSWERS: [Errno; 4] = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::NAMETOOLONG];
        outcome.inspect_err(|errno| {
            if !ANSWERS.contains(errno) && !answers.contains(errno) {
                self.seen().trouble.get_or_insert((path.clone(), *errno));
            }
        })
    }

    fn note(&self, path: &HostPath, look: Look, sight: Sight) {
        self.seen().note(path, look, sight);
    }

    /// Makes sure that what is read at a path was seen there before.
    fn note_before_reading(&self, path: &HostPath, look: Look) {
        let known = self.seen().get(path, look).copied();
        let sight = known.unwrap_or_else(|| {
            let sight = see(path.as_bytes(), look);
            self.note(path, look, sight);
            sight
        });
        if self.is_racy(&sight) {
            self.remember(path, look);
        }
    }

    fn is_racy(&self, sight: &Sight) -> bool {
        settled_ns(sight).is_some_and(|settled| settled > self.start_ns)
    }

    fn remember(&self, path: &HostPath, look: Look) {
        let sight = see(path.as_bytes(), look);
        let content = content(path, &sight);
        let mut seen = self.seen();
        match content {
            Some(content) => {
                let known = *seen.racy.entry((path.clone(), look)).or_insert(content);
                seen.changed |= known != content;
            }
            None => seen.changed = true,
        }
    }
}

/// Returns the time from which on a change would be seen.
fn settled_ns(sight: &Sight) -> Option<i128> {
    let Sight::Present(stat) = sight else { return None };
    let is_coarse = stat.ctime_ns % 1_000_000_000 == 0;
    Some(stat.ctime_ns + if is_coarse { COARSE_TICK_NS } else { TICK_NS })
}

/// Hashes what can be read at a path.
fn content(path: &HostPath, sight: &Sight) -> Option<[u8; 32]> {
    let Sight::Present(stat) = sight else { return None };
    let mut hash = Sha256::new();
    match stat.file_type {
        FileType::Regular => {
            // Who looked through a link opens through it.
            let file = Machine::open_through(path).ok()?;
            let mut buffer = vec![0; 1 << 16];
            let mut offset = 0;
            loop {
                let count = file.read_at(&mut buffer, offset).ok()?;
                hash.update(&buffer[..count]);
                offset += count as u64;
                if count < buffer.len() {
                    break;
                }
            }
        }
        FileType::Directory => {
            for name in Machine.read_dir(path).ok()? {
                hash.update((name.len() as u64).to_le_bytes());
                hash.update(name);
            }
        }
        FileType::Symlink => hash.update(Machine.read_link(path).ok()?),
        FileType::Special => {}
    }
    Some(hash.finalize().into())
}

impl Host for Noted {
    fn lstat(&self, path: &HostPath) -> Result<Stat, Errno> {
        let found = Machine.lstat(path);
        self.note(path, Look::Itself, Sight::of(found, Look::Itself));
        // What this user cannot see does not count, as for a loader.
        self.checked(path, found, &[Errno::ACCESS])
    }

    fn read_link(&self, path: &HostPath) -> Result<Vec<u8>, Errno> {
        self.note_before_reading(path, Look::Itself);
        self.checked(path, Machine.read_link(path), &[Errno::INVAL, Errno::ACCESS])
    }

    fn read_dir(&self, path: &HostPath) -> Result<Vec<Vec<u8>>, Errno> {
        self.note_before_reading(path, Look::Listing);
        self.checked(path, Machine.read_dir(path), &[])
    }

    fn open(&self, path: &HostPath) -> Result<Box<dyn HostFile>, Errno> {
        self.note_before_reading(path, Look::Itself);
        let opened = Machine.open(path);
        let file = self.checked(path, opened, &[Errno::ISDIR, Errno::NXIO])?;
        Ok(Box::new(NotedFile { file, path: path.clone(), seen: Arc::clone(&self.seen) }))
    }

    fn recall(&self, stat: &Stat) -> Option<Hashed> {
        self.knowledge().recall(stat)
    }

    fn learn(&self, stat: &Stat, hashed: Hashed) {
        // What is racy may be another content by now.
        if settled_ns(&Sight::Present(*stat)).is_some_and(|settled| settled <= self.start_ns) {
            self.knowledge().learn(stat, hashed);
        }
    }
}

struct NotedFile {
    file: Box<dyn HostFile>,
    path: HostPath,
    seen: Arc<Mutex<Seen>>,
}

impl NotedFile {
    fn checked<T>(&self, outcome: Result<T, Errno>) -> Result<T, Errno> {
        outcome.inspect_err(|errno| {
            locked(&self.seen).trouble.get_or_insert((self.path.clone(), *errno));
        })
    }
}

impl HostFile for NotedFile {
    fn opened(&self) -> Stat {
        self.file.opened()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        self.checked(self.file.stat())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.checked(self.file.read_at(buffer, offset))
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make what they look at")]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    fn now_ns() -> i128 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
    }

    fn place() -> (tempfile::TempDir, HostPath) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "one").unwrap();
        let path = HostPath::new(path.as_os_str().as_bytes());
        (directory, path)
    }

    #[test]
    fn what_changed_long_ago_is_not_read_again() {
        let (_directory, path) = place();
        let noted = Noted::new(now_ns() + 10 * COARSE_TICK_NS, Knowledge::default());
        noted.open(&path).unwrap();
        noted.follow(&path);
        assert_eq!(noted.settled_ns(), None);
        assert_eq!(noted.notes().unwrap().0.len(), 2);
    }

    #[test]
    fn what_changed_a_moment_ago_is_compared_in_the_end() {
        let (_directory, path) = place();
        let noted = Noted::new(now_ns(), Knowledge::default());
        noted.open(&path).unwrap();
        let Sight::Present(stat) = see(path.as_bytes(), Look::Itself) else { panic!() };
        assert!(noted.settled_ns() > Some(stat.ctime_ns));
        assert!(Notes::hold(&noted.notes().unwrap().encode()));

        // The same size, and a time that could be the same.
        let noted = Noted::new(now_ns(), Knowledge::default());
        noted.open(&path).unwrap();
        fs::write(std::path::Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())), "two")
            .unwrap();
        assert_eq!(noted.notes(), None);
    }

    #[test]
    fn a_path_that_is_seen_in_two_states_is_no_ground_for_anything() {
        let (directory, path) = place();
        let noted = Noted::new(now_ns() + 10 * COARSE_TICK_NS, Knowledge::default());
        noted.lstat(&path).unwrap();
        fs::remove_dir_all(directory.path()).unwrap();
        assert_eq!(noted.lstat(&path), Err(Errno::NOENT));
        assert_eq!(noted.notes(), None);
    }
}
