//! What the packages of a source ship: which package a program is from, which others are a part of
//! it, and what they bring.
//!
//! Packages that are built from one source and depend on each other are one thing that was cut up
//! (a program, its data, its common files), and are taken for one here. Read from dpkg's own files;
//! a source without dpkg has no inventory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imgc_planner::recipe::ImagePath;
use memchr::memmem;
use rayon::prelude::*;

use crate::host::{Host, HostPath};
use crate::owner::{Database, field, read};
use crate::root::Root;

/// Where programs are that are found by their names.
pub(crate) const PROGRAMS: &[&str] =
    &["/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/games/", "/usr/local/bin/"];

/// The lists and relations of the packages of one source.
pub(crate) struct Inventory {
    host: Arc<dyn Host>,
    base: HostPath,
    /// The files of each package, as dpkg writes them: a line each, after a line break of ours.
    lists: BTreeMap<String, Vec<u8>>,
    paragraphs: BTreeMap<String, String>,
}

/// What a program's package brings, with those that are a part of it.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    /// Its packages.
    pub(crate) packages: BTreeSet<String>,
    /// Packages of others that these depend on.
    pub(crate) dependencies: BTreeSet<String>,
    /// The paths that its packages list, sorted; directories are among them.
    pub(crate) paths: BTreeSet<ImagePath>,
}

/// Most programs of packages that are of one purpose, if every system has them. What brings more is a
/// collection, as coreutils with some hundred are.
const MAX_PROGRAMS: usize = 60;

/// Tells whether a path is that of a program that is found by its name.
pub(crate) fn is_program(path: &ImagePath) -> bool {
    PROGRAMS.iter().any(|directory| {
        path.as_bytes().strip_prefix(directory.as_bytes()).is_some_and(|name| !name.contains(&b'/'))
    })
}

impl Inventory {
    /// Reads the lists of a source; nothing if it has none.
    pub(crate) fn open(root: &Root) -> Option<Self> {
        let base = root.host_path(&ImagePath::root());
        let host = &**root.host();
        let directory: HostPath = base.join(b"/var/lib/dpkg/info");
        let names = host.read_dir(&directory).ok()?;
        let names: Vec<&Vec<u8>> = names.iter().filter(|name| name.ends_with(b".list")).collect();
        let read = |name: &&Vec<u8>| {
            let text = read(host, &directory.join(name))?;
            let package = String::from_utf8_lossy(&name[..name.len() - b".list".len()]);
            Some((package.into_owned(), [b"\n", &text[..]].concat()))
        };
        let lists: BTreeMap<String, Vec<u8>> = names.par_iter().filter_map(read).collect();
        let paragraphs = Database::open(host, &base).paragraphs();
        let host = Arc::clone(root.host());
        (!lists.is_empty()).then_some(Self { host, base, lists, paragraphs })
    }

    /// Returns what comes with the package that a file is from; nothing if none lists it.
    pub(crate) fn parcel(&self, file: &ImagePath) -> Option<Parcel> {
        let mut parcel = Parcel::default();
        let mut pending = vec![self.owner(file)?];
        let source = self.source(pending[0]);
        while let Some(package) = pending.pop() {
            if !parcel.packages.insert(package.to_owned()) {
                continue;
            }
            let mut needed = self.dependencies(package);
            while let Some(dependency) = needed.pop() {
                if self.source(dependency) == source {
                    pending.push(dependency);
                } else if parcel.dependencies.insert(dependency.to_owned())
                    && is_empty(&self.lists[dependency])
                {
                    needed.extend(self.dependencies(dependency));
                }
            }
        }
        parcel.paths = parcel.packages.iter().flat_map(|package| self.paths(package)).collect();
        Some(parcel)
    }

    /// Returns the package that lists a path.
    pub(crate) fn owner(&self, file: &ImagePath) -> Option<&str> {
        let names = spellings(file);
        let lists = |list: &[u8]| names.iter().any(|name| memmem::find(list, name).is_some());
        self.lists.iter().find(|(_, list)| lists(list)).map(|(package, _)| &**package)
    }

    /// Tells whether a package outside of a parcel lists a path too.
    pub(crate) fn is_shared(&self, path: &ImagePath, parcel: &Parcel) -> bool {
        let names = spellings(path);
        self.lists.iter().any(|(package, list)| {
            !parcel.packages.contains(package)
                && names.iter().any(|name| memmem::find(list, name).is_some())
        })
    }

    /// Tells whether a path is a place of packages of data that were built from the source of a parcel:
    /// they list it, and not what is above it, and no others do.
    pub(crate) fn is_data_of_source(&self, path: &ImagePath, parcel: &Parcel) -> bool {
        let is_top =
            |path: &ImagePath| path.parent().is_none_or(|above| !self.is_of_source(&above, parcel));
        self.is_of_source(path, parcel) && is_top(path)
    }

    fn is_of_source(&self, path: &ImagePath, parcel: &Parcel) -> bool {
        let source = parcel.packages.first().and_then(|package| self.source(package));
        let names = spellings(path);
        let lists = |list: &[u8]| names.iter().any(|name| memmem::find(list, name).is_some());
        let mut owners = self.lists.iter().filter(|(_, list)| lists(list)).peekable();
        let is_data = |package: &str| {
            let paragraph = self.paragraphs.get(package);
            paragraph.and_then(|text| field(text, "Architecture")) == Some("all")
        };
        owners.peek().is_some()
            && owners.all(|(package, _)| self.source(package) == source && is_data(package))
    }

    /// Returns the paths of a package, as they are after the merge of `/usr`.
    pub(crate) fn paths(&self, package: &str) -> impl Iterator<Item = ImagePath> {
        let list = self.lists.get(package).map(|list| &**list).unwrap_or_default();
        let lines = list.split(|byte| *byte == b'\n').filter(|line| line.len() > 1);
        lines.filter_map(|line| {
            let is_merged =
                [&b"/bin/"[..], b"/sbin/", b"/lib/"].iter().any(|top| line.starts_with(top));
            let line = if is_merged { [b"/usr", line].concat() } else { line.to_vec() };
            ImagePath::parse(&line).ok()
        })
    }

    /// Tells whether a parcel's programs have little to do with each other: then they name each other
    /// in their help, and what comes with them is for one of them.
    pub(crate) fn is_collection(&self, parcel: &Parcel) -> bool {
        self.essential().any(|package| parcel.packages.contains(package))
            && parcel.paths.iter().filter(|path| is_program(path)).count() > MAX_PROGRAMS
    }

    /// Returns the packages that every system has (`deb-control(5)`, "Essential").
    pub(crate) fn essential(&self) -> impl Iterator<Item = &str> {
        self.lists.keys().map(String::as_str).filter(|package| {
            let paragraph = self.paragraphs.get(*package);
            paragraph.and_then(|text| field(text, "Essential")) == Some("yes")
        })
    }

    /// Tells whether a package can be there for several architectures, as those of libraries can
    /// (`Multi-Arch: same`).
    pub(crate) fn is_library(&self, package: &str) -> bool {
        let paragraph = self.paragraphs.get(package);
        paragraph.and_then(|text| field(text, "Multi-Arch")) == Some("same")
    }

    /// Returns the packages for those who compile programs: of a parcel, of what it depends on, and of
    /// what such packages depend on in turn.
    pub(crate) fn development(&self, parcel: &Parcel) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let named = parcel.packages.iter().chain(&parcel.dependencies);
        let mut pending: Vec<&str> = named.map(String::as_str).collect();
        while let Some(package) = pending.pop() {
            let Some((package, list)) = self.lists.get_key_value(package) else { continue };
            let marks = [&b"\n/usr/include/"[..], b".o\n"];
            let is_one = marks.iter().any(|mark| memmem::find(list, mark).is_some());
            if is_one && found.insert(&**package) {
                pending.extend(self.dependencies(package));
            }
        }
        found
    }

    /// Returns the scripts by which packages were set up (`deb-postinst(5)`): those that make
    /// the users that a service runs as.
    pub(crate) fn setup(&self, parcel: &Parcel) -> Vec<u8> {
        let read = |package: &String| {
            let path = format!("/var/lib/dpkg/info/{package}.postinst");
            read(&*self.host, &self.base.join(path.as_bytes()))
        };
        let makes_users = |text: &Vec<u8>| {
            let commands = [&b"adduser"[..], b"useradd", b"sysusers"];
            commands.iter().any(|command| memmem::find(text, command).is_some())
        };
        let texts: Vec<Vec<u8>> =
            parcel.packages.iter().filter_map(read).filter(makes_users).collect();
        texts.join(&b'\n')
    }

    /// Returns the source package that a package was built from.
    fn source(&self, package: &str) -> Option<&str> {
        let paragraph = self.paragraphs.get(package)?;
        let source = field(paragraph, "Source").or_else(|| field(paragraph, "Package"))?;
        source.split(' ').next()
    }

    /// Returns the packages that are there and that a package needs or usually has, in any of the
    /// alternatives that it gives (`deb-control(5)`, "Depends", "Recommends").
    fn dependencies(&self, package: &str) -> Vec<&str> {
        let Some(paragraph) = self.paragraphs.get(package) else { return Vec::new() };
        let fields = ["Pre-Depends", "Depends", "Recommends"].into_iter();
        let texts = fields.filter_map(|name| field(paragraph, name));
        let names = texts.flat_map(|text| text.split([',', '|']));
        let names = names.filter_map(|name| name.trim().split([' ', ':', '(']).next());
        names.filter_map(|name| self.installed(name)).collect()
    }

    fn installed(&self, name: &str) -> Option<&str> {
        let known = self.lists.get_key_value(name).map(|(package, _)| &**package);
        known.or_else(|| {
            let start = format!("{name}:");
            let next = self.lists.range(start.clone()..).next();
            next.map(|(package, _)| &**package).filter(|package| package.starts_with(&start))
        })
    }
}

/// What is for people and package managers alone.
const DOCUMENTATION: &[&[u8]] = &[
    b"/usr/share/doc",
    b"/usr/share/man",
    b"/usr/share/info",
    b"/usr/share/lintian",
    b"/usr/share/bug",
];

/// Tells whether a package has nothing of its own, and is there for what it depends on (`gnupg`): its
/// list names documentation and what is above it.
pub(crate) fn is_empty(list: &[u8]) -> bool {
    let lines = list.split(|byte| *byte == b'\n').filter(|line| line.len() > 2);
    lines.into_iter().all(|line| {
        DOCUMENTATION.iter().any(|place| line.starts_with(place) || place.starts_with(line))
    })
}

/// Returns the lines by which a path may be listed: packages of old list what is below `/usr` today
/// by the link that leads there.
fn spellings(path: &ImagePath) -> Vec<Vec<u8>> {
    let line = |path: &[u8]| [b"\n", path, b"\n"].concat();
    let path = path.as_bytes();
    let old = path.strip_prefix(b"/usr").filter(|rest| {
        [&b"/bin/"[..], b"/sbin/", b"/lib/"].iter().any(|top| rest.starts_with(top))
    });
    [Some(path), old].into_iter().flatten().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    fn inventory() -> Inventory {
        let status = "Package: tool\nVersion: 1\nDepends: tool-data (>= 1), libc6, other | none\n\n\
                      Package: tool-data\nSource: tool (1)\nArchitecture: all\nVersion: 1\n\n\
                      Package: other\nVersion: 1\n\n\
                      Package: libc6\nArchitecture: amd64\nVersion: 2\n";
        let host = Memory::new()
            .file("/var/lib/dpkg/status", status)
            .file("/var/lib/dpkg/info/tool.list", "/.\n/bin\n/bin/tool\n/usr/share\n")
            .file(
                "/var/lib/dpkg/info/tool-data.list",
                "/usr/share\n/usr/share/tool\n/usr/share/tool/x\n",
            )
            .file("/var/lib/dpkg/info/other.list", "/usr/share\n/usr/share/other\n")
            .file("/var/lib/dpkg/info/libc6:amd64.list", "/lib/x/libc.so.6\n");
        Inventory::open(&Root::new(Arc::new(host), HostPath::new(b"/"))).unwrap()
    }

    fn path(text: &str) -> ImagePath {
        ImagePath::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn packages_of_one_source_that_depend_on_each_other_are_one_parcel() {
        let parcel = inventory().parcel(&path("/usr/bin/tool")).unwrap();
        assert_eq!(parcel.packages, ["tool".into(), "tool-data".into()].into());
        assert_eq!(parcel.dependencies, ["libc6:amd64".into(), "other".into()].into());
        assert!(parcel.paths.contains(&path("/usr/share/tool/x")));
        assert!(parcel.paths.contains(&path("/usr/bin/tool")), "behind the link of the merge");
        assert!(inventory().parcel(&path("/usr/bin/none")).is_none());
    }

    #[test]
    fn a_directory_of_several_packages_is_shared() {
        let inventory = inventory();
        let parcel = inventory.parcel(&path("/usr/bin/tool")).unwrap();
        assert!(inventory.is_shared(&path("/usr/share"), &parcel));
        assert!(!inventory.is_shared(&path("/usr/share/tool"), &parcel));
    }
}
