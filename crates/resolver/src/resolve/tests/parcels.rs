//! What comes with the packages of a program: data, directories, helpers, users.

use super::*;
use crate::pristine::sum;

/// Returns what is said of `/usr/bin/app`, with the lines that end it.
#[track_caller]
fn said(host: Memory, app: Sample, more: impl Fn(Case) -> Case) -> Vec<String> {
    let host = host.program("/usr/bin/app", app.needs("libc.so.6").bytes());
    let resolution = more(case(host).binary("/usr/bin/app", "/usr/bin/app")).resolve().unwrap();
    let code = |warning: &ResolveError| miette::Diagnostic::code(warning).unwrap().to_string();
    let told = |warning: &ResolveError| {
        let code = code(warning).replace("imgc::resolve::", "");
        format!("{code}: {}", warning.lines().join("; "))
    };
    resolution.warnings.iter().map(told).collect()
}

/// A machine with the package `app`, its data and a package that it depends on.
fn machine() -> Memory {
    let status = "Package: app\nVersion: 1\nDepends: app-data, tool\n\n\
                  Package: app-data\nSource: app\nVersion: 1\n\n\
                  Package: tool\nVersion: 1\n\n\
                  Package: other\nVersion: 1\n";
    debian()
        .file("/var/lib/dpkg/status", status)
        .file(
            "/var/lib/dpkg/info/app.list",
            "/usr/bin\n/usr/bin/app\n/usr/bin/app-helper\n/usr/bin/app-worker\n/usr/share/doc\n\
             /usr/share/doc/app\n/usr/share/doc/app/copyright\n/etc/app\n/etc/app/key\n/etc/app/app.conf\n/var/lib/app\n",
        )
        .file(
            "/var/lib/dpkg/info/app-data.list",
            "/usr/share\n/usr/share/tables-of-app\n/usr/share/tables-of-app/x\n/usr/share/both\n\
             /usr/share/both/app\n/usr/share/both/app/y\n",
        )
        .file("/var/lib/dpkg/info/other.list", "/usr/share/both\n/usr/share/both/z\n")
        .file("/var/lib/dpkg/info/tool.list", "/usr/bin\n/usr/bin/tool\n")
        .program("/usr/bin/app-helper", Sample::program().needs("libc.so.6").bytes())
        .program("/usr/bin/app-worker", Sample::program().needs("libc.so.6").bytes())
        .program("/usr/bin/tool", Sample::program().needs("libc.so.6").bytes())
        .file("/usr/share/doc/app/copyright", "x")
        .file("/usr/share/tables-of-app/x", "x")
        .file("/usr/share/both/app/y", "y")
        .file("/usr/share/both/z", "z")
        .file("/etc/app/app.conf", "x")
        .directory("/var/lib/app")
}

#[test]
fn what_the_packages_of_a_program_bring_is_told_once_it_is_missing() {
    let told = said(machine(), Sample::program(), |case| case);
    assert_eq!(
        told,
        ["package_is_left_out: tree \"/etc/app\"; tree \"/usr/share/both/app\"; \
          tree \"/usr/share/tables-of-app\""]
    );
    // What the image does not run is there for one purpose of it.
    let other = |case: Case| case.runs("/usr/bin/none");
    assert_eq!(said(machine(), Sample::program(), other).len(), 1);
    let other = |case: Case| case.binary("/usr/bin/tool", "/usr/bin/tool").runs("/usr/bin/tool");
    assert!(said(machine(), Sample::program(), other).is_empty());
}

#[test]
fn data_of_its_own_packages_that_a_program_names_is_missing() {
    let app = Sample::program().constant("/usr/share/tables-of-app/%s.ttf");
    let told = said(machine(), app, |case| case);
    assert_eq!(told[0], "data_is_missing: tree \"/usr/share/tables-of-app\"");
    // No program may need its documentation.
    let documented = machine().file("/usr/share/doc/app/tables", "x");
    let app = Sample::program().constant("/usr/share/doc/app");
    let told = said(documented, app, |case| case);
    assert!(!told.iter().any(|told| told.contains("/usr/share/doc")), "{told:#?}");
    // A directory of several packages is no one's.
    let told = said(machine(), Sample::program().constant("/usr/share/both"), |case| case);
    assert!(!told.iter().any(|told| told.starts_with("data_is_missing")), "{told:#?}");
}

#[test]
fn data_of_its_own_packages_may_have_a_path_that_is_put_together() {
    let put = |text: &str| said(machine(), Sample::program().constant(text), |case| case);
    assert!(
        put("%s/tables-of-app")
            .contains(&"data_is_missing: tree \"/usr/share/tables-of-app\"".into())
    );
    assert!(!put("in %s/tables-of-app").iter().any(|line| line.starts_with("data_is_missing")));
    assert!(!put("%s/tables").iter().any(|line| line.starts_with("data_is_missing")));
}

#[test]
fn a_directory_is_known_by_the_names_of_its_files() {
    let list = "/usr/lib/app\n/usr/lib/app/std.tab\n/usr/lib/app/more/core.tab\n/usr/lib/app/help\n\
                /usr/lib/app/libown.so.1\n";
    let host = machine()
        .file("/var/lib/dpkg/info/app-data.list", list)
        .file("/usr/lib/app/std.tab", "x")
        .file("/usr/lib/app/more/core.tab", "x")
        .file("/usr/lib/app/help", "x");
    let line = "data_is_missing: tree \"/usr/lib/app\"".to_owned();
    let is_told = |texts: &[&str], more: &str| {
        let app = texts.iter().fold(Sample::program(), |app, text| app.constant(text));
        let with = |case: Case| if more.is_empty() { case } else { case.file(more, more, None) };
        said(host.clone(), app, with).contains(&line)
    };
    assert!(is_told(&["%s/std.tab", "core.tab"], ""));
    // One may be the name of something else, words are none, and what is named whole is told by that.
    assert!(!is_told(&["std.tab"], "") && !is_told(&["std.tab", "my-core.tab"], ""));
    assert!(!is_told(&["std.tab", "help"], "") && !is_told(&["/etc/std.tab", "core.tab"], ""));
    // Who has a part of it has what was meant.
    assert!(!is_told(&["%s/std.tab", "core.tab"], "/usr/lib/app/help"));
}

#[test]
fn a_directory_with_a_version_in_its_name_is_meant_by_that() {
    let put = |text: &str| {
        let host = machine()
            .file(
                "/var/lib/dpkg/info/app-data.list",
                "/usr/share/tables-1.2\n/usr/share/tables-1.2/x\n",
            )
            .file("/usr/share/tables-1.2/x", "x");
        let told = said(host, Sample::program().constant(text), |case| case);
        told.iter().any(|line| line == "data_is_missing: tree \"/usr/share/tables-1.2\"")
    };
    assert!(put("tables-1.2") && put("/tables-1.2"));
    assert!(!put("tables-1.2.3") && !put("my-tables-1.2"));
}

#[test]
fn plug_ins_and_the_configuration_of_a_service_are_missing() {
    let list = "/usr/bin/app\n/usr/lib/app\n/usr/lib/app/one.so\n/etc/app.conf\n";
    let host = machine()
        .file("/var/lib/dpkg/info/app.list", list)
        .file("/usr/lib/app/one.so", Sample::library().bytes())
        .file("/etc/app.conf", "x");
    let app = || Sample::program().constant("%s/app.conf");
    let told = said(host.clone(), app().imports("dlopen"), |case| case);
    let plugins = "plugins_are_missing: tree \"/usr/lib/app\"".to_owned();
    assert!(told.contains(&plugins), "{told:#?}");
    // Who opens nothing has them for others.
    let told = said(host.clone(), app(), |case| case);
    assert!(!told.contains(&plugins), "{told:#?}");
    let told_of = "configuration_is_missing: file \"/etc/app.conf\"".to_owned();
    assert!(told.contains(&told_of), "{told:#?}");
    // Else it is for what starts the program,
    assert!(!said(host.clone(), Sample::program(), |case| case).contains(&told_of));
    // unless that is a service, which does not only some work and end.
    let unit = |kind: &str, option: &str| {
        let unit = "/usr/lib/systemd/system/app.service";
        let text = format!("[Service]\nType={kind}\nExecStart=/usr/bin/app {option}\n");
        let list = format!("{list}{unit}\n");
        let host = host.clone().file("/var/lib/dpkg/info/app.list", list).file(unit, text);
        said(host, Sample::program(), |case| case)
    };
    assert!(unit("notify", "-f /etc/app.conf").contains(&told_of));
    assert!(!unit("notify", "").contains(&told_of));
    assert!(!unit("oneshot", "-f /etc/app.conf").contains(&told_of));
}

#[test]
fn plug_ins_have_names_as_libraries_in_a_directory_that_is_named_for_them() {
    let told = |text: &str, place: &str| {
        let list = "/usr/bin/app\n/usr/lib/app\n/usr/lib/app/app-cache\n";
        let host = machine()
            .file("/var/lib/dpkg/info/app.list", list)
            .file("/usr/lib/app/app-cache", "x")
            .file(place, Sample::library().bytes());
        let told = said(host, Sample::program().constant(text), |case| case);
        told.contains(&"plugins_are_missing: tree \"/usr/lib/app\"".to_owned())
    };
    assert!(told("%s/plugins", "/usr/lib/app/plugins/libone.so"));
    assert!(told("%s/plugins", "/usr/lib/app/plugins/kind/libone.so"));
    assert!(!told("plug", "/usr/lib/app/plugins/libone.so"));
    assert!(!told("%s/parts", "/usr/lib/app/parts/libone.so"));
}

#[test]
fn what_is_for_linkers_is_no_plug_in_and_comments_alone_are_no_configuration() {
    let list = "/usr/bin/app\n/usr/lib/app\n/usr/lib/app/LLVMgold.so\n/etc/none\n/etc/none/zones\n\
                /etc/none/zones/README\n";
    let host = machine()
        .file("/var/lib/dpkg/info/app.list", list)
        .file("/usr/lib/app/LLVMgold.so", Sample::library().bytes())
        .file("/etc/none/zones/README", "# Zones of your own stand here.\n\n");
    let unit = "[Service]\nType=notify\nExecStart=/usr/bin/app -d /etc/none\n";
    let at = "/usr/lib/systemd/system/app.service";
    let told = said(
        host.file(at, unit).file("/var/lib/dpkg/info/app.list", format!("{list}{at}\n")),
        Sample::program(),
        |case| case,
    );
    assert!(!told.iter().any(|told| told.contains("missing")), "{told:#?}");
}

#[test]
fn a_program_of_go_names_the_configuration_of_its_package() {
    let told = |text: &str, is_go: bool| {
        let host = machine()
            .file("/var/lib/dpkg/info/app.list", "/usr/bin/app\n/etc/all/app.yml\n/etc/all/key\n")
            .file("/etc/all/app.yml", "x")
            .file("/etc/all/key", "x");
        let app = Sample::program().constant(text);
        let app = if is_go { app.note("Go", 4, b"id") } else { app };
        let line = "configuration_is_missing: file \"/etc/all/app.yml\"".to_owned();
        said(host, app, |case| case).contains(&line)
    };
    assert!(told("a value/etc/all/app.ymland more", true));
    assert!(!told("/etc/all", true) && !told("a value/etc/all/app.ymland more", false));
}

#[test]
fn who_names_the_file_of_the_local_time_may_want_it() {
    let told = |text: &str| {
        let host = machine().file("/usr/share/zoneinfo/UTC", "TZif2");
        said(host, Sample::program().constant(text), |case| case)
    };
    let line = "data_is_left_out: needs timezones=\"UTC\"; \
                symlink \"/etc/localtime\" to=\"/usr/share/zoneinfo/UTC\"";
    assert!(told("/etc/localtime").contains(&line.to_owned()), "{:#?}", told("/etc/localtime"));
    assert!(!told("/etc/local").contains(&line.to_owned()));
}

#[test]
fn directories_of_state_bear_the_name_of_the_package() {
    let app = Sample::program()
        .constant("/var/lib/app/db")
        .constant("/run/app.pid")
        .constant("/var/lib/dpkg/status");
    let told = said(machine(), app, |case| case);
    let state = "state_is_left_out: directory \"/run\" owner=65532; \
                 directory \"/var/lib/app\" owner=65532";
    assert!(told.contains(&state.to_owned()), "{told:#?}");
    // Those for files that last are for everybody.
    let told = said(machine(), Sample::program().constant("/var/tmp/app.recover"), |case| case);
    let lasting = "state_is_left_out: directory \"/var/tmp\" mode=0o1777";
    assert!(told.contains(&lasting.to_owned()), "{told:#?}");
}

#[test]
fn programs_of_the_same_packages_are_helpers_if_others_are_started() {
    let helpers = |app: Sample| -> Vec<String> {
        let told = said(machine(), app, |case| case);
        told.into_iter().filter(|told| told.contains("helpers")).collect()
    };
    let words = || Sample::program().constant("app-worker").constant("tool").constant("none");
    assert_eq!(helpers(words()), [""; 0]);
    // One alone may be a word of its help.
    let one = "helpers_are_left_out: binary \"/usr/bin/app-worker\"; binary \"/usr/bin/tool\"";
    assert_eq!(helpers(words().imports("execvp")), [one]);
    assert_eq!(
        helpers(words().constant("app-helper").imports("execvp")),
        [
            "helpers_are_left_out: binary \"/usr/bin/tool\"",
            "helpers_are_missing: binary \"/usr/bin/app-helper\"; binary \"/usr/bin/app-worker\""
        ]
    );
    let app = Sample::program().imports("popen").constant("\"%s%stool\" -x %s");
    assert_eq!(helpers(app), ["helpers_are_left_out: binary \"/usr/bin/tool\""]);
}

#[test]
fn a_program_of_every_system_counts_by_its_path() {
    let host = machine()
        .file("/var/lib/dpkg/status", "Package: app\n\nPackage: base\nEssential: yes\n")
        .file("/var/lib/dpkg/info/base.list", "/usr/bin\n/usr/bin/base-tool\n")
        .program("/usr/bin/base-tool", Sample::program().needs("libc.so.6").bytes());
    let helpers = |text: &str| -> Vec<String> {
        let app = Sample::program().imports("execv").constant(text);
        let told = said(host.clone(), app, |case| case);
        told.into_iter().filter(|told| told.contains("helpers")).collect()
    };
    assert_eq!(
        helpers("/usr/bin/base-tool"),
        ["helpers_are_left_out: binary \"/usr/bin/base-tool\""]
    );
    assert_eq!(helpers("base-tool"), [""; 0]);
    assert_eq!(helpers("/usr/local/base-tool"), [""; 0]);
}

#[test]
fn a_service_that_is_named_wants_its_user() {
    let host = || {
        machine()
            .file("/etc/passwd", "root:x:0:0::/:\n_app:x:101:101::/:\nftp:x:102:102::/:\n")
            .file("/var/lib/dpkg/info/app.postinst", "adduser --system _app\n")
    };
    let app = || Sample::program().constant("_app").constant("root").constant("ftp");
    let users = |app: Sample| -> Vec<String> {
        let told = said(host(), app, |case| case);
        told.into_iter().filter(|told| told.contains("user")).collect()
    };
    assert_eq!(users(app()), [""; 0]);
    let told = users(app().imports("getpwnam"));
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("text \"/etc/passwd\" \"root:x:0:0:"), "{told:#?}");
    assert!(told[0].contains("\\n_app:x:101:101::/:\\n\""), "{told:#?}");
    assert!(!told[0].contains("ftp"), "{told:#?}");
}

#[test]
fn a_configuration_names_groups() {
    let host = machine()
        .file("/etc/passwd", "root:x:0:0::/:\n")
        .file("/etc/group", "root:x:0:\nadm:x:4:me\n")
        .file("/etc/app/app.conf", "owner root\ngroup adm\n");
    let app = || Sample::program().imports("getgrnam");
    let users = |more: fn(Case) -> Case| -> Vec<String> {
        let told = said(host.clone(), app(), more);
        told.into_iter().filter(|told| told.contains("user_is")).collect()
    };
    let with = |case: Case| case.file("/etc/app/app.conf", "/etc/app/app.conf", None);
    let told = users(with);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].ends_with("nobody:x:65534:\\nadm:x:4:\\n\""), "{told:#?}");
    let with = |case: Case| {
        let case = case.file("/etc/app/app.conf", "/etc/app/app.conf", None);
        case.text("/etc/passwd", "root:x:0:0::/:\n").text("/etc/group", "root:x:0:\nown:x:7:\n")
    };
    // What the image has stays.
    let told = users(with);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("\"/etc/passwd\" \"root:x:0:0::/:\\n\""), "{told:#?}");
    assert!(told[0].ends_with("\"root:x:0:\\nown:x:7:\\nadm:x:4:\\n\""), "{told:#?}");
}

#[test]
fn a_compiler_wants_headers_start_files_and_the_tools_of_its_packages() {
    let status = "Package: app\nRecommends: libc6-dev, tools\n\nPackage: tools\n\n\
                  Package: libc6-dev\nDepends: kernel-dev\n\nPackage: kernel-dev\n\n\
                  Package: app-dev\nSource: app\n";
    let place = "/usr/lib/x86_64-linux-gnu";
    let script = format!("GROUP ( {place}/libm.so.6 AS_NEEDED ( {place}/libmore.so.1 ) )");
    let list = |paths: &[&str]| paths.join("\n") + "\n";
    let host = debian()
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/info/app.list", list(&["/usr/bin/app", "/usr/lib/app/crtbegin.o"]))
        .file("/var/lib/dpkg/info/tools.list", list(&["/usr/bin/as", "/usr/bin/other"]))
        .file(
            "/var/lib/dpkg/info/libc6-dev.list",
            list(&[
                "/usr/include",
                "/usr/include/x.h",
                &format!("{place}/crt1.o"),
                &format!("{place}/libm.so"),
            ]),
        )
        .file("/var/lib/dpkg/info/kernel-dev.list", list(&["/usr/include/linux/y.h"]))
        .program("/usr/bin/as", Sample::program().bytes())
        .program("/usr/bin/other", Sample::program().bytes())
        .file("/usr/include/x.h", "")
        .file("/usr/include/linux/y.h", "")
        .file("/usr/lib/app/crtbegin.o", "x")
        .file(format!("{place}/crt1.o"), "y")
        .file(format!("{place}/libm.so"), script)
        .file(format!("{place}/libmore.so.1"), Sample::library().soname("libmore.so.1").bytes());
    let compiler = Sample::program().constant("%{!shared:crt1.o%s}");
    let told = said(host.clone(), compiler, |case| case);
    let data = format!(
        "data_is_missing: tree \"/usr/include\"; tree \"/usr/lib/app\"; \
         file \"{place}/crt1.o\"; file \"{place}/libm.so\"; library \"{place}/libmore.so.1\""
    );
    assert!(told.contains(&data), "{told:#?}");
    assert!(told.contains(&"helpers_are_missing: binary \"/usr/bin/as\"".to_owned()), "{told:#?}");
    let told = said(host.clone(), Sample::program().constant("crt.o"), |case| case);
    assert!(!told.iter().any(|told| told.contains("missing")), "{told:#?}");
    // Who has clang's driver in a library starts no other program, unless it calls that.
    let list = ["/usr/bin/app", "/usr/lib/app/crtbegin.o", "/usr/lib/app/clang/include/stddef.h"];
    let library = Sample::library().soname("libclang.so.1").constant("crt1.o");
    let host = host
        .file("/var/lib/dpkg/info/app-dev.list", format!("/usr\n/usr/include/z.h\n{}\n", list[2]))
        .file(
            "/var/lib/dpkg/status",
            status.replacen("Package: app\n", "Package: app\nDepends: app-dev\n", 1),
        )
        .file(list[2], "x")
        .file(format!("{place}/libclang.so.1"), library.bytes());
    let parser = || Sample::program().needs("libclang.so.1");
    let told = said(host.clone(), parser(), |case| case).join("\n");
    assert!(told.contains("tree \"/usr/lib/app/clang/include\""), "{told}");
    assert!(!told.contains("binary \"/usr/bin/as\""), "{told}");
    let driver = parser().imports("_ZN5clang6driver6Driver16BuildCompilationE");
    assert!(said(host, driver, |case| case).join("\n").contains("binary \"/usr/bin/as\""));
}

#[test]
fn a_preprocessor_wants_a_directory_for_headers_though_none_may_be_in_it() {
    let host = machine().file("/usr/lib/app/cc1", "x").directory("/usr/include");
    let driver = || Sample::program().constant("crt1.o");
    let line = "data_is_missing: directory \"/usr/include\"".to_owned();
    let with = |case: Case| case.tree("/usr/lib/app", "/usr/lib/app", &[]);
    assert!(said(host.clone(), driver(), with).contains(&line));
    assert!(!said(host.clone(), driver(), |case| case).contains(&line));
    assert!(!said(host, Sample::program(), with).contains(&line));
}

#[test]
fn a_preprocessor_wants_the_part_of_its_packages_that_reads_headers() {
    let host = machine()
        .file("/var/lib/dpkg/info/app-data.list", "/usr/lib/app\n/usr/lib/app/cc1\n")
        .file("/usr/lib/app/cc1", "x");
    let line = "data_is_missing: tree \"/usr/lib/app\"".to_owned();
    let driver = || Sample::program().constant("crt1.o");
    assert!(said(host.clone(), driver(), |case| case).contains(&line));
    assert!(!said(host, Sample::program(), |case| case).contains(&line));
}

#[test]
fn a_compiler_for_another_machine_has_the_tools_and_headers_of_that() {
    let status = "Package: cross\nDepends: cross-tools, cross-dev\n\nPackage: cross-tools\n\n\
                  Package: cross-dev\n";
    let list = |paths: &[&str]| paths.join("\n") + "\n";
    let compiler = "/usr/bin/other-gnu-gcc";
    let program = Sample::program().needs("libc.so.6").constant("crt1.o");
    let host = debian()
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/info/cross.list", list(&[compiler]))
        .file(
            "/var/lib/dpkg/info/cross-tools.list",
            list(&["/usr/bin/as", "/usr/other-gnu/bin/as", "/usr/other-gnu/bin/ld"]),
        )
        .file("/var/lib/dpkg/info/cross-dev.list", list(&["/usr/other-gnu/lib/crt1.o"]))
        .program(compiler, program.bytes())
        .program("/usr/bin/as", Sample::program().bytes())
        .program("/usr/other-gnu/bin/as", Sample::program().bytes())
        .program("/usr/other-gnu/bin/ld", Sample::program().bytes())
        .file("/usr/other-gnu/lib/crt1.o", "x")
        .file("/usr/other-gnu/include/x.h", "")
        .file("/usr/include/x.h", "");
    let resolution = case(host).binary(compiler, compiler).runs(compiler).resolve().unwrap();
    let lines: Vec<String> = resolution.warnings.iter().flat_map(ResolveError::lines).collect();
    for line in [
        "tree \"/usr/other-gnu/include\"",
        "tree \"/usr/other-gnu/lib\"",
        "binary \"/usr/other-gnu/bin/as\"",
        "binary \"/usr/other-gnu/bin/ld\"",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line} in {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.contains("/usr/bin/as")), "{lines:#?}");
    assert!(!lines.contains(&"tree \"/usr/include\"".to_owned()), "{lines:#?}");
}

#[test]
fn a_line_for_the_shell_begins_with_a_program_of_every_system_and_its_option() {
    let host = || {
        let base = "Package: base\nEssential: yes\n\n";
        let status = format!("{base}Package: app\nVersion: 1\n");
        machine()
            .file("/var/lib/dpkg/status", status)
            .file("/var/lib/dpkg/info/base.list", "/usr/bin/sort\n/usr/bin/comm\n")
            .program("/usr/bin/sort", Sample::program().needs("libc.so.6").bytes())
            .program("/usr/bin/comm", Sample::program().needs("libc.so.6").bytes())
    };
    let app = Sample::program().constant("sort -u").constant("comm and others");
    let helpers = |app: Sample| -> Vec<String> {
        let told = said(host(), app, |case| case);
        told.into_iter().filter(|told| told.contains("helpers")).collect()
    };
    assert_eq!(helpers(app.clone()), [""; 0]);
    assert_eq!(helpers(app.imports("system")), ["helpers_are_left_out: binary \"/usr/bin/sort\""]);
}

#[test]
fn a_file_of_data_says_which_program_is_started() {
    let host = machine()
        .file("/usr/share/tables-of-app/x", "# a comment\nworker app-worker\napp-worker is it\n");
    let with = |case: Case| case.tree("/usr/share/tables-of-app", "/usr/share/tables-of-app", &[]);
    let missing = "helpers_are_missing: binary \"/usr/bin/app-worker\"".to_owned();
    let app = || Sample::program().imports("execvp");
    assert!(said(host.clone(), app(), with).contains(&missing));
    assert!(!said(host.clone(), app(), |case| case).contains(&missing));
    assert!(!said(host, Sample::program(), with).contains(&missing));
}

#[test]
fn a_script_in_a_tree_wants_its_interpreter_if_the_program_starts_it() {
    let list = "/usr/bin/app\n/usr/lib/app\n/usr/lib/app/bin/run\n/usr/lib/app/bin/walk\n";
    let host = machine()
        .file("/var/lib/dpkg/info/app.list", list)
        .program("/usr/bin/sh", Sample::program().needs("libc.so.6").bytes())
        .program("/usr/lib/app/bin/run", "#!/usr/bin/sh\n")
        .program("/usr/lib/app/bin/walk", "#!/usr/bin/sh\n");
    let app = || Sample::program().imports("execv").constant("%s/bin/run");
    let with = |case: Case| case.tree("/usr/lib/app", "/usr/lib/app", &[]);
    let missing = "helpers_are_missing: binary \"/usr/lib/app/bin/run\"".to_owned();
    let told = said(host.clone(), app(), with);
    assert!(told.contains(&missing), "{told:#?}");
    let with_shell = |case: Case| with(case).binary("/usr/bin/sh", "/usr/bin/sh");
    assert!(!said(host, app(), with_shell).contains(&missing));
}

#[test]
fn data_of_the_same_source_that_a_program_names_is_missing() {
    let status = "Package: app\nVersion: 1\n\nPackage: tables\nSource: app\nArchitecture: all\n\n\
                  Package: other\nVersion: 1\n";
    let host = debian()
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/info/app.list", "/usr/bin/app\n")
        .file(
            "/var/lib/dpkg/info/tables.list",
            "/usr/share/i18n\n/usr/share/i18n/x\n/usr/share/a11y\n/usr/share/a11y/part\n",
        )
        .file("/usr/share/a11y/part/x", "")
        .file("/var/lib/dpkg/info/other.list", "/usr/share/l10n\n")
        .file("/usr/share/i18n/x", "")
        .file("/usr/share/l10n/x", "");
    let app = Sample::program().constant("/usr/share/i18n").constant("/usr/share/l10n");
    // Who names a part of it does something with that alone.
    let app = app.constant("/usr/share/a11y/part");
    let told = said(host, app, |case| case);
    assert_eq!(
        told,
        [
            "data_is_missing: tree \"/usr/share/i18n\"",
            "data_is_left_out: tree \"/usr/share/a11y/part\"; tree \"/usr/share/l10n\""
        ]
    );
}

#[test]
fn what_stands_in_a_closed_directory_is_private() {
    let host = machine().mode("/etc/app", 0o700);
    let app = Sample::program().constant("/etc/app/app.conf");
    let told = said(host, app, |case| case);
    assert!(told.iter().any(|told| told.starts_with("private_is_left_out")), "{told:#?}");
    assert!(!told.iter().any(|told| told.contains("app.conf")), "{told:#?}");
}

#[test]
fn what_everybody_can_have_is_told_with_a_mode_that_every_reader_may_use() {
    let app = || Sample::program().constant("/etc/app/app.conf");
    let line = "file \"/etc/app/app.conf\" mode=0o644";
    let host = |sum: String| {
        let status = format!("Package: app\nVersion: 1\nConffiles:\n /etc/app/app.conf {sum}\n");
        machine().mode("/etc/app/app.conf", 0o640).file("/var/lib/dpkg/status", status)
    };
    let told = said(host(sum(b"x")), app(), |case| case);
    assert!(told.iter().any(|told| told.contains(line)), "{told:#?}");
    assert!(!told.iter().any(|told| told.starts_with("private_is_left_out")), "{told:#?}");
    // Somebody wrote something else into it.
    let told = said(host(sum(b"y")), app(), |case| case);
    assert!(told.iter().any(|told| told.starts_with("private_is_left_out")), "{told:#?}");
    assert!(!told.iter().any(|told| told.contains(line)), "{told:#?}");
    // A closed directory is none in the image.
    let told = said(host(sum(b"x")).mode("/etc/app", 0o750), app(), |case| case);
    assert!(told.iter().any(|told| told.contains(line)), "{told:#?}");
}

#[test]
fn keys_of_a_machine_are_for_its_services() {
    let key =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n", "MIIEvQIBADANBgkqhkiG9w0BAQEF".repeat(3));
    let host = machine().file("/etc/app/key", key).mode("/etc/app/key", 0o600);
    let app = || Sample::program().constant("/etc/app/key").needs("libc.so.6");
    let told = said(host.clone(), app(), |case| case);
    assert!(!told.iter().any(|told| told.starts_with("private_is_left_out")), "{told:#?}");
    let list = "/usr/sbin/app\n/etc/app\n/etc/app/key\n";
    let host =
        host.program("/usr/sbin/app", app().bytes()).file("/var/lib/dpkg/info/app.list", list);
    let service = case(host).binary("/usr/sbin/app", "/usr/sbin/app").resolve().unwrap();
    assert!(service.warnings.iter().any(|told| told.to_string().contains("may read")));
}

#[test]
fn the_modules_of_a_language_are_not_for_who_names_where_they_lie() {
    let modules = "/usr/lib/python3/dist-packages";
    let host = machine().file(format!("{modules}/other/x.py"), "x");
    let told = |path: &str| {
        let app = Sample::program().constant(path);
        said(host.clone(), app, |case| case).iter().any(|told| told.contains(modules))
    };
    assert!(!told(modules));
    assert!(told(&format!("{modules}/other")));
}

#[test]
fn a_name_that_goes_on_is_another_one() {
    let list = "/usr/bin/app\n/usr/share/documents\n/usr/share/documents/x\n";
    let host =
        machine().file("/var/lib/dpkg/info/app.list", list).file("/usr/share/documents/x", "x");
    let told = said(host, Sample::program(), |case| case);
    assert!(told.iter().any(|told| told.contains("tree \"/usr/share/documents\"")), "{told:#?}");
}

#[test]
fn what_a_recipe_leaves_out_of_a_tree_is_not_missed() {
    let with = |exclude: &'static [&'static str]| {
        move |case: Case| case.tree("/usr/share/tables-of-app", "/usr/share/tables-of-app", exclude)
    };
    let told = said(machine(), Sample::program(), with(&["/x"]));
    assert!(!told.iter().any(|told| told.contains("tables-of-app")), "{told:#?}");
}

#[test]
fn a_library_that_can_do_much_reads_its_data_for_those_who_call_that_part() {
    let library = Sample::library().soname("libnetpbm.so.11").constant("/usr/share/netpbm/rgb.txt");
    let host = debian()
        .file("/usr/lib/x86_64-linux-gnu/libnetpbm.so.11", library.bytes())
        .file("/usr/share/netpbm/rgb.txt", "x");
    let app = || Sample::program().needs("libnetpbm.so.11");
    assert_eq!(said(host.clone(), app(), |case| case), [""; 0]);
    let told = said(host, app().imports("ppm_parsecolor2"), |case| case);
    assert_eq!(told, ["data_is_missing: file \"/usr/share/netpbm/rgb.txt\""]);
}

#[test]
fn a_library_that_a_package_depends_on_and_nothing_is_linked_to_is_opened() {
    let status = "Package: app\nVersion: 1\nDepends: libdb, liblinked\n\n\
                  Package: libdb\nMulti-Arch: same\nVersion: 1\n\n\
                  Package: liblinked\nMulti-Arch: same\nVersion: 1\n";
    let library = |soname: &str| Sample::library().soname(soname).bytes();
    let host = debian()
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/info/app.list", "/usr/bin/app\n/usr/bin/other\n")
        .file("/var/lib/dpkg/info/libdb.list", "/usr/lib/x86_64-linux-gnu/libdb.so.1\n")
        .file("/var/lib/dpkg/info/liblinked.list", "/usr/lib/x86_64-linux-gnu/liblinked.so.2\n")
        .file("/usr/lib/x86_64-linux-gnu/libdb.so.1", library("libdb.so.1"))
        .file("/usr/lib/x86_64-linux-gnu/liblinked.so.2", library("liblinked.so.2"))
        .program("/usr/bin/other", Sample::program().needs("liblinked.so.2").bytes());
    let opens = || Sample::program().imports("dlsym");
    let told = said(host.clone(), opens(), |case| case);
    assert_eq!(told, ["dlopen: library \"libdb.so.1\""]);
    assert!(said(host.clone(), Sample::program(), |case| case).is_empty());
    let with = |case: Case| case.library("libdb.so.1");
    assert!(said(host, opens(), with).is_empty());
}

#[test]
fn a_library_of_its_own_package_that_nothing_is_linked_to_is_opened() {
    let library = |soname: &str| Sample::library().soname(soname).bytes();
    let host = debian()
        .file("/var/lib/dpkg/status", "Package: app\nVersion: 1\n")
        .file(
            "/var/lib/dpkg/info/app.list",
            "/usr/bin/app\n/usr/bin/other\n/usr/lib/x86_64-linux-gnu/libapp-fast.so\n\
             /usr/lib/x86_64-linux-gnu/libapp-core.so\n",
        )
        .file("/usr/lib/x86_64-linux-gnu/libapp-fast.so", library("libapp-fast.so"))
        .file("/usr/lib/x86_64-linux-gnu/libapp-core.so", library("libapp-core.so"))
        .program("/usr/bin/other", Sample::program().needs("libapp-core.so").bytes());
    // It names them by their beginning.
    let opens = || Sample::program().imports("dlopen").constant("libapp-%s.so");
    let unnamed = said(host.clone(), Sample::program().imports("dlopen"), |case| case);
    assert!(unnamed.is_empty(), "{unnamed:#?}");
    let line = "plugins_are_missing: library \"/usr/lib/x86_64-linux-gnu/libapp-fast.so\"";
    assert_eq!(said(host.clone(), opens(), |case| case), [line]);
    // Of two names that lead to one file, the link brings both.
    let names = "/usr/bin/app\n/usr/lib/x86_64-linux-gnu/libapp-fast.so\n\
                 /usr/lib/x86_64-linux-gnu/libapp-fast-1.so\n/usr/lib/app/libplug.so\n";
    let linked = debian()
        .file("/var/lib/dpkg/status", "Package: app\nVersion: 1\n")
        .file("/var/lib/dpkg/info/app.list", names)
        .file("/usr/lib/x86_64-linux-gnu/libapp-fast-1.so", library("libapp-fast-1.so"))
        .file("/usr/lib/app/libplug.so", library("libplug.so"))
        .link("/usr/lib/x86_64-linux-gnu/libapp-fast.so", "libapp-fast-1.so");
    let told = said(linked, opens(), |case| case);
    assert!(told.contains(&line.to_owned()), "{told:#?}");
    assert!(!told.iter().any(|told| told.contains("library \"/usr/lib/app/")), "{told:#?}");
    assert!(said(host, Sample::program(), |case| case).is_empty());
}

#[test]
fn a_file_of_another_package_that_the_own_data_names_is_missing() {
    let host = machine()
        .file("/usr/share/tables-of-app/x", "read('/usr/share/tool/key')\n-- /usr/share/tool/no\n")
        .file("/usr/share/tool/key", "key")
        .file("/usr/share/tool/no", "no")
        .file(
            "/var/lib/dpkg/info/tool.list",
            "/usr/bin/tool\n/usr/share/tool/key\n/usr/share/tool/no\n",
        );
    let with = |case: Case| case.tree("/usr/share/tables-of-app", "/usr/share/tables-of-app", &[]);
    let told = said(host, Sample::program(), with);
    assert!(
        told.contains(&"data_is_missing: file \"/usr/share/tool/key\"".to_owned()),
        "{told:#?}"
    );
    assert!(!told.iter().any(|told| told.contains("tool/no")), "{told:#?}");
}

#[test]
fn a_program_of_another_package_that_the_own_data_quotes_is_a_helper() {
    let host = machine().file("/usr/share/tables-of-app/x", "(search '(\"tool\"))\n");
    let with = |case: Case| case.tree("/usr/share/tables-of-app", "/usr/share/tables-of-app", &[]);
    let helper = "helpers_are_left_out: binary \"/usr/bin/tool\"".to_owned();
    let told = said(host.clone(), Sample::program().imports("execvp"), with);
    assert!(told.contains(&helper), "{told:#?}");
    assert!(!said(host.clone(), Sample::program(), with).contains(&helper));
    assert!(!said(host, Sample::program().imports("execvp"), |case| case).contains(&helper));
}

#[test]
fn a_program_of_its_own_that_a_line_for_the_shell_may_begin_with_is_told() {
    let app = |function: &str| Sample::program().imports(function).constant("app-worker");
    let with_shell = |host: Memory| host.program("/usr/bin/sh", Sample::program().bytes());
    let told = said(with_shell(machine()), app("popen"), |case| case);
    let helpers = "helpers_are_left_out: binary \"/bin/sh\"; binary \"/usr/bin/app-worker\"";
    assert!(told.contains(&helpers.to_owned()), "{told:#?}");
    let told = said(machine(), app("execv"), |case| case);
    assert!(!told.iter().any(|told| told.contains("app-worker")), "{told:#?}");
}

#[test]
fn a_library_that_no_package_asks_for_is_an_option() {
    let told = |depends: &str| {
        let status =
            format!("Package: app\nVersion: 1\n{depends}\nPackage: libother1\nVersion: 1\n");
        let place = "/usr/lib/x86_64-linux-gnu";
        let host = machine()
            .file("/var/lib/dpkg/status", status)
            .file("/var/lib/dpkg/info/libother1.list", format!("{place}/libother.so.1\n"))
            .file("/var/lib/dpkg/info/libmore1.list", format!("{place}/libmore.so.1\n"))
            .file(
                format!("{place}/libother.so.1"),
                Sample::library().soname("libother.so.1").bytes(),
            )
            .file(
                format!("{place}/libmore.so.1"),
                Sample::library().soname("libmore.so.1").bytes(),
            );
        let app = Sample::program().imports("dlopen");
        let app = app.constant("libother.so.1").constant("libmore.so.1");
        let told = said(host, app, |case| case);
        told.into_iter().filter(|told| told.contains("library ")).collect::<Vec<_>>()
    };
    let option = "plugins_are_left_out: library \"libmore.so.1\"";
    let asked = [option, "dlopen: library \"libother.so.1\""];
    assert_eq!(told("Recommends: libother1\n"), asked);
    let both = "plugins_are_left_out: library \"libmore.so.1\"; library \"libother.so.1\"";
    assert_eq!(told(""), [both]);
}
