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
