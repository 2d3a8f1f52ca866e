//! What evidence is judged by: the programs of one search, their objects, the image and the sources.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{Content, Digest, ElfFacts, Found, NodeId, Reason};

use super::Evidence;
use super::constants::each_chunk;
use crate::launch::{Run, Surroundings};
use crate::loader::{Elf, Family};
use crate::root::Roots;

/// The programs of one search after their start, in an image that is otherwise finished.
pub(crate) struct Scene<'a> {
    pub(crate) runs: &'a [Run],
    pub(crate) surroundings: Surroundings<'a>,
    pub(crate) image: &'a Roots,
    pub(crate) entries: &'a BTreeMap<ImagePath, Found>,
    pub(crate) evidence: &'a BTreeMap<Digest, Evidence>,
}

/// One file that is loaded in a run.
#[derive(Clone)]
pub(crate) struct Object<'a> {
    pub(crate) node: NodeId,
    /// Where the sources have it, without links.
    pub(crate) source: &'a ImagePath,
    /// Where the image has it.
    pub(crate) path: ImagePath,
    pub(crate) evidence: &'a Evidence,
}

impl Object<'_> {
    pub(crate) fn facts(&self) -> &ElfFacts {
        &self.evidence.facts
    }
}

impl<'a> Scene<'a> {
    /// Returns the program of a run.
    pub(crate) fn program(&self, run: &'a Run) -> Option<Object<'a>> {
        self.object(run.node, &run.trace.main.real, &run.place)
    }

    /// Returns the program of a run, and all libraries that are loaded with it.
    pub(crate) fn objects(&self, run: &'a Run) -> Vec<Object<'a>> {
        let libraries = run.trace.objects.iter().map(|object| &object.walk.real);
        let libraries = libraries.filter_map(|path| self.object(run.node, path, path));
        self.program(run).into_iter().chain(libraries).collect()
    }

    fn object(&self, node: NodeId, source: &'a ImagePath, at: &ImagePath) -> Option<Object<'a>> {
        let path = self.image.walk(at.as_bytes(), &ImagePath::root()).ok()?.real;
        let evidence = self.evidence.get(&digest(self.entries, &path)?)?;
        Some(Object { node, source, path, evidence })
    }

    /// Shows the constants of an object, as the sources have it, in pieces that overlap. Of what cannot be
    /// read, nothing.
    pub(super) fn look(&self, object: &Object<'_>, look: impl FnMut(&[u8])) {
        let roots = self.surroundings.roots;
        let Ok(walk) = roots.walk(object.source.as_bytes(), &ImagePath::root()) else { return };
        let Ok(file) = roots.open(&walk) else { return };
        if let Ok(elf) = Elf::read(&*file, walk.stat.size, None) {
            each_chunk(&*file, &elf, look);
        }
    }

    /// Tells whether the image has something at a path.
    pub(crate) fn has(&self, path: &ImagePath) -> bool {
        self.image.walk(path.as_bytes(), &ImagePath::root()).is_ok()
    }

    /// Tells whether the recipe puts all that lies below a path into the image, but for what it leaves
    /// out: then what is not there is meant to be so.
    pub(crate) fn is_placed(&self, path: &ImagePath) -> bool {
        std::iter::successors(Some(path.clone()), ImagePath::parent).any(|path| {
            self.entries.get(&path).is_some_and(|found| {
                matches!(found.content, Content::Directory)
                    && found.needs.iter().any(|need| need.reason == Reason::Asked)
            })
        })
    }

    /// Returns the version of glibc whose loader starts a run; nothing for another C library.
    pub(crate) fn glibc(run: &Run) -> Option<(u16, u16)> {
        match &run.trace.kind.interpreter()?.profile.family {
            Family::Glibc(glibc) => Some(glibc.version),
            Family::Musl(_) => None,
        }
    }
}

/// Returns what stands at a path, if it is a file.
pub(crate) fn digest(entries: &BTreeMap<ImagePath, Found>, path: &ImagePath) -> Option<Digest> {
    match &entries.get(path)?.content {
        Content::File { digest, .. } => Some(*digest),
        Content::HardLink(target) => match &entries.get(target)?.content {
            Content::File { digest, .. } => Some(*digest),
            Content::HardLink(_) | Content::Directory | Content::Symlink(_) => None,
        },
        Content::Directory | Content::Symlink(_) => None,
    }
}

/// Returns every name by which a library of the image can be asked for: names of files and links,
/// and sonames.
pub(crate) fn library_names(
    entries: &BTreeMap<ImagePath, Found>,
    evidence: &BTreeMap<Digest, Evidence>,
) -> BTreeSet<Box<[u8]>> {
    let is_file = |found: &Found| !matches!(found.content, Content::Directory);
    let names = entries.iter().filter(|(_, found)| is_file(found));
    let names = names.filter_map(|(path, _)| path.file_name().map(Into::into));
    names.chain(evidence.values().filter_map(|read| read.facts.soname.clone())).collect()
}
