//! What was found: the entries of an image with every reason why they are there.
//!
//! The resolver fills this; `assemble` makes the image spec from it. It holds no path of the
//! machine: the resolver keeps, beside it, where each digest's bytes are.

use std::collections::BTreeMap;

use imgc_parser::{Id, ImagePath, Platform};

use crate::digest::{Digest, NodeId};
use crate::facts::ElfFacts;
use crate::node::Attributes;

/// Everything that the nodes of a plan asked for, for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// What the programs run on.
    pub platform: Platform,
    /// What was found, by its path in the image. A path has no entry above it that is a link.
    pub entries: BTreeMap<ImagePath, Found>,
    /// Users of the image's own `/etc/passwd`, if the recipe runs as one of them: name, user id and
    /// group id. The recipe's own users are not here.
    pub accounts: BTreeMap<String, (Id, Id)>,
    /// What each ELF file among the entries says about itself, by its content.
    pub facts: BTreeMap<Digest, ElfFacts>,
    /// What programs are for, by their paths in the image, where they are from packages that say so: the
    /// section of a distribution's archive, `net` or `science` (Debian Policy, 2.4).
    pub sections: BTreeMap<ImagePath, String>,
}

/// One path of the image, and why it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What stands there.
    pub content: Content,
    /// Mode and owner; [`Attributes::ROOT`] for what no node names.
    pub attributes: Attributes,
    /// Every reason why it is there, sorted, each once; never empty.
    pub needs: Vec<Need>,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A regular file.
    File {
        /// The SHA-256 of its content.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// Whether its source may be executed by somebody, or it is a program that a node names.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link with this target, as its source has it.
    Symlink(Box<[u8]>),
    /// Another name of a file of the closure, which the loader must see as the same file.
    HardLink(ImagePath),
}

/// One reason why a path is in the image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// What brought it in.
    pub reason: Reason,
    /// The node of the plan from which the reason follows.
    pub node: NodeId,
}

/// What brought a path into the image, the strongest reasons first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The node names it.
    Asked,
    /// It lies in the tree or matches the pattern that the node names.
    Matched,
    /// The kernel starts it for the program `of` (ELF `PT_INTERP`).
    Interpreter {
        /// The program.
        of: ImagePath,
    },
    /// The kernel starts it for the script `of` (`#!`).
    ScriptInterpreter {
        /// The script.
        of: ImagePath,
    },
    /// `env` starts it for the script `of` (`#!/usr/bin/env`), found in the image's `PATH`.
    EnvProgram {
        /// The script.
        of: ImagePath,
    },
    /// The loader opens it for `by`.
    Needed {
        /// The object whose dynamic table names it.
        by: ImagePath,
        /// The name that stands there.
        name: Box<[u8]>,
        /// How the loader comes from the name to the path.
        rule: Rule,
    },
    /// `by` says in a note that it opens it at run time (`.note.dlopen`).
    Opened {
        /// The object that holds the note.
        by: ImagePath,
        /// The name that stands there.
        name: Box<[u8]>,
    },
    /// The loader reads it to find libraries (`ld.so.cache`, musl's path file).
    LoaderConfiguration,
    /// It is a link by which `to` is reached.
    LinkTo {
        /// The path behind the link.
        to: ImagePath,
    },
    /// It is a directory above `of`, or one that a path with `..` passes through.
    Above {
        /// The path below it.
        of: ImagePath,
    },
}

/// How a loader comes from a library's name to a path (`ld.so(8)`; musl's `ldso/dynlink.c`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The name contains a slash and is a path.
    Path,
    /// `DT_RPATH` of the object that was opened at this path (bytes as the loader has them).
    Rpath(Box<[u8]>),
    /// `LD_LIBRARY_PATH` of the image.
    LibraryPath,
    /// `DT_RUNPATH` of the requester; with musl also of one of its ancestors.
    Runpath(Box<[u8]>),
    /// `ld.so.cache`.
    Cache,
    /// A directory that is built into the loader.
    Default,
    /// A directory of musl's path file.
    PathFile,
    /// `LD_PRELOAD` of the image, or `/etc/ld.so.preload`.
    Preload,
    /// An object that was already loaded has this name.
    Loaded,
    /// Another name of a file that was already loaded.
    SameFile,
}
