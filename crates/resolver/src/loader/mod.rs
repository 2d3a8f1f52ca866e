//! How glibc's and musl's loaders find the libraries of a program, without running anything.
//!
//! [`Loader::trace`] takes a [`Request`] and returns a [`Trace`]: each file that the start of the
//! program opens, in order, with the rule that led to it. It answers for the root file system that
//! it is given, whatever machine builds. Where to start reading: `glibc` and `musl` are the two
//! search orders; `start` comes before them, `versions` after.

mod cache;
mod capability;
mod constants;
mod elf;
mod fatal;
#[cfg(test)]
pub(crate) mod fixture;
mod glibc;
mod ldd;
mod musl;
mod path_list;
mod profile;
mod request;
mod scratch;
mod search;
mod start;
mod symbols;
#[cfg(test)]
mod tests;
mod tokens;
mod trace;
mod usual;
mod verify;
mod versions;
mod warning;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::host::{Errno, FileId, HostFile};
use crate::root::Roots;

pub(crate) use cache::{CacheAbi, CacheEntry, compare as compare_names, write_cache};
pub use elf::{
    AbiTag, Class, Dynamic, Elf, ElfProblem, Layout, Machine, NeededVersion, Segments, Tag,
    VersionDefinition, VersionNeed,
};
pub use fatal::{Cause, Fatal};
pub use ldd::{Library, Listing, Problem};
pub use profile::{Family, Glibc, Musl, Profile};
pub use request::{Level, Opening, Placed, Request};
pub use start::StartProblem;
pub use symbols::{SymbolCause, SymbolProblem};
pub use trace::{
    Candidate, Configuration, Found, Interpreter, Kind, Listed, Lookup, Main, Missing, Object,
    Outcome, Refusal, Requester, Target, Trace,
};
pub(crate) use usual::machine_of;
pub use versions::{VersionCause, VersionProblem};
pub use warning::Warning;

/// Most objects that one start loads. The largest known program loads some hundred; a tree that
/// was made to have no end stops here.
pub const MAX_OBJECTS: usize = 10_000;

/// Traces programs, and remembers what it read for the next one. One serves a whole build.
#[derive(Default)]
pub struct Loader {
    shelf: elf::Shelf,
    profiles: Mutex<HashMap<FileId, Option<Arc<Profile>>>>,
    caches: Mutex<HashMap<FileId, Option<Arc<cache::Cache>>>>,
    scratch: Mutex<scratch::Scratch>,
}

impl Loader {
    /// Returns a loader that has read nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what the start of a program opens in `roots`.
    ///
    /// # Errors
    /// When the kernel does not get as far as the loader, or the loader is none that imgc knows.
    /// What goes wrong later is part of the trace.
    pub fn trace(&self, roots: &Roots, request: &Request<'_>) -> Result<Trace, StartProblem> {
        self.trace_opening(roots, request, &[])
    }

    /// Says what the start of a program opens, and what is opened after it, one after the other.
    /// An opening by an object that is not loaded, or after a start that fails, is passed over.
    ///
    /// # Errors
    /// Those of [`Loader::trace`].
    pub fn trace_opening(
        &self,
        roots: &Roots,
        request: &Request<'_>,
        openings: &[Opening<'_>],
    ) -> Result<Trace, StartProblem> {
        let start = self.start(roots, request)?;
        let mut trace = Trace {
            main: start.main,
            kind: Kind::Static,
            objects: Vec::new(),
            order: Vec::new(),
            lookups: Vec::new(),
            missing: Vec::new(),
            fatal: None,
            versions: Vec::new(),
            scope: Vec::new(),
            symbols: Vec::new(),
            warnings: start.warnings,
            configuration: Vec::new(),
        };
        let Some(interpreter) = start.interpreter else { return Ok(trace) };
        let profile = Arc::clone(&interpreter.profile);
        if profile.defaults_used {
            let interpreter = interpreter.path.clone();
            trace.warnings.push(Warning::KnownDefaults { interpreter });
        }
        trace.kind = Kind::Dynamic(interpreter.clone());
        match &profile.family {
            Family::Glibc(glibc) => {
                let start = (&interpreter, glibc);
                glibc::load(self, roots, request, start, openings, &mut trace);
                symbols::check_unversioned(roots, &mut trace);
            }
            Family::Musl(musl) => {
                let start = (&interpreter, musl);
                musl::load(self, roots, request, start, openings, &mut trace);
            }
        }
        if trace.lookups.is_empty() && trace.fatal.is_none() {
            trace.kind = Kind::LoaderOnly(interpreter);
        }
        Ok(trace)
    }

    fn profiles(&self) -> MutexGuard<'_, HashMap<FileId, Option<Arc<Profile>>>> {
        // Entries are inserted whole: a panic elsewhere leaves none that is half made.
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the first bytes of a file.
    fn read_whole(&self, file: &dyn HostFile, length: u64) -> Result<Vec<u8>, Errno> {
        self.scratch().read(file, length)
    }

    fn scratch(&self) -> MutexGuard<'_, scratch::Scratch> {
        // Whoever takes it empties it first.
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn caches(&self) -> MutexGuard<'_, HashMap<FileId, Option<Arc<cache::Cache>>>> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
