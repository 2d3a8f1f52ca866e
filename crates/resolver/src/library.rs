//! `library`: what a program opens at run time, found as its loader finds it.

use imgc_planner::node::Library;
use imgc_planner::recipe::{From, ImagePath, LibraryName};
use imgc_planner::{NodeId, Reason};

use crate::draft::Drafts;
use crate::error::{Name, ResolveError};
use crate::host::FileType;
use crate::launch::{Run, Surroundings};
use crate::loaded::add_extra;
use crate::loader::Kind;
use crate::pattern::{is_pattern, name_matches};
use crate::places::find;

/// Adds the libraries of a node. The first dynamic program among `runs` opens them: `dlopen(3)`
/// searches as for a need of the caller, and a preloaded object is searched the same way.
/// Returns the runs in which they were found.
pub(crate) fn add(
    node: NodeId,
    library: &Library,
    surroundings: &Surroundings<'_>,
    runs: &[&Run],
    some_failed: bool,
    drafts: &mut Drafts,
) -> Vec<Run> {
    let (paths, reason) = match &library.name {
        LibraryName::Soname(name) => (vec![name.as_bytes().to_vec()], Reason::Asked),
        LibraryName::Pattern(pattern) => match matching(node, pattern, surroundings, drafts) {
            Some(found) => found,
            None => return Vec::new(),
        },
    };
    let dynamic = runs.iter().find(|run| run.trace.kind.interpreter().is_some());
    let Some(program) = dynamic else {
        // A program that failed was reported, and may be the one.
        if !some_failed {
            let name = Name::new(match &library.name {
                LibraryName::Soname(name) => name.as_bytes(),
                LibraryName::Pattern(pattern) => pattern.as_bytes(),
            });
            drafts.problems.push(ResolveError::LibraryWithoutProgram { node, name });
        }
        return Vec::new();
    };
    debug_assert!(!matches!(program.trace.kind, Kind::Static), "a static program has no loader");
    let mut found = Vec::new();
    for path in paths {
        // The program itself was traced before, without an error.
        let Ok(trace) = surroundings.trace_again(program, Some(&path), &[]) else { continue };
        let run = Run {
            node,
            program: program.program.clone(),
            place: program.place.clone(),
            extra: Some(path),
            openings: Vec::new(),
            trace,
        };
        add_extra(&run, surroundings.roots, &reason, drafts);
        found.push(run);
    }
    found
}

/// Returns the paths that match, and the reason why they do.
fn matching(
    node: NodeId,
    pattern: &ImagePath,
    surroundings: &Surroundings<'_>,
    drafts: &mut Drafts,
) -> Option<(Vec<Vec<u8>>, Reason)> {
    let roots = surroundings.roots;
    let last = pattern.file_name().unwrap_or_default();
    if !is_pattern(last) {
        return match find(roots, node, &From::Source(pattern.clone())) {
            Ok(_) => Some((vec![pattern.as_bytes().to_vec()], Reason::Asked)),
            Err(problem) => {
                drafts.problems.push(problem);
                None
            }
        };
    }
    let directory = pattern.parent().unwrap_or_else(ImagePath::root);
    let root = ImagePath::root();
    let names = roots
        .walk(directory.as_bytes(), &root)
        .ok()
        .and_then(|walk| roots.read_dir(&walk).ok())
        .unwrap_or_default();
    let is_file = |path: &ImagePath| {
        roots
            .walk(path.as_bytes(), &root)
            .is_ok_and(|walk| walk.stat.file_type == FileType::Regular)
    };
    let paths: Vec<Vec<u8>> = names
        .iter()
        .filter(|name| name_matches(last, name))
        .filter_map(|name| directory.join(name).ok())
        .filter(is_file)
        .map(|path| path.as_bytes().to_vec())
        .collect();
    if paths.is_empty() {
        drafts.problems.push(ResolveError::NothingMatches { node, pattern: pattern.clone() });
        return None;
    }
    Some((paths, Reason::Matched))
}
