//! Databases that are whole, and databases that are not.

use super::*;
use crate::host::{Host, HostPath};
use crate::memory::Memory;
use crate::sample::rpm::database;

/// Returns the blobs of a database's table, sorted.
fn rows(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Unread> {
    let memory = Memory::new().file("/db", bytes);
    let file = memory.open(&HostPath::new(b"/db")).unwrap();
    let mut rows = Vec::new();
    Database::open(&*file)?.rows("Packages", &mut |row| {
        let Value::Bytes(blob) = row.column(1)? else { panic!("a blob stands there") };
        rows.push(blob.to_vec());
        Ok(())
    })?;
    rows.sort();
    Ok(rows)
}

/// Rows of these lengths, each filled with its number.
fn filled(lengths: &[usize]) -> Vec<Vec<u8>> {
    lengths.iter().enumerate().map(|(number, length)| vec![number as u8; *length]).collect()
}

/// Lengths around every border at which a row is stored in another way, in pages of 512 bytes.
const BORDERS: [usize; 12] = [0, 1, 57, 58, 470, 473, 474, 475, 512, 980, 1500, 20_000];

#[test]
fn rows_are_those_that_were_written() {
    for page_bytes in [512, 1024, 4096, 1 << 16] {
        for lengths in [&[][..], &[3], &BORDERS, &[100; 200], &[9; 5000]] {
            let mut written = filled(lengths);
            let bytes = database(&written, page_bytes);
            written.sort();
            assert_eq!(rows(&bytes).as_ref(), Ok(&written), "pages of {page_bytes}");
        }
    }
}

#[test]
fn every_length_is_read_back() {
    let written: Vec<Vec<u8>> = (0..2100).map(|length| vec![1; length]).collect();
    assert_eq!(rows(&database(&written, 512)), Ok(written));
}

/// Changes bytes of a small database.
fn changed(at: usize, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Unread> {
    let mut database = database(&filled(&[700, 20]), 512);
    database[at..at + bytes.len()].copy_from_slice(bytes);
    rows(&database)
}

#[test]
fn what_is_no_such_database_is_told() {
    assert_eq!(rows(b""), Err(ENDS));
    assert_eq!(rows(b"SQLite format 3"), Err(ENDS));
    assert_eq!(
        changed(0, b"s").unwrap_err().to_string(),
        "it is damaged: it does not start as files of SQLite do"
    );
    assert_eq!(changed(16, &[3, 0]), Err(Unread::Damaged("its pages have no known size")));
    assert_eq!(changed(19, &[3]), Err(Unread::Damaged("it is of no known version")));
    assert_eq!(changed(20, &[33]), Err(Unread::Damaged("its pages have no room")));
    assert_eq!(changed(28, &[1]), Err(Unread::Damaged("it is shorter than it says")));
    // A size that an old version left as it was does not count.
    assert_eq!(changed(24, &[1]), Ok(filled(&[700, 20])));
    assert_eq!(changed(56, &[0, 0, 0, 2]), Err(Unread::Encoding));
    // The kind of the first page's tree: an index.
    assert_eq!(changed(100, &[10]), Err(Unread::Damaged("a page is none of a table")));
    // The list of tables has no rows.
    assert_eq!(changed(103, &[0, 0]), Err(Unread::Damaged("it has no table of packages")));
}

#[test]
fn a_page_is_read_once() {
    let small = database(&filled(&[5, 6, 700, 800]), 512);
    let number = |page: usize| (page as u32).to_be_bytes();
    let pages = small.len() / 512;
    for page in 1..pages {
        for target in 0..=pages + 1 {
            // A page of a long row starts with the number of the next one; others are no pages then.
            let mut bytes = small.clone();
            bytes[page * 512..page * 512 + 4].copy_from_slice(&number(target));
            assert!(read(&bytes) <= bytes.len());
        }
    }
    // The second page of this row, which is written before the first one, leads to itself.
    let mut bytes = database(&filled(&[2000]), 512);
    let is_led_on = |page: &usize| bytes[page * 512..][..4] == number(*page);
    let second =
        (1..bytes.len() / 512).find(is_led_on).expect("a row of 2000 bytes has several pages");
    bytes[second * 512..second * 512 + 4].copy_from_slice(&number(second + 1));
    assert_eq!(rows(&bytes), Err(OVERLAP));
}

#[test]
fn rows_that_overlap_are_damage() {
    // All cells of a page are the longest one.
    let mut bytes = database(&filled(&[400; 1]), 512);
    let page = (1..bytes.len() / 512).find(|page| bytes[page * 512] == 0x0d).unwrap() * 512;
    let cell = [bytes[page + 8], bytes[page + 9]];
    bytes[page + 4] = 20;
    for index in 1..20 {
        bytes[page + 8 + 2 * index..][..2].copy_from_slice(&cell);
    }
    assert_eq!(rows(&bytes), Err(OVERLAP));
}

#[test]
fn a_database_that_is_cut_is_damaged() {
    let bytes = database(&filled(&[700, 20, 3000]), 512);
    for end in 0..bytes.len() {
        assert!(rows(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
}

#[test]
fn no_bit_makes_a_reader_fail() {
    let bytes = database(&filled(&[5, 700, 20, 3000, 30, 40, 450, 450]), 512);
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&bytes) <= bytes.len());
    }
}

/// Returns how many bytes all rows have that can be read, whatever their columns hold.
fn read(bytes: &[u8]) -> usize {
    let memory = Memory::new().file("/db", bytes);
    let file = memory.open(&HostPath::new(b"/db")).unwrap();
    let mut read = 0;
    if let Ok(mut database) = Database::open(&*file) {
        let _ = database.rows("Packages", &mut |row| {
            for column in 0..4 {
                let _ = row.column(column);
            }
            read += row.0.len();
            Ok(())
        });
    }
    read
}

#[test]
fn integers_have_their_sign() {
    assert_eq!(integer(&[]), 0);
    assert_eq!(integer(&[0x7f]), 127);
    assert_eq!(integer(&[0xff, 0xfe]), -2);
    assert_eq!(integer(&i64::MIN.to_be_bytes()), i64::MIN);
    assert_eq!(varint(&[0xff; 9], 0), Ok((u64::MAX, 9)));
    assert_eq!(varint(&[0x81, 0x00], 0), Ok((128, 2)));
    assert_eq!(varint(&[0x81], 0), Err(ENDS));
}
