//! The rules of both loaders, one test each; named by the rule.

use std::sync::Arc;

use imgc_planner::recipe::ImagePath;

use super::fixture::*;
use super::*;
use crate::host::HostPath;
use crate::memory::Memory;
use crate::root::{Root, Roots};

const LD: &str = "/lib64/ld-linux-x86-64.so.2";

/// A tree with glibc's loader in it.
fn tree(version: &str) -> Memory {
    Memory::new().program(LD, glibc(version, &library()))
}

fn with(tree: Memory, files: &[(&str, File)]) -> Memory {
    files.iter().fold(tree, |tree, (path, file)| tree.program(path, file.bytes()))
}

#[derive(Clone, Copy)]
struct Start<'a> {
    program: &'a str,
    cwd: &'a str,
    library_path: Option<&'a str>,
    preload: Option<&'a str>,
    level: Option<Level>,
    capabilities: bool,
    libraries: bool,
}

const START: Start<'static> = Start {
    program: "/app/main",
    cwd: "/",
    library_path: None,
    preload: None,
    level: None,
    capabilities: false,
    libraries: false,
};

fn trace(tree: Memory, start: Start<'_>) -> Result<Trace, StartProblem> {
    let roots = Roots::new(vec![Root::new(Arc::new(tree), HostPath::new(b"/"))]);
    let cwd = ImagePath::parse(start.cwd.as_bytes()).unwrap();
    let request = Request {
        program: start.program.as_bytes(),
        placed: None,
        cwd: &cwd,
        library_path: start.library_path.map(str::as_bytes),
        preload: start.preload.map(str::as_bytes),
        opens_last: false,
        level: start.level,
        platform: None,
        file_capabilities: start.capabilities,
        libraries: start.libraries,
    };
    Loader::new().trace(&roots, &request)
}

/// The paths as opened, `!name` for what is missing, and what was fatal.
fn shown(tree: Memory, start: Start<'_>) -> String {
    let trace = trace(tree, start).unwrap();
    let mut shown: Vec<String> = Vec::new();
    for listed in &trace.order {
        if let Listed::Object(place) = listed {
            shown.push(String::from_utf8_lossy(&trace.objects[*place].path).into());
        }
    }
    for missing in &trace.missing {
        shown.push(format!("!{}", String::from_utf8_lossy(&missing.name)));
    }
    if let Some(fatal) = &trace.fatal {
        shown.push(format!("{}: {}", String::from_utf8_lossy(&fatal.path), fatal.cause));
    }
    shown.join(" ")
}

#[track_caller]
fn check(files: &[(&str, File)], expected: &str) {
    assert_eq!(shown(with(tree("2.36"), files), START), expected);
}

fn main_program() -> File {
    program(LD)
}

#[test]
fn rpath_is_inherited() {
    check(
        &[
            ("/app/main", main_program().needed("liba.so").text(RPATH, "/x")),
            ("/x/liba.so", library().needed("libb.so")),
            ("/x/libb.so", library()),
        ],
        "/x/liba.so /x/libb.so",
    );
}

#[test]
fn runpath_is_not_inherited() {
    check(
        &[
            ("/app/main", main_program().needed("liba.so").text(RUNPATH, "/x")),
            ("/x/liba.so", library().needed("libb.so")),
            ("/x/libb.so", library()),
        ],
        "/x/liba.so !libb.so",
    );
}

#[test]
fn a_runpath_makes_the_own_rpath_void_even_if_it_is_empty() {
    check(
        &[
            ("/app/main", main_program().needed("liba.so").text(RPATH, "/x").text(RUNPATH, "")),
            ("/x/liba.so", library()),
        ],
        "!liba.so",
    );
}

#[test]
fn a_requester_with_runpath_uses_no_ancestors_rpath_and_is_no_end_of_the_chain() {
    check(
        &[
            ("/app/main", main_program().needed("liba.so").text(RPATH, "/x")),
            ("/x/liba.so", library().needed("libb.so").needed("libc1.so").text(RUNPATH, "/y")),
            ("/y/libb.so", library().needed("libd.so")),
            ("/x/libc1.so", library()),
            ("/x/libd.so", library()),
        ],
        "/x/liba.so /y/libb.so /x/libd.so !libc1.so",
    );
}

#[test]
fn the_order_is_breadth_first_and_the_first_requester_decides() {
    check(
        &[
            ("/app/main", main_program().needed("liba.so").needed("libb.so").text(RPATH, "/x")),
            ("/x/liba.so", library().needed("libc1.so")),
            ("/x/libb.so", library().needed("libd.so").text(RUNPATH, "/y")),
            ("/x/libc1.so", library().needed("libd.so")),
            ("/y/libd.so", library()),
            ("/x/libd.so", library()),
        ],
        "/x/liba.so /x/libb.so /x/libc1.so /y/libd.so",
    );
}

#[test]
fn the_program_origin_is_real_and_a_library_origin_is_as_opened() {
    let tree = with(
        tree("2.36"),
        &[
            ("/real/bin/main", main_program().needed("liba.so").text(RUNPATH, "$ORIGIN/../lib")),
            ("/store/liba.so", library().needed("libb.so").text(RUNPATH, "$ORIGIN")),
            ("/real/lib/libb.so", library()),
            ("/store/libb.so", library()),
        ],
    )
    .link("/app", "real/bin")
    .link("/real/lib/liba.so", "../../store/liba.so");
    assert_eq!(shown(tree, START), "/real/bin/../lib/liba.so /real/bin/../lib/libb.so");
}

#[test]
fn library_path_comes_between_rpath_and_runpath() {
    let files = |tag| {
        [
            ("/app/main", main_program().needed("liba.so").text(tag, "/x")),
            ("/x/liba.so", library()),
            ("/env/liba.so", library()),
        ]
    };
    let start = Start { library_path: Some("/none;/env"), ..START };
    assert_eq!(shown(with(tree("2.36"), &files(RPATH)), start), "/x/liba.so");
    assert_eq!(shown(with(tree("2.36"), &files(RUNPATH)), start), "/env/liba.so");
}

#[test]
fn a_secure_start_ignores_the_environment() {
    let files = [
        ("/app/main", main_program().needed("liba.so")),
        ("/env/liba.so", library()),
        ("/lib/liba.so", library()),
    ];
    let start = Start {
        library_path: Some("/env"),
        preload: Some("/env/liba.so"),
        capabilities: true,
        ..START
    };
    assert_eq!(shown(with(tree("2.36"), &files), start), "/lib/liba.so");
}

#[test]
fn a_name_with_a_slash_is_a_path_and_never_searched() {
    check(
        &[
            ("/app/main", main_program().needed("sub/liba.so").needed("$ORIGIN/libb.so")),
            ("/sub/liba.so", library()),
            ("/app/libb.so", library()),
        ],
        "sub/liba.so /app/libb.so",
    );
    check(
        &[("/app/main", main_program().needed("./liba.so")), ("/lib/liba.so", library())],
        "!./liba.so",
    );
}

#[test]
fn a_soname_satisfies_a_later_plain_name_and_not_the_reverse() {
    let by_path = || library().text(SONAME, "liba.so.1");
    check(
        &[
            ("/app/main", main_program().needed("/x/a.so").needed("liba.so.1")),
            ("/x/a.so", by_path()),
            ("/lib/liba.so.1", library()),
        ],
        "/x/a.so",
    );
    check(
        &[
            ("/app/main", main_program().needed("liba.so.1").needed("/x/a.so")),
            ("/x/a.so", by_path()),
            ("/lib/liba.so.1", library()),
        ],
        "/lib/liba.so.1 /x/a.so",
    );
}

#[test]
fn equal_inodes_are_one_object_and_equal_contents_are_two() {
    let files =
        [("/app/main", main_program().needed("/x/a.so").needed("/x/b.so").needed("/x/c.so"))];
    let tree = with(tree("2.36"), &files)
        .file("/x/a.so", library().bytes())
        .file("/x/c.so", library().bytes())
        .hard_link("/x/b.so", "/x/a.so");
    let trace = trace(tree, START).unwrap();
    assert_eq!(trace.objects.len(), 2);
    assert!(matches!(trace.lookups[1].outcome, Outcome::SameFile { object: 0, .. }));
    assert_eq!(trace.objects[0].names, [(*b"/x/a.so").into(), Box::from(*b"/x/b.so")]);
}

#[test]
fn the_loader_and_the_kernel_object_are_never_searched() {
    check(
        &[(
            "/app/main",
            main_program().needed("ld-linux-x86-64.so.2").needed("linux-vdso.so.1").needed(""),
        )],
        "",
    );
}

#[test]
fn another_class_or_machine_is_passed_over_and_other_faults_are_fatal() {
    let main = || main_program().needed("liba.so").text(RUNPATH, "/x");
    let mut narrow = library();
    narrow.class = Class::Elf32;
    narrow.machine = Machine::I386;
    let mut arm = library();
    arm.machine = Machine::AARCH64;
    for other in [narrow, arm] {
        check(
            &[("/app/main", main()), ("/x/liba.so", other), ("/lib/liba.so", library())],
            "/lib/liba.so",
        );
    }
    let fatal = |bytes: &[u8], text: &str| {
        let tree = with(tree("2.36"), &[("/app/main", main()), ("/lib/liba.so", library())]);
        assert_eq!(shown(tree.file("/x/liba.so", bytes), START), format!("/x/liba.so: {text}"));
    };
    fatal(b"INPUT(-la)", "file too short");
    fatal(&[b'x'; 100], "invalid ELF header");
    let patched = |at: usize, byte: u8| {
        let mut bytes = library().bytes();
        bytes[at] = byte;
        bytes
    };
    fatal(&patched(5, 2), "ELF file data encoding not little-endian");
    fatal(&patched(6, 2), "ELF file version ident does not match current one");
    fatal(&patched(7, 9), "ELF file OS ABI invalid");
    fatal(&patched(8, 1), "ELF file ABI version invalid");
    fatal(&patched(12, 1), "nonzero padding in e_ident");
    fatal(&patched(16, 1), "only ET_DYN and ET_EXEC can be loaded");
    fatal(&patched(16, 2), "cannot dynamically load executable");
    fatal(&patched(20, 2), "ELF file version does not match current one");
    fatal(&patched(54, 1), "ELF file's phentsize not the expected size");
    fatal(&library().without_dynamic().bytes(), "object file has no dynamic section");
    fatal(
        &library().number(FLAGS_1, 0x0800_0000).bytes(),
        "cannot dynamically load position-independent executable",
    );
    let tree = with(tree("2.36"), &[("/app/main", main())]).directory("/x/liba.so");
    assert_eq!(shown(tree, START), "/x/liba.so: cannot read file data");
}

#[test]
fn no_default_libraries_is_about_one_requester() {
    let flags = 0x800;
    check(
        &[
            (
                "/app/main",
                main_program().needed("/x/a.so").needed("libb.so").number(FLAGS_1, flags),
            ),
            ("/x/a.so", library().needed("libc1.so")),
            ("/lib/libb.so", library()),
            ("/lib/libc1.so", library()),
        ],
        "/x/a.so /lib/libc1.so !libb.so",
    );
}

#[test]
fn filters_come_before_their_owner() {
    check(
        &[
            ("/app/main", main_program().needed("liba.so").needed("libz.so")),
            ("/lib/liba.so", library().text(FILTER, "libf.so").text(AUXILIARY, "libg.so")),
            ("/lib/libf.so", library().needed("libh.so")),
            ("/lib/libh.so", library()),
            ("/lib/libz.so", library()),
        ],
        "/lib/libf.so /lib/liba.so /lib/libz.so /lib/libh.so !libg.so",
    );
    let endless = [
        ("/app/main", main_program().needed("liba.so")),
        ("/lib/liba.so", library().text(FILTER, "libb.so")),
        ("/lib/libb.so", library().text(FILTER, "liba.so")),
    ];
    let trace = trace(with(tree("2.36"), &endless), START).unwrap();
    assert!(trace.objects.len() == 2);
}

#[test]
fn an_optional_object_that_is_broken_does_not_stop_the_start() {
    let tree = with(
        tree("2.36"),
        &[
            ("/app/main", main_program().needed("liba.so").text(AUXILIARY, "libx.so")),
            ("/lib/liba.so", library()),
        ],
    );
    let tree = tree.file("/lib/libx.so", [b'x'; 99]);
    let trace = trace(tree, Start { preload: Some("libx.so"), ..START }).unwrap();
    assert!(trace.fatal.is_none());
    assert_eq!(trace.missing.len(), 2);
    assert!(trace.missing.iter().all(|missing| !missing.required));
}

#[test]
fn preloaded_objects_come_first() {
    let tree = with(
        tree("2.36"),
        &[
            ("/app/main", main_program().needed("liba.so")),
            ("/lib/liba.so", library()),
            ("/lib/libp.so", library().needed("libr.so")),
            ("/lib/libq.so", library()),
            ("/lib/libr.so", library()),
        ],
    );
    let tree = tree.file("/etc/ld.so.preload", "libq.so # libz.so\n");
    let start = Start { preload: Some("libp.so:libnone.so"), ..START };
    assert_eq!(
        shown(tree, start),
        "/lib/libp.so /lib/libq.so /lib/liba.so /lib/libr.so !libnone.so"
    );
}

#[test]
fn the_cache_is_asked_before_the_default_directories_and_opened_as_it_is() {
    let files = [
        ("/app/main", main_program().needed("liba.so.1").needed("libb.so.1")),
        ("/opt/liba.so.1", library()),
        ("/lib/liba.so.1", library()),
        ("/lib/libb.so.1", library()),
    ];
    let cache = cache(
        &[
            ("libb.so.1", "/opt/gone.so", 0x303, 0),
            ("liba.so.1", "/opt/narrow.so", 0x803, 0),
            ("liba.so.1", "/opt/liba.so.1", 0x303, 0),
        ],
        &[],
    );
    let tree = with(tree("2.36"), &files).file("/etc/ld.so.cache", cache);
    let trace = trace(tree.clone(), START).unwrap();
    assert_eq!(trace.configuration.len(), 1);
    assert_eq!(shown(tree, START), "/opt/liba.so.1 /lib/libb.so.1");
}

#[test]
fn capability_directories_are_for_those_who_ask() {
    let files = [
        ("/app/main", main_program().needed("liba.so").text(RUNPATH, "/x")),
        ("/x/liba.so", library()),
        ("/x/glibc-hwcaps/x86-64-v2/liba.so", library()),
        ("/x/glibc-hwcaps/x86-64-v4/liba.so", library()),
    ];
    let at = |level| shown(with(tree("2.37"), &files), Start { level, ..START });
    assert_eq!(at(None), "/x/liba.so");
    assert_eq!(at(Some(Level::V3)), "/x/glibc-hwcaps/x86-64-v2/liba.so");
    assert_eq!(at(Some(Level::V4)), "/x/glibc-hwcaps/x86-64-v4/liba.so");
}

#[test]
fn legacy_capability_directories_ended_with_2_37() {
    let files = [
        ("/app/main", main_program().needed("liba.so").text(RUNPATH, "/x")),
        ("/x/liba.so", library()),
        ("/x/tls/x86_64/liba.so", library()),
    ];
    assert_eq!(shown(with(tree("2.36"), &files), START), "/x/tls/x86_64/liba.so");
    assert_eq!(shown(with(tree("2.37"), &files), START), "/x/liba.so");
}

#[test]
fn an_endless_link_ends_one_list_and_not_the_search() {
    let files = [
        ("/app/main", main_program().needed("liba.so").text(RUNPATH, "/x:/y")),
        ("/y/liba.so", library()),
        ("/lib/liba.so", library()),
    ];
    let tree = with(tree("2.36"), &files).link("/x/liba.so", "liba.so");
    assert_eq!(shown(tree, START), "/lib/liba.so");
}

#[test]
fn a_regular_file_as_a_list_element_is_passed_over() {
    check(
        &[
            ("/app/main", main_program().needed("liba.so").text(RUNPATH, "/app/main:/x")),
            ("/x/liba.so", library()),
        ],
        "/x/liba.so",
    );
}

#[test]
fn versions_are_looked_for_in_the_file_that_is_named() {
    let files = [
        (
            "/app/main",
            main_program()
                .needed("liba.so")
                .needed("libb.so")
                .needs("liba.so", "A_2", 0)
                .needs("liba.so", "A_1", 0)
                .needs("liba.so", "A_3", 2)
                .needs("libb.so", "B_1", 0),
        ),
        ("/lib/liba.so", library().defines("liba.so").defines("A_1")),
        ("/lib/libb.so", library()),
    ];
    let trace = trace(with(tree("2.36"), &files), START).unwrap();
    let causes: Vec<_> = trace.versions.iter().map(|problem| problem.cause).collect();
    assert_eq!(
        causes,
        // No relocation binds a symbol of that library: its version is only asked for.
        [VersionCause::NotFound, VersionCause::WeakNotFound, VersionCause::NoInformation]
    );
    assert_eq!(*trace.versions[0].version, *b"A_2");
}

#[test]
fn a_version_that_is_missing_is_fatal_unless_a_library_is_missing() {
    let main = || main_program().needed("liba.so").needs("liba.so", "A_2", 0);
    let provider = || library().defines("liba.so").defines("A_1");
    let listing = |main: File| {
        let files = [("/app/main", main), ("/lib/liba.so", provider())];
        trace(with(tree("2.36"), &files), START).unwrap().listing(b"p\n")
    };
    let whole = listing(main());
    let text = "/lib/liba.so: version `A_2' not found (required by p\\n); provided are A_1";
    assert_eq!(whole.fatal.as_deref(), Some(text));
    let lacking = listing(main().needed("libgone.so"));
    assert_eq!((lacking.fatal.as_deref(), lacking.lacks_library()), (None, true));
    assert_eq!(lacking.problems[0].text, text);
}

#[test]
fn what_is_missing_stands_where_its_object_would() {
    let files = [
        ("/app/main", main_program().needed("libgone.so").needed("liba.so").needed("libb.so")),
        (
            "/lib/liba.so",
            library().text(AUXILIARY, "libaux.so").text(FILTER, "libfil.so").needed("libgone.so"),
        ),
        ("/lib/libb.so", library()),
    ];
    let listing = trace(with(tree("2.36"), &files), START).unwrap().listing(b"/app/main");
    let shown = |library: &Library| {
        let name = String::from_utf8_lossy(&library.name).into_owned();
        if library.path.is_some() { name } else { format!("!{name}") }
    };
    let names: Vec<_> = listing.libraries.iter().map(shown).collect();
    assert_eq!(names, ["!libgone.so", "!libfil.so", "liba.so", "libb.so", "!libgone.so"]);
    assert_eq!(listing.optional.iter().map(shown).collect::<Vec<_>>(), ["!libaux.so"]);
    assert_eq!(*listing.libraries[4].needed_by, *b"/lib/liba.so");
}

#[test]
fn a_secure_start_looks_at_the_mode_of_preloads_that_it_searches() {
    let files = [
        ("/app/main", main_program().needed("liba.so")),
        ("/lib/liba.so", library()),
        ("/lib/libpath.so", library()),
        ("/lib/libname.so", library()),
    ];
    let tree = with(tree("2.36"), &files).file("/etc/ld.so.preload", "/lib/libpath.so libname.so");
    let start = Start { capabilities: true, ..START };
    assert_eq!(shown(tree, start), "/lib/libpath.so /lib/liba.so !libname.so");
}

#[test]
fn a_library_stands_for_a_program_if_that_is_asked_for() {
    let files = [
        ("/x/libmain.so", library().text(SONAME, "libmain.so").needed("liba.so")),
        ("/lib/liba.so", library().needed("libmain.so")),
    ];
    let tree = || with(tree("2.36"), &files);
    let start = Start { program: "/x/libmain.so", libraries: true, ..START };
    let traced = trace(tree(), start).unwrap();
    let listing = traced.listing(b"/x/libmain.so");
    assert_eq!((listing.interpreter, listing.libraries.len()), (None, 1));
    let start = Start { libraries: false, ..start };
    assert!(matches!(trace(tree(), start).unwrap().kind, Kind::Static));
}

#[test]
fn a_program_without_interpreter_is_static_whatever_it_needs() {
    let files = [("/app/main", library().needed("liba.so"))];
    let trace = trace(with(tree("2.36"), &files), START).unwrap();
    assert!(matches!(trace.kind, Kind::Static));
}

#[test]
fn a_program_that_needs_nothing_needs_the_loader_only() {
    let trace = trace(with(tree("2.36"), &[("/app/main", main_program())]), START).unwrap();
    assert!(matches!(trace.kind, Kind::LoaderOnly(_)));
}

#[test]
fn the_kernel_does_not_look_at_the_class() {
    let mut bytes = main_program().needed("liba.so").bytes();
    bytes[4] = 1;
    // e_shoff.
    bytes[40..48].fill(0xff);
    let tree = with(tree("2.36"), &[("/lib/liba.so", library())]).program("/app/main", bytes);
    let trace = trace(tree.clone(), START).unwrap();
    assert!(trace.warnings.contains(&Warning::OddHeader));
    assert_eq!(shown(tree, START), "/lib/liba.so");
}

#[test]
fn what_the_kernel_refuses() {
    let start = |bytes: &[u8]| {
        trace(tree("2.36").program("/app/main", bytes), START).err().map(|error| error.to_string())
    };
    assert_eq!(start(b"#!/bin/sh\n"), Some("the program is a script".into()));
    assert_eq!(start(b"plain text"), Some("the program is no ELF file".into()));
    let bytes = program("/lib64/none").bytes();
    assert_eq!(start(&bytes), Some("the program's interpreter cannot be reached".into()));
    let whole = main_program().bytes();
    assert!(matches!(
        trace(tree("2.36").program("/app/main", &whole[..whole.len() - 1]), START),
        Err(StartProblem::Refused(ElfProblem::Truncated))
    ));
}

#[test]
fn nobody_executes_a_loader_that_may_not_be_executed() {
    let tree = with(tree("2.36").mode(LD, 0o644), &[("/app/main", main_program())]);
    let problem = trace(tree, START).unwrap_err();
    assert_eq!(problem, StartProblem::InterpreterNotExecutable { path: LD.as_bytes().into() });
}

#[test]
fn auditors_are_loaded_apart() {
    let files = [
        ("/app/main", main_program().needed("liba.so").text(AUDIT, "libaudit.so:libnone.so")),
        ("/lib/liba.so", library()),
        ("/lib/libaudit.so", library().needed("liba.so")),
    ];
    let tree = with(tree("2.36"), &files);
    let trace = trace(tree.clone(), START).unwrap();
    assert_eq!(trace.objects.iter().filter(|object| object.audit).count(), 2);
    assert_eq!(trace.listing(b"/app/main").libraries.len(), 1);
}

#[test]
fn a_32_bit_program_finds_32_bit_libraries() {
    let narrow = |mut file: File| {
        file.class = Class::Elf32;
        file.machine = Machine::I386;
        file
    };
    let loader = glibc("2.36", &narrow(library()));
    let tree = Memory::new().program("/lib/ld-linux.so.2", loader);
    let files = [
        ("/app/main", narrow(program("/lib/ld-linux.so.2").needed("liba.so"))),
        ("/lib/x86_64-linux-gnu/liba.so", library()),
        ("/usr/lib/liba.so", narrow(library())),
    ];
    assert_eq!(shown(with(tree, &files), START), "/usr/lib/liba.so");
}

mod musl_rules {
    use super::*;

    const LD: &str = "/lib/ld-musl-x86_64.so.1";

    fn tree() -> Memory {
        Memory::new().program(LD, musl())
    }

    #[track_caller]
    fn check(files: &[(&str, File)], expected: &str) {
        assert_eq!(shown(with(tree(), files), START), expected);
    }

    #[test]
    fn reserved_names_are_the_loader() {
        check(
            &[(
                "/app/main",
                program(LD).needed("libm.so.6").needed("libc.musl-x86_64.so.1").needed("libdlx.so"),
            )],
            "!libdlx.so",
        );
    }

    #[test]
    fn runpath_is_inherited_and_the_environment_comes_first() {
        let files = [
            ("/app/main", program(LD).needed("liba.so").text(RUNPATH, "/x")),
            ("/x/liba.so", library().needed("libb.so")),
            ("/x/libb.so", library()),
        ];
        check(&files, "/x/liba.so /x/libb.so");
        let tree = with(tree(), &files).program("/env/libb.so", library().bytes());
        let start = Start { library_path: Some("/env"), ..START };
        assert_eq!(shown(tree, start), "/x/liba.so /env/libb.so");
    }

    #[test]
    fn one_foreign_token_makes_the_whole_path_void() {
        check(
            &[
                ("/app/main", program(LD).needed("liba.so").text(RUNPATH, "/x:$LIB")),
                ("/x/liba.so", library()),
            ],
            "!liba.so",
        );
    }

    #[test]
    fn empty_elements_are_skipped() {
        check(
            &[
                ("/app/main", program(LD).needed("liba.so").text(RUNPATH, "::/x\n/y")),
                ("/liba.so", library()),
                ("/y/liba.so", library()),
            ],
            "/y/liba.so",
        );
    }

    #[test]
    fn the_path_file_replaces_the_built_in_path() {
        let files = [
            ("/app/main", program(LD).needed("liba.so").needed("libb.so")),
            ("/opt/liba.so", library()),
            ("/lib/libb.so", library()),
        ];
        let configured = with(tree(), &files).file("/etc/ld-musl-x86_64.path", "/opt\n");
        assert_eq!(shown(configured.clone(), START), "/opt/liba.so !libb.so");
        assert_eq!(trace(configured, START).unwrap().configuration.len(), 1);
        check(&files, "/lib/libb.so !liba.so");
    }

    #[test]
    fn sonames_count_for_nothing_and_file_names_do() {
        check(
            &[
                ("/app/main", program(LD).needed("/x/a.so").needed("liba.so").needed("liba.so")),
                ("/x/a.so", library().text(SONAME, "liba.so")),
                ("/lib/liba.so", library()),
            ],
            "/x/a.so /lib/liba.so",
        );
    }

    #[test]
    fn the_first_file_that_opens_is_taken() {
        let files = [
            ("/app/main", program(LD).needed("liba.so").text(RUNPATH, "/x:/y")),
            ("/y/liba.so", library()),
        ];
        let tree = with(tree(), &files).file("/x/liba.so", "INPUT(-la)");
        assert_eq!(shown(tree, START), "!liba.so");
    }
}
