//! A script's text as words: what it names, whatever the language.

use super::language::stem_of;

/// Words by which scripts of shells ask where they are.
const ASKS_WHERE: &[&str] =
    &["dirname", "readlink", "realpath", "BASH_SOURCE", "${0%/*}", "${0%%/*}"];

/// Words by which other languages give a command line to a shell.
const ASKS_SHELL: &[&str] =
    &["popen(", "system(", "os.execute(", "shell=True", "qx{", "qx(", "getoutput(", "execSync("];

/// The texts of a script and of what belongs to it, without comments.
pub(super) struct Code {
    text: String,
    is_shell: bool,
}

impl Code {
    /// Takes texts. Lines of comments name nothing.
    pub(super) fn new<'t>(texts: impl Iterator<Item = &'t str>, is_shell: bool) -> Self {
        let lines = texts.flat_map(str::lines).filter(|line| !line.trim_start().starts_with('#'));
        Self { text: lines.collect::<Vec<_>>().join("\n"), is_shell }
    }

    /// Tells whether a program is named: in a shell anywhere, elsewhere where a command begins.
    pub(super) fn names(&self, program: &str) -> bool {
        let opens = |before: Option<char>| {
            self.is_shell
                || before.is_some_and(|letter| matches!(letter, '"' | '\'' | '`' | '/' | '('))
        };
        program.len() > 1
            && self.words(program).any(|(before, after)| {
                opens(before) && before != Some('-') && before != Some('.') && after != Some('=')
            })
    }

    /// Tells whether a whole path is named.
    pub(super) fn names_path(&self, path: &str) -> bool {
        self.text.contains(path)
    }

    /// Tells whether a word stands anywhere.
    pub(super) fn names_word(&self, word: &str) -> bool {
        self.words(word).next().is_some()
    }

    /// Tells whether a command line is given to a shell (`system(3)`, `popen(3)` and the like).
    pub(super) fn asks_shell(&self) -> bool {
        ASKS_SHELL.iter().any(|word| self.text.contains(word))
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
        let mut parts = path.split('/').skip(3);
        let own = |part: &str| {
            let stem = part.trim_end_matches(|l: char| l.is_ascii_digit() || l == '.' || l == '-');
            [part, stem].iter().any(|name| name.len() > 1 && self.words(name).next().is_some())
        };
        !self.is_shell || ASKS_WHERE.iter().any(|word| self.text.contains(word)) || parts.any(own)
    }

    /// Returns the letters around each place where a word stands.
    fn words<'c>(&'c self, word: &'c str) -> impl Iterator<Item = (Option<char>, Option<char>)> {
        self.text.match_indices(word).filter_map(move |(at, _)| {
            let before = self.text[..at].chars().next_back();
            let after = self.text[at + word.len()..].chars().next();
            let is_of_word = |letter: Option<char>| {
                letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            };
            let goes_on = after.is_some_and(|letter| matches!(letter, '-' | '+'));
            (!is_of_word(before) && !is_of_word(after) && !goes_on).then_some((before, after))
        })
    }
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
    }

    #[test]
    fn a_shell_uses_what_it_names() {
        let named = Code::new(["exec $prefix/lib/app/run"].into_iter(), true);
        assert!(named.uses(b"/usr/lib/app") && named.uses(b"/usr/share/app-1.2"));
        assert!(!named.uses(b"/usr/share/other"));
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
