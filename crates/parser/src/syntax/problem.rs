//! What can be wrong with a text before it means anything.

use std::ops::Range;

use crate::shown::Shown;

/// What breaks the grammar of KDL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxProblem {
    /// A `"…"` without its second quote on the same line.
    #[error("a string is not closed on its line")]
    StringNotClosed,
    /// A `"""` without its counterpart.
    #[error("a multi-line string is not closed")]
    MultilineNotClosed,
    /// A `#"…` without `"#`.
    #[error("a raw string is not closed")]
    RawNotClosed,
    /// A `/*` without `*/`.
    #[error("a comment is not closed")]
    CommentNotClosed,
    /// A `{` without `}`.
    #[error("a block is not closed")]
    BlockNotClosed,
    /// A `}` without `{`.
    #[error("`}}` closes no block")]
    BlockNotOpened,
    /// Text on the line of the opening `"""`.
    #[error("text follows the `\"\"\"` that opens a multi-line string")]
    TextBehindQuotes,
    /// Text on the line of the closing `"""`.
    #[error("text stands before the `\"\"\"` that closes a multi-line string")]
    TextBeforeQuotes,
    /// A line of a multi-line string that is indented less than its last one.
    #[error("a line of a multi-line string is indented less than its closing `\"\"\"`")]
    BadIndent,
    /// A backslash in a string with something behind it that means nothing.
    #[error("a backslash before `{}` starts no escape", Shown(.0.trim_start_matches('\\')))]
    BadEscape(String),
    /// A character that may stand in a text only as an escape.
    #[error("the character U+{:04X} is not allowed in a recipe", u32::from(*.0))]
    ForbiddenCharacter(char),
    /// Something stands where a node has to start.
    #[error("found `{}` where a node has to start", Shown(.0))]
    NoNode(String),
    /// Two values without a space between them.
    #[error("there is no space between two values")]
    NoSpace,
    /// A property without a value.
    #[error("a property has no value")]
    NoValue,
    /// An equals sign without a property's name.
    #[error("`=` has no property name before it")]
    NoKey,
    /// A `(…)` that is not closed, is empty, or annotates nothing.
    #[error("`(` starts no type annotation")]
    BadType,
    /// A value behind a node's block.
    #[error("`{}` follows the block of a node", Shown(.0))]
    BehindBlock(String),
    /// A `/-` with nothing behind it.
    #[error("`/-` comments out nothing")]
    NothingToSkip,
    /// A backslash in the middle of a line.
    #[error("a backslash stands in the middle of a line")]
    BadContinuation,
    /// What only the KDL parser saw, in its words.
    #[error("this is not KDL: {}", Shown(.0))]
    Other(String),
}

impl SyntaxProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::StringNotClosed => {
                "close it with `\"`, or write a text of several lines between `\"\"\"` lines"
            }
            Self::MultilineNotClosed => "close it with `\"\"\"` on a line of its own",
            Self::RawNotClosed => "close it with `\"` and as many `#` as it starts with",
            Self::CommentNotClosed => "close it with `*/`; comments nest, so each `/*` needs one",
            Self::BlockNotClosed => "add a `}` where the block ends",
            Self::BlockNotOpened => "remove it, or add the `{` that it closes",
            Self::TextBehindQuotes => "start the text on the next line",
            Self::TextBeforeQuotes => "put the closing `\"\"\"` on a line of its own",
            Self::BadIndent => "indent the line at least like the closing `\"\"\"`",
            Self::BadEscape(_) => {
                "write `\\\\` for a backslash; the escapes are \\n \\r \\t \\s \\b \\f \\\" \\\\ \\u{…}"
            }
            Self::ForbiddenCharacter(_) => "remove it, or write it as `\\u{…}` in a string",
            Self::NoNode(_) => "start a line with the name of a node, such as `binary`",
            Self::NoSpace => "put a space between them",
            Self::NoValue => "write the value behind the `=`",
            Self::NoKey => "write the property's name before it, as in `mode=0o644`",
            Self::BadType => "remove it; recipes use no type annotations",
            Self::BehindBlock(_) => "start a new line behind the `}`",
            Self::NothingToSkip => "remove it, or put it before a node, an argument or a property",
            Self::BadContinuation => "put it at the end of the line, or remove it",
            Self::Other(_) => "compare the line with the examples in docs/recipe-language.md",
        }
    }
}

/// Why a word that starts like a number is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberProblem {
    /// `0o` with something else than 0 to 7 behind it.
    #[error("is not octal")]
    NotOctal,
    /// `0x` with something else than hexadecimal digits behind it.
    #[error("is not hexadecimal")]
    NotHexadecimal,
    /// `0b` with something else than 0 and 1 behind it.
    #[error("is not binary")]
    NotBinary,
    /// Starts with a digit and goes on with something else.
    #[error("starts like a number and is none")]
    NotANumber,
    /// Does not fit 128 bits.
    #[error("is larger than any number that a recipe can need")]
    TooLarge,
}

/// A mistake and its place in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The place.
    pub(crate) range: Range<usize>,
    /// The mistake.
    pub(crate) kind: FaultKind,
}

/// What a [`Fault`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The text has no structure that could be read.
    Syntax(SyntaxProblem),
    /// Blocks or comments lie in each other too deeply.
    TooDeep,
    /// A word needs quotes. The text around it can be read.
    Unquoted,
    /// A word is `true`, or a `#word` is none that KDL has. The text around it can be read.
    Keyword,
    /// A word starts like a number. The text around it can be read.
    Number(NumberProblem),
}

impl FaultKind {
    /// Tells whether the text around the fault can still be understood.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Syntax(_) | Self::TooDeep => false,
            Self::Unquoted | Self::Keyword | Self::Number(_) => true,
        }
    }
}
