//! What gives more rights than a program needs: root, set-id bits, files that all may write.

use crate::check::Finding;
use crate::check::scene::Scene;
use crate::closure::Content;
use crate::node::User;
use crate::spec::EntryKind;

const SET_ID: u16 = 0o6000;
const STICKY: u16 = 0o1000;
const ALL_WRITE: u16 = 0o002;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let runs = !scene.spec.config.entrypoint.is_empty() || !scene.spec.config.command.is_empty();
    if scene.spec.config.uid.number() == 0 && runs {
        let named = matches!(scene.plan.config().user, User::Named(_));
        findings.push(Finding::RunsAsRoot { named });
    }
    for (path, entry) in scene.tree.entries() {
        let mode = entry.mode.bits();
        // A path that only a layer's mounts made has no node.
        let Some(node) = scene.node_of(path) else { continue };
        let mode_shown = entry.mode;
        match entry.kind {
            EntryKind::File { .. } | EntryKind::HardLink(_) if mode & SET_ID != 0 => {
                let mode = mode_shown;
                findings.push(Finding::SetId { path: path.clone(), node, mode, uid: entry.uid });
            }
            EntryKind::Symlink(_) => {}
            // Whoever may write into a directory with the sticky bit may remove only what is his.
            EntryKind::Directory if mode & STICKY != 0 => {}
            EntryKind::File { .. } | EntryKind::HardLink(_) | EntryKind::Directory => {
                if mode & ALL_WRITE != 0 {
                    let mode = mode_shown;
                    findings.push(Finding::WritableByAll { path: path.clone(), node, mode });
                }
            }
        }
    }
    findings
}

impl Scene<'_> {
    /// Returns the first node that asks for a path.
    pub(super) fn node_of(&self, path: &imgc_parser::ImagePath) -> Option<crate::NodeId> {
        self.closure.entries.get(path).map(|found| found.needs[0].node)
    }

    /// Tells whether a path is a directory that the closure has, and not one that was made for a
    /// mount.
    pub(super) fn is_asked(&self, path: &imgc_parser::ImagePath) -> bool {
        let found = self.closure.entries.get(path);
        found.is_some_and(|found| found.content == Content::Directory)
    }
}
