//! The programs of an image with the libraries that are loaded with each, and how one of them comes
//! to use something.

use std::collections::{BTreeMap, BTreeSet};

use imgc_parser::ImagePath;

use crate::check::carrier;
use crate::check::section::{runs_others, works_alone};
use crate::closure::{Closure, Content, Found, Reason, Rule};
use crate::digest::{Digest, NodeId};
use crate::facts::{ElfFacts, ElfKind, Mention};

/// A program that the recipe names, or that starts for one of its scripts.
#[derive(Clone, Debug)]
pub(super) struct Program<'a> {
    /// The node that asks for it.
    pub(super) node: NodeId,
    /// The program.
    pub(super) file: Object<'a>,
    /// Whether it runs what others have written: a shell, the interpreter of a language. What it can
    /// do says little about what it does.
    pub(super) is_interpreter: bool,
    /// Whether it is from a package that is for work without a network, as its distribution says.
    pub(super) works_alone: bool,
    /// The libraries that it needs itself, and those that are a part of it, sorted by path.
    pub(super) libraries: Vec<Object<'a>>,
}

/// An ELF file of the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    pub(super) path: &'a ImagePath,
    pub(super) facts: &'a ElfFacts,
}

/// How it is known that a program uses something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// The program.
    pub program: ImagePath,
    /// The node that asks for it.
    pub node: NodeId,
    /// The library of the program that shows it; none if the program does itself.
    pub library: Option<ImagePath>,
    /// A function that is called, or a text that stands in the constants.
    pub sign: &'static str,
}

/// Shortest beginning by which a library is told to be a part of a program, in bytes.
const MIN_NAME_BYTES: usize = 3;

/// Names of programs that run what others have written; a version may follow.
const INTERPRETERS: &[&str] = &[
    "awk",
    "bash",
    "busybox",
    "csh",
    "dash",
    "fish",
    "gawk",
    "gforth",
    "guile",
    "java",
    "ksh",
    "lua",
    "luajit",
    "mawk",
    "mit-scheme",
    "mksh",
    "mruby",
    "node",
    "nodejs",
    "ocaml",
    "perl",
    "php",
    "pypy",
    "python",
    "qjs",
    "racket",
    "ruby",
    "sbcl",
    "scheme",
    "sh",
    "swipl",
    "tclsh",
    "tcsh",
    "wish",
    "zsh",
];

impl<'a> Program<'a> {
    /// Returns the programs of a closure, sorted by path.
    pub(super) fn all(closure: &'a Closure) -> Vec<Self> {
        let links = links(closure);
        let starts = |found: &Found| {
            let by = |need: &&crate::Need| {
                let is_script = matches!(
                    need.reason,
                    Reason::ScriptInterpreter { .. } | Reason::EnvProgram { .. }
                );
                is_script || need.reason == Reason::Asked
            };
            found.needs.iter().find(by).map(|need| (need.node, need.reason != Reason::Asked))
        };
        let mut programs = Vec::new();
        for (path, found) in &closure.entries {
            let Some(facts) = facts_of(closure, path) else { continue };
            let Some((node, by_script)) = starts(found) else { continue };
            if facts.kind == ElfKind::Library {
                continue;
            }
            let section = closure.sections.get(path).map(String::as_str);
            programs.push(Self {
                node,
                file: Object { path, facts },
                is_interpreter: by_script
                    || is_interpreter(path)
                    || section.is_some_and(runs_others),
                works_alone: section.is_some_and(works_alone),
                libraries: libraries(closure, &links, path),
            });
        }
        programs
    }

    /// Returns how the program comes to call one of these functions: itself, or through a library
    /// that does it for those who use it.
    pub(super) fn calls(&self, functions: &[&'static str]) -> Option<Evidence> {
        let called = |object: &Object<'_>| {
            functions.iter().copied().find(|name| object.facts.imports.contains(name.as_bytes()))
        };
        let own = called(&self.file).map(|sign| self.evidence(None, sign));
        own.or_else(|| {
            self.libraries.iter().find_map(|library| {
                let sign = called(library)?;
                carrier::carries(library, sign, self).then(|| self.evidence(Some(library), sign))
            })
        })
    }

    /// Returns how the program surely comes to call one of these functions: itself, or through a library
    /// whose users do, or that is a part of it by its name.
    pub(super) fn surely_calls(&self, functions: &[&'static str]) -> Option<Evidence> {
        self.calls_itself(functions).or_else(|| {
            self.libraries.iter().find_map(|library| {
                let imports = &library.facts.imports;
                let sign =
                    functions.iter().copied().find(|name| imports.contains(name.as_bytes()))?;
                self.is_sure_of(library, sign).then(|| self.evidence(Some(library), sign))
            })
        })
    }

    /// Tells whether the program surely comes to what a library calls or names.
    pub(super) fn is_sure_of(&self, library: &Object<'_>, sign: &str) -> bool {
        carrier::leads(library, sign, self).unwrap_or_else(|| {
            carrier::is_for_clients(library.path) || self.has_name_of(library.path)
        })
    }

    /// Tells whether a library bears the name of the program: `libdar64.so` that of `dar`.
    fn has_name_of(&self, library: &ImagePath) -> bool {
        let letters = |path: &ImagePath| -> Vec<u8> {
            let name = path.file_name().unwrap_or_default();
            let name = name.strip_prefix(b"lib").unwrap_or(name);
            let end = name.iter().position(|byte| !byte.is_ascii_alphabetic());
            name[..end.unwrap_or(name.len())].to_ascii_lowercase()
        };
        let (own, other) = (letters(self.file.path), letters(library));
        own.len().min(other.len()) >= MIN_NAME_BYTES
            && (own.starts_with(&other) || other.starts_with(&own))
    }

    /// Returns how the program calls one of these functions itself.
    pub(super) fn calls_itself(&self, functions: &[&'static str]) -> Option<Evidence> {
        let imports = &self.file.facts.imports;
        let sign = functions.iter().copied().find(|name| imports.contains(name.as_bytes()));
        sign.map(|sign| self.evidence(None, sign))
    }

    /// Tells whether a name stands in the constants of the program itself.
    pub(super) fn mentions(&self, mention: Mention) -> Option<Evidence> {
        let has = self.file.facts.mentions.contains(&mention);
        has.then(|| self.evidence(None, mention.text()))
    }

    /// Tells whether nothing loads libraries for it: it has no imports, and its constants are the
    /// only evidence.
    pub(super) fn is_static(&self) -> bool {
        self.file.facts.kind == ElfKind::Static
    }

    /// Tells whether it was linked by Go's linker.
    pub(super) fn is_go(&self) -> bool {
        self.file.facts.go
    }

    /// Tells whether it is of Go and connects to others by their names: not only to the log of the machine.
    pub(super) fn connects_in_go(&self) -> bool {
        let has = |mention| self.file.facts.mentions.contains(&mention);
        let dials = has(Mention::DialsInGo) && !has(Mention::LogsToMachineInGo);
        self.is_go() && (has(Mention::ConnectsInGo) || dials)
    }

    /// Tells whether a loader of glibc starts it.
    pub(super) fn is_glibc(&self) -> bool {
        self.file.facts.interpreter.as_deref().is_some_and(|interpreter| {
            let name = interpreter.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            name.starts_with(b"ld-linux")
                || name.starts_with(b"ld64.so")
                || name.starts_with(b"ld.so")
        })
    }

    pub(super) fn evidence(&self, library: Option<&Object<'_>>, sign: &'static str) -> Evidence {
        Evidence {
            program: self.file.path.clone(),
            node: self.node,
            library: library.map(|library| library.path.clone()),
            sign,
        }
    }
}

/// One file needs another one.
struct Link<'a> {
    to: &'a ImagePath,
    /// Whether that lies where only its own programs look for it, and is a part of them.
    is_private: bool,
}

/// Returns what each file needs, by the file.
fn links(closure: &Closure) -> BTreeMap<&ImagePath, Vec<Link<'_>>> {
    let mut links: BTreeMap<&ImagePath, Vec<Link<'_>>> = BTreeMap::new();
    for (to, found) in &closure.entries {
        for need in &found.needs {
            match &need.reason {
                Reason::Needed { by, rule, .. } => {
                    let is_private = matches!(rule, Rule::Rpath(_) | Rule::Runpath(_) | Rule::Path);
                    links.entry(by).or_default().push(Link { to, is_private });
                }
                Reason::Opened { by, .. } => {
                    links.entry(by).or_default().push(Link { to, is_private: false });
                }
                _ => {}
            }
        }
    }
    links
}

/// Returns the libraries of a program: those that it needs, those that its private libraries need,
/// and so on.
fn libraries<'a>(
    closure: &'a Closure,
    links: &BTreeMap<&'a ImagePath, Vec<Link<'a>>>,
    program: &'a ImagePath,
) -> Vec<Object<'a>> {
    let mut found = BTreeSet::new();
    let mut parts = vec![program];
    while let Some(part) = parts.pop() {
        for link in links.get(part).into_iter().flatten() {
            let is_part = link.is_private || carrier::is_program(link.to);
            if found.insert(link.to) && is_part {
                parts.push(link.to);
            }
        }
    }
    let object = |path: &'a ImagePath| Some(Object { path, facts: facts_of(closure, path)? });
    found.into_iter().filter_map(object).collect()
}

fn facts_of<'a>(closure: &'a Closure, path: &ImagePath) -> Option<&'a ElfFacts> {
    closure.facts.get(&digest_of(closure, path)?)
}

fn digest_of(closure: &Closure, path: &ImagePath) -> Option<Digest> {
    match &closure.entries.get(path)?.content {
        Content::File { digest, .. } => Some(*digest),
        Content::HardLink(target) => digest_of(closure, target),
        Content::Directory | Content::Symlink(_) => None,
    }
}

fn is_interpreter(path: &ImagePath) -> bool {
    let name = String::from_utf8_lossy(path.file_name().unwrap_or_default()).into_owned();
    // `guile-3.0`, `python3.11`, `mit-scheme-x86-64-12.1`; no `php-fpm`.
    let is_of_version = |rest: &str| {
        let version = rest.trim_start_matches(['-', '.']);
        let version = version.strip_prefix("x86-64-").unwrap_or(version);
        rest.is_empty() || version.starts_with(|letter: char| letter.is_ascii_digit())
    };
    INTERPRETERS.iter().any(|known| name.strip_prefix(known).is_some_and(is_of_version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_told_with_their_versions() {
        let is_one = |name: &str| {
            is_interpreter(
                &ImagePath::parse(format!("/usr/bin/{name}").as_bytes()).expect("a path"),
            )
        };
        for name in ["perl", "python3.11", "guile-3.0", "php8.2", "mit-scheme-x86-64-12.1"] {
            assert!(is_one(name), "{name}");
        }
        for name in ["php-fpm8.2", "node-exporter", "shuf", "javac"] {
            assert!(!is_one(name), "{name}");
        }
    }
}
