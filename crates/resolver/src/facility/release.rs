//! `needs os-release`: which distribution this is (`os-release(5)`).

use super::Asking;
use crate::draft::Drafts;

/// The first is looked at first, and a link to the second on most systems.
const PLACES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

pub(super) fn add(asking: &Asking<'_>, drafts: &mut Drafts) {
    match PLACES.iter().find_map(|path| asking.find(path.as_bytes())) {
        Some(walk) => asking.supply(&walk, drafts),
        None => asking.lacks("os-release", "base-files", &PLACES, drafts),
    }
}
