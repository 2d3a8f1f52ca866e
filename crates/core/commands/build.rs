//! `imgc build`: recipes become images.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use imgc_parser::{ImageName, Printable};
use imgc_planner::ImageSpec;
use imgc_writer::{NamedImage, Store, Work, WriteError, write_archive_if, write_directory_if};

use crate::args::{BuildArguments, Engine};
use crate::commands::{Failure, Outcome};
use crate::engine;
use crate::error::ProgramError;
use crate::lockfile::{self, Expected};
use crate::pipeline::{self, Compiled, CompiledImage, ImageContents, contents};
use crate::quantity::{count, size};
use crate::receipt::{self, Made};
use crate::report::Report;
use crate::session::Session;

/// Directory of the outputs that nobody named.
const DEFAULT_DIRECTORY: &str = "out";

/// Where images go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination {
    /// An archive that engines load.
    Archive(PathBuf),
    /// An OCI directory.
    Directory(PathBuf),
    /// An engine's own store, and nothing else.
    Engine,
}

impl Destination {
    /// Returns where on this machine it is.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Archive(path) | Self::Directory(path) => Some(path),
            Self::Engine => None,
        }
    }
}

/// Builds all recipes. Nothing is written if one of them has errors.
pub(crate) fn run(arguments: &BuildArguments, session: &mut Session) -> Result<Outcome, Failure> {
    // What an engine has can be asked of the engine alone; and reports that are written together at
    // the end are not there yet when the receipt is.
    let is_checked = arguments.load.is_none() && !session.reports_together();
    if is_checked && receipt::replay(session)? {
        return Ok(Outcome::Done);
    }
    let store = session.store()?;
    if let Some(store) = &store {
        session.take_notes(receipt::recall_knowledge(store));
    }
    let mut images = Vec::new();
    let mut expected = Expected::default();
    let mut errors = Vec::new();
    for recipe in &arguments.recipes.recipes {
        let compiled = pipeline::compile(recipe, session);
        let checked = compiled.and_then(|compiled| {
            lockfile::check(&compiled, arguments.recipes.locked)?;
            Ok(compiled)
        });
        match checked {
            Ok(compiled) => {
                expected.add(&compiled);
                match chosen(compiled, arguments.variant.as_deref()) {
                    Ok(chosen) => images.push(chosen),
                    Err(error) => errors.push(Report::new(&error)),
                }
            }
            Err(Failure(failed)) => errors.extend(failed),
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let recipes = &arguments.recipes.recipes;
    let mut made = Made { recipes, outputs: Vec::new(), blobs: BTreeSet::new() };
    for (destination, images) in destinations(arguments, images)? {
        made.outputs.extend(destination.path().map(Path::to_owned));
        let written =
            write(&destination, &images, &expected, arguments.load, store.as_ref(), session)?;
        let layers = written.iter().flat_map(|named| &named.images).flat_map(|image| &image.layers);
        made.blobs.extend(layers.map(|layer| layer.descriptor.digest));
    }
    if let Some(store) = store {
        let mut trouble = store.trouble();
        if trouble.is_none() {
            receipt::keep(&store, &made, session);
            trouble = store.trouble();
        }
        if let Some(trouble) = trouble {
            session.report_trouble(&trouble);
        }
    }
    Ok(Outcome::Done)
}

/// Returns the images of a recipe that are to be built.
fn chosen(compiled: Compiled, variant: Option<&str>) -> Result<Vec<CompiledImage>, ProgramError> {
    let Some(wanted) = variant else { return Ok(compiled.images) };
    let variants: Vec<(String, ImageName)> = compiled
        .plan
        .variants()
        .map(|(name, plan)| (name.to_owned(), plan.image().name.clone()))
        .collect();
    let Some((_, name)) = variants.iter().find(|(name, _)| name == wanted) else {
        return Err(ProgramError::UnknownVariant {
            variant: wanted.to_owned(),
            recipe: compiled.project.shown(&compiled.project.recipe),
            known: variants.into_iter().map(|(name, _)| name).collect(),
        });
    };
    let is_wanted = |image: &CompiledImage| image.spec.name == *name;
    Ok(compiled.images.into_iter().filter(is_wanted).collect())
}

/// Says which images go where: all to one place that the user names, else each to its own. In the
/// order of the recipes.
fn destinations(
    arguments: &BuildArguments,
    recipes: Vec<Vec<CompiledImage>>,
) -> Result<Vec<(Destination, Vec<CompiledImage>)>, ProgramError> {
    let mut destinations: Vec<(Destination, Vec<CompiledImage>)> = Vec::new();
    for images in recipes {
        let Some(name) = images.first().map(|image| image.spec.name.clone()) else { continue };
        let destination = match &arguments.output {
            Some(path) if is_archive(path) => Destination::Archive(path.clone()),
            Some(path) => Destination::Directory(path.clone()),
            None if arguments.load.is_some() => Destination::Engine,
            None => Destination::Directory(Path::new(DEFAULT_DIRECTORY).join(name.short())),
        };
        let Some((_, there)) = destinations.iter_mut().find(|(known, _)| *known == destination)
        else {
            destinations.push((destination, images));
            continue;
        };
        let taken = there.iter().find(|other| {
            let same = (other.spec.name.repository(), other.spec.name.tag())
                == (name.repository(), name.tag());
            same || (arguments.output.is_none() && destination != Destination::Engine)
        });
        if let Some(other) = taken {
            return Err(ProgramError::OutputTaken {
                first: other.spec.name.to_string(),
                second: name.to_string(),
                output: destination.to_string(),
            });
        }
        there.extend(images);
    }
    Ok(destinations)
}

/// Tells whether a name asks for an archive. An existing directory is one, whatever its name.
fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tar") && !path.is_dir()
}

fn write(
    destination: &Destination,
    images: &[CompiledImage],
    expected: &Expected,
    load: Option<Engine>,
    store: Option<&Store>,
    session: &mut Session,
) -> Result<Vec<NamedImage>, Failure> {
    let specs: Vec<ImageSpec> = images.iter().map(|image| image.spec.clone()).collect();
    let bytes = ImageContents::new(images);
    let interrupt = session.listen();
    let is_stopped = || interrupt.has_come();
    let workers = session.workers();
    let work = Work { contents: &bytes, workers, store, is_stopped: &is_stopped };
    session.talk.progress(&format!("writing {destination}"));
    if let Destination::Archive(path) | Destination::Directory(path) = destination
        && let Some(parent) = session.absolute(path).parent()
    {
        fs::create_dir_all(parent).map_err(|source| {
            let file = Printable::new(parent.as_os_str().as_encoded_bytes()).to_string();
            ProgramError::CannotWrite { file, source }
        })?;
    }
    // What comes out is compared with the locks before it takes its place.
    let differences = RefCell::new(Vec::new());
    let accept = |written: &[NamedImage]| {
        let found = expected.differences(written);
        let accepted = found.is_empty();
        *differences.borrow_mut() = found;
        accepted
    };
    let written = match destination {
        Destination::Archive(path) => {
            write_archive_if(&session.absolute(path), &specs, &work, &accept)
        }
        Destination::Directory(path) => {
            write_directory_if(&session.absolute(path), &specs, &work, &accept)
        }
        Destination::Engine => Ok(Vec::new()),
    };
    if let (Err(WriteError::Refused), found @ [_, ..]) = (&written, &differences.take()[..]) {
        return Err(Failure(found.iter().map(|error| Report::new(error)).collect()));
    }
    let mut written = written?;
    if let Some(engine) = load {
        let loaded = engine::load(engine, &specs, &work, session)?;
        if *destination == Destination::Engine {
            written = loaded;
        }
    }
    session.talk.clear();
    // The writer sorts by name; the user wants the order that was asked for.
    written.sort_by_key(|image| specs.iter().position(|spec| spec.name == image.name));
    for image in &written {
        let output = match (destination, load) {
            (Destination::Engine, Some(engine)) => {
                format!("{}:{}", engine.program(), reference(&image.name))
            }
            _ => destination.to_string(),
        };
        let name = Printable::new(&image.name.to_string()).to_string();
        session.output.line(format!("{name} {} {output}", image.descriptor.digest))?;
        session.output.flush()?;
        summarize(image, images, destination, load, session);
    }
    Ok(written)
}

/// Says how large an image is and how it is run.
fn summarize(
    written: &NamedImage,
    compiled: &[CompiledImage],
    destination: &Destination,
    load: Option<Engine>,
    session: &mut Session,
) {
    for image in &written.images {
        let spec = compiled
            .iter()
            .map(|compiled| &compiled.spec)
            .find(|spec| spec.name == image.name && spec.platform == image.platform);
        let (files, bytes) = spec.map_or((0, 0), contents);
        let compressed = image.layers.iter().map(|layer| layer.descriptor.size).sum();
        session.talk.say(format!(
            "{} {}: {} in {}, {}; {} compressed",
            image.name,
            image.platform,
            size(bytes),
            count(files, "file"),
            count(image.layers.len(), "layer"),
            size(compressed),
        ));
    }
    let name = reference(&written.name);
    let quoted = destination.to_string();
    session.talk.say(match (load, destination) {
        (Some(engine), _) => format!("  run it: {} run --rm {name}", engine.program()),
        (None, Destination::Archive(_)) => {
            format!("  run it: docker load -i {quoted} && docker run --rm {name}")
        }
        (None, Destination::Directory(_) | Destination::Engine) => {
            format!("  run it: podman run --rm oci:{quoted}")
        }
    });
}

/// Returns the name by which an engine runs an image.
fn reference(name: &ImageName) -> String {
    match name.tag() {
        "latest" => name.repository().to_owned(),
        tag => format!("{}:{tag}", name.repository()),
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Archive(path) | Self::Directory(path) => {
                Printable::new(path.as_os_str().as_encoded_bytes()).fmt(formatter)
            }
            Self::Engine => formatter.write_str("the engine"),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self(vec![Report::new(&error)])
    }
}
