//! What `imgc build` promises on the command line: what it prints, where it writes, what it keeps.

use crate::workbench::{Built, Project, run, succeed};
use std::fs;
use std::process::Command;

/// A recipe that needs nothing of this machine.
const TEXT: &str = "\
text \"/motd\" \"hello\\n\"
entrypoint \"/motd\"
";

/// A recipe for a program that every Linux machine has.
const PROGRAM: &str = "binary \"/usr/bin/env\"\n";

#[test]
fn stdout_holds_one_line_for_each_image_in_the_order_asked_for() {
    let project = Project::new();
    project.write("second.kdl", PROGRAM);
    project.write("first.kdl", PROGRAM);

    let stdout = succeed(&mut project.imgc(&["build", "second.kdl", "first.kdl"]));

    let built: Vec<Built> = stdout.lines().map(Built::parse).collect();
    let names: Vec<&str> = built.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(names, ["second", "first"]);
}

#[test]
fn without_a_place_the_image_is_an_oci_directory_below_out() {
    let project = Project::with_recipe(PROGRAM);

    let built = Built::parse(succeed(&mut project.imgc(&["build", "recipe.kdl"])).trim_end());

    assert_eq!(built.output, "out/recipe");
    assert_eq!(project.read("out/recipe/oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    let manifest = format!("out/recipe/blobs/sha256/{}", &built.digest["sha256:".len()..]);
    assert!(project.path(&manifest).is_file(), "the digest is not that of a blob");
}

#[test]
fn a_place_that_ends_in_tar_is_an_archive() {
    let project = Project::with_recipe(PROGRAM);

    let built = project.build("recipe.kdl", "image.tar");

    assert_eq!(built.output, "image.tar");
    let list = succeed(Command::new("tar").arg("-tf").arg(project.path("image.tar")));
    let names: Vec<&str> = list.lines().collect();
    for name in ["index.json", "manifest.json", "oci-layout"] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn a_place_that_ends_in_a_slash_is_an_oci_directory() {
    let project = Project::with_recipe(PROGRAM);

    project.build("recipe.kdl", "images/env/");

    assert!(project.path("images/env/index.json").is_file());
}

#[test]
fn the_archive_and_the_directory_hold_the_same_image() {
    let project = Project::with_recipe(PROGRAM);

    let archive = project.build("recipe.kdl", "image.tar");
    let directory = project.build("recipe.kdl", "image/");

    assert_eq!(archive.digest, directory.digest);
}

#[test]
fn a_build_leaves_no_trace_of_the_one_before() {
    let project = Project::with_recipe(PROGRAM);
    project.build("recipe.kdl", "image/");
    project.write("recipe.kdl", format!("{PROGRAM}env LANG=\"C.UTF-8\"\n"));
    project.build("recipe.kdl", "image/");

    // One configuration, one manifest, one layer.
    let blobs = fs::read_dir(project.path("image/blobs/sha256")).expect("there are blobs");
    assert_eq!(blobs.count(), 3);
    let beside = fs::read_dir(project.path("")).expect("the project can be listed");
    let names: Vec<_> =
        beside.map(|entry| entry.expect("an entry can be read").file_name()).collect();
    assert_eq!(names.len(), 4, "the store, .git, recipe.kdl and image: {names:?}");
}

#[test]
fn an_error_keeps_the_image_that_was_there() {
    let project = Project::with_recipe(PROGRAM);
    for output in ["image/", "image.tar"] {
        project.build("recipe.kdl", output);
    }
    let before = (project.read("image/index.json"), project.read("image.tar"));

    project.write("recipe.kdl", "binary \"/usr/bin/there-is-no-such-program\"\n");
    for output in ["image/", "image.tar"] {
        let outcome = run(&mut project.imgc(&["build", "recipe.kdl", "-o", output]));
        assert_ne!(outcome.code, Some(0));
        assert_eq!(outcome.stdout, "");
        assert!(outcome.stderr.contains("there-is-no-such-program"), "{}", outcome.stderr);
    }

    assert!(before == (project.read("image/index.json"), project.read("image.tar")));
}

#[test]
fn an_unknown_node_names_the_nearest_known_one() {
    let project = Project::with_recipe("bianry \"/usr/bin/env\"\n");

    let outcome = run(&mut project.imgc(&["build", "recipe.kdl"]));

    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("`bianry`"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("`binary`"), "{}", outcome.stderr);
}

#[test]
fn an_entrypoint_that_is_no_program_is_an_error() {
    let project = Project::with_recipe(TEXT);

    let outcome = run(&mut project.imgc(&["build", "recipe.kdl"]));

    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("/motd"), "{}", outcome.stderr);
}

#[test]
fn no_file_takes_the_place_of_a_closed_standard_stream() {
    let project = Project::with_recipe(PROGRAM);
    let usual = project.build("recipe.kdl", "usual.tar");
    let imgc = project.imgc(&["build", "recipe.kdl", "-o", "closed.tar"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" <&- >&- 2>&-", "sh"]);
    shell.arg(imgc.get_program()).args(imgc.get_args());
    project.settle(&mut shell);

    succeed(&mut shell);

    assert_eq!(project.read("closed.tar"), project.read(&usual.output));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let project = Project::with_recipe(PROGRAM);
    let mut imgc = project.imgc(&["build", "recipe.kdl"]);
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);

    let status = imgc.stdout(writer).status().expect("imgc starts");

    assert_eq!(status.code(), Some(0));
}
