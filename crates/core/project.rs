//! The project: the directory out of which no relative path of a recipe leads.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use imgc_parser::{Printable, ProjectPath, SourceText, Texts};
use imgc_resolver::{HostPath, Noted};

use crate::error::ProgramError;

/// Bytes of a recipe that are read: one more than the parser takes, so that it can say so.
const MAX_RECIPE_BYTES: u64 = (1 << 20) + 1;

/// A project, and the recipe in it that is worked on.
#[derive(Debug)]
pub(crate) struct Project {
    /// The project's directory, absolute.
    pub(crate) root: PathBuf,
    /// The recipe, from there.
    pub(crate) recipe: ProjectPath,
    /// The recipe and the files that it uses, as far as they were read.
    pub(crate) texts: BTreeSet<ProjectPath>,
    cwd: PathBuf,
    noted: Arc<Noted>,
}

impl Project {
    /// Joins a project's directory and the recipe's place, both absolute.
    ///
    /// # Errors
    /// When the recipe lies outside the project, or its path is not UTF-8.
    pub(crate) fn new(
        root: PathBuf,
        cwd: PathBuf,
        recipe: &Path,
        noted: Arc<Noted>,
    ) -> Result<Self, ProgramError> {
        let outside = || ProgramError::OutsideProject {
            recipe: Printable::new(recipe.as_os_str().as_encoded_bytes()).to_string(),
            project: Printable::new(root.as_os_str().as_encoded_bytes()).to_string(),
        };
        let below = recipe.strip_prefix(&root).map_err(|_| outside())?;
        let below = below.to_str().ok_or_else(outside)?;
        let recipe = ProjectPath::resolve(&ProjectPath::project(), below).map_err(|_| outside())?;
        Ok(Self { root, recipe, texts: BTreeSet::new(), cwd, noted })
    }

    /// Returns the name by which the user knows a file of the project.
    pub(crate) fn shown(&self, path: &ProjectPath) -> String {
        let absolute = self.root.join(path.as_str());
        let shown = absolute.strip_prefix(&self.cwd).unwrap_or(&absolute);
        shown.to_string_lossy().into_owned()
    }
}

impl Texts for Project {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        let absolute = self.root.join(path.as_str());
        self.noted.follow(&HostPath::new(absolute.as_os_str().as_bytes()));
        let read = || {
            // A fifo would block for ever, a device may do anything: only files are opened.
            if !absolute.metadata()?.is_file() {
                return Err(std::io::Error::other("it is no regular file"));
            }
            let mut bytes = Vec::new();
            File::open(&absolute)?.take(MAX_RECIPE_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| error.to_string())?;
        self.texts.insert(path.clone());
        Ok(SourceText { name: self.shown(path), bytes })
    }
}
