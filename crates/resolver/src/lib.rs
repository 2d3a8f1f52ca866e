//! Plan to closure: everything that reads.
//!
//! Nothing here executes anything, writes anything, or looks at the caller's environment. The
//! machine is read through [`Host`] alone.

mod host;
pub mod loader;
mod machine;
mod memory;
mod root;

pub use host::{Errno, FileId, FileType, Host, HostFile, HostPath, Stat};
pub use machine::Machine;
pub use memory::Memory;
pub use root::{Root, Roots, Step, Walk, WalkError};
