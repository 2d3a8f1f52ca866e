//! Links the program so that its start costs little: statically, where that works, and with what
//! runs at a start side by side.
//!
//! `docs/decisions/0005-linking.md` has the reasons and what was measured. Rust's own way to link
//! statically, `-C target-feature=+crt-static`, is closed to a plain `cargo build`: without
//! `--target` it also reaches procedural macros, which are shared libraries. So the linker is told
//! by arguments of the program alone, and finds the archives of the C library under the names of its
//! shared libraries.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

/// What Rust's standard library links on GNU/Linux, and what takes its place. The archives of the
/// C library and of the unwinder need each other.
const STAND_INS: [(&str, &str); 7] = [
    ("libgcc_s.so", "GROUP(libgcc_eh.a libgcc.a libc.a)"),
    ("libc.so", "GROUP(libc.a libgcc_eh.a libgcc.a)"),
    ("libm.so", "INPUT(libm.a)"),
    ("libdl.so", "INPUT(libdl.a)"),
    ("libpthread.so", "INPUT(libpthread.a)"),
    ("librt.so", "INPUT(librt.a)"),
    ("libutil.so", "INPUT(libutil.a)"),
];

/// Fails to compile, to link or to run where a way of linking does not work; with an argument, also
/// where a shared library is in memory. It uses what a static program could lack: threads,
/// thread-local storage, unwinding, symbols that may be absent.
const PROBE: &str = r#"
    use std::{env, fs, panic, process, thread};
    fn main() {
        panic::set_hook(Box::new(|_| {}));
        let caught = panic::catch_unwind(|| panic!("thrown")).is_err();
        let joined = thread::spawn(|| panic::catch_unwind(|| panic!("thrown")).is_err()).join();
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let shares = env::args().len() > 1 && maps.contains(".so");
        process::exit(if caught && joined.unwrap_or(false) && !shares { 0 } else { 1 });
    }
"#;

/// Tells cargo to link the program in the best way that works, unless the builder does not want
/// that: as ever.
pub(crate) fn decide(root: &Path, out: &Path) -> io::Result<()> {
    let layout = root.join("crates/core/build/layout.ld");
    println!("cargo::rerun-if-env-changed=IMGC_DYNAMIC");
    println!("cargo::rerun-if-env-changed=RUSTFLAGS");
    println!("cargo::rerun-if-changed={}", layout.display());
    if env::var_os("IMGC_DYNAMIC").is_some() || !is_promising() {
        return Ok(());
    }
    let directory = out.join("static");
    fs::create_dir_all(&directory)?;
    for (name, script) in STAND_INS {
        fs::write(directory.join(name), format!("{script}\n"))?;
    }
    // A fixed address spares relocating some seven thousand pointers at each start; not to make
    // tables read-only spares a call, and the pages at their borders.
    let is_static = [
        format!("-L{}", directory.display()),
        "-no-pie".into(),
        "-static".into(),
        "-Wl,-z,norelro".into(),
    ];
    // Not every linker knows how to put sections before others. lld writes its output with calls,
    // which page caches like better than a mapping: LLVM 22 takes the option for its contrary.
    let layout = [format!("-T{}", layout.display()), "-Wl,--mmap-output-file".into()];
    let ways = [
        (true, [&is_static[..], &layout].concat()),
        (true, is_static.into()),
        (false, layout.into()),
    ];
    for (is_static, arguments) in ways {
        if probe(out, &arguments, is_static)? {
            for argument in arguments {
                println!("cargo::rustc-link-arg-bins={argument}");
            }
            break;
        }
    }
    Ok(())
}

/// Tells whether it is worth a try: what is built runs here, on GNU/Linux, and rustc does not link it
/// statically anyway. Other C libraries link statically as it is, or not at all.
fn is_promising() -> bool {
    let is = |name: &str, wanted: &[&str]| {
        env::var(name).is_ok_and(|value| wanted.contains(&value.as_str()))
    };
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    is("CARGO_CFG_TARGET_OS", &["linux"])
        && is("CARGO_CFG_TARGET_ENV", &["gnu"])
        && is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"])
        && env::var_os("TARGET") == env::var_os("HOST")
        && !features.split(',').any(|feature| feature == "crt-static")
}

/// Compiles, links and runs a small program in the way in which ours will be.
fn probe(out: &Path, arguments: &[String], is_static: bool) -> io::Result<bool> {
    let (source, program) = (out.join("probe.rs"), out.join("probe"));
    fs::write(&source, PROBE)?;
    let mut rustc = Command::new(env::var_os("RUSTC").map_or("rustc".into(), PathBuf::from));
    rustc.arg("--edition=2024").arg(&source).arg("-o").arg(&program);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={linker}"));
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    for argument in arguments {
        rustc.arg("-C").arg(format!("link-arg={argument}"));
    }
    let mut program = Command::new(program);
    program.args(is_static.then_some("static"));
    Ok(succeeds(&mut rustc) && succeeds(&mut program))
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
