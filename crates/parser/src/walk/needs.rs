//! `needs`: what a root from scratch lacks, by what it is for.

use kdl::KdlNode;

use super::Walker;
use super::node::{Form, Value};
use crate::error::ParseError;
use crate::facility_name::{LocaleName, ZoneName};
use crate::recipe::{Facility, Statement};
use crate::span::Spanned;

const NEEDS: Form = Form {
    node: "needs",
    example: "needs dns tls",
    required: &[],
    most: usize::MAX,
    properties: &["timezones", "locale"],
    block: false,
};

/// What can be needed, in the order in which it is listed to a user.
const NEEDED: &[&str] = &[
    "dns",
    "tls",
    "users",
    "tmp",
    "timezones",
    "locale",
    "charsets",
    "terminfo",
    "os-release",
    "packages",
];

impl Walker<'_> {
    /// Reads `needs dns tls …`.
    pub(super) fn needs(&mut self, node: &KdlNode) -> Vec<Statement> {
        let has_entries = !node.entries().is_empty();
        let node = self.open(node, &NEEDS);
        if !has_entries {
            let Form { node: name, example, .. } = NEEDS;
            let what = "a need";
            let error = ParseError::MissingArgument { node: name, what, example, span: node.name };
            self.errors.push(error);
        }
        let values = node.arguments.iter().flatten();
        let mut needs: Vec<_> = values.filter_map(|value| self.need(*value)).collect();
        needs.extend(node.property("timezones").and_then(|value| self.time_zone(value)));
        needs.extend(node.property("locale").and_then(|value| self.locale(value)));
        needs.into_iter().map(Statement::Needs).collect()
    }

    fn time_zone(&mut self, value: Value<'_>) -> Option<Spanned<Facility>> {
        let (text, span) = (self.string(value, "a time zone")?, value.span);
        let zone = ZoneName::parse(text);
        if zone.is_none() {
            let (what, example) = ("time zone", "timezones=\"Europe/Prague\"");
            let written = text.to_owned();
            self.errors.push(ParseError::BadNeed { what, written, example, span });
        }
        Some(Spanned::new(Facility::TimeZones(Some(zone?)), span))
    }

    fn locale(&mut self, value: Value<'_>) -> Option<Spanned<Facility>> {
        let (text, span) = (self.string(value, "a locale")?, value.span);
        let locale = LocaleName::parse(text);
        if locale.is_none() {
            let (what, example) = ("locale", "locale=\"C.UTF-8\"");
            let written = text.to_owned();
            self.errors.push(ParseError::BadNeed { what, written, example, span });
        }
        Some(Spanned::new(Facility::Locale(locale?), span))
    }

    fn need(&mut self, value: Value<'_>) -> Option<Spanned<Facility>> {
        let span = value.span;
        let facility = match self.string(value, "a need")? {
            "dns" => Facility::Dns,
            "tls" => Facility::Tls,
            "users" => Facility::Users,
            "tmp" => Facility::Tmp,
            "timezones" => Facility::TimeZones(None),
            "charsets" => Facility::Charsets,
            "terminfo" => Facility::Terminfo,
            "os-release" => Facility::OsRelease,
            "packages" => Facility::Packages,
            // Which one has to be said.
            "locale" => {
                let (node, property) = (NEEDS.node, "locale");
                let example = "needs locale=\"C.UTF-8\"";
                self.errors.push(ParseError::MissingProperty { node, property, example, span });
                return None;
            }
            name => {
                let name = name.to_owned();
                self.errors.push(ParseError::UnknownNeed { name, known: NEEDED, span });
                return None;
            }
        };
        Some(Spanned::new(facility, span))
    }
}
