//! Closure to image spec: every header field is decided here.

use std::collections::{BTreeMap, BTreeSet};

use imgc_parser::{Epoch, Id, ImagePath, Mode, Printable};
use miette::Diagnostic;
use thiserror::Error;

use crate::closure::{Closure, Content, Found};
use crate::digest::NodeId;
use crate::layer_plan::{LayerPlan, LayerPurpose};
use crate::node::{Capability, NodeKind, Program, User};
use crate::origin::{Place, Setting};
use crate::plan::Plan;
use crate::spec::{ConfigSpec, Entry, EntryKind, ImageSpec, LayerSpec};
use crate::tree::ImageTree;

/// Why what was found makes no image.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum AssembleError {
    /// The image runs as a user that nothing defines.
    #[error("user `{}` is not defined", Printable::new(name))]
    #[diagnostic(
        code(imgc::assemble::unknown_user),
        help(
            "create it, `user {0} uid=10001`; or run as a number, `user 65532`; or put an `/etc/passwd` into the image that has a line for it",
            Printable::new(name)
        )
    )]
    UnknownUser {
        /// Its name.
        name: String,
    },
    /// The working directory or a volume is something else than a directory.
    #[error("{what} `{path}` is no directory")]
    #[diagnostic(
        code(imgc::assemble::not_a_directory),
        help("give it another path, or remove what the image has there")
    )]
    NotADirectory {
        /// `working directory` or `volume`.
        what: &'static str,
        /// Its path.
        path: ImagePath,
        /// The node that says so.
        setting: Setting,
    },
    /// A variant changes what the first image has.
    #[error("`{path}` is something else in variant `{}`", Printable::new(name))]
    #[diagnostic(
        code(imgc::assemble::variant_differs),
        help(
            "a variant stands on the layers of the first image: let it add files at other paths, or write a recipe of its own"
        )
    )]
    VariantDiffers {
        /// The path.
        path: ImagePath,
        /// The variant.
        name: String,
    },
    /// Capabilities are given to what is no file.
    #[error("`{path}`, which gets capabilities, is {found}")]
    #[diagnostic(
        code(imgc::assemble::no_program),
        help("name the path at which the program stands in the image")
    )]
    NoProgram {
        /// Where it should stand.
        path: ImagePath,
        /// What is there.
        found: &'static str,
        /// The node that names it.
        node: NodeId,
    },
}

/// Every code of [`AssembleError`].
pub const CODES: &[&str] = &[
    "imgc::assemble::unknown_user",
    "imgc::assemble::not_a_directory",
    "imgc::assemble::no_program",
    "imgc::assemble::variant_differs",
];

impl AssembleError {
    /// Returns what the error is about, and what that place is in the story.
    #[must_use]
    pub fn places(&self) -> Vec<(Place, &'static str)> {
        let place = match self {
            Self::UnknownUser { .. } => Place::Setting(Setting::User),
            Self::NotADirectory { setting, .. } => Place::Setting(setting.clone()),
            Self::NoProgram { node, .. } => Place::Node(*node),
            Self::VariantDiffers { name, .. } => Place::Setting(Setting::Variant(name.clone())),
        };
        vec![(place, "asked for here")]
    }
}

/// Makes the image spec of a closure.
///
/// `created` is the date that the config carries if the recipe names none.
///
/// # Errors
/// Everything that keeps the closure from being an image.
pub fn assemble(
    plan: &Plan,
    closure: &Closure,
    created: Epoch,
) -> Result<ImageSpec, Vec<AssembleError>> {
    let image = plan.image();
    let config = plan.config();
    let mut errors = Vec::new();
    let (uid, gid) = match &config.user {
        User::Numeric(uid, gid) => (*uid, *gid),
        User::Named(name) => closure.accounts.get(name).copied().unwrap_or_else(|| {
            errors.push(AssembleError::UnknownUser { name: name.clone() });
            (Id::NONROOT, Id::NONROOT)
        }),
    };
    let layer_plan = LayerPlan::new(plan, closure);
    let mut entries: BTreeMap<ImagePath, (usize, Entry)> = BTreeMap::new();
    for (path, found) in &closure.entries {
        let layer = layer_plan.layer_of(path).expect("every path of a closure has a layer");
        entries.insert(path.clone(), (layer, entry_of(found, closure)));
    }
    let mounts = config.volumes.iter().map(|path| ("volume", path, Setting::Volume(path.clone())));
    let workdir = ("working directory", &config.workdir, Setting::Workdir);
    for (what, path, setting) in mounts.chain([workdir]) {
        if !make_directory(&mut entries, path, (uid, gid), layer_plan.of_settings()) {
            errors.push(AssembleError::NotADirectory { what, path: path.clone(), setting });
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut spec = ImageSpec {
        name: image.name.clone(),
        platform: closure.platform,
        created: image.created.unwrap_or(created),
        config: ConfigSpec {
            uid,
            gid,
            env: config.env.clone(),
            entrypoint: match &config.entrypoint {
                Program::None => Vec::new(),
                Program::Arguments(arguments) => arguments.clone(),
                Program::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.clone()],
            },
            command: config.command.clone(),
            workdir: config.workdir.clone(),
            expose: config.expose.clone(),
            volumes: config.volumes.clone(),
            stop_signal: config.stop_signal.clone(),
            labels: config.labels.clone(),
        },
        layers: layers_of(&layer_plan, &entries),
        compression: image.compression,
        annotations: image.annotations.clone(),
    };
    grant(plan, &mut spec)?;
    Ok(spec)
}

/// Gives programs the capabilities that the recipe says.
fn grant(plan: &Plan, spec: &mut ImageSpec) -> Result<(), Vec<AssembleError>> {
    let mut errors = Vec::new();
    for (node, kind) in plan.requests() {
        let NodeKind::Capability(Capability { path, capabilities }) = &kind.kind else { continue };
        let found = ImageTree::new(spec).resolve(path.as_bytes(), &ImagePath::root());
        let file = match found.map(|(real, entry)| (real, entry.map(|entry| entry.kind.clone()))) {
            Ok((real, Some(EntryKind::File { .. }))) => real,
            Ok((_, Some(EntryKind::HardLink(target)))) => target,
            Ok(_) => {
                let (path, found) = (path.clone(), "a directory");
                errors.push(AssembleError::NoProgram { path, found, node });
                continue;
            }
            Err(_) => {
                let (path, found) = (path.clone(), "not in the image");
                errors.push(AssembleError::NoProgram { path, found, node });
                continue;
            }
        };
        let entries = spec.layers.iter_mut().filter_map(|layer| layer.entries.get_mut(&file));
        entries.for_each(|entry| entry.capabilities = Some(*capabilities));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn entry_of(found: &Found, closure: &Closure) -> Entry {
    if let Content::HardLink(target) = &found.content
        && let Some(file) = closure.entries.get(target)
    {
        // One file has one mode and owner, whatever name it is read by.
        return Entry { kind: EntryKind::HardLink(target.clone()), ..entry_of(file, closure) };
    }
    let attributes = found.attributes;
    let (usual, kind) = match &found.content {
        Content::File { digest, size, executable } => (
            if *executable { Mode::EXECUTABLE } else { Mode::PLAIN },
            EntryKind::File { digest: *digest, size: *size },
        ),
        Content::Directory => (Mode::EXECUTABLE, EntryKind::Directory),
        Content::Symlink(target) => (Mode::SYMLINK, EntryKind::Symlink(target.clone())),
        Content::HardLink(target) => (Mode::EXECUTABLE, EntryKind::HardLink(target.clone())),
    };
    let mode = attributes.mode.unwrap_or(usual);
    Entry { mode, uid: attributes.uid, gid: attributes.gid, kind, capabilities: None }
}

/// Puts a directory at `path` that belongs to the image's user, if nothing is there yet. Returns
/// whether a directory, or a link, stands there then; where links lead is for the checks to see.
fn make_directory(
    entries: &mut BTreeMap<ImagePath, (usize, Entry)>,
    path: &ImagePath,
    (uid, gid): (Id, Id),
    layer: usize,
) -> bool {
    if path.is_root() {
        return true;
    }
    for above in std::iter::successors(path.parent(), ImagePath::parent) {
        match entries.get(&above).map(|(_, entry)| &entry.kind) {
            None | Some(EntryKind::Directory) => {}
            // What lies behind a link is not made here: the entry would have a link above it.
            Some(EntryKind::Symlink(_)) => return true,
            Some(EntryKind::File { .. } | EntryKind::HardLink(_)) => return false,
        }
    }
    let kind = EntryKind::Directory;
    let made = Entry { mode: Mode::EXECUTABLE, uid, gid, kind, capabilities: None };
    let (_, entry) = entries.entry(path.clone()).or_insert((layer, made));
    matches!(entry.kind, EntryKind::Directory | EntryKind::Symlink(_))
}

/// Distributes the entries over the layers, each with the directories above it.
fn layers_of(
    layer_plan: &LayerPlan,
    entries: &BTreeMap<ImagePath, (usize, Entry)>,
) -> Vec<LayerSpec> {
    let made = Entry {
        mode: Mode::EXECUTABLE,
        uid: Id::ROOT,
        gid: Id::ROOT,
        kind: EntryKind::Directory,
        capabilities: None,
    };
    let empty =
        |purpose: &LayerPurpose| LayerSpec { comment: purpose.comment(), entries: BTreeMap::new() };
    let mut layers: Vec<LayerSpec> = layer_plan.layers().iter().map(empty).collect();
    for (path, (number, entry)) in entries {
        let layer = &mut layers[*number].entries;
        let mut missing = BTreeSet::new();
        for above in std::iter::successors(path.parent(), ImagePath::parent) {
            if !above.is_root() && !layer.contains_key(&above) {
                missing.insert(above);
            }
        }
        for above in missing {
            let entry = entries.get(&above).map_or(&made, |(_, entry)| entry).clone();
            layer.insert(above, entry);
        }
        layer.insert(path.clone(), entry.clone());
    }
    layers.retain(|layer| !layer.entries.is_empty());
    layers
}
