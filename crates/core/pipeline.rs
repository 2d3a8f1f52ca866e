//! The phases in order: text, recipe, plan, closure, image spec.
//!
//! What a phase reports is joined with its places here and nowhere else. Writing is the business of
//! the one command that writes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use imgc_parser::{Epoch, ImagePath, Platform, Printable, Texts};
use imgc_planner::lock::Lock;
use imgc_planner::{
    AssembleError, Closure, Digest, EntryKind, Finding, ImageSpec, LayerSpec, Origins, Place, Plan,
    Setting, assemble, check, stack,
};
use imgc_resolver::{Host, HostPath, OpenContent, Resolution, ResolveError, Sources, resolve};
use imgc_writer::{Content, Contents};

use crate::commands::{Failure, explain};
use crate::error::ProgramError;
use crate::lockfile;
use crate::project::Project;
use crate::quantity::{count, size};
use crate::report::{Remedy, Report};
use crate::session::Session;

/// What the pure half of the work gives.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) origins: Origins,
    pub(crate) project: Project,
}

/// Everything that is known before anything is written.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) plan: Plan,
    pub(crate) origins: Origins,
    pub(crate) project: Project,
    /// The recipe's lock, if it has one.
    pub(crate) lock: Option<Lock>,
    /// One for each platform.
    pub(crate) images: Vec<CompiledImage>,
}

/// An image that is proved to be sound, and where its bytes are.
#[derive(Debug)]
pub(crate) struct CompiledImage {
    pub(crate) spec: ImageSpec,
    pub(crate) closure: Closure,
    pub(crate) sources: Sources,
}

impl Compiled {
    /// Says in a few words what is in the images.
    pub(crate) fn summary(&self) -> String {
        let image = |image: &CompiledImage| {
            let (files, bytes) = contents(&image.spec);
            format!("{}, {}, {}", image.spec.platform, count(files, "file"), size(bytes))
        };
        self.images.iter().map(image).collect::<Vec<_>>().join("; ")
    }
}

/// The bytes of several images, as the writer asks for them.
pub(crate) struct ImageContents<'a>(BTreeMap<Digest, &'a Sources>);

impl<'a> ImageContents<'a> {
    /// Takes the sources of all images together: equal digests are equal bytes.
    pub(crate) fn new(images: &'a [CompiledImage]) -> Self {
        let sources = images.iter().map(|image| &image.sources);
        Self(sources.flat_map(|sources| sources.digests().map(move |d| (*d, sources))).collect())
    }
}

impl Contents for ImageContents<'_> {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Content>> {
        let source = self.0.get(digest).ok_or(io::ErrorKind::NotFound)?.open(digest)?;
        Ok(Box::new(SourceContent(source)))
    }
}

/// A content of the resolver as the writer reads it.
struct SourceContent(OpenContent);

impl Content for SourceContent {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
}

/// Returns how many files an image has, and how many bytes they have together.
pub(crate) fn contents(spec: &ImageSpec) -> (usize, u64) {
    let layers = spec.layers.iter().map(files_and_bytes);
    layers.fold((0, 0), |(files, bytes), (more, size)| (files + more, bytes + size))
}

/// Returns the same of one layer.
pub(crate) fn files_and_bytes(layer: &LayerSpec) -> (usize, u64) {
    layer.entries.values().fold((0, 0), |(files, bytes), entry| match entry.kind {
        EntryKind::File { size, .. } => (files + 1, bytes + size),
        EntryKind::HardLink(_) => (files + 1, bytes),
        EntryKind::Directory | EntryKind::Symlink(_) => (files, bytes),
    })
}

/// Reads a recipe and plans it.
pub(crate) fn plan(recipe: &Path, session: &mut Session) -> Result<Planned, Failure> {
    let mut project = session.project(recipe)?;
    let main = project.recipe.clone();
    if let Err(reason) = project.read(&main) {
        let recipe = Printable::new(recipe.as_os_str().as_bytes()).to_string();
        return Err(ProgramError::RecipeUnreadable { recipe, reason }.into());
    }
    let file = project.shown(&main);
    let recipe = imgc_parser::parse_with(&main, &mut project, &mut session.map, &session.set)
        .map_err(|errors| reports(&errors, &file))?;
    let (plan, origins) = imgc_planner::plan(&recipe).map_err(|errors| reports(&errors, &file))?;
    Ok(Planned { plan, origins, project })
}

/// Plans a recipe, finds what it asks for, and proves that the images are sound. Whether they are
/// what the recipe's lock says is for [`crate::lockfile::check`].
pub(crate) fn compile(recipe: &Path, session: &mut Session) -> Result<Compiled, Failure> {
    let lock = lockfile::read(recipe, session)?;
    compile_with(recipe, lock, session)
}

/// The same with a lock that was read already; without one the recipe has none.
pub(crate) fn compile_with(
    recipe: &Path,
    lock: Option<Lock>,
    session: &mut Session,
) -> Result<Compiled, Failure> {
    let planned = plan(recipe, session)?;
    let created = match &lock {
        Some(lock) => lock.created,
        None => session.created()?,
    };
    let (result, advice) = match prove_all(planned, lock, created, session) {
        Ok((compiled, advice)) => (Ok(compiled), advice),
        Err((advice, errors)) => (Err(errors), advice),
    };
    let mut denied = Vec::new();
    for report in advice {
        if session.denies_warnings && report.is_warning() {
            denied.push(report.denied());
        } else {
            session.report(&report);
        }
    }
    match result {
        Ok(compiled) if denied.is_empty() => Ok(compiled),
        Ok(_) => Err(denied.into()),
        Err(mut errors) => {
            errors.extend(denied);
            errors.sort_by_key(Report::place);
            Err(errors.into())
        }
    }
}

/// What a plan leads to, and what there is to say about it; or that and what is wrong.
type Proved = Result<(Compiled, Vec<Report>), (Vec<Report>, Vec<Report>)>;

/// Finds what a plan asks for on every platform, and proves that the images are sound. Says nothing.
pub(crate) fn prove_all(
    planned: Planned,
    lock: Option<Lock>,
    created: Epoch,
    session: &mut Session,
) -> Proved {
    let Planned { plan, origins, project } = planned;
    let file = project.shown(&project.recipe);
    let root = HostPath::new(project.root.as_os_str().as_bytes());
    let platforms = match plan.image().platforms.as_slice() {
        [] => vec![None],
        platforms => platforms.iter().copied().map(Some).collect(),
    };
    let host = session.host();
    let mut images = Vec::new();
    let mut advice = unknown_allows(&plan, &origins, &file);
    let mut errors: Vec<Report> = Vec::new();
    for platform in platforms {
        session.talk.progress(&format!("resolving {}", plan.image().name));
        let prover = Prover { root: &root, host: &host, created, file: &file };
        let (image, said) = match prover.prove(&plan, &origins, platform, None) {
            Ok(proved) => proved,
            Err(failed) => {
                errors.extend(failed);
                continue;
            }
        };
        advice.extend(said);
        let mut variants = Vec::new();
        for (name, variant) in plan.variants() {
            let (base, origins) = (Some((&image.spec, name)), origins.of_variant(name));
            match prover.prove(&variant, &origins, Some(image.spec.platform), base) {
                Ok((image, said)) => {
                    variants.push(image);
                    advice.extend(said);
                }
                Err(failed) => errors.extend(failed),
            }
        }
        images.push(image);
        images.extend(variants);
    }
    session.talk.clear();
    // Whatever was found follows from what could not be read.
    if let Some((path, errno)) = session.noted.trouble() {
        let path = Path::new(OsStr::from_bytes(path.as_bytes())).to_owned();
        let error = ProgramError::unreadable(&path, errno.into());
        return Err((Vec::new(), vec![Report::new(&error)]));
    }
    errors.sort_by_key(Report::place);
    advice.sort_by_key(Report::place);
    // Images for several platforms mostly lack the same.
    advice.dedup();
    let compiled = Compiled { plan, origins, project, lock, images };
    if errors.is_empty() { Ok((compiled, advice)) } else { Err((advice, errors)) }
}

/// What every image of a recipe is proved with.
struct Prover<'a> {
    root: &'a HostPath,
    host: &'a Arc<dyn Host>,
    created: Epoch,
    file: &'a str,
}

impl Prover<'_> {
    /// Finds what an image for one platform is made of, and proves that it is sound. A variant comes
    /// with the image that it stands on, and its name.
    fn prove(
        &self,
        plan: &Plan,
        origins: &Origins,
        platform: Option<Platform>,
        base: Option<(&ImageSpec, &str)>,
    ) -> Result<(CompiledImage, Vec<Report>), Vec<Report>> {
        let Self { root, host, created, file } = *self;
        let failed = |errors: Vec<ResolveError>| {
            errors.iter().map(|error| resolve_report(error, origins, file)).collect::<Vec<_>>()
        };
        let Resolution { closure, sources, warnings } =
            resolve(plan, platform, root, host).map_err(failed)?;
        let is_allowed = |warning: &&ResolveError| {
            let code = miette::Diagnostic::code(*warning).map(|code| code.to_string());
            code.is_some_and(|code| plan.image().allows(&code))
        };
        let warnings = warnings.iter().filter(|warning| !is_allowed(warning));
        let report = |warning: &ResolveError| {
            resolve_report(warning, origins, file).ended_by(warning.lines())
        };
        let mut advice: Vec<Report> = warnings.map(report).collect();
        let spec = assemble(plan, &closure, created).and_then(|spec| match base {
            Some((base, name)) => stack(base, spec, name),
            None => Ok(spec),
        });
        let spec = spec.map_err(|failed| {
            let report = |error: &AssembleError| {
                Report::new(error).at(error.places(), origins).in_file(file)
            };
            failed.iter().map(report).collect::<Vec<_>>()
        })?;
        let mut errors = Vec::new();
        for finding in check(plan, &spec, &closure) {
            let report = Report::new(&finding).at(finding.places(plan), origins).in_file(file);
            let mut report = report.ended_by(finding.lines());
            if let Finding::DanglingLink { path, target } = &finding {
                report.remedies.extend(link_remedy(path, target));
            }
            if finding.is_error() {
                errors.push(report);
            } else {
                advice.push(report);
            }
        }
        if errors.is_empty() {
            Ok((CompiledImage { spec, closure, sources }, advice))
        } else {
            Err(errors)
        }
    }
}

/// Says what a link that leads nowhere wants.
fn link_remedy(link: &ImagePath, target: &[u8]) -> Option<Remedy> {
    let parent = link.parent().unwrap_or_else(ImagePath::root);
    let mut parts: Vec<&[u8]> = Vec::new();
    let base = if target.starts_with(b"/") { b"/" } else { parent.as_bytes() };
    for part in base.split(|byte| *byte == b'/').chain(target.split(|byte| *byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let target = ImagePath::parse(&[b"/", &parts.join(&b'/')[..]].concat()).ok()?;
    Some(Remedy::Link { link: link.clone(), target })
}

/// Says which codes the recipe accepts that nothing has.
fn unknown_allows(plan: &Plan, origins: &Origins, file: &str) -> Vec<Report> {
    let codes = plan.image().allow.keys().filter(|code| !explain::knows(code));
    codes
        .map(|code| {
            let nearest = explain::nearest(code);
            let error = ProgramError::UnknownAllow { code: code.clone(), nearest };
            let place = (Place::Setting(Setting::Allow(code.clone())), "accepted here");
            Report::new(&error).at([place], origins).in_file(file)
        })
        .collect()
}

fn reports<E: miette::Diagnostic>(errors: &[E], file: &str) -> Failure {
    Failure(errors.iter().map(|error| Report::new(error).in_file(file)).collect())
}

fn resolve_report(error: &ResolveError, origins: &Origins, file: &str) -> Report {
    let nodes = error.nodes().into_iter().enumerate();
    let places = nodes.map(|(index, node)| (Place::Node(node), error.label(index)));
    Report::new(error).at(places, origins).in_file(file)
}
