//! What the checks say of real programs of the machine.

use std::path::Path;
use std::process::Command;

use crate::workbench::{Project, run, skip, succeed};

const CURL: &str = "/usr/bin/curl";

/// The codes of warnings about a recipe, and their helps.
fn warnings(recipe: &str) -> Vec<(String, String)> {
    let project = Project::with_recipe(recipe);
    let outcome = run(&mut project.imgc(&["check", "--message-format", "json", "recipe.kdl"]));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let message = |line: &str| -> serde_json::Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    let messages = outcome.stderr.lines().map(message);
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    messages
        .filter(|message| message["severity"] == "warning")
        .map(|message| (text(&message["code"]), text(&message["help"])))
        .collect()
}

#[test]
fn curl_alone_lacks_certificates_and_name_services_and_nothing_else() {
    if !Path::new(CURL).exists() || !Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        skip("there is no /usr/bin/curl, or no bundle of certificates");
        return;
    }
    let alone = warnings(&format!("binary \"{CURL}\"\n"));
    let codes: Vec<&str> = alone.iter().map(|(code, _)| &**code).collect();
    assert_eq!(codes, ["imgc::check::no_nsswitch", "imgc::check::no_certificates"]);
    assert!(alone[0].1.contains("add `needs dns`"), "{}", alone[0].1);
    assert!(alone[1].1.contains("add `needs tls`"), "{}", alone[1].1);
    assert_eq!(warnings(&format!("binary \"{CURL}\"\nneeds dns tls\n")), []);
}

#[test]
fn a_program_that_only_prints_gets_no_warning() {
    assert_eq!(warnings("binary \"/usr/bin/env\"\n"), []);
}

#[test]
fn a_script_that_a_tree_holds_is_started_in_the_image() {
    let project = Project::with_recipe(
        "platform \"linux/amd64\"\ntree \"/srv\" from=\"tree\"\nentrypoint \"/srv/run\"\n",
    );
    project.write("tree/run", "#!/bin/none\n");
    succeed(Command::new("chmod").arg("755").arg(project.path("tree/run")));
    let fails = run(&mut project.imgc(&["check", "recipe.kdl"]));
    assert_eq!(fails.code, Some(1));
    assert!(fails.stderr.contains("imgc::resolve::interpreter_is_missing"), "{}", fails.stderr);
    project.write("tree/run", "#!/usr/bin/env\n");
    project.write(
        "recipe.kdl",
        "binary \"/usr/bin/env\"\ntree \"/srv\" from=\"tree\"\nentrypoint \"/srv/run\"\n",
    );
    succeed(&mut project.imgc(&["check", "recipe.kdl"]));
}
