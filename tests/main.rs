//! The integration tests: what the program does, as its user sees it.
//!
//! `workbench` is what all of them stand on. `tests/run` starts the engines that `engines` needs;
//! without them those tests say `skipped: …` on stderr.

mod arrows;
mod audit;
mod checks;
mod diff;
mod diff_archives;
mod engines;
mod errors;
mod golden;
mod init;
mod layers;
mod loader;
mod lock;
mod messages;
mod program;
mod reproducible;
mod store;
mod variants;
mod verify;
mod workbench;
