//! Canonical JSON: one value has one text.
//!
//! Keys are sorted by their UTF-8 bytes, nothing stands between tokens, numbers are whole and not
//! negative, there is no `null`. In strings only `"`, `\` and control characters are escaped, as
//! shortly as JSON can (OCI image-spec, `considerations.md`, asks for a canonical form and leaves
//! it open; RFC 8785 has the same escapes, and the same order for all keys outside of emoji).

use std::collections::BTreeMap;
use std::fmt::Write;

/// A JSON value. Objects are sorted because their map is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Number(u64),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub(crate) fn string(text: impl ToString) -> Self {
        Self::String(text.to_string())
    }

    pub(crate) fn strings<T: ToString>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::Array(texts.into_iter().map(Self::string).collect())
    }

    /// Makes an object of all fields that are there.
    pub(crate) fn object<const N: usize>(fields: [(&str, Option<Json>); N]) -> Self {
        let fields = fields.into_iter();
        Self::Object(fields.filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
    }

    /// Makes an object of texts.
    pub(crate) fn texts(texts: &BTreeMap<String, String>) -> Self {
        Self::Object(texts.iter().map(|(key, text)| (key.clone(), Self::string(text))).collect())
    }

    /// Makes the set of Go's encoder: each key with an empty object.
    pub(crate) fn set<T: ToString>(keys: impl IntoIterator<Item = T>) -> Self {
        let empty = || Self::Object(BTreeMap::new());
        Self::Object(keys.into_iter().map(|key| (key.to_string(), empty())).collect())
    }

    /// Returns this; nothing if it is an empty text, array or object, which documents leave out.
    pub(crate) fn unless_empty(self) -> Option<Self> {
        let empty = match &self {
            Self::Number(_) => false,
            Self::String(text) => text.is_empty(),
            Self::Array(items) => items.is_empty(),
            Self::Object(fields) => fields.is_empty(),
        };
        (!empty).then_some(self)
    }

    /// Returns the canonical text.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut text = String::new();
        self.write(&mut text);
        text.into_bytes()
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Number(number) => text.push_str(&number.to_string()),
            Self::String(string) => write_string(string, text),
            Self::Array(items) => {
                text.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        text.push(',');
                    }
                    item.write(text);
                }
                text.push(']');
            }
            Self::Object(fields) => {
                text.push('{');
                for (position, (key, value)) in fields.iter().enumerate() {
                    if position > 0 {
                        text.push(',');
                    }
                    write_string(key, text);
                    text.push(':');
                    value.write(text);
                }
                text.push('}');
            }
        }
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\0'..='\x1f' => {
                write!(text, "\\u{:04x}", u32::from(character)).expect("strings take all text");
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_labels_have_one_text() {
        let labels: Vec<_> = (0..50).map(|n| (format!("l{}", n * 37 % 50), "x".into())).collect();
        let forwards: BTreeMap<_, _> = labels.iter().cloned().collect();
        let backwards: BTreeMap<_, _> = labels.iter().rev().cloned().collect();
        let text = String::from_utf8(Json::texts(&forwards).encode()).unwrap();
        assert_eq!(text.as_bytes(), Json::texts(&backwards).encode());
        assert!(text.starts_with(r#"{"l0":"x","l1":"x","l10":"x","l11":"x""#), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read.as_object().unwrap().len(), 50);
    }

    #[test]
    fn texts_are_escaped_as_little_as_json_allows() {
        for text in ["\u{0}\u{1f}\u{7f}\"\\/<>&\u{8}\u{c}\t\r\n", "\u{2028}é\u{1f600}"] {
            let encoded = Json::string(text).encode();
            assert_eq!(encoded, serde_json::to_vec(text).unwrap());
        }
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let object = Json::object([
            ("b", Some(Json::Number(2))),
            ("a", Json::strings(["x"]).unless_empty()),
            ("c", Json::strings(Vec::<String>::new()).unless_empty()),
            ("d", None),
            ("e", Some(Json::set(["80/tcp"]))),
        ]);
        assert_eq!(object.encode(), br#"{"a":["x"],"b":2,"e":{"80/tcp":{}}}"#);
    }
}
