//! The cases as text: what is in the root, what is started.
//!
//! ```text
//! case runpath_is_not_inherited        a name that says the rule
//! prog /bin/p needed liba.so runpath /a:/b
//! lib /a/liba.so needed libb.so
//! lib /b/libb.so
//! ```
//!
//! Lines: `lib`, `prog` PATH with properties (see [`property`]); `link` PATH TARGET; `hard` PATH EXISTING; `dir` PATH;
//! `text` PATH CONTENT; `loader` PATH (the loader once more); `libc` PATH (the libc beside it); `chmod` PATH MODE; `remove` PATH; `move`
//! FROM TO; `ldconfig` `new|compat|old`; `env` NAME=VALUE; `cwd` DIR; `run` PATH (the first program otherwise); `platform` NAME;
//! `family glibc|aarch64|musl` (until the end of the file); `expect missing|fatal|NAME PATH` and `because` where
//! no loader can be asked. A word with blanks is quoted; `\n`, `\e`, `\"` and `\\` are known. `#` starts a comment.

use super::elf::{self, Elf, Machine, Value};
use super::tools::Tools;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Which loader is asked, and for which processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    Glibc,
    Aarch64,
    Musl,
}

impl Family {
    /// Returns the path of the loader, as programs name it.
    pub(crate) fn interpreter(self) -> &'static str {
        match self {
            Family::Glibc => "/lib64/ld-linux-x86-64.so.2",
            Family::Aarch64 => "/lib/ld-linux-aarch64.so.1",
            Family::Musl => "/lib/ld-musl-x86_64.so.1",
        }
    }

    pub(crate) fn machine(self) -> Machine {
        match self {
            Family::Glibc | Family::Musl => Machine::X86_64,
            Family::Aarch64 => Machine::Aarch64,
        }
    }
}

/// One case, parsed.
#[derive(Debug)]
pub(crate) struct Case {
    /// The group it belongs to: the name of its file.
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) family: Family,
    /// The lines that make the root, as words, in file order.
    pub(crate) steps: Vec<Vec<String>>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) cwd: String,
    pub(crate) run: String,
    pub(crate) platform: Option<String>,
    /// The words after `expect`. Empty: the loader is asked.
    pub(crate) expect: Vec<Vec<String>>,
}

impl Case {
    /// Whether a line of the case begins with `verb`.
    pub(crate) fn has(&self, verb: &str) -> bool {
        self.steps.iter().any(|step| step[0] == verb)
    }

    /// Returns the loader that the program names.
    pub(crate) fn interpreter(&self) -> &str {
        let mut programs = self.steps.iter().filter(|step| step[0] == "prog");
        let named = programs.find_map(|step| {
            let at = step.iter().position(|word| word == "interpreter")?;
            step.get(at + 1).map(String::as_str)
        });
        named.unwrap_or(self.family.interpreter())
    }

    /// Whether the processor of this machine could change the answer.
    pub(crate) fn depends_on_processor(&self) -> bool {
        const SIGNS: [&str; 5] = ["glibc-hwcaps", "PLATFORM", "/haswell/", "/x86_64/", "isa"];
        let words = || self.steps.iter().flatten();
        self.family == Family::Glibc
            && words().any(|word| SIGNS.iter().any(|sign| word.contains(sign)))
    }
}

/// Returns all cases below `tests/loader/cases`, by file name, then in file order.
pub(crate) fn read_all() -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loader/cases");
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the cases are there")
        .map(|entry| entry.expect("it is readable").path())
        .collect();
    files.sort();
    files.iter().flat_map(|file| parse(file)).collect()
}

fn parse(file: &Path) -> Vec<Case> {
    let group = file.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(file).expect("a case file is readable");
    let mut family = Family::Glibc;
    let mut cases: Vec<Case> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words = words(line);
        let Some(verb) = words.first() else { continue };
        let complain = || -> ! { panic!("{}:{}: {line}", file.display(), index + 1) };
        let word = |at: usize| words.get(at).cloned().unwrap_or_else(|| complain());
        match (verb.as_str(), cases.last_mut()) {
            ("family", _) => {
                family = match word(1).as_str() {
                    "glibc" => Family::Glibc,
                    "aarch64" => Family::Aarch64,
                    "musl" => Family::Musl,
                    _ => complain(),
                }
            }
            ("case", _) => cases.push(Case {
                group: group.clone(),
                name: word(1),
                family,
                steps: Vec::new(),
                env: Vec::new(),
                cwd: "/".into(),
                run: String::new(),
                platform: None,
                expect: Vec::new(),
            }),
            ("env", Some(case)) => {
                let (name, value) = words[1].split_once('=').unwrap_or_else(|| complain());
                case.env.push((name.into(), value.into()));
            }
            ("cwd", Some(case)) => case.cwd = word(1),
            ("run", Some(case)) => case.run = word(1),
            ("platform", Some(case)) => case.platform = Some(word(1)),
            ("expect", Some(case)) => case.expect.push(words[1..].to_vec()),
            ("because", Some(_)) => {}
            (
                "lib" | "prog" | "link" | "hard" | "dir" | "text" | "libc" | "loader" | "chmod"
                | "remove" | "move" | "ldconfig",
                Some(case),
            ) => {
                if verb == "prog" && case.run.is_empty() {
                    case.run = word(1);
                }
                case.steps.push(words);
            }
            _ => complain(),
        }
    }
    cases
}

/// Splits a line as described above.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut letters = line.chars().peekable();
    while let Some(&first) = letters.peek() {
        if first == '#' {
            break;
        }
        if first.is_whitespace() {
            letters.next();
            continue;
        }
        let quoted = first == '"';
        if quoted {
            letters.next();
        }
        let mut word = String::new();
        while let Some(letter) =
            letters.next_if(|next| if quoted { *next != '"' } else { !next.is_whitespace() })
        {
            word.push(match letter {
                '\\' => match letters.next().expect("a letter follows a backslash") {
                    'n' => '\n',
                    't' => '\t',
                    'e' => '\x1b',
                    other => other,
                },
                other => other,
            });
        }
        if quoted {
            assert_eq!(letters.next(), Some('"'), "no closing quote: {line}");
        }
        words.push(word);
    }
    words
}

/// Makes the root of `case` at `root`, with the loader of its family in its usual place.
pub(crate) fn build(case: &Case, root: &Path, tools: &Tools) {
    fs::create_dir_all(root.join("proc")).expect("the root can be made");
    let loader = tools.loader(case.family).expect("cases without a loader are skipped");
    // A case that speaks of the loader's own place makes it itself.
    let speaks_of_loader = case.steps.iter().any(|step| step[1] == case.family.interpreter());
    let links_its_directory = case
        .steps
        .iter()
        .any(|step| step[0] == "link" && matches!(step[1].as_str(), "/lib64" | "/lib"));
    if !speaks_of_loader && !links_its_directory {
        hard_link(loader, &place(root, case.family.interpreter()));
    }
    for step in &case.steps {
        let word = |at: usize| {
            step.get(at).unwrap_or_else(|| panic!("{}: too short: {step:?}", case.name)).as_str()
        };
        let path = || place(root, word(1));
        // What is written to a link is written where it leads: to this machine, if it is absolute.
        let writes = matches!(word(0), "lib" | "prog" | "text" | "chmod");
        assert!(!(writes && path().is_symlink()), "{}: {step:?}: it is a link", case.name);
        match word(0) {
            "lib" | "prog" => {
                let bytes = file(step, case.family, tools);
                fs::write(path(), bytes).expect("a file can be written");
                let mode = if word(0) == "prog" { 0o755 } else { 0o644 };
                fs::set_permissions(path(), fs::Permissions::from_mode(mode))
                    .expect("a mode can be set");
            }
            "link" => {
                let made = std::os::unix::fs::symlink(word(2), path());
                made.unwrap_or_else(|error| panic!("{}: {step:?}: {error}", case.name));
            }
            "hard" => hard_link(&place(root, word(2)), &path()),
            "dir" => fs::create_dir_all(path()).expect("a directory can be made"),
            "text" => fs::write(path(), word(2)).expect("a file can be written"),
            "libc" => hard_link(
                tools.libc(case.family).expect("cases without a libc are skipped"),
                &path(),
            ),
            "loader" => hard_link(loader, &path()),
            "chmod" => {
                let mode = u32::from_str_radix(word(2), 8).expect("a mode is octal");
                fs::set_permissions(path(), fs::Permissions::from_mode(mode))
                    .expect("a mode can be set");
            }
            "remove" => fs::remove_file(path()).expect("a file can be removed"),
            "move" => fs::rename(path(), place(root, word(2))).expect("a file can be moved"),
            "ldconfig" => tools.ldconfig(root, word(1)),
            other => unreachable!("`parse` knows no `{other}`"),
        }
    }
    if case.cwd != "/" && fs::symlink_metadata(root.join(&case.cwd[1..])).is_err() {
        fs::create_dir_all(root.join(&case.cwd[1..])).expect("a directory can be made");
    }
}

/// Returns where the in-root `path` lies on this machine, its directory made. Links on the way are followed as
/// written, so cases that make directory links use relative targets or write below the real directory.
fn place(root: &Path, path: &str) -> PathBuf {
    let place =
        root.join(path.strip_prefix('/').unwrap_or_else(|| panic!("`{path}` is not absolute")));
    if let Some(directory) = place.parent() {
        let existing = directory.ancestors().find(|above| above.exists()).unwrap_or(root);
        let inside = existing.canonicalize().ok().zip(root.canonicalize().ok());
        let inside = inside.is_some_and(|(existing, root)| existing.starts_with(root));
        assert!(inside, "`{path}` lies behind a link out of the root");
        fs::create_dir_all(directory).expect("a directory can be made");
    }
    place
}

fn hard_link(existing: &Path, new: &Path) {
    fs::hard_link(existing, new)
        .unwrap_or_else(|error| panic!("{} -> {}: {error}", new.display(), existing.display()));
}

fn file(step: &[String], family: Family, tools: &Tools) -> Vec<u8> {
    let mut elf = Elf { machine: family.machine(), dynamic: Some(Vec::new()), ..Elf::default() };
    if step[0] == "prog" {
        elf.interpreter = Some(family.interpreter().into());
    }
    let mut patches: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut length = usize::MAX;
    let mut rest = step[2..].iter().map(String::as_str);
    while let Some(name) = rest.next() {
        match name {
            "set" => {
                let field = rest.next().expect("`set` names a field");
                let number = number(rest.next().expect("`set` gives a number"));
                let (_, at, width) = elf::FIELDS
                    .iter()
                    .find(|(name, ..)| *name == field)
                    .unwrap_or_else(|| panic!("no field {field}"));
                patches.push((*at, number.to_le_bytes()[..*width].to_vec()));
            }
            "truncate" => length = number(rest.next().expect("`truncate` gives a length")) as usize,
            name => property(&mut elf, name, &mut rest),
        }
    }
    if step[0] == "prog" {
        elf.code = tools.start_code(elf.machine);
    }
    let mut bytes = elf::write(&elf);
    for (at, patch) in patches {
        bytes[at..at + patch.len()].copy_from_slice(&patch);
    }
    bytes.truncate(length);
    bytes
}

/// Applies one property of a `lib` or `prog`. Entries of the dynamic table stand in it in the order they are given.
fn property<'a>(elf: &mut Elf, name: &str, rest: &mut impl Iterator<Item = &'a str>) {
    let mut word = || rest.next().unwrap_or_else(|| panic!("`{name}` wants a value")).to_owned();
    const DF_1_NODEFLIB: u64 = 0x800;
    const DF_1_PIE: u64 = 0x0800_0000;
    let tag = match name {
        "needed" => elf::DT_NEEDED,
        "soname" => elf::DT_SONAME,
        "rpath" => elf::DT_RPATH,
        "runpath" => elf::DT_RUNPATH,
        "auxiliary" => elf::DT_AUXILIARY,
        "filter" => elf::DT_FILTER,
        "audit" => elf::DT_AUDIT,
        "nodeflib" => return elf.flags_1 |= DF_1_NODEFLIB,
        "pie" => return elf.flags_1 |= DF_1_PIE,
        "fixed" => return elf.fixed = true,
        "static" => return elf.interpreter = None,
        "interpreter" => return elf.interpreter = Some(word().into_bytes()),
        "no-dynamic" => return elf.dynamic = None,
        "empty-dynamic" => return elf.dynamic_is_empty = true,
        "unloadable" => return elf.unloadable = true,
        "aarch64" => return elf.machine = Machine::Aarch64,
        "defines" => return elf.defines.push(word()),
        "requires" => return elf.requires.push((word(), word(), false)),
        "requires-weak" => return elf.requires.push((word(), word(), true)),
        "versym" => return elf.versym = true,
        // DT_RELR, DT_RELRSZ, DT_RELRENT: an empty table.
        "relr" => return elf.last.extend([(36, 0), (35, 0), (37, 8)]),
        "isa" => return elf.isa = number(&word()) as u32,
        other => panic!("unknown property `{other}`"),
    };
    let text = word().into_bytes();
    elf.dynamic.as_mut().expect("`no-dynamic` comes last").push((tag, Value::Text(text)));
}

fn number(text: &str) -> u64 {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("`{text}` is no number"))
}
