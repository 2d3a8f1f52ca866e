//! KDL document to statements: what each node means.
//!
//! `node` reads a node against the form that it must have, `value` what stands in it; `entries`,
//! `process` and `image` hold the nodes themselves, by what they are about. A mistake never stops
//! the walk: it is reported, and what depends on it is left out.

mod capability;
mod entries;
mod image;
mod needs;
mod node;
mod param;
mod process;
mod twice;
mod user;
mod value;
mod variant;

use std::collections::BTreeSet;

use kdl::KdlNode;

use crate::error::ParseError;
use crate::path::ProjectPath;
use crate::recipe::Statement;
use crate::span::Spanned;
use crate::syntax::{Origin, Parsed};

pub(crate) use process::SIGNALS;
pub(crate) use twice::check as check_twice;

use node::Form;

/// Nodes that a recipe can have, in the order in which they are listed to a user.
const NODES: &[&str] = &[
    "name",
    "platform",
    "source",
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
    "variant",
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
    "created",
    "compression",
    "allow",
    "param",
    "use",
];

/// Nodes that a layer can have.
const ENTRIES: &[&str] =
    &["binary", "library", "file", "text", "tree", "directory", "symlink", "needs"];

/// Walks over the nodes of one file.
pub(crate) struct Walker<'a> {
    /// Where the file's text lies in the map.
    origin: Origin,
    /// The directory of the file, which relative paths start from.
    directory: ProjectPath,
    /// The text as the KDL parser saw it.
    text: &'a str,
    /// Where words started that are already reported.
    replaced: &'a BTreeSet<usize>,
    /// What was found to be wrong.
    errors: &'a mut Vec<ParseError>,
}

impl<'a> Walker<'a> {
    /// Starts a walk over a file at `path`.
    pub(crate) fn new(
        origin: Origin,
        path: &ProjectPath,
        parsed: &'a Parsed,
        errors: &'a mut Vec<ParseError>,
    ) -> Self {
        let (text, replaced) = (parsed.clean.as_str(), &parsed.replaced);
        Self { origin, directory: path.parent(), text, replaced, errors }
    }

    /// Reads `use "common/base.kdl"`.
    pub(crate) fn r#use(&mut self, node: &KdlNode) -> Option<Spanned<ProjectPath>> {
        const FORM: Form = Form {
            node: "use",
            example: "use \"common/base.kdl\"",
            required: &["the path of a file"],
            most: 1,
            properties: &[],
            block: false,
        };
        let node = self.open(node, &FORM);
        let value = node.argument(0)?;
        self.project_path(value)
    }

    /// Reads a node of a recipe; several statements if it states several things.
    pub(crate) fn statement(&mut self, node: &KdlNode) -> Vec<Statement> {
        let name = node.name().value();
        let one = |statement: Option<Statement>| statement.into_iter().collect();
        match name {
            "env" => self.env(node),
            "expose" => self.expose(node),
            "volume" => self.volume(node),
            "name" => one(self.name(node)),
            "platform" => one(self.platforms(node)),
            "source" => one(self.source(node)),
            "capability" => one(self.capability(node)),
            "layer" => one(self.layer(node)),
            "variant" => one(self.variant(node)),
            "user" => one(self.user(node)),
            "group" => one(self.group(node)),
            "workdir" => one(self.workdir(node)),
            "entrypoint" => one(self.entrypoint(node)),
            "command" => one(self.command(node)),
            "stop-signal" => one(self.stop_signal(node)),
            "label" => one(self.label(node)),
            "annotation" => one(self.annotation(node)),
            "created" => one(self.created(node)),
            "compression" => one(self.compression(node)),
            "allow" => one(self.allow(node)),
            _ if ENTRIES.contains(&name) => self.entry(node),
            _ => {
                self.unknown_node(node);
                Vec::new()
            }
        }
    }

    fn unknown_node(&mut self, node: &KdlNode) {
        let name = node.name();
        if self.is_replaced(name.span()) {
            return;
        }
        let span = self.span(name.span());
        let name = name.value().to_owned();
        self.errors.push(ParseError::UnknownNode { name, known: NODES, span });
    }
}
