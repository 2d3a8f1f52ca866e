//! What was written, as data.

use imgc_planner::recipe::{ImageName, Platform};
use imgc_planner::{BlobDigest, DiffId};

/// One image for one platform, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The name that engines give it.
    pub name: ImageName,
    /// What it runs on.
    pub platform: Platform,
    /// The manifest, which names everything else; its digest is the image's identity.
    pub manifest: Descriptor,
    /// The config; its digest is what Docker's classic store shows as the image's id.
    pub config: Descriptor,
    /// The layers, from the lowest to the highest.
    pub layers: Vec<Layer>,
}

/// All platforms of one name in an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedImage {
    /// The name.
    pub name: ImageName,
    /// What the output's `index.json` points at: the manifest, or the index of several of them.
    pub descriptor: Descriptor,
    /// The images, in the order in which they were asked for; at least one.
    pub images: Vec<Image>,
}

/// One layer, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The SHA-256 of the tar archive.
    pub diff_id: DiffId,
    /// The blob.
    pub descriptor: Descriptor,
    /// The size of the tar archive in bytes.
    pub archive_size: u64,
    /// How many members it has.
    pub entries: u64,
    /// How many of them are regular files with a content of their own.
    pub files: u64,
}

/// Which blob, of what kind (OCI image-spec, `descriptor.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The media type.
    pub media_type: &'static str,
    /// The SHA-256 of its bytes.
    pub digest: BlobDigest,
    /// Its size in bytes.
    pub size: u64,
}
