//! `imgc explain`: the page of a code.

use crate::args::ExplainArguments;
use crate::commands::{Failure, Outcome};
use crate::error::ProgramError;
use crate::session::Session;

/// Every page of `docs/errors`, by its code, sorted.
pub(crate) const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Prints a page, or all codes.
pub(crate) fn run(arguments: &ExplainArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let Some(code) = &arguments.code else {
        for (code, page) in PAGES {
            let summary = page.lines().nth(2).unwrap_or_default();
            session.output.line(format!("{code}\n    {summary}"))?;
        }
        return Ok(Outcome::Done);
    };
    let found: Vec<_> = PAGES.iter().filter(|(known, _)| is_named(known, code)).collect();
    if found.is_empty() {
        let nearest = nearest(code);
        return Err(ProgramError::UnknownCode { code: code.clone(), nearest }.into());
    }
    for (_, page) in found {
        session.output.line(page)?;
    }
    Ok(Outcome::Done)
}

/// Returns the page of a whole code.
pub(crate) fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}

/// Tells whether some error or warning has this code, whole or by its last part.
pub(crate) fn knows(code: &str) -> bool {
    PAGES.iter().any(|(known, _)| is_named(known, code))
}

/// Returns the code that is most like one that nothing has.
pub(crate) fn nearest(code: &str) -> Option<String> {
    let distance = |known: &str| strsim::osa_distance(last(known), last(code));
    let nearest = PAGES.iter().map(|(known, _)| (distance(known), *known)).min()?;
    (nearest.0 <= 3).then(|| nearest.1.to_owned())
}

fn is_named(known: &str, code: &str) -> bool {
    known == code || last(known) == code
}

fn last(code: &str) -> &str {
    code.rsplit("::").next().unwrap_or(code)
}
