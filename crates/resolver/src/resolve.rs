//! The phase: every request of a plan answered, and the answers put together.
//!
//! A request that fails is reported and left out; the others go on, so that one run reports all.

use std::collections::BTreeMap;
use std::sync::Arc;

use imgc_planner::node::{Attributes, Binary, User};
use imgc_planner::recipe::{From, ImagePath, Platform};
use imgc_planner::{Closure, Digest, Found, NodeId, NodeKind, Plan, Reason};

use crate::contents::{Bytes, FileKey, FileRef, Sources, hash_all};
use crate::draft::{Draft, DraftContent, Drafts};
use crate::error::{Name, ResolveError};
use crate::host::{Host, HostPath};
use crate::launch::{Named, Run, Surroundings};
use crate::loader::Loader;
use crate::merge::merge;
use crate::places::{Places, find, regular, unreadable};
use crate::query::Query;
use crate::root::{Roots, Walk};
use crate::settle::settle;
use crate::{library, loaded, overlay, platform, tree, world};

/// Most paths of one image. The largest images in use have some hundred thousand; more come from a
/// tree that nobody meant, such as `/`.
const MAX_ENTRIES: usize = 1_000_000;

/// What was found for a plan.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The entries of the image and why they are there.
    pub closure: Closure,
    /// Where the bytes of its files are.
    pub sources: Sources,
    /// What is doubtful, sorted; each has the severity of a warning.
    pub warnings: Vec<ResolveError>,
}

/// Finds all that a plan asks for.
///
/// `project` is the directory that the recipe's relative paths start from. Without a `platform` it
/// is that of the programs. Nothing is executed, and nothing but `host` is read.
///
/// # Errors
/// Everything that is wrong, sorted by node.
pub fn resolve(
    plan: &Plan,
    platform: Option<Platform>,
    project: &HostPath,
    host: &Arc<dyn Host>,
) -> Result<Resolution, Vec<ResolveError>> {
    answer(&Query::of(plan), platform, project, host, MAX_ENTRIES)
}

pub(crate) fn answer(
    query: &Query<'_>,
    platform: Option<Platform>,
    project: &HostPath,
    host: &Arc<dyn Host>,
    limit: usize,
) -> Result<Resolution, Vec<ResolveError>> {
    let (places, problems) = Places::open(query, platform, project, host);
    let gathering = Gathering {
        query,
        places: &places,
        loader: Loader::new(),
        plain: places.overlays(),
        limit,
    };
    let mut drafts = Drafts { problems, ..Drafts::default() };
    let gathered = gathering.run(&mut drafts);

    let found =
        gathered.runs.values().flatten().map(|run| (run, platform::of_elf(&run.trace.main.elf)));
    let first = found.clone().find_map(|(_, found)| found);
    let Some(wanted) = platform.or(first) else {
        if drafts.problems.is_empty() {
            let nodes = gathered.programs;
            return Err(vec![ResolveError::PlatformIsUnknown { nodes }]);
        }
        return Err(sorted(drafts.problems));
    };
    // Sources for other platforms were looked at as long as the platform was not known.
    if platform.is_none() && places.depend_on_platform() {
        return answer(query, Some(wanted), project, host, limit);
    }
    for (run, found) in found.filter(|(run, _)| run.extra.is_none()) {
        if !found.is_some_and(|found| platform::agrees(found, wanted)) {
            let elf = &run.trace.main.elf;
            drafts.problems.push(ResolveError::PlatformDiffers {
                node: run.node,
                path: run.place.clone(),
                found: Name::new(found.map_or_else(
                    || format!("the ELF machine {}", elf.machine.0),
                    |found| found.to_string(),
                )),
                expected: wanted,
            });
        }
    }

    let (entries, sources) = put_together(&mut drafts, limit);
    if !drafts.problems.is_empty() {
        return Err(sorted(drafts.problems));
    }
    let image = world::image_tree(&entries, &sources);
    let loader = Loader::new();
    for (search, runs) in &gathered.runs {
        let NodeKind::Search(search) = &query.node(*search).kind else { continue };
        let surroundings = Surroundings { loader: &loader, roots: &image, search };
        for run in runs {
            drafts.problems.extend(world::check(run, &surroundings));
        }
    }
    if !drafts.problems.is_empty() {
        return Err(sorted(drafts.problems));
    }
    let accounts = match query.user {
        User::Named(_) => world::accounts(&image),
        User::Numeric(..) => BTreeMap::new(),
    };
    let closure = Closure { platform: wanted, entries, accounts };
    Ok(Resolution { closure, sources, warnings: sorted(drafts.warnings) })
}

/// Settles, hashes and merges the drafts; reports what does not go together.
fn put_together(drafts: &mut Drafts, limit: usize) -> (BTreeMap<ImagePath, Found>, Sources) {
    let complete = drafts.problems.is_empty();
    let (settled, problems) = settle(std::mem::take(&mut drafts.drafts));
    // What was not found may be the directory that a link leads to.
    if complete {
        drafts.problems.extend(problems);
    }
    let too_many = settled.chunk_by(|one, other| one.path == other.path).nth(limit);
    if let Some(group) = too_many {
        drafts.problems.push(ResolveError::TooManyEntries { node: group[0].need.node, limit });
        return (BTreeMap::new(), Sources::default());
    }
    let digests = digests(&settled, drafts);
    let (entries, problems) = merge(&settled, &digests);
    drafts.problems.extend(problems);
    let mut sources = Sources::default();
    for draft in &settled {
        match &draft.content {
            DraftContent::File { file, .. } => {
                if let Some(digest) = digests.get(&file.key()) {
                    sources.insert(*digest, Bytes::File(file.clone()));
                }
            }
            DraftContent::Text(text) => {
                sources.insert(Digest::of(text), Bytes::Inline(Arc::from(&text[..])));
            }
            DraftContent::Directory | DraftContent::Link(_) => {}
        }
    }
    (entries, sources)
}

fn digests(settled: &[Draft], drafts: &mut Drafts) -> BTreeMap<FileKey, Digest> {
    let mut files: BTreeMap<FileKey, &FileRef> = BTreeMap::new();
    let mut first: BTreeMap<FileKey, NodeId> = BTreeMap::new();
    for draft in settled {
        if let DraftContent::File { file, .. } = &draft.content {
            files.entry(file.key()).or_insert(file);
            first.entry(file.key()).or_insert(draft.need.node);
        }
    }
    let mut digests = BTreeMap::new();
    for (key, hashed) in hash_all(&files) {
        match hashed {
            Ok(digest) => {
                digests.insert(key, digest);
            }
            Err(problem) => {
                drafts.problems.push(unreadable(first[&key], &files[&key].path, problem));
            }
        }
    }
    digests
}

fn sorted(mut problems: Vec<ResolveError>) -> Vec<ResolveError> {
    problems.sort_by_cached_key(|problem| (problem.nodes(), problem.place()));
    problems.dedup();
    problems
}

/// The requests, while they are answered.
struct Gathering<'a> {
    query: &'a Query<'a>,
    places: &'a Places,
    loader: Loader,
    /// The sources of each search that can be used.
    plain: BTreeMap<NodeId, Roots>,
    limit: usize,
}

struct Gathered {
    /// The programs that were traced, by search.
    runs: BTreeMap<NodeId, Vec<Run>>,
    /// The nodes that ask for a program or a library.
    programs: Vec<NodeId>,
}

/// A program that was found, before anything starts it.
struct Program<'a> {
    node: NodeId,
    search: NodeId,
    binary: &'a Binary,
    walk: Walk,
    file: FileRef,
}

impl Program<'_> {
    fn is_relocated(&self) -> bool {
        self.binary.from != From::Source(self.binary.to.clone())
    }
}

impl<'a> Gathering<'a> {
    fn run(&self, drafts: &mut Drafts) -> Gathered {
        let mut programs = Vec::new();
        let mut libraries = Vec::new();
        let mut asked = Vec::new();
        for node in &self.query.requests {
            match &self.query.node(*node).kind {
                NodeKind::Binary(binary) => {
                    asked.push(*node);
                    programs.extend(self.program(*node, binary, drafts));
                }
                NodeKind::Library(library) => {
                    asked.push(*node);
                    libraries.push((*node, library));
                }
                _ => self.plain(*node, drafts),
            }
        }
        let placed = overlay::placed(
            drafts.drafts.iter(),
            programs
                .iter()
                .filter(|program| program.is_relocated())
                .map(|program| (&program.binary.to, &program.file, program.binary.attributes.mode)),
        );
        let mut runs: BTreeMap<NodeId, Vec<Run>> = BTreeMap::new();
        let overlays: BTreeMap<NodeId, Roots> = self
            .plain
            .iter()
            .filter_map(|(search, plain)| Some((*search, overlay::above(&placed, plain)?)))
            .collect();
        let roots = |search: NodeId| overlays.get(&search).or_else(|| self.plain.get(&search));
        let before = drafts.problems.len();
        for program in &programs {
            let Some((surroundings, _)) = self.surroundings(program.node, &roots) else { continue };
            let named = Named {
                path: program.binary.to.clone(),
                attributes: program.binary.attributes,
                file: program.file.clone(),
                walk: (!program.is_relocated()).then(|| program.walk.clone()),
            };
            let relocated = program.is_relocated().then_some(&program.binary.from);
            for run in surroundings.launch(program.node, &named, drafts) {
                loaded::add(&run, surroundings.roots, relocated, drafts);
                runs.entry(program.search).or_default().push(run);
            }
        }
        let failed =
            drafts.problems.len() > before || programs.len() + libraries.len() < asked.len();
        for (node, library) in libraries {
            let Some((surroundings, search)) = self.surroundings(node, &roots) else { continue };
            let programs = runs
                .get(&search)
                .map(|runs| runs.iter().filter(|run| run.extra.is_none()).collect::<Vec<_>>());
            let programs = programs.unwrap_or_default();
            let found = library::add(node, library, &surroundings, &programs, failed, drafts);
            runs.entry(search).or_default().extend(found);
        }
        Gathered { runs, programs: asked }
    }

    fn surroundings<'b>(
        &'b self,
        node: NodeId,
        roots: &dyn Fn(NodeId) -> Option<&'b Roots>,
    ) -> Option<(Surroundings<'b>, NodeId)> {
        let (id, search) = self.query.search(node)?;
        Some((Surroundings { loader: &self.loader, roots: roots(id)?, search }, id))
    }

    /// Returns the tree that a node takes its files from; nothing if it cannot be used.
    fn roots_of(&self, node: NodeId, from: &From) -> Option<&Roots> {
        match from {
            From::Project(_) => Some(self.places.project()),
            From::Source(_) => self.plain.get(&self.query.search(node)?.0),
        }
    }

    fn program(
        &self,
        node: NodeId,
        binary: &'a Binary,
        drafts: &mut Drafts,
    ) -> Option<Program<'a>> {
        let roots = self.roots_of(node, &binary.from)?;
        let search = self.query.search(node)?.0;
        self.plain.get(&search)?;
        let found = find(roots, node, &binary.from)
            .and_then(|walk| regular(roots, node, &walk).map(|file| (walk, file)));
        match found {
            Ok((walk, file)) => Some(Program { node, search, binary, walk, file }),
            Err(problem) => {
                drafts.problems.push(problem);
                None
            }
        }
    }

    /// Answers a request that starts nothing.
    fn plain(&self, node: NodeId, drafts: &mut Drafts) {
        match &self.query.node(node).kind {
            NodeKind::File(file) => {
                let Some(roots) = self.roots_of(node, &file.from) else { return };
                let found = find(roots, node, &file.from)
                    .and_then(|walk| regular(roots, node, &walk).map(|file| (walk, file)));
                match found {
                    Ok((walk, found)) => {
                        let content =
                            DraftContent::File { file: found, program: false, loaded: false };
                        let path = destination(node, &file.from, &file.to, &walk, drafts);
                        drafts.add(node, Reason::Asked, path, content, file.attributes);
                    }
                    Err(problem) => drafts.problems.push(problem),
                }
            }
            NodeKind::Tree(wanted) => {
                let Some(roots) = self.roots_of(node, &wanted.from) else { return };
                match find(roots, node, &wanted.from) {
                    Ok(walk) => {
                        let to = destination(node, &wanted.from, &wanted.to, &walk, drafts);
                        let root = &roots.roots()[walk.source];
                        tree::gather(node, wanted, root, &walk, &to, self.limit, drafts);
                    }
                    Err(problem) => drafts.problems.push(problem),
                }
            }
            NodeKind::Text(text) => {
                let content = DraftContent::Text(text.text.as_bytes().into());
                drafts.add(node, Reason::Asked, text.path.clone(), content, text.attributes);
            }
            NodeKind::Directory(directory) => {
                let (path, attributes) = (directory.path.clone(), directory.attributes);
                drafts.add(node, Reason::Asked, path, DraftContent::Directory, attributes);
            }
            NodeKind::Symlink(link) => {
                let content = DraftContent::Link(link.target.as_bytes().into());
                let attributes = Attributes { mode: None, uid: link.uid, gid: link.gid };
                drafts.add(node, Reason::Asked, link.path.clone(), content, attributes);
            }
            NodeKind::Binary(_)
            | NodeKind::Library(_)
            | NodeKind::Source(_)
            | NodeKind::Search(_)
            | NodeKind::Layer(_)
            | NodeKind::Config(_)
            | NodeKind::Image(_) => {}
        }
    }
}

/// Returns where in the image the end of a walk stands. What keeps its path keeps the way to it.
fn destination(
    node: NodeId,
    from: &From,
    to: &ImagePath,
    walk: &Walk,
    drafts: &mut Drafts,
) -> ImagePath {
    if *from != From::Source(to.clone()) {
        return to.clone();
    }
    drafts.add_trail(node, &walk.trail, &walk.real);
    walk.real.clone()
}

#[cfg(test)]
mod tests;
