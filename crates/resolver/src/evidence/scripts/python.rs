//! The packages that a Python script imports, and those that these import.
//!
//! The standard library is a family of plug-ins; here it is about what was installed beside it.

use std::collections::BTreeSet;

use super::brought::Relation;
use super::imported::{first, loaded, name};
use super::{Missing, kind, text};
use crate::evidence::scene::Scene;
use crate::glob::{glob, names};
use crate::host::FileType;
use imgc_planner::recipe::ImagePath;

/// Where packages are installed (Debian, others).
const DIRECTORIES: &[&str] = &[
    "/usr/local/lib/python3*/dist-packages",
    "/usr/local/lib/python3*/site-packages",
    "/usr/lib/python3/dist-packages",
    "/usr/lib/python3.*/dist-packages",
    "/usr/lib/python3.*/site-packages",
    "/usr/lib64/python3.*/site-packages",
];

/// What finds libraries by their short names, and what it starts for it (Python's reference, "ctypes",
/// `find_library`; `Lib/ctypes/util.py`: a compiler, and a linker, come after it).
const FINDS_LIBRARIES: &str = "find_library(";
const LISTS_LIBRARIES: &str = "/sbin/ldconfig";

/// The module that loads no entry point of a project before it has found all that the project requires
/// (setuptools, "pkg_resources", `EntryPoint.load`).
const RESOLVER: &str = "pkg_resources";

/// Most files that are read for one script.
const MAX_FILES: usize = 10_000;

/// Deepest directory of a package that is looked at.
const MAX_DEPTH: usize = 8;

/// `relation` tells how the module in a file comes to the script; `adopt` is told of one that comes whatever
/// the packages say, and changes what is told of others.
pub(super) fn missing(
    scene: &Scene<'_>,
    script: &str,
    relation: &dyn Fn(&str) -> Relation,
    adopt: &dyn Fn(&str),
) -> Missing {
    let roots = scene.surroundings.roots;
    let directories: Vec<String> = DIRECTORIES
        .iter()
        .flat_map(|pattern| glob(roots, pattern.as_bytes()))
        .map(|path| path.to_string())
        .collect();
    let mut missing = Missing::default();
    let mut seen = BTreeSet::new();
    let mut files = 0;
    let mut finds_libraries = script.contains(FINDS_LIBRARIES);
    let mut pending = imports(script);
    let mut projects = required(script);
    let started = entries(scene, &directories, &projects, script);
    pending.extend(started.iter().filter_map(|module| first(module)));
    let demanded = loaded(scene, &directories, script, started);
    if demanded.contains(RESOLVER) {
        missing.add_required(scene, &directories, imports(script));
    }
    // What the modules that the script names cannot do without.
    let mut named: BTreeSet<String> = pending.iter().cloned().collect();
    let (mut wanted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    loop {
        if let Some(project) = projects.pop() {
            if seen.insert(format!("{project}==")) {
                for directory in &directories {
                    for description in descriptions(scene, directory, &project) {
                        let relation = relation(&description);
                        if matches!(relation, Relation::None | Relation::Light) {
                            continue;
                        }
                        let modules = modules_of(scene, &description);
                        named.extend(modules.iter().cloned());
                        pending.extend(modules);
                        projects.extend(requirements(scene, &description));
                        if relation == Relation::Usual {
                            missing.add_description(scene, &description, &project);
                        }
                    }
                }
            }
            continue;
        }
        let Some(name) = pending.pop() else { break };
        // Who was refused may be wanted by another one.
        let is_refused = refused.contains(&name) && !wanted.contains(&name);
        if is_refused || !seen.insert(name.clone()) {
            continue;
        }
        for directory in &directories {
            let Some((path, is_package)) = find(scene, directory, &name) else { continue };
            let mut relation = relation(&path);
            let is_foreign = matches!(relation, Relation::None | Relation::Light);
            if is_foreign && demanded.contains(&name)
                || relation == Relation::Light && wanted.contains(&name)
            {
                // What it cannot do without is as little told of by the packages.
                named.insert(name.clone());
                relation = Relation::Usual;
                adopt(&path);
                refused.clear();
            }
            if matches!(relation, Relation::None | Relation::Light) {
                seen.remove(&name);
                refused.insert(name);
                break;
            }
            let paths = if is_package {
                let mut paths = Vec::new();
                list(scene, &path, 0, &mut paths);
                paths
            } else {
                vec![path.clone()]
            };
            for file in paths {
                files += 1;
                if files < MAX_FILES {
                    let text = text(roots, file.as_bytes()).unwrap_or_default();
                    finds_libraries |= text.contains(FINDS_LIBRARIES);
                    pending.extend(imports(&text));
                    if named.contains(&name) {
                        wanted.extend(unguarded(&text));
                    }
                }
            }
            if relation == Relation::Needed {
                break;
            }
            if !scene.image_has(&path) {
                missing.names.insert(name.clone());
                let node = if is_package { "tree" } else { "file" };
                missing.lines.insert(format!("{node} \"{path}\""));
            }
            for description in descriptions(scene, directory, &name) {
                missing.add_description(scene, &description, &name);
            }
            break;
        }
    }
    if finds_libraries
        && !scene.image_has(LISTS_LIBRARIES)
        && scene.source_has(LISTS_LIBRARIES) == Some(FileType::Regular)
    {
        missing.names.insert("ldconfig".to_owned());
        missing.lines.insert(format!("binary \"{LISTS_LIBRARIES}\""));
    }
    missing
}

impl Missing {
    /// Adds the descriptions of all projects that some require, and of what these require in turn.
    fn add_required(&mut self, scene: &Scene<'_>, directories: &[String], names: Vec<String>) {
        let mut pending = names;
        let mut seen = BTreeSet::new();
        while let Some(name) = pending.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            for directory in directories {
                for description in descriptions(scene, directory, &name) {
                    pending.extend(requirements(scene, &description));
                    self.add_description(scene, &description, &name);
                }
            }
        }
    }

    fn add_description(&mut self, scene: &Scene<'_>, description: &str, name: &str) {
        if !scene.image_has(description) {
            let is_directory = scene.source_has(description) == Some(FileType::Directory);
            let node = if is_directory { "tree" } else { "file" };
            self.names.insert(name.to_owned());
            self.lines.insert(format!("{node} \"{description}\""));
        }
    }
}

/// Returns the projects that a script asks for by version, `'name==1.0'`: the form in which setuptools
/// writes scripts that find their module through the project's description.
fn required(script: &str) -> Vec<String> {
    let texts = script.split(['"', '\'']).skip(1).step_by(2);
    let names = texts.filter_map(|text| text.split_once("==")).map(|(name, _)| name);
    names
        .filter(|name| !name.is_empty() && name.chars().all(is_of_project))
        .map(ToOwned::to_owned)
        .collect()
}

fn is_of_project(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

/// Returns the modules that a project brings, as its description lists them.
fn modules_of(scene: &Scene<'_>, description: &str) -> Vec<String> {
    let listed = text(scene.surroundings.roots, format!("{description}/top_level.txt").as_bytes());
    listed.unwrap_or_default().lines().map(|line| line.trim().to_owned()).collect()
}

/// Returns the projects that one requires without condition (setuptools, `requires.txt`; core metadata,
/// `Requires-Dist`).
fn requirements(scene: &Scene<'_>, description: &str) -> Vec<String> {
    let read = |file: &str| {
        text(scene.surroundings.roots, format!("{description}/{file}").as_bytes())
            .unwrap_or_default()
    };
    let (listed, metadata) = (read("requires.txt"), read("METADATA"));
    let always = listed.lines().take_while(|line| !line.starts_with('['));
    let header = metadata.lines().take_while(|line| !line.is_empty());
    let fields = header.filter_map(|line| line.strip_prefix("Requires-Dist: "));
    let name = |line: &str| line.chars().take_while(|l| is_of_project(*l)).collect::<String>();
    let names = always.chain(fields.filter(|field| !field.contains(';'))).map(name);
    names.filter(|name| !name.is_empty()).collect()
}

/// Finds a package or module; says whether it is a directory.
fn find(scene: &Scene<'_>, directory: &str, name: &str) -> Option<(String, bool)> {
    let package = format!("{directory}/{name}");
    if scene.source_has(&package) == Some(FileType::Directory) {
        return Some((package, true));
    }
    let module = format!("{directory}/{name}.py");
    if scene.source_has(&module).is_some() {
        return Some((module, false));
    }
    let compiled = glob(scene.surroundings.roots, format!("{directory}/{name}.*.so").as_bytes());
    compiled.first().map(|path| (path.to_string(), false))
}

/// Lists the modules of a package.
fn list(scene: &Scene<'_>, directory: &str, depth: usize, paths: &mut Vec<String>) {
    let roots = scene.surroundings.roots;
    let Ok(parent) = ImagePath::parse(directory.as_bytes()) else { return };
    for name in names(roots, &parent) {
        let Ok(name) = String::from_utf8(name) else { continue };
        let path = format!("{directory}/{name}");
        if name.ends_with(".py") {
            paths.push(path);
        } else if depth < MAX_DEPTH
            && !matches!(&*name, "tests" | "test" | "__pycache__")
            && kind(roots, &path) == Some(FileType::Directory)
        {
            list(scene, &path, depth + 1, paths);
        }
    }
}

/// Returns where a package is described: its version and its entry points are read there.
fn descriptions(scene: &Scene<'_>, directory: &str, name: &str) -> Vec<String> {
    let normal = |text: &str| text.to_ascii_lowercase().replace(['-', '.'], "_");
    let Ok(parent) = ImagePath::parse(directory.as_bytes()) else { return Vec::new() };
    let is_one = |file: &String| {
        let stem = file.strip_suffix(".egg-info").or(file.strip_suffix(".dist-info"));
        let Some(stem) = stem else { return false };
        let (project, _) = stem.split_once('-').unwrap_or((stem, ""));
        let listed =
            text(scene.surroundings.roots, format!("{directory}/{file}/top_level.txt").as_bytes());
        normal(project) == normal(name)
            || listed.is_some_and(|text| text.lines().any(|line| line.trim() == name))
    };
    let files = names(scene.surroundings.roots, &parent).into_iter();
    let files = files.filter_map(|file| String::from_utf8(file).ok()).filter(is_one);
    files.map(|file| format!("{directory}/{file}")).collect()
}

/// Returns the modules that a script names by a project and the name of a program in the description of
/// that (setuptools, `entry_points.txt`: `app = app.cli:main`).
fn entries(
    scene: &Scene<'_>,
    directories: &[String],
    projects: &[String],
    script: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    for directory in directories {
        for description in projects.iter().flat_map(|name| descriptions(scene, directory, name)) {
            let path = format!("{description}/entry_points.txt");
            let listed = text(scene.surroundings.roots, path.as_bytes()).unwrap_or_default();
            let module = |line: &str| {
                let (name, object) = line.split_once('=')?;
                let is_named = script.contains(&format!("'{}'", name.trim()));
                let module = object.trim().split([':', ' ', '[']).next()?;
                (is_named && !module.is_empty()).then(|| module.to_owned())
            };
            found.extend(listed.lines().filter_map(module));
        }
    }
    found
}

/// Returns what a text imports in no block but functions and classes: in others it asks whether a module
/// is there.
fn unguarded(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // The blocks around a line: how deep each stands, and whether it asks.
    let mut blocks: Vec<(usize, bool)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let code = line.trim_start();
        let depth = line.len() - code.len();
        while blocks.pop_if(|(outer, _)| *outer >= depth).is_some() {}
        if code.trim_end().ends_with(':') {
            let starts = ["def ", "class ", "async def ", "with "];
            blocks.push((depth, !starts.iter().any(|start| code.starts_with(start))));
        } else if !blocks.iter().any(|(_, asks)| *asks) {
            found.extend(imports(code));
        }
    }
    found
}

/// Returns the first parts of the names that a text imports.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim_start();
        let names = if let Some(rest) = line.strip_prefix("import ") {
            rest.split(',').collect()
        } else if let Some(rest) = line.strip_prefix("from ") {
            vec![rest]
        } else {
            continue;
        };
        found.extend(names.into_iter().filter_map(|text| first(&name(text)?)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{imports, required, unguarded};

    #[test]
    fn projects_are_asked_for_by_version() {
        let text = "__requires__ = 'httpie==3.2.1'\nif x == 'a': f(\"b==c==d\")\n";
        assert_eq!(required(text), ["httpie", "b"]);
    }

    #[test]
    fn imports_of_functions_are_told_from_questions() {
        let text = "import one\ntry:\n    import two\nexcept ImportError:\n    two = None\n\
                    def f():\n    import three\n    try:\n        import four\n    finally:\n\
                    \x20       pass\n    import five\nif x:\n    import six\nimport seven\n";
        assert_eq!(unguarded(text), ["one", "three", "five", "seven"]);
    }

    #[test]
    fn imports_are_read_by_their_first_part() {
        let text = "#!/usr/bin/python3\nimport re, sys as s\nfrom httpie.cli import main\n    import yaml\nfrom . import x\n# import not_this\n";
        assert_eq!(imports(text), ["re", "sys", "httpie", "yaml"]);
    }
}
