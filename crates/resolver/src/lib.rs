//! Plan to closure: everything that reads.
//!
//! Nothing here executes anything, writes anything, or looks at the caller's environment. The
//! machine is read through [`Host`] alone.

mod host;

pub use host::{Errno, FileId, FileType, Host, HostFile, HostPath, Stat};
