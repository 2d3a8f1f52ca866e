//! The documents of two images: index, manifest, config.

use std::collections::BTreeMap;

use imgc_writer::inspect::ObservedImage;

use super::Findings;

/// Compares every value of all documents, but for digests and sizes of other parts, which are named
/// where those parts are compared.
pub(super) fn strict(one: &ObservedImage, other: &ObservedImage, found: &mut Findings<'_>) {
    let is_reference = |field: &str| {
        let describes = field.starts_with("index.")
            || field.starts_with("manifest.layers[")
            || field.starts_with("manifest.config.");
        (describes && (field.ends_with(".digest") || field.ends_with(".size")))
            || field.starts_with("config.rootfs.diff_ids[")
    };
    // An archive of Docker's own form has no manifest to compare.
    let has_manifest = one.manifest.is_some() && other.manifest.is_some();
    compare(&one.fields, &other.fields, found, |field| {
        !is_reference(field) && (has_manifest || field.starts_with("config."))
    });
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
