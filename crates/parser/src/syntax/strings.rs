//! Where a string in quotes ends, and whether its form is right.

use std::ops::Range;

use super::problem::SyntaxProblem;
use super::token::{is_forbidden, is_newline, is_space, newline_len};

/// A problem and its place, relative to the string's start.
pub(super) type Place = (Range<usize>, SyntaxProblem);

/// Returns the length of the string with which `text` starts, behind `hashes` number signs, and
/// the first thing that is wrong with it.
pub(super) fn scan(text: &str, hashes: usize) -> (usize, Option<Place>) {
    if text[hashes..].starts_with("\"\"\"") {
        multiline(text, hashes)
    } else {
        single(text, hashes)
    }
}

fn single(text: &str, hashes: usize) -> (usize, Option<Place>) {
    let close = format!("\"{}", "#".repeat(hashes));
    let mut problem = None;
    let mut at = hashes + 1;
    while let Some(next) = text[at..].chars().next() {
        if text[at..].starts_with(&close) {
            at += close.len();
            return (at, problem);
        }
        if is_newline(next) {
            break;
        }
        at += character(text, at, next, hashes, &mut problem);
    }
    let not_closed =
        if hashes > 0 { SyntaxProblem::RawNotClosed } else { SyntaxProblem::StringNotClosed };
    (at, Some((0..hashes + 1, not_closed)))
}

fn multiline(text: &str, hashes: usize) -> (usize, Option<Place>) {
    let opening = 0..hashes + 3;
    let close = format!("\"\"\"{}", "#".repeat(hashes));
    let mut problem = None;
    let body = opening.end + newline_len(&text[opening.end..]);
    if body == opening.end {
        problem = Some((opening.clone(), SyntaxProblem::TextBehindQuotes));
    }
    let mut at = opening.end;
    while let Some(next) = text[at..].chars().next() {
        if text[at..].starts_with(&close) {
            if problem.is_none() {
                problem = indent_problem(&text[body..at], hashes)
                    .map(|(range, problem)| (body + range.start..body + range.end, problem));
            }
            return (at + close.len(), problem);
        }
        at += character(text, at, next, hashes, &mut problem);
    }
    let not_closed =
        if hashes > 0 { SyntaxProblem::RawNotClosed } else { SyntaxProblem::MultilineNotClosed };
    // A `"""` that text follows is more often a misunderstanding than an unclosed string.
    (at, Some(problem.filter(|found| found.0 == opening).unwrap_or((opening, not_closed))))
}

/// Checks the character or escape at `at` and returns its length.
fn character(
    text: &str,
    at: usize,
    next: char,
    hashes: usize,
    problem: &mut Option<Place>,
) -> usize {
    if is_forbidden(next) {
        let range = at..at + next.len_utf8();
        problem.get_or_insert((range, SyntaxProblem::ForbiddenCharacter(next)));
    }
    if next != '\\' || hashes > 0 {
        return next.len_utf8();
    }
    let escape = &text[at..];
    let len = match escape[1..].chars().next() {
        Some('\\' | '"' | 'b' | 'f' | 'n' | 'r' | 't' | 's') => return 2,
        Some(blank) if is_space(blank) || is_newline(blank) => {
            let end = escape[1..].find(|next| !is_space(next) && !is_newline(next));
            return end.map_or(escape.len(), |end| end + 1);
        }
        Some('u') => {
            let rest = escape.strip_prefix("\\u{").unwrap_or("");
            // Looks no further than an escape can be long, so that many bad ones cost nothing.
            let len = rest.bytes().take(7).position(|byte| byte == b'}').unwrap_or(0);
            let digits = &rest[..len];
            let number = u32::from_str_radix(digits, 16).ok();
            if digits.bytes().all(|byte| byte.is_ascii_hexdigit())
                && number.and_then(char::from_u32).is_some()
            {
                return len + 4;
            }
            2
        }
        Some(other) if !is_forbidden(other) => 1 + other.len_utf8(),
        Some(_) | None => 1,
    };
    let written = escape[..len].to_owned();
    problem.get_or_insert((at..at + len, SyntaxProblem::BadEscape(written)));
    len
}

/// Checks that each line of a multi-line string starts like the line of the closing quotes.
///
/// A body with a backslash at the end of a line is left to the KDL parser: what counts as a line
/// is another question there.
fn indent_problem(body: &str, hashes: usize) -> Option<Place> {
    if hashes == 0 && hides_newline(body) {
        return None;
    }
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < body.len() {
        let newline = newline_len(&body[at..]);
        if newline > 0 {
            lines.push(start..at);
            start = at + newline;
        }
        at += newline.max(body[at..].chars().next().map_or(1, char::len_utf8));
    }
    let prefix = &body[start..];
    if !prefix.chars().all(is_space) {
        return Some((start..body.len(), SyntaxProblem::TextBeforeQuotes));
    }
    lines
        .into_iter()
        .find(|line| {
            let text = &body[line.clone()];
            !text.starts_with(prefix) && !text.chars().all(is_space)
        })
        .map(|line| (line, SyntaxProblem::BadIndent))
}

fn hides_newline(body: &str) -> bool {
    let mut escaped = false;
    body.chars().any(|next| {
        let hides = escaped && (is_space(next) || is_newline(next));
        escaped = next == '\\' && !escaped;
        hides
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_their_own_quotes() {
        for (text, len) in [
            (r#""a" "b""#, 3),
            (r#""a\"b" c"#, 6),
            ("\"\"\"\n  a\"b\n  \"\"\" c", 15),
            ("\"\"\"\n\"\"\"", 7),
            ("\"a \\\n  b\"", 9),
        ] {
            assert_eq!(scan(text, 0), (len, None), "{text}");
        }
        assert_eq!(scan("#\"a\"b\"# c", 1), (7, None));
        assert_eq!(scan("##\"\"\"\n a\n \"\"\"##", 2), (15, None));
    }

    #[test]
    fn what_is_wrong_with_a_string() {
        let unicode = || SyntaxProblem::BadEscape("\\u".into());
        for (text, hashes, expected) in [
            ("\"a\nb\"", 0, SyntaxProblem::StringNotClosed),
            ("\"a", 0, SyntaxProblem::StringNotClosed),
            ("#\"a\"", 1, SyntaxProblem::RawNotClosed),
            ("\"\"\"\na", 0, SyntaxProblem::MultilineNotClosed),
            ("\"\"\"a\"\"\"", 0, SyntaxProblem::TextBehindQuotes),
            ("\"\"\"\n a \"\"\"", 0, SyntaxProblem::TextBeforeQuotes),
            ("\"\"\"\n a\n  \"\"\"", 0, SyntaxProblem::BadIndent),
            ("\"\\q\"", 0, SyntaxProblem::BadEscape("\\q".into())),
            ("\"\\u{110000}\"", 0, unicode()),
            ("\"\\u{}\"", 0, unicode()),
            ("\"\\u41\"", 0, unicode()),
            ("\"\u{1b}\"", 0, SyntaxProblem::ForbiddenCharacter('\u{1b}')),
        ] {
            let (_, problem) = scan(text, hashes);
            assert_eq!(problem.map(|(_, problem)| problem), Some(expected), "{text}");
        }
    }
}
