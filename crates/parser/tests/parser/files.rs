//! Recipes of several files.

use crate::support::{Memory, codes, lines, read};
use imgc_parser::{From, Statement};

#[track_caller]
fn check(files: &[(&str, &str)], expected: &str) {
    let (result, map) = read("recipes/app.kdl", Memory::of(files));
    assert_eq!(lines(&result, &map), expected);
}

#[test]
fn nodes_of_a_used_file_stand_where_it_was_used() {
    let files = Memory::of(&[
        ("recipes/app.kdl", "env A=\"1\"\nuse \"../common/base.kdl\"\nenv C=\"3\"\n"),
        ("common/base.kdl", "env B=\"2\"\nfile \"/b\" from=\"conf/b\"\n"),
    ]);
    let (result, map) = read("recipes/app.kdl", files);
    let recipe = result.unwrap();
    let names: Vec<_> = recipe
        .statements
        .iter()
        .map(|statement| match statement {
            Statement::Env(env) => {
                let file = map.file(env.name.span).unwrap();
                format!("{} in {}", env.name.value, file.name)
            }
            Statement::File(file) => match &file.from.as_ref().unwrap().value {
                From::Project(path) => path.to_string(),
                From::Source(path) => path.to_string(),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    let expected =
        ["A in recipes/app.kdl", "B in common/base.kdl", "common/conf/b", "C in recipes/app.kdl"];
    assert_eq!(names, expected);
    assert_eq!(recipe.stem, "app");
}

#[test]
fn each_file_is_used_once() {
    check(
        &[
            ("recipes/app.kdl", "use \"a.kdl\"\nuse \"./b/../a.kdl\"\n"),
            ("recipes/a.kdl", "env A=\"1\"\n"),
        ],
        "used_twice: `recipes/a.kdl` is used twice [\"a.kdl\" -> first used here] \
         [\"./b/../a.kdl\" -> used again here] | remove one of them; its nodes are there already\n",
    );
}

#[test]
fn files_that_use_each_other_are_shown_as_a_chain() {
    check(
        &[
            ("recipes/app.kdl", "use \"a.kdl\"\n"),
            ("recipes/a.kdl", "use \"b.kdl\"\n"),
            ("recipes/b.kdl", "use \"a.kdl\"\n"),
        ],
        "use_cycle: files use each other: `recipes/a.kdl` uses `recipes/b.kdl` uses \
         `recipes/a.kdl` [\"a.kdl\" -> closes the chain] | remove one `use` of the chain\n",
    );
    check(
        &[("recipes/app.kdl", "use \"app.kdl\"\n")],
        "use_cycle: files use each other: `recipes/app.kdl` uses `recipes/app.kdl` \
         [\"app.kdl\" -> closes the chain] | remove one `use` of the chain\n",
    );
}

#[test]
fn mistakes_of_all_files_are_reported_in_one_run() {
    check(
        &[
            ("recipes/app.kdl", "use \"a.kdl\"\nuse \"gone.kdl\"\nuse \"../../x\"\nnope\n"),
            ("recipes/a.kdl", "platform \"x\"\nuse \"b.kdl\"\n"),
            ("recipes/b.kdl", "a {\n"),
        ],
        "not_readable: cannot read `recipes/gone.kdl`: no such file [\"gone.kdl\" -> used here] \
         | paths are relative to the file they stand in\n\
         bad_path: path `../../x` leads out of the project [\"../../x\" -> written here] \
         | move the file into the project, or take it from a source\n\
         unknown_node: unknown node `nope` [nope -> not a node of a recipe] | known here: `name`, `platform`, `source`, `binary`, `library`, `file`, `text`, `tree`, \
         `directory`, `symlink`, `needs`, `capability`, `layer`, `variant`, `user`, `group`, `env`, `workdir`, `entrypoint`, \
         `command`, `expose`, `volume`, `stop-signal`, `label`, `annotation`, `created`, \
         `compression`, `allow`, `param` and `use`\n\
         bad_platform: platform `x` is not of the form `linux/amd64` [\"x\" -> written here] \
         | write `linux/` and one of `amd64`, `arm64`, `arm`, `386`, `riscv64`, `ppc64le`, `s390x` \
         and `loong64`\n\
         syntax: a block is not closed [{ -> here] | add a `}` where the block ends\n",
    );
}

#[test]
fn what_can_be_said_once_is_so_across_files() {
    check(
        &[
            ("recipes/app.kdl", "use \"a.kdl\"\nworkdir \"/b\"\n"),
            ("recipes/a.kdl", "workdir \"/a\"\n"),
        ],
        "stated_twice: `workdir` is stated twice [\"/a\" -> first stated here] \
         [\"/b\" -> stated again here] | remove one of them\n",
    );
}

#[test]
fn use_stands_at_the_top_alone() {
    let files = [("recipes/app.kdl", "layer \"a\" { use \"a.kdl\"; }"), ("recipes/a.kdl", "")];
    assert_eq!(codes(&read("recipes/app.kdl", Memory::of(&files)).0), ["unknown_child"]);
}

#[test]
fn the_number_of_files_is_limited() {
    let project = |count: usize| {
        let uses: String = (0..count).map(|n| format!("use \"{n}.kdl\"\n")).collect();
        let mut files = Memory::of(&[("app.kdl", uses)]);
        files.0.extend((0..count).map(|n| (format!("{n}.kdl"), Vec::new())));
        read("app.kdl", files).0
    };
    assert!(project(63).is_ok());
    assert_eq!(codes(&project(70)), ["too_many_files"]);
}

#[test]
fn bytes_that_are_no_text_have_their_own_mistakes() {
    let read = |bytes: &[u8]| {
        let (result, map) = read("app.kdl", Memory::of(&[("app.kdl", bytes)]));
        lines(&result, &map)
    };
    assert_eq!(
        read(b"env A=\"\xff\"\n"),
        "not_utf8: `app.kdl` is not UTF-8 from byte 7 on [ -> the text ends here] \
         | save the file as UTF-8\n"
    );
    assert_eq!(
        read(b"\xff\xfee\0n\0v\0"),
        "utf16: `app.kdl` is UTF-16 [ -> in this file] | save the file as UTF-8\n"
    );
    assert_eq!(
        read(&vec![b'\n'; (1 << 20) + 1]),
        "too_large: `app.kdl` has 1048577 bytes, more than 1 MiB [ -> in this file] | keep large \
         texts in files of their own: `file \"/path\" from=\"text.txt\"`\n"
    );
}

#[test]
fn a_recipe_that_cannot_be_read_is_a_mistake_without_a_place() {
    let (result, map) = read("gone.kdl", Memory::default());
    assert_eq!(
        lines(&result, &map),
        "not_readable: cannot read `gone.kdl`: no such file | paths are relative to the file they \
         stand in\n"
    );
}

#[test]
fn a_file_name_that_names_no_image_asks_for_a_name() {
    let read = |main: &str, text: &str| {
        let (result, map) = read(main, Memory::of(&[(main, text)]));
        lines(&result, &map)
    };
    assert_eq!(
        read("App.kdl", "env A=\"1\""),
        "no_name: file name `App` gives the image no name: it is not made of lower-case letters, \
         digits, and `.`, `_`, `-` or `/` between them [ -> this recipe has no `name` node] \
         | add `name \"app\"`\n"
    );
    assert!(read("my app.kdl", "env A=\"1\"").contains("add a name, such as `name \"app\"`"));
    assert_eq!(read("App.kdl", "name \"app\""), "");
}
