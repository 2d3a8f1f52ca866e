//! Who makes temporary files has a place for them.

use crate::check::program::{Evidence, Program};
use crate::check::scene::Scene;
use crate::check::want::Want;
use crate::check::{Finding, lacks};
use crate::facts::{ElfFacts, Mention};

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

/// Functions that look for such a directory, and fail if there is none: a library that calls one of them
/// does so for those who use it (APR, `apr_file_io.h`).
const LOOK_FOR: &[&str] = &["apr_temp_dir_get"];

/// A part of the names of C++ functions that do the same, and throw an exception: of the standard library
/// and of Boost (ISO C++20, 29.12.13.40 `temp_directory_path`).
const LOOK_FOR_IN_CPP: &str = "temp_directory_path";

/// Functions that open a file, or give its name to others.
const OPENERS: &[&str] = &["fopen", "fopen64", "open", "open64"];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let elsewhere = scene.variable("TMPDIR").is_some_and(|path| scene.has(path));
    if elsewhere || scene.has("/tmp") {
        return Vec::new();
    }
    let mut users = scene.users(makes);
    // Who only names the directory may open files there by names of its own.
    let is_known = |program: &Program<'_>| {
        let mut known = users.sure.iter().chain(&users.possible);
        known.any(|evidence| evidence.program == *program.file.path)
    };
    let named = scene.users(|program| {
        let is_whole = program.is_go() || program.file.facts.mentions.contains(&Mention::Rust);
        if is_known(program) {
            return None;
        }
        if is_whole {
            return program.mentions(Mention::MakesTemporaryFiles);
        }
        program.mentions(Mention::TemporaryFiles).or_else(|| {
            program.libraries.iter().find_map(|library| {
                let mentions = &library.facts.mentions;
                // A library of its own may open files there by names of its own, too.
                let is_own = library
                    .facts
                    .soname
                    .as_ref()
                    .is_some_and(|soname| program.file.facts.needed.contains(soname));
                let openers = OPENERS.iter().copied().filter(|_| is_own);
                let functions = ANYWHERE.iter().chain(WHERE_TOLD).copied().chain(openers);
                let mut called =
                    functions.filter(|name| library.facts.imports.contains(name.as_bytes()));
                called
                    .next()
                    .filter(|_| mentions.contains(&Mention::TemporaryFiles))
                    .map(|sign| program.evidence(Some(library), sign))
            })
        })
    });
    users.possible.extend(named.sure.into_iter().chain(named.possible));
    lacks(Want::TemporaryFiles, users, |by| Finding::NoTemporaryDirectory { by })
}

fn makes(program: &Program<'_>) -> Option<Evidence> {
    if is_preprocessor(program) {
        return None;
    }
    if program.is_go() {
        // Go's server of HTTP may make some for forms.
        let forms = program.file.facts.mentions.contains(&Mention::ReadsFormsInGo);
        return program.mentions(Mention::MakesTemporaryFiles).filter(|_| !forms);
    }
    let own = program.calls_itself(ANYWHERE).or_else(|| {
        program.mentions(Mention::TemporaryFiles)?;
        program.calls_itself(WHERE_TOLD)
    });
    own.or_else(|| program.calls(LOOK_FOR)).or_else(|| looks_in_cpp(program))
}

/// Tells whether a program is a driver of compilers by its name for reading headers alone (`cpp`,
/// `arm-linux-gnueabi-cpp-12`): it assembles nothing, and what it makes is its output.
fn is_preprocessor(program: &Program<'_>) -> bool {
    let name = program.file.path.file_name().unwrap_or_default();
    let is_version = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    name.rsplit(|byte| *byte == b'-').find(|part| !is_version(part)) == Some(b"cpp")
}

/// Returns how a program of C++, or a library that it needs, looks for the directory.
fn looks_in_cpp(program: &Program<'_>) -> Option<Evidence> {
    let looks = |facts: &ElfFacts| {
        let name = LOOK_FOR_IN_CPP.as_bytes();
        facts.imports.iter().any(|import| import.windows(name.len()).any(|part| part == name))
    };
    if looks(program.file.facts) {
        return Some(program.evidence(None, LOOK_FOR_IN_CPP));
    }
    let library = program.libraries.iter().find(|library| looks(library.facts));
    library.map(|library| program.evidence(Some(library), LOOK_FOR_IN_CPP))
}
