//! One search list of glibc: directories by capability directories (`elf/dl-load.c`, `open_path`).

use std::collections::HashMap;
use std::sync::Arc;

use imgc_planner::Rule;
use imgc_planner::recipe::ImagePath;

use crate::host::{Errno, FileType};
use crate::root::{Roots, Step, Walk, WalkError};

use super::elf::{Elf, ElfProblem, Shelf, Unread, View};
use super::fatal::Cause;
use super::path_list::PathList;
use super::profile::Profile;
use super::trace::{Candidate, Found, Refusal};
use super::verify::{self, Verdict};

/// `S_ISUID` (`inode(7)`).
const SET_USER_ID: u16 = 0o4000;

/// A file that was opened and passed the first checks.
pub(super) struct Opened {
    pub(super) path: Box<[u8]>,
    pub(super) found: Found,
    pub(super) walk: Walk,
    pub(super) elf: Arc<Elf>,
}

/// A file that ends the loading.
pub(super) struct Stopped {
    pub(super) path: Box<[u8]>,
    pub(super) found: Found,
    pub(super) cause: Cause,
}

/// What was looked at so far, by one start of one program.
pub(super) struct Search<'a> {
    pub(super) roots: &'a Roots,
    pub(super) shelf: &'a Shelf,
    pub(super) cwd: &'a ImagePath,
    pub(super) profile: &'a Profile,
    /// Whether ENOTDIR leaves a list in force (2.39 and later).
    pub(super) passes_over_files: bool,
    /// What stands between directory and name; the last one is empty.
    pub(super) prefixes: Vec<Box<[u8]>>,
    /// Whether a directory with a prefix exists, once it was looked at.
    pub(super) known: HashMap<Box<[u8]>, Vec<Status>>,
    /// What was tried and not taken since this was last emptied.
    pub(super) tried: Vec<Candidate>,
    /// Whether a search takes only set-user-id files (preload in a secure start). Paths are not
    /// searched, and are taken as they are (`open_path` alone looks at the mode).
    pub(super) only_set_user_id: bool,
}

/// What the loader remembers of a directory (`enum r_dir_status`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Unknown,
    Existing,
    Absent,
}

/// Why the rest of a list is not searched.
enum Left {
    /// "The file exists and is readable, but something went wrong": the search goes on elsewhere.
    List,
    Loading(Stopped),
}

enum Attempt {
    Taken(Opened),
    Refused(Errno),
    Stopped(Stopped),
}

impl Search<'_> {
    /// Opens one path, outside of any list. Nothing if it is passed over.
    pub(super) fn open(&mut self, path: &[u8], found: Found) -> Result<Option<Opened>, Stopped> {
        match self.attempt(path, found) {
            Attempt::Taken(opened) => Ok(Some(opened)),
            Attempt::Refused(_) => Ok(None),
            Attempt::Stopped(stopped) => Err(stopped),
        }
    }

    /// Searches the directories of a list for `name`.
    pub(super) fn list(
        &mut self,
        name: &[u8],
        list: &PathList,
        rule: &Rule,
    ) -> Result<Option<Opened>, Stopped> {
        for directory in list {
            let absolute = directory.first() == Some(&b'/');
            let mut statuses = self.known.remove(directory).unwrap_or_else(|| {
                // A relative directory is never given up: the working directory may change.
                let status = if absolute { Status::Unknown } else { Status::Existing };
                vec![status; self.prefixes.len()]
            });
            let result = self.directory(name, directory, rule, &mut statuses);
            self.known.insert(directory.clone(), statuses);
            match result {
                Ok(Some(opened)) => return Ok(Some(opened)),
                Ok(None) => {}
                Err(Left::Loading(stopped)) => return Err(stopped),
                Err(Left::List) => return Ok(None),
            }
        }
        Ok(None)
    }

    fn directory(
        &mut self,
        name: &[u8],
        directory: &[u8],
        rule: &Rule,
        statuses: &mut [Status],
    ) -> Result<Option<Opened>, Left> {
        let mut exists = false;
        let mut errno = Errno::NOENT;
        for (place, status) in statuses.iter_mut().enumerate() {
            if *status == Status::Absent {
                continue;
            }
            let prefix = &self.prefixes[place];
            let path = [directory, prefix, name].concat();
            let directory_length = directory.len() + prefix.len();
            let found = Found {
                rule: rule.clone(),
                directory: Some(directory.into()),
                capability: (!prefix.is_empty()).then(|| prefix.clone()),
            };
            match self.attempt(&path, found) {
                Attempt::Taken(opened)
                    if self.only_set_user_id && opened.walk.stat.mode & SET_USER_ID == 0 =>
                {
                    *status = Status::Existing;
                    errno = Errno::NOENT;
                    self.refuse(&opened.path, opened.found, Refusal::NotSetUserId);
                }
                Attempt::Taken(opened) => {
                    *status = Status::Existing;
                    return Ok(Some(opened));
                }
                Attempt::Refused(refused) => errno = refused,
                Attempt::Stopped(stopped) => return Err(Left::Loading(stopped)),
            }
            if *status == Status::Unknown {
                // Without its slash at the end, which makes `/` an empty path, and that is absent.
                let bare = &path[..directory_length.saturating_sub(1)];
                *status = match self.roots.walk(bare, self.cwd) {
                    Ok(walk) if walk.stat.file_type == FileType::Directory => Status::Existing,
                    Ok(_) => Status::Absent,
                    Err(error) => {
                        errno = error.errno;
                        Status::Absent
                    }
                };
            }
            exists |= *status == Status::Existing;
        }
        let passes = match errno {
            Errno::NOENT | Errno::ACCESS => true,
            Errno::NOTDIR => self.passes_over_files,
            _ => false,
        };
        if exists && !passes { Err(Left::List) } else { Ok(None) }
    }

    /// Opens a path and judges what is there.
    fn attempt(&mut self, path: &[u8], found: Found) -> Attempt {
        let walk = match self.roots.walk(path, self.cwd) {
            Ok(walk) => walk,
            Err(error) => {
                let errno = error.errno;
                self.refuse(path, found, refusal(path, &error));
                return Attempt::Refused(errno);
            }
        };
        let elf = match self.shelf.read(self.roots, &walk, View::Loader) {
            Ok(elf) => elf,
            Err(Unread::Open(errno @ Errno::ACCESS)) => {
                self.refuse(path, found, Refusal::NotPermitted);
                return Attempt::Refused(errno);
            }
            // A directory can be opened and not read; a device is not worth a guess.
            Err(Unread::Open(Errno::ISDIR | Errno::NXIO)) => {
                return stop(path, found, Cause::Unreadable);
            }
            Err(Unread::Open(errno)) => {
                self.refuse(path, found, Refusal::Errno(errno));
                return Attempt::Refused(errno);
            }
            Err(Unread::Elf(ElfProblem::Unreadable(_))) => {
                return stop(path, found, Cause::Unreadable);
            }
            Err(Unread::Elf(problem)) => return stop(path, found, Cause::Elf(problem)),
        };
        match verify::header(&elf, walk.stat.size, self.profile) {
            Verdict::Take => Attempt::Taken(Opened { path: path.into(), found, walk, elf }),
            Verdict::Skip(refusal) => {
                self.refuse(path, found, refusal);
                Attempt::Refused(Errno::NOENT)
            }
            Verdict::Stop(cause) => stop(path, found, cause),
        }
    }

    pub(super) fn refuse(&mut self, path: &[u8], found: Found, refusal: Refusal) {
        self.tried.push(Candidate { path: path.into(), found, refusal });
    }
}

fn stop(path: &[u8], found: Found, cause: Cause) -> Attempt {
    Attempt::Stopped(Stopped { path: path.into(), found, cause })
}

/// Says why a walk failed, as a user would.
pub(super) fn refusal(path: &[u8], error: &WalkError) -> Refusal {
    match error.errno {
        Errno::NOENT | Errno::NOTDIR => {
            let name = path.rsplit(|byte| *byte == b'/').next();
            let followed = error
                .trail
                .iter()
                .any(|step| matches!(step, Step::Link { at, .. } if at.file_name() == name));
            if followed { Refusal::BrokenLink } else { Refusal::Absent }
        }
        Errno::ACCESS => Refusal::NotPermitted,
        errno => Refusal::Errno(errno),
    }
}
