//! Requests to drafts: what each node of a plan asks for, found.

use std::collections::BTreeMap;

use imgc_planner::node::{Attributes, Binary, Facility};
use imgc_planner::recipe::{From, ImagePath};
use imgc_planner::{NodeId, NodeKind, Reason};

use crate::contents::FileRef;
use crate::draft::{DraftContent, Drafts};
use crate::evidence::opening;
use crate::facility::Asking;
use crate::launch::{Named, Run, Surroundings};
use crate::loader::Loader;
use crate::places::{Places, find, regular};
use crate::query::Query;
use crate::root::{Roots, Walk};
use crate::{facility, library, loaded, overlay, tree};

/// The requests, while they are answered.
pub(crate) struct Gathering<'a> {
    query: &'a Query<'a>,
    places: &'a Places,
    loader: Loader,
    /// The sources of each search that can be used.
    plain: BTreeMap<NodeId, Roots>,
    limit: usize,
}

/// What the requests led to, beside their drafts.
pub(crate) struct Gathered {
    /// The programs that were traced, by search.
    pub(crate) runs: BTreeMap<NodeId, Vec<Run>>,
    /// The nodes that ask for a program or a library.
    pub(crate) programs: Vec<NodeId>,
    /// The recipe's own files above the sources of a search, where there are any.
    overlays: BTreeMap<NodeId, Roots>,
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
    pub(crate) fn new(query: &'a Query<'a>, places: &'a Places, limit: usize) -> Self {
        Self { query, places, loader: Loader::new(), plain: places.overlays(), limit }
    }

    /// Answers every request: first those that put something into the image without starting it,
    /// since programs find it there; then programs; then the libraries that they open; then what all
    /// of these need.
    pub(crate) fn run(&self, drafts: &mut Drafts) -> Gathered {
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
                let opened = opening::add(&run, &surroundings, drafts);
                runs.entry(program.search).or_default().extend([run].into_iter().chain(opened));
            }
        }
        let failed =
            drafts.problems.len() > before || programs.len() + libraries.len() < asked.len();
        for (node, library) in libraries {
            let Some((surroundings, search)) = self.surroundings(node, &roots) else { continue };
            let programs = runs
                .get(&search)
                .map(|runs| runs.iter().filter(|run| run.is_start()).collect::<Vec<_>>());
            let programs = programs.unwrap_or_default();
            let found = library::add(node, library, &surroundings, &programs, failed, drafts);
            let opened: Vec<Run> =
                found.iter().flat_map(|run| opening::add(run, &surroundings, drafts)).collect();
            runs.entry(search).or_default().extend(found.into_iter().chain(opened));
        }
        let own = facility::named(drafts);
        let mut facilities: Vec<(&NodeId, &Facility)> = Vec::new();
        for node in &self.query.requests {
            if let NodeKind::Facility(facility) = &self.query.node(*node).kind {
                facilities.push((node, facility));
            }
        }
        // Whose packages the files are can be told when all of them are there.
        facilities.sort_by_key(|(_, facility)| **facility == Facility::Packages);
        for (node, wanted) in facilities {
            let Some((surroundings, search)) = self.surroundings(*node, &roots) else { continue };
            let found = {
                let Some(plain) = self.plain.get(&search) else { continue };
                let runs = runs.get(&search).map(Vec::as_slice).unwrap_or_default();
                let (node, limit, own) = (*node, self.limit, &own);
                let asking = Asking { node, surroundings, runs, own, plain, limit };
                facility::add(&asking, wanted, drafts)
            };
            runs.entry(search).or_default().extend(found);
        }
        Gathered { runs, overlays, programs: asked }
    }

    /// Returns where the programs of a search were started.
    pub(crate) fn place_of<'b>(
        &'b self,
        search: NodeId,
        gathered: &'b Gathered,
    ) -> Option<Surroundings<'b>> {
        let NodeKind::Search(node) = &self.query.node(search).kind else { return None };
        let roots = gathered.overlays.get(&search).or_else(|| self.plain.get(&search))?;
        Some(Surroundings { loader: &self.loader, roots, search: node })
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
            | NodeKind::Facility(_)
            | NodeKind::Capability(_)
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
