//! The directories in which programs are found by their names.

use imgc_planner::recipe::ImagePath;

/// The directories, in the order in which one hides a name of the next. Since the merge of `/usr`, two
/// of them are links to others.
pub(crate) const PROGRAMS: &[&str] =
    &["/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/games/", "/usr/local/bin/"];

/// Returns what a path has behind one of the directories; nothing if it is below none.
pub(crate) fn behind(path: &[u8]) -> Option<&[u8]> {
    PROGRAMS.iter().find_map(|directory| path.strip_prefix(directory.as_bytes()))
}

/// Tells whether a path is that of a program that is found by its name.
pub(crate) fn is_program(path: &ImagePath) -> bool {
    behind(path.as_bytes()).is_some_and(|name| !name.contains(&b'/'))
}
