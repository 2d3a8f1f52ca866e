//! Runs the KDL parser where it can do no harm: on a large stack, and with a deadline.

use std::ops::Range;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use kdl::{KdlDocument, KdlError};

use super::MAX_FAULTS;

/// Stack of the parsing thread in bytes: [`super::MAX_DEPTH`] levels with room to spare.
pub(super) const STACK_BYTES: usize = 64 << 20;

/// Half of how long the parser may take. A mebibyte takes it 3 s; this is the second net below the
/// limits.
const DEADLINE: Duration = Duration::from_secs(5);

/// In how many naps the other half is slept.
const NAPS: u32 = 100;

/// Why there is no document.
#[derive(Debug)]
pub(super) enum Failure {
    /// The parser did not come to an end.
    TooComplex,
    /// What the parser said, with places in bytes.
    Diagnostics(Vec<(Range<usize>, String)>),
}

/// Parses a text that is known to have the shape of KDL.
pub(super) fn parse(text: String) -> Result<KdlDocument, Failure> {
    let len = text.len();
    let (sender, receiver) = mpsc::channel();
    // A thread that misses the deadline is left behind: the program ends soon after.
    thread::Builder::new()
        .name("kdl".into())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Nobody listens any more if the deadline has passed.
            drop(sender.send(KdlDocument::parse_v2(&text)));
        })
        .map_err(|_| Failure::TooComplex)?;
    let mut parsed = receiver.recv_timeout(DEADLINE);
    // A clock that is set forward may have ended the wait at once; a nap is not measured by it.
    for _ in 0..NAPS {
        if parsed != Err(RecvTimeoutError::Timeout) {
            break;
        }
        thread::sleep(DEADLINE / NAPS);
        parsed = receiver.recv_timeout(Duration::ZERO);
    }
    match parsed {
        Ok(Ok(document)) => Ok(document),
        Ok(Err(error)) => Err(Failure::Diagnostics(translate(&error, len))),
        Err(_) => Err(Failure::TooComplex),
    }
}

fn translate(error: &KdlError, len: usize) -> Vec<(Range<usize>, String)> {
    let mut said: Vec<_> = error
        .diagnostics
        .iter()
        .take(MAX_FAULTS)
        .map(|diagnostic| {
            let start = diagnostic.span.offset().min(len);
            let end = start.saturating_add(diagnostic.span.len()).min(len);
            (start..end, diagnostic.to_string())
        })
        .collect();
    if said.is_empty() {
        said.push((0..0, "the parser gives no reason".into()));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_are_few_and_lie_inside_the_text() {
        let text = "}".repeat(10_000);
        let Err(Failure::Diagnostics(said)) = parse(text.clone()) else { panic!("is no KDL") };
        assert_eq!(said.len(), MAX_FAULTS);
        assert!(said.iter().all(|(range, _)| range.end <= text.len()));
    }
}
