//! A place to run imgc in: a project of its own, the command, and what came of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs, thread};

/// The program under test.
pub(crate) const IMGC: &str = env!("CARGO_BIN_EXE_imgc");

/// A git project in a temporary directory, removed when it is dropped.
pub(crate) struct Project {
    directory: tempfile::TempDir,
}

impl Project {
    /// An empty project below the system's directory for temporary files.
    pub(crate) fn new() -> Self {
        Self::below(&env::temp_dir())
    }

    /// An empty project below `parent`.
    pub(crate) fn below(parent: &Path) -> Self {
        let directory = tempfile::Builder::new().prefix("imgc-test-").tempdir_in(parent);
        let project = Self { directory: directory.expect("a temporary directory can be made") };
        fs::create_dir(project.path(".git")).expect("a project can be marked as one");
        project
    }

    /// A project with one recipe, `recipe.kdl`.
    pub(crate) fn with_recipe(text: &str) -> Self {
        let project = Self::new();
        project.write("recipe.kdl", text);
        project
    }

    /// A project with this project's own recipes, with what `recipes/prepare` compiles for them,
    /// and with the program under test where `recipes/imgc.kdl` looks for it.
    pub(crate) fn with_own_recipes() -> Self {
        let project = Self::new();
        let recipes = prepared_recipes();
        succeed(Command::new("cp").arg("-r").arg(recipes).arg(project.path("recipes")));
        fs::create_dir_all(project.path("target/release")).expect("a directory can be made");
        fs::copy(IMGC, project.path("target/release/imgc")).expect("the program can be copied");
        project
    }

    /// Where `relative` is on this machine.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    /// Writes a file of the project, and the directories above it.
    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) {
        let path = self.path(relative);
        let parent = path.parent().expect("a file of a project has a parent");
        fs::create_dir_all(parent).expect("a directory can be made");
        fs::write(path, content).expect("a file can be written");
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, relative: &str) -> Vec<u8> {
        let path = self.path(relative);
        fs::read(&path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
    }

    /// imgc with these arguments, in the project's directory and with next to no environment.
    pub(crate) fn imgc(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(IMGC);
        command.args(arguments);
        self.settle(&mut command);
        command
    }

    /// Gives `command` the project's directory, and an environment that says nothing of the caller.
    pub(crate) fn settle(&self, command: &mut Command) {
        command.current_dir(self.directory.path()).env_clear();
        command.env("HOME", self.directory.path());
        command.env("PATH", env::var_os("PATH").unwrap_or_default());
    }

    /// Builds one recipe into `output`, which must succeed.
    pub(crate) fn build(&self, recipe: &str, output: &str) -> Built {
        let stdout = succeed(&mut self.imgc(&["build", recipe, "-o", output]));
        Built::parse(stdout.trim_end())
    }
}

/// What `imgc build` says of an image: `NAME sha256:DIGEST OUTPUT`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Built {
    /// The image's name.
    pub(crate) name: String,
    /// The manifest's digest, with `sha256:` in front.
    pub(crate) digest: String,
    /// Where the image is.
    pub(crate) output: String,
}

impl Built {
    /// Reads one line of stdout.
    pub(crate) fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.splitn(3, ' ').collect();
        let [name, digest, output] = fields[..] else {
            panic!("`{line}` is not `NAME sha256:DIGEST OUTPUT`");
        };
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        let is_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(hex.len() == 64 && is_hex, "`{digest}` is not a digest");
        Self { name: name.into(), digest: digest.into(), output: output.into() }
    }
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What it wrote to stdout.
    pub(crate) stdout: String,
    /// What it wrote to stderr.
    pub(crate) stderr: String,
    /// Its exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Outcome {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    }
}

/// Runs a command that must exit with 0, and returns its stdout.
pub(crate) fn succeed(command: &mut Command) -> String {
    let outcome = run(command);
    assert!(
        outcome.code == Some(0),
        "{command:?} exited with {:?}\nstdout: {}\nstderr: {}",
        outcome.code,
        outcome.stdout,
        outcome.stderr
    );
    outcome.stdout
}

/// Whether a program is found on PATH.
pub(crate) fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Whether these tests run as root.
pub(crate) fn is_root() -> bool {
    run(Command::new("id").arg("-u")).stdout.trim() == "0"
}

/// Says on stderr why the running test does not do its work; `tests/run` counts these lines.
///
/// `eprintln!` would not do: the test runner swallows it when a test passes.
pub(crate) fn skip(reason: &str) {
    let test = thread::current();
    let line = format!("skipped: {}: {reason}\n", test.name().unwrap_or("a test"));
    // A reader that went away is no reason to fail.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The directory of recipes, after `recipes/prepare` has run there once.
fn prepared_recipes() -> &'static Path {
    static PREPARED: OnceLock<PathBuf> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        succeed(&mut Command::new(recipes.join("prepare")));
        recipes
    })
}
