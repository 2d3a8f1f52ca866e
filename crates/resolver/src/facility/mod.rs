//! `needs`: what a root from scratch lacks, taken from the sources by what it is for.
//!
//! Answered when all else is: which files serve depends on the programs and libraries that the image
//! has. What the recipe itself puts at a path counts, and nothing is put beside it.

mod charsets;
mod dns;
mod locale;
mod locale_archive;
mod packages;
mod release;
mod terminals;
mod tls;
mod zones;

use std::collections::BTreeSet;

use imgc_planner::node::{Attributes, Facility, Tree};
use imgc_planner::recipe::{From, ImagePath};
use imgc_planner::{NodeId, Reason};

use crate::contents::FileRef;
use crate::draft::{DraftContent, Drafts};
use crate::error::{Name, ResolveError};
use crate::host::FileType;
use crate::launch::{OwnedOpening, Run, Surroundings};
use crate::loaded::add_extra;
use crate::loader::{Opening, Outcome, Tag};
use crate::places::regular;
use crate::root::{Roots, Walk};
use crate::tree;

/// A node that asks for a facility, and what the image has so far.
pub(crate) struct Asking<'a> {
    pub(crate) node: NodeId,
    pub(crate) surroundings: Surroundings<'a>,
    /// The programs that are started in these surroundings, and what is loaded with them.
    pub(crate) runs: &'a [Run],
    /// The paths that other nodes name.
    pub(crate) own: &'a BTreeSet<ImagePath>,
    /// The sources alone, without the recipe's own files.
    pub(crate) plain: &'a Roots,
    /// Most entries of a tree.
    pub(crate) limit: usize,
}

/// Adds what a facility consists of. Returns the runs in which libraries of it were found.
pub(crate) fn add(asking: &Asking<'_>, facility: &Facility, drafts: &mut Drafts) -> Vec<Run> {
    match facility {
        Facility::Dns => dns::add(asking, drafts),
        Facility::Tls => tls::add(asking, drafts),
        Facility::Charsets => charsets::add(asking, drafts),
        Facility::TimeZones(zone) => {
            zones::add(asking, zone.as_ref(), drafts);
            Vec::new()
        }
        Facility::Locale(locale) => {
            locale::add(asking, locale, drafts);
            Vec::new()
        }
        Facility::Terminfo => {
            terminals::add(asking, drafts);
            Vec::new()
        }
        Facility::OsRelease => {
            release::add(asking, drafts);
            Vec::new()
        }
        Facility::Packages => {
            packages::add(asking, drafts);
            Vec::new()
        }
    }
}

/// Returns the paths that the nodes of a recipe name.
pub(crate) fn named(drafts: &Drafts) -> BTreeSet<ImagePath> {
    let named = drafts.drafts.iter().filter(|draft| draft.is_named());
    named.map(|draft| draft.path.clone()).collect()
}

impl Asking<'_> {
    /// Goes to a file of the sources; nothing if there is none.
    fn find(&self, path: &[u8]) -> Option<Walk> {
        let walk = self.surroundings.roots.walk(path, &ImagePath::root()).ok()?;
        (walk.stat.file_type == FileType::Regular).then_some(walk)
    }

    /// Puts a file of the sources where they have it, with the links that lead to it.
    fn supply(&self, walk: &Walk, drafts: &mut Drafts) {
        drafts.add_trail(self.node, &walk.trail, &walk.real);
        if self.own.contains(&walk.real) {
            return;
        }
        match regular(self.surroundings.roots, self.node, walk) {
            Ok(file) => self.draft(
                walk.real.clone(),
                DraftContent::File { file, program: false, loaded: false },
                drafts,
            ),
            Err(problem) => drafts.problems.push(problem),
        }
    }

    /// Puts a directory of the sources with all below it where they have it, with the links that
    /// lead to it; returns whether there is one. What the recipe has there counts.
    fn tree(&self, path: &str, exclude: &[&str], drafts: &mut Drafts) -> bool {
        let Ok(path) = ImagePath::parse(path.as_bytes()) else { return false };
        let Ok(walk) = self.plain.walk(path.as_bytes(), &ImagePath::root()) else { return false };
        if walk.stat.file_type != FileType::Directory {
            return false;
        }
        drafts.add_trail(self.node, &walk.trail, &walk.real);
        let (from, to) = (From::Source(path), walk.real.clone());
        let exclude = exclude.iter().map(ToString::to_string).collect();
        let wanted = Tree { from, to: to.clone(), exclude, attributes: Attributes::ROOT };
        let before = drafts.drafts.len();
        let root = &self.plain.roots()[walk.source];
        tree::gather(self.node, &wanted, root, &walk, &to, self.limit, drafts);
        let mut gathered = drafts.drafts.split_off(before);
        gathered.retain(|draft| {
            matches!(draft.content, DraftContent::Directory) || !self.own.contains(&draft.path)
        });
        drafts.drafts.append(&mut gathered);
        true
    }

    /// Puts something at a path, behind the links that the sources have above it.
    fn put(&self, path: &ImagePath, content: DraftContent, drafts: &mut Drafts) {
        let place = path.parent().zip(path.file_name()).and_then(|(directory, name)| {
            let roots = self.surroundings.roots;
            let walk = roots.walk(directory.as_bytes(), &ImagePath::root()).ok()?;
            let place = walk.real.join(name).ok()?;
            drafts.add_trail(self.node, &walk.trail, &place);
            Some(place)
        });
        let place = place.unwrap_or_else(|| path.clone());
        if !self.own.contains(&place) {
            self.draft(place, content, drafts);
        }
    }

    fn draft(&self, path: ImagePath, content: DraftContent, drafts: &mut Drafts) {
        drafts.add(self.node, Reason::Asked, path, content, Attributes::ROOT);
    }

    /// Adds a library that an object of a run opens, with its closure; nothing if it is not found.
    fn open(&self, run: &Run, by: &ImagePath, name: &str, drafts: &mut Drafts) -> Option<Run> {
        let opening = Opening { by, name: name.as_bytes() };
        let (surroundings, extra) = (&self.surroundings, run.extra.as_deref());
        let trace = surroundings.trace_again(run, extra, &[opening]).ok()?;
        let opened = Run {
            node: self.node,
            program: run.program.clone(),
            place: run.place.clone(),
            extra: run.extra.clone(),
            openings: vec![OwnedOpening { by: by.clone(), name: name.as_bytes().into() }],
            trace,
        };
        let lookup = opened.trace.lookups.iter().find(|lookup| lookup.tag == Tag::Opened)?;
        match lookup.outcome {
            Outcome::Opened(_) | Outcome::SameFile { .. } | Outcome::Loaded(_) => {}
            Outcome::Missing(_) | Outcome::Ignored | Outcome::Fatal => return None,
        }
        add_extra(&opened, surroundings.roots, &Reason::Asked, drafts);
        Some(opened)
    }

    /// Returns the object of a run that has this name in itself, by its real path in the sources.
    fn object<'r>(&self, run: &'r Run, soname: &str) -> Option<&'r ImagePath> {
        let objects = run.trace.objects.iter();
        let named = objects.filter(|object| {
            object
                .elf
                .dynamic()
                .is_some_and(|dynamic| dynamic.soname.as_deref() == Some(soname.as_bytes()))
        });
        named.map(|object| &object.walk.real).next()
    }

    /// Says that the sources lack what is needed, and which package has it.
    fn lacks(&self, what: &str, package: &'static str, tried: &[&str], drafts: &mut Drafts) {
        drafts.problems.push(ResolveError::NeedIsMissing {
            node: self.node,
            what: Name::new(what),
            package,
            tried: tried.iter().map(Name::new).collect(),
        });
    }
}

/// Returns every file that the image has so far, each once.
fn files(drafts: &Drafts) -> Vec<FileRef> {
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for draft in &drafts.drafts {
        if let DraftContent::File { file, .. } = &draft.content
            && seen.insert(file.key())
        {
            files.push(file.clone());
        }
    }
    files
}
