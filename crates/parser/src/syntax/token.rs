//! The tokens of KDL 2.0, each a range of the text; together they are the whole text.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Spaces, tabs and the other spaces of Unicode; the byte order mark at the start.
    Space,
    /// One line break, CRLF counted as one.
    Newline,
    /// `// …`, without the line break behind it.
    LineComment,
    /// `/* … */`, nested ones included.
    BlockComment,
    /// A backslash with all up to and including the line break that it hides.
    Continuation,
    /// `/-`
    Slashdash,
    /// `{`
    Open,
    /// `}`
    Close,
    /// `(`
    OpenType,
    /// `)`
    CloseType,
    /// `=`
    Equals,
    /// `;`
    Semicolon,
    /// An unquoted word: an identifier or a number.
    Word,
    /// `#true` and its like.
    Keyword,
    /// A string in quotes of any form.
    Quoted,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Offset of its first byte.
    pub(crate) start: usize,
    /// Offset behind its last byte.
    pub(crate) end: usize,
}

impl Token {
    /// Returns the token's place in the text.
    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// Returns the token's text.
    pub(crate) fn text(self, source: &str) -> &str {
        &source[self.range()]
    }
}

/// Tells whether KDL takes the character for a line break.
pub(crate) fn is_newline(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Tells whether KDL takes the character for space.
pub(crate) fn is_space(character: char) -> bool {
    matches!(
        character,
        '\t' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Tells whether KDL refuses the character anywhere in a text (specification, "Disallowed Literal
/// Code Points").
pub(crate) fn is_forbidden(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Returns the length in bytes of the line break with which `text` starts, 0 if with none.
pub(crate) fn newline_len(text: &str) -> usize {
    if text.starts_with("\r\n") {
        return 2;
    }
    text.chars().next().filter(|first| is_newline(*first)).map_or(0, char::len_utf8)
}
