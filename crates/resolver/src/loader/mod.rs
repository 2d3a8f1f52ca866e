//! How glibc's and musl's loaders find the libraries of a program, without running anything.
//!
//! [`Loader::trace`] takes a [`Request`] and returns a [`Trace`]: each file that the start of the
//! program opens, in order, with the rule that led to it. It answers for the root file system that
//! it is given, whatever machine builds. Where to start reading: `glibc` and `musl` are the two
//! search orders; `start` comes before them, `versions` after.

mod elf;
mod fatal;
mod ldd;
mod profile;
mod request;
mod start;
mod trace;
mod versions;
mod warning;

pub use elf::{
    AbiTag, Class, Dynamic, Elf, ElfProblem, Layout, Machine, Segments, Tag, VersionDefinition,
    VersionNeed,
};
pub use fatal::{Cause, Fatal};
pub use ldd::{Library, Listing};
pub use profile::{Family, Profile};
pub use request::{Level, Placed, Request};
pub use start::StartProblem;
pub use trace::{
    Candidate, Configuration, Found, Interpreter, Kind, Lookup, Main, Missing, Object, Outcome,
    Refusal, Requester, Target, Trace,
};
pub use versions::{VersionCause, VersionProblem};
pub use warning::Warning;

/// Most objects that one start loads. The largest known program loads some hundred; a tree that
/// was made to have no end stops here.
pub const MAX_OBJECTS: usize = 10_000;

/// Traces programs, and remembers what it read for the next one. One serves a whole build.
#[derive(Default)]
pub struct Loader {
    shelf: elf::Shelf,
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
    pub fn trace(
        &self,
        roots: &crate::root::Roots,
        request: &Request<'_>,
    ) -> Result<Trace, StartProblem> {
        let _ = (roots, request, &self.shelf);
        Err(StartProblem::Script)
    }
}
