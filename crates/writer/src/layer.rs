//! A layer's members: which come in which order, with which headers.
//!
//! The order is that of the paths' bytes. What a spec guarantees is checked again here, since an
//! image that breaks it is refused by one engine and changed in silence by the next.

use std::collections::BTreeMap;

use imgc_planner::recipe::{ImagePath, MAX_LINK_TARGET_BYTES, Mode};
use imgc_planner::{Digest, Entry, EntryKind, LayerSpec};

use crate::error::WriteError;
use crate::tar_header::{Member, TypeFlag};

/// A member, and whose content follows its header.
#[derive(Debug)]
pub(crate) struct PlannedMember<'a> {
    pub(crate) path: &'a ImagePath,
    pub(crate) member: Member,
    pub(crate) content: Option<Digest>,
}

/// Returns the members of a layer in the order of their paths' bytes.
///
/// A hard link's content stands at the first of its names, with the mode and owner of the link's
/// target; each later name is a link to that one. So a link never comes before what it points at,
/// and which name that is does not depend on how the spec writes it.
pub(crate) fn members(layer: &LayerSpec) -> Result<Vec<PlannedMember<'_>>, WriteError> {
    let firsts = first_names(layer)?;
    let mut members = Vec::with_capacity(layer.entries.len());
    for (path, entry) in &layer.entries {
        check_place(layer, path)?;
        let target = match &entry.kind {
            EntryKind::HardLink(target) => target,
            EntryKind::File { .. } | EntryKind::Directory | EntryKind::Symlink(_) => path,
        };
        let first = firsts.get(target).copied().filter(|first| *first != path);
        members.push(planned(layer, path, first, &layer.entries[target])?);
    }
    Ok(members)
}

fn planned<'a>(
    layer: &LayerSpec,
    path: &'a ImagePath,
    first: Option<&ImagePath>,
    entry: &Entry,
) -> Result<PlannedMember<'a>, WriteError> {
    let mut name = path.as_bytes()[1..].to_vec();
    let (type_flag, link, size, content) = match (&entry.kind, first) {
        (EntryKind::File { .. }, Some(first)) => {
            (TypeFlag::HardLink, first.as_bytes()[1..].to_vec(), 0, None)
        }
        (EntryKind::File { digest, size }, None) => {
            (TypeFlag::File, Vec::new(), *size, Some(*digest))
        }
        (EntryKind::Directory, _) => {
            name.push(b'/');
            (TypeFlag::Directory, Vec::new(), 0, None)
        }
        (EntryKind::Symlink(target), _) => {
            if target.is_empty() || target.contains(&0) || target.len() > MAX_LINK_TARGET_BYTES {
                return Err(WriteError::internal(path, "the link's target cannot be one"));
            }
            (TypeFlag::Symlink, target.to_vec(), 0, None)
        }
        (EntryKind::HardLink(_), _) => {
            return Err(WriteError::internal(path, "a hard link leads to a hard link"));
        }
    };
    if type_flag == TypeFlag::Symlink && entry.mode != Mode::SYMLINK {
        return Err(WriteError::internal(path, "a symbolic link has a mode of its own"));
    }
    if let EntryKind::HardLink(_) = layer.entries[path].kind {
        let own = &layer.entries[path];
        if (own.mode, own.uid, own.gid) != (entry.mode, entry.uid, entry.gid) {
            return Err(WriteError::internal(path, "a hard link differs from its target"));
        }
    }
    let (mode, uid, gid) = (entry.mode.bits(), entry.uid.number(), entry.gid.number());
    // A hard link has those of its first name.
    let capability = entry.capabilities.filter(|_| type_flag == TypeFlag::File);
    let capability = capability.map(|capabilities| capabilities.attribute());
    if entry.capabilities.is_some() && !matches!(entry.kind, EntryKind::File { .. }) {
        return Err(WriteError::internal(path, "only a file has capabilities"));
    }
    let member = Member { name, link, type_flag, mode, uid, gid, size, capability };
    Ok(PlannedMember { path, member, content })
}

/// Returns the first name of each file that has several, by the name that the spec calls the file.
fn first_names(layer: &LayerSpec) -> Result<BTreeMap<&ImagePath, &ImagePath>, WriteError> {
    let mut firsts = BTreeMap::new();
    for (path, entry) in &layer.entries {
        if let EntryKind::HardLink(target) = &entry.kind {
            match layer.entries.get(target).map(|entry| &entry.kind) {
                Some(EntryKind::File { .. }) => {}
                Some(_) => {
                    return Err(WriteError::internal(path, "a hard link leads to no file"));
                }
                None => return Err(WriteError::internal(path, "a hard link leads nowhere")),
            }
            let first = firsts.entry(target).or_insert(target);
            *first = (*first).min(path);
        }
    }
    Ok(firsts)
}

fn check_place(layer: &LayerSpec, path: &ImagePath) -> Result<(), WriteError> {
    let Some(parent) = path.parent() else {
        return Err(WriteError::internal(path, "the root has no name in a layer"));
    };
    let above = layer.entries.get(&parent).map(|entry| &entry.kind);
    if parent.is_root() || above == Some(&EntryKind::Directory) {
        return Ok(());
    }
    Err(WriteError::internal(path, "no directory stands above it in its layer"))
}
