//! Which store a build uses, and what becomes of trouble with it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use imgc_writer::{Store, StoreError, WriteError};

use super::Session;
use crate::args::GlobalArguments;
use crate::commands::Failure;
use crate::error::ProgramError;
use crate::report::Report;

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StorePlace {
    /// Nothing is kept.
    None,
    /// The user named it, so trouble with it is worth a word.
    Named(PathBuf),
    /// Nobody named it. Where there can be none, as in a container without a home, that is no news.
    Usual(PathBuf),
}

impl StorePlace {
    /// Decides it from what was typed and the environment.
    pub(super) fn of(arguments: &GlobalArguments) -> Self {
        let variable = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty());
        if arguments.no_store {
            return Self::None;
        }
        if let Some(named) = &arguments.store {
            return Self::Named(named.clone());
        }
        if let Some(named) = variable("IMGC_STORE") {
            return Self::Named(named.into());
        }
        // The XDG base directory specification: a path that is not absolute does not count.
        let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
        let cache = variable("XDG_CACHE_HOME").and_then(absolute);
        let home = || Some(variable("HOME").and_then(absolute)?.join(".cache"));
        cache.or_else(home).map_or(Self::None, |cache| Self::Usual(cache.join("imgc")))
    }

    /// Returns the directory.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::Named(path) | Self::Usual(path) => Some(path),
        }
    }
}

impl Session {
    /// Opens the store for a build, which goes on without one that cannot be used.
    ///
    /// # Errors
    /// When the user named a store that others could have put something into.
    pub(crate) fn store(&mut self) -> Result<Option<Store>, Failure> {
        let Some(path) = self.store_place.path() else { return Ok(None) };
        match Store::open(&self.absolute(path)) {
            Ok(store) => Ok(Some(store)),
            Err(_) if matches!(self.store_place, StorePlace::Usual(_)) => Ok(None),
            Err(error @ StoreError::Unusable { .. }) => {
                let reason = Report::new(&error).message().to_owned();
                self.report(&Report::new(&ProgramError::StoreIsNotUsed { reason }));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Says what could not be kept.
    pub(crate) fn report_trouble(&mut self, trouble: &WriteError) {
        let reason = Report::new(trouble).message().to_owned();
        self.report(&Report::new(&ProgramError::StoreIsNotUpdated { reason }));
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(vec![Report::new(&error)])
    }
}
