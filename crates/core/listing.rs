//! What is in an image, whatever it is read from: rows for `ls` and `tree`.

use std::collections::BTreeMap;

use imgc_parser::{ImagePath, Printable};
use imgc_planner::{Entry, EntryKind, ImageSpec};
use serde::Serialize;

/// An image's name, platform and entries.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    pub(crate) name: String,
    pub(crate) platform: String,
    /// Sorted by path.
    pub(crate) entries: Vec<Row>,
}

/// One path.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// From `/` on; what is not UTF-8 or could steer a terminal is escaped.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    /// Permission bits in octal.
    pub(crate) mode: String,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    /// In bytes; files alone have one.
    pub(crate) size: Option<u64>,
    /// SHA-256 of the content; files alone have one.
    pub(crate) digest: Option<String>,
    /// Where a link points.
    pub(crate) target: Option<String>,
    /// The layer in which it stands, counted from 0, the lowest; of a directory of several layers
    /// the highest.
    pub(crate) layer: usize,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// A device, a fifo, or something unknown; imgc writes none.
    Other,
}

impl Listing {
    /// Lists what an image spec says, all layers together.
    pub(crate) fn of_spec(spec: &ImageSpec) -> Self {
        let row = |(path, (layer, entry)): (&ImagePath, (usize, &Entry))| {
            let (kind, size, digest, target) = match &entry.kind {
                EntryKind::File { digest, size } => {
                    (Kind::File, Some(*size), Some(digest.to_string()), None)
                }
                EntryKind::Directory => (Kind::Directory, None, None, None),
                EntryKind::Symlink(target) => {
                    (Kind::Symlink, None, None, Some(Printable::new(target).to_string()))
                }
                EntryKind::HardLink(target) => {
                    (Kind::HardLink, None, None, Some(target.to_string()))
                }
            };
            Row {
                path: path.to_string(),
                kind,
                mode: format!("{:04o}", entry.mode.bits()),
                uid: entry.uid.number().into(),
                gid: entry.gid.number().into(),
                size,
                digest,
                target,
                layer,
            }
        };
        let layers = spec.layers.iter().enumerate();
        let entries: BTreeMap<&ImagePath, (usize, &Entry)> = layers
            .flat_map(|(number, layer)| {
                layer.entries.iter().map(move |(path, entry)| (path, (number, entry)))
            })
            .collect();
        Self {
            name: spec.name.to_string(),
            platform: spec.platform.to_string(),
            entries: entries.into_iter().map(row).collect(),
        }
    }

    /// Returns the sum of all files' sizes in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.entries.iter().filter_map(|row| row.size).sum()
    }
}

impl Row {
    /// Returns the kind and the permission bits as `ls -l` writes them.
    pub(crate) fn permissions(&self) -> String {
        let bits = u32::from_str_radix(&self.mode, 8).unwrap_or(0);
        let kind = match self.kind {
            Kind::File | Kind::HardLink => '-',
            Kind::Directory => 'd',
            Kind::Symlink => 'l',
            Kind::Other => '?',
        };
        let mut text = String::from(kind);
        for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
            let execute = bits & (1 << shift) != 0;
            text.push(if bits & (4 << shift) != 0 { 'r' } else { '-' });
            text.push(if bits & (2 << shift) != 0 { 'w' } else { '-' });
            text.push(match (bits & special != 0, execute) {
                (false, false) => '-',
                (false, true) => 'x',
                (true, true) => letter,
                (true, false) => letter.to_ascii_uppercase(),
            });
        }
        text
    }

    /// Returns ` -> target` for a link, ` = target` for a hard link.
    pub(crate) fn arrow(&self) -> String {
        match (&self.kind, &self.target) {
            (Kind::HardLink, Some(target)) => format!(" = {target}"),
            (_, Some(target)) => format!(" -> {target}"),
            (_, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_read_as_in_ls() {
        for (mode, kind, expected) in [
            ("0755", Kind::Directory, "drwxr-xr-x"),
            ("4755", Kind::File, "-rwsr-xr-x"),
            ("2644", Kind::File, "-rw-r-Sr--"),
            ("1777", Kind::Directory, "drwxrwxrwt"),
        ] {
            let row = Row {
                path: "/a".into(),
                kind,
                mode: mode.into(),
                uid: 0,
                gid: 0,
                size: None,
                digest: None,
                target: None,
                layer: 0,
            };
            assert_eq!(row.permissions(), expected);
        }
    }
}
