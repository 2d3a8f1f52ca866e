//! Who drives a terminal finds what it can do (`terminfo(5)`).

use crate::check::scene::Scene;
use crate::check::want::Want;
use crate::check::{Finding, lacks};

/// Functions of curses that read the description of the terminal, and by which its own tools read any
/// (`infocmp`).
pub(super) const DRIVE: &[&str] =
    &["initscr", "newterm", "setupterm", "tgetent", "_nc_read_file_entry", "_nc_first_db"];

/// Where descriptions lie: Debian has the most usual ones in the second.
const PLACES: &[&str] =
    &["/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    // A directory without a description does not help; Debian's `/etc/terminfo` has none.
    let has = |place: &&str| {
        scene.has_in(place, |name| name.len() <= 2 && name.is_ascii() && name != b"..")
    };
    if scene.variable("TERMINFO").is_some() || PLACES.iter().any(has) {
        return Vec::new();
    }
    lacks(Want::Terminals, scene.users(|program| program.calls_itself(DRIVE)), |by| {
        Finding::NoTerminals { by }
    })
}
