//! Laws of the layer plan, over random closures from numbered seeds.

use std::collections::BTreeMap;

use imgc_parser::{From, ImagePath};

use super::{LARGE, RECIPE, World, link_to, needed, path, planned};
use crate::closure::{Content, Found, Reason};
use crate::digest::Digest;
use crate::layer_plan::LayerPlan;
use crate::node::NodeKind;
use crate::plan::Plan;
use crate::spec::{Entry, EntryKind, ImageSpec, LayerSpec};

const SEEDS: std::ops::Range<u64> = 0..200;

/// What puts a file of the project into an image, and what one of the sources; the empty text stands
/// for the rule by which a loader finds a library.
const OF_PROJECT: &[&str] = &["/app", "/srv", "/etc/app"];
const OF_SOURCES: &[&str] = &["/usr/bin/python3", "/usr/share/data", "library", "needs", ""];
const OF_RULES: &[&str] = &["library", ""];
const OF_NODES: &[&str] = &["/usr/bin/python3", "/usr/share/data"];

const DIRECTORIES: &[&str] = &["/a", "/a/b", "/a/b/c", "/d", "/d/e", "/f"];

/// A generator of numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("it is below a usize")
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// Returns a size that decides, or one that hardly does.
    fn size(&mut self) -> u64 {
        let small = self.below(100) as u64;
        if self.below(10) == 0 { LARGE - 50 + small } else { small }
    }
}

/// Adds files with all that can come with them: other names, links, directories on the way.
fn add(mut world: World, dice: &mut Dice, prefix: &str, origins: &[&'static str]) -> World {
    let mut files: Vec<(String, &str)> = Vec::new();
    for number in 0..dice.below(12) {
        let at = format!("{}/{prefix}{number}", dice.pick(DIRECTORIES));
        let origin = dice.pick(origins);
        let (node, reason) = match origin {
            "" => ("/app", needed("/app")),
            "/srv" | "/usr/share/data" => (origin, Reason::Matched),
            _ => (origin, Reason::Asked),
        };
        let mut needs = vec![(node, reason)];
        if dice.below(3) == 0 {
            needs.push(("/app", needed("/app")));
        }
        if dice.below(5) == 0 && !files.is_empty() {
            let (target, _) = dice.pick(&files);
            world = world.put(&at, Content::HardLink(path(&target)), &needs);
        } else {
            files.push((at.clone(), node));
            world = world.file(&at, dice.size(), &needs);
        }
    }
    for number in 0..dice.below(6).min(files.len()) {
        let (to, node) = dice.pick(&files);
        let at = format!("{}/{prefix}link{number}", dice.pick(DIRECTORIES));
        if dice.below(3) == 0 {
            let above = Reason::Above { of: path(&to) };
            world = world.put(&at, Content::Directory, &[(node, above)]);
        } else {
            let content = Content::Symlink(to.as_bytes().into());
            let (other, of_other) = dice.pick(&files);
            let needs = [(node, link_to(&to)), (of_other, link_to(&other))];
            world = world.put(&at, content, &needs);
        }
    }
    world
}

/// Makes an image: what the sources give by one seed, the application by another.
fn world(plan: &Plan, seed: u64, application: u64) -> World {
    let world = add(World::of(plan.clone()), &mut Dice(seed), "s", OF_SOURCES);
    let world = world.file("/app", 1, &[("/app", Reason::Asked)]);
    add(world, &mut Dice(application ^ 0xa99), "p", OF_PROJECT)
}

#[test]
fn every_path_stands_in_one_layer_with_what_it_needs_there() {
    let plan = planned(RECIPE);
    let mut numbers = BTreeMap::new();
    for seed in SEEDS {
        let world = world(&plan, seed, seed);
        let spec = world.spec();
        *numbers.entry(spec.layers.len()).or_insert(0) += 1;
        let mut seen: BTreeMap<&ImagePath, &Entry> = BTreeMap::new();
        for layer in &spec.layers {
            for (path, entry) in &layer.entries {
                if let Some(other) = seen.insert(path, entry) {
                    assert_eq!(entry.kind, EntryKind::Directory, "{seed}: {path}");
                    assert_eq!(entry, other, "{seed}: {path}");
                }
                let above = path.parent().filter(|above| !above.is_root());
                let above = above.map(|above| &layer.entries[&above].kind);
                assert!(matches!(above, None | Some(EntryKind::Directory)), "{seed}: {path}");
                if let EntryKind::HardLink(target) = &entry.kind {
                    let target = &layer.entries[target].kind;
                    assert!(matches!(target, EntryKind::File { .. }), "{seed}: {path}");
                }
            }
        }
        let mut all = world.closure.entries.keys();
        assert!(all.all(|path| seen.contains_key(path)), "{seed}");
    }
    // The seeds come to every number of layers that there is.
    let often = |number| numbers.get(&number).is_some_and(|times| *times > 10);
    assert!([1, 2, 3].into_iter().all(often) && numbers.keys().all(|n| *n <= 3), "{numbers:?}");
}

#[test]
fn a_change_of_the_application_leaves_the_layers_below_it_as_they_are() {
    let plan = planned(RECIPE);
    let mut compared = 0;
    for seed in SEEDS {
        let specs: Vec<ImageSpec> = (0..4)
            .map(|application| world(&plan, seed, seed + application * 1000).spec())
            .collect();
        let lower: Vec<&[LayerSpec]> = specs
            .iter()
            .filter_map(|spec| spec.layers.split_last())
            .map(|(_, lower)| lower)
            .collect();
        compared += usize::from(!lower[0].is_empty());
        assert!(lower.windows(2).all(|pair| pair[0] == pair[1]), "{seed}");
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn equal_libraries_are_equal_layers_whatever_else_is_in_the_images() {
    let plan = planned(RECIPE);
    let mut compared = 0;
    for seed in SEEDS {
        let image = |more: u64| {
            let libraries = add(World::of(plan.clone()), &mut Dice(seed), "s", OF_RULES);
            let libraries = libraries.file("/app", 1, &[("/app", Reason::Asked)]);
            let image = add(libraries, &mut Dice(more), "d", OF_NODES);
            add(image, &mut Dice(more + 1), "p", OF_PROJECT).spec()
        };
        let (one, other) = (image(seed + 1000), image(seed + 2000));
        let libraries = |spec: &ImageSpec| {
            let mut layers = spec.layers.iter();
            layers.find(|layer| layer.comment == "imgc: libraries").cloned()
        };
        assert_eq!(libraries(&one), libraries(&other), "{seed}");
        compared += usize::from(libraries(&one).is_some());
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn the_order_of_reasons_and_the_contents_do_not_count() {
    let plan = planned(RECIPE);
    for seed in SEEDS {
        let mut other = world(&plan, seed, seed);
        let layers = LayerPlan::new(&plan, &other.closure);
        for found in other.closure.entries.values_mut() {
            found.needs.reverse();
            if let Content::File { digest, executable, .. } = &mut found.content {
                *digest = Digest::of(digest.as_bytes());
                *executable = !*executable;
            }
        }
        assert_eq!(LayerPlan::new(&plan, &other.closure), layers, "{seed}");
    }
}

#[test]
fn nothing_of_the_project_stands_below_the_application() {
    let plan = planned(RECIPE);
    for seed in SEEDS {
        let world = world(&plan, seed, seed);
        let layers = LayerPlan::new(&plan, &world.closure);
        let is_of_project = |found: &Found| {
            found.needs.iter().any(|need| {
                need.reason == Reason::Matched
                    && matches!(
                        &plan.node(need.node).kind,
                        NodeKind::Tree(tree) if matches!(tree.from, From::Project(_))
                    )
            })
        };
        for (path, _) in world.closure.entries.iter().filter(|(_, found)| is_of_project(found)) {
            assert_eq!(layers.layer_of(path), Some(layers.layers().len() - 1), "{seed}: {path}");
        }
    }
}
