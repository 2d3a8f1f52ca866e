//! The plan: a directed graph without cycles, in which every node is known by its content.

use std::collections::BTreeMap;

use crate::digest::NodeId;
use crate::encode::family_id;
use crate::node::{Config, Image, Layer, Node, NodeKind};

/// What a recipe asks for.
///
/// Two recipes that ask for the same thing have the same plan, whatever their comments, spacing,
/// line endings or the order of independent nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    nodes: BTreeMap<NodeId, Node>,
    root: NodeId,
    /// The image nodes of variants, by their names, in the order of the recipe.
    variants: Vec<(String, NodeId)>,
}

impl Plan {
    pub(crate) fn new(nodes: BTreeMap<NodeId, Node>, root: NodeId) -> Self {
        Self { nodes, root, variants: Vec::new() }
    }

    pub(crate) fn add_variant(&mut self, name: String, plan: Plan) {
        self.nodes.extend(plan.nodes);
        self.variants.push((name, plan.root));
    }

    /// Returns the identity of the plan: that of its image node or, with variants, of all its image
    /// nodes together (`docs/formats.md`).
    #[must_use]
    pub fn id(&self) -> NodeId {
        if self.variants.is_empty() {
            return self.root;
        }
        family_id(&self.roots().collect::<Vec<_>>())
    }

    /// Returns the image nodes: the first image's, then those of the variants.
    pub fn roots(&self) -> impl Iterator<Item = NodeId> {
        std::iter::once(self.root).chain(self.variants.iter().map(|(_, root)| *root))
    }

    /// Returns the plan of each variant, by its name.
    pub fn variants(&self) -> impl Iterator<Item = (&str, Plan)> {
        self.variants.iter().map(|(name, root)| {
            let plan = Self { nodes: self.nodes.clone(), root: *root, variants: Vec::new() };
            (name.as_str(), plan)
        })
    }

    /// Returns all nodes by identity, those of variants too.
    #[must_use]
    pub fn nodes(&self) -> &BTreeMap<NodeId, Node> {
        &self.nodes
    }

    /// Returns a node.
    ///
    /// # Panics
    /// When `id` is of another plan.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(&id).expect("an id of this plan names a node of it")
    }

    /// Returns the image node.
    #[must_use]
    pub fn image(&self) -> &Image {
        match &self.node(self.root).kind {
            NodeKind::Image(image) => image,
            other => unreachable!("the root of a plan is an image, not {other:?}"),
        }
    }

    /// Returns the config node.
    #[must_use]
    pub fn config(&self) -> &Config {
        match &self.node(self.node(self.root).inputs[0]).kind {
            NodeKind::Config(config) => config,
            other => unreachable!("the first input of an image is a config, not {other:?}"),
        }
    }

    /// Returns the layers from the lowest to the highest, each with the entries it asks for.
    pub fn layers(&self) -> impl Iterator<Item = (&Layer, &[NodeId])> {
        self.node(self.root).inputs[1..].iter().map(|id| match self.node(*id) {
            Node { kind: NodeKind::Layer(layer), inputs } => (layer, inputs.as_slice()),
            other => unreachable!("the inputs of an image are layers, not {other:?}"),
        })
    }

    /// Returns every entry that a layer asks for (`Binary` to `Symlink` nodes), layer by layer, in
    /// the order of their identities.
    pub fn requests(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.layers().flat_map(|(_, entries)| entries.iter().map(|id| (*id, self.node(*id))))
    }
}
