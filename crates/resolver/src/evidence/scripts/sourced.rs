//! What a shell script reads as a part of itself by a name that is put together: `. "$LIB/app-$MODE"`.

use std::collections::BTreeSet;

use super::brought::Brought;
use super::{Missing, text};
use crate::evidence::scene::Scene;
use crate::pattern::name_matches;

/// Fewest letters of a name that are known, for it to tell a file.
const MIN_KNOWN_BYTES: usize = 4;

/// Most files that are read so.
const MAX_FILES: usize = 100;

/// Adds what a script of a package reads of the same package, what that reads in turn, and so on.
/// Returns the texts of it.
pub(super) fn add(
    scene: &Scene<'_>,
    brought: &Brought<'_>,
    script: &str,
    missing: &mut Missing,
) -> Vec<String> {
    let roots = scene.surroundings.roots;
    let mut texts: Vec<String> = Vec::new();
    let mut known = BTreeSet::new();
    let mut patterns = patterns(script);
    while !patterns.is_empty() && texts.len() < MAX_FILES {
        let mut next = BTreeSet::new();
        for path in brought.files() {
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            let is_read = patterns.iter().any(|pattern| name_matches(pattern.as_bytes(), name));
            let Ok(path) = std::str::from_utf8(&path) else { continue };
            if !is_read || !known.insert(path.to_owned()) {
                continue;
            }
            let Some(text) = text(roots, path.as_bytes()) else { continue };
            if !scene.image_has(path) {
                missing.add_program(scene, path, path);
            }
            next.extend(self::patterns(&text));
            texts.push(text);
        }
        patterns = next;
    }
    texts
}

/// Returns the names that a text reads by `.` or `source`, without their directories, `*` for what is
/// put in.
fn patterns(text: &str) -> BTreeSet<String> {
    let reads = text.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix(". ").or_else(|| line.strip_prefix("source "))
    });
    reads.filter_map(pattern).collect()
}

fn pattern(rest: &str) -> Option<String> {
    // Only what lies in a directory that is put in: other paths are named whole.
    let name = if let Some((_, name)) = rest.rsplit_once(")/") {
        name.split(['"', ' ', ';']).next()?
    } else {
        let quoted = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
        let word = quoted.or_else(|| rest.split_whitespace().next())?;
        let (directory, name) = word.trim_end_matches(';').rsplit_once('/')?;
        directory.contains('$').then_some(name)?
    };
    let mut pattern = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('$') {
        pattern.push_str(before);
        pattern.push('*');
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        rest = after.strip_prefix('{').map_or_else(
            || after.trim_start_matches(is_of_name),
            |inner| inner.split_once('}').map_or("", |(_, rest)| rest),
        );
    }
    pattern.push_str(rest);
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-.+*".contains(letter);
    let count = pattern.bytes().filter(|byte| *byte != b'*').count();
    (count >= MIN_KNOWN_BYTES && pattern.chars().all(is_name)).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_stands_for_any_name() {
        let text = "\t. \"$DIR/app-$MODE\"\nsource ${LIB}/app-${MODE}.sh; x\n. /usr/share/app/whole\n\
                    . \"$(dirname \"$0\")/common.sh\"\n. \"$1\"\n. $DIR/$X\necho . $DIR/none\n";
        let found: Vec<String> = patterns(text).into_iter().collect();
        assert_eq!(found, ["app-*", "app-*.sh", "common.sh"]);
    }
}
