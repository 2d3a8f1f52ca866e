//! The lock: what an image was made from and what came out, so that a change of either is noticed.
//!
//! Data and its text; reading and writing the file is the program's business. A lock holds no path
//! of a machine: the same lock serves in every clone. Start reading at [`Lock`]; [`Lock::parse`]
//! and [`Lock::text`] are its form as a file, [`Inputs::drift`] compares two of them.

mod drift;
mod error;
mod name;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use imgc_parser::{Epoch, ImagePath, Mode, Platform};

use crate::digest::{BlobDigest, DiffId, Digest, NodeId};

pub use error::{CODES, LockError};

/// The version of the lock's own form. Older and newer locks are refused.
pub const LOCK_VERSION: u32 = 1;

/// A recipe's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// What goes in.
    pub inputs: Inputs,
    /// The date that the image's config carries if the recipe names none.
    pub created: Epoch,
    /// What comes out, for each image of the inputs.
    pub outputs: BTreeMap<ImageKey, Output>,
}

/// Everything that decides the bytes of a recipe's images, but for the date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The version of the bytes that the writer makes.
    pub format: u32,
    /// The version of the plan's encoding.
    pub plan_version: u64,
    /// The plan.
    pub plan: NodeId,
    /// The sources that the plan names, in their order.
    pub sources: Vec<LockedSource>,
    /// What each image holds.
    pub images: BTreeMap<ImageKey, BTreeMap<ImagePath, LockedEntry>>,
}

/// Which of a recipe's images.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageKey {
    /// The name with its tag.
    pub name: String,
    /// What it runs on.
    pub platform: Platform,
}

/// A source as the recipe names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedSource {
    /// `host`, `directory`, …
    pub kind: String,
    /// Which one; nothing for the host.
    pub place: Option<String>,
    /// The platform whose images alone it serves.
    pub platform: Option<Platform>,
    /// What it is pinned to, if something else than its files does it.
    pub pin: Option<String>,
}

/// One path of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedEntry {
    /// What stands there.
    pub content: LockedContent,
    /// Which node of the recipe it comes from, and by which rule. For people; it decides nothing.
    pub origin: String,
    /// The package of the source that owns it, with its version. For people; it decides nothing.
    pub package: Option<String>,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockedContent {
    /// A regular file.
    File {
        /// Its size in bytes.
        size: u64,
        /// The SHA-256 of its content.
        digest: Digest,
        /// Its mode in the image.
        mode: Mode,
    },
    /// A directory that is more than the way to something else.
    Directory {
        /// Its mode in the image.
        mode: Mode,
    },
    /// A symbolic link with its target.
    Link(Box<[u8]>),
    /// Another name of a file of the image.
    HardLink(ImagePath),
}

/// What an image came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The manifest.
    pub manifest: BlobDigest,
    /// The config.
    pub config: BlobDigest,
    /// The layers, from the lowest to the highest.
    pub layers: Vec<LockedLayer>,
}

/// A layer of an [`Output`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedLayer {
    /// The SHA-256 of the archive.
    pub diff_id: DiffId,
    /// The SHA-256 of the blob.
    pub blob: BlobDigest,
    /// The blob's size in bytes.
    pub size: u64,
}
