//! Which layer each path of an image stands in.
//!
//! What changes often must not take the rest with it: a registry and an engine know a layer or do not
//! know it, and one byte makes another layer. So what the sources give lies below what the project
//! gives, and a share of it that is large enough is a layer of its own
//! (`docs/decisions/0006-layer-plan.md`). A recipe that says `layer` says all of it.

use std::collections::BTreeMap;

use imgc_parser::{From, ImagePath};

use crate::closure::{Closure, Content, Found, Reason};
use crate::digest::NodeId;
use crate::node::NodeKind;
use crate::plan::Plan;

/// Smallest share of an image that is a layer of its own, in bytes of its files before compression.
///
/// A smaller share saves a rebuild less than 20 ms of processor time and a push about 3 MB
/// (`docs/decisions/0006-layer-plan.md` has the measurement), and each layer costs requests of its
/// own. Another number changes the digests of images whose shares lie between the old and the new.
pub const MIN_LAYER_BYTES: u64 = 8 << 20;

/// What a layer holds: this, and what stands below it by its purpose and is too small for a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerPurpose {
    /// All of the image; in a recipe with `layer` nodes, what stands in none of them.
    Everything,
    /// What the loader and the kernel open for programs, of the sources: libraries, loaders,
    /// interpreters of scripts.
    Libraries,
    /// What the recipe itself takes from the sources: programs, files, trees, `needs`.
    Distribution,
    /// The rest: what comes from the project, and what stands in the recipe.
    Application,
    /// What the recipe puts into a layer of this name.
    Named(String),
}

impl LayerPurpose {
    /// Returns what the image's history says about the layer.
    #[must_use]
    pub fn comment(&self) -> String {
        match self {
            Self::Everything => "imgc".into(),
            Self::Libraries => "imgc: libraries".into(),
            Self::Distribution => "imgc: distribution".into(),
            Self::Application => "imgc: application".into(),
            Self::Named(name) => format!("imgc: layer {name}"),
        }
    }
}

/// The layers of an image, and what stands in which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerPlan {
    /// From the lowest to the highest. Nothing may stand in one of them.
    layers: Vec<LayerPurpose>,
    /// The place in `layers` of each path of the closure. A directory stands in every layer with
    /// something below it, too.
    layer_of: BTreeMap<ImagePath, usize>,
    /// The place in `layers` of what settings of the image ask for.
    of_settings: usize,
}

impl LayerPlan {
    /// Plans the layers of what was found. Depends on the paths, on the sizes of the files, and on
    /// which nodes and rules put them there.
    #[must_use]
    pub fn new(plan: &Plan, closure: &Closure) -> Self {
        match plan.layers().collect::<Vec<_>>().as_slice() {
            [(layer, _)] if layer.name.is_none() => Self::by_origin(plan, closure),
            _ => Self::by_recipe(plan, closure),
        }
    }

    /// Returns the layers from the lowest to the highest.
    #[must_use]
    pub fn layers(&self) -> &[LayerPurpose] {
        &self.layers
    }

    /// Returns the place of a path's layer among all layers; nothing for a path that is not in the
    /// closure.
    #[must_use]
    pub fn layer_of(&self, path: &ImagePath) -> Option<usize> {
        self.layer_of.get(path).copied()
    }

    /// Returns the place of the layer with the directories that settings of the image ask for.
    #[must_use]
    pub fn of_settings(&self) -> usize {
        self.of_settings
    }

    /// The layers that the recipe says. A path that several of them ask for stands in the lowest.
    fn by_recipe(plan: &Plan, closure: &Closure) -> Self {
        let mut layers = Vec::new();
        let mut layer_of_node: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (number, (layer, nodes)) in plan.layers().enumerate() {
            layers.push(match &layer.name {
                None => LayerPurpose::Everything,
                Some(name) => LayerPurpose::Named(name.clone()),
            });
            for node in nodes {
                layer_of_node.entry(*node).or_insert(number);
            }
        }
        let lowest = |found: &Found| {
            let layers = found.needs.iter().filter_map(|need| layer_of_node.get(&need.node));
            layers.min().copied().unwrap_or(0)
        };
        let mut places: BTreeMap<&ImagePath, usize> =
            closure.entries.iter().map(|(path, found)| (path, lowest(found))).collect();
        join_names(closure, &mut places);
        let layer_of = places.into_iter().map(|(path, place)| (path.clone(), place)).collect();
        Self { layers, layer_of, of_settings: 0 }
    }

    /// The layers that follow from where files come from. What is too small for a layer of its own
    /// stands in the next one above: what is below the application never depends on it.
    fn by_origin(plan: &Plan, closure: &Closure) -> Self {
        let shares = shares(plan, closure);
        let mut sizes: BTreeMap<Share, u64> = BTreeMap::new();
        for (path, share) in &shares {
            let size = sizes.entry(*share).or_default();
            if let Content::File { size: of_file, .. } = closure.entries[*path].content {
                *size += of_file;
            }
        }
        let mut layers = Vec::new();
        let mut layer_of_share = BTreeMap::new();
        let mut pending_bytes = 0;
        let highest = sizes.keys().next_back().copied();
        for (share, size) in sizes {
            layer_of_share.insert(share, layers.len());
            pending_bytes += size;
            if pending_bytes >= MIN_LAYER_BYTES || Some(share) == highest {
                layers.push(share.purpose());
                pending_bytes = 0;
            }
        }
        if let [_] | [] = layers[..] {
            layers = vec![LayerPurpose::Everything];
        }
        let of_settings = layers.len() - 1;
        let layer_of =
            shares.into_iter().map(|(path, share)| (path.clone(), layer_of_share[&share]));
        Self { layers, layer_of: layer_of.collect(), of_settings }
    }
}

/// A part of an image that changes together, the one that changes least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    Libraries,
    Distribution,
    Application,
}

impl Share {
    fn purpose(self) -> LayerPurpose {
        match self {
            Self::Libraries => LayerPurpose::Libraries,
            Self::Distribution => LayerPurpose::Distribution,
            Self::Application => LayerPurpose::Application,
        }
    }
}

/// Returns the share that each path is of. What has several reasons is of the lowest share: whether
/// it is there depends on that one, whatever becomes of the others.
fn shares<'a>(plan: &Plan, closure: &'a Closure) -> BTreeMap<&'a ImagePath, Share> {
    let mut shares = BTreeMap::new();
    let mut ways = Vec::new();
    for (path, found) in &closure.entries {
        match placed(plan, found).or_else(|| found_by_rule(plan, found)) {
            Some(share) => {
                shares.insert(path, share);
            }
            None => ways.push((path, found)),
        }
    }
    follow_ways(&ways, &mut shares);
    for (path, _) in ways {
        shares.entry(path).or_insert(Share::Application);
    }
    join_names(closure, &mut shares);
    shares
}

/// Returns the share of what a node puts at a path that it names; nothing if none does. It counts
/// more than a rule by which the same path is found: that finds what the node has put there.
fn placed(plan: &Plan, found: &Found) -> Option<Share> {
    let of = |from: &From| match from {
        From::Project(_) => Share::Application,
        From::Source(_) => Share::Distribution,
    };
    let share = |node: NodeId| match &plan.node(node).kind {
        NodeKind::Binary(binary) => Some(of(&binary.from)),
        NodeKind::File(file) => Some(of(&file.from)),
        NodeKind::Tree(tree) => Some(of(&tree.from)),
        NodeKind::Text(_) | NodeKind::Directory(_) | NodeKind::Symlink(_) => {
            Some(Share::Application)
        }
        NodeKind::Library(_)
        | NodeKind::Facility(_)
        | NodeKind::Capability(_)
        | NodeKind::Source(_)
        | NodeKind::Search(_)
        | NodeKind::Layer(_)
        | NodeKind::Config(_)
        | NodeKind::Image(_) => None,
    };
    let named = found.needs.iter().filter(|need| is_named(&need.reason));
    named.filter_map(|need| share(need.node)).min()
}

/// Returns the share of what is looked for: it is one of the sources, as what the project has at the
/// path would be named by a node. Nothing if the path is only on the way to others.
fn found_by_rule(plan: &Plan, found: &Found) -> Option<Share> {
    let share = |node: NodeId, reason: &Reason| match reason {
        Reason::Asked | Reason::Matched => match &plan.node(node).kind {
            NodeKind::Facility(_) => Some(Share::Distribution),
            _ => Some(Share::Libraries),
        },
        Reason::Interpreter { .. }
        | Reason::ScriptInterpreter { .. }
        | Reason::EnvProgram { .. }
        | Reason::Needed { .. }
        | Reason::Opened { .. }
        | Reason::LoaderConfiguration => Some(Share::Libraries),
        Reason::LinkTo { .. } | Reason::Above { .. } => None,
    };
    found.needs.iter().filter_map(|need| share(need.node, &need.reason)).min()
}

fn is_named(reason: &Reason) -> bool {
    match reason {
        Reason::Asked | Reason::Matched => true,
        Reason::Interpreter { .. }
        | Reason::ScriptInterpreter { .. }
        | Reason::EnvProgram { .. }
        | Reason::Needed { .. }
        | Reason::Opened { .. }
        | Reason::LoaderConfiguration
        | Reason::LinkTo { .. }
        | Reason::Above { .. } => false,
    }
}

/// Gives links and directories the lowest share of what they lead to. What leads to each other takes
/// more than one round; a share only falls, so there is a last one.
fn follow_ways<'a>(
    ways: &[(&'a ImagePath, &'a Found)],
    shares: &mut BTreeMap<&'a ImagePath, Share>,
) {
    loop {
        let mut changed = false;
        for (path, found) in ways {
            let leads_to = found.needs.iter().filter_map(|need| match &need.reason {
                Reason::LinkTo { to: path } | Reason::Above { of: path } => shares.get(path),
                _ => None,
            });
            let Some(lowest) = leads_to.min().copied() else { continue };
            let share = shares.entry(path).or_insert(Share::Application);
            if lowest < *share {
                *share = lowest;
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// Puts all names of one file into one place, the lowest: a hard link never leads to another layer.
fn join_names<'a, P: Copy + Ord>(closure: &'a Closure, places: &mut BTreeMap<&'a ImagePath, P>) {
    let mut lowest: BTreeMap<&ImagePath, P> = BTreeMap::new();
    for (path, found) in &closure.entries {
        if let Content::HardLink(target) = &found.content
            && let (Some(own), Some(of_target)) = (places.get(path), places.get(target))
        {
            let place = lowest.entry(target).or_insert(*of_target);
            *place = (*own).min(*place);
        }
    }
    for (path, found) in &closure.entries {
        let target = match &found.content {
            Content::HardLink(target) => target,
            Content::File { .. } => path,
            Content::Directory | Content::Symlink(_) => continue,
        };
        places.extend(lowest.get(target).map(|place| (path, *place)));
    }
}

#[cfg(test)]
mod tests;
