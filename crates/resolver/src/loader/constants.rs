//! Looks for texts among the constants of a loader.
//!
//! A loader has 25 KiB of them, of which five texts matter; they are looked for at each start of
//! `imgc ldd`, so no text is cut out that does not hold what is wanted. This is not `memchr`'s
//! `memmem`: that asks the processor what it can do, and on a virtual machine the question takes
//! longer than all of the search.

/// Longest text that is cut out, in bytes on each side of what was found: `PATH_MAX` (`limits.h`).
const MAX_TEXT_BYTES: usize = 4096;

/// Bytes that are compared at once. Compilers make some thirty instructions of each chunk.
const CHUNK_BYTES: usize = 64;

/// The constants: bytes in which texts end with NUL.
#[derive(Clone, Copy)]
pub(super) struct Constants<'a>(pub(super) &'a [u8]);

impl<'a> Constants<'a> {
    /// Returns where `needle` is, in order. Its first two bytes should be a rare pair.
    pub(super) fn places<'n>(self, needle: &'n [u8]) -> impl Iterator<Item = usize> + use<'a, 'n> {
        let bytes = self.0;
        let pair = needle.first_chunk().copied().unwrap_or_default();
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let found = at + find_pair(bytes.get(at..)?, pair)?;
                at = found + 1;
                if bytes[found..].starts_with(needle) {
                    return Some(found);
                }
            }
        })
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
        let between = [b"\0", text, b"\0"].concat();
        self.places(&between).next().is_some()
    }
}

/// Returns where `pair` is first: whole chunks are compared without a branch, and only one that has
/// it is looked at byte by byte.
fn find_pair(bytes: &[u8], [first, second]: [u8; 2]) -> Option<usize> {
    let followers = bytes.get(1..)?;
    let has_pair = |(bytes, followers): (&[u8; CHUNK_BYTES], &[u8; CHUNK_BYTES])| {
        let pairs = bytes.iter().zip(followers);
        pairs.fold(false, |found, (byte, next)| found | ((*byte == first) & (*next == second)))
    };
    let chunks = bytes.as_chunks().0.iter().zip(followers.as_chunks().0);
    let passed = chunks.take_while(|chunk| !has_pair(*chunk)).count() * CHUNK_BYTES;
    let rest = bytes[passed..].windows(2).position(|pair| pair == [first, second]);
    rest.map(|at| passed + at)
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
