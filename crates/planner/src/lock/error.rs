//! What is wrong with a lock, and what has changed since it was made.

use imgc_parser::{ImagePath, Printable};
use miette::Diagnostic;
use thiserror::Error;

use super::{ImageKey, LOCK_VERSION};
use crate::digest::NodeId;

/// A lock that cannot be used, or one that the recipe's inputs have drifted away from.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum LockError {
    /// There is no lock, and there has to be one.
    #[error("there is no lock, and `--locked` and `lock --check` take one")]
    #[diagnostic(code(imgc::lock::missing), help("make one: `imgc lock {recipe}`"))]
    Missing {
        /// The recipe.
        recipe: String,
    },
    /// What stands in the lock's place is no file.
    #[error("the lock is {found}, and imgc reads and writes regular files alone")]
    #[diagnostic(code(imgc::lock::not_a_file), help("remove it, then lock again"))]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// Nobody may write to the lock.
    #[error("the lock is read-only")]
    #[diagnostic(
        code(imgc::lock::read_only),
        help("if it is to change, allow it: `chmod u+w` and the lock's name")
    )]
    ReadOnly,
    /// Nothing is in the file.
    #[error("the lock is empty")]
    #[diagnostic(
        code(imgc::lock::empty),
        help("get it back from version control, or make it again with `imgc lock`")
    )]
    Empty,
    /// The end is not there.
    #[error("the lock is cut off: its last line, `end`, is not there")]
    #[diagnostic(
        code(imgc::lock::cut_off),
        help("get it back from version control, or make it again with `imgc lock`")
    )]
    CutOff,
    /// A merge was not finished.
    #[error("line {line} of the lock is the mark of a merge conflict")]
    #[diagnostic(
        code(imgc::lock::conflict_marks),
        help("merge the recipe, then make the lock again with `imgc lock`")
    )]
    ConflictMarks {
        /// The number of the line.
        line: usize,
    },
    /// A line that imgc does not write.
    #[error("line {line} of the lock {problem}")]
    #[diagnostic(
        code(imgc::lock::damaged),
        help("get the lock back from version control, or make it again with `imgc lock`")
    )]
    Damaged {
        /// The number of the line.
        line: usize,
        /// What is wrong with it; reads on from the line.
        problem: String,
    },
    /// A lock of a later imgc.
    #[error(
        "the lock has version {found}: it was made by a newer imgc than this one, which knows version {LOCK_VERSION}"
    )]
    #[diagnostic(code(imgc::lock::newer), help("use the imgc that made the lock"))]
    Newer {
        /// Its version.
        found: u64,
    },
    /// A lock of an earlier imgc.
    #[error(
        "the lock has version {found}: it was made by an older imgc than this one, which knows version {LOCK_VERSION}"
    )]
    #[diagnostic(code(imgc::lock::older), help("make it again with `imgc lock`"))]
    Older {
        /// Its version.
        found: u64,
    },
    /// The bytes that imgc writes, or the encoding of plans, are of another version.
    #[error("{what} has another version than when it was locked: {new} instead of {old}")]
    #[diagnostic(
        code(imgc::lock::format_changed),
        help("use the imgc that made the lock, or accept new digests: `imgc lock {recipe}`")
    )]
    FormatChanged {
        /// The recipe.
        recipe: String,
        /// `the image format` or `the plan encoding`.
        what: &'static str,
        /// The version in the lock.
        old: u64,
        /// The version of this imgc.
        new: u64,
    },
    /// The recipe asks for something else.
    #[error(
        "the recipe asks for something else than when it was locked: the plan is {new}, the lock has {old}"
    )]
    #[diagnostic(
        code(imgc::lock::plan_changed),
        help("if that is meant, accept it: `imgc lock {recipe}`")
    )]
    PlanChanged {
        /// The recipe.
        recipe: String,
        /// The plan of the lock.
        old: NodeId,
        /// The recipe's plan now.
        new: NodeId,
    },
    /// A source is another one.
    #[error("the sources are others than when the recipe was locked: {new}; the lock has {old}")]
    #[diagnostic(
        code(imgc::lock::source_changed),
        help("if that is meant, accept it: `imgc lock {recipe}`")
    )]
    SourceChanged {
        /// The recipe.
        recipe: String,
        /// Those of the lock.
        old: String,
        /// Those of now.
        new: String,
    },
    /// An image that the lock does not have.
    #[error("the image `{}` for {} is not in the lock", Printable::new(&key.name), key.platform)]
    #[diagnostic(
        code(imgc::lock::image_added),
        help("if that is meant, accept it: `imgc lock {recipe}`")
    )]
    ImageAdded {
        /// The recipe.
        recipe: String,
        /// Which image.
        key: ImageKey,
    },
    /// An image that the lock alone has.
    #[error("the lock has an image `{}` for {}, and the recipe makes none", Printable::new(&key.name), key.platform)]
    #[diagnostic(
        code(imgc::lock::image_removed),
        help("if that is meant, accept it: `imgc lock {recipe}`")
    )]
    ImageRemoved {
        /// The recipe.
        recipe: String,
        /// Which image.
        key: ImageKey,
    },
    /// A file is not what it was.
    #[error(
        "`{path}` has changed since it was locked: {what} is {new}, the lock has {old}{}",
        owned(owner)
    )]
    #[diagnostic(
        code(imgc::lock::file_changed),
        help("bring the old one back, or accept the new one: `imgc lock {recipe}`")
    )]
    FileChanged {
        /// The recipe.
        recipe: String,
        /// Its path in the image.
        path: ImagePath,
        /// What of it has changed.
        what: &'static str,
        /// What the lock says.
        old: Box<str>,
        /// What it is now.
        new: Box<str>,
        /// The package that owns it, or what asks for it.
        owner: String,
    },
    /// A file that the lock does not have.
    #[error("`{path}` is not in the lock{}", owned(owner))]
    #[diagnostic(
        code(imgc::lock::file_added),
        help("if it belongs into the image, accept it: `imgc lock {recipe}`")
    )]
    FileAdded {
        /// The recipe.
        recipe: String,
        /// Its path in the image.
        path: ImagePath,
        /// The package that owns it, or what asks for it.
        owner: String,
    },
    /// A file that the lock alone has.
    #[error("`{path}` is in the lock, and not in the image any more{}", owned(owner))]
    #[diagnostic(
        code(imgc::lock::file_removed),
        help("bring it back, or accept that it is gone: `imgc lock {recipe}`")
    )]
    FileRemoved {
        /// The recipe.
        recipe: String,
        /// Its path in the image.
        path: ImagePath,
        /// The package that owned it, or what asked for it.
        owner: String,
    },
    /// More files have changed than are listed.
    #[error("{count} more files differ from the lock")]
    #[diagnostic(
        code(imgc::lock::and_more),
        help("see all of them: `imgc lock {recipe}`, then `git diff`")
    )]
    AndMore {
        /// The recipe.
        recipe: String,
        /// How many.
        count: usize,
    },
    /// Everything that goes in is as it was locked, and something else came out.
    #[error("{what} of `{}` for {} is {new}, the lock has {old}", Printable::new(&key.name), key.platform)]
    #[diagnostic(
        code(imgc::lock::image_changed),
        help(
            "nothing that goes into the image has changed: get the lock back from version control; if it was not edited, this is a mistake in imgc, please report it"
        )
    )]
    ImageChanged {
        /// Which image.
        key: ImageKey,
        /// `the manifest`, `the config` or `a layer`.
        what: &'static str,
        /// What the lock has.
        old: String,
        /// What came out.
        new: String,
    },
}

/// Every code of [`LockError`].
pub const CODES: &[&str] = &[
    "imgc::lock::missing",
    "imgc::lock::not_a_file",
    "imgc::lock::read_only",
    "imgc::lock::empty",
    "imgc::lock::cut_off",
    "imgc::lock::conflict_marks",
    "imgc::lock::damaged",
    "imgc::lock::newer",
    "imgc::lock::older",
    "imgc::lock::format_changed",
    "imgc::lock::plan_changed",
    "imgc::lock::source_changed",
    "imgc::lock::image_added",
    "imgc::lock::image_removed",
    "imgc::lock::file_changed",
    "imgc::lock::file_added",
    "imgc::lock::file_removed",
    "imgc::lock::and_more",
    "imgc::lock::image_changed",
];

fn owned(owner: &str) -> String {
    if owner.is_empty() { String::new() } else { format!(" ({})", Printable::new(owner)) }
}
