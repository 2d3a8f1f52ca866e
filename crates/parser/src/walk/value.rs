//! Reads values: strings, paths, modes, ids and owners.

use kdl::KdlValue;

use super::Walker;
use super::node::{Form, Node, Value};
use crate::error::ParseError;
use crate::path::{ImagePath, PathProblem, ProjectPath};
use crate::platform::Platform;
use crate::recipe::{Attributes, From, Owner};
use crate::scalar::{Id, Mode};
use crate::span::Spanned;

impl<'k> Value<'k> {
    /// Describes what is written, as a message needs it.
    pub(super) fn described(self) -> String {
        match self.value {
            KdlValue::String(_) => format!("the string `{}`", self.written),
            KdlValue::Integer(_) | KdlValue::Float(_) if !self.written.starts_with('#') => {
                format!("the number `{}`", self.written)
            }
            _ => format!("`{}`", self.written),
        }
    }
}

impl Walker<'_> {
    /// Reads a string of any content.
    pub(super) fn string<'k>(
        &mut self,
        value: Value<'k>,
        expected: &'static str,
    ) -> Option<&'k str> {
        if let KdlValue::String(text) = value.value {
            return Some(text);
        }
        let quoted = match value.value {
            KdlValue::Null => "something between quotes, or remove it".to_owned(),
            _ => format!("`\"{}\"`", value.written.trim_start_matches('#')),
        };
        self.wrong_type(value, expected, quoted);
        None
    }

    /// Reads a string where a number could stand as well, so that quotes are not what is missing.
    pub(super) fn string_like<'k>(
        &mut self,
        value: Value<'k>,
        expected: &'static str,
        example: &str,
    ) -> Option<&'k str> {
        if let KdlValue::String(text) = value.value {
            return Some(text);
        }
        self.wrong_type(value, expected, format!("`{example}`"));
        None
    }

    fn wrong_type(&mut self, value: Value<'_>, expected: &'static str, instead: String) {
        let (found, span) = (value.described(), value.span);
        self.errors.push(ParseError::WrongType { found, expected, instead, span });
    }

    /// Reads a string in which the characters that `refused` names are an error.
    pub(super) fn string_without(
        &mut self,
        value: Value<'_>,
        what: &'static str,
        refused: fn(char) -> bool,
    ) -> Option<Spanned<String>> {
        let text = self.string(value, what)?;
        if let Some(character) = text.chars().find(|next| refused(*next)) {
            self.errors.push(ParseError::ForbiddenCharacter { what, character, span: value.span });
            return None;
        }
        Some(Spanned::new(text.to_owned(), value.span))
    }

    /// Reads a string that has to be handed to a program, which cannot contain a NUL.
    pub(super) fn c_string(
        &mut self,
        value: Value<'_>,
        what: &'static str,
    ) -> Option<Spanned<String>> {
        self.string_without(value, what, |next| next == '\0')
    }

    /// Reads a string on one line that is not empty and has nothing hidden in it.
    pub(super) fn word(&mut self, value: Value<'_>, what: &'static str) -> Option<Spanned<String>> {
        let word = self.string_without(value, what, char::is_control)?;
        if word.value.is_empty() {
            self.errors.push(ParseError::EmptyValue { what, span: value.span });
            return None;
        }
        Some(word)
    }

    /// Reads a path inside the image.
    pub(super) fn image_path(&mut self, value: Value<'_>) -> Option<Spanned<ImagePath>> {
        let text = self.path_text(value)?;
        self.checked(value, &text, ImagePath::parse(text.as_bytes()))
    }

    /// Reads a path of the project.
    pub(super) fn project_path(&mut self, value: Value<'_>) -> Option<Spanned<ProjectPath>> {
        let text = self.path_text(value)?;
        let path = ProjectPath::resolve(&self.directory, &text);
        self.checked(value, &text, path)
    }

    /// Reads a path that files are taken from: relative in the project, absolute in a source.
    pub(super) fn from(&mut self, value: Value<'_>) -> Option<Spanned<From>> {
        let text = self.path_text(value)?;
        let from = if text.starts_with('/') {
            ImagePath::parse(text.as_bytes()).map(From::Source)
        } else {
            ProjectPath::resolve(&self.directory, &text).map(From::Project)
        };
        self.checked(value, &text, from)
    }

    fn path_text(&mut self, value: Value<'_>) -> Option<String> {
        Some(self.string_without(value, "a path", char::is_control)?.value)
    }

    fn checked<T>(
        &mut self,
        value: Value<'_>,
        text: &str,
        result: Result<T, PathProblem>,
    ) -> Option<Spanned<T>> {
        let span = value.span;
        result
            .map(|path| Spanned::new(path, span))
            .map_err(|problem| {
                self.errors.push(ParseError::BadPath { path: text.to_owned(), problem, span });
            })
            .ok()
    }

    /// Reads a platform such as `linux/amd64`.
    pub(super) fn platform(&mut self, value: Value<'_>) -> Option<Spanned<Platform>> {
        let text = self.string(value, "a platform")?;
        let span = value.span;
        Platform::parse(text)
            .map(|platform| Spanned::new(platform, span))
            .map_err(|problem| {
                let written = text.to_owned();
                self.errors.push(ParseError::BadPlatform { written, problem, span });
            })
            .ok()
    }

    /// Reads `mode=` and `owner=`.
    pub(super) fn attributes(&mut self, node: &Node<'_>) -> Attributes {
        Attributes {
            mode: node.property("mode").and_then(|value| self.mode(value)),
            owner: node.property("owner").and_then(|value| self.owner(value)),
        }
    }

    fn mode(&mut self, value: Value<'_>) -> Option<Spanned<Mode>> {
        let span = value.span;
        let written = value.value.as_string().unwrap_or(value.written).to_owned();
        let mode = match value.value {
            KdlValue::Integer(number) if !written.starts_with("0o") => {
                self.errors.push(ParseError::DecimalMode { written, number: *number, span });
                return None;
            }
            KdlValue::Integer(bits) => Mode::new(u64::try_from(*bits).unwrap_or(u64::MAX)),
            _ => Mode::parse(self.string_like(value, "a mode", "0o644")?),
        };
        mode.map(|mode| Spanned::new(mode, span))
            .map_err(|problem| self.errors.push(ParseError::BadMode { written, problem, span }))
            .ok()
    }

    /// Reads a user or group id.
    pub(super) fn id(&mut self, value: Value<'_>) -> Option<Spanned<Id>> {
        let span = value.span;
        let KdlValue::Integer(number) = value.value else {
            let instead = match value.value.as_string().and_then(parse_id) {
                Some(id) => format!("`{id}`"),
                None => "a number such as `10001`".to_owned(),
            };
            self.wrong_type(value, "a number", instead);
            return None;
        };
        Id::new(*number)
            .map(|id| Spanned::new(id, span))
            .map_err(|problem| {
                let written = value.written.to_owned();
                self.errors.push(ParseError::BadId { written, problem, span });
            })
            .ok()
    }

    /// Reads `app`, `"app:web"`, `10001` or `"10001:10002"`.
    pub(super) fn owner(&mut self, value: Value<'_>) -> Option<Spanned<Owner>> {
        if matches!(value.value, KdlValue::Integer(_)) {
            let id = self.id(value)?.value;
            return Some(Spanned::new(Owner::Numeric { uid: id, gid: id }, value.span));
        }
        let text = self.string_like(value, "an owner", "app")?;
        let owner = parse_owner(text);
        if owner.is_none() {
            let written = text.to_owned();
            self.errors.push(ParseError::BadOwner { written, span: value.span });
        }
        Some(Spanned::new(owner?, value.span))
    }

    /// Reads a property that the node cannot do without.
    pub(super) fn required<'k>(
        &mut self,
        node: &Node<'k>,
        form: &Form,
        property: &'static str,
    ) -> Option<Value<'k>> {
        if node.find(property).is_none() {
            let Form { node: name, example, .. } = *form;
            let span = node.name;
            self.errors.push(ParseError::MissingProperty { node: name, property, example, span });
        }
        node.property(property)
    }
}

/// Reads the ids that a purely numeric text gives: `65532` or `65532:65532`.
pub(super) fn parse_ids(text: &str) -> Option<(Id, Id)> {
    match text.split_once(':') {
        Some((user, group)) => Some((parse_id(user)?, parse_id(group)?)),
        None => parse_id(text).map(|id| (id, id)),
    }
}

/// Tells whether a text has the form of a user's or group's name: `[a-z_][a-z0-9_-]{0,31}`.
pub(super) fn is_account_name(text: &str) -> bool {
    let rest =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    text.len() <= 32
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && text.bytes().all(rest)
}

fn parse_id(text: &str) -> Option<Id> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().and_then(|number| Id::new(number).ok())
}

fn parse_owner(text: &str) -> Option<Owner> {
    if let Some((uid, gid)) = parse_ids(text) {
        return Some(Owner::Numeric { uid, gid });
    }
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let named = is_account_name(user) && group.is_none_or(is_account_name);
    named.then(|| Owner::Named { user: user.to_owned(), group: group.map(str::to_owned) })
}
