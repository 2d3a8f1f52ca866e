//! What a loader does for one start of a program: every file, every name, every reason.

use std::sync::Arc;

use imgc_planner::Rule;
use imgc_planner::recipe::ImagePath;

use crate::host::Errno;
use crate::root::Walk;

use super::elf::{Elf, Tag};
use super::fatal::{Cause, Fatal};
use super::profile::Profile;
use super::symbols::SymbolProblem;
use super::versions::VersionProblem;
use super::warning::Warning;

/// The start of one program.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The program.
    pub main: Main,
    /// Who loads it.
    pub kind: Kind,
    /// The libraries in the order in which they are opened. Numbers elsewhere in a trace are places
    /// in this.
    pub objects: Vec<Object>,
    /// What the loader's own list shows, in its order, as `ldd` does: filters stand before their
    /// owners, and a name that is missing stands where its object would. Auditors are not in it.
    pub order: Vec<Listed>,
    /// Every name that was asked for, in order, also those that were loaded already.
    pub lookups: Vec<Lookup>,
    /// Names for which nothing was found.
    pub missing: Vec<Missing>,
    /// What ended the loading.
    pub fatal: Option<Fatal>,
    /// Versions that are needed and not there (glibc only).
    pub versions: Vec<VersionProblem>,
    /// The order in which symbols are looked for (the main searchlist).
    pub scope: Vec<Target>,
    /// Symbols that are needed and not there, if somebody asked for that
    /// ([`super::Loader::check_symbols`]).
    pub symbols: Vec<SymbolProblem>,
    /// What a user should know; the program may start all the same.
    pub warnings: Vec<Warning>,
    /// `ld.so.cache` or musl's path file, if it decided where something was found.
    pub configuration: Vec<Configuration>,
}

/// The program itself.
#[derive(Clone, Debug)]
pub struct Main {
    /// Where it stands in the image, without links.
    pub real: ImagePath,
    /// How it was reached in the roots; nothing if it was placed by the request.
    pub walk: Option<Walk>,
    /// Its file.
    pub elf: Arc<Elf>,
    /// Whether it starts in secure mode: set-id bits or file capabilities.
    pub secure: bool,
    /// Whether it is a library, which no kernel starts ([`super::Request::libraries`]).
    pub library: bool,
}

/// Who loads a program.
#[derive(Clone, Debug)]
pub enum Kind {
    /// The kernel alone: no `PT_INTERP`.
    Static,
    /// A loader, but there is nothing to load: no `DT_NEEDED`, no preload.
    LoaderOnly(Interpreter),
    /// A loader.
    Dynamic(Interpreter),
}

impl Kind {
    /// Returns the loader, if there is one.
    #[must_use]
    pub fn interpreter(&self) -> Option<&Interpreter> {
        match self {
            Self::Static => None,
            Self::LoaderOnly(interpreter) | Self::Dynamic(interpreter) => Some(interpreter),
        }
    }
}

/// The loader of a program.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// `PT_INTERP`: the image must hold it at exactly this path.
    pub path: Box<[u8]>,
    /// How it was reached.
    pub walk: Walk,
    /// What it is and where it searches.
    pub profile: Arc<Profile>,
    /// Its file.
    pub elf: Arc<Elf>,
}

/// A library.
#[derive(Clone, Debug)]
pub struct Object {
    /// The path that was opened: search directory and name, links not resolved.
    pub path: Box<[u8]>,
    /// The names under which it was asked for, after expansion of tokens; the first one made the
    /// loader open it.
    pub names: Vec<Box<[u8]>>,
    /// `DT_SONAME`.
    pub soname: Option<Box<[u8]>>,
    /// Who asked first; nothing for the program.
    pub requester: Requester,
    /// By which tag it was first asked for.
    pub tag: Tag,
    /// How its path was found.
    pub found: Found,
    /// How the path was reached.
    pub walk: Walk,
    /// Whether it is loaded apart from the program, for auditing (`DT_AUDIT`): no trace of the
    /// loader shows it.
    pub audit: bool,
    /// Its file.
    pub elf: Arc<Elf>,
}

/// One line of the loader's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A library: its place in [`Trace::objects`].
    Object(usize),
    /// A name for which nothing was found: its place in [`Trace::missing`]. The loader makes an
    /// empty object for each when it only traces (`elf/dl-load.c`, `l_faked`).
    Missing(usize),
}

/// Who asks for a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Requester {
    /// The program, or something said for it (preload).
    Main,
    /// A library: its place in [`Trace::objects`].
    Object(usize),
}

/// How a path came up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The rule.
    pub rule: Rule,
    /// The element of the search list, as it was put before the name; nothing without a search.
    pub directory: Option<Box<[u8]>>,
    /// The capability directory between the two, as `glibc-hwcaps/x86-64-v3/`.
    pub capability: Option<Box<[u8]>>,
}

/// One name that was asked for.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Who asked.
    pub requester: Requester,
    /// By which tag.
    pub tag: Tag,
    /// The name as it stands in the file.
    pub written: Box<[u8]>,
    /// The name after expansion of tokens.
    pub name: Box<[u8]>,
    /// What it led to.
    pub outcome: Outcome,
    /// Paths that were tried before and not taken, in order.
    pub tried: Vec<Candidate>,
}

/// What a name led to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A file that was opened now: this object.
    Opened(usize),
    /// An object that has this name already; nothing was opened.
    Loaded(Target),
    /// Another path to a file that is loaded already.
    SameFile {
        /// The object.
        object: usize,
        /// The path that was opened.
        path: Box<[u8]>,
        /// How that came up.
        found: Found,
        /// How it was reached: the image needs this way too.
        walk: Walk,
    },
    /// Nothing was found: its place in [`Trace::missing`].
    Missing(usize),
    /// The loader passes over it: a token without a value, or an optional object that is broken.
    Ignored,
    /// It ended the loading.
    Fatal,
}

/// An object that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The program.
    Main,
    /// The loader.
    Interpreter,
    /// The kernel's own object, which is in no file.
    Vdso,
    /// A library: its place in [`Trace::objects`].
    Object(usize),
}

/// A name for which nothing was found.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Who asked.
    pub requester: Requester,
    /// By which tag.
    pub tag: Tag,
    /// The name after expansion of tokens.
    pub name: Box<[u8]>,
    /// Whether the program does not start without it.
    pub required: bool,
    /// What was tried, in order.
    pub tried: Vec<Candidate>,
}

/// A path that was tried and not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The path.
    pub path: Box<[u8]>,
    /// How it came up.
    pub found: Found,
    /// Why it was not taken.
    pub refusal: Refusal,
}

/// Why a path was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing stands there.
    #[error("is absent")]
    Absent,
    /// It is a link to nothing; the link's own place.
    #[error("is a broken link")]
    BrokenLink,
    /// It may not be opened.
    #[error("may not be read")]
    NotPermitted,
    /// The walk failed otherwise; `ELOOP` ends the search of the list.
    #[error("cannot be opened: {0}")]
    Errno(Errno),
    /// It is a 32-bit file for a 64-bit program, or the other way round.
    #[error("has another class (32 or 64 bits)")]
    OtherClass,
    /// It is for another processor, or another float ABI of it.
    #[error("is for another machine")]
    OtherMachine,
    /// The cache's answer lies in a built-in directory, which the requester refuses
    /// (`DF_1_NODEFLIB`).
    #[error("is in a default directory, which the requester refuses")]
    DefaultDirectory,
    /// Secure mode preloads only files that are set-user-id themselves.
    #[error("is not set-user-id")]
    NotSetUserId,
    /// Broken in a way that is no reason to stop for an optional object.
    #[error("{0}")]
    Broken(Cause),
}

/// A file by which the loader was told where to search.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The path as the loader opens it.
    pub path: Box<[u8]>,
    /// How it was reached.
    pub walk: Walk,
}
