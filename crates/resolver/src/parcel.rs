//! What comes with a program: the package that it is from, which others are a part of it, and what
//! they bring.
//!
//! Packages that are built from one source and depend on each other are one thing that was cut up
//! (a program, its data, its common files), and are taken for one here.

use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;
use memchr::memmem;

use crate::packages::Packages;
use crate::programs::is_program;

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

impl Packages<'_> {
    /// Returns what comes with the package that a file is from; nothing if none lists it.
    pub(crate) fn parcel(&self, file: &ImagePath) -> Option<Parcel> {
        let mut parcel = Parcel::default();
        let mut pending = vec![self.owner(file.as_bytes())?];
        let source = self.source(pending[0]);
        while let Some(package) = pending.pop() {
            if !parcel.packages.insert(package.to_owned()) {
                continue;
            }
            let mut needed: Vec<&str> = self.named(package).collect();
            while let Some(dependency) = needed.pop() {
                if self.source(dependency) == source {
                    pending.push(dependency);
                } else if parcel.dependencies.insert(dependency.to_owned())
                    && self.is_empty(dependency)
                {
                    needed.extend(self.named(dependency));
                }
            }
        }
        let packages = parcel.packages.iter();
        parcel.paths = packages.flat_map(|package| self.image_paths(package)).collect();
        Some(parcel)
    }

    /// Tells whether a package outside of a parcel lists a path too.
    pub(crate) fn is_shared(&self, path: &ImagePath, parcel: &Parcel) -> bool {
        self.owners(path.as_bytes()).any(|package| !parcel.packages.contains(package))
    }

    /// Tells whether a path is a place of packages of data that were built from the source of a parcel:
    /// they list it, and not what is above it, and no others do.
    pub(crate) fn is_data_of_source(&self, path: &ImagePath, parcel: &Parcel) -> bool {
        let is_top =
            |path: &ImagePath| path.parent().is_none_or(|above| !self.is_of_source(&above, parcel));
        self.is_of_source(path, parcel) && is_top(path)
    }

    fn is_of_source(&self, path: &ImagePath, parcel: &Parcel) -> bool {
        let source = parcel.packages.first().map(|package| self.source(package));
        let is_part = |package| Some(self.source(package)) == source && !self.is_compiled(package);
        let mut owners = self.owners(path.as_bytes()).peekable();
        owners.peek().is_some() && owners.all(is_part)
    }

    /// Tells whether a parcel's programs have little to do with each other: then they name each other
    /// in their help, and what comes with them is for one of them.
    pub(crate) fn is_collection(&self, parcel: &Parcel) -> bool {
        self.essential().iter().any(|package| parcel.packages.contains(package))
            && parcel.paths.iter().filter(|path| is_program(path)).count() > MAX_PROGRAMS
    }

    /// Returns the packages for those who compile programs: of a parcel, of what it depends on, and of
    /// what such packages depend on in turn.
    pub(crate) fn development<'p>(&'p self, parcel: &'p Parcel) -> BTreeSet<&'p str> {
        let mut found = BTreeSet::new();
        let named = parcel.packages.iter().chain(&parcel.dependencies);
        let mut pending: Vec<&str> = named.map(String::as_str).collect();
        while let Some(package) = pending.pop() {
            if self.is_development(package) && found.insert(package) {
                pending.extend(self.named(package));
            }
        }
        found
    }

    /// Returns the scripts by which a parcel's packages were set up, of those that make the users that
    /// a service runs as.
    pub(crate) fn setup_of_users(&self, parcel: &Parcel) -> Vec<u8> {
        let makes_users = |text: &Vec<u8>| {
            let commands = [&b"adduser"[..], b"useradd", b"sysusers"];
            commands.iter().any(|command| memmem::find(text, command).is_some())
        };
        let scripts = parcel.packages.iter().flat_map(|package| self.setup(package));
        scripts.filter(makes_users).collect::<Vec<_>>().join(&b'\n')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostPath;
    use crate::memory::Memory;

    fn machine() -> Memory {
        let status = "Package: tool\nVersion: 1\nDepends: tool-data (>= 1), libc6, other | none\n\n\
                      Package: tool-data\nSource: tool (1)\nArchitecture: all\nVersion: 1\n\n\
                      Package: other\nVersion: 1\n\n\
                      Package: libc6\nArchitecture: amd64\nVersion: 2\n";
        Memory::new()
            .link("/bin", "usr/bin")
            .file("/var/lib/dpkg/status", status)
            .file("/var/lib/dpkg/info/tool.list", "/.\n/bin\n/bin/tool\n/usr/share\n")
            .file(
                "/var/lib/dpkg/info/tool-data.list",
                "/usr/share\n/usr/share/tool\n/usr/share/tool/x\n",
            )
            .file("/var/lib/dpkg/info/other.list", "/usr/share\n/usr/share/other\n")
            .file("/var/lib/dpkg/info/libc6:amd64.list", "/lib/x/libc.so.6\n")
    }

    fn path(text: &str) -> ImagePath {
        ImagePath::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn packages_of_one_source_that_depend_on_each_other_are_one_parcel() {
        let (machine, root) = (machine(), HostPath::new(b"/"));
        let packages = Packages::read(&machine, &root);
        let parcel = packages.parcel(&path("/usr/bin/tool")).unwrap();
        assert_eq!(parcel.packages, ["tool".into(), "tool-data".into()].into());
        assert_eq!(parcel.dependencies, ["libc6".into(), "other".into()].into());
        assert!(parcel.paths.contains(&path("/usr/share/tool/x")));
        assert!(parcel.paths.contains(&path("/usr/bin/tool")), "behind the link of the merge");
        assert!(packages.parcel(&path("/usr/bin/none")).is_none());
    }

    #[test]
    fn a_directory_of_several_packages_is_shared() {
        let (machine, root) = (machine(), HostPath::new(b"/"));
        let packages = Packages::read(&machine, &root);
        let parcel = packages.parcel(&path("/usr/bin/tool")).unwrap();
        assert!(packages.is_shared(&path("/usr/share"), &parcel));
        assert!(!packages.is_shared(&path("/usr/share/tool"), &parcel));
    }
}
