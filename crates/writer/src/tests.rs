//! The laws of the bytes: what they depend on, and what they do not.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use imgc_planner::recipe::{Codec, Compression, Epoch, Expose, Id, ImageName, ImagePath, Mode};
use imgc_planner::recipe::{Platform, Protocol};
use imgc_planner::{ConfigSpec, Digest, Entry, EntryKind, ImageSpec, LayerSpec};

use crate::build::write_image;
use crate::error::WriteError;
use crate::image::Image;
use crate::memory::{MemoryContents, MemorySink};

pub(crate) const GZIP: Compression = Compression { codec: Codec::Gzip, level: None };
pub(crate) const ZSTD: Compression = Compression { codec: Codec::Zstd, level: None };
pub(crate) const NONE: Compression = Compression { codec: Codec::None, level: None };

pub(crate) fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).unwrap()
}

pub(crate) fn workers(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn entry(mode: u64, kind: EntryKind) -> Entry {
    Entry { mode: Mode::new(mode).unwrap(), uid: Id::ROOT, gid: Id::ROOT, kind, capabilities: None }
}

/// A layer under construction.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) entries: BTreeMap<ImagePath, Entry>,
    pub(crate) contents: MemoryContents,
}

impl Tree {
    pub(crate) fn put(&mut self, at: &str, entry: Entry) {
        let mut above = path(at);
        while let Some(parent) = above.parent().filter(|parent| !parent.is_root()) {
            let directory = self::entry(0o755, EntryKind::Directory);
            self.entries.entry(parent.clone()).or_insert(directory);
            above = parent;
        }
        self.entries.insert(path(at), entry);
    }

    pub(crate) fn file(&mut self, at: &str, mode: u64, content: &[u8]) {
        let (digest, size) = (self.contents.add(content), content.len() as u64);
        self.put(at, entry(mode, EntryKind::File { digest, size }));
    }

    pub(crate) fn symlink(&mut self, at: &str, target: &str) {
        self.put(at, entry(0o777, EntryKind::Symlink(target.as_bytes().into())));
    }

    pub(crate) fn hard_link(&mut self, at: &str, target: &str) {
        let mode = u64::from(self.entries[&path(target)].mode.bits());
        self.put(at, entry(mode, EntryKind::HardLink(path(target))));
    }

    pub(crate) fn layer(&self) -> LayerSpec {
        LayerSpec { comment: "imgc: layer `test`".into(), entries: self.entries.clone() }
    }
}

/// An image with everything that has an encoding of its own.
pub(crate) fn sample() -> Tree {
    let mut tree = Tree::default();
    tree.file("/bin/app", 0o755, b"#!/bin/sh\necho hello\n");
    tree.file("/bin/su", 0o4755, b"");
    tree.put("/tmp", entry(0o1777, EntryKind::Directory));
    tree.symlink("/bin/sh", "app");
    tree.symlink("/bin/long", &format!("/{}", "target/".repeat(20)));
    tree.symlink("/bin/ümlaut", "wörter");
    tree.file(&format!("/{}/{}", "prefix".repeat(20), "name".repeat(25)), 0o644, b"ustar\n");
    tree.file(&format!("/{}/{}", "long".repeat(50), "name".repeat(50)), 0o644, b"pax\n");
    tree.file("/srv/naïve café", 0o600, b"utf-8\n");
    tree.hard_link("/srv/a-link", "/srv/naïve café");
    tree.hard_link("/srv/z-link", "/srv/naïve café");
    tree.file("/srv/owned", 0o644, b"big ids\n");
    let owned = tree.entries.get_mut(&path("/srv/owned")).unwrap();
    (owned.uid, owned.gid) = (Id::new(4_294_967_294).unwrap(), Id::new(2_097_152).unwrap());
    // More than one chunk, with a border that no member shares.
    let numbers: Vec<u8> = (0..400_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
    tree.file("/var/lib/big", 0o644, &numbers);
    for number in 0..40 {
        tree.file(&format!("/var/lib/small/{number:02}"), 0o644, &numbers[number * 1000..40_000]);
    }
    tree
}

pub(crate) fn spec(name: &str, compression: Compression, layers: Vec<LayerSpec>) -> ImageSpec {
    let text = |text: &str| text.to_owned();
    ImageSpec {
        name: ImageName::parse(name).unwrap(),
        platform: Platform::parse("linux/amd64").unwrap(),
        created: Epoch::parse("2026-11-20").unwrap(),
        config: ConfigSpec {
            uid: Id::NONROOT,
            gid: Id::NONROOT,
            env: vec![(text("PATH"), text("/bin")), (text("LANG"), text("C.UTF-8"))],
            entrypoint: vec![text("/bin/app"), text("--quote=\"\\")],
            command: vec![],
            workdir: path("/srv"),
            expose: BTreeSet::from([Expose {
                port: 8080.try_into().unwrap(),
                protocol: Protocol::Tcp,
            }]),
            volumes: BTreeSet::from([path("/tmp")]),
            stop_signal: Some(text("SIGTERM")),
            labels: (0..50).map(|n| (format!("label.{n}"), format!("{n}\n"))).collect(),
        },
        layers,
        compression,
        annotations: BTreeMap::from([(text("org.example.note"), text("é"))]),
    }
}

pub(crate) fn write(tree: &Tree, spec: &ImageSpec, number: usize) -> (Image, MemorySink) {
    let sink = MemorySink::default();
    let image = write_image(spec, &tree.contents, workers(number), &sink).unwrap();
    (image, sink)
}

#[test]
fn bytes_do_not_depend_on_threads_or_reads() {
    let mut tree = sample();
    for compression in [GZIP, ZSTD, NONE] {
        let spec = spec("app", compression, vec![tree.layer()]);
        let (image, sink) = write(&tree, &spec, 1);
        let blobs = sink.blobs.lock().unwrap();
        for (number, short_reads) in [(1, true), (2, false), (8, false), (8, true)] {
            tree.contents.short_reads = short_reads;
            let (other, others) = write(&tree, &spec, number);
            assert_eq!(image, other);
            assert_eq!(*blobs, *others.blobs.lock().unwrap());
        }
        tree.contents.short_reads = false;
    }
}

#[test]
fn bytes_do_not_depend_on_the_order_of_insertion() {
    let tree = sample();
    let mut backwards = Tree::default();
    for (path, entry) in tree.entries.iter().rev() {
        backwards.entries.insert(path.clone(), entry.clone());
    }
    let image = write(&tree, &spec("app", GZIP, vec![tree.layer()]), 2).0;
    assert_eq!(image, write(&tree, &spec("app", GZIP, vec![backwards.layer()]), 2).0);
}

#[test]
fn which_name_a_hard_link_calls_the_file_does_not_matter() {
    let tree = sample();
    let mut other = sample();
    let file = other.entries[&path("/srv/naïve café")].clone();
    other.entries.insert(path("/srv/z-link"), file);
    other.hard_link("/srv/a-link", "/srv/z-link");
    other.hard_link("/srv/naïve café", "/srv/z-link");
    let image = write(&tree, &spec("app", NONE, vec![tree.layer()]), 2).0;
    assert_eq!(image, write(&tree, &spec("app", NONE, vec![other.layer()]), 2).0);
}

#[test]
fn diff_ids_do_not_depend_on_the_codec() {
    let tree = sample();
    let diff_ids: BTreeSet<_> = [GZIP, ZSTD, NONE]
        .map(|codec| write(&tree, &spec("app", codec, vec![tree.layer()]), 2).0.layers[0].diff_id)
        .into();
    assert_eq!(diff_ids.len(), 1);
}

#[test]
fn every_level_gives_an_image_and_no_other_does() {
    let mut tree = Tree::default();
    tree.file("/a", 0o644, &(0..90_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    for (codec, levels) in [(Codec::Gzip, 12), (Codec::Zstd, 19)] {
        for level in 0..=levels + 1 {
            let compression = Compression { codec, level: Some(level) };
            let spec = spec("app", compression, vec![tree.layer()]);
            let sink = MemorySink::default();
            let result = write_image(&spec, &tree.contents, workers(1), &sink);
            assert_eq!(result.is_ok(), (1..=levels).contains(&level), "{codec:?} {level}");
        }
    }
}

#[test]
fn contents_that_changed_are_an_error() {
    let check = |size: u64, content: &[u8], expected: &str| {
        let mut tree = Tree::default();
        let digest = Digest::of(b"planned");
        tree.put("/etc/file", entry(0o644, EntryKind::File { digest, size }));
        tree.contents.contents.insert(digest, content.to_vec());
        let sink = MemorySink::default();
        let spec = spec("app", GZIP, vec![tree.layer()]);
        let error = write_image(&spec, &tree.contents, workers(2), &sink).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(sink.blobs.lock().unwrap().is_empty());
    };
    let end = "changed while the image was built: found";
    check(
        7,
        b"changed",
        &format!(
            "the content of `/etc/file` {end} {}, planned {}",
            Digest::of(b"changed"),
            Digest::of(b"planned")
        ),
    );
    check(7, b"short", &format!("the size of `/etc/file` {end} 5 bytes, planned 7"));
    check(7, b"planned and", &format!("the size of `/etc/file` {end} 8 bytes or more, planned 7"));
    check(6, b"planned", &format!("the size of `/etc/file` {end} 7 bytes or more, planned 6"));
}

#[test]
fn a_content_that_is_missing_and_a_full_disk_are_errors() {
    let mut tree = sample();
    let spec = spec("app", GZIP, vec![tree.layer()]);
    for space in [0, 10, 100_000] {
        let sink = MemorySink { space: Some(space), ..MemorySink::default() };
        let error = write_image(&spec, &tree.contents, workers(3), &sink).unwrap_err();
        assert!(matches!(error, WriteError::Io { action: "write", .. }), "{error:?}");
    }
    tree.contents.contents.remove(&Digest::of(b"pax\n"));
    let error = write_image(&spec, &tree.contents, workers(3), &MemorySink::default());
    assert!(matches!(error, Err(WriteError::ContentUnreadable { .. })), "{error:?}");
}

#[test]
fn specs_that_no_engine_takes_are_refused() {
    let check = |problem: &str, change: &dyn Fn(&mut Tree)| {
        let mut tree = sample();
        change(&mut tree);
        let spec = spec("app", GZIP, vec![tree.layer()]);
        let error = write_image(&spec, &tree.contents, workers(1), &MemorySink::default());
        assert!(error.unwrap_err().to_string().ends_with(problem), "{problem}");
    };
    check("no directory stands above it in its layer", &|tree| {
        tree.entries.remove(&path("/srv"));
    });
    check("no directory stands above it in its layer", &|tree| tree.symlink("/srv", "tmp"));
    check("a hard link leads nowhere", &|tree| {
        tree.entries.remove(&path("/srv/naïve café"));
    });
    check("a hard link leads to no file", &|tree| tree.hard_link("/bin/x", "/srv"));
    check("a hard link leads to no file", &|tree| tree.hard_link("/bin/x", "/srv/a-link"));
    check("a hard link differs from its target", &|tree| {
        tree.entries.get_mut(&path("/srv/a-link")).unwrap().uid = Id::NONROOT;
    });
    check("the root has no name in a layer", &|tree| {
        tree.put("/", entry(0o755, EntryKind::Directory));
    });
}

#[test]
fn capabilities_are_an_attribute_of_the_file_and_of_no_other_name() {
    let mut tree = Tree::default();
    tree.file("/a", 0o755, b"program");
    tree.hard_link("/b", "/a");
    // The bits of capabilities 1 and 3 are those of a line break, which no reader may stop at.
    let text = "cap_dac_override,cap_fowner=ep";
    let capabilities = imgc_planner::recipe::Capabilities::parse(text).unwrap();
    tree.entries.get_mut(&path("/a")).unwrap().capabilities = Some(capabilities);
    let layer = tree.layer();
    let headers: Vec<Vec<u8>> = crate::layer::members(&layer)
        .unwrap()
        .iter()
        .map(|planned| planned.member.header())
        .collect();
    let record = [b"57 SCHILY.xattr.security.capability=", &capabilities.attribute()[..], b"\n"];
    let record = record.concat();
    assert!(headers[0][512..].starts_with(&record), "{:?}", &headers[0][512..600]);
    assert_eq!((headers[0].len(), headers[1].len()), (3 * 512, 512));
}
