//! What the Debian packages of a source hold, and which others each of them depends on.
//!
//! Read from dpkg's own files, once, as [`owner`](crate::owner) does, which finds the owners of single
//! files. A source without dpkg has no packages.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use memchr::memmem::Finder;

use crate::host::{Host, HostPath};
use crate::inventory::is_empty;
use crate::owner::{Database, field, read};

/// The installed packages of a source.
pub(crate) struct Packages<'a> {
    database: Database<'a>,
    /// By name, without the architecture.
    packages: BTreeMap<String, Package>,
    /// Directories that packages have something in, with those that do.
    directories: HashMap<Box<[u8]>, Vec<Box<str>>>,
    /// Names that packages provide, with those that do.
    provided: BTreeMap<String, Vec<String>>,
}

#[derive(Default)]
struct Package {
    /// The list of its files, for each architecture: its name, and the text.
    lists: Vec<(String, Vec<u8>)>,
    /// What it depends on, with every alternative.
    depends: Vec<String>,
    /// What it usually has, with every alternative.
    recommends: Vec<String>,
    /// The source package that it was built from.
    source: String,
    /// Whether it can be there for several architectures: a library (`Multi-Arch: same`).
    is_library: bool,
    /// Whether every system has it (`Essential: yes`).
    is_essential: bool,
    /// Whether it is for one architecture.
    is_compiled: bool,
}

impl<'a> Packages<'a> {
    /// Reads what there is below `root`.
    pub(crate) fn read(host: &'a dyn Host, root: &'a HostPath) -> Self {
        let mut packages = Self {
            database: Database::open(host, root),
            packages: BTreeMap::new(),
            directories: HashMap::new(),
            provided: BTreeMap::new(),
        };
        let directory = root.join(b"/var/lib/dpkg/info");
        for list in host.read_dir(&directory).unwrap_or_default() {
            let Some(name) = list.strip_suffix(b".list") else { continue };
            let Some(text) = read(host, &directory.join(&list)) else { continue };
            packages.add_list(String::from_utf8_lossy(name).into_owned(), text);
        }
        if !packages.packages.is_empty() {
            for (name, paragraph) in packages.database.paragraphs() {
                // Those with an architecture are the same once more.
                if !name.contains(':') {
                    packages.add_paragraph(&name, &paragraph);
                }
            }
        }
        packages
    }

    fn add_list(&mut self, listed: String, text: Vec<u8>) {
        let name = without_architecture(&listed);
        let mut last: &[u8] = b"";
        for line in lines(&text) {
            let parent = parent(line);
            if parent != last {
                last = parent;
                // The top of a path is a link since the merge of `/usr`: `/bin`.
                let line = self.database.listed(&listed, line);
                let parent = self::parent(&line);
                let owners = match self.directories.get_mut(parent) {
                    Some(owners) => owners,
                    None => self.directories.entry(parent.into()).or_default(),
                };
                if owners.last().is_none_or(|last| **last != *name) {
                    owners.push(name.into());
                }
            }
        }
        self.packages.entry(name.to_owned()).or_default().lists.push((listed, text));
    }

    fn add_paragraph(&mut self, name: &str, paragraph: &str) {
        let Some(package) = self.packages.get_mut(name) else { return };
        for which in ["Pre-Depends", "Depends"] {
            let listed = field(paragraph, which).unwrap_or_default();
            package.depends.extend(listed.split([',', '|']).map(bare));
        }
        let listed = field(paragraph, "Recommends").unwrap_or_default();
        package.recommends.extend(listed.split([',', '|']).map(bare));
        package.source = bare(field(paragraph, "Source").unwrap_or(name));
        package.is_library = field(paragraph, "Multi-Arch") == Some("same");
        package.is_compiled = field(paragraph, "Architecture") != Some("all");
        package.is_essential = field(paragraph, "Essential") == Some("yes");
        let provides = field(paragraph, "Provides").unwrap_or_default();
        for provided in provides.split(',').map(bare).filter(|name| !name.is_empty()) {
            self.provided.entry(provided).or_default().push(name.to_owned());
        }
    }

    /// Returns the package that lists a file of the source, by its path without links.
    pub(crate) fn owner(&self, real: &[u8]) -> Option<&str> {
        let owners = self.directories.get(parent(real))?;
        owners.iter().map(|owner| &**owner).find(|owner| self.has(owner, real))
    }

    /// Tells whether one of some packages lists a path of the source without links.
    pub(crate) fn is_of(&self, real: &[u8], packages: &BTreeSet<&str>) -> bool {
        let owners = self.directories.get(parent(real)).into_iter().flatten();
        let mut known = owners.filter(|owner| packages.contains(&***owner));
        known.any(|owner| self.has(owner, real))
    }

    /// Tells whether any package lists a path of the source without links, by the same name.
    pub(crate) fn is_owned(&self, real: &[u8]) -> bool {
        // Hundreds of packages have modules in one directory, and few of them one of this name.
        let finder = Finder::new(&real[parent(real).len()..]);
        let owners = self.directories.get(parent(real)).into_iter().flatten();
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
        let owners = self.directories.get(parent(real));
        owners.is_some_and(|owners| owners.iter().any(|owner| **owner == *package))
            && self.packages.get(package).is_some_and(|package| {
                let mut lists = package.lists.iter();
                lists.any(|(name, text)| {
                    lines(text).any(|line| *self.database.listed(name, line) == *real)
                })
            })
    }

    /// Tells whether every system has a file of the source: an essential package lists it, or one
    /// that such a package depends on.
    pub(crate) fn is_base(&self, real: &[u8]) -> bool {
        let essential = self.packages.iter().filter(|(_, package)| package.is_essential);
        essential.into_iter().any(|(name, _)| {
            self.lists(name, real) || self.depends(name).iter().any(|name| self.lists(name, real))
        })
    }

    /// Returns the installed packages that a package depends on itself, each alternative of them.
    pub(crate) fn depends(&self, package: &str) -> BTreeSet<&str> {
        let depends = self.packages.get(package).map(|package| &*package.depends);
        self.installed(depends.unwrap_or_default())
    }

    /// Returns the installed packages that a package recommends, each alternative of them.
    pub(crate) fn recommends(&self, package: &str) -> BTreeSet<&str> {
        let recommends = self.packages.get(package).map(|package| &*package.recommends);
        self.installed(recommends.unwrap_or_default())
    }

    /// Returns the packages that have these names, or provide them.
    fn installed(&self, names: &[String]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for name in names {
            let own = self.packages.get_key_value(name).map(|(name, _)| name);
            let provided = self.provided.get(name).into_iter().flatten();
            found.extend(own.into_iter().chain(provided).map(|name| &**name));
        }
        found
    }

    /// Tells whether a package has nothing of its own, and is there for what it depends on.
    pub(crate) fn is_empty(&self, package: &str) -> bool {
        let lists = self.packages.get(package).map(|package| &*package.lists);
        lists.unwrap_or_default().iter().all(|(_, text)| is_empty(text))
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
        self.packages.get(package).map_or("", |package| &package.source)
    }

    /// Tells whether a package can be there for several architectures, as libraries can.
    pub(crate) fn is_library(&self, package: &str) -> bool {
        self.packages.get(package).is_some_and(|package| package.is_library)
    }

    /// Tells whether every system has a package.
    pub(crate) fn is_essential(&self, package: &str) -> bool {
        self.packages.get(package).is_some_and(|package| package.is_essential)
    }

    /// Tells whether a package may hold programs or libraries that are linked to others: it is not for
    /// all architectures.
    pub(crate) fn is_compiled(&self, package: &str) -> bool {
        self.packages.get(package).is_some_and(|package| package.is_compiled)
    }

    /// Returns where the source has what a package lists, each once.
    pub(crate) fn paths(&self, package: &str) -> BTreeSet<Cow<'_, [u8]>> {
        let lists = self.packages.get(package).map(|package| &*package.lists);
        let lists = lists.unwrap_or_default().iter();
        lists
            .flat_map(|(name, text)| lines(text).map(|line| self.database.listed(name, line)))
            .collect()
    }

    /// Tells whether all packages that have something in a directory are among `own`; nothing if it
    /// is no directory of packages.
    pub(crate) fn is_directory_of(&self, path: &[u8], own: &BTreeSet<&str>) -> Option<bool> {
        let owners = self.directories.get(path)?;
        Some(owners.iter().all(|owner| own.contains(&**owner)))
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
}
