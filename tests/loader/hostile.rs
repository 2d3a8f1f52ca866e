//! Files that no linker makes: cut, flipped, and crafted. `imgc ldd` may say what it likes about
//! them, but must say it soon, and must not crash.

use super::answer::program;
use super::case::Family;
use super::elf::{self, Elf, Value};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long one call may take. The slowest takes some seconds in a debug build.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many files one call is given.
const BATCH: usize = 500;

#[test]
fn damaged_files_never_crash_ldd() {
    let Some(tree) = Tree::new() else { return };
    let library = elf::write(&Elf {
        dynamic: Some(vec![
            text(elf::DT_NEEDED, "libx.so"),
            text(elf::DT_SONAME, "liba.so"),
            text(elf::DT_RUNPATH, "$ORIGIN/x:/y"),
        ]),
        defines: vec!["V1".into()],
        requires: vec![("libx.so".into(), "V1".into(), false)],
        isa: 1,
        ..Elf::default()
    });
    let start = program_that_needs("liba.so");
    let mut files = Vec::new();
    for (number, bytes) in damaged(&start).enumerate() {
        files.push(tree.put(&format!("/programs/{number}"), &bytes));
    }
    for (number, bytes) in damaged(&library).enumerate() {
        let path = tree.put(&format!("/libraries/{number}.so"), &bytes);
        files.push(tree.put(&format!("/users/{number}"), &program_that_needs(&path)));
    }
    tree.ask(&files);
}

#[test]
fn damaged_real_files_never_crash_ldd() {
    let Some(tree) = Tree::new() else { return };
    let mut files = Vec::new();
    let real = ["/usr/bin/true", "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"];
    for (index, path) in real.iter().enumerate() {
        let Ok(bytes) = fs::read(path) else { continue };
        // The headers bit by bit, the rest by samples: it is long, and read in few places.
        let flips = (0..0x400 * 8).step_by(7).chain((0x400 * 8..bytes.len() * 8).step_by(9973));
        for bit in flips {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let file = tree.put(&format!("/flipped/{index}-{bit}"), &flipped);
            // A program is started, a loader is what a program names.
            files.push(if index == 0 {
                file
            } else {
                tree.put(&format!("/started/{index}-{bit}"), &program_with_loader(&file))
            });
        }
        for length in (0..bytes.len()).step_by(bytes.len() / 200) {
            files.push(tree.put(&format!("/cut/{index}-{length}"), &bytes[..length]));
        }
    }
    tree.ask(&files);
}

#[test]
fn crafted_files_never_crash_ldd() {
    let Some(tree) = Tree::new() else { return };
    let mut files = Vec::new();
    for (name, elf) in crafted() {
        let path = tree.put(&format!("/libraries/{name}"), &elf::write(&elf));
        files.push(tree.put(&format!("/users/{name}"), &program_that_needs(&path)));
        let interpreter = Some(Family::Glibc.interpreter().into());
        files
            .push(tree.put(&format!("/programs/{name}"), &elf::write(&Elf { interpreter, ..elf })));
    }
    // Tables that are long, but cost nothing on the disk.
    let bytes = program_that_needs("liba.so");
    let path = tree.put("/programs/sparse", &bytes);
    let file = fs::OpenOptions::new().write(true).open(tree.host(&path));
    file.and_then(|file| file.set_len(5 << 30)).expect("a file can be made long");
    files.push(path);
    tree.ask(&files);
}

/// Returns the table of what was tried against other parsers, as programs and as libraries.
fn crafted() -> Vec<(&'static str, Elf)> {
    let (strtab, symtab, strsz) = (5, 6, 10);
    let (verdef, verneed) = (0x6fff_fffc, 0x6fff_fffe);
    let base = || Elf {
        dynamic: Some(vec![text(elf::DT_NEEDED, "liba.so")]),
        defines: vec!["V1".into()],
        requires: vec![("liba.so".into(), "V1".into(), false)],
        ..Elf::default()
    };
    let last = |entries: &[(u64, u64)]| Elf { last: entries.to_vec(), ..base() };
    let needs = |names: &[&str]| Elf {
        dynamic: Some(names.iter().map(|name| text(elf::DT_NEEDED, name)).collect()),
        ..Elf::default()
    };
    let paths = |path: &str| Elf {
        dynamic: Some(vec![text(elf::DT_RUNPATH, path), text(elf::DT_NEEDED, "liba.so")]),
        ..Elf::default()
    };
    let needed_at = |offset: u64| Elf {
        dynamic: Some(vec![
            (elf::DT_NEEDED, Value::Number(offset)),
            text(elf::DT_NEEDED, "liba.so"),
        ]),
        ..Elf::default()
    };
    vec![
        ("needed-behind-the-strings", needed_at(1 << 20)),
        ("needed-at-the-end-of-numbers", needed_at(u64::MAX)),
        ("strings-at-0", last(&[(strtab, 0)])),
        ("strings-unmapped", last(&[(strtab, 0xdead_0000)])),
        ("strings-at-the-end-of-numbers", last(&[(strtab, u64::MAX - 1)])),
        ("strings-without-size", last(&[(strsz, 0)])),
        ("strings-without-end", last(&[(strsz, u64::MAX)])),
        ("symbols-unmapped", last(&[(symtab, 0xdead_0000)])),
        ("definitions-unmapped", last(&[(verdef, 0xdead_0000)])),
        ("definitions-in-the-header", last(&[(verdef, 0), (verdef + 1, u64::MAX)])),
        ("requirements-unmapped", last(&[(verneed, u64::MAX)])),
        ("requirements-in-the-header", last(&[(verneed, 8), (verneed + 1, u64::MAX)])),
        (
            "names-that-leave-the-root",
            needs(&["../../../etc/shadow", "/../../etc/shadow", "..", "."]),
        ),
        (
            "names-for-terminals",
            needs(&["lib\n\x1b]0;x\x07.so", "\x1b[2J", "\u{202e}os.bil", "\u{9b}31m"]),
        ),
        ("names-of-nothing", needs(&["", "/", "//", " ", "\t"])),
        ("name-of-a-megabyte", needs(&[&"a".repeat(1 << 20)])),
        ("name-of-a-megabyte-of-slashes", needs(&[&"/".repeat(1 << 20)])),
        ("name-of-a-megabyte-of-dots", needs(&[&"../".repeat(350_000)])),
        ("name-of-tokens", needs(&[&"$ORIGIN".repeat(10_000), &"${".repeat(100_000)])),
        ("path-of-colons", paths(&":".repeat(100_000))),
        ("path-of-tokens", paths(&"$ORIGIN/$LIB:".repeat(2_000))),
        ("path-of-directories", paths(&(0..2_000).map(|n| format!("/{n}:")).collect::<String>())),
        (
            "a-million-names",
            Elf {
                dynamic: Some(vec![(elf::DT_NEEDED, Value::Number(0)); 1_000_000]),
                ..Elf::default()
            },
        ),
        ("sixty-thousand-names", needs(&vec!["libgone.so"; 60_000])),
        (
            "audit-of-itself",
            Elf {
                dynamic: Some(vec![text(elf::DT_AUDIT, "/libraries/audit-of-itself:::")]),
                ..Elf::default()
            },
        ),
        (
            "filter-of-itself",
            Elf {
                dynamic: Some(vec![text(elf::DT_FILTER, "/libraries/filter-of-itself")]),
                ..Elf::default()
            },
        ),
        (
            "loader-is-itself",
            Elf { interpreter: Some(b"/libraries/loader-is-itself".into()), ..base() },
        ),
        ("no-table-but-versions", Elf { dynamic: None, ..base() }),
    ]
}

fn text(tag: u64, value: &str) -> (u64, Value) {
    (tag, Value::Text(value.into()))
}

fn program_that_needs(name: &str) -> Vec<u8> {
    elf::write(&Elf {
        interpreter: Some(Family::Glibc.interpreter().into()),
        dynamic: Some(vec![text(elf::DT_NEEDED, name), text(elf::DT_RUNPATH, "/libraries")]),
        ..Elf::default()
    })
}

fn program_with_loader(path: &str) -> Vec<u8> {
    let dynamic = Some(vec![text(elf::DT_NEEDED, "liba.so")]);
    elf::write(&Elf { interpreter: Some(path.into()), dynamic, ..Elf::default() })
}

/// Returns `bytes` cut at every length, with every bit flipped, and with extreme numbers at every
/// place that is aligned for them.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..bytes.len()).map(|length| bytes[..length].to_vec());
    let flipped = (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    });
    const EXTREMES: [u64; 4] = [0, u64::MAX, 1 << 63, 0x7fff_ffff];
    let replaced = (0..bytes.len() - 8).step_by(4).flat_map(|at| {
        EXTREMES.map(|number| {
            let mut replaced = bytes.to_vec();
            replaced[at..at + 8].copy_from_slice(&number.to_le_bytes());
            replaced
        })
    });
    cut.chain(flipped).chain(replaced)
}

/// A root full of bad files, with a good loader.
struct Tree(tempfile::TempDir);

impl Tree {
    /// `None`: there is nothing to ask, or nothing to ask about.
    fn new() -> Option<Tree> {
        let tree = Tree(tempfile::tempdir().expect("there is room for temporary files"));
        let Ok(loader) = fs::read(Family::Glibc.interpreter()) else {
            eprintln!("hostile files: skipped, the loader is not installed");
            return None;
        };
        tree.put(Family::Glibc.interpreter(), &loader);
        tree.put("/lib/liba.so", &elf::write(&Elf { dynamic: Some(Vec::new()), ..Elf::default() }));
        Some(tree)
    }

    fn host(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    /// Writes a file and returns its path in the root.
    fn put(&self, path: &str, bytes: &[u8]) -> String {
        use std::os::unix::fs::OpenOptionsExt as _;
        let host = self.host(path);
        fs::create_dir_all(host.parent().unwrap_or(Path::new("/")))
            .expect("a directory can be made");
        let file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o755).open(host);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
            .expect("a file can be written");
        path.to_owned()
    }

    /// Gives the files to `imgc ldd`, many at a time; a crash is traced to the file.
    fn ask(&self, files: &[String]) {
        let mut crashes = Vec::new();
        for batch in files.chunks(BATCH) {
            if self.call(batch).is_err() {
                crashes.extend(batch.iter().filter_map(|file| {
                    let how = self.call(std::slice::from_ref(file)).err()?;
                    Some(format!("{file}: {how}"))
                }));
                assert!(!crashes.is_empty(), "{}: only together", batch.join(" "));
            }
        }
        eprintln!("hostile files: {} files, {} crashes", files.len(), crashes.len());
        if !crashes.is_empty() && std::env::var_os("LOADER_KEEP").is_some() {
            let kept = std::env::temp_dir().join("imgc-hostile");
            fs::rename(self.0.path(), kept).expect("the tree can be kept");
        }
        assert!(crashes.is_empty(), "{}", crashes.join("\n"));
    }

    fn call(&self, files: &[String]) -> Result<(), String> {
        let mut command = Command::new(program());
        command.args(["ldd", "--json", "--root"]).arg(self.0.path()).arg("--").args(files);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let begin = Instant::now();
        let mut child = command.spawn().expect("imgc can be started");
        loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                // 101: a panic; a signal: an abort, a stack overflow, no memory.
                let crashed = status.code() == Some(101) || status.signal().is_some();
                return if crashed { Err(status.to_string()) } else { Ok(()) };
            }
            if begin.elapsed() > PATIENCE {
                child.kill().and_then(|()| child.wait()).expect("a child can be ended");
                return Err(format!("still not done after {PATIENCE:?}"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
