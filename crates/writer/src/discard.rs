//! A sink for who wants to know the digests of an image and not the image.

use imgc_planner::BlobDigest;

use crate::error::WriteError;
use crate::sink::{Blob, BlobSink};

/// Takes blobs and keeps none.
#[derive(Clone, Copy, Debug)]
pub struct Discard;

impl BlobSink for Discard {
    fn begin(&self) -> Result<Box<dyn Blob>, WriteError> {
        Ok(Box::new(Self))
    }
}

impl Blob for Discard {
    fn append(&mut self, _bytes: &[u8]) -> Result<(), WriteError> {
        Ok(())
    }

    fn commit(self: Box<Self>, _digest: &BlobDigest, _size: u64) -> Result<(), WriteError> {
        Ok(())
    }
}
