//! Bytes as a program and as its library: what a loader would make of it.
#![no_main]

use std::sync::Arc;

use imgc_parser::ImagePath;
use imgc_resolver::loader::{Elf, Loader, Request};
use imgc_resolver::{Host, HostPath, Memory, Root, Roots};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let places = ["/app", "/lib64/ld-linux-x86-64.so.2", "/lib/libc.so.6"];
    let host = places.iter().fold(Memory::new(), |host, place| host.program(place, bytes));
    let file = host.open(&HostPath::new(b"/app")).expect("it is there");
    let _ = Elf::read(&*file, bytes.len() as u64, None);
    let roots = Roots::new(vec![Root::new(Arc::new(host), HostPath::new(b"/"))]);
    let request = Request {
        program: b"/app",
        placed: None,
        cwd: &ImagePath::root(),
        library_path: None,
        preload: None,
        opens_last: false,
        level: None,
        platform: None,
        file_capabilities: false,
        libraries: true,
    };
    let _ = Loader::new().trace(&roots, &request);
});
