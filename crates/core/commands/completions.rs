//! `imgc completions`: a script for a shell.

use clap::CommandFactory;

use crate::args::{Arguments, CompletionsArguments};
use crate::commands::{Failure, Outcome};
use crate::session::Session;

/// Prints the script.
pub(crate) fn run(
    arguments: &CompletionsArguments,
    session: &mut Session,
) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "imgc", &mut script);
    session.output.line(String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
