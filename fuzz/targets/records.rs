//! Bytes as records of the store, behind their checksums.
#![no_main]

use imgc_planner::RecordReader;
use imgc_resolver::{Knowledge, Notes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Knowledge::decode(bytes);
    let _ = Notes::hold(bytes);
    let mut reader = RecordReader::new(bytes);
    while reader.bytes().is_some() || reader.number().is_some() {}
});
