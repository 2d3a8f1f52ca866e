use std::path::Path;

use crate::error::CODES;

#[test]
#[expect(clippy::disallowed_methods, reason = "the pages are the input of the test")]
fn every_code_has_its_page_and_every_page_its_code() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    let mut pages: Vec<String> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("imgc.resolve."))
        .collect();
    pages.sort();
    let expected: Vec<String> =
        CODES.iter().map(|code| format!("{}.md", code.replace("::", "."))).collect();
    assert_eq!(pages, expected);
    for (code, page) in CODES.iter().zip(&pages) {
        let text = std::fs::read_to_string(directory.join(page)).unwrap();
        assert!(text.starts_with(&format!("# {code}\n\n")), "{page}");
        for part in ["\n## Fails\n", "\n## Repaired\n"] {
            assert!(text.contains(part), "{page} has no {part:?}");
        }
        assert_eq!(text.matches("```kdl\n").count(), 2, "{page}");
    }
}

/// The enum's own codes, read from its source: a variant without a place in `CODES` fails here.
#[test]
fn the_list_of_codes_is_that_of_the_variants() {
    let source = include_str!("../../error.rs");
    let mut codes: Vec<String> = source
        .split("code(")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap().to_owned())
        .collect();
    codes.sort();
    assert_eq!(codes, CODES);
}
