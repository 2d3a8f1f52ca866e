//! `needs packages`: what scanners read to know which packages the files of an image are of.
//!
//! `/etc/os-release` tells the distribution, and to Trivy an older file does, for the distributions of
//! which it has rules by such a file alone. Beside them stand the records of exactly the packages of
//! which the image has a file: what the recipe takes from its project, or writes itself, is of none.

mod apk;
mod dpkg;
mod rpm;

use std::collections::BTreeMap;
use std::sync::Arc;

use imgc_planner::recipe::ImagePath;

use super::{Asking, release};
use crate::draft::{DraftContent, Drafts};
use crate::error::ResolveError;
use crate::host::HostPath;
use crate::root::Root;

/// What tells the distribution and its version beside os-release (Trivy, `pkg/fanal/analyzer/os`:
/// `debian`, `ubuntu`, `alpine`, `redhatbase`, `amazonlinux`, `mariner`): without it, Trivy lists
/// packages of no distribution, and knows of no vulnerability of theirs.
const RELEASES: [&str; 11] = [
    "/etc/debian_version",
    "/etc/lsb-release",
    "/etc/alpine-release",
    "/etc/redhat-release",
    "/etc/fedora-release",
    "/etc/centos-release",
    "/etc/rocky-release",
    "/etc/almalinux-release",
    "/etc/oracle-release",
    "/etc/system-release",
    "/etc/mariner-release",
];

pub(super) fn add(asking: &Asking<'_>, drafts: &mut Drafts) {
    release::add(asking, drafts);
    for walk in RELEASES.iter().filter_map(|path| asking.find(path.as_bytes())) {
        asking.supply(&walk, drafts);
    }
    let mut is_told = false;
    let mut manifest = rpm::Manifest::default();
    for root in asking.plain.roots() {
        let is_other = dpkg::add(asking, root, drafts) | apk::add(asking, root, drafts);
        is_told |= is_other;
        match manifest.read(root, drafts) {
            Ok(found) => is_told |= found,
            // Debian has the program too, and nothing in its database.
            Err(_) if is_other => {}
            Err((path, why)) => {
                let node = asking.node;
                drafts.warnings.push(ResolveError::PackagesAreUnread { node, path, why });
                is_told = true;
            }
        }
    }
    manifest.write(asking, drafts);
    if !is_told {
        let tried = [dpkg::STATUS, apk::INSTALLED[0], apk::INSTALLED[1]];
        let tried: Vec<&str> =
            tried.into_iter().chain(rpm::DATABASES.map(|(path, _)| path)).collect();
        asking.lacks("records of packages", "dpkg", &tried, drafts);
    }
}

/// Returns the files of the image that come from a root, with where they stand in both.
fn shipped(root: &Root, drafts: &Drafts) -> BTreeMap<HostPath, Vec<ImagePath>> {
    let mut shipped: BTreeMap<HostPath, Vec<ImagePath>> = BTreeMap::new();
    for draft in &drafts.drafts {
        if let DraftContent::File { file, .. } = &draft.content
            && Arc::ptr_eq(&file.host, root.host())
        {
            let places = shipped.entry(file.path.clone()).or_default();
            if !places.contains(&draft.path) {
                places.push(draft.path.clone());
            }
        }
    }
    shipped
}

/// Returns where the root itself stands.
fn base(root: &Root) -> HostPath {
    root.host_path(&ImagePath::root())
}
