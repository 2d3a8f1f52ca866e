//! Packs files of this machine into an image, to try engines and to measure encoders:
//!
//! ```sh
//! cargo run --release -p imgc-writer --example pack -- gzip:6 2 out.tar rg /usr/bin/rg /lib/…
//! ```
//!
//! The arguments are the codec with its level, the number of workers, the output (an archive if it
//! ends in `.tar`), the image's name, and files; `PROGRAM=/PATH` is the entrypoint, `LINK->TARGET`
//! a symbolic link. No closure is looked for: name every library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::SystemTime;

use imgc_planner::recipe::{Codec, Compression, Epoch, Id, ImageName, ImagePath, Mode, Platform};
use imgc_planner::{ConfigSpec, Digest, Entry, EntryKind, ImageSpec, LayerSpec};
use imgc_writer::{Content, Contents, write_archive, write_directory};

struct Files(BTreeMap<Digest, String>);

impl Contents for Files {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Content>> {
        let path = self.0.get(digest).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(File::open(path)?))
    }
}

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::disallowed_methods, reason = "a measurement takes the time")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [codec, workers, output, name, files @ ..] = arguments.as_slice() else {
        return Err("arguments: CODEC[:LEVEL] WORKERS OUTPUT NAME FILE…".into());
    };
    let mut contents = Files(BTreeMap::new());
    let (mut entries, mut entrypoint) = (BTreeMap::new(), Vec::new());
    for file in files {
        let (kind, path) = if let Some((link, target)) = file.split_once("->") {
            (EntryKind::Symlink(target.as_bytes().into()), link)
        } else {
            let path = match file.strip_prefix("PROGRAM=") {
                Some(program) => {
                    entrypoint = vec![program.to_owned()];
                    program
                }
                None => file,
            };
            let bytes = fs::read(path)?;
            let digest = Digest::of(&bytes);
            contents.0.insert(digest, path.to_owned());
            (EntryKind::File { digest, size: bytes.len() as u64 }, path)
        };
        let mut path = ImagePath::parse(path.as_bytes())?;
        let mode =
            if matches!(kind, EntryKind::Symlink(_)) { Mode::SYMLINK } else { Mode::EXECUTABLE };
        entries.insert(
            path.clone(),
            Entry { mode, uid: Id::ROOT, gid: Id::ROOT, kind, capabilities: None },
        );
        while let Some(parent) = path.parent().filter(|parent| !parent.is_root()) {
            let (mode, kind) = (Mode::EXECUTABLE, EntryKind::Directory);
            let directory = Entry { mode, uid: Id::ROOT, gid: Id::ROOT, kind, capabilities: None };
            entries.entry(parent.clone()).or_insert(directory);
            path = parent;
        }
    }
    let (codec, level) = codec.split_once(':').unwrap_or((codec, ""));
    let codec = match codec {
        "gzip" => Codec::Gzip,
        "zstd" => Codec::Zstd,
        _ => Codec::None,
    };
    let spec = ImageSpec {
        name: ImageName::parse(name)?,
        platform: Platform::parse("linux/amd64")?,
        created: Epoch::parse("2026-11-20")?,
        config: ConfigSpec {
            uid: Id::NONROOT,
            gid: Id::NONROOT,
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            entrypoint,
            command: Vec::new(),
            workdir: ImagePath::root(),
            expose: BTreeSet::new(),
            volumes: BTreeSet::new(),
            stop_signal: None,
            labels: BTreeMap::from([("org.opencontainers.image.title".into(), name.clone())]),
        },
        layers: vec![LayerSpec { comment: "imgc: files".into(), entries }],
        compression: Compression { codec, level: level.parse().ok() },
        annotations: BTreeMap::new(),
    };
    let workers: NonZeroUsize = workers.parse()?;
    let start = SystemTime::now();
    let write = if output.ends_with(".tar") { write_archive } else { write_directory };
    let named = write(Path::new(output), &[spec], &contents, workers)?;
    let time = start.elapsed()?;
    let layer = &named[0].images[0].layers[0];
    println!(
        "{} {} bytes of {} in {:.3} s",
        named[0].descriptor.digest,
        layer.descriptor.size,
        layer.archive_size,
        time.as_secs_f64()
    );
    Ok(())
}
