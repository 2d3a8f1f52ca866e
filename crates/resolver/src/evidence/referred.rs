//! Files of other packages that a program's own data and configuration name by their paths.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;

use super::data::is_shared;
use super::parcels::Parcels;
use super::scene::Scene;
use crate::error::{Name, ResolveError};
use crate::host::FileType;
use crate::packages::Packages;
use crate::parcel::Parcel;

/// Most bytes of a file that is read for paths, and most files of them.
const MAX_TEXT_BYTES: u64 = 64 << 10;
const MAX_FILES: usize = 300;

/// Where data stands that a package ships.
const PLACES: &[&[u8]] = &[b"/usr/share/", b"/usr/lib/", b"/etc/"];

/// Returns a warning for each program of which the image has a text that names such a file, which the
/// image has not. It must be of a package that the program's depend on: what else a text names is an
/// example, or for another purpose.
pub(super) fn judge(scene: &Scene<'_>, parcels: &Parcels<'_>) -> Vec<ResolveError> {
    let mut found: BTreeMap<Vec<Name>, ResolveError> = BTreeMap::new();
    for run in scene.runs.iter().filter(|run| run.is_start()) {
        let Some(program) = scene.program(run) else { continue };
        let Some((packages, parcel)) = parcels.get(&program) else { continue };
        let mut lines: BTreeSet<Name> = BTreeSet::new();
        for text in parcel.paths.iter().filter_map(|path| text(scene, path)).take(MAX_FILES) {
            for path in paths(&text) {
                lines.extend(line(scene, packages, parcel, &path));
            }
        }
        if !lines.is_empty() {
            let add: Vec<Name> = lines.into_iter().collect();
            let (node, by) = (run.node, program.path.clone());
            found.entry(add.clone()).or_insert(ResolveError::DataIsMissing { node, by, add });
        }
    }
    found.into_values().collect()
}

/// Returns a small text of the image that is no program.
pub(super) fn text(scene: &Scene<'_>, path: &ImagePath) -> Option<Vec<u8>> {
    if !PLACES.iter().any(|place| path.as_bytes().starts_with(place)) {
        return None;
    }
    let walk = scene.image.walk(path.as_bytes(), &ImagePath::root()).ok()?;
    let is_text = walk.stat.file_type == FileType::Regular
        && walk.stat.size <= MAX_TEXT_BYTES
        && walk.stat.mode & 0o111 == 0;
    let text = is_text.then(|| scene.configuration(&path.to_string()))??;
    (!text.contains(&0)).then_some(text)
}

/// Returns the absolute paths in a text, but for those of comments.
pub(super) fn paths(text: &[u8]) -> BTreeSet<ImagePath> {
    let is_comment = |line: &&[u8]| {
        let start = line.trim_ascii_start();
        [&b"#"[..], b"//", b"--", b";"].iter().any(|mark| start.starts_with(mark))
    };
    let is_of_path = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._+-".contains(byte);
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !is_comment(line));
    let words = lines.flat_map(|line| line.split(move |byte| !is_of_path(byte)));
    // `file:///etc/x` is a path, too.
    let words = words.map(|word| word.strip_prefix(b"//").unwrap_or(word));
    words
        .filter(|word| PLACES.iter().any(|place| word.starts_with(place)))
        .filter_map(|word| ImagePath::parse(word.strip_suffix(b"/").unwrap_or(word)).ok())
        .collect()
}

/// Returns the line that adds a path, if it is to be added.
fn line(
    scene: &Scene<'_>,
    packages: &Packages<'_>,
    parcel: &Parcel,
    path: &ImagePath,
) -> Option<Name> {
    let roots = scene.surroundings.roots;
    let walk = roots.walk(path.as_bytes(), &ImagePath::root()).ok()?;
    let is_absent = scene.image.walk(path.as_bytes(), &ImagePath::root()).is_err();
    let is_public = walk.stat.mode & 0o004 != 0;
    let node = match walk.stat.file_type {
        FileType::Regular if walk.stat.mode & 0o111 != 0 => "binary",
        FileType::Regular => "file",
        FileType::Directory => "tree",
        FileType::Symlink | FileType::Special => return None,
    };
    let is_deep = path.components().count() > 2;
    let is_wanted = is_absent && is_public && is_deep && !is_shared(path.as_bytes());
    let owner = is_wanted.then(|| packages.owner(walk.real.as_bytes()))??;
    parcel.dependencies.contains(owner).then(|| Name::new(format!("{node} \"{path}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_text_are_those_outside_of_comments() {
        let text = b"-- /usr/share/one\nread('/usr/share/dns/root.key')\n# /etc/two\nkey=/etc/three/,/home/x\n\
            <delegate catalog=\"file:///etc/four.xml\"/>\n";
        let found: Vec<String> = paths(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["/etc/four.xml", "/etc/three", "/usr/share/dns/root.key"]);
    }
}
