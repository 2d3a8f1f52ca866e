//! The real `ldconfig` as the referee, on machines that have one.

#![expect(clippy::disallowed_methods, reason = "the referee is a program, in tests alone")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::host::HostPath;
use crate::machine::Machine;
use crate::root::Root;
use crate::sample::Sample;

fn ldconfig() -> Option<&'static str> {
    let is_glibc = |path: &&str| {
        // Some distributions have a script or busybox there.
        let version = Command::new(path).arg("--version").output();
        version
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("ldconfig ("))
    };
    let found = ["/sbin/ldconfig", "/usr/sbin/ldconfig"].into_iter().find(is_glibc);
    if found.is_none() {
        eprintln!("skipped: this machine has no ldconfig of glibc");
    }
    found
}

/// Returns what `ldconfig -p` says of a cache: names with their paths, the first of each name.
fn printed(ldconfig: &str, cache: &Path) -> Vec<(String, String)> {
    let output = Command::new(ldconfig).arg("-p").arg("-C").arg(cache).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.trim().split_once(" => "));
    lines
        .map(|(name, path)| (name.split(' ').next().unwrap().to_owned(), path.to_owned()))
        .collect()
}

/// Writes a root, computes its cache, and lets the real program write its own.
fn check(entries: &[(&str, Entry)]) {
    let Some(ldconfig) = ldconfig() else { return };
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    for (path, entry) in entries {
        let path = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match entry {
            Entry::Text(text) => fs::write(path, text).unwrap(),
            Entry::Library("") => {
                fs::write(path, Sample::library().needs("libc.so.6").bytes()).unwrap();
            }
            Entry::Library(soname) => {
                let sample = Sample::library().soname(soname).needs("libc.so.6");
                fs::write(path, sample.bytes()).unwrap();
            }
            Entry::Link(target) => symlink(target, path).unwrap(),
        }
    }
    fs::create_dir_all(root.join("etc")).unwrap();
    let base = HostPath::new(root.as_os_str().as_encoded_bytes());
    let ours = cache(&Roots::new(vec![Root::new(Arc::new(Machine), base)])).unwrap();
    let our_cache = root.join("ours.cache");
    fs::write(&our_cache, ours).unwrap();

    // It makes the missing links, and enters them: what they lead to is compared.
    let output = Command::new(ldconfig).arg("-r").arg(root).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let first = |entries: Vec<(String, String)>| {
        let mut names = BTreeMap::new();
        for (name, path) in entries {
            let real = fs::canonicalize(root.join(path.trim_start_matches('/'))).unwrap();
            names.entry(name).or_insert(real);
        }
        names
    };
    let ours = first(printed(ldconfig, &our_cache));
    let theirs = first(printed(ldconfig, &root.join("etc/ld.so.cache")));
    assert!(!theirs.is_empty());
    assert_eq!(ours, theirs);
}

enum Entry {
    Text(&'static str),
    Library(&'static str),
    Link(&'static str),
}

use Entry::{Library, Link, Text};

#[test]
fn a_root_with_includes_and_links_is_entered_as_ldconfig_does() {
    check(&[
        ("/etc/ld.so.conf", Text("include ld.so.conf.d/*.conf\n/opt/last # end\n")),
        ("/etc/ld.so.conf.d/b.conf", Text("/opt/b/\n")),
        ("/etc/ld.so.conf.d/a.conf", Text("  /opt/a\n\n# nothing\n")),
        ("/opt/a/libx.so.1.2", Library("libx.so.1")),
        ("/opt/a/libx.so.1", Link("libx.so.1.2")),
        ("/opt/a/libx.so", Link("libx.so.1")),
        ("/opt/b/libx.so.1.3", Library("libx.so.1")),
        ("/opt/b/libonly.so.2.0", Library("libonly.so.2")),
        ("/opt/last/libx.so.1", Library("libx.so.1")),
        ("/opt/last/liblast.so", Library("")),
    ]);
}

#[test]
fn of_several_versions_the_newest_counts_and_files_before_links() {
    check(&[
        ("/etc/ld.so.conf", Text("/d\n/e\n")),
        ("/d/libz.so.1.9", Library("libz.so.1")),
        ("/d/libz.so.1.10", Library("libz.so.1")),
        ("/d/libodd.so", Link("libodd-3.so")),
        ("/d/libodd-3.so", Library("libodd.so.3")),
        ("/d/libalias.so.9", Link("libz.so.1.9")),
        ("/d/libtext.so", Text("INPUT(libz.so.1) and so on, longer than a header of an ELF file")),
        ("/d/other.so", Library("other.so")),
        ("/e/libodd.so.3", Library("libodd.so.3")),
        ("/e/libgone.so.1", Link("nowhere")),
    ]);
}

#[test]
fn directories_that_are_links_count_once() {
    check(&[
        ("/etc/ld.so.conf", Text("/one\n/two\n/opt/x\n")),
        ("/two/liba.so.1", Library("liba.so.1")),
        ("/one", Link("two")),
        ("/opt/x/liba.so.1", Library("liba.so.1")),
        ("/opt/x/libb.so.1", Library("libb.so.1")),
        ("/usr/lib/libc1.so.1", Library("libc1.so.1")),
        ("/lib", Link("usr/lib")),
    ]);
}
