//! An image to look into, whatever the command line names: one that was written, or a recipe, which
//! is built into a directory that goes away again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use imgc_planner::{Digest, ImageSpec};
use imgc_writer::inspect::{ObservedLayout, contents, is_archive, observe};

use crate::commands::Failure;
use crate::lockfile;
use crate::pipeline::{self, ImageContents};
use crate::scratch::Scratch;
use crate::session::Session;

/// Largest file whose content is looked into, in bytes.
const MAX_CONTENT_BYTES: u64 = 256 << 20;

/// What was named, as images.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The images, one for each name and platform, and what is said about them.
    pub(crate) layout: ObservedLayout,
    path: PathBuf,
    _scratch: Option<Scratch>,
}

impl Subject {
    /// Reads an OCI directory or an archive, or builds a recipe.
    pub(crate) fn open(named: &Path, session: &mut Session) -> Result<Self, Failure> {
        let path = session.absolute(named);
        if is_image(&path) {
            return Self::image(path);
        }
        let compiled = pipeline::compile(named, session)?;
        lockfile::check(&compiled, false)?;
        let scratch = Scratch::new(&session.temporary, "look")?;
        let path = scratch.path().join("image");
        let specs: Vec<ImageSpec> =
            compiled.images.iter().map(|image| image.spec.clone()).collect();
        session.talk.progress(&format!("building {}", named.display()));
        let bytes = ImageContents::new(&compiled.images);
        imgc_writer::write_directory(&path, &specs, &bytes, session.workers())?;
        let layout = observe(&path)?;
        session.talk.clear();
        Ok(Self { layout, path, _scratch: Some(scratch) })
    }

    /// Reads an OCI directory or an archive.
    pub(crate) fn image(path: PathBuf) -> Result<Self, Failure> {
        Ok(Self { layout: observe(&path)?, path, _scratch: None })
    }

    /// Returns the contents of files, as far as they are not too large to look into.
    pub(crate) fn contents(
        &self,
        wanted: &BTreeSet<Digest>,
    ) -> Result<BTreeMap<Digest, Vec<u8>>, Failure> {
        Ok(contents(&self.path, wanted, MAX_CONTENT_BYTES)?)
    }
}

/// Tells whether a path names an image that was written, and no recipe: a directory, or a file that
/// is called an archive or starts as one, also if it is compressed.
pub(crate) fn is_image(path: &Path) -> bool {
    path.is_dir()
        || path.extension().is_some_and(|extension| extension == "tar")
        || (path.is_file() && start(path).is_ok_and(|start| is_archive(&start)))
}

/// Returns as much of a file as a header of tar.
fn start(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(512).read_to_end(&mut start)?;
    Ok(start)
}
