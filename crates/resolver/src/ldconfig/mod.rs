//! What `ldconfig` would write for a root file system that was unpacked and never configured.
//!
//! The loader never reads `ld.so.conf`: without a cache it does not see the directories that stand
//! there. [`cache`] gives the cache that `ldconfig` would have made (glibc `elf/ldconfig.c`); what is
//! found through it is found in the image through a cache of its own, or not at all.

mod conf;
mod directory;

use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;

use crate::glob::glob;
use crate::host::FileType;
use crate::loader::write_cache;
use crate::root::Roots;

/// Where glibc's loaders look for their cache, and `ldconfig` for its configuration (glibc
/// `Makeconfig`, `sysconfdir`).
const CACHE: &[u8] = b"/etc/ld.so.cache";
const CONFIGURATION: &[u8] = b"/etc/ld.so.conf";

/// The directories that builds of glibc have in themselves; `ldconfig` adds those of its own behind
/// the configured ones. Here are those of all distributions: what a root does not have, adds nothing.
const BUILT_IN: [&[u8]; 6] = [
    b"/lib/*-linux-gnu*",
    b"/usr/lib/*-linux-gnu*",
    b"/lib",
    b"/usr/lib",
    b"/lib64",
    b"/usr/lib64",
];

/// Returns the bytes of the cache that is missing in `roots`; nothing if there is one, or no
/// configuration.
pub(crate) fn cache(roots: &Roots) -> Option<Vec<u8>> {
    let root = ImagePath::root();
    roots.walk(CONFIGURATION, &root).ok()?;
    if roots.walk(CACHE, &root).is_ok() {
        return None;
    }
    let built_in = BUILT_IN.iter().flat_map(|pattern| glob(roots, pattern));
    let built_in = built_in.map(|path| path.as_bytes().into());
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    let mut big_endian = None;
    for path in conf::directories(roots, CONFIGURATION).into_iter().chain(built_in) {
        let Ok(walk) = roots.walk(&path, &root) else { continue };
        // A directory counts once, under the first of its names.
        if walk.stat.file_type != FileType::Directory || !seen.insert(walk.stat.id) {
            continue;
        }
        for (entry, order) in directory::libraries(roots, &path, &walk) {
            // A cache has one byte order: that of the machine whose libraries these are.
            if *big_endian.get_or_insert(order) == order {
                entries.push(entry);
            }
        }
    }
    Some(write_cache(entries, big_endian.unwrap_or(false)))
}

#[cfg(test)]
mod referee;
#[cfg(test)]
mod tests;
