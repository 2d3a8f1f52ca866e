//! The commands, one short file each.

pub(crate) mod audit;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod init;
pub(crate) mod ldd;
pub(crate) mod lock;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod store;
pub(crate) mod surroundings;
pub(crate) mod tree;
pub(crate) mod verify;
pub(crate) mod why;

use std::io;

use crate::error::ProgramError;
use crate::output::is_closed_pipe;
use crate::report::Report;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// All is well: exit code 0.
    Done,
    /// Errors were found, and reported: exit code 1.
    Failed,
    /// `ldd` alone: the loader would refuse to start a program. Exit code 3.
    Fatal,
    /// `audit` alone: a build or an image is another one than it should be. Exit code 4.
    Differs,
}

/// Why a command could not go on: at least one report, all of them still to be shown.
#[derive(Debug, Default)]
pub(crate) struct Failure(pub(crate) Vec<Report>);

impl From<ProgramError> for Failure {
    fn from(error: ProgramError) -> Self {
        Self(vec![Report::new(&error)])
    }
}

impl From<Vec<Report>> for Failure {
    fn from(reports: Vec<Report>) -> Self {
        Self(reports)
    }
}

/// An error on stdout. If it only says that nobody reads any more, there is nothing to report.
impl From<io::Error> for Failure {
    fn from(source: io::Error) -> Self {
        if is_closed_pipe(&source) {
            return Self::default();
        }
        ProgramError::InputOutput { what: "cannot write to stdout", source }.into()
    }
}
