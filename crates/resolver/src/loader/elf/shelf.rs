//! Keeps what was read of each file for a whole build: programs share most of their libraries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::host::{Errno, FileId, HostFile};
use crate::root::{Roots, Walk};

use super::{Buffers, Elf, ElfProblem, Machine};

/// Whose eyes a file is read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::loader) enum View {
    /// A loader's: class and byte order are those that `e_ident` says.
    Loader,
    /// The kernel's: class and byte order are those of `e_machine`.
    Kernel,
}

/// Why a file could not be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::loader) enum Unread {
    /// It could not be opened.
    Open(Errno),
    /// It was opened and is no ELF file.
    Elf(ElfProblem),
}

type Entry = Result<Arc<Elf>, ElfProblem>;

/// What was read, and the file if it was opened for that.
type Read = (Arc<Elf>, Option<Box<dyn HostFile>>);

/// Files by their identity.
#[derive(Default)]
pub(in crate::loader) struct Shelf {
    files: Mutex<HashMap<(FileId, View), Entry>>,
    buffers: Mutex<Option<Buffers>>,
}

impl Shelf {
    /// Returns what stands at the end of `walk`, read at most once.
    pub(in crate::loader) fn read(
        &self,
        roots: &Roots,
        walk: &Walk,
        view: View,
    ) -> Result<Arc<Elf>, Unread> {
        self.read_open(roots, walk, view).map(|(elf, _)| elf)
    }

    /// As [`Shelf::read`]; also returns the file.
    pub(in crate::loader) fn read_open(
        &self,
        roots: &Roots,
        walk: &Walk,
        view: View,
    ) -> Result<Read, Unread> {
        let key = (walk.stat.id, view);
        if let Some(entry) = self.files().get(&key) {
            return entry.clone().map(|elf| (elf, None)).map_err(Unread::Elf);
        }
        let file = roots.open(walk).map_err(Unread::Open)?;
        // Threads that read at the same time make buffers of their own.
        let mut buffers = self.buffers().take().unwrap_or_default();
        let entry = read_with(&*file, walk.stat.size, view, &mut buffers);
        *self.buffers() = Some(buffers);
        self.files().insert(key, entry.clone());
        entry.map(|elf| (elf, Some(file))).map_err(Unread::Elf)
    }

    fn buffers(&self) -> std::sync::MutexGuard<'_, Option<Buffers>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> std::sync::MutexGuard<'_, HashMap<(FileId, View), Entry>> {
        // Entries are inserted whole: a panic elsewhere leaves none that is half made.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a file with someone's eyes.
pub(in crate::loader) fn read(file: &dyn HostFile, size_bytes: u64, view: View) -> Entry {
    read_with(file, size_bytes, view, &mut Buffers::default())
}

fn read_with(file: &dyn HostFile, size_bytes: u64, view: View, buffers: &mut Buffers) -> Entry {
    let elf = Elf::read_with(file, size_bytes, None, buffers)?;
    if view == View::Loader {
        return Ok(Arc::new(elf));
    }
    // `e_type` and `e_machine` stand at the same place in both classes; only their byte order can
    // be read wrongly.
    let machine = [elf.machine, Machine(elf.machine.0.swap_bytes())];
    let layout = machine.into_iter().find_map(Machine::layout);
    match layout {
        Some(layout) if layout != elf.layout => {
            Elf::read_with(file, size_bytes, Some(layout), buffers).map(Arc::new)
        }
        _ => Ok(Arc::new(elf)),
    }
}
