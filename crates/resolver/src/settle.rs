//! Every path behind the links that lead to it: no entry of an image has a link above it.
//!
//! What is asked for at `/lib/x` while `/lib` is a link to `usr/lib` stands at `/usr/lib/x`. An
//! engine that unpacks an entry below a link may refuse it, or put it elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{NodeId, Reason};

use crate::draft::{Draft, DraftContent};
use crate::error::ResolveError;

/// How many links one path may lead through, as in the kernel.
const MAX_LINKS: usize = 40;

/// The links of the image, and what asks for each.
type Links = BTreeMap<ImagePath, (Box<[u8]>, NodeId)>;

/// A link above a path, and where it leads.
struct Passage {
    link: ImagePath,
    node: NodeId,
    to: ImagePath,
}

/// Puts every draft behind the links of all drafts, and returns them sorted by path and need.
pub(crate) fn settle(mut drafts: Vec<Draft>) -> (Vec<Draft>, Vec<ResolveError>) {
    let mut moved: BTreeMap<ImagePath, ImagePath> = BTreeMap::new();
    let mut lost: BTreeMap<ImagePath, ResolveError> = BTreeMap::new();
    let mut through: BTreeMap<ImagePath, Passage> = BTreeMap::new();
    // A link may itself stand behind a link, and moves the others when it moves. A round in which
    // nothing moves is the last one.
    for _ in 0..=MAX_LINKS {
        let links = links(&drafts);
        // A directory that any reason needs above something is the link's target from now on.
        drafts.retain(|draft| !(draft.is_any_directory() && links.contains_key(&draft.path)));
        let mut changed = false;
        drafts.retain_mut(|draft| match follow(&draft.path, &links) {
            Ok(None) => true,
            Ok(Some((path, passage))) => {
                changed = true;
                through.insert(path.clone(), passage);
                moved.insert(std::mem::replace(&mut draft.path, path.clone()), path);
                true
            }
            Err((link, other)) => {
                lost.entry(draft.path.clone()).or_insert_with(|| ResolveError::LinkLeadsNowhere {
                    node: draft.need.node,
                    path: draft.path.clone(),
                    link,
                    other,
                    problem: "leads back to itself",
                });
                false
            }
        });
        if !changed {
            break;
        }
    }
    let mut problems: Vec<ResolveError> = lost.into_values().collect();
    check_targets(&drafts, &through, &mut problems);
    for draft in &mut drafts {
        follow_reason(&mut draft.need.reason, &moved);
    }
    drafts.sort_by(|one, other| (&one.path, &one.need).cmp(&(&other.path, &other.need)));
    (drafts, problems)
}

fn links(drafts: &[Draft]) -> Links {
    let link = |draft: &Draft| match &draft.content {
        DraftContent::Link(target) => Some((draft.path.clone(), (target.clone(), draft.need.node))),
        DraftContent::File { .. } | DraftContent::Text(_) | DraftContent::Directory => None,
    };
    drafts.iter().filter_map(link).collect()
}

/// Returns the path behind the links above it and the last of these, or nothing if there is none;
/// fails with a link that leads nowhere.
fn follow(
    path: &ImagePath,
    links: &Links,
) -> Result<Option<(ImagePath, Passage)>, (ImagePath, NodeId)> {
    if links.is_empty() {
        return Ok(None);
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    let mut passage: Option<Passage> = None;
    // How much is pending when the target of the passage has been walked.
    let mut rest = None;
    let mut followed = 0;
    let mut here = ImagePath::root();
    let mut pending: Vec<Box<[u8]>> = parent.components().rev().map(Box::from).collect();
    loop {
        if rest.is_some_and(|rest| pending.len() <= rest) {
            rest = None;
            if let Some(passage) = &mut passage {
                passage.to = here.clone();
            }
        }
        let Some(component) = pending.pop() else { break };
        if component.is_empty() || *component == *b"." {
            continue;
        }
        if *component == *b".." {
            here = here.parent().unwrap_or_else(ImagePath::root);
            continue;
        }
        // Only the target of a link can be no path: too long, or with a name such as `.wh.x`.
        let Ok(next) = here.join(&component) else {
            return passage.map_or(Ok(None), |passage| Err((passage.link, passage.node)));
        };
        let Some((target, node)) = links.get(&next) else {
            here = next;
            continue;
        };
        followed += 1;
        if followed > MAX_LINKS {
            return Err(passage.map_or((next, *node), |passage| (passage.link, passage.node)));
        }
        if target.starts_with(b"/") {
            here = ImagePath::root();
        }
        if rest.is_none() {
            rest = Some(pending.len());
            passage = Some(Passage { link: next, node: *node, to: ImagePath::root() });
        }
        pending.extend(target.split(|byte| *byte == b'/').rev().map(Box::from));
    }
    let Some(passage) = passage else { return Ok(None) };
    match here.join(name) {
        Ok(settled) => Ok(Some((settled, passage))),
        Err(_) => Err((passage.link, passage.node)),
    }
}

/// Reports what lies behind a link to a directory that nothing else of the image has.
fn check_targets(
    drafts: &[Draft],
    through: &BTreeMap<ImagePath, Passage>,
    problems: &mut Vec<ResolveError>,
) {
    if through.is_empty() {
        return;
    }
    let mut there: BTreeSet<ImagePath> = BTreeSet::from([ImagePath::root()]);
    for draft in drafts {
        if matches!(draft.content, DraftContent::Directory) || !through.contains_key(&draft.path) {
            let mut path = Some(draft.path.clone());
            while let Some(above) = path.filter(|path| !there.contains(path)) {
                path = above.parent();
                there.insert(above);
            }
        }
    }
    let mut seen = BTreeSet::new();
    for draft in drafts {
        let Some(Passage { link, node: other, to }) = through.get(&draft.path) else { continue };
        if !there.contains(to) && seen.insert(draft.path.clone()) {
            problems.push(ResolveError::LinkLeadsNowhere {
                node: draft.need.node,
                path: draft.path.clone(),
                link: link.clone(),
                other: *other,
                problem: "leads to no directory of the image",
            });
        }
    }
}

fn follow_reason(reason: &mut Reason, moved: &BTreeMap<ImagePath, ImagePath>) {
    let path = match reason {
        Reason::Interpreter { of }
        | Reason::ScriptInterpreter { of }
        | Reason::EnvProgram { of }
        | Reason::Above { of } => of,
        Reason::Needed { by, .. } | Reason::Opened { by, .. } => by,
        Reason::LinkTo { to } => to,
        Reason::Asked | Reason::Matched | Reason::LoaderConfiguration => return,
    };
    for _ in 0..=MAX_LINKS {
        match moved.get(path) {
            Some(further) if further != path => *path = further.clone(),
            _ => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgc_planner::Need;
    use imgc_planner::node::Attributes;

    fn draft(text: &str) -> Draft {
        let (path, content) = match text.split_once(" -> ") {
            Some((path, target)) => (path, DraftContent::Link(target.as_bytes().into())),
            None => match text.strip_suffix('/') {
                Some(path) => (path, DraftContent::Directory),
                None => (text, DraftContent::Text(Box::default())),
            },
        };
        Draft {
            path: ImagePath::parse(path.as_bytes()).unwrap(),
            content,
            attributes: Attributes::ROOT,
            need: Need { reason: Reason::Matched, node: NodeId::of(text.as_bytes()) },
        }
    }

    fn check(drafts: &[&str], expected: &[&str]) {
        let (settled, problems) = settle(drafts.iter().map(|text| draft(text)).collect());
        let mut lines: Vec<String> = settled
            .iter()
            .map(|draft| match &draft.content {
                DraftContent::Link(target) => {
                    format!("{} -> {}", draft.path, String::from_utf8_lossy(target))
                }
                DraftContent::Directory => format!("{}/", draft.path),
                DraftContent::File { .. } | DraftContent::Text(_) => draft.path.to_string(),
            })
            .collect();
        lines.extend(problems.iter().map(ToString::to_string));
        assert_eq!(lines, expected, "{drafts:?}");
    }

    #[test]
    fn what_lies_below_a_link_is_stored_behind_it() {
        check(
            &["/lib/x", "/lib -> usr/lib", "/usr/lib/"],
            &["/lib -> usr/lib", "/usr/lib/", "/usr/lib/x"],
        );
        // A directory that is only above something gives way to a link.
        check(&["/lib/", "/lib -> usr/lib", "/usr/lib/y"], &["/lib -> usr/lib", "/usr/lib/y"]);
        // A link behind a link; `..` is that of the real directory.
        check(
            &["/a -> b/c", "/a/l -> ../d", "/b/c/", "/b/d/", "/a/l/x"],
            &["/a -> b/c", "/b/c/", "/b/c/l -> ../d", "/b/d/", "/b/d/x"],
        );
        check(&["/a -> /b", "/b/x", "/c"], &["/a -> /b", "/b/x", "/c"]);
        // The link's target has to be there, what is below it does not.
        check(&["/a -> b", "/b/", "/a/new/x"], &["/a -> b", "/b/", "/b/new/x"]);
    }

    #[test]
    fn a_link_to_nowhere_is_an_error_for_what_lies_below_it_alone() {
        check(&["/a -> b", "/c"], &["/a -> b", "/c"]);
        check(
            &["/a -> b", "/a/x"],
            &[
                "/a -> b",
                "/b/x",
                "`/b/x` lies behind the link `/a`, which leads to no directory of the image",
            ],
        );
        check(
            &["/a -> b", "/b -> a", "/a/x"],
            &["/a -> b", "/b -> a", "`/a/x` lies behind the link `/a`, which leads back to itself"],
        );
    }
}
