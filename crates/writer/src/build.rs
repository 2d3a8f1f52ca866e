//! Writes the blobs of images: layers, configs, manifests, and an index for several platforms.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use imgc_planner::ImageSpec;

use crate::config;
use crate::contents::Contents;
use crate::encoder::Encoder;
use crate::error::WriteError;
use crate::image::{Image, NamedImage};
use crate::manifest;
use crate::pipeline;
use crate::sink::{self, BlobSink};
use crate::store::Store;
use crate::store::shelf::Shelf;

/// What a build works with.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// Where the files' bytes are.
    pub contents: &'a dyn Contents,
    /// How many threads compress. No byte depends on it.
    pub workers: NonZeroUsize,
    /// What earlier builds kept. No byte depends on it.
    pub store: Option<&'a Store>,
    /// Tells whether to give up, for instance since the user wants it. Asked again and again.
    pub is_stopped: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Work<'a> {
    /// Work without a store that nobody stops.
    #[must_use]
    pub fn afresh(contents: &'a dyn Contents, workers: NonZeroUsize) -> Self {
        Self { contents, workers, store: None, is_stopped: &|| false }
    }

    /// Fails when it is time to give up.
    pub(crate) fn go_on(&self) -> Result<(), WriteError> {
        if (self.is_stopped)() { Err(WriteError::Stopped) } else { Ok(()) }
    }
}

/// Writes all blobs of one image. The bytes depend on the spec alone, never on `workers`.
///
/// `workers` threads compress, and three more read, hash and write. At most `workers + 4` chunks of
/// 1 MiB (zstd: 4 MiB) are in memory, each with its compressed form.
///
/// # Errors
/// When a content is not what the spec says, or the system refuses. The sink may then hold some of
/// the blobs.
pub fn write_image(
    spec: &ImageSpec,
    contents: &dyn Contents,
    workers: NonZeroUsize,
    sink: &dyn BlobSink,
) -> Result<Image, WriteError> {
    write_blobs(spec, &Work::afresh(contents, workers), None, sink)
}

/// The same with what is on the shelf.
fn write_blobs(
    spec: &ImageSpec,
    work: &Work<'_>,
    shelf: Option<&Shelf<'_>>,
    sink: &dyn BlobSink,
) -> Result<Image, WriteError> {
    let encoder = Encoder::new(spec.compression)?;
    let layers = spec.layers.iter();
    let layers = layers
        .map(|layer| pipeline::write_layer(layer, encoder, work, shelf, sink))
        .collect::<Result<Vec<_>, _>>()?;
    let config = sink::put(sink, config::MEDIA_TYPE, &config::encode(spec, &layers)?)?;
    let descriptors = layers.iter().map(|layer| &layer.descriptor);
    let document = manifest::encode(&config, descriptors, &spec.annotations);
    let manifest = sink::put(sink, manifest::MEDIA_TYPE, &document)?;
    Ok(Image { name: spec.name.clone(), platform: spec.platform, manifest, config, layers })
}

/// Writes all blobs of several images. Those of one name become one [`NamedImage`]; the names come
/// back sorted.
pub(crate) fn write_images(
    specs: &[ImageSpec],
    work: &Work<'_>,
    shelf: Option<&Shelf<'_>>,
    sink: &dyn BlobSink,
) -> Result<Vec<NamedImage>, WriteError> {
    let mut names = BTreeMap::<_, Vec<&ImageSpec>>::new();
    for spec in specs {
        // `rg` and `rg:latest` are one name.
        let same = names.entry(manifest::tagged(&spec.name)).or_default();
        if same.iter().any(|other| other.platform == spec.platform) {
            let (name, platform) = (manifest::tagged(&spec.name), spec.platform.to_string());
            return Err(WriteError::DuplicateImage { name, platform });
        }
        same.push(spec);
    }
    if names.is_empty() {
        return Err(WriteError::NoImage);
    }
    names
        .into_values()
        .map(|specs| {
            let images = specs.iter().map(|spec| write_blobs(spec, work, shelf, sink));
            let images = images.collect::<Result<Vec<_>, _>>()?;
            let descriptor = match images.as_slice() {
                [image] => image.manifest.clone(),
                several => {
                    let document = manifest::encode_index(several);
                    sink::put(sink, manifest::INDEX_MEDIA_TYPE, &document)?
                }
            };
            Ok(NamedImage { name: specs[0].name.clone(), descriptor, images })
        })
        .collect()
}
