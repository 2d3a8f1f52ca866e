//! Bytes as an archive of an image: the second reader finds something or says why not.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::Builder::new().suffix(".tar").tempfile().expect("a temporary file");
    file.write_all(bytes).expect("it can be written");
    let _ = imgc_writer::inspect::inspect(file.path());
});
