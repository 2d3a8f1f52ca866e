//! Untrusted bytes, made safe to show.

use std::fmt::{self, Display, Formatter, Write};

/// Shows bytes that came from outside (a path, a library's name, a recipe's string) on one line.
///
/// Control characters, bidirectional controls, invisible separators and bytes that are not UTF-8
/// are written as escapes (`\n`, `\x1b`, `\u{202e}`), a backslash as `\\`: a name can neither steer
/// the terminal nor look like another one.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(&'a [u8]);

impl<'a> Printable<'a> {
    /// Wraps `bytes`; nothing is copied.
    pub fn new<T: AsRef<[u8]> + ?Sized>(bytes: &'a T) -> Self {
        Self(bytes.as_ref())
    }
}

impl Display for Printable<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // Nearly all that is shown: bytes that stand for themselves.
        if let Ok(text) = str::from_utf8(self.0)
            && self.0.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\')
        {
            return formatter.write_str(text);
        }
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\\' => formatter.write_str("\\\\")?,
                    '\n' => formatter.write_str("\\n")?,
                    '\r' => formatter.write_str("\\r")?,
                    '\t' => formatter.write_str("\\t")?,
                    '\0'..='\x1f' | '\x7f' => write!(formatter, "\\x{:02x}", character as u32)?,
                    hidden if is_hidden(hidden) => {
                        write!(formatter, "\\u{{{:x}}}", hidden as u32)?;
                    }
                    shown => formatter.write_char(shown)?,
                }
            }
            for byte in chunk.invalid() {
                write!(formatter, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Tells whether a character changes how its neighbours are shown, or is not shown itself:
/// C1 controls, bidirectional controls (UAX #9), zero-width and line-separating characters.
pub(crate) fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        let shown = |bytes: &[u8]| Printable::new(bytes).to_string();
        assert_eq!(shown(b"lib\x1b[31m.so\n"), "lib\\x1b[31m.so\\n");
        assert_eq!(shown("a\u{202e}b\u{9b}".as_bytes()), "a\\u{202e}b\\u{9b}");
        assert_eq!(shown(b"\xff\\"), "\\xff\\\\");
        assert_eq!(shown("přímo".as_bytes()), "přímo");
    }
}
