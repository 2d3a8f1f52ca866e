//! Parameters: `${name}` in any string of a recipe, given by `--set name=value` or by default.
//!
//! What stands there is put in before nodes are read, so it counts as if it had been written. Names
//! of nodes and properties are no strings. `$${` stands for `${`.

use std::collections::BTreeMap;

use kdl::{KdlNode, KdlValue};

use crate::error::ParseError;
use crate::span::{Span, Spanned};
use crate::syntax::Origin;

/// Most bytes that parameters put into one recipe: more is a mistake or an attack.
const MAX_INSERTED_BYTES: usize = 4 << 20;

/// `param NAME default=…`.
pub(crate) struct Declaration {
    pub(crate) name: Spanned<String>,
    pub(crate) default: Option<String>,
}

/// Tells whether a text has the form of a parameter's name: `[a-zA-Z_][a-zA-Z0-9_-]*`.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The parameters of a recipe.
pub(crate) struct Parameters<'a> {
    /// What the command line gives.
    given: &'a BTreeMap<String, String>,
    known: BTreeMap<String, Parameter>,
    inserted_bytes: usize,
}

struct Parameter {
    span: Span,
    /// None if nobody has given it one, which was reported.
    value: Option<String>,
    is_used: bool,
}

impl<'a> Parameters<'a> {
    pub(crate) fn new(given: &'a BTreeMap<String, String>) -> Self {
        Self { given, known: BTreeMap::new(), inserted_bytes: 0 }
    }

    pub(crate) fn declare(&mut self, declaration: Declaration, errors: &mut Vec<ParseError>) {
        let Declaration { name: Spanned { value: name, span }, default } = declaration;
        if let Some(Parameter { span: first, .. }) = self.known.get(&name) {
            let (what, first) = (format!("parameter `{name}`"), *first);
            errors.push(ParseError::StatedTwice { what, first, span });
            return;
        }
        let value = self.given.get(&name).cloned().or(default);
        if value.is_none() {
            errors.push(ParseError::ParameterWithoutValue { name: name.clone(), span });
        }
        self.known.insert(name, Parameter { span, value, is_used: false });
    }

    /// Puts values into all strings of a node and of those in its block. Returns whether all of them
    /// have one; what a node without them would mean is not worth a word.
    pub(crate) fn fill(
        &mut self,
        node: &mut KdlNode,
        origin: Origin,
        errors: &mut Vec<ParseError>,
    ) -> bool {
        let mut is_filled = true;
        for entry in node.entries_mut() {
            let written = entry.format().map_or(0, |format| format.value_repr.len());
            let end = entry.span().offset() + entry.span().len();
            let span = origin.span(end.saturating_sub(written)..end);
            if let KdlValue::String(text) = entry.value()
                && text.contains("${")
            {
                match self.filled(text, span, errors) {
                    Some(filled) => *entry.value_mut() = KdlValue::String(filled),
                    None => is_filled = false,
                }
            }
        }
        for child in node.children_mut().iter_mut().flat_map(|block| block.nodes_mut()) {
            is_filled &= self.fill(child, origin, errors);
        }
        is_filled
    }

    fn filled(&mut self, text: &str, span: Span, errors: &mut Vec<ParseError>) -> Option<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, behind) = (&rest[..at], &rest[at + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                filled.push_str(before);
                filled.push_str("${");
                rest = behind;
                continue;
            }
            filled.push_str(before);
            let Some((name, behind)) = behind.split_once('}').filter(|(name, _)| is_name(name))
            else {
                let end = behind.find('}').map_or(behind.len(), |end| end + 1);
                let name = format!("${{{}", &behind[..end]);
                errors.push(ParseError::BadParameter { name, span });
                return None;
            };
            filled.push_str(self.value(name, span, errors)?);
            rest = behind;
        }
        filled.push_str(rest);
        self.inserted_bytes += filled.len();
        if self.inserted_bytes > MAX_INSERTED_BYTES {
            let what = "what parameters put into a recipe";
            let (length, limit) = (self.inserted_bytes, MAX_INSERTED_BYTES);
            // Once, and not for every string that follows.
            if length - filled.len() <= limit {
                errors.push(ParseError::TooLong { what, length, limit, span });
            }
            return None;
        }
        Some(filled)
    }

    fn value(&mut self, name: &str, span: Span, errors: &mut Vec<ParseError>) -> Option<&str> {
        if !self.known.contains_key(name) {
            let known = self.known.keys().cloned().collect();
            errors.push(ParseError::UnknownParameter { name: name.to_owned(), known, span });
            return None;
        }
        let parameter = self.known.get_mut(name)?;
        parameter.is_used = true;
        parameter.value.as_deref()
    }

    /// Reports what was declared for nothing.
    pub(crate) fn check_use(&self, errors: &mut Vec<ParseError>) {
        for (name, Parameter { span, is_used, .. }) in &self.known {
            if !is_used {
                errors.push(ParseError::UnusedParameter { name: name.clone(), span: *span });
            }
        }
    }

    /// Reports what was given for nothing.
    pub(crate) fn check_given(&self, errors: &mut Vec<ParseError>) {
        for name in self.given.keys().filter(|name| !self.known.contains_key(*name)) {
            let known = self.known.keys().cloned().collect();
            errors.push(ParseError::UnknownSetting { name: name.clone(), known });
        }
    }
}
