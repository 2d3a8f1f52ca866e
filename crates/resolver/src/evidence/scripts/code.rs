//! A script's text as words: what it names, whatever the language.

use std::collections::BTreeSet;

use memchr::memmem;

use super::language::stem_of;

/// Words by which scripts of shells ask where they are.
const ASKS_WHERE: &[&str] =
    &["dirname", "readlink", "realpath", "BASH_SOURCE", "${0%/*}", "${0%%/*}"];

/// Words by which other languages give a command line to a shell.
const ASKS_SHELL: &[&str] =
    &["popen(", "system(", "os.execute(", "shell=True", "qx{", "qx(", "getoutput(", "execSync("];

/// Interpreters of languages in which a line for the shell stands between backticks.
const BACKTICKS: &[&str] = &["perl", "php", "ruby"];

/// Words of languages after which a string may be a command; other words before one make a sentence.
const STARTERS: &[&str] = &[
    "and", "exec", "if", "in", "not", "open", "or", "return", "run", "spawn", "system", "unless",
    "yield",
];

/// How calls begin that start the program which their first argument names (Python's `subprocess` and
/// `os`, Perl and its IPC modules, Ruby, Node's `child_process`).
const CALLS: &[&str] = &[
    "Popen(",
    "subprocess.run(",
    "subprocess.call(",
    "check_call(",
    "check_output(",
    "getoutput(",
    "os.system(",
    "os.popen(",
    "execvp(",
    "system(",
    "system ",
    "exec(",
    "exec ",
    "exec =>",
    "execSync(",
    "execFileSync(",
    "spawnSync(",
    "capture2(",
    "capture2e(",
    "capture3(",
];

/// What stands before `bin/` in the paths of programs (FHS 3.0, 3.4 and 4.4).
const BEFORE_BIN: &[&str] = &["/usr/s", "/usr/", "/s", "/"];

/// The texts of a script and of what belongs to it, without comments.
pub(super) struct Code {
    text: String,
    is_shell: bool,
}

impl Code {
    /// Takes texts. Comments name nothing, nor does documentation between the lines.
    pub(super) fn new<'t>(texts: impl Iterator<Item = &'t str>, is_shell: bool) -> Self {
        let lines = texts.flat_map(|text| without_documentation(text, is_shell));
        let lines = lines.filter(|line| !line.trim_start().starts_with('#'));
        Self { text: lines.collect::<Vec<_>>().join("\n"), is_shell }
    }

    /// Tells whether a program is named: in a shell anywhere, elsewhere where a command begins.
    pub(super) fn names(&self, program: &str) -> bool {
        program.len() > 1
            && memmem::find_iter(self.text.as_bytes(), program).any(|at| {
                let (before, after) = (&self.text[..at], &self.text[at + program.len()..]);
                is_word(before, after)
                    && !before.ends_with(['-', '.'])
                    && !after.starts_with(['=', '@', '\\'])
                    && (self.is_shell || begins_command(before, after))
            })
    }

    /// Tells whether a string that is no shell's is just this word.
    pub(super) fn quotes(&self, word: &str) -> bool {
        let quotes = ['"', '\''];
        !self.is_shell
            && self.text.match_indices(word).any(|(at, _)| {
                let (before, after) = (&self.text[..at], &self.text[at + word.len()..]);
                before.ends_with(quotes)
                    && after.starts_with(quotes)
                    && begins_command(before, after)
            })
    }

    /// Returns the programs by whose names the arguments of a call begin that starts one, or a list with an
    /// option in the second place: `Popen(['git', 'diff'])`, `system("git diff")`, `["tar", "-x"]`; and those
    /// with whose paths a text begins. Of a shell, none: there every word may be one.
    pub(super) fn started(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        if self.is_shell {
            return found;
        }
        for call in CALLS {
            for (at, call) in self.text.match_indices(call) {
                let arguments = &self.text[at + call.len()..];
                let arguments = arguments.trim_start().trim_start_matches(['[', '(']);
                found.extend(first_string(arguments).map(|(word, _)| word));
            }
        }
        for (at, _) in self.text.match_indices("bin/") {
            let (before, name) = (&self.text[..at], &self.text[at + "bin/".len()..]);
            let directory = BEFORE_BIN.iter().find_map(|start| before.strip_suffix(start));
            let word = directory.and_then(|before| word_of(name).filter(|_| opens(before)));
            found.extend(word.map(|(word, _)| word));
        }
        for (at, bracket) in self.text.match_indices(['[', '(']) {
            // A call is none.
            let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            if bracket == "(" && self.text[..at].ends_with(is_of_name) {
                continue;
            }
            let Some((word, rest)) = first_string(&self.text[at + 1..]) else { continue };
            let second = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix(',');
            let second = second.map(|rest| rest.trim_start().trim_start_matches(['"', '\'']));
            if second.is_some_and(|second| second.starts_with('-')) {
                found.insert(word);
            }
        }
        found
    }

    /// Tells whether a call has the name of a module of Node as its first argument, `resolve('app')`, where
    /// a path is that of its description (Node's documentation, "Modules: Packages").
    pub(super) fn asks_for(&self, path: &[u8]) -> bool {
        let Ok(path) = std::str::from_utf8(path) else { return false };
        let module = path.strip_suffix("/package.json").filter(|_| path.contains("/nodejs/"));
        let name = module.and_then(|module| module.rsplit('/').next());
        name.is_some_and(|name| {
            ['"', '\''].iter().any(|mark| self.text.contains(&format!("({mark}{name}{mark}")))
        })
    }

    /// Tells whether a whole path is named.
    pub(super) fn names_path(&self, path: &str) -> bool {
        self.text.contains(path)
    }

    /// Tells whether a word stands anywhere.
    pub(super) fn names_word(&self, word: &str) -> bool {
        self.text
            .match_indices(word)
            .any(|(at, _)| is_word(&self.text[..at], &self.text[at + word.len()..]))
    }

    /// Tells whether a command line is given to a shell (`system(3)`, `popen(3)` and the like), by a
    /// script of this interpreter's.
    pub(super) fn asks_shell(&self, interpreter: &str) -> bool {
        let has_marks = BACKTICKS.iter().any(|start| interpreter.starts_with(start));
        ASKS_SHELL.iter().any(|word| self.text.contains(word))
            || has_marks && self.text.lines().any(has_command)
    }

    /// Tells whether a shell may start one of these programs: names with a pattern at the end.
    pub(super) fn starts(&self, launchers: &[&str]) -> bool {
        self.is_shell
            && launchers.iter().any(|launcher| {
                let stem = stem_of(launcher);
                self.text.match_indices(stem).any(|(at, _)| {
                    let before = self.text[..at].chars().next_back();
                    let after = self.text[at + stem.len()..].chars().next();
                    !before
                        .is_some_and(|l| l.is_ascii_alphanumeric() || matches!(l, '_' | '-' | '.'))
                        && !after.is_some_and(|l| l.is_ascii_alphabetic() || matches!(l, '_' | '='))
                })
            })
    }

    /// Tells whether a path of data is used: always, where modules name it; by a shell if it names a
    /// part of the path, or asks where it is.
    pub(super) fn uses(&self, path: &[u8]) -> bool {
        let path = String::from_utf8_lossy(path);
        let depth = if path.starts_with("/etc/") { 2 } else { 3 };
        let mut parts = path.split('/').skip(depth);
        let own = |part: &str| {
            let stem = part.trim_end_matches(|l: char| l.is_ascii_digit() || l == '.' || l == '-');
            [part, stem].iter().any(|name| name.len() > 1 && self.names_word(name))
        };
        !self.is_shell || ASKS_WHERE.iter().any(|word| self.text.contains(word)) || parts.any(own)
    }
}

/// Returns the name at the beginning of a string with which some code begins, and what follows it. A string
/// of Python may be one of bytes, `b'git'`.
fn first_string(code: &str) -> Option<(&str, &str)> {
    let code = code.trim_start();
    let of_bytes = code.strip_prefix('b').filter(|rest| rest.starts_with(['"', '\'']));
    let code = of_bytes.unwrap_or(code);
    word_of(code.strip_prefix(['"', '\''])?)
}

/// Returns the name with which a text begins, if the text or a word ends with it, and what follows.
fn word_of(word: &str) -> Option<(&str, &str)> {
    let end = word.find(|letter: char| {
        !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_' | '.' | '+')
    });
    let (word, rest) = word.split_at(end.unwrap_or(word.len()));
    (word.len() > 1 && rest.starts_with(['"', '\'', '`', ' '])).then_some((word, rest))
}

/// Tells whether some code ends where a text begins.
fn opens(code: &str) -> bool {
    code.ends_with(['"', '\'', '`'])
}

/// Tells whether a line has something between backticks where an expression begins; old messages quote
/// words by `this'.
fn has_command(line: &str) -> bool {
    let mut parts = line.splitn(3, '`');
    let (Some(before), Some(command), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_start = before.is_empty() || before.ends_with([' ', '\t', '(', '=', ',']);
    is_start && !command.is_empty() && !command.contains('\'') && !before.contains(['"', '\''])
}

/// Tells whether what stands between two texts is a word of its own.
fn is_word(before: &str, after: &str) -> bool {
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !before.ends_with(is_of_word)
        && !after.starts_with(is_of_word)
        && !after.starts_with(['-', '+'])
}

/// Tells whether a command may begin between two texts that are no shell's: where a string does that
/// is no key of a table, and is not quoted in a sentence.
fn begins_command(before: &str, after: &str) -> bool {
    if before.ends_with(['`', '/', '(']) {
        return true;
    }
    let Some(code) = before.strip_suffix(['"', '\'']) else { return false };
    let rest = after.trim_start_matches(['"', '\'']);
    let is_key = rest.starts_with(':') || rest.trim_start().starts_with("=>");
    if rest.len() < after.len() && is_key {
        return false;
    }
    let Some(sentence) = code.strip_suffix(' ') else { return true };
    let start = sentence.rfind(|letter: char| !letter.is_ascii_alphabetic()).map_or(0, |at| at + 1);
    let word = &sentence[start..];
    word.is_empty() || STARTERS.contains(&word)
}

/// Returns the lines of a text without those that Perl and Ruby skip: from one that begins with `=` and
/// a letter to `=cut` or `=end` (`perlpod(1)`; ISO/IEC 30170, 8.5).
fn without_documentation(text: &str, is_shell: bool) -> impl Iterator<Item = &str> {
    let mut is_documentation = false;
    text.lines().filter(move |line| {
        let command = line.strip_prefix('=').filter(|_| !is_shell).unwrap_or_default();
        if command.starts_with("cut") || command.starts_with("end") {
            is_documentation = false;
            return false;
        }
        is_documentation |= command.starts_with(|letter: char| letter.is_ascii_alphabetic());
        !is_documentation
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_named_as_words() {
        let shell = Code::new(["# sort\nexec gzip -cat x.bzip2; tar=1 jar-x\n"].into_iter(), true);
        assert!(shell.names("gzip"));
        for name in ["sort", "cat", "zip", "bzip2", "tar", "jar"] {
            assert!(!shell.names(name), "{name}");
        }
        let other = Code::new(["system('gzip -d'); git, \"/usr/bin/sort\"\n"].into_iter(), false);
        assert!(other.names("gzip") && other.names("sort") && !other.names("git"));
        let perl = "exec 'gzip', @x; \"Use the 'perlbug' utility\", \" 'perlbug\\@perl.org'\"; ('tar' => 1, \"jar\": 2);";
        let other = Code::new([perl].into_iter(), false);
        assert!(other.names("gzip"));
        for name in ["perlbug", "tar", "jar"] {
            assert!(!other.names(name), "{name}");
        }
        let quoted = Code::new(["$cmd = \"diff\"; 'cmp -s'; 'tar' => 1"].into_iter(), false);
        assert!(quoted.quotes("diff") && !quoted.quotes("cmp") && !quoted.quotes("tar"));
    }

    #[test]
    fn a_call_starts_what_its_arguments_begin_with() {
        let text = "Popen([b'git', 'diff']); spawn(\n exec => [\n 'apt-get', 'x'\n]);\nsystem(\"ls -l\");\n\
                    system($x, 'no'); exec 'not_this_{}'; print('nor this')";
        let code = Code::new([text].into_iter(), false);
        assert_eq!(code.started().into_iter().collect::<Vec<_>>(), ["apt-get", "git", "ls"]);
        assert!(Code::new([text].into_iter(), true).started().is_empty());
        let lists =
            "x = [\"tar\", \"-x\"], [\n 'file',\n '-z'], ['a', 'b'], ('rpm', '-q'), f('no', '-x')";
        let code = Code::new([lists].into_iter(), false);
        assert_eq!(code.started().into_iter().collect::<Vec<_>>(), ["file", "rpm", "tar"]);
        let paths =
            "$a = '/usr/sbin/arp'; `/bin/ps -e`; \"/usr/bin:/bin/no:\"; '/opt/bin/x'; x/usr/bin/y";
        let code = Code::new([paths].into_iter(), false);
        assert_eq!(code.started().into_iter().collect::<Vec<_>>(), ["arp", "ps"]);
    }

    #[test]
    fn commands_stand_between_backticks_in_some_languages() {
        let code = |text: &'static str| Code::new([text].into_iter(), false);
        assert!(code("my $x =\n\t`$prog $opt 2>&1`;").asks_shell("perl"));
        assert!(!code("my $x =\n\t`$prog $opt 2>&1`;").asks_shell("python3"));
        for text in ["die \"no `$x' and `$y'\";", "print 'a `b` c';", "x `y"] {
            assert!(!code(text).asks_shell("perl"), "{text}");
        }
    }

    #[test]
    fn documentation_names_nothing() {
        let text = "run('one')\n=head1 USE\n\nrun('two')\n\n=cut\nrun('three')\n=begin\n'four'\n=end\n'five'\n";
        let code = Code::new([text].into_iter(), false);
        for (name, is_named) in
            [("one", true), ("two", false), ("three", true), ("four", false), ("five", true)]
        {
            assert_eq!(code.names(name), is_named, "{name}");
        }
        assert!(Code::new(["a=b\n=head1\ntwo"].into_iter(), true).names("two"));
    }

    #[test]
    fn a_shell_uses_what_it_names() {
        let named = Code::new(["exec $prefix/lib/app/run"].into_iter(), true);
        assert!(named.uses(b"/usr/lib/app") && named.uses(b"/usr/share/app-1.2"));
        assert!(!named.uses(b"/usr/share/other"));
        assert!(named.uses(b"/etc/app") && !named.uses(b"/etc/other"));
        let asks = Code::new(["cd `dirname $0`/.."].into_iter(), true);
        assert!(asks.uses(b"/usr/share/other"));
        assert!(Code::new(["1"].into_iter(), false).uses(b"/usr/share/other"));
    }

    #[test]
    fn a_shell_starts_an_interpreter() {
        let code = Code::new(["exec java -jar x; ls -R; php_x; ./node"].into_iter(), true);
        assert!(code.starts(&["java"]) && code.starts(&["node"]));
        assert!(!code.starts(&["R"]) && !code.starts(&["php", "php[0-9]*"]));
    }
}
