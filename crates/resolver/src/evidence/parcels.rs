//! What comes with the packages of the programs of a scene: data and configuration that no constant
//! names whole.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{ElfKind, Mention, NodeId};
use memchr::memmem::Finder;

use super::candidates::opens_libraries;
use super::data::{READABLE, is_at, is_behind_closed, is_public, is_shared, is_triplet, line};
use super::file_names::FileNames;
use super::plugins::text;
use super::scene::{Object, Scene};
use super::services::starts;
use super::state;
use crate::error::{Name, ResolveError};
use crate::glob::{glob, names};
use crate::host::FileType;
use crate::launch::Run;
use crate::packages::{Installed, Packages};
use crate::parcel::Parcel;

/// Most lines that one parcel is worth: what is spread over more places is no part of a program.
const MAX_LINES: usize = 40;

/// Most files of a place that are compared with the image.
const MAX_FILES: usize = 200;

/// How many names below `/` a place has at most that is taken whole: `/usr/share/a/b/c`.
const MAX_DEPTH: usize = 6;

/// Where what packages bring is theirs.
const HOMES: &[&str] = &["/usr/share/", "/usr/lib/", "/usr/libexec/", "/etc/"];

/// What packages put into the homes of others, for people, for who builds programs, or for the
/// services of a whole machine.
const FOREIGN: &[&str] = &[
    "/etc/apache2/conf-available",
    "/etc/apparmor",
    "/etc/apt",
    "/etc/bash_completion",
    "/etc/cron",
    "/etc/crontab",
    "/etc/emacs",
    "/etc/insserv",
    "/etc/kernel",
    "/etc/logcheck",
    "/etc/logrotate.d",
    "/etc/modprobe",
    "/etc/modules",
    "/etc/rsyslog.d",
    "/etc/ufw",
    "/etc/update-motd",
    "/etc/xdg/autostart",
    "/usr/lib/cmake",
    "/usr/lib/modules",
    "/usr/lib/modprobe",
    "/usr/lib/mime",
    "/usr/lib/pkgconfig",
    "/usr/lib/python",
    "/usr/lib/ruby",
    "/usr/lib/sysctl",
    "/usr/lib/sysusers",
    "/usr/share/GConf",
    "/usr/share/aclocal",
    "/usr/share/appdata",
    "/usr/share/apport",
    "/usr/share/apps",
    "/usr/share/cmake",
    "/usr/share/debconf",
    "/usr/share/debhelper",
    "/usr/share/doc-base",
    "/usr/share/emacs",
    "/usr/share/emacsen",
    "/usr/share/examples",
    "/usr/share/fish",
    "/usr/share/gir-1.0",
    "/usr/share/gtk-doc",
    "/usr/share/help",
    "/usr/share/initramfs-tools",
    "/usr/share/lintian",
    "/usr/share/menu",
    "/usr/share/metainfo",
    "/usr/share/perl",
    "/usr/share/python",
    "/usr/share/reportbug",
    "/usr/share/ufw",
    "/usr/share/vim",
    "/usr/share/wayland-sessions",
    "/usr/share/xsessions",
    "/usr/share/zsh",
];

/// The parcels of the programs of a scene, by where the sources have these.
pub(super) struct Parcels<'a> {
    installed: &'a Installed<'a>,
    parcels: BTreeMap<ImagePath, (&'a Packages<'a>, Parcel)>,
}

impl<'a> Parcels<'a> {
    /// Looks up the packages of what the image runs, if that is a program which uses more than its
    /// libraries; of an image that runs nothing, those of all programs. What a program starts is there
    /// for one purpose of it, and is seldom used in full.
    pub(super) fn of(
        scene: &Scene<'_>,
        start: Option<&ImagePath>,
        installed: &'a Installed<'a>,
    ) -> Self {
        let mut found = Self { installed, parcels: BTreeMap::new() };
        for run in scene.runs.iter().filter(|run| run.is_start()) {
            let Some(program) = scene.program(run) else { continue };
            let is_start = start.is_none_or(|start| *start == program.path);
            if !is_start
                || found.parcels.contains_key(program.source)
                || !uses_more(scene, &program)
            {
                continue;
            }
            if let Some(parcel) = found.find(scene, &program) {
                found.parcels.insert(program.source.clone(), parcel);
            }
        }
        found
    }

    /// Returns all of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a Packages<'a>, &Parcel)> {
        self.parcels.values().map(|(packages, parcel)| (*packages, parcel))
    }

    /// Returns what comes with a program, or with that of which it is a part.
    pub(super) fn get(&self, program: &Object<'_>) -> Option<(&'a Packages<'a>, &Parcel)> {
        let own = self.parcels.get(program.source);
        let (packages, parcel) = own.or_else(|| {
            self.parcels.values().find(|(_, parcel)| parcel.paths.contains(program.source))
        })?;
        Some((*packages, parcel))
    }

    /// Looks up the packages of a program if the image runs a script of these, which starts it.
    pub(super) fn of_script(
        &self,
        scene: &Scene<'_>,
        start: Option<&ImagePath>,
        program: &Object<'_>,
    ) -> Option<(&'a Packages<'a>, Parcel)> {
        let start = start.filter(|_| self.parcels.is_empty())?;
        let (packages, real) = self.installed.around(scene.surroundings.roots, start.as_bytes())?;
        let parcel = packages.parcel(&real)?;
        parcel.paths.contains(program.source).then_some((packages, parcel))
    }

    /// Looks up the packages of a program that the image need not run.
    pub(super) fn find(
        &self,
        scene: &Scene<'_>,
        program: &Object<'_>,
    ) -> Option<(&'a Packages<'a>, Parcel)> {
        let path = program.source.as_bytes();
        let (packages, _) = self.installed.around(scene.surroundings.roots, path)?;
        Some((packages, packages.parcel(program.source)?))
    }

    /// Returns the packages of the source of a file, and the one that it is from.
    pub(super) fn owner(
        &self,
        scene: &Scene<'_>,
        path: &ImagePath,
    ) -> Option<(&'a Packages<'a>, &'a str)> {
        self.installed.owner(scene.surroundings.roots, path)
    }

    /// Tells whether everybody can have what is in a file, though not every user of the source may read
    /// it.
    pub(super) fn is_published(&self, scene: &Scene<'_>, path: &ImagePath) -> bool {
        let around = self.installed.around(scene.surroundings.roots, path.as_bytes());
        around.is_some_and(|(packages, real)| is_published(scene, packages, &real))
    }

    /// Returns what is said of the programs whose packages bring what the image has not, and of which
    /// nothing is said yet.
    pub(super) fn judge(&self, scene: &Scene<'_>, said: &[ResolveError]) -> Vec<ResolveError> {
        let (data, plugins) = missing(said);
        let is_among = |told: &[ImagePath], tree: &ImagePath| {
            told.iter().any(|path| path.starts_with(tree) || tree.starts_with(path))
        };
        let mut remarks: BTreeMap<Vec<Name>, ResolveError> = BTreeMap::new();
        for run in scene.runs.iter().filter(|run| run.is_start()) {
            let Some(program) = scene.program(run) else { continue };
            let Some((packages, parcel)) = self.get(&program) else { continue };
            if packages.is_collection(parcel) {
                continue;
            }
            let (node, by) = (run.node, program.path.clone());
            let starts = starts(scene, parcel, &program);
            let lines = places(scene, packages, parcel);
            let named = named(scene, run, parcel, &lines);
            let (configuration, other): (Vec<Name>, Vec<Name>) =
                lines.into_iter().partition(|line| {
                    let path = path_of(line);
                    if tree_of(line).is_some_and(|tree| says_nothing(scene, &tree)) {
                        return false;
                    }
                    let is_given = || starts.iter().any(|start| has(start.as_bytes(), path));
                    let is_named = || named.contains(last_name(line));
                    path.starts_with(b"/etc/")
                        && if starts.is_empty() {
                            is_named_so(line, &program) && is_named()
                        } else {
                            is_given() || is_named()
                        }
                });
            let (plugins, other): (Vec<Name>, Vec<Name>) = other.into_iter().partition(|line| {
                let is_told = || tree_of(line).is_some_and(|tree| is_among(&plugins, &tree));
                !is_told() && has_plugins(scene, run, parcel, line)
            });
            let mut ends = ends(scene, run, parcel);
            ends.extend(named.into_iter().filter(|name| has_version(name)));
            let file_names = FileNames::read(scene, &program, parcel);
            let (data, other): (Vec<Name>, Vec<Name>) = other.into_iter().partition(|line| {
                // Who has a part of it has what was meant.
                tree_of(line).is_some_and(|tree| {
                    let is_named = || !is_among(&data, &tree) && file_names.tell_of(&tree);
                    !scene.has(&tree) && (ends.contains(last_name(line)) || is_named())
                })
            });
            if !data.is_empty() {
                let (by, add) = (by.clone(), data);
                remarks.entry(add.clone()).or_insert(ResolveError::DataIsMissing { node, by, add });
            }
            if !plugins.is_empty() {
                let (by, add) = (by.clone(), plugins);
                remarks.entry(add.clone()).or_insert(plugins_are_missing(node, by, add));
            }
            for (add, is_missing) in [(configuration, true), (other, false)] {
                if add.is_empty() {
                    continue;
                }
                let by = by.clone();
                remarks.entry(add.clone()).or_insert(if is_missing {
                    ResolveError::ConfigurationIsMissing { node, by, add }
                } else {
                    ResolveError::PackageIsLeftOut { node, by, add }
                });
            }
            let add = state::lines(scene, run, parcel);
            if !add.is_empty() {
                remarks.entry(add.clone()).or_insert(ResolveError::StateIsLeftOut {
                    node,
                    by,
                    add,
                });
            }
        }
        remarks.into_values().collect()
    }
}

/// Returns the warning for plug-ins of a program's packages.
pub(super) fn plugins_are_missing(node: NodeId, by: ImagePath, add: Vec<Name>) -> ResolveError {
    let family = "the plug-ins of its package";
    let without = "what they are for cannot be done";
    ResolveError::PluginsAreMissing { node, by, family, without, add }
}

/// Returns the places of data and those of plug-ins that are said to be missing.
fn missing(said: &[ResolveError]) -> (Vec<ImagePath>, Vec<ImagePath>) {
    let path = |line: &Name| ImagePath::parse(path_of(line)).ok();
    let (mut data, mut plugins) = (Vec::new(), Vec::new());
    for error in said {
        match error {
            ResolveError::DataIsMissing { add, .. } => data.extend(add.iter().filter_map(path)),
            ResolveError::PluginsAreMissing { add, .. } => {
                plugins.extend(add.iter().filter_map(path));
            }
            _ => {}
        }
    }
    (data, plugins)
}

/// Tells whether a line adds the configuration that bears the name of a program: `/etc/NAME.conf`.
fn is_named_so(line: &Name, program: &Object<'_>) -> bool {
    let name = program.source.file_name().unwrap_or_default();
    path_of(line) == [b"/etc/", name, b".conf"].concat()
}

/// Tells whether a file of the sources has what its packages brought.
fn is_published(scene: &Scene<'_>, packages: &Packages<'_>, real: &ImagePath) -> bool {
    let text = text(scene.surroundings.roots, &real.to_string());
    text.is_some_and(|text| packages.is_pristine(real, &text))
}

/// Returns a program with the libraries of its packages.
fn own_objects<'s>(scene: &Scene<'s>, run: &'s Run, parcel: &Parcel) -> Vec<Object<'s>> {
    let is_own =
        |object: &Object<'_>| object.path == run.place || parcel.paths.contains(object.source);
    scene.objects(run).into_iter().filter(is_own).collect()
}

/// How the names of libraries begin that are for who is linked, and no plug-ins; among them those of LLVM
/// that linkers and compilers open (`LLVMgold.so`).
const FOR_LINKERS: &[&[u8]] = &[b"lib", b"LLVM"];

/// Libraries that open some of their own, and none for who needs them.
const OPEN_THEIR_OWN: &[&[u8]] = &[b"libcrypto.so", b"libpam.so"];

/// What a directory of libraries is called that a program opens by the names it finds there.
const OF_PLUGINS: &[&[u8]] = &[b"plugins", b"plug-ins", b"modules", b"extensions"];

/// Tells whether a line adds a directory with libraries that nothing needs by their names, and of which
/// the image has none.
fn has_plugins(scene: &Scene<'_>, run: &Run, parcel: &Parcel, line: &Name) -> bool {
    let Some(directory) = tree_of(line) else { return false };
    let below = parcel.paths.range(directory.clone()..);
    let below = below.take_while(|path| path.starts_with(&directory));
    let is_plugin = |path: &&ImagePath| {
        let name = path.file_name().unwrap_or_default();
        name.ends_with(b".so") && !FOR_LINKERS.iter().any(|start| name.starts_with(start))
    };
    let plugins: Vec<&ImagePath> = below.filter(is_plugin).collect();
    !plugins.is_empty()
        && !plugins.iter().any(|path| scene.has(path))
        && opens_any(scene, run, parcel)
        || has_named_plugins(scene, run, parcel, &directory)
}

/// Tells whether a program, or one of the libraries that it needs itself, opens others at all; of what is
/// not dynamic that cannot be seen.
fn opens_any(scene: &Scene<'_>, run: &Run, parcel: &Parcel) -> bool {
    let objects = scene.objects(run);
    let Some(program) = objects.first() else { return false };
    let needed = &program.facts().needed;
    let is_near = |object: &&Object<'_>| {
        let soname = object.facts().soname.as_deref();
        object.path == run.place
            || parcel.paths.contains(object.source)
            || soname.is_some_and(|soname| {
                let is_for_itself = OPEN_THEIR_OWN.iter().any(|start| soname.starts_with(start));
                !is_for_itself && needed.iter().any(|needed| **needed == *soname)
            })
    };
    program.facts().kind != ElfKind::Dynamic
        || objects.iter().filter(is_near).any(|object| opens_libraries(object.facts()))
}

/// Tells whether a directory has one of plug-ins below it that the program, or a library of its packages,
/// names as such: other packages put theirs there too, also with names as those of libraries.
fn has_named_plugins(scene: &Scene<'_>, run: &Run, parcel: &Parcel, directory: &ImagePath) -> bool {
    let roots = scene.surroundings.roots;
    let places = OF_PLUGINS.iter().filter_map(|name| directory.join(name).ok());
    places.filter(|place| !scene.has(place)).any(|place| {
        let has = |pattern: &str| !glob(roots, format!("{place}/{pattern}").as_bytes()).is_empty();
        let line = Name::new(format!("tree \"{place}\""));
        (has("*.so") || has("*/*.so")) && !named(scene, run, parcel, &[line]).is_empty()
    })
}

/// Returns the directory that a line adds; nothing if it adds something else.
pub(super) fn tree_of(line: &Name) -> Option<ImagePath> {
    let path = line.as_bytes().strip_prefix(b"tree \"")?.strip_suffix(b"\"")?;
    ImagePath::parse(path).ok()
}

/// Returns the path of a line that adds something.
fn path_of(line: &Name) -> &[u8] {
    line.as_bytes().split(|byte| *byte == b'"').nth(1).unwrap_or_default()
}

/// Returns the last name of that.
fn last_name(line: &Name) -> &[u8] {
    path_of(line).rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Tells whether no file in a directory of the sources, or in those that lie in it, says more than comments
/// do.
fn says_nothing(scene: &Scene<'_>, directory: &ImagePath) -> bool {
    let roots = scene.surroundings.roots;
    let is_said = |line: &[u8]| {
        let line = line.trim_ascii();
        !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b";")
    };
    let says = |path: &ImagePath| {
        let walk = roots.walk(path.as_bytes(), &ImagePath::root());
        let is_file = walk.is_ok_and(|walk| walk.stat.file_type != FileType::Directory);
        let lines = |text: Vec<u8>| text.split(|byte| *byte == b'\n').any(is_said);
        is_file && text(roots, &path.to_string()).is_none_or(lines)
    };
    let has =
        |pattern: &str| glob(roots, format!("{directory}/{pattern}").as_bytes()).iter().any(says);
    !has("*") && !has("*/*")
}

/// Returns the names that a program, and the libraries of its packages, put behind a directory which
/// they find out at run time: `%s/app-data`.
fn ends(scene: &Scene<'_>, run: &Run, parcel: &Parcel) -> BTreeSet<Vec<u8>> {
    let finder = Finder::new(b"\0%s/");
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let mut found = BTreeSet::new();
    for object in own_objects(scene, run, parcel) {
        scene.look(&object, |chunk| {
            for at in finder.find_iter(chunk) {
                let rest = &chunk[at + finder.needle().len()..];
                let end = rest.iter().position(|byte| !is_of_name(byte)).unwrap_or(rest.len());
                let is_end = rest.get(end).is_some_and(|byte| matches!(byte, 0 | b'/'));
                if is_end && end > 0 {
                    found.insert(rest[..end].to_vec());
                }
            }
        });
    }
    found
}

/// Returns the last names of the paths that lines add which stand in the constants of a program, or of the
/// libraries of its packages.
fn named(scene: &Scene<'_>, run: &Run, parcel: &Parcel, lines: &[Name]) -> BTreeSet<Vec<u8>> {
    let names: BTreeSet<&[u8]> = lines.iter().map(last_name).collect();
    let finders: Vec<(&[u8], Finder<'_>)> =
        names.iter().map(|name| (*name, Finder::new(name))).collect();
    let mut found = BTreeSet::new();
    for object in own_objects(scene, run, parcel).iter().filter(|_| !finders.is_empty()) {
        scene.look(object, |chunk| {
            for (name, finder) in &finders {
                let is_whole = |at: usize| {
                    let before = at.checked_sub(1).map(|before| chunk[before]);
                    let after = chunk.get(at + name.len()).copied();
                    [before, after].iter().all(|byte| matches!(byte, Some(0 | b'/')))
                };
                if !found.contains(*name) && finder.find_iter(chunk).any(is_whole) {
                    found.insert(name.to_vec());
                }
            }
        });
    }
    found
}

/// Tells whether a name has a version in it: `app-1.2` is no word by chance.
fn has_version(name: &[u8]) -> bool {
    name.windows(3)
        .any(|part| part[0].is_ascii_digit() && part[1] == b'.' && part[2].is_ascii_digit())
}

fn has(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// Tells whether a program may open more than it was told to. One of Go or Rust brings its libraries
/// with it, and says so by what it names.
fn uses_more(scene: &Scene<'_>, program: &Object<'_>) -> bool {
    let facts = program.facts();
    let is_whole = facts.go || facts.mentions.contains(&Mention::Rust);
    let roots = scene.surroundings.roots;
    let paths = program.evidence.paths.iter().chain(&program.evidence.state);
    let mut known = paths.filter(|path| roots.walk(path, &ImagePath::root()).is_ok());
    !is_whole || known.next().is_some()
}

/// Returns the lines that add what a parcel brings: whole directories that are its own, and files in
/// directories of others.
pub(super) fn places(scene: &Scene<'_>, packages: &Packages<'_>, parcel: &Parcel) -> Vec<Name> {
    let homes: BTreeSet<ImagePath> =
        parcel.paths.iter().filter_map(|path| ancestor(path, home_depth(path)?)).collect();
    let mut lines = Vec::new();
    let mut pending: Vec<ImagePath> = homes.into_iter().rev().collect();
    while let Some(place) = pending.pop() {
        let roots = scene.surroundings.roots;
        let Ok(walk) = roots.walk(place.as_bytes(), &ImagePath::root()) else { continue };
        let is_configuration = place.as_bytes().starts_with(b"/etc/");
        match walk.stat.file_type {
            FileType::Directory => {
                let below: Vec<&ImagePath> = parcel
                    .paths
                    .range(place.clone()..)
                    .take_while(|path| path.starts_with(&place))
                    .filter(|path| **path != place)
                    .collect();
                // What others put into a directory that bears the name of the package is for it.
                let is_home = !is_configuration && is_named_after(&place, parcel);
                let is_own = (is_home || !packages.is_shared(&place, parcel))
                    && (!is_configuration || is_public(roots, &place));
                if is_own {
                    let is_absent = |path: &&&ImagePath| {
                        !scene.has(path) && roots.walk(path.as_bytes(), &ImagePath::root()).is_ok()
                    };
                    if scene.is_placed(&place) {
                        continue;
                    }
                    if below.is_empty() && !scene.has(&place)
                        || below.iter().take(MAX_FILES).any(|path| is_absent(&path))
                    {
                        lines.push(Name::new(format!("tree \"{place}\"")));
                    }
                } else if depth(&place) < MAX_DEPTH && !packages.is_shared(&place, parcel) {
                    // All but what is secret.
                    let names = names(roots, &place);
                    pending.extend(names.iter().rev().filter_map(|name| place.join(name).ok()));
                } else if depth(&place) < MAX_DEPTH {
                    let next: BTreeSet<ImagePath> = below
                        .into_iter()
                        .filter(|path| !is_foreign(path))
                        .filter_map(|path| ancestor(path, depth(&place) + 1))
                        .collect();
                    pending.extend(next.into_iter().rev());
                }
            }
            FileType::Regular if !scene.has(&place) => {
                let is_readable = walk.stat.mode & READABLE != 0;
                let name = place.as_bytes();
                let is_library = name.windows(3).any(|part| part == b".so")
                    || [&b".a"[..], b".la", b".h"].iter().any(|end| name.ends_with(end));
                let is_program = walk.stat.mode & 0o111 != 0;
                let is_public = is_readable && !is_behind_closed(roots, &place)
                    || !is_program && is_published(scene, packages, &walk.real);
                if is_public && !is_library {
                    let node = if is_program { "binary" } else { "file" };
                    lines.push(line(node, &place, is_readable));
                }
            }
            FileType::Regular | FileType::Symlink | FileType::Special => {}
        }
    }
    if lines.len() > MAX_LINES {
        lines.retain(|line| line.as_bytes().starts_with(b"tree "));
    }
    lines.truncate(MAX_LINES);
    lines
}

/// Returns how deep the place lies that a path of a package is a part of; nothing if that is no
/// program's own.
fn home_depth(path: &ImagePath) -> Option<usize> {
    let text = path.as_bytes();
    let home = HOMES.iter().find(|home| text.starts_with(home.as_bytes()))?;
    if is_foreign(path) {
        return None;
    }
    let depth = home.matches('/').count();
    let is_machine = ancestor(path, depth).is_some_and(|place| is_triplet(&place));
    Some(if is_machine { depth + 1 } else { depth })
}

pub(super) fn is_foreign(path: &ImagePath) -> bool {
    let text = path.as_bytes();
    let is_build = |place: &ImagePath| {
        let name = place.file_name().unwrap_or_default();
        [&b"cmake"[..], b"pkgconfig", b"gconv", b"perl", b"perl5", b"perl-base"].contains(&name)
    };
    is_shared(text)
        || FOREIGN.iter().any(|place| is_at(place, text))
        || ancestor(path, 4).is_some_and(|place| is_build(&place))
}

/// Returns how many names a path has.
fn depth(path: &ImagePath) -> usize {
    path.as_bytes().iter().filter(|byte| **byte == b'/').count()
}

/// Returns the beginning of a path, with so many names; nothing if it has fewer.
pub(super) fn ancestor(path: &ImagePath, names: usize) -> Option<ImagePath> {
    let surplus = depth(path).checked_sub(names)?;
    std::iter::successors(Some(path.clone()), ImagePath::parent).nth(surplus)
}

/// Shortest name of a directory by which a package is told, in bytes: `gcc`.
const MIN_NAME_BYTES: usize = 3;

/// Tells whether a package of a parcel has the name of a directory, perhaps with more after it:
/// `swi-prolog-nox` and `/usr/lib/swi-prolog`.
fn is_named_after(place: &ImagePath, parcel: &Parcel) -> bool {
    let name = String::from_utf8_lossy(place.file_name().unwrap_or_default()).into_owned();
    name.len() >= MIN_NAME_BYTES
        && parcel.packages.iter().any(|package| {
            package.strip_prefix(&*name).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(|letter: char| !letter.is_ascii_lowercase())
            })
        })
}
