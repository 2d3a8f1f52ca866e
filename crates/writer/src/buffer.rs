//! Memory for chunks, which goes from one to the next.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

/// Buffers of one size. There are as many as were in use at the same time.
#[derive(Debug)]
pub(crate) struct Buffers {
    bytes: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Buffers of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { bytes, free: Mutex::default() }
    }

    /// Returns a buffer that holds nothing.
    pub(crate) fn take(&self) -> Buffer<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: free.unwrap_or_else(|| vec![0; self.bytes]), filled: 0, home: self }
    }
}

/// A buffer, which goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Buffer<'a> {
    bytes: Vec<u8>,
    filled: usize,
    home: &'a Buffers,
}

impl Buffer<'_> {
    /// Returns all of the memory; what stands there is of no meaning.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Says how many bytes of it are the content.
    pub(crate) fn set_filled(&mut self, filled: usize) {
        self.filled = filled;
    }
}

impl Deref for Buffer<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.home.free.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}
