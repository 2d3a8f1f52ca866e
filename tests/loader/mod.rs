//! `imgc ldd` against the real loaders.
//!
//! Each case of `cases/` is made in a directory of its own; the loader of this machine starts it with that directory
//! as its root (`referee.rs`), and `imgc ldd` must give the same answer without starting anything. No expected
//! outcome is written down, except where no loader can be asked. `random.rs` makes cases that nobody thought of, and
//! `hostile.rs` files that no linker makes.
//!
//! `agree.py` is apart: it compares every program of this machine.
//!
//! `IMGC_BIN` names another program to test; `LOADER_CASE` picks cases by a part of their name and shows the
//! loader's answers; `LOADER_KEEP` is a directory in which the roots are kept.

mod answer;
mod case;
mod elf;
mod hostile;
mod random;
mod referee;
mod symbols;
mod tools;

use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn answers_agree_with_the_loader() {
    let tools = match tools::Tools::collect() {
        Ok(tools) => tools,
        Err(reason) => return eprintln!("loader corpus: skipped, {reason}"),
    };
    let chosen = std::env::var("LOADER_CASE").ok();
    let kept = std::env::var_os("LOADER_KEEP").map(PathBuf::from);
    let (mut asked, mut agreeing, mut differences) = (0, 0, Vec::new());
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for case in case::read_all() {
        if chosen.as_ref().is_some_and(|part| !case.name.contains(part.as_str())) {
            continue;
        }
        if let Some(reason) = tools.lacks(&case) {
            *skipped.entry(reason).or_default() += 1;
            continue;
        }
        let root = kept
            .as_deref()
            .unwrap_or(tools.directory.path())
            .join("roots")
            .join(&case.group)
            .join(&case.name);
        case::build(&case, &root, &tools);
        let theirs = referee::ask(&case, &root, &tools);
        asked += 1;
        if chosen.is_some() {
            println!("{}\n{}", case.name, answer::lines("loader", &theirs));
        }
        match answer::ask(&case, &root).and_then(|ours| answer::compare(&theirs, &ours)) {
            Ok(()) => agreeing += 1,
            Err(difference) => {
                differences.push(format!("{}/{}\n{difference}", case.group, case.name))
            }
        }
    }
    for (reason, count) in skipped {
        eprintln!("loader corpus: {count} cases skipped, {reason}");
    }
    eprintln!("loader corpus: {asked} cases, {agreeing} agree");
    assert!(
        differences.is_empty(),
        "{} cases differ\n\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn case_names_are_unique() {
    let mut names: Vec<String> = case::read_all().into_iter().map(|case| case.name).collect();
    assert!(names.len() >= 100, "only {} cases", names.len());
    names.sort();
    let repeated: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
}
