//! Variants: more images of one recipe, on top of the first one's layers.

use crate::workbench::{Project, run, succeed};
use serde_json::Value;

const BASE: &str = "name \"app\"\nbinary \"/usr/bin/env\"\nneeds tmp\n";
const DEBUG: &str = "variant debug {\n    text \"/etc/debug/hint\" \"look\\n\"\n    \
    text \"/tmp/also\" \"here\\n\"\n    env HINT=\"1\"\n}\n";

/// Returns the diff ids of an image of an OCI directory, by its tag.
fn diff_ids(project: &Project, output: &str, tag: &str) -> Vec<String> {
    let read = |name: &str| -> Value {
        serde_json::from_slice(&project.read(&format!("{output}/{name}"))).expect("JSON")
    };
    let blob = |digest: &Value| {
        let digest = digest.as_str().expect("a digest").replace(':', "/");
        read(&format!("blobs/{digest}"))
    };
    let index = read("index.json");
    let manifests = index["manifests"].as_array().expect("manifests");
    let name = |manifest: &&Value| {
        manifest["annotations"]["org.opencontainers.image.ref.name"] == format!("app:{tag}")
    };
    let manifest = blob(&manifests.iter().find(name).expect("the image")["digest"]);
    let config = blob(&manifest["config"]["digest"]);
    let ids = config["rootfs"]["diff_ids"].as_array().expect("diff ids");
    ids.iter().map(|id| id.as_str().expect("a digest").to_owned()).collect()
}

#[test]
fn a_variant_leaves_the_layers_below_it_as_they_are() {
    let project = Project::with_recipe(&format!("{BASE}{DEBUG}"));
    project.write("first.kdl", BASE);
    let built = succeed(&mut project.imgc(&["build", "recipe.kdl", "-o", "both"]));
    let names: Vec<&str> = built.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["app", "app:debug"]);
    let first = project.build("first.kdl", "first");
    assert!(built.contains(&first.digest), "{built}");
    let (below, above) =
        (diff_ids(&project, "both", "latest"), diff_ids(&project, "both", "debug"));
    assert_eq!((below.len(), above.len()), (1, 2));
    assert_eq!(below[..], above[..1]);
    succeed(&mut project.imgc(&["verify", "both"]));
    succeed(&mut project.imgc(&["verify", "both", "--recipe", "recipe.kdl"]));

    let alone =
        succeed(&mut project.imgc(&["build", "recipe.kdl", "--variant", "debug", "-o", "one"]));
    assert_eq!(alone.lines().count(), 1);
    assert_eq!(diff_ids(&project, "one", "debug"), above);
    let wrong = run(&mut project.imgc(&["build", "recipe.kdl", "--variant", "debgu"]));
    assert!(wrong.stderr.contains("unknown_variant"), "{}", wrong.stderr);
}

#[test]
fn every_command_knows_variants() {
    let project = Project::with_recipe(&format!("{BASE}{DEBUG}"));
    let listed = succeed(&mut project.imgc(&["ls", "recipe.kdl"]));
    assert!(listed.contains("app:debug linux/"), "{listed}");
    let why = succeed(&mut project.imgc(&["why", "recipe.kdl", "/etc/debug/hint"]));
    assert!(why.contains("app:debug") && why.contains("recipe.kdl:5:5"), "{why}");
    let plan = succeed(&mut project.imgc(&["plan", "recipe.kdl"]));
    assert!(plan.contains("image name=\"app:debug\""), "{plan}");
    succeed(&mut project.imgc(&["lock", "recipe.kdl"]));
    succeed(&mut project.imgc(&["check", "--locked", "recipe.kdl"]));
    succeed(&mut project.imgc(&["build", "--locked", "recipe.kdl", "--variant", "debug"]));
    // What only a variant has is locked as well.
    project.write("recipe.kdl", format!("{BASE}{}", DEBUG.replace("look", "see")));
    let drifted = run(&mut project.imgc(&["check", "recipe.kdl"]));
    assert!(drifted.stderr.contains("imgc::lock::plan_changed"), "{}", drifted.stderr);
}

#[test]
fn another_user_and_directory_leave_the_first_image_alone() {
    let text = "binary \"/usr/bin/env\"\nuser web uid=8\nworkdir \"/srv\"\n\
                variant debug { user root; workdir \"/\"; allow runs_as_root \"to look\"; }\n";
    let project = Project::with_recipe(text);
    let built = succeed(&mut project.imgc(&["build", "recipe.kdl", "-o", "out"]));
    assert_eq!(built.lines().count(), 2);
    succeed(&mut project.imgc(&["verify", "out"]));
}

#[test]
fn a_variant_cannot_change_the_first_image() {
    let text = "text \"/etc/motd\" \"first\"\nbinary \"/usr/bin/env\"\nuser web uid=8\n";
    let variant = "variant debug { user app uid=7; }\n";
    let project = Project::with_recipe(&format!("{text}{variant}"));
    let outcome = run(&mut project.imgc(&["build", "recipe.kdl"]));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("imgc::assemble::variant_differs"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("`/etc/passwd`"), "{}", outcome.stderr);
}
