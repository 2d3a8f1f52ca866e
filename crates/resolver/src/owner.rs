//! Which Debian package a file of a source belongs to.
//!
//! Read from dpkg's own files (`/var/lib/dpkg`), never by running it: `dpkg -S` takes patterns, and
//! does not find a file by the name that it has since `/lib` is a link to `usr/lib`. A source
//! without dpkg owns nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::host::{FileType, Host, HostPath};

/// Largest file of dpkg's that is read, in bytes. The status of a full desktop has 8 MiB.
const MAX_BYTES: u64 = 64 << 20;

/// The directories that the merge of `/usr` made links (usrmerge(5)).
const MERGED: [&str; 7] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/libo32"];

/// Finds the packages of `files`, which are paths of `host`, each below `root`. Files that no
/// package owns are not in the answer; the others have `NAME VERSION`.
#[must_use]
pub fn owners(host: &dyn Host, root: &HostPath, files: &[HostPath]) -> BTreeMap<HostPath, String> {
    let database = Database::open(host, root);
    let mut found = database.packages(files.iter());
    let paragraphs = if found.is_empty() { BTreeMap::new() } else { database.paragraphs() };
    for package in found.values_mut() {
        if let Some(version) = paragraphs.get(package).and_then(|text| field(text, "Version")) {
            *package = format!("{package} {version}");
        }
    }
    found
}

/// What dpkg knows about a root.
pub(crate) struct Database<'a> {
    host: &'a dyn Host,
    root: &'a HostPath,
    /// Those of [`MERGED`] that are links there.
    merged: Vec<&'static str>,
    /// From a path to where it was moved, and who did it.
    diversions: BTreeMap<Vec<u8>, (Vec<u8>, String)>,
}

impl<'a> Database<'a> {
    /// Opens what may be there.
    pub(crate) fn open(host: &'a dyn Host, root: &'a HostPath) -> Self {
        let merged: Vec<&str> = MERGED
            .into_iter()
            .filter(|name| {
                let stat = host.lstat(&root.join(name.as_bytes()));
                stat.is_ok_and(|stat| stat.file_type == FileType::Symlink)
            })
            .collect();
        let diversions = diversions(host, root, &merged);
        Self { host, root, merged, diversions }
    }

    /// Returns the packages that own files below the root, by the files: `NAME`, or
    /// `NAME:ARCHITECTURE` of what can be there for several.
    pub(crate) fn packages<'f>(
        &self,
        files: impl Iterator<Item = &'f HostPath>,
    ) -> BTreeMap<HostPath, String> {
        let wanted: BTreeMap<Vec<u8>, &HostPath> =
            files.filter_map(|file| Some((self.path(file)?, file))).collect();
        let mut found: BTreeMap<HostPath, String> = BTreeMap::new();
        if wanted.is_empty() {
            return found;
        }
        let directory = self.root.join(b"/var/lib/dpkg/info");
        for list in self.host.read_dir(&directory).unwrap_or_default() {
            let Some(package) = list.strip_suffix(b".list") else { continue };
            let Some(text) = read(self.host, &directory.join(&list)) else { continue };
            let package = String::from_utf8_lossy(package).into_owned();
            for line in text.split(|byte| *byte == b'\n') {
                if let Some(file) = wanted.get(&*self.listed(&package, line)) {
                    // The lists come sorted: of several owners, as with `Multi-Arch: same`, the
                    // first.
                    found.entry((*file).clone()).or_insert_with(|| package.clone());
                }
            }
        }
        found
    }

    /// Returns the MD5 sums that a package gives to its files, in hexadecimal digits, by their paths
    /// below the root.
    pub(crate) fn sums(&self, package: &str) -> BTreeMap<Vec<u8>, String> {
        let path = format!("/var/lib/dpkg/info/{package}.md5sums");
        let listed = |path: &[u8]| self.listed(package, &[b"/", path].concat()).into_owned();
        self.sums_in(path.as_bytes(), listed)
    }

    /// Returns the MD5 sums of the configurations that scripts of packages installed by ucf, as they
    /// brought them, likewise (`ucf(1)`, "FILES").
    pub(crate) fn sums_of_ucf(&self) -> BTreeMap<Vec<u8>, String> {
        self.sums_in(b"/var/lib/ucf/hashfile", <[u8]>::to_vec)
    }

    /// Reads lines of `md5sum(1)`: a sum, two signs, a path.
    fn sums_in(
        &self,
        path: &[u8],
        path_of: impl Fn(&[u8]) -> Vec<u8>,
    ) -> BTreeMap<Vec<u8>, String> {
        let text = read(self.host, &self.root.join(path)).unwrap_or_default();
        let sum = |line: &[u8]| {
            let (sum, path) = (line.get(..32)?, line.get(34..)?);
            Some((path_of(path), std::str::from_utf8(sum).ok()?.to_owned()))
        };
        text.split(|byte| *byte == b'\n').filter_map(sum).collect()
    }

    /// Returns the path of a file below the root; nothing if it stands elsewhere.
    pub(crate) fn path(&self, file: &HostPath) -> Option<Vec<u8>> {
        let base = self.root.as_bytes();
        let base = base.strip_suffix(b"/").unwrap_or(base);
        let name = file.as_bytes().strip_prefix(base)?;
        name.starts_with(b"/").then(|| canonical(name, &self.merged).into_owned())
    }

    /// Returns where a file that a package lists stands: dpkg lists a diverted file by the name that
    /// its package gives it.
    pub(crate) fn listed<'l>(&self, package: &str, line: &'l [u8]) -> Cow<'l, [u8]> {
        let name = canonical(line, &self.merged);
        match self.diversions.get(&*name) {
            Some((to, by)) if by != package.split(':').next().unwrap_or_default() => {
                to.clone().into()
            }
            Some(_) | None => name,
        }
    }

    /// Returns the lines by which packages may list a path: what [`listed`](Self::listed) makes this
    /// path of, for some packages or for all.
    pub(crate) fn spellings(&self, path: &[u8]) -> Vec<Vec<u8>> {
        let diverted = self.diversions.iter().filter(|(_, (to, _))| **to == *path);
        let names = diverted.map(|(name, _)| &**name).chain([path]);
        let old = |name: &[u8]| name.strip_prefix(b"/usr").map(<[u8]>::to_vec);
        let is_old = |line: &Vec<u8>| matches!(canonical(line, &self.merged), Cow::Owned(_));
        names.flat_map(|name| [Some(name.to_vec()), old(name).filter(is_old)]).flatten().collect()
    }

    /// Returns the script by which a package was set up, by its name in the lists
    /// (`deb-postinst(5)`).
    pub(crate) fn setup(&self, package: &str) -> Option<Vec<u8>> {
        let path = format!("/var/lib/dpkg/info/{package}.postinst");
        read(self.host, &self.root.join(path.as_bytes()))
    }

    /// Returns what dpkg knows about each installed package (`deb-control(5)`), by its name, and by
    /// name and architecture.
    pub(crate) fn paragraphs(&self) -> BTreeMap<String, String> {
        let text = read(self.host, &self.root.join(b"/var/lib/dpkg/status")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut paragraphs = BTreeMap::new();
        for paragraph in text.split("\n\n") {
            let Some(name) = field(paragraph, "Package") else { continue };
            paragraphs.entry(name.to_owned()).or_insert_with(|| paragraph.to_owned());
            if let Some(architecture) = field(paragraph, "Architecture") {
                paragraphs.insert(format!("{name}:{architecture}"), paragraph.to_owned());
            }
        }
        paragraphs
    }
}

/// Returns a field of a paragraph that stands on one line.
pub(crate) fn field<'p>(paragraph: &'p str, name: &str) -> Option<&'p str> {
    let mut lines = paragraph.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Writes a path as it is after the merge of `/usr`.
fn canonical<'n>(name: &'n [u8], merged: &[&str]) -> Cow<'n, [u8]> {
    // Most are below `/usr`, and in no other directory.
    let is_merged = !name.starts_with(b"/usr/")
        && merged.iter().any(|top| {
            name.strip_prefix(top.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
        });
    if is_merged { [b"/usr", name].concat().into() } else { name.into() }
}

/// Reads where packages' files were moved: from its name to the other one and to who did it
/// (`dpkg-divert(1)`; three lines each).
fn diversions(
    host: &dyn Host,
    root: &HostPath,
    merged: &[&str],
) -> BTreeMap<Vec<u8>, (Vec<u8>, String)> {
    let text = read(host, &root.join(b"/var/lib/dpkg/diversions")).unwrap_or_default();
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let diversion = |lines: &[&[u8]]| {
        let by = String::from_utf8_lossy(lines[2]).into_owned();
        (canonical(lines[0], merged).into_owned(), (canonical(lines[1], merged).into_owned(), by))
    };
    lines.chunks_exact(3).map(diversion).collect()
}

/// Returns a file's bytes; nothing if it cannot be read, in which case nothing is known.
pub(crate) fn read(host: &dyn Host, path: &HostPath) -> Option<Vec<u8>> {
    let stat = host.lstat(path).ok()?;
    if stat.file_type != FileType::Regular || stat.size > MAX_BYTES {
        return None;
    }
    let file = host.open(path).ok()?;
    let mut bytes = vec![0; usize::try_from(stat.size).ok()?];
    let count = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(count);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    const STATUS: &str = "Package: libc6\nArchitecture: amd64\nVersion: 2.36-9\n\n\
                          Package: libc6\nArchitecture: i386\nVersion: 2.36-8\n\n\
                          Package: dash\nArchitecture: amd64\nVersion: 0.5\n";

    fn machine() -> Memory {
        Memory::new()
            .link("/lib", "usr/lib")
            .link("/bin", "usr/bin")
            .directory("/sbin")
            .file("/var/lib/dpkg/status", STATUS)
            .file("/var/lib/dpkg/info/libc6:amd64.list", "/.\n/lib\n/lib/x/libc.so.6\n")
            .file("/var/lib/dpkg/info/libc6:i386.list", "/lib/y/libc.so.6\n")
            .file("/var/lib/dpkg/info/dash.list", "/bin/sh\n/sbin/tool\n/usr/bin/dash\n")
            .file("/var/lib/dpkg/info/other.list", "/usr/bin/sh\n")
            .file("/var/lib/dpkg/info/dash.md5sums", "/usr/bin/not\n")
            .file("/var/lib/dpkg/diversions", "/usr/bin/sh\n/usr/bin/sh.distrib\nother\n")
    }

    fn owner(root: &str, file: &str) -> Option<String> {
        let (root, file) = (HostPath::new(root.as_bytes()), HostPath::new(file.as_bytes()));
        owners(&machine(), &root, std::slice::from_ref(&file)).remove(&file)
    }

    #[test]
    fn a_file_is_found_by_its_name_behind_the_links_of_the_merge() {
        assert_eq!(owner("/", "/usr/lib/x/libc.so.6").as_deref(), Some("libc6:amd64 2.36-9"));
        assert_eq!(owner("/", "/usr/lib/y/libc.so.6").as_deref(), Some("libc6:i386 2.36-8"));
        assert_eq!(owner("/", "/usr/bin/dash").as_deref(), Some("dash 0.5"));
        // `/sbin` is a directory here.
        assert_eq!(owner("/", "/sbin/tool").as_deref(), Some("dash 0.5"));
        assert_eq!(owner("/", "/usr/sbin/tool"), None);
        assert_eq!(owner("/", "/usr/bin/not"), None);
    }

    #[test]
    fn a_diverted_file_belongs_to_who_brought_it() {
        assert_eq!(owner("/", "/usr/bin/sh").as_deref(), Some("other"));
        assert_eq!(owner("/", "/usr/bin/sh.distrib").as_deref(), Some("dash 0.5"));
    }

    #[test]
    fn a_source_without_dpkg_owns_nothing() {
        assert_eq!(owner("/usr", "/usr/bin/dash"), None);
        assert_eq!(owner("/", "/home/me/dash"), None);
    }
}
