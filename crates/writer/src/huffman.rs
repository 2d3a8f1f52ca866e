//! Deflate's prefix codes, as far as one must know them to skip symbols (RFC 1951, 3.2.2, 3.2.5).

/// Bits that one look-up decides. Longer codes are rare by their nature and take the slow way.
const TABLE_BITS: usize = 10;
/// The longest code there is.
const MAX_LENGTH: usize = 15;

/// What the next symbol is, and how many bits it takes up, its extra bits included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// One or several literals, or a distance: nothing belongs to it.
    Literal(usize),
    /// A length: a distance follows.
    Length(usize),
    /// The end of the block.
    End(usize),
}

const LITERAL: u16 = 0x100;
const LENGTH: u16 = 0x200;
const END: u16 = 0x300;

/// A prefix code.
pub(crate) struct Code {
    /// By the next [`TABLE_BITS`] bits: the kind of the symbol and how far it reaches; 0 if the
    /// code is longer than that, or there is none.
    table: Box<[u16; 1 << TABLE_BITS]>,
    /// How many codes there are of each length.
    counts: [u16; MAX_LENGTH + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
    /// What a symbol is, and how many extra bits it has.
    meaning: fn(u16) -> Option<u16>,
}

impl Code {
    /// A code for lengths of codes; it is read with [`Code::decode`] alone.
    pub(crate) fn of_lengths(lengths: &[u8]) -> Option<Self> {
        Self::new(lengths, |_| Some(LITERAL))
    }

    /// A code for literals, lengths and the end of a block.
    pub(crate) fn of_literals(lengths: &[u8]) -> Option<Self> {
        let mut code = Self::new(lengths, |symbol| match symbol {
            0..=255 => Some(LITERAL),
            256 => Some(END),
            257..=264 | 285 => Some(LENGTH),
            265..=284 => Some(LENGTH | ((symbol - 261) / 4)),
            _ => None,
        })?;
        code.join_literals();
        Some(code)
    }

    /// A code for distances.
    pub(crate) fn of_distances(lengths: &[u8]) -> Option<Self> {
        Self::new(lengths, |symbol| match symbol {
            0..=3 => Some(LITERAL),
            4..=29 => Some(LITERAL | (symbol / 2 - 1)),
            _ => None,
        })
    }

    /// The code for literals of a block that brings none (RFC 1951, 3.2.6).
    pub(crate) fn fixed_literals() -> Self {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        Self::of_literals(&lengths).expect("the fixed code is complete")
    }

    /// The code for distances of a block that brings none.
    pub(crate) fn fixed_distances() -> Self {
        Self::of_distances(&[5; 30]).expect("30 codes of five bits are a code")
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

    /// Lets one look-up skip two literals where both are decided by it.
    fn join_literals(&mut self) {
        let single = self.table.clone();
        let literal = |step: u16| (step & 0xf00 == LITERAL).then_some(usize::from(step & 0xff));
        for (ahead, slot) in self.table.iter_mut().enumerate() {
            let Some(first) = literal(*slot) else { continue };
            if let Some(second) = literal(single[ahead >> first])
                && first + second <= TABLE_BITS
            {
                *slot += second as u16;
            }
        }
    }

    /// Returns what lies ahead; nothing if it is no code of this.
    #[inline]
    pub(crate) fn step(&self, ahead: u64) -> Option<Step> {
        let mut step = self.table[(ahead & ((1 << TABLE_BITS) - 1)) as usize];
        if step == 0 {
            let (symbol, length) = self.decode(ahead)?;
            step = (self.meaning)(symbol)? + length as u16;
        }
        let length = usize::from(step & 0xff);
        Some(match step & 0xf00 {
            LITERAL => Step::Literal(length),
            LENGTH => Step::Length(length),
            _ => Step::End(length),
        })
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
