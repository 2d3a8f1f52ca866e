//! How findings name those that they are about.

use crate::check::program::Evidence;

/// Names the first program, and how it is known.
pub(super) fn first(evidence: &[Evidence]) -> String {
    evidence.first().map_or_else(String::new, |first| format!("`{}`", first.program))
}

/// Says how it is known of the first, and how many more there are.
pub(super) fn others(evidence: &[Evidence]) -> String {
    let Some(first) = evidence.first() else { return String::new() };
    let sign = match &first.library {
        Some(library) => format!(" (`{}` in `{library}`", first.sign),
        None => format!(" (`{}`", first.sign),
    };
    match evidence.len() - 1 {
        0 => format!("{sign})"),
        1 => format!("{sign}; another program does, too)"),
        more => format!("{sign}; {more} more programs do, too)"),
    }
}
