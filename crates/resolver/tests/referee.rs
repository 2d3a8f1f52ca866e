//! Compares traces with the real loader of the machine that runs the tests, if it has glibc's.

#![expect(clippy::disallowed_methods, reason = "the referee is a program, in tests alone")]

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use imgc_planner::recipe::ImagePath;
use imgc_resolver::loader::{Elf, Kind, Listed, Loader, Request};
use imgc_resolver::{HostPath, Machine, Root, Roots};

const REFEREE: &str = "/lib64/ld-linux-x86-64.so.2";

/// Programs that are compared: enough to meet each rule that a distribution uses, few enough for
/// debug builds.
const MAX_PROGRAMS: usize = 60;

#[test]
fn traces_are_those_of_the_real_loader() {
    let Ok(entries) = std::fs::read_dir("/usr/bin") else { return };
    if !Path::new(REFEREE).exists() {
        return;
    }
    let programs: BTreeSet<PathBuf> =
        entries.flatten().filter_map(|entry| entry.path().canonicalize().ok()).collect();
    let step = (programs.len() / MAX_PROGRAMS).max(1);
    let roots = Roots::new(vec![Root::new(Arc::new(Machine), HostPath::new(b"/"))]);
    let loader = Loader::new();
    let cwd = ImagePath::root();
    for program in programs.iter().step_by(step) {
        let Ok(bytes) = std::fs::read(program) else { continue };
        if !Elf::is_elf(&bytes) {
            continue;
        }
        let path = program.as_os_str().as_bytes();
        let request = Request {
            program: path,
            placed: None,
            cwd: &cwd,
            library_path: None,
            preload: None,
            opens_last: false,
            level: None,
            platform: None,
            file_capabilities: false,
            libraries: false,
        };
        let Ok(trace) = loader.trace(&roots, &request) else { continue };
        match trace.kind.interpreter() {
            Some(interpreter) if *interpreter.path == *REFEREE.as_bytes() => {}
            _ => continue,
        }
        if matches!(trace.kind, Kind::LoaderOnly(_)) {
            continue;
        }
        let ours: Vec<String> = trace
            .order
            .iter()
            .filter_map(|listed| match listed {
                Listed::Object(place) => Some(&trace.objects[*place]),
                Listed::Missing(_) => None,
            })
            .map(|object| String::from_utf8_lossy(&object.path).into_owned())
            .collect();
        assert_eq!(ours, referee(program), "{}", program.display());
    }
}

/// Returns the paths that the real loader prints for a program, without itself and the vDSO.
fn referee(program: &Path) -> Vec<String> {
    let output = Command::new(REFEREE).env_clear().arg("--list").arg(program).output();
    let output = output.expect("the referee runs");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let line = line.trim().rsplit_once(" (0x")?.0;
            let path = line.rsplit_once(" => ").map_or(line, |(_, path)| path);
            (path.starts_with('/') && path != REFEREE && !line.starts_with(REFEREE))
                .then(|| path.to_owned())
        })
        .filter(|path| !path.contains("/ld-linux-x86-64.so.2"))
        .collect()
}
