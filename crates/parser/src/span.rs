//! Positions in recipe texts.
//!
//! All texts of a run lie one behind the other in a [`SourceMap`], so that one number names both a
//! file and a place in it (as in rustc). A span never reaches anything that is hashed.

use crate::printable::is_hidden;

/// A range of bytes in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte in the map.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Span {
    /// Returns the offset behind the last byte.
    #[must_use]
    pub fn end(self) -> u32 {
        self.start + self.len
    }
}

impl std::convert::From<Span> for miette::SourceSpan {
    fn from(span: Span) -> Self {
        miette::SourceSpan::new((span.start as usize).into(), span.len as usize)
    }
}

/// A value with the place where it was written.
///
/// Two of them are equal when their values are: where something stands never decides anything.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value and its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

/// The texts of a run, in the order in which they were read.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

/// One text of a [`SourceMap`].
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name by which the user knows the file.
    pub name: String,
    /// The whole text.
    pub text: String,
    start: u32,
}

impl SourceFile {
    /// Returns the span of this file's bytes `start..start + len`, clamped to the text.
    #[must_use]
    pub fn span(&self, start: usize, len: usize) -> Span {
        let start = start.min(self.text.len());
        let len = len.min(self.text.len() - start);
        // Fits: `SourceMap::add` keeps the whole map below 4 GiB.
        Span { start: self.start + start as u32, len: len as u32 }
    }

    /// Returns where `span` starts in this file's text, in bytes.
    #[must_use]
    pub fn offset(&self, span: Span) -> usize {
        (span.start - self.start) as usize
    }

    /// Returns the text for a printer: as long in bytes, so that spans fit, and with a `?` for each
    /// byte of a character that could steer a terminal. Tabs and line feeds stay.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = String::with_capacity(self.text.len());
        for character in self.text.chars() {
            if is_hidden(character) || (character.is_control() && !"\t\n".contains(character)) {
                // The `\r` of a CRLF is as wide as nothing, and nothing but a space is as harmless.
                let filler = if character == '\r' { " " } else { "?" };
                shown.push_str(&filler.repeat(character.len_utf8()));
            } else {
                shown.push(character);
            }
        }
        shown
    }
}

impl SourceMap {
    /// Adds a text and returns it.
    ///
    /// # Panics
    /// When all texts together reach 4 GiB. A recipe is at most 1 MiB, so that is 4096 of them.
    pub fn add(&mut self, name: String, text: String) -> &SourceFile {
        // One byte stays free behind each text, so that an empty span at its end is still its own.
        let start = self.files.last().map_or(0, |file| file.start as usize + file.text.len() + 1);
        assert!(start + text.len() < u32::MAX as usize, "recipes are limited to 1 MiB each");
        self.files.push(SourceFile { name, text, start: start as u32 });
        self.files.last().expect("a file was just pushed")
    }

    /// Returns the file in which `span` lies.
    #[must_use]
    pub fn file(&self, span: Span) -> Option<&SourceFile> {
        let index = self.files.partition_point(|file| file.start <= span.start);
        let file = self.files.get(index.checked_sub(1)?)?;
        (span.end() as usize <= file.start as usize + file.text.len()).then_some(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_as_long_and_harmless() {
        let mut map = SourceMap::default();
        let file = map.add("a.kdl".into(), "\u{feff}a\u{1b}[31m\u{202e}é\u{85}\r\n\tb".into());
        assert_eq!(file.shown(), "???a?[31m???é?? \n\tb");
        assert_eq!(file.shown().len(), file.text.len());
    }

    #[test]
    fn span_names_its_file_and_place() {
        let mut map = SourceMap::default();
        let first = map.add("a.kdl".into(), "abc".into()).span(3, 0);
        let second = map.add("b.kdl".into(), "defg".into()).span(1, 2);
        assert_eq!(map.file(first).expect("first").name, "a.kdl");
        let file = map.file(second).expect("second");
        assert_eq!((file.name.as_str(), file.offset(second)), ("b.kdl", 1));
        assert!(map.file(Span { start: 9, len: 0 }).is_none());
    }
}
