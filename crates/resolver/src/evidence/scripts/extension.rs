//! What compiled modules of a language open when they are loaded. No program of the image loads
//! them by its own, so the evidence of programs says nothing of them.

use imgc_planner::recipe::ImagePath;

use super::Missing;
use super::language::LANGUAGES;
use crate::evidence::scene::{Scene, digest};
use crate::glob::glob;
use crate::host::FileType;

/// Functions by which a module asks OpenSSL for a provider. python3-cryptography does when it is
/// loaded, and fails without (measured on 38.0).
const PROVIDERS: &[&str] = &["OSSL_PROVIDER_load", "OSSL_PROVIDER_try_load"];

/// Where Debian's OpenSSL has them (`provider(7)`).
const PROVIDER_FILES: &str = "/usr/lib/*/ossl-modules/*.so";

/// Adds the providers of OpenSSL if a module of the image loads some and the image has none.
pub(super) fn add(scene: &Scene<'_>, missing: &mut Missing) {
    let roots = scene.surroundings.roots;
    let files = glob(roots, PROVIDER_FILES.as_bytes());
    let is_absent = |path: &&ImagePath| {
        !scene.has(path)
            && roots
                .walk(path.as_bytes(), &ImagePath::root())
                .is_ok_and(|walk| walk.stat.file_type == FileType::Regular)
    };
    let absent: Vec<&ImagePath> = files.iter().filter(is_absent).collect();
    let asks = || {
        scene.entries.keys().any(|path| {
            path.as_bytes().ends_with(b".so")
                && LANGUAGES.iter().any(|language| language.has(path.as_bytes()))
                && digest(scene.entries, path)
                    .and_then(|digest| scene.evidence.get(&digest))
                    .is_some_and(|read| read.facts.imports_any(PROVIDERS))
        })
    };
    if !absent.is_empty() && asks() {
        for path in absent {
            missing.names.insert(path.to_string());
            missing.lines.insert(format!("library \"{path}\""));
        }
    }
}
