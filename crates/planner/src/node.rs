//! The nodes of a plan: what is asked for, with every name resolved and nothing about a machine.
//!
//! A node's identity is the hash of its encoding (`encode.rs`, `docs/formats.md`), which holds all
//! that is here and the identities of its inputs. Where a node was written is not part of it.

use std::collections::{BTreeMap, BTreeSet};

use imgc_parser::{
    Capabilities, Compression, Epoch, Expose, From, Id, ImageName, ImagePath, LibraryName,
    LocaleName, Mode, Platform, ZoneName,
};

use crate::digest::NodeId;

/// A node with the nodes that it is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it asks for.
    pub kind: NodeKind,
    /// What it is made from; each kind says which and in what order.
    pub inputs: Vec<NodeId>,
}

/// What a node asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A place that files are taken from. No inputs.
    Source(Source),
    /// How files are looked for. Inputs: the sources, in the order in which they are searched.
    Search(Search),
    /// A program and its closure. Inputs: the search.
    Binary(Binary),
    /// A library that is opened at run time, and its closure. Inputs: the search.
    Library(Library),
    /// One file. Inputs: the search if it comes from a source, else none.
    File(File),
    /// A file whose content stands in the recipe. No inputs.
    Text(Text),
    /// A directory with all below it. Inputs: the search if it comes from a source, else none.
    Tree(Tree),
    /// An empty directory. No inputs.
    Directory(Directory),
    /// A symbolic link. No inputs.
    Symlink(Symlink),
    /// What the sources have for a purpose. Inputs: the search.
    Facility(Facility),
    /// What a program of the image may do beyond its user. No inputs.
    Capability(Capability),
    /// Entries that stand in one layer. Inputs: `Binary` to `Capability` nodes, sorted by
    /// identity.
    Layer(Layer),
    /// How the image runs. No inputs.
    Config(Config),
    /// The image. Inputs: the config, then the layers from the lowest to the highest.
    Image(Image),
}

/// A place that files are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Which place.
    pub place: Place,
    /// The one platform whose images it serves; all of them if nothing is said.
    pub platform: Option<Platform>,
}

/// Where a source lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The root of the machine that builds.
    Host,
    /// A directory of the project, or of the machine ([`From::Source`] is then its absolute path).
    Directory(From),
}

/// How files are looked for, and in what surroundings the loader will run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The image's working directory, which relative search paths start from.
    pub workdir: ImagePath,
    /// `LD_LIBRARY_PATH` of the image's environment.
    pub library_path: Option<String>,
    /// `LD_PRELOAD` of the image's environment.
    pub preload: Option<String>,
    /// `PATH` of the image's environment, for `#!/usr/bin/env program`.
    pub path: String,
}

/// The mode and owner that an entry gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The mode; 0755 for what is executable or a directory and 0644 for the rest if nothing is
    /// said.
    pub mode: Option<Mode>,
    /// The user that owns it.
    pub uid: Id,
    /// The group that owns it.
    pub gid: Id,
}

impl Attributes {
    /// Root's, with the usual mode.
    pub const ROOT: Self = Self { mode: None, uid: Id::ROOT, gid: Id::ROOT };
}

/// A program and its closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// Where the program is taken from.
    pub from: From,
    /// Where it stands in the image.
    pub to: ImagePath,
    /// Mode and owner of the program; what it needs is root's.
    pub attributes: Attributes,
}

/// A library that is opened at run time, and its closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// What to look for.
    pub name: LibraryName,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is taken from.
    pub from: From,
    /// Where it stands in the image.
    pub to: ImagePath,
    /// Mode and owner.
    pub attributes: Attributes,
}

/// A file whose content stands in the recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it stands in the image.
    pub path: ImagePath,
    /// Its whole content.
    pub text: String,
    /// Mode and owner.
    pub attributes: Attributes,
}

/// A directory with all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Where it is taken from.
    pub from: From,
    /// Where its root stands in the image.
    pub to: ImagePath,
    /// Patterns of what is left out, sorted.
    pub exclude: BTreeSet<String>,
    /// `mode` is that of files that are not executable, the owner that of everything.
    pub attributes: Attributes,
}

/// An empty directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it stands in the image.
    pub path: ImagePath,
    /// Mode and owner.
    pub attributes: Attributes,
}

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symlink {
    /// Where it stands in the image.
    pub path: ImagePath,
    /// Its target, as written.
    pub target: String,
    /// The user that owns it.
    pub uid: Id,
    /// The group that owns it.
    pub gid: Id,
}

/// What a root from scratch lacks and the sources have, by what it is for. Which files that is
/// depends on the image's programs and is for the resolver to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facility {
    /// Names of hosts are looked up: the configuration of name services, and their modules.
    Dns,
    /// Servers are verified: the certificates that the sources trust.
    Tls,
    /// Times are told in time zones: this one, or all.
    TimeZones(Option<ZoneName>),
    /// A language and character set.
    Locale(LocaleName),
    /// Texts are converted between character sets.
    Charsets,
    /// Terminals are steered: what is known about them.
    Terminfo,
    /// Something asks which distribution this is.
    OsRelease,
    /// Scanners ask which packages the files are of. Depends on all other nodes of the image.
    Packages,
}

/// What a program of the image may do beyond its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Where it stands in the image; links are followed.
    pub path: ImagePath,
    /// What it may do.
    pub capabilities: Capabilities,
}

/// Entries that stand in one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The name; none for the layer of everything that stands in no `layer` node.
    pub name: Option<String>,
}

/// Whom the image runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// By number.
    Numeric(Id, Id),
    /// By a name that `/etc/passwd` of the image must define.
    Named(String),
}

/// What the image runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Nothing was said, and there is not exactly one binary.
    None,
    /// A program and its arguments.
    Arguments(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
}

/// How the image runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whom it runs as.
    pub user: User,
    /// The environment, in order; `PATH` is always there.
    pub env: Vec<(String, String)>,
    /// The working directory.
    pub workdir: ImagePath,
    /// What runs.
    pub entrypoint: Program,
    /// The arguments that a user replaces.
    pub command: Vec<String>,
    /// Ports that the program listens on.
    pub expose: BTreeSet<Expose>,
    /// Directories that an engine mounts over.
    pub volumes: BTreeSet<ImagePath>,
    /// The signal that asks the program to stop.
    pub stop_signal: Option<String>,
    /// Labels of the config.
    pub labels: BTreeMap<String, String>,
}

/// The image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name.
    pub name: ImageName,
    /// The platforms that it is made for, in order; that of the binaries if none is said.
    pub platforms: Vec<Platform>,
    /// How the layers are compressed.
    pub compression: Compression,
    /// The date that the config carries.
    pub created: Option<Epoch>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// Warnings that are accepted: code and reason.
    pub allow: BTreeMap<String, String>,
}

impl Image {
    /// Tells whether the recipe accepts warnings of this code, which it names whole or by its last
    /// part.
    #[must_use]
    pub fn allows(&self, code: &str) -> bool {
        let last = code.rsplit("::").next().unwrap_or(code);
        self.allow.contains_key(code) || self.allow.contains_key(last)
    }
}
