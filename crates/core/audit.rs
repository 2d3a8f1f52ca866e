//! A recipe built again and again, each time with something changed that must not matter.
//!
//! Every build is a process of its own with an empty store. Before it, the same process with the
//! same change says what it sees (`session/surroundings.rs`): a change that cannot be seen proves
//! nothing, and is listed as such. Start reading at [`audit`].

mod checkout;
mod perturbation;
mod process;
pub(crate) mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use checkout::Checkout;
use perturbation::{Perturbation, Place};
use process::{Base, Subject};
use verdict::{Audit, Differing, Run, Verdict};

use crate::commands::Failure;
use crate::commands::diff::{difference, lines};
use crate::comparison::Strictness;
use crate::lockfile;
use crate::pipeline;
use crate::scratch::Scratch;
use crate::session::Session;
use crate::subject::Subject as ImageSubject;

/// A file system in memory that every Linux has: another one than the project's.
const IN_MEMORY: &str = "/dev/shm";

/// The name of the build that the others are compared with.
const BASE: &str = "base";
/// Most lines that say what a build differs in.
const MAX_LINES: usize = 40;

/// Where the recipe is built: in the project itself, or in a copy of what it takes from there.
struct Places {
    checkout: Checkout,
    memory: Result<(Checkout, Scratch), String>,
    user: Checkout,
    _scratch: Scratch,
}

/// Rebuilds a recipe under all perturbations. What is wrong with the recipe itself, or has drifted
/// away from its lock, is an error.
pub(crate) fn audit(recipe: &Path, session: &mut Session) -> Result<Audit, Failure> {
    let compiled = pipeline::compile(recipe, session)?;
    lockfile::check(&compiled, false)?;
    session.talk.progress(&format!("auditing {}", recipe.display()));
    let scratch = Scratch::new(&session.temporary, "audit")?;
    scratch.open_to_all()?;
    let inputs = checkout::inputs(&compiled);
    let root = &compiled.project.root;
    let below = |name: &str| scratch.path().join(name);
    let memory = Scratch::new(Path::new(IN_MEMORY), "audit").and_then(|memory| {
        let path = memory.path().join("copy");
        Ok((Checkout::make(root, &inputs, &path)?, memory))
    });
    let places = Places {
        checkout: Checkout::make(root, &inputs, &below("an other checkout/é"))?,
        memory: memory.map_err(|error| error.to_string()),
        user: Checkout::make(root, &inputs, &below("user"))?,
        _scratch: Scratch::new(&session.temporary, "audit-store")?,
    };
    places.checkout.age()?;
    let given = places.user.give_away(perturbation::OTHER_USER);

    let dated = compiled.plan.image().created.is_some() || compiled.lock.is_some();
    let subject = Subject {
        recipe: PathBuf::from(compiled.project.recipe.as_str()),
        outputs: below("outputs"),
        program: session.program()?,
        base: Base::of(session),
    };
    subject.prepare()?;
    let own = Checkout::of(root.clone());
    let reference = subject.build(&own, &Perturbation::none(), BASE).map_err(|reason| {
        crate::error::ProgramError::AuditFailed { recipe: recipe.display().to_string(), reason }
    })?;
    let seen = subject.look(&own, &Perturbation::none());

    let perturbations = perturbation::all();
    let runs: Vec<Mutex<Option<Run>>> = perturbations.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let one = |number: usize, perturbation: &Perturbation| {
        let place = match (perturbation.place, &places.memory) {
            (Place::Project, _) => &own,
            (Place::Checkout, _) => &places.checkout,
            (Place::Memory, Ok((memory, _))) => memory,
            (Place::Memory, Err(reason)) => return Verdict::NotApplied(reason.clone()),
            (Place::OtherUser, _) => match &given {
                Ok(()) => &places.user,
                Err(reason) => return Verdict::NotApplied(reason.clone()),
            },
        };
        if perturbation.is_date && !dated {
            let reason = "it is an input: the recipe has neither a lock nor `created`";
            return Verdict::NotApplied(reason.into());
        }
        if let Some(reason) = perturbation.missing_tool(&subject.base) {
            return Verdict::NotApplied(reason);
        }
        let effect = match (&seen, subject.look(place, perturbation)) {
            (Ok(before), Ok(after)) => changed(before, &after),
            (Err(reason), _) => return Verdict::NotApplied(reason.clone()),
            (_, Err(reason)) => return Verdict::NotApplied(reason),
        };
        let unseen: Vec<&str> =
            perturbation.changes.iter().copied().filter(|name| !effect.contains(name)).collect();
        let name = number.to_string();
        let verdict = match subject.build(place, perturbation, &name) {
            Err(reason) => Verdict::Failed(reason),
            Ok(digests) if digests != reference => Verdict::Differs(Box::new(Differing {
                differences: differences(&subject.output(BASE), &subject.output(&name)),
                digests,
            })),
            Ok(_) if unseen.is_empty() => Verdict::Same,
            Ok(_) => Verdict::NoEffect(unseen.join(", ")),
        };
        subject.clear(&name);
        verdict
    };
    thread::scope(|scope| {
        for _ in 0..session.workers().get().min(perturbations.len()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(perturbation) = perturbations.get(number) else { return };
                    let run = Run { name: perturbation.name, verdict: one(number, perturbation) };
                    if let Ok(mut place) = runs[number].lock() {
                        *place = Some(run);
                    }
                }
            });
        }
    });
    session.talk.clear();
    Ok(Audit {
        recipe: recipe.display().to_string(),
        digests: reference,
        locked: compiled.lock.is_some(),
        runs: runs.into_iter().filter_map(|run| run.into_inner().ok().flatten()).collect(),
    })
}

/// Says what two builds differ in, field by field.
fn differences(first: &Path, second: &Path) -> Vec<String> {
    let open = |path: &Path| ImageSubject::image(path.to_owned());
    let compared = open(first)
        .and_then(|first| difference(&first, &open(second)?, Strictness::Strict))
        .map(|comparison| lines(&comparison));
    match compared {
        Ok(mut lines) => {
            let more = lines.len().saturating_sub(MAX_LINES);
            lines.truncate(MAX_LINES);
            lines.extend((more > 0).then(|| format!("and {more} lines more")));
            lines
        }
        Err(Failure(reports)) => reports.iter().map(|report| report.message().into()).collect(),
    }
}

/// Returns the names of what two processes see differently.
fn changed<'a>(
    before: &'a BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<&'a str> {
    before
        .iter()
        .filter(|(name, value)| after.get(*name) != Some(value))
        .map(|(name, _)| name.as_str())
        .collect()
}
