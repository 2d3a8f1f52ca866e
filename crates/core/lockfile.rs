//! The lock beside a recipe: where it is, how it is read and replaced, and what it is compared with.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use imgc_parser::{ImageName, ImagePath, Printable};
use imgc_planner::lock::{
    ImageKey, Inputs, Lock, LockError, LockedContent, LockedEntry, LockedLayer, LockedSource,
    Output,
};
use imgc_planner::node::{Place, Source};
use imgc_planner::recipe::From;
use imgc_planner::{Content, EntryKind, ImageTree, NodeKind, PLAN_VERSION, Reason};
use imgc_writer::{FORMAT_VERSION, Image, NamedImage};

use crate::commands::Failure;
use crate::error::ProgramError;
use crate::origin::origin;
use crate::pipeline::{Compiled, CompiledImage};
use crate::report::Report;
use crate::session::Session;

/// Largest lock that is read, in bytes: some hundred thousand files.
const MAX_BYTES: u64 = 64 << 20;

/// Returns where the lock of a recipe is: beside it, with `.lock` in place of `.kdl`.
pub(crate) fn path_of(recipe: &Path) -> PathBuf {
    recipe.with_extension("lock")
}

/// Returns the lock of a recipe; nothing if it has none.
pub(crate) fn read(recipe: &Path, session: &Session) -> Result<Option<Lock>, Failure> {
    let name = path_of(recipe);
    session.follow(&session.absolute(&name));
    let Some(bytes) = bytes(&session.absolute(&name)).map_err(|error| error.report(&name))? else {
        return Ok(None);
    };
    let lock = Lock::parse(&bytes).map_err(|error| Unread::Lock(error).report(&name))?;
    Ok(Some(lock))
}

/// The same for who is about to replace it: what is wrong with the text of a lock is an answer.
pub(crate) fn read_old(
    recipe: &Path,
    session: &Session,
) -> Result<Result<Option<Lock>, LockError>, Failure> {
    let name = path_of(recipe);
    let bytes = bytes(&session.absolute(&name)).map_err(|error| error.report(&name))?;
    Ok(bytes.map(|bytes| Lock::parse(&bytes)).transpose())
}

/// Why a lock cannot be read.
enum Unread {
    Lock(LockError),
    System(io::Error),
}

impl Unread {
    fn report(self, name: &Path) -> Failure {
        let file = Printable::new(name.as_os_str().as_encoded_bytes()).to_string();
        match self {
            Self::Lock(error) => vec![Report::new(&error).in_file(file)].into(),
            Self::System(source) => ProgramError::LockUnreadable { file, source }.into(),
        }
    }
}

/// Looks at what stands there before it is opened: only files are.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>, Unread> {
    let status = match fs::symlink_metadata(path) {
        Ok(status) => status,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unread::System(error)),
    };
    let kind = status.file_type();
    let found = if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a directory"
    } else if !kind.is_file() {
        "a device, pipe or socket"
    } else {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(Unread::System)?;
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(Unread::System)?;
        return Ok(Some(bytes));
    };
    Err(Unread::Lock(LockError::NotAFile { found }))
}

/// Puts a lock in its place by one rename, so that a reader or another writer sees an old or a new
/// one and never a part. What is equal stays untouched.
pub(crate) fn write(recipe: &Path, lock: &Lock, session: &Session) -> Result<bool, Failure> {
    let name = path_of(recipe);
    let path = session.absolute(&name);
    let text = lock.text();
    match bytes(&path).map_err(|error| error.report(&name))? {
        Some(old) if old == text.as_bytes() => return Ok(false),
        Some(_) => {
            let mode = fs::metadata(&path).map_or(0o644, |status| status.permissions().mode());
            // The rename would pass over what the mode says, as root does.
            if mode & 0o222 == 0 {
                return Err(Unread::Lock(LockError::ReadOnly).report(&name));
            }
        }
        None => {}
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    let stem = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let temporary = parent.join(format!(".{stem}.imgc-tmp.{}", std::process::id()));
    let put = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(parent)?.sync_all()
    };
    put().map(|()| true).map_err(|source| {
        // It may not be there; if it is and stays, it hinders nobody.
        let _ = fs::remove_file(&temporary);
        let file = Printable::new(name.as_os_str().as_encoded_bytes()).to_string();
        ProgramError::CannotWrite { file, source }.into()
    })
}

/// Compares what goes into a recipe's images with its lock. Without a lock nothing is compared,
/// unless there has to be one.
pub(crate) fn check(compiled: &Compiled, required: bool) -> Result<(), Failure> {
    let recipe = compiled.project.shown(&compiled.project.recipe);
    let file = path_of(Path::new(&recipe)).to_string_lossy().into_owned();
    let drift = match &compiled.lock {
        Some(lock) => lock.inputs.drift(&inputs(compiled), &recipe),
        None if required => vec![LockError::Missing { recipe }],
        None => Vec::new(),
    };
    if drift.is_empty() {
        return Ok(());
    }
    Err(Failure(drift.iter().map(|error| Report::new(error).in_file(&file)).collect()))
}

/// What the locks of several recipes say about what comes out.
#[derive(Debug, Default)]
pub(crate) struct Expected(BTreeMap<ImageKey, Output>);

impl Expected {
    /// Adds what a recipe's lock says.
    pub(crate) fn add(&mut self, compiled: &Compiled) {
        let outputs = compiled.lock.iter().flat_map(|lock| lock.outputs.clone());
        self.0.extend(outputs);
    }

    /// Compares it with what came out.
    pub(crate) fn differences(&self, written: &[NamedImage]) -> Vec<LockError> {
        let images = written.iter().flat_map(|named| &named.images);
        images
            .filter_map(|image| {
                let key = key(&image.name, image.platform);
                self.0.get(&key)?.difference(&output(image), &key)
            })
            .collect()
    }
}

fn key(name: &ImageName, platform: imgc_parser::Platform) -> ImageKey {
    ImageKey { name: format!("{}:{}", name.repository(), name.tag()), platform }
}

/// Returns what the lock keeps of an image that was written.
pub(crate) fn output(image: &Image) -> Output {
    let layers = image.layers.iter().map(|layer| LockedLayer {
        diff_id: layer.diff_id,
        blob: layer.descriptor.digest,
        size: layer.descriptor.size,
    });
    Output {
        manifest: image.manifest.digest,
        config: image.config.digest,
        layers: layers.collect(),
    }
}

/// Returns the outputs of images by their keys.
pub(crate) fn outputs<'a>(images: impl Iterator<Item = &'a Image>) -> BTreeMap<ImageKey, Output> {
    images.map(|image| (key(&image.name, image.platform), output(image))).collect()
}

/// Returns what goes into a recipe's images, without the packages that own it.
pub(crate) fn inputs(compiled: &Compiled) -> Inputs {
    let plan = &compiled.plan;
    let mut sources: Vec<LockedSource> = Vec::new();
    for node in plan.nodes().values() {
        // The order of a search is that of its inputs.
        if !matches!(node.kind, NodeKind::Search(_)) {
            continue;
        }
        for input in &node.inputs {
            let NodeKind::Source(source) = &plan.node(*input).kind else { continue };
            let source = locked_source(source);
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
    let images = compiled.images.iter().map(|image| {
        let key = key(&image.spec.name, image.spec.platform);
        (key, entries(image, compiled))
    });
    Inputs {
        format: FORMAT_VERSION,
        plan_version: PLAN_VERSION,
        plan: plan.id(),
        sources,
        images: images.collect(),
    }
}

fn locked_source(source: &Source) -> LockedSource {
    let (kind, place) = match &source.place {
        Place::Host => ("host", None),
        Place::Directory(From::Project(path)) => ("directory", Some(path.to_string())),
        Place::Directory(From::Source(path)) => ("directory", Some(path.to_string())),
    };
    LockedSource { kind: kind.into(), place, platform: source.platform, pin: None }
}

fn entries(image: &CompiledImage, compiled: &Compiled) -> BTreeMap<ImagePath, LockedEntry> {
    let tree = ImageTree::new(&image.spec);
    let mut entries = BTreeMap::new();
    for (path, entry) in tree.entries() {
        // Directories that settings ask for, and those above others, follow from the plan.
        let Some(found) = image.closure.entries.get(path) else { continue };
        let is_way = |reason: &Reason| matches!(reason, Reason::Above { .. });
        if found.content == Content::Directory
            && found.needs.iter().all(|need| is_way(&need.reason))
        {
            continue;
        }
        let content = match &entry.kind {
            EntryKind::File { digest, size } => {
                LockedContent::File { size: *size, digest: *digest, mode: entry.mode }
            }
            EntryKind::Directory => LockedContent::Directory { mode: entry.mode },
            EntryKind::Symlink(target) => LockedContent::Link(target.clone()),
            EntryKind::HardLink(target) => LockedContent::HardLink(target.clone()),
        };
        let origin =
            found.needs.first().map(|need| origin(need, &compiled.plan)).unwrap_or_default();
        entries.insert(path.clone(), LockedEntry { content, origin, package: None });
    }
    entries
}
