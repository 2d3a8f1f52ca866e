//! How little is in an image: what one downloads is what the program needs.

use crate::workbench::{Project, skip, succeed};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// The layers of an OCI directory with one image, in order.
pub(super) fn layers(project: &Project, directory: &str) -> Vec<PathBuf> {
    let index: Value = parse(&project.read(&format!("{directory}/index.json")));
    let manifest = blob(directory, &index["manifests"][0]);
    let manifest: Value = parse(&project.read(&manifest));
    let layers = manifest["layers"].as_array().expect("a manifest lists layers");
    layers.iter().map(|layer| project.path(&blob(directory, layer))).collect()
}

/// Where the blob of a descriptor is, relative to the project.
pub(super) fn blob(directory: &str, descriptor: &Value) -> String {
    let digest = descriptor["digest"].as_str().expect("a descriptor has a digest");
    format!("{directory}/blobs/{}", digest.replace(':', "/"))
}

/// A JSON document of an image.
pub(super) fn parse(document: &[u8]) -> Value {
    serde_json::from_slice(document).expect("what is written is JSON")
}

/// The names in a layer, as another program reads them.
pub(super) fn names(layer: &PathBuf) -> Vec<String> {
    let list = succeed(Command::new("tar").arg("-tzf").arg(layer));
    list.lines().map(str::to_owned).collect()
}

#[test]
fn a_static_musl_program_is_one_file_below_100_kb() {
    let project = Project::with_own_recipes();
    if !project.path("recipes/build/hello-musl").exists() {
        return skip("there is no recipes/build/hello-musl, see recipes/prepare --help");
    }
    project.build("recipes/hello-musl.kdl", "hello/");

    let layers = layers(&project, "hello");

    let [layer] = &layers[..] else { panic!("{layers:?}") };
    assert_eq!(names(layer), ["hello"]);
    let size_bytes = layer.metadata().expect("the layer is there").len();
    assert!(size_bytes < 100_000, "{size_bytes} bytes");
}

#[test]
fn ripgrep_is_not_larger_than_its_files_in_tar_and_gzip() {
    let project = Project::with_own_recipes();
    if !PathBuf::from("/usr/bin/rg").exists() {
        return skip("there is no ripgrep");
    }
    project.build("recipes/rg.kdl", "rg/");
    let layers = layers(&project, "rg");
    let sizes = layers.iter().map(|layer| layer.metadata().expect("the layer is there").len());
    let ours: u64 = sizes.sum();

    project.write("unpacked/.here", "");
    for layer in &layers {
        succeed(Command::new("tar").arg("-C").arg(project.path("unpacked")).arg("-xzf").arg(layer));
    }
    // The regular files alone, without links and directories, which our layers hold as well.
    let same =
        "cd unpacked && find . -type f ! -name .here | sort | tar -cf - -T - | gzip -9 | wc -c";
    let mut shell = Command::new("sh");
    shell.args(["-c", same]).current_dir(project.path(""));
    let theirs: u64 = succeed(&mut shell).trim().parse().expect("wc counts");

    assert!(ours <= theirs, "{ours} bytes, and {theirs} in tar and gzip -9");
}
