//! Codes of errors and their pages agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
#[expect(clippy::disallowed_methods, reason = "lists the pages")]
fn each_code_has_a_page_and_each_page_a_code() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&pages).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(what) = name.strip_prefix("imgc.write.") else { continue };
        let code = format!("imgc::write::{}", what.strip_suffix(".md").expect("a page is .md"));
        let text = fs::read_to_string(pages.join(&name)).unwrap();
        assert_eq!(text.lines().next(), Some(format!("# {code}").as_str()));
        for heading in ["\n## Fails\n\n```", "\n## Repaired\n\n```"] {
            assert_eq!(text.matches(heading).count(), 1, "{name}: {heading:?}");
        }
        found.insert(code);
    }
    let codes: BTreeSet<_> = imgc_writer::CODES.iter().map(|code| (*code).to_owned()).collect();
    assert_eq!(found, codes);
    assert!(imgc_writer::CODES.is_sorted());
}

#[test]
fn each_variant_has_its_code() {
    let source = include_str!("../src/error.rs");
    let codes: BTreeSet<_> = source
        .lines()
        .filter_map(|line| line.split_once("code(")?.1.split_once(')'))
        .map(|(code, _)| code)
        .collect();
    assert_eq!(codes, imgc_writer::CODES.iter().copied().collect());
}
