//! What `--version` prints.

use imgc_planner::PLAN_VERSION;
use imgc_planner::lock::LOCK_VERSION;
use imgc_writer::FORMAT_VERSION;

use crate::commands::{Failure, Outcome};
use crate::session::Session;

/// Prints the program's version; if `verbose`, also that of everything that decides a digest.
pub(crate) fn print(verbose: bool, session: &mut Session) -> Result<Outcome, Failure> {
    session.output.line(concat!("imgc ", env!("CARGO_PKG_VERSION")))?;
    if verbose {
        session.output.line(format!("image format {FORMAT_VERSION}"))?;
        session.output.line(format!("plan encoding {PLAN_VERSION}"))?;
        session.output.line(format!("lock {LOCK_VERSION}"))?;
    }
    Ok(Outcome::Done)
}
