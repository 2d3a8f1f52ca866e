//! What requests ask for, path by path, before it is put together.

use imgc_planner::node::Attributes;
use imgc_planner::recipe::ImagePath;
use imgc_planner::{Need, NodeId, Reason};

use crate::contents::FileRef;
use crate::error::ResolveError;
use crate::root::Step;

/// One path that one reason asks for.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) path: ImagePath,
    pub(crate) content: DraftContent,
    pub(crate) attributes: Attributes,
    pub(crate) need: Need,
}

#[derive(Clone)]
pub(crate) enum DraftContent {
    File {
        file: FileRef,
        /// Whether somebody starts it.
        program: bool,
        /// Whether the loader maps it as a library, and so tells it by its inode.
        loaded: bool,
    },
    Text(Box<[u8]>),
    Directory,
    Link(Box<[u8]>),
}

impl Draft {
    /// Tells whether a node names the path or what lies at it, and not only something that needs
    /// it.
    pub(crate) fn is_named(&self) -> bool {
        match self.need.reason {
            Reason::Asked | Reason::Matched => true,
            Reason::Interpreter { .. }
            | Reason::ScriptInterpreter { .. }
            | Reason::EnvProgram { .. }
            | Reason::Needed { .. }
            | Reason::Opened { .. }
            | Reason::LoaderConfiguration
            | Reason::LinkTo { .. }
            | Reason::Above { .. } => false,
        }
    }

    /// Tells whether any other directory, or a link to one, serves as well.
    pub(crate) fn is_any_directory(&self) -> bool {
        matches!(self.content, DraftContent::Directory)
            && self.attributes == Attributes::ROOT
            && self.need.reason != Reason::Asked
    }
}

/// What was gathered so far, and what went wrong.
#[derive(Default)]
pub(crate) struct Drafts {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) problems: Vec<ResolveError>,
    pub(crate) warnings: Vec<ResolveError>,
    /// Remarks about libraries of the sources that an object can do without, by where they are:
    /// said if the image does not get them.
    pub(crate) suggestions: Vec<(ImagePath, ResolveError)>,
}

impl Drafts {
    pub(crate) fn add(
        &mut self,
        node: NodeId,
        reason: Reason,
        path: ImagePath,
        content: DraftContent,
        attributes: Attributes,
    ) {
        self.drafts.push(Draft { path, content, attributes, need: Need { reason, node } });
    }

    /// Adds every link and directory by which `to` was reached.
    pub(crate) fn add_trail(&mut self, node: NodeId, trail: &[Step], to: &ImagePath) {
        for step in trail {
            let (path, content, reason) = match step {
                Step::Link { at, target } => (
                    at.clone(),
                    DraftContent::Link(target.clone()),
                    Reason::LinkTo { to: to.clone() },
                ),
                Step::Directory(path) => {
                    (path.clone(), DraftContent::Directory, Reason::Above { of: to.clone() })
                }
            };
            self.add(node, reason, path, content, Attributes::ROOT);
        }
    }
}
