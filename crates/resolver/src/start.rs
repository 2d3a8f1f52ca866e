//! What the image runs, started in the image's own tree: a program that `file`, `text` or `tree` has
//! put there, for which nobody has looked for anything.

use std::collections::BTreeMap;

use imgc_planner::node::{Attributes, Config, Program, Search};
use imgc_planner::recipe::{ImagePath, Platform};
use imgc_planner::{Found, NodeId, NodeKind, Reason};

use crate::draft::Drafts;
use crate::error::ResolveError;
use crate::host::FileType;
use crate::launch::{Named, Surroundings};
use crate::loader::Loader;
use crate::places::regular;
use crate::query::Query;
use crate::root::{Roots, Walk};
use crate::{loaded, platform};

/// What an image runs, and in what surroundings.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// As the config names it.
    pub(crate) program: String,
    /// The image's working directory and environment.
    pub(crate) search: Search,
}

impl Start {
    /// Returns what a config runs; nothing if it says nothing, or gives a line to a shell.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let program = match &config.entrypoint {
            Program::Arguments(arguments) => arguments.first(),
            Program::None => config.command.first(),
            Program::Shell(_) => None,
        }?;
        let variable = |name: &str| {
            config.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let search = Search {
            workdir: config.workdir.clone(),
            library_path: variable("LD_LIBRARY_PATH"),
            preload: variable("LD_PRELOAD"),
            path: variable("PATH").unwrap_or_default(),
        };
        Some(Self { program: program.clone(), search })
    }

    /// Finds the program in the image, by `PATH` if it is a bare name.
    pub(crate) fn find(&self, image: &Roots) -> Option<Walk> {
        let walk = |path: &str| image.walk(path.as_bytes(), &self.search.workdir).ok();
        if self.program.contains('/') {
            return walk(&self.program);
        }
        let mut directories = self.search.path.split(':');
        directories.find_map(|directory| walk(&format!("{directory}/{}", self.program)))
    }
}

/// Starts what the image runs, unless a `binary` did. Returns what keeps it from starting.
pub(crate) fn check(
    query: &Query<'_>,
    image: &Roots,
    entries: &BTreeMap<ImagePath, Found>,
    wanted: Platform,
) -> Vec<ResolveError> {
    let Some(start) = &query.start else { return Vec::new() };
    let Some(walk) = start.find(image) else { return Vec::new() };
    let Some(found) = entries.get(&walk.real) else { return Vec::new() };
    let is_started = found.needs.iter().any(|need| match &need.reason {
        Reason::Asked => matches!(query.node(need.node).kind, NodeKind::Binary(_)),
        Reason::ScriptInterpreter { .. } | Reason::EnvProgram { .. } => true,
        _ => false,
    });
    if is_started || walk.stat.file_type != FileType::Regular {
        return Vec::new();
    }
    problems(start, image, &walk, found.needs[0].node, wanted)
}

fn problems(
    start: &Start,
    image: &Roots,
    walk: &Walk,
    node: NodeId,
    wanted: Platform,
) -> Vec<ResolveError> {
    let file = match regular(image, node, walk) {
        Ok(file) => file,
        Err(problem) => return vec![problem],
    };
    let loader = Loader::new();
    let surroundings = Surroundings { loader: &loader, roots: image, search: &start.search };
    let named = Named {
        path: walk.real.clone(),
        attributes: Attributes::ROOT,
        file,
        walk: Some(walk.clone()),
    };
    // What is found is in the image already; only what is not counts.
    let mut drafts = Drafts::default();
    for run in surroundings.launch(node, &named, &mut drafts) {
        loaded::add(&run, image, None, &mut drafts);
        drafts.problems.extend(platform::differs(&run, wanted));
    }
    drafts.problems.iter_mut().for_each(|problem| platform::explain(problem, wanted));
    // A script that names itself as its interpreter stands for a program in recipes that must not
    // depend on any machine; nobody writes one by mistake.
    drafts.problems.retain(|problem| !matches!(problem, ResolveError::ScriptsNestTooDeep { .. }));
    drafts.problems
}
