//! `imgc why`: the chain of reasons that put a path into an image.

use std::collections::BTreeSet;

use imgc_parser::{ImagePath, Printable};
use imgc_planner::{Closure, Content, Found, ImageSpec, ImageTree, Need, Reason, Rule};

use crate::args::WhyArguments;
use crate::commands::{Failure, Outcome};
use crate::error::ProgramError;
use crate::pipeline::{self, Compiled};
use crate::report::position;
use crate::session::Session;

/// Prints, for each image of the recipe, what stands at the path and why.
pub(crate) fn run(arguments: &WhyArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let compiled = pipeline::compile(&arguments.recipe, session)?;
    let bytes = arguments.path.as_os_str().as_encoded_bytes();
    let missing = || ProgramError::NotInImage {
        path: Printable::new(bytes).to_string(),
        recipe: arguments.recipe.display().to_string(),
    };
    let has_variants = compiled.plan.variants().next().is_some();
    let mut is_found = false;
    for image in &compiled.images {
        let tree = ImageTree::new(&image.spec);
        let asked = ImagePath::parse(bytes).map_err(|_| missing())?;
        // The link itself is what was asked for; only links above it are followed.
        let path = match (asked.parent(), asked.file_name()) {
            (Some(parent), Some(name)) => tree
                .resolve(parent.as_bytes(), &ImagePath::root())
                .ok()
                .and_then(|(parent, _)| parent.join(name).ok()),
            _ => Some(asked),
        };
        // A variant may have what the first image has not.
        let Some(path) = path.filter(|path| tree.entries().any(|(known, _)| known == path)) else {
            if has_variants {
                continue;
            }
            return Err(missing().into());
        };
        is_found = true;
        if has_variants {
            let (name, platform) = (&image.spec.name, image.spec.platform);
            session.output.line(format!("{name} {platform}:"))?;
        } else if compiled.images.len() > 1 {
            session.output.line(format!("{}:", image.spec.platform))?;
        }
        for line in explain(&path, &image.closure, &compiled, session) {
            session.output.line(line)?;
        }
        if let Some(line) = place_of(&path, &image.spec) {
            session.output.line(line)?;
        }
    }
    if is_found { Ok(Outcome::Done) } else { Err(missing().into()) }
}

/// Says in which layers of several a path stands.
fn place_of(path: &ImagePath, spec: &ImageSpec) -> Option<String> {
    let layers = spec.layers.iter().filter(|layer| layer.entries.contains_key(path));
    let layers: Vec<String> =
        layers.map(|layer| format!("`{}`", Printable::new(&layer.comment))).collect();
    (spec.layers.len() > 1).then(|| format!("  in the layer {}", layers.join(" and ")))
}

/// Writes the reasons for a path: the strongest one down to the recipe, the others in a line each.
fn explain(
    path: &ImagePath,
    closure: &Closure,
    compiled: &Compiled,
    session: &Session,
) -> Vec<String> {
    let Some(found) = closure.entries.get(path) else {
        return vec![path.to_string(), "  a directory that the image's settings ask for".into()];
    };
    let mut lines = vec![format!("{path}{}", describe(found))];
    let mut known = BTreeSet::from([path.clone()]);
    let mut at = found.needs.first();
    let mut depth = 1;
    while let Some(need) = at {
        lines.push(format!("{}{}", "  ".repeat(depth), because(need, compiled, session)));
        depth += 1;
        at = cause(&need.reason)
            .filter(|cause| known.insert((*cause).clone()))
            .and_then(|cause| closure.entries.get(cause)?.needs.first());
    }
    for need in found.needs.iter().skip(1) {
        lines.push(format!("  also {}", because(need, compiled, session)));
    }
    lines
}

fn describe(found: &Found) -> String {
    match &found.content {
        Content::File { digest, size, .. } => format!(" ({size} bytes, {digest})"),
        Content::Directory => "/".into(),
        Content::Symlink(target) => format!(" -> {}", Printable::new(target)),
        Content::HardLink(target) => format!(" (the same file as {target})"),
    }
}

/// Returns the path from which a reason follows; nothing if it follows from the recipe alone.
fn cause(reason: &Reason) -> Option<&ImagePath> {
    match reason {
        Reason::Asked | Reason::Matched | Reason::LoaderConfiguration => None,
        Reason::Interpreter { of }
        | Reason::ScriptInterpreter { of }
        | Reason::EnvProgram { of }
        | Reason::Above { of } => Some(of),
        Reason::Needed { by, .. } | Reason::Opened { by, .. } => Some(by),
        Reason::LinkTo { to } => Some(to),
    }
}

fn because(need: &Need, compiled: &Compiled, session: &Session) -> String {
    match &need.reason {
        Reason::Asked => format!("asked for by {}", place(need, compiled, session)),
        Reason::Matched => format!("lies in what {} asks for", place(need, compiled, session)),
        Reason::Interpreter { of } => format!("the interpreter of {of} (PT_INTERP)"),
        Reason::ScriptInterpreter { of } => format!("the interpreter of the script {of} (#!)"),
        Reason::EnvProgram { of } => format!("what `env` starts for the script {of}"),
        Reason::Needed { by, name, rule } => {
            format!("needed by {by} as `{}`, {}", Printable::new(name), found_by(rule))
        }
        Reason::Opened { by, name } => {
            format!("opened at run time by {by} as `{}` (.note.dlopen)", Printable::new(name))
        }
        Reason::LoaderConfiguration => "read by the loader to find libraries".into(),
        Reason::LinkTo { to } => format!("a link by which {to} is reached"),
        Reason::Above { of } => format!("a directory on the way to {of}"),
    }
}

fn found_by(rule: &Rule) -> String {
    match rule {
        Rule::Path => "which is its path".into(),
        Rule::Rpath(of) => format!("found through the DT_RPATH of {}", Printable::new(of)),
        Rule::LibraryPath => "found through LD_LIBRARY_PATH".into(),
        Rule::Runpath(of) => format!("found through the DT_RUNPATH of {}", Printable::new(of)),
        Rule::Cache => "found through ld.so.cache".into(),
        Rule::Default => "found in a directory that is built into the loader".into(),
        Rule::PathFile => "found through the loader's path file".into(),
        Rule::Preload => "which is preloaded".into(),
        Rule::Loaded => "which is loaded by then".into(),
        Rule::SameFile => "another name of a file that is loaded by then".into(),
    }
}

/// Returns where the recipe asks for a node.
fn place(need: &Need, compiled: &Compiled, session: &Session) -> String {
    let places = compiled.origins.node(need.node).iter().filter_map(|span| {
        let file = session.map.file(*span)?;
        let (line, column) = position(file, *span);
        Some(format!("{}:{line}:{column}", Printable::new(&file.name)))
    });
    let places: Vec<String> = places.collect();
    if places.is_empty() { "the image's settings".into() } else { places.join(" and ") }
}
