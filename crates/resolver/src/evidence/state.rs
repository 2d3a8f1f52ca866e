//! The directories in which a program keeps its files.

use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;

use super::accounts::configurations;
use super::constants::{LASTING, is_state};
use super::parcels::ancestor;
use super::scene::Scene;
use crate::error::Name;
use crate::host::FileType;
use crate::launch::Run;
use crate::parcel::Parcel;
use crate::programs;

/// Returns the directories in which a program keeps its files: those that it names below `/var` and
/// `/run`, and that its packages or the sources have.
pub(super) fn lines(scene: &Scene<'_>, run: &Run, parcel: &Parcel) -> Vec<Name> {
    let objects = scene.objects(run);
    let own = objects
        .iter()
        .filter(|object| object.path == run.place || parcel.paths.contains(object.source));
    let mut found: BTreeSet<ImagePath> = BTreeSet::new();
    let mut lasting: BTreeSet<ImagePath> = BTreeSet::new();
    let texts = configurations(scene);
    let is_part = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '/' | '-' | '_' | '.' | '+')
    };
    let words = texts.iter().flat_map(|text| text.split(|letter| !is_part(letter)));
    let configured = words.filter(|word| is_state(word.as_bytes())).map(str::as_bytes);
    let named = own.flat_map(|object| &object.evidence.state).map(|text| &**text);
    for text in named.chain(configured) {
        let Ok(path) = ImagePath::parse(text.strip_suffix(b"/").unwrap_or(text)) else { continue };
        let is_run = text.starts_with(b"/run/") || text.starts_with(b"/var/run/");
        let base = match (is_run, text.starts_with(b"/var/")) {
            (true, true) | (false, _) => 2,
            (true, false) => 1,
        };
        let Some(place) = ancestor(&path, base + 1) else { continue };
        let roots = scene.surroundings.roots;
        let kind = roots.walk(place.as_bytes(), &ImagePath::root()).ok();
        let is_directory = kind.is_some_and(|walk| walk.stat.file_type == FileType::Directory);
        let listed = parcel.paths.contains(&place);
        let below = is_own_name(&place, parcel);
        if text.starts_with(LASTING) {
            // All that are there are for everybody, as the directory itself.
            lasting.extend(place.parent());
            lasting.extend(is_directory.then_some(place));
            continue;
        }
        let is_file = place == path && place.as_bytes().ends_with(b".pid");
        if is_run && is_file && below {
            found.extend(place.parent());
        } else if (is_directory && (listed || below)) || (is_run && below) {
            found.insert(place);
        }
    }
    let own = found.iter().map(|place| (place, "owner=65532"));
    let all = lasting.iter().map(|place| (place, "mode=0o1777")).chain(own);
    let absent = all.filter(|(place, _)| !scene.has(place));
    absent.map(|(place, whose)| Name::new(format!("directory \"{place}\" {whose}"))).collect()
}

/// Tells whether a place bears the name of one of the packages or programs of a parcel.
fn is_own_name(place: &ImagePath, parcel: &Parcel) -> bool {
    let name = String::from_utf8_lossy(place.file_name().unwrap_or_default()).into_owned();
    let name = name.strip_suffix(".pid").unwrap_or(&name);
    let is_program = |path: &ImagePath| {
        path.file_name() == Some(name.as_bytes()) && programs::behind(path.as_bytes()).is_some()
    };
    parcel.packages.iter().any(|package| package.starts_with(name))
        || parcel.paths.iter().any(is_program)
}
