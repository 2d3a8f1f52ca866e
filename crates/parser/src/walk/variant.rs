//! `variant`: a second image on top of the first one.

use kdl::KdlNode;

use super::node::Form;
use super::{ENTRIES, Walker};
use crate::error::ParseError;
use crate::image_name::ImageName;
use crate::recipe::{Statement, Variant};

const VARIANT: Form = Form {
    node: "variant",
    example: "variant debug { binary \"/bin/busybox\" to=\"/busybox/sh\"; }",
    required: &["a name"],
    most: 1,
    properties: &[],
    block: true,
};

/// Nodes that a variant can have: what its image adds, and how it runs.
const NODES: &[&str] = &[
    "binary",
    "library",
    "file",
    "text",
    "tree",
    "directory",
    "symlink",
    "needs",
    "capability",
    "layer",
    "user",
    "group",
    "env",
    "workdir",
    "entrypoint",
    "command",
    "expose",
    "volume",
    "stop-signal",
    "label",
    "annotation",
    "allow",
];

impl Walker<'_> {
    /// Reads `variant debug { … }`.
    pub(super) fn variant(&mut self, node: &KdlNode) -> Option<Statement> {
        debug_assert!(ENTRIES.iter().all(|entry| NODES.contains(entry)));
        let node = self.open(node, &VARIANT);
        let name = node.argument(0).and_then(|value| self.word(value, "the name of a variant"));
        if node.block.is_none() && node.arguments.len() == 1 {
            self.errors.push(ParseError::MissingArgument {
                node: VARIANT.node,
                what: "a block with what is different",
                example: VARIANT.example,
                span: node.name,
            });
        }
        let mut statements = Vec::new();
        for child in node.block.map_or(&[][..], |block| block.nodes()) {
            if NODES.contains(&child.name().value()) {
                statements.extend(self.statement(child));
            } else {
                self.unknown_child(child, "variant", NODES);
            }
        }
        let name = name?;
        // It becomes a tag, or the end of one.
        if let Err(problem) = ImageName::parse(&format!("x:{}", name.value)) {
            let (name, span) = (name.value, name.span);
            self.errors.push(ParseError::BadName { name, problem, span });
            return None;
        }
        Some(Statement::Variant(Variant { span: node.span, name, statements }))
    }
}
