//! The image's own `ld.so.cache`, for libraries that no other rule of the loader finds.
//!
//! A source's cache is not taken: it lists what the image does not have. What the programs of the
//! image found through it is written into a cache of their own, and nothing else; and all libraries of
//! the image, if it has the program that others ask what the cache lists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imgc_planner::node::Attributes;
use imgc_planner::recipe::ImagePath;
use imgc_planner::{Content, Digest, Found, Need, NodeId, Reason, Rule};

use crate::contents::{Bytes, Sources};
use crate::error::{Name, ResolveError};
use crate::launch::Run;
use crate::loader::{CacheAbi, CacheEntry, Family, Glibc, Outcome, Profile, write_cache};
use crate::merge::add_directories;
use crate::root::Roots;

/// What one cache must say.
struct Wanted {
    entries: Vec<CacheEntry>,
    /// Those of their directories that no loader searches by itself.
    directories: BTreeSet<Box<[u8]>>,
    nodes: BTreeSet<NodeId>,
    big_endian: bool,
}

/// Adds a cache wherever a loader of `runs` reads one and the image has nothing yet: with what is found
/// through one, and with all libraries if the image has the program that lists them. Returns remarks
/// about directories that a loader comes to by that alone.
pub(crate) fn add<'a>(
    runs: impl Iterator<Item = &'a Run>,
    image: &Roots,
    entries: &mut BTreeMap<ImagePath, Found>,
    sources: &mut Sources,
    problems: &mut Vec<ResolveError>,
) -> Vec<ResolveError> {
    let mut caches: BTreeMap<ImagePath, Wanted> = BTreeMap::new();
    let is_listed = has_lister(entries);
    for run in runs {
        let Some((path, profile, glibc)) = cache_of(run) else { continue };
        let Some(path) = behind_links(&path, image) else { continue };
        let wanted = caches.entry(path).or_insert_with(|| Wanted {
            entries: Vec::new(),
            directories: BTreeSet::new(),
            nodes: BTreeSet::new(),
            big_endian: profile.big_endian,
        });
        for entry in found_by_cache(run, CacheAbi::of(profile)) {
            let directory = directory(&entry.path);
            if !glibc.directories.iter().any(|own| **own == *directory) {
                wanted.directories.insert(directory.into());
            }
            wanted.entries.push(entry);
            wanted.nodes.insert(run.node);
        }
        if is_listed {
            let libraries = run.trace.objects.iter().map(|object| &object.path);
            let entries = libraries.filter_map(|path| listed(path, CacheAbi::of(profile)));
            for entry in entries {
                wanted.entries.push(entry);
                wanted.nodes.insert(run.node);
            }
        }
    }
    let mut remarks = Vec::new();
    for (path, Wanted { entries: libraries, directories, nodes, big_endian }) in caches {
        // What the recipe has put there counts.
        if libraries.is_empty() || entries.contains_key(&path) {
            continue;
        }
        let bytes = write_cache(libraries, big_endian);
        let digest = Digest::of(&bytes);
        let needs =
            nodes.iter().map(|node| Need { reason: Reason::LoaderConfiguration, node: *node });
        entries.insert(
            path.clone(),
            Found {
                content: Content::File { digest, size: bytes.len() as u64, executable: false },
                attributes: Attributes::ROOT,
                needs: needs.collect(),
            },
        );
        sources.insert(digest, Bytes::Inline(Arc::from(bytes)));
        // What is only listed changes nothing for the loader.
        if directories.is_empty() {
            continue;
        }
        remarks.push(ResolveError::LoaderCacheIsWritten {
            nodes: nodes.into_iter().collect(),
            path,
            directories: directories.iter().map(Name::new).collect(),
        });
    }
    add_directories(entries, problems);
    remarks
}

/// The program that shows what a cache lists (`ldconfig(8)`, `-p`).
const LISTER: &[u8] = b"ldconfig";

/// Tells whether an image has the program that shows what its cache lists: then libraries are looked up
/// in that, though the loader finds them by itself.
pub(crate) fn has_lister(entries: &BTreeMap<ImagePath, Found>) -> bool {
    entries.keys().any(|path| path.file_name() == Some(LISTER))
}

/// Returns what a cache says of a library; nothing if it is no library by its name.
fn listed(path: &[u8], abi: CacheAbi) -> Option<CacheEntry> {
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let is_library = name.starts_with(b"lib") && name.windows(3).any(|part| part == b".so");
    let (name, path) = (name.into(), path.into());
    (is_library && path != name).then_some(CacheEntry { name, path, abi })
}

/// Returns the cache that the loader of a run reads, and the loader; musl's reads none.
fn cache_of(run: &Run) -> Option<(ImagePath, &Profile, &Glibc)> {
    let profile = &*run.trace.kind.interpreter()?.profile;
    match &profile.family {
        Family::Glibc(glibc) => Some((ImagePath::parse(&glibc.cache).ok()?, profile, glibc)),
        Family::Musl(_) => None,
    }
}

/// Returns where a file that is put at `path` stands.
fn behind_links(path: &ImagePath, image: &Roots) -> Option<ImagePath> {
    let directory = path.parent()?;
    match image.walk(directory.as_bytes(), &ImagePath::root()) {
        Ok(walk) => walk.real.join(path.file_name()?).ok(),
        Err(_) => Some(path.clone()),
    }
}

/// Returns what the loader of a run found through its cache, in order.
fn found_by_cache(run: &Run, abi: CacheAbi) -> impl Iterator<Item = CacheEntry> {
    run.trace.lookups.iter().filter_map(move |lookup| {
        let (path, found) = match &lookup.outcome {
            Outcome::Opened(object) => {
                let object = &run.trace.objects[*object];
                (&object.path, &object.found)
            }
            Outcome::SameFile { path, found, .. } => (path, found),
            Outcome::Loaded(_) | Outcome::Missing(_) | Outcome::Ignored | Outcome::Fatal => {
                return None;
            }
        };
        let entry = CacheEntry { name: lookup.name.clone(), path: path.clone(), abi };
        (found.rule == Rule::Cache).then_some(entry)
    })
}

/// Returns the directory of a path with its slash, as loaders have their own.
fn directory(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    path.get(..=slash).unwrap_or_default()
}
