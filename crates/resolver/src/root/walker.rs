//! The walk through one tree, and the memory of what it met.

use std::collections::HashMap;

use imgc_planner::recipe::{ImagePath, MAX_PATH_BYTES, PathProblem};

use crate::host::{Errno, FileType, Host, HostPath, Stat};

use super::{Step, WalkError};

/// How many links one path may lead through: Linux's `MAXSYMLINKS` (`include/linux/namei.h`).
const MAX_LINKS: usize = 40;

/// What is known about one tree. Nothing is ever forgotten, so the places hold every path that a
/// run looked at, found or absent.
pub(super) struct Walker {
    /// By number; the first is the tree's root.
    places: Vec<Place>,
    /// Whether a link out of the tree is an error.
    beneath: bool,
}

/// One path that exists.
struct Place {
    path: ImagePath,
    parent: usize,
    /// None for the root until somebody asks.
    stat: Option<Stat>,
    /// The target, for a link.
    target: Option<Box<[u8]>>,
    /// What was looked up below: the place, or why there is none.
    below: HashMap<Box<[u8]>, Result<usize, Errno>>,
}

const ROOT: usize = 0;

impl Walker {
    pub(super) fn new(beneath: bool) -> Self {
        let root = Place {
            path: ImagePath::root(),
            parent: ROOT,
            stat: None,
            target: None,
            below: HashMap::new(),
        };
        Self { places: vec![root], beneath }
    }

    /// Walks `path` as `path_resolution(7)` says.
    pub(super) fn walk(
        &mut self,
        host: &dyn Host,
        base: &HostPath,
        path: &[u8],
        cwd: &ImagePath,
    ) -> Result<(ImagePath, Stat, Vec<Step>), WalkError> {
        let mut trail = Vec::new();
        let mut here = ROOT;
        match self.steps(host, base, path, cwd, &mut here, &mut trail) {
            Ok(stat) => Ok((self.places[here].path.clone(), stat, trail)),
            Err((errno, at)) => Err(WalkError {
                errno,
                at: at.unwrap_or_else(|| self.places[here].path.clone()),
                trail,
            }),
        }
    }

    /// Walks, keeping `here` and `trail` up to date; an error names the place if it is not `here`.
    fn steps(
        &mut self,
        host: &dyn Host,
        base: &HostPath,
        path: &[u8],
        cwd: &ImagePath,
        here: &mut usize,
        trail: &mut Vec<Step>,
    ) -> Result<Stat, (Errno, Option<ImagePath>)> {
        if path.is_empty() {
            return Err((Errno::NOENT, None));
        }
        if path.len() > MAX_PATH_BYTES {
            return Err((Errno::NAMETOOLONG, None));
        }
        // What is still to be walked, the next component last.
        let mut pending: Vec<Box<[u8]>> = Vec::new();
        push(&mut pending, path);
        if path[0] != b'/' {
            push(&mut pending, cwd.as_bytes());
        }
        let mut links = 0;
        while let Some(name) = pending.pop() {
            self.enter(*here)?;
            match &*name {
                b"." => continue,
                b".." => {
                    note_directory(trail, &self.places[*here].path);
                    if *here == ROOT && self.beneath {
                        return Err((Errno::XDEV, None));
                    }
                    *here = self.places[*here].parent;
                    continue;
                }
                _ => note_directory(trail, &self.places[*here].path),
            }
            let child = match self.child(host, base, *here, &name) {
                Ok(child) => child,
                Err(errno) => return Err((errno, self.places[*here].path.join(&name).ok())),
            };
            let Some(target) = &self.places[child].target else {
                *here = child;
                continue;
            };
            let at = self.places[child].path.clone();
            links += 1;
            if links > MAX_LINKS {
                return Err((Errno::LOOP, Some(at)));
            }
            if target.is_empty() {
                return Err((Errno::NOENT, Some(at)));
            }
            trail.push(Step::Link { at: at.clone(), target: target.clone() });
            push(&mut pending, target);
            if target[0] == b'/' {
                if self.beneath {
                    return Err((Errno::XDEV, Some(at)));
                }
                *here = ROOT;
            }
        }
        self.stat(host, base, *here).map_err(|errno| (errno, None))
    }

    /// Checks that a component may follow. The root counts as a directory until it is asked for.
    fn enter(&self, place: usize) -> Result<(), (Errno, Option<ImagePath>)> {
        match self.places[place].stat {
            Some(Stat { file_type: FileType::Directory, .. }) | None => Ok(()),
            Some(_) => Err((Errno::NOTDIR, None)),
        }
    }

    fn child(
        &mut self,
        host: &dyn Host,
        base: &HostPath,
        parent: usize,
        name: &[u8],
    ) -> Result<usize, Errno> {
        if let Some(known) = self.places[parent].below.get(name) {
            return *known;
        }
        let found = self.look(host, base, parent, name);
        self.places[parent].below.insert(name.into(), found);
        found
    }

    fn look(
        &mut self,
        host: &dyn Host,
        base: &HostPath,
        parent: usize,
        name: &[u8],
    ) -> Result<usize, Errno> {
        let path = self.places[parent].path.join(name).map_err(|problem| match problem {
            PathProblem::ComponentTooLong | PathProblem::TooLong => Errno::NAMETOOLONG,
            // No image can hold such a name, and a program of the image cannot find it there.
            PathProblem::Whiteout
            | PathProblem::Nul
            | PathProblem::Empty
            | PathProblem::DotDot
            | PathProblem::NotAbsolute
            | PathProblem::NotRelative
            | PathProblem::OutsideProject => Errno::NOENT,
        })?;
        let host_path = base.join(path.as_bytes());
        let stat = host.lstat(&host_path)?;
        let target = match stat.file_type {
            FileType::Symlink => Some(host.read_link(&host_path)?.into_boxed_slice()),
            FileType::Regular | FileType::Directory | FileType::Special => None,
        };
        let place = Place { path, parent, stat: Some(stat), target, below: HashMap::new() };
        self.places.push(place);
        Ok(self.places.len() - 1)
    }

    fn stat(&mut self, host: &dyn Host, base: &HostPath, place: usize) -> Result<Stat, Errno> {
        if let Some(stat) = self.places[place].stat {
            return Ok(stat);
        }
        // The base itself may be a link, which the machine's owner chose; `.` is what it leads to.
        let stat = host.lstat(&base.join(b"."))?;
        self.places[place].stat = Some(stat);
        Ok(stat)
    }
}

/// Puts the components of `path` in front of what is pending. A closing slash demands a directory,
/// as `.` behind it would.
fn push(pending: &mut Vec<Box<[u8]>>, path: &[u8]) {
    if path.ends_with(b"/") {
        pending.push(Box::from(*b"."));
    }
    let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
    pending.extend(names.rev().map(Box::from));
}

fn note_directory(trail: &mut Vec<Step>, path: &ImagePath) {
    if path.is_root() {
        return;
    }
    let known = trail.iter().any(|step| matches!(step, Step::Directory(known) if known == path));
    if !known {
        trail.push(Step::Directory(path.clone()));
    }
}
