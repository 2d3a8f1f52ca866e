//! The canonical encoding of a node, from which its identity is made.
//!
//! Every field has a length or a fixed size, every choice a tag, and every collection an order, so
//! that two different nodes never have one encoding. `docs/formats.md` describes it byte by byte;
//! changing anything here changes the identity of every plan and needs a new [`PLAN_VERSION`].

use imgc_parser::{Codec, Compression, Expose, From, Id, LibraryName, Mode, Platform, Protocol};

use crate::digest::NodeId;
use crate::node::{
    Attributes, Binary, Capability, Config, Directory, Facility, File, Image, Layer, Library, Node,
    NodeKind, Place, Program, Search, Source, Symlink, Text, Tree, User,
};

/// Version of the encoding; the second field of every node.
pub const PLAN_VERSION: u64 = 1;

/// What every encoding starts with, so that it can be taken for nothing else that is hashed.
const DOMAIN: &[u8] = b"imgc-plan";

impl Node {
    /// Returns the node's identity: the SHA-256 of its canonical encoding.
    #[must_use]
    pub fn id(&self) -> NodeId {
        NodeId::of(&self.encode())
    }

    /// Returns the canonical encoding: domain, version, kind, fields, inputs.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.bytes(DOMAIN);
        encoder.number(PLAN_VERSION);
        encoder.kind(&self.kind);
        encoder.list(&self.inputs, |encoder, input| encoder.0.extend_from_slice(input.as_bytes()));
        encoder.0
    }
}

/// Returns the identity of several images that one recipe asks for.
pub(crate) fn family_id(images: &[NodeId]) -> NodeId {
    let mut encoder = Encoder::default();
    encoder.bytes(DOMAIN);
    encoder.number(PLAN_VERSION);
    encoder.tag(14);
    encoder.list(images, |encoder, image| encoder.0.extend_from_slice(image.as_bytes()));
    NodeId::of(&encoder.0)
}

#[derive(Default)]
struct Encoder(Vec<u8>);

/// The primitives.
impl Encoder {
    /// One byte that says which of several forms follows.
    fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    /// Eight bytes, the lowest first.
    fn number(&mut self, number: impl Into<u64>) {
        self.0.extend_from_slice(&number.into().to_le_bytes());
    }

    /// The length as a number, then the bytes.
    fn bytes(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Tag 0 for nothing; tag 1, then the value.
    fn option<T>(&mut self, option: Option<T>, mut value: impl FnMut(&mut Self, T)) {
        match option {
            None => self.tag(0),
            Some(inner) => {
                self.tag(1);
                value(self, inner);
            }
        }
    }

    /// The number of items, then each of them.
    fn list<I>(&mut self, items: I, mut item: impl FnMut(&mut Self, I::Item))
    where
        I: IntoIterator<IntoIter: ExactSizeIterator>,
    {
        let items = items.into_iter();
        self.number(items.len() as u64);
        items.for_each(|each| item(self, each));
    }

    fn pairs<'a, I>(&mut self, pairs: I)
    where
        I: IntoIterator<Item = (&'a String, &'a String), IntoIter: ExactSizeIterator>,
    {
        self.list(pairs, |encoder, (key, value)| {
            encoder.bytes(key);
            encoder.bytes(value);
        });
    }
}

/// The nodes. Each method destructures its node, so that a new field cannot be forgotten.
impl Encoder {
    fn kind(&mut self, kind: &NodeKind) {
        match kind {
            NodeKind::Source(source) => self.source(source),
            NodeKind::Search(search) => self.search(search),
            NodeKind::Binary(Binary { from, to, attributes }) => {
                self.tag(2);
                self.from(from);
                self.bytes(to);
                self.attributes(attributes);
            }
            NodeKind::Library(Library { name }) => {
                self.tag(3);
                match name {
                    LibraryName::Soname(name) => {
                        self.tag(0);
                        self.bytes(name);
                    }
                    LibraryName::Pattern(pattern) => {
                        self.tag(1);
                        self.bytes(pattern);
                    }
                }
            }
            NodeKind::File(File { from, to, attributes }) => {
                self.tag(4);
                self.from(from);
                self.bytes(to);
                self.attributes(attributes);
            }
            NodeKind::Text(Text { path, text, attributes }) => {
                self.tag(5);
                self.bytes(path);
                self.bytes(text);
                self.attributes(attributes);
            }
            NodeKind::Tree(Tree { from, to, exclude, attributes }) => {
                self.tag(6);
                self.from(from);
                self.bytes(to);
                self.list(exclude, |encoder, pattern| encoder.bytes(pattern));
                self.attributes(attributes);
            }
            NodeKind::Directory(Directory { path, attributes }) => {
                self.tag(7);
                self.bytes(path);
                self.attributes(attributes);
            }
            NodeKind::Symlink(Symlink { path, target, uid, gid }) => {
                self.tag(8);
                self.bytes(path);
                self.bytes(target);
                self.id(*uid);
                self.id(*gid);
            }
            NodeKind::Facility(facility) => {
                self.tag(12);
                match facility {
                    Facility::Dns => self.tag(0),
                    Facility::Tls => self.tag(1),
                    Facility::TimeZones(zone) => {
                        self.tag(2);
                        self.option(zone.as_ref(), |encoder, zone| encoder.bytes(zone.as_str()));
                    }
                    Facility::Locale(locale) => {
                        self.tag(3);
                        self.bytes(locale.as_str());
                    }
                    Facility::Charsets => self.tag(4),
                    Facility::Terminfo => self.tag(5),
                    Facility::OsRelease => self.tag(6),
                    Facility::Packages => self.tag(7),
                }
            }
            NodeKind::Capability(Capability { path, capabilities }) => {
                self.tag(13);
                self.bytes(path);
                self.number(capabilities.permitted());
                self.number(capabilities.inheritable());
                self.tag(capabilities.effective().into());
            }
            NodeKind::Layer(Layer { name }) => {
                self.tag(9);
                self.option(name.as_ref(), |encoder, name| encoder.bytes(name));
            }
            NodeKind::Config(config) => self.config(config),
            NodeKind::Image(image) => self.image(image),
        }
    }

    fn source(&mut self, Source { place, platform }: &Source) {
        self.tag(0);
        match place {
            Place::Host => self.tag(0),
            Place::Directory(directory) => {
                self.tag(1);
                self.from(directory);
            }
        }
        self.option(*platform, Self::platform);
    }

    fn search(&mut self, Search { workdir, library_path, preload, path }: &Search) {
        self.tag(1);
        self.bytes(workdir);
        self.option(library_path.as_ref(), |encoder, value| encoder.bytes(value));
        self.option(preload.as_ref(), |encoder, value| encoder.bytes(value));
        self.bytes(path);
    }

    fn config(&mut self, config: &Config) {
        let Config {
            user,
            env,
            workdir,
            entrypoint,
            command,
            expose,
            volumes,
            stop_signal,
            labels,
        } = config;
        self.tag(10);
        match user {
            User::Numeric(uid, gid) => {
                self.tag(0);
                self.id(*uid);
                self.id(*gid);
            }
            User::Named(name) => {
                self.tag(1);
                self.bytes(name);
            }
        }
        self.list(env, |encoder, (name, value)| {
            encoder.bytes(name);
            encoder.bytes(value);
        });
        self.bytes(workdir);
        match entrypoint {
            Program::None => self.tag(0),
            Program::Arguments(arguments) => {
                self.tag(1);
                self.list(arguments, |encoder, argument| encoder.bytes(argument));
            }
            Program::Shell(line) => {
                self.tag(2);
                self.bytes(line);
            }
        }
        self.list(command, |encoder, argument| encoder.bytes(argument));
        self.list(expose, |encoder, Expose { port, protocol }| {
            encoder.number(port.get());
            encoder.tag(match protocol {
                Protocol::Tcp => 0,
                Protocol::Udp => 1,
                Protocol::Sctp => 2,
            });
        });
        self.list(volumes, |encoder, path| encoder.bytes(path));
        self.option(stop_signal.as_ref(), |encoder, signal| encoder.bytes(signal));
        self.pairs(labels);
    }

    fn image(&mut self, image: &Image) {
        let Image { name, platforms, compression, created, annotations, allow } = image;
        let Compression { codec, level } = compression;
        self.tag(11);
        self.bytes(name.to_string());
        self.list(platforms, |encoder, platform| encoder.platform(*platform));
        self.tag(match codec {
            Codec::Gzip => 0,
            Codec::Zstd => 1,
            Codec::None => 2,
        });
        self.option(*level, |encoder, level| encoder.number(level));
        self.option(*created, |encoder, created| encoder.number(created.seconds()));
        self.pairs(annotations);
        self.pairs(allow);
    }

    fn from(&mut self, from: &From) {
        match from {
            From::Project(path) => {
                self.tag(0);
                self.bytes(path.as_str());
            }
            From::Source(path) => {
                self.tag(1);
                self.bytes(path);
            }
        }
    }

    fn attributes(&mut self, Attributes { mode, uid, gid }: &Attributes) {
        self.option(*mode, |encoder, mode: Mode| encoder.number(mode.bits()));
        self.id(*uid);
        self.id(*gid);
    }

    fn id(&mut self, id: Id) {
        self.number(id.number());
    }

    fn platform(&mut self, platform: Platform) {
        self.bytes(platform.to_string());
    }
}

#[cfg(test)]
mod tests {
    use imgc_parser::ImagePath;

    use super::*;

    fn symlink(path: &str, target: &str) -> Node {
        let path = ImagePath::parse(path.as_bytes()).expect(path);
        let kind = NodeKind::Symlink(Symlink {
            path,
            target: target.into(),
            uid: Id::ROOT,
            gid: Id::ROOT,
        });
        Node { kind, inputs: Vec::new() }
    }

    #[test]
    fn the_encoding_is_what_the_documentation_says() {
        let expected = [
            &[9, 0, 0, 0, 0, 0, 0, 0][..],
            b"imgc-plan",
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &[8],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            b"/a",
            &[1, 0, 0, 0, 0, 0, 0, 0],
            b"b",
            &[0; 16],
            &[0; 8],
        ];
        assert_eq!(symlink("/a", "b").encode(), expected.concat());
    }

    #[test]
    fn a_border_between_fields_cannot_move() {
        assert_ne!(symlink("/a", "bc").id(), symlink("/ab", "c").id());
    }

    #[test]
    fn inputs_are_part_of_the_identity() {
        let mut node = symlink("/a", "b");
        let before = node.id();
        node.inputs.push(before);
        assert_ne!(node.id(), before);
    }
}
