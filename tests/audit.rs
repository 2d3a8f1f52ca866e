//! Audits: what is reproducible passes, what is not is named, and nothing is claimed unseen.

use std::fs;

use std::os::unix::fs::PermissionsExt;

use crate::workbench::{Outcome, Project, has, is_root, run, skip, succeed};

fn project() -> Project {
    let project = Project::new();
    project.write("app.kdl", "file \"/etc/app\" from=\"conf/app\"\ntree \"/www\" from=\"www\"\n");
    project.write("conf/app", "answer = 42\n");
    project.write("www/a/1", "one");
    project.write("www/b/2", "two");
    project
}

fn audit(project: &Project, arguments: &[&str]) -> Outcome {
    run(&mut project.imgc(&[&["audit"], arguments].concat()))
}

fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

#[test]
fn every_build_is_the_same_and_saw_what_was_changed() {
    let project = project();
    let outcome = audit(&project, &["app.kdl", "--json"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let document = json(&outcome);
    let runs = document["audits"][0]["runs"].as_array().expect("there are runs");
    let verdict = |name: &str| {
        let run = runs.iter().find(|run| run["name"] == name);
        run.unwrap_or_else(|| panic!("no {name}"))["verdict"].as_str().expect("a word")
    };
    // These need no tool and no privilege.
    for name in [
        "working directory",
        "path of the checkout, times of files",
        "home directory",
        "empty environment",
        "full environment",
        "LD_LIBRARY_PATH",
        "time zone",
        "locale tr_TR.UTF-8",
        "umask 000",
        "umask 077",
        "1 thread",
        "3 threads",
        "16 threads",
    ] {
        assert_eq!(verdict(name), "same", "{name}: {outcome:?}");
    }
    if is_root() {
        assert!(["same", "not-applied"].contains(&verdict("another user")), "{outcome:?}");
    }
    assert_eq!(verdict("SOURCE_DATE_EPOCH"), "not-applied");
    assert_eq!(document["audits"][0]["locked"], false);
    assert_eq!(document["passes"], true);
}

#[test]
fn what_differs_has_an_exit_code_of_its_own() {
    let project = project();
    succeed(&mut project.imgc(&["lock", "app.kdl"]));
    assert_eq!(audit(&project, &["app.kdl"]).code, Some(0));

    project.write("conf/app", "answer = 43\n");
    let outcome = audit(&project, &["app.kdl"]);
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    let words = ["imgc::lock::file_changed", "`/etc/app`", "the content is"];
    for word in words {
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
    // A page of a CI job shows stdout alone.
    for format in ["--json", "--markdown"] {
        let outcome = audit(&project, &["app.kdl", format]);
        assert_eq!(outcome.code, Some(4), "{outcome:?}");
        assert!(words.iter().all(|word| outcome.stdout.contains(word)), "{}", outcome.stdout);
    }
}

/// What only its owner can read makes an image that nobody else can make again.
#[test]
fn a_build_that_another_user_cannot_make_is_found() {
    if !is_root() || !has("setpriv") {
        return skip("it takes root and setpriv");
    }
    let (project, outside) = (project(), Project::new());
    outside.write("secret", "for root alone");
    let secret = outside.path("secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a mode can be set");
    project.write("app.kdl", format!("file \"/secret\" from=\"{}\"\n", secret.display()));
    let outcome = audit(&project, &["app.kdl"]);
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert!(outcome.stdout.contains("app.kdl: DIFFERS"), "{outcome:?}");
    assert!(outcome.stdout.contains("failed: another user"), "{outcome:?}");
}

/// A file outside the project that somebody changes between two builds.
#[test]
fn what_comes_out_otherwise_is_named_field_by_field() {
    let (project, outside) = (project(), Project::new());
    let (file, next) = (outside.path("log"), outside.path("next"));
    outside.write("log", "0");
    outside.write("next", "1");
    outside.write("tmp/.here", "");
    project.write("app.kdl", format!("file \"/etc/log\" from=\"{}\"\n", file.display()));
    let mut command = project.imgc(&["audit", "app.kdl", "--markdown"]);
    command.env("TMPDIR", outside.path("tmp"));
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !has_built_again(&outside.path("tmp")) {
                assert!(!is_over.load(std::sync::atomic::Ordering::Relaxed), "no build was seen");
                std::thread::yield_now();
            }
            fs::rename(&next, &file).expect("a file can be replaced");
        });
        let outcome = run(&mut command);
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        outcome
    });
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    for word in ["- `app.kdl` **differs** under ", "layer 1 /etc/log\n", "  digest: sha256:"] {
        assert!(outcome.stdout.contains(word), "{word}: {outcome:?}");
    }
}

/// Whether an audit has left more than its first image among its temporary files.
fn has_built_again(temporary: &std::path::Path) -> bool {
    let below = |path: &std::path::Path| {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let is_later = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(|first: char| first.is_ascii_digit())
    };
    let audits = below(temporary);
    audits.iter().any(|audit| below(&audit.join("outputs")).iter().any(is_later))
}

#[test]
fn with_a_lock_the_date_of_the_environment_does_not_matter() {
    let project = project();
    succeed(&mut project.imgc(&["lock", "app.kdl"]));
    let outcome = audit(&project, &["app.kdl", "--json"]);
    let document = json(&outcome);
    let runs = document["audits"][0]["runs"].as_array().expect("there are runs");
    let date = runs.iter().find(|run| run["name"] == "SOURCE_DATE_EPOCH").expect("it is there");
    assert_eq!(date["verdict"], "same");
    assert_eq!(document["audits"][0]["locked"], true);
}

#[test]
fn links_of_the_project_come_along() {
    let project = project();
    fs::create_dir(project.path("versions")).expect("a directory can be made");
    project.write("versions/1/app", "linked");
    std::os::unix::fs::symlink("versions/1", project.path("current")).expect("a link");
    project.write("app.kdl", "file \"/app\" from=\"current/app\"\nuse \"common/base.kdl\"\n");
    project.write("common/base.kdl", "label \"a\" \"b\"\n");
    let outcome = audit(&project, &["app.kdl"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("same: path of the checkout"), "{outcome:?}");
}

#[test]
fn a_recipe_that_does_not_build_is_an_error_and_no_verdict() {
    let project = project();
    project.write("app.kdl", "file \"/etc/app\" from=\"conf/none\"\n");
    let outcome = audit(&project, &["app.kdl"]);
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn the_summary_is_a_table_in_markdown() {
    let project = project();
    let outcome = audit(&project, &["app.kdl", "--markdown"]);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "| recipe | image | builds | same | not applied |");
    assert!(lines[2].starts_with("| `app.kdl` | `app sha256:"), "{lines:?}");
}

#[test]
fn an_image_is_judged_against_a_recipe() {
    let project = project();
    project.build("app.kdl", "image.tar");
    let against = |image: &str| audit(&project, &["--against", image, "app.kdl"]);
    let outcome = against("image.tar");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("byte for byte"), "{outcome:?}");

    let recipe = String::from_utf8(project.read("app.kdl")).expect("a recipe is text");
    project.write("plain.kdl", format!("name \"app\"\ncompression none\n{recipe}"));
    project.build("plain.kdl", "plain.tar");
    let outcome = against("plain.tar");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("only the compression"), "{outcome:?}");

    // As skopeo copies it.
    project.build("app.kdl", "copy/");
    let index = String::from_utf8(project.read("copy/index.json")).expect("JSON is text");
    let name = "\"io.containerd.image.name\":\"docker.io/library/app:latest\",";
    assert!(index.contains(name), "{index}");
    project.write("copy/index.json", index.replace(name, ""));
    let outcome = against("copy");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("only its index differs"), "{outcome:?}");

    project.write("conf/app", "answer = 43\n");
    let outcome = against("image.tar");
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert!(outcome.stdout.contains("image.tar is not what app.kdl makes:\n/etc/app\n  digest:"));
}
