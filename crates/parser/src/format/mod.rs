//! A recipe's text in its usual form, for `imgc fmt`.
//!
//! The text is laid out again from its own tokens (`layout`), never from KDL's tree, which does not
//! keep all of it. What comes out is compared with what went in before it is returned.

mod layout;

use kdl::{KdlDocument, KdlNode, KdlValue};

use crate::error::ParseError;
use crate::span::SourceMap;
use crate::syntax::{self, Kind, Origin, lex};

/// Why a text cannot be formatted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The text is not KDL. The spans are those of a map that holds this text alone.
    #[error("the recipe cannot be read")]
    Invalid(Vec<ParseError>),
    /// The formatted text would mean something else. This is a mistake in imgc, not in the text.
    #[error("formatting would change what the recipe means; it is left as it is")]
    Changed,
}

/// Lays a recipe's text out in its usual form.
///
/// Four spaces for each block, one space between arguments, each node on a line of its own, no
/// more than one blank line, no space at the end of a line, line feeds alone, and one at the end.
/// Comments, strings and numbers stay as they are written. What a recipe means is not checked:
/// unknown nodes are laid out as well.
///
/// # Errors
/// See [`FormatError`].
pub fn format(text: &str) -> Result<String, FormatError> {
    let before = document(text).map_err(FormatError::Invalid)?;
    let formatted = layout::layout(text);
    let after = document(&formatted).map_err(|errors| {
        // Indentation can bring a text that was just small enough over a limit.
        let is_limit = |error: &ParseError| {
            matches!(error, ParseError::TooLarge { .. } | ParseError::LineTooLong { .. })
        };
        if errors.iter().all(is_limit) {
            FormatError::Invalid(errors)
        } else {
            FormatError::Changed
        }
    })?;
    if words(text) != words(&formatted) || !same_nodes(&before, &after) {
        return Err(FormatError::Changed);
    }
    Ok(formatted)
}

fn document(text: &str) -> Result<KdlDocument, Vec<ParseError>> {
    let mut errors = Vec::new();
    if text.len() > syntax::MAX_BYTES {
        let mut map = SourceMap::default();
        let span = map.add(String::new(), String::new()).span(0, 0);
        let name = "recipe".to_owned();
        return Err(vec![ParseError::TooLarge { name, size: text.len(), span }]);
    }
    let mut map = SourceMap::default();
    let origin = Origin::of(map.add(String::new(), String::new()));
    let parsed = syntax::parse(text, origin, &mut errors);
    parsed.filter(|_| errors.is_empty()).map(|parsed| parsed.document).ok_or(errors)
}

/// Returns everything in a text that formatting has to keep, comments and removed nodes included.
fn words(text: &str) -> Vec<String> {
    let (tokens, _) = lex(text);
    let mut words = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Space | Kind::Newline | Kind::Semicolon => {}
            // A line break that is hidden means nothing; a comment before it may become a line.
            Kind::Continuation => {
                let comments = lex(token.text(text)[1..].trim_end()).0.into_iter();
                let comments = comments.filter(|inner| inner.kind != Kind::Space);
                words.extend(comments.map(|inner| layout::written(&token.text(text)[1..], inner)));
            }
            _ => words.push(layout::written(text, token)),
        }
    }
    words
}

fn same_nodes(one: &KdlDocument, other: &KdlDocument) -> bool {
    one.nodes().len() == other.nodes().len()
        && one.nodes().iter().zip(other.nodes()).all(|(one, other)| same_node(one, other))
}

fn same_node(one: &KdlNode, other: &KdlNode) -> bool {
    let header = one.name().value() == other.name().value()
        && one.ty().map(|ty| ty.value()) == other.ty().map(|ty| ty.value())
        && one.entries().len() == other.entries().len();
    let entries = one.entries().iter().zip(other.entries()).all(|(one, other)| {
        one.name().map(|name| name.value()) == other.name().map(|name| name.value())
            && one.ty().map(|ty| ty.value()) == other.ty().map(|ty| ty.value())
            && same_value(one.value(), other.value())
    });
    let blocks = match (one.children(), other.children()) {
        (None, None) => true,
        (Some(one), Some(other)) => same_nodes(one, other),
        _ => false,
    };
    header && entries && blocks
}

fn same_value(one: &KdlValue, other: &KdlValue) -> bool {
    match (one, other) {
        // Not a number is not equal to itself.
        (KdlValue::Float(one), KdlValue::Float(other)) => one.to_bits() == other.to_bits(),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
