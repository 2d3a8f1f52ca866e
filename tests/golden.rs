//! The images of format version 2, from recipes and inputs that lie here: their locks hold every
//! digest, and never change.
//!
//! When one of these fails, images of all users change: raise `imgc_writer::FORMAT_VERSION` (or
//! `PLAN_VERSION`), say in the changelog which images and why, and add a directory for the new
//! version. Diff ids are meant to stay the same in all versions.

use std::path::Path;
use std::process::Command;

use crate::workbench::{Project, is_root, skip, succeed};

const RECIPES: [&str; 3] = ["files", "settings", "plain"];

/// Where they are in the project; a plan knows its inputs by their place there.
const GOLDEN: &str = "tests/golden/format-2";

/// A clone under a path of its own.
fn clone() -> Project {
    let project = Project::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    std::fs::create_dir_all(project.path("tests/golden")).expect("a directory can be made");
    succeed(Command::new("cp").arg("-r").arg(golden).arg(project.path(GOLDEN)));
    project
}

#[test]
fn format_version_2_has_these_images() {
    let project = clone();
    for recipe in RECIPES {
        let recipe = format!("{GOLDEN}/{recipe}.kdl");
        succeed(&mut project.imgc(&["build", "--locked", &recipe]));
    }
}

#[test]
fn what_is_locked_again_is_locked_the_same() {
    let project = clone();
    for recipe in RECIPES {
        let (recipe, lock) = (format!("{GOLDEN}/{recipe}.kdl"), format!("{GOLDEN}/{recipe}.lock"));
        let before = project.read(&lock);
        succeed(&mut project.imgc(&["lock", &recipe]));
        assert!(project.read(&lock) == before, "{lock}");
    }
}

#[test]
fn another_user_gets_the_locked_images() {
    if !is_root() {
        return skip("only root can build as another user");
    }
    let project = clone();
    let program = project.path("imgc");
    std::fs::copy(crate::workbench::IMGC, &program).expect("the program can be copied");
    succeed(Command::new("chown").args(["-R", "54321:54321"]).arg(project.path("")));
    let mut command = Command::new("setpriv");
    command.args(["--reuid=54321", "--regid=54321", "--clear-groups"]).arg(program);
    command.args(["build", "--locked"]);
    command.args(["files", "settings"].map(|recipe| format!("{GOLDEN}/{recipe}.kdl")));
    project.settle(&mut command);
    assert_eq!(succeed(&mut command).lines().count(), 2);
}
