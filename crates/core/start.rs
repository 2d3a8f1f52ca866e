//! How the process starts: with less than what Rust's standard library does before a `main`.
//!
//! That reads `/proc/self/maps` to know the first thread's stack, and makes another one for signals,
//! to be able to say of an overflow that it was one: 0.06 ms, of the 0.25 ms that `imgc ldd` works.
//! What else it does is done here. `docs/decisions/0005-linking.md` has the reasons.

use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGPIPE;
use signal_hook::flag;

/// Highest descriptor of the standard streams.
const STDERR: i32 = 2;

/// What the C library calls. The name is all that is unsafe: no other `main` may be linked.
#[expect(unsafe_code, reason = "a measurement showed that it is worth it, see above")]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    occupy_standard_streams();
    // A write to a pipe that nobody reads is an error of the write, and not the end of the process.
    // Where this fails, that is how it ends.
    let _ = flag::register(SIGPIPE, Arc::new(AtomicBool::new(false)));
    process::exit(i32::from(crate::run_caught()))
}

/// Sees to it that no file that is opened later becomes a standard stream because the caller has
/// closed that: what is written there would end in the file. The root directory takes no writes.
fn occupy_standard_streams() {
    while let Ok(root) = File::open("/") {
        if root.as_raw_fd() > STDERR {
            break;
        }
        let _ = root.into_raw_fd();
    }
}
