//! What the user wrote: typed, in order, with spans, and nothing else.
//!
//! No default is filled in here and nothing about a machine is known. `use` is gone: the nodes of a
//! used file stand where it stood, their spans point into that file. The planner reads this.

use crate::capability::Capabilities;
use crate::facility_name::{LocaleName, ZoneName};
use crate::image_name::ImageName;
use crate::path::{ImagePath, ProjectPath};
use crate::platform::Platform;
use crate::scalar::{Epoch, Id, Mode};
use crate::span::{Span, Spanned};

/// A recipe: its nodes in the order in which they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The image's name if no `name` node gives one: the stem of the recipe's file name.
    pub stem: String,
    /// The nodes.
    pub statements: Vec<Statement>,
}

/// One node of a recipe. Each carries the place of what a message about it would point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `name "rg"`
    Name(Spanned<ImageName>),
    /// `platform "linux/amd64" "linux/arm64"`; at least one, no two equal.
    Platform(Vec<Spanned<Platform>>),
    /// `source host`, `source directory "sysroot"`
    Source(Source),
    /// `binary "/usr/bin/rg"`
    Binary(Binary),
    /// `library "libsqlite3.so.0"`
    Library(Library),
    /// `file "/etc/app.toml" from="conf/app.toml"`
    File(File),
    /// `text "/etc/nsswitch.conf" "hosts: files dns\n"`
    Text(Text),
    /// `tree "/srv/www" from="dist"`
    Tree(Tree),
    /// `directory "/var/lib/app"`
    Directory(Directory),
    /// `symlink "/bin/sh" to="busybox"`
    Symlink(Symlink),
    /// `needs dns tls`, a statement for each need.
    Needs(Spanned<Facility>),
    /// `capability "/usr/bin/ping" "cap_net_raw=ep"`
    Capability(Capability),
    /// `layer "assets" { … }`
    Layer(Layer),
    /// `variant debug { … }`
    Variant(Variant),
    /// `user app uid=10001`
    User(User),
    /// `group app gid=10001`
    Group(Group),
    /// `env LANG="C.UTF-8"`, a statement for each property, in order.
    Env(Env),
    /// `workdir "/"`
    Workdir(Spanned<ImagePath>),
    /// `entrypoint "/rg" "--no-config"`
    Entrypoint(Spanned<EntryPoint>),
    /// `command "--help"`; the span is the node's.
    Command(Spanned<Vec<String>>),
    /// `expose 8080 "53/udp"`, a statement for each port.
    Expose(Spanned<Expose>),
    /// `volume "/data"`, a statement for each path.
    Volume(Spanned<ImagePath>),
    /// `stop-signal SIGTERM`
    StopSignal(Spanned<String>),
    /// `label KEY VALUE`
    Label(KeyValue),
    /// `annotation KEY VALUE`
    Annotation(KeyValue),
    /// `created "2026-11-20"`
    Created(Spanned<Epoch>),
    /// `compression gzip level=6`
    Compression(Spanned<Compression>),
    /// `allow dlopen "plugins are not used here"`
    Allow(Allow),
}

/// A place that files are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The whole node.
    pub span: Span,
    /// Which place.
    pub kind: SourceKind,
    /// `platform="linux/arm64"`: serves images of that platform alone.
    pub platform: Option<Spanned<Platform>>,
}

/// What kind of place files are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// `source host`: the root of the machine that builds.
    Host,
    /// `source directory "sysroot"`: a root file system in a directory. A relative path is the
    /// project's, an absolute one the machine's.
    Directory(Spanned<From>),
}

/// Where a file is taken from: **a relative path is the project's, an absolute one the source's.**
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum From {
    /// A relative path, already resolved against the directory of the file it was written in.
    Project(ProjectPath),
    /// An absolute path, looked for in the recipe's sources in order.
    Source(ImagePath),
}

/// The mode and owner that a recipe gives to a file or directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `mode=0o640`
    pub mode: Option<Spanned<Mode>>,
    /// `owner=app`
    pub owner: Option<Spanned<Owner>>,
}

/// Whom a file belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// `owner=app` or `owner="app:web"`: a user, and a group if one is named, that the recipe
    /// defines (or `root`). Without a group it is the user's own.
    Named {
        /// The user.
        user: String,
        /// The group behind the colon.
        group: Option<String>,
    },
    /// `owner=10001` or `owner="10001:10002"`; the group defaults to the user's number.
    Numeric {
        /// The user id.
        uid: Id,
        /// The group id.
        gid: Id,
    },
}

/// A program with all that it needs to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// The whole node.
    pub span: Span,
    /// Where the program is taken from.
    pub from: Spanned<From>,
    /// Where it stands in the image; required for a program of the project.
    pub to: Option<Spanned<ImagePath>>,
    /// Mode and owner of the program itself.
    pub attributes: Attributes,
}

/// A library that is opened at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The whole node.
    pub span: Span,
    /// What to look for.
    pub name: Spanned<LibraryName>,
}

/// How a library is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LibraryName {
    /// A name without a slash, found as the loader would find it.
    Soname(String),
    /// An absolute path in a source; `*`, `?` and `[…]` in its last component match several.
    Pattern(ImagePath),
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The whole node.
    pub span: Span,
    /// Where it stands in the image.
    pub path: Spanned<ImagePath>,
    /// Where it is taken from; the same path in the sources if nothing is said.
    pub from: Option<Spanned<From>>,
    /// Mode and owner.
    pub attributes: Attributes,
}

/// A file whose text stands in the recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The whole node.
    pub span: Span,
    /// Where it stands in the image.
    pub path: Spanned<ImagePath>,
    /// The whole content.
    pub text: String,
    /// Mode and owner.
    pub attributes: Attributes,
}

/// A directory with all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The whole node.
    pub span: Span,
    /// Where its root stands in the image.
    pub path: Spanned<ImagePath>,
    /// Where it is taken from; the same path in the sources if nothing is said.
    pub from: Option<Spanned<From>>,
    /// Patterns of `exclude` nodes, matched as in `.gitignore` (`*.map`, `/cache`, `a/**/b`).
    pub exclude: Vec<Spanned<String>>,
    /// `mode` is that of plain files, `owner` that of everything in the tree.
    pub attributes: Attributes,
}

/// An empty directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// The whole node.
    pub span: Span,
    /// Where it stands in the image.
    pub path: Spanned<ImagePath>,
    /// Mode and owner.
    pub attributes: Attributes,
}

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symlink {
    /// The whole node.
    pub span: Span,
    /// Where it stands in the image.
    pub path: Spanned<ImagePath>,
    /// Its target, kept as written: 1 to 4095 bytes, no NUL.
    pub target: Spanned<String>,
    /// The owner; a link has no mode of its own.
    pub owner: Option<Spanned<Owner>>,
}

/// What a program may do beyond its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The whole node.
    pub span: Span,
    /// Where the program stands in the image.
    pub path: Spanned<ImagePath>,
    /// What it may do.
    pub capabilities: Spanned<Capabilities>,
}

/// What a root from scratch lacks, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facility {
    /// `needs dns`: names of hosts are looked up.
    Dns,
    /// `needs tls`: servers are verified by the certificates that the sources trust.
    Tls,
    /// `needs users`: users and groups are looked up.
    Users,
    /// `needs tmp`: temporary files are made.
    Tmp,
    /// `needs timezones` or `needs timezones="Europe/Prague"`: all time zones, or one.
    TimeZones(Option<ZoneName>),
    /// `needs locale="C.UTF-8"`: a language and character set.
    Locale(LocaleName),
    /// `needs charsets`: texts are converted between character sets.
    Charsets,
    /// `needs terminfo`: terminals are steered.
    Terminfo,
    /// `needs os-release`: something asks which distribution this is.
    OsRelease,
    /// `needs packages`: scanners ask which packages the files are of.
    Packages,
}

/// Entries in a layer of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The whole node.
    pub span: Span,
    /// The layer's name, unique in its recipe.
    pub name: Spanned<String>,
    /// `binary`, `library`, `file`, `text`, `tree`, `directory`, `symlink` and `needs` nodes, no
    /// others.
    pub statements: Vec<Statement>,
}

/// A second image on top of the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The whole node.
    pub span: Span,
    /// Its name, unique in its recipe; it can be a tag.
    pub name: Spanned<String>,
    /// What it adds, and what it says about its process instead of the first image.
    pub statements: Vec<Statement>,
}

/// Whom the image runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// `user app uid=10001 …`: creates the user and runs as it.
    Created(Account),
    /// `user app` or `user root`: a user that somebody else defines.
    Named(Spanned<String>),
    /// `user 65532` or `user "65532:65532"`; the group defaults to the user's number.
    Numeric {
        /// The whole node.
        span: Span,
        /// The user id.
        uid: Id,
        /// The group id.
        gid: Id,
    },
}

/// A user that the recipe creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The whole node.
    pub span: Span,
    /// A name of the form `[a-z_][a-z0-9_-]{0,31}`.
    pub name: Spanned<String>,
    /// The user id.
    pub uid: Spanned<Id>,
    /// The group id; the user's number if nothing is said.
    pub gid: Option<Spanned<Id>>,
    /// The home directory; `/` if nothing is said.
    pub home: Option<Spanned<ImagePath>>,
    /// The login shell; `/sbin/nologin` if nothing is said.
    pub shell: Option<Spanned<ImagePath>>,
}

/// A group that the recipe creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The whole node.
    pub span: Span,
    /// A name of the form `[a-z_][a-z0-9_-]{0,31}`.
    pub name: Spanned<String>,
    /// The group id.
    pub gid: Spanned<Id>,
}

/// A variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Env {
    /// The name: not empty, without `=` and NUL.
    pub name: Spanned<String>,
    /// The value, without NUL.
    pub value: Spanned<String>,
}

/// What the image runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// A program and its arguments, each a string of its own; at least one.
    Arguments(Vec<Spanned<String>>),
    /// `shell="…"`: a line for `/bin/sh -c`.
    Shell(Spanned<String>),
}

/// A port that the program listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expose {
    /// The port.
    pub port: Port,
    /// The transport protocol.
    pub protocol: Protocol,
}

/// A port number: 1 to 65535.
pub type Port = std::num::NonZeroU16;

/// A transport protocol, as the image config names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// `8080` or `8080/tcp`
    Tcp,
    /// `53/udp`
    Udp,
    /// `9899/sctp`
    Sctp,
}

/// A label or an annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key: not empty, without NUL.
    pub key: Spanned<String>,
    /// The value, without NUL.
    pub value: Spanned<String>,
}

/// How the layers are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// The format.
    pub codec: Codec,
    /// The level, in the codec's own range; its default if nothing is said.
    pub level: Option<u8>,
}

/// A format of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// Levels 1 to 12.
    Gzip,
    /// Levels 1 to 19.
    Zstd,
    /// No compression, no level.
    None,
}

/// A warning that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The warning's code, whole (`imgc::check::dlopen`) or its last part (`dlopen`).
    pub code: Spanned<String>,
    /// Why; not empty.
    pub reason: Spanned<String>,
}
