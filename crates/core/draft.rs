//! A recipe that is written for programs: what the checks ask for is added until they ask no more.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use imgc_parser::{Epoch, ImagePath, ProjectPath, SourceMap, SourceText, Texts};

use crate::commands::Failure;
use crate::pipeline::{Planned, prove_all};
use crate::project::Project;
use crate::report::{Remedy, Report};
use crate::session::Session;

/// Most rounds of asking and adding. Each adds what the files of the one before need; real programs
/// take three, scripts that start scripts of other languages up to twenty.
const MAX_ROUNDS: usize = 32;

/// Most libraries that are added because one object names them. Who names more chooses one of them at
/// run time, by the machine or a configuration.
const MAX_NAMED: usize = 6;

/// Codes of remarks whose lines are added all the same: they cost little, and without them some
/// programs end in the middle of their work.
const ADDED_REMARKS: &[&str] = &[
    "imgc::check::may_need",
    "imgc::check::no_home",
    "imgc::resolve::data_is_left_out",
    "imgc::resolve::helpers_are_left_out",
    "imgc::resolve::package_is_left_out",
    "imgc::resolve::plugins_are_left_out",
    "imgc::resolve::state_is_left_out",
    "imgc::resolve::unwinder_is_left_out",
];

/// The line for the users that every system has.
const NEEDS_USERS: &str = "needs users";

/// How the lines of a recipe's own accounts begin.
const ACCOUNTS: [&str; 2] = ["text \"/etc/passwd\"", "text \"/etc/group\""];

/// A line that was added, and why.
#[derive(Clone, Debug)]
struct Added {
    /// The line as it was told.
    line: String,
    reason: String,
    /// The same without what stands in braces behind it.
    node: String,
    /// What is left out, if it is a tree: paths from its root.
    excluded: BTreeSet<String>,
}

impl Added {
    /// Takes a line, also that of a tree without something: `tree "/a" { exclude "/b"; }`.
    fn new(line: &str, reason: &str) -> Self {
        let (node, rest) = line.split_once(" { exclude \"").unwrap_or((line, ""));
        let excluded = rest.split('"').next().filter(|path| !path.is_empty());
        Self {
            line: line.to_owned(),
            reason: reason.to_owned(),
            node: node.to_owned(),
            excluded: excluded.map(str::to_owned).into_iter().collect(),
        }
    }

    /// Returns the whole node.
    fn text(&self) -> String {
        if self.excluded.is_empty() {
            return self.node.clone();
        }
        let patterns: Vec<String> =
            self.excluded.iter().map(|path| format!("\"{path}\"")).collect();
        format!("{} {{\n    exclude {}\n}}", self.node, patterns.join(" "))
    }
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

type Proved = Result<Vec<Report>, Vec<Report>>;

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

    /// Adds lines; those with which nothing can be built are left out for good. They are looked for
    /// by halves: of hundreds few are bad, and each try compiles the recipe.
    fn add(
        &mut self,
        mut wanted: Vec<Added>,
        place: &dyn Fn() -> Result<Project, Failure>,
        session: &mut Session,
    ) -> Result<(), Failure> {
        // Accounts of the recipe's own stand where those of `needs users` would, and take up those that
        // were added before.
        for file in ACCOUNTS {
            if wanted.iter().any(|added| added.line.starts_with(file)) {
                self.added.retain(|added| !added.line.starts_with(file));
            }
        }
        if wanted.iter().any(|added| added.line.starts_with(ACCOUNTS[0])) {
            self.added.retain(|added| added.line != NEEDS_USERS);
            self.refused.insert(NEEDS_USERS.to_owned());
            wanted.retain(|added| added.line != NEEDS_USERS);
        }
        let mut pending = vec![wanted];
        let mut failed = Vec::new();
        while let Some(mut lines) = pending.pop() {
            if let Some(added) = self.repaired(lines.clone(), place, session)? {
                self.added.extend(added);
            } else if lines.len() > 1 {
                let rest = lines.split_off(lines.len() / 2);
                pending.extend([rest, lines]);
            } else {
                failed.extend(lines);
            }
        }
        // What one lacks, another may have brought since: a link to a link.
        for one in failed {
            match self.repaired(vec![one.clone()], place, session)? {
                Some(added) => self.added.extend(added),
                None => {
                    self.refused.insert(one.line);
                }
            }
        }
        Ok(())
    }

    /// Adds to lines what they need to be built: what links in their trees point at, or that those
    /// links are left out. Returns nothing if that is not enough.
    fn repaired(
        &self,
        mut lines: Vec<Added>,
        place: &dyn Fn() -> Result<Project, Failure>,
        session: &mut Session,
    ) -> Result<Option<Vec<Added>>, Failure> {
        for _ in 0..MAX_ROUNDS {
            let Err(errors) = self.prove(&lines, place, session)? else { return Ok(Some(lines)) };
            let mut is_repaired = true;
            for error in &errors {
                let repaired =
                    error.remedies.iter().any(|remedy| repair(&mut lines, error, remedy));
                is_repaired &= repaired;
            }
            if !is_repaired {
                break;
            }
        }
        Ok(None)
    }

    /// Returns the lines that end what is said, without those that are there or make it fail.
    fn wanted(&self, advice: &[Report]) -> Vec<Added> {
        let mut wanted: Vec<Added> = Vec::new();
        for report in advice.iter().filter(|report| is_added(report)) {
            for line in lines(report) {
                let is_known = self.added.iter().chain(&wanted).any(|known| known.line == line)
                    || self.refused.contains(line);
                if !is_known {
                    wanted.push(Added::new(line, report.message()));
                }
            }
        }
        wanted
    }

    /// Returns what only a person can decide.
    fn left(&self, advice: &[Report]) -> Vec<(String, Vec<String>)> {
        let is_left = |report: &&Report| {
            let is_there = |line: &str| self.added.iter().any(|added| added.line == line);
            let mut lines = lines(report).peekable();
            (report.is_warning() || lines.peek().is_some()) && !lines.any(is_there)
        };
        let said = |report: &Report| {
            (report.message().to_owned(), lines(report).map(ToOwned::to_owned).collect())
        };
        advice.iter().filter(is_left).map(said).collect()
    }

    /// Compiles the recipe as it is, with more lines.
    fn prove(
        &self,
        more: &[Added],
        place: &dyn Fn() -> Result<Project, Failure>,
        session: &mut Session,
    ) -> Result<Proved, Failure> {
        let added = self.added.iter().chain(more).map(Added::text);
        let text = self.given.iter().cloned().chain(added).collect::<Vec<_>>().join("\n");
        let project = place()?;
        let main = project.recipe.clone();
        let mut map = SourceMap::default();
        let reports = |errors: &[&dyn miette::Diagnostic]| {
            errors.iter().map(|error| Report::new(*error)).collect::<Vec<_>>()
        };
        let parsed = match imgc_parser::parse(&main, &mut InMemory(&text), &mut map) {
            Ok(parsed) => parsed,
            Err(errors) => {
                let errors: Vec<&dyn miette::Diagnostic> = errors.iter().map(|e| e as _).collect();
                return Ok(Err(reports(&errors)));
            }
        };
        let (plan, origins) = match imgc_planner::plan(&parsed) {
            Ok(planned) => planned,
            Err(errors) => {
                let errors: Vec<&dyn miette::Diagnostic> = errors.iter().map(|e| e as _).collect();
                return Ok(Err(reports(&errors)));
            }
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
            write(&added.text());
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

/// Tells whether the lines of a report are added without asking.
fn is_added(report: &Report) -> bool {
    let is_choice = report.code() == "imgc::resolve::dlopen" && lines(report).count() > MAX_NAMED;
    !is_choice && (report.is_warning() || ADDED_REMARKS.contains(&report.code()))
}

/// Returns the lines that end a report.
fn lines(report: &Report) -> impl Iterator<Item = &str> {
    report.remedies.iter().filter_map(|remedy| match remedy {
        Remedy::Line(line) => Some(&**line),
        Remedy::Link { .. } => None,
    })
}

/// Changes lines so that an error is not found any more. Tells whether there is a way.
fn repair(lines: &mut Vec<Added>, error: &Report, remedy: &Remedy) -> bool {
    match remedy {
        Remedy::Line(line) => {
            let is_new = lines.iter().all(|known| known.line != *line);
            if is_new {
                lines.push(Added::new(line, error.message()));
            }
            is_new
        }
        Remedy::Link { link, target } => {
            let path = Path::new(std::ffi::OsStr::from_bytes(target.as_bytes()));
            let node = match path.metadata() {
                Ok(found) if found.is_dir() => Some("tree"),
                Ok(found) if found.is_file() => Some("file"),
                _ => None,
            };
            if let Some(node) = node {
                let line = format!("{node} \"{target}\"");
                if lines.iter().all(|known| known.line != line) {
                    lines.push(Added::new(&line, error.message()));
                    return true;
                }
            }
            leave_out(lines, link)
        }
    }
}

/// Leaves a path out of the tree that has it. Tells whether there is one.
fn leave_out(lines: &mut [Added], link: &ImagePath) -> bool {
    let link = link.to_string();
    for added in lines {
        let Some(root) = added.node.strip_prefix("tree \"").and_then(|rest| rest.strip_suffix('"'))
        else {
            continue;
        };
        let below = link.strip_prefix(root).filter(|below| below.starts_with('/'));
        if let Some(below) = below
            && added.excluded.insert(below.to_owned())
        {
            return true;
        }
    }
    false
}

/// Makes a message one line of a comment.
fn comment(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_can_be_told_without_a_part() {
        let mut lines = [Added::new("tree \"/a\" { exclude \"/b\"; }", "")];
        assert_eq!(lines[0].text(), "tree \"/a\" {\n    exclude \"/b\"\n}");
        let link = ImagePath::parse(b"/a/c").expect("a path");
        assert!(leave_out(&mut lines, &link));
        assert_eq!(lines[0].text(), "tree \"/a\" {\n    exclude \"/b\" \"/c\"\n}");
    }

    #[test]
    fn a_file_is_left_out_of_every_tree_that_has_it() {
        let tree = |line: &str| Added::new(line, "");
        let mut lines = vec![
            tree("file \"/usr/lib/app/tests/key.pem\""),
            tree("tree \"/usr/lib/app\""),
            tree("tree \"/usr/lib/ap\""),
            tree("tree \"/usr/lib\""),
        ];
        let key = ImagePath::parse(b"/usr/lib/app/tests/key.pem").expect("a path");
        assert!(leave_out(&mut lines, &key) && leave_out(&mut lines, &key));
        assert!(!leave_out(&mut lines, &key));
        let texts: Vec<String> = lines.iter().map(Added::text).collect();
        assert_eq!(texts[1], "tree \"/usr/lib/app\" {\n    exclude \"/tests/key.pem\"\n}");
        assert_eq!(texts[2], "tree \"/usr/lib/ap\"");
        assert_eq!(texts[3], "tree \"/usr/lib\" {\n    exclude \"/app/tests/key.pem\"\n}");
    }
}
