//! What the second reader found, as errors.

use imgc_writer::inspect::{Finding, Problem};
use miette::Diagnostic;
use thiserror::Error;

/// An image that is not as imgc writes it, or not the one that a recipe makes.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum VerifyError {
    /// A digest, size or diff id is not that of the bytes.
    #[error("{finding}")]
    #[diagnostic(
        code(imgc::verify::digest),
        help("the image was damaged or changed after it was made: get it again")
    )]
    Digest { finding: String },
    /// Files are missing, or there are more than the images need.
    #[error("{finding}")]
    #[diagnostic(
        code(imgc::verify::layout),
        help(
            "build the image again, or copy it with a tool that copies all of it and nothing more"
        )
    )]
    Layout { finding: String },
    /// A document is not in its one form, or misses what every image needs.
    #[error("{finding}")]
    #[diagnostic(
        code(imgc::verify::document),
        help("another tool wrote or rewrote this document; `imgc diff` shows what it changed")
    )]
    Document { finding: String },
    /// The archive of a layer, or its compression, is not in its one form.
    #[error("{finding}")]
    #[diagnostic(
        code(imgc::verify::archive),
        help("another tool wrote or rewrote this archive; `imgc diff` shows what it changed")
    )]
    Archive { finding: String },
    /// An entry is one that imgc does not write.
    #[error("{finding}")]
    #[diagnostic(
        code(imgc::verify::entry),
        help("another tool wrote this entry; `imgc diff` shows what it changed")
    )]
    Entry { finding: String },
    /// The image is another one than the recipe makes.
    #[error(
        "the image is not the one that `{recipe}` makes: {count} differences, the first is {first}"
    )]
    #[diagnostic(
        code(imgc::verify::not_from_recipe),
        help("see all of them: `imgc diff {image} {recipe}`")
    )]
    NotFromRecipe { image: String, recipe: String, count: usize, first: String },
}

impl VerifyError {
    /// Takes over what the second reader says.
    pub(crate) fn new(found: &Finding) -> Self {
        let finding = found.to_string();
        match found.problem {
            Problem::Digest | Problem::Size | Problem::DiffId => Self::Digest { finding },
            Problem::Stray | Problem::Missing | Problem::DockerManifest | Problem::ImageName => {
                Self::Layout { finding }
            }
            Problem::LayerCount
            | Problem::Json
            | Problem::Field
            | Problem::MediaType
            | Problem::Platform
            | Problem::Created
            | Problem::User
            | Problem::NoPath => Self::Document { finding },
            Problem::Unsorted
            | Problem::Duplicate
            | Problem::Trailer
            | Problem::Damaged
            | Problem::GzipHeader
            | Problem::Compressed
            | Problem::Trailing
            | Problem::Header
            | Problem::Padding
            | Problem::Pax => Self::Archive { finding },
            Problem::NoParent
            | Problem::BelowNoDirectory
            | Problem::Name
            | Problem::Slash
            | Problem::Mode
            | Problem::Time
            | Problem::OwnerName
            | Problem::DeviceNumber
            | Problem::Kind
            | Problem::HardLink
            | Problem::AcrossLayers => Self::Entry { finding },
        }
    }
}
