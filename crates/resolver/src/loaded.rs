//! What a loader opens, as drafts with their reasons; what it lacks, as errors.

use std::collections::BTreeSet;

use imgc_planner::node::Attributes;
use imgc_planner::recipe::{From, ImagePath};
use imgc_planner::{Need, Reason, Rule};

use crate::draft::{Draft, DraftContent, Drafts};
use crate::error::{self, Name, ResolveError, Tried};
use crate::launch::Run;
use crate::loader::{
    Candidate, Cause, Lookup, MAX_OBJECTS, Outcome, Refusal, Requester, Tag, Target, Trace, Warning,
};
use crate::places::regular;
use crate::root::{Roots, Walk};

/// Adds all that the loader of a run opens, and reports what keeps the program from starting.
pub(crate) fn add(run: &Run, roots: &Roots, relocated: Option<&From>, drafts: &mut Drafts) {
    let adding = Adding { run, roots };
    if let Some(interpreter) = run.trace.kind.interpreter() {
        let of = run.place.clone();
        adding.file(&interpreter.walk, Reason::Interpreter { of }, true, drafts);
    }
    for lookup in &run.trace.lookups {
        adding.lookup(lookup, drafts);
    }
    adding.surroundings(drafts);
    report(run, relocated, drafts);
}

/// Adds what the loader opens for the library that a run preloads beside the image's own or opens
/// later, and for nothing else: the program's own needs are the program's.
pub(crate) fn add_extra(run: &Run, roots: &Roots, reason: &Reason, drafts: &mut Drafts) {
    let adding = Adding { run, roots };
    let mut wanted = BTreeSet::new();
    for lookup in &run.trace.lookups {
        let is_extra = run.is_for(lookup);
        let is_below = matches!(lookup.requester, Requester::Object(by) if wanted.contains(&by));
        if !is_extra && !is_below {
            continue;
        }
        match &lookup.outcome {
            Outcome::Opened(object)
            | Outcome::Loaded(Target::Object(object))
            | Outcome::SameFile { object, .. } => {
                wanted.insert(*object);
            }
            Outcome::Loaded(_) | Outcome::Missing(_) | Outcome::Ignored | Outcome::Fatal => {}
        }
        if is_extra {
            if let Some(walk) = adding.target(lookup) {
                adding.file(walk, reason.clone(), false, drafts);
            }
        } else {
            adding.lookup(lookup, drafts);
        }
    }
    adding.surroundings(drafts);
    let before = drafts.problems.len();
    report(run, None, drafts);
    // What the program lacks without the library is reported for the program.
    let mut problems = drafts.problems.split_off(before);
    let is_about =
        |by: &ImagePath| wanted.iter().any(|object| run.trace.objects[*object].walk.real == *by);
    problems.retain(|problem| match problem {
        ResolveError::LibraryIsMissing { by, .. } | ResolveError::VersionIsMissing { by, .. } => {
            is_about(by)
        }
        _ => true,
    });
    drafts.problems.append(&mut problems);
    let Some(extra) = run.extra.as_ref().filter(|_| run.openings.is_empty()) else { return };
    if let Some(missing) = run
        .trace
        .missing
        .iter()
        .find(|missing| missing.tag == Tag::Preload && *missing.name == **extra)
    {
        drafts.problems.push(ResolveError::LibraryIsMissing {
            node: run.node,
            by: run.place.clone(),
            name: Name::new(extra),
            tried: tried(&missing.tried),
            relocated: None,
        });
    }
}

struct Adding<'a> {
    run: &'a Run,
    roots: &'a Roots,
}

impl Adding<'_> {
    fn trace(&self) -> &Trace {
        &self.run.trace
    }

    fn lookup(&self, lookup: &Lookup, drafts: &mut Drafts) {
        let Some(walk) = self.target(lookup) else { return };
        let rule = match &lookup.outcome {
            Outcome::Opened(object) => self.trace().objects[*object].found.rule.clone(),
            Outcome::SameFile { .. } => Rule::SameFile,
            Outcome::Loaded(_) | Outcome::Missing(_) | Outcome::Ignored | Outcome::Fatal => {
                Rule::Loaded
            }
        };
        let by = by(self.run, lookup.requester);
        let reason = Reason::Needed { by, name: lookup.written.clone(), rule };
        let is_library = !matches!(lookup.outcome, Outcome::Loaded(Target::Interpreter));
        self.draft(walk, reason, !is_library, is_library, drafts);
    }

    /// Returns where a name led to, if that is a file.
    fn target<'b>(&'b self, lookup: &'b Lookup) -> Option<&'b Walk> {
        match &lookup.outcome {
            Outcome::Opened(object) | Outcome::Loaded(Target::Object(object)) => {
                Some(&self.trace().objects[*object].walk)
            }
            Outcome::SameFile { walk, .. } => Some(walk),
            Outcome::Loaded(Target::Interpreter) => {
                self.trace().kind.interpreter().map(|interpreter| &interpreter.walk)
            }
            Outcome::Loaded(Target::Main | Target::Vdso)
            | Outcome::Missing(_)
            | Outcome::Ignored
            | Outcome::Fatal => None,
        }
    }

    fn file(&self, walk: &Walk, reason: Reason, program: bool, drafts: &mut Drafts) {
        self.draft(walk, reason, program, !program, drafts);
    }

    fn draft(&self, walk: &Walk, reason: Reason, program: bool, loaded: bool, drafts: &mut Drafts) {
        let node = self.run.node;
        match regular(self.roots, node, walk) {
            Ok(file) => {
                drafts.add_trail(node, &walk.trail, &walk.real);
                let content = DraftContent::File { file, program, loaded };
                drafts.drafts.push(Draft {
                    path: walk.real.clone(),
                    content,
                    attributes: Attributes::ROOT,
                    need: Need { reason, node },
                });
            }
            Err(problem) => drafts.problems.push(problem),
        }
    }

    /// Adds what decides where the loader looks. The cache of a source is none of the image: it
    /// lists what the image does not have. The check of the finished tree says if it is missed.
    fn surroundings(&self, drafts: &mut Drafts) {
        for configuration in &self.trace().configuration {
            if !configuration.path.ends_with(b"/ld.so.cache") {
                self.draft(&configuration.walk, Reason::LoaderConfiguration, false, false, drafts);
            }
        }
    }
}

/// Returns where the object that asks stands.
pub(crate) fn by(run: &Run, requester: Requester) -> ImagePath {
    match requester {
        Requester::Main => run.place.clone(),
        Requester::Object(object) => run.trace.objects[object].walk.real.clone(),
    }
}

fn report(run: &Run, relocated: Option<&From>, drafts: &mut Drafts) {
    let node = run.node;
    let trace = &run.trace;
    let mut seen = BTreeSet::new();
    for missing in trace.missing.iter().filter(|missing| missing.required) {
        if seen.insert((missing.requester, &missing.name)) {
            drafts.problems.push(ResolveError::LibraryIsMissing {
                node,
                by: by(run, missing.requester),
                name: Name::new(&missing.name),
                tried: tried(&missing.tried),
                relocated: relocated.cloned(),
            });
        }
    }
    if let Some(fatal) = &trace.fatal {
        let program = run.place.clone();
        drafts.problems.push(if fatal.cause == Cause::TooMany {
            ResolveError::TooManyLibraries { node, program, limit: MAX_OBJECTS }
        } else {
            let problem =
                Name::new([&fatal.path[..], b": ", fatal.cause.to_string().as_bytes()].concat());
            ResolveError::LoaderStops { node, program, problem }
        });
    }
    // A version of what is not there is no news.
    let complete = seen.is_empty() && trace.fatal.is_none();
    for problem in trace.versions.iter().filter(|_| complete) {
        let by = by(run, problem.object);
        let (file, version) = (Name::new(&problem.file), Name::new(&problem.version));
        let found = Name::new(version_text(problem.cause));
        if problem.cause.is_error() {
            drafts.problems.push(ResolveError::VersionIsMissing { node, by, file, version, found });
        } else {
            let wanted = error::version_text(&version);
            let text = format!("`{by}` wants {wanted} of `{file}`, {found}");
            let problem = Name::new(text);
            let program = run.place.clone();
            drafts.warnings.push(ResolveError::LoaderWarns { node, program, problem });
        }
    }
    for warning in &trace.warnings {
        if let Some(text) = warning_text(run, warning) {
            let program = run.place.clone();
            let problem = Name::new(text);
            drafts.warnings.push(ResolveError::LoaderWarns { node, program, problem });
        }
    }
}

/// Returns what was tried. Of the capability directories, which nobody fills by hand, only those in
/// which something stands.
fn tried(candidates: &[Candidate]) -> Vec<Tried> {
    let place = |candidate: &Candidate| Tried {
        path: Name::new(&candidate.path),
        rule: Some(candidate.found.rule.clone()),
        found: Name::new(candidate.refusal.to_string()),
    };
    candidates
        .iter()
        .filter(|candidate| {
            candidate.found.capability.is_none() || candidate.refusal != Refusal::Absent
        })
        .map(place)
        .collect()
}

fn version_text(cause: crate::loader::VersionCause) -> &'static str {
    use crate::loader::VersionCause;
    match cause {
        VersionCause::NotFound | VersionCause::WeakNotFound => "which defines others",
        VersionCause::NoInformation | VersionCause::NoSymbolVersions => "which defines none",
        VersionCause::NotLoaded => "which is not loaded",
        VersionCause::RelrWithoutMarker => "which is too old for it",
    }
}

/// Returns what follows "starts, but"; nothing for what says nothing about the image.
fn warning_text(run: &Run, warning: &Warning) -> Option<String> {
    Some(match warning {
        Warning::EmptyElement { list, owner } => format!(
            "`{}` searches libraries in the working directory (an empty element in `{}`)",
            by(run, *owner),
            Name::new(list)
        ),
        Warning::RelativeElement { element, owner } => format!(
            "`{}` searches libraries in `{}`, which depends on the working directory",
            by(run, *owner),
            Name::new(element)
        ),
        Warning::Platform { text, owner } => format!(
            "`{}` searches in `{}`, which depends on the processor that it runs on",
            by(run, *owner),
            Name::new(text)
        ),
        Warning::DependsOnWorkingDirectory { path } => {
            format!("`{}` is found in this working directory alone", Name::new(path))
        }
        Warning::OptionalMissing { missing } => {
            let missing = run.trace.missing.get(*missing)?;
            if run.extra.as_deref() == Some(&missing.name) {
                return None;
            }
            format!("`{}` is not found, which it can do without", Name::new(&missing.name))
        }
        Warning::KnownDefaults { interpreter } => format!(
            "`{}` does not say where it searches; its usual directories were taken",
            Name::new(interpreter)
        ),
        Warning::Packed => "it is packed by UPX, and what it needs is hidden".into(),
        Warning::KernelVersion { object, .. } => {
            format!("`{}` asks for a kernel that is newer than 5.x", by(run, *object))
        }
        Warning::OddHeader => "its ELF header is odd".into(),
        Warning::Broken { problem } => {
            format!("a part of it that is not used is broken: {problem}")
        }
        // In the image it may be executed, and the platform says which processors run it.
        Warning::NotExecutable | Warning::IsaLevel { .. } => return None,
    })
}
