//! A node of the plan as a list of named fields, for text and for JSON.

use imgc_parser::{Codec, From, Id, LibraryName, Mode, Printable, Protocol};
use imgc_planner::node::{Attributes, Config, Facility, Image, NodeKind, Place, Program, User};
use serde_json::{Value, json};

/// Returns the kind of a node and what it asks for. Fields that say nothing are left out.
pub(crate) fn view(kind: &NodeKind) -> (&'static str, Vec<(&'static str, Value)>) {
    let (name, mut fields) = match kind {
        NodeKind::Source(source) => {
            let place = match &source.place {
                Place::Host => json!("host"),
                Place::Directory(path) => from(path),
            };
            let platform = source.platform.map(|platform| platform.to_string());
            ("source", vec![("place", place), ("platform", json!(platform))])
        }
        NodeKind::Search(search) => (
            "search",
            vec![
                ("workdir", text(&search.workdir)),
                ("library-path", json!(search.library_path)),
                ("preload", json!(search.preload)),
                ("path", json!(search.path)),
            ],
        ),
        NodeKind::Binary(binary) => (
            "binary",
            with_attributes(
                vec![("path", text(&binary.to)), ("from", from(&binary.from))],
                &binary.attributes,
            ),
        ),
        NodeKind::Library(library) => {
            let name = match &library.name {
                LibraryName::Soname(name) => text(name),
                LibraryName::Pattern(pattern) => text(pattern),
            };
            ("library", vec![("name", name)])
        }
        NodeKind::File(file) => (
            "file",
            with_attributes(
                vec![("path", text(&file.to)), ("from", from(&file.from))],
                &file.attributes,
            ),
        ),
        NodeKind::Text(node) => (
            "text",
            with_attributes(
                vec![("path", text(&node.path)), ("text", json!(node.text))],
                &node.attributes,
            ),
        ),
        NodeKind::Tree(tree) => (
            "tree",
            with_attributes(
                vec![
                    ("path", text(&tree.to)),
                    ("from", from(&tree.from)),
                    ("exclude", json!(tree.exclude)),
                ],
                &tree.attributes,
            ),
        ),
        NodeKind::Directory(directory) => (
            "directory",
            with_attributes(vec![("path", text(&directory.path))], &directory.attributes),
        ),
        NodeKind::Symlink(link) => (
            "symlink",
            vec![
                ("path", text(&link.path)),
                ("target", json!(link.target)),
                ("owner", owner(link.uid, link.gid)),
            ],
        ),
        NodeKind::Facility(facility) => {
            let (name, value) = match facility {
                Facility::Dns => ("dns", None),
                Facility::Tls => ("tls", None),
                Facility::TimeZones(zone) => ("timezones", zone.as_ref().map(ToString::to_string)),
                Facility::Locale(locale) => ("locale", Some(locale.to_string())),
                Facility::Charsets => ("charsets", None),
                Facility::Terminfo => ("terminfo", None),
                Facility::OsRelease => ("os-release", None),
                Facility::Packages => ("packages", None),
            };
            let name = value.map_or(name.to_owned(), |value| format!("{name}={value}"));
            ("needs", vec![("name", json!(name))])
        }
        NodeKind::Capability(node) => (
            "capability",
            vec![("path", text(&node.path)), ("grants", json!(node.capabilities.to_string()))],
        ),
        NodeKind::Layer(layer) => ("layer", vec![("name", json!(layer.name))]),
        NodeKind::Config(node) => ("config", config(node)),
        NodeKind::Image(node) => ("image", image(node)),
    };
    fields.retain(|(_, value)| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    });
    (name, fields)
}

fn config(config: &Config) -> Vec<(&'static str, Value)> {
    let user = match &config.user {
        User::Numeric(uid, gid) => owner(*uid, *gid),
        User::Named(name) => json!(name),
    };
    let entrypoint = match &config.entrypoint {
        Program::None => Value::Null,
        Program::Arguments(arguments) => json!(arguments),
        Program::Shell(line) => json!({ "shell": line }),
    };
    let env = config.env.iter().map(|(name, value)| format!("{name}={value}"));
    let expose = config.expose.iter().map(|expose| {
        let protocol = match expose.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        };
        format!("{}/{protocol}", expose.port)
    });
    vec![
        ("user", user),
        ("entrypoint", entrypoint),
        ("command", json!(config.command)),
        ("env", json!(env.collect::<Vec<_>>())),
        ("workdir", text(&config.workdir)),
        ("expose", json!(expose.collect::<Vec<_>>())),
        ("volumes", json!(config.volumes.iter().map(ToString::to_string).collect::<Vec<_>>())),
        ("stop-signal", json!(config.stop_signal)),
        ("labels", json!(config.labels)),
    ]
}

fn image(image: &Image) -> Vec<(&'static str, Value)> {
    let codec = match image.compression.codec {
        Codec::Gzip => "gzip",
        Codec::Zstd => "zstd",
        Codec::None => "none",
    };
    vec![
        ("name", json!(image.name.to_string())),
        ("platforms", json!(image.platforms.iter().map(ToString::to_string).collect::<Vec<_>>())),
        ("compression", json!(codec)),
        ("level", json!(image.compression.level)),
        ("created", json!(image.created.map(|created| created.to_string()))),
        ("annotations", json!(image.annotations)),
        ("allow", json!(image.allow)),
    ]
}

fn with_attributes(
    mut fields: Vec<(&'static str, Value)>,
    attributes: &Attributes,
) -> Vec<(&'static str, Value)> {
    fields.push(("mode", json!(attributes.mode.map(|mode: Mode| mode.to_string()))));
    if (attributes.uid, attributes.gid) != (Id::ROOT, Id::ROOT) {
        fields.push(("owner", owner(attributes.uid, attributes.gid)));
    }
    fields
}

fn owner(uid: Id, gid: Id) -> Value {
    json!(format!("{uid}:{gid}"))
}

fn text(bytes: impl AsRef<[u8]>) -> Value {
    json!(Printable::new(&bytes).to_string())
}

/// A path of the project is shown as relative, one of a source as absolute, as in a recipe.
fn from(from: &From) -> Value {
    match from {
        From::Project(path) => json!(path.to_string()),
        From::Source(path) => text(path),
    }
}
