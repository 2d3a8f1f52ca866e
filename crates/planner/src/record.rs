//! The bytes of records that are kept between runs: how numbers, texts and lists are written one
//! after the other, and read back from bytes that nobody vouches for.
//!
//! A record holds what was found out once and can be found out again. It has a version next to its
//! types, and no part in any digest. A reader that meets bytes it does not expect says nothing, and
//! the record counts as absent.

/// Writes a record.
#[derive(Debug, Default)]
pub struct RecordWriter(Vec<u8>);

impl RecordWriter {
    /// Appends a number of one byte.
    pub fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    /// Appends a number: as few bytes as it needs, seven bits in each, the lowest first (LEB128).
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// Appends a time in nanoseconds, which may lie before 1970.
    pub fn time_ns(&mut self, time_ns: i128) {
        self.0.extend_from_slice(&time_ns.to_le_bytes());
    }

    /// Appends bytes of a length that the reader knows.
    pub fn array(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends bytes with their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.array(bytes);
    }

    /// Returns what was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a record. Each function returns nothing when the record is not what is asked for.
#[derive(Clone, Copy, Debug)]
pub struct RecordReader<'a>(&'a [u8]);

impl<'a> RecordReader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub fn new(record: &'a [u8]) -> Self {
        Self(record)
    }

    /// Reads a number of one byte.
    pub fn tag(&mut self) -> Option<u8> {
        let (tag, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*tag)
    }

    /// Reads a number.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.tag()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Reads how many items follow, each of at least `size_bytes` (one and more): never more than
    /// there is room for, so that memory may be taken for them.
    pub fn count(&mut self, size_bytes: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len() / size_bytes).then_some(count)
    }

    /// Reads a time in nanoseconds.
    pub fn time_ns(&mut self) -> Option<i128> {
        self.array().map(i128::from_le_bytes)
    }

    /// Reads bytes of a known length.
    pub fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// Reads bytes with their number.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.count(1)?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Succeeds if nothing is left.
    pub fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
        let mut writer = RecordWriter::default();
        writer.tag(7);
        numbers.iter().for_each(|number| writer.number(*number));
        writer.time_ns(-1);
        writer.array(b"abc");
        writer.bytes(b"");
        writer.bytes(b"text");
        let record = writer.finish();

        let read = |record: &[u8]| {
            let mut reader = RecordReader::new(record);
            let found = (
                reader.tag()?,
                numbers.iter().map(|_| reader.number()).collect::<Option<Vec<_>>>()?,
                reader.time_ns()?,
                reader.array::<3>()?,
                reader.bytes()?.to_vec(),
                reader.bytes()?.to_vec(),
            );
            reader.end()?;
            Some(found)
        };
        let expected = (7, numbers.to_vec(), -1, *b"abc", Vec::new(), b"text".to_vec());
        assert_eq!(read(&record), Some(expected));
        for length in 0..record.len() {
            assert_eq!(read(&record[..length]), None, "{length}");
        }
        assert_eq!(read(&[&record[..], b"x"].concat()), None);
    }

    #[test]
    fn a_length_is_never_larger_than_the_record() {
        for claim in [5, 1 << 20, 1 << 40, u64::MAX] {
            let mut writer = RecordWriter::default();
            writer.number(claim);
            writer.array(b"1234");
            let record = writer.finish();
            assert_eq!(RecordReader::new(&record).bytes(), None, "{claim}");
            assert_eq!(RecordReader::new(&record).count(1), None, "{claim}");
        }
        assert_eq!(RecordReader::new(&[0xff; 10]).number(), None, "more than 64 bits");
    }
}
