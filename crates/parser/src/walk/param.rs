//! `param`: what is said on the command line, or by default.

use kdl::KdlNode;

use super::Walker;
use super::node::Form;
use crate::error::ParseError;
use crate::parameter::{Declaration, is_name};
use crate::span::Spanned;

const PARAM: Form = Form {
    node: "param",
    example: "param version default=\"14\"",
    required: &["a name"],
    most: 1,
    properties: &["default"],
    block: false,
};

impl Walker<'_> {
    /// Reads `param version default="14"`.
    pub(crate) fn param(&mut self, node: &KdlNode) -> Option<Declaration> {
        let node = self.open(node, &PARAM);
        let default = match node.find("default") {
            Some(property) => Some(self.string(property.value?, "a text")?.to_owned()),
            None => None,
        };
        let value = node.argument(0)?;
        let (name, span) = (self.string(value, "a name")?.to_owned(), value.span);
        if !is_name(&name) {
            self.errors.push(ParseError::BadParameter { name, span });
            return None;
        }
        Some(Declaration { name: Spanned::new(name, span), default })
    }
}
