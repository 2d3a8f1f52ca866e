use imgc_parser::{ProjectPath, SourceMap, SourceText, Texts};

use super::*;

struct OneText<'a>(&'a str);

impl Texts for OneText<'_> {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        Ok(SourceText { name: path.to_string(), bytes: self.0.into() })
    }
}

fn planned(text: &str) -> Result<(Plan, Origins), Vec<PlanError>> {
    let main = ProjectPath::resolve(&ProjectPath::project(), "app.kdl").expect("a path");
    let mut map = SourceMap::default();
    let recipe = imgc_parser::parse(&main, &mut OneText(text), &mut map);
    plan(&recipe.unwrap_or_else(|errors| panic!("{errors:?}\n{text}")))
}

fn id(text: &str) -> NodeId {
    planned(text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).0.id()
}

fn errors(text: &str) -> Vec<String> {
    planned(text).expect_err(text).iter().map(ToString::to_string).collect()
}

const RECIPE: &str = r#"binary "/usr/bin/rg"
text "/etc/motd" "one\ntwo\n" mode=0o600
label "a" "1"
label "b" "2"
user app uid=10001
env A="1" B="2"
expose 80 443
"#;

#[test]
fn layout_makes_no_difference() {
    let crlf = RECIPE.replace('\n', "\r\n");
    let comments = RECIPE.replace('\n', " // why\n\n/* a\nb */\n");
    let block = "text \"/etc/motd\" mode=\"0600\" \"\"\"\n    one\n    two\n\n    \"\"\"";
    let strings = RECIPE.replace(r#"text "/etc/motd" "one\ntwo\n" mode=0o600"#, block);
    for same in [crlf, comments, strings] {
        assert_eq!(id(&same), id(RECIPE), "{same}");
    }
}

#[test]
fn the_order_of_independent_nodes_makes_no_difference() {
    let mut lines: Vec<&str> = RECIPE.lines().collect();
    for _ in 0..lines.len() {
        lines.rotate_left(1);
        assert_eq!(id(&lines.join("\n")), id(RECIPE));
    }
    lines.reverse();
    assert_eq!(id(&lines.join("\n")), id(RECIPE));
}

#[test]
fn everything_that_is_asked_for_makes_a_difference() {
    for (from, to) in [
        ("/usr/bin/rg", "/usr/bin/fd"),
        ("one", "eins"),
        ("0o600", "0o644"),
        ("\"1\"\nlabel", "\"3\"\nlabel"),
        ("10001", "10002"),
        ("A=\"1\" B=\"2\"", "B=\"2\" A=\"1\""),
        ("443", "444"),
    ] {
        assert!(RECIPE.contains(from));
        assert_ne!(id(&RECIPE.replace(from, to)), id(RECIPE), "{to}");
    }
    for line in [
        "name \"other\"",
        "platform \"linux/arm64\"",
        "compression zstd",
        "created \"2026-11-20\"",
        "annotation \"a\" \"1\"",
        "allow dlopen \"not used\"",
        "workdir \"/w\"",
        "volume \"/v\"",
        "stop-signal SIGINT",
        "command \"x\"",
        "source directory \"root\"",
        "env LD_LIBRARY_PATH=\"/opt\"",
    ] {
        assert_ne!(id(&format!("{RECIPE}{line}\n")), id(RECIPE), "{line}");
    }
}

#[test]
fn a_node_that_is_written_twice_is_one_node() {
    let twice = format!("{RECIPE}text \"/etc/motd\" \"one\\ntwo\\n\" mode=0o600\n");
    let (plan, origins) = planned(&twice).expect("a plan");
    assert_eq!(plan.id(), id(RECIPE));
    let written_twice = plan.nodes().keys().filter(|id| origins.node(**id).len() == 2);
    assert_eq!(written_twice.count(), 1);
}

#[test]
fn the_only_binary_is_the_entrypoint() {
    let entrypoint = |text| planned(text).expect("a plan").0.config().entrypoint.clone();
    let rg = Program::Arguments(vec!["/rg".into()]);
    assert_eq!(entrypoint("binary \"/usr/bin/rg\" to=\"/rg\""), rg);
    assert_eq!(entrypoint("layer \"a\" {\n binary \"/usr/bin/rg\" to=\"/rg\"\n}"), rg);
    assert_eq!(entrypoint("binary \"/rg\"\nbinary \"/sh\""), Program::None);
    let built = Program::Arguments(vec!["/usr/bin/app".into()]);
    assert_eq!(entrypoint("binary \"target/app\""), built);
}

/// Returns the text that a plan has at a path.
fn text_of(plan: &Plan, path: &str) -> Option<String> {
    plan.nodes().values().find_map(|node| match &node.kind {
        NodeKind::Text(text) if text.path.as_bytes() == path.as_bytes() => Some(text.text.clone()),
        _ => None,
    })
}

#[test]
fn needed_users_stand_beside_those_of_the_recipe() {
    let (plan, _) = planned("binary \"/b\"\nneeds users").expect("a plan");
    let passwd = "root:x:0:0:root:/root:/sbin/nologin\n\
                  nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n\
                  nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n";
    assert_eq!(text_of(&plan, "/etc/passwd").as_deref(), Some(passwd));
    let group = "root:x:0:\nnonroot:x:65532:\nnobody:x:65534:\n";
    assert_eq!(text_of(&plan, "/etc/group").as_deref(), Some(group));

    // What the recipe says about a name or a number counts.
    let own =
        "binary \"/b\"\nneeds users\nuser nobody uid=65532 shell=\"/bin/sh\"\ngroup root gid=7";
    let (plan, _) = planned(own).expect("a plan");
    let passwd = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65532:65532::/:/bin/sh\n";
    assert_eq!(text_of(&plan, "/etc/passwd").as_deref(), Some(passwd));
    assert_eq!(text_of(&plan, "/etc/group").as_deref(), Some("root:x:7:\nnobody:x:65532:\n"));

    // They own what is given to them.
    let owned = planned("needs users\ndirectory \"/d\" owner=nobody").map(|_| ());
    assert_eq!(owned, Ok(()));
    assert_eq!(errors("directory \"/d\" owner=nobody"), ["user `nobody` is not defined"]);
}

#[test]
fn users_stand_in_the_layer_that_needs_them() {
    let (plan, _) = planned("binary \"/b\"\nlayer \"users\" { needs users; }").expect("a plan");
    let sizes: Vec<usize> = plan.layers().map(|(_, entries)| entries.len()).collect();
    assert_eq!(sizes, [1, 2]);
}

#[test]
fn needed_temporary_files_are_a_directory_for_all() {
    assert_eq!(id("binary \"/b\"\nneeds tmp"), id("directory \"/tmp\" mode=0o1777\nbinary \"/b\""));
    let twice = "binary \"/b\"\nneeds tmp dns\nneeds dns";
    assert_eq!(id(twice), id("binary \"/b\"\nneeds dns tmp"));
    assert_ne!(id(twice), id("binary \"/b\"\nneeds tls tmp"));
}

#[test]
fn a_user_is_two_lines_and_two_numbers() {
    let (plan, _) =
        planned("binary \"/b\"\nuser app uid=10001 home=\"/home/app\"").expect("a plan");
    let text_of = |path| text_of(&plan, path);
    let passwd = "app:x:10001:10001::/home/app:/sbin/nologin\n";
    assert_eq!(text_of("/etc/passwd").as_deref(), Some(passwd));
    assert_eq!(text_of("/etc/group").as_deref(), Some("app:x:10001:\n"));
    let number = Id::new(10001).expect("an id");
    assert_eq!(plan.config().user, User::Numeric(number, number));
}

#[test]
fn a_user_is_in_the_group_of_its_name() {
    let recipe = "binary \"/b\"\ngroup app gid=77\nuser app uid=5\ndirectory \"/d\" owner=app";
    let (plan, _) = planned(recipe).expect("a plan");
    let (uid, gid) = (Id::new(5).expect("an id"), Id::new(77).expect("an id"));
    assert_eq!(plan.config().user, User::Numeric(uid, gid));
    let owners = plan.nodes().values().filter_map(|node| match &node.kind {
        NodeKind::Directory(directory) => {
            Some((directory.attributes.uid, directory.attributes.gid))
        }
        _ => None,
    });
    assert_eq!(owners.collect::<Vec<_>>(), [(uid, gid)]);
}

#[test]
fn path_is_always_there() {
    let env = |text| planned(text).expect("a plan").0.config().env.clone();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(env("binary \"/b\"\nenv A=\"1\""), [pair("PATH", DEFAULT_PATH), pair("A", "1")]);
    assert_eq!(env("binary \"/b\"\nenv PATH=\"/b\""), [pair("PATH", "/b")]);
}

#[test]
fn conflicts_show_both_places() {
    let recipe = "text \"/a\" \"1\"\ntext \"/a\" \"2\"\n";
    let found = planned(recipe).expect_err("a conflict");
    let [PlanError::Conflict { path, first, second }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(path.to_string(), "/a");
    assert_eq!((first.start, second.start), (0, 14));
}

#[test]
fn what_cannot_both_be_granted_is_a_conflict() {
    let twice = "`/a` is asked for twice, with different content or attributes";
    for recipe in [
        "text \"/a\" \"1\"\nsymlink \"/a\" to=\"b\"",
        "text \"/a\" \"1\"\ndirectory \"/a\"",
        "directory \"/a\" mode=0o700\ndirectory \"/a\"",
        "symlink \"/a\" to=\"b\"\nsymlink \"/a\" to=\"c\"",
        "binary \"/a\"\ntree \"/a\"",
    ] {
        assert_eq!(errors(recipe), [twice], "{recipe}");
    }
    let below = "text \"/a\" \"1\"\ntext \"/a/b\" \"1\"";
    assert_eq!(errors(below), ["`/a/b` lies below `/a`, which is a file"]);
}

#[test]
fn what_may_be_equal_is_left_to_the_resolver() {
    for recipe in [
        "binary \"/a\"\nfile \"/a\" from=\"b\"",
        "directory \"/a\" mode=0o700\ntree \"/a\" from=\"b\"",
        "text \"/a\" \"1\"\nfile \"/a\" from=\"b\"",
    ] {
        assert!(planned(recipe).is_ok(), "{recipe}");
    }
}

#[test]
fn the_remaining_errors() {
    assert_eq!(errors("name \"a\""), ["recipe `app` asks for nothing"]);
    assert_eq!(errors("binary \"/b\"\nlayer \"l\" {\n}"), ["layer `l` is empty"]);
    assert_eq!(
        errors("directory \"/d\" owner=\"app:web\"\ndirectory \"/e\" owner=root"),
        ["user `app` is not defined", "group `web` is not defined"]
    );
    let root = "binary \"/b\"\nuser root uid=1";
    assert_eq!(errors(root), ["user `root` has another number than 0"]);
}

#[test]
fn a_variant_is_the_first_image_and_more() {
    const BASE: &str = "name \"rg:14\"\nbinary \"/usr/bin/rg\"\nenv A=\"1\"\ncommand \"--help\"\nlabel \"l\" \"1\"\n";
    let text = format!(
        "{BASE}user app uid=5\nvariant debug {{ binary \"/bin/sh\"; env B=\"2\" A=\"3\"; layer \"more\" {{ file \"/m\"; }}; }}\n\
         variant other {{ entrypoint \"/x\"; user root; label \"l\" \"2\"; }}\n"
    );
    let (plan, origins) = planned(&text).expect("a plan");
    let first = planned(&format!("{BASE}user app uid=5\n")).expect("a plan").0;
    assert_eq!(plan.roots().next(), Some(first.id()));
    assert_ne!(plan.id(), first.id());
    let variants: Vec<(&str, Plan)> = plan.variants().collect();
    let [(debug, debug_plan), (other, other_plan)] = &variants[..] else { panic!("two variants") };
    assert_eq!((*debug, *other), ("debug", "other"));
    assert_eq!(debug_plan.image().name.to_string(), "rg:14-debug");
    let names: Vec<Option<&str>> =
        debug_plan.layers().map(|(layer, _)| layer.name.as_deref()).collect();
    assert_eq!(names, [None, Some("debug"), Some("more")]);
    // The only program of the first image is still what runs.
    let config = debug_plan.config();
    assert_eq!(config.entrypoint, Program::Arguments(vec!["/usr/bin/rg".into()]));
    assert_eq!(config.command, ["--help"]);
    let env: Vec<String> =
        config.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env[1..], ["A=3", "B=2"]);
    let config = other_plan.config();
    assert!(config.command.is_empty());
    assert_eq!(
        (config.labels["l"].as_str(), &config.user),
        ("2", &User::Numeric(Id::ROOT, Id::ROOT))
    );
    // The users of the first image are still there.
    assert_eq!(other_plan.layers().count(), 1);
    assert_eq!(other_plan.layers().next(), plan.layers().next());
    assert_ne!(
        origins.of_variant("other").setting(&Setting::Entrypoint),
        origins.setting(&Setting::Entrypoint)
    );
}
