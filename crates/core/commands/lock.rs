//! `imgc lock`: writes down what a recipe's images are made from, and what comes out.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use imgc_planner::lock::{Lock, LockError, LockedContent};
use imgc_planner::node::{Place, Source};
use imgc_planner::recipe::From;
use imgc_planner::{Digest, NodeKind};
use imgc_resolver::{HostPath, Machine, owners};
use imgc_writer::{Discard, write_image};

use crate::args::LockArguments;
use crate::commands::{Failure, Outcome};
use crate::lockfile;
use crate::pipeline::{self, Compiled, ImageContents};
use crate::report::Report;
use crate::session::Session;

/// Locks all recipes, or compares them with their locks.
pub(crate) fn run(arguments: &LockArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let mut reports = Vec::new();
    for recipe in &arguments.recipes {
        let done = if arguments.check { check(recipe, session) } else { lock(recipe, session) };
        if let Err(Failure(failed)) = done {
            reports.extend(failed);
        }
    }
    if reports.is_empty() { Ok(Outcome::Done) } else { Err(reports.into()) }
}

fn check(recipe: &Path, session: &mut Session) -> Result<(), Failure> {
    let compiled = pipeline::compile(recipe, session)?;
    lockfile::check(&compiled, true)?;
    session.talk.say(format!("{}: as locked", recipe.display()));
    Ok(())
}

fn lock(recipe: &Path, session: &mut Session) -> Result<(), Failure> {
    let old = match lockfile::read_old(recipe, session)? {
        Ok(old) => old,
        // A lock that nobody can use any more is replaced; one that a newer imgc can use is not.
        Err(LockError::Newer { found }) => {
            let file = lockfile::path_of(recipe).display().to_string();
            let error = LockError::Newer { found };
            return Err(vec![Report::new(&error).in_file(file)].into());
        }
        Err(_) => None,
    };
    let mut compiled = pipeline::compile_with(recipe, None, session)?;
    let mut inputs = lockfile::inputs(&compiled);
    let kept = old.filter(|old| old.inputs.drift(&inputs, "").is_empty());
    let stated = compiled.plan.image().created;
    let created = match (stated, &kept) {
        (Some(created), _) => created,
        (None, Some(old)) => old.created,
        (None, None) => session.today()?,
    };
    for image in &mut compiled.images {
        image.spec.created = created;
    }
    let mut written = Vec::new();
    session.talk.progress(&format!("writing {}", compiled.plan.image().name));
    let contents = ImageContents::new(&compiled.images);
    for image in &compiled.images {
        written.push(write_image(&image.spec, &contents, session.workers(), &Discard)?);
    }
    let packages = packages(&compiled);
    for entry in inputs.images.values_mut().flat_map(BTreeMap::values_mut) {
        if let LockedContent::File { digest, .. } = &entry.content {
            entry.package = packages.get(digest).cloned();
        }
    }
    let lock = Lock { inputs, created, outputs: lockfile::outputs(written.iter()) };
    let changed = lockfile::write(recipe, &lock, session)?;
    session.talk.clear();
    let name = lockfile::path_of(recipe);
    let verb = if changed { "locked" } else { "unchanged" };
    session.talk.say(format!("{}: {verb} ({})", name.display(), compiled.summary()));
    Ok(())
}

/// Finds the packages of all files that come from a source.
fn packages(compiled: &Compiled) -> BTreeMap<Digest, String> {
    let mut packages = BTreeMap::new();
    let project = HostPath::new(compiled.project.root.as_os_str().as_bytes());
    let mut roots: Vec<HostPath> = Vec::new();
    for node in compiled.plan.nodes().values() {
        let NodeKind::Source(Source { place, .. }) = &node.kind else { continue };
        roots.push(match place {
            Place::Host => HostPath::new(b"/"),
            Place::Directory(From::Project(path)) => project.join(path.as_str().as_bytes()),
            Place::Directory(From::Source(path)) => HostPath::new(path.as_bytes()),
        });
    }
    for image in &compiled.images {
        let files: BTreeMap<HostPath, Digest> = image
            .sources
            .digests()
            .filter_map(|digest| Some((image.sources.host_path(digest)?.clone(), *digest)))
            .collect();
        let paths: Vec<HostPath> = files.keys().cloned().collect();
        for root in &roots {
            for (path, package) in owners(&Machine, root, &paths) {
                packages.insert(files[&path], package);
            }
        }
    }
    packages
}
