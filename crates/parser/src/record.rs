//! Records: KDL with one node on each line, for files that imgc writes itself and reads back.
//!
//! A lock has a line for each file of an image, and the KDL parser takes seconds for as many nodes
//! as a large image has files. This reads the part of KDL that [`Record::write`] writes, in one
//! pass: names, numbers and quoted strings. Every text that it writes means the same to a KDL
//! parser (see the tests), and it refuses what it does not know.

use std::fmt::Write;

use crate::printable::is_hidden;

/// One node: a name, arguments and properties, on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of its line, from 1.
    pub line: usize,
    /// The node's name.
    pub name: String,
    /// The arguments, in order.
    pub arguments: Vec<RecordValue>,
    /// The properties, in order, each once.
    pub properties: Vec<(String, RecordValue)>,
}

/// An argument, or the value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordValue {
    /// A whole number.
    Number(u64),
    /// A string.
    Text(String),
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// Git left it there: two versions of the file are waiting to be merged.
    #[error("is the mark of a merge conflict")]
    ConflictMark,
    /// Bytes that are no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// A name, number or string of another form.
    #[error("holds something that imgc does not write")]
    Form,
    /// A string without its closing quote: the file was cut off.
    #[error("ends in the middle of a string")]
    NotClosed,
    /// A property that stands there twice.
    #[error("has a property twice")]
    Twice,
}

/// What is wrong with a text of records, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {problem}")]
pub struct RecordError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: RecordProblem,
}

/// The lines that git puts around the two sides of a conflict.
const CONFLICT_MARKS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

impl Record {
    /// Makes a record that stands nowhere yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { line: 0, name: name.into(), arguments: Vec::new(), properties: Vec::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn with(mut self, value: impl Into<RecordValue>) -> Self {
        self.arguments.push(value.into());
        self
    }

    /// Adds a property.
    #[must_use]
    pub fn with_property(mut self, name: &str, value: impl Into<RecordValue>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// Returns the line, without its end.
    #[must_use]
    pub fn write(&self) -> String {
        let mut line = self.name.clone();
        for argument in &self.arguments {
            line.push(' ');
            argument.write(&mut line);
        }
        for (name, value) in &self.properties {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            value.write(&mut line);
        }
        line
    }

    /// Reads a text of records. Empty lines and lines that are comments (`//`) are passed over; a
    /// line ends in a line feed, with a carriage return before it or without.
    ///
    /// # Errors
    /// The first line that is no record.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, RecordError> {
        let mut records = Vec::new();
        for (index, bytes) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = index + 1;
            let failed = |problem| RecordError { line, problem };
            let text = std::str::from_utf8(bytes).map_err(|_| failed(RecordProblem::NotUtf8))?;
            let text = text.strip_suffix('\r').unwrap_or(text);
            if CONFLICT_MARKS.iter().any(|mark| text.starts_with(mark)) {
                return Err(failed(RecordProblem::ConflictMark));
            }
            if text.is_empty() || text.starts_with("//") {
                continue;
            }
            records.push(Self::read(text, line).map_err(failed)?);
        }
        Ok(records)
    }

    fn read(text: &str, line: usize) -> Result<Self, RecordProblem> {
        let (name, mut rest) = word(text)?;
        let mut record = Self { line, ..Self::new(name) };
        while !rest.is_empty() {
            rest = rest.strip_prefix(' ').ok_or(RecordProblem::Form)?;
            if rest.starts_with(|character: char| character.is_ascii_lowercase()) {
                let (name, after) = word(rest)?;
                let after = after.strip_prefix('=').ok_or(RecordProblem::Form)?;
                let (value, after) = RecordValue::read(after)?;
                if record.properties.iter().any(|(known, _)| known == name) {
                    return Err(RecordProblem::Twice);
                }
                record.properties.push((name.into(), value));
                rest = after;
            } else {
                let (value, after) = RecordValue::read(rest)?;
                record.arguments.push(value);
                rest = after;
            }
        }
        Ok(record)
    }
}

/// Splits a name off: lower-case letters, digits and `-`, the first one a letter.
fn word(text: &str) -> Result<(&str, &str), RecordProblem> {
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let end = text.bytes().position(|byte| !is_part(&byte)).unwrap_or(text.len());
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_lowercase() => Ok(text.split_at(end)),
        _ => Err(RecordProblem::Form),
    }
}

impl RecordValue {
    fn write(&self, line: &mut String) {
        match self {
            Self::Number(number) => write!(line, "{number}").expect("a string grows"),
            Self::Text(text) => {
                line.push('"');
                for character in text.chars() {
                    match character {
                        '"' => line.push_str("\\\""),
                        '\\' => line.push_str("\\\\"),
                        hidden if hidden.is_control() || is_hidden(hidden) => {
                            write!(line, "\\u{{{:x}}}", hidden as u32).expect("a string grows");
                        }
                        shown => line.push(shown),
                    }
                }
                line.push('"');
            }
        }
    }

    /// Reads a value at the start of `text`; returns what stands behind it.
    fn read(text: &str) -> Result<(Self, &str), RecordProblem> {
        let Some(quoted) = text.strip_prefix('"') else {
            let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
            let (digits, rest) = text.split_at(end);
            // One number has one text.
            let number: u64 = digits.parse().map_err(|_| RecordProblem::Form)?;
            if number.to_string() != digits {
                return Err(RecordProblem::Form);
            }
            return Ok((Self::Number(number), rest));
        };
        let mut value = String::new();
        let mut characters = quoted.chars();
        loop {
            match characters.next().ok_or(RecordProblem::NotClosed)? {
                '"' => return Ok((Self::Text(value), characters.as_str())),
                '\\' => match characters.next().ok_or(RecordProblem::NotClosed)? {
                    escaped @ ('"' | '\\') => value.push(escaped),
                    'u' => {
                        let rest = characters.as_str().strip_prefix('{');
                        let (digits, rest) = rest
                            .and_then(|rest| rest.split_once('}'))
                            .ok_or(RecordProblem::NotClosed)?;
                        let scalar = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
                        value.push(scalar.ok_or(RecordProblem::Form)?);
                        characters = rest.chars();
                    }
                    _ => return Err(RecordProblem::Form),
                },
                hidden if hidden.is_control() || is_hidden(hidden) => {
                    return Err(RecordProblem::Form);
                }
                character => value.push(character),
            }
        }
    }
}

impl From<u64> for RecordValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for RecordValue {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for RecordValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Record> {
        let odd = "a \"quoted\" \\ \u{1b}[31m\n\u{202e}\u{feff}\u{85} přímo 日本";
        vec![
            Record::new("lock").with(1).with_property("plain", "text"),
            Record::new("file").with(odd).with_property("size", u64::MAX).with_property("b2", odd),
            Record::new("end"),
        ]
    }

    fn text(records: &[Record]) -> String {
        records.iter().map(|record| record.write() + "\n").collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        for ending in ["\n", "\r\n"] {
            let text = format!("// a comment\n\n{}", text(&sample())).replace('\n', ending);
            let read = Record::read_all(text.as_bytes()).unwrap();
            let placed: Vec<_> =
                (3..).zip(sample()).map(|(line, record)| Record { line, ..record }).collect();
            assert_eq!(read, placed);
        }
    }

    #[test]
    fn a_kdl_parser_reads_the_same() {
        let document = kdl::KdlDocument::parse_v2(&text(&sample())).unwrap();
        assert_eq!(document.nodes().len(), sample().len());
        for (node, record) in document.nodes().iter().zip(sample()) {
            assert_eq!(node.name().value(), record.name);
            let mut entries = node.entries().iter();
            let values =
                record.arguments.iter().map(|value| (None, value)).chain(
                    record.properties.iter().map(|(name, value)| (Some(name.as_str()), value)),
                );
            for (name, value) in values {
                let entry = entries.next().unwrap();
                assert_eq!(entry.name().map(|name| name.value()), name);
                match value {
                    RecordValue::Number(number) => {
                        assert_eq!(entry.value().as_integer(), Some(i128::from(*number)));
                    }
                    RecordValue::Text(text) => {
                        assert_eq!(entry.value().as_string(), Some(text.as_str()));
                    }
                }
            }
            assert!(entries.next().is_none());
        }
    }

    #[test]
    fn what_imgc_does_not_write_is_refused() {
        for (text, line, problem) in [
            ("file \"a", 1, RecordProblem::NotClosed),
            ("file \"a\\", 1, RecordProblem::NotClosed),
            ("a\nfile \"a\"b", 2, RecordProblem::Form),
            ("file  1", 1, RecordProblem::Form),
            ("file 01", 1, RecordProblem::Form),
            ("file x=", 1, RecordProblem::Form),
            ("file x=1 x=2", 1, RecordProblem::Twice),
            ("File", 1, RecordProblem::Form),
            ("file 1 {", 1, RecordProblem::Form),
            ("file \"\u{1b}\"", 1, RecordProblem::Form),
            ("file \"\\u{110000}\"", 1, RecordProblem::Form),
            ("file 99999999999999999999", 1, RecordProblem::Form),
            ("a\n<<<<<<< HEAD", 2, RecordProblem::ConflictMark),
            ("a\n=======\nb", 2, RecordProblem::ConflictMark),
        ] {
            let error = RecordError { line, problem };
            assert_eq!(Record::read_all(text.as_bytes()), Err(error), "{text}");
        }
        let error = RecordError { line: 1, problem: RecordProblem::NotUtf8 };
        assert_eq!(Record::read_all(b"\xff"), Err(error));
    }
}
