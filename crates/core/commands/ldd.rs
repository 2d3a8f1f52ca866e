//! `imgc ldd`: the libraries of a program, found without running anything.

use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use imgc_parser::{ImagePath, Printable};
use imgc_planner::Rule;
use imgc_resolver::loader::{Library, Listing, Loader, Request, StartProblem, Tag};
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
    /// What is missing and can be done without.
    optional: Vec<LibraryRow<'a>>,
    fatal: Option<&'a str>,
    /// Versions and symbols that are needed and not there.
    problems: Vec<&'a str>,
}

/// One library of a [`Program`].
#[derive(Serialize)]
struct LibraryRow<'a> {
    name: String,
    tag: &'a str,
    path: Option<String>,
    real_path: Option<String>,
    rule: Option<&'a str>,
    needed_by: String,
    /// What was looked at for a library that is missing, in order.
    tried: Vec<CandidateRow<'a>>,
}

/// A path that was not taken.
#[derive(Serialize)]
struct CandidateRow<'a> {
    path: String,
    rule: &'a str,
    refusal: String,
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
    let cwd = match (&arguments.cwd, &arguments.root) {
        (Some(cwd), Some(_)) => Path::new("/").join(cwd),
        (Some(cwd), None) => session.absolute(cwd),
        (None, Some(_)) => Path::new("/").to_owned(),
        (None, None) => session.cwd.clone(),
    };
    let cwd = ImagePath::parse(cwd.as_os_str().as_bytes()).unwrap_or_else(|_| ImagePath::root());
    let root = Root::new(Arc::new(Machine), HostPath::new(base.as_os_str().as_bytes()));
    // The program ends with this command: what was read of the files is not given back piece by
    // piece.
    let roots = ManuallyDrop::new(Roots::new(vec![root]));
    let loader = ManuallyDrop::new(Loader::new());
    let mut outcome = Outcome::Done;
    for file in &arguments.files {
        let program = file.as_os_str().as_bytes();
        let walked = roots.walk(program, &cwd);
        let request = Request {
            program,
            placed: None,
            cwd: &cwd,
            library_path: arguments.variable("LD_LIBRARY_PATH"),
            preload: arguments.variable("LD_PRELOAD"),
            opens_last: false,
            level: None,
            platform: arguments.platform.as_deref().map(str::as_bytes),
            file_capabilities: walked.is_ok_and(|walk| roots.has_capabilities(&walk)),
            libraries: true,
        };
        let (listing, worst) = match loader.trace(&roots, &request) {
            Ok(mut trace) => {
                if arguments.symbols {
                    loader.check_symbols(&roots, &mut trace);
                }
                let trace = ManuallyDrop::new(trace);
                let listing = trace.listing(program);
                let outcome = outcome_of(&listing);
                (listing, outcome)
            }
            // The kernel starts another program instead.
            Err(StartProblem::Script) => (
                Listing::refused(program, "not a dynamic executable: it is a script".into()),
                Outcome::Failed,
            ),
            Err(StartProblem::NotElf) => {
                (Listing::refused(program, "not a dynamic executable".into()), Outcome::Fatal)
            }
            Err(problem) => (Listing::refused(program, problem.to_string()), Outcome::Fatal),
        };
        outcome = outcome.max(worst);
        if arguments.json {
            let json = serde_json::to_string(&program_row(&listing));
            session.output.line(json.expect("strings always encode"))?;
            continue;
        }
        if arguments.files.len() > 1 {
            session.output.line(format!("{}:", Printable::new(program)))?;
        }
        session.output.line(text(&listing))?;
    }
    Ok(outcome)
}

fn outcome_of(listing: &Listing) -> Outcome {
    if listing.fatal.is_some() {
        Outcome::Fatal
    } else if listing.lacks_library() || listing.problems.iter().any(|problem| problem.fails) {
        Outcome::Failed
    } else {
        Outcome::Done
    }
}

fn text(listing: &Listing) -> String {
    let mut text = String::new();
    for library in &listing.libraries {
        let (name, by) = (Printable::new(&library.name), Printable::new(&library.needed_by));
        match (&library.path, &library.rule) {
            (Some(path), Some(rule)) => {
                let (path, rule) = (Printable::new(path), rule_name(rule));
                push(&mut text, format_args!("\t{name} => {path} ({rule}, for {by})"));
            }
            _ => {
                push(&mut text, format_args!("\t{name} => not found (for {by})"));
                push_candidates(&mut text, library);
            }
        }
    }
    for library in &listing.optional {
        let (name, by) = (Printable::new(&library.name), Printable::new(&library.needed_by));
        let tag = tag_name(library.tag);
        push(
            &mut text,
            format_args!("\t{name} => not found, which the start can do without ({tag}, for {by})"),
        );
        push_candidates(&mut text, library);
    }
    match &listing.interpreter {
        Some(path) => push(&mut text, format_args!("\t{}", Printable::new(path))),
        None if listing.fatal.is_none() && listing.libraries.is_empty() => {
            push(&mut text, format_args!("\tstatically linked"));
        }
        None => {}
    }
    // What is fatal is said once, at the end.
    let said = |text: &str| listing.fatal.as_deref() == Some(text);
    for problem in listing.problems.iter().filter(|problem| !said(&problem.text)) {
        push(&mut text, format_args!("\t{}", problem.text));
    }
    if let Some(fatal) = &listing.fatal {
        push(&mut text, format_args!("\tdoes not start: {fatal}"));
    }
    text
}

/// Says where a library was looked for.
fn push_candidates(text: &mut String, library: &Library) {
    for candidate in &library.tried {
        let path = Printable::new(&candidate.path);
        let (rule, refusal) = (rule_name(&candidate.found.rule), &candidate.refusal);
        push(text, format_args!("\t\t{path} ({rule}) {refusal}"));
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    std::fmt::Write::write_fmt(text, line).expect("a string takes everything");
    text.push('\n');
}

fn program_row(listing: &Listing) -> Program<'_> {
    Program {
        file: lossy(&listing.file),
        interpreter: listing.interpreter.as_deref().map(lossy),
        libraries: listing.libraries.iter().map(library_row).collect(),
        optional: listing.optional.iter().map(library_row).collect(),
        fatal: listing.fatal.as_deref(),
        problems: listing.problems.iter().map(|problem| &*problem.text).collect(),
    }
}

fn library_row(library: &Library) -> LibraryRow<'_> {
    let candidates = library.tried.iter().map(|candidate| CandidateRow {
        path: lossy(&candidate.path),
        rule: rule_name(&candidate.found.rule),
        refusal: candidate.refusal.to_string(),
    });
    LibraryRow {
        name: lossy(&library.name),
        tag: tag_name(library.tag),
        path: library.path.as_deref().map(lossy),
        real_path: library.real_path.as_deref().map(lossy),
        rule: library.rule.as_ref().map(rule_name),
        needed_by: lossy(&library.needed_by),
        tried: candidates.collect(),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns the name of what asks for a library.
fn tag_name(tag: Tag) -> &'static str {
    match tag {
        Tag::Needed => "needed",
        Tag::Filter => "filter",
        Tag::Auxiliary => "auxiliary",
        Tag::Audit => "audit",
        Tag::Preload => "preload",
        Tag::Opened => "dlopen",
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
