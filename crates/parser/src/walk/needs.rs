//! `needs`: what a root from scratch lacks, by what it is for.

use kdl::KdlNode;

use super::Walker;
use super::node::{Form, Value};
use crate::error::ParseError;
use crate::recipe::{Facility, Statement};
use crate::span::Spanned;

const NEEDS: Form = Form {
    node: "needs",
    example: "needs dns tls",
    required: &["a need"],
    most: usize::MAX,
    properties: &[],
    block: false,
};

/// What can be needed, in the order in which it is listed to a user.
const NEEDED: &[&str] = &["dns", "tls", "users", "tmp"];

impl Walker<'_> {
    /// Reads `needs dns tls …`.
    pub(super) fn needs(&mut self, node: &KdlNode) -> Vec<Statement> {
        let node = self.open(node, &NEEDS);
        let values = node.arguments.into_iter().flatten();
        values.filter_map(|value| self.need(value)).map(Statement::Needs).collect()
    }

    fn need(&mut self, value: Value<'_>) -> Option<Spanned<Facility>> {
        let span = value.span;
        let facility = match self.string(value, "a need")? {
            "dns" => Facility::Dns,
            "tls" => Facility::Tls,
            "users" => Facility::Users,
            "tmp" => Facility::Tmp,
            name => {
                let name = name.to_owned();
                self.errors.push(ParseError::UnknownNeed { name, known: NEEDED, span });
                return None;
            }
        };
        Some(Spanned::new(facility, span))
    }
}
