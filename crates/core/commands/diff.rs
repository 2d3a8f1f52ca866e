//! `imgc diff`: what two images differ in, field by field.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::args::DiffArguments;
use crate::commands::{Failure, Outcome};
use crate::comparison::{ChangedElf, Comparison, Difference, Strictness, compare};
use crate::elf_view::needs;
use crate::session::Session;
use crate::subject::Subject;

/// Version of the JSON that `--json` prints; fields may be added within it.
const JSON_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    same: bool,
    semantic: bool,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// Prints the differences.
pub(crate) fn run(arguments: &DiffArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let first = Subject::open(&arguments.first, session)?;
    let second = Subject::open(&arguments.second, session)?;
    let strictness = if arguments.semantic { Strictness::Semantic } else { Strictness::Strict };
    let comparison = difference(&first, &second, strictness)?;
    let same = comparison.differences.is_empty();
    if arguments.json {
        let document = Document {
            version: JSON_VERSION,
            same,
            semantic: arguments.semantic,
            comparison: &comparison,
        };
        let json = serde_json::to_string_pretty(&document).expect("strings always encode");
        session.output.line(json)?;
    } else {
        for line in lines(&comparison) {
            session.output.line(line)?;
        }
    }
    Ok(if same { Outcome::Done } else { Outcome::Failed })
}

/// Compares two subjects, and looks into the ELF files that have changed.
pub(crate) fn difference(
    first: &Subject,
    second: &Subject,
    strictness: Strictness,
) -> Result<Comparison, Failure> {
    let (mut comparison, elves) = compare(&first.layout, &second.layout, strictness);
    let wanted = |side: fn(&ChangedElf) -> imgc_planner::Digest| -> BTreeSet<_> {
        elves.iter().map(side).collect()
    };
    if elves.is_empty() {
        return Ok(comparison);
    }
    let one = first.contents(&wanted(|elf| elf.1))?;
    let other = second.contents(&wanted(|elf| elf.2))?;
    for (path, old, new) in &elves {
        let (Some(old), Some(new)) = (one.get(old), other.get(new)) else { continue };
        let (old, new) = (needs(old), needs(new));
        let fields: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for field in fields {
            let (first, second) = (old.get(field).cloned(), new.get(field).cloned());
            if first == second {
                continue;
            }
            let difference = Difference {
                place: String::new(),
                path: Some(path.clone()),
                field: format!("ELF {field}"),
                first,
                second,
            };
            // Directly behind the file's own differences.
            let last =
                comparison.differences.iter().rposition(|known| known.path.as_ref() == Some(path));
            let at = last.map_or(comparison.differences.len(), |last| last + 1);
            comparison.differences.insert(at, difference);
        }
    }
    Ok(comparison)
}

/// Writes a line for each difference, with both values on lines of their own.
pub(crate) fn lines(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    let mut last = None;
    for difference in &comparison.differences {
        let subject = (&difference.place, &difference.path);
        if last != Some(subject) {
            let words = [Some(difference.place.as_str()), difference.path.as_deref()];
            let words: Vec<_> =
                words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
            lines.push(words.join(" "));
            last = Some(subject);
        }
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".into());
        let (first, second) = (shown(&difference.first), shown(&difference.second));
        lines.push(format!("  {}: {first} -> {second}", difference.field));
    }
    if comparison.only_compression {
        lines.push("only the compression of layers differs: their archives are the same".into());
    }
    lines
}
