//! The image's own tree, walked as the kernel of the target machine will walk it.

use std::collections::BTreeMap;

use imgc_parser::ImagePath;

use crate::spec::{Entry, EntryKind, ImageSpec};

/// Links that the kernel follows before it gives up (`ELOOP`, `path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// All layers of an image, laid on top of each other.
#[derive(Clone, Debug)]
pub struct ImageTree<'a> {
    entries: BTreeMap<&'a ImagePath, &'a Entry>,
}

/// Why a path leads to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Nothing stands at this path.
    Absent(ImagePath),
    /// Something below this path is asked for, and it is no directory.
    NotADirectory(ImagePath),
    /// More than 40 links, or a path that is none.
    Endless,
}

impl<'a> ImageTree<'a> {
    /// Lays the layers of an image on top of each other.
    #[must_use]
    pub fn new(spec: &'a ImageSpec) -> Self {
        Self { entries: spec.layers.iter().flat_map(|layer| &layer.entries).collect() }
    }

    /// Returns all entries, sorted by path.
    pub fn entries(&self) -> impl Iterator<Item = (&'a ImagePath, &'a Entry)> {
        self.entries.iter().map(|(path, entry)| (*path, *entry))
    }

    /// Follows `path` from `base` (for a relative one) to what stands there, through all links.
    ///
    /// Returns the path without links, and the entry there; no entry for `/` itself.
    ///
    /// # Errors
    /// When nothing is there; see [`Lost`].
    pub fn resolve(
        &self,
        path: &[u8],
        base: &ImagePath,
    ) -> Result<(ImagePath, Option<&'a Entry>), Lost> {
        let mut at = if path.starts_with(b"/") { ImagePath::root() } else { base.clone() };
        let mut rest: Vec<Vec<u8>> = split(path);
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == b".." {
                at = at.parent().unwrap_or(at);
                continue;
            }
            let next = at.join(&name).map_err(|_| Lost::Endless)?;
            match self.entries.get(&next).map(|entry| &entry.kind) {
                None => return Err(Lost::Absent(next)),
                Some(EntryKind::Symlink(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Lost::Endless);
                    }
                    if target.starts_with(b"/") {
                        at = ImagePath::root();
                    }
                    rest.extend(split(target));
                }
                Some(EntryKind::Directory) => at = next,
                Some(EntryKind::File { .. } | EntryKind::HardLink(_)) if rest.is_empty() => {
                    at = next;
                }
                Some(EntryKind::File { .. } | EntryKind::HardLink(_)) => {
                    return Err(Lost::NotADirectory(next));
                }
            }
        }
        let entry = self.entries.get(&at).copied();
        Ok((at, entry))
    }
}

/// Returns the components of a path, the last one first, without those that change nothing.
fn split(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .rev()
        .filter(|name| !name.is_empty() && *name != b".")
        .map(<[u8]>::to_vec)
        .collect()
}
