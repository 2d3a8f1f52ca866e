//! Bytes to text.

use super::MAX_BYTES;

/// Why bytes are no text of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// More than 1 MiB.
    TooLarge,
    /// UTF-16, as some editors of Windows write it.
    Utf16,
    /// Some bytes are not UTF-8; this many before them are.
    NotUtf8 {
        /// The offset of the first byte that is wrong.
        valid: usize,
    },
}

/// Returns the text that the bytes are.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, Undecodable> {
    if bytes.len() > MAX_BYTES {
        return Err(Undecodable::TooLarge);
    }
    let utf16 = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        // ASCII in UTF-16 without a byte order mark: every other byte is NUL.
        [0, first, 0, second, ..] | [first, 0, second, 0, ..] => *first != 0 && *second != 0,
        _ => false,
    };
    if utf16 {
        return Err(Undecodable::Utf16);
    }
    std::str::from_utf8(bytes)
        .map_err(|problem| Undecodable::NotUtf8 { valid: problem.valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_told_from_broken_utf8() {
        for bytes in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a", b"n\0a\0m\0e\0", b"\0n\0a\0m\0e"] {
            assert_eq!(decode(bytes), Err(Undecodable::Utf16));
        }
        assert_eq!(decode(b"ab\xff"), Err(Undecodable::NotUtf8 { valid: 2 }));
        assert_eq!(decode(&vec![b' '; MAX_BYTES + 1]), Err(Undecodable::TooLarge));
        assert_eq!(decode("\u{feff}a".as_bytes()), Ok("\u{feff}a"));
    }
}
