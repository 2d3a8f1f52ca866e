//! Nodes about the image as a whole.

use kdl::{KdlNode, KdlValue};

use super::Walker;
use super::node::Form;
use crate::error::ParseError;
use crate::image_name::ImageName;
use crate::recipe::{Allow, Codec, Compression, KeyValue, Source, SourceKind, Statement};
use crate::scalar::Epoch;
use crate::span::Spanned;

const NAME: Form = Form {
    node: "name",
    example: "name \"rg\"",
    required: &["a name"],
    most: 1,
    properties: &[],
    block: false,
};

const PLATFORM: Form = Form {
    node: "platform",
    example: "platform \"linux/amd64\"",
    required: &["a platform"],
    most: usize::MAX,
    properties: &[],
    block: false,
};

const HOST: Form = Form {
    node: "source",
    example: "source host",
    required: &["a kind"],
    most: 1,
    properties: &["platform"],
    block: false,
};

const DIRECTORY: Form = Form {
    node: "source",
    example: "source directory \"sysroot\"",
    required: &["a kind", "a path"],
    most: 2,
    properties: &["platform"],
    block: false,
};

const LABEL: Form = Form {
    node: "label",
    example: "label \"org.opencontainers.image.title\" \"app\"",
    required: &["a key", "a value"],
    most: 2,
    properties: &[],
    block: false,
};

const ANNOTATION: Form = Form {
    node: "annotation",
    example: "annotation \"org.opencontainers.image.title\" \"app\"",
    ..LABEL
};

const CREATED: Form = Form {
    node: "created",
    example: "created \"2026-11-20\"",
    required: &["a date"],
    most: 1,
    properties: &[],
    block: false,
};

const COMPRESSION: Form = Form {
    node: "compression",
    example: "compression gzip level=6",
    required: &["a format"],
    most: 1,
    properties: &["level"],
    block: false,
};

const ALLOW: Form = Form {
    node: "allow",
    example: "allow dlopen \"plugins are not used here\"",
    required: &["a warning", "a reason"],
    most: 2,
    properties: &[],
    block: false,
};

/// Kinds of sources that are there.
const SOURCES: &[&str] = &["host", "directory"];

/// Kinds of sources that are designed and not there yet.
const PLANNED_SOURCES: &[(&str, &str)] =
    &[("archive", "source archive"), ("image", "source image"), ("debian", "source debian")];

impl Walker<'_> {
    /// Reads `name "rg"`.
    pub(super) fn name(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &NAME);
        let value = node.argument(0)?;
        let name = self.string(value, "an image's name")?;
        let span = value.span;
        match ImageName::parse(name) {
            Ok(name) => Some(Statement::Name(Spanned::new(name, span))),
            Err(problem) => {
                self.errors.push(ParseError::BadName { name: name.to_owned(), problem, span });
                None
            }
        }
    }

    /// Reads `platform "linux/amd64" "linux/arm64"`.
    pub(super) fn platforms(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &PLATFORM);
        let mut platforms = Vec::<Spanned<_>>::new();
        for value in node.arguments.into_iter().flatten() {
            let Some(platform) = self.platform(value) else { continue };
            if let Some(first) = platforms.iter().find(|other| **other == platform) {
                self.errors.push(ParseError::StatedTwice {
                    what: format!("platform `{}`", platform.value),
                    first: first.span,
                    span: platform.span,
                });
                continue;
            }
            platforms.push(platform);
        }
        (!platforms.is_empty()).then_some(Statement::Platform(platforms))
    }

    /// Reads `source host` or `source directory "sysroot"`.
    pub(super) fn source(&mut self, node: &KdlNode) -> Option<Statement> {
        let first = node.entries().iter().find(|entry| entry.name().is_none());
        let kind = first.and_then(|entry| entry.value().as_string()).unwrap_or("host");
        if let Some((_, what)) = PLANNED_SOURCES.iter().find(|(planned, _)| *planned == kind) {
            let instead = "unpack it and name it with `source directory`";
            let span = self.span(node.name().span());
            self.errors.push(ParseError::NotSupported { what, instead, span });
            return None;
        }
        let form = if kind == "directory" { &DIRECTORY } else { &HOST };
        let is_known = SOURCES.contains(&kind);
        let form = if is_known { form } else { &Form { most: usize::MAX, ..HOST } };
        let node = self.open(node, form);
        let platform = node.property("platform").and_then(|value| self.platform(value));
        let value = node.argument(0)?;
        let kind = match self.string(value, "a kind of source")? {
            "host" => SourceKind::Host,
            "directory" => SourceKind::Directory(self.from(node.argument(1)?)?),
            kind => {
                let kind = kind.to_owned();
                let (known, span) = (SOURCES, value.span);
                self.errors.push(ParseError::UnknownSource { kind, known, span });
                return None;
            }
        };
        Some(Statement::Source(Source { span: node.span, kind, platform }))
    }

    /// Reads `label KEY VALUE`.
    pub(super) fn label(&mut self, node: &KdlNode) -> Option<Statement> {
        self.key_value(node, &LABEL).map(Statement::Label)
    }

    /// Reads `annotation KEY VALUE`.
    pub(super) fn annotation(&mut self, node: &KdlNode) -> Option<Statement> {
        self.key_value(node, &ANNOTATION).map(Statement::Annotation)
    }

    fn key_value(&mut self, node: &KdlNode, form: &Form) -> Option<KeyValue> {
        let node = self.open(node, form);
        let key = node.argument(0).and_then(|value| self.word(value, "a key"));
        let value = node.argument(1).and_then(|value| self.c_string(value, "a value"));
        Some(KeyValue { key: key?, value: value? })
    }

    /// Reads `created "2026-11-20"`.
    pub(super) fn created(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &CREATED);
        let value = node.argument(0)?;
        let text = self.string(value, "a date")?;
        let span = value.span;
        match Epoch::parse(text) {
            Ok(epoch) => Some(Statement::Created(Spanned::new(epoch, span))),
            Err(problem) => {
                self.errors.push(ParseError::BadDate { written: text.to_owned(), problem, span });
                None
            }
        }
    }

    /// Reads `compression gzip level=6`.
    pub(super) fn compression(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &COMPRESSION);
        let value = node.argument(0)?;
        let written = self.string(value, "a compression")?;
        let (codec, name, highest) = match written {
            "gzip" => (Codec::Gzip, "gzip", 12),
            "zstd" => (Codec::Zstd, "zstd", 19),
            "none" => (Codec::None, "none", 0),
            _ => {
                let (written, span) = (written.to_owned(), value.span);
                self.errors.push(ParseError::UnknownCompression { written, span });
                return None;
            }
        };
        let mut level = None;
        if let Some(value) = node.property("level") {
            level = match value.value {
                KdlValue::Integer(level) => {
                    u8::try_from(*level).ok().filter(|level| (1..=highest).contains(level))
                }
                _ => None,
            };
            if level.is_none() {
                let (written, span) = (value.written.to_owned(), value.span);
                self.errors.push(ParseError::BadLevel { written, codec: name, highest, span });
            }
        }
        Some(Statement::Compression(Spanned::new(Compression { codec, level }, node.span)))
    }

    /// Reads `allow dlopen "plugins are not used here"`.
    pub(super) fn allow(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &ALLOW);
        let code = node.argument(0).and_then(|value| self.word(value, "a warning's code"));
        let reason = node.argument(1).and_then(|value| self.c_string(value, "a reason"))?;
        if reason.value.trim().is_empty() {
            self.errors.push(ParseError::EmptyValue { what: "a reason", span: reason.span });
            return None;
        }
        Some(Statement::Allow(Allow { code: code?, reason }))
    }
}
