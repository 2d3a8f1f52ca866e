//! Looks for texts among the constants of a loader.
//!
//! A loader has 40 KiB of them, ten thousand texts, of which five matter; they are looked for at
//! each start of `imgc ldd`, so that no text is cut out which does not hold what is wanted.

/// Longest text that is cut out, in bytes on each side of what was found: `PATH_MAX` (`limits.h`).
const MAX_TEXT_BYTES: usize = 4096;

/// Bytes that are compared at once. Compilers make a few instructions of each chunk.
const CHUNK_BYTES: usize = 64;

/// The constants: bytes in which texts end with NUL.
#[derive(Clone, Copy)]
pub(super) struct Constants<'a>(pub(super) &'a [u8]);

impl<'a> Constants<'a> {
    /// Returns where `needle` is, in order. Its first two bytes should be a rare pair.
    pub(super) fn places(self, needle: &'static [u8]) -> impl Iterator<Item = usize> + 'a {
        let bytes = self.0;
        let [first, second] = needle.first_chunk().copied().unwrap_or_default();
        let starts = (0..bytes.len()).step_by(CHUNK_BYTES);
        starts
            .filter(move |start| match bytes[*start..].first_chunk::<{ CHUNK_BYTES + 1 }>() {
                Some(chunk) => has_pair(chunk, first, second),
                None => true,
            })
            .flat_map(move |start| start..bytes.len().min(start + CHUNK_BYTES))
            .filter(move |at| bytes[*at..].starts_with(needle))
    }

    /// Returns the text that `at` lies in, and where it starts. Nothing if it has no end.
    pub(super) fn text_around(self, at: usize) -> Option<(usize, &'a [u8])> {
        let before = &self.0[at.saturating_sub(MAX_TEXT_BYTES)..at];
        let start = at - before.iter().rev().take_while(|byte| **byte != 0).count();
        let after = self.0.get(at..)?;
        let end = after.iter().take(MAX_TEXT_BYTES).position(|byte| *byte == 0)?;
        Some((start, &self.0[start..at + end]))
    }

    /// Tells whether `text` stands there, between NULs.
    pub(super) fn has(self, text: &[u8]) -> bool {
        let with_nul = [text, b"\0"].concat();
        self.places(b"\0l").any(|at| self.0[at + 1..].starts_with(&with_nul))
    }
}

/// Compares all of a chunk, without a branch.
fn has_pair(chunk: &[u8; CHUNK_BYTES + 1], first: u8, second: u8) -> bool {
    let mut found = false;
    for at in 0..CHUNK_BYTES {
        found |= (chunk[at] == first) & (chunk[at + 1] == second);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_wherever_they_lie_in_a_chunk() {
        for before in 0..200 {
            let mut bytes = vec![b'x'; before];
            bytes.extend(b"\0/lib/\0lib\0");
            let constants = Constants(&bytes);
            let at: Vec<usize> = constants.places(b"/lib/").collect();
            assert_eq!(at, [before + 1]);
            assert_eq!(constants.text_around(at[0] + 3), Some((before + 1, &b"/lib/"[..])));
            assert!(constants.has(b"lib"));
            assert!(!constants.has(b"li"));
        }
        assert_eq!(Constants(b"abc").text_around(1), None);
        assert_eq!(Constants(b"").places(b"ab").next(), None);
    }
}
