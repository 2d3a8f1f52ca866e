//! glibc's search lists: `DT_RPATH`, `DT_RUNPATH`, `LD_LIBRARY_PATH`.

use super::tokens::{self, Values};
use super::trace::Requester;
use super::warning::Warning;

/// The elements of a list, in order, each once: empty for the working directory, else with one
/// slash at the end.
pub(super) type PathList = Vec<Box<[u8]>>;

/// Splits and expands a list (glibc `elf/dl-load.c`, `decompose_rpath`, `fillin_rpath`).
pub(super) fn parse(
    list: &[u8],
    separators: &[u8],
    values: &Values<'_>,
    owner: Requester,
    warnings: &mut Vec<Warning>,
) -> PathList {
    let mut elements = PathList::new();
    if list.is_empty() {
        return elements;
    }
    for text in list.split(|byte| separators.contains(byte)) {
        let Some(element) = element(text, values) else { continue };
        if text.is_empty() {
            warn(warnings, Warning::EmptyElement { list: list.into(), owner });
        } else if element.first() != Some(&b'/') {
            warn(warnings, Warning::RelativeElement { element: element.clone(), owner });
        }
        if tokens::has_platform(text) {
            warn(warnings, Warning::Platform { text: text.into(), owner });
        }
        // Lists have some ten elements, and loaders compare them the same way.
        if !elements.contains(&element) {
            elements.push(element);
        }
    }
    elements
}

fn element(text: &[u8], values: &Values<'_>) -> Option<Box<[u8]>> {
    if text.is_empty() {
        return Some(Box::default());
    }
    let mut element = tokens::expand(text, values)?;
    while element.len() > 1 && element.last() == Some(&b'/') {
        element.pop();
    }
    if element.last() != Some(&b'/') {
        element.push(b'/');
    }
    Some(element.into())
}

/// Adds a warning that is not there yet.
pub(super) fn warn(warnings: &mut Vec<Warning>, warning: Warning) {
    if !warnings.contains(&warning) {
        warnings.push(warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str, separators: &[u8]) -> (String, usize) {
        let values = Values { origin: b"/o", lib: b"lib", platform: None, secure: None };
        let mut warnings = Vec::new();
        let list = parse(text.as_bytes(), separators, &values, Requester::Main, &mut warnings);
        (String::from_utf8(list.join(&b'|')).unwrap(), warnings.len())
    }

    #[test]
    fn lists_are_cut_and_closed_with_a_slash() {
        assert_eq!(list("", b":"), (String::new(), 0));
        assert_eq!(list("/a:/b///:/", b":"), ("/a/|/b/|/".into(), 0));
        assert_eq!(list("/a:/a/:/b:/a", b":"), ("/a/|/b/".into(), 0));
        assert_eq!(list("/a;/b", b":"), ("/a;/b/".into(), 0));
        assert_eq!(list("/a;/b:/c", b":;"), ("/a/|/b/|/c/".into(), 0));
        assert_eq!(list("$ORIGIN/../lib", b":"), ("/o/../lib/".into(), 0));
    }

    #[test]
    fn an_empty_element_is_the_working_directory() {
        assert_eq!(list(":", b":"), (String::new(), 1));
        assert_eq!(list("/a::/b:", b":"), ("/a/||/b/".into(), 1));
        assert_eq!(list("lib:./x", b":"), ("lib/|./x/".into(), 2));
    }

    #[test]
    fn an_element_that_expands_to_nothing_is_dropped() {
        assert_eq!(list("/a:$PLATFORM:/b", b":"), ("/a/|/b/".into(), 0));
    }
}
