//! What is in an image that the command line names: a recipe's, or one that was written.

use std::path::Path;

use crate::commands::Failure;
use crate::listing::Listing;
use crate::pipeline;
use crate::session::Session;

/// Lists the images of a recipe, one for each platform.
pub(crate) fn list(image: &Path, session: &mut Session) -> Result<Vec<Listing>, Failure> {
    let compiled = pipeline::compile(image, session)?;
    Ok(compiled.images.iter().map(|image| Listing::of_spec(&image.spec)).collect())
}
