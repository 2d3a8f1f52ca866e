//! The laws of the store: it changes no byte, and nothing wrong ever leaves it.
#![expect(clippy::disallowed_methods, reason = "tests damage what the store holds")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use imgc_planner::recipe::Compression;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::archive::write_archive_if;
use crate::build::Work;
use crate::directory::{write_directory, write_directory_if};
use crate::image::NamedImage;
use crate::store::{Store, StoreError};
use crate::tests::{GZIP, NONE, Tree, ZSTD, sample, spec, workers};

/// A place with a store and outputs.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self) -> Store {
        Store::open(&self.at("store")).unwrap()
    }

    /// Builds with the store into `output`.
    fn build(&self, tree: &Tree, compression: Compression, output: &str) -> Vec<NamedImage> {
        let store = self.store();
        let images = [spec("app", compression, vec![tree.layer()])];
        let work = Work { store: Some(&store), ..Work::afresh(&tree.contents, workers(2)) };
        let named = if output.ends_with(".tar") {
            write_archive_if(&self.at(output), &images, &work, &|_| true)
        } else {
            write_directory_if(&self.at(output), &images, &work, &|_| true)
        };
        assert!(store.trouble().is_none());
        named.unwrap()
    }

    /// Builds without a store into `output`.
    fn build_afresh(&self, tree: &Tree, compression: Compression, output: &str) {
        let images = [spec("app", compression, vec![tree.layer()])];
        write_directory(&self.at(output), &images, &tree.contents, workers(1)).unwrap();
    }

    /// The one file in a directory of the store.
    fn only(&self, room: &str) -> PathBuf {
        let files = files(&self.at("store/store-1").join(room));
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        directory.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every file of an output with its bytes and mode.
fn content(output: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found = Vec::new();
    for path in files(output) {
        let mode = path.metadata().unwrap().permissions().mode();
        if path.is_dir() {
            found.extend(content(&path));
        }
        let bytes = if path.is_dir() { Vec::new() } else { fs::read(&path).unwrap() };
        found.push((path.strip_prefix(output).unwrap().to_owned(), mode, bytes));
    }
    found
}

/// A few chunks, in little time.
fn light() -> Tree {
    let mut tree = Tree::default();
    let numbers: Vec<u8> = (0..60_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
    tree.file("/bin/app", 0o755, &numbers[..200_000]);
    tree.file("/var/big", 0o644, &numbers.repeat(5));
    tree.file("/var/small", 0o644, b"small");
    tree
}

fn changed_light() -> Tree {
    let mut tree = light();
    tree.file("/var/small", 0o644, b"changed");
    tree
}

fn changed() -> Tree {
    let mut tree = sample();
    tree.file("/var/lib/small/20", 0o644, b"changed");
    tree
}

#[test]
fn no_byte_depends_on_the_store() {
    for compression in [GZIP, ZSTD, NONE] {
        let place = Place::new();
        place.build_afresh(&sample(), compression, "first");
        place.build_afresh(&changed(), compression, "second");
        for (tree, expected) in [(sample(), "first"), (changed(), "second"), (sample(), "first")] {
            for _ in 0..2 {
                place.build(&tree, compression, "out");
                assert!(content(&place.at("out")) == content(&place.at(expected)));
            }
        }
        place.build(&sample(), compression, "warm.tar");
        let warm = fs::read(place.at("warm.tar")).unwrap();
        fs::remove_dir_all(place.at("store")).unwrap();
        place.build(&sample(), compression, "cold.tar");
        assert!(warm == fs::read(place.at("cold.tar")).unwrap());
    }
}

#[test]
fn a_chunk_that_is_known_is_not_compressed_again() {
    use crate::encoder::Encoder;
    use crate::store::chunks::ChunkIndex;
    let place = Place::new();
    place.build(&sample(), GZIP, "out");
    let encoder = Encoder::new(GZIP).unwrap();
    let store = place.store();
    let before = ChunkIndex::read(&store, encoder);
    place.build(&changed(), GZIP, "out");
    let after = ChunkIndex::read(&store, encoder);
    let fresh: Vec<_> = after.contents().filter(|content| !before.contains(content)).collect();
    assert_eq!(fresh.len(), 1, "one file changed, in one chunk");
    assert!(after.contents().count() > 3);
    for content in before.contents() {
        let (bytes, check) = before.find(content).expect("its blob is in the store");
        assert_eq!(*blake3::hash(&bytes).as_bytes(), check);
    }
    let other = Encoder::new(Compression { level: Some(1), ..GZIP }).unwrap();
    assert_eq!(ChunkIndex::read(&store, other).contents().count(), 0, "of another level");
}

#[test]
fn what_a_layer_begins_with_is_not_read_again_and_what_is_read_is_proved() {
    let place = Place::new();
    place.build(&sample(), GZIP, "out");
    place.build_afresh(&changed(), GZIP, "expected");
    // Nobody asks for the bytes of a file of the first chunk.
    let mut tree = changed();
    tree.contents.contents.remove(&imgc_planner::Digest::of(b"#!/bin/sh\necho hello\n"));
    place.build(&tree, GZIP, "out");
    assert!(content(&place.at("out")) == content(&place.at("expected")));

    // A file that has other bytes than when it was compressed is named, whatever the store knows. Its
    // end shares a chunk with what changed, so it is read from its beginning.
    let mut tree = sample();
    tree.file("/var/lib/small/00", 0o644, b"changed");
    let big = tree.contents.contents.values_mut().max_by_key(|bytes| bytes.len()).unwrap();
    big[0] ^= 1;
    let images = [spec("app", GZIP, vec![tree.layer()])];
    let (store, afresh) = (place.store(), Work::afresh(&tree.contents, workers(2)));
    let work = Work { store: Some(&store), ..afresh };
    let result = write_directory_if(&place.at("out"), &images, &work, &|_| true);
    assert!(matches!(result, Err(crate::error::WriteError::ContentChanged { .. })), "{result:?}");
}

/// What may happen to a file.
const DAMAGES: [&str; 12] = [
    "a bit flipped at the start",
    "a bit flipped in the middle",
    "a bit flipped at the end",
    "cut off",
    "empty",
    "longer",
    "zeros",
    "gone",
    "a directory",
    "a link",
    "a fifo",
    "not readable",
];

fn damage(path: &Path, kind: &str) {
    let bytes = fs::read(path).unwrap();
    let flipped = |place: usize| {
        let mut bytes = bytes.clone();
        bytes[place] ^= 0x10;
        bytes
    };
    // In place, as a write through another name of the file does it.
    let write = |bytes: &[u8]| fs::write(path, bytes).unwrap();
    match kind {
        "a bit flipped at the start" => write(&flipped(0)),
        "a bit flipped in the middle" => write(&flipped(bytes.len() / 2)),
        "a bit flipped at the end" => write(&flipped(bytes.len() - 1)),
        "cut off" => write(&bytes[..bytes.len() / 2]),
        "empty" => write(b""),
        "longer" => write(&[&bytes[..], b"x"].concat()),
        "zeros" => write(&vec![0; bytes.len()]),
        "not readable" => fs::set_permissions(path, fs::Permissions::from_mode(0o0)).unwrap(),
        _ => {
            fs::remove_file(path).unwrap();
            match kind {
                "gone" => {}
                "a directory" => {
                    fs::create_dir(path).unwrap();
                    fs::write(path.join("x"), "x").unwrap();
                }
                "a link" => symlink("/etc/passwd", path).unwrap(),
                "a fifo" => mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap(),
                _ => unreachable!("{kind}"),
            }
        }
    }
}

#[test]
fn what_is_damaged_is_found_and_made_again() {
    for room in ["blobs", "layers"] {
        for kind in DAMAGES {
            for (tree, expected) in [(light(), "first"), (changed_light(), "second")] {
                let place = Place::new();
                place.build_afresh(&tree, GZIP, expected);
                place.build(&light(), GZIP, "old");
                // Otherwise the old output is damaged with the store, which is none of our affair.
                fs::remove_dir_all(place.at("old")).unwrap();
                damage(&place.only(room), kind);
                for _ in 0..2 {
                    place.build(&tree, GZIP, "out");
                    let right = content(&place.at("out")) == content(&place.at(expected));
                    assert!(right, "{room}: {kind}: {expected}");
                }
                // What is damaged and not used stays.
                let used = if expected == "first" {
                    files(&place.at("store/store-1/blobs"))
                } else {
                    vec![]
                };
                for file in used {
                    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                    let digest = imgc_planner::BlobDigest::of(&fs::read(&file).unwrap());
                    assert_eq!(digest.hex(), name, "{room}: {kind} is healed");
                }
            }
        }
    }
}

#[test]
fn a_build_that_is_stopped_leaves_nothing() {
    let place = Place::new();
    let (tree, store) = (light(), place.store());
    let images = [spec("app", GZIP, vec![tree.layer()])];
    let mut outcomes = Vec::new();
    for calls in 0.. {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let is_stopped = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == calls;
        let afresh = Work::afresh(&tree.contents, workers(2));
        let work = Work { store: Some(&store), is_stopped: &is_stopped, ..afresh };
        match write_directory_if(&place.at("out"), &images, &work, &|_| true) {
            Err(crate::error::WriteError::Stopped) => assert!(!place.at("out").exists()),
            result => {
                outcomes.push(result.unwrap());
                break;
            }
        }
        assert_eq!(files(place.0.path()), [place.at("store")], "stopped at call {calls}");
        fs::remove_dir_all(place.at("store")).unwrap();
        Store::open(&place.at("store")).unwrap();
    }
    assert_eq!(outcomes.len(), 1);
}

#[test]
fn outputs_share_storage_with_the_store_and_not_with_each_other() {
    let place = Place::new();
    let layer = |named: &[NamedImage]| named[0].images[0].layers[0].descriptor.digest.hex();
    let inode = |output: &str, hex: &str| {
        let path = place.at(output).join("blobs/sha256").join(hex);
        path.metadata().unwrap().ino()
    };
    let hex = layer(&place.build(&light(), GZIP, "one"));
    let stored = place.only("blobs").metadata().unwrap();
    assert_eq!(inode("one", &hex), stored.ino(), "one storage");
    place.build(&light(), GZIP, "two");
    assert_ne!(inode("two", &hex), stored.ino(), "a copy");
    place.build(&light(), GZIP, "one");
    assert_eq!(inode("one", &hex), stored.ino(), "the old output gives way to the new one");
    fs::remove_dir_all(place.at("one")).unwrap();
    place.build(&light(), GZIP, "three");
    assert_eq!(inode("three", &hex), stored.ino(), "its other name is gone");

    // Who writes into an output changes the store, which hears of it; no other output changes.
    let before = content(&place.at("two"));
    fs::write(place.at("three/blobs/sha256").join(&hex), "overwritten").unwrap();
    assert!(content(&place.at("two")) == before);
    place.build(&light(), GZIP, "one");
    assert!(content(&place.at("one")) == before);
}

#[test]
fn a_store_is_its_owners_alone() {
    let place = Place::new();
    place.build(&light(), GZIP, "out");
    let mode = place.at("store").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    for mode in [0o777, 0o720, 0o1777] {
        fs::set_permissions(place.at("store"), fs::Permissions::from_mode(mode)).unwrap();
        let refused = Store::open(&place.at("store"));
        assert!(matches!(refused, Err(StoreError::Foreign { .. })), "{mode:o}");
    }
    let refused = Store::open(&place.at("out/index.json"));
    assert!(matches!(refused, Err(StoreError::Unusable { .. })));
    assert!(Store::open_existing(&place.at("none")).unwrap().is_none());
    // What else is in the directory is nobody's business.
    assert!(Store::open_existing(&place.at("out")).unwrap().is_none());
    if rustix::process::geteuid().is_root() {
        let nobody = rustix::fs::Uid::from_raw(65_534);
        rustix::fs::chown(place.at("out"), Some(nobody), None).unwrap();
        assert!(matches!(Store::open(&place.at("out")), Err(StoreError::Foreign { .. })));
    }
}

#[test]
fn what_a_dead_process_left_goes_and_what_a_living_one_holds_stays() {
    let place = Place::new();
    place.build(&light(), GZIP, "out");
    let dead = place.at("store/store-1/layers/.tmp.1.0");
    let held = place.at("store/store-1/layers/.tmp.2.0");
    fs::write(&dead, "half").unwrap();
    fs::write(&held, "half").unwrap();
    let holder = fs::File::open(&held).unwrap();
    let lock = rustix::fs::FlockOperation::LockExclusive;
    rustix::fs::flock(&holder, lock).unwrap();
    place.build(&changed_light(), GZIP, "out");
    assert!(!dead.exists());
    assert!(held.exists());
    drop(holder);
    place.build(&Tree::default(), GZIP, "out");
    assert!(!held.exists());
}
