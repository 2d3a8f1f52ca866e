//! Signals that ask a build to stop: it stops at the next chunk, removes what it has begun, and then
//! ends as the signal would have ended it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// Exit codes say "ended by signal N" as shells do: 128 + N.
const BY_SIGNAL: i32 = 128;

/// Whether a signal has come, and which.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Waits for signals from now on. The second one ends the program at once: what it leaves
    /// behind is removed by the next build.
    ///
    /// A signal that cannot be waited for ends the program as ever, which leaves no more behind
    /// than a power cut.
    pub(crate) fn listen(is_ignored: &dyn Fn(i32) -> bool) -> Self {
        let interrupt = Self::default();
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)) {
            let number = usize::try_from(signal).unwrap_or(0);
            let _ =
                flag::register_conditional_shutdown(signal, BY_SIGNAL + signal, Arc::clone(&again));
            let _ = flag::register(signal, Arc::clone(&again));
            let _ = flag::register_usize(signal, Arc::clone(&interrupt.0), number);
        }
        interrupt
    }

    /// Tells whether a signal has come.
    pub(crate) fn has_come(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Ends the program as the signal would have, if one has come.
    pub(crate) fn end(&self) {
        if let Ok(signal @ 1..) = i32::try_from(self.0.load(Ordering::Relaxed)) {
            // If that fails, the exit code says what has happened.
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}
