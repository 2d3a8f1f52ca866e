//! Every error and warning has a page, and the program says what the page says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::workbench::{Project, run, skip, succeed};

/// Phases whose pages are tested in their own crate, which gives each the files and the machine
/// that it needs.
const TESTED_ELSEWHERE: [&str; 3] = ["imgc::parse::", "imgc::resolve::", "imgc::write::"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages, by code.
fn pages() -> BTreeMap<String, String> {
    let directory = fs::read_dir(root().join("docs/errors")).expect("there are pages");
    let page = |path: PathBuf| {
        let stem = path.file_stem().expect("a page has a name").to_string_lossy().into_owned();
        (stem.replace('.', "::"), fs::read_to_string(path).expect("a page can be read"))
    };
    directory.map(|entry| page(entry.expect("a page").path())).collect()
}

/// The codes that stand in the program's sources.
fn codes() -> BTreeSet<String> {
    fn collect(directory: &Path, codes: &mut BTreeSet<String>) {
        for entry in fs::read_dir(directory).expect("sources can be read") {
            let path = entry.expect("a source").path();
            if path.is_dir() {
                collect(&path, codes);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source is text");
                let found = text.split("code(imgc::").skip(1);
                codes.extend(
                    found.map(|rest| {
                        format!("imgc::{}", rest.split(')').next().expect("a code ends"))
                    }),
                );
            }
        }
    }
    let mut codes = BTreeSet::new();
    collect(&root().join("crates"), &mut codes);
    codes
}

/// The blocks of a page that are recipes: the first fails, the second is repaired.
fn recipes(page: &str) -> Vec<&str> {
    let blocks = page.split("```kdl\n").skip(1);
    blocks.map(|block| block.split("```").next().expect("a block ends")).collect()
}

/// A project with the files that the pages speak of.
fn project() -> Project {
    let project = Project::new();
    project.write("conf/app.toml", "mode = \"fast\"\n");
    project.write("common/base.kdl", "label \"base\" \"1\"\n");
    project.write("site/index.html", "hello\n");
    symlink("/var/lib/site/1", project.path("site/current")).expect("a link can be made");
    project
}

/// The codes that the program reports for a recipe.
fn reported(recipe: &str) -> Vec<String> {
    let project = project();
    project.write("recipe.kdl", recipe);
    let outcome = run(&mut project.imgc(&["check", "--message-format", "json", "recipe.kdl"]));
    let message = |line: &str| -> serde_json::Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    // A remark asks for nothing.
    let messages = outcome.stderr.lines().map(message);
    let codes = messages.filter(|message| message["severity"] != "remark");
    codes.map(|message| message["code"].as_str().expect("a code").to_owned()).collect()
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    assert_eq!(pages().into_keys().collect::<BTreeSet<_>>(), codes());
}

#[test]
fn pages_have_one_form() {
    for (code, page) in pages() {
        let mut lines = page.lines();
        assert_eq!(lines.next(), Some(format!("# {code}").as_str()));
        assert_eq!(lines.next(), Some(""), "{code}");
        assert!(lines.next().is_some_and(|line| !line.is_empty()), "{code}: no explanation");
        // Some mistakes of a text cannot be shown in a text.
        let is_shown = page.contains("\n## Fails\n") && page.contains("\n## Repaired\n");
        assert!(is_shown || code.starts_with("imgc::parse::"), "{code}: nothing is shown");
    }
}

#[test]
fn the_recipe_of_a_page_fails_as_it_says_and_the_repaired_one_does_not() {
    let has_ripgrep = Path::new("/usr/bin/rg").exists();
    let (mut shown, mut left_out) = (0, 0);
    for (code, page) in pages() {
        let [fails, repaired, ..] = recipes(&page)[..] else { continue };
        // What a page shows with a program of no machine, the tests of its rule show.
        let is_elsewhere = TESTED_ELSEWHERE.iter().any(|phase| code.starts_with(phase));
        if is_elsewhere || fails.contains("\"/usr/bin/app\"") {
            continue;
        }
        if !has_ripgrep && page.contains("/usr/bin/rg") {
            left_out += 1;
            continue;
        }
        assert_eq!(reported(repaired), Vec::<String>::new(), "{code}: {repaired}");
        let reported = reported(fails);
        assert!(reported.contains(&code), "{code}: {reported:?} for {fails}");
        shown += 1;
    }
    assert!(shown + left_out > 10, "only {shown} pages have recipes");
    if left_out > 0 {
        skip(&format!("{left_out} pages speak of ripgrep, which is not installed"));
    }
}

#[test]
fn explain_prints_the_page_of_a_code_or_of_its_last_part() {
    let project = Project::new();
    for name in ["imgc::plan::conflict", "conflict"] {
        let page = succeed(&mut project.imgc(&["explain", name]));
        assert_eq!(page, pages()["imgc::plan::conflict"]);
    }
    let list = succeed(&mut project.imgc(&["explain"]));
    assert!(codes().iter().all(|code| list.contains(code.as_str())));
    let outcome = run(&mut project.imgc(&["explain", "conflikt"]));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("imgc::plan::conflict"), "{}", outcome.stderr);
}

#[test]
fn json_messages_have_all_their_fields() {
    let project = Project::with_recipe("binary \"/usr/bin/env\"\nbianry \"/x\"\n");
    let outcome = run(&mut project.imgc(&["build", "recipe.kdl", "--message-format", "json"]));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
    let message: serde_json::Value = serde_json::from_str(outcome.stderr.trim()).expect("one line");
    assert_eq!(message["severity"], "error");
    assert_eq!(message["code"], "imgc::parse::unknown_node");
    assert_eq!(message["message"], "unknown node `bianry`");
    assert_eq!(message["file"], "recipe.kdl");
    assert_eq!((&message["line"], &message["column"]), (&2.into(), &1.into()));
    assert!(message["help"].as_str().is_some_and(|help| help.contains("`binary`")));
}
