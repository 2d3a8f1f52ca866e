//! A recipe that is written for programs: what the checks ask for is added until they ask no more.

use std::collections::BTreeSet;

use imgc_parser::{Epoch, ProjectPath, SourceMap, SourceText, Texts};

use crate::commands::Failure;
use crate::pipeline::{Advice, Planned, prove_all};
use crate::project::Project;
use crate::report::Report;
use crate::session::Session;

/// Most rounds of asking and adding. Each adds what the files of the one before need; real programs
/// take three.
const MAX_ROUNDS: usize = 8;

/// Most libraries that are added because one object names them. Who names more chooses one of them at
/// run time, by the machine or a configuration.
const MAX_NAMED: usize = 6;

/// Codes of remarks whose lines are added all the same: they cost little, and without them some
/// programs end in the middle of their work.
const ADDED_REMARKS: &[&str] = &["imgc::check::may_need", "imgc::resolve::unwinder_is_left_out"];

/// A line that was added, and why.
#[derive(Debug)]
struct Added {
    line: String,
    reason: String,
}

/// A recipe that is being written.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The lines that were asked for.
    given: Vec<String>,
    added: Vec<Added>,
    /// Lines that were tried and make the recipe fail.
    refused: BTreeSet<String>,
    /// What is left to decide: messages with their advice.
    open: Vec<(String, Vec<String>)>,
    /// What is wrong.
    errors: Vec<String>,
}

/// One text in place of a file that is not written yet.
struct InMemory<'a>(&'a str);

impl Texts for InMemory<'_> {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        Ok(SourceText { name: path.to_string(), bytes: self.0.into() })
    }
}

type Proved = Result<Vec<Advice>, Vec<Report>>;

impl Draft {
    /// Starts with the lines that name the programs, and adds what these need.
    ///
    /// `place` says where the recipe will stand.
    pub(crate) fn complete(
        given: Vec<String>,
        place: &dyn Fn() -> Result<Project, Failure>,
        session: &mut Session,
    ) -> Result<Self, Failure> {
        let mut draft = Self {
            given,
            added: Vec::new(),
            refused: BTreeSet::new(),
            open: Vec::new(),
            errors: Vec::new(),
        };
        for _ in 0..MAX_ROUNDS {
            let advice = match draft.prove(&[], place, session)? {
                Ok(advice) => advice,
                Err(errors) => {
                    draft.errors = errors.iter().map(|error| error.message().to_owned()).collect();
                    break;
                }
            };
            let wanted = draft.wanted(&advice);
            draft.open = draft.left(&advice);
            if wanted.is_empty() {
                break;
            }
            draft.add(wanted, place, session)?;
        }
        Ok(draft)
    }

    /// Adds lines; those with which nothing can be built are left out for good.
    fn add(
        &mut self,
        wanted: Vec<Added>,
        place: &dyn Fn() -> Result<Project, Failure>,
        session: &mut Session,
    ) -> Result<(), Failure> {
        let lines: Vec<&str> = wanted.iter().map(|added| &*added.line).collect();
        if self.prove(&lines, place, session)?.is_ok() {
            self.added.extend(wanted);
            return Ok(());
        }
        for added in wanted {
            if self.prove(&[&added.line], place, session)?.is_ok() {
                self.added.push(added);
            } else {
                self.refused.insert(added.line);
            }
        }
        Ok(())
    }

    /// Returns the lines that end what is said, without those that are there or make it fail.
    fn wanted(&self, advice: &[Advice]) -> Vec<Added> {
        let mut wanted: Vec<Added> = Vec::new();
        for Advice { report, lines } in advice {
            if !is_added(report, lines) {
                continue;
            }
            for line in lines {
                let is_known = self.added.iter().chain(&wanted).any(|known| known.line == *line)
                    || self.refused.contains(line);
                if !is_known {
                    wanted.push(Added { line: line.clone(), reason: report.message().to_owned() });
                }
            }
        }
        wanted
    }

    /// Returns what only a person can decide.
    fn left(&self, advice: &[Advice]) -> Vec<(String, Vec<String>)> {
        let is_left = |advice: &&Advice| {
            let known = |line: &String| self.added.iter().any(|added| added.line == *line);
            !is_added(&advice.report, &advice.lines)
                && (advice.report.is_warning() || !advice.lines.is_empty())
                && !advice.lines.iter().any(known)
        };
        let said = |advice: &Advice| (advice.report.message().to_owned(), advice.lines.clone());
        advice.iter().filter(is_left).map(said).collect()
    }

    /// Compiles the recipe as it is, with more lines.
    fn prove(
        &self,
        more: &[&str],
        place: &dyn Fn() -> Result<Project, Failure>,
        session: &mut Session,
    ) -> Result<Proved, Failure> {
        let added = self.added.iter().map(|added| &*added.line);
        let lines: Vec<&str> = self
            .given
            .iter()
            .map(String::as_str)
            .chain(added)
            .chain(more.iter().copied())
            .collect();
        let text = lines.join("\n");
        let project = place()?;
        let main = project.recipe.clone();
        let mut map = SourceMap::default();
        let parsed = match imgc_parser::parse(&main, &mut InMemory(&text), &mut map) {
            Ok(parsed) => parsed,
            Err(errors) => return Ok(Err(errors.iter().map(|error| Report::new(error)).collect())),
        };
        let (plan, origins) = match imgc_planner::plan(&parsed) {
            Ok(planned) => planned,
            Err(errors) => return Ok(Err(errors.iter().map(|error| Report::new(error)).collect())),
        };
        let planned = Planned { plan, origins, project };
        Ok(match prove_all(planned, None, Epoch::ZERO, session) {
            Ok((_, advice)) => Ok(advice),
            Err((_, errors)) => Err(errors),
        })
    }

    /// Writes the recipe: each line below the reason for it.
    pub(crate) fn text(&self, title: &str) -> String {
        let mut text = format!("// {title}\n");
        let mut write = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        for line in &self.given {
            write(line);
        }
        let (needs, others): (Vec<&Added>, Vec<&Added>) =
            self.added.iter().partition(|added| added.line.starts_with("needs "));
        if !needs.is_empty() {
            write("");
            for added in &needs {
                write(&format!("// {}", comment(&added.reason)));
            }
            let (values, words): (Vec<&str>, Vec<&str>) = needs
                .iter()
                .map(|added| added.line.trim_start_matches("needs "))
                .partition(|word| word.contains('='));
            for value in values {
                write(&format!("needs {value}"));
            }
            if !words.is_empty() {
                write(&format!("needs {}", words.join(" ")));
            }
        }
        let mut reason = "";
        for added in others {
            if added.reason != reason {
                reason = &added.reason;
                write("");
                write(&format!("// {}", comment(reason)));
            }
            write(&added.line);
        }
        for (title, said) in [
            (
                "This keeps it from being built:",
                &self.errors.iter().map(|error| (error.clone(), Vec::new())).collect(),
            ),
            ("For you to decide:", &self.open),
        ] {
            if said.is_empty() {
                continue;
            }
            write("");
            write(&format!("// {title}"));
            for (message, lines) in said {
                write(&format!("// - {}", comment(message)));
                for line in lines {
                    write(&format!("//   {line}"));
                }
            }
        }
        text
    }
}

/// Tells whether the lines of an advice are added without asking.
fn is_added(report: &Report, lines: &[String]) -> bool {
    let is_choice = report.code() == "imgc::resolve::dlopen" && lines.len() > MAX_NAMED;
    !lines.is_empty()
        && !is_choice
        && (report.is_warning() || ADDED_REMARKS.contains(&report.code()))
}

/// Makes a message one line of a comment.
fn comment(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
