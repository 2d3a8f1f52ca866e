//! A reader of images that anybody made: it judges nothing and keeps everything that two images
//! can differ in.
//!
//! OCI directories, archives of them, and what `docker save` writes (`manifest.json` alone). As in
//! [`inspect`](super::inspect) every size is bounded, and no path of an image is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use imgc_planner::recipe::Printable;
use imgc_planner::{BlobDigest, DiffId, Digest};
use serde_json::Value;

use super::layout::{Layout, blob_name};
use super::observe_layer;
use crate::error::WriteError;

/// Deepest nesting of indexes; a registry's index of an index has two.
const MAX_INDEX_DEPTH: usize = 4;
/// Most images that are read of one layout.
const MAX_IMAGES: usize = 256;

/// What an OCI directory or archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedLayout {
    /// The images, in the order of the indexes.
    pub images: Vec<ObservedImage>,
    /// What the indexes say beside the images, as in [`ObservedImage::fields`], with the digests of
    /// what they name that is no image; nothing in an archive of Docker's own form.
    pub fields: Option<BTreeMap<String, String>>,
}

/// One image for one platform, as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedImage {
    /// Its name in the layout, if it has one.
    pub name: Option<String>,
    /// `linux/amd64` or `linux/arm/v7`, from the config.
    pub platform: String,
    /// The manifest; nothing in an archive of Docker's own form.
    pub manifest: Option<BlobDigest>,
    /// The config.
    pub config: BlobDigest,
    /// Every value of the index's descriptor, the manifest and the config, as JSON, by where it
    /// stands: `config.config.Env[0]`.
    pub fields: BTreeMap<String, String>,
    /// The layers, from the lowest to the highest.
    pub layers: Vec<ObservedLayer>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedLayer {
    /// The SHA-256 of the blob.
    pub blob: BlobDigest,
    /// The blob's size in bytes.
    pub size: u64,
    /// `gzip`, `zstd` or `none`, by its first bytes.
    pub compression: &'static str,
    /// The SHA-256 of the archive.
    pub diff_id: DiffId,
    /// The archive's members, in its order.
    pub entries: Vec<ObservedEntry>,
}

/// One member of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedEntry {
    /// The path, normal and with one `/` in front.
    pub path: Box<[u8]>,
    /// Whether it is a regular file that starts as ELF files do.
    pub is_elf: bool,
    /// Everything that its headers say, and the digest of its content.
    pub fields: BTreeMap<EntryField, String>,
}

/// What is said about a member. The values are texts that are safe to show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryField {
    /// `file`, `directory`, `link`, `hard link`, or the type flag.
    Type,
    /// Permission bits, in octal.
    Mode,
    /// The user that owns it.
    Uid,
    /// The group that owns it.
    Gid,
    /// The size of a file in bytes.
    Size,
    /// The SHA-256 of a file's content.
    Digest,
    /// Where a link points.
    Target,
    /// Device numbers, if there are any.
    Device,
    /// An extended attribute, by its name.
    Xattr(String),
    /// The name as the archive has it, if it is not the usual one.
    Name,
    /// The time of the last change.
    Mtime,
    /// The time of the last access, if the archive has it.
    Atime,
    /// The time of the last change of metadata, if the archive has it.
    Ctime,
    /// The name of the user.
    UserName,
    /// The name of the group.
    GroupName,
    /// Bits of the mode beyond the permissions, in octal.
    TypeBits,
    /// The kinds of tar headers.
    Format,
    /// The size that something without content states.
    UnusedSize,
    /// The target that something states that is no link.
    UnusedTarget,
    /// The device numbers that something states that is no device.
    UnusedDevice,
    /// A PAX record that no other field has, by its key.
    Pax(String),
    /// The SHA-256 of all headers. It says nothing if another field differs.
    Headers,
}

impl EntryField {
    /// Tells whether the field makes a difference to what runs. Times, names of owners and the form
    /// of the archive do not.
    #[must_use]
    pub fn is_essential(&self) -> bool {
        match self {
            Self::Type
            | Self::Mode
            | Self::Uid
            | Self::Gid
            | Self::Size
            | Self::Digest
            | Self::Target
            | Self::Device
            | Self::Xattr(_) => true,
            Self::Name
            | Self::Mtime
            | Self::Atime
            | Self::Ctime
            | Self::UserName
            | Self::GroupName
            | Self::TypeBits
            | Self::Format
            | Self::UnusedSize
            | Self::UnusedTarget
            | Self::UnusedDevice
            | Self::Pax(_)
            | Self::Headers => false,
        }
    }
}

impl std::fmt::Display for EntryField {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Type => "type",
            Self::Mode => "mode",
            Self::Uid => "uid",
            Self::Gid => "gid",
            Self::Size => "size",
            Self::Digest => "digest",
            Self::Target => "target",
            Self::Device => "device",
            Self::Xattr(name) => return write!(formatter, "xattr {name}"),
            Self::Name => "name",
            Self::Mtime => "mtime",
            Self::Atime => "atime",
            Self::Ctime => "ctime",
            Self::UserName => "user name",
            Self::GroupName => "group name",
            Self::TypeBits => "type bits",
            Self::Format => "header format",
            Self::UnusedSize => "unused size",
            Self::UnusedTarget => "unused target",
            Self::UnusedDevice => "unused device",
            Self::Headers => "form of the headers",
            Self::Pax(key) => return write!(formatter, "pax {key}"),
        })
    }
}

/// Reads all images of an OCI directory or an archive.
///
/// # Errors
/// When it cannot be read, is no image, a part of it is missing or damaged, or something is above a
/// limit.
pub fn observe(path: &Path) -> Result<ObservedLayout, WriteError> {
    let layout = Layout::open(path, &mut Vec::new())?;
    let mut observed = ObservedLayout { images: Vec::new(), fields: None };
    if layout.has("index.json") {
        let index = parse(&layout, "index.json")?;
        observed.fields = Some(BTreeMap::new());
        read_index(&layout, &index, Way { name: None, place: "index", depth: 0 }, &mut observed)?;
    } else if layout.has("manifest.json") {
        read_docker(&layout, &mut observed.images)?;
    } else {
        return Err(layout.unreadable("it has neither `index.json` nor `manifest.json`"));
    }
    Ok(observed)
}

/// Returns the contents that are asked for, of files of at most `limit` bytes.
///
/// # Errors
/// As [`observe`].
pub fn contents(
    path: &Path,
    wanted: &BTreeSet<Digest>,
    limit: u64,
) -> Result<BTreeMap<Digest, Vec<u8>>, WriteError> {
    let layout = Layout::open(path, &mut Vec::new())?;
    let mut found = BTreeMap::new();
    let blobs: BTreeSet<String> = observe_files(&layout)?;
    for name in blobs {
        if found.len() < wanted.len() {
            observe_layer::contents(&layout, &name, wanted, limit, &mut found)?;
        }
    }
    Ok(found)
}

/// Returns the names of all layers of a layout.
fn observe_files(layout: &Layout) -> Result<BTreeSet<String>, WriteError> {
    let mut pending = vec![(parse_any(layout)?, 0)];
    let mut names = BTreeSet::new();
    while let Some((document, depth)) = pending.pop() {
        for entry in array(&document, "manifests") {
            if depth < MAX_INDEX_DEPTH {
                pending.push((parse(layout, &name_of(layout, entry)?)?, depth + 1));
            }
        }
        for layer in array(&document, "layers") {
            names.insert(name_of(layout, layer)?);
        }
        for image in document.as_array().into_iter().flatten() {
            let layers = array(image, "Layers").iter().filter_map(Value::as_str);
            names.extend(layers.map(str::to_owned));
        }
    }
    Ok(names)
}

fn parse_any(layout: &Layout) -> Result<Value, WriteError> {
    parse(layout, if layout.has("index.json") { "index.json" } else { "manifest.json" })
}

/// How an index was reached.
#[derive(Clone, Copy)]
struct Way<'a> {
    /// The name that the index above it gives it.
    name: Option<&'a str>,
    place: &'a str,
    depth: usize,
}

fn read_index(
    layout: &Layout,
    index: &Value,
    way: Way<'_>,
    observed: &mut ObservedLayout,
) -> Result<(), WriteError> {
    let mut own = index.clone();
    own.as_object_mut().map(|own| own.remove("manifests"));
    observe_fields(observed, way.place, &own);
    for (number, descriptor) in array(index, "manifests").iter().enumerate() {
        let annotation = |key: &str| descriptor.get("annotations")?.get(key)?.as_str();
        let name = annotation("org.opencontainers.image.ref.name").or(way.name);
        let file = name_of(layout, descriptor)?;
        let document = parse(layout, &file)?;
        let place = format!("{}.manifests[{number}]", way.place);
        if document.get("manifests").is_some() && way.depth < MAX_INDEX_DEPTH {
            let way = Way { name, place: &place, depth: way.depth + 1 };
            read_index(layout, &document, way, observed)?;
            continue;
        }
        let Some(config) = document.get("config").filter(|_| is_image(descriptor, &document))
        else {
            observe_fields(observed, &place, descriptor);
            continue;
        };
        if observed.images.len() >= MAX_IMAGES {
            return Err(layout.too_large("the number of images", MAX_IMAGES as u64));
        }
        let mut fields = BTreeMap::new();
        flatten("index", descriptor, &mut fields);
        flatten("manifest", &document, &mut fields);
        let config = name_of(layout, config)?;
        let layers = array(&document, "layers");
        let layers = layers.iter().map(|layer| name_of(layout, layer)).collect::<Result<_, _>>()?;
        let manifest = Some(BlobDigest::of(&layout.document(&file)?));
        observed.images.push(read_image(layout, name, manifest, &config, layers, fields)?);
    }
    Ok(())
}

/// Tells an image from what lies beside it: BuildKit's statements about an image (an annotation
/// says so), and artifacts such as signatures, whose configs have other types.
fn is_image(descriptor: &Value, manifest: &Value) -> bool {
    let statement =
        descriptor.get("annotations").and_then(|all| all.get("vnd.docker.reference.type"));
    let kind = manifest.get("config").and_then(|config| config.get("mediaType"));
    let is_config = |kind: &str| {
        ["application/vnd.oci.image.config.", "application/vnd.docker.container.image."]
            .iter()
            .any(|start| kind.starts_with(start))
    };
    statement.is_none() && kind.and_then(Value::as_str).is_none_or(is_config)
}

fn observe_fields(observed: &mut ObservedLayout, place: &str, value: &Value) {
    if let Some(fields) = &mut observed.fields {
        flatten(place, value, fields);
    }
}

fn read_docker(layout: &Layout, images: &mut Vec<ObservedImage>) -> Result<(), WriteError> {
    let list = parse(layout, "manifest.json")?;
    for image in list.as_array().into_iter().flatten().take(MAX_IMAGES) {
        let config = image.get("Config").and_then(Value::as_str);
        let config = config.ok_or_else(|| layout.unreadable("an image has no config"))?;
        let layers = array(image, "Layers").iter().filter_map(Value::as_str);
        let layers = layers.map(str::to_owned).collect();
        let name = array(image, "RepoTags").first().and_then(Value::as_str);
        images.push(read_image(layout, name, None, config, layers, BTreeMap::new())?);
    }
    Ok(())
}

fn read_image(
    layout: &Layout,
    name: Option<&str>,
    manifest: Option<BlobDigest>,
    config_file: &str,
    layer_files: Vec<String>,
    mut fields: BTreeMap<String, String>,
) -> Result<ObservedImage, WriteError> {
    let config = parse(layout, config_file)?;
    flatten("config", &config, &mut fields);
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut platform = format!("{}/{}", text("os"), text("architecture"));
    if !text("variant").is_empty() {
        platform = format!("{platform}/{}", text("variant"));
    }
    let layers = layer_files.iter().map(|file| observe_layer::read(layout, file));
    Ok(ObservedImage {
        name: name.map(str::to_owned),
        platform,
        manifest,
        config: BlobDigest::of(&layout.document(config_file)?),
        fields,
        layers: layers.collect::<Result<_, _>>()?,
    })
}

fn parse(layout: &Layout, name: &str) -> Result<Value, WriteError> {
    let bytes = layout.document(name)?;
    serde_json::from_slice(&bytes).map_err(|_| layout.unreadable("a document of it is no JSON"))
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the file that a descriptor names.
fn name_of(layout: &Layout, descriptor: &Value) -> Result<String, WriteError> {
    let digest = descriptor.get("digest").and_then(Value::as_str).and_then(BlobDigest::parse);
    let digest = digest.ok_or_else(|| layout.unreadable("a digest is no SHA-256"))?;
    Ok(blob_name(&digest))
}

/// Lists every value of a document by its place. What is empty is as good as absent.
fn flatten(place: &str, value: &Value, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{place}[{index}]"), item, fields);
            }
        }
        Value::Object(items) if items.is_empty() => {
            fields.insert(place.to_owned(), "{}".into());
        }
        Value::Object(items) => {
            for (key, item) in items {
                flatten(&format!("{place}.{}", Printable::new(key)), item, fields);
            }
        }
        Value::Bool(_) | Value::Number(_) => {
            fields.insert(place.to_owned(), value.to_string());
        }
        Value::String(text) => {
            fields.insert(place.to_owned(), format!("\"{}\"", Printable::new(text)));
        }
    }
}
