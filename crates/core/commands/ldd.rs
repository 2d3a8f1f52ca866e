//! `imgc ldd`: the libraries of a program, found without running anything.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use imgc_parser::{ImagePath, Printable};
use imgc_planner::Rule;
use imgc_resolver::loader::{Library, Listing, Loader, Request, Trace};
use imgc_resolver::{HostPath, Machine, Root, Roots};
use serde::Serialize;

use crate::args::LddArguments;
use crate::commands::{Failure, Outcome};
use crate::session::Session;

/// What `--json` prints for each program. Bytes that are not UTF-8 are shown as U+FFFD.
#[derive(Serialize)]
struct Program<'a> {
    file: String,
    interpreter: Option<String>,
    libraries: Vec<LibraryRow<'a>>,
    fatal: Option<&'a str>,
    /// Versions and symbols that are needed and not there.
    problems: Vec<String>,
}

/// One library of a [`Program`].
#[derive(Serialize)]
struct LibraryRow<'a> {
    name: String,
    path: Option<String>,
    real_path: Option<String>,
    rule: Option<&'a str>,
    needed_by: String,
}

/// Prints the libraries of each program in the loader's order.
///
/// The outcome is the worst of all programs: fatal, else missing, else done.
pub(crate) fn run(arguments: &LddArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let base = match &arguments.root {
        Some(root) => session.absolute(root),
        None => Path::new("/").to_owned(),
    };
    // Without a root this is the machine's `ldd`, which starts where the caller stands.
    let default_cwd = if arguments.root.is_some() { Path::new("/") } else { session.cwd.as_path() };
    let cwd = arguments.cwd.as_deref().unwrap_or(default_cwd);
    let cwd = ImagePath::parse(cwd.as_os_str().as_bytes()).unwrap_or_else(|_| ImagePath::root());
    let root = Root::new(Arc::new(Machine), HostPath::new(base.as_os_str().as_bytes()));
    let roots = Roots::new(vec![root]);
    let loader = Loader::new();
    let mut outcome = Outcome::Done;
    for file in &arguments.files {
        let program = file.as_os_str().as_bytes();
        let request = Request {
            program,
            placed: None,
            cwd: &cwd,
            library_path: arguments.variable("LD_LIBRARY_PATH"),
            preload: arguments.variable("LD_PRELOAD"),
            level: None,
            platform: arguments.platform.as_deref().map(str::as_bytes),
            file_capabilities: false,
        };
        let (listing, problems) = match loader.trace(&roots, &request) {
            Ok(trace) => (trace.listing(program), problems(&trace)),
            Err(problem) => {
                let listing = Listing {
                    file: program.into(),
                    interpreter: None,
                    libraries: Vec::new(),
                    fatal: Some(problem.to_string()),
                };
                (listing, Vec::new())
            }
        };
        outcome = outcome.max(outcome_of(&listing, &problems));
        if arguments.json {
            let json = serde_json::to_string(&program_row(&listing, problems));
            session.output.line(json.expect("strings always encode"))?;
            continue;
        }
        if arguments.files.len() > 1 {
            session.output.line(format!("{}:", Printable::new(program)))?;
        }
        for line in lines(&listing, &problems) {
            session.output.line(line)?;
        }
    }
    Ok(outcome)
}

fn outcome_of(listing: &Listing, problems: &[String]) -> Outcome {
    let missing = listing.libraries.iter().any(|library| library.path.is_none());
    match listing.fatal {
        Some(_) => Outcome::Fatal,
        None if missing || !problems.is_empty() => Outcome::Failed,
        None => Outcome::Done,
    }
}

/// Says which versions are needed and not there.
fn problems(trace: &Trace) -> Vec<String> {
    trace.versions.iter().map(|problem| format!("{problem:?}")).collect()
}

fn lines(listing: &Listing, problems: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for library in &listing.libraries {
        let Library { name, path, rule, needed_by, .. } = library;
        let name = Printable::new(name);
        let by = Printable::new(needed_by);
        lines.push(match (path, rule) {
            (Some(path), Some(rule)) => {
                format!("\t{name} => {} ({}, for {by})", Printable::new(path), rule_name(rule))
            }
            _ => format!("\t{name} => not found (for {by})"),
        });
    }
    lines.extend(listing.interpreter.iter().map(|path| format!("\t{}", Printable::new(path))));
    if listing.interpreter.is_none() && listing.fatal.is_none() {
        lines.push("\tstatically linked".into());
    }
    lines.extend(problems.iter().map(|problem| format!("\t{problem}")));
    lines.extend(listing.fatal.iter().map(|fatal| format!("\tdoes not start: {fatal}")));
    lines
}

fn program_row(listing: &Listing, problems: Vec<String>) -> Program<'_> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let libraries = listing.libraries.iter().map(|library| LibraryRow {
        name: text(&library.name),
        path: library.path.as_deref().map(text),
        real_path: library.real_path.as_deref().map(text),
        rule: library.rule.as_ref().map(rule_name),
        needed_by: text(&library.needed_by),
    });
    Program {
        file: text(&listing.file),
        interpreter: listing.interpreter.as_deref().map(text),
        libraries: libraries.collect(),
        fatal: listing.fatal.as_deref(),
        problems,
    }
}

/// Returns a rule's name, the same in text and in JSON.
fn rule_name(rule: &Rule) -> &'static str {
    match rule {
        Rule::Path => "path",
        Rule::Rpath(_) => "rpath",
        Rule::LibraryPath => "LD_LIBRARY_PATH",
        Rule::Runpath(_) => "runpath",
        Rule::Cache => "ld.so.cache",
        Rule::Default => "default",
        Rule::PathFile => "path file",
        Rule::Preload => "preload",
        Rule::Loaded => "loaded",
        Rule::SameFile => "same file",
    }
}
