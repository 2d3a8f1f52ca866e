//! What Python loads before a script does anything: the modules that it imports in no block, and what
//! these import so in turn (Python's reference, "The import system"). Without one of them it ends.

use std::collections::{BTreeSet, VecDeque};

use super::text;
use crate::evidence::scene::Scene;

/// Most modules that are read for one script.
const MAX_MODULES: usize = 1000;

/// How a line begins by which a script ends.
const ENDS: &[&str] = &["sys.exit(", "exit(", "raise ", "os._exit("];

/// Marks of texts over several lines, in which nothing is imported.
const LONG_TEXTS: [&str; 2] = ["\"\"\"", "'''"];

/// Returns the first parts of the names of all modules that are loaded, among them those which are not
/// there. `directories` is where modules are looked for, `entries` what is imported beside what the
/// script does.
pub(super) fn loaded(
    scene: &Scene<'_>,
    directories: &[String],
    script: &str,
    entries: Vec<String>,
) -> BTreeSet<String> {
    let mut pending = VecDeque::from(entries);
    pending.extend(imported(script, ""));
    let mut seen = BTreeSet::new();
    // What is near to the script is read first.
    while let Some(module) = pending.pop_front() {
        if seen.len() > MAX_MODULES || !seen.insert(module.clone()) {
            continue;
        }
        // What a module lies in is loaded before it.
        pending.extend(module.rsplit_once('.').map(|(above, _)| above.to_owned()));
        let path = module.replace('.', "/");
        for directory in directories {
            let read = |path: String| text(scene.surroundings.roots, path.as_bytes());
            if let Some(text) = read(format!("{directory}/{path}/__init__.py")) {
                pending.extend(imported(&text, &module));
            } else if let Some(text) = read(format!("{directory}/{path}.py")) {
                let package = module.rsplit_once('.').map_or("", |(above, _)| above);
                pending.extend(imported(&text, package));
            } else {
                continue;
            }
            break;
        }
    }
    seen.iter().filter_map(|name| first(name)).collect()
}

/// Returns the first part of a dotted name, which is that of a package; of a relative one, nothing.
pub(super) fn first(name: &str) -> Option<String> {
    let first = name.split('.').next().filter(|first| !first.is_empty());
    first.map(ToOwned::to_owned)
}

/// Returns the lines of blocks that are tried and without whose modules the script ends: `try: import a`,
/// `except ImportError: sys.exit(1)`.
fn insisted(text: &str) -> Vec<&str> {
    let imports = |line: &str| line.starts_with("import ") || line.starts_with("from ");
    let is_within = |line: &&&str| line.is_empty() || line.starts_with([' ', '\t']);
    let lines: Vec<&str> = text.lines().collect();
    let block = |from: usize| lines[from..].iter().take_while(is_within).copied();
    let tried = lines.iter().enumerate().filter(|(_, line)| line.trim_end() == "try:");
    let ends = |handler: usize| {
        let is_of_imports = lines
            .get(handler)
            .is_some_and(|line| line.starts_with("except ") && line.contains("Error"));
        let mut code =
            is_of_imports.then(|| block(handler + 1)).into_iter().flatten().map(str::trim_start);
        // Who imports another instead goes on.
        let goes_on = code.clone().any(imports);
        !goes_on && code.any(|line| ENDS.iter().any(|end| line.starts_with(end)))
    };
    let insisted = tried.filter(|(at, _)| ends(at + 1 + block(at + 1).count()));
    // What stands deeper is for some cases, but where a list of names goes on.
    let depth = |line: &str| line.len() - line.trim_start().len();
    let lines = insisted.flat_map(|(at, _)| {
        let outer = lines.get(at + 1).map_or(0, |line| depth(line));
        block(at + 1).filter(move |line| depth(line) == outer || !imports(line.trim_start()))
    });
    lines.map(str::trim_start).collect()
}

/// Returns the full names of the modules that a text imports in no block, if it is a part of `package`.
/// `from a import b` may mean a module `a.b`.
fn imported(text: &str, package: &str) -> Vec<String> {
    let mut found = Vec::new();
    let insisted = insisted(text);
    let mut lines = text.lines().chain(insisted);
    let mut open = None;
    while let Some(line) = lines.next() {
        if is_of_text(line, &mut open) {
            continue;
        }
        if let Some(names) = line.strip_prefix("import ") {
            found.extend(names.split(',').filter_map(name));
        } else if let Some((from, names)) =
            line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "))
        {
            let Some(from) = absolute(from.trim(), package) else { continue };
            let mut names = names.to_owned();
            while names.contains('(') && !names.contains(')') {
                let Some(next) = lines.next() else { break };
                names.push_str(next.split('#').next().unwrap_or_default());
            }
            let names = names.replace(['(', ')', '\\'], " ");
            found.extend(names.split(',').filter_map(name).map(|name| format!("{from}.{name}")));
            found.push(from);
        }
    }
    found
}

/// Tells whether a text over several lines stands in a line, or goes on there. `open` is the mark that ends
/// the one before.
fn is_of_text(line: &str, open: &mut Option<&str>) -> bool {
    let mut is_text = open.is_some();
    let mut rest = line;
    loop {
        let next = match *open {
            Some(mark) => rest.split_once(mark).map(|(_, after)| (None, after)),
            None => {
                let marks = LONG_TEXTS.iter().filter_map(|mark| Some((rest.find(mark)?, *mark)));
                marks.min().map(|(at, mark)| (Some(mark), &rest[at + mark.len()..]))
            }
        };
        let Some((mark, after)) = next else { return is_text };
        (*open, rest, is_text) = (mark, after, true);
    }
}

/// Returns the name of a module from one that is told relative to a package: `.x` and `..x`.
fn absolute(from: &str, package: &str) -> Option<String> {
    let rest = from.trim_start_matches('.');
    let dots = from.len() - rest.len();
    if dots == 0 {
        return name(from);
    }
    let parts: Vec<&str> = package.split('.').filter(|part| !part.is_empty()).collect();
    let base = parts.get(..(parts.len() + 1).checked_sub(dots)?)?;
    let all: Vec<&str> = base.iter().copied().chain(Some(rest)).filter(|p| !p.is_empty()).collect();
    (!all.is_empty()).then(|| all.join("."))
}

/// Returns the dotted name with which a text begins, if there is one: `a.b` of ` a.b as c`.
pub(super) fn name(text: &str) -> Option<String> {
    let is_of_name = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
    let name: String = text.trim().chars().take_while(is_of_name).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::imported;

    #[test]
    fn names_are_whole_and_absolute() {
        let text = "\"\"\"Use it so:\nx='''\nimport none\n\"\"\"\nimport a.b as c, d\nfrom e.f import (g,\n  h)\n\
                    from . import i\nfrom .j import k\nfrom ..l import m\nif x:\n    import n\n";
        let found = imported(text, "p.q");
        let expected = [
            "a.b", "d", "e.f.g", "e.f.h", "e.f", "p.q.i", "p.q", "p.q.j.k", "p.q.j", "p.l.m", "p.l",
        ];
        assert_eq!(found, expected);
        assert_eq!(imported("from ... import x\n", "p"), [""; 0]);
    }

    #[test]
    fn who_ends_without_a_module_needs_it() {
        let with = |handler: &str| {
            let text = format!(
                "try:\n    import a\n    if x:\n        import e\n    from b import (\n        c)\nexcept ImportError:\n{handler}\nx = 1\n"
            );
            imported(&text, "")
        };
        assert_eq!(with("    print('install a')\n    sys.exit(1)"), ["a", "b.c", "b"]);
        assert_eq!(with("    a = None"), [""; 0]);
        assert_eq!(
            with("    try:\n        import d\n    except ImportError:\n        sys.exit(1)"),
            [""; 0]
        );
    }
}
