use std::sync::Arc;

use super::*;
use crate::host::HostPath;
use crate::memory::Memory;
use crate::root::Root;
use crate::sample::{AARCH64, Sample};

fn roots(tree: Memory) -> Roots {
    Roots::new(vec![Root::new(Arc::new(tree), HostPath::new(b"/"))])
}

/// Returns the entries of a cache as `name => path`, in its order.
fn listed(bytes: &[u8]) -> Vec<String> {
    let word = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    let text = |at: usize| {
        let end = bytes[at..].iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(bytes[at..at + end].to_vec()).unwrap()
    };
    let entry = |place: usize| {
        let at = 48 + 24 * place;
        format!("{} => {}", text(word(at + 4)), text(word(at + 8)))
    };
    (0..word(20)).map(entry).collect()
}

#[track_caller]
fn check(tree: Memory, expected: &[&str]) {
    assert_eq!(listed(&cache(&roots(tree)).unwrap()), expected);
}

fn library(soname: &str) -> Vec<u8> {
    Sample::library().soname(soname).bytes()
}

#[test]
fn directories_come_in_the_order_of_the_configuration() {
    let tree = Memory::new()
        .file(
            "/etc/ld.so.conf",
            "# first\n  /opt/b/ # a comment\ninclude ld.so.conf.d/*.conf /etc/none\nhwcap 1 x\n/opt/a=libc6\n",
        )
        .file("/etc/ld.so.conf.d/20.conf", "/opt/z\n")
        .file("/etc/ld.so.conf.d/10.conf", "\t/opt/link\n/nowhere\nrelative\n")
        .file("/etc/ld.so.conf.d/.hidden.conf", "/opt/hidden\n")
        .file("/etc/ld.so.conf.d/README", "/opt/hidden\n")
        .link("/opt/link", "a")
        .file("/opt/a/liba.so.1", library("liba.so.1"))
        .file("/opt/b/liba.so.1", library("liba.so.1"))
        .file("/opt/a/libx.so", library("libx.so"))
        .file("/opt/z/libx.so", library("libx.so"))
        .file("/opt/hidden/libh.so", library("libh.so"))
        .file("/usr/lib/libx.so", library("libx.so"));
    // The first one counts, and a directory has its first name.
    check(tree, &["libx.so => /opt/link/libx.so", "liba.so.1 => /opt/b/liba.so.1"]);
}

#[test]
fn links_and_files_of_one_soname_are_one_entry() {
    let tree = Memory::new()
        .file("/etc/ld.so.conf", "/d\n")
        .file("/d/libz.so.1.9", library("libz.so.1"))
        .file("/d/libz.so.1.10", library("libz.so.1"))
        .link("/d/libz.so.1", "libz.so.1.10")
        .link("/d/libz.so", "libz.so.1")
        .link("/d/libother.so.5", "libz.so.1.9")
        .file("/d/libbare.so.3", Sample::library().bytes())
        .file("/d/libnolink.so.2.5", library("libnolink.so.2"))
        .file("/d/libscript.so", "INPUT(libz.so.1)")
        .file("/d/libprogram.so", Sample::program().pie().bytes())
        .file("/d/module.so", library("module.so"))
        .link("/d/libgone.so.1", "nowhere")
        .directory("/d/libdir.so");
    check(
        tree,
        &[
            "libz.so.1 => /d/libz.so.1",
            "libz.so => /d/libz.so",
            "libnolink.so.2 => /d/libnolink.so.2.5",
            "libbare.so.3 => /d/libbare.so.3",
        ],
    );
}

#[test]
fn libraries_of_several_machines_stand_beside_each_other() {
    let tree = Memory::new()
        .file("/etc/ld.so.conf", "/x\n/arm\n")
        .file("/x/liba.so", library("liba.so"))
        .file("/arm/liba.so", Sample::library().machine(AARCH64).soname("liba.so").bytes());
    check(tree, &["liba.so => /arm/liba.so", "liba.so => /x/liba.so"]);
}

#[test]
fn a_configured_root_and_one_without_a_configuration_need_nothing() {
    let tree = Memory::new().file("/etc/ld.so.conf", "/d\n");
    assert!(cache(&roots(tree.clone())).is_some());
    assert_eq!(cache(&roots(tree.file("/etc/ld.so.cache", "any"))), None);
    assert_eq!(cache(&roots(Memory::new())), None);
    // Files that include each other end.
    let tree = Memory::new().file("/etc/ld.so.conf", "include /etc/ld.so.conf\n/d\n");
    assert!(cache(&roots(tree)).is_some());
}
