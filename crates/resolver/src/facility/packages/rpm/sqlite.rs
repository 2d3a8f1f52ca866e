//! A reader of SQLite's file format, as far as it takes to list the rows of one table
//! (<https://sqlite.org/fileformat2.html>; sections are those of this document).
//!
//! It knows no index, no log and nothing of SQL. What it reads may be anything: a page is read once
//! at most, and all rows together are no longer than the file, so that no file holds it up or fills
//! the memory.

use crate::error::Unread;
use crate::host::HostFile;

/// Largest file that is read, in bytes, so that what is noted of its pages takes 1 MiB at most.
const MAX_BYTES: u64 = 4 << 30;

/// Largest row that is read, in bytes; it is held in memory. The header of a package is one: that of
/// a package of 3000 files has 0.4 MiB.
const MAX_ROW_BYTES: u64 = 64 << 20;

/// Length of the header, in bytes; on the first page, the tree's stands behind it (1.3).
const HEADER_BYTES: usize = 100;

/// The page at which the list of tables starts (2.6).
const SCHEMA: u32 = 1;

/// A database that is open.
pub(super) struct Database<'f> {
    file: &'f dyn HostFile,
    page_bytes: usize,
    /// How much of each page is in use: all but what extensions keep for themselves.
    usable: usize,
    pages: u32,
    /// A bit for each page that something has led to.
    taken: Vec<u64>,
    /// How many bytes more all rows may have.
    left: u64,
}

impl<'f> Database<'f> {
    pub(super) fn open(file: &'f dyn HostFile) -> Result<Self, Unread> {
        let size = file.opened().size;
        if size > MAX_BYTES {
            return Err(Unread::TooLarge);
        }
        let mut header = [0; HEADER_BYTES];
        read(file, &mut header, 0)?;
        if !header.starts_with(b"SQLite format 3\0") {
            return Err(Unread::Damaged("it does not start as files of SQLite do"));
        }
        let page_bytes = match u16_at(&header, 16)? {
            1 => 1 << 16,
            bytes if bytes.is_power_of_two() && bytes >= 512 => usize::from(bytes),
            _ => return Err(Unread::Damaged("its pages have no known size")),
        };
        // More is for later versions: "may not be read" (1.3.3).
        if header[19] > 2 {
            return Err(Unread::Damaged("it is of no known version"));
        }
        let usable = page_bytes - usize::from(header[20]);
        if usable < 480 {
            return Err(Unread::Damaged("its pages have no room"));
        }
        // 0 is a database in which nothing was written yet.
        if u32_at(&header, 56)? > 1 {
            return Err(Unread::Encoding);
        }
        let pages = u32::try_from(size / page_bytes as u64).map_err(|_| Unread::TooLarge)?;
        // The size counts if the version that wrote it also made the last change (1.3.7).
        let is_told = header[24..28] == header[92..96];
        if is_told && u32_at(&header, 28)? > pages {
            return Err(Unread::Damaged("it is shorter than it says"));
        }
        let taken = vec![0; pages as usize / 64 + 1];
        Ok(Self { file, page_bytes, usable, pages, taken, left: size })
    }

    /// Reads all rows of a table, in no order that counts. A database has one chance to read a
    /// table: its pages are taken then.
    pub(super) fn rows(
        &mut self,
        table: &str,
        visit: &mut dyn FnMut(&Row) -> Result<(), Unread>,
    ) -> Result<(), Unread> {
        let mut root = None;
        self.walk(SCHEMA, &mut |row| {
            let is_table = row.column(0)? == Value::Bytes(b"table");
            if is_table && row.column(1)? == Value::Bytes(table.as_bytes()) {
                root = Some(match row.column(3)? {
                    Value::Integer(root) => u32::try_from(root).map_err(|_| NO_PAGE)?,
                    Value::Bytes(_) | Value::Other => return Err(NO_PAGE),
                });
            }
            Ok(())
        })?;
        let root = root.ok_or(Unread::Damaged("it has no table of packages"))?;
        self.walk(root, visit)
    }

    /// Reads the rows of a tree (1.6).
    fn walk(
        &mut self,
        root: u32,
        visit: &mut dyn FnMut(&Row) -> Result<(), Unread>,
    ) -> Result<(), Unread> {
        self.take(root)?;
        let mut pending = vec![root];
        while let Some(number) = pending.pop() {
            let page = self.page(number)?;
            let start = if number == SCHEMA { HEADER_BYTES } else { 0 };
            let is_leaf = match byte_at(&page, start)? {
                0x05 => false,
                0x0d => true,
                _ => return Err(Unread::Damaged("a page is none of a table")),
            };
            let cells = usize::from(u16_at(&page, start + 3)?);
            let first = start + if is_leaf { 8 } else { 12 };
            for cell in 0..cells {
                let cell = usize::from(u16_at(&page, first + 2 * cell)?);
                if is_leaf {
                    visit(&Row(self.payload(&page, cell)?))?;
                } else {
                    let child = u32_at(&page, cell)?;
                    self.take(child)?;
                    pending.push(child);
                }
            }
            if !is_leaf {
                let last = u32_at(&page, start + 8)?;
                self.take(last)?;
                pending.push(last);
            }
        }
        Ok(())
    }

    /// Returns a row's bytes: what the leaf has of them, and what stands on pages of their own
    /// (1.6, 1.7).
    fn payload(&mut self, page: &[u8], cell: usize) -> Result<Vec<u8>, Unread> {
        let (size, at) = varint(page, cell)?;
        let (_row, at) = varint(page, at)?;
        // Rows do not overlap, so together they are no longer than the file.
        self.left = self.left.checked_sub(size).ok_or(OVERLAP)?;
        if size > MAX_ROW_BYTES {
            return Err(Unread::TooLarge);
        }
        let size = usize::try_from(size).map_err(|_| Unread::TooLarge)?;
        let most = self.usable - 35;
        let here = if size <= most {
            size
        } else {
            let least = (self.usable - 12) * 32 / 255 - 23;
            let filled = least + (size - least) % (self.usable - 4);
            if filled <= most { filled } else { least }
        };
        let mut payload = slice(page, at, here)?.to_vec();
        let mut next = if here < size { u32_at(page, at + here)? } else { 0 };
        while payload.len() < size {
            self.take(next)?;
            let more = self.page(next)?;
            let here = (size - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(slice(&more, 4, here)?);
            next = u32_at(&more, 0)?;
        }
        Ok(payload)
    }

    /// Takes note that something leads to a page, which happens once in a tree.
    fn take(&mut self, number: u32) -> Result<(), Unread> {
        if number == 0 || number > self.pages {
            return Err(NO_PAGE);
        }
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        if self.taken[word] & bit != 0 {
            return Err(OVERLAP);
        }
        self.taken[word] |= bit;
        Ok(())
    }

    /// Reads the part of a page that is in use.
    fn page(&self, number: u32) -> Result<Vec<u8>, Unread> {
        let mut page = vec![0; self.usable];
        read(self.file, &mut page, u64::from(number - 1) * self.page_bytes as u64)?;
        Ok(page)
    }
}

const NO_PAGE: Unread = Unread::Damaged("it names a page that it does not have");
const OVERLAP: Unread = Unread::Damaged("a part of it is used twice");
const ENDS: Unread = Unread::Damaged("it ends early");

/// A row of a table, as it is stored (2.1).
pub(super) struct Row(Vec<u8>);

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'r> {
    Integer(i64),
    /// A text or blob.
    Bytes(&'r [u8]),
    /// What is not looked at: nothing, or a fraction.
    Other,
}

impl Row {
    /// Returns the column with this number, counted from 0.
    pub(super) fn column(&self, wanted: usize) -> Result<Value<'_>, Unread> {
        let (header, mut at) = varint(&self.0, 0)?;
        let mut start = usize::try_from(header).map_err(|_| ENDS)?;
        let mut column = 0;
        while (at as u64) < header {
            let (kind, next) = varint(&self.0, at)?;
            let size = match kind {
                0 | 8 | 9 => 0,
                1..=4 => kind,
                5 => 6,
                6 | 7 => 8,
                10 | 11 => return Err(Unread::Damaged("a row has a value of no known kind")),
                _ => (kind - 12) / 2,
            };
            let size = usize::try_from(size).map_err(|_| ENDS)?;
            if column == wanted {
                let bytes = slice(&self.0, start, size)?;
                return Ok(match kind {
                    1..=6 => Value::Integer(integer(bytes)),
                    8 | 9 => Value::Integer(i64::from(kind == 9)),
                    12.. => Value::Bytes(bytes),
                    _ => Value::Other,
                });
            }
            start = start.checked_add(size).ok_or(ENDS)?;
            (at, column) = (next, column + 1);
        }
        // A column that was added to the table later.
        Ok(Value::Other)
    }
}

/// Reads an integer of up to 8 bytes.
fn integer(bytes: &[u8]) -> i64 {
    let is_negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let start = if is_negative { -1 } else { 0 };
    bytes.iter().fold(start, |value, byte| (value << 8) | i64::from(*byte))
}

/// Reads a number of up to 9 bytes, of which each has 7 bits and the ninth 8 (1.6); returns where
/// it ends too.
fn varint(bytes: &[u8], at: usize) -> Result<(u64, usize), Unread> {
    let mut value = 0;
    for index in 0..8 {
        let byte = byte_at(bytes, at + index)?;
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Ok((value, at + index + 1));
        }
    }
    Ok(((value << 8) | u64::from(byte_at(bytes, at + 8)?), at + 9))
}

fn byte_at(bytes: &[u8], at: usize) -> Result<u8, Unread> {
    bytes.get(at).copied().ok_or(ENDS)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Unread> {
    Ok(u16::from_be_bytes(array(bytes, at)?))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Unread> {
    Ok(u32::from_be_bytes(array(bytes, at)?))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Unread> {
    slice(bytes, at, N)?.try_into().map_err(|_| ENDS)
}

fn slice(bytes: &[u8], at: usize, size: usize) -> Result<&[u8], Unread> {
    bytes.get(at..).and_then(|rest| rest.get(..size)).ok_or(ENDS)
}

/// Reads as much as the buffer takes.
fn read(file: &dyn HostFile, buffer: &mut [u8], offset: u64) -> Result<(), Unread> {
    let count = file.read_at(buffer, offset).map_err(Unread::Refused)?;
    if count < buffer.len() { Err(ENDS) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
