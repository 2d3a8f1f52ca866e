//! Databases of rpm made by hand, for tests: files of SQLite with one table, and headers for it.

/// What a tag of a header holds.
#[derive(Clone, Copy)]
pub(crate) enum Field<'f> {
    Text(&'f str),
    Texts(&'f [&'f str]),
    Number(u32),
    Numbers(&'f [u32]),
    Long(u64),
    Bytes(&'f [u8]),
}

/// Writes a header: the fields by their tags, in a region as packages have it.
pub(crate) fn header(fields: &[(u32, Field<'_>)]) -> Vec<u8> {
    let mut index = Vec::new();
    let mut data = Vec::new();
    for (tag, field) in fields {
        let (kind, align, count, bytes) = match field {
            Field::Bytes(bytes) => (1, 1, bytes.len(), bytes.to_vec()),
            Field::Number(number) => (4, 4, 1, number.to_be_bytes().to_vec()),
            Field::Numbers(numbers) => {
                let bytes = numbers.iter().flat_map(|number| number.to_be_bytes());
                (4, 4, numbers.len(), bytes.collect())
            }
            Field::Long(number) => (5, 8, 1, number.to_be_bytes().to_vec()),
            Field::Text(text) => (6, 1, 1, format!("{text}\0").into_bytes()),
            Field::Texts(texts) => {
                let bytes = texts.iter().flat_map(|text| format!("{text}\0").into_bytes());
                (8, 1, texts.len(), bytes.collect())
            }
        };
        data.resize(data.len().next_multiple_of(align), 0);
        index.push([*tag, kind, data.len() as u32, count as u32]);
        data.extend(bytes);
    }
    // The region's own entry leads to its trailer, which says where the region starts.
    let back = -16 * (index.len() as i32 + 1);
    index.insert(0, [63, 7, data.len() as u32, 16]);
    data.extend([63, 7, back as u32, 16].into_iter().flat_map(u32::to_be_bytes));
    let lengths = [index.len() as u32, data.len() as u32];
    let numbers = lengths.into_iter().chain(index.into_iter().flatten());
    numbers.flat_map(u32::to_be_bytes).chain(data).collect()
}

/// Writes a database whose table `Packages` has these rows, in pages of this size.
pub(crate) fn database(rows: &[Vec<u8>], page_bytes: usize) -> Vec<u8> {
    Writer { page_bytes, pages: vec![Vec::new()] }.database(rows)
}

struct Writer {
    page_bytes: usize,
    pages: Vec<Vec<u8>>,
}

impl Writer {
    fn database(mut self, rows: &[Vec<u8>]) -> Vec<u8> {
        let cells = rows.iter().zip(1..).map(|(row, number)| {
            let kind = varint(row.len() as u64 * 2 + 12);
            let payload = [varint(2 + kind.len() as u64), vec![0], kind, row.clone()].concat();
            self.leaf_cell(number, &payload)
        });
        let cells: Vec<Vec<u8>> = cells.collect();
        let root = self.table(cells);
        // rpm has many more.
        let other = self.table(Vec::new());
        let tables = [("Name", other), ("Packages", root)];
        let cells = tables.into_iter().zip(1..).map(|((name, root), number)| {
            let sql = format!("CREATE TABLE '{name}' (hnum INTEGER PRIMARY KEY, blob BLOB)");
            let kind = |text: &str| varint(text.len() as u64 * 2 + 13);
            let kinds = [kind("table"), kind(name), kind(name), vec![4], kind(&sql)].concat();
            let length = varint(kinds.len() as u64 + 1);
            let root = u32::to_be_bytes(root);
            let values = [b"table", name.as_bytes(), name.as_bytes(), &root, sql.as_bytes()];
            let payload = [length, kinds, values.concat()].concat();
            [varint(payload.len() as u64), varint(number), payload].concat()
        });
        let cells: Vec<Vec<u8>> = cells.collect();
        let mut first = self.page(0x0d, &cells, None, 100);
        first[..16].copy_from_slice(b"SQLite format 3\0");
        let size = if self.page_bytes == 1 << 16 { 1 } else { self.page_bytes as u16 };
        first[16..18].copy_from_slice(&size.to_be_bytes());
        // Written by a log, as rpm has it; the payload fractions that are asked for.
        first[18..24].copy_from_slice(&[2, 2, 0, 64, 32, 32]);
        first[28..32].copy_from_slice(&(self.pages.len() as u32).to_be_bytes());
        first[44..48].copy_from_slice(&4u32.to_be_bytes());
        first[56..60].copy_from_slice(&1u32.to_be_bytes());
        self.pages[0] = first;
        self.pages.concat()
    }

    /// Returns a row as a leaf has it; what is too long for it goes to pages of its own.
    fn leaf_cell(&mut self, number: u64, payload: &[u8]) -> Vec<u8> {
        let (usable, most) = (self.page_bytes, self.page_bytes - 35);
        let least = (usable - 12) * 32 / 255 - 23;
        let here = if payload.len() <= most {
            payload.len()
        } else {
            let filled = least + (payload.len() - least) % (usable - 4);
            if filled <= most { filled } else { least }
        };
        let (here, rest) = payload.split_at(here);
        let mut cell = [varint(payload.len() as u64), varint(number), here.to_vec()].concat();
        // From the last one back, since each names the next.
        let mut next = 0;
        for part in rest.chunks(usable - 4).rev() {
            let mut page = [&u32::to_be_bytes(next)[..], part].concat();
            page.resize(self.page_bytes, 0);
            next = self.add(page);
        }
        if next != 0 {
            cell.extend(next.to_be_bytes());
        }
        cell
    }

    /// Writes a tree of rows, of which the first has the number 1; returns its root.
    fn table(&mut self, cells: Vec<Vec<u8>>) -> u32 {
        // With the number of the last row below each.
        let mut pages: Vec<(u32, u64)> = Vec::new();
        let mut filled: Vec<Vec<u8>> = Vec::new();
        let mut number = 0;
        for cell in cells {
            let size: usize = filled.iter().map(|cell| cell.len() + 2).sum();
            if 8 + size + cell.len() + 2 > self.page_bytes {
                let page = self.page(0x0d, &filled, None, 0);
                pages.push((self.add(page), number));
                filled.clear();
            }
            filled.push(cell);
            number += 1;
        }
        let page = self.page(0x0d, &filled, None, 0);
        pages.push((self.add(page), number));
        while pages.len() > 1 {
            let below = std::mem::take(&mut pages);
            for children in below.chunks(self.page_bytes / 16) {
                let (last, children) = children.split_last().expect("a chunk has one");
                let cell = |(child, row): &(u32, u64)| {
                    [child.to_be_bytes().to_vec(), varint(*row)].concat()
                };
                let cells: Vec<Vec<u8>> = children.iter().map(cell).collect();
                let page = self.page(0x05, &cells, Some(last.0), 0);
                pages.push((self.add(page), last.1));
            }
        }
        pages[0].0
    }

    fn page(&self, kind: u8, cells: &[Vec<u8>], last: Option<u32>, start: usize) -> Vec<u8> {
        let mut page = vec![0; self.page_bytes];
        let mut end = self.page_bytes;
        page[start] = kind;
        page[start + 3..start + 5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
        let mut pointer = start + 8;
        if let Some(last) = last {
            page[pointer..pointer + 4].copy_from_slice(&last.to_be_bytes());
            pointer += 4;
        }
        for cell in cells {
            end -= cell.len();
            page[end..end + cell.len()].copy_from_slice(cell);
            page[pointer..pointer + 2].copy_from_slice(&(end as u16).to_be_bytes());
            pointer += 2;
        }
        page[start + 5..start + 7].copy_from_slice(&(end as u16).to_be_bytes());
        page
    }

    fn add(&mut self, page: Vec<u8>) -> u32 {
        self.pages.push(page);
        self.pages.len() as u32
    }
}

/// Writes a number that has less than 9 bytes.
fn varint(number: u64) -> Vec<u8> {
    let mut bytes = vec![(number & 0x7f) as u8];
    let mut rest = number >> 7;
    while rest > 0 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.reverse();
    bytes
}
