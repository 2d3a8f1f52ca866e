//! What the Debian packages of a source hold, and which others each of them depends on.
//!
//! Read from dpkg's own files, once for a whole judgement; what only few questions need is put in order
//! when the first of them is asked. [`owner`](crate::owner) finds the owners of single files, and
//! [`parcel`](crate::parcel) says what comes with a program. A source without dpkg has no packages.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use imgc_planner::recipe::ImagePath;
use memchr::memmem::{self, Finder};
use rayon::prelude::*;

use crate::host::{Host, HostPath};
use crate::owner::{Database, field, read};
use crate::root::{Root, Roots};

/// What is for people and package managers alone.
const DOCUMENTATION: &[&[u8]] = &[
    b"/usr/share/doc",
    b"/usr/share/man",
    b"/usr/share/info",
    b"/usr/share/lintian",
    b"/usr/share/bug",
];

/// The packages of the roots that files are taken from, those of a root read when they are first asked
/// for.
pub(crate) struct Installed<'a> {
    packages: Vec<(&'a Root, OnceLock<Packages<'a>>)>,
}

impl<'a> Installed<'a> {
    /// Knows some roots, of which several may be the same.
    pub(crate) fn of(roots: impl Iterator<Item = &'a Root>) -> Self {
        let mut packages: Vec<(&Root, _)> = Vec::new();
        for root in roots {
            if !packages.iter().any(|(known, _)| known.is_same(root)) {
                packages.push((root, OnceLock::new()));
            }
        }
        Self { packages }
    }

    /// Returns the packages of one of the roots.
    ///
    /// # Panics
    /// When the root is none of them.
    fn packages(&self, root: &Root) -> &Packages<'a> {
        let mut known = self.packages.iter();
        let (root, packages) =
            known.find(|(known, _)| known.is_same(root)).expect("a root of a scene");
        packages.get_or_init(|| Packages::read(&**root.host(), root.base()))
    }

    /// Returns the packages of the root that a path leads into, and where it leads there; nothing if it
    /// leads nowhere. Panics as [`packages`](Self::packages).
    pub(crate) fn around(&self, roots: &Roots, path: &[u8]) -> Option<(&Packages<'a>, ImagePath)> {
        let walk = roots.walk(path, &ImagePath::root()).ok()?;
        Some((self.packages(&roots.roots()[walk.source]), walk.real))
    }

    /// Returns the package that a file is from, and those around it. Panics as
    /// [`packages`](Self::packages).
    pub(crate) fn owner(&self, roots: &Roots, path: &ImagePath) -> Option<(&Packages<'a>, &str)> {
        let (packages, real) = self.around(roots, path.as_bytes())?;
        Some((packages, packages.owner(real.as_bytes())?))
    }
}

/// The installed packages of a source.
pub(crate) struct Packages<'a> {
    database: Database<'a>,
    /// By name, without the architecture.
    packages: BTreeMap<String, Package>,
    directories: OnceLock<Directories>,
    /// Names that packages provide, with those that do.
    provided: OnceLock<BTreeMap<String, Vec<String>>>,
    /// Those that every system has.
    essential: OnceLock<BTreeSet<String>>,
}

/// Directories that packages have something in, with those that do.
type Directories = HashMap<Box<[u8]>, Vec<Box<str>>>;

#[derive(Default)]
struct Package {
    /// The list of its files, for each architecture: its name, and the text, between line breaks of
    /// ours.
    lists: Vec<(String, Vec<u8>)>,
    /// What dpkg knows about it (`deb-control(5)`).
    paragraph: String,
    relations: OnceLock<Relations>,
}

/// What a paragraph says.
struct Relations {
    /// What it depends on, with every alternative.
    depends: Vec<String>,
    /// What it usually has, with every alternative.
    recommends: Vec<String>,
    /// The source package that it was built from.
    source: String,
    /// Whether it can be there for several architectures: a library (`Multi-Arch: same`).
    is_library: bool,
    /// Whether it is for one architecture.
    is_compiled: bool,
    /// What it is for (Debian Policy, 2.4), without the area of the archive before it.
    section: Option<String>,
}

impl Package {
    fn relations(&self) -> &Relations {
        self.relations.get_or_init(|| {
            let field = |name| field(&self.paragraph, name);
            let listed = |name| field(name).unwrap_or_default().split([',', '|']).map(bare);
            let source = field("Source").or_else(|| field("Package"));
            Relations {
                depends: listed("Pre-Depends").chain(listed("Depends")).collect(),
                recommends: listed("Recommends").collect(),
                source: bare(source.unwrap_or_default()),
                is_library: field("Multi-Arch") == Some("same"),
                section: field("Section").and_then(|text| text.rsplit('/').next()).map(bare),
                is_compiled: !self.paragraph.is_empty() && field("Architecture") != Some("all"),
            }
        })
    }
}

impl<'a> Packages<'a> {
    /// Reads what there is below `root`.
    pub(crate) fn read(host: &'a dyn Host, root: &'a HostPath) -> Self {
        let database = Database::open(host, root);
        let directory = root.join(b"/var/lib/dpkg/info");
        let names = host.read_dir(&directory).unwrap_or_default();
        let list = |name: &Vec<u8>| {
            let listed = String::from_utf8_lossy(name.strip_suffix(b".list")?).into_owned();
            let text = read(host, &directory.join(name))?;
            Some((listed, [b"\n", &text[..], b"\n"].concat()))
        };
        let lists: Vec<(String, Vec<u8>)> = names.par_iter().filter_map(list).collect();
        let mut packages: BTreeMap<String, Package> = BTreeMap::new();
        for (listed, text) in lists {
            let name = without_architecture(&listed).to_owned();
            packages.entry(name).or_default().lists.push((listed, text));
        }
        if !packages.is_empty() {
            // Those with an architecture in their names are the same once more.
            for (name, paragraph) in database.paragraphs() {
                if let Some(package) = packages.get_mut(&name) {
                    package.paragraph = paragraph;
                }
            }
        }
        let (directories, provided) = (OnceLock::new(), OnceLock::new());
        Self { database, packages, directories, provided, essential: OnceLock::new() }
    }

    fn directories(&self) -> &Directories {
        self.directories.get_or_init(|| {
            let mut directories = Directories::new();
            let lists = self.packages.iter().flat_map(|(name, package)| {
                package.lists.iter().map(move |(listed, text)| (name, listed, text))
            });
            for (name, listed, text) in lists {
                let mut last = Vec::new();
                for line in lines(text) {
                    // The top of a path is a link since the merge of `/usr`: `/bin`. A diversion leads
                    // elsewhere for one file of a directory.
                    let line = self.database.listed(listed, line);
                    let parent = parent(&line);
                    if parent == last {
                        continue;
                    }
                    last = parent.to_vec();
                    let owners = match directories.get_mut(parent) {
                        Some(owners) => owners,
                        None => directories.entry(parent.into()).or_default(),
                    };
                    if owners.last().is_none_or(|last| **last != **name) {
                        owners.push(name.as_str().into());
                    }
                }
            }
            directories
        })
    }

    fn provided(&self, name: &str) -> &[String] {
        let provided = self.provided.get_or_init(|| {
            let mut provided: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (name, package) in &self.packages {
                let listed = field(&package.paragraph, "Provides").unwrap_or_default();
                for other in listed.split(',').map(bare).filter(|other| !other.is_empty()) {
                    provided.entry(other).or_default().push(name.clone());
                }
            }
            provided
        });
        provided.get(name).map(|packages| &**packages).unwrap_or_default()
    }

    fn relations(&self, package: &str) -> Option<&Relations> {
        self.packages.get(package).map(Package::relations)
    }

    /// Returns what dpkg knows about a package (`deb-control(5)`).
    pub(crate) fn paragraph(&self, package: &str) -> &str {
        self.packages.get(package).map_or("", |package| &package.paragraph)
    }

    /// Returns the sums that a package has of a file, one for each architecture.
    pub(crate) fn sums(&self, package: &str, real: &ImagePath) -> Vec<String> {
        let names = self.texts(package).map(|(listed, _)| listed);
        names.filter_map(|name| self.database.sums(name).remove(real.as_bytes())).collect()
    }

    /// Returns the sum that ucf has of a configuration, or none.
    pub(crate) fn sum_of_ucf(&self, real: &ImagePath) -> Option<String> {
        self.database.sums_of_ucf().remove(real.as_bytes())
    }

    /// Returns the packages that every system has (`deb-control(5)`, "Essential").
    pub(crate) fn essential(&self) -> &BTreeSet<String> {
        self.essential.get_or_init(|| {
            let packages = self.packages.iter();
            let essential = packages
                .filter(|(_, package)| field(&package.paragraph, "Essential") == Some("yes"));
            essential.map(|(name, _)| name.clone()).collect()
        })
    }

    /// Returns the packages that list a path of the source without links.
    pub(crate) fn owners(&self, real: &[u8]) -> impl Iterator<Item = &str> {
        let lines = self.database.spellings(real);
        let finders: Vec<Finder<'static>> = lines
            .iter()
            .map(|line| Finder::new(&[b"\n", &line[..], b"\n"].concat()).into_owned())
            .collect();
        // Few have something in one directory; but to know them takes reading all lists once.
        let all = || self.packages.keys().map(|name| &**name).collect::<Vec<_>>();
        let near = self.directories.get().map(|directories| {
            let owners = directories.get(parent(real)).into_iter().flatten();
            owners.map(|name| &**name).collect()
        });
        let names = near.unwrap_or_else(all).into_iter();
        let packages = names.filter_map(|name| self.packages.get_key_value(name));
        let owners = packages.filter(move |(_, package)| {
            package.lists.iter().any(|(listed, text)| {
                finders.iter().zip(&lines).any(|(finder, line)| {
                    finder.find(text).is_some() && *self.database.listed(listed, line) == *real
                })
            })
        });
        owners.map(|(name, _)| &**name)
    }

    /// Returns the package that lists a path of the source without links.
    pub(crate) fn owner(&self, real: &[u8]) -> Option<&str> {
        self.owners(real).next()
    }

    /// Tells whether one of some packages lists a path of the source without links.
    pub(crate) fn is_of(&self, real: &[u8], packages: &BTreeSet<&str>) -> bool {
        let owners = self.directories().get(parent(real)).into_iter().flatten();
        let mut known = owners.filter(|owner| packages.contains(&***owner));
        known.any(|owner| self.has(owner, real))
    }

    /// Tells whether any package lists a path of the source without links, by the same name.
    pub(crate) fn is_owned(&self, real: &[u8]) -> bool {
        // Hundreds of packages have modules in one directory, and few of them one of this name.
        let finder = Finder::new(&real[parent(real).len()..]);
        let owners = self.directories().get(parent(real)).into_iter().flatten();
        let mut named = owners.filter(|owner| {
            let lists = &self.packages[&***owner].lists;
            lists.iter().any(|(_, text)| finder.find(text).is_some())
        });
        named.any(|owner| self.has(owner, real))
    }

    fn has(&self, package: &str, real: &[u8]) -> bool {
        self.packages[package]
            .lists
            .iter()
            .any(|(name, text)| lines(text).any(|line| *self.database.listed(name, line) == *real))
    }

    /// Tells whether a package lists a file of the source.
    pub(crate) fn lists(&self, package: &str, real: &[u8]) -> bool {
        let owners = self.directories().get(parent(real));
        owners.is_some_and(|owners| owners.iter().any(|owner| **owner == *package))
            && self.has(package, real)
    }

    /// Tells whether every system has a file of the source: an essential package lists it, or one
    /// that such a package depends on.
    pub(crate) fn is_base(&self, real: &[u8]) -> bool {
        self.essential().iter().any(|name| {
            self.lists(name, real) || self.depends(name).iter().any(|name| self.lists(name, real))
        })
    }

    /// Returns the installed packages that a package depends on itself, each alternative of them.
    pub(crate) fn depends(&self, package: &str) -> BTreeSet<&str> {
        let depends = self.relations(package).map(|relations| &*relations.depends);
        self.installed(depends.unwrap_or_default())
    }

    /// Returns the installed packages that a package recommends, each alternative of them.
    pub(crate) fn recommends(&self, package: &str) -> BTreeSet<&str> {
        let recommends = self.relations(package).map(|relations| &*relations.recommends);
        self.installed(recommends.unwrap_or_default())
    }

    /// Returns the packages that have these names, or provide them.
    fn installed(&self, names: &[String]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for name in names {
            let own = self.packages.get_key_value(name).map(|(name, _)| name);
            found.extend(own.into_iter().chain(self.provided(name)).map(|name| &**name));
        }
        found
    }

    /// Returns the installed packages that a package depends on or recommends by their own names,
    /// each alternative of them.
    pub(crate) fn named(&self, package: &str) -> impl Iterator<Item = &str> {
        let relations = self.relations(package).into_iter();
        let names =
            relations.flat_map(|relations| relations.depends.iter().chain(&relations.recommends));
        names.filter_map(|name| Some(&**self.packages.get_key_value(name)?.0))
    }

    /// Tells whether a package has nothing of its own, and is there for what it depends on (`gnupg`):
    /// its list names documentation and what is above it.
    pub(crate) fn is_empty(&self, package: &str) -> bool {
        let is_below = |path: &[u8], place: &[u8]| {
            path.strip_prefix(place)
                .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
        };
        let is_documentation = |line: &[u8]| {
            DOCUMENTATION.iter().any(|place| is_below(line, place) || is_below(place, line))
        };
        self.texts(package).all(|(_, text)| lines(text).all(is_documentation))
    }

    /// Tells whether a package is for those who compile programs: it has headers or objects.
    pub(crate) fn is_development(&self, package: &str) -> bool {
        let marks = [&b"\n/usr/include/"[..], b".o\n"];
        let has = |text| marks.iter().any(|mark| memmem::find(text, mark).is_some());
        self.texts(package).any(|(_, text)| has(text))
    }

    /// Returns a package and all that it needs, without `ends` and what they alone need.
    pub(crate) fn closure<'p>(&'p self, package: &'p str, ends: &[&str]) -> BTreeSet<&'p str> {
        let mut found = BTreeSet::new();
        let mut pending = vec![package];
        while let Some(name) = pending.pop() {
            if (name == package || !ends.contains(&name)) && found.insert(name) {
                pending.extend(self.depends(name));
            }
        }
        found
    }

    /// Returns the source package of a package.
    pub(crate) fn source(&self, package: &str) -> &str {
        self.relations(package).map_or("", |relations| &relations.source)
    }

    /// Tells whether a package can be there for several architectures, as libraries can.
    pub(crate) fn is_library(&self, package: &str) -> bool {
        self.relations(package).is_some_and(|relations| relations.is_library)
    }

    /// Tells whether every system has a package.
    pub(crate) fn is_essential(&self, package: &str) -> bool {
        self.essential().contains(package)
    }

    /// Tells whether a package may hold programs or libraries that are linked to others: it is not for
    /// all architectures.
    pub(crate) fn is_compiled(&self, package: &str) -> bool {
        self.relations(package).is_some_and(|relations| relations.is_compiled)
    }

    /// Tells whether a package is for those who build programs, by what its distribution says.
    pub(crate) fn is_for_development(&self, package: &str) -> bool {
        self.section(package) == Some("devel")
    }

    /// Returns what a package is for, as its distribution says (Debian Policy, 2.4): `net`, `science`.
    pub(crate) fn section(&self, package: &str) -> Option<&str> {
        self.relations(package)?.section.as_deref()
    }

    /// Tells whether any package lists a path with this last name.
    pub(crate) fn lists_name(&self, name: &[u8]) -> bool {
        let finder = Finder::new(&[b"/", name, b"\n"].concat()).into_owned();
        let mut lists = self.packages.values().flat_map(|package| &package.lists);
        lists.any(|(_, text)| finder.find(text).is_some())
    }

    /// Returns the lists of a package, each with its name.
    fn texts(&self, package: &str) -> impl Iterator<Item = (&str, &[u8])> {
        let lists = self.packages.get(package).map(|package| &*package.lists);
        lists.unwrap_or_default().iter().map(|(name, text)| (&**name, &**text))
    }

    /// Returns where the source has what a package lists, each once.
    pub(crate) fn paths(&self, package: &str) -> BTreeSet<Cow<'_, [u8]>> {
        self.listed(package).collect()
    }

    /// Returns the same as paths that an image can hold, in the order of the lists.
    pub(crate) fn image_paths(&self, package: &str) -> impl Iterator<Item = ImagePath> {
        self.listed(package).filter_map(|path| ImagePath::parse(&path).ok())
    }

    /// Returns the libraries that a package lists where loaders look, by each of their names.
    pub(crate) fn libraries(&self, package: &str) -> impl Iterator<Item = ImagePath> {
        let libraries = self.listed(package).filter(|path| is_library(path));
        libraries.filter_map(|path| ImagePath::parse(&path).ok())
    }

    fn listed(&self, package: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
        let texts = self.texts(package);
        texts.flat_map(|(name, text)| lines(text).map(|line| self.database.listed(name, line)))
    }

    /// Tells whether all packages that have something in a directory are among `own`; nothing if it
    /// is no directory of packages.
    pub(crate) fn is_directory_of(&self, path: &[u8], own: &BTreeSet<&str>) -> Option<bool> {
        let owners = self.directories().get(path)?;
        Some(owners.iter().all(|owner| own.contains(&**owner)))
    }

    /// Returns the scripts by which a package was set up (`deb-postinst(5)`).
    pub(crate) fn setup(&self, package: &str) -> impl Iterator<Item = Vec<u8>> {
        self.texts(package).filter_map(|(listed, _)| self.database.setup(listed))
    }
}

/// Returns the paths of a list; `/.` is the root.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| line.len() > 2)
}

fn parent(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    &path[..end]
}

/// Tells whether a path is that of a library in the directory of all programs, or in that of those of
/// one architecture: `/usr/lib/x86_64-linux-gnu/libx.so.1`.
fn is_library(path: &[u8]) -> bool {
    let name = &path[parent(path).len()..];
    path.starts_with(b"/usr/lib/")
        && path.iter().filter(|byte| **byte == b'/').count() <= 4
        && memmem::find(name, b".so").is_some()
}

fn without_architecture(listed: &str) -> &str {
    listed.split(':').next().unwrap_or_default()
}

/// Returns the name in a dependency, `libc6:any (>= 2.36)`.
fn bare(dependency: &str) -> String {
    let dependency = dependency.trim();
    dependency.split([' ', '(', ':', '[']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    const STATUS: &str = "Package: app\nDepends: app-data (= 1), lib:any | other, runtime\nRecommends: more, absent\n\n\
                          Package: app-data\nSource: app (1.0)\n\n\
                          Package: lib\nArchitecture: amd64\nPre-Depends: deep\n\n\
                          Package: vm\nProvides: runtime (= 3), more\n\n\
                          Package: deep\n";

    #[test]
    fn packages_say_what_they_hold_and_need() {
        let machine = Memory::new()
            .link("/lib", "usr/lib")
            .link("/bin", "usr/bin")
            .file("/var/lib/dpkg/status", STATUS)
            .file("/var/lib/dpkg/info/app.list", "/.\n/usr\n/usr/bin\n/usr/bin/app\n")
            .file("/var/lib/dpkg/info/app-data.list", "/.\n/lib\n/lib/app\n/lib/app/x\n")
            .file("/var/lib/dpkg/info/lib:amd64.list", "/usr/lib/app\n/usr/lib/app/y\n")
            .file("/var/lib/dpkg/info/vm.list", "/bin\n/bin/vm\n")
            .file("/var/lib/dpkg/info/deep.list", "/usr/bin/deep\n");
        let root = HostPath::new(b"/");
        let packages = Packages::read(&machine, &root);
        assert_eq!(packages.owner(b"/usr/lib/app/x"), Some("app-data"));
        assert_eq!(packages.owner(b"/usr/lib/app/y"), Some("lib"));
        assert_eq!(packages.owner(b"/usr/bin/vm"), Some("vm"));
        assert_eq!(packages.owner(b"/usr/bin/other"), None);
        assert!(packages.is_owned(b"/usr/lib/app/y") && !packages.is_owned(b"/usr/lib/app/z"));
        let few = BTreeSet::from(["app-data"]);
        assert!(packages.is_of(b"/usr/lib/app/x", &few));
        assert!(!packages.is_of(b"/usr/lib/app/y", &few));
        let direct: Vec<&str> = packages.depends("app").into_iter().collect();
        assert_eq!(direct, ["app-data", "lib", "vm"]);
        assert_eq!(packages.recommends("app").into_iter().collect::<Vec<_>>(), ["vm"]);
        let closure: Vec<&str> = packages.closure("app", &["vm"]).into_iter().collect();
        assert_eq!(closure, ["app", "app-data", "deep", "lib"]);
        assert_eq!(packages.source("app-data"), "app");
        let both = BTreeSet::from(["app-data", "lib"]);
        assert_eq!(packages.is_directory_of(b"/usr/lib/app", &both), Some(true));
        let one = BTreeSet::from(["lib"]);
        assert_eq!(packages.is_directory_of(b"/usr/lib/app", &one), Some(false));
        assert_eq!(packages.is_directory_of(b"/usr/lib/app/y", &one), None);
    }

    #[test]
    fn owners_list_a_path_before_the_merge_or_before_it_was_diverted() {
        let machine = Memory::new()
            .link("/bin", "usr/bin")
            .file("/var/lib/dpkg/diversions", "/bin/sh\n/bin/sh.distrib\nother\n")
            .file("/var/lib/dpkg/info/dash.list", "/bin\n/bin/dash\n/bin/sh\n")
            .file("/var/lib/dpkg/info/other.list", "/usr/bin\n/usr/bin/sh\n");
        let root = HostPath::new(b"/");
        let packages = Packages::read(&machine, &root);
        let owners = |path: &[u8]| packages.owners(path).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(owners(b"/usr/bin/dash"), ["dash"]);
        assert_eq!(owners(b"/usr/bin/sh"), ["other"]);
        assert_eq!(owners(b"/usr/bin/sh.distrib"), ["dash"]);
        // The link of the merge is no path that a walk ends at.
        assert_eq!(owners(b"/usr/bin"), ["other"]);
    }

    #[test]
    fn a_diversion_into_another_directory_hides_no_other_file() {
        let machine = Memory::new()
            .file("/var/lib/dpkg/diversions", "/usr/lib/gl/a\n/usr/lib/mesa/a\ndriver\n")
            .file("/var/lib/dpkg/info/gl.list", "/usr/lib/gl/a\n/usr/lib/gl/b\n");
        let root = HostPath::new(b"/");
        let packages = Packages::read(&machine, &root);
        for path in ["/usr/lib/mesa/a", "/usr/lib/gl/b"] {
            assert!(packages.is_owned(path.as_bytes()), "{path}");
        }
        assert!(!packages.is_owned(b"/usr/lib/gl/a"));
    }
}
