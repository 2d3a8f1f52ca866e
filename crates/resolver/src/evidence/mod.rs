//! What the files of a closure say about the time after the start: which symbols they use, which
//! names stand in them, what they mean to open.
//!
//! [`read_all`] reads each ELF file once, when it is known to be in the image; [`judge`] says what
//! the programs will look for and not find. Only a note of the object itself ([`opening`]) puts
//! something into an image; all other evidence ends in a warning with the lines to paste.

mod accounts;
mod candidates;
mod catalogs;
mod compilers;
mod constants;
mod data;
mod defaults;
mod dependencies;
mod facts;
mod families;
mod file_names;
mod helpers;
mod jars;
mod note;
pub(crate) mod opening;
mod parcels;
mod placed;
mod plugins;
mod referred;
mod scene;
mod scripts;
mod sections;
mod services;
mod set_id;
mod state;
mod unlinked;
mod unloaded;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{Digest, ElfFacts, Found, Mention};
use rayon::prelude::*;

use crate::contents::FileRef;
use crate::error::ResolveError;
use crate::host::HostFile;
use crate::loader::Elf;
use crate::packages::Installed;
pub(crate) use scene::Scene;
pub(crate) use sections::sections;

/// What was read of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// What the checks of the image ask for.
    pub(crate) facts: ElfFacts,
    /// Names of libraries in its constants, if it opens libraries by names of its own.
    names: BTreeSet<Box<[u8]>>,
    /// Paths of data in its constants.
    paths: BTreeSet<Box<[u8]>>,
    /// Paths below `/var` and `/run` in its constants.
    state: BTreeSet<Box<[u8]>>,
}

/// Reads ELF files, several at a time. A file that cannot be read any more says nothing: the writer
/// reads it whole, and fails.
pub(crate) fn read_all(files: &BTreeMap<Digest, &FileRef>) -> BTreeMap<Digest, Evidence> {
    let listed: Vec<_> = files.iter().collect();
    let read: Vec<_> = listed
        .par_iter()
        .filter_map(|(digest, file)| Some((**digest, facts::read(file)?)))
        .collect();
    read.into_iter().collect()
}

/// Shows the constants of an ELF file in pieces that overlap by some kilobytes; of another file, or
/// one that cannot be read, nothing.
pub(crate) fn look(file: &FileRef, look: impl FnMut(&[u8])) {
    if let Some((open, elf)) = open(file) {
        constants::each_chunk(&*open, &elf, look);
    }
}

/// Returns the well-known names in an ELF file.
pub(crate) fn mentions(file: &FileRef) -> Option<BTreeSet<Mention>> {
    let (open, elf) = open(file)?;
    Some(constants::read(&*open, &elf, false).mentions)
}

fn open(file: &FileRef) -> Option<(Box<dyn HostFile>, Elf)> {
    let open = file.open().ok()?;
    let elf = Elf::read(&*open, file.stat.size, None).ok()?;
    Some((open, elf))
}

/// Says what the programs of an image will look for and not find. `start` is what the image runs.
pub(crate) fn judge<'i>(
    scenes: &[Scene<'_>],
    start: Option<&ImagePath>,
    entries: &BTreeMap<ImagePath, Found>,
    evidence: &BTreeMap<Digest, Evidence>,
    installed: &'i Installed<'i>,
) -> Vec<ResolveError> {
    let known = scene::library_names(entries, evidence);
    let mut warnings = Vec::new();
    let mut loaded = BTreeSet::new();
    for scene in scenes {
        let parcels = parcels::Parcels::of(scene, start, installed);
        warnings.extend(candidates::judge(scene, &known, &parcels));
        warnings.extend(plugins::judge(scene));
        warnings.extend(plugins::name_services(scene));
        warnings.extend(plugins::unwinder(scene, &known));
        warnings.extend(scripts::judge(scene, installed));
        warnings.extend(data::judge(scene, &parcels));
        warnings.extend(defaults::judge(scene, &parcels));
        warnings.extend(helpers::judge(scene, start, &parcels));
        warnings.extend(dependencies::judge(scene, start, &parcels));
        warnings.extend(unlinked::judge(scene, &parcels));
        warnings.extend(referred::judge(scene, &parcels));
        warnings.extend(compilers::judge(scene, &parcels));
        warnings.extend(parcels.judge(scene, &warnings));
        warnings.extend(set_id::judge(scene, start));
        for run in scene.runs {
            loaded.extend(scene.objects(run).into_iter().map(|object| object.path));
            // The loader needs nothing, and is no object.
            let interpreter = run.trace.kind.interpreter();
            loaded.extend(interpreter.map(|interpreter| interpreter.walk.real.clone()));
        }
    }
    if let Some(scene) = scenes.first() {
        warnings.extend(data::of_plugins(scene, &loaded));
        warnings.extend(catalogs::judge(scene));
        warnings.extend(placed::judge(scene, start, &loaded, &known, installed));
    }
    warnings.extend(unloaded::judge(scenes.first(), installed, entries, evidence, &known, &loaded));
    warnings
}
