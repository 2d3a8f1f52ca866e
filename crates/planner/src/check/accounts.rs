//! Who looks users or groups up finds some.

use imgc_parser::Id;

use crate::check::program::{Evidence, Program};
use crate::check::scene::{Scene, Users};
use crate::check::want::Want;
use crate::check::{Finding, lacks};
use crate::facts::Mention;

/// Functions that look up whom a configuration or an argument names, or whom files belong to.
const LOOK_UP: &[&str] = &[
    "getpwnam",
    "getpwnam_r",
    "getgrnam",
    "getgrnam_r",
    "getgrgid",
    "getgrgid_r",
    "initgroups",
    "getgrouplist",
    "getpwent",
    "getgrent",
];

/// Functions that a program calls with a name to find the home of another user too, `~user`.
const BY_NAME: &[&str] = &["getpwnam", "getpwnam_r"];

/// Functions that look somebody up to act upon them, whoever runs the program.
const FOR_ANYONE: &[&str] = &["getgrnam", "getgrnam_r", "getgrouplist", "getpwent", "getgrent"];

/// The one that looks up the groups which a process of root then has.
const FOR_ROOT: &[&str] = &["initgroups"];

/// Functions by which a program becomes another user, or gives files to one: then it means whom it looks
/// up, if it is root and may do so.
const CHANGE: &[&str] = &[
    "chown",
    "fchown",
    "fchownat",
    "lchown",
    "initgroups",
    "setegid",
    "seteuid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setuid",
];

/// Functions by which most programs only look for the home directory of their own user, if `HOME`
/// does not say it.
const OWN: &[&str] = &["getpwuid", "getpwuid_r"];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let has = scene.has("/etc/passwd") && scene.has("/etc/group");
    if has {
        return Vec::new();
    }
    let is_root = scene.spec.config.uid == Id::ROOT;
    let Users { sure, mut possible } =
        scene.users_or(|program| means_users(program, is_root), looks_up);
    if sure.is_empty() {
        // The standard library of Rust has such a call, which few programs come to; the runtime of
        // Haskell has others too.
        let own = scene.users(|program| {
            let mentions = &program.file.facts.mentions;
            program.calls_itself(OWN).filter(|_| {
                !mentions.contains(&Mention::Rust) && !mentions.contains(&Mention::Haskell)
            })
        });
        possible.extend(own.sure);
    }
    lacks(Want::Users, Users { sure, possible }, |by| Finding::NoUsers { by })
}

/// Tells of a program that looks somebody up to act for or upon them.
fn means_users(program: &Program<'_>, is_root: bool) -> Option<Evidence> {
    let facts = &program.file.facts;
    if program.is_go() {
        return program.mentions(Mention::LooksUpUsersInGo);
    }
    if program.is_static() {
        return looks_up(program);
    }
    if [Mention::OCaml, Mention::Haskell].iter().any(|runtime| facts.mentions.contains(runtime)) {
        return None;
    }
    // Who only turns numbers into names (`getgrgid`) shows numbers without.
    let found = program.surely_calls(FOR_ANYONE);
    let as_root = || {
        let by_name = || program.surely_calls(BY_NAME).filter(|_| facts.imports_any(CHANGE));
        program.surely_calls(FOR_ROOT).or_else(by_name)
    };
    found.or_else(|| is_root.then(as_root)?)
}

fn looks_up(program: &Program<'_>) -> Option<Evidence> {
    if program.is_go() {
        let by_name = program.mentions(Mention::LooksUpUsersInGo);
        return by_name.or_else(|| program.mentions(Mention::LooksUpIdsInGo));
    }
    if program.file.facts.mentions.contains(&Mention::Haskell) {
        return None;
    }
    if program.is_static() {
        return program.mentions(Mention::Users);
    }
    program.calls(LOOK_UP)
}
