//! Records of apk: one text with a paragraph for each package, in which a line is a letter, a colon
//! and a value (`apk-tools`, `doc/apk-v2.5`). `F:` is a directory and `R:` a file in it; `M:`, `a:`
//! and `Z:` say more about the one before.

use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;

use super::{Asking, base, shipped};
use crate::draft::{DraftContent, Drafts};
use crate::owner;
use crate::root::Root;

/// Where the text stands; the second since apk 3.
pub(super) const INSTALLED: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];

/// Adds the records of a root's packages; returns whether it has any.
pub(super) fn add(asking: &Asking<'_>, root: &Root, drafts: &mut Drafts) -> bool {
    let base = base(root);
    let found = INSTALLED.into_iter().find_map(|path| {
        let text = owner::read(&**root.host(), &base.join(path.as_bytes()))?;
        Some((path, String::from_utf8(text).ok()?))
    });
    let Some((path, text)) = found else { return false };
    let prefix = base.as_bytes().strip_suffix(b"/").unwrap_or(base.as_bytes());
    let files: BTreeSet<Vec<u8>> = shipped(root, drafts)
        .into_keys()
        .filter_map(|file| file.as_bytes().strip_prefix(prefix).map(<[u8]>::to_vec))
        .collect();
    let kept: String = text.split("\n\n").filter_map(|paragraph| keep(paragraph, &files)).collect();
    if let Ok(path) = ImagePath::parse(path.as_bytes()) {
        asking.put(&path, DraftContent::Text(kept.into_bytes().into()), drafts);
    }
    true
}

/// Returns a paragraph with those of its files that the image has; nothing if that is none.
fn keep(paragraph: &str, files: &BTreeSet<Vec<u8>>) -> Option<String> {
    let mut about = String::new();
    let mut listed = String::new();
    // The lines of the directory are kept when the first of its files is.
    let mut directory = String::new();
    let mut name = "";
    let mut is_kept = false;
    for line in paragraph.lines() {
        match line.split_once(':') {
            Some(("F", path)) => {
                (name, is_kept) = (path, false);
                directory = format!("{line}\n");
            }
            Some(("M", _)) => directory.push_str(&format!("{line}\n")),
            Some(("R", file)) => {
                let path =
                    if name.is_empty() { format!("/{file}") } else { format!("/{name}/{file}") };
                is_kept = files.contains(path.as_bytes());
                if is_kept {
                    listed.push_str(&std::mem::take(&mut directory));
                    listed.push_str(&format!("{line}\n"));
                }
            }
            Some(("a" | "Z", _)) if is_kept => listed.push_str(&format!("{line}\n")),
            Some(("a" | "Z", _)) | None => {}
            Some(_) => about.push_str(&format!("{line}\n")),
        }
    }
    (!listed.is_empty()).then(|| format!("{about}{listed}\n"))
}
