//! The receipt of a build: all that it looked at, what it wrote, and what it said.
//!
//! When all of that is as it was, the same command has nothing to do: it says the same again. One
//! record and one `stat` for each path decide it; no file is read and nothing is written.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use imgc_planner::{BlobDigest, RecordReader, RecordWriter};
use imgc_resolver::{
    FileType, Host, HostPath, KNOWLEDGE_VERSION, Knowledge, Look, Machine, NOTES_VERSION, Notes,
};
use imgc_writer::{CollectRoot, NewRecord, RecordKind, Store, StoredReceipt};

use crate::commands::Failure;
use crate::output::Said;
use crate::session::Session;

/// The version of a receipt's bytes: its own, and that of the notes in it.
const VERSION: u32 = 1 + (NOTES_VERSION << 16);

/// What a build made.
#[derive(Debug)]
pub(crate) struct Made<'a> {
    pub(crate) recipes: &'a [PathBuf],
    pub(crate) outputs: Vec<PathBuf>,
    /// The blobs of its layers.
    pub(crate) blobs: BTreeSet<BlobDigest>,
}

/// Says again what the build said whose receipt is there, if nothing has changed since. Tells
/// whether it did.
///
/// # Errors
/// When stdout fails.
pub(crate) fn replay(session: &mut Session) -> Result<bool, Failure> {
    let Some(path) = session.store_place.path().map(|path| session.absolute(path)) else {
        return Ok(false);
    };
    // Trouble with the store is for the build to report.
    let Ok(Some(store)) = Store::open_existing(&path) else { return Ok(false) };
    let key = key(&path, session);
    let Some(said) = recall(&store, &key) else { return Ok(false) };
    // Once a day, so that the collector knows.
    store.refresh(RecordKind::Receipt, &key, session.days_ago(1));
    for said in said {
        match said {
            Said::Result(text) => session.output.line(text)?,
            Said::Talk(text) => {
                session.output.flush()?;
                session.talk.write(&text);
            }
        }
    }
    Ok(true)
}

fn recall(store: &Store, key: &str) -> Option<Vec<Said>> {
    let record = store.record(RecordKind::Receipt, key, VERSION)?;
    let mut reader = RecordReader::new(&record);
    let (_recipes, _blobs) = read_root(&mut reader)?;
    let (inputs, outputs) = (reader.bytes()?, reader.bytes()?);
    let count = reader.count(2)?;
    let mut text = || {
        let tag = reader.tag()?;
        let text = String::from_utf8(reader.bytes()?.to_vec()).ok()?;
        Some(if tag == 0 { Said::Result(text) } else { Said::Talk(text) })
    };
    let said = (0..count).map(|_| text()).collect::<Option<_>>()?;
    reader.end()?;
    (Notes::hold(inputs) && Notes::hold(outputs)).then_some(said)
}

/// Where the store keeps what was found out about files.
const FILES: &str = "files";

/// Returns what earlier builds found out about files.
pub(crate) fn recall_knowledge(store: &Store) -> Knowledge {
    let record = store.record(RecordKind::Memory, FILES, KNOWLEDGE_VERSION);
    record.and_then(|record| Knowledge::decode(&record)).unwrap_or_default()
}

/// Keeps the receipt of a build that is done, and what it found out about files. There is none if something changed meanwhile.
pub(crate) fn keep(store: &Store, made: &Made<'_>, session: &Session) {
    let noted = &session.noted;
    let learned = noted.learned().map(|learned| NewRecord {
        kind: RecordKind::Memory,
        name: FILES.into(),
        version: KNOWLEDGE_VERSION,
        record: learned,
    });
    let receipt = write(made, session).map(|receipt| NewRecord {
        kind: RecordKind::Receipt,
        name: key(store.path(), session),
        version: VERSION,
        record: receipt,
    });
    store.keep_records(&learned.into_iter().chain(receipt).collect::<Vec<_>>());
}

fn write(made: &Made<'_>, session: &Session) -> Option<Vec<u8>> {
    let noted = &session.noted;
    if !session.keeps_receipt
        || noted.settled_ns().is_some_and(|settled| !Session::wait_until(settled))
    {
        return None;
    }
    let inputs = noted.notes()?;
    let mut paths = Vec::new();
    for output in &made.outputs {
        list(&HostPath::new(session.absolute(output).as_os_str().as_bytes()), &mut paths);
    }
    let mut writer = RecordWriter::default();
    writer.number(made.recipes.len() as u64);
    for recipe in made.recipes {
        writer.bytes(session.absolute(recipe).as_os_str().as_bytes());
    }
    writer.number(made.blobs.len() as u64);
    for blob in &made.blobs {
        writer.array(blob.as_bytes());
    }
    writer.bytes(&inputs.encode());
    writer.bytes(&Notes::take(&paths, Look::Content).encode());
    let said = session.said();
    writer.number(said.len() as u64);
    for said in &said {
        let (tag, text) = match said {
            Said::Result(text) => (0, text),
            Said::Talk(text) => (1, text),
        };
        writer.tag(tag);
        writer.bytes(text.as_bytes());
    }
    Some(writer.finish())
}

/// Returns what a receipt wants to be kept; nothing if none of its recipes is there any more, or it
/// is of another version.
pub(crate) fn root(receipt: &StoredReceipt) -> Option<CollectRoot> {
    let (version, record) = &receipt.record;
    let (recipes, blobs) = read_root(&mut RecordReader::new(record))?;
    let is_wanted = *version == VERSION && recipes.iter().any(|recipe| recipe.exists());
    is_wanted.then(|| CollectRoot { receipt: receipt.name.clone(), used: receipt.used, blobs })
}

fn read_root<'a>(reader: &mut RecordReader<'a>) -> Option<(Vec<&'a Path>, Vec<BlobDigest>)> {
    let count = reader.count(1)?;
    let recipe = |_| Some(Path::new(OsStr::from_bytes(reader.bytes()?)));
    let recipes = (0..count).map(recipe).collect::<Option<_>>()?;
    let count = reader.count(32)?;
    let blob = |_| reader.array().map(BlobDigest::new);
    Some((recipes, (0..count).map(blob).collect::<Option<_>>()?))
}

/// Lists an output and all that is in it.
fn list(path: &HostPath, paths: &mut Vec<HostPath>) {
    paths.push(path.clone());
    let is_directory = Machine.lstat(path).is_ok_and(|stat| stat.file_type == FileType::Directory);
    // What cannot be listed now is found to have changed later.
    for name in is_directory.then(|| Machine.read_dir(path).ok()).flatten().into_iter().flatten() {
        list(&path.join(&name), paths);
    }
}

/// Names a build by all that was typed, and by the surroundings that it depends on. Paths are taken
/// from the store: a project that carries its store along finds its receipts again.
fn key(store: &Path, session: &Session) -> String {
    let mut writer = RecordWriter::default();
    writer.bytes(relative(&session.cwd, store).as_os_str().as_bytes());
    for word in session.words() {
        let path = Path::new(&word);
        let word = if path.is_absolute() { relative(path, store) } else { path.to_owned() };
        writer.bytes(word.as_os_str().as_bytes());
    }
    writer.bytes(format!("{:?}", session.source_date_epoch()).as_bytes());
    writer.tag(u8::from(session.colors));
    let digest = imgc_planner::Digest::of(&writer.finish());
    digest.hex()
}

/// Returns `path` as it is named from the directory `base`; both are absolute.
fn relative(path: &Path, base: &Path) -> PathBuf {
    let shared = path.components().zip(base.components()).take_while(|(one, other)| one == other);
    let shared = shared.count();
    let up = base.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_named_from_the_store() {
        let name = |path: &str, base: &str| relative(Path::new(path), Path::new(base));
        assert_eq!(name("/a/b/c", "/a/x"), Path::new("../b/c"));
        assert_eq!(name("/a/b", "/a/b"), Path::new(""));
        assert_eq!(name("/a", "/b/c/d"), Path::new("../../../a"));
        assert_eq!(name("/a/b/../c", "/a"), Path::new("b/../c"));
    }
}
