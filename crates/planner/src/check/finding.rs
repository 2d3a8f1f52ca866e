//! What a check has to say.

use imgc_parser::{Id, ImagePath, Mode, Printable};
use miette::{Diagnostic, Severity};
use thiserror::Error;

use crate::node::{NodeKind, Symlink};
use crate::origin::{Place, Setting};
use crate::plan::Plan;

/// Something that keeps the image from running, or may do so.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum Finding {
    /// The program that the image runs is not in it.
    #[error(
        "entrypoint `{}` is not in the image: nothing stands at `{missing}`",
        Printable::new(program)
    )]
    #[diagnostic(
        code(imgc::check::entrypoint_missing),
        help(
            "add it with `binary \"{}\"`, or name a program that the image has",
            Printable::new(program)
        )
    )]
    EntrypointMissing {
        /// The program as the recipe names it.
        program: String,
        /// Where the walk to it ended.
        missing: ImagePath,
    },
    /// The program is a bare name that no directory of `PATH` has.
    #[error(
        "entrypoint `{}` is in no directory of `PATH` ({})",
        Printable::new(program),
        Printable::new(path)
    )]
    #[diagnostic(
        code(imgc::check::entrypoint_not_in_path),
        help("write the whole path of the program in the image")
    )]
    EntrypointNotInPath {
        /// The program as the recipe names it.
        program: String,
        /// The image's `PATH`.
        path: String,
    },
    /// The first argument looks like a whole command line.
    #[error(
        "entrypoint `{}` is one string with spaces, and no such file is in the image",
        Printable::new(program)
    )]
    #[diagnostic(
        code(imgc::check::entrypoint_is_a_line),
        help("write each argument as a string of its own: `entrypoint {}`", split(program))
    )]
    EntrypointIsALine {
        /// The string.
        program: String,
    },
    /// The program is a directory.
    #[error("entrypoint `{path}` is a directory")]
    #[diagnostic(code(imgc::check::entrypoint_is_a_directory), help("name the program in it"))]
    EntrypointIsADirectory {
        /// Where it stands.
        path: ImagePath,
    },
    /// The image's user may not execute the program.
    #[error("entrypoint `{path}` has mode `{mode}` and may not be executed by user {uid}:{gid}")]
    #[diagnostic(
        code(imgc::check::entrypoint_not_executable),
        help("add `mode=0o755` to the node that puts it there")
    )]
    EntrypointNotExecutable {
        /// Where it stands.
        path: ImagePath,
        /// Its mode.
        mode: Mode,
        /// The image's user.
        uid: Id,
        /// The image's group.
        gid: Id,
    },
    /// `entrypoint shell="…"` without a shell.
    #[error("the shell form of `entrypoint` needs `/bin/sh`, which is not in the image")]
    #[diagnostic(
        code(imgc::check::shell_missing),
        help(
            "write the program and its arguments as strings of their own; or add a shell, `binary \"/bin/sh\"`"
        )
    )]
    ShellMissing,
    /// Nothing says what runs.
    #[error("nothing says what the image runs")]
    #[diagnostic(
        code(imgc::check::nothing_to_run),
        severity(Warning),
        help(
            "name the program: `entrypoint \"/usr/bin/…\"`; or accept it: `allow nothing_to_run \"data only\"`"
        )
    )]
    NothingToRun,
    /// A link points at nothing.
    #[error("link `{path}` points at `{}`, which is not in the image", Printable::new(target))]
    #[diagnostic(
        code(imgc::check::dangling_link),
        help("add what it points at, or leave the link out (`exclude` in its `tree`)")
    )]
    DanglingLink {
        /// Where the link stands.
        path: ImagePath,
        /// Its target as it is written.
        target: Vec<u8>,
    },
}

/// Every code of [`Finding`].
pub const CODES: &[&str] = &[
    "imgc::check::entrypoint_missing",
    "imgc::check::entrypoint_not_in_path",
    "imgc::check::entrypoint_is_a_line",
    "imgc::check::entrypoint_is_a_directory",
    "imgc::check::entrypoint_not_executable",
    "imgc::check::shell_missing",
    "imgc::check::nothing_to_run",
    "imgc::check::dangling_link",
];

impl Finding {
    /// Tells whether the image must not be written.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity().is_none_or(|severity| severity == Severity::Error)
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EntrypointMissing { .. } => CODES[0],
            Self::EntrypointNotInPath { .. } => CODES[1],
            Self::EntrypointIsALine { .. } => CODES[2],
            Self::EntrypointIsADirectory { .. } => CODES[3],
            Self::EntrypointNotExecutable { .. } => CODES[4],
            Self::ShellMissing => CODES[5],
            Self::NothingToRun => CODES[6],
            Self::DanglingLink { .. } => CODES[7],
        }
    }

    /// Returns what the finding is about, and what that place is in the story.
    #[must_use]
    pub fn places(&self, plan: &Plan) -> Vec<(Place, &'static str)> {
        match self {
            Self::EntrypointMissing { .. }
            | Self::EntrypointNotInPath { .. }
            | Self::EntrypointIsALine { .. }
            | Self::EntrypointIsADirectory { .. }
            | Self::EntrypointNotExecutable { .. }
            | Self::ShellMissing => {
                vec![(Place::Setting(Setting::Entrypoint), "this is what the image runs")]
            }
            Self::NothingToRun => Vec::new(),
            Self::DanglingLink { path, .. } => plan
                .nodes()
                .iter()
                .filter(|(_, node)| match &node.kind {
                    NodeKind::Tree(tree) => path.starts_with(&tree.to),
                    NodeKind::Symlink(Symlink { path: own, .. }) => own == path,
                    _ => false,
                })
                .map(|(id, _)| (Place::Node(*id), "comes from here"))
                .collect(),
        }
    }
}

/// Writes a shell line as the arguments that it probably means.
fn split(line: &str) -> String {
    let arguments = line.split_whitespace().map(|word| format!("\"{}\"", Printable::new(word)));
    arguments.collect::<Vec<_>>().join(" ")
}
