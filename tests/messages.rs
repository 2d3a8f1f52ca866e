//! What programs read of errors and warnings: JSON lines, one SARIF document, and `--deny warnings`.

use serde_json::{Value, json};

use crate::workbench::{Outcome, Project, run};

/// An error in the recipe itself and a warning of the checks, in a file whose name a URI encodes.
const BROKEN: &str = "binary \"/usr/bin/env\"\n  bianry \"/x\"\n";
const WARNS: &str =
    "platform \"linux/amd64\"\ntext \"/a\" \"č\" mode=0o666; allow nothing_to_run \"data\"\n";

fn check(project: &Project, arguments: &[&str]) -> Outcome {
    run(&mut project.imgc(&[&["check"], arguments].concat()))
}

#[test]
fn a_json_message_names_its_place_its_help_and_its_page() {
    let project = Project::new();
    project.write("my recipes/data.kdl", WARNS);
    let outcome = check(&project, &["--message-format", "json", "my recipes/data.kdl"]);
    let message: Value = serde_json::from_str(outcome.stderr.trim()).expect("one line");
    let expected = json!({
        "severity": "warning",
        "code": "imgc::check::writable_by_all",
        "message": "`/a` has mode `0o666`: every user may write it",
        "help": "give it an owner, `owner=app`, and a mode without the bit 0o002; \
                 a directory for all takes the bit 0o1000 too",
        "file": "my recipes/data.kdl",
        "line": 2,
        "column": 1,
        "end_line": 2,
        "end_column": 25,
        "url": "docs/errors/imgc.check.writable_by_all.md",
    });
    assert_eq!((outcome.code, message), (Some(0), expected));
}

#[test]
fn what_is_about_a_whole_recipe_has_a_place_too() {
    let project = Project::with_recipe("platform \"linux/amd64\"\ntext \"/a\" \"\"\n");
    let outcome = check(&project, &["--message-format", "json", "recipe.kdl"]);
    let message: Value = serde_json::from_str(outcome.stderr.trim()).expect("one line");
    assert_eq!(message["code"], "imgc::check::nothing_to_run");
    assert_eq!((&message["line"], &message["column"]), (&json!(1), &json!(1)));
}

#[test]
fn sarif_is_one_document_with_paths_from_the_root_of_the_repository() {
    let project = Project::new();
    project.write("my recipes/data.kdl", WARNS);
    project.write("my recipes/broken.kdl", BROKEN);
    let mut imgc = project.imgc(&["check", "--message-format", "sarif", "data.kdl", "broken.kdl"]);
    imgc.current_dir(project.path("my recipes"));
    let outcome = run(&mut imgc);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
    let document: Value = serde_json::from_str(&outcome.stderr).expect("a document");
    assert_eq!(document["version"], "2.1.0");
    let [sarif] = &document["runs"].as_array().expect("runs")[..] else { panic!("one run") };
    assert_eq!(sarif["tool"]["driver"]["name"], "imgc");
    let rules = sarif["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = sarif["results"].as_array().expect("results");
    let shown: Vec<Value> = results
        .iter()
        .map(|result| {
            let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
            let page = rule["help"]["markdown"].as_str().expect("a page");
            assert!(page.starts_with("# imgc::"), "{page}");
            let place = &result["locations"][0]["physicalLocation"];
            let region = &place["region"];
            json!([
                result["ruleId"],
                result["level"],
                place["artifactLocation"]["uri"],
                place["artifactLocation"]["uriBaseId"],
                [
                    region["startLine"],
                    region["startColumn"],
                    region["endLine"],
                    region["endColumn"]
                ],
            ])
        })
        .collect();
    assert_eq!(
        shown,
        [
            json!([
                "imgc::check::writable_by_all",
                "warning",
                "my%20recipes/data.kdl",
                "%SRCROOT%",
                [2, 1, 2, 25],
            ]),
            json!([
                "imgc::parse::unknown_node",
                "error",
                "my%20recipes/broken.kdl",
                "%SRCROOT%",
                [2, 3, 2, 9],
            ]),
        ]
    );
    let text = results[0]["message"]["text"].as_str().expect("a text");
    assert!(text.starts_with("`/a` has mode `0o666`: every user may write it\ngive it"), "{text}");
}

#[test]
fn sarif_without_anything_to_say_is_a_document_without_results() {
    let project = Project::with_recipe("binary \"/usr/bin/env\"\n");
    let outcome = check(&project, &["--message-format", "sarif", "recipe.kdl"]);
    let document: Value = serde_json::from_str(&outcome.stderr).expect("a document");
    assert_eq!((outcome.code, &document["runs"][0]["results"]), (Some(0), &json!([])));
}

#[test]
fn warnings_are_errors_if_denied_unless_they_are_accepted() {
    let project = Project::with_recipe(WARNS);
    assert_eq!(check(&project, &["recipe.kdl"]).code, Some(0));
    let denied = ["build", "--deny", "warnings", "--message-format", "json", "recipe.kdl"];
    let outcome = run(&mut project.imgc(&denied));
    let message: Value = serde_json::from_str(outcome.stderr.trim()).expect("one line");
    assert_eq!((outcome.code, &message["severity"]), (Some(1), &json!("error")));
    assert!(!project.path("out").exists(), "something was written");
    project.write("recipe.kdl", format!("{WARNS}allow writable_by_all \"a scratch file\"\n"));
    assert_eq!(check(&project, &["--deny", "warnings", "recipe.kdl"]).code, Some(0));
    // The reason is a part of the plan.
    let plan = |project: &Project| run(&mut project.imgc(&["plan", "--json", "recipe.kdl"])).stdout;
    let first = plan(&project);
    assert!(first.contains("a scratch file"), "{first}");
    project.write("recipe.kdl", format!("{WARNS}allow writable_by_all \"another reason\"\n"));
    assert_ne!(plan(&project), first);
}
