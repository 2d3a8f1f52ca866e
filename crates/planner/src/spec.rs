//! The exact image that is to be written: sorted, complete, every header field decided.
//!
//! The writer decides nothing: equal specs and contents give equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use imgc_parser::{
    Capabilities, Compression, Epoch, Expose, Id, ImageName, ImagePath, Mode, Platform,
};

use crate::digest::Digest;

/// One image for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSpec {
    /// The name that engines give it.
    pub name: ImageName,
    /// What it runs on.
    pub platform: Platform,
    /// The date in the config; it reaches no other byte.
    pub created: Epoch,
    /// How it runs.
    pub config: ConfigSpec,
    /// The layers, from the lowest to the highest. A path that stands in several of them is a
    /// directory with the same metadata in each.
    pub layers: Vec<LayerSpec>,
    /// How the layers are compressed.
    pub compression: Compression,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// How an image runs, in the terms of the OCI image config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSpec {
    /// The user id.
    pub uid: Id,
    /// The group id.
    pub gid: Id,
    /// The environment in order; `PATH` is always there.
    pub env: Vec<(String, String)>,
    /// The program and its first arguments; empty if only a command is given.
    pub entrypoint: Vec<String>,
    /// The arguments that a user replaces.
    pub command: Vec<String>,
    /// The working directory.
    pub workdir: ImagePath,
    /// Ports that the program listens on.
    pub expose: BTreeSet<Expose>,
    /// Directories that an engine mounts over.
    pub volumes: BTreeSet<ImagePath>,
    /// The signal that asks the program to stop.
    pub stop_signal: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSpec {
    /// What the image's history says about it; depends on the plan alone.
    pub comment: String,
    /// Its entries in the order of their paths' bytes. Every ancestor of an entry except `/` is an
    /// entry too, and none of them is anything but a directory. A hard link's target is an entry of
    /// the same layer, and a file.
    pub entries: BTreeMap<ImagePath, Entry>,
}

/// One path of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Permission bits.
    pub mode: Mode,
    /// The user that owns it.
    pub uid: Id,
    /// The group that owns it.
    pub gid: Id,
    /// What it is.
    pub kind: EntryKind,
    /// What the program may do beyond its user; files alone have it.
    pub capabilities: Option<Capabilities>,
}

/// What stands at a path of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// The SHA-256 of its content.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A directory.
    Directory,
    /// A symbolic link with this target: 1 to 4095 bytes, no NUL.
    Symlink(Box<[u8]>),
    /// Another name of a file of the same layer.
    HardLink(ImagePath),
}
