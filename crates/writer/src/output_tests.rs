//! The laws of outputs: what they replace, what they leave behind, and what they are worth to
//! programs that others wrote.
#![expect(clippy::disallowed_methods, reason = "tests lay out what an output meets")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use imgc_planner::recipe::Platform;
use rustix::fs::FlockOperation;

use crate::archive::write_archive;
use crate::directory::write_directory;
use crate::error::WriteError;
use crate::tests::{GZIP, NONE, Tree, ZSTD, sample, spec, workers};

fn listing(directory: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let mode = path.symlink_metadata().unwrap().permissions().mode() & 0o7777;
        found.push((path.strip_prefix(directory).unwrap().to_owned(), mode));
        if path.is_dir() {
            let below = listing(&path).into_iter();
            let name = path.strip_prefix(directory).unwrap();
            found.extend(below.map(|(path, mode)| (name.join(path), mode)));
        }
    }
    found.sort();
    found
}

#[test]
fn a_directory_holds_exactly_the_images_and_replaces_the_last_ones() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("out");
    let tree = sample();
    for compression in [GZIP, ZSTD, GZIP] {
        let images = [spec("app", compression, vec![tree.layer()])];
        let named = write_directory(&target, &images, &tree.contents, workers(2)).unwrap();
        let image = &named[0].images[0];
        let blobs = [&image.manifest, &image.config, &image.layers[0].descriptor];
        let mut expected: Vec<_> =
            blobs.map(|blob| (format!("blobs/sha256/{}", blob.digest.hex()).into(), 0o644)).into();
        expected.extend([("blobs".into(), 0o755), ("blobs/sha256".into(), 0o755)]);
        expected.extend([("index.json".into(), 0o644), ("oci-layout".into(), 0o644)]);
        expected.sort();
        assert_eq!(listing(&target), expected);
        assert_eq!(place.path().read_dir().unwrap().count(), 1, "no temporary is left");
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o7777, 0o755);
    }
}

#[test]
fn what_is_not_ours_is_not_replaced() {
    let place = tempfile::tempdir().unwrap();
    let tree = sample();
    let images = [spec("app", GZIP, vec![tree.layer()])];
    let at = |name: &str| place.path().join(name);
    fs::write(at("file"), "x").unwrap();
    fs::create_dir(at("full")).unwrap();
    fs::write(at("full/x"), "x").unwrap();
    fs::create_dir(at("empty")).unwrap();
    symlink("empty", at("link")).unwrap();
    let before = listing(place.path());
    for (name, occupant) in [
        ("file", "a file"),
        ("full", "a directory with something else than an OCI image"),
        ("link", "a symbolic link"),
    ] {
        let error = write_directory(&at(name), &images, &tree.contents, workers(1)).unwrap_err();
        assert!(matches!(&error, WriteError::Occupied { occupant: o, .. } if *o == occupant));
    }
    for (name, occupant) in [("empty", "a directory"), ("link", "a symbolic link")] {
        let error = write_archive(&at(name), &images, &tree.contents, workers(1)).unwrap_err();
        assert!(matches!(&error, WriteError::Occupied { occupant: o, .. } if *o == occupant));
    }
    assert_eq!(listing(place.path()), before);
    write_directory(&at("empty"), &images, &tree.contents, workers(1)).unwrap();
    write_archive(&at("file"), &images, &tree.contents, workers(1)).unwrap();
    assert!(write_archive(Path::new("/"), &images, &tree.contents, workers(1)).is_err());
}

#[test]
fn a_build_that_fails_changes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let mut tree = sample();
    let images = [spec("app", GZIP, vec![tree.layer()])];
    write_directory(&place.path().join("out"), &images, &tree.contents, workers(2)).unwrap();
    write_archive(&place.path().join("out.tar"), &images, &tree.contents, workers(2)).unwrap();
    let before = listing(place.path());
    tree.contents.contents.clear();
    for name in ["out", "new"] {
        let target = place.path().join(name);
        assert!(write_directory(&target, &images, &tree.contents, workers(2)).is_err());
    }
    for name in ["out.tar", "new.tar"] {
        let target = place.path().join(name);
        assert!(write_archive(&target, &images, &tree.contents, workers(2)).is_err());
    }
    assert_eq!(listing(place.path()), before);
}

#[test]
fn leftovers_of_the_dead_go_away_and_those_of_the_living_stay() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    for name in [".out.imgc-tmp.1.0", ".out.imgc-tmp.1.1", ".out.imgc-tmp.x", ".other.imgc-tmp.1.0"]
    {
        fs::create_dir_all(at(name).join("blobs/sha256")).unwrap();
        fs::write(at(name).join("blobs/sha256/x"), "x").unwrap();
    }
    let alive = fs::File::open(at(".out.imgc-tmp.1.1")).unwrap();
    rustix::fs::flock(&alive, FlockOperation::LockExclusive).unwrap();
    let tree = sample();
    let images = [spec("app", NONE, vec![tree.layer()])];
    write_directory(&at("out"), &images, &tree.contents, workers(1)).unwrap();
    let mut names: Vec<_> =
        place.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".other.imgc-tmp.1.0", ".out.imgc-tmp.1.1", ".out.imgc-tmp.x", "out"]);
}

#[test]
fn builds_at_the_same_time_and_place_all_succeed() {
    let place = tempfile::tempdir().unwrap();
    let tree = sample();
    let images = [spec("app", GZIP, vec![tree.layer()])];
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let target = place.path().join("out");
                write_directory(&target, &images, &tree.contents, workers(1)).unwrap();
                let target = place.path().join("out.tar");
                write_archive(&target, &images, &tree.contents, workers(1)).unwrap();
            });
        }
    });
    assert_eq!(listing(place.path()).len(), 9);
}

#[test]
fn names_with_several_platforms_have_an_index_and_none_is_there_twice() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("out");
    let mut tree = Tree::default();
    tree.file("/a", 0o644, b"a");
    let amd64 = spec("app", GZIP, vec![tree.layer()]);
    let mut arm64 = amd64.clone();
    arm64.platform = Platform::parse("linux/arm64").unwrap();
    let other = spec("app:1", GZIP, vec![tree.layer()]);
    let images = [other, arm64.clone(), amd64.clone()];
    let named = write_directory(&target, &images, &tree.contents, workers(1)).unwrap();
    let names: Vec<_> = named.iter().map(|named| named.name.to_string()).collect();
    assert_eq!(names, ["app:1", "app"]);
    assert_eq!(named[1].descriptor.media_type, "application/vnd.oci.image.index.v1+json");
    // One layer, two configs, two manifests, one index, and the three files and directories.
    assert_eq!(listing(&target).len(), 6 + 4);

    let twice = [amd64.clone(), spec("app:latest", ZSTD, vec![])];
    let error = write_directory(&target, &twice, &tree.contents, workers(1)).unwrap_err();
    assert_eq!(error.to_string(), "`app:latest` for linux/amd64 is asked for twice in one output");
    let none = write_directory(&target, &[], &tree.contents, workers(1));
    assert!(matches!(none, Err(WriteError::NoImage)));
}
