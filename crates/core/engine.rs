//! Engines that take images: `docker load` and `podman load`.

use std::process::{Command, Stdio};

use imgc_parser::Printable;
use imgc_planner::ImageSpec;
use imgc_writer::{NamedImage, Work};

use crate::args::Engine;
use crate::commands::Failure;
use crate::error::ProgramError;
use crate::scratch::Scratch;
use crate::session::Session;

/// Writes images into an archive, lets the engine load it, and removes the archive.
pub(crate) fn load(
    engine: Engine,
    specs: &[ImageSpec],
    work: &Work<'_>,
    session: &mut Session,
) -> Result<Vec<NamedImage>, Failure> {
    let scratch = Scratch::new(&session.temporary, "load")?;
    let archive = scratch.path().join("image.tar");
    let written = imgc_writer::write_archive_if(&archive, specs, work, &|_| true)?;
    session.talk.progress(&format!("loading into {}", engine.program()));
    let failed = |reason: String| ProgramError::LoadFailed { engine: engine.program(), reason };
    let output = Command::new(engine.program())
        .args(["load", "--input"])
        .arg(&archive)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = Printable::new(output.stderr.trim_ascii()).to_string();
        return Err(failed(said).into());
    }
    Ok(written)
}
