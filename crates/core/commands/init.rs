//! `imgc init`: a commented recipe for programs.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use imgc_parser::Printable;

use crate::args::InitArguments;
use crate::commands::{Failure, Outcome};
use crate::draft::Draft;
use crate::error::ProgramError;
use crate::project::Project;
use crate::session::Session;

/// Name of a recipe that goes to stdout, which decides what relative paths start from.
const UNNAMED: &str = "recipe.kdl";

/// Directory of the image for programs of the project.
const PROGRAMS: &str = "/usr/bin";

/// Writes a recipe to stdout or to a new file.
pub(crate) fn run(arguments: &InitArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let recipe = arguments.output.clone().unwrap_or_else(|| UNNAMED.into());
    let recipe = session.absolute(&recipe);
    if arguments.output.is_some() && recipe.symlink_metadata().is_ok() {
        let path = shown(&recipe);
        return Err(ProgramError::RecipeExists { path }.into());
    }
    let mut programs = Vec::new();
    for program in &arguments.programs {
        programs.push(find(program, session)?);
    }
    if let Some(directory) = &arguments.all_in {
        programs.extend(programs_in(&session.absolute(directory))?);
    }
    let directory = recipe.parent().unwrap_or(Path::new("/")).to_owned();
    let (mut given, mut places) = (Vec::new(), Vec::new());
    for program in &programs {
        let (line, place) = line(program, &directory);
        given.push(line);
        places.push(place);
    }
    if places.len() > 1 {
        given.push(String::new());
        given.push("// The first of them, until you say otherwise.".into());
    }
    given.push(format!("entrypoint {}", places[0]));
    let root = session.project(&recipe)?.root;
    let cwd = session.cwd.clone();
    let noted = Arc::clone(&session.noted);
    let place = || {
        Project::new(root.clone(), cwd.clone(), &recipe, Arc::clone(&noted)).map_err(Failure::from)
    };
    let draft = Draft::complete(given, &place, session)?;
    session.talk.clear();
    let name = places[0].trim_matches('"').rsplit('/').next().unwrap_or_default().to_owned();
    let text = draft.text(&format!(
        "{name}: a draft by `imgc init`. `imgc explain CODE` and `imgc why RECIPE PATH` say more."
    ));
    match &arguments.output {
        Some(_) => {
            let written = fs::OpenOptions::new().write(true).create_new(true).open(&recipe);
            let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
            written.map_err(|source| ProgramError::CannotWrite { file: shown(&recipe), source })?;
            session.talk.say(format!("{} is written; next: imgc check {0}", shown(&recipe)));
        }
        None => session.output.line(text)?,
    }
    Ok(Outcome::Done)
}

/// Finds a program: a path, or a name that is looked for in `PATH`.
fn find(program: &Path, session: &Session) -> Result<PathBuf, ProgramError> {
    let named = session.absolute(program);
    if program.as_os_str().as_bytes().contains(&b'/') || is_program(&named) {
        return Ok(named);
    }
    let mut directories = std::env::split_paths(&session.search_path);
    directories
        .find_map(|directory| Some(directory.join(program)).filter(|path| is_program(path)))
        .ok_or_else(|| ProgramError::NoSuchProgram { name: shown(program) })
}

/// Returns the programs of a directory, sorted by name.
fn programs_in(directory: &Path) -> Result<Vec<PathBuf>, ProgramError> {
    let unreadable = |source| ProgramError::CannotRead { file: shown(directory), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_program(&path) {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(ProgramError::NoSuchProgram { name: shown(directory) });
    }
    found.sort();
    Ok(found)
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Returns the line for a program, and where it stands in the image, quoted. What lies below the
/// recipe's directory is the project's; all else, the machine's.
fn line(program: &Path, directory: &Path) -> (String, String) {
    let system = ["/usr", "/bin", "/sbin", "/opt", "/lib"];
    let is_own = program.strip_prefix(directory).ok().filter(|_| {
        directory != Path::new("/") && !system.iter().any(|root| program.starts_with(root))
    });
    match is_own {
        Some(below) => {
            let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let place = quoted(&format!("{PROGRAMS}/{name}"));
            (format!("binary {} to={place}", quoted(&below.to_string_lossy())), place)
        }
        None => {
            let place = quoted(&program.to_string_lossy());
            (format!("binary {place}"), place)
        }
    }
}

/// Writes a text as a string of KDL.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn shown(path: &Path) -> String {
    Printable::new(path.as_os_str().as_bytes()).to_string()
}
