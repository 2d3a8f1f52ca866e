//! What the files of a closure say about the time after the start: which symbols they use, which
//! names stand in them, what they mean to open.
//!
//! [`read_all`] reads each ELF file once, when it is known to be in the image. Evidence puts nothing
//! into an image by itself.

mod constants;
mod facts;

use std::collections::BTreeMap;

use imgc_planner::{Digest, ElfFacts};
use rayon::prelude::*;

use crate::contents::FileRef;

/// What was read of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// What the checks of the image ask for.
    pub(crate) facts: ElfFacts,
}

/// Reads ELF files, several at a time. A file that cannot be read any more says nothing: the writer
/// reads it whole, and fails.
pub(crate) fn read_all(files: &BTreeMap<Digest, &FileRef>) -> BTreeMap<Digest, Evidence> {
    let listed: Vec<_> = files.iter().collect();
    let read: Vec<_> = listed
        .par_iter()
        .filter_map(|(digest, file)| Some((**digest, facts::read(file)?)))
        .collect();
    read.into_iter().collect()
}
