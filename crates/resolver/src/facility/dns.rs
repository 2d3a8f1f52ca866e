//! `needs dns`: names of hosts are looked up.
//!
//! glibc asks the name services that `/etc/nsswitch.conf` lists (`nsswitch.conf(5)`), and so do Go
//! programs without a C library (`net/conf.go`). musl reads nothing but `/etc/hosts` and
//! `/etc/resolv.conf`, which an engine mounts.

use imgc_planner::Mention;
use imgc_planner::recipe::ImagePath;

use super::Asking;
use crate::draft::{DraftContent, Drafts};
use crate::evidence::{self, Scene};
use crate::launch::Run;

const CONFIGURATION: &str = "/etc/nsswitch.conf";

/// Users from files, hosts from `/etc/hosts` and then from name servers: what every distribution has,
/// without the services that a container lacks. Changing it changes images.
const SERVICES: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// The version of glibc that has the services `files` and `dns` in itself (NEWS of 2.34); older ones
/// open them.
const BUILT_IN_SINCE: (u16, u16) = (2, 34);

/// The modules that older ones open.
const MODULES: [&str; 2] = ["libnss_files.so.2", "libnss_dns.so.2"];

pub(super) fn add(asking: &Asking<'_>, drafts: &mut Drafts) -> Vec<Run> {
    let mut opened = Vec::new();
    let mut is_read = asking.runs.is_empty();
    for run in asking.runs.iter().filter(|run| run.is_start()) {
        match Scene::glibc(run) {
            Some(version) => {
                is_read = true;
                if version < BUILT_IN_SINCE
                    && let Some(libc) = asking.object(run, "libc.so.6")
                {
                    opened.extend(modules(asking, run, libc, drafts));
                }
            }
            None => is_read |= run.trace.kind.interpreter().is_none() && mentions(run, drafts),
        }
    }
    if is_read {
        let path = ImagePath::parse(CONFIGURATION.as_bytes()).expect("a fixed path is normal");
        asking.put(&path, DraftContent::Text(SERVICES.as_bytes().into()), drafts);
    }
    opened
}

fn modules(asking: &Asking<'_>, run: &Run, libc: &ImagePath, drafts: &mut Drafts) -> Vec<Run> {
    let mut opened = Vec::new();
    for name in MODULES {
        match asking.open(run, libc, name, drafts) {
            Some(run) => opened.push(run),
            None => {
                let what = format!("name service `{name}`, which this version of glibc opens");
                asking.lacks(&what, "libc6", &[], drafts);
            }
        }
    }
    opened
}

/// Tells whether a static program names the configuration.
fn mentions(run: &Run, drafts: &Drafts) -> bool {
    drafts.drafts.iter().filter(|draft| draft.path == run.place).any(|draft| match &draft.content {
        DraftContent::File { file, .. } => evidence::mentions(file)
            .is_some_and(|mentions| mentions.contains(&Mention::NameServices)),
        DraftContent::Text(_) | DraftContent::Directory | DraftContent::Link(_) => false,
    })
}
