//! No file asks for more of the processor than the platform has.

use imgc_parser::Architecture;

use crate::check::Finding;
use crate::check::scene::Scene;
use crate::closure::{Content, Reason};

/// Reports each object that is loaded and that the processors of the platform may not run. Files of
/// `glibc-hwcaps` are opened by those alone who can.
pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let platform = scene.spec.platform;
    if platform.architecture != Architecture::Amd64 {
        return Vec::new();
    }
    // `linux/amd64/v3` states the third level; no variant, the first.
    let stated: u8 = platform
        .variant
        .and_then(|variant| variant.trim_start_matches('v').parse().ok())
        .unwrap_or(1);
    let mut findings = Vec::new();
    for (path, found) in &scene.closure.entries {
        let Content::File { digest, .. } = &found.content else { continue };
        let Some(facts) = scene.closure.facts.get(digest) else { continue };
        let by_tree = found.needs.iter().all(|need| need.reason == Reason::Matched);
        if facts.x86_64_level > stated && !by_tree {
            let node = found.needs[0].node;
            let level = facts.x86_64_level;
            findings.push(Finding::LevelTooHigh { path: path.clone(), node, level, platform });
        }
    }
    findings
}
