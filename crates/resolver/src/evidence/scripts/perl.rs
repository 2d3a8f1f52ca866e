//! The modules that a Perl script loads, and those that these load (`perlfunc`, "use" and
//! "require").

use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;

use super::brought::Relation;
use super::{Missing, kind, text};
use crate::evidence::scene::Scene;
use crate::glob::{glob, names};
use crate::host::FileType;
use crate::root::Roots;

/// Where Perl's own modules lie, and where those of others (`perl -V`, Debian, Fedora, Alpine). Those
/// of Perl itself load each other in too many ways to take fewer than all.
const CORE: &[&str] = &[
    "/usr/lib/*/perl-base",
    "/usr/lib/*/perl/5.[0-9][0-9]",
    "/usr/share/perl/5.[0-9][0-9]",
    "/usr/lib64/perl5",
    "/usr/share/perl5/core_perl",
    "/usr/lib/perl5/core_perl",
];
const OTHERS: &[&str] = &[
    "/etc/perl",
    "/usr/lib/*/perl5/5.[0-9][0-9]",
    "/usr/share/perl5",
    "/usr/share/perl5/vendor_perl",
    "/usr/lib64/perl5/vendor_perl",
    "/usr/local/share/perl/5.[0-9][0-9]*",
    "/usr/local/lib/*/perl/5.[0-9][0-9]*",
];

/// The module that loads one of those which a file beside it lists, and that file: the last section in it
/// (XML::SAX::ParserFactory, "ParserDetails.ini").
const CHOOSES: &str = "XML::SAX::ParserFactory";
const CHOICE: &str = "XML/SAX/ParserDetails.ini";

/// Most modules that are followed from one script.
const MAX_MODULES: usize = 3000;

/// Deepest directory of modules that is looked at.
const MAX_DEPTH: usize = 6;

/// `relation` tells how the module in a file comes to the script.
pub(super) fn missing(
    scene: &Scene<'_>,
    script: &str,
    relation: &dyn Fn(&str) -> Relation,
) -> Missing {
    let roots = scene.surroundings.roots;
    let directories = |patterns: &[&str]| -> Vec<String> {
        let found = patterns.iter().flat_map(|pattern| glob(roots, pattern.as_bytes()));
        found.map(|path| path.to_string()).collect()
    };
    let (core, others) = (directories(CORE), directories(OTHERS));
    let mut missing = Missing::default();
    let mut seen = BTreeSet::new();
    let mut pending = modules(script);
    let mut demanded = demands(script);
    while let Some(module) = pending.pop() {
        if seen.len() > MAX_MODULES || !seen.insert(module.clone()) {
            continue;
        }
        let file = format!("{}.pm", module.replace("::", "/"));
        let place =
            |directory: &&String| scene.source_has(&format!("{directory}/{file}")).is_some();
        if let Some(directory) = others.iter().find(place) {
            let path = format!("{directory}/{file}");
            let text = text(roots, path.as_bytes()).unwrap_or_default();
            let mut relation = relation(&path);
            if matches!(relation, Relation::None | Relation::Light) {
                if !demanded.contains(&module) {
                    continue;
                }
                demanded.extend(demands(&text));
                relation = Relation::Usual;
            }
            if relation == Relation::Usual && !scene.image_has(&path) {
                missing.names.insert(module.clone());
                missing.lines.extend(lines(scene, directory, &module));
            }
            // What lies below is loaded by names that are put together.
            let first = module.split("::").next().unwrap_or_default();
            if seen.insert(format!("{directory}/{first}/")) {
                below(roots, &format!("{directory}/{first}"), first, 0, &mut pending);
            }
            pending.extend(modules(&text));
            let chosen = (module == CHOOSES).then(|| chosen(roots, directory)).flatten();
            if let Some(module) = chosen.filter(|module| demanded.insert(module.clone())) {
                seen.remove(&module);
                pending.push(module);
            }
        } else if let Some(directory) = core.iter().find(place)
            && !scene.image_has(&format!("{directory}/{file}"))
        {
            missing.names.insert(module.clone());
            // Each half of the core needs the other.
            missing.lines.extend(
                core.iter()
                    .filter(|directory| !scene.image_has(directory))
                    .map(|directory| format!("tree \"{directory}\"")),
            );
        }
    }
    missing
}

/// Returns the module that [`CHOOSES`] takes: that of the last section, `[XML::SAX::PurePerl]`.
fn chosen(roots: &Roots, directory: &str) -> Option<String> {
    let listed = text(roots, format!("{directory}/{CHOICE}").as_bytes())?;
    let section = |line: &str| Some(line.trim().strip_prefix('[')?.strip_suffix(']')?.to_owned());
    listed.lines().rev().find_map(section)
}

/// Returns what of a script for a shell Perl runs: from its own first line on, or, if that is only a
/// command which Perl does not see (`eval 'exec perl …' if 0`), all.
pub(super) fn behind_shell(script: &str) -> Option<&str> {
    let starts_itself = script.lines().take(MAX_LINES_OF_SHELL).any(|line| {
        let words = line.split(|letter: char| letter.is_whitespace() || letter == '\'');
        line.contains("exec") && line.contains("$0") && words.clone().any(is_perl)
    });
    let own = script.match_indices("\n#!").map(|(at, _)| &script[at + 1..]);
    let mut own = own.filter(|rest| rest.lines().next().is_some_and(|line| line.contains("perl")));
    starts_itself.then(|| own.next().unwrap_or(script))
}

/// Most lines at the beginning of such a script that are for the shell.
const MAX_LINES_OF_SHELL: usize = 60;

fn is_perl(word: &str) -> bool {
    word.rsplit('/').next().is_some_and(|name| name.starts_with("perl"))
}

/// Lists the modules below a directory.
fn below(roots: &Roots, directory: &str, prefix: &str, depth: usize, modules: &mut Vec<String>) {
    let Ok(parent) = ImagePath::parse(directory.as_bytes()) else { return };
    for name in names(roots, &parent) {
        let Ok(name) = String::from_utf8(name) else { continue };
        let path = format!("{directory}/{name}");
        if let Some(stem) = name.strip_suffix(".pm") {
            modules.push(format!("{prefix}::{stem}"));
        } else if depth < MAX_DEPTH && kind(roots, &path) == Some(FileType::Directory) {
            below(roots, &path, &format!("{prefix}::{name}"), depth + 1, modules);
        }
    }
}

/// Returns the lines for a module: everything below the first part of its name, since modules load
/// what lies below them by names that are put together.
fn lines(scene: &Scene<'_>, directory: &str, module: &str) -> Vec<String> {
    let first = module.split("::").next().unwrap_or(module);
    let mut lines = Vec::new();
    for tree in [format!("{directory}/{first}"), format!("{directory}/auto/{first}")] {
        if scene.source_has(&tree).is_some() && !scene.image_has(&tree) {
            lines.push(format!("tree \"{tree}\""));
        }
    }
    let file = format!("{directory}/{first}.pm");
    if scene.source_has(&file).is_some() && !scene.image_has(&file) {
        lines.push(format!("file \"{file}\""));
    }
    lines
}

/// Returns the modules without which a text does not compile, whatever the packages say: those of
/// statements `use` that are in no block.
fn demands(text: &str) -> BTreeSet<String> {
    let is_code = |line: &&str| !matches!(line.trim_end(), "__END__" | "__DATA__");
    let is_use = |line: &&str| line.starts_with("use ") || line.starts_with("use\t");
    let lines = text.lines().take_while(is_code).filter(is_use);
    modules(&lines.collect::<Vec<_>>().join("\n")).into_iter().collect()
}

/// Returns the modules that a text names with `use` or `require`, and as parents of classes.
fn modules(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for line in text.lines() {
        if matches!(line.trim_end(), "__END__" | "__DATA__") {
            break;
        }
        let line = line.trim_start().replacen('\t', " ", 1);
        for start in ["use ", "require ", "eval { require ", "eval {require "] {
            let Some(rest) = line.strip_prefix(start) else { continue };
            let name: String = rest
                .trim_start()
                .chars()
                .take_while(|l| l.is_ascii_alphanumeric() || "_:".contains(*l))
                .collect();
            let is_name = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
            if matches!(&*name, "base" | "parent") {
                let words =
                    rest.split(|l: char| !l.is_ascii_alphanumeric() && !"_:".contains(l)).skip(1);
                modules.extend(words.filter(|word| word.contains("::")).map(ToOwned::to_owned));
            }
            if is_name && !name.ends_with(':') {
                modules.push(name);
            }
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::{behind_shell, demands, modules};

    #[test]
    fn a_shell_gives_a_script_to_perl() {
        let skips = "#!/bin/sh\n# a comment\nexec perl -w -x -S -- \"$0\" \"$@\"\n#!/usr/bin/perl\nuse English;\n";
        assert_eq!(behind_shell(skips), Some("#!/usr/bin/perl\nuse English;\n"));
        let hides =
            "#!/bin/sh\neval 'exec /usr/bin/perl -S $0 ${1+\"$@\"}'\n    if 0;\nuse POSIX;\n";
        assert_eq!(behind_shell(hides), Some(hides));
        assert_eq!(behind_shell("#!/bin/sh\nexec perl \"$HOME/x.pl\"\n"), None);
    }

    #[test]
    fn modules_are_named_by_use_and_require() {
        let text = "use strict;\nuse 5.010;\n  require LWP::UserAgent;\nuse parent qw(HTTP::Message);\n\
            # use Not::This;\nmy $x = 'use Nor::This';\n__END__\nuse Nor::That;\n";
        assert_eq!(modules(text), ["strict", "LWP::UserAgent", "HTTP::Message", "parent"]);
        assert_eq!(modules("use\tBytes::Random;\n"), ["Bytes::Random"]);
        assert!(demands("use\tBytes::Random;\n").contains("Bytes::Random"));
        let demanded: Vec<String> = demands(text).into_iter().collect();
        assert_eq!(demanded, ["HTTP::Message", "parent", "strict"]);
    }
}
