//! Docker and podman: load an image, run it, keep it running beside a test.

use crate::workbench::{Outcome, Project, run, succeed};
use std::fs;
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

/// No network but a loopback of its own.
const ALONE: &str = "none";

/// An engine that runs images.
#[derive(Clone, Copy, Debug)]
pub(super) enum Engine {
    /// Needs `dockerd`, which `DOCKER_HOST` names.
    Docker,
    /// Needs no service; `CONTAINERS_CONF` and `CONTAINERS_STORAGE_CONF` set it up.
    Podman,
}

impl Engine {
    /// The engine's command, ended after two minutes: an engine that hangs is a failure as well.
    pub(super) fn command(self) -> Command {
        let mut command = Command::new("timeout");
        command.arg("120").arg(match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        });
        command
    }

    /// Builds one of the project's own recipes as an archive, and loads it.
    ///
    /// The recipe is built under a name of this test's own, so that no image of the same name is
    /// replaced, neither that of another test nor one that the user of this machine has.
    pub(super) fn load(self, project: &Project, recipe: &str) -> Loaded {
        static LOADED: AtomicUsize = AtomicUsize::new(0);
        let count = LOADED.fetch_add(1, Ordering::Relaxed);
        let name = format!("imgc-test-{recipe}-{}-{count}", process::id());
        let copy = format!("recipes/{name}.kdl");
        fs::copy(project.path(&format!("recipes/{recipe}.kdl")), project.path(&copy))
            .unwrap_or_else(|error| panic!("recipes/{recipe}.kdl cannot be copied: {error}"));
        let archive = format!("{name}.tar");
        project.build(&copy, &archive);

        let stdout = succeed(self.command().args(["load", "-q", "-i"]).arg(project.path(&archive)));
        let reference = stdout.trim().strip_prefix("Loaded image: ");
        let reference = reference.unwrap_or_else(|| panic!("no name in `{stdout}`"));
        assert!(reference.contains(&name), "loaded as {reference}, not as {name}");
        Loaded { engine: self, reference: reference.into() }
    }
}

/// An image that an engine has; removed when it is dropped.
pub(super) struct Loaded {
    engine: Engine,
    reference: String,
}

impl Loaded {
    /// Runs the image alone and read-only, with these options of `run` and these arguments of the
    /// program, which must exit with 0. Returns its stdout.
    pub(super) fn output(&self, options: &[&str], arguments: &[&str]) -> String {
        let outcome = self.run_in(ALONE, options, arguments);
        assert_eq!(outcome.code, Some(0), "{}: {outcome:?}", self.reference);
        outcome.stdout
    }

    /// Runs the image read-only in a network, as `--network` names it.
    pub(super) fn run_in(&self, network: &str, options: &[&str], arguments: &[&str]) -> Outcome {
        let mut command = self.engine.command();
        command.args(["run", "--rm", "--read-only", "--network", network]).args(options);
        run(command.arg(&self.reference).args(arguments))
    }

    /// Starts the image alone and read-only, and leaves it running.
    pub(super) fn start(&self, options: &[&str]) -> Running {
        let mut command = self.engine.command();
        command.args(["run", "--detach", "--read-only", "--network", ALONE]).args(options);
        let stdout = succeed(command.arg(&self.reference));
        let id = stdout.lines().last().expect("the engine names the container").to_owned();
        let mut running = Running { engine: self.engine, id, pid: String::new() };
        let pid = ["inspect", "--format", "{{.State.Pid}}", &running.id];
        running.pid = succeed(self.engine.command().args(pid)).trim().to_owned();
        running
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        run(self.engine.command().args(["rmi", "--force", &self.reference]));
    }
}

/// A container that runs; removed when it is dropped.
pub(super) struct Running {
    engine: Engine,
    /// The container's id.
    pub(super) id: String,
    /// The number of its first process, on this machine.
    pub(super) pid: String,
}

impl Running {
    /// A program of this machine, in the container's network.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid, "--net", program]);
        command
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        run(self.engine.command().args(["rm", "--force", &self.id]));
    }
}
