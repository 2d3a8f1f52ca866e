//! The table of families, applied to the programs of a search.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::Mention;
use imgc_planner::recipe::ImagePath;

use super::data::runs_script;
use super::families::{Condition, FAMILIES, Files, PluginFamily, Trigger};
use super::jars;
use super::parcels::tree_of;
use super::scene::{Object, Scene};
use crate::error::{Name, ResolveError};
use crate::glob::glob;
use crate::launch::Run;
use crate::loader::{Opening, Outcome, Tag};
use crate::pattern::name_matches;
use crate::root::Roots;

/// Most bytes of a configuration that are read.
const MAX_CONFIGURATION_BYTES: usize = 1 << 20;

/// Families that were found to be missing, each once for what adds it.
type Missing = BTreeMap<(usize, Vec<Name>), ResolveError>;

/// Returns what the programs will look for and not find, each family once.
pub(super) fn judge(scene: &Scene<'_>) -> Vec<ResolveError> {
    let mut found = Missing::new();
    for run in scene.runs {
        let Some(program) = scene.program(run) else { continue };
        add_families(scene, run, &program, &scene.objects(run), true, &mut found);
    }
    found.into_values().collect()
}

/// Returns a remark for each family that libraries will look for which a program loads later, each with
/// what it needs. `run` is what may load them.
pub(super) fn of_placed(
    scene: &Scene<'_>,
    run: &Run,
    libraries: &[(Object<'_>, Vec<Object<'_>>)],
) -> Vec<ResolveError> {
    let mut found = Missing::new();
    for (library, objects) in libraries {
        add_families(scene, run, library, objects, false, &mut found);
    }
    found.into_values().collect()
}

fn add_families(
    scene: &Scene<'_>,
    run: &Run,
    program: &Object<'_>,
    objects: &[Object<'_>],
    is_loaded: bool,
    found: &mut Missing,
) {
    let mut told = BTreeSet::new();
    for (place, family) in FAMILIES.iter().enumerate() {
        if told.contains(family.name) {
            continue;
        }
        let triggers = triggers(&family.trigger, program, objects);
        let holds = || holds(scene, run, program, &family.condition);
        for trigger in triggers.into_iter().take_while(|_| holds()) {
            let add = lines(scene, run, family, trigger, objects);
            if add.is_empty() {
                continue;
            }
            let (node, by) = (program.node, trigger.path.clone());
            let (family, without, warns) = (family.name, family.without, family.warns);
            told.insert(family);
            let key = (place, add.clone());
            found.entry(key).or_insert(if warns && is_loaded {
                ResolveError::PluginsAreMissing { node, by, family, without, add }
            } else {
                ResolveError::PluginsAreLeftOut { node, by, family, without, add }
            });
        }
    }
}

fn holds(scene: &Scene<'_>, run: &Run, program: &Object<'_>, condition: &Condition) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Mentions(mention) => {
            let mentions = &program.facts().mentions;
            // The runtime of Haskell names them for the programs that ask for one.
            let is_haskell = mentions.contains(&Mention::Haskell);
            Scene::glibc(run).is_some() && mentions.contains(mention) && !is_haskell
        }
        Condition::Imports(function) => program.facts().imports_any(&[function]),
        Condition::DrawsInJava => jars::draw_text(scene),
        Condition::Glibc => Scene::glibc(run).is_some(),
        Condition::GlibcBefore(version) => Scene::glibc(run).is_some_and(|own| own < *version),
        Condition::ImageHas(path) => {
            ImagePath::parse(path.as_bytes()).is_ok_and(|path| scene.has(&path))
        }
        Condition::Configured(paths, word) => {
            paths.iter().any(|path| scene.configuration(path).is_some_and(|text| says(&text, word)))
        }
    }
}

/// Tells whether a line of a configuration has a word as its value, before any comment.
fn says(text: &[u8], word: &str) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let value = line.split(|byte| *byte == b'=').nth(1).unwrap_or_default();
        value.trim_ascii() == word.as_bytes()
    })
}

impl Scene<'_> {
    /// Returns the text of a file of the image, if there is one.
    pub(super) fn configuration(&self, path: &str) -> Option<Vec<u8>> {
        text(self.image, path)
    }

    /// Returns the texts of a file in each of the sources that has it, also below a file of the
    /// recipe's own.
    pub(super) fn source_texts(&self, path: &str) -> Vec<Vec<u8>> {
        let roots = self.surroundings.roots.roots().iter();
        roots.filter_map(|root| text(&Roots::new(vec![root.clone()]), path)).collect()
    }
}

/// Returns the text of a file, up to [`MAX_CONFIGURATION_BYTES`].
pub(super) fn text(roots: &Roots, path: &str) -> Option<Vec<u8>> {
    let walk = roots.walk(path.as_bytes(), &ImagePath::root()).ok()?;
    let file = roots.open(&walk).ok()?;
    let size_bytes = usize::try_from(walk.stat.size).ok()?;
    let mut bytes = vec![0; size_bytes.min(MAX_CONFIGURATION_BYTES)];
    let count = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(count);
    Some(bytes)
}

fn triggers<'o>(
    trigger: &Trigger,
    program: &'o Object<'_>,
    objects: &'o [Object<'_>],
) -> Vec<&'o Object<'o>> {
    let facts = program.facts();
    match trigger {
        Trigger::Program(names) => {
            let own = program.source.file_name().unwrap_or_default();
            let is_one = names.iter().any(|name| name_matches(name.as_bytes(), own));
            is_one.then_some(program).into_iter().collect()
        }
        Trigger::Needs(name) => {
            let needs = facts.needed.iter().any(|needed| needed.starts_with(name.as_bytes()));
            if needs { named_so(objects, name) } else { Vec::new() }
        }
        Trigger::Loads(start) => named_so(objects, start),
        Trigger::Imports(names) => {
            facts.imports_any(names).then_some(program).into_iter().collect()
        }
        Trigger::AnyImports(names) => {
            let is_libc = |object: &Object<'_>| {
                object.facts().soname.as_deref().is_some_and(|own| own.starts_with(b"libc.so"))
            };
            let imports = |object: &&Object<'_>| object.facts().imports_any(names);
            objects.iter().filter(|object| !is_libc(object)).find(imports).into_iter().collect()
        }
    }
}

/// Returns the objects whose soname starts so.
fn named_so<'o>(objects: &'o [Object<'_>], start: &str) -> Vec<&'o Object<'o>> {
    let is_one = |object: &&Object<'_>| {
        object.facts().soname.as_deref().is_some_and(|own| own.starts_with(start.as_bytes()))
    };
    objects.iter().filter(is_one).collect()
}

/// Returns the lines of a recipe that add the family, but for those files of which the image has some.
fn lines(
    scene: &Scene<'_>,
    run: &Run,
    family: &PluginFamily,
    trigger: &Object<'_>,
    objects: &[Object<'_>],
) -> Vec<Name> {
    let lines: BTreeSet<Name> = family
        .files
        .iter()
        .filter_map(|files| lines_of(scene, run, files, trigger, objects))
        .flatten()
        .collect();
    lines.into_iter().collect()
}

/// Returns the lines that add some files; nothing if the image has any of them.
fn lines_of(
    scene: &Scene<'_>,
    run: &Run,
    files: &Files,
    trigger: &Object<'_>,
    objects: &[Object<'_>],
) -> Option<BTreeSet<Name>> {
    let beside = |soname: &[u8]| {
        objects.iter().find(|object| object.facts().soname.as_deref() == Some(soname))
    };
    match files {
        Files::Libraries(pattern) => libraries(scene, &below(trigger.source, pattern)),
        Files::LibrariesBeside(soname, pattern) => {
            libraries(scene, &below(beside(soname.as_bytes())?.source, pattern))
        }
        Files::Tree(pattern) => trees(scene, &below(trigger.source, pattern)),
        Files::TreeWithout(pattern, name) => {
            let all = trees(scene, &below(trigger.source, pattern))?;
            Some(all.into_iter().map(|line| without(scene, line, name)).collect())
        }
        Files::TreeWith(file, tree) => {
            let has_file = !trees(scene, &below(trigger.source, file))?.is_empty();
            let tree = glob(scene.surroundings.roots, &below(trigger.source, tree));
            Some(tree.iter().filter(|_| has_file).map(tree_line).collect())
        }
        Files::TreeAt(pattern) => trees(scene, pattern.as_bytes()),
        Files::TreesAt(patterns) => {
            let found = patterns.iter().map(|pattern| trees(scene, pattern.as_bytes()));
            found.collect::<Option<Vec<_>>>().map(|found| found.into_iter().flatten().collect())
        }
        Files::FileAt(path) => {
            let found = glob(scene.surroundings.roots, path.as_bytes());
            let is_absent = !found.iter().any(|path| scene.has(path));
            let line = |path| Name::new(format!("file \"{path}\""));
            is_absent.then(|| found.iter().map(line).collect())
        }
        Files::CharsetsOfLibc(pattern) => {
            let own = below(beside(b"libc.so.6")?.source, pattern);
            let moved = [b"/usr", &own[..]].concat();
            let is_there = !trees(scene, &own)?.is_empty() | !trees(scene, &moved)?.is_empty();
            is_there.then(|| [Name::new("needs charsets")].into())
        }
        Files::Named(name) => named(scene, run, trigger, name),
    }
}

/// Returns a pattern below the directory of a file.
fn below(file: &ImagePath, pattern: &str) -> Vec<u8> {
    let name = file.file_name().unwrap_or_default();
    let stem = name.strip_prefix(b"lib").unwrap_or(name);
    let end = stem.windows(3).position(|window| window == b".so").unwrap_or(stem.len());
    let stem = String::from_utf8_lossy(&stem[..end]);
    let directory = file.parent().unwrap_or_else(ImagePath::root);
    [directory.as_bytes(), b"/", pattern.replace("{stem}", &stem).as_bytes()].concat()
}

/// Returns a line for each directory that has libraries of a pattern; nothing if the image has any.
fn libraries(scene: &Scene<'_>, pattern: &[u8]) -> Option<BTreeSet<Name>> {
    let found = glob(scene.surroundings.roots, pattern);
    if found.iter().any(|path| scene.has(path)) {
        return None;
    }
    let last = pattern.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let line = |path: ImagePath| {
        let directory = path.parent()?;
        Some(Name::new([b"library \"", directory.as_bytes(), b"/", last, b"\""].concat()))
    };
    Some(found.into_iter().filter_map(line).collect())
}

fn trees(scene: &Scene<'_>, pattern: &[u8]) -> Option<BTreeSet<Name>> {
    let found = glob(scene.surroundings.roots, pattern);
    if found.iter().any(|path| scene.has(path)) {
        return None;
    }
    Some(found.iter().map(tree_line).collect())
}

/// Leaves a name out of the tree that a line adds, if the sources have it there.
fn without(scene: &Scene<'_>, line: Name, name: &str) -> Name {
    let Some(tree) = tree_of(&line) else { return line };
    let path = [tree.as_bytes(), b"/", name.as_bytes()].concat();
    if scene.surroundings.roots.walk(&path, &ImagePath::root()).is_err() {
        return line;
    }
    Name::new(format!("tree \"{tree}\" {{ exclude \"/{name}\"; }}"))
}

fn tree_line(path: &ImagePath) -> Name {
    Name::new([b"tree \"", path.as_bytes(), b"\""].concat())
}

/// Returns the line for a library that the sources have; nothing if the image has it.
fn named(scene: &Scene<'_>, run: &Run, by: &Object<'_>, name: &str) -> Option<BTreeSet<Name>> {
    let openings = [Opening { by: by.source, name: name.as_bytes() }];
    let surroundings = &scene.surroundings;
    let trace = surroundings.trace_again(run, run.extra.as_deref(), &openings).ok()?;
    let lookup = trace.lookups.iter().find(|lookup| lookup.tag == Tag::Opened)?;
    let path = match &lookup.outcome {
        Outcome::Opened(object) => &trace.objects[*object].walk.real,
        Outcome::SameFile { walk, .. } => &walk.real,
        Outcome::Missing(_) | Outcome::Ignored | Outcome::Fatal => return Some(BTreeSet::new()),
        Outcome::Loaded(_) => return None,
    };
    if scene.has(path) {
        return None;
    }
    Some([Name::new(format!("library \"{name}\""))].into())
}

/// Functions of glibc that open `libgcc_s.so.1` to unwind the stack of the thread, and abort the
/// process without it (glibc `misc/unwind-link.c`; measured: exit status 134). A program that calls one
/// means it; a library that has a function to end a thread (GLib, OpenLDAP) seldom calls it itself.
const CANCEL: &str = "pthread_cancel";
const EXIT: &str = "pthread_exit";

/// Returns a warning if threads are ended and the unwinder is not there.
pub(super) fn unwinder(scene: &Scene<'_>, known: &BTreeSet<Box<[u8]>>) -> Vec<ResolveError> {
    if known.contains(&b"libgcc_s.so.1"[..]) {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    for run in scene.runs.iter().filter(|run| Scene::glibc(run).is_some()) {
        let Some(program) = scene.program(run) else { continue };
        let objects = scene.objects(run);
        let node = run.node;
        // A library that could end threads, and the runtime of a language (of Haskell, of whatever runs a
        // script) does so for few programs.
        let facts = program.facts();
        let is_runtime = facts.mentions.contains(&Mention::Haskell) || runs_script(scene, &program);
        let own = std::slice::from_ref(&program);
        let found = ender(own).or_else(|| ender(&objects));
        warnings.extend(found.map(|(object, function)| {
            let by = object.path.clone();
            if object.path == program.path && !is_runtime {
                ResolveError::UnwinderIsMissing { node, by, function }
            } else {
                ResolveError::UnwinderIsLeftOut { node, by, function }
            }
        }));
    }
    warnings
}

/// Returns the first object that ends threads, and by which function.
fn ender<'o, 'a>(objects: &'o [Object<'a>]) -> Option<(&'o Object<'a>, &'static str)> {
    [CANCEL, EXIT].into_iter().find_map(|function| {
        let object = objects.iter().find(|object| object.facts().imports_any(&[function]))?;
        Some((object, function))
    })
}

/// Returns a warning for each module that the image's `nsswitch.conf` names, that the sources have,
/// and that the image has not (`nsswitch.conf(5)`).
pub(super) fn name_services(scene: &Scene<'_>) -> Vec<ResolveError> {
    let Some(text) = scene.configuration("/etc/nsswitch.conf") else { return Vec::new() };
    let mut warnings: BTreeMap<Vec<Name>, ResolveError> = BTreeMap::new();
    for run in scene.runs {
        let Some(version) = Scene::glibc(run) else { continue };
        let objects = scene.objects(run);
        let Some(libc) = objects
            .iter()
            .find(|object| object.facts().soname.as_deref() == Some(&b"libc.so.6"[..]))
        else {
            continue;
        };
        let mut add = Vec::new();
        for service in services(&text) {
            let is_built_in = version >= (2, 34) && matches!(&*service, "files" | "dns");
            if !is_built_in {
                let line = named(scene, run, libc, &format!("libnss_{service}.so.2"));
                add.extend(line.unwrap_or_default());
            }
        }
        if !add.is_empty() {
            let (node, by) = (run.node, run.place.clone());
            let family = "modules that /etc/nsswitch.conf names";
            let without = "the services are passed over";
            warnings.entry(add.clone()).or_insert(ResolveError::PluginsAreMissing {
                node,
                by,
                family,
                without,
                add,
            });
        }
    }
    warnings.into_values().collect()
}

/// Returns the services that a configuration names, each once.
fn services(text: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(text);
    let mut services = BTreeSet::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let Some((_, words)) = line.split_once(':') else { continue };
        let mut in_action = false;
        for word in words.split_whitespace() {
            // `[NOTFOUND=return]`, also with blanks.
            in_action |= word.starts_with('[');
            let is_name =
                word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            if !in_action && is_name {
                services.insert(word.to_owned());
            }
            in_action &= !word.ends_with(']');
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_without_their_actions() {
        let text = b"passwd: files systemd # sss\nhosts: files [NOTFOUND=return  UNAVAIL = x ] dns\n\n#group: ldap\n";
        let found: Vec<String> = services(text).into_iter().collect();
        assert_eq!(found, ["dns", "files", "systemd"]);
    }

    #[test]
    fn a_comment_configures_nothing() {
        assert!(says(b"default = x\nlegacy = legacy_sect # old\n", "legacy_sect"));
        assert!(!says(b"# legacy = legacy_sect\n[legacy_sect]\n", "legacy_sect"));
    }
}
