//! `imgc plan`: what a recipe asks for, as a graph, and the layers that it comes to.

use std::collections::BTreeSet;

use imgc_parser::{Epoch, Printable};
use imgc_planner::{ImageSpec, LayerSpec, NodeId, Plan};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::PlanArguments;
use crate::commands::{Failure, Outcome};
use crate::node_view::view;
use crate::pipeline::{self, Planned, files_and_bytes};
use crate::quantity::{count, size};
use crate::session::Session;

/// Version of the JSON that `--json` prints; fields may be added within it.
const JSON_VERSION: u32 = 1;

/// Digits of a node's identity that the text form shows: enough for one recipe.
const SHORT_DIGITS: usize = 12;

/// Prints the plan. Of an image that cannot be made the graph is all there is to show: what is
/// asked for depends on no machine, and what it comes to does.
pub(crate) fn run(arguments: &PlanArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let planned = pipeline::plan(&arguments.recipe, session)?;
    let plan = planned.plan.clone();
    let images = images(planned, session);
    if images.is_none() {
        let recipe = Printable::new(arguments.recipe.as_os_str().as_encoded_bytes()).to_string();
        session.talk.say(format!("the layers are not known: see `imgc check {recipe}`"));
    }
    if arguments.json {
        let json = serde_json::to_string_pretty(&document(&plan, images.as_deref()));
        session.output.line(json.expect("strings and lists always encode"))?;
        return Ok(Outcome::Done);
    }
    session.output.line(format!("plan {}", plan.id()))?;
    let mut lines = Vec::new();
    let mut drawn = BTreeSet::new();
    for image in plan.roots() {
        draw(&plan, image, "", &mut drawn, &mut lines);
    }
    for image in images.iter().flatten() {
        lines.push(format!("layers of {} {}", image.name, image.platform));
        lines.extend(image.layers.iter().map(shown));
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
    /// The layers of each image; null if one of them cannot be made.
    layers: Option<Vec<DocumentImage>>,
}

#[derive(Serialize)]
struct DocumentImage {
    name: String,
    platform: String,
    /// From the lowest to the highest.
    layers: Vec<DocumentLayer>,
}

#[derive(Serialize)]
struct DocumentLayer {
    /// What the image's history says about it.
    comment: String,
    files: usize,
    /// Of all files, in bytes, before compression.
    size: u64,
}

#[derive(Serialize)]
struct DocumentNode {
    id: String,
    kind: &'static str,
    fields: Map<String, Value>,
    inputs: Vec<String>,
}

/// Finds what a plan asks for and decides the images, without a word about them.
fn images(planned: Planned, session: &mut Session) -> Option<Vec<ImageSpec>> {
    // The date reaches no layer.
    let (compiled, _) = pipeline::prove_all(planned, None, Epoch::ZERO, session).ok()?;
    Some(compiled.images.into_iter().map(|image| image.spec).collect())
}

fn shown(layer: &LayerSpec) -> String {
    let (files, bytes) = files_and_bytes(layer);
    let comment = Printable::new(&layer.comment);
    format!("  {comment}  {} in {}", size(bytes), count(files, "file"))
}

fn document(plan: &Plan, images: Option<&[ImageSpec]>) -> Document {
    let layer = |layer: &LayerSpec| {
        let (files, size) = files_and_bytes(layer);
        DocumentLayer { comment: layer.comment.clone(), files, size }
    };
    let image = |image: &ImageSpec| DocumentImage {
        name: image.name.to_string(),
        platform: image.platform.to_string(),
        layers: image.layers.iter().map(layer).collect(),
    };
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
        layers: images.map(|images| images.iter().map(image).collect()),
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
