//! Paths of a source by patterns in any component, as `glob(7)` has them.

use imgc_planner::recipe::ImagePath;

use crate::host::FileType;
use crate::pattern::{is_pattern, name_matches};
use crate::root::Roots;

/// Most paths that one pattern gives; no directory of libraries has more.
const MAX_PATHS: usize = 100_000;

/// Returns the paths that match `pattern`, which starts with a slash, sorted by bytes. A name that
/// starts with a dot is matched by a pattern that does so alone.
pub(crate) fn glob(roots: &Roots, pattern: &[u8]) -> Vec<ImagePath> {
    let mut paths = vec![ImagePath::root()];
    for part in pattern.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for path in paths {
            if part == b".." {
                // That of the real directory: `lib/..` may be elsewhere.
                let real =
                    roots.walk(path.as_bytes(), &ImagePath::root()).ok().map(|walk| walk.real);
                next.extend(real.map(|real| real.parent().unwrap_or_else(ImagePath::root)));
            } else if is_pattern(part) {
                let names = names(roots, &path);
                let names = names.iter().filter(|name| part[0] == b'.' || name[0] != b'.');
                let names = names.filter(|name| name_matches(part, name));
                next.extend(names.filter_map(|name| path.join(name).ok()));
            } else if let Ok(below) = path.join(part)
                && roots.walk(below.as_bytes(), &ImagePath::root()).is_ok()
            {
                next.push(below);
            }
            if next.len() > MAX_PATHS {
                return Vec::new();
            }
        }
        paths = next;
    }
    paths
}

/// Returns the names in a directory; none if it is no directory.
pub(crate) fn names(roots: &Roots, directory: &ImagePath) -> Vec<Vec<u8>> {
    roots
        .walk(directory.as_bytes(), &ImagePath::root())
        .ok()
        .filter(|walk| walk.stat.file_type == FileType::Directory)
        .and_then(|walk| roots.read_dir(&walk).ok())
        .unwrap_or_default()
}
