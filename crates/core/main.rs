//! imgc, a compiler for container images: a recipe goes in, a reproducible OCI image comes out.
//!
//! Start reading at `pipeline.rs`, which calls the phases in order. `args.rs` is what was typed,
//! `session.rs` makes it into ready objects, `report.rs` shows what went wrong, and `commands/` has
//! a short file for each command.

#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]

mod args;
mod audit;
mod commands;
mod comparison;
mod contents;
mod draft;
mod elf_view;
mod engine;
mod error;
mod interrupt;
mod listing;
mod lockfile;
mod node_view;
mod origin;
mod output;
mod pipeline;
mod project;
mod quantity;
mod receipt;
mod report;
mod sarif;
mod scratch;
mod session;
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
mod start;
mod subject;
mod verification;
mod version;

use std::panic;

use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::args::{Arguments, Command};
use crate::commands::{Failure, Outcome};
use crate::error::ProgramError;
use crate::session::Session;

/// Exit codes that say no more than whether it went well.
const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;

/// Exit code of a mistake of ours (`EX_SOFTWARE` of `sysexits.h`).
const INTERNAL_ERROR: u8 = 70;

/// Exit code of `ldd` when a loader would refuse to start a program.
const FATAL: u8 = 3;

/// Exit code of `audit` when a build, or the image, is not what it should be.
const DIFFERS: u8 = 4;

/// Exit code of `diff` when there is nothing to compare, as of diff(1), whose 1 says "different".
const TROUBLE: u8 = 2;

/// How the process starts where it is not left to `start.rs`.
#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() -> std::process::ExitCode {
    run_caught().into()
}

/// Does what the command line asks for, and returns the exit code.
fn run_caught() -> u8 {
    let arguments = Arguments::read();
    panic::set_hook(Box::new(|info| {
        output::Talk::new(false, false, output::Transcript::default())
            .write(&format!("internal error: this is a mistake in imgc, please report it\n{info}"));
    }));
    match panic::catch_unwind(|| run(&arguments)) {
        Ok(code) => code,
        Err(_) => INTERNAL_ERROR,
    }
}

fn run(arguments: &Arguments) -> u8 {
    let mut session = match Session::new(&arguments.global) {
        Ok(session) => session,
        Err(source) => {
            let error = ProgramError::InputOutput { what: "there is no current directory", source };
            output::Talk::new(false, false, output::Transcript::default())
                .write(&format!("error: {error}"));
            return FAILURE;
        }
    };
    let result = match &arguments.command {
        _ if arguments.version => version::print(arguments.verbose, &mut session),
        Some(command) => dispatch(command, &mut session),
        None => Arguments::command()
            .error(ErrorKind::MissingSubcommand, "a command is needed; see `imgc --help`")
            .exit(),
    };
    let flushed = session.output.flush().map_err(Failure::from);
    let result = result.and_then(|outcome| flushed.map(|()| outcome));
    session.talk.clear();
    let code = match result {
        Ok(Outcome::Done) => SUCCESS,
        Ok(Outcome::Failed) => FAILURE,
        Ok(Outcome::Fatal) => FATAL,
        Ok(Outcome::Differs) => DIFFERS,
        Err(Failure(reports)) => {
            if let Some(interrupt) = &session.interrupt {
                interrupt.end();
            }
            for report in &reports {
                session.report(report);
            }
            // Without a report, nobody reads our results any more: that is the reader's choice.
            match &arguments.command {
                _ if reports.is_empty() => SUCCESS,
                Some(Command::Diff(_)) => TROUBLE,
                _ => FAILURE,
            }
        }
    };
    session.close();
    code
}

fn dispatch(command: &Command, session: &mut Session) -> Result<Outcome, Failure> {
    match command {
        Command::Build(arguments) => commands::build::run(arguments, session),
        Command::Check(arguments) => commands::check::run(arguments, session),
        Command::Init(arguments) => commands::init::run(arguments, session),
        Command::Lock(arguments) => commands::lock::run(arguments, session),
        Command::Plan(arguments) => commands::plan::run(arguments, session),
        Command::Why(arguments) => commands::why::run(arguments, session),
        Command::Ls(arguments) => commands::ls::run(arguments, session),
        Command::Tree(arguments) => commands::tree::run(arguments, session),
        Command::Diff(arguments) => commands::diff::run(arguments, session),
        Command::Verify(arguments) => commands::verify::run(arguments, session),
        Command::Audit(arguments) => commands::audit::run(arguments, session),
        Command::Surroundings => commands::surroundings::run(session),
        Command::Store(arguments) => commands::store::run(arguments, session),
        Command::Fmt(arguments) => commands::fmt::run(arguments, session),
        Command::Ldd(arguments) => commands::ldd::run(arguments, session),
        Command::Explain(arguments) => commands::explain::run(arguments, session),
        Command::Completions(arguments) => commands::completions::run(arguments, session),
        Command::Man(arguments) => commands::man::run(arguments, session),
    }
}
