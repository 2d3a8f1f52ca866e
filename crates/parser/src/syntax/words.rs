//! What may stand in a text without quotes: identifiers, numbers and keywords.

use super::problem::{FaultKind, NumberProblem};
use super::token::{is_newline, is_space};

/// Returns the length of the word with which `text` starts; at least one character.
///
/// Characters that KDL does not allow in a word (`/`, `[`, `]`, `#`) are taken as part of it: who
/// writes `/usr/bin/rg` has forgotten quotes, and is told so.
pub(super) fn len(text: &str) -> usize {
    let mut previous = 0;
    for (at, character) in text.char_indices() {
        let ends = is_newline(character)
            || is_space(character)
            || matches!(character, '\\' | '(' | ')' | '{' | '}' | ';' | '"' | '=')
            || (at > 0 && ["//", "/*"].iter().any(|comment| text[at..].starts_with(comment)));
        if ends && at > 0 {
            return at;
        }
        previous = at + character.len_utf8();
    }
    previous
}

/// Returns what is wrong with a word, if anything.
pub(super) fn problem(word: &str) -> Option<FaultKind> {
    if let Some(keyword) = word.strip_prefix('#') {
        let known = matches!(keyword, "true" | "false" | "null" | "nan" | "inf" | "-inf");
        return (!known).then_some(FaultKind::Keyword);
    }
    if word.contains(['/', '[', ']', '#']) {
        return Some(FaultKind::Unquoted);
    }
    if matches!(word, "true" | "false" | "null" | "nan" | "inf" | "-inf") {
        return Some(FaultKind::Keyword);
    }
    if !is_number(word) {
        return None;
    }
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    if unsigned.starts_with('.') {
        return Some(FaultKind::Number(NumberProblem::NotANumber));
    }
    number_problem(unsigned).map(FaultKind::Number)
}

/// Tells whether a word is meant as a number, which can name no node and no property.
pub(super) fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let undotted = unsigned.strip_prefix('.').unwrap_or(unsigned);
    undotted.starts_with(|first: char| first.is_ascii_digit())
}

fn number_problem(text: &str) -> Option<NumberProblem> {
    let radix = |radix, digits: &str, otherwise| {
        let clean = digits.replace('_', "");
        if digits.starts_with('_') || clean.is_empty() || !clean.chars().all(|c| c.is_digit(radix))
        {
            return Some(otherwise);
        }
        i128::from_str_radix(&clean, radix).err().map(|_| NumberProblem::TooLarge)
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(16, digits, NumberProblem::NotHexadecimal);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(8, digits, NumberProblem::NotOctal);
    }
    if let Some(digits) = text.strip_prefix("0b") {
        return radix(2, digits, NumberProblem::NotBinary);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    [Some(whole), fraction, exponent]
        .into_iter()
        .flatten()
        .find_map(|digits| radix(10, digits, NumberProblem::NotANumber))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_kdl_takes() {
        for word in
            ["a", "-", "-a", "--help", ".", ".a", "0o755", "1_000", "-1.5e+3", "#-inf", "x,y"]
        {
            assert_eq!(problem(word), None, "{word}");
        }
    }

    #[test]
    fn words_that_kdl_refuses_say_why() {
        let number = FaultKind::Number;
        for (word, expected) in [
            ("0o18", number(NumberProblem::NotOctal)),
            ("0o", number(NumberProblem::NotOctal)),
            ("0xg", number(NumberProblem::NotHexadecimal)),
            ("0b2", number(NumberProblem::NotBinary)),
            ("2026-11-20", number(NumberProblem::NotANumber)),
            ("1.", number(NumberProblem::NotANumber)),
            (".5", number(NumberProblem::NotANumber)),
            ("170141183460469231731687303715884105728", number(NumberProblem::TooLarge)),
            ("53/udp", FaultKind::Unquoted),
            ("/usr/bin/rg", FaultKind::Unquoted),
            ("true", FaultKind::Keyword),
            ("#yes", FaultKind::Keyword),
        ] {
            assert_eq!(problem(word), Some(expected), "{word}");
        }
    }
}
