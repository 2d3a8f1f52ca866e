//! What the packages of a script bring for it.

use super::later::remedies;
use super::*;

/// Adds a package of dpkg's: its paragraph, and the paths that it lists.
fn package(host: Memory, name: &str, paths: &[&str]) -> Memory {
    let mut list: Vec<String> = Vec::new();
    for path in paths {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        list.extend(ends.filter(|end| *end > 0).map(|end| path[..end].to_owned()));
    }
    list.sort_unstable();
    list.dedup();
    host.file(format!("/var/lib/dpkg/info/{name}.list"), list.join("\n"))
}

#[test]
fn modules_come_from_the_packages_that_a_script_depends_on() {
    let status = "Package: app\nDepends: node-one, nodejs\n\nPackage: node-one\n\n\
                  Package: node-two\n\nPackage: nodejs\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/node", Sample::program().bytes())
        .program("/usr/bin/app", "#!/usr/bin/node\nrequire(x)\n")
        .file("/usr/share/app/data", "")
        .file("/usr/share/doc/app/copyright", "")
        .file("/usr/share/nodejs/one/index.js", "")
        .file("/usr/share/nodejs/@types/one/index.d.ts", "")
        .file("/usr/share/nodejs/@types/two/index.d.ts", "")
        .link("/usr/share/node_modules", "nodejs");
    for (name, paths) in [
        ("app", &["/usr/bin/app", "/usr/share/app/data", "/usr/share/doc/app/copyright"][..]),
        (
            "node-one",
            &["/usr/share/nodejs/one/index.js", "/usr/share/nodejs/@types/one/index.d.ts"],
        ),
        ("node-two", &["/usr/share/nodejs/@types/two/index.d.ts"]),
        ("nodejs", &["/usr/bin/node", "/usr/share/nodejs/acorn.js", "/usr/share/node_modules"]),
    ] {
        host = package(host, name, paths);
    }
    assert_eq!(
        remedies(host),
        [
            "symlink \"/usr/share/node_modules\" to=\"nodejs\"",
            "tree \"/usr/share/app\"",
            "tree \"/usr/share/nodejs/@types/one\"",
            "tree \"/usr/share/nodejs/one\"",
        ]
    );
}

#[test]
fn a_shell_gets_what_it_names_of_its_package_and_of_those_that_this_needs() {
    let program = Sample::program().bytes();
    let script =
        "#!/usr/bin/sh\nbase=/usr/lib\nrun=$base/app/run\n$run ${tool:=convert}\nx=app-state\n";
    let status = "Package: app\nDepends: magick\n\nPackage: magick\n\nPackage: other\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/sh", &program)
        .program("/usr/bin/app", script)
        .program("/usr/lib/app/run", "#!/usr/bin/sh\nsort\nother\n")
        .program("/usr/lib/unused/start", &program)
        .directory("/var/lib/app-state");
    for name in ["convert", "identify", "sort", "other"] {
        host = host.program(format!("/usr/bin/{name}"), &program);
    }
    for (name, paths) in [
        (
            "app",
            &["/usr/bin/app", "/usr/lib/app/run", "/usr/lib/unused/start", "/var/lib/app-state"][..],
        ),
        ("magick", &["/usr/bin/convert", "/usr/bin/identify", "/usr/bin/sort"]),
        ("other", &["/usr/bin/other"]),
    ] {
        host = package(host, name, paths);
    }
    assert_eq!(
        remedies(host),
        [
            "binary \"/usr/bin/convert\"",
            "binary \"/usr/bin/sort\"",
            "directory \"/var/lib/app-state\"",
            "tree \"/usr/lib/app\"",
        ]
    );
}

#[test]
fn a_package_without_programs_opens_the_libraries_that_it_depends_on() {
    let library = Sample::library().soname("libx.so.1").bytes();
    let status = "Package: app\nArchitecture: all\nDepends: libx1\n\n\
                  Package: libx1\nArchitecture: amd64\nMulti-Arch: same\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/lua", Sample::program().bytes())
        .program("/usr/bin/app", "#!/usr/bin/lua\nffi.load('x')\n")
        .file("/usr/lib/x86_64-linux-gnu/libx.so.1", &library);
    for (name, path) in [("app", "/usr/bin/app"), ("libx1", "/usr/lib/x86_64-linux-gnu/libx.so.1")]
    {
        host = package(host, name, &[path]);
    }
    assert_eq!(remedies(host), ["library \"/usr/lib/x86_64-linux-gnu/libx.so.1\""]);
}
