//! Why a path is in an image, in the words that a lock keeps.

use imgc_parser::Printable;
use imgc_planner::{Need, NodeId, Plan, Reason, Rule};
use serde_json::Value;

use crate::node_view::view;

/// Writes which node a path comes from and, if the node does not name it, by which rule. Depends on
/// the plan and the image alone.
pub(crate) fn origin(need: &Need, plan: &Plan) -> String {
    let node = node(need.node, plan);
    match reason(&need.reason) {
        Some(reason) => format!("{node}: {reason}"),
        None => node,
    }
}

/// Names a node as the recipe does: its kind, and what it is about.
fn node(id: NodeId, plan: &Plan) -> String {
    let (kind, fields) = view(&plan.node(id).kind);
    let field = |wanted: &str| {
        let (_, value) = fields.iter().find(|(name, _)| *name == wanted)?;
        Some(match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    match field("from").or_else(|| field("path")).or_else(|| field("name")) {
        Some(about) => format!("{kind} {about}"),
        None => kind.to_owned(),
    }
}

fn reason(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::Asked => return None,
        Reason::Matched => "in it".into(),
        Reason::Interpreter { of } => format!("interpreter of {of}"),
        Reason::ScriptInterpreter { of } => format!("interpreter of the script {of}"),
        Reason::EnvProgram { of } => format!("started by env for {of}"),
        Reason::Needed { by, rule, .. } => format!("needed by {by}, {}", rule_name(rule)),
        Reason::Opened { by, .. } => format!("opened at run time by {by}"),
        Reason::LoaderConfiguration => "configures the loader".into(),
        Reason::LinkTo { to } => format!("link to {to}"),
        Reason::Above { of } => format!("above {of}"),
    })
}

fn rule_name(rule: &Rule) -> String {
    match rule {
        Rule::Path => "by path".into(),
        Rule::Rpath(of) => format!("DT_RPATH of {}", Printable::new(of)),
        Rule::LibraryPath => "LD_LIBRARY_PATH".into(),
        Rule::Runpath(of) => format!("DT_RUNPATH of {}", Printable::new(of)),
        Rule::Cache => "ld.so.cache".into(),
        Rule::Default => "default directory".into(),
        Rule::PathFile => "the loader's path file".into(),
        Rule::Preload => "preloaded".into(),
        Rule::Loaded => "already loaded".into(),
        Rule::SameFile => "the same file under another name".into(),
    }
}
