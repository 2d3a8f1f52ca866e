//! Plans against trees in memory.

mod brought;
mod dependencies;
mod facts;
mod failing;
mod found;
mod host;
mod later;
mod needs;
mod packages;
mod pages;
mod parcels;

use std::collections::BTreeSet;

use imgc_planner::node::*;
use imgc_planner::recipe::{From, Id, LibraryName, LocaleName, Mode, ProjectPath, ZoneName};
use imgc_planner::{Content, Node, Reason};

use super::*;
use crate::draft::Drafts;
use crate::error::Name;
use crate::loaded;
use crate::memory::Memory;
use crate::root::Roots;
use crate::sample::Sample;
use crate::start::Start;

/// A plan in the making, and the machine that it is answered on. The project is `/work`, the
/// source `/`.
struct Case {
    host: Memory,
    nodes: BTreeMap<NodeId, Node>,
    requests: Vec<NodeId>,
    user: User,
    platform: Option<&'static str>,
    limit: usize,
    start: Option<Start>,
}

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).unwrap()
}

fn from(text: &str) -> From {
    if text.starts_with('/') {
        From::Source(path(text))
    } else {
        From::Project(ProjectPath::resolve(&ProjectPath::project(), text).unwrap())
    }
}

fn id(name: &str) -> NodeId {
    NodeId::of(name.as_bytes())
}

fn case(host: Memory) -> Case {
    let case = Case {
        host,
        nodes: BTreeMap::new(),
        requests: Vec::new(),
        user: User::Numeric(Id::NONROOT, Id::NONROOT),
        platform: Some("linux/amd64"),
        limit: 1000,
        start: None,
    };
    case.source("source", Place::Host, None).search(&["source"], |_| ())
}

impl Case {
    fn node(mut self, name: &str, kind: NodeKind, inputs: &[&str]) -> Self {
        let inputs = inputs.iter().map(|name| id(name)).collect();
        self.nodes.insert(id(name), Node { kind, inputs });
        self
    }

    fn request(mut self, name: &str, kind: NodeKind) -> Self {
        self.requests.push(id(name));
        self.requests.sort();
        self.node(name, kind, &["search"])
    }

    fn source(self, name: &str, place: Place, platform: Option<&str>) -> Self {
        let platform = platform.map(|text| Platform::parse(text).unwrap());
        self.node(name, NodeKind::Source(Source { place, platform }), &[])
    }

    fn search(self, sources: &[&str], change: impl Fn(&mut Search)) -> Self {
        let mut search = Search {
            workdir: ImagePath::root(),
            library_path: None,
            preload: None,
            path: "/usr/bin:/bin".into(),
        };
        change(&mut search);
        self.node("search", NodeKind::Search(search), sources)
    }

    fn binary(self, at: &str, to: &str) -> Self {
        let binary = Binary { from: from(at), to: path(to), attributes: Attributes::ROOT };
        self.request(&format!("binary {at} {to}"), NodeKind::Binary(binary))
    }

    fn library(self, name: &str) -> Self {
        let library = if name.starts_with('/') {
            LibraryName::Pattern(path(name))
        } else {
            LibraryName::Soname(name.into())
        };
        self.request(&format!("library {name}"), NodeKind::Library(Library { name: library }))
    }

    fn file(self, at: &str, to: &str, mode: Option<u64>) -> Self {
        let mode = mode.map(|mode| Mode::new(mode).unwrap());
        let attributes = Attributes { mode, ..Attributes::ROOT };
        let file = File { from: from(at), to: path(to), attributes };
        self.request(&format!("file {at} {to} {mode:?}"), NodeKind::File(file))
    }

    fn text(self, at: &str, text: &str) -> Self {
        let kind = Text { path: path(at), text: text.into(), attributes: Attributes::ROOT };
        self.request(&format!("text {at} {text}"), NodeKind::Text(kind))
    }

    fn tree(self, at: &str, to: &str, exclude: &[&str]) -> Self {
        let exclude: BTreeSet<String> = exclude.iter().map(ToString::to_string).collect();
        let tree = Tree { from: from(at), to: path(to), exclude, attributes: Attributes::ROOT };
        self.request(&format!("tree {at} {to}"), NodeKind::Tree(tree))
    }

    fn directory(self, at: &str) -> Self {
        let directory = Directory { path: path(at), attributes: Attributes::ROOT };
        self.request(&format!("directory {at}"), NodeKind::Directory(directory))
    }

    fn symlink(self, at: &str, target: &str) -> Self {
        let link = Symlink { path: path(at), target: target.into(), uid: Id::ROOT, gid: Id::ROOT };
        self.request(&format!("symlink {at} {target}"), NodeKind::Symlink(link))
    }

    /// Lets the image run a program.
    fn runs(mut self, program: &str) -> Self {
        let search = Search {
            workdir: ImagePath::root(),
            library_path: None,
            preload: None,
            path: "/usr/bin:/bin".into(),
        };
        self.start = Some(Start { program: program.into(), search });
        self
    }

    fn platform(mut self, platform: Option<&'static str>) -> Self {
        self.platform = platform;
        self
    }

    fn on(self, host: Arc<dyn Host>) -> Result<Resolution, Vec<ResolveError>> {
        let query = Query {
            nodes: &self.nodes,
            requests: self.requests.clone(),
            user: &self.user,
            start: self.start.clone(),
        };
        let platform = self.platform.map(|text| Platform::parse(text).unwrap());
        answer(&query, platform, &HostPath::new(b"/work"), &host, self.limit)
    }

    fn resolve(self) -> Result<Resolution, Vec<ResolveError>> {
        let host = Arc::new(self.host.clone());
        self.on(host)
    }

    /// Returns the entries, a line each: directories without a reason of their own are left out.
    #[track_caller]
    fn entries(self) -> Vec<String> {
        let resolution = match self.resolve() {
            Ok(resolution) => resolution,
            Err(problems) => panic!("{problems:#?}"),
        };
        lines(&resolution)
    }

    #[track_caller]
    fn problems(self) -> Vec<String> {
        let problems = match self.resolve() {
            Ok(resolution) => panic!("{:#?}", lines(&resolution)),
            Err(problems) => problems,
        };
        let mut messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
        messages.sort();
        messages
    }
}

fn lines(resolution: &Resolution) -> Vec<String> {
    let line = |(path, found): (&ImagePath, &Found)| {
        let mode = found.attributes.mode.map_or(String::new(), |mode| format!(" {mode}"));
        match &found.content {
            Content::File { executable, .. } => {
                Some(format!("{path}{}{mode}", if *executable { "*" } else { "" }))
            }
            Content::Directory => found
                .needs
                .iter()
                .any(|need| !matches!(need.reason, Reason::Above { .. }))
                .then(|| format!("{path}/{mode}")),
            Content::Symlink(target) => Some(format!("{path} -> {}", Name::new(target))),
            Content::HardLink(target) => Some(format!("{path} = {target}")),
        }
    };
    let entries = resolution.closure.entries.iter();
    entries.filter_map(line).collect()
}

/// A merged-/usr machine with a C library, as Debian has it.
fn debian() -> Memory {
    Memory::on_device(1)
        .link("/lib", "usr/lib")
        .link("/lib64", "usr/lib64")
        .link("/bin", "usr/bin")
        .link("/usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
        .program("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", Sample::glibc_loader().bytes())
        .file(
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            Sample::library().soname("libc.so.6").needs("ld-linux-x86-64.so.2").bytes(),
        )
        .directory("/work")
}

/// What every dynamic program of [`debian`] brings in, in order.
const C_LIBRARY: [&str; 5] = [
    "/lib -> usr/lib",
    "/lib64 -> usr/lib64",
    "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2*",
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
    "/usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
];

fn with_c_library(more: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = C_LIBRARY.iter().chain(more).map(ToString::to_string).collect();
    all.sort_by(|one, other| {
        let key = |line: &str| {
            line.split([' ', '*']).next().unwrap_or_default().trim_end_matches('/').to_owned()
        };
        key(one).cmp(&key(other))
    });
    all
}
