//! Why a store is not used, and what is wrong in one.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use imgc_planner::recipe::Printable;
use miette::Diagnostic;
use thiserror::Error;

/// The codes of all variants of [`StoreError`], sorted. Each has a page in `docs/errors/`.
pub const CODES: &[&str] =
    &["imgc::store::damaged", "imgc::store::foreign", "imgc::store::unusable"];

/// What is wrong with a store.
#[derive(Debug, Error, Diagnostic)]
pub enum StoreError {
    /// Something in it is not what its name says.
    #[error("`{}` in the store {problem}", shown(.path))]
    #[diagnostic(
        code(imgc::store::damaged),
        help("remove what is damaged: `imgc store verify --repair`; builds do so on their own")
    )]
    Damaged {
        /// The file, from the store's directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Somebody else could put something into it.
    #[error("the store `{}` {why}", shown(.path))]
    #[diagnostic(
        code(imgc::store::foreign),
        help("name a directory of your own with `--store` or `IMGC_STORE`, or use `--no-store`")
    )]
    Foreign {
        /// The store.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The system refuses it.
    #[error("the store `{}` cannot be used", shown(.path))]
    #[diagnostic(
        code(imgc::store::unusable),
        help("name another directory with `--store` or `IMGC_STORE`, or use `--no-store`")
    )]
    Unusable {
        /// The store.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    pub(crate) fn unusable(path: &Path, source: io::Error) -> Self {
        Self::Unusable { path: path.to_owned(), source }
    }
}

fn shown(path: &Path) -> Printable<'_> {
    Printable::new(path.as_os_str().as_bytes())
}
