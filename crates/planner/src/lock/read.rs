//! A text to a lock. What `imgc lock` does not write is refused: a lock that was merged or cut off
//! by accident must not pass for one.

use std::collections::BTreeMap;

use imgc_parser::{Epoch, ImagePath, Mode, Platform, Record, RecordProblem, RecordValue};

use super::name::decode;
use super::{
    ImageKey, Inputs, LOCK_VERSION, Lock, LockError, LockedContent, LockedEntry, LockedLayer,
    LockedSource, Output,
};
use crate::digest::{BlobDigest, DiffId, Digest, NodeId};

impl Lock {
    /// Reads the text of a lock. Line ends of Windows are taken as well.
    ///
    /// # Errors
    /// When it is empty, cut off, of another version, left in the middle of a merge, or anything
    /// else than [`Lock::text`] writes; the first such line.
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        let records = Record::read_all(bytes).map_err(|error| match error.problem {
            RecordProblem::ConflictMark => LockError::ConflictMarks { line: error.line },
            problem => LockError::Damaged { line: error.line, problem: problem.to_string() },
        })?;
        let mut records = records.into_iter().map(Line::new).peekable();
        let Some(mut first) = records.next() else { return Err(LockError::Empty) };
        // The version comes first: what stands behind it may have any form.
        let version = first.number().filter(|_| first.name() == "lock");
        let Some(version) = version else {
            return Err(first.damaged("is not the `lock` line that comes first"));
        };
        if version > u64::from(LOCK_VERSION) {
            return Err(LockError::Newer { found: version });
        }
        if version < u64::from(LOCK_VERSION) {
            return Err(LockError::Older { found: version });
        }
        first.finish()?;
        let mut head = |name: &str| match records.next() {
            Some(line) if line.name() == name => Ok(line),
            Some(line) => Err(line.damaged(&format!("should be the `{name}` line"))),
            None => Err(LockError::CutOff),
        };
        let format =
            head("format")?.parse(|line| Some((line.small()?, line.number_of("plan")?)))?;
        let plan = head("plan")?.parse(|line| NodeId::parse(&line.text()?))?;
        let created = head("created")?.parse(|line| Epoch::parse(&line.text()?).ok())?;
        let mut inputs = Inputs {
            format: format.0,
            plan_version: format.1,
            plan,
            sources: Vec::new(),
            images: BTreeMap::new(),
        };
        while let Some(line) = records.next_if(|line| line.name() == "source") {
            inputs.sources.push(line.parse(source)?);
        }
        let mut outputs: BTreeMap<ImageKey, Output> = BTreeMap::new();
        while let Some(line) = records.next_if(|line| line.name() == "image") {
            let place = line.record.line;
            let (key, mut output) = line.parse(image)?;
            if outputs.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(out_of_order(place));
            }
            while let Some(line) = records.next_if(|line| line.name() == "layer") {
                output.layers.push(line.parse(layer)?);
            }
            let mut entries: BTreeMap<ImagePath, LockedEntry> = BTreeMap::new();
            while let Some(line) = records.next_if(|line| is_entry(line.name())) {
                let place = line.record.line;
                let (path, entry) = line.parse(entry)?;
                if entries.last_key_value().is_some_and(|(last, _)| *last >= path) {
                    return Err(out_of_order(place));
                }
                entries.insert(path, entry);
            }
            outputs.insert(key.clone(), output);
            inputs.images.insert(key, entries);
        }
        match records.next() {
            Some(line) if line.name() == "end" => line.parse(|_| Some(()))?,
            Some(line) => return Err(line.damaged("does not belong here")),
            None => return Err(LockError::CutOff),
        }
        match records.next() {
            Some(line) => Err(line.damaged("stands behind the end")),
            None => Ok(Self { inputs, created, outputs }),
        }
    }
}

fn out_of_order(line: usize) -> LockError {
    LockError::Damaged { line, problem: "is there twice, or not in its place".into() }
}

fn is_entry(name: &str) -> bool {
    matches!(name, "file" | "directory" | "link" | "hard-link")
}

fn source(line: &mut Line) -> Option<LockedSource> {
    let kind = line.text()?;
    let place = match line.next_argument() {
        Some(RecordValue::Text(text)) => Some(String::from_utf8(decode(&text)?).ok()?),
        Some(RecordValue::Number(_)) => return None,
        None => None,
    };
    let platform = match line.text_of("platform") {
        Some(text) => Some(Platform::parse(&text).ok()?),
        None => None,
    };
    Some(LockedSource { kind, place, platform, pin: line.text_of("pin") })
}

fn image(line: &mut Line) -> Option<(ImageKey, Output)> {
    let name = line.text()?;
    let platform = Platform::parse(&line.text_of("platform")?).ok()?;
    let manifest = BlobDigest::parse(&line.text_of("manifest")?)?;
    let config = BlobDigest::parse(&line.text_of("config")?)?;
    Some((ImageKey { name, platform }, Output { manifest, config, layers: Vec::new() }))
}

fn layer(line: &mut Line) -> Option<LockedLayer> {
    Some(LockedLayer {
        diff_id: DiffId::parse(&line.text()?)?,
        blob: BlobDigest::parse(&line.text_of("blob")?)?,
        size: line.number_of("size")?,
    })
}

fn entry(line: &mut Line) -> Option<(ImagePath, LockedEntry)> {
    let path = ImagePath::parse(&decode(&line.text()?)?).ok()?;
    let mode = |line: &mut Line| {
        let text = line.text_of("mode")?;
        let mode = Mode::parse(&text).ok()?;
        (format!("{:04o}", mode.bits()) == text).then_some(mode)
    };
    let content = match line.name() {
        "file" => LockedContent::File {
            size: line.number_of("size")?,
            mode: mode(line)?,
            digest: Digest::parse(&line.text_of("digest")?)?,
        },
        "directory" => LockedContent::Directory { mode: mode(line)? },
        "link" => LockedContent::Link(decode(&line.text_of("to")?)?.into()),
        _ => LockedContent::HardLink(ImagePath::parse(&decode(&line.text_of("to")?)?).ok()?),
    };
    let origin = line.text_of("origin")?;
    Some((path, LockedEntry { content, origin, package: line.text_of("package") }))
}

/// A record of which something may have been read already.
struct Line {
    record: Record,
    read: usize,
}

impl Line {
    fn new(record: Record) -> Self {
        Self { record, read: 0 }
    }

    fn name(&self) -> &str {
        &self.record.name
    }

    fn damaged(&self, problem: &str) -> LockError {
        LockError::Damaged { line: self.record.line, problem: problem.into() }
    }

    /// Reads all that is on the line with `read`.
    fn parse<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, LockError> {
        let value = read(&mut self).ok_or_else(|| self.damaged("is not as imgc writes it"))?;
        self.finish()?;
        Ok(value)
    }

    /// Sees that nothing is left.
    fn finish(self) -> Result<(), LockError> {
        if self.read < self.record.arguments.len() || !self.record.properties.is_empty() {
            return Err(self.damaged("says more than this version of imgc writes"));
        }
        Ok(())
    }

    fn next_argument(&mut self) -> Option<RecordValue> {
        let value = self.record.arguments.get(self.read).cloned()?;
        self.read += 1;
        Some(value)
    }

    fn text(&mut self) -> Option<String> {
        match self.next_argument()? {
            RecordValue::Text(text) => Some(text),
            RecordValue::Number(_) => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        match self.next_argument()? {
            RecordValue::Number(number) => Some(number),
            RecordValue::Text(_) => None,
        }
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn property(&mut self, name: &str) -> Option<RecordValue> {
        let place = self.record.properties.iter().position(|(known, _)| known == name)?;
        Some(self.record.properties.remove(place).1)
    }

    fn text_of(&mut self, name: &str) -> Option<String> {
        match self.property(name)? {
            RecordValue::Text(text) => Some(text),
            RecordValue::Number(_) => None,
        }
    }

    fn number_of(&mut self, name: &str) -> Option<u64> {
        match self.property(name)? {
            RecordValue::Number(number) => Some(number),
            RecordValue::Text(_) => None,
        }
    }
}
