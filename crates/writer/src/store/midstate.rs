//! A SHA-256 that was stopped, to go on from there in another run.

use sha2::Sha256;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};

/// The state of a hash behind some bytes. Whoever goes on from it trusts that these were the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Midstate(Vec<u8>);

impl Midstate {
    pub(crate) fn of(hash: &Sha256) -> Self {
        Self(hash.serialize().to_vec())
    }

    /// Takes a state that was kept; whether it is one is found out by [`Midstate::resume`].
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the hash; nothing if these bytes are no state of this version of the library.
    pub(crate) fn resume(&self) -> Option<Sha256> {
        let state = SerializedState::<Sha256>::try_from(&self.0[..]).ok()?;
        Sha256::deserialize(&state).ok()
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    #[test]
    fn a_hash_goes_on_where_it_was_stopped() {
        let bytes: Vec<u8> = (0..1000_u32).map(|number| number as u8).collect();
        for border in [0, 1, 63, 64, 65, 512, 999, 1000] {
            let mut hash = Sha256::new();
            hash.update(&bytes[..border]);
            let kept = Midstate::from_bytes(Midstate::of(&hash).as_bytes());
            let mut hash = kept.resume().expect("a state");
            hash.update(&bytes[border..]);
            assert_eq!(hash.finalize(), Sha256::digest(&bytes), "{border}");
        }
        assert!(Midstate::from_bytes(b"no state").resume().is_none());
        assert!(Midstate::from_bytes(&[0xff; 105]).resume().is_none());
    }
}
