//! What the documentation shows is what the parser does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::{Memory, code, codes, read, recipe};
use imgc_parser::{CODES, ParseError, ProjectPath};

/// Codes that no recipe on a page can show; each has a test in `files.rs`, `hostile.rs` or here.
const WITHOUT_A_RECIPE: &[&str] = &[
    "and_more",
    "line_too_long",
    "no_name",
    "not_utf8",
    "too_complex",
    "too_deep",
    "too_large",
    "too_long",
    "too_many_files",
    "unknown_setting",
    "utf16",
];

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[expect(clippy::disallowed_methods, reason = "the tests read the documentation")]
fn page(path: &str) -> String {
    std::fs::read_to_string(docs().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the `kdl` blocks of a page.
fn blocks(page: &str) -> Vec<String> {
    let parts = page.split("```kdl\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Parses a block in the project that the pages tell of.
fn read_block(block: &str) -> Result<imgc_parser::Recipe, Vec<ParseError>> {
    let files = [
        ("app.kdl", block),
        ("common/base.kdl", "label \"org.opencontainers.image.vendor\" \"acme\"\n"),
        ("common/cycle.kdl", "use \"cycle.kdl\"\n"),
    ];
    read("app.kdl", Memory::of(&files)).0
}

#[test]
fn each_code_has_a_page_that_shows_it() {
    for name in CODES.iter().map(|code| code.replace("imgc::parse::", "")) {
        let page = page(&format!("errors/imgc.parse.{name}.md"));
        assert!(page.starts_with(&format!("# imgc::parse::{name}\n\n")), "{name}");
        let blocks = blocks(&page);
        if WITHOUT_A_RECIPE.contains(&name.as_str()) {
            assert_eq!(blocks.len(), 0, "{name}");
            continue;
        }
        assert!(page.contains("\n## Fails\n") && page.contains("\n## Repaired\n"), "{name}");
        let [fails, repaired] = &blocks[..] else { panic!("{name}: two blocks") };
        assert_eq!(codes(&read_block(fails)), [name.as_str()], "{fails}");
        assert_eq!(read_block(repaired).err(), None, "{repaired}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the tests read the documentation")]
fn each_page_has_a_code() {
    for entry in std::fs::read_dir(docs().join("errors")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(code) = name.strip_prefix("imgc.parse.") else { continue };
        let code = format!("imgc::parse::{}", code.trim_end_matches(".md"));
        assert!(CODES.contains(&code.as_str()), "{code}");
    }
    assert!(CODES.is_sorted());
}

#[test]
fn each_recipe_of_the_reference_is_one() {
    let blocks = blocks(&page("recipe-language.md"));
    assert!(blocks.len() > 20);
    for block in blocks {
        assert_eq!(read_block(&block).err(), None, "{block}");
        let formatted = imgc_parser::format(&block).unwrap();
        assert_eq!(formatted, block, "examples are formatted");
    }
}

#[test]
fn the_reference_names_each_node() {
    let page = page("recipe-language.md");
    let Err(errors) = recipe("nope") else { panic!("is no node") };
    let ParseError::UnknownNode { known, .. } = &errors[0] else { panic!("{errors:?}") };
    for node in *known {
        assert!(page.contains(&format!("### `{node}`")), "{node}");
    }
}

#[test]
fn a_target_longer_than_linux_allows_is_too_long() {
    let link =
        |length: usize| codes(&recipe(&format!("symlink \"/a\" to=\"{}\"", "x".repeat(length))));
    assert_eq!(link(4095), Vec::<String>::new());
    assert_eq!(link(4096), ["too_long"]);
}

#[test]
fn what_is_too_complex_says_so() {
    let error = ParseError::TooComplex { span: imgc_parser::Span { start: 0, len: 0 } };
    assert_eq!(code(&error), "too_complex");
    assert_eq!(error.to_string(), "the recipe is too complex to be read in 10 seconds");
}

#[test]
fn a_cycle_names_the_files() {
    let Err(errors) = read_block("use \"common/cycle.kdl\"") else { panic!("is a cycle") };
    let ParseError::UseCycle { chain, .. } = &errors[0] else { panic!("{errors:?}") };
    let mut times = BTreeMap::<&ProjectPath, usize>::new();
    chain.iter().for_each(|path| *times.entry(path).or_default() += 1);
    assert_eq!(times.into_values().collect::<Vec<_>>(), [2]);
}
