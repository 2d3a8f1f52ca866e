//! Flushes to the disk, together.
//!
//! A flush waits for the disk, and on a file system with a journal mostly for the journal, which
//! takes in at once what waits at the same time (git's `core.fsyncMethod=batch` rests on the same).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::io::Errno;

use crate::staging;

/// How many flushes wait at the same time.
const THREADS: usize = 8;

/// Flushes files with their sizes and times.
pub(crate) fn files(files: &[&File]) -> io::Result<()> {
    each(files, &|file: &&File| file.sync_all())
}

/// Flushes the names in directories.
pub(crate) fn directories(directories: &[&OwnedFd]) -> Result<(), Errno> {
    each(directories, &|directory: &&OwnedFd| staging::sync_directory(directory))
}

/// Does something with each item, several at a time; returns the first error.
pub(crate) fn each<T: Sync, E: Send>(
    items: &[T],
    act: &(impl Fn(&T) -> Result<(), E> + Sync),
) -> Result<(), E> {
    let failed = Mutex::new(None);
    let run = |items: &[T]| {
        for item in items {
            if let Err(error) = act(item) {
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        }
    };
    let run = &run;
    // The first is this thread's own.
    let (mine, theirs) = items.split_at(items.len().min(1));
    thread::scope(|scope| {
        for share in theirs.chunks(theirs.len().div_ceil(THREADS).max(1)) {
            // Without another thread it takes longer, and is done all the same.
            if thread::Builder::new().spawn_scoped(scope, move || run(share)).is_err() {
                run(share);
            }
        }
        run(mine);
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_is_done_once_and_one_error_is_enough() {
        for count in [0, 1, 2, 9, 50] {
            let items: Vec<usize> = (0..count).collect();
            let done = AtomicUsize::new(0);
            let act = |item: &usize| {
                done.fetch_add(1, Ordering::Relaxed);
                if *item == 7 { Err(*item) } else { Ok(()) }
            };
            assert_eq!(each(&items, &act), if count > 7 { Err(7) } else { Ok(()) });
            assert_eq!(done.into_inner(), count);
        }
    }
}
