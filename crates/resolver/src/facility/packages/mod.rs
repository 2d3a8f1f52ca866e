//! `needs packages`: what scanners read to know which packages the files of an image are of.
//!
//! `/etc/os-release` tells the distribution, and to Trivy an older file does, for the distributions of
//! which it has rules by such a file alone. Beside them stand the records of exactly the packages of
//! which the image has a file: what the recipe takes from its project, or writes itself, is of none.

mod apk;
mod dpkg;

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

/// Where rpm keeps its records, the newest form first.
const RPM: [&str; 4] = [
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages.db",
    "/var/lib/rpm/Packages",
];

pub(super) fn add(asking: &Asking<'_>, drafts: &mut Drafts) {
    release::add(asking, drafts);
    for walk in RELEASES.iter().filter_map(|path| asking.find(path.as_bytes())) {
        asking.supply(&walk, drafts);
    }
    let mut found = false;
    for root in asking.plain.roots() {
        found |= dpkg::add(asking, root, drafts);
        found |= apk::add(asking, root, drafts);
    }
    if found {
        return;
    }
    match RPM.into_iter().find(|path| asking.find(path.as_bytes()).is_some()) {
        Some(path) => {
            drafts.warnings.push(ResolveError::PackagesAreUnread { node: asking.node, path });
        }
        None => {
            let tried = [dpkg::STATUS, apk::INSTALLED[0], apk::INSTALLED[1]];
            asking.lacks("records of packages", "dpkg", &tried, drafts);
        }
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
