//! The libraries of a Ruby script: where gems of the system lie, since what a script requires is found
//! through the descriptions of all of them.

use super::Missing;
use crate::evidence::scene::Scene;
use crate::glob::glob;

/// Where libraries and gems lie (Debian, Fedora, Alpine).
const DIRECTORIES: &[&str] = &[
    "/usr/lib/ruby",
    "/usr/lib/*/ruby",
    "/usr/lib/*/rubygems-integration",
    "/usr/share/rubygems-integration",
    "/usr/share/ruby",
    "/usr/lib64/ruby",
    "/usr/share/gems",
    "/usr/lib64/gems",
    "/var/lib/gems",
];

pub(super) fn missing(scene: &Scene<'_>) -> Missing {
    let mut missing = Missing::default();
    for pattern in DIRECTORIES {
        for path in glob(scene.surroundings.roots, pattern.as_bytes()) {
            if !scene.has(&path) {
                missing.names.insert(path.to_string());
                missing.lines.insert(format!("tree \"{path}\""));
            }
        }
    }
    missing
}
