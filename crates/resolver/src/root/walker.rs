//! The walk through an overlay of trees, and the memory of what it met.

use std::collections::HashMap;

use imgc_planner::recipe::{ImagePath, MAX_PATH_BYTES, PathProblem};

use crate::host::{Errno, FileType, Stat};

use super::{Root, Step, Walk, WalkError};

/// How many links one path may lead through: Linux's `MAXSYMLINKS` (`include/linux/namei.h`).
const MAX_LINKS: usize = 40;

/// What is known about an overlay. Nothing is ever forgotten, so the places hold every path that a
/// run looked at, found or absent.
pub(super) struct Walker {
    /// By number; the first is the root.
    places: Vec<Place>,
    /// The directory that the last absolute path named: libraries stand together.
    last: Option<Directory>,
}

/// A directory as paths have it, walked.
struct Directory {
    /// With its closing slash.
    written: Box<[u8]>,
    way: Way,
}

/// How far a walk came.
#[derive(Clone)]
struct Way {
    here: usize,
    trail: Vec<Step>,
    /// How many links were followed.
    links: usize,
}

/// One path that exists.
struct Place {
    path: ImagePath,
    parent: usize,
    /// The first tree that has it.
    source: usize,
    /// None for the root until somebody asks.
    stat: Option<Stat>,
    /// The target, for a link.
    target: Option<Box<[u8]>>,
    /// The trees behind `source` in which it is a directory too, once somebody asked.
    lower: Option<Vec<usize>>,
    /// What was looked up below: the place, or why there is none.
    below: HashMap<Box<[u8]>, Result<usize, Errno>>,
}

const ROOT: usize = 0;

impl Walker {
    pub(super) fn new() -> Self {
        let root = Place {
            path: ImagePath::root(),
            parent: ROOT,
            source: 0,
            stat: None,
            target: None,
            lower: None,
            below: HashMap::new(),
        };
        // Room for what one program leads to: places are large, and would be moved at each doubling.
        let mut places = Vec::with_capacity(64);
        places.push(root);
        Self { places, last: None }
    }

    /// Walks `path` as `path_resolution(7)` says.
    pub(super) fn walk(
        &mut self,
        roots: &[Root],
        path: &[u8],
        cwd: &ImagePath,
    ) -> Result<Walk, WalkError> {
        let mut way = Way { here: ROOT, trail: Vec::new(), links: 0 };
        let walked = self.whole(roots, path, cwd, &mut way);
        let stat = walked.and_then(|()| self.stat(roots, way.here).map_err(|errno| (errno, None)));
        let Way { here, trail, .. } = way;
        match stat {
            Ok(stat) => {
                let Place { path, source, .. } = &self.places[here];
                Ok(Walk { real: path.clone(), stat, source: *source, trail })
            }
            Err((errno, at)) => {
                let at = at.unwrap_or_else(|| self.places[here].path.clone());
                Err(WalkError { errno, at, trail })
            }
        }
    }

    /// Returns the trees in which the end of a walk is a directory, in order.
    pub(super) fn layers(&mut self, roots: &[Root], walk: &Walk) -> Result<Vec<usize>, Errno> {
        let mut place = ROOT;
        for name in walk.real.components() {
            place = self.child(roots, place, name)?;
        }
        let mut layers = vec![self.places[place].source];
        layers.extend_from_slice(self.lower(roots, place));
        Ok(layers)
    }

    /// Walks all of `path`, from the directory that was walked last if it stands there too: nothing
    /// that was found is ever looked for again.
    fn whole(
        &mut self,
        roots: &[Root],
        path: &[u8],
        cwd: &ImagePath,
        way: &mut Way,
    ) -> Result<(), (Errno, Option<ImagePath>)> {
        if path.is_empty() {
            return Err((Errno::NOENT, None));
        }
        if path.len() > MAX_PATH_BYTES {
            return Err((Errno::NAMETOOLONG, None));
        }
        if path[0] != b'/' {
            self.steps(roots, cwd.as_bytes(), way)?;
            return self.steps(roots, path, way);
        }
        let name = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        let (directory, name) = path.split_at(name);
        match &self.last {
            Some(last) if *last.written == *directory => *way = last.way.clone(),
            _ => {
                self.steps(roots, directory, way)?;
                self.last = Some(Directory { written: directory.into(), way: way.clone() });
            }
        }
        self.steps(roots, name, way)
    }

    /// Walks the components of `text`, keeping `way` up to date; an error names the place if it is
    /// not where the way ends.
    fn steps(
        &mut self,
        roots: &[Root],
        text: &[u8],
        way: &mut Way,
    ) -> Result<(), (Errno, Option<ImagePath>)> {
        for name in text.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            self.enter(way.here)?;
            if name == b"." {
                continue;
            }
            note_directory(&mut way.trail, &self.places[way.here].path);
            if name == b".." {
                if way.here == ROOT && roots.iter().any(|root| root.beneath) {
                    return Err((Errno::XDEV, None));
                }
                way.here = self.places[way.here].parent;
                continue;
            }
            let child = match self.child(roots, way.here, name) {
                Ok(child) => child,
                Err(errno) => return Err((errno, self.places[way.here].path.join(name).ok())),
            };
            match self.places[child].target.clone() {
                Some(target) => self.follow(roots, child, target, way)?,
                None => way.here = child,
            }
        }
        // A closing slash demands a directory, as `.` behind it would.
        if text.ends_with(b"/") { self.enter(way.here) } else { Ok(()) }
    }

    /// Walks on by the text of a link.
    fn follow(
        &mut self,
        roots: &[Root],
        link: usize,
        target: Box<[u8]>,
        way: &mut Way,
    ) -> Result<(), (Errno, Option<ImagePath>)> {
        let at = self.places[link].path.clone();
        way.links += 1;
        if way.links > MAX_LINKS {
            return Err((Errno::LOOP, Some(at)));
        }
        if target.is_empty() {
            return Err((Errno::NOENT, Some(at)));
        }
        way.trail.push(Step::Link { at: at.clone(), target: target.clone() });
        if target[0] == b'/' {
            if roots.iter().any(|root| root.beneath) {
                return Err((Errno::XDEV, Some(at)));
            }
            way.here = ROOT;
        }
        self.steps(roots, &target, way)
    }

    /// Checks that a component may follow. The root counts as a directory until it is asked for.
    fn enter(&self, place: usize) -> Result<(), (Errno, Option<ImagePath>)> {
        match self.places[place].stat {
            Some(Stat { file_type: FileType::Directory, .. }) | None => Ok(()),
            Some(_) => Err((Errno::NOTDIR, None)),
        }
    }

    fn child(&mut self, roots: &[Root], parent: usize, name: &[u8]) -> Result<usize, Errno> {
        if let Some(known) = self.places[parent].below.get(name) {
            return *known;
        }
        let found = self.look(roots, parent, name);
        self.places[parent].below.insert(name.into(), found);
        found
    }

    fn look(&mut self, roots: &[Root], parent: usize, name: &[u8]) -> Result<usize, Errno> {
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
        // The trees behind the first are asked only for what it does not have.
        let first = self.places[parent].source;
        match self.look_in(roots, first, parent, &path) {
            Err(Errno::NOENT) => {}
            found => return found,
        }
        for source in self.lower(roots, parent).to_vec() {
            match self.look_in(roots, source, parent, &path) {
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                found => return found,
            }
        }
        Err(Errno::NOENT)
    }

    fn look_in(
        &mut self,
        roots: &[Root],
        source: usize,
        parent: usize,
        path: &ImagePath,
    ) -> Result<usize, Errno> {
        let root = roots.get(source).ok_or(Errno::NOENT)?;
        let host_path = root.host_path(path);
        let stat = root.host.lstat(&host_path)?;
        let target = match stat.file_type {
            FileType::Symlink => Some(root.host.read_link(&host_path)?.into_boxed_slice()),
            FileType::Regular | FileType::Directory | FileType::Special => None,
        };
        self.places.push(Place {
            path: path.clone(),
            parent,
            source,
            stat: Some(stat),
            target,
            lower: None,
            below: HashMap::new(),
        });
        Ok(self.places.len() - 1)
    }

    /// Returns the trees behind a directory's own in which it is a directory too, and not a link
    /// that the machine would follow.
    fn lower(&mut self, roots: &[Root], place: usize) -> &[usize] {
        if self.places[place].lower.is_none() {
            let Place { path, parent, source, .. } = &self.places[place];
            let (path, parent, source) = (path.clone(), *parent, *source);
            let candidates: Vec<usize> = if place == ROOT {
                (1..roots.len()).collect()
            } else {
                let above = self.lower(roots, parent).iter().copied();
                above.filter(|candidate| *candidate > source).collect()
            };
            let is_directory = |candidate: &usize| {
                let root = &roots[*candidate];
                place == ROOT
                    || matches!(
                        root.host.lstat(&root.host_path(&path)),
                        Ok(Stat { file_type: FileType::Directory, .. })
                    )
            };
            self.places[place].lower = Some(candidates.into_iter().filter(is_directory).collect());
        }
        self.places[place].lower.as_deref().unwrap_or_default()
    }

    fn stat(&mut self, roots: &[Root], place: usize) -> Result<Stat, Errno> {
        if let Some(stat) = self.places[place].stat {
            return Ok(stat);
        }
        // The base itself may be a link, which the machine's owner chose; `.` is what it leads to.
        let root = roots.first().ok_or(Errno::NOENT)?;
        let stat = root.host.lstat(&root.base.join(b"."))?;
        self.places[place].stat = Some(stat);
        Ok(stat)
    }
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
