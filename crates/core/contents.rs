//! What is in an image that the command line names: a recipe's, or one that was written.

use std::collections::BTreeMap;
use std::path::Path;

use imgc_parser::Printable;
use imgc_writer::inspect::{InspectedEntry, InspectedImage, InspectedKind, inspect};

use crate::commands::Failure;
use crate::listing::{Kind, Listing, Row};
use crate::pipeline;
use crate::session::Session;

/// Lists the images of a recipe, an OCI directory or an archive, one for each name and platform.
pub(crate) fn list(image: &Path, session: &mut Session) -> Result<Vec<Listing>, Failure> {
    let path = session.absolute(image);
    if path.is_dir() || path.extension().is_some_and(|extension| extension == "tar") {
        let inspection = inspect(&path)?;
        return Ok(inspection.images.iter().map(listing_of).collect());
    }
    let compiled = pipeline::compile(image, session)?;
    Ok(compiled.images.iter().map(|image| Listing::of_spec(&image.spec)).collect())
}

/// Lays the layers of an image on top of each other. What a layer deletes (`.wh.` names) is shown
/// as the entry that says so: imgc writes none.
fn listing_of(image: &InspectedImage) -> Listing {
    let layers = image.layers.iter().enumerate();
    let entries: BTreeMap<&[u8], (usize, &InspectedEntry)> = layers
        .flat_map(|(number, layer)| {
            layer.entries.iter().map(move |entry| (entry.path.as_ref(), (number, entry)))
        })
        .collect();
    Listing {
        name: Printable::new(image.name.as_deref().unwrap_or("-")).to_string(),
        platform: Printable::new(&image.platform).to_string(),
        entries: entries.into_values().map(|(layer, entry)| row_of(entry, layer)).collect(),
    }
}

fn row_of(entry: &InspectedEntry, layer: usize) -> Row {
    let (kind, size, digest, target) = match &entry.kind {
        InspectedKind::File { size, digest } => (Kind::File, Some(*size), Some(digest), None),
        InspectedKind::Directory => (Kind::Directory, None, None, None),
        InspectedKind::Symlink(target) => (Kind::Symlink, None, None, Some(target)),
        InspectedKind::HardLink(target) => (Kind::HardLink, None, None, Some(target)),
        InspectedKind::Other(_) => (Kind::Other, None, None, None),
    };
    Row {
        path: Printable::new(&entry.path).to_string(),
        kind,
        mode: format!("{:04o}", entry.mode & 0o7777),
        uid: entry.uid,
        gid: entry.gid,
        size,
        digest: digest.map(ToString::to_string),
        target: target.map(|target| Printable::new(target).to_string()),
        layer,
    }
}
