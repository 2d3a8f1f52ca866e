//! Words of a recipe inside messages: safe to show, and not too long.

use std::fmt::{self, Display, Formatter};

use crate::printable::Printable;

/// Longest piece of a recipe that a message repeats, in characters. The label points at the rest.
const MAX_CHARS: usize = 100;

/// Shows a word of the recipe with everything escaped that could steer a terminal, and cut short.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl Display for Shown<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_CHARS) {
            Some((end, _)) => write!(formatter, "{}…", Printable::new(&self.0[..end])),
            None => Printable::new(self.0).fmt(formatter),
        }
    }
}

/// Lists words as a sentence needs them: `` `a`, `b` and `c` ``.
pub(crate) struct Listed<'a, T>(pub(crate) &'a [T]);

impl<T: AsRef<str>> Display for Listed<'_, T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            let joint = match index {
                0 => "",
                _ if index + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(formatter, "{joint}`{}`", Shown(word.as_ref()))?;
        }
        Ok(())
    }
}

/// Returns the known word that a mistyped one comes nearest to, if any is near enough.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.len() > 40 {
        return None;
    }
    let word = word.to_lowercase();
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&word, known), *known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_and_controls_escaped() {
        assert_eq!(Shown("a\u{1b}[31m\n").to_string(), "a\\x1b[31m\\n");
        assert_eq!(Shown(&"x".repeat(101)).to_string(), format!("{}…", "x".repeat(100)));
        assert_eq!(Listed(&["a", "b", "c"]).to_string(), "`a`, `b` and `c`");
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["binary", "library", "file", "env"];
        assert_eq!(nearest("binray", &known), Some("binary"));
        assert_eq!(nearest("ENV", &known), Some("env"));
        assert_eq!(nearest("capability", &known), None);
    }
}
