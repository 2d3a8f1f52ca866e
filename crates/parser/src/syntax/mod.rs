//! Text to KDL document: everything about a text that does not depend on what its nodes mean.
//!
//! `decode` makes bytes a text, `lexer` and `shape` find what is wrong with it and keep everything
//! from the KDL parser that it could not bear, `document` runs that parser.

mod decode;
mod document;
mod lexer;
mod problem;
mod shape;
mod strings;
mod token;
mod words;

use std::collections::BTreeSet;

pub(crate) use decode::{Undecodable, decode};
pub(crate) use lexer::lex;
pub(crate) use problem::{Fault, FaultKind};
pub use problem::{NumberProblem, SyntaxProblem};
pub(crate) use token::{Kind, Token};

use crate::error::ParseError;
use crate::span::{SourceFile, Span};

/// Most blocks inside each other, and most comments; recipes need three. The KDL parser takes
/// 33 KiB of stack for each in a debug build, and runs on [`document::STACK_BYTES`].
const MAX_DEPTH: usize = 64;

/// Largest text of one file in bytes. The KDL parser takes up to 3 s and 400 MB for each MiB.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// Longest line in bytes. Printers of diagnostics repeat the whole line, and miette 7.6 panics for
/// labels beyond column 65535.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// Most mistakes that are reported about the grammar of one file: what is behind them is mostly a
/// consequence of the first.
const MAX_FAULTS: usize = 8;

/// A text's document, and what of it is already reported.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The document.
    pub(crate) document: kdl::KdlDocument,
    /// The text as the KDL parser saw it; as long as the original.
    pub(crate) clean: String,
    /// Where words started that were reported and replaced by others of the same length.
    pub(crate) replaced: BTreeSet<usize>,
}

/// Maps a place of one text to a span of the whole run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    start: u32,
}

impl Origin {
    /// Returns the origin of a file of the map.
    pub(crate) fn of(file: &SourceFile) -> Self {
        Self { start: file.span(0, 0).start }
    }

    /// Returns the span of a range of this text's bytes.
    pub(crate) fn span(self, range: std::ops::Range<usize>) -> Span {
        // Fits: `SourceMap::add` keeps the whole map below 4 GiB.
        Span { start: self.start + range.start as u32, len: (range.end - range.start) as u32 }
    }
}

/// Parses a text; adds what is wrong with it to `errors`.
pub(crate) fn parse(text: &str, origin: Origin, errors: &mut Vec<ParseError>) -> Option<Parsed> {
    if let Some((start, len)) = long_line(text) {
        errors.push(ParseError::LineTooLong { length: len, span: origin.span(start..start) });
        return None;
    }
    let (tokens, mut faults) = lex(text);
    let shape = shape::check(text, &tokens);
    faults.extend(shape.faults);
    faults.sort_by_key(|fault| (fault.range.start, fault.kind.is_local()));
    faults.dedup_by_key(|fault| fault.range.start);
    let readable = faults.iter().all(|fault| fault.kind.is_local());
    if !readable {
        // A broken text makes words look wrong that are not.
        faults.retain(|fault| !fault.kind.is_local());
        drop_second_quotes(&mut faults);
        faults.truncate(MAX_FAULTS);
    }
    let is_skipped = |at: usize| {
        let next = shape.skipped.partition_point(|range| range.start <= at);
        next > 0 && shape.skipped[next - 1].contains(&at)
    };
    let faults: Vec<Fault> =
        faults.into_iter().filter(|fault| !readable || !is_skipped(fault.range.start)).collect();
    for fault in &faults {
        errors.push(report(text, &tokens, fault, origin));
    }
    if !readable {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    for range in shape.skipped {
        bytes[range].fill(b' ');
    }
    for fault in &faults {
        bytes[fault.range.clone()].fill(b'x');
    }
    let clean = String::from_utf8(bytes).expect("whole tokens were replaced by ASCII");
    let replaced = faults.iter().map(|fault| fault.range.start).collect();
    match document::parse(clean.clone()) {
        Ok(document) => Some(Parsed { document, clean, replaced }),
        Err(document::Failure::TooComplex) => {
            errors.push(ParseError::TooComplex { span: origin.span(0..0) });
            None
        }
        Err(document::Failure::Diagnostics(diagnostics)) => {
            errors.extend(diagnostics.into_iter().map(|(range, message)| ParseError::Syntax {
                help: SyntaxProblem::Other(String::new()).help(),
                problem: SyntaxProblem::Other(message),
                span: origin.span(range),
            }));
            None
        }
    }
}

/// Drops the report of a string that only seems to start at the closing quote of another one, which
/// goes over several lines.
fn drop_second_quotes(faults: &mut Vec<Fault>) {
    let not_closed = FaultKind::Syntax(SyntaxProblem::StringNotClosed);
    let mut is_open = false;
    faults.retain(|fault| {
        if fault.kind != not_closed {
            return true;
        }
        is_open = !is_open;
        is_open
    });
}

fn long_line(text: &str) -> Option<(usize, usize)> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.len() > MAX_LINE_BYTES {
            return Some((start, line.len()));
        }
        start += line.len();
    }
    None
}

fn report(text: &str, tokens: &[Token], fault: &Fault, origin: Origin) -> ParseError {
    let span = origin.span(fault.range.clone());
    let written = text[fault.range.clone()].to_owned();
    match &fault.kind {
        FaultKind::Syntax(problem) => {
            ParseError::Syntax { problem: problem.clone(), help: problem.help(), span }
        }
        FaultKind::TooDeep => ParseError::TooDeep { span },
        FaultKind::Unquoted => ParseError::Unquoted { written, span },
        FaultKind::Keyword => ParseError::NotAKeyword { written, span },
        FaultKind::Number(problem) => {
            if *problem == NumberProblem::NotOctal && is_mode(text, tokens, fault.range.start) {
                let problem = crate::scalar::ScalarProblem::NotOctal;
                return ParseError::BadMode { written, problem, span };
            }
            ParseError::NotANumber { written, problem: *problem, span }
        }
    }
}

/// Tells whether the word at `start` is the value of a property `mode`.
fn is_mode(text: &str, tokens: &[Token], start: usize) -> bool {
    let before = tokens.partition_point(|token| token.start < start);
    let mut words = tokens[..before].iter().rev().filter(|token| token.kind != Kind::Space);
    words.next().is_some_and(|token| token.kind == Kind::Equals)
        && words.next().is_some_and(|token| token.text(text) == "mode")
}
