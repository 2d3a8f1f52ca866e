//! What is wrong with a recipe, in the words that a user reads.

use crate::support::mistakes;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(mistakes(text), expected, "\n{}", mistakes(text));
}

#[test]
fn mistakes_of_one_line_are_all_reported() {
    check(
        r#"file "/x" frm="a" mode=0755 mode=0o644 { }"#,
        r#"no_children: `file` takes no block [file "/x" frm="a" mode=0755 mode=0o644 { } -> has a block] | remove the block from `{` to `}`
unknown_property: unknown property `frm` of `file` [frm -> `file` does not have it] | did you mean `from`? `file` takes `from`, `mode` and `owner`
decimal_mode: mode `0755` is not written in octal [0755 -> KDL reads the number 755] | write `mode=0o755`
duplicate_property: property `mode` is given twice [mode -> first given here] [mode -> given again here] | remove one of them
"#,
    );
}

#[test]
fn modes_are_octal() {
    check(
        r#"file "/a" mode=0755
file "/a" mode=0o18
file "/a" mode=0o10000
file "/a" mode="0x"
file "/a" mode=0x1ff
file "/a" mode=0
file "/a" mode=#true
file "/a" mode=-0o644
file "/a" mode=0o170141183460469231731687303715884105728000
"#,
        r#"decimal_mode: mode `0755` is not written in octal [0755 -> KDL reads the number 755] | write `mode=0o755`
bad_mode: mode `0o18` is not octal [0o18 -> written here] | write four octal digits or fewer, such as `mode=0o644`
bad_mode: mode `0o10000` is above 0o7777 [0o10000 -> written here] | write four octal digits or fewer, such as `mode=0o644`
bad_mode: mode `0x` is not octal ["0x" -> written here] | write four octal digits or fewer, such as `mode=0o644`
decimal_mode: mode `0x1ff` is not written in octal [0x1ff -> KDL reads the number 511] | write `mode=0o644`
decimal_mode: mode `0` is not written in octal [0 -> KDL reads the number 0] | write `mode=0o0`
wrong_type: found `#true` where a mode is expected [#true -> written here] | write `0o644`
decimal_mode: mode `-0o644` is not written in octal [-0o644 -> KDL reads the number -420] | write `mode=0o644`
bad_mode: mode `0o170141183460469231731687303715884105728000` is not octal [0o170141183460469231731687303715884105728000 -> written here] | write four octal digits or fewer, such as `mode=0o644`
"#,
    );
}

#[test]
fn numbers_that_are_none_say_why() {
    check(
        r#"created 2026-11-20
expose 0xg
expose 1_000_
expose 340282366920938463463374607431768211456
expose 1.5 1e400 -1 70000
user app uid=0b2"#,
        r#"not_a_number: `2026-11-20` starts like a number and is none [2026-11-20 -> written here] | write `"2026-11-20"` for a string
not_a_number: `0xg` is not hexadecimal [0xg -> written here] | write `"0xg"` for a string
not_a_number: `340282366920938463463374607431768211456` is larger than any number that a recipe can need [340282366920938463463374607431768211456 -> written here] | write a smaller number, or a string in quotes
wrong_type: found the number `1.5` where a port is expected [1.5 -> written here] | write `8080`
wrong_type: found the number `1e400` where a port is expected [1e400 -> written here] | write `8080`
bad_port: port `-1` is not of the form `8080` or `53/udp` [-1 -> written here] | write a number from 1 to 65535, with `/tcp`, `/udp` or `/sctp` behind it or without
bad_port: port `70000` is not of the form `8080` or `53/udp` [70000 -> written here] | write a number from 1 to 65535, with `/tcp`, `/udp` or `/sctp` behind it or without
not_a_number: `0b2` is not binary [0b2 -> written here] | write `"0b2"` for a string
"#,
    );
}

#[test]
fn values_of_another_type_say_what_to_write() {
    check(
        r#"env A=1 B=#true C=#null D=#inf
label 1 "x"
user app uid="5"
user app uid=x
workdir #nan
command 8080"#,
        r#"wrong_type: found the number `1` where a variable's value is expected [1 -> written here] | write `"1"`
wrong_type: found `#true` where a variable's value is expected [#true -> written here] | write `"true"`
wrong_type: found `#null` where a variable's value is expected [#null -> written here] | write something between quotes, or remove it
wrong_type: found `#inf` where a variable's value is expected [#inf -> written here] | write `"inf"`
wrong_type: found the number `1` where a key is expected [1 -> written here] | write `"1"`
wrong_type: found the string `"5"` where a number is expected ["5" -> written here] | write `5`
wrong_type: found the string `x` where a number is expected [x -> written here] | write a number such as `10001`
wrong_type: found `#nan` where a path is expected [#nan -> written here] | write `"nan"`
wrong_type: found the number `8080` where an argument is expected [8080 -> written here] | write `"8080"`
"#,
    );
}

#[test]
fn words_without_quotes_are_shown_with_them() {
    check(
        r#"binary /usr/bin/rg
file "/a" from=conf/a
expose 53/udp
env A=true B=#yes"#,
        r#"unquoted: `/usr/bin/rg` is not quoted [/usr/bin/rg -> contains a character that needs quotes] | write `"/usr/bin/rg"`
unquoted: `conf/a` is not quoted [conf/a -> contains a character that needs quotes] | write `"conf/a"`
unquoted: `53/udp` is not quoted [53/udp -> contains a character that needs quotes] | write `"53/udp"`
not_a_keyword: `true` is no word of KDL [true -> here] | write `"true"` for a string
not_a_keyword: `#yes` is no word of KDL [#yes -> here] | write `"yes"` for a string
"#,
    );
}

#[test]
fn arguments_are_counted() {
    check(
        r#"binary
binary "/a" "/b"
text "/a"
env
entrypoint
command
layer "a"
source
source directory
source host "x"
symlink "/a"
group a
use"#,
        r#"missing_argument: `binary` lacks the path of a program [binary -> nothing follows that says it] | write `binary "/usr/bin/rg"`
extra_argument: `binary` takes no argument here ["/b" -> one too many] | write `binary "/usr/bin/rg"`
missing_argument: `text` lacks the text [text -> nothing follows that says it] | write `text "/etc/hostname" "app\n"`
missing_argument: `env` lacks a variable [env -> nothing follows that says it] | write `env LANG="C.UTF-8"`
missing_argument: `entrypoint` lacks a program [entrypoint -> nothing follows that says it] | write `entrypoint "/rg" "--no-config"`
missing_argument: `command` lacks an argument [command -> nothing follows that says it] | write `command "--help"`
missing_argument: `layer` lacks a block with what is in it [layer -> nothing follows that says it] | write `layer "assets" { tree "/srv/www" from="dist"; }`
missing_argument: `source` lacks a kind [source -> nothing follows that says it] | write `source host`
missing_argument: `source` lacks a path [source -> nothing follows that says it] | write `source directory "sysroot"`
extra_argument: `source` takes no argument here ["x" -> one too many] | write `source host`
missing_property: `symlink` lacks the property `to` [symlink -> asked for here] | write `symlink "/bin/sh" to="busybox"`
missing_property: `group` lacks the property `gid` [group -> asked for here] | write `group app gid=10001`
missing_argument: `use` lacks the path of a file [use -> nothing follows that says it] | write `use "common/base.kdl"`
"#,
    );
}

#[test]
fn unknown_names_come_with_the_nearest_one() {
    check(
        r#"tree "/a" { exclud "x"; }
layer "x" { fil "/a"; user root; }
compression gzp
source hots
stop-signal SIGTRM
binary "/a" too="/b"
env2 A="b"
name a x=1"#,
        r#"unknown_child: `exclud` cannot stand in `tree` [exclud -> in the block of `tree`] | did you mean `exclude`? Known here: `exclude`
unknown_child: `fil` cannot stand in `layer` [fil -> in the block of `layer`] | did you mean `file`? Known here: `binary`, `library`, `file`, `text`, `tree`, `directory`, `symlink` and `needs`
unknown_child: `user` cannot stand in `layer` [user -> in the block of `layer`] | known here: `binary`, `library`, `file`, `text`, `tree`, `directory`, `symlink` and `needs`
unknown_compression: unknown compression `gzp` [gzp -> written here] | did you mean `gzip`? Known here: `gzip`, `zstd` and `none`
unknown_source: unknown kind of source `hots` [hots -> written here] | did you mean `host`? Known here: `host` and `directory`
bad_signal: unknown signal `SIGTRM` [SIGTRM -> written here] | write `SIGTERM` or a number from 1 to 64
unknown_property: unknown property `too` of `binary` [too -> `binary` does not have it] | did you mean `to`? `binary` takes `to`, `mode` and `owner`
unknown_node: unknown node `env2` [env2 -> not a node of a recipe] | did you mean `env`? Known here: `name`, `platform`, `source`, `binary`, `library`, `file`, `text`, `tree`, `directory`, `symlink`, `needs`, `capability`, `layer`, `variant`, `user`, `group`, `env`, `workdir`, `entrypoint`, `command`, `expose`, `volume`, `stop-signal`, `label`, `annotation`, `created`, `compression`, `allow`, `param` and `use`
unknown_property: unknown property `x` of `name` [x -> `name` does not have it] | remove it; `name` takes no properties
"#,
    );
}

#[test]
fn capabilities_are_those_of_setcap() {
    check(
        r#"capability "/a" "cap_net_rw=ep"
capability "/b" "cap_kill"
capability "/c" "cap_kill=p"
capability "/c" "cap_chown=p""#,
        r#"bad_capability: `cap_net_rw=ep` cannot be the capabilities of a file: `cap_net_rw` is no capability ["cap_net_rw=ep" -> written here] | did you mean `cap_net_raw`?
bad_capability: `cap_kill` cannot be the capabilities of a file: what is granted is said by `=`, `+` or `-` and the flags `e`, `i` and `p` ["cap_kill" -> written here] | write it as for setcap(8): `cap_net_raw=ep`, `cap_chown,cap_kill=p`
stated_twice: what `/c` may do is stated twice ["/c" -> first stated here] ["/c" -> stated again here] | remove one of them
"#,
    );
}

#[test]
fn variants_add_and_say_nothing_about_the_image_as_a_whole() {
    check(
        r#"variant debug
variant "a b" { }
variant x { source host; }
variant y { variant z { }; }
variant y { label a b; label a c; }
variant w { layer s { file "/a"; }; }
layer s { file "/b"; }
label a b"#,
        r#"missing_argument: `variant` lacks a block with what is different [variant -> nothing follows that says it] | write `variant debug { binary "/bin/busybox" to="/busybox/sh"; }`
bad_name: image name `a b` has a tag that is not made of 1 to 128 letters, digits, `_`, `.` and `-` ["a b" -> written here] | write a name such as `name "rg"` or `name "ghcr.io/acme/rg:14"`
unknown_child: `source` cannot stand in `variant` [source -> in the block of `variant`] | known here: `binary`, `library`, `file`, `text`, `tree`, `directory`, `symlink`, `needs`, `capability`, `layer`, `user`, `group`, `env`, `workdir`, `entrypoint`, `command`, `expose`, `volume`, `stop-signal`, `label`, `annotation` and `allow`
unknown_child: `variant` cannot stand in `variant` [variant -> in the block of `variant`] | known here: `binary`, `library`, `file`, `text`, `tree`, `directory`, `symlink`, `needs`, `capability`, `layer`, `user`, `group`, `env`, `workdir`, `entrypoint`, `command`, `expose`, `volume`, `stop-signal`, `label`, `annotation` and `allow`
stated_twice: variant `y` is stated twice [y -> first stated here] [y -> stated again here] | remove one of them
stated_twice: label `a` is stated twice [a -> first stated here] [a -> stated again here] | remove one of them
stated_twice: layer `s` is stated twice [s -> first stated here] [s -> stated again here] | remove one of them
"#,
    );
}

#[test]
fn needs_have_names() {
    check(
        r#"needs
needs dns tsl
needs "zzzzzzzz" 7
needs dns tls=#true
needs locale
needs timezones="../x" locale="a b"
needs timezone="UTC"
needs timezones=#true"#,
        r#"missing_argument: `needs` lacks a need [needs -> nothing follows that says it] | write `needs dns tls`
unknown_need: unknown need `tsl` [tsl -> written here] | did you mean `tls`? Known here: `dns`, `tls`, `users`, `tmp`, `timezones`, `locale`, `charsets`, `terminfo`, `os-release` and `packages`
unknown_need: unknown need `zzzzzzzz` ["zzzzzzzz" -> written here] | known here: `dns`, `tls`, `users`, `tmp`, `timezones`, `locale`, `charsets`, `terminfo`, `os-release` and `packages`
wrong_type: found the number `7` where a need is expected [7 -> written here] | write `"7"`
unknown_property: unknown property `tls` of `needs` [tls -> `needs` does not have it] | `needs` takes `timezones` and `locale`
missing_property: `needs` lacks the property `locale` [locale -> asked for here] | write `needs locale="C.UTF-8"`
bad_need: `../x` is no name of a time zone ["../x" -> written here] | write `needs timezones="Europe/Prague"`
bad_need: `a b` is no name of a locale ["a b" -> written here] | write `needs locale="C.UTF-8"`
unknown_property: unknown property `timezone` of `needs` [timezone -> `needs` does not have it] | did you mean `timezones`? `needs` takes `timezones` and `locale`
wrong_type: found `#true` where a time zone is expected [#true -> written here] | write `"true"`
"#,
    );
}

#[test]
fn planned_things_are_told_from_unknown_ones() {
    check(
        r#"source archive "x" sha256="y"
source debian "bookworm" { package "x"; }
source image "x""#,
        r#"not_supported: `source archive` is not supported yet by this version [source -> asked for here] | remove it; unpack it and name it with `source directory`
not_supported: `source debian` is not supported yet by this version [source -> asked for here] | remove it; unpack it and name it with `source directory`
not_supported: `source image` is not supported yet by this version [source -> asked for here] | remove it; unpack it and name it with `source directory`
"#,
    );
}

#[test]
fn type_annotations_are_refused() {
    check(
        r#"(t)binary (u8)"/a" mode=(m)0o755"#,
        r#"type_annotation: type annotation `(t)` means nothing in a recipe [binary -> annotated here] | remove it
type_annotation: type annotation `(u8)` means nothing in a recipe ["/a" -> annotated here] | remove it
type_annotation: type annotation `(m)` means nothing in a recipe [0o755 -> annotated here] | remove it
"#,
    );
}

#[test]
fn what_is_stated_twice_shows_both_places() {
    check(
        r#"name a
name b
env A="1" A="2"
label a b
label a c
annotation a b
group a gid=1
group a gid=1
group b gid=1
layer a { }
layer a { }
user root
user 5
platform "linux/386" "linux/386"
entrypoint a
entrypoint shell=b
created "2026-11-20"
created "2026-11-20""#,
        r#"stated_twice: `name` is stated twice [a -> first stated here] [b -> stated again here] | remove one of them
stated_twice: variable `A` is stated twice [A -> first stated here] [A -> stated again here] | remove one of them
stated_twice: label `a` is stated twice [a -> first stated here] [a -> stated again here] | remove one of them
stated_twice: group `a` is stated twice [a -> first stated here] [a -> stated again here] | remove one of them
stated_twice: group id `1` is stated twice [1 -> first stated here] [1 -> stated again here] | remove one of them
stated_twice: layer `a` is stated twice [a -> first stated here] [a -> stated again here] | remove one of them
stated_twice: `user` is stated twice [root -> first stated here] [user 5 -> stated again here] | remove one of them
stated_twice: platform `linux/386` is stated twice ["linux/386" -> first stated here] ["linux/386" -> stated again here] | remove one of them
stated_twice: `entrypoint` is stated twice [entrypoint a -> first stated here] [entrypoint shell=b -> stated again here] | remove one of them
stated_twice: `created` is stated twice ["2026-11-20" -> first stated here] ["2026-11-20" -> stated again here] | remove one of them
"#,
    );
}

#[test]
fn users_and_owners_have_their_forms() {
    check(
        r#"user root gid=1
user 5 home="/"
user "A b"
user -1
user app uid=1 home="/a:b"
file "/x" owner="A:b"
file "/x" owner="a:1"
file "/x" owner=-1
file "/x" owner=4294967295"#,
        r#"user_without_uid: user `root` has `gid` and no `uid` [gid -> only a user that is created has this] | add `uid=10001` to create the user, or remove `gid`
numeric_user: user `5` is a number and cannot have `home` [home -> a number creates no user] | name the user, as in `user app uid=10001`, or remove `home`
bad_account_name: `A b` cannot name a user or group ["A b" -> written here] | use at most 32 lower-case letters, digits, `_` and `-`, with a letter or `_` first
bad_id: id `-1` is not between 0 and 4294967294 [-1 -> written here] | write a number such as `10001`
forbidden_character: a path in /etc/passwd contains the character U+003A ["/a:b" -> written here] | remove it
bad_owner: owner `A:b` is neither a user nor a pair of ids ["A:b" -> written here] | write `owner=app`, `owner="app:web"`, `owner=10001` or `owner="10001:10002"`
bad_owner: owner `a:1` is neither a user nor a pair of ids ["a:1" -> written here] | write `owner=app`, `owner="app:web"`, `owner=10001` or `owner="10001:10002"`
bad_id: id `-1` is not between 0 and 4294967294 [-1 -> written here] | write a number such as `10001`
bad_id: id `4294967295` is not between 0 and 4294967294 [4294967295 -> written here] | write a number such as `10001`
"#,
    );
}

#[test]
fn paths_have_their_forms() {
    check(
        r#"file "x"
file ""
file "/a/../b"
file "/a\u{0}"
file "/a\nb"
file "/.wh.a"
file "/a" from="../../x"
library "a/b"
library "/*/x"
library "/x["
library ""
binary "a" to="b"
symlink "/a" to="""#,
        r#"bad_path: path `x` does not start with `/` ["x" -> written here] | paths inside an image start with `/`
bad_path: path `` is empty ["" -> written here] | write a path
bad_path: path `/a/../b` contains `..` ["/a/../b" -> written here] | write the path that is meant, without `..`
forbidden_character: a path contains the character U+0000 ["/a\u{0}" -> written here] | remove it
forbidden_character: a path contains the character U+000A ["/a\nb" -> written here] | remove it
bad_path: path `/.wh.a` contains a name that starts with `.wh.`, which marks deleted files in a layer ["/.wh.a" -> written here] | choose another name; this one deletes a file when it is unpacked
bad_path: path `../../x` leads out of the project ["../../x" -> written here] | move the file into the project, or take it from a source
bad_library: library `a/b` is neither a name nor an absolute path ["a/b" -> written here] | write its name, `library "libz.so.1"`, or its path from `/` on
bad_pattern: `/*/x` is not a pattern for the files of one directory ["/*/x" -> written here] | use `*`, `?` and `[…]` behind the last `/` alone, and close each `[`
bad_pattern: `/x[` is not a pattern for the files of one directory ["/x[" -> written here] | use `*`, `?` and `[…]` behind the last `/` alone, and close each `[`
empty_value: the name of a library is empty ["" -> written here] | write something between the quotes, or remove it
bad_path: path `b` does not start with `/` ["b" -> written here] | paths inside an image start with `/`
empty_value: the target of a link is empty ["" -> written here] | write something between the quotes, or remove it
"#,
    );
}

#[test]
fn what_is_not_kdl_says_what_to_do() {
    check(
        r#"binary "/a" "b
"#,
        r#"syntax: a string is not closed on its line [" -> here] | close it with `"`, or write a text of several lines between `"""` lines
"#,
    );
}

#[test]
fn blocks_and_strings_have_to_be_closed() {
    check(
        r#"layer "a" {
 text "/t" """
  x
"#,
        r#"syntax: a block is not closed [{ -> here] | add a `}` where the block ends
syntax: a multi-line string is not closed [""" -> here] | close it with `"""` on a line of its own
"#,
    );
}

#[test]
fn what_seems_a_second_string_is_not_reported() {
    check(
        r#"text "/a" "x
y"
"#,
        r#"syntax: a string is not closed on its line [" -> here] | close it with `"`, or write a text of several lines between `"""` lines
"#,
    );
}

#[test]
fn several_breaks_of_the_grammar_are_reported() {
    check(
        r#"a "\q"
= 1
b k=
c {} d
}
"x""y""#,
        r#"syntax: a backslash before `q` starts no escape [\q -> here] | write `\\` for a backslash; the escapes are \n \r \t \s \b \f \" \\ \u{…}
syntax: found `=` where a node has to start [= -> here] | start a line with the name of a node, such as `binary`
syntax: a property has no value [= -> here] | write the value behind the `=`
syntax: `d` follows the block of a node [d -> here] | start a new line behind the `}`
syntax: `}` closes no block [} -> here] | remove it, or add the `{` that it closes
syntax: there is no space between two values ["y" -> here] | put a space between them
"#,
    );
}
