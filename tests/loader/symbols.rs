//! `imgc ldd --symbols` against the loader, on programs that a compiler made.
//!
//! The loader is asked as `ldd -r` asks it, on the machine itself or in the emulator: the symbols that it does not find
//! must be those that imgc does not find.

use super::answer;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// One way to make a program whose library is another one when it starts.
struct Way {
    name: &'static str,
    /// Options for both.
    options: &'static [&'static str],
    /// The library that the program is linked with, and the one that it finds.
    linked: &'static str,
    found: &'static str,
    /// Versions of each.
    linked_versions: Option<&'static str>,
    found_versions: Option<&'static str>,
    /// The exit code.
    status: i32,
}

const PROGRAM: &str = "int call(void); extern int data; int *pointer = &data;\n\
                       __attribute__((weak)) int absent(void);\n\
                       int main(void) { return absent ? absent() : call() + *pointer; }\n";
const BOTH: &str = "int call(void) { return 0; } int data;\n";
const NO_CALL: &str = "int data;\n";
const NO_DATA: &str = "int call(void) { return 0; }\n";
const VERSION_1: &str = "V_1 { global: call; data; local: *; };\n";
const VERSION_2: &str = "V_1 { global: data; local: *; }; V_2 { global: call; } V_1;\n";

const WAYS: [Way; 8] = [
    Way { name: "complete", linked: BOTH, found: BOTH, status: 0, ..WAY },
    Way { name: "lazy_call", found: NO_CALL, status: 1, ..WAY },
    Way { name: "bound_call", options: &["-Wl,-z,now"], found: NO_CALL, status: 3, ..WAY },
    Way { name: "data", found: NO_DATA, status: 3, ..WAY },
    Way { name: "old_hash", options: &["-Wl,-z,lazy,--hash-style=sysv"], found: NO_CALL, ..WAY },
    Way {
        name: "copy",
        options: &["-no-pie", "-fno-pie", "-Wl,-z,lazy"],
        found: NO_DATA,
        status: 3,
        ..WAY
    },
    Way {
        name: "version_of_symbol_moved",
        linked_versions: Some(VERSION_1),
        found_versions: Some(VERSION_2),
        ..WAY
    },
    // The loader is ended by an assertion: nothing is asked of it.
    Way { name: "versions_are_gone", linked_versions: Some(VERSION_1), status: 3, ..WAY },
];

const WAY: Way = Way {
    name: "",
    options: &["-Wl,-z,lazy"],
    linked: BOTH,
    found: BOTH,
    linked_versions: None,
    found_versions: None,
    status: 1,
};

/// A machine: its compiler, the emulator and the root of its libraries.
const MACHINES: [(&str, Option<(&str, &str)>); 3] = [
    ("gcc", None),
    ("aarch64-linux-gnu-gcc", Some(("qemu-aarch64-static", "/usr/aarch64-linux-gnu"))),
    ("arm-linux-gnueabihf-gcc", Some(("qemu-arm-static", "/usr/arm-linux-gnueabihf"))),
];

#[test]
fn undefined_symbols_are_those_of_the_loader() {
    for (compiler, emulator) in MACHINES {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let mut asked = 0;
        for way in &WAYS {
            let place = directory.path().join(way.name);
            if !make(compiler, way, &place) {
                break;
            }
            let ours = ours(&place, way, emulator.map(|(_, root)| root));
            if way.name != "versions_are_gone" {
                match theirs(&place, emulator) {
                    Some(theirs) => assert_eq!(ours, theirs, "{compiler} {}", way.name),
                    None => continue,
                }
            }
            asked += 1;
        }
        eprintln!("symbols: {compiler}: {asked} of {} ways agree", WAYS.len());
    }
}

/// Compiles a program and the library that it finds. False if there is no such compiler.
fn make(compiler: &str, way: &Way, place: &Path) -> bool {
    fs::create_dir_all(place).expect("a directory can be made");
    fs::write(place.join("p.c"), PROGRAM).expect("a file can be written");
    let library = |source: &str, versions: Option<&str>| {
        fs::write(place.join("l.c"), source).expect("a file can be written");
        let mut command = Command::new(compiler);
        command.args(["-shared", "-fPIC", "-o", "liblib.so", "l.c", "-Wl,-soname,liblib.so"]);
        command.args(way.options.iter().filter(|option| option.starts_with("-Wl")));
        if let Some(versions) = versions {
            fs::write(place.join("versions"), versions).expect("a file can be written");
            command.arg("-Wl,--version-script,versions");
        }
        command.current_dir(place).output().is_ok_and(|output| output.status.success())
    };
    let program = || {
        let mut command = Command::new(compiler);
        command.args(["-o", "p", "p.c", "-L.", "-llib", "-Wl,-rpath,$ORIGIN"]).args(way.options);
        command.current_dir(place).output().is_ok_and(|output| output.status.success())
    };
    library(way.linked, way.linked_versions) && program() && library(way.found, way.found_versions)
}

/// Returns the names that imgc does not find.
fn ours(place: &Path, way: &Way, libraries: Option<&str>) -> BTreeSet<String> {
    let mut command = Command::new(answer::program());
    command.args(["ldd", "--json", "--symbols"]);
    match libraries {
        Some(libraries) => {
            // The machine's libraries, where its loader looks for them.
            for name in ["lib", "lib64"] {
                let from = Path::new(libraries).join(name);
                if from.is_dir() {
                    let copied = Command::new("cp").arg("-a").args([&from, place]).status();
                    assert!(copied.is_ok_and(|status| status.success()), "{}", from.display());
                }
            }
            command.arg("--root").arg(place).arg("/p");
        }
        None => drop(command.arg(place.join("p"))),
    }
    let output = command.output().expect("imgc can be started");
    let values = answer::parse(&output).expect("it is JSON");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(way.status), "{}: {text}", way.name);
    let problems = values[0]["problems"].as_array().expect("there is a list of problems").clone();
    problems.iter().filter_map(|problem| undefined(problem.as_str()?)).collect()
}

/// Returns the names that the loader does not find, or nothing if it cannot be asked.
fn theirs(place: &Path, emulator: Option<(&str, &str)>) -> Option<BTreeSet<String>> {
    const ASKED: [(&str, &str); 3] =
        [("LD_TRACE_LOADED_OBJECTS", "1"), ("LD_WARN", "1"), ("LD_BIND_NOW", "1")];
    let mut command = match emulator {
        Some((emulator, libraries)) => {
            let mut command = Command::new(emulator);
            command.args(["-L", libraries]);
            for (name, value) in ASKED {
                command.arg("-E").arg(format!("{name}={value}"));
            }
            command
        }
        None => {
            let mut command = Command::new("/usr/bin/env");
            command.arg("-i");
            command.args(ASKED.map(|(name, value)| format!("{name}={value}")));
            command
        }
    };
    let output = command.arg(place.join("p")).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.contains("libc.so.6").then(|| text.lines().filter_map(undefined).collect())
}

/// Reads a name from `undefined symbol: NAME` or `symbol NAME, version V not defined`.
fn undefined(line: &str) -> Option<String> {
    let rest = match line.split_once("undefined symbol: ") {
        Some((_, rest)) => rest,
        None => {
            line.strip_prefix("symbol ").filter(|rest| rest.contains(" not defined in file "))?
        }
    };
    let end = rest.find([',', ' ', '\t']).unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}
