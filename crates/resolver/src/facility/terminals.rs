//! `needs terminfo`: terminals are steered (`terminfo(5)`).

use super::Asking;
use crate::draft::Drafts;

/// Where distributions have the database, in the order in which ncurses searches; those that exist
/// are taken together, since a package of each may have a part.
const PLACES: [&str; 4] =
    ["/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"];

pub(super) fn add(asking: &Asking<'_>, drafts: &mut Drafts) {
    let mut found = false;
    for place in PLACES {
        found |= asking.tree(place, &["README"], drafts);
    }
    if !found {
        asking.lacks("descriptions of terminals", "ncurses-base", &PLACES, drafts);
    }
}
