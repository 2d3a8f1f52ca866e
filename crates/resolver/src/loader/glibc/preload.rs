//! What is preloaded: `LD_PRELOAD` and `/etc/ld.so.preload` (glibc `elf/rtld.c`, `dl_main`).

use super::*;

/// The file of `/etc/ld.so.preload`; a constant of all builds.
const PRELOAD_FILE: &[u8] = b"/etc/ld.so.preload";

/// Most bytes of it that are read.
const MAX_PRELOAD_BYTES: u64 = 1 << 20;

/// What stands between names in the file.
const SEPARATORS: &[u8] = b": \t\n";

impl State<'_> {
    pub(super) fn preload(&mut self, name: &[u8], is_opened: bool) -> Option<usize> {
        let lookup = self.trace.lookups.len();
        let before = self.maps.len();
        self.search.only_set_user_id = self.trace.main.secure && !is_opened;
        let mapped = self.map(name, name, Tag::Preload, MAIN);
        self.search.only_set_user_id = false;
        match mapped {
            Ok(Some(map)) => (self.maps.len() > before).then_some(map),
            Ok(None) => None,
            Err(stopped) => {
                self.optional_is_broken(lookup, stopped);
                None
            }
        }
    }

    /// Returns the names to preload, as far as a secure start allows them (`handle_preload_list`), and
    /// whether each stands for what is opened later.
    pub(super) fn preloads(&mut self) -> Vec<(Box<[u8]>, bool)> {
        let secure = self.trace.main.secure;
        let listed: Vec<&[u8]> = split(self.request.preload.unwrap_or_default(), b" :").collect();
        let last = listed.len().wrapping_sub(1);
        let mut names: Vec<(Box<[u8]>, bool)> = listed
            .into_iter()
            .enumerate()
            .map(|(at, name)| (name.into(), self.request.opens_last && at == last))
            .filter(|(name, is_opened): &(Box<[u8]>, bool)| {
                *is_opened || !(secure && name.contains(&b'/'))
            })
            .collect();
        if let Ok(walk) = self.search.roots.walk(PRELOAD_FILE, self.request.cwd)
            && let Ok(file) = self.search.roots.open(&walk)
            && let Ok(text) = self.loader.read_whole(&*file, walk.stat.size.min(MAX_PRELOAD_BYTES))
        {
            let before = names.len();
            names.extend(names_of_file(text).into_iter().map(|name| (name, false)));
            if names.len() > before {
                self.trace.configuration.push(Configuration { path: PRELOAD_FILE.into(), walk });
            }
        }
        names
    }
}

/// Returns the names that a preload file has for the loader.
fn names_of_file(mut text: Vec<u8>) -> Vec<Box<[u8]>> {
    blank_comments(&mut text);
    // What stands behind the last separator is taken apart from the rest; each ends at a NUL.
    let last = text.iter().rposition(|byte| SEPARATORS.contains(byte)).map_or(0, |at| at + 1);
    let (head, tail) = text.split_at(last);
    let names = [head, tail].map(|part| part.split(|byte| *byte == 0).next().unwrap_or_default());
    names.into_iter().flat_map(|part| split(part, SEPARATORS)).map(Into::into).collect()
}

/// Overwrites comments as the loader does: it looks for the next one from the start of the file
/// again, and only as far as the rest behind the comment before is long. A later one may stay, and
/// its words are names then.
fn blank_comments(text: &mut [u8]) {
    let mut rest = text.len();
    while let Some(mut at) = text[..rest].iter().position(|byte| *byte == b'#') {
        rest -= at;
        loop {
            text[at] = b' ';
            rest -= 1;
            at += 1;
            if rest == 0 || text[at] == b'\n' {
                break;
            }
        }
    }
}

fn split<'t>(text: &'t [u8], separators: &'static [u8]) -> impl Iterator<Item = &'t [u8]> {
    text.split(|byte| separators.contains(byte)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> String {
        let names = names_of_file(text.into());
        String::from_utf8(names.join(&b'|')).expect("it is text")
    }

    #[test]
    fn names_end_at_blanks_colons_and_lines() {
        assert_eq!(names(""), "");
        assert_eq!(names("/a"), "/a");
        assert_eq!(names(":/a::/b /c\t/d\n\n/e\n"), "/a|/b|/c|/d|/e");
        assert_eq!(names("/a\r\n/b"), "/a\r|/b");
    }

    #[test]
    fn a_nul_ends_all_but_the_last_name() {
        assert_eq!(names("/a\n/b\0/c\n/d\n"), "/a|/b");
        assert_eq!(names("/a\n/b\0/c\n/d"), "/a|/b|/d");
        assert_eq!(names("/a\n/b\0/c"), "/a|/b");
    }

    #[test]
    fn a_comment_behind_the_first_may_be_none() {
        assert_eq!(names("/a # /b\n/c\n"), "/a|/c");
        assert_eq!(names("#"), "");
        assert_eq!(names("# x\n# y\n/a\n"), "/a");
        assert_eq!(names("# a long comment, which takes most of the file\n/a\n#/b\n"), "/a|#/b");
    }
}
