//! What is wrong with a recipe as a whole.

use imgc_parser::{ImagePath, Printable, Span};
use miette::Diagnostic;
use thiserror::Error;

/// A mistake that shows only when the nodes of a recipe are taken together.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum PlanError {
    /// Two nodes put different things at one path.
    #[error("`{path}` is asked for twice, with different content or attributes")]
    #[diagnostic(
        code(imgc::plan::conflict),
        help("keep one of the two, or give one of them another path")
    )]
    Conflict {
        /// The path.
        path: ImagePath,
        /// The place that comes first in the recipe.
        #[label("first asked for here")]
        first: Span,
        /// The other one.
        #[label("and here")]
        second: Span,
    },
    /// A node puts something below a path that another node makes a file.
    #[error("`{path}` lies below `{file}`, which is a file")]
    #[diagnostic(code(imgc::plan::below_file), help("give one of the two another path"))]
    BelowFile {
        /// What lies below.
        path: ImagePath,
        /// The file.
        file: ImagePath,
        /// Where the file is asked for.
        #[label("the file is asked for here")]
        file_span: Span,
        /// Where the path below is asked for.
        #[label("needs a directory there")]
        span: Span,
    },
    /// An owner that the recipe does not define.
    #[error("{kind} `{}` is not defined", Printable::new(name))]
    #[diagnostic(
        code(imgc::plan::unknown_owner),
        help(
            "define it (`user {0} uid=10001`, `group {0} gid=10001`) or write the number",
            Printable::new(name)
        )
    )]
    UnknownOwner {
        /// `user` or `group`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Where it is used.
        #[label("used here")]
        span: Span,
    },
    /// `user root` with another number than 0.
    #[error("user `root` has another number than 0")]
    #[diagnostic(
        code(imgc::plan::root_renumbered),
        help("write `user root`, or give the user another name")
    )]
    RootRenumbered {
        /// Where.
        #[label("created here")]
        span: Span,
    },
    /// A layer without entries.
    #[error("layer `{}` is empty", Printable::new(name))]
    #[diagnostic(
        code(imgc::plan::empty_layer),
        help("put `file`, `tree` or other entries between its braces, or remove it")
    )]
    EmptyLayer {
        /// Its name.
        name: String,
        /// Where.
        #[label("this layer")]
        span: Span,
    },
    /// A recipe without entries.
    #[error("recipe `{}` asks for nothing", Printable::new(name))]
    #[diagnostic(
        code(imgc::plan::nothing),
        help("name a program, such as `binary \"/usr/bin/rg\"`")
    )]
    Nothing {
        /// The stem of the recipe's file.
        name: String,
    },
}

/// Every code of [`PlanError`].
pub const CODES: &[&str] = &[
    "imgc::plan::conflict",
    "imgc::plan::below_file",
    "imgc::plan::unknown_owner",
    "imgc::plan::root_renumbered",
    "imgc::plan::empty_layer",
    "imgc::plan::nothing",
];

impl PlanError {
    /// Returns the place by which errors are sorted.
    pub(super) fn span(&self) -> Option<Span> {
        match self {
            Self::Conflict { second: span, .. }
            | Self::BelowFile { span, .. }
            | Self::UnknownOwner { span, .. }
            | Self::RootRenumbered { span }
            | Self::EmptyLayer { span, .. } => Some(*span),
            Self::Nothing { .. } => None,
        }
    }
}
