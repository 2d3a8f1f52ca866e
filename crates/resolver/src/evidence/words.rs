//! The texts among the constants of a file that are names of programs and users, or lines that begin
//! with one.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;

use super::helpers::{COMMON, MAX_WORD_BYTES};
use super::scene::{Object, Scene};
use crate::programs;

/// Shortest name that is looked for at the end of another word, and longest such word, in bytes:
/// shorter and longer ones end so by chance.
const MIN_MERGED_BYTES: usize = 4;
const MAX_MERGED_BYTES: usize = 16;

/// The words of constants that are known.
#[derive(Default)]
pub(super) struct Words {
    pub(super) names: BTreeMap<Vec<u8>, (ImagePath, bool)>,
    /// Programs that every system has, which count where a line for the shell begins with them, and by
    /// their paths.
    pub(super) base: BTreeMap<Vec<u8>, ImagePath>,
    pub(super) users: BTreeSet<Vec<u8>>,
    pub(super) by_shell: bool,
    /// Whole texts.
    pub(super) whole: BTreeSet<Vec<u8>>,
    /// Those of the program itself, if it looks for others in `PATH`.
    pub(super) own: BTreeSet<Vec<u8>>,
    /// Those that a configuration in the image gives it.
    pub(super) configured: BTreeSet<Vec<u8>>,
    /// Beginnings of texts, before a blank.
    pub(super) first: BTreeSet<Vec<u8>>,
    /// Absolute paths of programs.
    pub(super) paths: BTreeSet<Vec<u8>>,
    /// Ends of paths behind what is put in at run time, `%s/bin/app`.
    pub(super) ends: BTreeSet<Vec<u8>>,
}

impl Words {
    /// Knows the names of some programs, with their paths and whether they are of the same packages.
    pub(super) fn of(names: BTreeMap<Vec<u8>, (ImagePath, bool)>) -> Self {
        Self { names, ..Self::default() }
    }

    /// Returns the known programs that were found as texts, at the beginning of some, or by their paths.
    pub(super) fn found(&self) -> impl Iterator<Item = &[u8]> {
        let names = self.whole.iter().chain(&self.first).map(|name| &**name);
        let paths = self.paths.iter().filter_map(|path| path.rsplit(|byte| *byte == b'/').next());
        names.chain(paths).filter(|name| self.names.contains_key(*name))
    }

    /// Reads the constants of an object.
    pub(super) fn read(&mut self, scene: &Scene<'_>, object: &Object<'_>) {
        scene.look(object, |chunk| {
            // A text that is cut is read whole with another chunk.
            let mut start = 0;
            for end in memchr::memchr_iter(0, chunk) {
                let text = &chunk[start..end];
                start = end + 1;
                if (2..=MAX_WORD_BYTES).contains(&text.len()) {
                    self.take(text);
                }
            }
        });
    }

    fn take(&mut self, text: &[u8]) {
        let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
        let is_whole = word.len() == text.len();
        if is_whole && (self.names.contains_key(text) || self.users.contains(text)) {
            self.whole.insert(text.to_vec());
        } else if is_whole && text.len() <= MAX_MERGED_BYTES {
            // Linkers keep a text that ends another one only there: `diff` of `wdiff`.
            let ends = COMMON.iter().filter(|name| name.len() >= MIN_MERGED_BYTES);
            let mut ends = ends.filter(|name| text.ends_with(name.as_bytes()));
            self.whole.extend(ends.next().map(|name| name.as_bytes().to_vec()));
        } else if !is_whole {
            // `"%s%stool" -x %s`
            let word = String::from_utf8_lossy(word).replace("%s", " ");
            let is_part = |letter: char| {
                letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+' | '.')
            };
            let mut words = word.split(|letter| !is_part(letter)).filter(|word| !word.is_empty());
            let first = words.next().filter(|word| self.names.contains_key(word.as_bytes()));
            self.first.extend(first.map(|word| word.as_bytes().to_vec()));
        }
        if !is_whole && self.base.contains_key(word) && is_option(&text[word.len() + 1..]) {
            self.first.insert(word.to_vec());
        }
        if let Some(end) = text.strip_prefix(b"%s").filter(|end| is_end(end)) {
            self.ends.insert(end.to_vec());
        }
        if programs::behind(word).is_some() && (is_whole || self.by_shell) {
            self.paths.insert(word.to_vec());
        }
    }
}

/// Tells whether what follows the name of a program is an option: then it is a line for the shell, and
/// no sentence.
fn is_option(rest: &[u8]) -> bool {
    matches!(rest, [b'-', letter, ..] if letter.is_ascii_alphanumeric() || *letter == b'-')
}

/// Tells whether a text is the end of a path, with a directory in it.
fn is_end(text: &[u8]) -> bool {
    let is_of_path = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.+".contains(byte);
    text.starts_with(b"/")
        && text.iter().all(is_of_path)
        && text.iter().filter(|byte| **byte == b'/').count() > 1
}
