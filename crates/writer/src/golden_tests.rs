//! The digests of format version 2, and what programs that others wrote make of its layers.
//!
//! When a digest here changes, images of all users change: raise [`crate::FORMAT_VERSION`], say in
//! the changelog which images and why, and only then change the digest.
#![expect(clippy::disallowed_methods, reason = "other programs judge our layers")]

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use imgc_planner::recipe::{Codec, Compression};

use crate::tests::{GZIP, NONE, ZSTD, sample, spec, write};

#[test]
fn format_version_2_has_these_digests() {
    let tree = sample();
    let mut found = String::new();
    for (name, codec) in [("gzip", GZIP), ("zstd", ZSTD), ("none", NONE)] {
        let image = write(&tree, &spec("app", codec, vec![tree.layer()]), 2).0;
        let layer = &image.layers[0];
        found += &format!("{name} diff id  {}\n", layer.diff_id);
        found += &format!("{name} layer    {}\n", layer.descriptor.digest);
        found += &format!("{name} config   {}\n", image.config.digest);
        found += &format!("{name} manifest {}\n", image.manifest.digest);
    }
    for (name, codec, level) in
        [("gzip", Codec::Gzip, 1), ("gzip", Codec::Gzip, 12), ("zstd", Codec::Zstd, 19)]
    {
        let codec = Compression { codec, level: Some(level) };
        let image = write(&tree, &spec("app", codec, vec![tree.layer()]), 2).0;
        found += &format!("{name} level {level} {}\n", image.layers[0].descriptor.digest);
    }
    assert_eq!(crate::FORMAT_VERSION, 2);
    let golden = include_str!("../../../tests/golden/writer-format-2.txt");
    assert!(found == golden, "the digests are now:\n{found}");
}

/// Gives `input` to a program; nothing if it is not installed, which is said.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: `{program}` is not installed");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{program} {arguments:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn other_programs_read_the_layers() {
    let tree = sample();
    let names: Vec<_> = tree
        .entries
        .keys()
        .map(|path| String::from_utf8(path.as_bytes()[1..].to_vec()).unwrap())
        .collect();
    let blob = |codec| {
        let (image, sink) = write(&tree, &spec("app", codec, vec![tree.layer()]), 2);
        sink.blobs.lock().unwrap()[&image.layers[0].descriptor.digest].clone()
    };
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim_end_matches('/').to_owned()).collect()
    };
    let archive = blob(NONE);
    if let Some(text) = run("tar", &["--quoting-style=literal", "-tf", "-"], &archive) {
        assert_eq!(lines(&text), names);
    }
    const LIST: &str = "import sys, tarfile\n\
        archive = tarfile.open(fileobj=sys.stdin.buffer, mode='r|*')\n\
        for member in archive: print(member.name)";
    for codec in [NONE, GZIP] {
        if let Some(text) = run("python3", &["-c", LIST], &blob(codec)) {
            assert_eq!(lines(&text), names);
        }
    }
    let place = tempfile::tempdir().unwrap();
    let unpacked = place.path().join("unpacked");
    let packed = blob(GZIP);
    assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    run("gzip", &["-t"], &packed);
    for (program, codec) in [("gzip", GZIP), ("zstd", ZSTD)] {
        let script = format!("{program} -dc > {}", unpacked.display());
        if run(program, &["--version"], b"").is_some() {
            run("sh", &["-c", &script], &blob(codec));
            assert!(fs::read(&unpacked).unwrap() == archive, "{program}");
        }
    }
}
