//! What a plan asks of the resolver.

use std::collections::BTreeMap;

use imgc_planner::node::{Search, Source, User};
use imgc_planner::{Node, NodeId, NodeKind, Plan};

use crate::start::Start;

/// The part of a plan that the resolver answers.
pub(crate) struct Query<'a> {
    pub(crate) nodes: &'a BTreeMap<NodeId, Node>,
    /// Sorted, each once: a node may stand in several layers.
    pub(crate) requests: Vec<NodeId>,
    pub(crate) user: &'a User,
    /// What the image runs.
    pub(crate) start: Option<Start>,
}

impl<'a> Query<'a> {
    pub(crate) fn of(plan: &'a Plan) -> Self {
        let mut requests: Vec<NodeId> = plan.requests().map(|(id, _)| id).collect();
        requests.sort_unstable();
        requests.dedup();
        let config = plan.config();
        Self { nodes: plan.nodes(), requests, user: &config.user, start: Start::of(config) }
    }

    pub(crate) fn node(&self, id: NodeId) -> &'a Node {
        self.nodes.get(&id).expect("the inputs of a plan's node are nodes of the plan")
    }

    /// Returns the search that a request is made in, if it is made in one.
    pub(crate) fn search(&self, request: NodeId) -> Option<(NodeId, &'a Search)> {
        self.node(request).inputs.iter().find_map(|input| match &self.node(*input).kind {
            NodeKind::Search(search) => Some((*input, search)),
            _ => None,
        })
    }

    /// Returns the sources of a search, in order.
    pub(crate) fn sources(&self, search: NodeId) -> impl Iterator<Item = (NodeId, &'a Source)> {
        self.node(search).inputs.iter().filter_map(|input| match &self.node(*input).kind {
            NodeKind::Source(source) => Some((*input, source)),
            _ => None,
        })
    }
}
