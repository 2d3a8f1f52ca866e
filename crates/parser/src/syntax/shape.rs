//! The grammar of nodes, blocks and entries over tokens, checked without recursion.
//!
//! KDL's own parser recurses without a limit, takes time that doubles with each `/-` inside
//! another (kdl-rs issue 177), skips characters that it does not understand, and has messages made
//! for its authors. So it is only given texts whose shape is known to be right, with everything
//! that a `/-` removes already blanked out. What is left to it is what it does well: values.

use std::ops::Range;

use super::MAX_DEPTH;
use super::problem::{Fault, FaultKind, SyntaxProblem};
use super::token::{Kind, Token};
use super::words;

/// What the tokens say about the text as a whole.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// What breaks the grammar.
    pub(crate) faults: Vec<Fault>,
    /// The pieces that a `/-` removes, each with it; sorted, none inside another.
    pub(crate) skipped: Vec<Range<usize>>,
}

/// Checks the shape of a text.
pub(crate) fn check(text: &str, tokens: &[Token]) -> Shape {
    let mut walk = Walk { text, tokens, at: 0, blocks: Vec::new(), shape: Shape::default() };
    let mut place = Place::BeforeNode { skipped: None };
    while let Some(next) = walk.step(place) {
        place = next;
    }
    for block in &walk.blocks {
        let range = walk.tokens[block.open].range();
        let kind = FaultKind::Syntax(SyntaxProblem::BlockNotClosed);
        walk.shape.faults.push(Fault { range, kind });
    }
    // Blocks are closed from the inside; where one lies in another, only the outer one counts.
    let mut skipped = std::mem::take(&mut walk.shape.skipped);
    skipped.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    for range in skipped {
        match walk.shape.skipped.last() {
            Some(outer) if range.end <= outer.end => {}
            _ => walk.shape.skipped.push(range),
        }
    }
    walk.shape
}

/// A block that is open.
struct Block {
    /// The index of its `{`.
    open: usize,
    /// Where the `/-` stands that removes the node to which it belongs.
    node_skipped: Option<usize>,
    /// Where the `/-` stands that removes the block alone.
    block_skipped: Option<usize>,
    /// Whether this is the node's block, or one that stood before it was.
    has_block: bool,
}

/// Where in the grammar the walk is. `skipped` is where the `/-` of the current node stands.
enum Place {
    BeforeNode {
        skipped: Option<usize>,
    },
    InNode {
        skipped: Option<usize>,
    },
    /// `has_block` is false if a `/-` removes all blocks so far.
    BehindBlock {
        skipped: Option<usize>,
        has_block: bool,
    },
}

struct Walk<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    blocks: Vec<Block>,
    shape: Shape,
}

impl Walk<'_> {
    fn step(&mut self, place: Place) -> Option<Place> {
        match place {
            Place::BeforeNode { skipped } => self.before_node(skipped),
            Place::InNode { skipped } => self.in_node(skipped),
            Place::BehindBlock { skipped, has_block } => self.behind_block(skipped, has_block),
        }
    }

    fn kind(&self) -> Option<Kind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    fn fault(&mut self, index: usize, problem: SyntaxProblem) {
        let range = self.tokens.get(index).map_or(self.text.len()..self.text.len(), |t| t.range());
        self.shape.faults.push(Fault { range, kind: FaultKind::Syntax(problem) });
    }

    /// Tells whether the next token can name a node, a property or a type.
    fn is_name(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| match token.kind {
            Kind::Quoted => true,
            Kind::Word => !words::is_number(token.text(self.text)),
            _ => false,
        })
    }

    /// Steps over spaces and comments; says whether there was anything.
    fn skip_space(&mut self) -> bool {
        let start = self.at;
        while matches!(self.kind(), Some(Kind::Space | Kind::BlockComment | Kind::Continuation)) {
            self.at += 1;
        }
        self.at > start
    }

    /// Steps over spaces, comments and line breaks.
    fn skip_lines(&mut self) {
        while self.skip_space() || matches!(self.kind(), Some(Kind::Newline | Kind::LineComment)) {
            if matches!(self.kind(), Some(Kind::Newline | Kind::LineComment)) {
                self.at += 1;
            }
        }
    }

    fn before_node(&mut self, skipped: Option<usize>) -> Option<Place> {
        self.skip_lines();
        match self.kind() {
            Some(Kind::Slashdash) if skipped.is_none() => {
                let skipped = Some(self.at);
                self.at += 1;
                return Some(Place::BeforeNode { skipped });
            }
            None | Some(Kind::Close) => {
                if let Some(slashdash) = skipped {
                    self.fault(slashdash, SyntaxProblem::NothingToSkip);
                }
                return if self.at == self.tokens.len() { None } else { Some(self.close()) };
            }
            _ => {}
        }
        self.annotation();
        self.skip_space();
        match self.kind() {
            _ if self.is_name() => {
                self.at += 1;
                Some(Place::InNode { skipped })
            }
            _ => {
                let token = self.tokens.get(self.at).map_or("", |token| token.text(self.text));
                self.fault(self.at, SyntaxProblem::NoNode(token.to_owned()));
                self.recover();
                // A block without a node's name is read as if it had one.
                Some(if self.kind() == Some(Kind::Open) {
                    Place::InNode { skipped }
                } else {
                    Place::BeforeNode { skipped: None }
                })
            }
        }
    }

    /// Steps over what cannot start a node, up to where the next may start.
    fn recover(&mut self) {
        if self.kind() == Some(Kind::Semicolon) {
            self.at += 1;
            return;
        }
        while !matches!(
            self.kind(),
            None | Some(Kind::Newline | Kind::Semicolon | Kind::Open | Kind::Close)
        ) {
            self.at += 1;
        }
    }

    fn in_node(&mut self, skipped: Option<usize>) -> Option<Place> {
        let spaced = self.skip_space();
        match self.kind() {
            None | Some(Kind::Newline | Kind::LineComment | Kind::Semicolon | Kind::Close) => {
                Some(self.end_node(skipped))
            }
            Some(Kind::Open) => Some(self.open(skipped, None, true)),
            Some(Kind::Slashdash) => {
                let slashdash = self.at;
                self.at += 1;
                self.skip_lines();
                if self.kind() == Some(Kind::Open) {
                    return Some(self.open(skipped, Some(slashdash), false));
                }
                if self.entry() {
                    self.skip_from(slashdash);
                } else {
                    self.fault(slashdash, SyntaxProblem::NothingToSkip);
                }
                Some(Place::InNode { skipped })
            }
            Some(_) => {
                if !spaced {
                    self.fault(self.at, SyntaxProblem::NoSpace);
                }
                let start = self.at;
                if !self.entry() && self.at == start {
                    self.at += 1;
                }
                Some(Place::InNode { skipped })
            }
        }
    }

    fn behind_block(&mut self, skipped: Option<usize>, has_block: bool) -> Option<Place> {
        self.skip_space();
        match self.kind() {
            Some(Kind::Open) => {
                if has_block {
                    self.fault(self.at, SyntaxProblem::BehindBlock("{".into()));
                }
                Some(self.open(skipped, None, true))
            }
            None | Some(Kind::Newline | Kind::LineComment | Kind::Semicolon | Kind::Close) => {
                Some(self.end_node(skipped))
            }
            Some(Kind::Slashdash) => {
                let slashdash = self.at;
                self.at += 1;
                self.skip_lines();
                if self.kind() == Some(Kind::Open) {
                    return Some(self.open(skipped, Some(slashdash), has_block));
                }
                self.fault(slashdash, SyntaxProblem::NothingToSkip);
                Some(Place::InNode { skipped })
            }
            Some(_) => {
                let token = self.tokens[self.at].text(self.text).to_owned();
                self.fault(self.at, SyntaxProblem::BehindBlock(token));
                self.recover();
                Some(Place::BehindBlock { skipped, has_block })
            }
        }
    }

    /// Reads one argument or property; says whether there was one.
    fn entry(&mut self) -> bool {
        let annotated = self.annotation();
        let is_key = self.is_name() && !annotated;
        match self.kind() {
            Some(Kind::Word | Kind::Quoted | Kind::Keyword) => self.at += 1,
            Some(Kind::Equals) => {
                self.fault(self.at, SyntaxProblem::NoKey);
                self.at += 1;
                self.skip_space();
                let is_value =
                    matches!(self.kind(), Some(Kind::Word | Kind::Quoted | Kind::Keyword));
                self.at += usize::from(is_value);
                return true;
            }
            _ => {
                if !annotated {
                    self.fault(self.at, SyntaxProblem::BadType);
                }
                return false;
            }
        }
        let behind = self.at;
        self.skip_space();
        if self.kind() != Some(Kind::Equals) {
            self.at = behind;
            return true;
        }
        let equals = self.at;
        if !is_key {
            self.fault(equals, SyntaxProblem::NoKey);
        }
        self.at += 1;
        self.skip_space();
        self.annotation();
        match self.kind() {
            Some(Kind::Word | Kind::Quoted | Kind::Keyword) => self.at += 1,
            _ if is_key => self.fault(equals, SyntaxProblem::NoValue),
            _ => {}
        }
        true
    }

    /// Reads `(type)`, if there is one, and the space behind it; says whether there was.
    fn annotation(&mut self) -> bool {
        if self.kind() != Some(Kind::OpenType) {
            return false;
        }
        let open = self.at;
        self.at += 1;
        self.skip_space();
        let named = self.is_name();
        self.at += usize::from(named);
        self.skip_space();
        let closed = self.kind() == Some(Kind::CloseType);
        self.at += usize::from(closed);
        self.skip_space();
        let annotates = matches!(self.kind(), Some(Kind::Word | Kind::Quoted | Kind::Keyword));
        if !named || !closed || !annotates {
            self.fault(open, SyntaxProblem::BadType);
        }
        true
    }

    fn open(
        &mut self,
        node_skipped: Option<usize>,
        block_skipped: Option<usize>,
        has_block: bool,
    ) -> Place {
        if self.blocks.len() == MAX_DEPTH {
            let range = self.tokens[self.at].range();
            self.shape.faults.push(Fault { range, kind: FaultKind::TooDeep });
            // One fault says it; what is deeper does not matter any more.
            self.at = self.tokens.len();
            self.blocks.clear();
            return Place::BeforeNode { skipped: None };
        }
        self.blocks.push(Block { open: self.at, node_skipped, block_skipped, has_block });
        self.at += 1;
        Place::BeforeNode { skipped: None }
    }

    fn close(&mut self) -> Place {
        let Some(block) = self.blocks.pop() else {
            self.fault(self.at, SyntaxProblem::BlockNotOpened);
            self.at += 1;
            return Place::BeforeNode { skipped: None };
        };
        self.at += 1;
        if let Some(slashdash) = block.block_skipped {
            self.skip_from(slashdash);
        }
        Place::BehindBlock { skipped: block.node_skipped, has_block: block.has_block }
    }

    /// Ends a node before its terminator, and steps over that.
    fn end_node(&mut self, skipped: Option<usize>) -> Place {
        // The `;` of a removed node would end no node.
        let semicolon = self.kind() == Some(Kind::Semicolon);
        self.at += usize::from(semicolon);
        if let Some(slashdash) = skipped {
            self.skip_from(slashdash);
        }
        Place::BeforeNode { skipped: None }
    }

    fn skip_from(&mut self, slashdash: usize) {
        let end = self.tokens[self.at - 1].end;
        self.shape.skipped.push(self.tokens[slashdash].start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::*;

    fn shape(text: &str) -> Shape {
        check(text, &lex(text).0)
    }

    #[test]
    fn slashdash_removes_a_node_an_entry_or_a_block() {
        for (text, skipped) in [
            ("/- a 1 {\n b\n}\nc", vec!["/- a 1 {\n b\n}"]),
            ("a /- 1 2", vec!["/- 1"]),
            ("a /-\n k=1 2", vec!["/-\n k=1"]),
            ("a /-{ b } { c }", vec!["/-{ b }"]),
            ("a { c } /- { b }\n", vec!["/- { b }"]),
            ("a { b; /- c; d }", vec!["/- c;"]),
            ("/- a { /- b { /- c } }", vec!["/- a { /- b { /- c } }"]),
        ] {
            let shape = shape(text);
            assert_eq!(shape.faults, [], "{text}");
            let found: Vec<_> = shape.skipped.iter().map(|range| &text[range.clone()]).collect();
            assert_eq!(found, skipped, "{text}");
        }
    }

    #[test]
    fn what_breaks_the_grammar() {
        let no_node = |text: &str| SyntaxProblem::NoNode(text.into());
        for (text, expected) in [
            ("a {\n b {\n", vec![SyntaxProblem::BlockNotClosed, SyntaxProblem::BlockNotClosed]),
            ("a\n}", vec![SyntaxProblem::BlockNotOpened]),
            ("{ b }", vec![no_node("{")]),
            ("= 1", vec![no_node("=")]),
            ("a;;", vec![no_node(";")]),
            ("a =1 2", vec![SyntaxProblem::NoKey]),
            ("a k=", vec![SyntaxProblem::NoValue]),
            ("a \"b\"\"c\"", vec![SyntaxProblem::NoSpace]),
            ("a (t) ", vec![SyntaxProblem::BadType]),
            ("1 a", vec![no_node("1")]),
            ("a 1=2", vec![SyntaxProblem::NoKey]),
            ("a #true=2", vec![SyntaxProblem::NoKey]),
            ("a )", vec![SyntaxProblem::BadType]),
            ("a {} b", vec![SyntaxProblem::BehindBlock("b".into())]),
            ("a /-", vec![SyntaxProblem::BadType, SyntaxProblem::NothingToSkip]),
            ("/-", vec![SyntaxProblem::NothingToSkip]),
        ] {
            let found: Vec<_> = shape(text).faults.into_iter().map(|fault| fault.kind).collect();
            let expected: Vec<_> = expected.into_iter().map(FaultKind::Syntax).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let deepest = "a {".repeat(MAX_DEPTH) + &"}".repeat(MAX_DEPTH);
        assert_eq!(shape(&deepest).faults, []);
        assert_eq!(shape(&"a {".repeat(100_000)).faults.len(), 1);
    }
}
