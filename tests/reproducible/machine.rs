//! What the processor can do does not matter: the code that is chosen at run time gives equal bytes.

use super::subject::{BUILD, archive, assert_same, plain_archive, project};
use crate::workbench::{IMGC, has, skip};
use std::process::Command;

/// Emulates a processor without the newer instructions.
const EMULATOR: &str = "qemu-x86_64-static";

fn check(processor: &str) {
    if !cfg!(target_arch = "x86_64") || !has(EMULATOR) {
        return skip("it takes x86_64 and qemu-x86_64-static");
    }
    let project = project();
    let plain = plain_archive(&project);
    let mut command = Command::new(EMULATOR);
    command.args(["-cpu", processor, IMGC]).args(BUILD);
    project.settle(&mut command);
    assert_same(&plain, &archive(&project, &mut command));
}

#[test]
fn the_oldest_64_bit_processor_gives_the_same_image() {
    check("qemu64");
}

#[test]
fn a_processor_without_avx_gives_the_same_image() {
    check("Nehalem");
}
