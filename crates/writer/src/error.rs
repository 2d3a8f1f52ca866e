//! Everything that can go wrong while an image is written or read back.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use imgc_planner::Digest;
use imgc_planner::recipe::{ImagePath, Printable};
use miette::Diagnostic;
use thiserror::Error;

/// The codes of all variants of [`WriteError`], sorted. Each has a page in `docs/errors/`.
pub const CODES: &[&str] = &[
    "imgc::write::content_changed",
    "imgc::write::content_size",
    "imgc::write::content_unreadable",
    "imgc::write::duplicate_image",
    "imgc::write::internal",
    "imgc::write::io",
    "imgc::write::no_image",
    "imgc::write::occupied",
    "imgc::write::refused",
    "imgc::write::stopped",
    "imgc::write::too_large",
    "imgc::write::unreadable_image",
];

/// Why no image was written, or why an image cannot be read back.
///
/// After any of these the output is what it was before.
#[derive(Debug, Error, Diagnostic)]
pub enum WriteError {
    /// The bytes of a file are not those that were planned.
    #[error(
        "the content of `{path}` changed while the image was built: found {found}, planned {planned}"
    )]
    #[diagnostic(
        code(imgc::write::content_changed),
        help("build again when nothing writes to the file that becomes `{path}`")
    )]
    ContentChanged {
        /// Where the file stands in the image.
        path: ImagePath,
        /// The content that the plan names.
        planned: Digest,
        /// The content that was read.
        found: Digest,
    },
    /// A file has more or fewer bytes than were planned.
    #[error("the size of `{path}` changed while the image was built: found {found} bytes{}, planned {planned}", if *.found > *.planned { " or more" } else { "" })]
    #[diagnostic(
        code(imgc::write::content_size),
        help("build again when nothing writes to the file that becomes `{path}`")
    )]
    ContentSize {
        /// Where the file stands in the image.
        path: ImagePath,
        /// The size that the plan names, in bytes.
        planned: u64,
        /// How many bytes were read; one more than planned if there are more.
        found: u64,
    },
    /// The bytes of a file cannot be had.
    #[error("cannot read the content of `{path}` ({digest})")]
    #[diagnostic(
        code(imgc::write::content_unreadable),
        help("make the file that becomes `{path}` readable, and build again")
    )]
    ContentUnreadable {
        /// Where the file stands in the image.
        path: ImagePath,
        /// The content that the plan names.
        digest: Digest,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Two images of one output have the same name and platform.
    #[error("`{name}` for {platform} is asked for twice in one output")]
    #[diagnostic(
        code(imgc::write::duplicate_image),
        help("give one of the recipes another `name`, or build them into two outputs")
    )]
    DuplicateImage {
        /// The image's name with its tag.
        name: String,
        /// The platform.
        platform: String,
    },
    /// The spec breaks a rule that its maker guarantees, or an encoder gave nonsense.
    #[error("internal error at `{place}`: {problem}")]
    #[diagnostic(
        code(imgc::write::internal),
        help("this is a bug of imgc: please report it with the recipe")
    )]
    Internal {
        /// The path in the image or the part of it, safe to show.
        place: String,
        /// Which rule.
        problem: &'static str,
    },
    /// The system refused something.
    #[error("cannot {action} `{}`", shown(.path))]
    #[diagnostic(
        code(imgc::write::io),
        help("the output is unchanged; remove the cause and build again")
    )]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The path on this machine.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nothing was asked for.
    #[error("no image was asked for")]
    #[diagnostic(code(imgc::write::no_image), help("name at least one recipe"))]
    NoImage,
    /// What stands at the output path is none of ours to replace.
    #[error("`{}` is {occupant}, and imgc does not replace that", shown(.path))]
    #[diagnostic(
        code(imgc::write::occupied),
        help("move it away, or choose another path for the output")
    )]
    Occupied {
        /// The output path.
        path: PathBuf,
        /// What stands there.
        occupant: &'static str,
    },
    /// What was made is not what its caller takes.
    #[error("the image that came out is not the one that was expected")]
    #[diagnostic(
        code(imgc::write::refused),
        help("the output is unchanged; compare the image with `imgc diff`")
    )]
    Refused,
    /// Somebody wants it to stop.
    #[error("the build was stopped")]
    #[diagnostic(code(imgc::write::stopped), help("the output is unchanged; build again"))]
    Stopped,
    /// An image that is read back goes beyond a limit.
    #[error("{what} of `{}` is above the limit of {limit}", shown(.path))]
    #[diagnostic(
        code(imgc::write::too_large),
        help("check where the image comes from: imgc writes none like this")
    )]
    TooLarge {
        /// The image that is read.
        path: PathBuf,
        /// What is too large.
        what: String,
        /// The limit, in the unit of `what`.
        limit: u64,
    },
    /// What is read back is no OCI image.
    #[error("`{}` cannot be read as an OCI image: {problem}", shown(.path))]
    #[diagnostic(
        code(imgc::write::unreadable_image),
        help("name an OCI directory (it holds `oci-layout`) or an archive of one, not compressed")
    )]
    UnreadableImage {
        /// The image that is read.
        path: PathBuf,
        /// What is wrong, safe to show.
        problem: String,
    },
}

impl WriteError {
    /// Makes the error of a refused action on a path of this machine.
    pub(crate) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> WriteError + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Makes the error of a rule that this crate's callers guarantee.
    pub(crate) fn internal(place: impl ToString, problem: &'static str) -> Self {
        Self::Internal { place: place.to_string(), problem }
    }
}

fn shown(path: &Path) -> Printable<'_> {
    Printable::new(path.as_os_str().as_bytes())
}
