//! Drafts of one path to one entry, or to a conflict.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::node::Attributes;
use imgc_planner::recipe::ImagePath;
use imgc_planner::{Content, Digest, Found, Need, NodeId, Reason};

use crate::contents::FileKey;
use crate::draft::{Draft, DraftContent};
use crate::error::{Name, ResolveError};

/// Makes the entries of a closure from settled drafts and the digests of their files. A draft
/// whose file has no digest was reported, and is passed over.
pub(crate) fn merge(
    drafts: &[Draft],
    digests: &BTreeMap<FileKey, Digest>,
) -> (BTreeMap<ImagePath, Found>, Vec<ResolveError>) {
    let mut entries = BTreeMap::new();
    let mut problems = Vec::new();
    for group in drafts.chunk_by(|one, other| one.path == other.path) {
        // The image's root is always there and has no entry.
        if group[0].path.is_root() {
            continue;
        }
        match one(group, digests) {
            Ok(None) => {}
            Ok(Some(found)) => {
                entries.insert(group[0].path.clone(), found);
            }
            Err(problem) => problems.push(*problem),
        }
    }
    add_directories(&mut entries, &mut problems);
    share_files(drafts, &mut entries);
    (entries, problems)
}

/// Puts the drafts of one path together. Mode and owner are those of the nodes that name it; what
/// only needs it has no wish.
fn one(
    group: &[Draft],
    digests: &BTreeMap<FileKey, Digest>,
) -> Result<Option<Found>, Box<ResolveError>> {
    let mut sorted: Vec<&Draft> = group.iter().collect();
    sorted.sort_by_key(|draft| (!draft.is_named(), &draft.need));
    let mut result: Option<(&Draft, Content, Attributes)> = None;
    let mut needs = BTreeSet::new();
    for draft in sorted {
        let Some(content) = content(draft, digests) else { continue };
        needs.insert(draft.need.clone());
        let Some((first, merged, attributes)) = &mut result else {
            result = Some((draft, content, draft.attributes));
            continue;
        };
        let conflict = |first: Name, second: Name, by: &Draft| {
            Box::new(ResolveError::PathConflict {
                path: draft.path.clone(),
                node: by.need.node,
                first,
                other: draft.need.node,
                second,
            })
        };
        match (&mut *merged, &content) {
            (
                Content::File { digest, size: _, executable },
                Content::File { digest: other, size: _, executable: also },
            ) if digest == other => *executable |= also,
            (one, other) if one == other => {}
            (one, other) => {
                return Err(conflict(described(first, one), described(draft, other), first));
            }
        }
        if draft.is_named() && *attributes != draft.attributes {
            let (first_text, second_text) =
                (with_attributes(*attributes), with_attributes(draft.attributes));
            return Err(conflict(first_text, second_text, first));
        }
    }
    Ok(result.map(|(_, content, attributes)| Found {
        content,
        attributes,
        needs: needs.into_iter().collect(),
    }))
}

fn content(draft: &Draft, digests: &BTreeMap<FileKey, Digest>) -> Option<Content> {
    Some(match &draft.content {
        DraftContent::File { file, program, .. } => Content::File {
            digest: *digests.get(&file.key())?,
            size: file.stat.size,
            executable: *program || file.stat.mode & 0o111 != 0,
        },
        DraftContent::Text(text) => {
            Content::File { digest: Digest::of(text), size: text.len() as u64, executable: false }
        }
        DraftContent::Directory => Content::Directory,
        DraftContent::Link(target) => Content::Symlink(target.clone()),
    })
}

fn described(draft: &Draft, content: &Content) -> Name {
    Name::new(match content {
        Content::File { digest, size, .. } => match &draft.content {
            DraftContent::File { file, .. } => format!("the file `{}`", file.path),
            DraftContent::Text(_) | DraftContent::Directory | DraftContent::Link(_) => {
                format!("a file of {size} bytes ({})", &digest.hex()[..12])
            }
        },
        Content::Directory => "a directory".into(),
        Content::Symlink(target) => format!("a link to `{}`", Name::new(target)),
        Content::HardLink(path) => format!("another name of `{path}`"),
    })
}

fn with_attributes(attributes: Attributes) -> Name {
    let Attributes { mode, uid, gid } = attributes;
    let mode = mode.map_or("the usual mode".into(), |mode| format!("mode {mode}"));
    Name::new(format!("of {uid}:{gid} with {mode}"))
}

/// Adds the directories above all entries that no draft has, and reports what else stands there.
pub(crate) fn add_directories(
    entries: &mut BTreeMap<ImagePath, Found>,
    problems: &mut Vec<ResolveError>,
) {
    let mut added: BTreeMap<ImagePath, Found> = BTreeMap::new();
    let mut reported = BTreeSet::new();
    for (path, found) in &*entries {
        let mut above = path.parent();
        while let Some(directory) = above.filter(|above| !above.is_root()) {
            match entries.get(&directory) {
                Some(Found { content: Content::Directory, .. }) => break,
                Some(other) => {
                    if reported.insert(directory.clone()) {
                        problems.push(ResolveError::NotADirectory {
                            found: match other.content {
                                Content::File { .. } | Content::HardLink(_) => "a file",
                                Content::Symlink(_) => "a symbolic link",
                                Content::Directory => "a directory",
                            },
                            node: first_node(other),
                            path: directory.clone(),
                            below: path.clone(),
                            other: first_node(found),
                        });
                    }
                    break;
                }
                None if added.contains_key(&directory) => break,
                None => {
                    let reason = Reason::Above { of: path.clone() };
                    let needs = vec![Need { reason, node: first_node(found) }];
                    let attributes = Attributes::ROOT;
                    above = directory.parent();
                    added.insert(
                        directory,
                        Found { content: Content::Directory, attributes, needs },
                    );
                }
            }
        }
    }
    entries.extend(added);
}

fn first_node(found: &Found) -> NodeId {
    found.needs.first().expect("an entry has a reason").node
}

/// Makes the names under which a loader has one file the names of one file in the image too: a
/// loader that finds two files maps both (`dl_iterate_phdr`, twice the same state).
fn share_files(drafts: &[Draft], entries: &mut BTreeMap<ImagePath, Found>) {
    let mut names: BTreeMap<(NodeId, FileKey), BTreeSet<&ImagePath>> = BTreeMap::new();
    for draft in drafts {
        if let DraftContent::File { file, loaded: true, .. } = &draft.content {
            names.entry((draft.need.node, file.key())).or_default().insert(&draft.path);
        }
    }
    for paths in names.into_values().filter(|paths| paths.len() > 1) {
        let mut paths = paths.into_iter();
        let Some(mut first) = paths.next().cloned() else { continue };
        if let Some(Found { content: Content::HardLink(target), .. }) = entries.get(&first) {
            first = target.clone();
        }
        let Some(target) = entries.get(&first).cloned() else { continue };
        for path in paths.filter(|path| **path != first) {
            // Names of one file cannot differ in mode or owner; if the recipe wants that, they are
            // two files, and the check of the finished tree says what follows.
            if let Some(found) = entries.get_mut(path)
                && found.attributes == target.attributes
                && found.content == target.content
            {
                found.content = Content::HardLink(first.clone());
            }
        }
    }
}
