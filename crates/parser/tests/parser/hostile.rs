//! Texts that are made to do harm.

use crate::support::{codes, mistakes, recipe};

#[test]
fn no_text_crashes_hangs_or_floods() {
    let closed = |n: usize| "a {\n".repeat(n) + &"}\n".repeat(n);
    for (name, text) in [
        ("open blocks", "a {".repeat(100_000)),
        ("bare braces", "{".repeat(16_000)),
        ("closed blocks", closed(100_000)),
        ("deepest closed blocks", closed(64)),
        ("closing braces", "}".repeat(10_000)),
        ("closing braces on lines", "}\n".repeat(100_000)),
        ("slashdash bomb", "a /-{".repeat(18) + &"}".repeat(18)),
        ("open slashdash bomb", "a /-{".repeat(40)),
        ("slashdashes", "/-".repeat(8000)),
        ("slashdashed nodes", "/- a\n".repeat(100_000)),
        ("slashdashed numbers", "/- a 0o9\n".repeat(50_000)),
        ("comments in comments", "/*".repeat(8000)),
        ("annotations", "(a)".repeat(5000)),
        ("annotations on a value", format!("a {}1", "(a)".repeat(5000))),
        ("semicolons", ";".repeat(16_000)),
        ("unclosed string", format!("a \"{}", "x".repeat(10_000))),
        ("unclosed multi-line string", format!("a \"\"\"\n{}", "x\n".repeat(200_000))),
        ("unclosed raw strings", "#\"".repeat(8000)),
        ("raw quotes", format!("a {}", "#".repeat(16_000))),
        ("quotes", "\"".repeat(16_000)),
        ("escapes", format!("a \"{}\"", "\\u{".repeat(5000))),
        ("backslashes", "\\ /*".repeat(4000)),
        ("equals signs", "=".repeat(16_000)),
        ("long line", format!("env A=\"{}\"", "x".repeat(17_000))),
        ("long line of tabs", "\t".repeat(65_536)),
        ("many mistakes", "nope\n".repeat(50_000)),
        ("many variables", "env A=\"1\"\n".repeat(5000)),
        ("control characters", "a \u{1b}[31m\u{7}\u{202e}\n".repeat(1000)),
        ("escaped control characters", "\"\\u{1b}[31m\\u{202e}\\u{9b}\"\n".repeat(100)),
    ] {
        // A few of them are recipes; what counts is that there is an answer.
        let errors = recipe(&text).err().unwrap_or_default();
        assert!(errors.len() <= 65, "{name}: {} mistakes", errors.len());
        let said: String = errors.iter().map(|error| format!("{error}\n")).collect();
        assert!(said.len() < 65 * 400, "{name}: {} bytes", said.len());
        let steers = |next: char| next != '\n' && (next.is_control() || next == '\u{202e}');
        assert!(!said.contains(steers), "{name}: {said:?}");
    }
}

#[test]
fn what_slashdash_removes_takes_no_time() {
    let text = "env A=\"1\" ".to_owned() + &"/-{ a ".repeat(60) + &"}".repeat(60);
    assert_eq!(codes(&recipe(&text)), Vec::<String>::new());
    assert!(recipe("layer \"a\" { file \"/a\"; /- file \"/b\"; }").is_ok());
}

#[test]
fn limits_have_their_own_mistakes() {
    assert_eq!(codes(&recipe(&"a {".repeat(65))), ["too_deep"]);
    assert_eq!(codes(&recipe(&"/*".repeat(65))), ["too_deep"]);
    assert_eq!(codes(&recipe(&"x".repeat(16 * 1024 + 1))), ["line_too_long"]);
    assert_eq!(codes(&recipe(&format!("//{}", "x".repeat(16 * 1024 - 2)))), Vec::<String>::new());
    let many = codes(&recipe(&"nope\n".repeat(100)));
    assert_eq!((many.len(), many.last().map(String::as_str)), (65, Some("and_more")));
}

#[test]
fn characters_that_steer_a_terminal_are_named_and_never_written() {
    assert_eq!(
        mistakes("label \"a\u{1b}[31m\" \"v\""),
        "syntax: the character U+001B is not allowed in a recipe [\u{1b} -> here] \
         | remove it, or write it as `\\u{…}` in a string\n"
    );
    assert!(mistakes("\"a\\u{202e}b\"").contains("unknown node `a\\u{202e}b`"));
}

/// A recipe with pieces put in, taken out and doubled: there is always an answer, its places lie in
/// the text, and what is a recipe is one in its usual form as well.
#[test]
fn no_change_of_a_recipe_leads_to_a_panic() {
    const RECIPE: &str = "name \"a\"\nplatform \"linux/amd64\"\nfile \"/é\" from=\"b\" mode=0o640 \\\n  \
        owner=app // c\nlayer \"x\" {\n  text \"/t\" \"\"\"\n    t\u{fe}\n    \"\"\"\n  tree \"/d\" { exclude \
        \"*\"; }\n}\nuser app uid=1\nenv A=#\"1\"# /- B=\"2\"\nexpose 80 \"53/udp\"\n/- label a b\n";
    const PIECES: &[&str] = &[
        "{",
        "}",
        "\"",
        "\"\"\"",
        "#",
        "/-",
        "/*",
        "*/",
        "//",
        "\\",
        "\n",
        "\r\n",
        " ",
        ";",
        "=",
        "(",
        ")",
        "0o9",
        "#null",
        "\u{feff}",
        "\u{2028}",
        "\u{85}",
        "\u{1b}",
        "é",
        "\u{202e}",
        "use \"app.kdl\"",
        "-1",
    ];
    // A generator of its own, so that a failure comes again (Knuth, MMIX).
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut valid = 0;
    for _ in 0..2000 {
        let mut characters: Vec<char> = RECIPE.chars().collect();
        for _ in 0..=next(3) {
            let at = next(characters.len());
            match next(3) {
                0 => drop(characters.drain(at..(at + 1 + next(6)).min(characters.len()))),
                1 => drop(characters.splice(at..at, PIECES[next(PIECES.len())].chars())),
                _ => {
                    let end = (at + next(20)).min(characters.len());
                    let copy: Vec<char> = characters[at..end].to_vec();
                    drop(characters.splice(at..at, copy));
                }
            }
        }
        let text: String = characters.into_iter().collect();
        // Resolves each label in the text.
        mistakes(&text);
        if let Ok(recipe) = recipe(&text) {
            valid += 1;
            let formatted =
                imgc_parser::format(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(
                crate::support::recipe(&formatted).as_ref().map(plain),
                Ok(plain(&recipe)),
                "{text:?}"
            );
        }
    }
    assert!(valid > 100, "only {valid} were recipes");
}

/// Writes a recipe without its places.
fn plain(recipe: &imgc_parser::Recipe) -> String {
    let debug = format!("{recipe:?}");
    let mut parts = debug.split("Span { start: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('}').map_or("", |(_, rest)| rest))
}
