//! Configurations of their packages that programs of Go read if no other is named.
//!
//! Their texts stand one behind the other, without an end that can be seen. But the packages say which
//! paths to look for.

use imgc_planner::recipe::ImagePath;
use memchr::memmem;

use super::data::{READABLE, is_behind_closed, is_shared, line};
use super::parcels::{Parcels, is_foreign};
use super::scene::Scene;
use crate::error::{Name, ResolveError};
use crate::host::FileType;

/// Where configurations lie (FHS 3.0, 3.7).
const CONFIGURATIONS: &[u8] = b"/etc/";

/// Returns a warning for each program that the image runs and that names configurations which the image
/// has not.
pub(super) fn judge(scene: &Scene<'_>, parcels: &Parcels<'_>) -> Vec<ResolveError> {
    let mut found = Vec::new();
    for run in scene.runs.iter().filter(|run| run.is_start()) {
        let Some(program) = scene.program(run) else { continue };
        let Some((_, parcel)) = parcels.find(scene, &program).filter(|_| program.facts().go) else {
            continue;
        };
        let listed = parcel.paths.iter().filter(|path| path.as_bytes().starts_with(CONFIGURATIONS));
        let own = listed.filter(|path| !is_shared(path.as_bytes()) && !is_foreign(path));
        let absent: Vec<&ImagePath> =
            own.filter(|path| !scene.has(path) && is_readable(scene, path)).collect();
        let mut named = vec![false; absent.len()];
        if !absent.is_empty() {
            scene.look(&program, |chunk| {
                for (path, named) in absent.iter().zip(&mut named) {
                    *named = *named || memmem::find(chunk, path.as_bytes()).is_some();
                }
            });
        }
        let named = absent.iter().zip(named).filter(|(_, named)| *named);
        let add: Vec<Name> = named.map(|(path, _)| line("file", path, true)).collect();
        if !add.is_empty() {
            let (node, by) = (run.node, program.path);
            found.push(ResolveError::ConfigurationIsMissing { node, by, add });
        }
    }
    found
}

/// Tells whether the sources have a file that every user may read.
fn is_readable(scene: &Scene<'_>, path: &ImagePath) -> bool {
    let roots = scene.surroundings.roots;
    let walk = roots.walk(path.as_bytes(), &ImagePath::root());
    walk.is_ok_and(|walk| {
        walk.stat.file_type == FileType::Regular && walk.stat.mode & READABLE != 0
    }) && !is_behind_closed(roots, path)
}
