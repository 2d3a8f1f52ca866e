//! Which loader a shared library is meant for. It names none, unlike a program; the loader is
//! looked for where programs of the same machine name it.

use super::elf::{Elf, Machine};

/// The loader of glibc and that of musl, by machine (glibc `sysdeps/*/shlib-versions` with
/// `ldd-rewrite.sed`, musl `arch/*/reloc.h`). The first of each that exists is taken.
const LOADERS: [(Machine, &[&str], &[&str]); 8] = [
    (Machine::X86_64, &["/lib64/ld-linux-x86-64.so.2"], &["/lib/ld-musl-x86_64.so.1"]),
    (Machine::I386, &["/lib/ld-linux.so.2"], &["/lib/ld-musl-i386.so.1"]),
    (Machine::AARCH64, &["/lib/ld-linux-aarch64.so.1"], &["/lib/ld-musl-aarch64.so.1"]),
    (
        Machine::ARM,
        &["/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.3"],
        &["/lib/ld-musl-armhf.so.1", "/lib/ld-musl-arm.so.1"],
    ),
    (Machine::RISCV, &["/lib/ld-linux-riscv64-lp64d.so.1"], &["/lib/ld-musl-riscv64.so.1"]),
    (Machine::PPC64, &["/lib64/ld64.so.2"], &["/lib/ld-musl-powerpc64le.so.1"]),
    (Machine::S390, &["/lib/ld64.so.1"], &["/lib/ld-musl-s390x.so.1"]),
    (
        Machine::LOONGARCH,
        &["/lib64/ld-linux-loongarch-lp64d.so.1"],
        &["/lib/ld-musl-loongarch64.so.1"],
    ),
];

/// Returns the machine whose programs name a loader by this path.
pub(crate) fn machine_of(interpreter: &[u8]) -> Option<Machine> {
    let is_among = |paths: &[&str]| paths.iter().any(|path| path.as_bytes() == interpreter);
    let known = LOADERS.into_iter().find(|(_, glibc, musl)| is_among(glibc) || is_among(musl));
    known.map(|(machine, ..)| machine)
}

/// Tells whether a file without `PT_INTERP` is a library and no static program: both are `ET_DYN`.
///
/// A program has an entry point, `DF_1_PIE`, and may be executed, and nobody gives it a soname.
pub(super) fn is_library(elf: &Elf, mode: u16) -> bool {
    let Some(dynamic) = elf.dynamic() else { return false };
    !elf.is_fixed()
        && !dynamic.needed.is_empty()
        && !dynamic.is_pie()
        && (dynamic.soname.is_some() || elf.entry == 0 || mode & 0o111 == 0)
}

/// Returns the paths at which the loader of a library may stand, the likeliest first.
pub(super) fn loaders(library: &Elf) -> impl Iterator<Item = &'static str> {
    let known = LOADERS.into_iter().find(|(machine, ..)| *machine == library.machine);
    let (glibc, musl): (&[&str], &[&str]) = match known {
        Some((_, glibc, musl)) if needs_musl(library) => (musl, glibc),
        Some((_, glibc, musl)) => (glibc, musl),
        None => (&[], &[]),
    };
    glibc.iter().chain(musl).copied()
}

/// musl's libc is `libc.so`, in Alpine `libc.musl-x86_64.so.1`; glibc's is `libc.so.6`.
fn needs_musl(library: &Elf) -> bool {
    let needed = library.dynamic().map(|dynamic| &*dynamic.needed).unwrap_or_default();
    needed.iter().any(|(_, name)| **name == *b"libc.so" || name.starts_with(b"libc.musl-"))
}
