//! Which fields the documents of an image have: those of `docs/formats.md`, and no others. A tool's
//! version, a host's name or an id of a container would be one more.

use serde_json::Value;

/// What a value may hold.
pub(super) enum Shape {
    /// One text, number or list of texts, or a map from names to such.
    Any,
    /// An object with these fields at most.
    Fields(&'static [(&'static str, Shape)]),
    /// A list of such values.
    List(&'static Shape),
}

use Shape::{Any, Fields, List};

const DESCRIPTOR: Shape = Fields(&[("digest", Any), ("mediaType", Any), ("size", Any)]);

/// `index.json`, and indexes of several platforms.
pub(super) const INDEX: Shape = Fields(&[
    (
        "manifests",
        List(&Fields(&[
            (
                "annotations",
                Fields(&[
                    (super::documents::CONTAINERD_NAME, Any),
                    (super::documents::REF_NAME, Any),
                ]),
            ),
            ("digest", Any),
            ("mediaType", Any),
            ("platform", Fields(&[("architecture", Any), ("os", Any), ("variant", Any)])),
            ("size", Any),
        ])),
    ),
    ("mediaType", Any),
    ("schemaVersion", Any),
]);

/// Manifests.
pub(super) const MANIFEST: Shape = Fields(&[
    ("annotations", Any),
    ("config", DESCRIPTOR),
    ("layers", List(&DESCRIPTOR)),
    ("mediaType", Any),
    ("schemaVersion", Any),
]);

/// Configs.
pub(super) const CONFIG: Shape = Fields(&[
    ("architecture", Any),
    (
        "config",
        Fields(&[
            ("Cmd", Any),
            ("Entrypoint", Any),
            ("Env", Any),
            ("ExposedPorts", Any),
            ("Labels", Any),
            ("StopSignal", Any),
            ("User", Any),
            ("Volumes", Any),
            ("WorkingDir", Any),
        ]),
    ),
    ("created", Any),
    ("history", List(&Fields(&[("created", Any), ("created_by", Any)]))),
    ("os", Any),
    ("rootfs", Fields(&[("diff_ids", Any), ("type", Any)])),
    ("variant", Any),
]);

/// Docker's `manifest.json`.
pub(super) const DOCKER: Shape =
    List(&Fields(&[("Config", Any), ("Layers", Any), ("RepoTags", Any)]));

/// Tells whether a document has no other field.
pub(super) fn fits(value: &Value, shape: &Shape) -> bool {
    match (shape, value) {
        (Any, _) => true,
        (List(each), Value::Array(items)) => items.iter().all(|item| fits(item, each)),
        (Fields(known), Value::Object(fields)) => fields.iter().all(|(name, value)| {
            let field = known.iter().find(|(known, _)| known == name);
            field.is_some_and(|(_, shape)| fits(value, shape))
        }),
        (List(_) | Fields(_), _) => false,
    }
}
