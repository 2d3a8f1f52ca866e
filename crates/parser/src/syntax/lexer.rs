//! Text to tokens, without a loss: the tokens lie end to end.
//!
//! Nothing here recurses and everything is linear in the text, so that any text can be given to it.
//! Strings are in `strings.rs`, and what unquoted words may be in `words.rs`.

use super::problem::{Fault, FaultKind, SyntaxProblem};
use super::token::{Kind, Token, is_forbidden, is_newline, is_space, newline_len};
use super::{MAX_DEPTH, strings, words};

/// Splits a text into tokens, and lists what is wrong with single tokens.
pub(crate) fn lex(text: &str) -> (Vec<Token>, Vec<Fault>) {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), faults: Vec::new() };
    if text.starts_with('\u{feff}') {
        lexer.push(Kind::Space, '\u{feff}'.len_utf8());
    }
    while let Some(first) = lexer.rest().chars().next() {
        lexer.step(first);
    }
    (lexer.tokens, lexer.faults)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    faults: Vec<Fault>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, len: usize) {
        self.tokens.push(Token { kind, start: self.at, end: self.at + len });
        self.at += len;
    }

    fn fault(&mut self, start: usize, len: usize, kind: FaultKind) {
        self.faults.push(Fault { range: start..start + len, kind });
    }

    fn step(&mut self, first: char) {
        let rest = self.rest();
        match first {
            '{' => self.push(Kind::Open, 1),
            '}' => self.push(Kind::Close, 1),
            '(' => self.push(Kind::OpenType, 1),
            ')' => self.push(Kind::CloseType, 1),
            '=' => self.push(Kind::Equals, 1),
            ';' => self.push(Kind::Semicolon, 1),
            '\\' => self.continuation(),
            '"' => self.string(0),
            '#' => {
                let hashes = rest.len() - rest.trim_start_matches('#').len();
                if rest[hashes..].starts_with('"') { self.string(hashes) } else { self.word() }
            }
            '/' if rest.starts_with("//") => self.line_comment(),
            '/' if rest.starts_with("/*") => self.block_comment(),
            '/' if rest.starts_with("/-") => self.push(Kind::Slashdash, 2),
            newline if is_newline(newline) => self.push(Kind::Newline, newline_len(rest)),
            space if is_space(space) => {
                self.push(Kind::Space, rest.find(|next| !is_space(next)).unwrap_or(rest.len()));
            }
            _ => self.word(),
        }
    }

    fn word(&mut self) {
        let (start, rest) = (self.at, self.rest());
        let len = words::len(rest);
        let word = &rest[..len];
        if let Some((offset, forbidden)) = word.char_indices().find(|(_, c)| is_forbidden(*c)) {
            let problem = SyntaxProblem::ForbiddenCharacter(forbidden);
            self.fault(start + offset, forbidden.len_utf8(), FaultKind::Syntax(problem));
        } else if let Some(kind) = words::problem(word) {
            self.fault(start, len, kind);
        }
        self.push(if word.starts_with('#') { Kind::Keyword } else { Kind::Word }, len);
    }

    fn string(&mut self, hashes: usize) {
        let (start, rest) = (self.at, self.rest());
        let (len, problem) = strings::scan(rest, hashes);
        if let Some((range, problem)) = problem {
            self.fault(start + range.start, range.len(), FaultKind::Syntax(problem));
        }
        self.push(Kind::Quoted, len);
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        let len = rest.find(is_newline).unwrap_or(rest.len());
        self.forbidden_in(len);
        self.push(Kind::LineComment, len);
    }

    fn block_comment(&mut self) {
        let (start, rest) = (self.at, self.rest());
        match block_comment_len(rest) {
            Ok(len) => {
                self.forbidden_in(len);
                self.push(Kind::BlockComment, len);
            }
            Err(CommentProblem::NotClosed) => {
                self.fault(start, 2, FaultKind::Syntax(SyntaxProblem::CommentNotClosed));
                self.push(Kind::BlockComment, rest.len());
            }
            Err(CommentProblem::TooDeep) => {
                self.fault(start, 2, FaultKind::TooDeep);
                self.push(Kind::BlockComment, rest.len());
            }
        }
    }

    /// `escline := '\\' ws* (single-line-comment | newline | eof)`
    fn continuation(&mut self) {
        let (start, rest) = (self.at, self.rest());
        let mut len = 1;
        loop {
            let tail = &rest[len..];
            let spaces = tail.find(|next| !is_space(next)).unwrap_or(tail.len());
            len += spaces;
            let tail = &rest[len..];
            if tail.starts_with("/*")
                && let Ok(comment) = block_comment_len(tail)
            {
                len += comment;
            } else if tail.starts_with("//") {
                len += tail.find(is_newline).unwrap_or(tail.len());
            } else {
                break;
            }
        }
        let newline = newline_len(&rest[len..]);
        if newline == 0 && len < rest.len() {
            self.fault(start, 1, FaultKind::Syntax(SyntaxProblem::BadContinuation));
            self.push(Kind::Space, 1);
        } else {
            self.forbidden_in(len);
            self.push(Kind::Continuation, len + newline);
        }
    }

    /// Reports forbidden characters in the next `len` bytes, which are a comment.
    fn forbidden_in(&mut self, len: usize) {
        let (start, comment) = (self.at, &self.rest()[..len]);
        if let Some((offset, forbidden)) = comment.char_indices().find(|(_, c)| is_forbidden(*c)) {
            let problem = SyntaxProblem::ForbiddenCharacter(forbidden);
            self.fault(start + offset, forbidden.len_utf8(), FaultKind::Syntax(problem));
        }
    }
}

enum CommentProblem {
    NotClosed,
    TooDeep,
}

/// Returns the length of the `/* … */` with which `text` starts.
fn block_comment_len(text: &str) -> Result<usize, CommentProblem> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
                if depth > MAX_DEPTH {
                    return Err(CommentProblem::TooDeep);
                }
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Ok(at);
                }
            }
            _ => at += 1,
        }
    }
    Err(CommentProblem::NotClosed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> String {
        let (tokens, faults) = lex(text);
        assert_eq!(faults, [], "{text}");
        let joined: String = tokens.iter().map(|token| token.text(text)).collect();
        assert_eq!(joined, text, "tokens are the whole text");
        tokens.iter().map(|token| format!("{:?} ", token.kind)).collect()
    }

    #[test]
    fn tokens_lie_end_to_end() {
        for (text, expected) in [
            ("a 1\n", "Word Space Word Newline "),
            ("\u{feff}a\r\n", "Space Word Newline "),
            ("a/*/* */*/b//c", "Word BlockComment Word LineComment "),
            ("a \\ // c\n b", "Word Space Continuation Space Word "),
            ("/-a {b;}", "Slashdash Word Space Open Word Semicolon Close "),
            ("(t)a k=#true", "OpenType Word CloseType Word Space Word Equals Keyword "),
            ("a #\"x\"y\"# \"\\\"\"", "Word Space Quoted Space Quoted "),
        ] {
            assert_eq!(kinds(text), expected, "{text}");
        }
    }
}
