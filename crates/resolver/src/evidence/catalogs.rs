//! Catalogs of SGML and XML, which name others and what these describe.

use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;

use super::referred::{paths, text};
use super::scene::Scene;
use crate::error::{Name, ResolveError};
use crate::host::FileType;

/// Where catalogs of SGML and XML stand, which name others.
const CATALOGS: &[&str] = &["/etc/sgml", "/etc/xml"];

/// Fewest names in the path of a directory of which all is one catalog's: `/usr/share/sgml/app`.
const FEWEST_NAMES: usize = 4;

/// Returns a remark for each catalog of the image that names files which the image has not: readers take
/// that for an error, while they do without a catalog (OASIS TR 9401; XML Catalogs 1.1).
pub(super) fn judge(scene: &Scene<'_>) -> Vec<ResolveError> {
    let is_catalog = |path: &&ImagePath| {
        let parent = path.parent().map(|parent| parent.to_string());
        parent.is_some_and(|parent| CATALOGS.contains(&parent.as_str()))
    };
    let catalogs = scene.entries.keys().filter(is_catalog);
    let found = catalogs.filter_map(|by| {
        let node = scene.entries.get(by)?.needs.first()?.node;
        let paths = paths(&text(scene, by)?);
        let lines: BTreeSet<Name> = paths.iter().filter_map(|path| line(scene, path)).collect();
        let (by, add) = (by.clone(), lines.into_iter().collect::<Vec<_>>());
        (!add.is_empty()).then_some(ResolveError::DataIsLeftOut { node, by, add })
    });
    found.collect()
}

/// Returns the line that adds what a catalog names: another catalog, with what lies beside it where data
/// is, since it names that by relative paths.
fn line(scene: &Scene<'_>, path: &ImagePath) -> Option<Name> {
    let is_file = scene.source_has(&path.to_string()) == Some(FileType::Regular);
    if scene.has(path) || !is_file {
        return None;
    }
    let above = path.parent().filter(|above| above.components().count() >= FEWEST_NAMES);
    Some(Name::new(match above {
        Some(above) => format!("tree \"{above}\""),
        None => format!("file \"{path}\""),
    }))
}
