//! The collector: removes from the store what no receipt needs.
//!
//! It takes no lock and asks nobody. A build that misses something makes it again; one that has
//! taken a blob has a name of its own for it, or its bytes.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Read;

use imgc_planner::BlobDigest;

use crate::store::envelope::{self, Opened, RecordKind};
use crate::store::layer_record::{LayerRecord, VERSION};
use crate::store::survey::{Amount, Item, digest_of};
use crate::store::{Room, Store, StoreError};

/// A receipt in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Its name.
    pub name: String,
    /// Its version, and its bytes.
    pub record: (u32, Vec<u8>),
    /// When it was used last, to a day, in seconds since 1970.
    pub used: i64,
}

/// A receipt that is worth keeping, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectRoot {
    /// The receipt's name.
    pub receipt: String,
    /// When it was used last.
    pub used: i64,
    /// The blobs of the layers that were built.
    pub blobs: Vec<BlobDigest>,
}

impl Store {
    /// Returns all receipts that can be read.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn receipts(&self) -> Result<Vec<StoredReceipt>, StoreError> {
        let mut receipts = Vec::new();
        for item in self.items(Room::Receipts)? {
            let mut bytes = Vec::new();
            let Some(file) = self.file(Room::Receipts, &item.name) else { continue };
            let read = file.take(envelope::MAX_BYTES).read_to_end(&mut bytes);
            read.map_err(|source| StoreError::unusable(self.path(), source))?;
            let opened = envelope::open(RecordKind::Receipt, bytes);
            if let (Some(name), Opened::Record(version, record)) = (item.name.to_str(), opened) {
                let (name, record) = (name.to_owned(), (version, record));
                receipts.push(StoredReceipt { name, record, used: item.used });
            }
        }
        Ok(receipts)
    }

    /// Removes everything that no root needs, then roots, the least recently used first, until the
    /// rest has at most `keep_bytes`. Returns what was removed.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn collect(
        &self,
        mut roots: Vec<CollectRoot>,
        keep_bytes: Option<u64>,
    ) -> Result<Amount, StoreError> {
        let mut removed = self.sweep()?;
        let (blobs, receipts) = (self.items(Room::Blobs)?, self.items(Room::Receipts)?);
        roots.sort_by_key(|root| Reverse((root.used, root.receipt.clone())));
        let mut limit = keep_bytes.unwrap_or(u64::MAX);
        let memory = self.items(Room::Memory)?;
        limit = limit.saturating_sub(memory.iter().map(|item| item.size).sum());

        let (mut kept, mut needed) = (BTreeSet::<OsString>::new(), BTreeSet::<BlobDigest>::new());
        for root in roots {
            let new: BTreeSet<_> =
                root.blobs.iter().copied().filter(|blob| !needed.contains(blob)).collect();
            let is_new = |item: &&Item| digest_of(&item.name).is_some_and(|it| new.contains(&it));
            let own = receipts.iter().filter(|item| *item.name == *root.receipt);
            let size: u64 = blobs.iter().filter(is_new).chain(own).map(|item| item.size).sum();
            // What is older goes, too, even if it is smaller: the order says what is needed.
            if size > limit {
                break;
            }
            limit -= size;
            kept.insert(root.receipt.into());
            needed.extend(new);
        }
        let mut remove = |room, item: &Item| {
            self.discard(room, &item.name);
            removed.add(item.size);
        };
        for item in receipts.iter().filter(|item| !kept.contains(&item.name)) {
            remove(Room::Receipts, item);
        }
        for item in self.items(Room::Layers)? {
            let name = item.name.to_str().unwrap_or_default();
            let record = self.record(RecordKind::Layer, name, VERSION);
            let blob = record.and_then(|record| Some(LayerRecord::decode(&record)?.blob));
            let is_there = |blob: &BlobDigest| {
                blobs.iter().any(|item| digest_of(&item.name).as_ref() == Some(blob))
            };
            if !blob.is_some_and(|blob| needed.contains(&blob) && is_there(&blob)) {
                remove(Room::Layers, &item);
            }
        }
        for item in &blobs {
            if !digest_of(&item.name).is_some_and(|blob| needed.contains(&blob)) {
                remove(Room::Blobs, item);
            }
        }
        Ok(removed)
    }
}
