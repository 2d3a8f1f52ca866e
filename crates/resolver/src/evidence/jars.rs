//! What the classes of Java programs use: archives whose members are read one by one.
//!
//! An archive of Java's is one of zip's (JAR File Specification; APPNOTE.TXT 6.3.10, 4.3), and a class
//! names the others that it uses in its constants (JVM Specification, 4.4).

use std::io::Read;

use flate2::bufread::DeflateDecoder;
use imgc_planner::Content;
use imgc_planner::recipe::ImagePath;
use memchr::memmem;

use super::scene::Scene;
use crate::root::Roots;

/// Classes by which text is drawn or measured.
const OF_TEXT: &[&[u8]] = &[b"java/awt/Graphics2D", b"java/awt/Font"];

/// Longest archive and class that are read, and most bytes of all classes.
const MAX_JAR_BYTES: u64 = 64 << 20;
const MAX_CLASS_BYTES: u64 = 1 << 20;
const MAX_CLASSES_BYTES: usize = 256 << 20;

/// Signatures of the records, and how long these are without what varies (4.3.7, 4.3.12, 4.3.16).
const END: &[u8] = b"PK\x05\x06";
const MEMBER: &[u8] = b"PK\x01\x02";
const END_BYTES: usize = 22;
const MEMBER_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;

/// How members are stored (4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Tells whether an archive of an image has a class that draws text.
pub(super) fn draw_text(scene: &Scene<'_>) -> bool {
    let mut left = MAX_CLASSES_BYTES;
    let files = scene.entries.iter().filter(|(path, found)| {
        path.as_bytes().ends_with(b".jar") && matches!(found.content, Content::File { .. })
    });
    files.into_iter().any(|(path, _)| {
        bytes(scene.image, path).is_some_and(|jar| {
            classes(&jar).any(|class| {
                let class = class.filter(|_| left > 0).unwrap_or_default();
                left = left.saturating_sub(class.len());
                OF_TEXT.iter().any(|name| memmem::find(&class, name).is_some())
            })
        })
    })
}

fn bytes(roots: &Roots, path: &ImagePath) -> Option<Vec<u8>> {
    let walk = roots.walk(path.as_bytes(), &ImagePath::root()).ok()?;
    let size = usize::try_from(walk.stat.size).ok().filter(|_| walk.stat.size <= MAX_JAR_BYTES)?;
    let mut bytes = vec![0; size];
    let count = roots.open(&walk).ok()?.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(count);
    Some(bytes)
}

/// Returns the classes of an archive, one at a time; nothing for one that cannot be read.
fn classes(jar: &[u8]) -> impl Iterator<Item = Option<Vec<u8>>> {
    let end = memmem::rfind(jar, END).filter(|end| jar.len() >= end + END_BYTES);
    let mut at = end.and_then(|end| long(jar, end + 16)).unwrap_or(jar.len());
    std::iter::from_fn(move || {
        loop {
            let record = jar.get(at..at + MEMBER_BYTES).filter(|head| head.starts_with(MEMBER))?;
            let lengths = [28, 30, 32].map(|field| short(record, field).unwrap_or_default());
            let name = jar.get(at + MEMBER_BYTES..)?.get(..usize::from(lengths[0]))?;
            let here = at;
            at += MEMBER_BYTES + lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
            if name.ends_with(b".class") {
                return Some(member(jar, here));
            }
        }
    })
}

/// Reads the member that a record of the list of all describes.
fn member(jar: &[u8], record: usize) -> Option<Vec<u8>> {
    let method = short(jar, record + 10)?;
    let length = long(jar, record + 20)?;
    let local = long(jar, record + 42)?;
    let names = usize::from(short(jar, local + 26)?) + usize::from(short(jar, local + 28)?);
    let data = jar.get(local + LOCAL_BYTES + names..)?.get(..length)?;
    match method {
        STORED => Some(data.to_vec()),
        DEFLATED => {
            let mut class = Vec::new();
            DeflateDecoder::new(data).take(MAX_CLASS_BYTES).read_to_end(&mut class).ok()?;
            Some(class)
        }
        _ => None,
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let value = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    usize::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with one member, written as APPNOTE.TXT says.
    fn jar(name: &str, method: u16, data: &[u8]) -> Vec<u8> {
        let mut jar = b"PK\x03\x04".to_vec();
        jar.resize(LOCAL_BYTES, 0);
        jar[26] = u8::try_from(name.len()).unwrap();
        jar.extend(name.as_bytes());
        jar.extend(data);
        let list = jar.len();
        let mut record = MEMBER.to_vec();
        record.resize(MEMBER_BYTES, 0);
        record[10] = u8::try_from(method).unwrap();
        record[20] = u8::try_from(data.len()).unwrap();
        record[28] = u8::try_from(name.len()).unwrap();
        jar.extend(record);
        jar.extend(name.as_bytes());
        let mut end = END.to_vec();
        end.resize(END_BYTES, 0);
        end[16] = u8::try_from(list).unwrap();
        jar.extend(end);
        jar
    }

    #[test]
    fn classes_are_read_stored_or_deflated() {
        let read = |jar: &[u8]| classes(jar).collect::<Vec<_>>();
        assert_eq!(read(&jar("a/B.class", STORED, b"text")), [Some(b"text".to_vec())]);
        // A stored block of deflate (RFC 1951, 3.2.4).
        let deflated = b"\x01\x04\x00\xfb\xfftext";
        assert_eq!(read(&jar("B.class", DEFLATED, deflated)), [Some(b"text".to_vec())]);
        assert_eq!(read(&jar("B.class", DEFLATED, b"\xff")), [None]);
        assert_eq!(read(&jar("B.class", 99, b"text")), [None]);
        assert!(read(&jar("B.txt", STORED, b"text")).is_empty());
        let whole = jar("B.class", STORED, b"text");
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_empty(), "{length}");
        }
    }
}
