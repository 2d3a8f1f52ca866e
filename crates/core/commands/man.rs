//! `imgc man`: manual pages, made from the same text as `--help`.

use clap::CommandFactory;
use clap_mangen::Man;
use imgc_parser::Printable;

use crate::args::{Arguments, ManArguments};
use crate::commands::{Failure, Outcome};
use crate::error::ProgramError;
use crate::session::Session;

/// Prints the page of the program, or writes a page for each command into a directory.
pub(crate) fn run(arguments: &ManArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let mut command = Arguments::command();
    command.build();
    let Some(directory) = &arguments.dir else {
        session.output.line(page(command, "imgc")?)?;
        return Ok(Outcome::Done);
    };
    let directory = session.absolute(directory);
    let mut pages = vec![("imgc".to_owned(), command.clone())];
    pages.extend(
        command.get_subcommands().map(|sub| (format!("imgc-{}", sub.get_name()), sub.clone())),
    );
    for (name, command) in pages {
        let path = directory.join(format!("{name}.1"));
        let text = page(command, &name)?;
        std::fs::write(&path, text).map_err(|source| ProgramError::CannotWrite {
            file: Printable::new(path.as_os_str().as_encoded_bytes()).to_string(),
            source,
        })?;
    }
    Ok(Outcome::Done)
}

fn page(command: clap::Command, name: &str) -> Result<String, Failure> {
    let mut text = Vec::new();
    // A page without a date is the same in every build.
    Man::new(command.name(name.to_owned())).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
