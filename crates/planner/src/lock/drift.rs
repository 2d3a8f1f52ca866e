//! What has changed between a lock and now.

use std::collections::BTreeMap;

use imgc_parser::{ImagePath, Printable};

use super::{ImageKey, Inputs, LockError, LockedContent, LockedEntry, LockedSource, Output};

/// Most files that are named. The others are counted: after an upgrade of the distribution all of
/// them differ, and nobody reads a thousand reports.
const MAX_FILES: usize = 16;

impl Inputs {
    /// Compares these inputs, which a lock holds, with what they are `now`. Nothing if nothing has
    /// changed. Which package owns a file and by which rule it was found does not count: the image
    /// is the same.
    ///
    /// `recipe` is what the user calls the recipe, for the help.
    #[must_use]
    pub fn drift(&self, now: &Self, recipe: &str) -> Vec<LockError> {
        let recipe = || recipe.to_owned();
        let mut drift = Vec::new();
        for (what, old, new) in [
            ("the image format", self.format.into(), now.format.into()),
            ("the plan encoding", self.plan_version, now.plan_version),
        ] {
            if old != new {
                drift.push(LockError::FormatChanged { recipe: recipe(), what, old, new });
            }
        }
        if self.plan != now.plan && self.plan_version == now.plan_version {
            let (old, new) = (self.plan, now.plan);
            drift.push(LockError::PlanChanged { recipe: recipe(), old, new });
        }
        if self.sources != now.sources {
            let (old, new) = (shown(&self.sources), shown(&now.sources));
            drift.push(LockError::SourceChanged { recipe: recipe(), old, new });
        }
        for key in self.images.keys().filter(|key| !now.images.contains_key(key)) {
            drift.push(LockError::ImageRemoved { recipe: recipe(), key: key.clone() });
        }
        let mut files = Vec::new();
        for (key, entries) in &now.images {
            match self.images.get(key) {
                None => drift.push(LockError::ImageAdded { recipe: recipe(), key: key.clone() }),
                Some(locked) => compare(locked, entries, &recipe(), &mut files),
            }
        }
        // Several images mostly share a file; it has changed once.
        files.dedup();
        let more = files.len().saturating_sub(MAX_FILES);
        files.truncate(MAX_FILES);
        drift.extend(files);
        if more > 0 {
            drift.push(LockError::AndMore { recipe: recipe(), count: more });
        }
        drift
    }
}

impl Output {
    /// Compares what came out, which a lock holds, with what comes out `now`; the first part that
    /// differs, the innermost first.
    #[must_use]
    pub fn difference(&self, now: &Self, key: &ImageKey) -> Option<LockError> {
        let changed = |what, old: &dyn ToString, new: &dyn ToString| {
            let (old, new) = (old.to_string(), new.to_string());
            Some(LockError::ImageChanged { key: key.clone(), what, old, new })
        };
        if self.layers.len() != now.layers.len() {
            return changed("the number of layers", &self.layers.len(), &now.layers.len());
        }
        for (old, new) in self.layers.iter().zip(&now.layers) {
            if old.diff_id != new.diff_id {
                return changed("the diff id of a layer", &old.diff_id, &new.diff_id);
            }
            if old.blob != new.blob {
                return changed("the blob of a layer", &old.blob, &new.blob);
            }
            if old.size != new.size {
                return changed("the blob's size of a layer", &old.size, &new.size);
            }
        }
        if self.config != now.config {
            return changed("the config", &self.config, &now.config);
        }
        if self.manifest != now.manifest {
            return changed("the manifest", &self.manifest, &now.manifest);
        }
        None
    }
}

fn compare(
    locked: &BTreeMap<ImagePath, LockedEntry>,
    now: &BTreeMap<ImagePath, LockedEntry>,
    recipe: &str,
    drift: &mut Vec<LockError>,
) {
    let recipe = || recipe.to_owned();
    for (path, old) in locked {
        let Some(new) = now.get(path) else {
            let (path, owner) = (path.clone(), owner(old));
            drift.push(LockError::FileRemoved { recipe: recipe(), path, owner });
            continue;
        };
        if let Some((what, old, new)) = change(old, new) {
            // Who owned it when it was locked is known; who owns it now may be somebody else.
            let owner = owner(&locked[path]);
            let (path, old, new) = (path.clone(), old.into(), new.into());
            drift.push(LockError::FileChanged { recipe: recipe(), path, what, old, new, owner });
        }
    }
    for (path, new) in now.iter().filter(|(path, _)| !locked.contains_key(path)) {
        let (path, owner) = (path.clone(), owner(new));
        drift.push(LockError::FileAdded { recipe: recipe(), path, owner });
    }
}

fn change(old: &LockedEntry, new: &LockedEntry) -> Option<(&'static str, String, String)> {
    let text = |bytes: &[u8]| format!("`{}`", Printable::new(bytes));
    let octal = |mode: imgc_parser::Mode| format!("{:04o}", mode.bits());
    match (&old.content, &new.content) {
        (
            LockedContent::File { size, digest, mode },
            LockedContent::File { size: new_size, digest: new_digest, mode: new_mode },
        ) => {
            if digest != new_digest {
                let old = format!("{digest} ({size} bytes)");
                return Some(("the content", old, format!("{new_digest} ({new_size} bytes)")));
            }
            if size != new_size {
                return Some(("the size", size.to_string(), new_size.to_string()));
            }
            if mode != new_mode {
                return Some(("the mode", octal(*mode), octal(*new_mode)));
            }
        }
        (LockedContent::Directory { mode }, LockedContent::Directory { mode: new }) => {
            if mode != new {
                return Some(("the mode", octal(*mode), octal(*new)));
            }
        }
        (LockedContent::Link(target), LockedContent::Link(new)) => {
            if target != new {
                return Some(("the link's target", text(target), text(new)));
            }
        }
        (LockedContent::HardLink(target), LockedContent::HardLink(new)) => {
            if target != new {
                return Some(("the file that it is", text(target.as_ref()), text(new.as_ref())));
            }
        }
        (old, new) => {
            let kind = |content: &LockedContent| match content {
                LockedContent::File { .. } => "a file",
                LockedContent::Directory { .. } => "a directory",
                LockedContent::Link(_) => "a link",
                LockedContent::HardLink(_) => "a hard link",
            };
            return Some(("what stands there", kind(old).into(), kind(new).into()));
        }
    }
    None
}

fn owner(entry: &LockedEntry) -> String {
    match &entry.package {
        Some(package) => format!("package {package}; {}", entry.origin),
        None => entry.origin.clone(),
    }
}

fn shown(sources: &[LockedSource]) -> String {
    let one = |source: &LockedSource| {
        let mut text = source.kind.clone();
        let platform = source.platform.map(|platform| platform.to_string());
        for more in [&source.place, &platform, &source.pin].into_iter().flatten() {
            text = format!("{text} {}", Printable::new(more));
        }
        format!("`{text}`")
    };
    let shown: Vec<_> = sources.iter().map(one).collect();
    if shown.is_empty() { "none".into() } else { shown.join(", ") }
}
