//! Patterns of names: those of `exclude`, as in `gitignore(5)`, and those of `library`.
//!
//! Matched on bytes, in time that grows with name times pattern, whatever the pattern.

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternProblem {
    /// Nothing is left after the slashes.
    #[error("is empty")]
    Empty,
    /// It starts with `!`.
    #[error("starts with `!`, which takes back an exclusion elsewhere and is not known here")]
    Negated,
    /// A `[` has no `]`.
    #[error("has a `[` without its `]`")]
    OpenBracket,
}

/// A pattern of `exclude`.
///
/// `*`, `?` and `[…]` match within one name, `**` matches any number of directories. A slash in
/// front or inside ties the pattern to the top of the tree; one at the end makes it match
/// directories alone. What lies below an excluded directory is excluded.
#[derive(Clone, Debug)]
pub(crate) struct Exclude {
    parts: Vec<Box<[u8]>>,
    anchored: bool,
    directories: bool,
}

impl Exclude {
    pub(crate) fn parse(text: &str) -> Result<Self, PatternProblem> {
        if text.starts_with('!') {
            return Err(PatternProblem::Negated);
        }
        let directories = text.ends_with('/');
        let trimmed = text.trim_end_matches('/');
        let anchored = trimmed.contains('/');
        let parts: Vec<Box<[u8]>> = trimmed
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| part.as_bytes().into())
            .collect();
        if parts.is_empty() {
            return Err(PatternProblem::Empty);
        }
        if parts.iter().any(|part| !brackets_close(part)) {
            return Err(PatternProblem::OpenBracket);
        }
        Ok(Self { parts, anchored, directories })
    }

    /// Tells whether the pattern leaves out the path of these names below the top of the tree.
    pub(crate) fn matches(&self, names: &[&[u8]], is_directory: bool) -> bool {
        if self.directories && !is_directory {
            return false;
        }
        if self.anchored {
            path_matches(&self.parts, names)
        } else {
            names.last().is_some_and(|name| name_matches(&self.parts[0], name))
        }
    }
}

/// Matches whole paths: `**` stands for any number of names, at the end for at least one.
fn path_matches(parts: &[Box<[u8]>], names: &[&[u8]]) -> bool {
    let (mut part, mut name) = (0, 0);
    // Where to go on after a mismatch: behind the last `**`, one name further than before.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match parts.get(part) {
            Some(stars) if **stars == *b"**" => {
                if part + 1 == parts.len() {
                    if name < names.len() {
                        return true;
                    }
                } else {
                    part += 1;
                    retry = Some((part, name));
                    continue;
                }
            }
            Some(pattern) if name < names.len() && name_matches(pattern, names[name]) => {
                (part, name) = (part + 1, name + 1);
                continue;
            }
            None if name == names.len() => return true,
            Some(_) | None => {}
        }
        match retry {
            Some((from, start)) if start < names.len() => {
                retry = Some((from, start + 1));
                (part, name) = (from, start + 1);
            }
            _ => return false,
        }
    }
}

/// Tells whether a name has something that [`name_matches`] does not take literally.
pub(crate) fn is_pattern(name: &[u8]) -> bool {
    name.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Matches one name: `*` any bytes, `?` one byte, `[a-z]` and `[!a-z]` a byte of a set, `\` takes
/// the next byte literally (`fnmatch(3)`, in the C locale).
pub(crate) fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            retry = Some((at, position));
            continue;
        }
        if at == pattern.len() && position == name.len() {
            return true;
        }
        if let (true, Some(byte)) = (at < pattern.len(), name.get(position))
            && let Some(next) = byte_matches(pattern, at, *byte)
        {
            (at, position) = (next, position + 1);
            continue;
        }
        match retry {
            Some((from, start)) if start < name.len() => {
                retry = Some((from, start + 1));
                (at, position) = (from, start + 1);
            }
            _ => return false,
        }
    }
}

/// Matches one byte with what stands at `at`; returns where the pattern goes on.
fn byte_matches(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match pattern[at] {
        b'?' => Some(at + 1),
        b'[' => {
            let end = bracket_end(pattern, at)?;
            let set = &pattern[at + 1..end];
            let (set, negated) = match set {
                [b'!' | b'^', rest @ ..] => (rest, true),
                _ => (set, false),
            };
            (in_set(set, byte) != negated).then_some(end + 1)
        }
        b'\\' if at + 1 < pattern.len() => (pattern[at + 1] == byte).then_some(at + 2),
        literal => (literal == byte).then_some(at + 1),
    }
}

fn in_set(mut set: &[u8], byte: u8) -> bool {
    while let [first, rest @ ..] = set {
        if let [b'-', last, rest @ ..] = rest {
            if (*first..=*last).contains(&byte) {
                return true;
            }
            set = rest;
        } else {
            if *first == byte {
                return true;
            }
            set = rest;
        }
    }
    false
}

/// Returns where the `]` of the `[` at `at` stands; one that comes first is a member of the set.
fn bracket_end(pattern: &[u8], at: usize) -> Option<usize> {
    let mut start = at + 1;
    if matches!(pattern.get(start), Some(b'!' | b'^')) {
        start += 1;
    }
    let rest = pattern.get(start + 1..)?;
    rest.iter().position(|byte| *byte == b']').map(|offset| start + 1 + offset)
}

fn brackets_close(pattern: &[u8]) -> bool {
    let mut at = 0;
    while at < pattern.len() {
        at = match pattern[at] {
            b'\\' => at + 2,
            b'[' => match bracket_end(pattern, at) {
                Some(end) => end + 1,
                None => return false,
            },
            _ => at + 1,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*.map", "app.js.map", true),
            ("*.map", "app.js", false),
            ("lib*.so.?", "libz.so.1", true),
            ("lib*.so.?", "libz.so.12", false),
            ("[a-cx]1", "b1", true),
            ("[!a-cx]1", "b1", false),
            ("[]x]", "]", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*a*b*", "xxaxxbxx", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(
                name_matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
        // Backtracking is bounded: this would take for ever if every star tried every place.
        assert!(!name_matches("*a".repeat(64).as_bytes(), "a".repeat(63).as_bytes()));
    }

    #[test]
    fn excludes_match_as_in_gitignore() {
        for (pattern, path, directory, expected) in [
            ("*.map", "a/b/x.map", false, true),
            ("/x.map", "x.map", false, true),
            ("/x.map", "a/x.map", false, false),
            ("a/x.map", "a/x.map", false, true),
            ("a/x.map", "b/a/x.map", false, false),
            ("cache/", "a/cache", true, true),
            ("cache/", "a/cache", false, false),
            ("**/foo", "foo", false, true),
            ("**/foo", "a/b/foo", false, true),
            ("a/**/b", "a/b", false, true),
            ("a/**/b", "a/x/y/b", false, true),
            ("a/**/b", "a/x/y/c", false, false),
            ("a/**", "a/x/y", false, true),
            ("a/**", "a", true, false),
            ("a/**/b/**/c", "a/b/b/x/c", false, true),
        ] {
            let names: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
            let exclude = Exclude::parse(pattern).unwrap();
            assert_eq!(exclude.matches(&names, directory), expected, "{pattern} {path}");
        }
        assert_eq!(Exclude::parse("!x").unwrap_err(), PatternProblem::Negated);
        assert_eq!(Exclude::parse("a/[x").unwrap_err(), PatternProblem::OpenBracket);
        assert_eq!(Exclude::parse("/").unwrap_err(), PatternProblem::Empty);
    }
}
