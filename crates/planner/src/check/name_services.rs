//! Who resolves names finds how: `/etc/nsswitch.conf` is there.
//!
//! Without it each glibc has its own order: an old one asks name servers first, and `/etc/hosts` only if
//! they cannot be reached, so that names which an engine writes there are not found; a later one looks
//! there first (measured: 2.31 has the text `dns [!UNAVAIL=return] files` in it, 2.36 `files dns`). With
//! the second it is a remark, but of who verifies the certificates of others: whom a name stands for
//! should not hang on the version of a library. Other C libraries do not read it.

use crate::check::certificates::verifies;
use crate::check::program::{Evidence, Program};
use crate::check::scene::Scene;
use crate::check::want::Want;
use crate::check::{Finding, lacks};
use crate::facts::{ElfFacts, Mention};

const RESOLVE: &[&str] = &[
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_r",
    "gethostbyname2",
    "gethostbyname2_r",
    "gethostbyaddr",
    "gethostbyaddr_r",
    "getaddrinfo_a",
    "__res_query",
    "__res_search",
];

/// The one by which a program finds the full name of its machine, or whether another one is this.
const OF_MACHINE: &[&str] = &["gethostbyname", "gethostbyname_r"];

/// Functions of those who talk to others (`socket(7)`).
const SOCKETS: &[&str] = &["socket", "connect", "bind", "sendto", "sendmsg"];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    if scene.has("/etc/nsswitch.conf") {
        return Vec::new();
    }
    let is_old = |facts: &ElfFacts| facts.mentions.contains(&Mention::ServersFirst);
    let has_old = scene.closure.facts.values().any(is_old);
    let surely = |program: &Program<'_>| connects(program).filter(|_| has_old || verifies(program));
    lacks(Want::NameServices, scene.users_or(surely, resolves), |by| Finding::NoNameServices { by })
}

/// Tells of a program that connects to others by their names, or is asked for them: not only a library
/// that it needs, or a part of Go's, could do so.
fn connects(program: &Program<'_>) -> Option<Evidence> {
    if program.is_go() {
        return resolves(program).filter(|_| program.connects_in_go());
    }
    if program.is_static() {
        return resolves(program);
    }
    let facts = &program.file.facts;
    let mut others = RESOLVE.iter().filter(|name| !OF_MACHINE.contains(name));
    let talks =
        facts.imports_any(SOCKETS) || others.any(|name| facts.imports.contains(name.as_bytes()));
    let found = program.is_glibc().then(|| program.surely_calls(RESOLVE))??;
    let is_own = found.library.is_none();
    let is_aside =
        facts.mentions.contains(&Mention::OCaml) || is_own && (program.works_alone || !talks);
    (!is_aside).then_some(found)
}

fn resolves(program: &Program<'_>) -> Option<Evidence> {
    if program.is_go() && program.is_static() {
        return program.mentions(Mention::ResolverConfiguration);
    }
    if program.is_go() {
        return program.mentions(Mention::ResolvesInGo);
    }
    // A static program with a resolver of glibc in it names both files; one of musl only this.
    if program.is_static() {
        program.mentions(Mention::ResolverConfiguration)?;
        return program.mentions(Mention::NameServices);
    }
    program.is_glibc().then(|| program.calls(RESOLVE))?
}
