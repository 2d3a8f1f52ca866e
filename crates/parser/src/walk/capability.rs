//! `capability`: what a program may do beyond its user.

use kdl::KdlNode;

use super::Walker;
use super::node::Form;
use crate::capability::Capabilities;
use crate::error::ParseError;
use crate::recipe::{Capability, Statement};
use crate::span::Spanned;

const CAPABILITY: Form = Form {
    node: "capability",
    example: "capability \"/usr/bin/ping\" \"cap_net_raw=ep\"",
    required: &["the path of a program", "what it may do"],
    most: 2,
    properties: &[],
    block: false,
};

impl Walker<'_> {
    /// Reads `capability "/usr/bin/ping" "cap_net_raw=ep"`.
    pub(super) fn capability(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &CAPABILITY);
        let path = node.argument(0).and_then(|value| self.image_path(value));
        let value = node.argument(1)?;
        let (text, span) = (self.string(value, "capabilities")?, value.span);
        match Capabilities::parse(text) {
            Ok(capabilities) => {
                let capabilities = Spanned::new(capabilities, span);
                Some(Statement::Capability(Capability {
                    span: node.span,
                    path: path?,
                    capabilities,
                }))
            }
            Err(problem) => {
                let written = text.to_owned();
                self.errors.push(ParseError::BadCapability { written, problem, span });
                None
            }
        }
    }
}
