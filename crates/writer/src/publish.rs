//! Moves a finished output to its place by one rename, and makes that durable.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use rustix::fs::RenameFlags;
use rustix::io::{Errno, retry_on_intr};

use crate::error::WriteError;
use crate::staging::{self, Occupant, Staging};

/// What an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Directory,
    File,
}

/// What was done, which is what has to be undone if it cannot be made durable.
enum Moved {
    Renamed,
    Exchanged,
}

/// Publishes the temporary itself as the output.
pub(crate) fn publish_directory(staging: &mut Staging) -> Result<(), WriteError> {
    let name = staging.name.clone();
    let moved = publish(staging, &staging.parent, &name, Shape::Directory)?;
    staging.occupied = matches!(moved, Moved::Exchanged);
    Ok(())
}

/// Publishes a file of the temporary as the output.
pub(crate) fn publish_file(staging: &Staging, name: &OsStr) -> Result<(), WriteError> {
    publish(staging, &staging.directory, name, Shape::File).map(drop)
}

fn publish(
    staging: &Staging,
    from: &OwnedFd,
    name: &OsStr,
    shape: Shape,
) -> Result<Moved, WriteError> {
    let failed = |error| staging.failed("publish", error);
    let (parent, target) = (&staging.parent, &staging.target_name);
    // Another build may publish at the same place meanwhile; then look again what is there.
    for _ in 0..100 {
        let moved = if replaces(staging, shape)? {
            exchange(staging, from, name)
        } else {
            rename(from, name, parent, target).map(|()| Moved::Renamed)
        };
        let moved = match moved {
            Ok(moved) => moved,
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR | Errno::ISDIR) => {
                continue;
            }
            Err(error) => return Err(failed(error)),
        };
        if let Err(error) = staging::sync_directory(parent) {
            // Not durable: then the output is what it was. If this fails too, the complete new
            // output stays, which is the better half.
            let _ = match moved {
                Moved::Renamed => rename(parent, target, from, name),
                Moved::Exchanged => swap(from, name, parent, target),
            };
            return Err(failed(error));
        }
        return Ok(moved);
    }
    Err(failed(Errno::BUSY))
}

/// Tells whether the output takes the place of another one.
///
/// Fails when something stands there that is none of ours to replace; asked before anything is
/// built, and again when it is published.
pub(crate) fn replaces(staging: &Staging, shape: Shape) -> Result<bool, WriteError> {
    let occupant = staging::occupant(&staging.parent, &staging.target_name)
        .map_err(|error| staging.failed("look at", error))?;
    match (shape, occupant) {
        // An empty directory gives way to a rename.
        (_, Occupant::Nothing) | (Shape::Directory, Occupant::EmptyDirectory) => Ok(false),
        (Shape::Directory, Occupant::Layout) | (Shape::File, Occupant::File) => Ok(true),
        (Shape::Directory, Occupant::File) => Err(refuse(staging, "a file")),
        (Shape::File, Occupant::EmptyDirectory | Occupant::Layout) => {
            Err(refuse(staging, "a directory"))
        }
        (_, Occupant::OtherDirectory) => {
            Err(refuse(staging, "a directory with something else than an OCI image"))
        }
        (_, Occupant::Symlink) => Err(refuse(staging, "a symbolic link")),
        (_, Occupant::Special) => Err(refuse(staging, "a device, pipe or socket")),
    }
}

fn refuse(staging: &Staging, occupant: &'static str) -> WriteError {
    WriteError::Occupied { path: staging.target.clone(), occupant }
}

/// Lets the new output and the old one change places, so that there is one at any moment.
fn exchange(staging: &Staging, from: &OwnedFd, name: &OsStr) -> Result<Moved, Errno> {
    let (parent, target) = (&staging.parent, &staging.target_name);
    match swap(from, name, parent, target) {
        Ok(()) => return Ok(Moved::Exchanged),
        // The file system cannot do it (NFS, old kernels).
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error),
    }
    // A file is replaced at once anyway.
    match rename(from, name, parent, target) {
        Ok(()) => return Ok(Moved::Renamed),
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    // The old directory moves away first. A kill right here leaves no output but both temporaries.
    let mut old = staging.name.clone();
    old.push(".0");
    rename(parent, target, parent, &old)?;
    if let Err(error) = rename(from, name, parent, target) {
        let _ = rename(parent, &old, parent, target);
        return Err(error);
    }
    // What cannot be removed now is removed by the next build.
    let _ = staging::remove_tree(parent, &old);
    Ok(Moved::Renamed)
}

fn rename(from: &OwnedFd, name: &OsStr, to: &OwnedFd, new: &OsStr) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::renameat(from, name, to, new))
}

fn swap(from: &OwnedFd, name: &OsStr, to: &OwnedFd, new: &OsStr) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::renameat_with(from, name, to, new, RenameFlags::EXCHANGE))
}
