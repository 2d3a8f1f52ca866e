//! Records of rpm, in the form that images without rpm have: a text with a line for each package
//! (CBL-Mariner's distroless images have it; Syft and Trivy read it).

mod header;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;

use super::{Asking, shipped};
use crate::contents::is_same;
use crate::draft::{DraftContent, Drafts};
use crate::error::Unread;
use crate::host::{FileType, HostPath};
use crate::root::{Root, Roots, Walk};
use header::{File, Header, Tag};
use sqlite::{Database, Value};

/// Where rpm keeps its records, the newest place and form first.
pub(super) const DATABASES: [(&str, Form); 6] = [
    ("/usr/lib/sysimage/rpm/rpmdb.sqlite", Form::Sqlite),
    ("/var/lib/rpm/rpmdb.sqlite", Form::Sqlite),
    ("/usr/lib/sysimage/rpm/Packages.db", Form::Other("an ndb")),
    ("/var/lib/rpm/Packages.db", Form::Other("an ndb")),
    ("/usr/lib/sysimage/rpm/Packages", Form::Other("a Berkeley DB")),
    ("/var/lib/rpm/Packages", Form::Other("a Berkeley DB")),
];

/// What a database is (`rpm --eval %_db_backend`).
#[derive(Clone, Copy)]
pub(super) enum Form {
    Sqlite,
    Other(&'static str),
}

/// What stands behind the name of a database in that of a log whose changes belong to it
/// (<https://sqlite.org/fileformat2.html>, 3 and 4). An empty one has none.
const LOGS: [&str; 2] = ["-journal", "-wal"];

/// Where the text stands. Scanners look at this path alone.
const MANIFEST: &str = "/var/lib/rpmmanifest/container-manifest-2";

/// What rpm prints for what a package does not say.
const NONE: &str = "(none)";

/// The packages of the image's files, a line each.
#[derive(Default)]
pub(super) struct Manifest(BTreeSet<String>);

impl Manifest {
    /// Adds those of a root. Returns whether the root has any packages, or the database that is
    /// not read and why.
    pub(super) fn read(
        &mut self,
        root: &Root,
        drafts: &Drafts,
    ) -> Result<bool, (&'static str, Unread)> {
        // Links of the root lead to files of the root.
        let tree = Roots::new(vec![root.clone()]);
        for (path, form) in DATABASES {
            let Ok(walk) = tree.walk(path.as_bytes(), &ImagePath::root()) else { continue };
            if walk.stat.file_type != FileType::Regular {
                continue;
            }
            let found = match form {
                Form::Sqlite => self.read_sqlite(&walk, &Shipped::new(root, &tree, drafts)),
                Form::Other(form) => Err(Unread::Form(form)),
            };
            if found.map_err(|why| (path, why))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_sqlite(&mut self, walk: &Walk, shipped: &Shipped<'_>) -> Result<bool, Unread> {
        for log in LOGS {
            let path = [walk.real.as_bytes(), log.as_bytes()].concat();
            let log_walk = shipped.tree.walk(&path, &ImagePath::root());
            if log_walk.is_ok_and(|walk| walk.stat.size > 0) {
                return Err(Unread::Log(log));
            }
        }
        let file = shipped.tree.open(walk).map_err(Unread::Refused)?;
        let mut found = false;
        let mut lines = BTreeSet::new();
        Database::open(&*file)?.rows("Packages", &mut |row| {
            let Value::Bytes(blob) = row.column(1)? else {
                return Err(Unread::Damaged("a package has no header"));
            };
            let package = Header::parse(blob)?;
            found = true;
            if shipped.has_file_of(&package)? {
                lines.insert(line(&package)?);
            }
            Ok(())
        })?;
        if !is_same(&file.stat().map_err(Unread::Refused)?, &file.opened()) {
            return Err(Unread::Changing);
        }
        self.0.append(&mut lines);
        Ok(found)
    }

    /// Writes the text, if there is anything to say.
    pub(super) fn write(self, asking: &Asking<'_>, drafts: &mut Drafts) {
        if let Ok(path) = ImagePath::parse(MANIFEST.as_bytes())
            && !self.0.is_empty()
        {
            // A tab is less than all that names have in them, so the lines are sorted by them.
            let text: String = self.0.into_iter().collect();
            asking.put(&path, DraftContent::Text(text.into_bytes().into()), drafts);
        }
    }
}

/// The files of the image that come from a root.
struct Shipped<'a> {
    root: &'a Root,
    tree: &'a Roots,
    files: BTreeMap<HostPath, Vec<ImagePath>>,
    /// The last parts of their paths.
    names: BTreeSet<Vec<u8>>,
}

impl<'a> Shipped<'a> {
    fn new(root: &'a Root, tree: &'a Roots, drafts: &Drafts) -> Self {
        let files = shipped(root, drafts);
        let name = |file: &HostPath| {
            file.as_bytes().rsplit(|byte| *byte == b'/').next().map(<[u8]>::to_vec)
        };
        let names = files.keys().filter_map(name).collect();
        Self { root, tree, files, names }
    }

    /// Tells whether a file of a package is there. Packages name files as they were before the
    /// merge of `/usr`, or through other links to directories.
    fn has_file_of(&self, package: &Header<'_>) -> Result<bool, Unread> {
        package.has_file(|file| self.names.contains(file.name) && self.has(file))
    }

    fn has(&self, file: File<'_>) -> bool {
        let directory = self.tree.walk(file.directory, &ImagePath::root()).ok();
        let path = directory.and_then(|walk| walk.real.join(file.name).ok());
        path.is_some_and(|path| self.files.contains_key(&self.root.host_path(&path)))
    }
}

/// Returns what `rpm -qa` prints of a package with the format
/// `%{NAME}\t%{VERSION}-%{RELEASE}\t%{INSTALLTIME}\t%{BUILDTIME}\t%{VENDOR}\t%{EPOCH}\t%{SIZE}\t%{ARCH}\t%{EPOCHNUM}\t%{SOURCERPM}\n`
/// (CBL-Mariner's `toolkit/docs/how_it_works/5_misc.md`), with three differences.
///
/// - The time of the installation depends on the machine, and no scanner looks at it: that of the
///   build stands in its place.
/// - The epoch is told as `EPOCHNUM` alone, which Trivy reads. If `EPOCH` is one too, Syft up to 1.51.0
///   takes the size for it (anchore/syft#5201), and no version is ever newer than such a one.
/// - Trivy drops the whole text if the source package of one line has not the form that it expects: a
///   package without one has the name that its own would have.
fn line(package: &Header<'_>) -> Result<String, Unread> {
    const UNNAMED: Unread =
        Unread::Damaged("a package has no name, or a version with a hyphen in it");
    let text = |tag| Ok(package.text(tag)?.filter(|text| !text.is_empty()).map(plain));
    let number = |tag| Ok(package.number(tag)?.map(|number| number.to_string()));
    let name = text(Tag::NAME)?.ok_or(UNNAMED)?;
    // A hyphen stands in neither (`build/parsePreamble.c`), and scanners split at it.
    let part = |tag| text(tag)?.filter(|text| !text.contains('-')).ok_or(UNNAMED);
    let version = format!("{}-{}", part(Tag::VERSION)?, part(Tag::RELEASE)?);
    let source = match text(Tag::SOURCERPM)? {
        Some(source) if is_file_name(&source) => source,
        Some(_) | None => format!("{name}-{version}.src.rpm"),
    };
    let size = match number(Tag::SIZE)? {
        Some(size) => Some(size),
        None => number(Tag::LONGSIZE)?,
    };
    let built = number(Tag::BUILDTIME)?;
    let epoch = number(Tag::EPOCH)?.unwrap_or_else(|| "0".to_owned());
    let or_none = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    let fields = [
        name,
        version,
        or_none(built.clone()),
        or_none(built),
        or_none(text(Tag::VENDOR)?),
        or_none(None),
        or_none(size),
        or_none(text(Tag::ARCH)?),
        epoch,
        source,
    ];
    Ok(format!("{}\n", fields.join("\t")))
}

/// Returns a text on one line and in one field.
fn plain(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Tells whether a text is `NAME-VERSION-RELEASE.ARCHITECTURE.rpm`.
fn is_file_name(text: &str) -> bool {
    let text = text.strip_suffix(".rpm").unwrap_or(text);
    text.rsplit_once('.').is_some_and(|(text, _)| text.matches('-').count() >= 2)
}
