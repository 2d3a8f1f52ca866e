//! A directory of our own that goes away when it is dropped.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::ProgramError;

/// The directory.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one in `parent`; `purpose` goes into its name.
    pub(crate) fn new(parent: &Path, purpose: &str) -> Result<Self, ProgramError> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let directory = parent.join(format!("imgc-{purpose}-{}-{number}", std::process::id()));
        fs::create_dir(&directory).map_err(|source| {
            let file = directory.display().to_string();
            ProgramError::CannotWrite { file, source }
        })?;
        Ok(Self(directory))
    }

    /// Lets every user look into it.
    pub(crate) fn open_to_all(&self) -> Result<(), ProgramError> {
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o755)).map_err(|source| {
            let file = self.0.display().to_string();
            ProgramError::CannotWrite { file, source }
        })
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind lies in the directory for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
