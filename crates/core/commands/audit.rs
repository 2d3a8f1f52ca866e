//! `imgc audit`: is what a recipe makes the same however it is built, and was an image made from it?

use std::path::Path;

use serde::Serialize;

use crate::args::AuditArguments;
use crate::audit::audit;
use crate::audit::verdict::{Audit, Refusal, RefusalError, Verdict};
use crate::commands::diff::{difference, lines};
use crate::commands::{Failure, Outcome};
use crate::comparison::Strictness;
use crate::report::Report;
use crate::session::Session;
use crate::subject::Subject;

/// Version of the JSON that `--json` prints; fields may be added within it.
const JSON_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    passes: bool,
    audits: &'a [Audit],
    refused: &'a [Refusal],
}

/// Audits all recipes, also behind one that differs.
pub(crate) fn run(arguments: &AuditArguments, session: &mut Session) -> Result<Outcome, Failure> {
    if let Some(image) = &arguments.against {
        return against(image, &arguments.recipes[0], session);
    }
    let (mut audits, mut refused) = (Vec::new(), Vec::new());
    let (mut drifted, mut failed) = (false, false);
    for recipe in &arguments.recipes {
        match audit(recipe, session) {
            Ok(audit) => audits.push(audit),
            Err(Failure(reports)) => {
                let is_drift = |code: &str| code.starts_with("imgc::lock::");
                let drift = reports.iter().any(|report| is_drift(report.code()));
                drifted |= drift;
                failed |= !drift;
                reports.iter().for_each(|report| session.report(report));
                refused.push(refusal(recipe, &reports));
            }
        }
    }
    let passes = !drifted && !failed && audits.iter().all(Audit::passes);
    if arguments.json {
        let document =
            Document { version: JSON_VERSION, passes, audits: &audits, refused: &refused };
        let json = serde_json::to_string_pretty(&document).expect("strings always encode");
        session.output.line(json)?;
    } else if arguments.markdown {
        for line in markdown(&audits, &refused) {
            session.output.line(line)?;
        }
    } else {
        for line in audits.iter().flat_map(text) {
            session.output.line(line)?;
        }
    }
    Ok(match (passes, drifted || audits.iter().any(|audit| !audit.passes())) {
        (true, _) => Outcome::Done,
        (false, true) => Outcome::Differs,
        (false, false) => Outcome::Failed,
    })
}

fn refusal(recipe: &Path, reports: &[Report]) -> Refusal {
    let error = |report: &Report| RefusalError {
        code: report.code().to_owned(),
        message: report.message().to_owned(),
    };
    let recipe = recipe.display().to_string();
    Refusal { recipe, errors: reports.iter().map(error).collect() }
}

/// Says whether an image is the one that a recipe makes.
fn against(image: &Path, recipe: &Path, session: &mut Session) -> Result<Outcome, Failure> {
    let made = Subject::open(recipe, session)?;
    let given = Subject::open(image, session)?;
    let strict = difference(&given, &made, Strictness::Strict)?;
    let (image, recipe) = (image.display(), recipe.display());
    if strict.differences.is_empty() {
        session.output.line(format!("{image} is what {recipe} makes, byte for byte"))?;
        return Ok(Outcome::Done);
    }
    // What a copy of the image loses: its name, and what the index above says about it.
    let is_above = |field: &str| field == "name" || field.starts_with("index.");
    if strict.differences.iter().all(|difference| is_above(&difference.field)) {
        session.output.line(format!(
            "{image} is what {recipe} makes, byte for byte; only its index differs"
        ))?;
        return Ok(Outcome::Done);
    }
    let semantic = difference(&given, &made, Strictness::Semantic)?;
    if strict.only_compression {
        session.output.line(format!(
            "{image} is what {recipe} makes; only the compression of its layers differs"
        ))?;
        return Ok(Outcome::Done);
    }
    if semantic.differences.is_empty() {
        session.output.line(format!(
            "{image} holds and runs what {recipe} makes, but it is not the same image:"
        ))?;
    } else {
        session.output.line(format!("{image} is not what {recipe} makes:"))?;
    }
    let shown = if semantic.differences.is_empty() { &strict } else { &semantic };
    for line in lines(shown) {
        session.output.line(line)?;
    }
    Ok(Outcome::Differs)
}

fn text(audit: &Audit) -> Vec<String> {
    let verdict = if audit.passes() { "reproducible" } else { "DIFFERS" };
    let locked = if audit.locked { ", as locked" } else { "" };
    let counts = format!("{} of {} builds the same", audit.same(), audit.runs.len());
    let mut lines = vec![format!("{}: {verdict}{locked} ({counts})", audit.recipe)];
    lines.extend(audit.digests.iter().map(|digest| format!("  {digest}")));
    for run in &audit.runs {
        match run.verdict.words() {
            (word, detail) if detail.is_empty() => lines.push(format!("  {word}: {}", run.name)),
            (word, detail) => lines.push(format!("  {word}: {} ({detail})", run.name)),
        }
        lines.extend(run.verdict.differences().iter().map(|line| format!("    {line}")));
    }
    lines
}

/// A table with a line for each recipe, and what did not come out the same below it.
fn markdown(audits: &[Audit], refused: &[Refusal]) -> Vec<String> {
    let mut lines = vec![
        "| recipe | image | builds | same | not applied |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    let count = |audit: &Audit, wanted: fn(&Verdict) -> bool| {
        audit.runs.iter().filter(|run| wanted(&run.verdict)).count()
    };
    for audit in audits {
        let skipped = count(audit, |verdict| {
            matches!(verdict, Verdict::NotApplied(_) | Verdict::NoEffect(_))
        });
        lines.push(format!(
            "| `{}` | {} | {} | {} | {skipped} |",
            audit.recipe,
            audit.digests.iter().map(|digest| format!("`{digest}`")).collect::<Vec<_>>().join(", "),
            audit.runs.len(),
            audit.same(),
        ));
    }
    lines
        .extend(refused.iter().map(|refusal| format!("| `{}` | none | 0 | 0 | |", refusal.recipe)));
    lines.push(String::new());
    for audit in audits {
        for run in &audit.runs {
            if let (word @ ("differs" | "failed"), detail) = run.verdict.words() {
                lines.push(format!("- `{}` **{word}** under {}: {detail}", audit.recipe, run.name));
            }
            let differences = run.verdict.differences();
            lines.extend(differences.iter().map(|line| format!("      {line}")));
        }
    }
    for refusal in refused {
        lines.extend(refusal.errors.iter().map(|error| {
            format!("- `{}` **refused**: {} (`{}`)", refusal.recipe, error.message, error.code)
        }));
    }
    lines
}
