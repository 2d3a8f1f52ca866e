//! A trace as `imgc ldd` shows it.

use imgc_planner::Rule;
use imgc_planner::recipe::Printable;

use super::elf::Tag;
use super::symbols::{SymbolCause, SymbolProblem};
use super::trace::{Candidate, Listed, Missing, Requester, Target, Trace};
use super::versions::{VersionCause, VersionProblem};

/// Most versions that are named of a file that lacks another one.
const MAX_PROVIDED: usize = 8;

/// What `imgc ldd` shows of one program. The loader and the vDSO are not among the libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The program, as it was asked for.
    pub file: Box<[u8]>,
    /// `PT_INTERP`.
    pub interpreter: Option<Box<[u8]>>,
    /// The libraries in the order of the loader's list. One that is missing stands where a trace
    /// of the real loader shows it: once for each who asks.
    pub libraries: Vec<Library>,
    /// What is missing and can be done without: auxiliary filters, auditors, preloads.
    pub optional: Vec<Library>,
    /// Versions that are needed and not there.
    pub problems: Vec<Problem>,
    /// Why the program does not start, other than a missing library.
    pub fatal: Option<String>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The name as it was first asked for, after expansion of tokens.
    pub name: Box<[u8]>,
    /// By which tag.
    pub tag: Tag,
    /// The path as it was opened; nothing if it is missing.
    pub path: Option<Box<[u8]>>,
    /// The path in the root with all links resolved.
    pub real_path: Option<Box<[u8]>>,
    /// How it was found.
    pub rule: Option<Rule>,
    /// Who asked first: the path as opened, or the program's.
    pub needed_by: Box<[u8]>,
    /// What was looked at and not taken, in order, for one that is missing.
    pub tried: Vec<Candidate>,
}

/// Something that is wrong with the symbols of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What, for people; nothing in it can steer a terminal.
    pub text: String,
    /// Whether the program does not start.
    pub is_fatal: bool,
    /// Whether something of it cannot work; otherwise this is a remark.
    pub fails: bool,
}

impl Listing {
    /// Returns what is shown of a program that does not get as far as its loader.
    #[must_use]
    pub fn refused(file: &[u8], fatal: String) -> Self {
        Self {
            file: file.into(),
            interpreter: None,
            libraries: Vec::new(),
            optional: Vec::new(),
            problems: Vec::new(),
            fatal: Some(fatal),
        }
    }

    /// Tells whether a library is missing that the start needs.
    #[must_use]
    pub fn lacks_library(&self) -> bool {
        self.libraries.iter().any(|library| library.path.is_none())
    }
}

impl Trace {
    /// Returns what `imgc ldd` shows of this, for a program asked for as `file`.
    #[must_use]
    pub fn listing(&self, file: &[u8]) -> Listing {
        let listed = self.order.iter().filter_map(|listed| match listed {
            Listed::Object(place) => {
                let object = &self.objects[*place];
                Some(Library {
                    name: object.names.first().cloned().unwrap_or_default(),
                    tag: object.tag,
                    path: Some(object.path.clone()),
                    real_path: Some(object.walk.real.as_bytes().into()),
                    rule: Some(object.found.rule.clone()),
                    needed_by: self.path_of(object.requester, file).into(),
                    tried: Vec::new(),
                })
            }
            Listed::Missing(place) => {
                let missing = &self.missing[*place];
                missing.required.then(|| self.missing_library(missing, file))
            }
        });
        let libraries = listed.collect();
        let optional = self.missing.iter().filter(|missing| !missing.required);
        let problems = self.versions.iter().map(|problem| Problem {
            text: self.version_text(problem, file),
            is_fatal: problem.cause.is_error(),
            fails: problem.cause.is_error(),
        });
        let symbols = self.symbols.iter().map(|problem| Problem {
            text: self.symbol_text(problem, file),
            is_fatal: problem.cause.is_fatal(),
            fails: problem.cause.fails(),
        });
        let mut listing = Listing {
            file: file.into(),
            interpreter: self
                .kind
                .interpreter()
                .filter(|_| !self.main.library)
                .map(|interpreter| interpreter.path.clone()),
            libraries,
            optional: optional.map(|missing| self.missing_library(missing, file)).collect(),
            problems: problems.chain(symbols).collect(),
            fatal: self
                .fatal
                .as_ref()
                .map(|fatal| format!("{}: {}", Printable::new(&fatal.path), fatal.cause)),
        };
        // A loader that lacks a library says so, and looks at no version.
        if listing.fatal.is_none() && !listing.lacks_library() {
            let first = listing.problems.iter().find(|problem| problem.is_fatal);
            listing.fatal = first.map(|problem| problem.text.clone());
        }
        listing
    }

    fn missing_library(&self, missing: &Missing, file: &[u8]) -> Library {
        Library {
            name: missing.name.clone(),
            tag: missing.tag,
            path: None,
            real_path: None,
            rule: None,
            needed_by: self.path_of(missing.requester, file).into(),
            tried: missing.tried.clone(),
        }
    }

    /// Returns the path of who asks, as it was opened; `file` for the program.
    #[must_use]
    pub fn path_of<'a>(&'a self, requester: Requester, file: &'a [u8]) -> &'a [u8] {
        match requester {
            Requester::Main => file,
            Requester::Object(place) => &self.objects[place].path,
        }
    }

    /// Words a version that is not there as the loader does (`elf/dl-version.c`), and adds which
    /// versions there are.
    fn version_text(&self, problem: &VersionProblem, file: &[u8]) -> String {
        let by = Printable::new(self.path_of(problem.object, file));
        let name = Printable::new(&problem.file);
        let version = Printable::new(&problem.version);
        let provider: &[u8] = match problem.provider {
            None | Some(Target::Vdso) => &problem.file,
            Some(Target::Main) => file,
            Some(Target::Interpreter) => {
                self.kind.interpreter().map_or(&problem.file, |interpreter| &interpreter.path)
            }
            Some(Target::Object(place)) => &self.objects[place].path,
        };
        let provider = Printable::new(provider);
        match problem.cause {
            VersionCause::NotFound | VersionCause::WeakNotFound => {
                let provided = self.provided(problem);
                format!("{provider}: version `{version}' not found (required by {by}){provided}")
            }
            VersionCause::NoInformation => {
                format!("{provider}: no version information available (required by {by})")
            }
            VersionCause::NoSymbolVersions => format!(
                "{provider}: no version information available (required by {by}), which ends in \
                 an assertion when a symbol is bound"
            ),
            VersionCause::NotLoaded => {
                format!("{by}: needs versions of `{name}', which it does not load")
            }
            VersionCause::RelrWithoutMarker => {
                format!("{by}: DT_RELR without {version} dependency")
            }
        }
    }

    /// Words a symbol that is not there as the loader does (`elf/dl-lookup.c`).
    fn symbol_text(&self, problem: &SymbolProblem, file: &[u8]) -> String {
        let by = Printable::new(self.path_of(problem.object, file));
        let name = Printable::new(&problem.name);
        let version = match &problem.version {
            Some(version) => format!(", version {}", Printable::new(version)),
            None => String::new(),
        };
        match problem.cause {
            SymbolCause::Data | SymbolCause::BoundAtStart => {
                format!("{by}: undefined symbol: {name}{version}")
            }
            SymbolCause::BoundWhenCalled => {
                format!("{by}: undefined symbol: {name}{version} (looked up when it is called)")
            }
            SymbolCause::CopyOfProtected => {
                format!("{by}: copy relocation against non-copyable protected symbol={name}")
            }
            SymbolCause::OtherSize => {
                format!("{by}: symbol {name} has different size in shared object")
            }
            SymbolCause::UnknownMachine => {
                format!("{by}: the relocations of its machine are not known")
            }
            SymbolCause::Unreadable => format!("{by}: its symbols or relocations are broken"),
        }
    }

    /// Says which versions of the same series a file defines.
    fn provided(&self, problem: &VersionProblem) -> String {
        let elf = match problem.provider {
            Some(Target::Object(place)) => Some(&self.objects[place].elf),
            Some(Target::Main) => Some(&self.main.elf),
            Some(Target::Interpreter) => {
                self.kind.interpreter().map(|interpreter| &interpreter.elf)
            }
            Some(Target::Vdso) | None => None,
        };
        let definitions = elf.and_then(|elf| elf.dynamic()?.version_definitions.as_deref());
        let series = |version: &[u8]| {
            let end = version.iter().rposition(|byte| *byte == b'_').unwrap_or(0);
            version[..end].to_vec()
        };
        // The first definition is the file's own name.
        let related: Vec<String> = definitions
            .unwrap_or_default()
            .iter()
            .skip(1)
            .filter(|definition| series(&definition.name) == series(&problem.version))
            .map(|definition| Printable::new(&definition.name).to_string())
            .collect();
        let shown = &related[related.len().saturating_sub(MAX_PROVIDED)..];
        match (shown, related.len() > MAX_PROVIDED) {
            ([], _) => String::new(),
            (shown, true) => format!("; provided are … {}", shown.join(" ")),
            (shown, false) => format!("; provided are {}", shown.join(" ")),
        }
    }
}
