//! skopeo copies an image to other forms and back, and finds the digest that imgc printed.

use super::layer::parse;
use crate::workbench::{Project, succeed};
use serde_json::Value;
use std::process::Command;

/// skopeo, in the project's directory and without asking who signed what.
pub(super) fn skopeo(project: &Project, arguments: &[&str]) -> String {
    let mut command = Command::new("timeout");
    command.args(["120", "skopeo", "--insecure-policy"]).args(arguments);
    succeed(command.current_dir(project.path("")))
}

/// The digest of the one manifest in an OCI directory, as skopeo computes it.
pub(super) fn digest(project: &Project, image: &str) -> String {
    let manifest = skopeo(project, &["inspect", "--raw", image]);
    project.write("manifest.json", manifest);
    let digest = skopeo(project, &["manifest-digest", "manifest.json"]);
    digest.trim().to_owned()
}

/// The layers' digests before compression: what stays the same in every form of an image.
fn diff_ids(project: &Project, image: &str) -> Value {
    let config = skopeo(project, &["inspect", "--config", image]);
    let mut config = parse(config.as_bytes());
    config["rootfs"]["diff_ids"].take()
}

#[test]
fn a_copy_in_oci_form_keeps_the_digest() {
    let Some(project) = super::project() else { return };
    let built = project.build("recipes/rg.kdl", "rg/");

    skopeo(&project, &["copy", "--preserve-digests", "oci:rg", "oci:copy:latest"]);

    assert_eq!(digest(&project, "oci:rg"), built.digest);
    assert_eq!(digest(&project, "oci:copy:latest"), built.digest);
}

#[test]
fn the_archive_is_an_oci_archive_with_the_digest() {
    let Some(project) = super::project() else { return };
    let built = project.build("recipes/rg.kdl", "rg.tar");

    skopeo(&project, &["copy", "--preserve-digests", "oci-archive:rg.tar", "oci:copy:latest"]);

    assert_eq!(digest(&project, "oci:copy:latest"), built.digest);
}

#[test]
fn a_docker_archive_and_back_keeps_every_layer() {
    let Some(project) = super::project() else { return };
    for recipe in ["hello", "rg", "debug"] {
        project.build(&format!("recipes/{recipe}.kdl"), &format!("{recipe}/"));
        let (ours, archive) = (format!("oci:{recipe}"), format!("docker-archive:{recipe}.tar"));
        let back = format!("oci:back-{recipe}:latest");

        skopeo(&project, &["copy", &ours, &format!("{archive}:{recipe}:latest")]);
        skopeo(&project, &["copy", &archive, &back]);

        let before = diff_ids(&project, &ours);
        assert!(before.as_array().is_some_and(|ids| !ids.is_empty()), "{before}");
        assert_eq!(before, diff_ids(&project, &archive));
        assert_eq!(before, diff_ids(&project, &back));
    }
}

#[test]
fn the_archive_is_a_docker_archive() {
    let Some(project) = super::project() else { return };
    project.build("recipes/rg.kdl", "rg.tar");
    project.build("recipes/rg.kdl", "rg/");

    assert_eq!(diff_ids(&project, "docker-archive:rg.tar"), diff_ids(&project, "oci:rg"));
}
