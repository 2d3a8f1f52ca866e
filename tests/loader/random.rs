//! Random graphs of programs and libraries, from numbered seeds: what nobody thought of.
//!
//! Each seed is a case like those of `cases/`, and is judged as they are. `LOADER_SEEDS=FIRST..END` runs others than the
//! first hundred; a case that differs is printed in the form of a case file, ready to be made smaller and kept.

use super::case::{self, Case, Family};
use super::{answer, referee, tools};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Names that are asked for. The last two are for filters alone and have none themselves: the loader does not end
/// when filters go in a circle.
const NAMES: [&str; 9] = [
    "liba.so",
    "libb.so",
    "libc1.so",
    "libd.so.1",
    "libe.so.2",
    "libf.so",
    "libg.so",
    "libfil1.so",
    "libfil2.so",
];
const FILTEES: [usize; 2] = [7, 8];

/// Where libraries stand: built-in directories and others.
const GLIBC_DIRECTORIES: [&str; 4] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"];
const AARCH64_DIRECTORIES: [&str; 4] = ["/lib", "/usr/lib", "/lib/aarch64-linux-gnu", "/lib64"];
const MUSL_DIRECTORIES: [&str; 4] = ["/lib", "/usr/lib", "/usr/local/lib", "/lib64"];
const OTHER_DIRECTORIES: [&str; 6] = ["/r1", "/r2", "/opt/app/lib", "/opt/app/bin", "/w", "/w/sub"];

/// Elements of search lists.
const ELEMENTS: [&str; 22] = [
    "/r1",
    "/r2",
    "/r1/",
    "//r2",
    "/opt/app/lib",
    "/opt/app/bin/../lib",
    "/gone/../r1",
    "/gone",
    "/via",
    "/w",
    "",
    ".",
    "sub",
    "$ORIGIN",
    "${ORIGIN}",
    "$ORIGIN/../lib",
    "$ORIGIN/sub",
    "/usr/$LIB",
    "/$LIB/x",
    "/r1/$FOO",
    "/r2/liba.so",
    "/loop",
];

/// A generator of numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).expect("it is below a usize")
    }

    /// True in so many of a hundred cases.
    fn percent(&mut self, percent: u64) -> bool {
        self.number() % 100 < percent
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// What is being made.
struct Graph {
    dice: Dice,
    family: Family,
    /// Files so far, for links to them.
    places: Vec<String>,
    /// All paths so far.
    taken: Vec<String>,
    steps: Vec<Vec<String>>,
}

impl Graph {
    fn step(&mut self, words: &[&str]) {
        self.steps.push(words.iter().map(|word| (*word).to_owned()).collect());
    }

    fn directory(&mut self) -> &'static str {
        let built_in = match self.family {
            Family::Glibc => GLIBC_DIRECTORIES,
            Family::Aarch64 => AARCH64_DIRECTORIES,
            Family::Musl => MUSL_DIRECTORIES,
        };
        if self.dice.percent(40) {
            self.dice.pick(&built_in)
        } else {
            self.dice.pick(&OTHER_DIRECTORIES)
        }
    }

    fn list(&mut self) -> String {
        let count = 1 + self.dice.below(3);
        (0..count).map(|_| self.dice.pick(&ELEMENTS)).collect::<Vec<_>>().join(":")
    }

    /// Returns what somebody asks for: mostly a name, at times a path.
    fn wanted(&mut self) -> String {
        let name = NAMES[self.dice.below(7)];
        match self.dice.below(40) {
            0 => format!("{}/{name}", self.dice.pick(&OTHER_DIRECTORIES)),
            1 => format!("./{name}"),
            2 => format!("$ORIGIN/{name}"),
            3 => format!("sub/{name}"),
            4 => "libgone.so".into(),
            5 if self.family == Family::Musl => "libm.so.6".into(),
            _ => name.into(),
        }
    }

    /// Returns the properties of a file: what it needs, and where it wants that to be searched.
    fn properties(&mut self, name: Option<usize>) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut add = |tag: &str, value: String| words.extend([tag.to_owned(), value]);
        if let Some(name) = name {
            match self.dice.below(20) {
                0..=7 => add("soname", NAMES[name].into()),
                8 => add("soname", NAMES[self.dice.below(7)].into()),
                9 => add("soname", format!("/r1/{}", NAMES[name])),
                _ => {}
            }
        }
        for tag in ["rpath", "runpath"] {
            if self.dice.percent(25) {
                let list = self.list();
                add(tag, list);
            }
        }
        let count = if name.is_none() { 1 + self.dice.below(4) } else { self.dice.below(4) };
        let mut requires: Vec<String> = Vec::new();
        // A trace begins behind the program, and its filters stand before it.
        let has_filters = name.is_some_and(|name| !FILTEES.contains(&name));
        for _ in 0..count {
            let wanted = self.wanted();
            if has_filters && self.dice.percent(5) {
                let tag = if self.dice.percent(50) { "filter" } else { "auxiliary" };
                add(tag, NAMES[FILTEES[self.dice.below(2)]].into());
            }
            if self.dice.percent(12) && wanted.starts_with("lib") && !wanted.starts_with("libgone")
            {
                let version = self.dice.pick(&["V_1", "V_2"]);
                let tag = if self.dice.percent(20) { "requires-weak" } else { "requires" };
                requires.extend([tag.to_owned(), wanted.clone(), version.to_owned()]);
            }
            add("needed", wanted);
        }
        words.extend(requires);
        if self.dice.percent(6) {
            words.push("nodeflib".into());
        }
        if name.is_some() && self.dice.percent(40) {
            words.extend(["defines", "V_1"].map(str::to_owned));
        }
        words
    }

    fn library(&mut self, name: usize) {
        let path = format!("{}/{}", self.directory(), NAMES[name]);
        if self.taken.contains(&path) {
            return;
        }
        self.taken.push(path.clone());
        let kind = self.dice.below(100);
        let existing = (!self.places.is_empty())
            .then(|| self.places[self.dice.below(self.places.len())].clone());
        match (kind, existing) {
            (0..6, Some(existing)) => self.step(&["link", &path, &existing]),
            (6..10, Some(existing)) => self.step(&["hard", &path, &existing]),
            (10..12, _) => self.step(&["link", &path, "/gone"]),
            (12..14, _) => self.step(&[
                "text",
                &path,
                "/* GNU ld script, which is long enough to have the size of a header */",
            ]),
            (14..15, _) => self.step(&["dir", &path]),
            (15..16, _) => self.step(&["text", &path, "short"]),
            _ => {
                let mut step = vec!["lib".to_owned(), path.clone()];
                step.extend(self.properties(Some(name)));
                match kind {
                    // musl does not look at the machine, and maps what it cannot run.
                    16..22 if self.family == Family::Glibc => step.push("aarch64".into()),
                    22..26 if self.family != Family::Musl => {
                        step.extend(["set", "ei_class", "1"].map(str::to_owned));
                    }
                    26..28 => step.push("pie".into()),
                    28 => step.push("fixed".into()),
                    29 => step.extend(["truncate", "40"].map(str::to_owned)),
                    _ => self.places.push(path),
                }
                self.steps.push(step);
            }
        }
    }
}

/// Returns the case of a seed.
fn generate(seed: u64) -> Case {
    let mut dice = Dice(seed);
    let family = match dice.below(20) {
        0..=13 => Family::Glibc,
        14..=17 => Family::Musl,
        _ => Family::Aarch64,
    };
    let mut graph =
        Graph { dice, family, places: Vec::new(), taken: Vec::new(), steps: Vec::new() };
    for name in 0..NAMES.len() {
        let is_filtee = FILTEES.contains(&name);
        for _ in 0..if is_filtee { 1 } else { 1 + graph.dice.below(3) } {
            graph.library(name);
        }
    }
    let program = graph.dice.pick(&["/bin/p", "/opt/app/bin/p", "/usr/lib/p"]);
    let mut step = vec!["prog".to_owned(), program.to_owned()];
    step.extend(graph.properties(None));
    graph.steps.push(step);
    let mut run = program.to_owned();
    if graph.dice.percent(15) {
        run = "/r1/link".into();
        graph.step(&["link", "/r1/link", program]);
    }
    graph.step(&["link", "/via", "opt/app/lib"]);
    graph.step(&["link", "/loop", "loop"]);
    if family == Family::Glibc && graph.dice.percent(30) {
        let directories = graph.dice.pick(&["/r1\n", "/opt/app/lib\n/r2\n", "/w\n/r1\n"]);
        graph.step(&["text", "/etc/ld.so.conf", directories]);
        let format = graph.dice.pick(&["new", "compat"]);
        graph.step(&["ldconfig", format]);
        if !graph.places.is_empty() && graph.dice.percent(25) {
            let removed = graph.places[graph.dice.below(graph.places.len())].clone();
            graph.step(&["remove", &removed]);
        }
    }
    if family == Family::Musl && graph.dice.percent(15) {
        let text = graph.dice.pick(&["/r1:/lib\n", "/r2\n/usr/lib", ""]);
        graph.step(&["text", "/etc/ld-musl-x86_64.path", text]);
    }
    let mut env = Vec::new();
    if graph.dice.percent(30) {
        env.push(("LD_LIBRARY_PATH".to_owned(), graph.list()));
    }
    if graph.dice.percent(12) {
        let names = [graph.wanted(), graph.wanted()];
        env.push(("LD_PRELOAD".to_owned(), names.join(":")));
    }
    let cwd = graph.dice.pick(&["/", "/", "/w", "/r1"]);
    Case {
        group: "random".into(),
        name: format!("seed_{seed}"),
        family,
        steps: graph.steps,
        env,
        cwd: cwd.into(),
        run,
        platform: None,
        expect: Vec::new(),
    }
}

/// Returns a case as it would stand in a file.
fn text(case: &Case) -> String {
    let quoted = |word: &String| format!("\"{}\"", word.replace('\n', "\\n"));
    let mut text = format!("family {:?}\ncase {}\n", case.family, case.name).to_lowercase();
    for step in &case.steps {
        let words: Vec<String> = step
            .iter()
            .map(|word| {
                if word.is_empty() || word.contains(char::is_whitespace) {
                    quoted(word)
                } else {
                    word.clone()
                }
            })
            .collect();
        let _ = writeln!(text, "{}", words.join(" "));
    }
    for (name, value) in &case.env {
        let _ = writeln!(text, "env {name}={value}");
    }
    let _ = writeln!(text, "cwd {}\nrun {}", case.cwd, case.run);
    text
}

fn seeds() -> std::ops::Range<u64> {
    let Ok(chosen) = std::env::var("LOADER_SEEDS") else { return 0..100 };
    let (first, end) = chosen.split_once("..").expect("LOADER_SEEDS is FIRST..END");
    first.parse().expect("a number")..end.parse().expect("a number")
}

#[test]
fn random_graphs_agree_with_the_loader() {
    let tools = match tools::Tools::collect() {
        Ok(tools) => tools,
        Err(reason) => return eprintln!("random graphs: skipped, {reason}"),
    };
    let (mut agreeing, mut missing, mut fatal, mut differences) = (0, 0, 0, Vec::new());
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in seeds() {
        let case = generate(seed);
        if let Some(reason) = tools.lacks(&case) {
            *skipped.entry(reason).or_default() += 1;
            continue;
        }
        let root = tools.directory.path().join("random").join(&case.name);
        let theirs = catch_unwind(AssertUnwindSafe(|| {
            case::build(&case, &root, &tools);
            referee::ask(&case, &root, &tools)
        }));
        let Ok(theirs) = theirs else {
            // Among random files are some that crash the loader.
            *skipped.entry("the loader gives no answer").or_default() += 1;
            continue;
        };
        fatal += usize::from(theirs.fatal.is_some());
        missing += usize::from(!theirs.starts && theirs.fatal.is_none());
        match answer::ask(&case, &root).and_then(|ours| answer::compare(&theirs, &ours)) {
            Ok(()) => agreeing += 1,
            Err(difference) => differences.push(format!("{}{difference}", text(&case))),
        }
        let _ = fs::remove_dir_all(&root);
    }
    for (reason, count) in skipped {
        eprintln!("random graphs: {count} skipped, {reason}");
    }
    let asked = agreeing + differences.len();
    eprintln!(
        "random graphs: {asked} ({missing} lack a library, {fatal} are refused), {agreeing} agree"
    );
    assert!(differences.is_empty(), "{} differ\n\n{}", differences.len(), differences.join("\n"));
}
