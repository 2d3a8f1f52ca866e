//! The whole way from a recipe to findings, over closures that are made up here.

use std::collections::BTreeMap;

use imgc_parser::{Epoch, Id, ImagePath, Platform, ProjectPath, SourceMap, SourceText, Texts};

use crate::closure::{Closure, Content, Found, Need, Reason};
use crate::digest::Digest;
use crate::node::{Attributes, NodeKind};
use crate::plan::Plan;
use crate::spec::{EntryKind, ImageSpec};
use crate::{assemble, check, plan};

struct OneText<'a>(&'a str);

impl Texts for OneText<'_> {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        Ok(SourceText { name: path.to_string(), bytes: self.0.into() })
    }
}

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).expect(text)
}

fn planned(text: &str) -> Plan {
    let main = ProjectPath::resolve(&ProjectPath::project(), "app.kdl").expect("a path");
    let mut map = SourceMap::default();
    let recipe = imgc_parser::parse(&main, &mut OneText(text), &mut map).expect("a recipe");
    plan(&recipe).expect("a plan").0
}

/// Finds what the nodes of a plan name, as a resolver would in which everything exists: binaries
/// are executable, and what `links` says is there too.
fn found(plan: &Plan, links: &[(&str, &str)]) -> Closure {
    let mut entries = BTreeMap::new();
    for (node, request) in plan.requests() {
        let file = |executable| Content::File { digest: Digest::of(b""), size: 0, executable };
        let (path, content, attributes) = match &request.kind {
            NodeKind::Binary(binary) => (&binary.to, file(true), binary.attributes),
            NodeKind::File(file_node) => (&file_node.to, file(false), file_node.attributes),
            NodeKind::Text(text) => (&text.path, file(false), text.attributes),
            NodeKind::Directory(node) => (&node.path, Content::Directory, node.attributes),
            NodeKind::Symlink(link) => {
                let content = Content::Symlink(link.target.as_bytes().into());
                (&link.path, content, Attributes::ROOT)
            }
            NodeKind::Tree(tree) => (&tree.to, Content::Directory, tree.attributes),
            other => panic!("not for these tests: {other:?}"),
        };
        let needs = vec![Need { reason: Reason::Asked, node }];
        entries.insert(path.clone(), Found { content, attributes, needs });
        for (at, target) in links {
            let content = Content::Symlink(target.as_bytes().into());
            let needs = vec![Need { reason: Reason::Matched, node }];
            let found = Found { content, attributes: Attributes::ROOT, needs };
            entries.insert(self::path(at), found);
        }
    }
    let platform = Platform::parse("linux/amd64").expect("a platform");
    Closure {
        platform,
        entries,
        accounts: BTreeMap::new(),
        facts: BTreeMap::new(),
        sections: BTreeMap::new(),
    }
}

fn assembled(text: &str) -> (Plan, ImageSpec) {
    let plan = planned(text);
    let spec = assemble(&plan, &found(&plan, &[]), Epoch::ZERO).expect("a spec");
    (plan, spec)
}

fn findings(text: &str) -> Vec<String> {
    let plan = planned(text);
    let closure = found(&plan, &[]);
    let spec = assemble(&plan, &closure, Epoch::ZERO).expect("a spec");
    check(&plan, &spec, &closure).iter().map(ToString::to_string).collect()
}

#[test]
fn every_ancestor_is_an_entry_of_each_layer() {
    let recipe = "binary \"/usr/bin/a\"\ndirectory \"/usr\" mode=0o700\n\
                  layer \"more\" {\n text \"/usr/share/b\" \"\"\n}";
    let (_, spec) = assembled(recipe);
    let shown: Vec<String> = spec
        .layers
        .iter()
        .map(|layer| {
            let entry = |(path, entry): (&ImagePath, &crate::Entry)| {
                format!("{path} {:o}", entry.mode.bits())
            };
            layer.entries.iter().map(entry).collect::<Vec<_>>().join(", ")
        })
        .collect();
    assert_eq!(
        shown,
        ["/usr 700, /usr/bin 755, /usr/bin/a 755", "/usr 700, /usr/share 755, /usr/share/b 644",]
    );
}

#[test]
fn volumes_and_the_working_directory_belong_to_the_user() {
    let recipe = "binary \"/a\"\nuser 7\nworkdir \"/w\"\nvolume \"/v/data\" \"/a-dir\"\n\
                  directory \"/a-dir\" owner=9";
    let (_, spec) = assembled(recipe);
    let owner = |at: &str| spec.layers[0].entries[&path(at)].uid.number();
    assert_eq!(["/w", "/v/data", "/v", "/a-dir"].map(owner), [7, 7, 0, 9]);
}

#[test]
fn a_mount_point_is_a_directory() {
    let plan = planned("binary \"/a\"\nworkdir \"/a\"\nvolume \"/a/b\"");
    let errors = assemble(&plan, &found(&plan, &[]), Epoch::ZERO).expect_err("no directories");
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["volume `/a/b` is no directory", "working directory `/a` is no directory"]);
}

#[test]
fn a_named_user_is_looked_up_in_the_image() {
    let plan = planned("binary \"/a\"\nuser app");
    let mut closure = found(&plan, &[]);
    let errors = assemble(&plan, &closure, Epoch::ZERO).expect_err("unknown");
    assert_eq!(errors[0].to_string(), "user `app` is not defined");
    let (uid, gid) = (Id::new(5).expect("an id"), Id::new(6).expect("an id"));
    closure.accounts.insert("app".into(), (uid, gid));
    let spec = assemble(&plan, &closure, Epoch::ZERO).expect("a spec");
    assert_eq!((spec.config.uid, spec.config.gid), (uid, gid));
}

#[test]
fn a_hard_link_has_the_mode_of_its_file() {
    let plan = planned("binary \"/a\"\ntext \"/b\" \"\" mode=0o600");
    let mut closure = found(&plan, &[]);
    let mut second = closure.entries[&path("/b")].clone();
    second.content = Content::HardLink(path("/b"));
    second.attributes = Attributes::ROOT;
    closure.entries.insert(path("/c"), second);
    let spec = assemble(&plan, &closure, Epoch::ZERO).expect("a spec");
    let link = &spec.layers[0].entries[&path("/c")];
    assert_eq!((link.mode.bits(), &link.kind), (0o600, &EntryKind::HardLink(path("/b"))));
}

#[test]
fn an_entrypoint_that_is_there_is_no_finding() {
    for recipe in [
        "binary \"/a\"",
        "binary \"/usr/bin/a\"\nentrypoint \"a\" \"x\"",
        "binary \"/w/a\"\nworkdir \"/w\"\nentrypoint \"./a\"",
        "binary \"/bin/busybox\"\nsymlink \"/bin/sh\" to=\"busybox\"\nentrypoint shell=\"a | b\"",
        "binary \"/a b\"\nentrypoint \"/a b\"",
        "binary \"/a\"\nbinary \"/b\"\ncommand \"/b\"",
        "file \"/a\" mode=0o700 owner=\"7:7\"\nuser 7\nentrypoint \"/a\"",
    ] {
        assert_eq!(findings(recipe), Vec::<String>::new(), "{recipe}");
    }
}

#[test]
fn an_entrypoint_that_cannot_start_is_an_error() {
    for (recipe, expected) in [
        (
            "binary \"/a\"\nentrypoint \"/b/c\"",
            "entrypoint `/b/c` is not in the image: nothing stands at `/b`",
        ),
        (
            "binary \"/opt/a\"\nentrypoint \"a\"",
            "entrypoint `a` is in no directory of `PATH` (/usr/local/sbin:/usr/local/bin:\
             /usr/sbin:/usr/bin:/sbin:/bin)",
        ),
        (
            "binary \"/a\"\nentrypoint \"/a --help\"",
            "entrypoint `/a --help` is one string with spaces, and no such file is in the image",
        ),
        ("directory \"/d\"\nentrypoint \"/d\"", "entrypoint `/d` is a directory"),
        (
            "binary \"/a\" mode=0o644",
            "entrypoint `/a` has mode `0o644` and may not be executed by user 65532:65532",
        ),
        (
            "file \"/a\" mode=0o700\nentrypoint \"/a\"",
            "entrypoint `/a` has mode `0o700` and may not be executed by user 65532:65532",
        ),
        (
            "binary \"/a\"\nentrypoint shell=\"a | b\"",
            "the shell form of `entrypoint` needs `/bin/sh`, which is not in the image",
        ),
        (
            "symlink \"/a\" to=\"a\"\nentrypoint \"/a\"",
            "entrypoint `/a` is not in the image: nothing stands at `/`",
        ),
    ] {
        assert_eq!(findings(recipe), [expected], "{recipe}");
    }
}

#[test]
fn a_warning_can_be_accepted() {
    let data = "text \"/a\" \"\"";
    assert_eq!(findings(data), ["nothing says what the image runs"]);
    for code in ["nothing_to_run", "\"imgc::check::nothing_to_run\""] {
        assert_eq!(findings(&format!("{data}\nallow {code} \"data\"")), Vec::<String>::new());
    }
}

#[test]
fn an_error_cannot_be_accepted() {
    let recipe = "binary \"/a\"\nentrypoint \"/b\"\nallow entrypoint_missing \"no\"";
    assert_eq!(findings(recipe).len(), 1);
}

#[test]
fn links_of_a_tree_lead_somewhere() {
    let plan = planned("binary \"/a\"\ntree \"/t\"\nsymlink \"/own\" to=\"/nowhere\"");
    let links = [
        ("/t/good", "../a"),
        ("/t/bad", "b"),
        ("/t/proc", "/proc/self"),
        ("/t/above", "../../../a"),
        ("/t/loop", "loop"),
    ];
    let closure = found(&plan, &links);
    let spec = assemble(&plan, &closure, Epoch::ZERO).expect("a spec");
    let found = check(&plan, &spec, &closure);
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "link `/t/bad` points at `b`, which is not in the image",
            "link `/t/loop` points at `loop`, which is not in the image",
        ]
    );
}
