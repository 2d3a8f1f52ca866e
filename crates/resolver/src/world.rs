//! The finished tree, looked at as the image's own loader will.
//!
//! A closure was found in the sources, where more stands than the image gets. Here every program
//! is loaded again, in a tree of the closure's entries and nothing else: without the sources'
//! `ld.so.cache`, and with the recipe's own files where they are now. The same answers prove that
//! the image has all that is needed, and nothing in the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use imgc_planner::recipe::{Id, ImagePath};
use imgc_planner::{Content, Found, Rule};

use crate::contents::{Bytes, Sources};
use crate::error::{Name, ResolveError};
use crate::host::{FileType, HostPath};
use crate::launch::{Run, Surroundings};
use crate::loaded::by;
use crate::loader::{Opening, Outcome, Target, Trace};
use crate::memory::Memory;
use crate::root::{Root, Roots};

/// Tells the files of the image from those of its sources; no file system has this number.
const DEVICE: u64 = u64::MAX - 1;

/// Longest `/etc/passwd` that is read for the name of a user, in bytes.
const MAX_ACCOUNTS_BYTES: usize = 1024 * 1024;

/// Makes the tree of a closure's entries.
pub(crate) fn image_tree(entries: &BTreeMap<ImagePath, Found>, sources: &Sources) -> Roots {
    let mut tree = Memory::on_device(DEVICE);
    for (path, found) in entries {
        tree = match &found.content {
            Content::Directory => tree.directory(path),
            Content::Symlink(target) => tree.link(path, target),
            Content::HardLink(_) => continue,
            Content::File { digest, size, executable } => {
                let usual = if *executable { 0o755 } else { 0o644 };
                let mode = found.attributes.mode.map_or(usual, |mode| mode.bits());
                match sources.place(digest) {
                    Some(Bytes::Inline(bytes)) => tree.file(path, bytes),
                    Some(Bytes::File(file)) => {
                        tree.foreign(path, Arc::clone(&file.host), file.path.clone(), *size)
                    }
                    None => unreachable!("every file of a closure has its bytes in the sources"),
                }
                .mode(path, mode)
            }
        };
    }
    for (path, found) in entries {
        if let Content::HardLink(target) = &found.content {
            tree = tree.hard_link(path, target);
        }
    }
    Roots::new(vec![Root::new(Arc::new(tree), HostPath::new(b"/"))])
}

/// A name that leads elsewhere in the image than in the sources.
pub(crate) struct Difference {
    error: ResolveError,
    by_cache: bool,
}

impl Difference {
    /// Tells whether the source's `ld.so.cache` led to the file: a cache of the image's own may end
    /// the difference.
    pub(crate) fn is_by_cache(&self) -> bool {
        self.by_cache
    }

    pub(crate) fn into_error(self) -> ResolveError {
        self.error
    }
}

/// Compares a run with the same run in the image.
pub(crate) fn check(run: &Run, image: &Surroundings<'_>) -> Option<Difference> {
    let program = || Name::new(&run.program);
    let settled = |path: &ImagePath| {
        let walk = image.roots.walk(path.as_bytes(), &ImagePath::root());
        walk.map_or_else(|_| path.clone(), |walk| walk.real)
    };
    let settled_by = |by: &ImagePath| {
        if *by == run.trace.main.real { settled(&run.place) } else { settled(by) }
    };
    let openers: Vec<ImagePath> =
        run.openings.iter().map(|opening| settled_by(&opening.by)).collect();
    let openings = run.openings.iter().zip(&openers);
    let openings: Vec<Opening<'_>> =
        openings.map(|(opening, by)| Opening { by, name: &opening.name }).collect();
    let traced = image.trace_opening(&run.program, run.extra.as_deref(), None, &openings);
    let trace = match traced {
        Ok(trace) => trace,
        Err(problem) => {
            let error = ResolveError::ImageDiffers {
                node: run.node,
                by: run.place.clone(),
                name: program(),
                path: run.place.clone(),
                found: Name::new(format!("not to start ({problem})")),
            };
            return Some(Difference { error, by_cache: false });
        }
    };
    let there = answers(&trace, &|requester| match requester {
        crate::loader::Requester::Main => settled(&run.place),
        crate::loader::Requester::Object(object) => trace.objects[object].walk.real.clone(),
    });
    let here = answers(&run.trace, &|requester| settled(&by(run, requester)));
    for ((by, name), (path, rule)) in here {
        let expected = settled(&path);
        let found = there.get(&(by.clone(), name.clone())).map(|(path, _)| path);
        if found == Some(&expected) {
            continue;
        }
        let (node, name) = (run.node, Name::new(name));
        let by_cache = rule == Some(Rule::Cache);
        let error = match found {
            None if by_cache => ResolveError::NeedsLoaderCache { node, by, name, path },
            found => {
                let found = found.map_or("nowhere".into(), |found| format!("at `{found}`"));
                ResolveError::ImageDiffers { node, by, name, path, found: Name::new(found) }
            }
        };
        // What hangs on this library follows from it.
        return Some(Difference { error, by_cache });
    }
    None
}

type Answers = BTreeMap<(ImagePath, Box<[u8]>), (ImagePath, Option<Rule>)>;

/// Returns where each name led to, by who asked for it.
fn answers(trace: &Trace, place: &dyn Fn(crate::loader::Requester) -> ImagePath) -> Answers {
    let mut answers = Answers::new();
    for lookup in &trace.lookups {
        let (walk, rule) = match &lookup.outcome {
            Outcome::Opened(object) | Outcome::Loaded(Target::Object(object)) => {
                let object = &trace.objects[*object];
                (&object.walk, Some(object.found.rule.clone()))
            }
            // Which file it is counts: two files instead of one would be loaded twice.
            Outcome::SameFile { object, found, .. } => {
                (&trace.objects[*object].walk, Some(found.rule.clone()))
            }
            Outcome::Loaded(Target::Interpreter) => match trace.kind.interpreter() {
                Some(interpreter) => (&interpreter.walk, None),
                None => continue,
            },
            Outcome::Loaded(Target::Main | Target::Vdso)
            | Outcome::Missing(_)
            | Outcome::Ignored
            | Outcome::Fatal => continue,
        };
        answers
            .entry((place(lookup.requester), lookup.written.clone()))
            .or_insert((walk.real.clone(), rule));
    }
    answers
}

/// Reads the users of the image's own `/etc/passwd` (`passwd(5)`); lines that are none are passed
/// over, as the C library does.
pub(crate) fn accounts(image: &Roots) -> BTreeMap<String, (Id, Id)> {
    let mut accounts = BTreeMap::new();
    let Ok(walk) = image.walk(b"/etc/passwd", &ImagePath::root()) else { return accounts };
    if walk.stat.file_type != FileType::Regular {
        return accounts;
    }
    let Ok(file) = image.open(&walk) else { return accounts };
    let mut bytes = vec![0; MAX_ACCOUNTS_BYTES];
    let count = file.read_at(&mut bytes, 0).unwrap_or(0);
    for line in bytes[..count].split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let mut fields = line.split(':');
        let (Some(name), Some(_), Some(uid), Some(gid)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let id = |text: &str| text.parse::<u32>().ok().and_then(|id| Id::new(id.into()).ok());
        if let (false, Some(uid), Some(gid)) = (name.is_empty(), id(uid), id(gid)) {
            // The first line of a name counts.
            accounts.entry(name.to_owned()).or_insert((uid, gid));
        }
    }
    accounts
}
