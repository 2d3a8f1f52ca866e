//! `imgc ls`: what is in an image, one path a line.

use crate::args::ContentsArguments;
use crate::commands::{Failure, Outcome};
use crate::contents;
use crate::quantity::size;
use crate::session::Session;

/// Digits of a content's digest that the text form shows.
const SHORT_DIGITS: usize = 12;

/// Prints kind and mode, owner, size, digest and path of each entry; or JSON.
pub(crate) fn run(
    arguments: &ContentsArguments,
    session: &mut Session,
) -> Result<Outcome, Failure> {
    let listings = contents::list(&arguments.image, session)?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&listings).expect("strings and numbers encode");
        session.output.line(json)?;
        return Ok(Outcome::Done);
    }
    for listing in &listings {
        if listings.len() > 1 {
            session.output.line(format!("{} {}", listing.name, listing.platform))?;
        }
        for row in &listing.entries {
            let digest = row.digest.as_deref().unwrap_or_default();
            let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
            session.output.line(format!(
                "{} {:>11} {:>8} {:SHORT_DIGITS$} {}{}",
                row.permissions(),
                format!("{}:{}", row.uid, row.gid),
                row.size.map_or(String::new(), size),
                &digest[..SHORT_DIGITS.min(digest.len())],
                row.path,
                row.arrow(),
            ))?;
        }
    }
    Ok(Outcome::Done)
}
