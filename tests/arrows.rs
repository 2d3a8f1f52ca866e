//! The arrows between our crates are those of `docs/architecture.md`, and each foreign format has
//! one owner.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Who may depend on whom.
const ARROWS: [(&str, &[&str]); 5] = [
    ("imgc", &["imgc-parser", "imgc-planner", "imgc-resolver", "imgc-writer"]),
    ("imgc-parser", &[]),
    ("imgc-planner", &["imgc-parser"]),
    ("imgc-resolver", &["imgc-planner"]),
    ("imgc-writer", &["imgc-planner"]),
];

/// The one crate that may know a foreign format or effect.
const OWNERS: [(&str, &str); 9] = [
    ("clap", "imgc"),
    ("flate2", "imgc-writer"),
    ("goblin", "imgc-resolver"),
    ("kdl", "imgc-parser"),
    ("libdeflater", "imgc-writer"),
    ("oci-spec", "imgc-writer"),
    ("serde_json", "imgc-writer"),
    ("tar", "imgc-writer"),
    ("zstd", "imgc-writer"),
];

/// Who else may know a format: to print it or to read it, never for what is written into images.
const READERS: [(&str, &str); 3] = [
    // Classes in archives of Java (docs/decisions/0008-java-archives.md).
    ("flate2", "imgc-resolver"),
    // The program prints JSON of its own.
    ("serde_json", "imgc"),
    // Notes of ELF files hold JSON (docs/decisions/0003-run-time-evidence.md).
    ("serde_json", "imgc-resolver"),
];

fn dependencies() -> Vec<(String, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().expect("name").to_owned();
            let normal = |dependency: &&Value| dependency["kind"].is_null();
            let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
            let names = dependencies
                .filter(normal)
                .map(|dependency| dependency["name"].as_str().expect("name").to_owned());
            (name, names.collect())
        })
        .collect()
}

#[test]
fn arrows_are_as_drawn() {
    let found = dependencies();
    assert_eq!(found.len(), ARROWS.len(), "every crate of the workspace is drawn");
    for (name, dependencies) in found {
        let ours = dependencies.iter().filter(|name| name.starts_with("imgc")).map(String::as_str);
        let drawn = ARROWS.iter().find(|(from, _)| *from == name).expect("the crate is drawn").1;
        assert_eq!(ours.collect::<Vec<_>>(), drawn, "arrows from {name}");
    }
}

#[test]
fn each_foreign_format_has_one_owner() {
    for (name, dependencies) in dependencies() {
        for (format, owner) in OWNERS {
            let known = dependencies.contains(format);
            if known && !READERS.contains(&(format, name.as_str())) {
                assert_eq!(name, owner, "{format} is known to {name}");
            }
        }
    }
}
