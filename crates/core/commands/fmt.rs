//! `imgc fmt`: recipes in their one layout.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use imgc_parser::{FormatError, Printable, SourceMap};

use crate::args::FmtArguments;
use crate::commands::{Failure, Outcome};
use crate::error::ProgramError;
use crate::report::Report;
use crate::session::Session;

/// Formats the recipes in place, or only looks. A recipe with a mistake does not keep the others
/// from being formatted.
pub(crate) fn run(arguments: &FmtArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Done;
    for recipe in &arguments.recipes {
        let formatted = if recipe.as_os_str() == "-" {
            format_stdin(session)
        } else {
            format_file(recipe, arguments.check, session)
        };
        if let Err(Failure(reports)) = formatted {
            // Reported at once: the places in it are those of this recipe alone.
            reports.iter().for_each(|report| session.report(report));
            outcome = Outcome::Failed;
        }
    }
    Ok(outcome)
}

fn format_file(recipe: &Path, check: bool, session: &mut Session) -> Result<(), Failure> {
    let file = Printable::new(recipe.as_os_str().as_encoded_bytes()).to_string();
    let text = read(&session.absolute(recipe))
        .map_err(|reason| ProgramError::RecipeUnreadable { recipe: file.clone(), reason })?;
    let formatted = formatted(&file, &text, session)?;
    if formatted == text {
        return Ok(());
    }
    if check {
        return Err(ProgramError::NotFormatted { file }.into());
    }
    replace(&session.absolute(recipe), &formatted)
        .map_err(|source| ProgramError::CannotWrite { file, source }.into())
}

fn read(path: &Path) -> Result<String, String> {
    if !fs::metadata(path).map_err(|error| error.to_string())?.is_file() {
        return Err("it is no regular file".into());
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".into())
}

fn format_stdin(session: &mut Session) -> Result<(), Failure> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|source| ProgramError::InputOutput { what: "cannot read stdin", source })?;
    let formatted = formatted("stdin", &text, session)?;
    Ok(session.output.line(formatted)?)
}

fn formatted(name: &str, text: &str, session: &mut Session) -> Result<String, Failure> {
    session.map = SourceMap::default();
    session.map.add(name.to_owned(), text.to_owned());
    imgc_parser::format(text).map_err(|error| match error {
        FormatError::Invalid(errors) => {
            Failure(errors.iter().map(|error| Report::new(error).in_file(name)).collect())
        }
        FormatError::Changed => ProgramError::FormatChanges { file: name.to_owned() }.into(),
    })
}

/// Puts a new text at `path`, whole or not at all, with the mode that the file has.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Through a link, the file behind it is the recipe.
    let path = fs::canonicalize(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.imgc-{}", std::process::id()));
    let written = fs::write(&temporary, text)
        .and_then(|()| fs::set_permissions(&temporary, fs::metadata(&path)?.permissions()))
        .and_then(|()| fs::File::open(&temporary)?.sync_all())
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        // The first error is the one to tell; the recipe is as it was.
        let _ = fs::remove_file(&temporary);
    }
    written
}
