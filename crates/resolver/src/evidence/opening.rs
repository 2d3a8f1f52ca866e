//! What objects say that they open, answered: found, or missing.

use std::collections::BTreeSet;

use imgc_planner::Reason;
use imgc_planner::recipe::ImagePath;

use super::note::{Opens, Priority};
use crate::draft::Drafts;
use crate::error::{Name, ResolveError};
use crate::launch::{OwnedOpening, Run, Surroundings};
use crate::loaded::add_extra;
use crate::loader::{Elf, Opening, Outcome, Target, Trace};

/// Most libraries that the notes of one program open. The largest known program names some forty.
const MAX_OPENINGS: usize = 1000;

/// Adds what the objects of a run open by their notes. Returns the runs in which they were found:
/// what is opened may open more.
pub(crate) fn add(run: &Run, surroundings: &Surroundings<'_>, drafts: &mut Drafts) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    let mut asked = BTreeSet::new();
    let mut pending = openings(&run.trace, &run.openings);
    while let Some((chain, by, opens)) = pending.pop() {
        let names: Vec<&str> = opens.names().collect();
        if asked.len() == MAX_OPENINGS || !asked.insert((by.clone(), names.join(" "))) {
            continue;
        }
        let answer = names.iter().find_map(|name| answer(run, surroundings, &chain, &by, name));
        let names: Vec<Name> = names.iter().map(Name::new).collect();
        let (node, feature) = (run.node, opens.purpose());
        match (opens.priority, answer) {
            (_, Some(Answer::Loaded)) => {}
            (Priority::Required | Priority::Recommended, Some(Answer::Opened(opened))) => {
                let name = opened.openings.last().map(|opening| opening.name.clone());
                let reason = Reason::Opened { by, name: name.unwrap_or_default() };
                add_extra(&opened, surroundings.roots, &reason, drafts);
                pending.extend(openings(&opened.trace, &opened.openings));
                found.push(*opened);
            }
            (Priority::Suggested, Some(Answer::Opened(opened))) => {
                let remark = ResolveError::OpenedIsSuggested { node, by, names, feature };
                let path = target(&opened).map(|(_, path)| path);
                drafts.suggestions.extend(path.map(|path| (path, remark)));
            }
            (Priority::Required, None) => {
                drafts.problems.push(ResolveError::OpenedIsMissing { node, by, names, feature });
            }
            (Priority::Recommended, None) => {
                let warning = ResolveError::OpenedIsRecommended { node, by, names, feature };
                drafts.warnings.push(warning);
            }
            (Priority::Suggested, None) => {}
        }
    }
    found
}

/// What became of a name.
enum Answer {
    /// It was loaded before.
    Loaded,
    /// It was opened in this run.
    Opened(Box<Run>),
}

/// Opens a name after all that has to be opened before it.
fn answer(
    run: &Run,
    surroundings: &Surroundings<'_>,
    chain: &[OwnedOpening],
    by: &ImagePath,
    name: &str,
) -> Option<Answer> {
    let own = OwnedOpening { by: by.clone(), name: name.as_bytes().into() };
    let openings: Vec<OwnedOpening> = chain.iter().cloned().chain([own]).collect();
    let views: Vec<Opening<'_>> =
        openings.iter().map(|opening| Opening { by: &opening.by, name: &opening.name }).collect();
    let extra = run.extra.as_deref();
    let trace = surroundings.trace_again(run, extra, &views).ok()?;
    let opened = Run {
        node: run.node,
        program: run.program.clone(),
        place: run.place.clone(),
        extra: run.extra.clone(),
        openings,
        trace,
    };
    let (is_new, _) = target(&opened)?;
    Some(if is_new { Answer::Opened(Box::new(opened)) } else { Answer::Loaded })
}

/// Returns whether the name that was opened led to a new file, and where that is.
fn target(run: &Run) -> Option<(bool, ImagePath)> {
    let trace = &run.trace;
    let lookup = trace.lookups.iter().find(|lookup| run.is_for(lookup))?;
    match &lookup.outcome {
        Outcome::Opened(object) => Some((true, trace.objects[*object].walk.real.clone())),
        Outcome::SameFile { walk, .. } => Some((true, walk.real.clone())),
        Outcome::Loaded(Target::Object(object)) => {
            Some((false, trace.objects[*object].walk.real.clone()))
        }
        Outcome::Loaded(Target::Main | Target::Interpreter | Target::Vdso) => {
            Some((false, trace.main.real.clone()))
        }
        Outcome::Missing(_) | Outcome::Ignored | Outcome::Fatal => None,
    }
}

/// Returns what the notes of all objects say, by object, with what must be opened before. A note
/// that cannot be read says nothing.
fn openings(trace: &Trace, chain: &[OwnedOpening]) -> Vec<(Vec<OwnedOpening>, ImagePath, Opens)> {
    let objects = trace.objects.iter().map(|object| (&object.walk.real, &object.elf));
    let all = std::iter::once((&trace.main.real, &trace.main.elf)).chain(objects);
    all.flat_map(|(path, elf)| opens(elf).map(|opens| (chain.to_vec(), path.clone(), opens)))
        .collect()
}

fn opens(elf: &Elf) -> impl Iterator<Item = Opens> {
    let notes = elf.segments.as_ref().map(|segments| &*segments.dlopen).unwrap_or_default();
    notes.iter().filter_map(|note| Opens::parse(note)).flatten()
}
