//! Files that no program of the recipe loads, and that need more than the image has: what `tree` and
//! `file` have put there, such as the modules of a language.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{Digest, ElfKind, Found, NodeId, Reason};

use super::Evidence;
use super::scene::digest;
use crate::error::{Name, ResolveError};
use crate::root::Roots;

/// Returns a warning for each node whose files need libraries that the image has under no name, or an
/// interpreter that it has not. Where a library stands does not matter here: whoever loads the file may
/// search anywhere.
pub(super) fn judge(
    image: Option<&Roots>,
    entries: &BTreeMap<ImagePath, Found>,
    evidence: &BTreeMap<Digest, Evidence>,
    known: &BTreeSet<Box<[u8]>>,
    loaded: &BTreeSet<ImagePath>,
) -> Vec<ResolveError> {
    let mut by_node: BTreeMap<NodeId, (Vec<ImagePath>, BTreeSet<Name>)> = BTreeMap::new();
    for (path, found) in entries {
        if loaded.contains(path) {
            continue;
        }
        let Some(read) = digest(entries, path).and_then(|digest| evidence.get(&digest)) else {
            continue;
        };
        let facts = &read.facts;
        if facts.kind == ElfKind::Static {
            continue;
        }
        let base = |name: &[u8]| -> Box<[u8]> {
            name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().into()
        };
        let absent = facts.needed.iter().filter(|name| !known.contains(&base(name)));
        // The kernel starts it by its path, which is that of a link on most systems.
        let has =
            |path: &[u8]| image.is_some_and(|image| image.walk(path, &ImagePath::root()).is_ok());
        let interpreter = facts
            .interpreter
            .as_ref()
            .filter(|path| facts.kind == ElfKind::Dynamic && path.starts_with(b"/") && !has(path));
        let absent: Vec<Name> = absent.chain(interpreter).map(Name::new).collect();
        let placed =
            found.needs.iter().find(|need| matches!(need.reason, Reason::Asked | Reason::Matched));
        if let (false, Some(need)) = (absent.is_empty(), placed) {
            let (files, names) = by_node.entry(need.node).or_default();
            files.push(path.clone());
            names.extend(absent);
        }
    }
    let warning = |(node, (files, names)): (NodeId, (Vec<ImagePath>, BTreeSet<Name>))| {
        let names = names.into_iter().collect();
        ResolveError::UnloadedNeedsMore { node, files, names }
    };
    by_node.into_iter().map(warning).collect()
}
