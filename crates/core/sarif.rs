//! Reports as one SARIF document (OASIS, Static Analysis Results Interchange Format 2.1.0), which
//! the code-scanning pages of forges read.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::Message;

const VERSION: &str = "2.1.0";
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What the paths start from: the root of the repository (3.14.14 of the specification).
const BASE: &str = "%SRCROOT%";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Outcome>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Text,
    help: Help,
    /// Absolute, as the specification demands (3.49.12).
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    properties: Properties,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Properties {
    /// The page of the code, from the root of this project.
    page: String,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

/// Writes reports. `place` gives a file's path from the root of its repository, if it lies in one;
/// `page` gives the text of the page of a code.
pub(crate) fn document(
    messages: &[Message],
    place: impl Fn(&str) -> Option<String>,
    page: impl Fn(&str) -> Option<&'static str>,
) -> String {
    let mut indices: BTreeMap<&str, usize> =
        messages.iter().map(|message| (&*message.code, 0)).collect();
    for (position, index) in indices.values_mut().enumerate() {
        *index = position;
    }
    let rules = indices.keys().map(|code| rule(code, page(code).unwrap_or_default())).collect();
    let outcome = |message: &Message| Outcome {
        rule_id: message.code.clone(),
        rule_index: indices[&*message.code],
        level: match message.severity {
            "error" => "error",
            "warning" => "warning",
            _ => "note",
        },
        message: Text { text: format!("{}\n{}", message.message, message.help) },
        locations: message
            .file
            .as_ref()
            .map(|file| location(message, file, &place))
            .into_iter()
            .collect(),
    };
    let version = env!("CARGO_PKG_VERSION");
    let driver = Driver { name: "imgc", version, semantic_version: version, rules };
    let log = Log {
        schema: SCHEMA,
        version: VERSION,
        runs: [Run {
            tool: Tool { driver },
            column_kind: "unicodeCodePoints",
            results: messages.iter().map(outcome).collect(),
        }],
    };
    serde_json::to_string_pretty(&log).expect("strings and numbers always encode")
}

/// A code as a rule: its page, of which the first paragraph says what is wrong.
fn rule(code: &str, page: &str) -> Rule {
    let summary = page.lines().nth(2).unwrap_or(code);
    let text = if page.is_empty() { code } else { page };
    let uri = crate::report::page_of(code);
    Rule {
        id: code.to_owned(),
        short_description: Text { text: summary.to_owned() },
        help: Help { text: text.to_owned(), markdown: text.to_owned() },
        properties: Properties { page: uri.clone() },
        help_uri: uri.starts_with("https://").then_some(uri),
    }
}

fn location(message: &Message, file: &str, place: impl Fn(&str) -> Option<String>) -> Location {
    let artifact_location = match place(file) {
        Some(path) => ArtifactLocation { uri: encoded(&path), uri_base_id: Some(BASE) },
        None => ArtifactLocation { uri: encoded(file), uri_base_id: None },
    };
    let region = message.line.zip(message.column).map(|(line, column)| Region {
        start_line: line,
        start_column: column,
        end_line: message.end_line.unwrap_or(line),
        end_column: message.end_column.unwrap_or(column),
    });
    Location { physical_location: PhysicalLocation { artifact_location, region } }
}

/// Writes a path as a URI reference (RFC 3986, 3.3): all but unreserved characters and slashes in
/// per cent.
fn encoded(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn paths_are_written_as_uris() {
        assert_eq!(encoded("a b/č:%.kdl"), "a%20b/%C4%8D%3A%25.kdl");
    }
}
