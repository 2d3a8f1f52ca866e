//! Symbol versions that are needed and not there.

use super::trace::{Requester, Target};

/// One version need that is not met (glibc `elf/dl-version.c`, `_dl_check_map_versions`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionProblem {
    /// Who needs it.
    pub object: Requester,
    /// The file that should define it, as the need has it.
    pub file: Box<[u8]>,
    /// The version.
    pub version: Box<[u8]>,
    /// Which loaded object the loader takes for that file.
    pub provider: Option<Target>,
    /// What is wrong.
    pub cause: VersionCause,
}

/// What is wrong with a version need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VersionCause {
    /// The file defines versions, not this one: the start fails with "version `X' not found".
    NotFound,
    /// As before, but the need is weak (`VER_FLG_WEAK`): a warning.
    WeakNotFound,
    /// The file defines no versions: the start goes on with "no version information available".
    NoInformation,
    /// As before, and the file has no `DT_VERSYM`: binding the symbol ends in an assertion.
    NoSymbolVersions,
    /// No loaded object has the file's name: the loader ends in an assertion.
    NotLoaded,
    /// The object has `DT_RELR` and needs libc without `GLIBC_ABI_DT_RELR` (2.36 and later).
    RelrWithoutMarker,
}

impl VersionCause {
    /// Tells whether the program does not start.
    #[must_use]
    pub fn is_error(self) -> bool {
        match self {
            Self::NotFound | Self::NoSymbolVersions | Self::NotLoaded | Self::RelrWithoutMarker => {
                true
            }
            Self::WeakNotFound | Self::NoInformation => false,
        }
    }
}
