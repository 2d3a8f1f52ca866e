//! The layer plan: what the sources give stands below what the project gives, once it is large.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::workbench::{Project, run, succeed};

const RECIPE: &str = "\
name \"app\"
source directory \"root\"
source host
binary \"build/app\" to=\"/app\"
tree \"/usr/share/imgc-data\"
tree \"/srv\" from=\"srv\"
";

/// More than makes a layer.
const LARGE: usize = 9 << 20;

/// A project with a program, and with a source whose C library and data are large.
fn project() -> Project {
    let project = Project::with_recipe(RECIPE);
    project.write("env.kdl", "binary \"/usr/bin/env\"");
    let listed = succeed(&mut project.imgc(&["ls", "--json", "env.kdl"]));
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let entries = listed[0]["entries"].as_array().expect("entries");
    let libraries = entries.iter().filter(|entry| entry["path"] != "/usr/bin/env");
    let largest = libraries.max_by_key(|entry| entry["size"].as_u64()).expect("a library");
    let path = largest["path"].as_str().expect("a path");
    // A loader does not look at what stands behind the last segment.
    let mut bytes = std::fs::read(path).expect("the library is there");
    bytes.resize(bytes.len() + LARGE, 0);
    project.write(&format!("root{path}"), bytes);
    project.write("root/usr/share/imgc-data/data", vec![7; LARGE]);
    project.write("build/app", program());
    project.write("srv/index.html", "first");
    project
}

fn program() -> Vec<u8> {
    std::fs::read("/usr/bin/env").expect("there is an env")
}

/// Returns the comment and the digest of each layer's blob of the one image of an OCI directory.
fn layers(project: &Project, output: &str) -> Vec<(String, String)> {
    let read = |name: &str| -> Value {
        serde_json::from_slice(&project.read(&format!("{output}/{name}"))).expect("JSON")
    };
    let blob = |digest: &Value| {
        read(&format!("blobs/{}", digest.as_str().expect("a digest").replace(':', "/")))
    };
    let manifest = blob(&read("index.json")["manifests"][0]["digest"]);
    let config = blob(&manifest["config"]["digest"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let history = config["history"].as_array().expect("a history").iter();
    let comments = history.map(|entry| text(&entry["created_by"]));
    let blobs = manifest["layers"].as_array().expect("layers").iter();
    comments.zip(blobs.map(|layer| text(&layer["digest"]))).collect()
}

fn built(project: &Project, recipe: &str, output: &str) -> Vec<(String, String)> {
    project.build(recipe, output);
    layers(project, output)
}

#[test]
fn a_change_of_the_project_changes_the_last_layer_alone() {
    let project = project();
    let first = built(&project, "recipe.kdl", "first/");
    let comments: Vec<&str> = first.iter().map(|(comment, _)| &**comment).collect();
    assert_eq!(comments, ["imgc: libraries", "imgc: distribution", "imgc: application"]);

    project.write("srv/index.html", "second");
    let mut changed = program();
    changed.push(0);
    project.write("build/app", changed);
    project
        .write("recipe.kdl", format!("{RECIPE}text \"/etc/app\" \"new\"\nworkdir \"/srv/new\"\n"));
    let second = built(&project, "recipe.kdl", "second/");
    assert_eq!(first[..2], second[..2]);
    assert_ne!(first[2], second[2]);
    let differs = run(&mut project.imgc(&["diff", "--json", "first", "second"]));
    let differs: Value = serde_json::from_str(&differs.stdout).expect("JSON");
    let differences = differs["differences"].as_array().expect("differences").iter();
    let places = differences.map(|difference| difference["place"].as_str().expect("a place"));
    let layers: BTreeSet<&str> = places.filter(|place| place.starts_with("layer")).collect();
    assert_eq!(layers, BTreeSet::from(["layer 3"]));
}

#[test]
fn images_with_the_same_libraries_have_one_layer_of_them() {
    let project = project();
    let first = built(&project, "recipe.kdl", "first/");
    let other = "source directory \"root\"\nsource host\nbinary \"build/app\" to=\"/opt/other\"\n\
                 tree \"/srv\" from=\"srv\"\nneeds tmp\n";
    project.write("other.kdl", other);
    let second = built(&project, "other.kdl", "second/");
    assert_eq!(first[0], second[0]);
    assert_eq!(second.len(), 2);
}

#[test]
fn layers_are_shown_with_their_sizes() {
    let project = project();
    let plan = succeed(&mut project.imgc(&["plan", "recipe.kdl"]));
    for line in [
        "layers of app linux/",
        "\n  imgc: libraries  ",
        "\n  imgc: distribution  9.4 MB in 1 file\n",
        "\n  imgc: application  ",
    ] {
        assert!(plan.contains(line), "{plan}");
    }
    let json = succeed(&mut project.imgc(&["plan", "--json", "recipe.kdl"]));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let layer = &json["layers"][0]["layers"][1];
    assert_eq!((&layer["comment"], &layer["files"]), (&"imgc: distribution".into(), &1.into()));
    assert_eq!(layer["size"], LARGE);

    let why = succeed(&mut project.imgc(&["why", "recipe.kdl", "/srv/index.html"]));
    assert!(why.ends_with("\n  in the layer `imgc: application`\n"), "{why}");
    let place = |listed: &str, path: &str| {
        let listed: Value = serde_json::from_str(listed).expect("JSON");
        let entries = listed[0]["entries"].as_array().expect("entries");
        entries.iter().find(|entry| entry["path"] == path).expect(path)["layer"].clone()
    };
    project.build("recipe.kdl", "image/");
    for image in ["recipe.kdl", "image"] {
        let listed = succeed(&mut project.imgc(&["ls", "--json", image]));
        assert_eq!(place(&listed, "/usr/share/imgc-data/data"), 1, "{image}");
        assert_eq!(place(&listed, "/srv/index.html"), 2, "{image}");
    }
}

#[test]
fn a_plan_whose_image_cannot_be_made_is_shown_without_layers() {
    let project = Project::with_recipe("file \"/etc/app\" from=\"absent\"\n");
    let outcome = run(&mut project.imgc(&["plan", "recipe.kdl"]));
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stdout.contains("file path=\"/etc/app\""), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("layers of"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("imgc check recipe.kdl"), "{}", outcome.stderr);
    let outcome = run(&mut project.imgc(&["plan", "--json", "recipe.kdl"]));
    let json: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(json["layers"], Value::Null);
}

#[test]
fn a_layer_around_everything_makes_one_layer() {
    let project = project();
    let (sources, nodes) = RECIPE.split_at(RECIPE.find("binary").expect("a binary"));
    project.write("recipe.kdl", format!("{sources}layer \"all\" {{\n{nodes}}}\n"));
    let layers = built(&project, "recipe.kdl", "image/");
    assert_eq!(layers.len(), 1);
    assert_eq!(layers[0].0, "imgc: layer all");
}

#[test]
fn locks_audits_and_variants_know_planned_layers() {
    let project = project();
    let variant = "variant debug {\n    text \"/etc/hint\" \"look\\n\"\n}\n";
    project.write("recipe.kdl", format!("{RECIPE}{variant}"));
    succeed(&mut project.imgc(&["lock", "recipe.kdl"]));
    let lock = String::from_utf8(project.read("recipe.lock")).expect("a lock is text");
    assert_eq!(lock.lines().filter(|line| line.starts_with("layer ")).count(), 3 + 4);
    succeed(&mut project.imgc(&["lock", "--check", "recipe.kdl"]));
    succeed(&mut project.imgc(&["build", "--locked", "recipe.kdl", "-o", "image"]));
    succeed(&mut project.imgc(&["verify", "image", "--recipe", "recipe.kdl"]));
    succeed(&mut project.imgc(&["audit", "--against", "image", "recipe.kdl"]));
    succeed(&mut project.imgc(&["build", "recipe.kdl", "--variant", "debug", "-o", "debug"]));
    let above = layers(&project, "debug");
    project.write("recipe.kdl", RECIPE);
    std::fs::remove_file(project.path("recipe.lock")).expect("the lock is there");
    assert_eq!(built(&project, "recipe.kdl", "first/"), above[..3]);
    assert_eq!(above[3].0, "imgc: layer debug");
}
