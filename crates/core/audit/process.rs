//! The program itself, started again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use imgc_parser::Printable;

use super::checkout::Checkout;
use super::perturbation::{Perturbation, Place};
use crate::error::ProgramError;
use crate::session::Session;

/// Most bytes of what a failed build said that are repeated.
const MAX_SAID: usize = 400;

/// What every build starts with, before anything is changed.
#[derive(Debug)]
pub(super) struct Base {
    search: OsString,
    epoch: Option<String>,
    set: BTreeMap<String, String>,
}

impl Base {
    pub(super) fn of(session: &Session) -> Self {
        Self {
            search: session.search_path.clone(),
            epoch: session.source_date_epoch().cloned(),
            set: session.set.clone(),
        }
    }

    /// Tells whether a tool can be run.
    pub(super) fn has(&self, tool: &str) -> bool {
        std::env::split_paths(&self.search).any(|directory| directory.join(tool).is_file())
    }
}

/// What is built.
pub(super) struct Subject {
    /// The recipe, from its project.
    pub(super) recipe: PathBuf,
    /// A directory for what comes out.
    pub(super) outputs: PathBuf,
    /// The program.
    pub(super) program: PathBuf,
    pub(super) base: Base,
}

impl Subject {
    /// Makes the directory for the outputs, which any user may write to.
    pub(super) fn prepare(&self) -> Result<(), ProgramError> {
        let made = fs::create_dir(&self.outputs)
            .and_then(|()| fs::set_permissions(&self.outputs, fs::Permissions::from_mode(0o1777)));
        made.map_err(|source| {
            let file = self.outputs.display().to_string();
            ProgramError::CannotWrite { file, source }
        })
    }

    /// Builds the recipe, and returns what it printed: the images with their digests.
    pub(super) fn build(
        &self,
        place: &Checkout,
        perturbation: &Perturbation,
        name: &str,
    ) -> Result<Vec<String>, String> {
        let mut command = self.command(place, perturbation, name);
        let output = self.output(name);
        command.arg("build").arg(place.path().join(&self.recipe));
        for (name, value) in &self.base.set {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        // Each build starts from nothing, whatever the environment names.
        command.args(["--quiet", "--no-store", "-o"]).arg(&output);
        let stdout = run(&mut command);
        let digest = |line: &str| {
            let mut words = line.split(' ');
            Some(format!("{} {}", words.next()?, words.next()?))
        };
        Ok(stdout?.lines().filter_map(digest).collect())
    }

    /// Returns where a build leaves its images.
    pub(super) fn output(&self, name: &str) -> PathBuf {
        self.outputs.join(name)
    }

    /// Removes what a build has left.
    pub(super) fn clear(&self, name: &str) {
        // What cannot be removed goes with the directory.
        let _ = fs::remove_dir_all(self.output(name));
    }

    /// Asks a process in the same surroundings what it sees.
    pub(super) fn look(
        &self,
        place: &Checkout,
        perturbation: &Perturbation,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut command = self.command(place, perturbation, "look");
        command.arg("surroundings");
        let stdout = run(&mut command)?;
        serde_json::from_str(&stdout).map_err(|error| error.to_string())
    }

    fn command(&self, place: &Checkout, perturbation: &Perturbation, name: &str) -> Command {
        let mut command = match perturbation.wrapper {
            [] => Command::new(&self.program),
            [tool, arguments @ ..] => {
                let mut command = Command::new(tool);
                command.args(arguments).arg(&self.program);
                command
            }
        };
        command.env_clear().stdin(Stdio::null()).current_dir(place.path());
        if !perturbation.bare {
            command.env("PATH", &self.base.search);
            // Nothing of an earlier build is there to be taken up.
            let home = self.outputs.join(format!("{name}.home"));
            command.env("XDG_CACHE_HOME", home.join("cache")).env("HOME", home);
        }
        if let Some(epoch) = &self.base.epoch {
            command.env("SOURCE_DATE_EPOCH", epoch);
        }
        if perturbation.junk {
            for number in 0..200 {
                command.env(format!("JUNK_{number}"), "x".repeat(100));
            }
        }
        command.envs(perturbation.variables.iter().copied());
        if let Some(cwd) = perturbation.cwd {
            command.current_dir(cwd);
        }
        if perturbation.place == Place::OtherUser {
            command.current_dir("/");
        }
        command.arg("--project").arg(place.path());
        if let Some(threads) = perturbation.threads {
            command.args(["--jobs", threads]);
        }
        command
    }
}

/// Runs a command to its end and returns its stdout; or what it said when it failed.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let said = output.stderr.trim_ascii();
        let said = Printable::new(&said[..said.len().min(MAX_SAID)]).to_string();
        return Err(format!("{}: {said}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
