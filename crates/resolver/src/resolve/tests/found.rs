use super::*;

#[test]
fn a_root_that_was_never_configured_is_read_as_if_it_were() {
    let root = |memory: Memory| {
        memory
            .link("/sys/lib", "usr/lib")
            .link("/sys/lib64", "usr/lib")
            .program("/sys/usr/lib/ld-linux-x86-64.so.2", Sample::glibc_loader().bytes())
            .program("/sys/usr/bin/app", Sample::program().needs("libapp.so.1").bytes())
            .file("/sys/etc/ld.so.conf", "include ld.so.conf.d/*.conf\n")
            .file("/sys/etc/ld.so.conf.d/app.conf", "/opt/app/lib\n")
            .file("/sys/opt/app/lib/libapp.so.1", Sample::library().soname("libapp.so.1").bytes())
    };
    let build = |memory: Memory| {
        case(memory)
            .source("source", Place::Directory(from("/sys")), None)
            .binary("/usr/bin/app", "/usr/bin/app")
    };
    let entries = build(root(Memory::on_device(1))).entries();
    for entry in ["/etc/ld.so.cache", "/opt/app/lib/libapp.so.1"] {
        assert!(entries.contains(&entry.into()), "{entries:#?}");
    }
    assert!(!entries.iter().any(|entry| entry.contains("ld.so.conf")), "{entries:#?}");
    // A cache that lists nothing is one: its root was configured.
    let empty = [&b"glibc-ld.so.cache1.1"[..], &[0; 28]].concat();
    let configured = root(Memory::on_device(1)).file("/sys/etc/ld.so.cache", empty);
    assert_eq!(
        build(configured).problems(),
        ["`/usr/bin/app` needs `libapp.so.1`, which is not found"]
    );
}

#[test]
fn a_program_brings_its_loader_its_libraries_and_the_links_to_them() {
    let program = Sample::program().needs("libz.so.1").needs("libc.so.6");
    let host = debian()
        .program("/usr/bin/rg", program.bytes())
        .link("/usr/lib/x86_64-linux-gnu/libz.so.1", "libz.so.1.2.13")
        .file(
            "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13",
            Sample::library().soname("libz.so.1").needs("libc.so.6").bytes(),
        );
    let expected = with_c_library(&[
        "/bin -> usr/bin",
        "/usr/bin/rg*",
        "/usr/lib/x86_64-linux-gnu/libz.so.1 -> libz.so.1.2.13",
        "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13",
    ]);
    assert_eq!(case(host.clone()).binary("/bin/rg", "/bin/rg").entries(), expected);

    let resolution = case(host).binary("/bin/rg", "/bin/rg").platform(None).resolve().unwrap();
    assert_eq!(resolution.closure.platform.to_string(), "linux/amd64");
    let needs = |at: &str| resolution.closure.entries[&path(at)].needs.clone();
    let libc = needs("/usr/lib/x86_64-linux-gnu/libc.so.6");
    assert_eq!(
        libc[0].reason,
        Reason::Needed {
            by: path("/usr/bin/rg"),
            name: Box::from(*b"libc.so.6"),
            rule: imgc_planner::Rule::Default,
        }
    );
    assert_eq!(needs("/usr/bin/rg")[0].reason, Reason::Asked);
    let loader = needs("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
    assert_eq!(loader[0].reason, Reason::Interpreter { of: path("/usr/bin/rg") });
}

#[test]
fn a_script_brings_its_interpreter_and_what_env_starts() {
    let dynamic = Sample::program().needs("libc.so.6").bytes();
    let host = debian()
        .program("/work/report", "#!/usr/bin/env -S python3 -u\n")
        .program("/usr/bin/env", &dynamic)
        .link("/usr/bin/python3", "python3.11")
        .program("/usr/bin/python3.11", [&dynamic[..], b"python"].concat())
        .program("/usr/bin/other", "#!/bin/sh\n");
    let expected = with_c_library(&[
        "/usr/bin/env*",
        "/usr/bin/python3 -> python3.11",
        "/usr/bin/python3.11*",
        "/usr/bin/report*",
    ]);
    assert_eq!(case(host).binary("report", "/usr/bin/report").entries(), expected);
}

#[test]
fn a_link_of_the_recipe_is_an_interpreter_too() {
    let host = debian()
        .program("/work/run", "#!/bin/sh\n")
        .program("/usr/bin/sh", Sample::program().needs("libother.so").bytes())
        .program("/usr/bin/busybox", Sample::library().bytes());
    let entries = case(host).binary("run", "/run").symlink("/bin/sh", "busybox").entries();
    let expected = ["/bin -> usr/bin", "/run*", "/usr/bin/busybox*", "/usr/bin/sh -> busybox"];
    assert_eq!(entries, expected);
}

#[test]
fn a_relocated_program_runs_where_it_will_stand() {
    let program = Sample::program().needs("libapp.so").runpath("$ORIGIN/../lib");
    let host = debian()
        .program("/work/target/app", program.bytes())
        .file("/work/target/libapp.so", Sample::library().bytes())
        .file("/work/lib/libapp.so", "never looked at");
    let placed = case(host.clone()).binary("target/app", "/opt/app/bin/app").file(
        "target/libapp.so",
        "/opt/app/lib/libapp.so",
        None,
    );
    let mut expected = with_c_library(&["/opt/app/bin/app*", "/opt/app/lib/libapp.so"]);
    expected.retain(|line| !line.contains("libc.so.6"));
    assert_eq!(placed.entries(), expected);
    assert_eq!(
        case(host).binary("target/app", "/opt/app/bin/app").problems(),
        ["`/opt/app/bin/app` needs `libapp.so`, which is not found"]
    );
}

#[test]
fn a_library_is_found_as_the_program_would_find_it() {
    let program = Sample::program().needs("libc.so.6").runpath("/opt/lib");
    let plugin = Sample::library().needs("libdeep.so").runpath("/opt/deep");
    let host = debian()
        .program("/usr/bin/app", program.bytes())
        .file("/opt/lib/libplugin.so", plugin.bytes())
        .file("/opt/deep/libdeep.so", Sample::library().bytes())
        .file("/usr/lib/modules/a.so", Sample::library().soname("a").bytes())
        .file("/usr/lib/modules/b.so", Sample::library().soname("b").bytes())
        .file("/usr/lib/modules/readme", "no library");
    let entries = case(host)
        .binary("/usr/bin/app", "/usr/bin/app")
        .library("libplugin.so")
        .library("/usr/lib/modules/*.so")
        .entries();
    let expected = with_c_library(&[
        "/opt/deep/libdeep.so",
        "/opt/lib/libplugin.so",
        "/usr/bin/app*",
        "/usr/lib/modules/a.so",
        "/usr/lib/modules/b.so",
    ]);
    assert_eq!(entries, expected);
}

#[test]
fn names_of_one_file_stay_names_of_one_file_for_the_loader() {
    let program = Sample::program().needs("libone.so").needs("libtwo.so");
    let host = debian()
        .program("/usr/bin/app", program.bytes())
        .file("/usr/lib/libone.so", Sample::library().bytes())
        .hard_link("/usr/lib/libtwo.so", "/usr/lib/libone.so")
        .hard_link("/work/dist/copy", "/usr/lib/libone.so");
    let entries =
        case(host).binary("/usr/bin/app", "/usr/bin/app").tree("dist", "/srv", &[]).entries();
    let files: Vec<&String> =
        entries.iter().filter(|line| line.contains("libone") || line.contains("copy")).collect();
    assert_eq!(
        files,
        ["/srv/copy", "/usr/lib/libone.so", "/usr/lib/libtwo.so = /usr/lib/libone.so"]
    );
}

#[test]
fn a_tree_is_taken_with_its_links_and_without_its_excludes() {
    let host = Memory::new()
        .file("/work/dist/index.html", "x")
        .file("/work/dist/js/app.js", "x")
        .file("/work/dist/js/app.js.map", "x")
        .program("/work/dist/cgi/run", "x")
        .file("/work/dist/cache/a", "x")
        .file("/work/dist/js/cache/a", "x")
        .link("/work/dist/current", "js/../js")
        .link("/work/dist/absolute", "/etc/passwd");
    let entries = case(host).tree("dist", "/srv/www", &["*.map", "/cache/"]).entries();
    let expected = [
        "/srv/www/",
        "/srv/www/absolute -> /etc/passwd",
        "/srv/www/cgi/",
        "/srv/www/cgi/run*",
        "/srv/www/current -> js/../js",
        "/srv/www/index.html",
        "/srv/www/js/",
        "/srv/www/js/app.js",
        "/srv/www/js/cache/",
        "/srv/www/js/cache/a",
    ];
    assert_eq!(entries, expected);
}

#[test]
fn what_is_asked_for_behind_a_link_is_stored_there() {
    let host = debian().program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes());
    let entries =
        case(host).binary("/usr/bin/app", "/usr/bin/app").text("/lib/app/mode", "fast").entries();
    assert_eq!(entries, with_c_library(&["/usr/bin/app*", "/usr/lib/app/mode"]));
}

#[test]
fn equal_wishes_are_one_entry_with_both_reasons() {
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .file("/work/a", "same");
    // The mode that a node gives to a library wins over the library's own lack of one.
    let resolution = case(host)
        .binary("/usr/bin/app", "/usr/bin/app")
        .file(
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            Some(0o755),
        )
        .text("/same", "same")
        .file("a", "/same", None)
        .resolve()
        .unwrap();
    let entries = &resolution.closure.entries;
    assert_eq!(entries[&path("/same")].needs.len(), 2);
    let libc = &entries[&path("/usr/lib/x86_64-linux-gnu/libc.so.6")];
    assert_eq!(libc.attributes.mode.map(Mode::bits), Some(0o755));
    assert_eq!(libc.needs.len(), 2);
}

#[test]
fn sources_of_another_platform_are_not_looked_at() {
    let host = debian()
        .program("/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .file("/arm/usr/bin/app", "never looked at");
    let case = |platform| {
        case(host.clone())
            .source("arm", Place::Directory(From::Source(path("/arm"))), Some("linux/arm64"))
            .source("amd", Place::Host, Some("linux/amd64"))
            .search(&["arm", "amd"], |_| ())
            .binary("/usr/bin/app", "/usr/bin/app")
            .platform(platform)
    };
    assert_eq!(case(Some("linux/amd64")).entries(), with_c_library(&["/usr/bin/app*"]));
    assert_eq!(
        case(Some("linux/arm64")).problems(),
        ["`/usr/bin/app` is no program: it starts with neither an ELF header nor `#!`"]
    );
}

#[test]
fn users_are_those_of_the_image() {
    let passwd = "root:x:0:0:root:/root:/bin/sh\nodd\napp:x:100:101::/:/bin/false\napp:x:5:5::/:\n";
    let mut case = case(Memory::new()).text("/etc/passwd", passwd);
    case.user = User::Named("app".into());
    let accounts = case.resolve().unwrap().closure.accounts;
    let ids: Vec<_> =
        accounts.iter().map(|(name, (uid, gid))| format!("{name} {uid}:{gid}")).collect();
    assert_eq!(ids, ["app 100:101", "root 0:0"]);
}

#[test]
fn the_answer_does_not_depend_on_threads() {
    let host = (0..200).fold(Memory::new(), |host, number| {
        host.file(format!("/work/dist/{number}"), format!("{}", number % 7))
    });
    let resolve = || case(host.clone()).tree("dist", "/srv", &[]).resolve().unwrap();
    let first = resolve();
    let path_of = |resolution: &Resolution| {
        let sources = &resolution.sources;
        sources.digests().map(|digest| sources.host_path(digest).cloned()).collect::<Vec<_>>()
    };
    for _ in 0..5 {
        let again = resolve();
        assert_eq!(again.closure, first.closure);
        assert_eq!(path_of(&again), path_of(&first));
    }
}

#[test]
fn set_id_bits_of_a_source_decide_nothing_in_the_image() {
    // In secure mode, a loader passes over an `$ORIGIN` that leads to no built-in directory.
    let program = Sample::program().needs("libapp.so").runpath("$ORIGIN/lib");
    let host = debian()
        .program("/opt/app/app", program.bytes())
        .mode("/opt/app/app", 0o4755)
        .file("/opt/app/lib/libapp.so", Sample::library().bytes());
    let entries = case(host.clone()).binary("/opt/app/app", "/opt/app/app").entries();
    assert!(entries.contains(&"/opt/app/lib/libapp.so".into()), "{entries:#?}");

    // What else is looked for with the program is found as it would be without them.
    let more = host.clone().file("/usr/lib/x86_64-linux-gnu/libmore.so", Sample::library().bytes());
    let entries = case(more).binary("/opt/app/app", "/opt/app/app").library("libmore.so").entries();
    assert!(entries.contains(&"/usr/lib/x86_64-linux-gnu/libmore.so".into()), "{entries:#?}");

    // The recipe can ask for them, and then they decide.
    let from = From::Source(path("/opt/app/app"));
    let attributes = Attributes { mode: Some(Mode::new(0o4755).unwrap()), ..Attributes::ROOT };
    let binary = Binary { from, to: path("/opt/app/app"), attributes };
    assert_eq!(
        case(host.clone()).request("secure", NodeKind::Binary(binary.clone())).problems(),
        ["`/opt/app/app` needs `libapp.so`, which is not found"]
    );
    // What it opens later is found in a secure start too: only preloads have to be set-user-id.
    let plain = Sample::program().needs("libc.so.6").bytes();
    let host = host.program("/opt/app/app", &plain).mode("/opt/app/app", 0o755);
    let host = host.file("/usr/lib/x86_64-linux-gnu/libmore.so", Sample::library().bytes());
    let secure = case(host).request("secure", NodeKind::Binary(binary));
    let entries = secure.library("libmore.so").entries();
    assert!(entries.contains(&"/usr/lib/x86_64-linux-gnu/libmore.so".into()), "{entries:#?}");
}

#[test]
fn a_static_program_needs_nothing() {
    let host = Memory::new().program("/work/app", Sample::library().needs("libnone.so").bytes());
    assert_eq!(case(host).binary("app", "/app").entries(), ["/app*"]);
}

#[test]
fn a_second_source_completes_the_first() {
    let host = debian()
        .program("/tools/usr/bin/app", Sample::program().needs("libc.so.6").bytes())
        .link("/tools/usr/bin/alias", "/usr/bin/app");
    let entries = case(host)
        .source("tools", Place::Directory(From::Source(path("/tools"))), None)
        .search(&["tools", "source"], |_| ())
        .binary("/usr/bin/alias", "/usr/bin/alias")
        .entries();
    assert_eq!(entries, with_c_library(&["/usr/bin/alias -> /usr/bin/app", "/usr/bin/app*"]));
}
