//! Bytes that may be no text, as a text: percent-encoded as in a URL (RFC 3986, section 2.1).

use imgc_parser::Printable;

/// Writes `%` and every byte that no reader of a lock should see raw as `%XX`.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let written: &str = character.encode_utf8(&mut buffer);
            // What `Printable` escapes could steer a terminal or hide in a review.
            let plain = character == '\\' || Printable::new(written).to_string() == written;
            if plain && character != '%' {
                text.push(character);
            } else {
                escape(written.as_bytes(), &mut text);
            }
        }
        escape(chunk.invalid(), &mut text);
    }
    text
}

fn escape(bytes: &[u8], text: &mut String) {
    text.extend(bytes.iter().map(|byte| format!("%{byte:02X}")));
}

/// Reads it back; nothing if an escape is none, or if it is not how [`encode`] writes the bytes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (digits, rest) = (part.get(..2)?, part.get(2..)?);
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_make_the_round_trip() {
        for (bytes, text) in [
            (&b"/usr/bin/rg"[..], "/usr/bin/rg"),
            (b"/100%\\", "/100%25\\"),
            (b"/\xff\x1b[31m", "/%FF%1B[31m"),
            ("/přímo\u{202e}".as_bytes(), "/přímo%E2%80%AE"),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        for text in ["%", "%4", "%zz", "%41", "%ff"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
