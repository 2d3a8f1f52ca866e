use imgc_planner::{ElfFacts, ElfKind, Mention};

use super::*;

fn facts(resolution: &Resolution, at: &str) -> ElfFacts {
    let Content::File { digest, .. } = resolution.closure.entries[&path(at)].content else {
        panic!("{at} is no file");
    };
    resolution.closure.facts.get(&digest).cloned().unwrap_or_else(|| panic!("no facts of {at}"))
}

#[test]
fn every_elf_file_of_the_closure_has_facts_and_nothing_else_has() {
    let program = Sample::program()
        .needs("libc.so.6")
        .imports("getaddrinfo")
        .imports("dlopen")
        .constant("/etc/ssl/certs/ca-certificates.crt")
        .note("Go", 4, b"id");
    // As large as several pieces, with the text across a cut.
    let large = Sample::library().soname("libbig.so");
    let fill = (1 << 20) - large.bytes().len() - 10;
    let large = large.constant(&"x".repeat(fill));
    let large = large.constant("/etc/nsswitch.conf").constant(&"y".repeat(1 << 20));
    let host = debian()
        .program("/usr/bin/app", program.bytes())
        .file("/usr/lib/libbig.so", large.bytes())
        .program("/work/static", Sample::library().pie().imports("x").constant("/tmp").bytes());
    let resolution = case(host)
        .binary("/usr/bin/app", "/usr/bin/app")
        .library("libbig.so")
        .binary("static", "/static")
        .text("/etc/motd", "\x7fEL")
        .resolve()
        .unwrap();
    assert_eq!(resolution.closure.facts.len(), 5);

    let app = facts(&resolution, "/usr/bin/app");
    assert_eq!((app.kind, app.go), (ElfKind::Dynamic, true));
    assert!(app.imports_any(&["gethostbyname", "getaddrinfo"]) && !app.imports_any(&["fork"]));
    assert_eq!(app.imports.len(), 2);
    assert_eq!(app.mentions, [Mention::Certificates].into());
    assert_eq!(app.needed, [Box::from(*b"libc.so.6")]);

    let libc = facts(&resolution, "/usr/lib/x86_64-linux-gnu/libc.so.6");
    assert_eq!((libc.kind, libc.soname), (ElfKind::Library, Some(Box::from(*b"libc.so.6"))));
    assert_eq!(facts(&resolution, "/usr/lib/libbig.so").mentions, [Mention::NameServices].into());

    let alone = facts(&resolution, "/static");
    assert_eq!((alone.kind, alone.imports.len()), (ElfKind::Static, 0));
    assert_eq!(alone.mentions, [Mention::TemporaryFiles].into());
}

#[test]
fn programs_have_the_sections_of_their_packages() {
    let program = Sample::program().needs("libc.so.6").bytes();
    let host = debian()
        .file("/var/lib/dpkg/status", "Package: app\nSection: contrib/science\n\nPackage: bare\n")
        .file("/var/lib/dpkg/info/app.list", "/usr/bin/app\n")
        .file("/var/lib/dpkg/info/bare.list", "/usr/bin/bare\n")
        .program("/usr/bin/app", &program)
        .program("/usr/bin/bare", &program)
        .program("/usr/bin/own", &program);
    let binaries = ["/usr/bin/app", "/usr/bin/bare", "/usr/bin/own"];
    let case = binaries.iter().fold(case(host), |case, path| case.binary(path, path));
    let sections = case.resolve().unwrap().closure.sections;
    assert_eq!(sections, [(path("/usr/bin/app"), "science".to_owned())].into());
}
