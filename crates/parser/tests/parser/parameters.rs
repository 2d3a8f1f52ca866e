//! Parameters: what `${name}` stands for, in which strings, and what is wrong with it.

use std::collections::BTreeMap;

use crate::support::{Memory, lines};
use imgc_parser::{ParseError, ProjectPath, Recipe, SourceMap, Statement, parse_with};

fn read(
    files: &[(&str, &str)],
    set: &[(&str, &str)],
) -> (Result<Recipe, Vec<ParseError>>, SourceMap) {
    let main = ProjectPath::resolve(&ProjectPath::project(), files[0].0).expect("a path");
    let mut map = SourceMap::default();
    let set: BTreeMap<String, String> =
        set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    (parse_with(&main, &mut Memory::of(files), &mut map, &set), map)
}

/// Returns the values of all labels.
#[track_caller]
fn labels(files: &[(&str, &str)], set: &[(&str, &str)]) -> Vec<String> {
    let (result, map) = read(files, set);
    let recipe = match result {
        Ok(recipe) => recipe,
        Err(_) => panic!("{}", lines(&result, &map)),
    };
    let value = |statement: &Statement| match statement {
        Statement::Label(label) => Some(label.value.value.clone()),
        _ => None,
    };
    recipe.statements.iter().filter_map(value).collect()
}

#[track_caller]
fn mistakes(text: &str, set: &[(&str, &str)]) -> String {
    let (result, map) = read(&[("app.kdl", text)], set);
    lines(&result, &map)
}

#[test]
fn a_value_stands_where_its_name_does() {
    let text = "label a \"${v}-${v}${w}!\"\nparam v default=\"1\"\nparam w default=\"\"\n";
    assert_eq!(labels(&[("app.kdl", text)], &[]), ["1-1!"]);
    assert_eq!(
        labels(&[("app.kdl", text)], &[("v", "a\"${w}"), ("w", "é")]),
        ["a\"${w}-a\"${w}é!"]
    );
    // Only `${` means anything, and `$${` means it.
    let text = "param v default=\"1\"\nlabel a \"$v $ {v} $${v} $$${v} ${v} $\"\n";
    assert_eq!(labels(&[("app.kdl", text)], &[]), ["$v $ {v} ${v} $${v} 1 $"]);
    let text = "label a \"\"\"\n  ${v}\n  x\n  \"\"\"\nlabel b #\"${v}\"#\nparam v default=x2";
    assert_eq!(labels(&[("app.kdl", text)], &[]), ["x2\nx", "x2"]);
}

#[test]
fn values_stand_in_every_kind_of_string_and_in_blocks() {
    let text = "param p default=\"/srv\"\nparam m default=\"0640\"\nparam u default=\"app\"\n\
        layer \"${u}\" { tree \"${p}/www\" from=\"${u}\" mode=\"${m}\" { exclude \"*.${u}\"; }; }\n\
        user \"${u}\" uid=7\nenv HOME=\"${p}\"\nexpose \"${n}/udp\"\nparam n default=\"53\"\n\
        needs timezones=\"${z}\"\nparam z default=\"Europe/Prague\"\n";
    let (result, map) = read(&[("app.kdl", text)], &[]);
    let written = text
        .replace("${p}", "/srv")
        .replace("${m}", "0640")
        .replace("${u}", "app")
        .replace("${n}", "53")
        .replace("${z}", "Europe/Prague");
    let lines_of = |text: &str| -> String {
        text.lines().filter(|line| !line.starts_with("param")).collect::<Vec<_>>().join("\n")
    };
    let (plain, _) = read(&[("app.kdl", &lines_of(&written))], &[]);
    let debug = |recipe: &Result<Recipe, Vec<ParseError>>| {
        let text = format!("{:?}", recipe.as_ref().expect("a recipe").statements);
        // All but the places.
        text.split("Span {")
            .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&result, &map), "");
    assert_eq!(debug(&result)[1..], debug(&plain)[1..]);
}

#[test]
fn parameters_belong_to_all_files() {
    let files = [
        ("app.kdl", "label a \"${base}\"\nuse \"${dir}/base.kdl\"\nparam dir default=\"common\"\n"),
        ("common/base.kdl", "param base default=\"b\"\nlabel b \"${dir}\"\n"),
        ("other/base.kdl", "param base default=\"o\"\n"),
    ];
    assert_eq!(labels(&files, &[]), ["b", "common"]);
    assert_eq!(labels(&files, &[("dir", "other"), ("base", "x")]), ["x"]);
}

#[test]
fn what_is_wrong_with_parameters_is_told() {
    let text = "param version default=\"1\"\nparam version\nparam empty\nparam \"a b\" default=\"x\"\n\
        label a \"${vresion}\"\nlabel b \"${}\"\nlabel c \"${version\"\nlabel d \"${zzzzzzzz} ${empty}\"\n\
        param n default=1\n";
    assert_eq!(
        mistakes(text, &[]),
        r#"stated_twice: parameter `version` is stated twice [version -> first stated here] [version -> stated again here] | remove one of them
parameter_without_value: parameter `empty` has no value [empty -> declared here] | give it one: `--set empty=…`, or `param empty default="…"`
bad_parameter: `a b` is no name of a parameter ["a b" -> written here] | write a name of letters, digits, `_` and `-`: `${version}`; `$${` stands for `${`
unknown_parameter: unknown parameter `vresion` ["${vresion}" -> named in this string] | did you mean `${version}`? for the text itself write `$${vresion}`
bad_parameter: `${}` is no name of a parameter ["${}" -> written here] | write a name of letters, digits, `_` and `-`: `${version}`; `$${` stands for `${`
bad_parameter: `${version` is no name of a parameter ["${version" -> written here] | write a name of letters, digits, `_` and `-`: `${version}`; `$${` stands for `${`
unknown_parameter: unknown parameter `zzzzzzzz` ["${zzzzzzzz} ${empty}" -> named in this string] | declare it, `param zzzzzzzz default="…"`; for the text itself write `$${zzzzzzzz}`
wrong_type: found the number `1` where a text is expected [1 -> written here] | write `"1"`
"#
    );
    assert_eq!(
        mistakes("param version default=\"1\"\nlabel a b\n", &[("versoin", "2"), ("zzzzzzz", "")]),
        r#"unknown_setting: `--set versoin` names no parameter of the recipe | did you mean `--set version=…`?
unknown_setting: `--set zzzzzzz` names no parameter of the recipe | its parameters are `version`
unused_parameter: parameter `version` is not used [version -> declared here] | write `${version}` in a string where it belongs, or remove it
"#
    );
    assert_eq!(
        mistakes("label a b\n", &[("v", "2")]),
        "unknown_setting: `--set v` names no parameter of the recipe | the recipe has no parameters\n"
    );
}

#[test]
fn parameters_do_not_fill_the_memory() {
    let text = format!("param v\n{}", "label a \"${v}${v}${v}${v}${v}\"\n".repeat(10_000));
    let (result, _) = read(&[("app.kdl", &text)], &[("v", &"x".repeat(100_000))]);
    let errors = result.unwrap_err();
    assert!(errors.iter().any(|error| crate::support::code(error) == "too_long"), "{errors:?}");
}
