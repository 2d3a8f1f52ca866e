//! Symbol versions that an object needs or defines (`DT_VERNEED`, `DT_VERDEF`; LSB, "Symbol
//! Versioning"). Found by dynamic tags, never by sections: stripped files have none.

use super::note::{half, word};
use super::{ElfProblem, Layout, Reader};

/// Most records that are read of one table. The largest known tables have some hundred.
const MAX_RECORDS: usize = 65_536;

/// Most versions of one need that room is made for before they are read.
const USUAL_VERSIONS: u16 = 64;

/// What an object needs of one other file (`Elf64_Verneed`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionNeed {
    /// The other file's name, as one of this object's `DT_NEEDED` has it.
    pub file: Box<[u8]>,
    /// The versions in file order.
    pub versions: Vec<NeededVersion>,
}

/// One version that is needed (`Elf64_Vernaux`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededVersion {
    /// The version, such as `GLIBC_2.34`.
    pub name: Box<[u8]>,
    /// The ELF hash of the name, as the file has it.
    pub hash: u32,
    /// Whether it may be missing (`VER_FLG_WEAK`).
    pub weak: bool,
    /// What `DT_VERSYM` has for its symbols (`vna_other`); the highest bit says "hidden".
    pub index: u16,
}

/// One version that an object defines (`Elf64_Verdef`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionDefinition {
    /// The version; for the base definition, the file's own name.
    pub name: Box<[u8]>,
    /// The ELF hash of the name, as the file has it.
    pub hash: u32,
    /// What `DT_VERSYM` has for its symbols (`vd_ndx`).
    pub index: u16,
    /// Whether this names the file itself and no version (`VER_FLG_BASE`).
    pub base: bool,
}

/// A table of the file, and where its strings are.
pub(super) struct Table<'s> {
    /// Where the table starts in the file.
    pub(super) offset: u64,
    /// Translates an offset of the string table to one of the file.
    pub(super) string: &'s dyn Fn(u64) -> Option<u64>,
    /// How numbers are written.
    pub(super) layout: Layout,
}

impl Table<'_> {
    pub(super) fn needs(&self, reader: &mut Reader<'_>) -> Result<Vec<VersionNeed>, ElfProblem> {
        let mut needs = Vec::new();
        let mut at = self.offset;
        let mut records = 0;
        loop {
            let record = Record::read(reader, at, 16)?;
            if record.half(0, self.layout) != 1 {
                return Err(ElfProblem::VersionRecord);
            }
            let file = self.text(reader, record.word(4, self.layout))?;
            let count = record.half(2, self.layout).min(USUAL_VERSIONS);
            let mut versions = Vec::with_capacity(count.into());
            let mut aux_at = at + u64::from(record.word(8, self.layout));
            loop {
                let aux = Record::read(reader, aux_at, 16)?;
                versions.push(NeededVersion {
                    hash: aux.word(0, self.layout),
                    weak: aux.half(4, self.layout) & 2 != 0,
                    index: aux.half(6, self.layout),
                    name: self.text(reader, aux.word(8, self.layout))?,
                });
                records += 1;
                if records > MAX_RECORDS {
                    return Err(ElfProblem::VersionRecord);
                }
                match aux.word(12, self.layout) {
                    0 => break,
                    next => aux_at += u64::from(next),
                }
            }
            needs.push(VersionNeed { file, versions });
            match record.word(12, self.layout) {
                0 => return Ok(needs),
                next => at += u64::from(next),
            }
        }
    }

    pub(super) fn definitions(
        &self,
        reader: &mut Reader<'_>,
    ) -> Result<Vec<VersionDefinition>, ElfProblem> {
        let mut definitions = Vec::new();
        let mut at = self.offset;
        loop {
            let record = Record::read(reader, at, 20)?;
            if record.half(0, self.layout) != 1 || definitions.len() > MAX_RECORDS {
                return Err(ElfProblem::VersionRecord);
            }
            let aux = Record::read(reader, at + u64::from(record.word(12, self.layout)), 8)?;
            definitions.push(VersionDefinition {
                hash: record.word(8, self.layout),
                index: record.half(4, self.layout),
                base: record.half(2, self.layout) & 1 != 0,
                name: self.text(reader, aux.word(0, self.layout))?,
            });
            match record.word(16, self.layout) {
                0 => return Ok(definitions),
                next => at += u64::from(next),
            }
        }
    }

    fn text(&self, reader: &mut Reader<'_>, offset: u32) -> Result<Box<[u8]>, ElfProblem> {
        let offset = (self.string)(offset.into()).ok_or(ElfProblem::PointsOutside)?;
        reader.string(offset)
    }
}

/// A copy of one record, so that the reader is free for the strings.
struct Record([u8; 20]);

impl Record {
    fn read(reader: &mut Reader<'_>, at: u64, length: u8) -> Result<Self, ElfProblem> {
        let bytes = reader.bytes(at, length.into())?;
        let mut record = [0; 20];
        record[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(record))
    }

    fn half(&self, at: usize, layout: Layout) -> u16 {
        half(&self.0, at, layout).unwrap_or(0)
    }

    fn word(&self, at: usize, layout: Layout) -> u32 {
        word(&self.0, at, layout).unwrap_or(0)
    }
}
