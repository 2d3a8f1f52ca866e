//! Nodes that say who runs: `user` and `group`.

use kdl::{KdlNode, KdlValue};

use super::Walker;
use super::node::{Form, Node, Value};
use super::value::{is_account_name, parse_ids};
use crate::error::ParseError;
use crate::path::ImagePath;
use crate::recipe::{Account, Group, Statement, User};
use crate::span::Spanned;

const USER: Form = Form {
    node: "user",
    example: "user app uid=10001",
    required: &["a name or a number"],
    most: 1,
    properties: &["uid", "gid", "home", "shell"],
    block: false,
};

const GROUP: Form = Form {
    node: "group",
    example: "group app gid=10001",
    required: &["a name"],
    most: 1,
    properties: &["gid"],
    block: false,
};

impl Walker<'_> {
    /// Reads `user app uid=10001`, `user app`, `user 65532` or `user "65532:65532"`.
    pub(super) fn user(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &USER);
        let uid = node.property("uid").and_then(|value| self.id(value));
        let gid = node.property("gid").and_then(|value| self.id(value));
        let home = node.property("home").and_then(|value| self.field_path(value));
        let shell = node.property("shell").and_then(|value| self.field_path(value));
        let value = node.argument(0)?;
        let ids = match value.value {
            KdlValue::Integer(_) => {
                let id = self.id(value)?.value;
                Some((id, id))
            }
            _ => parse_ids(self.string_like(value, "a user", "app")?),
        };
        let span = node.span;
        if let Some((uid, gid)) = ids {
            if let Some(property) = node.properties.first() {
                let user = value.value.as_string().unwrap_or(value.written).to_owned();
                let (property, span) = (property.name.to_owned(), property.span);
                self.errors.push(ParseError::NumericUser { user, property, span });
                return None;
            }
            return Some(Statement::User(User::Numeric { span, uid, gid }));
        }
        let name = self.account_name(value)?;
        if node.find("uid").is_none() {
            self.has_no_property(&node, &name.value)?;
            return Some(Statement::User(User::Named(name)));
        }
        Some(Statement::User(User::Created(Account { span, name, uid: uid?, gid, home, shell })))
    }

    /// Reports a property that needs a `uid` beside it.
    fn has_no_property(&mut self, node: &Node<'_>, user: &str) -> Option<()> {
        let Some(property) = node.properties.first() else { return Some(()) };
        let (user, property, span) = (user.to_owned(), property.name.to_owned(), property.span);
        self.errors.push(ParseError::UserWithoutUid { user, property, span });
        None
    }

    /// Reads `group app gid=10001`.
    pub(super) fn group(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &GROUP);
        let name = node.argument(0).and_then(|value| self.account_name(value));
        let gid = self.required(&node, &GROUP, "gid").and_then(|value| self.id(value));
        Some(Statement::Group(Group { span: node.span, name: name?, gid: gid? }))
    }

    fn account_name(&mut self, value: Value<'_>) -> Option<Spanned<String>> {
        let name = self.string(value, "a name")?.to_owned();
        if !is_account_name(&name) {
            self.errors.push(ParseError::BadAccountName { name, span: value.span });
            return None;
        }
        Some(Spanned::new(name, value.span))
    }

    /// Reads a path that becomes a field of `/etc/passwd`, where `:` ends it.
    fn field_path(&mut self, value: Value<'_>) -> Option<Spanned<ImagePath>> {
        let path = self.image_path(value)?;
        if path.value.as_bytes().contains(&b':') {
            let (what, span) = ("a path in /etc/passwd", value.span);
            self.errors.push(ParseError::ForbiddenCharacter { what, character: ':', span });
            return None;
        }
        Some(path)
    }
}
