//! Nodes that put something into the image.

use kdl::KdlNode;

use super::node::{Form, Node, Value};
use super::{ENTRIES, Walker};
use crate::error::ParseError;
use crate::limits::MAX_LINK_TARGET_BYTES;
use crate::recipe::{
    Binary, Directory, File, Layer, Library, LibraryName, Statement, Symlink, Text, Tree,
};
use crate::span::Spanned;

const BINARY: Form = Form {
    node: "binary",
    example: "binary \"/usr/bin/rg\"",
    required: &["the path of a program"],
    most: 1,
    properties: &["to", "mode", "owner"],
    block: false,
};

const LIBRARY: Form = Form {
    node: "library",
    example: "library \"libsqlite3.so.0\"",
    required: &["the name of a library"],
    most: 1,
    properties: &[],
    block: false,
};

const FILE: Form = Form {
    node: "file",
    example: "file \"/etc/app.toml\" from=\"conf/app.toml\"",
    required: &["a path"],
    most: 1,
    properties: &["from", "mode", "owner"],
    block: false,
};

const TEXT: Form = Form {
    node: "text",
    example: "text \"/etc/hostname\" \"app\\n\"",
    required: &["a path", "the text"],
    most: 2,
    properties: &["mode", "owner"],
    block: false,
};

const TREE: Form = Form {
    node: "tree",
    example: "tree \"/srv/www\" from=\"dist\"",
    required: &["a path"],
    most: 1,
    properties: &["from", "mode", "owner"],
    block: true,
};

const EXCLUDE: Form = Form {
    node: "exclude",
    example: "exclude \"*.map\"",
    required: &["a pattern"],
    most: usize::MAX,
    properties: &[],
    block: false,
};

const DIRECTORY: Form = Form {
    node: "directory",
    example: "directory \"/var/lib/app\"",
    required: &["a path"],
    most: 1,
    properties: &["mode", "owner"],
    block: false,
};

const SYMLINK: Form = Form {
    node: "symlink",
    example: "symlink \"/bin/sh\" to=\"busybox\"",
    required: &["a path"],
    most: 1,
    properties: &["to", "owner"],
    block: false,
};

const LAYER: Form = Form {
    node: "layer",
    example: "layer \"assets\" { tree \"/srv/www\" from=\"dist\"; }",
    required: &["a name"],
    most: 1,
    properties: &[],
    block: true,
};

impl Walker<'_> {
    /// Reads a node of [`ENTRIES`].
    pub(super) fn entry(&mut self, node: &KdlNode) -> Vec<Statement> {
        let statement = match node.name().value() {
            "needs" => return self.needs(node),
            "binary" => self.binary(node).map(Statement::Binary),
            "library" => self.library(node).map(Statement::Library),
            "file" => self.file(node).map(Statement::File),
            "text" => self.text(node).map(Statement::Text),
            "tree" => self.tree(node).map(Statement::Tree),
            "directory" => self.directory(node).map(Statement::Directory),
            "symlink" => self.symlink(node).map(Statement::Symlink),
            _ => None,
        };
        statement.into_iter().collect()
    }

    fn binary(&mut self, node: &KdlNode) -> Option<Binary> {
        let node = self.open(node, &BINARY);
        let to = node.property("to").and_then(|value| self.image_path(value));
        let attributes = self.attributes(&node);
        let from = node.argument(0).and_then(|value| self.from(value))?;
        Some(Binary { span: node.span, from, to, attributes })
    }

    fn library(&mut self, node: &KdlNode) -> Option<Library> {
        let node = self.open(node, &LIBRARY);
        let name = self.library_name(node.argument(0)?)?;
        Some(Library { span: node.span, name })
    }

    fn library_name(&mut self, value: Value<'_>) -> Option<Spanned<LibraryName>> {
        let Spanned { value: name, span } = self.word(value, "the name of a library")?;
        if !name.contains('/') {
            return Some(Spanned::new(LibraryName::Soname(name), span));
        }
        if !name.starts_with('/') {
            self.errors.push(ParseError::BadLibrary { name, span });
            return None;
        }
        let path = self.image_path(value)?.value;
        let is_pattern = |text: &[u8]| text.iter().any(|byte| b"*?[".contains(byte));
        let in_directory = path.components().rev().skip(1).any(is_pattern);
        if in_directory || path.file_name().is_some_and(|last| !closes_classes(last)) {
            self.errors.push(ParseError::BadPattern { pattern: name, span });
            return None;
        }
        Some(Spanned::new(LibraryName::Pattern(path), span))
    }

    fn file(&mut self, node: &KdlNode) -> Option<File> {
        let node = self.open(node, &FILE);
        let from = node.property("from").and_then(|value| self.from(value));
        let attributes = self.attributes(&node);
        let path = node.argument(0).and_then(|value| self.image_path(value))?;
        Some(File { span: node.span, path, from, attributes })
    }

    fn text(&mut self, node: &KdlNode) -> Option<Text> {
        let node = self.open(node, &TEXT);
        let attributes = self.attributes(&node);
        let path = node.argument(0).and_then(|value| self.image_path(value));
        let text = node.argument(1).and_then(|value| self.string(value, "a text"))?.to_owned();
        Some(Text { span: node.span, path: path?, text, attributes })
    }

    fn tree(&mut self, node: &KdlNode) -> Option<Tree> {
        let node = self.open(node, &TREE);
        let from = node.property("from").and_then(|value| self.from(value));
        let attributes = self.attributes(&node);
        let exclude = self.exclude(&node);
        let path = node.argument(0).and_then(|value| self.image_path(value))?;
        Some(Tree { span: node.span, path, from, exclude, attributes })
    }

    fn exclude(&mut self, tree: &Node<'_>) -> Vec<Spanned<String>> {
        let mut patterns = Vec::new();
        for child in tree.block.map_or(&[][..], |block| block.nodes()) {
            if child.name().value() != "exclude" {
                self.unknown_child(child, "tree", &["exclude"]);
                continue;
            }
            let child = self.open(child, &EXCLUDE);
            let values = child.arguments.into_iter().flatten();
            patterns.extend(values.filter_map(|value| self.word(value, "a pattern")));
        }
        patterns
    }

    fn directory(&mut self, node: &KdlNode) -> Option<Directory> {
        let node = self.open(node, &DIRECTORY);
        let attributes = self.attributes(&node);
        let path = node.argument(0).and_then(|value| self.image_path(value))?;
        Some(Directory { span: node.span, path, attributes })
    }

    fn symlink(&mut self, node: &KdlNode) -> Option<Symlink> {
        let node = self.open(node, &SYMLINK);
        let owner = node.property("owner").and_then(|value| self.owner(value));
        let path = node.argument(0).and_then(|value| self.image_path(value));
        let to = self.required(&node, &SYMLINK, "to")?;
        let target = self.word(to, "the target of a link")?;
        if target.value.len() > MAX_LINK_TARGET_BYTES {
            self.errors.push(ParseError::TooLong {
                what: "the target of a link",
                length: target.value.len(),
                limit: MAX_LINK_TARGET_BYTES,
                span: target.span,
            });
            return None;
        }
        Some(Symlink { span: node.span, path: path?, target, owner })
    }

    /// Reads `layer "assets" { … }`.
    pub(super) fn layer(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &LAYER);
        let name = node.argument(0).and_then(|value| self.word(value, "the name of a layer"));
        let mut statements = Vec::new();
        if node.block.is_none() && node.arguments.len() == 1 {
            self.errors.push(ParseError::MissingArgument {
                node: LAYER.node,
                what: "a block with what is in it",
                example: LAYER.example,
                span: node.name,
            });
        }
        for child in node.block.map_or(&[][..], |block| block.nodes()) {
            if ENTRIES.contains(&child.name().value()) {
                statements.extend(self.entry(child));
            } else {
                self.unknown_child(child, "layer", ENTRIES);
            }
        }
        Some(Statement::Layer(Layer { span: node.span, name: name?, statements }))
    }

    pub(super) fn unknown_child(
        &mut self,
        child: &KdlNode,
        parent: &'static str,
        known: &'static [&'static str],
    ) {
        let name = child.name();
        if self.is_replaced(name.span()) {
            return;
        }
        let span = self.span(name.span());
        let name = name.value().to_owned();
        self.errors.push(ParseError::UnknownChild { name, parent, known, span });
    }
}

/// Tells whether each `[` of a pattern has its `]`, with something between them.
fn closes_classes(pattern: &[u8]) -> bool {
    let mut rest = pattern;
    while let Some(open) = rest.iter().position(|byte| *byte == b'[') {
        // A `]` right behind the `[` (or its `!`) is itself a member, as in fnmatch(3).
        let class = &rest[open + 1..];
        let class = class.strip_prefix(b"!").unwrap_or(class);
        let Some(close) = class.iter().skip(1).position(|byte| *byte == b']') else { return false };
        rest = &class[close + 2..];
    }
    true
}
