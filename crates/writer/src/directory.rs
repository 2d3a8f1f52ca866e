//! The OCI directory: an image layout (OCI image-spec, `image-layout.md`) with exactly the images
//! that were asked for, and no other blob.

use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use imgc_planner::ImageSpec;

use crate::blobs::StagedBlobs;
use crate::build::{self, Work};
use crate::contents::Contents;
use crate::error::WriteError;
use crate::flush;
use crate::image::NamedImage;
use crate::manifest;
use crate::publish::{self, Shape};
use crate::staging::{self, Staging};
use crate::store::shelf::Shelf;

/// Writes images into an OCI directory at `target`, in place of the one that stands there.
///
/// Images of one name and several platforms get an index of their own. What comes back is sorted by
/// name. When it returns, the directory is complete and survives a power cut; when it fails, what
/// stood at `target` still does.
///
/// # Errors
/// When two images are the same, a content is not what was planned, the system refuses, or at
/// `target` stands something else than nothing, an empty directory or an OCI directory.
pub fn write_directory(
    target: &Path,
    specs: &[ImageSpec],
    contents: &dyn Contents,
    workers: NonZeroUsize,
) -> Result<Vec<NamedImage>, WriteError> {
    write_directory_if(target, specs, &Work::afresh(contents, workers), &|_| true)
}

/// The same with a store, but what was made takes its place only if `accept` takes it.
///
/// # Errors
/// [`WriteError::Refused`] if it does not; see [`write_directory`].
pub fn write_directory_if(
    target: &Path,
    specs: &[ImageSpec],
    work: &Work<'_>,
    accept: &dyn Fn(&[NamedImage]) -> bool,
) -> Result<Vec<NamedImage>, WriteError> {
    let mut staging = Staging::create(target)?;
    publish::replaces(&staging, Shape::Directory)?;
    let shelf = work.store.map(Shelf::new);
    let blobs = StagedBlobs::create(&staging)?;
    let named = build::write_images(specs, work, shelf.as_ref(), &blobs)?;
    if !accept(&named) {
        return Err(WriteError::Refused);
    }
    let index = write_file(&staging, "index.json", &manifest::encode_layout_index(&named))?;
    let layout = write_file(&staging, "oci-layout", manifest::OCI_LAYOUT)?;
    blobs.settle(Some(&[&index, &layout]))?;
    let parent = staging::open_directory(&staging.directory, "blobs".as_ref(), false)
        .map_err(|error| staging.failed("open the blobs of", error))?;
    // What the store keeps is flushed beside what the output needs.
    thread::scope(|scope| {
        if let Some(shelf) = &shelf {
            let blobs = &blobs;
            let keeping = thread::Builder::new().spawn_scoped(scope, move || shelf.keep(blobs));
            if keeping.is_err() {
                shelf.keep(blobs);
            }
        }
        flush::directories(&[blobs.directory(), &parent, &staging.directory])
            .map_err(|error| staging.failed("flush a directory of", error))?;
        work.go_on()?;
        publish::publish_directory(&mut staging)
    })?;
    Ok(named)
}

/// Writes a file that is flushed later.
fn write_file(staging: &Staging, name: &'static str, bytes: &[u8]) -> Result<File, WriteError> {
    let mut file = staging::create_file(&staging.directory, name.as_ref())
        .map_err(|error| staging.failed("make a file of", error))?;
    file.write_all(bytes).map_err(WriteError::io("write a file of", &staging.target))?;
    Ok(file)
}
