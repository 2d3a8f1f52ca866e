//! A variant's image on top of the first one's layers, which stay as they are.

use std::collections::BTreeMap;

use imgc_parser::{Id, ImagePath, Mode};

use crate::assemble::AssembleError;
use crate::digest::Digest;
use crate::layer_plan::LayerPurpose;
use crate::spec::{Entry, EntryKind, ImageSpec, LayerSpec};

/// Puts what a variant's image has more than `base` into layers above those of `base`.
///
/// # Errors
/// When the variant's image has something else than `base` at a path: a layer above could hide it,
/// and then it would be in the image twice.
pub fn stack(
    base: &ImageSpec,
    variant: ImageSpec,
    name: &str,
) -> Result<ImageSpec, Vec<AssembleError>> {
    let lower = entries(base);
    let all = entries(&variant);
    let differs = |(path, entry): (&&ImagePath, &&Entry)| {
        let same = match all.get(*path) {
            Some(other) => is_same(entry, &lower, other, &all),
            // A directory that a setting asks for, which the variant says otherwise.
            None => entry.kind == EntryKind::Directory,
        };
        let (path, name) = ((*path).clone(), name.to_owned());
        (!same).then_some(AssembleError::VariantDiffers { path, name })
    };
    let errors: Vec<AssembleError> = lower.iter().filter_map(differs).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    // What stands in no `layer` node may be several layers of the first image.
    let unnamed = LayerPurpose::Everything.comment();
    let is_lower = |layer: &LayerSpec| {
        layer.comment == unnamed || base.layers.iter().any(|own| own.comment == layer.comment)
    };
    let mut layers: Vec<LayerSpec> = Vec::new();
    // What the first image's own nodes bring in because of the variant.
    let mut more = BTreeMap::new();
    for layer in &variant.layers {
        let own = layer.entries.iter().filter(|(path, _)| !lower.contains_key(path));
        let own: BTreeMap<ImagePath, Entry> = own
            .filter(|(path, entry)| !is_way(path, entry, &layer.entries))
            .map(|(path, entry)| (path.clone(), whole(entry, &lower)))
            .collect();
        if is_lower(layer) {
            more.extend(own);
        } else {
            layers.push(LayerSpec { comment: layer.comment.clone(), entries: own });
        }
    }
    match layers.first_mut() {
        Some(first) => first.entries.extend(more),
        None if more.is_empty() => {}
        None => {
            layers.push(LayerSpec { comment: format!("imgc: variant {name}"), entries: more });
        }
    }
    for layer in &mut layers {
        add_ancestors(layer, &lower, &all);
    }
    layers.retain(|layer| !layer.entries.is_empty());
    let layers = base.layers.iter().cloned().chain(layers).collect();
    Ok(ImageSpec { layers, ..variant })
}

type Entries<'a> = BTreeMap<&'a ImagePath, &'a Entry>;

fn entries(spec: &ImageSpec) -> Entries<'_> {
    spec.layers.iter().flat_map(|layer| &layer.entries).collect()
}

/// Tells whether a path is the same in both. Of directories the first image's counts; names of one
/// file may be several files in it.
fn is_same(one: &Entry, ones: &Entries<'_>, other: &Entry, others: &Entries<'_>) -> bool {
    match (&one.kind, &other.kind) {
        (EntryKind::Directory, EntryKind::Directory) => true,
        (EntryKind::Symlink(one), EntryKind::Symlink(other)) => one == other,
        _ => {
            let known = content(one, ones);
            known.is_some()
                && known == content(other, others)
                && (one.mode, one.uid, one.gid, one.capabilities)
                    == (other.mode, other.uid, other.gid, other.capabilities)
        }
    }
}

fn content(entry: &Entry, entries: &Entries<'_>) -> Option<(Digest, u64)> {
    match &entry.kind {
        EntryKind::File { digest, size } => Some((*digest, *size)),
        EntryKind::HardLink(target) => match &entries.get(target)?.kind {
            EntryKind::File { digest, size } => Some((*digest, *size)),
            EntryKind::Directory | EntryKind::Symlink(_) | EntryKind::HardLink(_) => None,
        },
        EntryKind::Directory | EntryKind::Symlink(_) => None,
    }
}

/// Tells whether a directory stands in a layer only for what is below it there: it comes back with
/// that, if anything of it is left.
fn is_way(path: &ImagePath, entry: &Entry, layer: &BTreeMap<ImagePath, Entry>) -> bool {
    let usual = (entry.mode, entry.uid, entry.gid) == (Mode::EXECUTABLE, Id::ROOT, Id::ROOT);
    entry.kind == EntryKind::Directory
        && usual
        && layer.keys().any(|below| below != path && below.starts_with(path))
}

/// Returns an entry that needs nothing of a layer below: another name of a file that stands there
/// is a file.
fn whole(entry: &Entry, lower: &Entries<'_>) -> Entry {
    let mut entry = entry.clone();
    if let EntryKind::HardLink(target) = &entry.kind
        && let Some(file) = lower.get(target)
        && let Some((digest, size)) = content(file, lower)
    {
        entry.kind = EntryKind::File { digest, size };
    }
    entry
}

fn add_ancestors(layer: &mut LayerSpec, lower: &Entries<'_>, all: &Entries<'_>) {
    let paths: Vec<ImagePath> = layer.entries.keys().cloned().collect();
    for path in paths {
        let above = std::iter::successors(path.parent(), ImagePath::parent);
        for above in above.filter(|above| !above.is_root()) {
            if let Some(entry) = lower.get(&above).or_else(|| all.get(&above)) {
                layer.entries.entry(above).or_insert_with(|| (*entry).clone());
            }
        }
    }
}
