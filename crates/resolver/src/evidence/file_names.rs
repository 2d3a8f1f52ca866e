//! Files that a program names without their directory, which it puts together at run time: `object.d`
//! beside `%s/stdlib.d`.

use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;

use super::scene::{Object, Scene};
use crate::parcel::Parcel;

/// How many files of a directory a program names whose data they are: one may bear the name of something
/// else.
const ENOUGH: usize = 2;

/// Shortest name that says which file is meant, in bytes: `a.dat`.
const MIN_NAME_BYTES: usize = 5;

/// What stands before a path that is known whole, and so is told by itself.
const KNOWN: &[&[u8]] = &[b"/usr/", b"/etc/", b"/var/"];

/// The last names of paths in the constants of a program.
pub(super) struct FileNames<'a> {
    parcel: &'a Parcel,
    names: BTreeSet<Vec<u8>>,
}

impl<'a> FileNames<'a> {
    /// Reads those which files of a parcel have too, but for libraries that are loaded at the start.
    pub(super) fn read(scene: &Scene<'_>, program: &Object<'_>, parcel: &'a Parcel) -> Self {
        let needed = &program.facts().needed;
        let is_needed = |name: &[u8]| needed.iter().any(|needed| **needed == *name);
        let listed = parcel.paths.iter().filter_map(ImagePath::file_name);
        let listed: BTreeSet<&[u8]> =
            listed.filter(|name| is_telling(name) && !is_needed(name)).collect();
        let mut names = BTreeSet::new();
        scene.look(program, |chunk| {
            let texts = chunk.split(|byte| *byte == 0);
            let texts = texts.filter(|text| !KNOWN.iter().any(|start| text.starts_with(start)));
            let last = texts.filter_map(|text| text.rsplit(|byte| *byte == b'/').next());
            names.extend(last.filter(|name| listed.contains(name)).map(<[u8]>::to_vec));
        });
        Self { parcel, names }
    }

    /// Tells whether a directory of data is known by them: enough files below it bear these names.
    pub(super) fn tell_of(&self, directory: &ImagePath) -> bool {
        if directory.as_bytes().starts_with(b"/etc/") {
            return false;
        }
        let below = self.parcel.paths.range(directory.clone()..);
        let below = below.take_while(|path| path.starts_with(directory));
        let names: BTreeSet<&[u8]> = below.filter_map(ImagePath::file_name).collect();
        names.iter().filter(|name| self.names.contains(**name)).take(ENOUGH).count() == ENOUGH
    }
}

/// Tells whether a name is no word of a language: it has an ending.
fn is_telling(name: &[u8]) -> bool {
    let inner = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
    name.len() >= MIN_NAME_BYTES && inner.contains(&b'.')
}
