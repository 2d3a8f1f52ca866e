//! Deflate's prefix codes, as far as one must know them to skip symbols (RFC 1951, 3.2.2, 3.2.5).

/// Bits that one look-up decides. Longer codes are rare by their nature and take the slow way.
const TABLE_BITS: usize = 10;
/// The longest code there is.
const MAX_LENGTH: usize = 15;

/// How many bits one step of the table skips at most: a code of ten bits, 13 extra bits.
const MAX_STEP_BITS: u32 = TABLE_BITS as u32 + 13;

// A step is how many bits a symbol takes up, its extra bits included, with one of these flags:
/// A length: a distance follows. Also where the distances' steps start in a block's table.
const TO_DISTANCE: u16 = 1 << TABLE_BITS;
/// The end of the block.
const END: u16 = 1 << 15;

/// The two codes of a block, as a machine that skips its symbols.
pub(crate) struct BlockCodes {
    /// The literals' steps, then the distances', by the bits ahead; 0 if the code is longer than
    /// the table's bits, or there is none.
    table: Box<[u16; 2 << TABLE_BITS]>,
    literals: Code,
    distances: Code,
}

/// What came after some symbols.
pub(crate) enum Skipped {
    /// More symbols, after this many bits.
    More(u32),
    /// The end of the block, after this many bits.
    End(u32),
}

impl BlockCodes {
    /// Makes the codes of which the lengths are given, by symbol (RFC 1951, 3.2.5).
    pub(crate) fn new(literals: &[u8], distances: &[u8]) -> Option<Self> {
        let literals = Code::new(literals, |symbol| match symbol {
            0..=255 => Some(0),
            256 => Some(END),
            257..=264 | 285 => Some(TO_DISTANCE),
            265..=284 => Some(TO_DISTANCE | ((symbol - 261) / 4)),
            _ => None,
        })?;
        let distances = Code::new(distances, |symbol| match symbol {
            0..=3 => Some(0),
            4..=29 => Some(symbol / 2 - 1),
            _ => None,
        })?;
        let mut table = Box::new([0; 2 << TABLE_BITS]);
        let (first, second) = table.split_at_mut(1 << TABLE_BITS);
        second.copy_from_slice(&*distances.table);
        // Two literals are skipped at once where both are decided by one look.
        let is_literal = |step: u16| step != 0 && step & (END | TO_DISTANCE) == 0;
        for (ahead, step) in first.iter_mut().enumerate() {
            *step = literals.table[ahead];
            if is_literal(*step) {
                let next = literals.table[ahead >> *step];
                if is_literal(next) && usize::from(*step + next) <= TABLE_BITS {
                    *step += next;
                }
            }
        }
        Some(Self { table, literals, distances })
    }

    /// Makes the codes of a block that brings none (RFC 1951, 3.2.6).
    pub(crate) fn fixed() -> Option<Self> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        Self::new(&lengths, &[5; 30])
    }

    /// Skips what can be skipped in the 57 bits ahead; nothing if there is no such code.
    ///
    /// `state` is 0 at the start of a block and carries over whether a distance comes next. There
    /// is no branch on what a symbol is: the machine goes through millions of them.
    #[inline]
    pub(crate) fn skip(&self, mut ahead: u64, state: &mut u16) -> Option<Skipped> {
        let mut skipped = 0;
        while skipped <= 57 - MAX_STEP_BITS {
            let place = usize::from(*state) | (ahead as usize & ((1 << TABLE_BITS) - 1));
            let mut step = self.table[place];
            if step == 0 {
                // Up to 15 + 13 bits must lie ahead.
                if skipped > 57 - 28 {
                    break;
                }
                let code = if *state == 0 { &self.literals } else { &self.distances };
                let (symbol, length) = code.decode(ahead)?;
                step = (code.meaning)(symbol)? + length as u16;
            }
            let length = u32::from(step & 0x3f);
            skipped += length;
            ahead >>= length;
            *state = step & TO_DISTANCE;
            if step >= END {
                return Some(Skipped::End(skipped));
            }
        }
        Some(Skipped::More(skipped))
    }
}

/// A prefix code.
pub(crate) struct Code {
    /// By the next [`TABLE_BITS`] bits: the step; 0 if the code is longer, or there is none.
    table: Box<[u16; 1 << TABLE_BITS]>,
    /// How many codes there are of each length.
    counts: [u16; MAX_LENGTH + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
    /// A symbol's flag and how many extra bits it has.
    meaning: fn(u16) -> Option<u16>,
}

impl Code {
    /// A code for lengths of codes; it is read with [`Code::decode`] alone.
    pub(crate) fn of_lengths(lengths: &[u8]) -> Option<Self> {
        Self::new(lengths, |_| Some(0))
    }

    /// Makes the code of which the lengths are given, by symbol; nothing if there are more codes
    /// than fit. Codes that are missing are found when one is met.
    fn new(lengths: &[u8], meaning: fn(u16) -> Option<u16>) -> Option<Self> {
        let mut counts = [0_u16; MAX_LENGTH + 1];
        for length in lengths {
            *counts.get_mut(usize::from(*length))? += 1;
        }
        counts[0] = 0;
        let (mut codes, mut places) = ([0_u16; MAX_LENGTH + 1], [0_u16; MAX_LENGTH + 1]);
        let mut space = 1_i32;
        for length in 1..=MAX_LENGTH {
            space = space * 2 - i32::from(counts[length]);
            if space < 0 {
                return None;
            }
            if length < MAX_LENGTH {
                codes[length + 1] = (codes[length] + counts[length]) << 1;
                places[length + 1] = places[length] + counts[length];
            }
        }
        let mut table = Box::new([0; 1 << TABLE_BITS]);
        let mut symbols = vec![0; lengths.len()];
        for (symbol, length) in (0_u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let length = usize::from(*length);
            symbols[usize::from(places[length])] = symbol;
            places[length] += 1;
            let code = codes[length];
            codes[length] += 1;
            if length <= TABLE_BITS
                && let Some(meaning) = meaning(symbol)
            {
                let first = usize::from(code.reverse_bits() >> (16 - length));
                for slot in table.iter_mut().skip(first).step_by(1 << length) {
                    *slot = meaning + length as u16;
                }
            }
        }
        Some(Self { table, counts, symbols, meaning })
    }

    /// Returns the next symbol and its code's length, bit by bit, as zlib's `puff` does.
    pub(crate) fn decode(&self, mut ahead: u64) -> Option<(u16, usize)> {
        let (mut code, mut first, mut place) = (0_i32, 0_i32, 0_i32);
        for length in 1..=MAX_LENGTH {
            code |= (ahead & 1) as i32;
            ahead >>= 1;
            let count = i32::from(self.counts[length]);
            if code - count < first {
                let symbol = self.symbols.get(usize::try_from(place + code - first).ok()?)?;
                return Some((*symbol, length));
            }
            place += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}
