//! Symbol versions that are needed and not there.

use std::collections::HashMap;

use super::elf::{Dynamic, Tag};
use super::glibc::{Map, Place, place_of};
use super::trace::{Requester, Target, Trace};

/// The version that a new enough libc defines for those who use `DT_RELR` (glibc 2.36).
const RELR_MARKER: &[u8] = b"GLIBC_ABI_DT_RELR";

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

/// Checks what each object needs against what the loader takes for the files, in the order of its
/// list (`_dl_check_all_versions`).
pub(super) fn check(maps: &[Map], order: &[Place], version: (u16, u16), trace: &mut Trace) {
    let order = order.iter().filter_map(|place| match place {
        Place::Map(map) => Some(*map),
        Place::Missing(_) => None,
    });
    // Filters of the program stand before it: only the program finds them (`find_needed`), and what
    // they need themselves is not checked.
    let (hidden, order): (Vec<usize>, Vec<usize>) = order.partition(|map| maps[*map].hidden);
    // The first map of the list that has a name provides for it; a soname counts only if somebody
    // asked for it.
    let mut providers: HashMap<&[u8], usize> = HashMap::with_capacity(2 * maps.len());
    for map in order.iter().rev() {
        providers.insert(&maps[*map].path, *map);
        for name in &maps[*map].names {
            providers.insert(name, *map);
        }
    }
    for map in order.iter().map(|map| &maps[*map]) {
        let Some(dynamic) = dynamic(map) else { continue };
        for need in &dynamic.version_needs {
            let named = || hidden.iter().copied().find(|place| maps[*place].has_name(&need.file));
            let is_program = map.target == Target::Main;
            let provider = providers.get(&*need.file).copied();
            let provider = provider.or_else(|| if is_program { named() } else { None });
            let problem = |version: &[u8], cause| VersionProblem {
                object: place_of(map),
                file: need.file.clone(),
                version: version.into(),
                provider: provider.map(|provider| maps[provider].target),
                cause,
            };
            let Some(provider) = provider else {
                // What is missing is said already.
                if !trace.missing.iter().any(|missing| missing.name == need.file) {
                    trace.versions.push(problem(b"", VersionCause::NotLoaded));
                }
                continue;
            };
            let Some(provided) = self::dynamic(&maps[provider]) else { continue };
            let Some(definitions) = &provided.version_definitions else {
                let cause = if provided.versioned_symbols {
                    VersionCause::NoInformation
                } else {
                    VersionCause::NoSymbolVersions
                };
                trace.versions.push(problem(b"", cause));
                continue;
            };
            for version in &need.versions {
                let same = |definition: &super::elf::VersionDefinition| {
                    definition.hash == version.hash && definition.name == version.name
                };
                if !definitions.iter().any(same) {
                    let cause = if version.weak {
                        VersionCause::WeakNotFound
                    } else {
                        VersionCause::NotFound
                    };
                    trace.versions.push(problem(&version.name, cause));
                }
            }
        }
        if version >= (2, 36) && lacks_relr_marker(dynamic) {
            trace.versions.push(VersionProblem {
                object: place_of(map),
                file: (*b"libc.so.6").into(),
                version: RELR_MARKER.into(),
                provider: None,
                cause: VersionCause::RelrWithoutMarker,
            });
        }
    }
}

/// Tells whether an object has `DT_RELR`, needs a libc, and does not ask for one that knows of it: of
/// any file, but only if it asks for versions at all.
fn lacks_relr_marker(dynamic: &Dynamic) -> bool {
    let needs_libc =
        |(tag, name): &(Tag, Box<[u8]>)| *tag == Tag::Needed && name.starts_with(b"libc.so.");
    let mut versions = dynamic.version_needs.iter().flat_map(|need| &need.versions);
    dynamic.relr
        && !dynamic.version_needs.is_empty()
        && dynamic.needed.iter().any(needs_libc)
        && !versions.any(|version| *version.name == *RELR_MARKER)
}

fn dynamic(map: &Map) -> Option<&Dynamic> {
    map.elf.as_ref()?.dynamic()
}
