//! What builds keep for the next ones, seen from the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::workbench::{Built, Project, run, succeed};

/// A project with files of several sizes, and no program.
fn project() -> Project {
    let project = Project::with_recipe(
        "tree \"/srv\" from=\"data\"\nplatform \"linux/amd64\"\nallow nothing_to_run \"data\"\n",
    );
    for number in 0..20_u32 {
        let size = number * 5_000;
        let bytes = (0..size).flat_map(|n| n.wrapping_mul(n + number).to_le_bytes());
        project.write(&format!("data/{number}"), bytes.collect::<Vec<u8>>());
    }
    project
}

fn build(command: &mut Command) -> String {
    Built::parse(succeed(command).trim_end()).digest
}

const BUILD: [&str; 4] = ["build", "recipe.kdl", "-o", "out"];

#[test]
fn no_digest_depends_on_which_store_is_used() {
    let project = project();
    let afresh = build(project.imgc(&BUILD).arg("--no-store"));
    assert!(!project.path(".cache").exists(), "`--no-store` keeps nothing");
    for _ in 0..2 {
        assert_eq!(build(&mut project.imgc(&BUILD)), afresh);
        assert_eq!(build(project.imgc(&BUILD).args(["--store", "by-option"])), afresh);
        assert_eq!(build(project.imgc(&BUILD).env("IMGC_STORE", "by-variable")), afresh);
        let mut command = project.imgc(&BUILD);
        assert_eq!(build(command.env("XDG_CACHE_HOME", project.path("cache"))), afresh);
        // An option is nearer than a variable, and an empty variable is none.
        let mut command = project.imgc(&BUILD);
        command.args(["--store", "by-option"]).env("IMGC_STORE", "/dev/null");
        assert_eq!(build(&mut command), afresh);
        assert_eq!(build(project.imgc(&BUILD).env("IMGC_STORE", "")), afresh);
    }
    for store in [".cache/imgc", "by-option", "by-variable", "cache/imgc"] {
        assert!(project.path(store).join("blobs").is_dir(), "{store}");
        fs::remove_dir_all(project.path(store)).expect("a store can be removed");
    }
    assert_eq!(build(&mut project.imgc(&BUILD)), afresh);
}

#[test]
fn a_build_does_without_a_store_that_cannot_be_used() {
    let project = project();
    let afresh = build(project.imgc(&BUILD).arg("--no-store"));

    let outcome = run(project.imgc(&BUILD).args(["--store", "recipe.kdl/store"]));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(Built::parse(outcome.stdout.trim_end()).digest, afresh);
    assert!(outcome.stderr.contains("imgc::program::store_is_not_used"), "{}", outcome.stderr);

    // One that nobody named is no news.
    let outcome = run(project.imgc(&BUILD).arg("--quiet").env("HOME", project.path("recipe.kdl")));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_store_that_others_may_write_to_is_refused() {
    let project = project();
    fs::create_dir(project.path("open")).expect("a directory can be made");
    fs::set_permissions(project.path("open"), fs::Permissions::from_mode(0o777))
        .expect("a mode can be set");
    let outcome = run(project.imgc(&BUILD).args(["--store", "open"]));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("imgc::store::foreign"), "{}", outcome.stderr);
    assert!(!project.path("out").exists());
}
