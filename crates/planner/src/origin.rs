//! Where each part of a plan was written, beside the plan and never inside what is hashed.

use std::collections::BTreeMap;

use imgc_parser::{ImagePath, Span, Spanned};

use crate::digest::NodeId;

/// The places of a plan's parts in the recipe.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    nodes: BTreeMap<NodeId, Vec<Span>>,
    settings: BTreeMap<Setting, Span>,
    /// The settings of variants, by their names.
    variants: BTreeMap<String, BTreeMap<Setting, Span>>,
}

/// A part of the config or image node that a message may point at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// `name`, or nothing if the file name gives it.
    Name,
    /// `platform`
    Platform,
    /// `user`
    User,
    /// `entrypoint`, or the `binary` that stands for it.
    Entrypoint,
    /// `command`
    Command,
    /// `workdir`
    Workdir,
    /// A `volume`.
    Volume(ImagePath),
    /// A variable of `env`, by its name.
    Variable(String),
    /// An `allow`, by its code.
    Allow(String),
    /// A `variant`, by its name.
    Variant(String),
}

/// What a message of a later phase is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A node of the plan.
    Node(NodeId),
    /// A part of the config or image node.
    Setting(Setting),
}

impl Origins {
    /// Returns the places of a node in the order of the recipe; empty if it follows from none.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &[Span] {
        self.nodes.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Returns the place of a setting, if it was written.
    #[must_use]
    pub fn setting(&self, setting: &Setting) -> Option<Span> {
        self.settings.get(setting).copied()
    }

    /// Returns all places of what a message is about.
    #[must_use]
    pub fn spans(&self, place: &Place) -> Vec<Span> {
        match place {
            Place::Node(id) => self.node(*id).to_vec(),
            Place::Setting(setting) => self.setting(setting).into_iter().collect(),
        }
    }

    /// Returns the places as a variant has them.
    #[must_use]
    pub fn of_variant(&self, name: &str) -> Self {
        let settings = self.variants.get(name).cloned().unwrap_or_default();
        Self { nodes: self.nodes.clone(), settings, variants: BTreeMap::new() }
    }

    pub(crate) fn add_variant(&mut self, name: &Spanned<String>, its: Self) {
        for (node, spans) in its.nodes {
            spans.into_iter().for_each(|span| self.add_node(node, span));
        }
        let mut settings = its.settings;
        settings.insert(Setting::Variant(name.value.clone()), name.span);
        self.variants.insert(name.value.clone(), settings);
    }

    pub(crate) fn add_node(&mut self, id: NodeId, span: Span) {
        let spans = self.nodes.entry(id).or_default();
        if !spans.contains(&span) {
            spans.push(span);
        }
    }

    pub(crate) fn add_setting(&mut self, setting: Setting, span: Span) {
        self.settings.insert(setting, span);
    }
}
