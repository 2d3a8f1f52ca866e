//! What stands between the content of a member and the next header.
//!
//! The tar crate passes over it; nothing but zeros belongs there.

use std::io::{self, Read};

/// Size of a header and of the units in which contents are stored, in bytes.
const BLOCK_BYTES: usize = 512;

/// Passes an archive on, and looks at what its readers never see.
pub(super) struct Padding<R> {
    inner: R,
    header: Vec<u8>,
    content: u64,
    padding: u64,
    is_clean: bool,
    is_over: bool,
}

impl<R> Padding<R> {
    pub(super) fn new(inner: R) -> Self {
        let header = Vec::with_capacity(BLOCK_BYTES);
        Self { inner, header, content: 0, padding: 0, is_clean: true, is_over: false }
    }

    /// Tells whether only zeros filled up the blocks so far.
    pub(super) fn is_clean(&self) -> bool {
        self.is_clean
    }

    fn look(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_over {
            let up_to = |left: u64| bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if self.content > 0 {
                let count = up_to(self.content);
                self.content -= count as u64;
                bytes = &bytes[count..];
            } else if self.padding > 0 {
                let count = up_to(self.padding);
                self.padding -= count as u64;
                self.is_clean &= bytes[..count].iter().all(|byte| *byte == 0);
                bytes = &bytes[count..];
            } else {
                let count = bytes.len().min(BLOCK_BYTES - self.header.len());
                self.header.extend_from_slice(&bytes[..count]);
                bytes = &bytes[count..];
                if self.header.len() == BLOCK_BYTES {
                    self.take_header();
                }
            }
        }
    }

    /// Learns from a header where the next one stands. What is no octal number is found elsewhere.
    fn take_header(&mut self) {
        let digits = self.header[124..136].iter().take_while(|byte| matches!(byte, b'0'..=b'7'));
        self.content = digits.fold(0, |size, digit| size * 8 + u64::from(digit - b'0'));
        self.padding = self.content.next_multiple_of(BLOCK_BYTES as u64) - self.content;
        self.is_over = self.header.iter().all(|byte| *byte == 0);
        self.header.clear();
    }
}

impl<R: Read> Read for Padding<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.look(&buffer[..count]);
        Ok(count)
    }
}
