//! Locks: what is locked stays, and what drifts is named.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::workbench::{Built, Project, run, succeed};

const RECIPE: &str = "\
tree \"/srv/www\" from=\"www\"
file \"/etc/app.toml\" from=\"conf/app.toml\"
binary \"/usr/bin/env\"
";

fn fill(project: &Project) {
    project.write("app.kdl", RECIPE);
    project.write("www/index.html", "hello");
    project.write("conf/app.toml", "answer = 42\n");
}

fn project() -> Project {
    let project = Project::new();
    fill(&project);
    project
}

fn lock(project: &Project) -> String {
    succeed(&mut project.imgc(&["lock", "app.kdl"]));
    String::from_utf8(project.read("app.lock")).expect("a lock is text")
}

/// Builds, which must fail with this code and these words.
fn check_refused(project: &Project, code: &str, words: &[&str]) {
    let arguments = ["build", "app.kdl", "--message-format", "json"];
    let outcome = run(&mut project.imgc(&arguments));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{}", outcome.stderr);
    let messages: Vec<serde_json::Value> = outcome
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let found = messages.iter().find(|message| message["code"] == code);
    let found = found.unwrap_or_else(|| panic!("no {code} in {}", outcome.stderr));
    let said = found["message"].as_str().unwrap_or_default();
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
    if code != "imgc::lock::image_changed" {
        assert_eq!(found["file"], "app.lock");
    }
}

#[test]
fn a_lock_that_is_there_is_used_and_gives_the_date() {
    let project = project();
    let plain = project.build("app.kdl", "plain/");
    let text = {
        let mut command = project.imgc(&["lock", "app.kdl"]);
        // A day in 2023, in the afternoon: the lock holds the day.
        succeed(command.env("SOURCE_DATE_EPOCH", "1700000000"));
        String::from_utf8(project.read("app.lock")).expect("a lock is text")
    };
    assert!(text.contains("\ncreated \"2023-11-14T00:00:00Z\"\n"), "{text}");

    let mut command = project.imgc(&["build", "--locked", "app.kdl", "-o", "locked/"]);
    let built = Built::parse(succeed(command.env("SOURCE_DATE_EPOCH", "1")).trim_end());

    assert_ne!(built.digest, plain.digest, "1970 is not the date of the lock");
    assert!(text.contains(&format!("manifest=\"{}\"", built.digest)), "{text}");
}

#[test]
fn the_recipe_s_own_date_counts_more_than_the_lock_s() {
    let project = project();
    project.write("app.kdl", format!("{RECIPE}created \"2020-02-29\"\n"));
    assert!(lock(&project).contains("\ncreated \"2020-02-29T00:00:00Z\"\n"));
    succeed(&mut project.imgc(&["build", "--locked", "app.kdl"]));
}

#[test]
fn the_date_changes_with_the_inputs_and_not_before() {
    let project = project();
    let lock_on = |epoch: &str| {
        succeed(project.imgc(&["lock", "app.kdl"]).env("SOURCE_DATE_EPOCH", epoch));
        project.read("app.lock")
    };
    let first = lock_on("0");
    assert!(lock_on("86400") == first);
    project.write("conf/app.toml", "answer = 43\n");
    let second = String::from_utf8(lock_on("86400")).expect("a lock is text");
    assert!(second.contains("\ncreated \"1970-01-02T00:00:00Z\"\n"), "{second}");
}

#[test]
fn a_lock_serves_in_another_clone_under_another_path() {
    let (here, there) = (project(), Project::new());
    let text = lock(&here);
    let path = here.path("").to_string_lossy().into_owned();
    assert!(!text.contains(path.trim_end_matches('/')), "{text}");
    fill(&there);
    there.write("app.lock", text.replace('\n', "\r\n"));
    succeed(&mut there.imgc(&["build", "--locked", "app.kdl"]));
    succeed(&mut there.imgc(&["lock", "--check", "app.kdl"]));
}

#[test]
fn without_a_lock_locked_refuses_and_writes_none() {
    let project = project();
    for command in ["build", "check"] {
        let outcome = run(&mut project.imgc(&[command, "--locked", "app.kdl"]));
        assert_eq!(outcome.code, Some(1));
        assert!(outcome.stderr.contains("imgc::lock::missing"), "{}", outcome.stderr);
    }
    let outcome = run(&mut project.imgc(&["lock", "--check", "app.kdl"]));
    assert_eq!(outcome.code, Some(1));
    assert!(!project.path("app.lock").exists());
    assert!(!project.path("out").exists());
}

#[test]
fn drift_names_the_path_what_it_was_what_it_is_and_whose_it_is() {
    let project = project();
    lock(&project);
    project.write("conf/app.toml", "answer = 43\n");
    project.write("www/new.html", "new");
    let words = ["`/etc/app.toml`", "the content is sha256:", "the lock has sha256:", "12 bytes"];
    check_refused(&project, "imgc::lock::file_changed", &words);
    check_refused(&project, "imgc::lock::file_changed", &["(file conf/app.toml)"]);
    check_refused(&project, "imgc::lock::file_added", &["`/srv/www/new.html`", "tree www"]);
    fs::remove_file(project.path("www/index.html")).expect("the page is there");
    check_refused(&project, "imgc::lock::file_removed", &["`/srv/www/index.html`"]);

    lock(&project);
    succeed(&mut project.imgc(&["build", "app.kdl"]));
    project.write("app.kdl", format!("{RECIPE}label \"a\" \"b\"\n"));
    check_refused(&project, "imgc::lock::plan_changed", &["the plan is sha256:"]);
}

#[test]
fn a_comment_is_no_change_of_the_plan() {
    let project = project();
    lock(&project);
    project.write("app.kdl", format!("// A comment.\r\n{}", RECIPE.replace('\n', "\r\n")));
    succeed(&mut project.imgc(&["build", "--locked", "app.kdl"]));
}

#[test]
fn a_damaged_lock_is_refused_whole() {
    let project = project();
    let text = lock(&project);
    let lines: Vec<&str> = text.lines().collect();
    let cases = [
        (String::new(), "imgc::lock::empty"),
        (lines[..lines.len() - 1].join("\n"), "imgc::lock::cut_off"),
        (text[..text.len() / 2].to_owned(), "imgc::lock::damaged"),
        (text.replace("plan \"", "<<<<<<< HEAD\nplan \""), "imgc::lock::conflict_marks"),
        (text.replace("lock 1\n", "lock 99\n"), "imgc::lock::newer"),
        (text.replace("lock 1\n", "lock 0\n"), "imgc::lock::older"),
        (text.replace("format 2 ", "format 7 "), "imgc::lock::format_changed"),
        (text.replace("source \"host\"\n", ""), "imgc::lock::source_changed"),
        (text.replace("\"app:latest\"", "\"other:latest\""), "imgc::lock::image_removed"),
        (text.replace("\"app:latest\"", "\"other:latest\""), "imgc::lock::image_added"),
        (text.replace("manifest=\"sha256:", "manifest=\"sha256:x"), "imgc::lock::damaged"),
    ];
    for (text, code) in cases {
        project.write("app.lock", text);
        check_refused(&project, code, &[]);
    }
    // A newer lock stays as it is; any other is made again.
    project.write("app.lock", text.replace("lock 1\n", "lock 99\n"));
    assert_eq!(run(&mut project.imgc(&["lock", "app.kdl"])).code, Some(1));
    project.write("app.lock", "<<<<<<< HEAD\n");
    lock(&project);
    succeed(&mut project.imgc(&["build", "--locked", "app.kdl"]));
}

#[test]
fn an_image_that_is_not_the_locked_one_does_not_take_its_place() {
    let project = project();
    let text = lock(&project);
    project.build("app.kdl", "image/");
    let before = project.read("image/index.json");
    let digit = |text: &str, name: &str| {
        let at = text.find(name).expect("it is there") + name.len() + 20;
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        bytes
    };
    for name in ["manifest=\"sha256:", "config=\"sha256:", "layer \"sha256:", "blob=\"sha256:"] {
        project.write("app.lock", digit(&text, name));
        let arguments = ["build", "app.kdl", "-o", "image/"];
        let outcome = run(&mut project.imgc(&arguments));
        assert_eq!(outcome.code, Some(1));
        assert!(outcome.stderr.contains("imgc::lock::image_changed"), "{}", outcome.stderr);
        assert!(project.read("image/index.json") == before, "{name}");
    }
}

#[test]
fn a_lock_that_is_a_link_is_neither_read_nor_replaced() {
    let project = project();
    let text = lock(&project);
    fs::rename(project.path("app.lock"), project.path("other")).expect("a lock can be moved");
    symlink("other", project.path("app.lock")).expect("a link can be made");
    check_refused(&project, "imgc::lock::not_a_file", &["a symbolic link"]);
    let outcome = run(&mut project.imgc(&["lock", "app.kdl"]));
    assert_eq!(outcome.code, Some(1));
    assert!(project.read("other") == text.as_bytes());
}

#[test]
fn a_read_only_lock_serves_and_stays() {
    let project = project();
    let text = lock(&project);
    let mode =
        |mode| fs::set_permissions(project.path("app.lock"), PermissionsExt::from_mode(mode));
    mode(0o444).expect("a mode can be set");
    succeed(&mut project.imgc(&["build", "--locked", "app.kdl"]));
    succeed(&mut project.imgc(&["lock", "app.kdl"]));
    project.write("www/index.html", "other");
    let outcome = run(&mut project.imgc(&["lock", "app.kdl"]));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("imgc::lock::read_only"), "{}", outcome.stderr);
    assert!(project.read("app.lock") == text.as_bytes());
}

#[test]
fn several_that_lock_at_once_leave_one_whole_lock() {
    let project = project();
    let children: Vec<_> = (0..8)
        .map(|_| project.imgc(&["lock", "-q", "app.kdl"]).spawn().expect("imgc starts"))
        .collect();
    for mut child in children {
        assert!(child.wait().expect("imgc ends").success());
    }
    succeed(&mut project.imgc(&["build", "--locked", "app.kdl"]));
    let names = succeed(Command::new("ls").arg("-A").arg(project.path("")));
    assert!(!names.contains("imgc-tmp"), "{names}");
}

#[test]
fn the_version_names_all_that_decides_digests() {
    let project = Project::new();
    let text = succeed(&mut project.imgc(&["--version", "--verbose"]));
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines, ["image format 2", "plan encoding 1", "lock 1"]);
    assert_eq!(succeed(&mut project.imgc(&["-V"])).lines().count(), 1);
    assert_eq!(run(&mut project.imgc(&["--verbose"])).code, Some(2));
    assert_eq!(run(&mut project.imgc(&["--quiet"])).code, Some(2));
}
