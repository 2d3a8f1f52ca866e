//! Nodes that ask for different things at one path, as far as the recipe alone can tell.
//!
//! Two files from two places may still have one content: that is for the resolver to see.

use std::collections::BTreeMap;

use imgc_parser::{ImagePath, Span};

use crate::digest::NodeId;
use crate::lower::PlanError;
use crate::node::{Node, NodeKind};
use crate::origin::Origins;

/// Returns a conflict for each pair of nodes that cannot both be granted.
pub(super) fn find_conflicts(nodes: &BTreeMap<NodeId, Node>, origins: &Origins) -> Vec<PlanError> {
    let mut claims: Vec<(&ImagePath, Span, &NodeKind)> = nodes
        .iter()
        .filter_map(|(id, node)| Some((path_of(&node.kind)?, *origins.node(*id).first()?, node)))
        .map(|(path, span, node)| (path, span, &node.kind))
        .collect();
    claims.sort_by_key(|(path, span, _)| (*path, *span));
    let files: BTreeMap<&ImagePath, Span> = claims
        .iter()
        .filter(|(_, _, kind)| is_file(kind))
        .map(|(path, span, _)| (*path, *span))
        .collect();
    let mut conflicts = Vec::new();
    for (index, (path, first, kind)) in claims.iter().enumerate() {
        let same_path = claims[index + 1..].iter().take_while(|(other, _, _)| other == path);
        for (_, second, _) in same_path.filter(|(_, _, other)| differs(kind, other)) {
            let path = (*path).clone();
            conflicts.push(PlanError::Conflict { path, first: *first, second: *second });
        }
        let above = std::iter::successors(path.parent(), ImagePath::parent);
        for (file, file_span) in above.filter_map(|above| files.get_key_value(&above)) {
            conflicts.push(PlanError::BelowFile {
                path: (*path).clone(),
                file: (*file).clone(),
                file_span: *file_span,
                span: *first,
            });
        }
    }
    conflicts
}

fn path_of(kind: &NodeKind) -> Option<&ImagePath> {
    match kind {
        NodeKind::Binary(binary) => Some(&binary.to),
        NodeKind::File(file) => Some(&file.to),
        NodeKind::Text(text) => Some(&text.path),
        NodeKind::Tree(tree) => Some(&tree.to),
        NodeKind::Directory(directory) => Some(&directory.path),
        NodeKind::Symlink(link) => Some(&link.path),
        NodeKind::Source(_)
        | NodeKind::Search(_)
        | NodeKind::Library(_)
        | NodeKind::Facility(_)
        | NodeKind::Capability(_)
        | NodeKind::Layer(_)
        | NodeKind::Config(_)
        | NodeKind::Image(_) => None,
    }
}

fn is_file(kind: &NodeKind) -> bool {
    matches!(kind, NodeKind::Binary(_) | NodeKind::File(_) | NodeKind::Text(_))
}

/// Tells whether two different nodes at one path certainly ask for different things.
fn differs(first: &NodeKind, second: &NodeKind) -> bool {
    match (first, second) {
        // Their contents may be equal.
        (NodeKind::Text(first), NodeKind::Text(second)) => {
            first.text != second.text || first.attributes != second.attributes
        }
        (first, second) if is_file(first) && is_file(second) => false,
        // A tree's root takes the mode and owner that a directory node gives it.
        (NodeKind::Tree(_), NodeKind::Directory(_) | NodeKind::Tree(_))
        | (NodeKind::Directory(_), NodeKind::Tree(_)) => false,
        _ => true,
    }
}
