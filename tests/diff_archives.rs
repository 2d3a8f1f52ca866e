//! `imgc diff`: every way to write one tree is read as that tree, and every other byte is named.

use std::fs;

use crate::diff::{TREE, diff, differences, docker_archive, project};
use crate::workbench::Project;

/// A tree with holes at the start, between many parts, and at the end.
const HOLES: &str = "mkdir -p t/d; truncate -s 300000 t/d/all; printf end >> t/d/all; \
                     for part in 1 2 3 4 5 6 7 8 9; do printf $part$part$part | \
                     dd of=t/d/many bs=1 seek=$((part * 40000)) status=none; done; \
                     truncate -s 500000 t/d/many";

/// The tree packed by GNU tar with these options, as an archive of Docker's form.
fn packed(project: &Project, tree: &str, options: &str, name: &str) {
    docker_archive(project, &[&format!("{tree}; export TAR_OPTIONS='--mtime=@0 {options}'")]);
    fs::rename(project.path("d.tar"), project.path(name)).expect("it was made");
}

fn has(found: &[String], start: &str) -> bool {
    found.iter().any(|line| line.starts_with(start))
}

#[test]
fn a_file_with_holes_is_what_it_reads_as() {
    let project = project();
    packed(&project, HOLES, "--format=gnu", "whole.tar");
    for form in [
        "--format=gnu -S",
        "--format=posix -S --sparse-version=0.0",
        "--format=posix -S --sparse-version=0.1",
        "--format=posix -S --sparse-version=1.0",
    ] {
        packed(&project, HOLES, form, "holes.tar");
        let found = differences(&project, &["--semantic", "whole.tar", "holes.tar"]);
        assert!(found.is_empty(), "{form}: {found:#?}");
        let found = differences(&project, &["whole.tar", "holes.tar"]);
        assert!(has(&found, "/d/many header format "), "{form}: {found:#?}");
        packed(&project, &format!("{HOLES}; printf x >> t/d/many"), form, "other.tar");
        let found = differences(&project, &["--semantic", "holes.tar", "other.tar"]);
        assert!(has(&found, "/d/many digest ") && has(&found, "/d/many size 500000 500001"));
        assert_eq!(found.len(), 2, "{form}: {found:#?}");
    }
}

#[test]
fn the_kind_of_headers_makes_no_difference_to_what_runs() {
    let project = project();
    packed(&project, TREE, "--format=gnu", "gnu.tar");
    for form in ["v7", "oldgnu", "ustar", "posix"] {
        packed(&project, TREE, &format!("--format={form}"), "other.tar");
        let found = differences(&project, &["--semantic", "gnu.tar", "other.tar"]);
        assert!(found.is_empty(), "{form}: {found:#?}");
    }
    let found = differences(&project, &["gnu.tar", "other.tar"]);
    assert!(has(&found, "/etc/motd header format gnu ustar pax"), "{found:#?}");
    assert!(has(&found, "/etc/motd atime - "), "{found:#?}");
}

/// Go's reader, and so every engine, passes over them.
#[test]
fn a_global_header_is_about_nothing_and_named() {
    let project = project();
    packed(&project, TREE, "--format=ustar", "plain.tar");
    let option = "--format=posix --pax-option=delete=*time,globexthdr.name=g,comment=hi,mtime=5";
    packed(&project, TREE, option, "global.tar");
    let found = differences(&project, &["--semantic", "plain.tar", "global.tar"]);
    assert!(found.is_empty(), "{found:#?}");
    let found = differences(&project, &["plain.tar", "global.tar"]);
    assert!(has(&found, "/g entry - global header"), "{found:#?}");
    assert!(!found.iter().any(|line| line.contains(" mtime ")), "{found:#?}");
}

/// Replaces bytes of the header that starts with `name`, and makes its sum right again.
fn patch(project: &Project, archive: &str, name: &[u8], at: usize, bytes: &[u8]) {
    let mut content = project.read(archive);
    let blocks = content.chunks_exact_mut(512);
    let block = blocks.into_iter().find(|block| block.starts_with(name)).expect("it is there");
    block[at..at + bytes.len()].copy_from_slice(bytes);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    project.write("patched.tar", content);
}

#[test]
fn what_a_header_says_without_meaning_it_is_named() {
    let project = project();
    packed(&project, TREE, "--format=ustar", "plain.tar");
    for (at, bytes, expected) in [
        (157, &b"to"[..], "/etc/motd unused target - to"),
        (329, b"0000007", "/etc/motd unused device - 7:0"),
        (508, b"note", "/etc/motd form of the headers sha256:"),
        (100, b"0100644", "/etc/motd type bits - 100000"),
    ] {
        patch(&project, "plain.tar", b"./etc/motd\0", at, bytes);
        let found = differences(&project, &["plain.tar", "patched.tar"]);
        let entries: Vec<&String> = found.iter().filter(|line| line.starts_with('/')).collect();
        assert!(entries.len() == 1 && entries[0].starts_with(expected), "{expected}: {found:#?}");
        let found = differences(&project, &["--semantic", "plain.tar", "patched.tar"]);
        assert!(found.is_empty(), "{expected}: {found:#?}");
    }
    patch(&project, "plain.tar", b"./etc/\0", 124, b"00000001000");
    let found = differences(&project, &["plain.tar", "patched.tar"]);
    assert!(has(&found, "/etc unused size - 512"), "{found:#?}");
}

#[test]
fn a_damaged_archive_is_trouble() {
    let project = project();
    packed(&project, HOLES, "--format=gnu -S", "holes.tar");
    // The sum, a part that ends behind the file, and a size that no archive has.
    for (at, bytes) in [(386, &b"77777777777"[..]), (483, b"00000000001"), (124, b"77777777777")] {
        patch(&project, "holes.tar", b"./d/many\0", at, bytes);
        let outcome = diff(&project, &["holes.tar", "patched.tar"]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{at}: {outcome:?}");
    }
    let mut content = project.read("holes.tar");
    let at = content.windows(9).position(|bytes| bytes == b"./d/many\0").expect("it is there");
    content[at + 4] = b'M';
    project.write("patched.tar", content);
    assert_eq!(diff(&project, &["holes.tar", "patched.tar"]).code, Some(2));
}

#[test]
fn layers_in_another_order_are_named_as_that_alone() {
    let project = project();
    docker_archive(&project, &["echo a > t/a", "echo b > t/b", "echo c > t/c"]);
    fs::rename(project.path("d.tar"), project.path("one.tar")).expect("it was made");
    let text = String::from_utf8(project.read("manifest.json")).expect("JSON is text");
    let other = text.replace("\"1/layer.tar\",\"2/layer.tar\"", "\"2/layer.tar\",\"1/layer.tar\"");
    assert_ne!(text, other);
    project.write("manifest.json", other);
    crate::workbench::succeed(
        std::process::Command::new("tar")
            .args(["-cf", "d.tar", "c.json", "manifest.json"])
            .args(["0/layer.tar", "1/layer.tar", "2/layer.tar"])
            .current_dir(project.path("")),
    );
    let found = differences(&project, &["one.tar", "d.tar"]);
    assert_eq!(found, ["- order of layers 1 2 3 1 3 2"]);
    let found = differences(&project, &["--semantic", "one.tar", "d.tar"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_layer_that_one_image_alone_has_is_named() {
    let project = project();
    for (name, files) in [("three.tar", &["a", "b", "c"][..]), ("two.tar", &["a", "c"])] {
        let layer = |file: &&str| format!("echo {file} > t/{file}; export TAR_OPTIONS=--mtime=@0");
        let layers: Vec<String> = files.iter().map(layer).collect();
        let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
        docker_archive(&project, &layers);
        fs::rename(project.path("d.tar"), project.path(name)).expect("it was made");
    }
    let outcome = diff(&project, &["two.tar", "three.tar"]);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[..2], ["image", "  number of layers: 2 -> 3"], "{outcome:?}");
    assert_eq!(lines[2], "layer 2", "{outcome:?}");
    assert!(lines[3].starts_with("  diff id: (none) -> sha256:"), "{outcome:?}");
    assert_eq!(lines[4..], ["/b", "  entry: (none) -> file"], "{outcome:?}");
}

#[test]
fn what_lies_beside_the_images_is_compared() {
    let project = project();
    let built = project.build("a.kdl", "a/");
    let index = String::from_utf8(project.read("a/index.json")).expect("JSON is text");
    let artifact = format!("blobs/sha256/{}", &built.digest["sha256:".len()..]);
    let manifest = String::from_utf8(project.read(&format!("a/{artifact}"))).expect("text");
    let change = |from: &str, to: &str| {
        assert!(index.contains(from), "{index}");
        project.write("a/index.json", index.replacen(from, to, 1));
        differences(&project, &["a.tar", "a"])
    };
    let found = change("{", "{\"annotations\":{\"note\":\"\\u009b\\u202e\"},");
    assert_eq!(found, ["- index.annotations.note - \"\\u{9b}\\u{202e}\""]);

    // A statement as BuildKit attaches it, and an artifact that no engine runs.
    let mark = "\"manifests\":[";
    let descriptor = format!(
        "{{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"size\":{},\
         \"digest\":\"{}\",\"annotations\":{{\"vnd.docker.reference.type\":\
         \"attestation-manifest\"}}}}",
        manifest.len(),
        built.digest
    );
    let found = change(mark, &format!("{mark}{descriptor},"));
    assert!(has(&found, "- index.manifests[0].digest - "), "{found:#?}");
    assert!(found.iter().all(|line| line.starts_with("- index.manifests[0].")), "{found:#?}");
    let semantic = differences(&project, &["--semantic", "a.tar", "a"]);
    assert!(semantic.is_empty(), "{semantic:#?}");
}
