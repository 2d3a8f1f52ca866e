//! Image spec to image: everything that writes, and a second reader that checks what was written.

#![forbid(unsafe_code)]

mod archive;
mod blobs;
mod buffer;
mod build;
mod chunk;
mod config;
mod contents;
mod deflate;
mod directory;
mod discard;
mod encoder;
mod error;
mod flush;
#[cfg(test)]
mod golden_tests;
mod gzip;
mod huffman;
mod image;
pub mod inspect;
mod json;
mod layer;
mod manifest;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod output_tests;
mod pax;
mod pipeline;
mod publish;
mod reuse;
mod sink;
mod staging;
mod store;
mod tar_header;
#[cfg(test)]
mod tests;
mod zstandard;

pub use archive::{write_archive, write_archive_if};
pub use build::{Work, write_image};
pub use contents::{Content, Contents};
pub use directory::{write_directory, write_directory_if};
pub use discard::Discard;
pub use error::{CODES, WriteError};
pub use image::{Descriptor, Image, Layer, NamedImage};
pub use sink::{Blob, BlobSink};
pub use store::blob::StoredBlob;
pub use store::{
    Amount, Amounts, CollectRoot, NewRecord, RecordKind, STORE_CODES, Store, StoreError,
    StoredReceipt,
};

/// The version of the bytes that are written for a spec: the normal form of layers and documents
/// (`docs/formats.md`) and the encoders with their levels. The digests of a version never change.
pub const FORMAT_VERSION: u32 = 2;
