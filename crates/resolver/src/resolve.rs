//! The phase: every request of a plan answered, and the answers put together.
//!
//! A request that fails is reported and left out; the others go on, so that one run reports all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imgc_planner::node::User;
use imgc_planner::recipe::{Architecture, ImagePath, Platform};
use imgc_planner::{Closure, Digest, Found, NodeId, NodeKind, Plan};

use crate::contents::{Bytes, FileKey, FileRef, ReadFile, Sources, hash_all};
use crate::draft::{Draft, DraftContent, Drafts};
use crate::error::ResolveError;
use crate::evidence::Scene;
use crate::gather::{Gathered, Gathering};
use crate::host::{Hashed, Host, HostPath};
use crate::launch::Surroundings;
use crate::loader::Loader;
use crate::merge::merge;
use crate::packages::Installed;
use crate::places::{Places, unreadable};
use crate::query::Query;
use crate::root::Roots;
use crate::settle::settle;
use crate::world::Difference;
use crate::{evidence, loader_cache, platform, secret, start, world};

/// Most paths of one image. The largest images in use have some hundred thousand; more come from a
/// tree that nobody meant, such as `/`.
const MAX_ENTRIES: usize = 1_000_000;

/// What an image is for if no program and no recipe says it: the same on every machine.
const ASSUMED_PLATFORM: Platform = Platform { architecture: Architecture::Amd64, variant: None };

/// What was found for a plan.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The entries of the image and why they are there.
    pub closure: Closure,
    /// Where the bytes of its files are.
    pub sources: Sources,
    /// What is doubtful, sorted; each has the severity of a warning.
    pub warnings: Vec<ResolveError>,
}

/// Finds all that a plan asks for.
///
/// `project` is the directory that the recipe's relative paths start from. Without a `platform` it
/// is that of the programs. Nothing is executed, and nothing but `host` is read.
///
/// # Errors
/// Everything that is wrong, sorted by node.
pub fn resolve(
    plan: &Plan,
    platform: Option<Platform>,
    project: &HostPath,
    host: &Arc<dyn Host>,
) -> Result<Resolution, Vec<ResolveError>> {
    answer(&Query::of(plan), platform, project, host, MAX_ENTRIES)
}

pub(crate) fn answer(
    query: &Query<'_>,
    platform: Option<Platform>,
    project: &HostPath,
    host: &Arc<dyn Host>,
    limit: usize,
) -> Result<Resolution, Vec<ResolveError>> {
    let (places, problems) = Places::open(query, platform, project, host);
    let gathering = Gathering::new(query, &places, limit);
    let mut drafts = Drafts { problems, ..Drafts::default() };
    let gathered = gathering.run(&mut drafts);

    let mut runs = gathered.runs.values().flatten();
    let first = runs.find_map(|run| platform::of_elf(&run.trace.main.elf));
    let wanted = platform.or(first).unwrap_or(ASSUMED_PLATFORM);
    if platform.is_none() && first.is_none() {
        drafts.warnings.push(ResolveError::PlatformIsAssumed {
            nodes: gathered.programs.clone(),
            assumed: ASSUMED_PLATFORM,
        });
    }
    // Sources for other platforms were looked at as long as the platform was not known.
    if platform.is_none() && places.depend_on_platform() {
        return answer(query, Some(wanted), project, host, limit);
    }
    if platform.is_some() || first.is_some() {
        drafts.problems.iter_mut().for_each(|problem| platform::explain(problem, wanted));
    }
    let starts = gathered.runs.values().flatten().filter(|run| run.is_start());
    drafts.problems.extend(starts.filter_map(|run| platform::differs(run, wanted)));

    let Together { mut entries, mut sources, programs, mut secrets } =
        put_together(&mut drafts, limit);
    if !drafts.problems.is_empty() {
        return Err(sorted(drafts.problems));
    }
    let mut image = world::image_tree(&entries, &sources);
    let mut differences = differences(query, &gathered, &image);
    if differences.iter().any(Difference::is_by_cache) || loader_cache::has_lister(&entries) {
        let runs = gathered.runs.values().flatten();
        let count = entries.len();
        let remarks =
            loader_cache::add(runs, &image, &mut entries, &mut sources, &mut drafts.problems);
        if entries.len() > count {
            drafts.warnings.extend(remarks);
            image = world::image_tree(&entries, &sources);
            differences = self::differences(query, &gathered, &image);
        }
    }
    drafts.problems.extend(differences.into_iter().map(Difference::into_error));
    drafts.problems.extend(start::check(query, &image, &entries, wanted));
    if !drafts.problems.is_empty() {
        return Err(sorted(drafts.problems));
    }
    let accounts = match query.user {
        User::Named(_) => world::accounts(&image),
        User::Numeric(..) => BTreeMap::new(),
    };
    let programs = programs
        .iter()
        .filter_map(|digest| match sources.place(digest) {
            Some(Bytes::File(file)) => Some((*digest, file)),
            Some(Bytes::Inline(_)) | None => None,
        })
        .collect();
    let evidence = evidence::read_all(&programs);
    let mut scenes = Vec::new();
    for (search, runs) in &gathered.runs {
        if let Some(surroundings) = gathering.place_of(*search, &gathered) {
            let (image, entries, evidence) = (&image, &entries, &evidence);
            scenes.push(Scene { runs, surroundings, image, entries, evidence });
        }
    }
    leave_out_published(&mut secrets, &sources, &scenes);
    drafts.warnings.extend(secret::judge(&entries, &secrets));
    let start = query.start.as_ref().and_then(|start| start.find(&image));
    let start = start.map(|walk| walk.real);
    let installed = Installed::of(scenes.iter().flat_map(|scene| scene.surroundings.roots.roots()));
    let judged = evidence::judge(&scenes, start.as_ref(), &entries, &evidence, &installed);
    drafts.warnings.extend(judged);
    let sections = evidence::sections(&scenes, &installed);
    let is_there = |path: &ImagePath| image.walk(path.as_bytes(), &ImagePath::root()).is_ok();
    let suggestions = drafts.suggestions.into_iter().filter(|(path, _)| !is_there(path));
    drafts.warnings.extend(suggestions.map(|(_, remark)| remark));
    let facts = evidence.into_iter().map(|(digest, read)| (digest, read.facts)).collect();
    let closure = Closure { platform: wanted, entries, accounts, facts, sections };
    Ok(Resolution { closure, sources, warnings: sorted(drafts.warnings) })
}

/// Leaves out the secrets that everybody can have.
fn leave_out_published(
    secrets: &mut BTreeMap<Digest, &'static str>,
    sources: &Sources,
    scenes: &[Scene<'_>],
) {
    let file = |digest: &Digest| match sources.place(digest) {
        Some(Bytes::File(file)) => Some(file),
        Some(Bytes::Inline(_)) | None => None,
    };
    let files: Vec<&FileRef> = secrets.keys().filter_map(file).collect();
    if !files.is_empty() {
        let roots = scenes.iter().flat_map(|scene| scene.surroundings.roots.roots());
        let published: BTreeSet<FileKey> =
            roots.flat_map(|root| secret::published(root, &files)).collect();
        secrets
            .retain(|digest, _| file(digest).is_none_or(|file| !published.contains(&file.key())));
    }
}

/// Loads every program again, in the image's own tree.
fn differences(query: &Query<'_>, gathered: &Gathered, image: &Roots) -> Vec<Difference> {
    let loader = Loader::new();
    let mut differences = Vec::new();
    for (search, runs) in &gathered.runs {
        let NodeKind::Search(search) = &query.node(*search).kind else { continue };
        let surroundings = Surroundings { loader: &loader, roots: image, search };
        differences.extend(runs.iter().filter_map(|run| world::check(run, &surroundings)));
    }
    differences
}

/// Drafts that were put together.
#[derive(Default)]
struct Together {
    entries: BTreeMap<ImagePath, Found>,
    sources: Sources,
    /// Which contents are ELF files.
    programs: BTreeSet<Digest>,
    /// Which contents have a secret in them.
    secrets: BTreeMap<Digest, &'static str>,
}

/// Settles, hashes and merges the drafts; reports what does not go together.
fn put_together(drafts: &mut Drafts, limit: usize) -> Together {
    let complete = drafts.problems.is_empty();
    let (settled, problems) = settle(std::mem::take(&mut drafts.drafts));
    // What was not found may be the directory that a link leads to.
    if complete {
        drafts.problems.extend(problems);
    }
    let too_many = settled.chunk_by(|one, other| one.path == other.path).nth(limit);
    if let Some(group) = too_many {
        drafts.problems.push(ResolveError::TooManyEntries { node: group[0].need.node, limit });
        return Together::default();
    }
    let (digests, programs, mut secrets) = digests(&settled, drafts);
    let (entries, problems) = merge(&settled, &digests);
    drafts.problems.extend(problems);
    let mut sources = Sources::default();
    for draft in &settled {
        match &draft.content {
            DraftContent::File { file, .. } => {
                if let Some(digest) = digests.get(&file.key()) {
                    sources.insert(*digest, Bytes::File(file.clone()));
                }
            }
            DraftContent::Text(text) => {
                let digest = Digest::of(text);
                secrets.extend(secret::find(text).map(|what| (digest, what)));
                sources.insert(digest, Bytes::Inline(Arc::from(&text[..])));
            }
            DraftContent::Directory | DraftContent::Link(_) => {}
        }
    }
    Together { entries, sources, programs, secrets }
}

/// Returns the digest of each file, which of them are ELF files, and which have secrets in them.
fn digests(
    settled: &[Draft],
    drafts: &mut Drafts,
) -> (BTreeMap<FileKey, Digest>, BTreeSet<Digest>, BTreeMap<Digest, &'static str>) {
    let mut files: BTreeMap<FileKey, &FileRef> = BTreeMap::new();
    let mut first: BTreeMap<FileKey, NodeId> = BTreeMap::new();
    for draft in settled {
        if let DraftContent::File { file, .. } = &draft.content {
            files.entry(file.key()).or_insert(file);
            first.entry(file.key()).or_insert(draft.need.node);
        }
    }
    let mut digests = BTreeMap::new();
    let mut programs = BTreeSet::new();
    let mut secrets = BTreeMap::new();
    for (key, hashed) in hash_all(&files) {
        match hashed {
            Ok(ReadFile { hashed: Hashed { digest, is_elf }, secret }) => {
                digests.insert(key, digest);
                secrets.extend(secret.map(|what| (digest, what)));
                if is_elf {
                    programs.insert(digest);
                }
            }
            Err(problem) => {
                drafts.problems.push(unreadable(first[&key], &files[&key].path, problem));
            }
        }
    }
    (digests, programs, secrets)
}

fn sorted(mut problems: Vec<ResolveError>) -> Vec<ResolveError> {
    problems.sort_by_cached_key(|problem| (problem.nodes(), problem.place()));
    problems.dedup();
    problems
}

#[cfg(test)]
mod tests;
