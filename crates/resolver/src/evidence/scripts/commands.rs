//! The programs that a script's packages and those that these depend on bring, of which a script uses
//! those that it names or that its packages start, and the libraries that it opens.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;

use super::brought::{Brought, INSTALLERS, is_own_data};
use super::code::Code;
use super::language::LANGUAGES;
use super::{Missing, shell, text};
use crate::evidence::data::is_library;
use crate::evidence::helpers::is_elf;
use crate::evidence::scene::Scene;
use crate::host::FileType;
use crate::loader::Elf;
use crate::programs;
use crate::script;

/// Shells, which need nothing beside themselves.
const SHELLS: &[&str] = &["/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash", "/bin/dash"];

/// Programs of every system that scripts of other languages start, and whose names are seldom words
/// of another meaning.
const COMMON: &[&str] = &["bzip2", "cmp", "diff", "gunzip", "gzip", "zcat"];

/// Ends of the names of modules that are read for names of programs.
const ENDS: &[&str] = &[".pm", ".pl", ".py", ".rb", ".js", ".lua", ".tcl", ".php"];

/// Most bytes of one file that is read for commands, and of all of them.
const MAX_FILE_BYTES: u64 = 1 << 20;
const MAX_TEXT_BYTES: usize = 4 << 20;

/// Most bytes of the scripts for a shell that packages bring for one of another language.
const MAX_SHELL_BYTES: usize = 256 << 10;

/// How a shell puts the name of another program together from its own.
const JOINTS: &[&str] = &["$0-", "$0\"-", "${0}-", "-$1", "-${1}"];

/// Fewest programs of such a name that are meant by it.
const SMALLEST_FAMILY: usize = 2;

/// Most programs which the texts of a script's packages are said to start whatever these depend on.
const MAX_CALLED: usize = 8;

/// Most files of the packages of a script that are read for commands.
const MAX_FILES: usize = 400;

impl<'p> Brought<'p> {
    /// Adds the programs that run the script's languages, and those of its packages and of the ones
    /// that these depend on which it names.
    pub(super) fn add_programs(&self, scene: &Scene<'_>, script: &Code, missing: &mut Missing) {
        for package in self.own.union(&self.direct()) {
            for path in self.packages.paths(package) {
                let (Some(name), Ok(path)) = (programs::behind(&path), std::str::from_utf8(&path))
                else {
                    continue;
                };
                let Ok(name) = std::str::from_utf8(name) else { continue };
                if !scene.image_has(path) && script.names(name) {
                    missing.add_program(scene, name, path);
                }
            }
        }
        for name in COMMON {
            let path = format!("/usr/bin/{name}");
            if !scene.image_has(&path) && script.quotes(name) {
                missing.add_program(scene, name, &path);
            }
        }
        for launcher in LANGUAGES.iter().flat_map(|language| language.launchers) {
            let Some(path) = scene.source_path(launcher) else { continue };
            if scene.image_has(&path) || !script.starts(&[launcher]) {
                continue;
            }
            let real = scene.surroundings.roots.walk(path.as_bytes(), &ImagePath::root());
            let package = real.ok().and_then(|walk| self.packages.owner(walk.real.as_bytes()));
            let is_given = |name| self.closure.contains(name) || self.packages.is_essential(name);
            if package.is_some_and(is_given) {
                missing.add_program(scene, launcher, &path);
            }
        }
    }

    /// Adds what a script starts by calls in which a program is named whole, whatever its packages depend
    /// on, and what the texts of its packages start so, if that is not much: else there is a choice.
    pub(super) fn add_called(
        &self,
        scene: &Scene<'_>,
        script: &str,
        all: &Code,
        missing: &mut Missing,
    ) {
        let absent = |code: &Code| -> BTreeMap<String, String> {
            let paths = code.started().into_iter();
            let paths = paths.filter_map(|name| Some((name.to_owned(), scene.source_path(name)?)));
            paths.filter(|(_, path)| !scene.image_has(path)).collect()
        };
        let own = absent(&Code::new([script].into_iter(), false));
        let all = absent(all);
        for (name, path) in
            if all.len().saturating_sub(own.len()) <= MAX_CALLED { all } else { own }
        {
            missing.add_program(scene, &name, &path);
        }
    }

    /// Adds the programs whose names go on from the script's, `app-one` beside `app`, if it puts such names
    /// together.
    pub(super) fn add_family(&self, scene: &Scene<'_>, text: &str, missing: &mut Missing) {
        let start = format!("{}-", self.script);
        let marks = JOINTS.iter().map(|joint| (*joint).to_owned());
        let mut marks = marks.chain(["$", "\"", "'", "%s", "{"].map(|end| format!("{start}{end}")));
        if !marks.any(|mark| text.contains(&mark)) {
            return;
        }
        let paths = self.own.iter().flat_map(|own| self.packages.paths(own));
        let family: Vec<(String, String)> = paths
            .filter_map(|path| {
                let name = String::from_utf8(programs::behind(&path)?.to_vec()).ok()?;
                name.starts_with(&start).then_some((name, String::from_utf8(path.into()).ok()?))
            })
            .collect();
        if family.len() < SMALLEST_FAMILY {
            return;
        }
        for (name, path) in family.iter().filter(|(_, path)| !scene.image_has(path)) {
            missing.add_program(scene, name, path);
        }
    }

    /// Adds what runs the script's language, if its interpreter is a script that looks for one of several:
    /// `lua-any`.
    pub(super) fn add_launchers(&self, scene: &Scene<'_>, script: &str, missing: &mut Missing) {
        let is_elf =
            |path: &str| ImagePath::parse(path.as_bytes()).is_ok_and(|path| is_elf(scene, &path));
        if scene.source_path(script).is_none_or(|path| is_elf(&path)) {
            return;
        }
        let language = LANGUAGES.iter().find(|language| language.is_run_by(script));
        let launchers = language.into_iter().flat_map(|language| {
            let paths = self.closure.iter().flat_map(|package| self.packages.paths(package));
            paths.filter(|path| {
                let name = programs::behind(path).and_then(|name| std::str::from_utf8(name).ok());
                name.is_some_and(|name| language.is_run_by(name))
            })
        });
        for path in launchers {
            let Ok(path) = std::str::from_utf8(&path) else { continue };
            if !scene.image_has(path) && is_elf(path) {
                missing.add_program(scene, path, path);
            }
        }
    }

    /// Adds the shells of the scripts that its packages and those that it depends on bring for it, and
    /// what these start.
    pub(super) fn add_shells(&self, scene: &Scene<'_>, missing: &mut Missing) {
        let packages = self.own.union(&self.direct()).copied().collect::<Vec<_>>();
        let paths = packages.iter().flat_map(|package| self.packages.paths(package));
        let own = paths.filter(|path| is_own_data(path) && programs::behind(path).is_none());
        let (mut texts, mut left) = (String::new(), MAX_SHELL_BYTES);
        for path in own.filter_map(|path| ImagePath::parse(&path).ok()) {
            let Ok(walk) = scene.image.walk(path.as_bytes(), &ImagePath::root()) else { continue };
            if walk.stat.file_type != FileType::Regular || walk.stat.mode & 0o001 == 0 {
                continue;
            }
            let start = scene.image.read_start(&walk, script::START_BYTES).unwrap_or_default();
            let Some((interpreter, _)) = script::interpreter(&start) else { continue };
            let Ok(interpreter) = std::str::from_utf8(interpreter) else { continue };
            if !SHELLS.contains(&interpreter) {
                continue;
            }
            if !scene.image_has(interpreter) {
                missing.add_program(scene, interpreter, interpreter);
            }
            if let Some(text) = text(scene.image, path.as_bytes()).filter(|_| left > 0) {
                left = left.saturating_sub(text.len());
                texts.push_str(&text);
            }
        }
        self.add_started(scene, &texts, missing);
    }

    /// Adds what a text for a shell starts, if it is given with the script's packages.
    pub(super) fn add_started(&self, scene: &Scene<'_>, text: &str, missing: &mut Missing) {
        let lines = shell::missing(scene, text).lines.into_iter();
        for line in lines.filter(|line| self.gives(scene, line)) {
            let name = line.rsplit('/').next().unwrap_or(&line).trim_end_matches('"');
            missing.names.insert(name.to_owned());
            missing.lines.insert(line);
        }
    }

    /// Tells whether a line adds a program that comes with the script's packages, with those that
    /// they depend on, or with every system.
    pub(super) fn gives(&self, scene: &Scene<'_>, line: &str) -> bool {
        let Some(path) = line.strip_prefix("binary \"").and_then(|rest| rest.strip_suffix('"'))
        else {
            return true;
        };
        let walk = scene.surroundings.roots.walk(path.as_bytes(), &ImagePath::root());
        walk.is_ok_and(|walk| {
            let real = walk.real.as_bytes();
            let mut given = self.own.iter().copied().chain(self.direct());
            given.any(|package| self.packages.lists(package, real)) || self.packages.is_base(real)
        })
    }

    /// Returns what its own packages depend on, and what those depend on that have nothing of their
    /// own.
    fn direct(&self) -> BTreeSet<&'p str> {
        let mut pending: Vec<&str> =
            self.own.iter().flat_map(|own| self.packages.depends(own)).collect();
        let mut found = BTreeSet::new();
        while let Some(package) = pending.pop() {
            if found.insert(package) && self.packages.is_empty(package) {
                pending.extend(self.packages.depends(package));
            }
        }
        found
    }

    /// Tells whether a package has programs or modules to which libraries are linked. Descriptions of
    /// libraries (typelibs) are compiled, and none of these.
    fn has_linked(&self, package: &str) -> bool {
        let is_linked = |path: &[u8]| is_library(path) || programs::behind(path).is_some();
        self.packages.is_compiled(package)
            && self.packages.paths(package).iter().any(|path| is_linked(path))
    }

    /// Adds the libraries that packages depend on which have nothing that is linked to them: they open
    /// them by a foreign function interface (`ctypes`, `ffi`).
    pub(super) fn add_libraries(&self, scene: &Scene<'_>, missing: &mut Missing) {
        for package in self.own.union(&self.modules) {
            let depends = self.packages.depends(package);
            let libraries: Vec<&&str> = depends
                .iter()
                .filter(|name| self.packages.is_library(name) && !INSTALLERS.contains(name))
                .collect();
            if libraries.is_empty() || self.has_linked(package) {
                continue;
            }
            for path in libraries.iter().flat_map(|library| self.packages.libraries(library)) {
                let Ok(path) = std::str::from_utf8(path.as_bytes()) else { continue };
                let name = path.rsplit('/').next().unwrap_or(path);
                if is_asked_for(name)
                    && !scene.image_has(path)
                    && scene.source_has(path) == Some(FileType::Regular)
                {
                    missing.names.insert(name.to_owned());
                    missing.lines.insert(format!("library \"{path}\""));
                }
            }
        }
    }

    /// Returns the texts of the script's own packages: what they call, it calls by them. For a script
    /// of a shell, those of shells.
    pub(super) fn texts(&self, scene: &Scene<'_>, is_shell: bool) -> Vec<String> {
        let roots = scene.surroundings.roots;
        let mut texts = Vec::new();
        let mut left = MAX_TEXT_BYTES;
        for path in self.own.iter().flat_map(|own| self.packages.paths(own)) {
            let is_module = !is_shell && LANGUAGES.iter().any(|language| language.has(&path));
            let has_end = ENDS.iter().any(|end| path.ends_with(end.as_bytes()));
            // What a shell reads by `.` may stand among programs, and is none.
            let is_beside = is_shell && programs::behind(&path).is_some();
            if !is_module && !is_own_data(&path) && !is_beside || !is_shell && !has_end {
                continue;
            }
            let walk = roots.walk(&path, &ImagePath::root());
            let is_file = walk.is_ok_and(|walk| {
                walk.stat.file_type == FileType::Regular && walk.stat.size < MAX_FILE_BYTES
            });
            let Some(text) = is_file.then(|| text(roots, &path)).flatten() else { continue };
            let is_read = if is_beside {
                text.starts_with("# ")
            } else {
                path.ends_with(b".sh") || path.ends_with(b".bash") || is_of_shell(&text)
            };
            if is_shell && !is_read {
                continue;
            }
            match left.checked_sub(text.len()) {
                Some(rest) if texts.len() < MAX_FILES => left = rest,
                _ => break,
            }
            texts.push(text);
        }
        texts
    }
}

impl Missing {
    pub(super) fn add_program(&mut self, scene: &Scene<'_>, name: &str, path: &str) {
        if scene.source_has(path) == Some(FileType::Regular) {
            // What a shell reads by `.` need be no program, wherever it stands.
            let node = if can_start(scene, path) { "binary" } else { "file" };
            self.names.insert(name.to_owned());
            self.lines.insert(format!("{node} \"{path}\""));
        }
    }
}

/// Tells whether a text is one for a shell, by its first line.
fn is_of_shell(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("#!").is_some_and(|rest| {
        let name = rest.split_whitespace().find(|word| !word.ends_with("/env"));
        matches!(name.and_then(|name| name.rsplit('/').next()), Some("sh" | "bash" | "dash"))
    })
}

/// Tells whether the kernel would start a file of the sources.
pub(super) fn can_start(scene: &Scene<'_>, path: &str) -> bool {
    let roots = scene.surroundings.roots;
    let Ok(walk) = roots.walk(path.as_bytes(), &ImagePath::root()) else { return false };
    let start = roots.read_start(&walk, script::START_BYTES);
    start.is_ok_and(|start| start.starts_with(b"#!") || Elf::is_elf(&start))
}

/// Tells whether a library has the name by which it is asked for: its soname or that for compilers.
fn is_asked_for(name: &str) -> bool {
    name.ends_with(".so")
        || name.split_once(".so.").is_some_and(|(_, version)| !version.contains('.'))
}
