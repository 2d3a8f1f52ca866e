//! Joins deflate streams that were made one by one (RFC 1951).
//!
//! libdeflate ends each stream with a block that is marked as the last one. To put another stream
//! behind it, that mark goes away, and an empty stored block fills the last byte: what zlib does
//! for `Z_SYNC_FLUSH`. The mark is a bit whose place nobody tells, so [`open_end`] walks over the
//! blocks. It follows the codes' lengths alone and produces no data, at a tenth of what compressing
//! costs. A stream that it does not understand is an error: no byte is changed on a guess.

use crate::huffman::{BlockCodes, Code, Skipped};

/// The block that ends a joined stream: empty, fixed codes, marked as the last one.
pub(crate) const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Makes a complete deflate stream one that goes on: clears the mark of its last block and closes
/// it with an empty stored block, so that it ends on a byte's border.
///
/// Returns nothing, and leaves `stream` as it is, when it is no complete deflate stream.
pub(crate) fn open_end(stream: &mut Vec<u8>) -> Option<()> {
    let last = walk(stream)?;
    stream[last.mark / 8] &= !(1 << (last.mark % 8));
    // Three zero bits are the header of a stored block. Behind the last code there are only zeros.
    if last.end.div_ceil(8) * 8 - last.end < 3 {
        stream.push(0);
    }
    stream.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
    Some(())
}

/// Where the last block of a stream is, in bits.
#[derive(Debug, PartialEq, Eq)]
struct LastBlock {
    /// Its first bit, which marks it as the last one.
    mark: usize,
    /// The first bit behind it; it lies in the stream's last byte or right behind that.
    end: usize,
}

fn walk(stream: &[u8]) -> Option<LastBlock> {
    let mut bits = Bits { stream, position: 0 };
    loop {
        let mark = bits.position;
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => skip_stored(&mut bits)?,
            1 => skip_symbols(&mut bits, &BlockCodes::fixed()?)?,
            2 => {
                let codes = read_codes(&mut bits)?;
                skip_symbols(&mut bits, &codes)?;
            }
            _ => return None,
        }
        if last {
            let end = bits.position;
            let spare = stream.len().checked_mul(8)?.checked_sub(end)?;
            let padding = bits.take(spare.min(8))?;
            return (spare < 8 && padding == 0).then_some(LastBlock { mark, end });
        }
    }
}

/// Skips a stored block (RFC 1951, 3.2.4).
fn skip_stored(bits: &mut Bits<'_>) -> Option<()> {
    bits.position = bits.position.next_multiple_of(8);
    let length = bits.take(16)?;
    if bits.take(16)? != length ^ 0xffff {
        return None;
    }
    bits.skip(usize::try_from(length).ok()? * 8)
}

/// Reads the codes of a dynamic block (RFC 1951, 3.2.7).
fn read_codes(bits: &mut Bits<'_>) -> Option<BlockCodes> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let count = bits.take(4)? as usize + 4;
    let mut lengths = [0; 19];
    for place in &ORDER[..count] {
        lengths[*place] = bits.take(3)? as u8;
    }
    let code = Code::of_lengths(&lengths)?;
    let mut lengths = Vec::with_capacity(literals + distances);
    while lengths.len() < literals + distances {
        let (symbol, length) = code.decode(bits.peek())?;
        bits.skip(length)?;
        let (length, times) = match symbol {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (u8::try_from(length).ok()?, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times as usize));
    }
    if lengths.len() != literals + distances {
        return None;
    }
    let (literals, distances) = lengths.split_at(literals);
    BlockCodes::new(literals, distances)
}

/// Skips the symbols of a block, up to and with the one that ends it.
fn skip_symbols(bits: &mut Bits<'_>, codes: &BlockCodes) -> Option<()> {
    let mut state = 0;
    loop {
        match codes.skip(bits.peek(), &mut state)? {
            Skipped::More(count) => bits.skip(count as usize)?,
            Skipped::End(count) => return bits.skip(count as usize),
        }
    }
}

/// A stream of bits, the lowest bit of each byte first.
struct Bits<'a> {
    stream: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    /// Returns the bits ahead, at least 57 of them; zeros behind the end of the stream.
    fn peek(&self) -> u64 {
        let rest = self.stream.get(self.position / 8..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        word >> (self.position % 8)
    }

    /// Goes on by `count` bits; nothing if the stream ends before.
    fn skip(&mut self, count: usize) -> Option<()> {
        self.position += count;
        (self.position <= self.stream.len() * 8).then_some(())
    }

    /// Returns the next bits, at most 32.
    fn take(&mut self, count: usize) -> Option<u32> {
        let bits = self.peek() & ((1 << count) - 1);
        self.skip(count)?;
        u32::try_from(bits).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use libdeflater::{CompressionLvl, Compressor};

    use super::*;

    fn compress(level: i32, data: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
        let mut stream = vec![0; compressor.deflate_compress_bound(data.len())];
        let length = compressor.deflate_compress(data, &mut stream).unwrap();
        stream.truncate(length);
        stream
    }

    /// Data of every kind that a compressor treats in its own way: none, constant, random, text.
    fn samples() -> Vec<Vec<u8>> {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as u8
        };
        let mut samples = vec![Vec::new(), vec![7], vec![0; 1 << 20], b"abcabcabc".to_vec()];
        for size in [2, 100, 5_000, 70_000, 400_000] {
            let noise: Vec<u8> = (0..size).map(|_| random()).collect();
            samples.push(noise.iter().map(|byte| byte % 17).collect());
            samples.push(noise.iter().map(|byte| byte.leading_zeros() as u8 * 29).collect());
            samples.push([&noise[..], &vec![b'x'; size], &noise].concat());
            samples.push(noise);
        }
        samples.push((0..60_000_u32).flat_map(|n| n.to_string().into_bytes()).collect());
        samples
    }

    #[test]
    fn joined_streams_give_the_joined_data() {
        for level in 0..=12 {
            let (mut joined, mut expected) = (Vec::new(), Vec::new());
            for data in samples() {
                let mut stream = compress(level, &data);
                open_end(&mut stream).expect("a stream of libdeflate");
                joined.extend_from_slice(&stream);
                expected.extend_from_slice(&data);
            }
            joined.extend_from_slice(&LAST_BLOCK);
            let mut decoder = flate2::bufread::DeflateDecoder::new(&joined[..]);
            let mut found = Vec::new();
            decoder.read_to_end(&mut found).unwrap();
            assert!(found == expected, "level {level}");
            assert_eq!(decoder.total_in() as usize, joined.len());
        }
    }

    #[test]
    fn what_is_no_stream_is_left_alone() {
        let whole = compress(6, &samples()[8]);
        for length in 0..whole.len().min(2000) {
            let mut cut = whole[..length].to_vec();
            assert_eq!(open_end(&mut cut), None, "{length}");
            assert_eq!(cut, whole[..length]);
        }
        let mut longer = [&whole[..], b"\0"].concat();
        assert_eq!(open_end(&mut longer), None);
        // Whatever the bytes are, there is an answer.
        for data in samples() {
            let mut noise = data.clone();
            if open_end(&mut noise).is_none() {
                assert_eq!(noise, data);
            }
        }
    }
}
