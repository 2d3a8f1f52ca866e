//! Plan to closure: everything that reads.
//!
//! Nothing here executes anything, writes anything, or looks at the caller's environment. The
//! machine is read through [`Host`] alone. Start reading at [`resolve`]; [`loader`] is how
//! libraries are found, [`Roots`] how files are.

#![forbid(unsafe_code)]

mod contents;
mod draft;
mod error;
mod evidence;
mod facility;
mod gather;
mod glob;
mod host;
mod knowledge;
mod launch;
mod ldconfig;
mod library;
mod loaded;
pub mod loader;
mod loader_cache;
mod machine;
mod memory;
mod merge;
mod noted;
mod notes;
mod overlay;
mod owner;
mod packages;
mod parcel;
mod pattern;
mod places;
mod platform;
mod pristine;
mod programs;
mod query;
mod resolve;
mod root;
#[cfg(test)]
mod sample;
mod script;
mod secret;
mod settle;
mod start;
mod tree;
mod world;

pub use contents::{OpenContent, Sources};
pub use error::{CODES, Name, ResolveError, Tried, Unread};
pub use host::{Errno, FileId, FileType, Hashed, Host, HostFile, HostPath, Stat};
pub use knowledge::{KNOWLEDGE_VERSION, Knowledge};
pub use machine::Machine;
pub use memory::Memory;
pub use noted::Noted;
pub use notes::{Look, NOTES_VERSION, Notes};
pub use owner::owners;
pub use pattern::PatternProblem;
pub use resolve::{Resolution, resolve};
pub use root::{Root, Roots, Step, Walk, WalkError};
