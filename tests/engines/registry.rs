//! A registry stores the image under the digest that imgc printed, and gives it back unchanged.

use super::skopeo::{digest, skopeo};
use crate::workbench::Project;
use std::collections::BTreeSet;
use std::{env, fs, process};

/// The names of the blobs in an OCI directory.
fn blobs(project: &Project, directory: &str) -> BTreeSet<String> {
    let blobs = fs::read_dir(project.path(&format!("{directory}/blobs/sha256")));
    blobs
        .expect("an OCI directory has blobs")
        .map(|entry| entry.expect("a directory can be listed").file_name())
        .map(|name| name.into_string().expect("a digest is text"))
        .collect()
}

#[test]
fn a_registry_keeps_the_digest() {
    let Some(project) = super::project() else { return };
    let registry = env::var("IMGC_TEST_REGISTRY").expect("tests/run names the registry");
    let built = project.build("recipes/debug.kdl", "debug/");
    let repository = format!("docker://{registry}/imgc-test/debug-{}", process::id());
    let tag = format!("{repository}:latest");

    let push = ["copy", "--preserve-digests", "--dest-tls-verify=false", "oci:debug", &tag];
    skopeo(&project, &push);

    let stored = skopeo(&project, &["inspect", "--tls-verify=false", "--format={{.Digest}}", &tag]);
    assert_eq!(stored.trim(), built.digest);

    let pinned = format!("{repository}@{}", built.digest);
    let pull = ["copy", "--preserve-digests", "--src-tls-verify=false", &pinned, "oci:back:latest"];
    skopeo(&project, &pull);

    assert_eq!(digest(&project, "oci:back:latest"), built.digest);
    assert_eq!(blobs(&project, "back"), blobs(&project, "debug"));
}
