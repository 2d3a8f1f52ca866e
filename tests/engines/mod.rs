//! The project's own recipes, in the hands of the tools that images are made for.
//!
//! `tests/run` installs and starts these tools and says so in the environment (see `tests/run
//! --help`). Where it has not, the tests here are skipped; where it has, a missing tool is a failure.

mod cache;
mod diff;
mod dns;
mod engine;
mod hello;
mod layer;
mod programs;
mod registry;
mod schemas;
mod skopeo;
mod tls;
mod umoci;

use crate::workbench::{Project, skip};
use std::env;

/// Whether the tests with engines are to run; says that the running test is skipped if not.
fn are_wanted() -> bool {
    let wanted = env::var_os("IMGC_TEST_ENGINES").is_some();
    if !wanted {
        skip("IMGC_TEST_ENGINES is not set, see tests/run --help");
    }
    wanted
}

/// The project with its own recipes, or nothing (and a word why) without engines.
fn project() -> Option<Project> {
    are_wanted().then(Project::with_own_recipes)
}
