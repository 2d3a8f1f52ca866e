//! What happens after the start: notes, names in constants, families of plug-ins.

use super::*;
use crate::pristine::sum;

fn note(json: &str) -> Sample {
    Sample::program().needs("libc.so.6").note("FDO", 0x407c_0c0a, json.as_bytes())
}

fn told(resolution: &Resolution) -> Vec<String> {
    resolution.warnings.iter().map(ToString::to_string).collect()
}

/// Returns the messages and helps of what is doubtful about `/usr/bin/app`.
#[track_caller]
fn warnings(host: Memory, more: impl Fn(Case) -> Case) -> Vec<String> {
    let resolution = more(case(host).binary("/usr/bin/app", "/usr/bin/app")).resolve().unwrap();
    let help = |warning: &ResolveError| miette::Diagnostic::help(warning).unwrap().to_string();
    resolution.warnings.iter().map(|warning| format!("{warning}\n{}", help(warning))).collect()
}

const LIB: &str = "/usr/lib/x86_64-linux-gnu";

#[test]
fn a_note_brings_what_it_requires_and_recommends_with_its_needs() {
    let app = note(
        r#"[{"soname":["libnone.so.2","libone.so.1"],"priority":"required"},
            {"soname":["libtwo.so"],"priority":"recommended","feature":"two"},
            {"soname":["libthree.so"],"priority":"suggested","feature":"three"},
            {"soname":["libabsent.so"],"priority":"suggested"},
            {"soname":["libc.so.6"],"priority":"required"}]"#,
    );
    let one = Sample::library().soname("libone.so.1").needs("libbelow.so");
    let host = debian()
        .program("/usr/bin/app", app.runpath("/opt/app").bytes())
        .file("/opt/app/libone.so.1", one.bytes())
        .file(format!("{LIB}/libbelow.so"), Sample::library().bytes())
        .file(
            format!("{LIB}/libtwo.so"),
            // What is opened may open more, searched for itself.
            Sample::library()
                .runpath("$ORIGIN/two")
                .note("FDO", 0x407c_0c0a, br#"[{"soname":["libfour.so"]}]"#)
                .bytes(),
        )
        .file(format!("{LIB}/two/libfour.so"), Sample::library().soname("libfour.so").bytes())
        .file(format!("{LIB}/libthree.so"), Sample::library().soname("libthree.so").bytes());
    let resolution = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap();
    let has = |at: &str| resolution.closure.entries.contains_key(&path(at));
    for at in ["/opt/app/libone.so.1", "/usr/lib/x86_64-linux-gnu/libbelow.so"] {
        assert!(has(at), "{at}");
    }
    assert!(has(&format!("{LIB}/two/libfour.so")) && !has(&format!("{LIB}/libthree.so")));
    let needs = &resolution.closure.entries[&path(&format!("{LIB}/libtwo.so"))].needs;
    let name = Box::from(*b"libtwo.so");
    assert_eq!(needs[0].reason, Reason::Opened { by: path("/usr/bin/app"), name });
    assert_eq!(
        told(&resolution),
        ["`/usr/bin/app` can use `libthree.so` for `three`, which is not in the image"]
    );
}

#[test]
fn what_a_note_names_in_vain_is_an_error_only_if_it_is_required() {
    let json = r#"[{"soname":["liba.so.1","liba.so.2"],"priority":"required"}]"#;
    let host = debian().program("/usr/bin/app", note(json).bytes());
    let problems = case(host).binary("/usr/bin/app", "/usr/bin/app").problems();
    assert_eq!(
        problems,
        ["`/usr/bin/app` must open `liba.so.1` or `liba.so.2` at run time, which is not found"]
    );
    let json = r#"[{"soname":["libb.so"],"feature":"b"}]"#;
    let host = debian().program("/usr/bin/app", note(json).bytes());
    let resolution = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap();
    assert_eq!(
        told(&resolution),
        ["`/usr/bin/app` opens `libb.so` at run time for `b`, which is not found"]
    );
}

#[test]
fn a_cache_says_what_a_note_needs_too() {
    let json = r#"[{"soname":["libx.so"],"priority":"required"}]"#;
    let host = debian()
        .program("/usr/bin/app", note(json).bytes())
        .file("/opt/special/libx.so", Sample::library().bytes())
        .file("/etc/ld.so.cache", failing::loader_cache("libx.so", "/opt/special/libx.so"));
    let entries = case(host).binary("/usr/bin/app", "/usr/bin/app").entries();
    assert!(entries.contains(&"/etc/ld.so.cache".into()), "{entries:#?}");
}

#[test]
fn names_in_an_object_that_opens_libraries_are_told_if_the_sources_have_them() {
    let app = Sample::program()
        .needs("libc.so.6")
        .imports("dlopen")
        .constant("libplugin.so.3")
        .constant("libabsent.so.1")
        .constant("libc.so.6")
        .constant("libgcc_s.so.1")
        .constant("see libother.so");
    let plugin = Sample::library().soname("libplugin.so.3").bytes();
    let host = debian()
        .program("/usr/bin/app", app.bytes())
        .file(format!("{LIB}/libplugin.so.3"), &plugin)
        .file(format!("{LIB}/libgcc_s.so.1"), Sample::library().bytes())
        .file(format!("{LIB}/libother.so"), Sample::library().soname("libother.so").bytes());
    assert_eq!(
        warnings(host.clone(), |case| case),
        ["`/usr/bin/app` may open `libplugin.so.3` at run time, which is not in the image\n\
             add what is used, or accept it:\n  library \"libplugin.so.3\"\n  allow dlopen \"…\"\n\
             the sources do not have what it names beside: `libabsent.so.1`"]
    );
    // What is there is no news, and neither is what nobody has or what is no argument of dlopen.
    assert!(warnings(host.clone(), |case| case.library("libplugin.so.3")).is_empty());
    let silent = |app: Sample| {
        let host = debian()
            .program("/usr/bin/app", app.needs("libc.so.6").bytes())
            .file(format!("{LIB}/libplugin.so.3"), &plugin);
        assert_eq!(warnings(host, |case| case), [""; 0]);
    };
    silent(Sample::program().imports("dlopen").constant("libabsent.so.1"));
    silent(Sample::program().imports("open").constant("libplugin.so.3"));
}

#[test]
fn cancelled_threads_want_the_unwinder() {
    let app = Sample::program().needs("libc.so.6").imports("pthread_cancel");
    let host = debian()
        .program("/usr/bin/app", app.bytes())
        .file(format!("{LIB}/libgcc_s.so.1"), Sample::library().soname("libgcc_s.so.1").bytes());
    assert_eq!(
        warnings(host.clone(), |case| case),
        [
            "`/usr/bin/app` uses `pthread_cancel`, which aborts the process without `libgcc_s.so.1`\n\
             add `library \"libgcc_s.so.1\"`"
        ]
    );
    assert_eq!(warnings(host, |case| case.library("libgcc_s.so.1")), [""; 0]);

    // A library that could end a thread is worth a remark.
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libx.so").bytes())
        .file(format!("{LIB}/libx.so"), Sample::library().imports("pthread_exit").bytes());
    let found = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap().warnings;
    let severities: Vec<_> = found.iter().map(miette::Diagnostic::severity).collect();
    assert_eq!(severities, [Some(miette::Severity::Advice)]);

    // The program's own call is not hidden by one of a library.
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libx.so").imports("pthread_exit").bytes())
        .file(format!("{LIB}/libx.so"), Sample::library().imports("pthread_cancel").bytes());
    let found = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap().warnings;
    let severities: Vec<_> = found.iter().map(miette::Diagnostic::severity).collect();
    assert_eq!(severities, [Some(miette::Severity::Warning)]);

    // The runtime of Haskell brings the call to every program.
    let app = Sample::program().needs("libc.so.6").imports("pthread_cancel").constant("GHCRTS");
    let host = debian().program("/usr/bin/app", app.bytes());
    let found = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap().warnings;
    let severities: Vec<_> = found.iter().map(miette::Diagnostic::severity).collect();
    assert_eq!(severities, [Some(miette::Severity::Advice)]);
}

#[test]
fn a_family_is_told_if_the_sources_have_it_and_the_image_has_nothing_of_it() {
    let app = Sample::program().needs("libsasl2.so.2").imports("iconv_open").bytes();
    let host = debian()
        .program("/usr/bin/app", &app)
        .file(
            format!("{LIB}/libsasl2.so.2"),
            Sample::library().soname("libsasl2.so.2").needs("libc.so.6").bytes(),
        )
        .file(format!("{LIB}/sasl2/libplain.so"), Sample::library().bytes())
        .file(format!("{LIB}/gconv/gconv-modules"), "x");
    assert_eq!(
        warnings(host.clone(), |case| case),
        [
            "`/usr/bin/app` can use the character sets of iconv, which the image has not: it converts ASCII, UTF-8, UCS-2 and UCS-4 alone\n\
             add what is used, or accept it:\n  needs charsets\n  allow plugins_are_left_out \"…\"",
            "`/usr/lib/x86_64-linux-gnu/libsasl2.so.2` opens the mechanisms of SASL, which the image has not: it has no mechanism to authenticate by\n\
             add what is used, or accept it:\n  library \"/usr/lib/x86_64-linux-gnu/sasl2/*.so\"\n  allow plugins_are_missing \"…\"",
        ]
    );
    // The lines to paste are right.
    let pasted =
        |case: Case| case.library("/usr/lib/x86_64-linux-gnu/sasl2/*.so").needs(Facility::Charsets);
    assert_eq!(warnings(host, pasted), [""; 0]);
    // A source without the files says nothing.
    let bare = debian().program("/usr/bin/app", &app).file(
        format!("{LIB}/libsasl2.so.2"),
        Sample::library().soname("libsasl2.so.2").needs("libc.so.6").bytes(),
    );
    assert_eq!(warnings(bare, |case| case), [""; 0]);
}

#[test]
fn a_tool_that_ends_without_the_numbers_of_protocols_is_warned_of() {
    let app = Sample::program().needs("libc.so.6").imports("getprotobyname").bytes();
    let host = |path: &str| debian().program(path, &app).file("/etc/protocols", "icmp 1 ICMP\n");
    let found = |path: &str| {
        let found = case(host(path)).binary(path, path).resolve().unwrap().warnings;
        found.iter().map(miette::Diagnostic::severity).collect::<Vec<_>>()
    };
    assert_eq!(found("/usr/bin/fping"), [Some(miette::Severity::Warning)]);
    assert_eq!(found("/usr/bin/app"), [Some(miette::Severity::Advice)]);
}

#[test]
fn a_directory_of_libraries_that_is_named_is_one_of_plugins() {
    let app = Sample::program().needs("libc.so.6").constant("/usr/lib/app2");
    let host = debian()
        .program("/usr/bin/app", app.bytes())
        .file("/usr/lib/app2/libone.so.0", Sample::library().bytes());
    let found = warnings(host.clone(), |case| case);
    assert!(found[0].contains("opens the plug-ins of its package"), "{found:#?}");
    let found = warnings(host.file("/usr/lib/app2/table", ""), |case| case);
    assert!(found[0].contains("names data that the image has not"), "{found:#?}");
    // What stands around it is not told a second time.
    let app = app.imports("dlopen");
    let host = debian()
        .program("/usr/bin/app", app.bytes())
        .file("/usr/lib/app2/one.so", Sample::library().bytes())
        .file("/var/lib/dpkg/status", "Package: app\n\n")
        .file("/var/lib/dpkg/info/app.list", "/usr/bin/app\n/usr/lib/app2\n/usr/lib/app2/one.so\n");
    let found = warnings(host, |case| case);
    let told = found.iter().filter(|told| told.contains("opens the plug-ins of its package"));
    assert_eq!(told.count(), 1, "{found:#?}");
}

#[test]
fn a_wrapper_of_a_tool_starts_that() {
    let tool = Sample::program().needs("libc.so.6").bytes();
    let told = |path: &str| {
        let host = debian().program(path, &tool).program("/usr/bin/ranlib", &tool);
        let found = case(host).binary(path, path).resolve().unwrap().warnings;
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let found = told("/usr/bin/x86_64-linux-gnu-gcc-ranlib-12");
    assert!(
        found[0].contains("starts programs that the image has not: `/usr/bin/ranlib`"),
        "{found:?}"
    );
    assert_eq!(told("/usr/bin/gcc-12"), [""; 0]);
}

#[test]
fn what_a_catalog_names_is_told() {
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .file("/etc/sgml/one.cat", "CATALOG /usr/share/sgml/one/catalog\n")
        .file("/usr/share/sgml/one/catalog", "PUBLIC \"-//One\" \"one.dtd\"\n");
    let catalog = |case: Case| case.text("/etc/sgml/catalog", "CATALOG /etc/sgml/one.cat\n");
    assert_eq!(
        warnings(host.clone(), catalog),
        ["`/etc/sgml/catalog` names files that the image has not, and may do without\n\
             add what is used, or accept it:\n  file \"/etc/sgml/one.cat\"\n  allow data_is_left_out \"…\""]
    );
    let both = |case: Case| catalog(case).file("/etc/sgml/one.cat", "/etc/sgml/one.cat", None);
    let found = warnings(host.clone(), both);
    assert!(found[0].contains("tree \"/usr/share/sgml/one\""), "{found:#?}");
    let all = |case: Case| both(case).tree("/usr/share/sgml/one", "/usr/share/sgml/one", &[]);
    assert_eq!(warnings(host, all), [""; 0]);
}

#[test]
fn modules_of_name_services_are_those_of_the_configuration() {
    let app = Sample::program().needs("libc.so.6").imports("getaddrinfo").bytes();
    let module = |name: &str| Sample::library().soname(name).needs("libc.so.6").bytes();
    let host = debian()
        .program("/usr/bin/app", &app)
        .file(format!("{LIB}/libnss_sss.so.2"), module("libnss_sss.so.2"))
        .file(format!("{LIB}/libnss_files.so.2"), module("libnss_files.so.2"));
    assert_eq!(warnings(host.clone(), |case| case), [""; 0]);
    let configured = |case: Case| case.text("/etc/nsswitch.conf", "passwd: files sss absent\n");
    let found = warnings(host.clone(), configured);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("library \"libnss_sss.so.2\"\n"), "{found:#?}");
    let complete = |case: Case| configured(case).library("libnss_sss.so.2");
    assert_eq!(warnings(host, complete), [""; 0]);
}

#[test]
fn files_that_nobody_loads_at_the_start_must_find_what_they_need() {
    let module = Sample::library().needs("libssl.so.3").needs("libc.so.6").bytes();
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .file("/usr/lib/lang/_ssl.so", &module)
        .file(format!("{LIB}/libssl.so.3"), Sample::library().soname("libssl.so.3").bytes());
    let tree = |case: Case| case.tree("/usr/lib/lang", "/usr/lib/lang", &[]);
    assert_eq!(
        warnings(host.clone(), tree),
        ["`/usr/lib/lang/_ssl.so` needs `libssl.so.3`, which is not in the image\n\
             add what is used, or accept it:\n  library \"/usr/lib/lang/_ssl.so\"\n  allow unloaded_needs_more \"…\""]
    );
    assert_eq!(warnings(host.clone(), |case| tree(case).library("/usr/lib/lang/_ssl.so")), [""; 0]);
    // The same without any program.
    let host_of_tree = host.clone();
    let resolution = tree(case(host_of_tree)).resolve().unwrap();
    assert_eq!(resolution.warnings.len(), 1);
    // What its own system lacks, a file of a package works without.
    let odd = Sample::library().needs("libodd.so.1").needs("libc.so.6").bytes();
    let host = host.file("/usr/lib/lang/_ssl.so", &odd);
    assert_eq!(warnings(host.clone(), tree).len(), 1);
    let host = host.file("/var/lib/dpkg/info/lang.list", "/usr/lib/lang\n/usr/lib/lang/_ssl.so\n");
    assert_eq!(warnings(host.clone(), tree), [""; 0]);
    // One for another machine is loaded there.
    let other = Sample::library().needs("ld64.so.1").needs("libother.so.1").bytes();
    let host = host.file("/usr/lib/lang/for-other.so", other);
    assert_eq!(warnings(host, tree), [""; 0]);
}

#[test]
fn a_program_that_a_tree_brings_must_find_its_interpreter() {
    let program = Sample::program().interpreter("/lib/ld-linux.so.2").needs("libc.so.6");
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .program("/usr/lib/lang/run", program.bytes())
        .program("/usr/lib/lang/own", Sample::program().needs("libc.so.6").bytes());
    let tree = |case: Case| case.tree("/usr/lib/lang", "/usr/lib/lang", &[]);
    assert_eq!(
        warnings(host, tree),
        ["`/usr/lib/lang/run` needs `/lib/ld-linux.so.2`, which is not in the image\n\
             add what is used, or accept it:\n  binary \"/usr/lib/lang/run\"\n  allow unloaded_needs_more \"…\""]
    );
}

#[test]
fn a_program_for_an_emulated_machine_is_started_by_its_emulator() {
    let firmware = Sample::program().interpreter("/lib/ld64.so.1");
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .file("/usr/share/app/s390.img", firmware.bytes());
    let tree = |case: Case| case.tree("/usr/share/app", "/usr/share/app", &[]);
    assert_eq!(warnings(host, tree), [""; 0]);
}

#[test]
fn a_library_that_is_loaded_later_looks_for_its_families_too() {
    let module = Sample::library().needs("libc.so.6").imports("g_settings_new").bytes();
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .file("/usr/lib/lang/_settings.so", &module)
        .file("/usr/share/glib-2.0/schemas/app.xml", "");
    let found = warnings(host, |case| case.tree("/usr/lib/lang", "/usr/lib/lang", &[]));
    assert_eq!(
        found,
        [
            "`/usr/lib/lang/_settings.so` can use schemas of settings, which the image has not: it ends if it asks for one\n\
             add what is used, or accept it:\n  tree \"/usr/share/glib-2.0/schemas\"\n  allow plugins_are_left_out \"…\""
        ]
    );
}

#[test]
fn a_library_that_is_loaded_later_opens_what_its_package_depends_on() {
    let module = Sample::library()
        .imports("dlopen")
        .constant("libgiven.so.1")
        .constant("libother.so.1")
        .bytes();
    let status = "Package: app\nDepends: lang\n\nPackage: lang\nDepends: libgiven\n\n\
                  Package: libgiven\nMulti-Arch: same\n\nPackage: libother\nMulti-Arch: same\n";
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .file("/usr/lib/lang/_open.so", &module)
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/info/app.list", "/usr/bin/app\n")
        .file("/var/lib/dpkg/info/lang.list", "/usr/lib/lang\n/usr/lib/lang/_open.so\n")
        .file("/var/lib/dpkg/info/libgiven.list", format!("{LIB}\n{LIB}/libgiven.so.1\n"))
        .file("/var/lib/dpkg/info/libother.list", format!("{LIB}\n{LIB}/libother.so.1\n"))
        .file(format!("{LIB}/libgiven.so.1"), Sample::library().soname("libgiven.so.1").bytes())
        .file(format!("{LIB}/libother.so.1"), Sample::library().soname("libother.so.1").bytes());
    let of = |host: Memory| {
        let case = case(host).tree("/usr/lib/lang", "/usr/lib/lang", &[]);
        let case = case.binary("/usr/bin/app", "/usr/bin/app").runs("/usr/bin/app");
        let resolution = case.resolve().unwrap();
        resolution.warnings.iter().flat_map(ResolveError::lines).collect::<Vec<_>>()
    };
    assert_eq!(of(host.clone()), ["library \"libgiven.so.1\""]);
    // What is there for other programs does not count.
    let apart = status.replace("Package: app\nDepends: lang", "Package: app");
    assert_eq!(of(host.file("/var/lib/dpkg/status", apart)), [""; 0]);
}

#[test]
fn set_id_bits_that_the_source_has_are_missed_if_the_image_runs_the_program() {
    let app = Sample::program().needs("libc.so.6").bytes();
    let host = debian().program("/usr/bin/app", &app).mode("/usr/bin/app", 0o2755);
    let said = |case: Case| -> Vec<String> {
        let resolution = case.runs("/usr/bin/app").resolve().unwrap();
        resolution.warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        said(case(host.clone()).binary("/usr/bin/app", "/usr/bin/app")),
        [
            "`/usr/bin/app` runs as its owner or group in the source (mode 0o2755), and as the image's user in the image"
        ]
    );
    let from = From::Source(path("/usr/bin/app"));
    let attributes = Attributes { mode: Some(Mode::new(0o2755).unwrap()), ..Attributes::ROOT };
    let binary = Binary { from, to: path("/usr/bin/app"), attributes };
    assert_eq!(said(case(host.clone()).request("app", NodeKind::Binary(binary))), [""; 0]);
    // A game only keeps scores by that.
    let game = debian().program("/usr/games/app", &app).mode("/usr/games/app", 0o2755);
    let game = case(game).binary("/usr/games/app", "/usr/games/app").runs("/usr/games/app");
    assert!(game.resolve().unwrap().warnings.is_empty());
    // One that is there to be started by others is left to them.
    let resolution = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap();
    assert!(resolution.warnings.is_empty());
}

/// Returns the lines that would end what is doubtful about `/usr/bin/app`.
#[track_caller]
pub(super) fn remedies(host: Memory) -> Vec<String> {
    let case = case(host).binary("/usr/bin/app", "/usr/bin/app").runs("/usr/bin/app");
    let resolution = case.resolve().unwrap();
    resolution.warnings.iter().flat_map(ResolveError::lines).collect()
}

#[test]
fn a_shell_script_is_read_for_the_programs_that_it_calls() {
    let shell = Sample::program().bytes();
    let script = "#!/usr/bin/sh\nsed -n p | sort\ncommand -v git && git log\nnone --such\n\
                  ${AWK-awk} '{ print }' # grep\n. /usr/share/app/part\n";
    let host = ["sort", "git", "grep", "awk"].iter().fold(
        debian()
            .program("/usr/bin/sh", &shell)
            .program("/usr/bin/app", script)
            .program("/usr/bin/sed", &shell)
            .file("/usr/share/app/part", "x=1\n"),
        |host, name| host.program(format!("/usr/bin/{name}"), &shell),
    );
    assert_eq!(
        remedies(host),
        [
            "binary \"/usr/bin/awk\"",
            "binary \"/usr/bin/sed\"",
            "binary \"/usr/bin/sort\"",
            "file \"/usr/share/app/part\"",
        ]
    );
}

#[test]
fn a_script_of_the_c_shell_is_read_likewise() {
    let program = Sample::program().bytes();
    let script = "#!/usr/bin/tcsh -ef\nset x = \"grep\"\nforeach a (`seq 1 3`)\n  sort $a\n  printf $a\n  kill $a\nend\n";
    let host = ["seq", "sort", "grep", "printf", "kill"].iter().fold(
        debian().program("/usr/bin/tcsh", &program).program("/usr/bin/app", script),
        |host, name| host.program(format!("/usr/bin/{name}"), &program),
    );
    let lines = ["printf", "seq", "sort"].map(|name| format!("binary \"/usr/bin/{name}\""));
    assert_eq!(remedies(host), lines);
}

#[test]
fn scripts_of_perl_and_python_are_read_for_their_modules() {
    let interpreter = Sample::program().bytes();
    let host = debian()
        .program("/usr/bin/perl", &interpreter)
        .program("/usr/bin/app", "#!/usr/bin/perl\nuse strict;\nuse LWP::Simple;\n")
        .file("/usr/share/perl/5.36/strict.pm", "")
        .file("/usr/share/perl5/LWP/Simple.pm", "require HTTP::Date;")
        .file("/usr/share/perl5/HTTP/Date.pm", "")
        .file("/usr/share/perl5/Not/Used.pm", "");
    assert_eq!(
        remedies(host),
        [
            "tree \"/usr/share/perl/5.36\"",
            "tree \"/usr/share/perl5/HTTP\"",
            "tree \"/usr/share/perl5/LWP\"",
        ]
    );
    let packages = "/usr/lib/python3/dist-packages";
    let host = debian()
        .program("/usr/bin/python3", &interpreter)
        .program("/usr/bin/app", "#!/usr/bin/env python3\nfrom one.cli import main\nimport os\n")
        .program("/usr/bin/env", &interpreter)
        .file(format!("{packages}/one/__init__.py"), "")
        .file(format!("{packages}/one/cli.py"), "    import two\n")
        .file(format!("{packages}/One-1.0.egg-info/top_level.txt"), "one\n")
        .file(format!("{packages}/two.py"), "")
        .file(format!("{packages}/three.py"), "");
    assert_eq!(
        remedies(host),
        [
            "tree \"/usr/lib/python3\" { exclude \"/dist-packages\"; }",
            "file \"/usr/lib/python3/dist-packages/two.py\"",
            "tree \"/usr/lib/python3/dist-packages/One-1.0.egg-info\"",
            "tree \"/usr/lib/python3/dist-packages/one\"",
        ]
    );
}

#[test]
fn the_parser_that_perl_would_choose_is_wanted() {
    let place = "/usr/share/perl5";
    let host = debian()
        .program("/usr/bin/perl", Sample::program().bytes())
        .program("/usr/bin/app", "#!/usr/bin/perl\nuse XML::SAX::ParserFactory;\n")
        .file(format!("{place}/XML/SAX/ParserFactory.pm"), "")
        .file(
            format!("{place}/XML/SAX/ParserDetails.ini"),
            "[First]\nx = 1\n\n[Last::Parser]\ny = 1\n",
        )
        .file(format!("{place}/First.pm"), "")
        .file(format!("{place}/Last/Parser.pm"), "");
    let lines = [format!("tree \"{place}/Last\""), format!("tree \"{place}/XML\"")];
    assert_eq!(remedies(host), lines);
}

#[test]
fn data_is_told_by_the_paths_that_a_program_names() {
    let app = Sample::program()
        .constant("/usr/share/app/templates")
        .constant("/usr/share/other/x")
        .constant("/usr/share/absent")
        .constant("/usr/share/locale")
        .constant("/etc/app/app.conf")
        .constant("/etc/app/key")
        .bytes();
    let host = debian()
        .program("/usr/bin/app", &app)
        .file("/usr/share/app/templates/one", "1")
        .file("/usr/share/other/x", "1")
        .file("/usr/share/locale/cs", "1")
        .file("/etc/app/app.conf", "1")
        .file("/etc/app/key", "secret")
        .mode(path("/etc/app/key"), 0o600);
    let resolution = case(host).binary("/usr/bin/app", "/usr/bin/app").resolve().unwrap();
    let said = |is_warning: bool| -> Vec<String> {
        let severity = |warning: &&ResolveError| {
            (miette::Diagnostic::severity(*warning) == Some(miette::Severity::Warning))
                == is_warning
        };
        resolution.warnings.iter().filter(severity).flat_map(ResolveError::lines).collect()
    };
    assert_eq!(said(true), ["tree \"/usr/share/app/templates\""]);
    assert_eq!(said(false), ["file \"/etc/app/app.conf\"", "file \"/usr/share/other/x\""]);
}

#[test]
fn a_java_program_that_draws_text_wants_fonts() {
    // A member that is stored (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16).
    let jar = |class: &[u8]| {
        let length = u8::try_from(class.len()).unwrap();
        let mut jar = vec![0; 30];
        jar[26] = 7;
        jar.extend(b"A.class");
        jar.extend(class);
        let list = u8::try_from(jar.len()).unwrap();
        let mut record = b"PK\x01\x02".to_vec();
        record.resize(46, 0);
        (record[20], record[28]) = (length, 7);
        jar.extend(record);
        jar.extend(b"A.class");
        let mut end = b"PK\x05\x06".to_vec();
        end.resize(22, 0);
        end[16] = list;
        jar.extend(end);
        jar
    };
    let told = |class: &[u8]| {
        let host = debian()
            .program("/usr/bin/java", Sample::program().bytes())
            .file("/usr/share/java/app.jar", jar(class))
            .file("/usr/share/fonts/one.ttf", "x")
            .file("/etc/fonts/fonts.conf", "x")
            .file("/usr/share/fontconfig/one", "x")
            .file(format!("{LIB}/libfontconfig.so.1"), Sample::library().bytes());
        let case = case(host).binary("/usr/bin/java", "/usr/bin/java").runs("/usr/bin/java");
        let case = case.file("/usr/share/java/app.jar", "/usr/share/java/app.jar", None);
        let warnings = case.resolve().unwrap().warnings;
        warnings.iter().flat_map(ResolveError::lines).collect::<Vec<_>>()
    };
    let fonts = [
        "library \"libfontconfig.so.1\"",
        "tree \"/etc/fonts\"",
        "tree \"/usr/share/fontconfig\"",
        "tree \"/usr/share/fonts\"",
    ];
    assert_eq!(told(b"..java/awt/Font.."), fonts);
    assert_eq!(told(b"..java/lang/String.."), [""; 0]);
}

#[test]
fn a_private_key_is_told_wherever_it_comes_from() {
    let key =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n", "MIIEvQIBADANBgkqhkiG9w0BAQEF".repeat(3));
    let host = debian().file("/etc/server.key", &key);
    let resolution =
        case(host).file("/etc/server.key", "/a", None).text("/b", &key).resolve().unwrap();
    let mut told = told(&resolution);
    told.retain(|text| text.contains("holds"));
    told.sort();
    assert_eq!(told, ["`/a` holds a private key", "`/b` holds a private key"]);
}

#[test]
fn a_key_that_came_in_a_package_is_no_secret() {
    let key =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n", "MIIEvQIBADANBgkqhkiG9w0BAQEF".repeat(3));
    let files = "/usr/share/app/own.pem\n/usr/share/app/test.pem\n/usr/share/app/made.pem\n/usr/share/app/test.py\n";
    let host = debian()
        .program("/usr/bin/app", Sample::program().bytes())
        .file("/usr/share/app/test.pem", &key)
        // What is compiled from a file has the same in it.
        .file("/usr/share/app/test.py", format!("{key}1"))
        .file("/usr/share/app/__pycache__/test.cpython-311.pyc", format!("{key}2"))
        .file("/usr/share/app/made.pem", key.replace('M', "N"))
        .file("/usr/share/app/other.pem", key.replace('M', "O"))
        // Somebody put his own in the place of a package's.
        .file("/usr/share/app/own.pem", key.replace('M', "P"))
        .file("/var/lib/dpkg/status", "Package: app\nArchitecture: all\nVersion: 1\n")
        .file("/var/lib/dpkg/info/app.list", files)
        .file(
            "/var/lib/dpkg/info/app.md5sums",
            format!(
                "{}  usr/share/app/test.pem\n{}  usr/share/app/test.py\n{}  usr/share/app/own.pem\n",
                sum(key.as_bytes()),
                sum(format!("{key}1").as_bytes()),
                sum(b"another"),
            ),
        );
    let case =
        case(host).binary("/usr/bin/app", "/usr/bin/app").tree("/usr/share/app", "/app", &[]);
    let mut told = told(&case.resolve().unwrap());
    told.retain(|text| text.contains("holds"));
    assert_eq!(
        told,
        [
            "`/app/made.pem` holds a private key",
            "`/app/other.pem` holds a private key",
            "`/app/own.pem` holds a private key"
        ]
    );
}

#[test]
fn a_script_that_asks_where_it_is_finds_what_is_beside_it() {
    let shell = Sample::program().bytes();
    let host = |text: &str| {
        debian()
            .program("/usr/bin/sh", &shell)
            .program("/usr/share/tool/bin/tool", text)
            .link("/usr/bin/app", "../share/tool/bin/tool")
            .file("/usr/share/tool/lib/tool.jar", "x")
    };
    assert_eq!(remedies(host("#!/usr/bin/sh\nhome=\"$0\"\n")), ["tree \"/usr/share/tool\""]);
    assert_eq!(remedies(host("#!/usr/bin/sh\necho\n")), Vec::<String>::new());
}

#[test]
fn a_script_that_starts_a_shell_or_what_it_wraps_is_read_for_it() {
    let program = Sample::program().bytes();
    let host = debian()
        .program("/usr/bin/ruby", &program)
        .program("/usr/bin/sh", &program)
        .program("/usr/bin/app", "#!/usr/bin/ruby\nexec '/bin/sh', \"$0.bin\"\n")
        .program("/usr/bin/app.bin", &program);
    let lines = remedies(host);
    assert_eq!(lines, ["binary \"/bin/sh\"", "binary \"/usr/bin/app.bin\""]);
}
