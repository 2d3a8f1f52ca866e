//! What the corpus borrows from this machine: compilers, loaders, `ldconfig`, and the right to change the root.
//!
//! Whatever is missing, the cases that need it are skipped and counted; nothing fails for it.

use super::case::{Case, Family};
use super::elf::Machine;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Processor features that glibc is told not to use, so that it sees the baseline: without the first two there is no
/// x86-64-v2, without the others `$PLATFORM` is not `haswell`.
const BASELINE: (&str, &str) =
    ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-SSE4_2,-SSSE3,-POPCNT,-AVX2,-AVX512F,-BMI1,-LZCNT");

pub(crate) struct Tools {
    pub(crate) directory: tempfile::TempDir,
    enter: PathBuf,
    start: Vec<(Machine, Vec<u8>)>,
    loaders: Vec<(Family, PathBuf)>,
    libcs: Vec<(Family, PathBuf)>,
    qemu: Option<PathBuf>,
    ldconfig: Option<PathBuf>,
    /// Whether the loader of this machine can be made to see a baseline processor.
    baseline: bool,
}

impl Tools {
    /// Collects what there is. The error says why nothing at all can be asked.
    pub(crate) fn collect() -> Result<Tools, String> {
        let directory =
            tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loader");
        let enter = directory.path().join("enter");
        run(Command::new("gcc").args(["-O1", "-o"]).arg(&enter).arg(sources.join("enter.c")))?;

        let mut start = Vec::new();
        for (machine, compiler) in
            [(Machine::X86_64, "gcc"), (Machine::Aarch64, "aarch64-linux-gnu-gcc")]
        {
            match start_code(compiler, &sources, directory.path()) {
                Ok(code) => start.push((machine, code)),
                Err(reason) => eprintln!("loader corpus: no programs for {machine:?}: {reason}"),
            }
        }
        let find = |places: &[&str]| places.iter().map(PathBuf::from).find(|place| place.is_file());
        // Copies beside the cases, so that they can hold hard links to them.
        let copies = |kind: &str, files: &[(Family, &[&str])]| {
            let mut copies = Vec::new();
            for (family, places) in files {
                let Some(place) = find(places) else { continue };
                let copy = directory.path().join(format!("{family:?}-{kind}"));
                fs::copy(&place, &copy).map_err(|error| format!("{}: {error}", place.display()))?;
                copies.push((*family, copy));
            }
            Ok::<_, String>(copies)
        };
        let loaders = copies(
            "loader",
            &[
                (Family::Glibc, &["/lib64/ld-linux-x86-64.so.2"]),
                (Family::Musl, &["/lib/ld-musl-x86_64.so.1"]),
                (
                    Family::Aarch64,
                    &[
                        "/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1",
                        "/lib/ld-linux-aarch64.so.1",
                    ],
                ),
            ],
        )?;
        let libcs = copies(
            "libc",
            &[
                (
                    Family::Glibc,
                    &["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6"],
                ),
                (
                    Family::Aarch64,
                    &["/usr/aarch64-linux-gnu/lib/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"],
                ),
            ],
        )?;
        let qemu = find(&["/usr/bin/qemu-aarch64-static"]);
        let ldconfig = find(&["/usr/sbin/ldconfig", "/sbin/ldconfig"]);
        let mut tools =
            Tools { directory, enter, start, loaders, libcs, qemu, ldconfig, baseline: false };
        let probe = tools.enter("/".as_ref(), "/", &[], &["--realpath", "/"]);
        if !probe.status.success() {
            return Err(format!(
                "no rights to change the root: {}",
                String::from_utf8_lossy(&probe.stderr).trim()
            ));
        }
        tools.baseline = tools.sees_baseline();
        Ok(tools)
    }

    /// Returns why the loader cannot be asked about `case`, if so.
    pub(crate) fn lacks(&self, case: &Case) -> Option<&'static str> {
        let knows_code = self.start.iter().any(|(machine, _)| *machine == case.family.machine());
        [
            (self.loader(case.family).is_none(), "the loader is not installed"),
            (!knows_code, "there is no compiler for its programs"),
            (
                case.family == Family::Aarch64 && self.qemu.is_none(),
                "qemu-aarch64-static is not installed",
            ),
            (
                case.depends_on_processor() && !self.baseline,
                "the loader cannot be made to see a baseline processor",
            ),
            (case.has("ldconfig") && self.ldconfig.is_none(), "ldconfig is not installed"),
            (case.has("libc") && self.libc(case.family).is_none(), "the libc is not installed"),
        ]
        .into_iter()
        .find_map(|(lacking, reason)| lacking.then_some(reason))
    }

    /// Returns the libc that belongs to the loader.
    pub(crate) fn libc(&self, family: Family) -> Option<&Path> {
        self.libcs.iter().find(|(known, _)| *known == family).map(|(_, path)| path.as_path())
    }

    pub(crate) fn loader(&self, family: Family) -> Option<&Path> {
        self.loaders.iter().find(|(known, _)| *known == family).map(|(_, path)| path.as_path())
    }

    /// Returns the machine code of `start.c`; empty if it could not be compiled.
    pub(crate) fn start_code(&self, machine: Machine) -> Vec<u8> {
        self.start
            .iter()
            .find(|(known, _)| *known == machine)
            .map(|(_, code)| code.clone())
            .unwrap_or_default()
    }

    /// Makes `/etc/ld.so.cache` (and the soname links) in `root`.
    pub(crate) fn ldconfig(&self, root: &Path, format: &str) {
        let ldconfig = self.ldconfig.as_ref().expect("cases without ldconfig are skipped");
        fs::create_dir_all(root.join("etc")).expect("a directory can be made");
        let (ldconfig, root) =
            (ldconfig.to_str().expect("it is text"), root.to_str().expect("it is text"));
        let output = self.enter("/".as_ref(), "/", &[], &[ldconfig, "-c", format, "-r", root]);
        assert!(output.status.success(), "ldconfig: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts `program` with `root` as its root. For aarch64 the emulator is put in front of it.
    pub(crate) fn start(
        &self,
        family: Family,
        root: &Path,
        cwd: &str,
        env: &[(String, String)],
        program: &[&str],
    ) -> Output {
        let mut env: Vec<String> =
            env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut program = program.to_vec();
        match family {
            Family::Glibc if self.baseline => env.push(format!("{}={}", BASELINE.0, BASELINE.1)),
            Family::Glibc | Family::Musl => {}
            Family::Aarch64 => {
                let inside = root.join(".qemu");
                let qemu = self.qemu.as_ref().expect("cases without qemu are skipped");
                if !inside.exists() {
                    fs::copy(qemu, &inside).expect("qemu can be copied");
                }
                program.insert(0, "/.qemu");
            }
        }
        self.enter(root, cwd, &env, &program)
    }

    /// Returns the real path of each of `paths` as seen in `root`; empty where there is none.
    pub(crate) fn real_paths(&self, root: &Path, cwd: &str, paths: &[&str]) -> Vec<String> {
        let output = self.enter(root, cwd, &[], &[&["--realpath"], paths].concat());
        assert!(output.status.success(), "enter: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).split_terminator('\0').map(str::to_owned).collect()
    }

    fn enter(&self, root: &Path, cwd: &str, env: &[String], program: &[&str]) -> Output {
        let mut command = Command::new(&self.enter);
        command.arg(root).arg(cwd).args(env).arg("--").args(program).env_clear();
        command.output().expect("`enter` was compiled a moment ago")
    }

    fn sees_baseline(&self) -> bool {
        let Some(loader) = self.loader(Family::Glibc) else { return false };
        let loader = loader.to_str().expect("it is text");
        let env = [format!("{}={}", BASELINE.0, BASELINE.1)];
        let output = self.enter("/".as_ref(), "/", &env, &[loader, "--help"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().any(|line| line.trim() == "x86-64-v2")
    }
}

fn start_code(compiler: &str, sources: &Path, directory: &Path) -> Result<Vec<u8>, String> {
    let (object, code) = (directory.join("start.o"), directory.join("start.bin"));
    let options = "-Os -fPIC -ffreestanding -fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables \
                   -fno-tree-loop-distribute-patterns -fcf-protection=none -c -o";
    // Only x86 knows, and wants, this one.
    let options =
        options.split(' ').filter(|option| compiler == "gcc" || !option.starts_with("-fcf"));
    run(Command::new(compiler).args(options).arg(&object).arg(sources.join("start.c")))?;
    let objcopy =
        compiler.strip_suffix("gcc").map(|prefix| format!("{prefix}objcopy")).unwrap_or_default();
    run(Command::new(objcopy).args(["-O", "binary", "-j", ".text"]).arg(&object).arg(&code))?;
    fs::read(&code).map_err(|error| error.to_string())
}

/// Runs a command that must succeed.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
