//! `imgc plan`: what a recipe asks for, as a graph.

use std::collections::BTreeSet;

use imgc_planner::{NodeId, Plan};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::PlanArguments;
use crate::commands::{Failure, Outcome};
use crate::node_view::view;
use crate::pipeline;
use crate::session::Session;

/// Version of the JSON that `--json` prints; fields may be added within it.
const JSON_VERSION: u32 = 1;

/// Digits of a node's identity that the text form shows: enough for one recipe.
const SHORT_DIGITS: usize = 12;

/// Prints the plan.
pub(crate) fn run(arguments: &PlanArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let planned = pipeline::plan(&arguments.recipe, session)?;
    let plan = &planned.plan;
    if arguments.json {
        let json = serde_json::to_string_pretty(&document(plan));
        session.output.line(json.expect("strings and lists always encode"))?;
        return Ok(Outcome::Done);
    }
    session.output.line(format!("plan {}", plan.id()))?;
    let mut lines = Vec::new();
    let mut drawn = BTreeSet::new();
    for image in plan.roots() {
        draw(plan, image, "", &mut drawn, &mut lines);
    }
    for line in lines {
        session.output.line(line)?;
    }
    Ok(Outcome::Done)
}

#[derive(Serialize)]
struct Document {
    version: u32,
    /// The identity of the image node; with variants, that of all image nodes together.
    plan: String,
    /// The image nodes: the first image's, then those of variants.
    images: Vec<String>,
    /// All nodes, sorted by identity.
    nodes: Vec<DocumentNode>,
}

#[derive(Serialize)]
struct DocumentNode {
    id: String,
    kind: &'static str,
    fields: Map<String, Value>,
    inputs: Vec<String>,
}

fn document(plan: &Plan) -> Document {
    let nodes = plan.nodes().iter().map(|(id, node)| {
        let (kind, fields) = view(&node.kind);
        DocumentNode {
            id: id.to_string(),
            kind,
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            inputs: node.inputs.iter().map(ToString::to_string).collect(),
        }
    });
    Document {
        version: JSON_VERSION,
        plan: plan.id().to_string(),
        images: plan.roots().map(|image| image.to_string()).collect(),
        nodes: nodes.collect(),
    }
}

/// Draws a node and, the first time it comes up, its inputs below it.
fn draw(
    plan: &Plan,
    id: NodeId,
    indent: &str,
    drawn: &mut BTreeSet<NodeId>,
    lines: &mut Vec<String>,
) {
    let node = plan.node(id);
    let (kind, fields) = view(&node.kind);
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let known = !drawn.insert(id);
    let again = if known && !node.inputs.is_empty() { " (above)" } else { "" };
    let short = &id.hex()[..SHORT_DIGITS];
    lines.push(format!("{indent}{short} {kind} {}{again}", fields.join(" ")).trim_end().to_owned());
    if !known {
        let deeper = format!("{indent}  ");
        for input in &node.inputs {
            draw(plan, *input, &deeper, drawn, lines);
        }
    }
}
