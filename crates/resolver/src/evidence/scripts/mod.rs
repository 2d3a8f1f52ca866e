//! What scripts use after their start: programs that a shell calls, modules that Perl and Python load.
//!
//! A script is read as text, not run, so this is evidence and no proof: a name counts only if the
//! sources have what it would lead to.

mod brought;
mod code;
mod commands;
mod constants;
mod extension;
mod imported;
mod language;
mod perl;
mod python;
mod ruby;
mod shell;
mod sourced;

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{NodeId, Reason};
use rayon::prelude::*;

use super::data::{is_data, is_shared, is_triplet};
use super::scene::Scene;
use crate::error::{Name, ResolveError};
use crate::glob::names;
use crate::host::FileType;
use crate::packages::Installed;
use crate::root::Roots;
pub(super) use brought::INSTALLERS;
use brought::{Brought, Relation};
use code::Code;
pub(super) use language::{is_interpreter, is_place_of_modules};

/// Most bytes of a script or module that are read. Longer ones carry data.
const MAX_TEXT_BYTES: usize = 4 << 20;

/// Interpreters whose scripts are read as those of a shell.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ksh", "mksh", "zsh", "csh", "tcsh"];

/// The shell that `system(3)` and the like start.
const SHELL: &str = "/bin/sh";

/// Where programs have directories of their own.
const HOMES: &[&str] = &["/usr/share/", "/usr/lib/", "/usr/libexec/", "/opt/"];

/// Words by which scripts of shells, Perl, Python and Ruby ask where they are.
const ASKS_WHERE: &[&str] = &["$0", "BASH_SOURCE", "FindBin", "__file__", "__dir__"];

/// A script of the image.
struct Script {
    node: NodeId,
    path: ImagePath,
    /// The name of what runs it, without its directory.
    interpreter: Vec<u8>,
}

/// What a script uses and the image has not: how it is named there, and the lines that add it.
#[derive(Default)]
struct Missing {
    names: BTreeSet<String>,
    lines: BTreeSet<String>,
    /// Links to directories: how each is named, its line, and where it leads.
    links: Vec<(String, String, ImagePath)>,
}

/// Returns a warning for each script of a scene that uses more than the image has. Those of one language
/// read the same modules again, so several are read at a time.
pub(super) fn judge(scene: &Scene<'_>, installed: &Installed<'_>) -> Vec<ResolveError> {
    let scripts = scripts(scene);
    let found: Vec<Option<ResolveError>> =
        scripts.par_iter().map(|script| judge_script(scene, installed, script)).collect();
    let mut warnings: Vec<ResolveError> = found.into_iter().flatten().collect();
    warnings.extend(embedding(scene, installed));
    warnings
}

fn judge_script(
    scene: &Scene<'_>,
    installed: &Installed<'_>,
    script: &Script,
) -> Option<ResolveError> {
    let text = text(scene.image, script.path.as_bytes())?;
    let name = String::from_utf8_lossy(&script.interpreter).into_owned();
    let is_shell = SHELLS.contains(&&*name);
    let around = installed.around(scene.surroundings.roots, script.path.as_bytes());
    let brought = around.and_then(|(packages, real)| Brought::find(packages, &real));
    let relation = |module: &str| {
        brought.as_ref().map_or(Relation::Usual, |brought| brought.relation(scene, module))
    };
    let adopt = |module: &str| {
        if let Some(brought) = &brought {
            brought.adopt(scene, module);
        }
    };
    let mut missing = if is_shell {
        shell::missing(scene, &text)
    } else if name.starts_with("perl") {
        perl::missing(scene, &text, &relation)
    } else if name.starts_with("python") {
        python::missing(scene, &text, &relation, &adopt)
    } else if name.starts_with("ruby") {
        ruby::missing(scene)
    } else {
        Missing::default()
    };
    // A shell that gives the script itself to Perl, which skips to its first line (`perlrun(1)`, -x).
    if is_shell && let Some(text) = perl::behind_shell(&text) {
        let more = perl::missing(scene, text, &relation);
        missing.names.extend(more.names);
        missing.lines.extend(more.lines);
    }
    missing.add_programs(scene, &script.path, &text);
    missing.add_home(scene, &script.path, &text);
    missing.add_data(scene, &text);
    if let Some(brought) = brought {
        missing.add_brought(scene, brought, &name, is_shell, &text);
    }
    extension::add(scene, &mut missing);
    missing.prune(scene);
    (!missing.lines.is_empty()).then(|| ResolveError::ScriptNeedsMore {
        node: script.node,
        script: script.path.clone(),
        names: missing.names.iter().map(Name::new).collect(),
        add: missing.lines.iter().map(Name::new).collect(),
    })
}

/// Returns a warning for each program with an interpreter inside whose package, or those that it
/// depends on, have modules for that which the image lacks.
fn embedding(scene: &Scene<'_>, installed: &Installed<'_>) -> Vec<ResolveError> {
    let mut warnings = Vec::new();
    for run in scene.runs.iter().filter(|run| run.is_start()) {
        let objects = scene.objects(run);
        let sonames = objects.iter().filter_map(|object| object.facts().soname.as_deref());
        let embedded: Vec<&str> = sonames.filter_map(language::interpreter_of).collect();
        let asked = scene.entries.get(&run.place).is_some_and(|found| {
            found.needs.iter().any(|need| need.node == run.node && need.reason == Reason::Asked)
        });
        if embedded.is_empty() || !asked {
            continue;
        }
        let around = installed.around(scene.surroundings.roots, &run.program);
        let brought = around.and_then(|(packages, real)| Brought::find(packages, &real));
        let Some(mut brought) = brought else { continue };
        let code = Code::new(std::iter::empty(), false);
        let mut missing = Missing::default();
        for interpreter in embedded {
            brought.learn_languages(interpreter, &code);
        }
        if brought.has_languages() {
            brought.add_data(scene, &code, &mut missing);
            missing.prune(scene);
        }
        if !missing.lines.is_empty() {
            warnings.push(ResolveError::PluginsAreMissing {
                node: run.node,
                by: run.place.clone(),
                family: "the modules of its own that its interpreter loads",
                without: "what they do fails",
                add: missing.lines.iter().map(Name::new).collect(),
            });
        }
        let helpers =
            if brought.has_languages() { called(scene, &brought) } else { BTreeMap::new() };
        if !helpers.is_empty() {
            warnings.push(ResolveError::HelpersAreMissing {
                node: run.node,
                by: run.place.clone(),
                names: helpers.values().map(Name::new).collect(),
                add: helpers.keys().map(Name::new).collect(),
            });
        }
    }
    warnings
}

/// Returns the programs that the modules of a program with an interpreter inside start: their lines, with
/// their names.
fn called(scene: &Scene<'_>, brought: &Brought<'_>) -> BTreeMap<String, String> {
    let texts = brought.texts(scene, false);
    let code = Code::new(texts.iter().map(String::as_str), false);
    let mut missing = Missing::default();
    brought.add_called(scene, "", &code, &mut missing);
    let programs = missing.lines.into_iter();
    let programs =
        programs.filter(|line| line.starts_with("binary ") && brought.gives(scene, line));
    let name =
        |line: &str| line.rsplit('/').next().unwrap_or(line).trim_end_matches('"').to_owned();
    programs.map(|line| (line.clone(), name(&line))).collect()
}

impl Missing {
    /// Adds programs that scripts of any language start: the shell if they name it, and a wrapped
    /// program beside the script, `exec "$0.bin"`.
    fn add_programs(&mut self, scene: &Scene<'_>, script: &ImagePath, text: &str) {
        let body = text.split_once('\n').map_or("", |(_, body)| body);
        let shell = body.contains(SHELL).then(|| SHELL.to_owned());
        let after = body.match_indices("$0.").map(|(at, word)| &body[at + word.len()..]);
        let wrapped = after.map(|rest| {
            let end: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            format!("{script}.{end}")
        });
        for path in shell.into_iter().chain(wrapped) {
            if scene.source_has(&path) == Some(FileType::Regular) && !scene.image_has(&path) {
                self.lines.insert(format!("binary \"{path}\""));
                self.names.insert(path);
            }
        }
    }

    /// Adds the directory that a script is a part of, if it asks where it is: what is beside it there
    /// is found by that.
    fn add_home(&mut self, scene: &Scene<'_>, script: &ImagePath, text: &str) {
        let path = script.to_string();
        let home = HOMES.iter().find_map(|root| {
            let (name, rest) = path.strip_prefix(root)?.split_once('/')?;
            rest.contains('/').then(|| format!("{root}{name}"))
        });
        let asks = ASKS_WHERE.iter().any(|word| text.contains(word));
        // The image has the directory, for the script stands there; what lies in it counts.
        let Some(home) = home.filter(|home| asks && !is_modules(home)) else { return };
        let Ok(directory) = ImagePath::parse(home.as_bytes()) else { return };
        let below = names(scene.surroundings.roots, &directory).into_iter();
        let is_absent = |name: &Vec<u8>| directory.join(name).is_ok_and(|path| !scene.has(&path));
        if below.filter(is_absent).count() > 0 {
            self.names.insert(home.clone());
            self.lines.insert(format!("tree \"{home}\""));
        }
    }

    /// Adds the data that a text names by whole paths.
    fn add_data(&mut self, scene: &Scene<'_>, text: &str) {
        let is_of_path = |letter: char| {
            letter.is_ascii_alphanumeric() || matches!(letter, '/' | '-' | '_' | '.' | '+')
        };
        let words = text.split(|letter: char| !is_of_path(letter));
        let words = words.map(|word| word.trim_end_matches(['/', '.']));
        let mut paths: Vec<&str> =
            words.filter(|word| is_data(word.as_bytes()) && !is_shared(word.as_bytes())).collect();
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            let is_deep = path.matches('/').count() >= 3;
            let is_below = |line: &String| {
                line.strip_prefix("tree \"")
                    .is_some_and(|tree| path.starts_with(tree.trim_end_matches('"')))
            };
            if path.starts_with("/etc/") || scene.image_has(path) || self.lines.iter().any(is_below)
            {
                continue;
            }
            let node = match scene.source_has(path) {
                Some(FileType::Directory) if is_deep && !is_modules(path) => "tree",
                Some(FileType::Regular) => "file",
                _ => continue,
            };
            self.names.insert(path.to_owned());
            self.lines.insert(format!("{node} \"{path}\""));
        }
    }
}

impl Missing {
    /// Adds what the packages of a script bring for it.
    fn add_brought(
        &mut self,
        scene: &Scene<'_>,
        mut brought: Brought<'_>,
        interpreter: &str,
        is_shell: bool,
        text: &str,
    ) {
        let mut beside = brought.texts(scene, is_shell);
        if is_shell {
            beside.extend(sourced::add(scene, &brought, text, self));
        }
        for text in beside.iter().filter(|_| is_shell) {
            brought.add_started(scene, text, self);
        }
        let expanded = if is_shell { constants::expanded(text) } else { String::new() };
        if is_shell {
            self.add_temporary(scene, text);
            // Who asks whether a program is there goes another way without it, which seldom is there
            // either.
            if !self.lines.is_empty() {
                let asked = shell::asked(scene, text);
                let given = asked
                    .into_iter()
                    .filter(|(_, path)| brought.gives(scene, &format!("binary \"{path}\"")));
                for (name, path) in given.collect::<Vec<_>>() {
                    self.add_program(scene, &name, &path);
                }
            }
        }
        let texts = [text, &expanded].into_iter().chain(beside.iter().map(String::as_str));
        let code = Code::new(texts, is_shell);
        brought.learn_languages(interpreter, &code);
        brought.add_launchers(scene, interpreter, self);
        brought.add_family(scene, text, self);
        brought.add_data(scene, &code, self);
        brought.add_programs(scene, &code, self);
        if !is_shell {
            brought.add_called(scene, text, &code, self);
            brought.add_libraries(scene, self);
            brought.add_shells(scene, self);
            if code.asks_shell(interpreter) && !scene.image_has(SHELL) {
                self.add_program(scene, SHELL, SHELL);
            }
            self.add_lasting_temporary(scene, &code);
        }
        brought.add_state(scene, &code, self);
    }

    /// Adds the directory of temporary files, if a shell makes some.
    fn add_temporary(&mut self, scene: &Scene<'_>, text: &str) {
        let code = Code::new([text].into_iter(), true);
        if !scene.image_has("/tmp") && (code.names("mktemp") || code.names_path("/tmp/")) {
            self.names.insert("/tmp".to_owned());
            self.lines.insert("needs tmp".to_owned());
        }
        self.add_lasting_temporary(scene, &code);
    }

    /// Adds the other directory of temporary files, if it is named.
    fn add_lasting_temporary(&mut self, scene: &Scene<'_>, code: &Code) {
        if !scene.image_has("/var/tmp") && code.names_path("/var/tmp") {
            self.names.insert("/var/tmp".to_owned());
            self.lines.insert("directory \"/var/tmp\" mode=0o1777".to_owned());
        }
    }

    /// Adds the links to directories in which there is or will be something, and drops lines for what
    /// lies below a tree of another line.
    fn prune(&mut self, scene: &Scene<'_>) {
        let path = |line: &str| line.split('"').nth(1).map(ToOwned::to_owned);
        for (name, line, directory) in std::mem::take(&mut self.links) {
            let start = format!("{directory}/");
            let mut paths = self.lines.iter().filter_map(|line| path(line));
            let is_in =
                |path: String| path.starts_with(&start) || start.starts_with(&format!("{path}/"));
            if scene.has(&directory) || paths.any(is_in) {
                self.names.insert(name);
                self.lines.insert(line);
            }
        }
        let trees: BTreeSet<String> = self
            .lines
            .iter()
            .filter(|line| line.starts_with("tree "))
            .filter_map(|line| path(line))
            .collect();
        self.lines.retain(|line| {
            // A program brings what it needs, whatever brings the program.
            line.starts_with("binary ")
                || line.starts_with("library ")
                || path(line).is_none_or(|path| {
                    !path.match_indices('/').any(|(at, _)| trees.contains(&path[..at]))
                })
        });
    }
}

/// Tells whether a path is that of all modules of a language, or of all libraries, of which a script
/// uses few.
fn is_modules(path: &str) -> bool {
    let is_triplet = ImagePath::parse(path.as_bytes()).is_ok_and(|path| is_triplet(&path));
    is_triplet
        || ["/perl5", "/python3", "dist-packages", "site-packages"]
            .iter()
            .any(|end| path.ends_with(end))
}

/// Finds the scripts by what was put into the image to run them; what `env` starts counts, not `env`.
fn scripts(scene: &Scene<'_>) -> Vec<Script> {
    let nodes: BTreeSet<NodeId> = scene.runs.iter().map(|run| run.node).collect();
    let mut scripts: Vec<Script> = Vec::new();
    for (path, found) in scene.entries {
        for need in found.needs.iter().filter(|need| nodes.contains(&need.node)) {
            let of = match &need.reason {
                Reason::ScriptInterpreter { of } | Reason::EnvProgram { of } => of,
                _ => continue,
            };
            let interpreter = path.file_name().unwrap_or_default().to_vec();
            match scripts.iter_mut().find(|script| script.path == *of) {
                Some(script) if script.interpreter == b"env" => script.interpreter = interpreter,
                Some(_) => {}
                None => {
                    scripts.push(Script { node: need.node, path: of.clone(), interpreter });
                }
            }
        }
    }
    scripts
}

/// Returns the text at a path; nothing if that is no file or too long.
fn text(roots: &Roots, path: &[u8]) -> Option<String> {
    let walk = roots.walk(path, &ImagePath::root()).ok()?;
    let size = usize::try_from(walk.stat.size).ok()?;
    if walk.stat.file_type != FileType::Regular || size > MAX_TEXT_BYTES {
        return None;
    }
    let file = roots.open(&walk).ok()?;
    let mut bytes = vec![0; size];
    let count = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(count);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Tells what stands at a path of some roots, behind all links.
fn kind(roots: &Roots, path: &str) -> Option<FileType> {
    roots.walk(path.as_bytes(), &ImagePath::root()).ok().map(|walk| walk.stat.file_type)
}

impl Scene<'_> {
    pub(super) fn source_has(&self, path: &str) -> Option<FileType> {
        kind(self.surroundings.roots, path)
    }

    /// Returns where the sources have a program that is found by its name in the image's `PATH`.
    pub(super) fn source_path(&self, name: &str) -> Option<String> {
        let directories = self.surroundings.search.path.split(':');
        let mut paths = directories.map(|directory| format!("{directory}/{name}"));
        paths.find(|path| self.source_has(path) == Some(FileType::Regular))
    }

    /// Tells whether the sources have a file at a path that may be started.
    pub(super) fn source_has_program(&self, path: &str) -> bool {
        let walk = self.surroundings.roots.walk(path.as_bytes(), &ImagePath::root());
        walk.is_ok_and(|walk| {
            walk.stat.file_type == FileType::Regular && walk.stat.mode & 0o111 != 0
        })
    }

    pub(super) fn image_has(&self, path: &str) -> bool {
        kind(self.image, path).is_some()
    }
}
