//! Bytes as a lock: what is read is written as it was.
#![no_main]

use imgc_planner::lock::Lock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(lock) = Lock::parse(bytes) {
        let text = lock.text();
        let again = Lock::parse(text.as_bytes()).expect("what is written can be read");
        assert_eq!(again.text(), text);
    }
});
