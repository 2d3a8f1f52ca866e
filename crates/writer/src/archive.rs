//! The archive: one tar that is an OCI layout and a `docker load` archive at once.
//!
//! Docker before 25 does not load a pure OCI layout, and Podman and skopeo read either. The blobs
//! are made beside the archive first, since a member's name and size stand before its content.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use imgc_planner::ImageSpec;

use crate::blobs::StagedBlobs;
use crate::build::{self, Work};
use crate::contents::Contents;
use crate::error::WriteError;
use crate::image::NamedImage;
use crate::manifest;
use crate::publish::{self, Shape};
use crate::staging::{self, DIRECTORY_MODE, FILE_MODE, Staging};
use crate::store::shelf::Shelf;
use crate::tar_header::{self, BLOCK_BYTES, Member, TRAILER, TypeFlag};

/// The archive's name while it is made, in the temporary directory.
const TEMPORARY: &str = "archive.tar";

/// Writes images into an archive at `target`, in place of the file that stands there.
///
/// For several platforms of one name, OCI's index lists all and Docker's `manifest.json` the first.
/// What comes back is sorted by name. When it returns, the archive is complete and survives a power
/// cut; when it fails, what stood at `target` still does. While it is made it needs its size twice.
///
/// # Errors
/// When two images are the same, a content is not what was planned, the system refuses, or at
/// `target` stands something else than nothing or a regular file.
pub fn write_archive(
    target: &Path,
    specs: &[ImageSpec],
    contents: &dyn Contents,
    workers: NonZeroUsize,
) -> Result<Vec<NamedImage>, WriteError> {
    write_archive_if(target, specs, &Work::afresh(contents, workers), &|_| true)
}

/// The same with a store, but what was made takes its place only if `accept` takes it.
///
/// # Errors
/// [`WriteError::Refused`] if it does not; see [`write_archive`].
pub fn write_archive_if(
    target: &Path,
    specs: &[ImageSpec],
    work: &Work<'_>,
    accept: &dyn Fn(&[NamedImage]) -> bool,
) -> Result<Vec<NamedImage>, WriteError> {
    let staging = Staging::create(target)?;
    publish::replaces(&staging, Shape::File)?;
    let shelf = work.store.map(Shelf::new);
    let blobs = StagedBlobs::create(&staging)?;
    let named = build::write_images(specs, work, shelf.as_ref(), &blobs)?;
    if !accept(&named) {
        return Err(WriteError::Refused);
    }
    let mut file = staging::create_file(&staging.directory, TEMPORARY.as_ref())
        .map_err(|error| staging.failed("make", error))?;
    // What the store is to keep is flushed; of the archive only what it becomes.
    blobs.settle(shelf.is_some().then_some(&[]))?;
    write_members(&mut file, &blobs, &named)
        .and_then(|()| file.sync_all())
        .map_err(WriteError::io("write", target))?;
    if let Some(shelf) = &shelf {
        shelf.keep(&blobs);
    }
    work.go_on()?;
    publish::publish_file(&staging, TEMPORARY.as_ref())?;
    Ok(named)
}

/// Writes the members in the order of their names' bytes.
fn write_members(file: &mut File, blobs: &StagedBlobs, named: &[NamedImage]) -> io::Result<()> {
    for name in ["blobs/", "blobs/sha256/"] {
        file.write_all(&member(name, TypeFlag::Directory, DIRECTORY_MODE, 0).header())?;
    }
    for blob in blobs.sorted().iter_mut() {
        let name = format!("blobs/sha256/{}", blob.digest.hex());
        file.write_all(&member(&name, TypeFlag::File, FILE_MODE, blob.size).header())?;
        blob.file.rewind()?;
        if io::copy(&mut blob.file, file)? != blob.size {
            return Err(io::Error::other("a blob changed while it was copied"));
        }
        file.write_all(&[0; BLOCK_BYTES][..tar_header::padding(blob.size)])?;
    }
    for (name, bytes) in [
        ("index.json", manifest::encode_layout_index(named)),
        ("manifest.json", manifest::encode_docker(named)),
        ("oci-layout", manifest::OCI_LAYOUT.to_vec()),
    ] {
        let size = bytes.len() as u64;
        file.write_all(&member(name, TypeFlag::File, FILE_MODE, size).header())?;
        file.write_all(&bytes)?;
        file.write_all(&[0; BLOCK_BYTES][..tar_header::padding(size)])?;
    }
    file.write_all(&TRAILER)
}

fn member(name: &str, type_flag: TypeFlag, mode: u16, size: u64) -> Member {
    let name = name.as_bytes().to_vec();
    Member { name, link: Vec::new(), type_flag, mode, uid: 0, gid: 0, size, capability: None }
}
