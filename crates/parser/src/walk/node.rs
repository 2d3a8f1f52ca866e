//! Reads a node against the form that it must have.

use kdl::{KdlDocument, KdlNode, KdlValue};
use miette::SourceSpan;

use super::Walker;
use crate::error::ParseError;
use crate::span::Span;

/// What a node must look like.
pub(super) struct Form {
    /// The node's name.
    pub(super) node: &'static str,
    /// The node as it could be written; shown as help.
    pub(super) example: &'static str,
    /// What each argument is that must be there.
    pub(super) required: &'static [&'static str],
    /// How many arguments there may be at most.
    pub(super) most: usize,
    /// The properties that it may have; `*` for any.
    pub(super) properties: &'static [&'static str],
    /// Whether it may have a block.
    pub(super) block: bool,
}

/// Stands for any property in a [`Form`].
pub(super) const ANY: &[&str] = &["*"];

/// A value and its place.
#[derive(Clone, Copy)]
pub(super) struct Value<'k> {
    /// The value.
    pub(super) value: &'k KdlValue,
    /// How it is written.
    pub(super) written: &'k str,
    /// Where.
    pub(super) span: Span,
}

/// A property of a node. Its value is missing if that is already reported.
pub(super) struct Property<'k> {
    /// The name.
    pub(super) name: &'k str,
    /// Where the name stands.
    pub(super) span: Span,
    /// What it is set to.
    pub(super) value: Option<Value<'k>>,
}

/// A node that has the right form, as far as that could be told.
pub(super) struct Node<'k> {
    /// The whole node.
    pub(super) span: Span,
    /// The node's name.
    pub(super) name: Span,
    /// The arguments; nothing in place of those that are already reported.
    pub(super) arguments: Vec<Option<Value<'k>>>,
    /// The properties, without those that the node does not have.
    pub(super) properties: Vec<Property<'k>>,
    /// The block.
    pub(super) block: Option<&'k KdlDocument>,
}

impl<'k> Node<'k> {
    /// Returns an argument, unless it is missing or already reported.
    pub(super) fn argument(&self, index: usize) -> Option<Value<'k>> {
        self.arguments.get(index).copied().flatten()
    }

    /// Returns a property.
    pub(super) fn find(&self, name: &str) -> Option<&Property<'k>> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Returns what a property is set to, unless it is missing or already reported.
    pub(super) fn property(&self, name: &str) -> Option<Value<'k>> {
        self.find(name)?.value
    }
}

impl Walker<'_> {
    /// Returns the span of a place in this file.
    pub(super) fn span(&self, span: SourceSpan) -> Span {
        let end = (span.offset() + span.len()).min(self.text.len());
        self.origin.span(span.offset().min(end)..end)
    }

    /// Tells whether what starts at this place is already reported.
    pub(super) fn is_replaced(&self, span: SourceSpan) -> bool {
        self.replaced.contains(&span.offset())
    }

    /// Reads a node and reports where it differs from its form.
    pub(super) fn open<'k>(&mut self, node: &'k KdlNode, form: &Form) -> Node<'k> {
        let start = node.span().offset();
        // KDL's span reaches to what ends the node; the space before that is not meant.
        let text = self.text.get(start..start + node.span().len()).unwrap_or_default();
        let span = self.origin.span(start..start + text.trim_end().len());
        let name = self.span(node.name().span());
        if let Some(annotation) = node.ty() {
            self.errors.push(ParseError::TypeAnnotation {
                name: annotation.value().to_owned(),
                span: name,
            });
        }
        let (mut arguments, mut properties) = (Vec::new(), Vec::<Property<'_>>::new());
        for entry in node.entries() {
            let written = entry.format().map_or("", |format| format.value_repr.as_str());
            let end = entry.span().offset() + entry.span().len();
            let place = SourceSpan::from(end.saturating_sub(written.len())..end);
            let span = self.span(place);
            if let Some(annotation) = entry.ty() {
                let name = annotation.value().to_owned();
                self.errors.push(ParseError::TypeAnnotation { name, span });
            }
            let value = Some(Value { value: entry.value(), written, span })
                .filter(|_| !self.is_replaced(place));
            match entry.name() {
                None => arguments.push(value),
                Some(key) if self.is_replaced(key.span()) => {}
                Some(key) => {
                    let property =
                        Property { name: key.value(), span: self.span(key.span()), value };
                    if self.accept(&property, &properties, form) {
                        properties.push(property);
                    }
                }
            }
        }
        self.count(&arguments, form, name);
        if node.children().is_some() && !form.block {
            self.errors.push(ParseError::NoChildren { node: form.node, span });
        }
        Node { span, name, arguments, properties, block: node.children() }
    }

    fn accept(&mut self, property: &Property<'_>, before: &[Property<'_>], form: &Form) -> bool {
        if form.properties == ANY {
            return true;
        }
        let span = property.span;
        let name = property.name.to_owned();
        if !form.properties.contains(&property.name) {
            let (node, known) = (form.node, form.properties);
            self.errors.push(ParseError::UnknownProperty { name, node, known, span });
            return false;
        }
        if let Some(first) = before.iter().find(|other| other.name == property.name) {
            self.errors.push(ParseError::DuplicateProperty { name, first: first.span, span });
            return false;
        }
        true
    }

    fn count(&mut self, arguments: &[Option<Value<'_>>], form: &Form, name: Span) {
        let Form { node, example, .. } = *form;
        if let Some(what) = form.required.get(arguments.len()) {
            self.errors.push(ParseError::MissingArgument { node, what, example, span: name });
        }
        if let Some(Some(extra)) = arguments.get(form.most) {
            self.errors.push(ParseError::ExtraArgument { node, example, span: extra.span });
        }
    }
}
