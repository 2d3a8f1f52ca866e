use super::*;
use crate::loader::fixture::{SONAME, library};

#[test]
fn what_is_missing_is_named_with_its_neighbour() {
    let host = Memory::new().file("/work/conf/app.tml", "x").file("/etc/hosts", "x");
    let problems = case(host)
        .file("conf/app.toml", "/etc/app.toml", None)
        .file("/etc/host", "/etc/host", None)
        .file("nowhere/at/all", "/x", None)
        .resolve()
        .unwrap_err();
    let mut told: Vec<String> = problems
        .iter()
        .map(|problem| format!("{problem}: {}", miette::Diagnostic::help(problem).unwrap()))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "there is no `/etc/host` in the sources: there is `/etc/hosts`",
            "there is no `conf/app.toml` in the project: there is `conf/app.tml`",
            "there is no `nowhere/at/all` in the project: the path ends at `nowhere`; make the file, or give an absolute path to take it from a source",
        ]
    );
}

#[test]
fn wrong_kinds_of_files_are_told() {
    let host = Memory::new()
        .special("/dev/null")
        .directory("/work/dist")
        .special("/work/odd/fifo")
        .file("/work/odd/.wh.x", "x")
        .link("/work/odd/up", "../../../etc")
        .file("/work/run.sh", "echo")
        .link("/work/out", "/etc")
        .link("/work/loop", "loop");
    let problems = case(host)
        .file("/dev/null", "/null", None)
        .file("dist", "/dist", None)
        .tree("run.sh", "/tree", &[])
        .tree("odd", "/odd", &[])
        .binary("run.sh", "/run.sh")
        .file("out/passwd", "/etc/passwd", None)
        .file("loop", "/loop", None)
        .tree("dist", "/bad", &["[x", "!y"])
        .problems();
    assert_eq!(
        problems,
        [
            "`.wh.x` in `/odd` contains a name that starts with `.wh.`, which marks deleted files in a layer",
            "`/dev/null` is a device, fifo or socket, not a regular file",
            "`/run.sh` is no program: it starts with neither an ELF header nor `#!`",
            "`/work/dist` is a directory, not a regular file",
            "`/work/odd/fifo` is a device, fifo or socket, not a regular file",
            "`/work/run.sh` is a regular file, not a directory",
            "`out/passwd` leads out of the project at `/out`",
            "cannot find `loop`: too many links",
            "the link `/odd/up` climbs out of the image by `../../../etc`",
            "the pattern `!y` starts with `!`, which takes back an exclusion elsewhere and is not known here",
            "the pattern `[x` has a `[` without its `]`",
        ]
    );
}

#[test]
fn broken_sources_are_told_once() {
    let problems = case(Memory::new().file("/work/file", "x"))
        .source("none", Place::Directory(from("sysrot")), None)
        .source("file", Place::Directory(from("/work/file")), None)
        .search(&["none", "file"], |_| ())
        .binary("/usr/bin/app", "/usr/bin/app")
        .library("libx.so")
        .file("/etc/x", "/etc/x", None)
        .problems();
    assert_eq!(
        problems,
        ["the source `/work/file` is no directory", "the source `sysrot` does not exist"]
    );
}

#[test]
fn two_wishes_for_one_path_are_a_conflict() {
    let host = Memory::new().file("/work/a", "a").file("/work/b", "bb");
    let problems = case(host)
        .file("a", "/one", None)
        .file("b", "/one", None)
        .text("/two", "x")
        .directory("/two")
        .file("a", "/mode", None)
        .file("a", "/mode", Some(0o600))
        .text("/file", "x")
        .text("/file/below", "x")
        .symlink("/link", "nowhere")
        .text("/link/x", "x")
        .resolve()
        .unwrap_err();
    assert!(problems.iter().all(|problem| problem.nodes().len() == 2), "{problems:#?}");
    let mut about: Vec<String> = problems
        .iter()
        .map(|problem| miette::Diagnostic::code(problem).unwrap().to_string())
        .collect();
    about.sort();
    assert_eq!(
        about,
        [
            "imgc::resolve::link_leads_nowhere",
            "imgc::resolve::not_a_directory",
            "imgc::resolve::path_conflict",
            "imgc::resolve::path_conflict",
            "imgc::resolve::path_conflict",
        ]
    );
}

#[test]
fn a_program_without_its_interpreter_does_not_start() {
    let program = Sample::program().needs("libc.so.6").interpreter("/lib/ld-musl-x86_64.so.1");
    let host = debian()
        .program("/work/app", program.bytes())
        .program("/work/script", "#!/usr/bin/nothing\n")
        .program("/work/python", "#!/usr/bin/env python4\n")
        .program("/work/windows", "#!/usr/bin/env\r\n")
        .program("/work/dos", "#!/usr/bin/env sh -e\r\n")
        .program("/usr/bin/env", Sample::library().bytes())
        .file("/work/cut", &Sample::program().bytes()[..100])
        .program("/usr/bin/0", Sample::library().bytes());
    let host = (1..=6).fold(host, |host, number| {
        host.program(format!("/usr/bin/{number}"), format!("#!/usr/bin/{}\n", number - 1))
    });
    let problems = case(host.clone())
        .binary("app", "/app")
        .binary("script", "/script")
        .binary("python", "/python")
        .binary("cut", "/cut")
        .binary("windows", "/windows")
        .binary("dos", "/dos")
        .binary("/usr/bin/6", "/usr/bin/6")
        .binary("/usr/bin/5", "/usr/bin/5")
        .problems();
    assert_eq!(
        problems,
        [
            "`/cut` is a damaged ELF file: the kernel refuses the program: the program header table lies outside the file",
            "`/usr/bin/1` is the sixth script in a row; the kernel starts five",
            "`python4`, which `/python` starts through env, is not in the image's PATH",
            "the `#!` line of `/dos` ends with a carriage return, which starts no program",
            "the `#!` line of `/windows` ends with a carriage return, which starts no program",
            "the interpreter `/lib/ld-musl-x86_64.so.1` of `/app` does not exist",
            "the interpreter `/usr/bin/nothing` of `/script` does not exist",
        ]
    );
}

#[test]
fn a_missing_library_is_told_with_all_places() {
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libx.so.1").runpath("/opt/x").bytes())
        .file("/opt/x/libx.so.1", Sample::library().machine(crate::sample::AARCH64).bytes())
        .link("/usr/lib/libx.so.1", "libx.so.1.0");
    let problems = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].to_string(), "`/usr/bin/app` needs `libx.so.1`, which is not found");
    let help = miette::Diagnostic::help(&problems[0]).unwrap().to_string();
    assert!(help.contains("/opt/x/libx.so.1 (RUNPATH): is for another machine"), "{help}");
    assert!(help.contains("(the loader's own directories): is a broken link"), "{help}");
}

#[test]
fn what_the_loader_refuses_is_told() {
    let host = debian()
        .program("/usr/bin/text", Sample::program().needs("libtext.so").bytes())
        .file("/usr/lib/libtext.so", "INPUT(libc.so)".repeat(10))
        .file(
            "/usr/lib/libold.so",
            library().text(SONAME, "libold.so").defines("libold.so").defines("OLD_1").bytes(),
        )
        .program(
            "/usr/bin/new",
            Sample::program().needs("libold.so").needs_version("libold.so", "OLD_2").bytes(),
        );
    let problems = case(host)
        .binary("/usr/bin/text", "/usr/bin/text")
        .binary("/usr/bin/new", "/usr/bin/new")
        .problems();
    assert_eq!(
        problems,
        [
            "`/usr/bin/new` needs version `OLD_2` of `libold.so`, which defines others",
            "`/usr/bin/text` would not start: /lib/libtext.so: invalid ELF header",
        ]
    );
}

#[test]
fn a_search_in_the_working_directory_is_a_warning() {
    let program = Sample::program().needs("libc.so.6").runpath("/opt::/usr");
    let host = debian().program("/usr/bin/app", program.bytes());
    let warnings = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap().warnings;
    assert!(!warnings.is_empty());
    for warning in &warnings {
        assert!(matches!(warning, ResolveError::LoaderWarns { .. }), "{warning:?}");
        assert_eq!(miette::Diagnostic::severity(warning), Some(miette::Severity::Warning));
    }
}

#[test]
fn libraries_need_a_program_and_patterns_a_file() {
    let host = debian().program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes());
    assert_eq!(
        case(host.clone()).library("libx.so").problems(),
        ["`libx.so` is looked for as a program's loader does, and there is no dynamic program"]
    );
    let problems = case(host)
        .binary("/usr/bin/app", "/usr/bin/app")
        .library("libx.so")
        .library("/usr/lib/none/*.so")
        .library("/usr/lib/none/x.so")
        .problems();
    assert_eq!(
        problems,
        [
            "`/usr/bin/app` needs `libx.so`, which is not found",
            "no file matches `/usr/lib/none/*.so`",
            "there is no `/usr/lib/none/x.so` in the sources",
        ]
    );
}

#[test]
fn a_platform_that_nobody_says_is_assumed_with_a_warning() {
    let resolution = case(debian()).text("/x", "x").platform(None).resolve().unwrap();
    assert_eq!(resolution.closure.platform.to_string(), "linux/amd64");
    assert_eq!(
        resolution.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["no program says which platform the image is for, so `linux/amd64` is assumed"]
    );
}

#[test]
fn platforms_must_agree() {
    let host = debian().program("/usr/bin/app", Sample::library().bytes());
    let app = case(host).binary("/usr/bin/app", "/usr/bin/app").platform(Some("linux/arm64"));
    assert_eq!(app.problems(), ["`/usr/bin/app` is for linux/amd64, the image for linux/arm64"]);

    // That its loader is absent follows from that.
    let arm = Sample::program()
        .machine(crate::sample::AARCH64)
        .needs("libc.so.6")
        .interpreter("/lib/ld-linux-aarch64.so.1");
    let host = debian().program("/usr/bin/arm", arm.bytes());
    let arm = case(host).binary("/usr/bin/arm", "/usr/bin/arm").platform(Some("linux/amd64"));
    assert_eq!(arm.problems(), ["`/usr/bin/arm` is for linux/arm64, the image for linux/amd64"]);
}

#[test]
fn more_entries_than_anybody_means_are_refused() {
    let host =
        (0..20).fold(Memory::new(), |host, number| host.file(format!("/work/dist/{number}"), "x"));
    let mut case = case(host).tree("dist", "/srv", &[]);
    case.limit = 10;
    assert_eq!(case.problems(), ["the image has more than 10 entries"]);
}

/// A machine whose file system refuses, or changes under the reader's hands.
struct Unsteady(Memory);

impl Host for Unsteady {
    fn lstat(&self, path: &HostPath) -> Result<crate::host::Stat, crate::host::Errno> {
        let stat = self.0.lstat(path)?;
        // What is found is another file than what is opened.
        let changes = path.as_bytes().ends_with(b"changing");
        Ok(if changes { crate::host::Stat { size: stat.size + 1, ..stat } } else { stat })
    }
    fn read_link(&self, path: &HostPath) -> Result<Vec<u8>, crate::host::Errno> {
        self.0.read_link(path)
    }
    fn read_dir(&self, path: &HostPath) -> Result<Vec<Vec<u8>>, crate::host::Errno> {
        self.0.read_dir(path)
    }
    fn open(&self, path: &HostPath) -> Result<Box<dyn crate::host::HostFile>, crate::host::Errno> {
        if path.as_bytes().ends_with(b"secret") {
            return Err(crate::host::Errno::ACCESS);
        }
        self.0.open(path)
    }
}

#[test]
fn files_that_refuse_or_change_are_told() {
    let host = Memory::new().file("/work/secret", "x").file("/work/changing", "x");
    let problems = case(Memory::new())
        .file("secret", "/secret", None)
        .file("changing", "/changing", None)
        .on(Arc::new(Unsteady(host)))
        .unwrap_err();
    let mut told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "`/work/changing` changed while it was read",
            "cannot read `/work/secret`: permission denied",
        ]
    );
}

/// `ld.so.cache` in glibc's new format, with one library for x86-64.
pub(super) fn loader_cache(name: &str, library: &str) -> Vec<u8> {
    let strings_at = 48 + 24;
    let mut cache = b"glibc-ld.so.cache1.1".to_vec();
    let strings = format!("{name}\0{library}\0");
    for word in [1, u32::try_from(strings.len()).unwrap(), 2, 0, 0, 0, 0] {
        cache.extend_from_slice(&word.to_le_bytes());
    }
    let value = strings_at + u32::try_from(name.len()).unwrap() + 1;
    for word in [0x303, strings_at, value, 0, 0, 0] {
        cache.extend_from_slice(&word.to_le_bytes());
    }
    cache.extend_from_slice(strings.as_bytes());
    cache
}

#[test]
fn what_the_cache_of_the_source_alone_finds_gets_a_cache_of_the_image() {
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libx.so").needs("libc.so.6").bytes())
        .file("/opt/special/libx.so", Sample::library().bytes())
        .file("/etc/ld.so.cache", loader_cache("libx.so", "/opt/special/libx.so"));
    let resolution = case(host.clone()).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap();
    let cache = &resolution.closure.entries[&path("/etc/ld.so.cache")];
    let Content::File { digest, .. } = &cache.content else { panic!("{cache:?}") };
    let bytes = resolution.sources.open(digest).unwrap().bytes().unwrap();
    assert_eq!(bytes, loader_cache("libx.so", "/opt/special/libx.so"));
    let needs: Vec<&Reason> = cache.needs.iter().map(|need| &need.reason).collect();
    assert_eq!(needs, [&Reason::LoaderConfiguration]);
    let remarks: Vec<String> = resolution.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        remarks,
        [
            "`/etc/ld.so.cache` is written for the loader, which searches `/opt/special/` through it alone"
        ]
    );

    // Whoever names the directory needs no cache.
    let entries = case(host)
        .search(&["source"], |search| search.library_path = Some("/opt/special".into()))
        .binary("/usr/bin/app", "/usr/bin/app")
        .entries();
    assert!(entries.contains(&"/opt/special/libx.so".into()), "{entries:#?}");
    assert!(!entries.contains(&"/etc/ld.so.cache".into()), "{entries:#?}");
}

#[test]
fn one_cache_cannot_say_two_things() {
    // Each source has its own library of one name, and the image has one cache.
    let app = |place: &str| {
        Memory::new().file("/etc/ld.so.cache", loader_cache("libx.so", &format!("{place}/libx.so")))
    };
    let host = debian()
        .program("/usr/bin/one", Sample::program().needs("libx.so").bytes())
        .program("/usr/bin/two", Sample::program().needs("libx.so").pie().bytes())
        .file("/opt/one/libx.so", Sample::library().bytes())
        .file("/opt/two/libx.so", Sample::library().soname("libx.so").bytes());
    let caches = [app("/opt/one"), app("/opt/two")];
    let roots: Vec<Roots> = caches
        .map(|cache| {
            let host: Arc<dyn Host> = Arc::new(host.clone());
            let above: Arc<dyn Host> = Arc::new(cache);
            let root = |host| crate::root::Root::new(host, HostPath::new(b"/"));
            Roots::new(vec![root(above), root(host)])
        })
        .into();
    let search = Search {
        workdir: ImagePath::root(),
        library_path: None,
        preload: None,
        path: String::new(),
    };
    let loader = [Loader::new(), Loader::new()];
    let runs: Vec<crate::launch::Run> = [("/usr/bin/one", 0), ("/usr/bin/two", 1)]
        .map(|(program, place)| {
            let surroundings =
                Surroundings { loader: &loader[place], roots: &roots[place], search: &search };
            crate::launch::Run {
                node: id(program),
                program: program.into(),
                place: path(program),
                extra: None,
                openings: Vec::new(),
                trace: surroundings.trace(program.as_bytes(), None, None).unwrap(),
            }
        })
        .into();
    let (mut entries, mut sources) = (BTreeMap::new(), Sources::default());
    let image = Roots::new(vec![crate::root::Root::new(Arc::new(host), HostPath::new(b"/"))]);
    let remarks =
        loader_cache::add(runs.iter(), &image, &mut entries, &mut sources, &mut Vec::new());
    assert_eq!(remarks.len(), 1);
    let Content::File { digest, .. } = &entries[&path("/etc/ld.so.cache")].content else {
        panic!("no file")
    };
    assert_eq!(*digest, Digest::of(&loader_cache("libx.so", "/opt/one/libx.so")));
}

#[test]
fn one_file_that_becomes_two_is_told() {
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libone.so").needs("libtwo.so").bytes())
        .file("/usr/lib/libone.so", Sample::library().bytes())
        .hard_link("/usr/lib/libtwo.so", "/usr/lib/libone.so");
    // Names of one file have one mode; the recipe wants two.
    let problems = case(host)
        .binary("/usr/bin/app", "/usr/bin/app")
        .file("/usr/lib/libtwo.so", "/usr/lib/libtwo.so", Some(0o600))
        .problems();
    assert_eq!(
        problems,
        [
            "in the image `/usr/bin/app` finds `libtwo.so` at `/usr/lib/libtwo.so`, and in the source at `/usr/lib/libone.so`"
        ]
    );
}

#[test]
fn libraries_without_end_are_told() {
    use crate::loader::{Cause, Fatal, MAX_OBJECTS, Requester};

    let host = debian().program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes());
    let roots = Roots::new(vec![crate::root::Root::new(Arc::new(host), HostPath::new(b"/"))]);
    let search = Search {
        workdir: ImagePath::root(),
        library_path: None,
        preload: None,
        path: String::new(),
    };
    let loader = Loader::new();
    let surroundings = Surroundings { loader: &loader, roots: &roots, search: &search };
    let mut trace = surroundings.trace(b"/usr/bin/app", None, None).unwrap();
    let path_of = Box::from(*b"libx.so");
    trace.fatal = Some(Fatal { cause: Cause::TooMany, path: path_of, requester: Requester::Main });
    let place = path("/usr/bin/app");
    let run = crate::launch::Run {
        node: id("app"),
        program: b"/usr/bin/app".to_vec(),
        place,
        extra: None,
        openings: Vec::new(),
        trace,
    };
    let mut drafts = Drafts::default();
    loaded::add(&run, &roots, None, &mut drafts);
    let limit = MAX_OBJECTS;
    let program = path("/usr/bin/app");
    assert_eq!(
        drafts.problems,
        [ResolveError::TooManyLibraries { node: id("app"), program, limit }]
    );
}

#[test]
fn what_the_image_runs_must_start_whoever_put_it_there() {
    let app = Sample::program().needs("libc.so.6").needs("libx.so").bytes();
    let host = || {
        debian()
            .file("/usr/lib/x86_64-linux-gnu/libx.so", Sample::library().bytes())
            .program("/opt/app", &app)
            .program("/opt/script", "#!/usr/bin/env tool\n")
            .program("/opt/crlf", "#!/opt/app\r\n")
            .program("/opt/text", "no program")
    };
    let file = |name: &str| case(host()).file(name, name, Some(0o755));
    // A loader that is not there ends the start before any library is looked for.
    let problems = file("/opt/app").runs("/opt/app").problems();
    assert!(problems[0].contains("the interpreter `/lib64/ld-linux-x86-64.so.2`"), "{problems:?}");
    let script = file("/opt/script").runs("/opt/script").problems();
    assert!(script[0].contains("through env"), "{script:?}");
    let carriage = file("/opt/crlf").runs("/opt/crlf").problems();
    assert!(carriage[0].contains("carriage return"), "{carriage:?}");
    let text = file("/opt/text").runs("/opt/text").problems();
    assert!(text[0].contains("is no program"), "{text:?}");
    // A tree that brings all of it is as good as `binary`; and what nobody runs need not start.
    assert!(file("/opt/app").binary("/opt/app", "/usr/bin/app").runs("app").resolve().is_ok());
    assert!(file("/opt/text").resolve().is_ok());
    let whole = file("/opt/app").binary("/opt/app", "/usr/bin/app").runs("/opt/app");
    assert!(whole.resolve().is_ok());
}

#[test]
fn a_carriage_return_is_told_from_a_missing_interpreter() {
    for script in ["#!/bin/sh\r\n", "#!/usr/bin/env tool\r\n"] {
        let shell = Sample::program().bytes();
        let host = debian()
            .program("/usr/bin/script", script)
            .program("/usr/bin/env", &shell)
            .program("/usr/bin/tool", &shell);
        let problems = case(host).binary("/usr/bin/script", "/usr/bin/script").problems();
        assert!(problems[0].contains("carriage return"), "{script:?}: {problems:?}");
    }
}

#[test]
fn an_image_with_the_lister_of_caches_has_one() {
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .program("/usr/sbin/ldconfig", Sample::program().bytes());
    let has_cache = |case: Case| {
        let resolution = case.resolve().unwrap();
        resolution.closure.entries.contains_key(&path("/etc/ld.so.cache"))
    };
    let app = || case(host.clone()).binary("/usr/bin/app", "/usr/bin/app");
    assert!(!has_cache(app()));
    assert!(has_cache(app().binary("/usr/sbin/ldconfig", "/usr/sbin/ldconfig")));
}
