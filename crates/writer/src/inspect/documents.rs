//! `oci-layout`, `index.json`, indexes, manifests, configs and Docker's `manifest.json`.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::BlobDigest;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::de::DeserializeOwned;

use super::canonical::is_canonical;
use super::finding::{Finding, Problem};
use super::layout::{Layout, blob_name};
use super::shape::{self, Shape};
use super::{InspectedEntry, InspectedImage, InspectedKind, layer};
use crate::error::WriteError;

pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
pub(super) const CONTAINERD_NAME: &str = "io.containerd.image.name";

struct Reader<'a> {
    layout: &'a Layout,
    blobs: BTreeSet<BlobDigest>,
    findings: &'a mut Vec<Finding>,
}

/// Reads all images that `index.json` names.
pub(super) fn read(
    layout: &Layout,
    findings: &mut Vec<Finding>,
) -> Result<Vec<InspectedImage>, WriteError> {
    if layout.document("oci-layout")? != br#"{"imageLayoutVersion":"1.0.0"}"# {
        findings.push(Finding::new("oci-layout", Problem::Json));
    }
    let mut reader = Reader { layout, blobs: BTreeSet::new(), findings };
    let index: ImageIndex =
        reader.parse("index.json", &layout.document("index.json")?, &shape::INDEX)?;
    reader.check_index("index.json", &index);
    let (mut images, mut names) = (Vec::new(), BTreeSet::new());
    for descriptor in index.manifests() {
        let annotation = |key| descriptor.annotations().as_ref()?.get(key).cloned();
        let name = annotation(REF_NAME);
        let full = name.as_deref().map(full_name);
        let is_full = full.is_some() && annotation(CONTAINERD_NAME) == full;
        if !is_full || !names.insert(name.clone()) {
            reader.found("index.json", Problem::ImageName);
        }
        if *descriptor.media_type() == MediaType::ImageIndex {
            let (place, bytes, _) = reader.blob(descriptor)?;
            let nested: ImageIndex = reader.parse(&place, &bytes, &shape::INDEX)?;
            reader.check_index(&place, &nested);
            for descriptor in nested.manifests() {
                images.push(reader.image(name.clone(), descriptor)?);
            }
        } else {
            images.push(reader.image(name, descriptor)?);
        }
    }
    if layout.is_archive {
        reader.check_docker(&images)?;
    }
    let blobs = std::mem::take(&mut reader.blobs);
    layout.find_strays(&blobs, findings);
    Ok(images)
}

impl Reader<'_> {
    fn found(&mut self, place: &str, problem: Problem) {
        self.findings.push(Finding::new(place, problem));
    }

    fn parse<T: DeserializeOwned>(
        &mut self,
        place: &str,
        bytes: &[u8],
        shape: &Shape,
    ) -> Result<T, WriteError> {
        if !is_canonical(bytes) {
            self.found(place, Problem::Json);
        }
        if serde_json::from_slice(bytes).is_ok_and(|value| !shape::fits(&value, shape)) {
            self.found(place, Problem::Field);
        }
        serde_json::from_slice(bytes)
            .map_err(|_| self.layout.unreadable(&format!("`{place}` is not such a document")))
    }

    /// Reads the digest of a descriptor.
    fn digest(&mut self, descriptor: &Descriptor) -> Result<BlobDigest, WriteError> {
        let digest = BlobDigest::parse(descriptor.digest().as_ref());
        let digest = digest.ok_or_else(|| self.layout.unreadable("a digest is no SHA-256"))?;
        self.blobs.insert(digest);
        Ok(digest)
    }

    /// Returns a document with its name and digest.
    fn blob(
        &mut self,
        descriptor: &Descriptor,
    ) -> Result<(String, Vec<u8>, BlobDigest), WriteError> {
        let digest = self.digest(descriptor)?;
        let place = blob_name(&digest);
        let bytes = self.layout.document(&place)?;
        if BlobDigest::of(&bytes) != digest {
            self.found(&place, Problem::Digest);
        }
        if bytes.len() as u64 != descriptor.size() {
            self.found(&place, Problem::Size);
        }
        Ok((place, bytes, digest))
    }

    fn check_index(&mut self, place: &str, index: &ImageIndex) {
        if index.schema_version() != 2 || *index.media_type() != Some(MediaType::ImageIndex) {
            self.found(place, Problem::MediaType);
        }
    }

    fn image(
        &mut self,
        name: Option<String>,
        descriptor: &Descriptor,
    ) -> Result<InspectedImage, WriteError> {
        let (place, bytes, digest) = self.blob(descriptor)?;
        let manifest: ImageManifest = self.parse(&place, &bytes, &shape::MANIFEST)?;
        if manifest.schema_version() != 2
            || *manifest.media_type() != Some(MediaType::ImageManifest)
            || *descriptor.media_type() != MediaType::ImageManifest
            || *manifest.config().media_type() != MediaType::ImageConfig
        {
            self.found(&place, Problem::MediaType);
        }
        let (config_place, bytes, config_digest) = self.blob(manifest.config())?;
        let config: ImageConfiguration = self.parse(&config_place, &bytes, &shape::CONFIG)?;
        self.check_config(&config_place, &config);
        let platform = platform(
            &config.os().to_string(),
            &config.architecture().to_string(),
            config.variant().as_deref(),
        );
        let described = descriptor.platform().as_ref().map(|described| {
            let (os, architecture) = (described.os(), described.architecture());
            self::platform(
                &os.to_string(),
                &architecture.to_string(),
                described.variant().as_deref(),
            )
        });
        if described.as_ref() != Some(&platform) {
            self.found(&place, Problem::Platform);
        }
        let diff_ids = config.rootfs().diff_ids();
        let history = config.history().as_ref().map_or(0, |history| {
            history.iter().filter(|entry| entry.empty_layer() != Some(true)).count()
        });
        let count = manifest.layers().len();
        if diff_ids.len() != count || history != count {
            self.found(&config_place, Problem::LayerCount);
        }
        let mut layers = Vec::new();
        for (position, descriptor) in manifest.layers().iter().enumerate() {
            let digest = self.digest(descriptor)?;
            let media_type = descriptor.media_type().to_string();
            if !is_layer(&media_type) {
                self.found(&place, Problem::MediaType);
            }
            let size = descriptor.size();
            let layer = layer::read(self.layout, digest, &media_type, size, self.findings)?;
            if let Some(diff_id) = layer.diff_id
                && diff_ids.get(position) != Some(&diff_id.to_string())
            {
                self.found(&blob_name(&digest), Problem::DiffId);
            }
            layers.push(layer);
        }
        self.check_across(layers.iter().map(|layer| layer.entries.as_slice()));
        Ok(InspectedImage {
            name,
            platform,
            manifest: digest,
            config: config_digest,
            created: config.created().clone(),
            layers,
        })
    }

    fn check_config(&mut self, place: &str, config: &ImageConfiguration) {
        let is_date = |text: &String| {
            let form = "dddd-dd-ddTdd:dd:ddZ";
            text.len() == form.len()
                && text.bytes().zip(form.bytes()).all(|(byte, form)| match form {
                    b'd' => byte.is_ascii_digit(),
                    other => byte == other,
                })
        };
        if !config.created().as_ref().is_some_and(is_date) {
            self.found(place, Problem::Created);
        }
        if config.rootfs().typ() != "layers" {
            self.found(place, Problem::MediaType);
        }
        let run = config.config().as_ref();
        let is_id = |text: &str| text.parse::<u32>().is_ok_and(|id| id.to_string() == text);
        let user = run.and_then(|run| run.user().as_deref()?.split_once(':'));
        if !user.is_some_and(|(uid, gid)| is_id(uid) && is_id(gid)) {
            self.found(place, Problem::User);
        }
        let env = run.and_then(|run| run.env().as_deref()).unwrap_or_default();
        if !env.iter().any(|variable| variable.starts_with("PATH=")) {
            self.found(place, Problem::NoPath);
        }
    }

    /// Checks that a path that several layers have is the same directory in each.
    fn check_across<'e>(&mut self, layers: impl Iterator<Item = &'e [InspectedEntry]>) {
        let mut lower: BTreeMap<&[u8], &InspectedEntry> = BTreeMap::new();
        for entries in layers {
            for entry in entries {
                if let Some(other) = lower.get(&*entry.path)
                    && (entry != *other || entry.kind != InspectedKind::Directory)
                {
                    self.findings.push(Finding::new(&entry.path, Problem::AcrossLayers));
                }
            }
            lower.extend(entries.iter().map(|entry| (&*entry.path, entry)));
        }
    }

    fn check_docker(&mut self, images: &[InspectedImage]) -> Result<(), WriteError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        struct Entry {
            config: String,
            layers: Vec<String>,
            repo_tags: Vec<String>,
        }
        let bytes = self.layout.document("manifest.json")?;
        let entries: Vec<Entry> = self.parse("manifest.json", &bytes, &shape::DOCKER)?;
        let names: BTreeSet<_> = images.iter().map(|image| &image.name).collect();
        let agrees = |entry: &Entry| {
            images.iter().any(|image| {
                entry.config == blob_name(&image.config)
                    && entry.repo_tags.iter().eq(&image.name)
                    && entry
                        .layers
                        .iter()
                        .cloned()
                        .eq(image.layers.iter().map(|layer| blob_name(&layer.digest)))
            })
        };
        if entries.len() != names.len() || !entries.iter().all(agrees) {
            self.found("manifest.json", Problem::DockerManifest);
        }
        Ok(())
    }
}

/// Completes a name as Docker does: with the registry, unless its first component is one
/// (distribution/reference, `ParseNormalizedNamed`).
fn full_name(name: &str) -> String {
    let first = name.split_once('/').map(|(first, _)| first);
    match first {
        Some(first) if first.contains(['.', ':']) || first == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
        None => format!("docker.io/library/{name}"),
    }
}

fn platform(os: &str, architecture: &str, variant: Option<&str>) -> String {
    let variant = variant.map(|variant| format!("/{variant}")).unwrap_or_default();
    format!("{os}/{architecture}{variant}")
}

fn is_layer(media_type: &str) -> bool {
    let archive = media_type.strip_prefix("application/vnd.oci.image.layer.v1.tar");
    matches!(archive, Some("" | "+gzip" | "+zstd"))
}
