//! Asks the real loader.
//!
//! Twice: a real start, in which the program itself prints what was loaded (`start.c`), and a trace, which alone
//! gives the names that were asked for and those that are missing. Where both can speak they must agree.

use super::case::{Case, Family};
use super::tools::Tools;
use std::path::Path;

/// One library of an answer. Paths are absolute, in the root.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Found {
    pub(crate) name: String,
    /// As it was opened; `None` if it is missing.
    pub(crate) path: Option<String>,
    /// With all links resolved; `None` if missing or not known.
    pub(crate) real_path: Option<String>,
}

/// What a loader does with a program.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Answer {
    /// In load order, without the program, the loader and the vDSO.
    pub(crate) libraries: Vec<Found>,
    /// Why the program does not start, other than a missing library.
    pub(crate) fatal: Option<String>,
    /// Whether the program runs, missing libraries or not.
    pub(crate) starts: bool,
}

/// Returns what the loader of `case` does, and panics if it contradicts itself.
pub(crate) fn ask(case: &Case, root: &Path, tools: &Tools) -> Answer {
    if !case.expect.is_empty() {
        let answer = expected(case);
        if case.steps.iter().any(|step| step[0] == "chmod" && step[2].starts_with('4')) {
            confirm(&answer, case, root, tools);
        }
        return answer;
    }
    let start = |more: &[(&str, &str)], program: &[&str]| {
        let mut env = case.env.clone();
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        tools.start(case.family, root, &case.cwd, &env, program)
    };
    let run = start(&[], &[&case.run]);
    let starts = run.status.success();
    let reason = String::from_utf8_lossy(&run.stderr).trim().to_owned();
    if reason.starts_with("enter: ") {
        return Answer { fatal: Some(reason), ..Answer::default() };
    }
    // 139: the emulator passes it on.
    let crashed = run.status.code().is_none_or(|code| code == 139);
    assert!(!crashed, "{}: a crash is no answer: {} {reason}", case.name, run.status);
    let mut answer = Answer { starts, ..Answer::default() };
    let mut started: Vec<String> =
        String::from_utf8_lossy(&run.stdout).split_terminator('\0').map(str::to_owned).collect();
    let is_library = |path: &str| {
        !path.is_empty() && path != case.interpreter() && !path.starts_with("linux-vdso")
    };
    match case.family {
        Family::Glibc | Family::Aarch64 => {
            let trace = start(&[("LD_TRACE_LOADED_OBJECTS", "1"), ("LD_WARN", "1")], &[&case.run]);
            let text = String::from_utf8_lossy(&trace.stdout).into_owned();
            // A static program ignores the request and runs.
            answer.libraries = if text.contains('\0') || text.is_empty() {
                Vec::new()
            } else {
                parse_trace(&text)
            };
            let missing = answer.libraries.iter().any(|found| found.path.is_none());
            if !trace.status.success() {
                answer.fatal = Some(String::from_utf8_lossy(&trace.stderr).trim().to_owned());
            } else if !starts && !missing {
                answer.fatal = Some(reason);
            }
        }
        Family::Musl => {
            // Explicitly started, musl takes the origin from the path it is given; a real start from the real path.
            let real = tools.real_paths(root, &case.cwd, &[&case.run]).remove(0);
            let trace = start(&[], &[case.interpreter(), "--list", &real]);
            answer.libraries = parse_trace(&String::from_utf8_lossy(&trace.stdout));
            let complaints = String::from_utf8_lossy(&trace.stderr).into_owned();
            for line in complaints.lines() {
                // Whatever is wrong with a library, musl says so, goes on, and ends with 127.
                let complaint = line.strip_prefix("Error loading shared library ");
                match complaint
                    .and_then(|rest| rest.rsplit_once(" (needed by ")?.0.rsplit_once(": "))
                {
                    Some((name, _)) => {
                        answer.libraries.push(Found {
                            name: name.to_owned(),
                            path: None,
                            real_path: None,
                        });
                    }
                    None => answer.fatal = Some(line.to_owned()),
                }
            }
            // The program's own name stands first, as it was started.
            started.splice(..1.min(started.len()), []);
        }
    }
    answer.libraries.retain(|found| found.path.as_deref().is_none_or(is_library));
    if starts {
        // The program runs, so what is missing was not needed: `DT_AUXILIARY`.
        answer.libraries.retain(|found| found.path.is_some());
        if answer.libraries.is_empty() {
            // The trace of a program that needs nothing says so and ends, even if there are preloads.
            let named_by_path = |path: &String| Found {
                name: path.clone(),
                path: Some(path.clone()),
                real_path: None,
            };
            answer.libraries =
                started.iter().filter(|path| is_library(path)).map(named_by_path).collect();
        }
        let traced: Vec<&str> =
            answer.libraries.iter().filter_map(|found| found.path.as_deref()).collect();
        started.retain(|path| is_library(path));
        assert_eq!(
            started, traced,
            "{}: the loader starts (left) other files than it traces (right)",
            case.name
        );
    }
    complete(&mut answer, case, root, tools);
    answer
}

/// Makes paths absolute and adds the real ones.
fn complete(answer: &mut Answer, case: &Case, root: &Path, tools: &Tools) {
    let opened: Vec<String> =
        answer.libraries.iter().filter_map(|found| found.path.clone()).collect();
    let opened: Vec<&str> = opened.iter().map(String::as_str).collect();
    if opened.is_empty() {
        return;
    }
    let mut real = tools.real_paths(root, &case.cwd, &opened).into_iter();
    for found in &mut answer.libraries {
        if let Some(path) = &found.path {
            found.real_path = real.next();
            found.path = Some(absolute(path, &case.cwd));
        }
    }
}

/// Returns `path` below `cwd`, without `.` and doubled slashes. `..` stays: what it means depends on links.
pub(crate) fn absolute(path: &str, cwd: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{cwd}/{path}") };
    let parts = whole.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.fold(String::new(), |path, part| path + "/" + part)
}

/// Reads `ldd`'s text. A name may hold line ends, so an entry ends where its address does.
fn parse_trace(text: &str) -> Vec<Found> {
    let mut libraries = Vec::new();
    let mut entry = String::new();
    for line in text.split_inclusive('\n') {
        // What does not begin with a tab is a complaint about versions or symbols.
        if entry.is_empty() && !line.starts_with('\t') {
            continue;
        }
        entry.push_str(line);
        let whole = entry.trim_end_matches('\n').trim_start_matches('\t');
        // musl writes the address of what is mapped at 0 without its `0x`.
        let address =
            whole.rfind(" (0").filter(|at| whole.ends_with(')') && !whole[*at..].contains('\n'));
        let (names, missing) = match (whole.strip_suffix(" => not found"), address) {
            (Some(name), _) => (name, true),
            (None, Some(at)) => (&whole[..at], false),
            (None, None) if whole == "statically linked" => break,
            (None, None) => continue,
        };
        let (name, path) = match names.split_once(" => ") {
            Some((name, path)) if !missing => (name, path),
            _ => (names, names),
        };
        let path = (!missing).then(|| path.to_owned());
        libraries.push(Found { name: name.to_owned(), path, real_path: None });
        entry.clear();
    }
    libraries
}

/// Checks the written answer for a set-id program by a real start, if this user can make one.
fn confirm(answer: &Answer, case: &Case, root: &Path, tools: &Tools) {
    let program = ["--nobody", &case.run];
    let run = tools.start(case.family, root, &case.cwd, &case.env, &program);
    if run.status.code() == Some(77) {
        return;
    }
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let paths = text.split_terminator('\0').filter(|path| path.starts_with('/'));
    let started: Vec<&str> = paths.filter(|path| *path != case.interpreter()).collect();
    let written: Vec<&str> =
        answer.libraries.iter().filter_map(|found| found.path.as_deref()).collect();
    assert_eq!((run.status.success(), started), (answer.starts, written), "{}", case.name);
}

/// Returns the answer that the case itself gives.
fn expected(case: &Case) -> Answer {
    let mut answer = Answer { starts: true, ..Answer::default() };
    for words in &case.expect {
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["fatal"] => answer.fatal = Some("expected".into()),
            ["nothing"] => {}
            ["missing", name] => {
                answer.libraries.push(Found { name: name.into(), path: None, real_path: None })
            }
            [name, path] => answer.libraries.push(Found {
                name: name.into(),
                path: Some(path.into()),
                real_path: None,
            }),
            _ => panic!("{}: expect {words:?}", case.name),
        }
    }
    answer.starts =
        answer.fatal.is_none() && answer.libraries.iter().all(|found| found.path.is_some());
    answer
}
