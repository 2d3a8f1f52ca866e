//! What a layer's bytes depend on, as one hash.

use std::fmt::{self, Debug, Formatter};

use sha2::{Digest as _, Sha256};

use crate::FORMAT_VERSION;
use crate::encoder::Encoder;

/// The SHA-256 of all that decides a layer's bytes: the format version, the compression, and the keys
/// of its chunks. Equal keys, equal bytes, on any machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LayerKey([u8; 32]);

impl LayerKey {
    pub(crate) fn of(chunks: &[[u8; 32]], encoder: Encoder) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"imgc-layer");
        hash.update(FORMAT_VERSION.to_le_bytes());
        hash.update(encoder.identity());
        for key in chunks {
            hash.update(key);
        }
        Self(hash.finalize().into())
    }

    /// Returns 64 lower-case hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Debug for LayerKey {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.hex())
    }
}
