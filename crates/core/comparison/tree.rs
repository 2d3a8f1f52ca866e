//! The trees of two images, after all layers are laid on top of each other.

use std::collections::BTreeMap;

use imgc_writer::inspect::{EntryField, ObservedEntry, ObservedImage};

use super::Findings;

/// Names by which a layer deletes (OCI image-spec, `layer.md`, "Whiteouts").
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Compares the trees in the fields that count.
pub(super) fn compare(
    one: &ObservedImage,
    other: &ObservedImage,
    found: &mut Findings<'_>,
    counts: impl Fn(&EntryField) -> bool,
) {
    let (first, second) = (lay(one), lay(other));
    let mut paths: Vec<&Vec<u8>> = first.keys().chain(second.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        found.entry("", (first.get(path), second.get(path)), &counts);
    }
}

/// Lays the layers on top of each other as an engine does. What is a hard link becomes the file
/// that it is; a directory that only follows from what is below it is one of root's, 0755.
fn lay(image: &ObservedImage) -> BTreeMap<Vec<u8>, ObservedEntry> {
    let mut tree: BTreeMap<Vec<u8>, ObservedEntry> = BTreeMap::new();
    for layer in &image.layers {
        // Deletions are of what is below this layer, wherever in it they stand.
        for entry in &layer.entries {
            let (directory, name) = split(&entry.path);
            if name == OPAQUE {
                remove_below(&mut tree, directory);
            } else if let Some(name) = name.strip_prefix(WHITEOUT) {
                let path = [directory, b"/", name].concat();
                tree.remove(&path);
                remove_below(&mut tree, &path);
            }
        }
        for entry in &layer.entries {
            // Engines pass over global headers.
            if split(&entry.path).1.starts_with(WHITEOUT) || kind(entry) == "global header" {
                continue;
            }
            if kind(entry) != "directory" {
                remove_below(&mut tree, &entry.path);
            }
            let mut entry = entry.clone();
            if kind(&entry) == "hard link"
                && let Some(target) = entry.fields.get(&EntryField::Target)
                && let Some(file) = tree.get(target.as_bytes())
            {
                entry = ObservedEntry { path: entry.path, ..file.clone() };
            }
            if kind(&entry) == "link" {
                // Linux has no modes of links.
                entry.fields.insert(EntryField::Mode, "0777".into());
            }
            tree.insert(entry.path.to_vec(), entry);
        }
    }
    let mut implied = Vec::new();
    for path in tree.keys() {
        let mut above = split(path).0;
        while !above.is_empty() {
            implied.push(above.to_vec());
            above = split(above).0;
        }
    }
    implied.push(b"/".to_vec());
    for path in implied {
        tree.entry(path.clone()).or_insert_with(|| directory(path));
    }
    tree
}

fn kind(entry: &ObservedEntry) -> &str {
    entry.fields.get(&EntryField::Type).map_or("", String::as_str)
}

/// Splits a path at its last slash.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    (&path[..slash], &path[slash + 1..])
}

fn remove_below(tree: &mut BTreeMap<Vec<u8>, ObservedEntry>, path: &[u8]) {
    let prefix = [path, b"/"].concat();
    let below: Vec<_> = tree
        .range(prefix.clone()..)
        .map(|(path, _)| path.clone())
        .take_while(|path| path.starts_with(&prefix))
        .collect();
    for path in below {
        tree.remove(&path);
    }
}

fn directory(path: Vec<u8>) -> ObservedEntry {
    let fields = BTreeMap::from([
        (EntryField::Type, "directory".to_owned()),
        (EntryField::Mode, "0755".to_owned()),
        (EntryField::Uid, "0".to_owned()),
        (EntryField::Gid, "0".to_owned()),
    ]);
    ObservedEntry { path: path.into(), is_elf: false, fields }
}
