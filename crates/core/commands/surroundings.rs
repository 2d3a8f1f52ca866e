//! `imgc surroundings`, which `imgc audit` asks of its own children: what a process sees.

use crate::commands::{Failure, Outcome};
use crate::session::{Session, surroundings};

/// Prints one JSON object.
pub(crate) fn run(session: &mut Session) -> Result<Outcome, Failure> {
    let seen = surroundings::look(&session.named_project(), session);
    session.output.line(serde_json::to_string(&seen).expect("strings always encode"))?;
    Ok(Outcome::Done)
}
