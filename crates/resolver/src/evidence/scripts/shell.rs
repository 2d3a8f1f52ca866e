//! The programs that a shell script calls.
//!
//! The words that stand where a command begins, by the grammar of XCU 2.10, as far as that can be
//! seen without running anything. A script that asks whether a program is there (`command -v`) can
//! do without.

use std::collections::BTreeSet;

use super::Missing;
use crate::evidence::scene::Scene;
use crate::host::FileType;

/// Words behind which a command begins.
const OPENERS: &[&str] =
    &["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "command", "eval"];

/// Words behind which a program begins, and nothing that the shell has in itself.
const STARTERS: &[&str] = &["exec", "nohup", "nice", "env", "xargs"];

/// Commands that every shell has in itself (XCU 2.14, bash(1), dash(1)).
const BUILT_IN: &[&str] = &[
    "alias", "bg", "bind", "break", "builtin", "cd", "complete", "continue", "declare", "dirs",
    "disown", "echo", "exit", "export", "false", "fc", "fg", "fi", "done", "getopts", "jobs",
    "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read",
    "readonly", "return", "set", "shift", "shopt", "suspend", "test", "times", "trap", "true",
    "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
];

/// Those that the C shell has not (tcsh(1), "Builtin commands").
const NOT_IN_C_SHELL: &[&str] = &["false", "printf", "pwd", "test", "true", "type"];

/// Programs that ask whether another one is there.
const QUESTIONS: &[&str] = &["command -v ", "command -V ", "type ", "which ", "hash "];

/// Deepest that scripts are followed which read others as a part of themselves.
const MAX_SOURCED: usize = 4;

pub(super) fn missing(scene: &Scene<'_>, text: &str) -> Missing {
    missing_below(scene, text, 0)
}

fn missing_below(scene: &Scene<'_>, text: &str, depth: usize) -> Missing {
    let mut missing = Missing::default();
    let commands = commands(text);
    let is_c = is_for_c_shell(text);
    for name in &commands.called {
        let is_built_in = BUILT_IN.contains(&&**name)
            && !commands.started.contains(name)
            && !(is_c && NOT_IN_C_SHELL.contains(&&**name));
        let is_own = commands.defined.contains(name) || is_built_in;
        if is_own || is_asked_for(text, name) {
            continue;
        }
        let directories = scene.surroundings.search.path.split(':');
        let candidates = if name.contains('/') {
            vec![name.clone()]
        } else {
            directories.map(|directory| format!("{directory}/{name}")).collect()
        };
        if candidates.iter().any(|path| scene.image_has(path)) {
            continue;
        }
        let found = candidates
            .into_iter()
            .find(|path| path.starts_with('/') && scene.source_has_program(path));
        if let Some(path) = found {
            missing.names.insert(name.clone());
            missing.lines.insert(format!("binary \"{path}\""));
        }
    }
    // What the kernel and the engine give is in no image.
    let is_given =
        |path: &&String| ["/proc/", "/sys/", "/dev/"].iter().any(|start| path.starts_with(start));
    for path in commands.sourced.iter().filter(|path| !is_given(path)) {
        if !scene.image_has(path) && scene.source_has(path) == Some(FileType::Regular) {
            missing.names.insert(path.clone());
            missing.lines.insert(format!("file \"{path}\""));
        }
        if depth < MAX_SOURCED
            && let Some(text) = super::text(scene.surroundings.roots, path.as_bytes())
        {
            let more = missing_below(scene, &text, depth + 1);
            missing.names.extend(more.names);
            missing.lines.extend(more.lines);
        }
    }
    missing
}

/// Tells whether the first line of a script names a C shell.
fn is_for_c_shell(text: &str) -> bool {
    let line = text.lines().next().and_then(|line| line.strip_prefix("#!"));
    line.is_some_and(|line| line.split([' ', '/']).any(|word| word == "csh" || word == "tcsh"))
}

/// Returns the programs that a script asks for, and that the sources have and the image has not, with
/// their paths.
pub(super) fn asked(scene: &Scene<'_>, text: &str) -> Vec<(String, String)> {
    let names: BTreeSet<String> = questions(text).map(|asked| asked.name).collect();
    let find = |name: String| {
        let directories = scene.surroundings.search.path.split(':');
        let paths = directories.map(|directory| format!("{directory}/{name}"));
        let paths: Vec<String> = paths.filter(|path| path.starts_with('/')).collect();
        if paths.iter().any(|path| scene.image_has(path)) {
            return None;
        }
        let is_there = |path: &String| scene.source_has(path) == Some(FileType::Regular);
        paths.into_iter().find(is_there).map(|path| (name, path))
    };
    names.into_iter().filter(|name| !name.contains('/')).filter_map(find).collect()
}

fn is_asked_for(text: &str, name: &str) -> bool {
    let mut asked = questions(text).filter(|asked| asked.name == name).peekable();
    asked.peek().is_some() && !asked.any(|asked| asked.is_taken)
}

/// A program that a script asks for.
struct Asked {
    name: String,
    /// Whether the answer is kept, `x=$(command -v name)`, and so will be used.
    is_taken: bool,
}

fn questions(text: &str) -> impl Iterator<Item = Asked> {
    QUESTIONS.iter().flat_map(move |question| {
        text.match_indices(question).filter_map(move |(at, _)| {
            let mut rest = text[at + question.len()..].trim_start();
            while let Some((_, behind)) =
                rest.split_once(' ').filter(|(option, _)| option.starts_with('-'))
            {
                rest = behind.trim_start();
            }
            let rest = rest.trim_start_matches('"');
            let name: String = rest.chars().take_while(|letter| is_of_name(*letter)).collect();
            let is_taken = text[..at].ends_with(['`', '(']);
            (!name.is_empty()).then_some(Asked { name, is_taken })
        })
    })
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '+' | '/')
}

/// Stands for a quoted text, which no name of a program has in it.
const QUOTED: char = '\u{1}';

/// The words of a script.
#[derive(Debug, Default)]
struct Commands {
    called: BTreeSet<String>,
    /// Those of them that are programs, whatever the shell has in itself.
    started: BTreeSet<String>,
    /// Functions and aliases.
    defined: BTreeSet<String>,
    /// Files that are read as a part of it.
    sourced: BTreeSet<String>,
}

fn commands(text: &str) -> Commands {
    let mut commands = Commands::default();
    commands.called.extend(defaults(text));
    commands.called.extend(kept(text));
    commands.called.extend(questions(text).filter(|asked| asked.is_taken).map(|asked| asked.name));
    for action in trapped(text) {
        for piece in pieces(action, &mut None) {
            read_piece(&piece, &mut commands);
        }
    }
    let mut here: Option<String> = None;
    let mut open_quote = None;
    for line in text.lines() {
        if let Some(end) = &here {
            if line.trim_start_matches('\t') == end {
                here = None;
            }
            continue;
        }
        let pieces = pieces(line, &mut open_quote);
        for piece in &pieces {
            read_piece(piece, &mut commands);
        }
        // Comments and quoted texts stand in no piece.
        if open_quote.is_none() && pieces.iter().any(|piece| piece.contains("<<")) {
            here = here_document(line);
        }
    }
    commands
}

/// Returns the commands that wait for a signal or the end: `trap 'rm -f "$x"' EXIT`.
fn trapped(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let action = line.trim_start().strip_prefix("trap ")?.trim_start();
        let quote = action.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
        Some(action[1..].rsplit_once(quote)?.0)
    })
}

/// Returns the first words of texts that are kept in a variable, `xz='xz --format=auto'`, by which a
/// command begins later.
fn kept(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(move |line| {
        let (name, value) = line.trim_start().split_once('=')?;
        let value = value.trim_start_matches(['"', '\'']);
        let default = value.strip_prefix("${").and_then(|rest| rest.split_once('-'));
        let word: String = default
            .map_or(value, |(_, rest)| rest)
            .trim_start_matches(['"', '\'', '\\'])
            .chars()
            .take_while(|letter| is_of_name(*letter))
            .collect();
        let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        (is_name && !word.is_empty() && begins_command(text, name)).then_some(word)
    })
}

/// Tells whether a command begins behind a word.
fn opens_command(word: &str) -> bool {
    OPENERS.contains(&word) || STARTERS.contains(&word)
}

/// Tells whether a command begins with a variable, or is made with `eval` from it.
fn begins_command(text: &str, name: &str) -> bool {
    [format!("${name}"), format!("${{{name}}}")].iter().any(|variable| {
        text.match_indices(variable.as_str()).any(|(at, _)| {
            let rest = &text[at + variable.len()..];
            let before = text[..at].rsplit('\n').next().unwrap_or_default();
            let opener = before.trim_end().trim_end_matches('"').trim_end();
            let last = opener.rsplit(char::is_whitespace).next().unwrap_or_default();
            let opens = opener.is_empty()
                || opener.ends_with(['|', ';', '&', '(', '`', '='])
                || opens_command(last)
                || before.contains("eval ");
            opens && !rest.starts_with(|l: char| l.is_ascii_alphanumeric() || l == '_' || l == '=')
        })
    })
}

/// Returns the words that stand for variables which nobody has set, `${GREP-grep}`, `${AWK=awk}`: often
/// programs.
fn defaults(text: &str) -> impl Iterator<Item = String> {
    let after = text.match_indices("${").map(|(at, _)| &text[at + 2..]);
    after.filter_map(|rest| {
        let (name, word) = rest.split_once(['-', '='])?;
        let name = name.strip_suffix(':').unwrap_or(name);
        let (word, _) = word.split_once('}')?;
        let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        (is_name && !word.is_empty() && word.chars().all(is_of_name)).then(|| word.to_owned())
    })
}

/// Returns the word that ends a here-document which starts on a line.
fn here_document(line: &str) -> Option<String> {
    let (before, rest) = line.split_once("<<")?;
    if rest.starts_with('<') || before.ends_with('(') {
        return None;
    }
    let word = rest.trim_start_matches('-').trim_start();
    let word: String = word
        .chars()
        .filter(|letter| !"\"'\\".contains(*letter))
        .take_while(|l| is_of_name(*l))
        .collect();
    let is_word = word.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    is_word.then_some(word)
}

/// Cuts a line where commands end, outside of quotes; what stands in `$(…)` and backquotes is a
/// piece of its own. Quoted texts are left out, a mark stands for them.
fn pieces(line: &str, open_quote: &mut Option<char>) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut at = 0;
    // The quotes and pieces around `$(` and `(`.
    let mut around: Vec<(Option<char>, usize)> = Vec::new();
    // The same around a backquote; within such a pair stands no other.
    let mut ticks: Vec<(Option<char>, usize)> = Vec::new();
    let mut letters = line.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        match (*open_quote, letter) {
            (Some('\''), '\'') => *open_quote = None,
            (Some('\''), _) => {}
            (quote, '\\') => {
                letters.next();
                if quote.is_none() {
                    pieces[at].push(QUOTED);
                }
            }
            (quote, '$') if next == Some('(') => {
                letters.next();
                pieces[at].push(QUOTED);
                around.push((quote, at));
                *open_quote = None;
                at = pieces.len();
                // `$((` is arithmetic, in which no command stands.
                let is_arithmetic = letters.peek() == Some(&'(');
                pieces.push(if is_arithmetic { QUOTED.to_string() } else { String::new() });
            }
            (quote, '`') => {
                if let Some(outer) = ticks.pop() {
                    (*open_quote, at) = outer;
                } else {
                    pieces[at].push(QUOTED);
                    ticks.push((quote, at));
                    *open_quote = None;
                    at = pieces.len();
                    pieces.push(String::new());
                }
            }
            (Some('"'), '"') => *open_quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => {
                *open_quote = Some(letter);
                pieces[at].push(QUOTED);
            }
            (None, '#') if before.is_whitespace() || before == ';' => break,
            (None, ';' | '|' | '&') if before != '>' && before != '<' => {
                at = pieces.len();
                pieces.push(String::new());
            }
            (None, '(') => {
                pieces[at].push('(');
                around.push((None, at));
                at = pieces.len();
                pieces.push(String::new());
            }
            (None, ')') => match around.pop() {
                Some((quote, outer)) if quote.is_some() || pieces[outer].ends_with(QUOTED) => {
                    (*open_quote, at) = (quote, outer);
                }
                // A list ends, or a function begins; or this was the pattern of a `case`.
                outer => {
                    if outer.is_none() {
                        pieces[at].push(')');
                    }
                    at = pieces.len();
                    pieces.push(String::new());
                }
            },
            (None, _) => pieces[at].push(letter),
        }
        before = letter;
    }
    pieces
}

fn read_piece(piece: &str, commands: &mut Commands) {
    if let Some(name) = piece.strip_suffix('(') {
        let name = name.trim_start_matches("function ").trim();
        if !name.is_empty() && name.chars().all(is_of_name) {
            commands.defined.insert(name.to_owned());
            return;
        }
    }
    if piece.ends_with(')') {
        return;
    }
    let mut words = piece.split_whitespace().peekable();
    let mut is_started = false;
    while let Some(word) = words.next() {
        if word == "function" {
            commands.defined.extend(words.next().map(ToOwned::to_owned));
            return;
        }
        if matches!(word, "for" | "case" | "select" | "in" | "alias" | "esac" | "[[" | "[") {
            return;
        }
        let is_assignment = word.split_once('=').is_some_and(|(name, _)| {
            name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_+[]".contains(letter))
        });
        let is_redirection = word.starts_with(['<', '>']) || word.ends_with(['<', '>']);
        is_started |= STARTERS.contains(&word);
        if opens_command(word) || is_assignment || is_redirection || word.starts_with('-') {
            continue;
        }
        if matches!(word, "." | "source") {
            let path = words.next().filter(|path| path.starts_with('/'));
            commands
                .sourced
                .extend(path.filter(|path| path.chars().all(is_of_name)).map(ToOwned::to_owned));
            return;
        }
        if word.chars().all(is_of_name) {
            commands.called.insert(word.to_owned());
            commands.started.extend(is_started.then(|| word.to_owned()));
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_where_commands_begin_are_told_from_others() {
        let text = "#!/bin/sh\n# a comment: rm\nset -e; A=1 sed -n p <x | sort >y && exec awk '{ print }'\n\
            if ! grep -q \"$(basename \"$0\") cat\" f; then echo no head; fi\n\
            helper() { cut -f1; }\nhelper `uname -s`\ncase $1 in\n  tail) tr a b;;\nesac\n\
            cat <<END\nwc is a text\nEND\n. /etc/default/app\n/opt/x/run \\\n  mv\n";
        let found = commands(text);
        let called: Vec<&str> = found.called.iter().map(String::as_str).collect();
        for name in
            ["sed", "sort", "awk", "grep", "basename", "cut", "uname", "tr", "cat", "/opt/x/run"]
        {
            assert!(called.contains(&name), "{name} in {called:?}");
        }
        for name in ["rm", "head", "wc", "tail", "print", "app"] {
            assert!(!called.contains(&name), "{name} in {called:?}");
        }
        let found = commands("echo \"$(basename \"$0\") a; sort\" | $(find x) b\n");
        assert_eq!(found.called.into_iter().collect::<Vec<_>>(), ["basename", "echo", "find"]);
        let found = commands(text);
        assert!(found.defined.contains("helper"));
        assert!(found.sourced.contains("/etc/default/app"));
    }

    #[test]
    fn backquotes_within_quotes_end_with_the_quotes() {
        let found = commands("echo \"usage: `basename $0` it's\"\nx=`echo $1 | tr a b`\nsort\n");
        assert_eq!(
            found.called.into_iter().collect::<Vec<_>>(),
            ["basename", "echo", "sort", "tr"]
        );
    }

    #[test]
    fn what_is_started_by_another_is_a_program() {
        let found = commands("exec echo one\necho two | xargs -n1 printf '%s'\ntest -e x && pwd\n");
        assert_eq!(found.started.into_iter().collect::<Vec<_>>(), ["echo", "printf"]);
    }

    #[test]
    fn no_here_document_starts_in_a_comment() {
        let found = commands("## <<insert here>>\necho '<<END'\nsort <<'END'\ncat\nEND\ntr\n");
        assert_eq!(found.called.into_iter().collect::<Vec<_>>(), ["echo", "sort", "tr"]);
    }

    #[test]
    fn commands_are_kept_in_variables() {
        let text = "xz='xz --format=auto'\ngrep='${GREP-'\\''grep'\\''}'\nmode=sort\n\
                    eval \"$xz -d\" | $grep x\necho $mode\n";
        assert_eq!(kept(text).collect::<Vec<_>>(), ["xz", "grep"]);
    }

    #[test]
    fn words_stand_for_variables_that_are_not_set() {
        let text = "${GREP-grep} x; : ${AWK=awk}; ${SED:-sed}; ${x#-a}; ${y/a=b}";
        assert_eq!(defaults(text).collect::<Vec<_>>(), ["grep", "awk", "sed"]);
    }

    #[test]
    fn commands_wait_for_signals() {
        let found = commands("trap 'rm -rf \"$x\"; test' EXIT\n  trap \"kill $p\" 1 2\ntrap - 0\n");
        assert_eq!(found.called.into_iter().collect::<Vec<_>>(), ["kill", "rm", "test", "trap"]);
    }

    #[test]
    fn what_a_script_asks_for_it_does_not_need() {
        assert!(is_asked_for("if command -v git >/dev/null; then git x; fi", "git"));
        assert!(is_asked_for("type -p \"git\"", "git"));
        assert!(!is_asked_for("JAVA=`which java 2>/dev/null`", "java"));
        assert!(commands("JAVA=$(which java)").called.contains("java"));
        assert!(!is_asked_for("command -v gitk", "git"));
    }
}
