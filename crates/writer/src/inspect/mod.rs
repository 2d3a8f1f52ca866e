//! The second reader: opens an image, lists what is in it, and checks every rule of its normal
//! form (`docs/formats.md`).
//!
//! It shares no code with the writing side: archives are read by the `tar` crate, layers by flate2
//! and zstd, documents by oci-spec. What it reads may come from anywhere: every size is bounded, no
//! path of an image is opened or unpacked, and what breaks a rule is a [`Finding`] and no error.
//! Start reading at [`inspect`].

mod archive_member;
mod canonical;
mod documents;
mod finding;
mod holes;
mod layer;
mod layout;
mod members;
mod observe;
mod observe_layer;
mod padding;
mod shape;
#[cfg(test)]
mod tests;

use std::path::Path;

use imgc_planner::{BlobDigest, DiffId, Digest};

pub use finding::{Finding, Problem};
pub use layout::is_archive;
pub use observe::{
    EntryField, ObservedEntry, ObservedImage, ObservedLayer, ObservedLayout, contents, observe,
};

use crate::error::WriteError;

/// Largest document that is read, in bytes; registries have the same limit.
const MAX_DOCUMENT_BYTES: u64 = 4 << 20;
/// Largest PAX header that is read, in bytes.
const MAX_PAX_BYTES: u64 = 64 << 10;
/// Most entries of an image.
const MAX_ENTRIES: usize = 1_000_000;
/// Largest layer that is read, in bytes, if it is not more than [`MAX_RATIO`] times its blob.
const MAX_LAYER_BYTES: u64 = if cfg!(test) { 8 << 20 } else { 512 << 20 };
/// How many times a larger layer may be the size of its blob.
const MAX_RATIO: u64 = 20;

/// What an OCI directory or archive holds, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The images: in the order of `index.json`, and in that of an index of several platforms.
    pub images: Vec<InspectedImage>,
    /// The rules that are broken; nothing for what imgc wrote.
    pub findings: Vec<Finding>,
}

/// One image for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedImage {
    /// The reference in the layout (`org.opencontainers.image.ref.name`), if it has one.
    pub name: Option<String>,
    /// `linux/amd64` or `linux/arm/v7`, from the config.
    pub platform: String,
    /// The manifest.
    pub manifest: BlobDigest,
    /// The config.
    pub config: BlobDigest,
    /// The config's date, as it is written there.
    pub created: Option<String>,
    /// The layers, from the lowest to the highest.
    pub layers: Vec<InspectedLayer>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedLayer {
    /// The blob.
    pub digest: BlobDigest,
    /// The blob's size in bytes.
    pub size: u64,
    /// The blob's media type.
    pub media_type: String,
    /// The SHA-256 of the archive that was read; nothing if it could not be read to its end.
    pub diff_id: Option<DiffId>,
    /// The archive's size in bytes, as far as it could be read.
    pub archive_size: u64,
    /// What it holds, in the archive's order.
    pub entries: Vec<InspectedEntry>,
}

/// One path of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedEntry {
    /// The path as the archive has it, with one `/` in front and none at the end.
    pub path: Box<[u8]>,
    /// What stands there.
    pub kind: InspectedKind,
    /// Permission bits.
    pub mode: u32,
    /// The user that owns it.
    pub uid: u64,
    /// The group that owns it.
    pub gid: u64,
    /// The extended attribute `security.capability`, if it has one.
    pub capability: Option<Vec<u8>>,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InspectedKind {
    /// A regular file.
    File {
        /// Its size in bytes.
        size: u64,
        /// The SHA-256 of its content.
        digest: Digest,
    },
    /// A directory.
    Directory,
    /// A symbolic link with its target.
    Symlink(Box<[u8]>),
    /// A hard link with its target, as the archive has it.
    HardLink(Box<[u8]>),
    /// Something that imgc does not write, with its type flag.
    Other(u8),
}

/// Reads the OCI directory or archive at `path` to its end.
///
/// # Errors
/// When it cannot be read, is no OCI layout, a document of it is missing or cannot be understood,
/// or something is above a limit. All else is a finding.
pub fn inspect(path: &Path) -> Result<Inspection, WriteError> {
    let mut findings = Vec::new();
    let layout = layout::Layout::open(path, &mut findings)?;
    let images = documents::read(&layout, &mut findings)?;
    Ok(Inspection { images, findings })
}
