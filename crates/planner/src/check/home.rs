//! Who keeps something below the home of the user has one.

use crate::check::Finding;
use crate::check::carrier;
use crate::check::program::{Evidence, Object, Program};
use crate::check::scene::Scene;
use crate::facts::Mention;

/// Functions that make directories. A library that names `HOME` and calls one of them keeps something
/// there, and some programs end if they cannot.
const MAKES: &[&str] = &["mkdir", "mkdirat", "g_mkdir_with_parents", "g_mkdir", "mkpath"];

/// Interpreters by the starts of their names, which ask for it for scripts that do.
const LANGUAGES: &[&str] = &["perl", "python"];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    // A variable of the recipe's own is its owner's business, and so is a user of its own.
    if scene.variable("HOME").is_some() || scene.spec.config.uid.number() == 0 {
        return Vec::new();
    }
    let users = scene.users(makes);
    let mut by = users.sure;
    // What scripts keep there their languages put together: `$ENV{HOME}`, `expanduser`.
    by.extend(users.possible.into_iter().filter(|evidence| {
        let name = evidence.program.file_name().unwrap_or_default();
        LANGUAGES.iter().any(|start| name.starts_with(start.as_bytes()))
    }));
    by.sort();
    if by.is_empty() { Vec::new() } else { vec![Finding::NoHome { by }] }
}

fn makes(program: &Program<'_>) -> Option<Evidence> {
    let call = |object: &Object<'_>| {
        let names = object.facts.mentions.contains(&Mention::Home);
        let called = |name: &&str| object.facts.imports.contains(name.as_bytes());
        MAKES.iter().copied().find(called).filter(|_| names)
    };
    // What a library could keep there few of its users come to.
    program.mentions(Mention::Home).or_else(|| {
        program.libraries.iter().find_map(|library| {
            let sign = call(library)?;
            carrier::carries(library, sign, program).then(|| program.evidence(Some(library), sign))
        })
    })
}
