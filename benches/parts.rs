//! How fast the parts are: `cargo bench`. Each is run for half a second or more; what is printed is the
//! fastest run. For whole builds, and for other tools, there is `benches/compare`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use imgc_parser::{
    Codec, Compression, Epoch, Id, ImageName, ImagePath, Mode, Platform, ProjectPath, SourceMap,
    SourceText, Texts,
};
use imgc_planner::{ConfigSpec, Digest, Entry, EntryKind, ImageSpec, LayerSpec};
use imgc_resolver::{HostPath, Look, Notes};
use imgc_writer::{Content, Contents, Discard, write_image};

const LEAST: Duration = Duration::from_millis(500);

/// Runs `work` again and again; prints its name and how much it does a second.
fn bench(name: &str, amount: f64, unit: &str, mut work: impl FnMut()) {
    let (start, mut best, mut runs) = (Instant::now(), Duration::MAX, 0);
    while start.elapsed() < LEAST || runs < 3 {
        let begin = Instant::now();
        work();
        best = best.min(begin.elapsed());
        runs += 1;
    }
    let rate = amount / best.as_secs_f64();
    println!("{name:<44} {:>10.3} ms {rate:>12.1} {unit}/s", best.as_secs_f64() * 1000.0);
}

/// One content for every digest.
struct OneContent(Arc<[u8]>);

impl Contents for OneContent {
    fn open(&self, _digest: &Digest) -> io::Result<Box<dyn Content>> {
        Ok(Box::new(Bytes(Arc::clone(&self.0))))
    }
}

struct Bytes(Arc<[u8]>);

impl Content for Bytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// Bytes that compress about as programs do: this program itself.
fn program() -> Vec<u8> {
    let path = std::env::current_exe().expect("it runs");
    std::fs::read(path).expect("it can be read")
}

fn spec(content: &[u8], codec: Codec, level: Option<u8>) -> ImageSpec {
    let (digest, size) = (Digest::of(content), content.len() as u64);
    let kind = EntryKind::File { digest, size };
    let (mode, capabilities) = (Mode::EXECUTABLE, Default::default());
    let entry = Entry { mode, uid: Id::ROOT, gid: Id::ROOT, capabilities, kind };
    let path = |text: &str| ImagePath::parse(text.as_bytes()).expect("a path");
    ImageSpec {
        name: ImageName::parse("bench").expect("a name"),
        platform: Platform::parse("linux/amd64").expect("a platform"),
        created: Epoch::ZERO,
        config: ConfigSpec {
            uid: Id::NONROOT,
            gid: Id::NONROOT,
            env: Vec::new(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            workdir: path("/"),
            expose: Default::default(),
            volumes: Default::default(),
            stop_signal: None,
            labels: BTreeMap::new(),
        },
        layers: vec![LayerSpec {
            comment: "bench".into(),
            entries: BTreeMap::from([(path("/app"), entry)]),
        }],
        compression: Compression { codec, level },
        annotations: BTreeMap::new(),
    }
}

struct Recipe(String);

impl Texts for Recipe {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        Ok(SourceText { name: path.to_string(), bytes: self.0.clone().into_bytes() })
    }
}

fn main() {
    let content = program();
    let megabytes = content.len() as f64 / 1e6;
    println!("{megabytes:.1} MB of this program; one thread compresses unless said otherwise\n");

    bench("SHA-256", megabytes, "MB", || {
        black_box(Digest::of(&content));
    });
    let contents = OneContent(content.clone().into());
    let levels = [
        (Codec::None, None),
        (Codec::Gzip, Some(1)),
        (Codec::Gzip, Some(6)),
        (Codec::Gzip, Some(9)),
        (Codec::Zstd, Some(3)),
    ];
    for (codec, level) in levels {
        let spec = spec(&content, codec, level);
        for workers in [1, 2] {
            let name = format!("a layer, {codec:?} {level:?}, {workers} workers");
            let workers = NonZeroUsize::new(workers).expect("more than none");
            bench(&name, megabytes, "MB", || {
                drop(black_box(write_image(&spec, &contents, workers, &Discard)));
            });
        }
    }

    let lines: String =
        (0..1000).map(|n| format!("file \"/srv/{n}\" from=\"data/{n}\"\n")).collect();
    let main = ProjectPath::resolve(&ProjectPath::project(), "recipe.kdl").expect("a path");
    let mut texts = Recipe(lines);
    bench("a recipe of 1000 files, parsed", 1000.0, "nodes", || {
        drop(black_box(imgc_parser::parse(&main, &mut texts, &mut SourceMap::default())));
    });
    let recipe = imgc_parser::parse(&main, &mut texts, &mut SourceMap::default());
    let recipe = recipe.unwrap_or_else(|errors| panic!("{errors:?}"));
    bench("the same, planned", 1000.0, "nodes", || {
        drop(black_box(imgc_planner::plan(&recipe)));
    });

    let directory = std::fs::read_dir("/usr/bin").expect("there are programs");
    let paths: Vec<HostPath> = directory
        .flatten()
        .map(|entry| HostPath::new(entry.path().as_os_str().as_encoded_bytes()))
        .collect();
    let notes = Notes::take(&paths, Look::Itself).encode();
    bench("a receipt's paths, looked at again", paths.len() as f64, "paths", || {
        assert!(black_box(Notes::hold(&notes)));
    });
}
