//! Programs that a program starts, and the user that it wants to be: words in its constants that are
//! names of what the sources have.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{ElfKind, Mention};

use super::accounts::{Accounts, Missing};
use super::data::{is_data, is_shared};
use super::parcels::Parcels;
use super::scene::{Object, Scene, digest};
use super::words::Words;
use crate::error::{Name, ResolveError};
use crate::glob::names;
use crate::host::FileType;
use crate::loader::Elf;
use crate::packages::Packages;
use crate::parcel::Parcel;
use crate::programs::{PROGRAMS, is_program};
use crate::root::Roots;
use crate::script;

/// Functions that start the program that they are given (`exec(3)`, `posix_spawn(3)`), and what wraps
/// them.
pub(super) const SPAWNERS: &[&str] = &[
    "execl",
    "execle",
    "execlp",
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "posix_spawn",
    "posix_spawnp",
    "g_spawn_async",
    "g_spawn_async_with_pipes",
    "g_spawn_command_line_async",
    "g_spawn_command_line_sync",
    "g_spawn_sync",
    "popen",
    "system",
];

/// Those that look for it in `PATH`.
const SEARCHERS: &[&str] = &[
    "execlp",
    "execvp",
    "execvpe",
    "g_spawn_async",
    "g_spawn_async_with_pipes",
    "g_spawn_sync",
    "posix_spawnp",
];

/// Functions that give a line to the shell.
const SHELL_CALLERS: &[&str] = &["popen", "system"];

/// The shell that they start (`system(3)`).
const SHELL: &str = "/bin/sh";

/// Functions that look up who is named.
const USER_LOOKUPS: &[&str] = &["getgrnam", "getgrnam_r", "getpwnam", "getpwnam_r"];

/// Longest word that is looked at, in bytes.
pub(super) const MAX_WORD_BYTES: usize = 128;

/// Most programs that one object is said to start: who names more has a list of them.
const MAX_HELPERS: usize = 24;

/// Programs of the packages that every system has which others start, and which are seldom words by
/// chance: shells, archivers, compressors, and what copies and compares files.
pub(super) const COMMON: &[&str] = &[
    "bash", "bzip2", "cat", "cmp", "cp", "diff", "grep", "gunzip", "gzip", "mv", "rm", "sed", "sh",
    "tar", "zcat",
];

/// Most programs of other packages that one object is said to start.
const MAX_FOREIGN: usize = 8;

/// Returns what the programs of a scene start or want to be, and the image has not.
pub(super) fn judge(
    scene: &Scene<'_>,
    start: Option<&ImagePath>,
    parcels: &Parcels<'_>,
) -> Vec<ResolveError> {
    let mut found: BTreeMap<(bool, Vec<Name>), ResolveError> = BTreeMap::new();
    for run in scene.runs.iter().filter(|run| run.is_start()) {
        let Some(program) = scene.program(run) else { continue };
        let facts = program.facts();
        // Texts of Go and Rust have no end that can be seen, and their libraries can start anything.
        if facts.kind != ElfKind::Dynamic || facts.go || facts.mentions.contains(&Mention::Rust) {
            continue;
        }
        // What helps is not asked what helps it, unless it is a part of the same.
        let of_script = parcels.of_script(scene, start, &program);
        let of_script = of_script.as_ref().map(|(packages, parcel)| (*packages, parcel));
        let Some((packages, own_parcel)) = parcels.get(&program).or(of_script) else { continue };
        let setup = packages.setup_of_users(own_parcel);
        let objects = scene.objects(run);
        let own: Vec<&Object<'_>> = objects
            .iter()
            .filter(|object| {
                object.path == program.path || own_parcel.paths.contains(object.source)
            })
            .collect();
        let by_library = own.iter().any(|object| object.facts().imports_any(USER_LOOKUPS));
        let spawns = own.iter().any(|object| object.facts().imports_any(SPAWNERS));
        let by_shell = own.iter().any(|object| object.facts().imports_any(SHELL_CALLERS));
        let names =
            if spawns { known(scene, &program, packages, own_parcel) } else { BTreeMap::new() };
        let accounts = Accounts::read(scene);
        let base = if by_shell || spawns { base(packages) } else { BTreeMap::new() };
        let mut words = Words { names, base, by_shell, ..Words::default() };
        words.users.extend(accounts.users.keys().cloned());
        for object in &own {
            words.read(scene, object);
            if object.path == program.path && facts.imports_any(SEARCHERS) {
                words.own = words.whole.clone();
            }
        }
        if facts.imports_any(SEARCHERS) {
            words.configured = configured(scene, own_parcel, &words.names);
            words.own.extend(words.configured.iter().cloned());
            words.own.extend(quoted(scene, own_parcel, &words.names));
        }
        let (node, by) = (run.node, program.path.clone());
        let (mut missing, mut left_out) = words.programs(scene, &program);
        if spawns {
            missing.extend(words.scripts(scene, own_parcel));
        }
        let by_shell = by_shell || plugin_calls_shell(scene, own_parcel);
        if by_shell && has_program(scene, SHELL) && !missing.contains(SHELL) {
            left_out.insert(SHELL.to_owned());
        }
        for (paths, is_missing) in [(missing, true), (left_out, false)] {
            let add: Vec<Name> =
                paths.iter().map(|path| Name::new(format!("binary \"{path}\""))).collect();
            if !add.is_empty() && add.len() <= MAX_HELPERS {
                let by = by.clone();
                let names = paths.iter().map(Name::new).collect();
                found.entry((is_missing, add.clone())).or_insert(if is_missing {
                    ResolveError::HelpersAreMissing { node, by, names, add }
                } else {
                    ResolveError::HelpersAreLeftOut { node, by, names, add }
                });
            }
        }
        if facts.imports_any(USER_LOOKUPS) || by_library {
            let missing = accounts.missing(scene, &words.whole, &setup);
            if !missing.names.is_empty() {
                let Missing { names, lines: add } = missing;
                found.entry((true, add.clone())).or_insert(ResolveError::UserIsMissing {
                    node,
                    by,
                    names,
                    add,
                });
            }
        }
    }
    found.into_values().collect()
}

/// Returns the programs that a program may start by their names, and whether they are of its own
/// parcel.
fn known(
    scene: &Scene<'_>,
    program: &Object<'_>,
    packages: &Packages<'_>,
    parcel: &Parcel,
) -> BTreeMap<Vec<u8>, (ImagePath, bool)> {
    let mut known = BTreeMap::new();
    let roots = scene.surroundings.roots;
    let is_common = |path: &ImagePath| {
        let name = path.file_name().unwrap_or_default();
        COMMON.iter().any(|common| common.as_bytes() == name)
    };
    let essential = packages.essential().iter().flat_map(|package| packages.image_paths(package));
    let others = parcel.dependencies.iter().flat_map(|package| packages.image_paths(package));
    let foreign: BTreeSet<ImagePath> =
        essential.filter(is_common).chain(others).filter(is_program).collect();
    let is_collection = packages.is_collection(parcel);
    for directory in PROGRAMS {
        let Ok(directory) = ImagePath::parse(directory.trim_end_matches('/').as_bytes()) else {
            continue;
        };
        for name in names(roots, &directory) {
            // The first directory of `PATH` wins.
            if let (false, Ok(path)) = (known.contains_key(&name), directory.join(&name)) {
                let is_own = !is_collection && parcel.paths.contains(&path);
                let is_foreign = || foreign.contains(&path) && is_elf(scene, &path);
                if is_own || is_foreign() {
                    known.insert(name, (path, is_own));
                }
            }
        }
    }
    known.remove(program.source.file_name().unwrap_or_default());
    known
}

/// Returns the programs that every system has, by their names.
fn base(packages: &Packages<'_>) -> BTreeMap<Vec<u8>, ImagePath> {
    let paths = packages.essential().iter().flat_map(|package| packages.image_paths(package));
    let programs = paths.filter(is_program);
    programs.filter_map(|path| Some((path.file_name()?.to_vec(), path))).collect()
}

/// Most bytes of a configuration that is read for names of programs, and most files of them.
const MAX_CONFIGURATION_BYTES: u64 = 16 << 10;
const MAX_CONFIGURATIONS: usize = 600;

/// Returns the programs of a parcel that a file of its data gives to a key, `postpro grops`, if the
/// image has that file.
fn configured(
    scene: &Scene<'_>,
    parcel: &Parcel,
    names: &BTreeMap<Vec<u8>, (ImagePath, bool)>,
) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for text in texts(scene, parcel, MAX_CONFIGURATION_BYTES) {
        for line in text.split(|byte| *byte == b'\n') {
            let mut words =
                line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(3);
            let (Some(key), Some(value), None) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let is_key = key.iter().all(u8::is_ascii_alphabetic);
            if is_key && names.get(value).is_some_and(|(_, is_own)| *is_own) {
                found.insert(value.to_vec());
            }
        }
    }
    found
}

/// Most bytes of a text of modules that is read for names of programs.
const MAX_MODULE_BYTES: u64 = 256 << 10;

/// Returns the programs of the packages that a parcel depends on which a text of its data quotes,
/// `"gs"`, if the image has that text: modules of an interpreter of its own start them.
fn quoted(
    scene: &Scene<'_>,
    parcel: &Parcel,
    names: &BTreeMap<Vec<u8>, (ImagePath, bool)>,
) -> BTreeSet<Vec<u8>> {
    let is_foreign = |name: &[u8]| {
        let is_common = COMMON.iter().any(|common| common.as_bytes() == name);
        !is_common && names.get(name).is_some_and(|(_, is_own)| !is_own)
    };
    let mut found = BTreeSet::new();
    for text in texts(scene, parcel, MAX_MODULE_BYTES) {
        // Between two quotation marks that follow each other stands a text, or what is between texts.
        for word in text.split(|byte| *byte == b'"').filter(|word| word.len() <= MAX_WORD_BYTES) {
            if is_foreign(word) {
                found.insert(word.to_vec());
            }
        }
    }
    found
}

/// Returns the small texts among the data of a parcel that the image has.
fn texts<'s>(
    scene: &'s Scene<'_>,
    parcel: &'s Parcel,
    limit: u64,
) -> impl Iterator<Item = Vec<u8>> + use<'s> {
    let is_data = |path: &&ImagePath| is_data(path.as_bytes()) && !is_shared(path.as_bytes());
    let is_small = move |path: &&ImagePath| {
        scene.image.walk(path.as_bytes(), &ImagePath::root()).is_ok_and(|walk| {
            walk.stat.file_type == FileType::Regular
                && walk.stat.size <= limit
                && walk.stat.mode & 0o111 == 0
        })
    };
    let files = parcel.paths.iter().filter(is_data).filter(is_small).take(MAX_CONFIGURATIONS);
    let texts = files.filter_map(|path| scene.configuration(&path.to_string()));
    texts.filter(|text| !text.contains(&0))
}

/// Tells whether a plug-in that came with a program's packages, and is in the image, gives lines to the
/// shell.
fn plugin_calls_shell(scene: &Scene<'_>, parcel: &Parcel) -> bool {
    let own = scene.entries.keys().filter(|path| parcel.paths.contains(path));
    own.filter_map(|path| scene.evidence.get(&digest(scene.entries, path)?))
        .any(|evidence| evidence.facts.imports_any(SHELL_CALLERS))
}

/// Tells whether a program of the sources is none that an interpreter runs, which would bring a whole
/// language along.
pub(super) fn is_elf(scene: &Scene<'_>, path: &ImagePath) -> bool {
    let roots = scene.surroundings.roots;
    let Ok(walk) = roots.walk(path.as_bytes(), &ImagePath::root()) else { return false };
    roots.read_start(&walk, script::START_BYTES).is_ok_and(|start| Elf::is_elf(&start))
}

pub(super) fn has_program(scene: &Scene<'_>, path: &str) -> bool {
    let roots = scene.surroundings.roots;
    let walk = roots.walk(path.as_bytes(), &ImagePath::root()).ok();
    let is_program = walk.is_some_and(|walk| {
        walk.stat.file_type == FileType::Regular && walk.stat.mode & 0o001 != 0
    });
    is_program && ImagePath::parse(path.as_bytes()).is_ok_and(|path| !scene.has(&path))
}

impl Words {
    /// Returns the programs that are of the parcel and named as such, and others.
    fn programs(
        &self,
        scene: &Scene<'_>,
        program: &Object<'_>,
    ) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut missing, mut left_out) = (BTreeSet::new(), BTreeSet::new());
        let mut foreign = BTreeSet::new();
        let roots = scene.surroundings.roots;
        let own = roots.walk(program.source.as_bytes(), &ImagePath::root()).ok();
        // Who names the shell gives lines to it, by whatever function.
        let by_shell = self.by_shell || self.paths.contains(SHELL.as_bytes());
        let is_own = |word: &&Vec<u8>| self.names.get(*word).is_some_and(|(_, is_own)| *is_own);
        // A line for the shell can be put together from a program of its own and the rest.
        let whole = self.whole.iter().filter(is_own).filter(|word| !self.own.contains(*word));
        let first = self.first.iter().chain(whole).filter(|_| by_shell);
        for word in self.own.iter().chain(first) {
            let base = self.base.get(word).filter(|_| self.by_shell).map(|path| (path, false));
            let named = self.names.get(word).map(|(path, is_own)| (path, *is_own));
            let Some((path, is_own)) = named.or(base) else { continue };
            let walk = roots.walk(path.as_bytes(), &ImagePath::root()).ok();
            // One program of many names asks for its own.
            let is_self = own.as_ref().map(|own| own.stat.id) == walk.map(|walk| walk.stat.id);
            let path = path.to_string();
            if is_self || !has_program(scene, &path) {
                continue;
            }
            let list = match (is_own, self.own.contains(word)) {
                (true, true) => &mut missing,
                (true, false) => &mut left_out,
                (false, _) => &mut foreign,
            };
            list.insert(path);
        }
        for path in &self.paths {
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            let path = String::from_utf8_lossy(path).into_owned();
            let is_base =
                || self.base.get(name).is_some_and(|base| base.to_string().ends_with(&path));
            if (self.names.contains_key(name) || is_base())
                && has_program(scene, &path)
                && !missing.contains(&path)
            {
                foreign.insert(path);
            }
        }
        // One alone may be a word by chance, or one of its help.
        let is_certain = |path: &String| {
            let name = path.rsplit('/').next().unwrap_or_default();
            COMMON.contains(&name) || self.configured.contains(name.as_bytes())
        };
        if missing.len() == 1 && !missing.iter().any(is_certain) {
            left_out.append(&mut missing);
        }
        // Who names many of them has words that are names of programs by chance.
        if foreign.len() <= MAX_FOREIGN {
            left_out.extend(foreign);
        }
        (missing, left_out)
    }

    /// Returns the scripts of a parcel that are started by a path which is put together, and whose
    /// interpreter the image has not: what has brought them is a tree of data.
    fn scripts(&self, scene: &Scene<'_>, parcel: &Parcel) -> BTreeSet<String> {
        let is_named = |path: &&ImagePath| {
            !is_program(path) && self.ends.iter().any(|end| path.as_bytes().ends_with(end))
        };
        let found = parcel.paths.iter().filter(is_named).filter(|path| is_unready(scene, path));
        found.map(ToString::to_string).collect()
    }
}

/// Tells whether the sources have a script at a path that the image could not start.
fn is_unready(scene: &Scene<'_>, path: &ImagePath) -> bool {
    let roots = scene.surroundings.roots;
    let Ok(walk) = roots.walk(path.as_bytes(), &ImagePath::root()) else { return false };
    if walk.stat.file_type != FileType::Regular || walk.stat.mode & 0o001 == 0 {
        return false;
    }
    let Ok(start) = roots.read_start(&walk, script::START_BYTES) else { return false };
    script::interpreter(&start).is_some_and(|(interpreter, _)| {
        let has = |roots: &Roots| roots.walk(interpreter, &ImagePath::root()).is_ok();
        has(roots) && !(has(scene.image) && scene.has(path))
    })
}
