//! Programs of the packages that a program depends on.

use super::*;

/// Returns the lines that are said of `/usr/bin/app`, which the image runs.
#[track_caller]
fn lines(host: Memory, more: impl Fn(Case) -> Case) -> Vec<String> {
    let case = more(case(host).binary("/usr/bin/app", "/usr/bin/app").runs("/usr/bin/app"));
    let resolution = case.resolve().unwrap();
    let severities: Vec<_> = resolution.warnings.iter().map(miette::Diagnostic::severity).collect();
    assert!(severities.iter().all(|one| *one == Some(miette::Severity::Advice)), "{severities:?}");
    resolution.warnings.iter().flat_map(ResolveError::lines).collect()
}

/// A machine with the package `app`, which depends on some others with programs.
fn machine(app: Sample) -> Memory {
    let status = "Package: app\nDepends: viewer, python3, gcc, many\n\nPackage: viewer\n\n\
         Package: viewer-data\nSource: viewer\n\nPackage: python3\n\n\
         Package: gcc\nSection: devel\n\nPackage: many\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/info/app.list", "/usr/bin/app\n")
        .file(
            "/var/lib/dpkg/info/viewer.list",
            "/usr/bin/gv\n/usr/bin/gv-script\n/usr/share/viewer\n/usr/share/viewer/x\n",
        )
        .file("/usr/share/viewer/x", "")
        .file("/var/lib/dpkg/info/python3.list", "/usr/bin/python3\n")
        .file("/var/lib/dpkg/info/gcc.list", "/usr/bin/gcc\n")
        .file(
            "/var/lib/dpkg/info/many.list",
            "/usr/bin/a1\n/usr/bin/a2\n/usr/bin/a3\n/usr/bin/a4\n",
        )
        .program("/usr/bin/app", app.needs("libc.so.6").bytes())
        .program("/usr/bin/gv-script", "#!/usr/bin/python3\n");
    for name in ["gv", "python3", "gcc", "a1", "a2", "a3", "a4"] {
        host = host.program(format!("/usr/bin/{name}"), Sample::program().bytes());
    }
    host
}

#[test]
fn who_starts_programs_may_start_those_that_its_package_depends_on() {
    let spawns = || Sample::program().imports("posix_spawn");
    assert_eq!(lines(machine(spawns()), |case| case), ["binary \"/usr/bin/gv\""]);
    // What that brings is wanted too, once it is there.
    let with = |case: Case| case.binary("/usr/bin/gv", "/usr/bin/gv");
    assert_eq!(lines(machine(spawns()), with), ["tree \"/usr/share/viewer\""]);
    // Who starts nothing needs none of them.
    assert_eq!(lines(machine(Sample::program()), |case| case), [""; 0]);
}

#[test]
fn compilers_and_one_of_many_are_told_by_their_names_and_interpreters_never() {
    let app = Sample::program()
        .imports("posix_spawn")
        .constant("gcc")
        .constant("a3")
        .constant("gv")
        .constant("python3");
    assert_eq!(
        lines(machine(app), |case| case),
        ["binary \"/usr/bin/a3\"", "binary \"/usr/bin/gcc\"", "binary \"/usr/bin/gv\""]
    );
}

#[test]
fn a_library_that_is_needed_starts_what_its_own_package_depends_on() {
    let status = "Package: app\nDepends: libsign\n\nPackage: libsign\nMulti-Arch: same\nDepends: gpg\n\n\
                  Package: gpg\n";
    let library = Sample::library().soname("libsign.so.1").imports("execv").needs("libc.so.6");
    let host = debian()
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/info/app.list", "/usr/bin/app\n")
        .file("/var/lib/dpkg/info/libsign.list", "/usr/lib/x86_64-linux-gnu/libsign.so.1\n")
        .file("/var/lib/dpkg/info/gpg.list", "/usr/bin/gpg\n")
        .file("/usr/lib/x86_64-linux-gnu/libsign.so.1", library.bytes())
        .program("/usr/bin/app", Sample::program().needs("libsign.so.1").needs("libc.so.6").bytes())
        .program("/usr/bin/gpg", Sample::program().bytes());
    assert_eq!(lines(host, |case| case), ["binary \"/usr/bin/gpg\""]);
}
