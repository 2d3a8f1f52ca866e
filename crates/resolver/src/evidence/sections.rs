//! The sections of the packages that programs are from: what a distribution says they are for.

use std::collections::BTreeMap;

use imgc_planner::recipe::ImagePath;
use imgc_planner::{ElfKind, Mention};

use super::scene::Scene;
use crate::packages::Installed;

/// Returns the section of each program that is started, by its path in the image; of programs of Go and
/// Rust and of static ones none, which are judged by what is in them.
pub(crate) fn sections(
    scenes: &[Scene<'_>],
    installed: &Installed<'_>,
) -> BTreeMap<ImagePath, String> {
    let mut found = BTreeMap::new();
    for scene in scenes {
        let roots = scene.surroundings.roots;
        for run in scene.runs.iter().filter(|run| run.is_start()) {
            let Some(program) = scene.program(run) else { continue };
            let facts = program.facts();
            let is_whole = facts.go || facts.mentions.contains(&Mention::Rust);
            if is_whole || facts.kind != ElfKind::Dynamic || found.contains_key(&program.path) {
                continue;
            }
            let owner = installed.owner(roots, program.source);
            let section = owner.and_then(|(packages, package)| packages.section(package));
            found.extend(section.map(|section| (program.path.clone(), section.to_owned())));
        }
    }
    found
}
