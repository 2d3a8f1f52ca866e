//! Who makes temporary files has a place for them.

use crate::check::program::{Evidence, Program};
use crate::check::scene::Scene;
use crate::check::want::Want;
use crate::check::{Finding, lacks};
use crate::facts::Mention;

/// Functions that make a file below `/tmp` whatever they are given.
const ANYWHERE: &[&str] = &["tmpfile", "tmpfile64", "tmpnam", "tempnam"];

/// Functions that make a file where their argument says: beside another file, or below `/tmp`.
const WHERE_TOLD: &[&str] = &[
    "mkstemp",
    "mkstemp64",
    "mkostemp",
    "mkostemp64",
    "mkstemps",
    "mkstemps64",
    "mkostemps",
    "mkostemps64",
    "mkdtemp",
    "mktemp",
    "g_file_open_tmp",
    "g_dir_make_tmp",
];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let elsewhere = scene.variable("TMPDIR").is_some_and(|path| scene.has(path));
    if elsewhere || scene.has("/tmp") {
        return Vec::new();
    }
    lacks(Want::TemporaryFiles, scene.users(makes), |by| Finding::NoTemporaryDirectory { by })
}

fn makes(program: &Program<'_>) -> Option<Evidence> {
    if program.is_go() {
        return program.mentions(Mention::MakesTemporaryFiles);
    }
    program.calls_itself(ANYWHERE).or_else(|| {
        program.mentions(Mention::TemporaryFiles)?;
        program.calls_itself(WHERE_TOLD)
    })
}
