//! Every link leads to something in the image.

use std::collections::BTreeSet;

use imgc_parser::ImagePath;

use crate::check::Finding;
use crate::check::scene::Scene;
use crate::node::NodeKind;
use crate::spec::EntryKind;

/// What an engine mounts over the image, so that a link there may point at what is not in it.
const MOUNTED: [&[u8]; 4] = [b"/proc/", b"/sys/", b"/dev/", b"/run/"];

/// Reports links that lead nowhere, except those that the recipe wrote itself.
pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Scene { plan, tree, .. } = scene;
    let written: BTreeSet<&ImagePath> = plan
        .nodes()
        .values()
        .filter_map(|node| match &node.kind {
            NodeKind::Symlink(link) => Some(&link.path),
            _ => None,
        })
        .collect();
    let mut findings = Vec::new();
    for (path, entry) in tree.entries() {
        let EntryKind::Symlink(target) = &entry.kind else { continue };
        let mounted = MOUNTED.iter().any(|prefix| target.starts_with(prefix));
        if written.contains(path) || mounted {
            continue;
        }
        let directory = path.parent().unwrap_or_else(ImagePath::root);
        if tree.resolve(target, &directory).is_err() {
            findings.push(Finding::DanglingLink { path: path.clone(), target: target.to_vec() });
        }
    }
    findings
}
