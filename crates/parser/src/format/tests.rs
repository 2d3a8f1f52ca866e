use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(format(text).as_deref(), Ok(expected), "{text:?}");
    assert_eq!(format(expected).as_deref(), Ok(expected), "what is formatted stays as it is");
}

#[test]
fn lines_are_laid_out() {
    for (text, expected) in [
        ("", ""),
        ("\n\n", ""),
        ("a", "a\n"),
        ("\u{feff}a\r\nb\r\n", "a\nb\n"),
        ("a;b 1;  c\n", "a\nb 1\nc\n"),
        ("  a   1\t2  k = \"v\"  \n", "a 1 2 k=\"v\"\n"),
        ("a\n\n\n\nb\n\n", "a\n\nb\n"),
        ("a {\n\n  b\n\n  c\n\n}\n", "a {\n    b\n\n    c\n}\n"),
        ("a { b; c { d; }; }", "a {\n    b\n    c {\n        d\n    }\n}\n"),
        ("a {\n}\nb { }", "a {}\nb {}\n"),
        ("a{b}", "a {\n    b\n}\n"),
        ("a ( u8 ) 1 k=( t )2", "a (u8)1 k=(t)2\n"),
    ] {
        check(text, expected);
    }
}

#[test]
fn comments_are_kept() {
    for (text, expected) in [
        ("// a \n\n\n\n// b", "// a\n\n// b\n"),
        ("a   //b\n", "a //b\n"),
        ("a; // b\nc", "a // b\nc\n"),
        ("a { // b\nc // d\n// e\n}", "a { // b\n    c // d\n    // e\n}\n"),
        ("a {\n// b\n}", "a {\n    // b\n}\n"),
        ("/* a */ b /*c*/ 1 /* d\n  e  \n*/ 2", "/* a */ b /*c*/ 1 /* d\n  e\n*/ 2\n"),
        ("a /* b */ { c } // d", "a /* b */ {\n    c\n} // d\n"),
        ("a \\ // b\n 1", "a \\ // b\n    1\n"),
        ("a \\ // b\n\nc", "a // b\nc\n"),
        ("/* b */\na", "/* b */\na\n"),
    ] {
        check(text, expected);
    }
}

#[test]
fn what_slashdash_removes_is_kept() {
    for (text, expected) in [
        ("/-a 1\nb", "/-a 1\nb\n"),
        ("/- a {b}", "/- a {\n    b\n}\n"),
        ("a /-1 /- k=2 3", "a /-1 /- k=2 3\n"),
        ("a /-\n1 2", "a /- 1 2\n"),
        ("/-\na", "/- a\n"),
        ("a /-{ b } { c }", "a /-{\n    b\n} {\n    c\n}\n"),
        ("a { b; /- c; d }", "a {\n    b\n    /- c\n    d\n}\n"),
    ] {
        check(text, expected);
    }
}

#[test]
fn strings_stay_as_they_are_written() {
    for (text, expected) in [
        ("a  \"x\\ty\"  #\"r\"#  plain", "a \"x\\ty\" #\"r\"# plain\n"),
        (
            "a {\r\nb \"\"\"\r\n  x  \r\n\r\n  y\r\n  \"\"\"\r\n}",
            "a {\n    b \"\"\"\n  x  \n\n  y\n  \"\"\"\n}\n",
        ),
        ("a  0o755  1_000 -1.5e3 #inf", "a 0o755 1_000 -1.5e3 #inf\n"),
    ] {
        check(text, expected);
    }
}

#[test]
fn continued_lines_are_kept() {
    for (text, expected) in [
        ("a \\\n1 \\\n  2", "a \\\n    1 \\\n    2\n"),
        ("a { b \\\n1\n}", "a {\n    b \\\n        1\n}\n"),
        ("a \\\n\nb", "a\nb\n"),
        ("a \\\n{ b; }", "a \\\n    {\n    b\n}\n"),
        ("\\\na", "a\n"),
    ] {
        check(text, expected);
    }
}

#[test]
fn what_is_no_recipe_is_not_formatted() {
    for text in ["a {", "a \"", "a 0o9", "a }"] {
        assert!(matches!(format(text), Err(FormatError::Invalid(errors)) if !errors.is_empty()));
    }
}

#[test]
fn what_grows_over_a_limit_is_left_as_it_is() {
    let text = format!("a {{\nb \"{}\"\n}}\n", "x".repeat(16 * 1024 - 6));
    assert!(matches!(format(&text), Err(FormatError::Invalid(errors)) if errors.len() == 1));
}

/// Texts of random pieces: each that is KDL at all is formatted, once and for all.
#[test]
fn formatting_is_idempotent_and_keeps_the_meaning() {
    const PIECES: &[&str] = &[
        "a",
        "b",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\r\n",
        ";",
        "{",
        "}",
        " {",
        "}\n",
        "/-",
        "/- ",
        " 1",
        " \"s\"",
        " k=\"v\"",
        " k = 2",
        "// c\n",
        " // d",
        "/* e */",
        "/* f\n g */",
        " \\\n",
        " \\ // h\n",
        "(t)",
        " \"\"\"\n  x\n  \"\"\"",
        " #\"r\"#",
        "\n  node",
        " \\ /* i */\n",
        "\u{feff}",
        "\t",
        " #true",
    ];
    // A generator of its own, so that a failure comes again (Knuth, MMIX).
    let mut state = 42_u64;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut formatted = 0;
    for _ in 0..4_000 {
        let count = 1 + next(14);
        let text: String = (0..count).map(|_| PIECES[next(PIECES.len())]).collect();
        match format(&text) {
            // What only the KDL parser refuses is what our own check of the shape overlooks.
            Err(FormatError::Invalid(errors)) => {
                assert!(!format!("{errors:?}").contains("Other("), "{text:?}: {errors:?}");
            }
            Err(FormatError::Changed) => {
                panic!("{text:?} is changed into {:?}", layout::layout(&text))
            }
            Ok(once) => {
                formatted += 1;
                assert_eq!(format(&once).as_ref(), Ok(&once), "{text:?}");
                let untidy =
                    once.lines().any(|line| line.ends_with(' ')) || once.contains("\n\n\n");
                assert!(!untidy, "{text:?} becomes {once:?}");
            }
        }
    }
    assert!(formatted > 400, "only {formatted} of the texts were KDL");
}
