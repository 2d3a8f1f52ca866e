//! Manifests and indexes (OCI image-spec, `manifest.md`, `image-index.md`, `image-layout.md`), and
//! Docker's own `manifest.json`.

use std::collections::BTreeMap;

use imgc_planner::recipe::{ImageName, Platform};

use crate::image::{Descriptor, Image, NamedImage};
use crate::json::Json;

pub(crate) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// The whole file `oci-layout`.
pub(crate) const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The name by which skopeo and umoci ask for an image of a layout, and Podman's second choice.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The name that containerd, a Docker that stores images in it, and Podman give the image.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Returns the manifest of one image.
pub(crate) fn encode<'a>(
    config: &Descriptor,
    layers: impl Iterator<Item = &'a Descriptor>,
    annotations: &BTreeMap<String, String>,
) -> Vec<u8> {
    let layers = layers.map(|layer| descriptor(layer, [])).collect();
    Json::object([
        ("annotations", Json::texts(annotations).unless_empty()),
        ("config", Some(descriptor(config, []))),
        ("layers", Some(Json::Array(layers))),
        ("mediaType", Some(Json::string(MEDIA_TYPE))),
        ("schemaVersion", Some(Json::Number(2))),
    ])
    .encode()
}

/// Returns the index of one name's images for several platforms, in the platforms' order.
pub(crate) fn encode_index(images: &[Image]) -> Vec<u8> {
    let mut images: Vec<_> = images.iter().collect();
    images.sort_by_key(|image| image.platform.to_string());
    index(
        images.into_iter().map(|image| {
            descriptor(&image.manifest, [("platform", Some(platform(&image.platform)))])
        }),
    )
}

/// Returns the file `index.json`, with the names in their order.
pub(crate) fn encode_layout_index(named: &[NamedImage]) -> Vec<u8> {
    index(named.iter().map(|named| {
        let names = BTreeMap::from([
            (REF_NAME.to_owned(), tagged(&named.name)),
            (CONTAINERD_NAME.to_owned(), full_name(&named.name)),
        ]);
        let platform = match named.images.as_slice() {
            [image] => Some(platform(&image.platform)),
            _ => None,
        };
        let annotations = ("annotations", Some(Json::texts(&names)));
        descriptor(&named.descriptor, [annotations, ("platform", platform)])
    }))
}

/// Returns the file `manifest.json`, which `docker load` reads; it knows one platform a name, which
/// is the first that was asked for.
pub(crate) fn encode_docker(named: &[NamedImage]) -> Vec<u8> {
    let path = |descriptor: &Descriptor| format!("blobs/sha256/{}", descriptor.digest.hex());
    let entries = named.iter().filter_map(|named| {
        let image = named.images.first()?;
        let layers = image.layers.iter().map(|layer| path(&layer.descriptor));
        Some(Json::object([
            ("Config", Some(Json::string(path(&image.config)))),
            ("Layers", Some(Json::strings(layers))),
            ("RepoTags", Some(Json::strings([tagged(&named.name)]))),
        ]))
    });
    Json::Array(entries.collect()).encode()
}

/// Returns a name with its tag, as it was written otherwise: `rg:latest`.
pub(crate) fn tagged(name: &ImageName) -> String {
    format!("{}:{}", name.repository(), name.tag())
}

/// Returns a name with its registry, as Docker completes it: `docker.io/library/rg:latest`.
///
/// distribution/reference, `ParseNormalizedNamed`: the first component is a registry if it has a
/// dot or a colon or is `localhost`.
fn full_name(name: &ImageName) -> String {
    match name.repository().split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => tagged(name),
        Some(_) => format!("docker.io/{}", tagged(name)),
        None => format!("docker.io/library/{}", tagged(name)),
    }
}

fn index(manifests: impl Iterator<Item = Json>) -> Vec<u8> {
    Json::object([
        ("manifests", Some(Json::Array(manifests.collect()))),
        ("mediaType", Some(Json::string(INDEX_MEDIA_TYPE))),
        ("schemaVersion", Some(Json::Number(2))),
    ])
    .encode()
}

fn platform(platform: &Platform) -> Json {
    Json::object([
        ("architecture", Some(Json::string(platform.architecture.name()))),
        ("os", Some(Json::string(Platform::OS))),
        ("variant", platform.variant.map(Json::string)),
    ])
}

fn descriptor<const N: usize>(descriptor: &Descriptor, more: [(&str, Option<Json>); N]) -> Json {
    let Json::Object(mut fields) = Json::object(more) else { unreachable!("it is an object") };
    fields.insert("digest".to_owned(), Json::string(descriptor.digest));
    fields.insert("mediaType".to_owned(), Json::string(descriptor.media_type));
    fields.insert("size".to_owned(), Json::Number(descriptor.size));
    Json::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_docker_does() {
        for (text, full) in [
            ("rg", "docker.io/library/rg:latest"),
            ("acme/rg:14", "docker.io/acme/rg:14"),
            ("ghcr.io/acme/rg", "ghcr.io/acme/rg:latest"),
            ("localhost/rg", "localhost/rg:latest"),
            ("localhost:5000/rg:1", "localhost:5000/rg:1"),
        ] {
            assert_eq!(full_name(&ImageName::parse(text).unwrap()), full);
        }
    }
}
