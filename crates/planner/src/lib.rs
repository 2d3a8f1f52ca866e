//! Recipe to plan, closure to image spec, and what is proved about it.
mod digest;
pub use digest::{BlobDigest, DiffId, Digest, NodeId};
