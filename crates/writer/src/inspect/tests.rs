//! The second reader finds nothing in what imgc writes, and each broken rule in what it does not.
#![expect(clippy::disallowed_methods, reason = "tests write images that break rules")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use imgc_planner::recipe::Platform;
use imgc_planner::{BlobDigest, EntryKind};

use super::{InspectedKind, Inspection, Problem, inspect};
use crate::archive::write_archive;
use crate::directory::write_directory;
use crate::error::WriteError;
use crate::tests::{GZIP, NONE, Tree, ZSTD, sample, spec, workers};

fn problems(inspection: &Inspection) -> Vec<Problem> {
    inspection.findings.iter().map(|finding| finding.problem).collect()
}

#[test]
fn what_imgc_writes_has_no_findings_and_is_what_was_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let (tree, mut upper) = (sample(), Tree::default());
    upper.file("/var/lib/upper", 0o600, b"");
    let mut contents = sample().contents;
    contents.add(b"");
    for codec in [GZIP, ZSTD, NONE] {
        let image = spec("app", codec, vec![tree.layer(), upper.layer()]);
        let mut arm = image.clone();
        arm.platform = Platform::parse("linux/arm/v7").unwrap();
        let images = [image, spec("example.org/other:1", GZIP, vec![]), arm];
        let (directory, archive) = (place.path().join("out"), place.path().join("out.tar"));
        let written = write_directory(&directory, &images, &contents, workers(2)).unwrap();
        let again = write_archive(&archive, &images, &contents, workers(2)).unwrap();
        assert_eq!(written, again);
        for output in [&directory, &archive] {
            let inspection = inspect(output).unwrap();
            assert_eq!(inspection.findings, []);
            let names: Vec<_> = inspection
                .images
                .iter()
                .map(|image| (image.name.as_deref().unwrap(), image.platform.as_str()))
                .collect();
            let expected = [
                ("app:latest", "linux/amd64"),
                ("app:latest", "linux/arm/v7"),
                ("example.org/other:1", "linux/amd64"),
            ];
            assert_eq!(names, expected);
            let image = &inspection.images[0];
            assert_eq!(image.manifest, written[0].images[0].manifest.digest);
            assert_eq!(image.layers[0].diff_id, Some(written[0].images[0].layers[0].diff_id));
            check_entries(&tree, &image.layers[0].entries);
        }
    }
}

/// Compares what was read with what was asked for, entry by entry.
fn check_entries(tree: &Tree, found: &[super::InspectedEntry]) {
    assert_eq!(found.len(), tree.entries.len());
    for (found, (path, entry)) in found.iter().zip(&tree.entries) {
        assert_eq!(*found.path, *path.as_bytes());
        assert_eq!(found.mode, u32::from(entry.mode.bits()));
        assert_eq!(found.uid, u64::from(entry.uid.number()));
        assert_eq!(found.gid, u64::from(entry.gid.number()));
        match (&entry.kind, &found.kind) {
            (EntryKind::File { digest, size }, InspectedKind::File { size: s, digest: d }) => {
                assert_eq!((digest, size), (d, s));
            }
            (EntryKind::Directory, InspectedKind::Directory) => {}
            (EntryKind::Symlink(target), InspectedKind::Symlink(found)) => {
                assert_eq!(target, found);
            }
            // The first name in order holds the content, whatever the spec calls it.
            (EntryKind::HardLink(_), InspectedKind::File { .. })
            | (EntryKind::File { .. } | EntryKind::HardLink(_), InspectedKind::HardLink(_)) => {
                assert!(path.as_bytes().starts_with(b"/srv/"));
            }
            (asked, found) => panic!("{path}: {asked:?} became {found:?}"),
        }
    }
}

/// Puts `layer` in place of the layer of a written image, with all digests put right.
fn with_layer(place: &Path, layer: &[u8]) -> Inspection {
    let mut tree = Tree::default();
    tree.file("/a", 0o644, b"a");
    let target = place.join("out");
    let images = [spec("app", NONE, vec![tree.layer()])];
    let written = write_directory(&target, &images, &tree.contents, workers(1)).unwrap();
    let image = &written[0].images[0];
    let blob = |digest: &BlobDigest| target.join("blobs/sha256").join(digest.hex());
    let edit = |old: &BlobDigest, from: &[(String, String)]| {
        let mut text = fs::read_to_string(blob(old)).unwrap();
        for (from, to) in from {
            text = text.replace(from, to);
        }
        fs::remove_file(blob(old)).unwrap();
        let digest = BlobDigest::of(text.as_bytes());
        fs::write(blob(&digest), &text).unwrap();
        (digest.to_string(), text.len())
    };
    let old = &image.layers[0].descriptor;
    fs::remove_file(blob(&old.digest)).unwrap();
    let digest = BlobDigest::of(layer);
    fs::write(blob(&digest), layer).unwrap();
    let change = (old.digest.to_string(), digest.to_string());
    let (config, _) = edit(&image.config.digest, std::slice::from_ref(&change));
    let sizes = (format!("\"size\":{}}}", old.size), format!("\"size\":{}}}", layer.len()));
    let configs = (image.config.digest.to_string(), config);
    let (manifest, size) = edit(&image.manifest.digest, &[change, sizes, configs]);
    let index = fs::read_to_string(target.join("index.json")).unwrap();
    let index = index.replace(&image.manifest.digest.to_string(), &manifest);
    let index = index
        .replace(&format!("\"size\":{}}}", image.manifest.size), &format!("\"size\":{size}}}"));
    fs::write(target.join("index.json"), index).unwrap();
    inspect(&target).unwrap()
}

#[test]
fn each_broken_rule_of_a_layer_is_found() {
    let place = tempfile::tempdir().unwrap();
    type Change<'a> = &'a dyn Fn(&mut tar::Header);
    let build = |members: &[(&str, &str, Change<'_>)], zeros: usize| {
        let mut layer = Vec::new();
        for (name, link, change) in members {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
            let bytes = header.as_mut_bytes();
            for (field, text) in [
                (100, "0000644\0"),
                (108, "0000000\0"),
                (116, "0000000\0"),
                (124, "00000000000\0"),
                (136, "00000000000\0"),
                (329, "0000000\x000000000\0"),
            ] {
                bytes[field..field + text.len()].copy_from_slice(text.as_bytes());
            }
            bytes[156] = b'0';
            change(&mut header);
            let bytes = header.as_mut_bytes();
            bytes[148..156].fill(b' ');
            let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
            bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            layer.extend_from_slice(header.as_bytes());
        }
        layer.extend(vec![0; zeros]);
        layer
    };
    let plain: Change<'_> = &|_| {};
    let kind = |flag: u8| move |header: &mut tar::Header| header.as_mut_bytes()[156] = flag;
    let (directory, symlink, link, device) = (kind(b'5'), kind(b'2'), kind(b'1'), kind(b'3'));
    let at = |place: usize, byte: u8| {
        move |header: &mut tar::Header| header.as_mut_bytes()[place] = byte
    };
    type Case<'a> = (&'a [(&'a str, &'a str, Change<'a>)], usize, &'a [Problem]);
    let cases: &[Case<'_>] = &[
        (&[("a", "", plain), ("b", "", plain)], 1024, &[]),
        (&[("b", "", plain), ("a", "", plain)], 1024, &[Problem::Unsorted]),
        (&[("a", "", plain), ("a", "", plain)], 1024, &[Problem::Duplicate]),
        (&[("d/a", "", plain)], 1024, &[Problem::NoParent]),
        (&[("d", "", plain), ("d/a", "", plain)], 1024, &[Problem::BelowNoDirectory]),
        (&[("d/", "", &directory), ("d/a", "", plain)], 1024, &[]),
        (&[("d", "", &directory)], 1024, &[Problem::Slash]),
        (&[("a/", "", plain)], 1024, &[Problem::Slash]),
        (&[("./a", "", plain)], 1024, &[Problem::Name, Problem::NoParent]),
        (&[("..", "", plain)], 1024, &[Problem::Name]),
        (&[(".wh.a", "", plain)], 1024, &[Problem::Name]),
        (&[("a", "x", &symlink)], 1024, &[Problem::Mode]),
        (&[("a", "b", &link), ("b", "", plain)], 1024, &[Problem::HardLink]),
        (&[("a", "", plain), ("b", "a", &link)], 1024, &[]),
        (&[("a", "", &device)], 1024, &[Problem::Kind]),
        (&[("a", "", &at(146, b'1'))], 1024, &[Problem::Time]),
        (&[("a", "", &at(265, b'r'))], 1024, &[Problem::OwnerName]),
        (&[("a", "", &at(335, b'1'))], 1024, &[Problem::DeviceNumber]),
        (&[("a", "", &at(102, b'1'))], 1024, &[Problem::Mode]),
        (&[("a", "", &at(108, b' '))], 1024, &[Problem::Header]),
        (&[("a", "", &at(50, b'x'))], 1024, &[Problem::Header]),
        (&[("a", "", &at(200, b'x'))], 1024, &[Problem::Header]),
        (&[("a", "", &at(400, b'x'))], 1024, &[Problem::Header]),
        (&[("a", "", &kind(0))], 1024, &[Problem::Header]),
        (&[("a", "b", plain)], 1024, &[Problem::Header]),
        (&[("a", "", &at(134, b'5'))], 2048 - 512, &[]),
        (&[("a", "", &at(134, b'5')), ("b", "", plain)], 1024, &[Problem::Padding]),
        (&[("a", "", plain)], 512, &[Problem::Trailer]),
        (&[("a", "", plain)], 1536, &[Problem::Trailer]),
        (&[("a", "", plain)], 10_240, &[Problem::Trailer]),
    ];
    for (members, zeros, expected) in cases {
        let names: Vec<_> = members.iter().map(|(name, link, _)| (name, link)).collect();
        let inspection = with_layer(place.path(), &build(members, *zeros));
        assert_eq!(problems(&inspection), *expected, "{names:?} {:?}", inspection.findings);
    }
    let damaged = with_layer(place.path(), &[b'x'; 2048]);
    assert_eq!(problems(&damaged), [Problem::Damaged]);
}

#[test]
fn each_broken_rule_of_a_layout_is_found() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("out");
    let tree = sample();
    type File<'a> = &'a dyn Fn(&str) -> PathBuf;
    let check = |expected: &[Problem], change: &dyn Fn(File<'_>)| {
        let images = [spec("app", GZIP, vec![tree.layer()])];
        let written = write_directory(&target, &images, &tree.contents, workers(1)).unwrap();
        let image = &written[0].images[0];
        change(&|name| match name {
            "layer" => target.join("blobs/sha256").join(image.layers[0].descriptor.digest.hex()),
            "config" => target.join("blobs/sha256").join(image.config.digest.hex()),
            name => target.join(name),
        });
        assert_eq!(problems(&inspect(&target).unwrap()), expected);
    };
    let append = |file: &Path, bytes: &[u8]| {
        fs::OpenOptions::new().append(true).open(file).unwrap().write_all(bytes).unwrap();
    };
    let replace = |file: &Path, from: &str, to: &str| {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(from));
        fs::write(file, text.replace(from, to)).unwrap();
    };
    check(&[], &|_| {});
    check(&[Problem::Stray], &|at| fs::write(at("blobs/sha256/00"), "").unwrap());
    check(&[Problem::Stray], &|at| fs::create_dir(at("more")).unwrap());
    check(&[Problem::Missing], &|at| fs::remove_file(at("layer")).unwrap());
    check(&[Problem::Size, Problem::Trailing, Problem::Digest], &|at| append(&at("layer"), b"x"));
    check(&[Problem::GzipHeader, Problem::Digest], &|at| {
        let mut blob = fs::read(at("layer")).unwrap();
        blob[4] = 1;
        fs::write(at("layer"), blob).unwrap();
    });
    check(&[Problem::Damaged, Problem::Digest], &|at| {
        let mut blob = fs::read(at("layer")).unwrap();
        let middle = blob.len() / 2;
        blob[middle] ^= 0x10;
        fs::write(at("layer"), blob).unwrap();
    });
    check(&[Problem::Json], &|at| append(&at("oci-layout"), b"\n"));
    check(&[Problem::Json], &|at| append(&at("index.json"), b"\n"));
    check(&[Problem::Field, Problem::ImageName], &|at| {
        replace(&at("index.json"), "io.containerd", "io.conteinerd")
    });
    check(&[Problem::ImageName], &|at| {
        replace(&at("index.json"), "docker.io/library/app", "docker.io/library/other");
    });
    for (file, field) in [
        ("index.json", "\"annotations\":{},"),
        ("config", "\"author\":\"me\","),
        ("config", "\"Tool\":\"imgc\","),
    ] {
        let mut problems = vec![Problem::Field];
        if file == "config" {
            problems = vec![Problem::Digest, Problem::Size, Problem::Field];
        }
        check(&problems, &|at| {
            // Where the order of fields allows it, so that nothing else is wrong.
            let before = match field {
                "\"annotations\":{}," => "\"manifests\"",
                "\"author\":\"me\"," => "\"config\"",
                _ => "\"User\"",
            };
            let file = at(file);
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains(before));
            fs::write(&file, text.replacen(before, &format!("{field}{before}"), 1)).unwrap();
        });
    }
    check(&[Problem::MediaType], &|at| {
        replace(&at("index.json"), "\"schemaVersion\":2", "\"schemaVersion\":1");
    });
    check(&[Problem::Platform], &|at| replace(&at("index.json"), "\"amd64\"", "\"arm64\""));
    check(&[Problem::Digest, Problem::User], &|at| {
        replace(&at("config"), "65532:65532", "65532-65532");
    });
    check(&[Problem::Digest, Problem::Size, Problem::NoPath], &|at| {
        replace(&at("config"), "PATH=", "");
    });
    check(&[Problem::Digest, Problem::Size, Problem::Created], &|at| {
        replace(&at("config"), "00:00Z\",\"h", "00+0Z\",\"h");
    });
}

/// Which of them a rule names is tested above; here, that no byte is without one.
#[test]
fn no_byte_of_an_archive_can_change_unseen() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("out.tar");
    let mut tree = Tree::default();
    tree.file("/app", 0o755, b"a program");
    let images = [spec("app", GZIP, vec![tree.layer()])];
    write_archive(&target, &images, &tree.contents, workers(1)).unwrap();
    let whole = fs::read(&target).unwrap();
    // A prime, so that every field of headers is met somewhere.
    for at in (0..whole.len()).step_by(13) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&target, damaged).unwrap();
        let is_seen = inspect(&target).map_or(true, |inspection| !inspection.findings.is_empty());
        assert!(is_seen, "{at}");
    }
}

#[test]
fn what_is_no_image_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    assert!(matches!(inspect(&at("nothing")), Err(WriteError::Io { .. })));
    fs::write(at("text"), "x".repeat(5000)).unwrap();
    assert!(matches!(inspect(&at("text")), Err(WriteError::UnreadableImage { .. })));
    assert!(matches!(inspect(place.path()), Err(WriteError::UnreadableImage { .. })));
    fs::write(at("oci-layout"), vec![b' '; 5 << 20]).unwrap();
    assert!(matches!(inspect(place.path()), Err(WriteError::TooLarge { .. })));
    assert!(matches!(inspect(Path::new("/dev/null")), Err(WriteError::UnreadableImage { .. })));
}

#[test]
fn a_layer_that_explodes_is_not_read_to_its_end() {
    let place = tempfile::tempdir().unwrap();
    let mut tree = Tree::default();
    tree.file("/zeros", 0o644, &vec![0; 9 << 20]);
    let image = spec("app", ZSTD, vec![tree.layer()]);
    let target = place.path().join("out");
    write_directory(&target, &[image], &tree.contents, workers(2)).unwrap();
    assert!(matches!(inspect(&target), Err(WriteError::TooLarge { .. })));
}
