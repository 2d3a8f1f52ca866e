//! The documents of two images: index, manifest, config.

use std::collections::BTreeMap;

use imgc_writer::inspect::{ObservedImage, ObservedLayout};

use super::Findings;

/// Compares what the indexes of two layouts say beside their images.
pub(super) fn indexes(one: &ObservedLayout, other: &ObservedLayout, found: &mut Findings<'_>) {
    if let (Some(one), Some(other)) = (&one.fields, &other.fields) {
        compare(one, other, found, |_| true);
    }
}

/// Compares every value of all documents, but for digests and sizes of other parts if those differ:
/// they are named where those parts are compared.
pub(super) fn strict(one: &ObservedImage, other: &ObservedImage, found: &mut Findings<'_>) {
    let same_manifest = one.manifest == other.manifest;
    let same_config = one.config == other.config;
    let same_layers = one.layers.len() == other.layers.len()
        && one.layers.iter().zip(&other.layers).all(|(one, other)| one.blob == other.blob);
    let is_named_elsewhere = |field: &str| {
        let is_reference = field.ends_with(".digest") || field.ends_with(".size");
        (is_reference && field.starts_with("index.") && !same_manifest)
            || (is_reference && field.starts_with("manifest.config.") && !same_config)
            || (is_reference && field.starts_with("manifest.layers[") && !same_layers)
            || (field.starts_with("config.rootfs.diff_ids[") && !same_layers)
    };
    // An archive of Docker's own form has no manifest to compare.
    let has_manifest = one.manifest.is_some() && other.manifest.is_some();
    let before = found.differences.len();
    compare(&one.fields, &other.fields, found, |field| {
        !is_named_elsewhere(field) && (has_manifest || field.starts_with("config."))
    });
    if found.differences.len() == before && same_layers && !same_config {
        let configs = (one.config.to_string(), other.config.to_string());
        found.add("image", None, "form of the config", (Some(&configs.0), Some(&configs.1)));
    }
}

/// Compares what an engine reads of the config.
pub(super) fn semantic(one: &ObservedImage, other: &ObservedImage, found: &mut Findings<'_>) {
    compare(&settings(one), &settings(other), found, |_| true);
}

fn compare(
    one: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
    found: &mut Findings<'_>,
    counts: impl Fn(&str) -> bool,
) {
    let mut fields: Vec<&String> = one.keys().chain(other.keys()).collect();
    fields.sort();
    fields.dedup();
    for field in fields.into_iter().filter(|field| counts(field)) {
        let values = (one.get(field).map(String::as_str), other.get(field).map(String::as_str));
        found.add("image", None, field, values);
    }
}

/// Returns the values that an engine reads. What is empty or has its default is left out.
fn settings(image: &ObservedImage) -> BTreeMap<String, String> {
    // What Docker's builders wrote of the container in which they built; engines pass over it.
    const TRACES: [&str; 9] = [
        "ArgsEscaped",
        "AttachStderr",
        "AttachStdin",
        "AttachStdout",
        "Domainname",
        "Hostname",
        "Image",
        "OpenStdin",
        "StdinOnce",
    ];
    let is_setting = |field: &str| {
        if let Some(run) = field.strip_prefix("config.config.") {
            let name = run.split(['.', '[']).next().unwrap_or(run);
            return !TRACES.contains(&name);
        }
        ["config.architecture", "config.os", "config.variant"].contains(&field)
            || field.starts_with("config.os.")
    };
    let mut settings: BTreeMap<String, String> = image
        .fields
        .iter()
        .filter(|(field, value)| {
            let default = matches!(value.as_str(), "\"\"" | "false" | "0");
            let root = *field == "config.config.WorkingDir" && *value == "\"/\"";
            is_setting(field) && !default && !root
        })
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    // Sets that hold nothing.
    settings.retain(|field, value| {
        value != "{}"
            || !["ExposedPorts", "Labels", "Volumes"].iter().any(|set| field.ends_with(set))
    });
    settings
}
