//! Records of dpkg, in the form that images without dpkg have: a file for each package in
//! `status.d`, with what its archive says about it, and beside it the sums of its files (distroless'
//! `PACKAGE_METADATA.md`; Syft and Trivy read it).

use std::collections::BTreeMap;

use imgc_planner::recipe::ImagePath;

use super::{Asking, base, shipped};
use crate::draft::{DraftContent, Drafts};
use crate::host::HostPath;
use crate::owner::Database;
use crate::root::Root;

pub(super) const STATUS: &str = "/var/lib/dpkg/status";
const RECORDS: &str = "/var/lib/dpkg/status.d";

/// Fields that dpkg adds to what stands in an archive (`deb-control(5)` and dpkg's `lib/dpkg/parse.c`).
const ADDED: [&str; 5] =
    ["Status", "Conffiles", "Config-Version", "Triggers-Pending", "Triggers-Awaited"];

/// Adds the records of a root's packages; returns whether it has any.
pub(super) fn add(asking: &Asking<'_>, root: &Root, drafts: &mut Drafts) -> bool {
    let base = base(root);
    let database = Database::open(&**root.host(), &base);
    let paragraphs = database.paragraphs();
    if paragraphs.is_empty() {
        return false;
    }
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (package, files) in packages(asking, root, &database, drafts) {
        let Some(paragraph) = paragraphs.get(&package) else { continue };
        // Scanners take the file's name for the package's: it has no architecture, unless the image
        // has files of the package for two.
        let name = package.split(':').next().unwrap_or_default().to_owned();
        let name = if names.contains_key(&name) { package.clone() } else { name };
        put(asking, &name, control(paragraph), drafts);
        put(asking, &format!("{name}.md5sums"), sums(&database, &package, &files), drafts);
        names.insert(name, package);
    }
    true
}

/// Returns the packages of the image's files, each with its files and where they stand in the image.
/// The terms of each package come along, which may be files of another one.
fn packages(
    asking: &Asking<'_>,
    root: &Root,
    database: &Database<'_>,
    drafts: &mut Drafts,
) -> BTreeMap<String, Vec<(HostPath, ImagePath)>> {
    let mut known: BTreeMap<String, Vec<(HostPath, ImagePath)>> = BTreeMap::new();
    loop {
        let shipped = shipped(root, drafts);
        let mut packages: BTreeMap<String, Vec<(HostPath, ImagePath)>> = BTreeMap::new();
        for (file, package) in database.packages(shipped.keys()) {
            let places = shipped.get(&file).into_iter().flatten();
            let files = places.map(|place| (file.clone(), place.clone()));
            packages.entry(package).or_default().extend(files);
        }
        let is_complete = packages.keys().all(|package| known.contains_key(package));
        for package in packages.keys().filter(|package| !known.contains_key(*package)) {
            let name = package.split(':').next().unwrap_or_default();
            if let Some(walk) = asking.find(format!("/usr/share/doc/{name}/copyright").as_bytes()) {
                asking.supply(&walk, drafts);
            }
        }
        known = packages;
        if is_complete {
            return known;
        }
    }
}

fn put(asking: &Asking<'_>, name: &str, text: String, drafts: &mut Drafts) {
    if let Ok(path) = ImagePath::parse(format!("{RECORDS}/{name}").as_bytes()) {
        asking.put(&path, DraftContent::Text(text.into_bytes().into()), drafts);
    }
}

/// Returns a paragraph as the package's archive has it.
fn control(paragraph: &str) -> String {
    let mut text = String::new();
    let mut is_kept = true;
    for line in paragraph.lines().filter(|line| !line.is_empty()) {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default();
            is_kept = !ADDED.iter().any(|added| added.eq_ignore_ascii_case(name));
        }
        if is_kept {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Returns the sums that a package gives to those of its files that the image has, by their paths
/// there. A file of the configuration has none.
fn sums(database: &Database<'_>, package: &str, files: &[(HostPath, ImagePath)]) -> String {
    let sums = database.sums(package);
    let mut lines: BTreeMap<&ImagePath, &String> = BTreeMap::new();
    for (file, place) in files {
        if let Some(sum) = database.path(file).and_then(|path| sums.get(&path)) {
            lines.insert(place, sum);
        }
    }
    let line = |(place, sum): (&ImagePath, &String)| {
        let place = String::from_utf8_lossy(place.as_bytes()).into_owned();
        format!("{sum}  {}\n", place.trim_start_matches('/'))
    };
    lines.into_iter().map(line).collect()
}
