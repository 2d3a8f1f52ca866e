//! The records of a PAX extended header (POSIX.1-2017, `pax`, "pax Extended Header").
//!
//! Only what USTAR cannot hold becomes a record, never a time. Values are the path's bytes as they
//! are: engines (Go's `archive/tar`) take them so, whether or not they are UTF-8.

use std::collections::BTreeMap;

/// Records by their keys' bytes, which is also the order in which they are written.
#[derive(Debug, Default)]
pub(crate) struct Records(BTreeMap<&'static str, Vec<u8>>);

impl Records {
    pub(crate) fn add(&mut self, key: &'static str, value: &[u8]) {
        self.0.insert(key, value.to_vec());
    }

    /// Returns `LENGTH KEY=VALUE\n` for each record; nothing if there is none.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, value) in &self.0 {
            let length = record_length(key.len() + value.len() + 3);
            bytes.extend_from_slice(format!("{length} {key}=").as_bytes());
            bytes.extend_from_slice(value);
            bytes.push(b'\n');
        }
        bytes
    }
}

/// Returns the length of a record, which counts its own decimal digits, from that of the rest.
fn record_length(rest: usize) -> usize {
    let digits = |number: usize| number.to_string().len();
    let length = rest + digits(rest);
    // A carry (99 becomes 101) adds one digit, and no more than one.
    rest + digits(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        for size in 0..2000 {
            let mut records = Records::default();
            records.add("path", &vec![b'x'; size]);
            let bytes = records.encode();
            let text = std::str::from_utf8(&bytes).unwrap();
            let (length, _) = text.split_once(' ').unwrap();
            assert_eq!(length.parse(), Ok(bytes.len()), "{size}");
        }
    }

    #[test]
    fn records_are_sorted_by_their_keys() {
        let mut records = Records::default();
        for key in ["uid", "path", "gid", "linkpath", "size"] {
            records.add(key, b"1");
        }
        assert_eq!(records.encode(), b"8 gid=1\n14 linkpath=1\n9 path=1\n9 size=1\n8 uid=1\n");
    }
}
