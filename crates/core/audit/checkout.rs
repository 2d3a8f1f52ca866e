//! Copies of the part of a project that a recipe takes files from.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{chown, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use imgc_planner::NodeKind;
use imgc_planner::node::Place;
use imgc_planner::recipe::From;

use crate::error::ProgramError;
use crate::lockfile;
use crate::pipeline::Compiled;

/// Returns what a recipe is made from in its project: paths from there.
pub(super) fn inputs(compiled: &Compiled) -> BTreeSet<PathBuf> {
    let project = &compiled.project;
    let mut inputs: BTreeSet<PathBuf> =
        project.texts.iter().map(|path| PathBuf::from(path.as_str())).collect();
    let lock = lockfile::path_of(Path::new(project.recipe.as_str()));
    if project.root.join(&lock).exists() {
        inputs.insert(lock);
    }
    for node in compiled.plan.nodes().values() {
        let from = match &node.kind {
            NodeKind::Source(source) => match &source.place {
                Place::Host => continue,
                Place::Directory(from) => from,
            },
            NodeKind::Binary(binary) => &binary.from,
            NodeKind::File(file) => &file.from,
            NodeKind::Tree(tree) => &tree.from,
            NodeKind::Search(_)
            | NodeKind::Library(_)
            | NodeKind::Text(_)
            | NodeKind::Directory(_)
            | NodeKind::Symlink(_)
            | NodeKind::Facility(_)
            | NodeKind::Capability(_)
            | NodeKind::Layer(_)
            | NodeKind::Config(_)
            | NodeKind::Image(_) => continue,
        };
        if let From::Project(path) = from {
            inputs.insert(PathBuf::from(path.as_str()));
        }
    }
    inputs
}

/// A directory with a recipe and what it takes from its project.
#[derive(Debug)]
pub(super) struct Checkout(PathBuf);

impl Checkout {
    /// Takes a project as it is.
    pub(super) fn of(root: PathBuf) -> Self {
        Self(root)
    }

    /// Copies `inputs` of the project in `root` to `path`. What is last by name is made first.
    pub(super) fn make(
        root: &Path,
        inputs: &BTreeSet<PathBuf>,
        path: &Path,
    ) -> Result<Self, ProgramError> {
        let checkout = Self(path.to_owned());
        let failed = |source: io::Error| {
            let file = path.display().to_string();
            ProgramError::CannotWrite { file, source }
        };
        fs::create_dir_all(path).map_err(failed)?;
        for input in inputs.iter().rev() {
            checkout.copy(root, input, 0).map_err(failed)?;
        }
        Ok(checkout)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn copy(&self, root: &Path, name: &Path, links: usize) -> io::Result<()> {
        let (from, to) = (root.join(name), self.0.join(name));
        self.make_way(root, name, links)?;
        if to.symlink_metadata().is_ok_and(|status| !status.is_dir()) {
            return Ok(());
        }
        let status = from.symlink_metadata()?;
        if status.is_symlink() {
            self.copy_link(root, name, links)
        } else if status.is_dir() {
            fs::create_dir_all(&to)?;
            let entries = fs::read_dir(&from)?.collect::<io::Result<Vec<_>>>()?;
            let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
            names.sort();
            names.into_iter().rev().try_for_each(|below| self.copy(root, &name.join(below), links))
        } else {
            fs::copy(&from, &to).map(drop)
        }
    }

    /// Makes the directories above a path, and the links that stand for some of them.
    fn make_way(&self, root: &Path, name: &Path, links: usize) -> io::Result<()> {
        let mut way = PathBuf::new();
        for component in name.parent().into_iter().flat_map(Path::components) {
            way.push(component);
            let to = self.0.join(&way);
            if to.symlink_metadata().is_ok() {
                continue;
            }
            if root.join(&way).symlink_metadata()?.is_symlink() {
                self.copy_link(root, &way, links)?;
            } else {
                fs::create_dir(&to)?;
            }
        }
        Ok(())
    }

    /// Copies a link, and what it leads to if that is in the project.
    fn copy_link(&self, root: &Path, name: &Path, links: usize) -> io::Result<()> {
        // As many as the kernel follows (path_resolution(7)).
        if links > 40 {
            return Ok(());
        }
        let target = fs::read_link(root.join(name))?;
        symlink(&target, self.0.join(name))?;
        let mut leads_to = name.parent().unwrap_or(Path::new("")).to_owned();
        for component in target.components() {
            match component {
                Component::Normal(part) => leads_to.push(part),
                Component::CurDir => {}
                Component::ParentDir if leads_to.pop() => {}
                // It leads out of the project: the copy has no part in that.
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Ok(()),
            }
        }
        if root.join(&leads_to).symlink_metadata().is_ok() {
            self.copy(root, &leads_to, links + 1)?;
        }
        Ok(())
    }

    /// Gives every file a time in 1980.
    pub(super) fn age(&self) -> Result<(), ProgramError> {
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(315_619_200);
        each(&self.0, &|path| {
            if path.symlink_metadata()?.is_file() {
                // A file that nobody may write can still be given a time by its owner.
                File::open(path)?.set_modified(then)?;
            }
            Ok(())
        })
        .map_err(|source| {
            let file = self.0.display().to_string();
            ProgramError::CannotWrite { file, source }
        })
    }

    /// Makes everything belong to a user; says why if that cannot be.
    pub(super) fn give_away(&self, user: u32) -> Result<(), String> {
        let give = |path: &Path| match path.symlink_metadata()?.is_symlink() {
            true => Ok(()),
            false => chown(path, Some(user), Some(user)),
        };
        each(&self.0, &give).map_err(|error| format!("files cannot be given away: {error}"))
    }
}

fn each(path: &Path, visit: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    visit(path)?;
    if path.symlink_metadata()?.is_dir() {
        for entry in fs::read_dir(path)? {
            each(&entry?.path(), visit)?;
        }
    }
    Ok(())
}
