//! What can be wrong with an image.

use std::fmt::{self, Display, Formatter};

use imgc_planner::recipe::Printable;
use thiserror::Error;

/// A rule of the normal form that an image breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file of the layout, the blob, or the path in the image; any bytes.
    pub place: Box<[u8]>,
    /// What is wrong there.
    pub problem: Problem,
}

impl Finding {
    pub(super) fn new(place: impl AsRef<[u8]>, problem: Problem) -> Self {
        Self { place: place.as_ref().into(), problem }
    }
}

/// Writes one line that is safe to show.
impl Display for Finding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` {}", Printable::new(&self.place), self.problem)
    }
}

/// A broken rule. The words read on from the place's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A file of the layout that nothing refers to.
    #[error("belongs to no image")]
    Stray,
    /// A member of the archive in the wrong place.
    #[error("does not stand in the order of names")]
    Unsorted,
    /// A name that occurs twice.
    #[error("occurs twice")]
    Duplicate,
    /// An entry whose parent is not an earlier directory entry of its layer.
    #[error("has no directory above it that stands before it")]
    NoParent,
    /// An entry below a link or file.
    #[error("stands below something that is no directory")]
    BelowNoDirectory,
    /// A name that is absolute, empty, not normal, or a whiteout.
    #[error("is no relative, normal name")]
    Name,
    /// A directory's name without `/` at its end, or another's with it.
    #[error("ends in `/` only if it is no directory, or the other way round")]
    Slash,
    /// Mode bits beyond 0o7777, or a link whose mode is not 0o777.
    #[error("has a mode that is not normal")]
    Mode,
    /// A time other than 0.
    #[error("has another time than 0")]
    Time,
    /// A name of a user or group.
    #[error("carries the name of a user or group")]
    OwnerName,
    /// Device numbers other than 0.
    #[error("carries device numbers")]
    DeviceNumber,
    /// A header that is not USTAR, or numbers in another form than octal digits with zeros.
    #[error("has a header that is not in normal form")]
    Header,
    /// Bytes between a content and the next header that are not zero.
    #[error("has bytes other than zero behind the content of a member")]
    Padding,
    /// PAX records that are unsorted, unknown or needless.
    #[error("has PAX records that are not in normal form")]
    Pax,
    /// A kind of entry that imgc does not write.
    #[error("is neither file, directory nor link")]
    Kind,
    /// A hard link to something that is not an earlier file of its layer.
    #[error("is a hard link to something that is no file before it")]
    HardLink,
    /// The archive does not end in exactly two zero blocks.
    #[error("does not end in exactly two zero blocks")]
    Trailer,
    /// The archive or its compression is damaged.
    #[error("cannot be read to its end")]
    Damaged,
    /// The gzip header is not the constant one.
    #[error("has a gzip header that is not constant")]
    GzipHeader,
    /// An archive that is compressed as a whole, not its layers alone.
    #[error("is compressed as a whole")]
    Compressed,
    /// Something stands behind the compressed data.
    #[error("has bytes behind its compressed data")]
    Trailing,
    /// The bytes do not have the digest by which they are named.
    #[error("has another digest than its name")]
    Digest,
    /// A size other than the one in a descriptor.
    #[error("has another size than its descriptor says")]
    Size,
    /// A blob that is referred to and not there.
    #[error("is not there")]
    Missing,
    /// A layer's archive with another digest than the config says.
    #[error("has another diff id than the config says")]
    DiffId,
    /// Different numbers of layers, diff ids and history entries.
    #[error("does not have one diff id and one history entry for each layer")]
    LayerCount,
    /// JSON in another form than the canonical one.
    #[error("is not canonical JSON")]
    Json,
    /// A field that imgc does not write.
    #[error("has a field that imgc does not write")]
    Field,
    /// A version or media type that is missing or unexpected.
    #[error("has an unexpected version or media type")]
    MediaType,
    /// A name that is missing, or that two images have.
    #[error("gives an image no name, or one that another has")]
    ImageName,
    /// A platform that is missing, or that differs between documents.
    #[error("has no platform, or another one than the config")]
    Platform,
    /// No date, or one of another form than `2026-11-20T00:00:00Z`.
    #[error("has no date of the form 2026-11-20T00:00:00Z")]
    Created,
    /// A user that is not `uid:gid`.
    #[error("does not name its user as `uid:gid`")]
    User,
    /// An environment without `PATH`.
    #[error("has no PATH in its environment")]
    NoPath,
    /// A path that is a directory in one layer and something else, or with other metadata, in
    /// another.
    #[error("is not the same directory in all layers")]
    AcrossLayers,
    /// Docker's `manifest.json` does not say what the index says.
    #[error("does not agree with index.json")]
    DockerManifest,
}
