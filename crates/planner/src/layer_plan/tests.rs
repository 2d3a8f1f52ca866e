//! Layers of closures that are made up here, one by one and by the hundred.

use std::collections::BTreeMap;

use imgc_parser::{Epoch, ImagePath, Platform, ProjectPath, SourceMap, SourceText, Texts};

use super::MIN_LAYER_BYTES;
use crate::closure::{Closure, Content, Found, Need, Reason, Rule};
use crate::digest::{Digest, NodeId};
use crate::node::{Attributes, NodeKind};
use crate::plan::Plan;
use crate::spec::{EntryKind, ImageSpec, LayerSpec};
use crate::{assemble, plan, stack};

mod properties;

/// A file that makes any share large enough.
const LARGE: u64 = MIN_LAYER_BYTES;

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

/// What a resolver would have found.
struct World {
    plan: Plan,
    closure: Closure,
}

impl World {
    fn of(plan: Plan) -> Self {
        let platform = Platform::parse("linux/amd64").expect("a platform");
        let (accounts, facts) = (BTreeMap::new(), BTreeMap::new());
        Self {
            plan,
            closure: Closure {
                platform,
                entries: BTreeMap::new(),
                accounts,
                facts,
                sections: BTreeMap::new(),
            },
        }
    }

    fn new(recipe: &str) -> Self {
        Self::of(planned(recipe))
    }

    /// Returns the node that asks for something, by what it is about: a path, or `needs`.
    fn node(&self, about: &str) -> NodeId {
        let is_about = |kind: &NodeKind| match kind {
            NodeKind::Binary(node) => node.to.to_string() == about,
            NodeKind::Tree(node) => node.to.to_string() == about,
            NodeKind::Text(node) => node.path.to_string() == about,
            NodeKind::Symlink(node) => node.path.to_string() == about,
            NodeKind::Library(_) => about == "library",
            NodeKind::Facility(_) => about == "needs",
            _ => false,
        };
        let mut requests = self.plan.requests();
        requests.find(|(_, node)| is_about(&node.kind)).unwrap_or_else(|| panic!("{about}")).0
    }

    fn put(mut self, at: &str, content: Content, needs: &[(&str, Reason)]) -> Self {
        let need = |(about, reason): &(&str, Reason)| Need {
            reason: reason.clone(),
            node: self.node(about),
        };
        let needs = needs.iter().map(need).collect();
        let found = Found { content, attributes: Attributes::ROOT, needs };
        self.closure.entries.insert(path(at), found);
        self
    }

    fn file(self, at: &str, size: u64, needs: &[(&str, Reason)]) -> Self {
        let content = Content::File { digest: Digest::of(at.as_bytes()), size, executable: false };
        self.put(at, content, needs)
    }

    fn spec(&self) -> ImageSpec {
        assemble(&self.plan, &self.closure, Epoch::ZERO).expect("a spec")
    }

    /// Returns each layer as its comment and the paths in it that are no directories.
    fn layers(&self) -> Vec<String> {
        self.spec().layers.iter().map(shown).collect()
    }
}

fn shown(layer: &LayerSpec) -> String {
    let entries = layer.entries.iter().filter(|(_, entry)| entry.kind != EntryKind::Directory);
    let paths: Vec<String> = entries.map(|(path, _)| path.to_string()).collect();
    format!("{}: {}", layer.comment, paths.join(" "))
}

fn needed(by: &str) -> Reason {
    Reason::Needed { by: path(by), name: b"lib.so".as_slice().into(), rule: Rule::Default }
}

fn link_to(to: &str) -> Reason {
    Reason::LinkTo { to: path(to) }
}

fn symlink(target: &str) -> Content {
    Content::Symlink(target.as_bytes().into())
}

const RECIPE: &str = "binary \"build/app\" to=\"/app\"\nbinary \"/usr/bin/python3\"\n\
                      library \"libz.so.1\"\nneeds tls\ntree \"/usr/share/data\"\n\
                      tree \"/srv\" from=\"srv\"\ntext \"/etc/app\" \"\"\n\
                      symlink \"/usr/lib/own.so\" to=\"z.so\"\n";

fn everything(library: u64, program: u64) -> World {
    World::new(RECIPE)
        .file("/app", 1, &[("/app", Reason::Asked)])
        .file("/usr/bin/python3", program, &[("/usr/bin/python3", Reason::Asked)])
        .file("/usr/lib/ld.so", 1, &[("/app", Reason::Interpreter { of: path("/app") })])
        .file("/usr/lib/libc.so", library, &[("/app", needed("/app"))])
        .file("/usr/lib/z.so", 0, &[("library", Reason::Asked)])
        .file("/etc/ssl/certs.pem", 1, &[("needs", Reason::Asked)])
        .file("/usr/share/data/x", 1, &[("/usr/share/data", Reason::Matched)])
        .file("/srv/x", 1, &[("/srv", Reason::Matched)])
        .file("/etc/app", 0, &[("/etc/app", Reason::Asked)])
        .put("/usr/lib/own.so", symlink("z.so"), &[("/usr/lib/own.so", Reason::Asked)])
        .put("/lib", symlink("usr/lib"), &[("/app", link_to("/usr/lib/ld.so"))])
        .put("/certs", symlink("etc/ssl/certs.pem"), &[("needs", link_to("/etc/ssl/certs.pem"))])
}

#[test]
fn a_small_image_is_one_layer() {
    let layers = everything(LARGE - 6, 0).layers();
    let all = "/app /certs /etc/app /etc/ssl/certs.pem /lib /srv/x /usr/bin/python3 \
               /usr/lib/ld.so /usr/lib/libc.so /usr/lib/own.so /usr/lib/z.so /usr/share/data/x";
    assert_eq!(layers, [format!("imgc: {all}")]);
}

#[test]
fn large_shares_stand_below_the_application_by_where_they_come_from() {
    assert_eq!(
        everything(LARGE - 1, LARGE - 2).layers(),
        [
            "imgc: libraries: /lib /usr/lib/ld.so /usr/lib/libc.so /usr/lib/z.so",
            "imgc: distribution: /certs /etc/ssl/certs.pem /usr/bin/python3 /usr/share/data/x",
            "imgc: application: /app /etc/app /srv/x /usr/lib/own.so",
        ]
    );
}

#[test]
fn a_share_that_is_too_small_goes_into_the_layer_above() {
    let libraries = "/lib /usr/lib/ld.so /usr/lib/libc.so /usr/lib/z.so";
    assert_eq!(
        everything(LARGE - 2, LARGE - 2).layers(),
        [
            "imgc: distribution: /certs /etc/ssl/certs.pem /lib /usr/bin/python3 /usr/lib/ld.so \
             /usr/lib/libc.so /usr/lib/z.so /usr/share/data/x",
            "imgc: application: /app /etc/app /srv/x /usr/lib/own.so",
        ]
    );
    assert_eq!(
        everything(LARGE, 0).layers(),
        [
            &format!("imgc: libraries: {libraries}"),
            "imgc: application: /app /certs /etc/app /etc/ssl/certs.pem /srv/x /usr/bin/python3 \
             /usr/lib/own.so /usr/share/data/x",
        ]
    );
}

#[test]
fn the_highest_layer_is_called_after_what_is_in_it() {
    let asked = [("/usr/bin/app", Reason::Asked)];
    let recipe = "binary \"/usr/bin/app\"\nneeds tls\nworkdir \"/work\"";
    let alone = World::new(recipe).file("/usr/bin/app", LARGE, &asked).file(
        "/etc/ssl/certs.pem",
        1,
        &[("needs", Reason::Asked)],
    );
    assert_eq!(alone.layers(), ["imgc: /etc/ssl/certs.pem /usr/bin/app"]);
    let beside = alone.file("/usr/lib/libc.so", LARGE, &[("/usr/bin/app", needed("/usr/bin/app"))]);
    assert_eq!(
        beside.layers(),
        [
            "imgc: libraries: /usr/lib/libc.so",
            "imgc: distribution: /etc/ssl/certs.pem /usr/bin/app"
        ]
    );
}

#[test]
fn a_recipe_with_a_layer_plans_its_layers_itself() {
    let recipe = "binary \"app\" to=\"/app\"\nlayer \"more\" { tree \"/usr/share/data\"; }";
    let world = World::new(recipe)
        .file("/app", 1, &[("/app", Reason::Asked)])
        .file("/usr/lib/libc.so", LARGE, &[("/app", needed("/app"))])
        .file("/usr/share/data/x", LARGE, &[("/usr/share/data", Reason::Matched)]);
    let layers = ["imgc: /app /usr/lib/libc.so", "imgc: layer more: /usr/share/data/x"];
    assert_eq!(world.layers(), layers);
    // So one around all of it makes one layer.
    let world = World::new("layer \"all\" { binary \"app\" to=\"/app\"; }\nworkdir \"/work\"")
        .file("/app", 1, &[("/app", Reason::Asked)])
        .file("/usr/lib/libc.so", LARGE, &[("/app", needed("/app"))]);
    assert_eq!(world.layers(), ["imgc: layer all: /app /usr/lib/libc.so"]);
}

#[test]
fn what_the_project_puts_at_a_path_is_its_own_whatever_looks_for_it() {
    let needs = [("/srv", Reason::Matched), ("library", Reason::Asked), ("/app", needed("/app"))];
    let world = everything(LARGE, 0).file("/srv/lib.so", LARGE, &needs);
    assert!(world.layers()[1].contains("/srv/lib.so"), "{:?}", world.layers());
    // The recipe's own tree of a source counts more than a rule, too.
    let needs = [("/usr/share/data", Reason::Matched), ("/app", needed("/app"))];
    let world = everything(LARGE, LARGE).file("/usr/share/data/lib.so", 1, &needs);
    assert!(world.layers()[1].contains("/usr/share/data/lib.so"), "{:?}", world.layers());
}

#[test]
fn the_names_of_one_file_stand_in_one_layer() {
    let world = everything(LARGE, LARGE)
        .put(
            "/usr/share/data/z.so",
            Content::HardLink(path("/usr/lib/z.so")),
            &[("/usr/share/data", Reason::Matched)],
        )
        .put(
            "/usr/lib/x.so",
            Content::HardLink(path("/usr/share/data/x")),
            &[("/app", needed("/app"))],
        );
    assert_eq!(
        world.layers()[0],
        "imgc: libraries: /lib /usr/lib/ld.so /usr/lib/libc.so /usr/lib/x.so /usr/lib/z.so \
         /usr/share/data/x /usr/share/data/z.so"
    );
    // Also of a recipe that plans its layers.
    let recipe = "binary \"app\" to=\"/app\"\nlayer \"more\" { library \"libz.so.1\"; }";
    let world = World::new(recipe).file("/a.so", 1, &[("library", Reason::Asked)]).put(
        "/b.so",
        Content::HardLink(path("/a.so")),
        &[("/app", needed("/app"))],
    );
    assert_eq!(world.layers(), ["imgc: /a.so /b.so"]);
}

#[test]
fn a_directory_that_is_only_passed_stands_where_it_is_passed() {
    let passed = [("/app", Reason::Above { of: path("/usr/lib/libc.so") })];
    let world = everything(LARGE, 0).put("/opt/passed", Content::Directory, &passed);
    let spec = world.spec();
    assert!(spec.layers[0].entries.contains_key(&path("/opt/passed")));
    assert!(!spec.layers[1].entries.contains_key(&path("/opt/passed")));
}

#[test]
fn settings_leave_the_lower_layers_alone() {
    let spec = |settings: &str| {
        let world = everything(LARGE, LARGE);
        let plan = planned(&format!("{RECIPE}{settings}"));
        // The same closure, asked for by the nodes of another plan.
        let ids: BTreeMap<_, _> =
            world.plan.requests().map(|(id, node)| (key(&node.kind), id)).collect();
        let new: BTreeMap<_, _> =
            plan.requests().map(|(id, node)| (ids[&key(&node.kind)], id)).collect();
        let mut closure = world.closure;
        for found in closure.entries.values_mut() {
            found.needs.iter_mut().for_each(|need| need.node = new[&need.node]);
        }
        assemble(&plan, &closure, Epoch::ZERO).expect("a spec")
    };
    let (one, other) = (spec(""), spec("workdir \"/usr/lib/app\"\nvolume \"/data\"\nuser 7\n"));
    assert_eq!(one.layers[..2], other.layers[..2]);
    assert!(other.layers[2].entries.contains_key(&path("/usr/lib/app")));
}

fn key(kind: &NodeKind) -> String {
    format!("{kind:?}")
}

#[test]
fn a_variant_stands_on_planned_layers() {
    let recipe = format!("{RECIPE}variant debug {{ binary \"/usr/bin/sh\"; }}\n");
    let family = planned(&recipe);
    let base = World { plan: family, ..everything(LARGE, LARGE) };
    let (name, variant) = base.plan.variants().next().expect("a variant");
    let of_variant = World { plan: variant, closure: base.closure.clone() }
        .file("/usr/bin/sh", 1, &[("/usr/bin/sh", Reason::Asked)])
        // The first image's node brings it in because of the variant.
        .file("/etc/ssl/more.pem", 1, &[("needs", Reason::Asked)]);
    let (base, of_variant) = (base.spec(), of_variant.spec());
    let stacked = stack(&base, of_variant, name).expect("a variant");
    assert_eq!(stacked.layers[..3], base.layers[..]);
    let above: Vec<String> = stacked.layers[3..].iter().map(shown).collect();
    assert_eq!(above, ["imgc: layer debug: /etc/ssl/more.pem /usr/bin/sh"]);
}
