//! What the packages of a script bring for it.

use super::later::remedies;
use super::*;

/// Adds a package of dpkg's: its paragraph, and the paths that it lists.
fn package(host: Memory, name: &str, paths: &[&str]) -> Memory {
    let mut list: Vec<String> = Vec::new();
    for path in paths {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        list.extend(ends.filter(|end| *end > 0).map(|end| path[..end].to_owned()));
    }
    list.sort_unstable();
    list.dedup();
    host.file(format!("/var/lib/dpkg/info/{name}.list"), list.join("\n"))
}

#[test]
fn modules_come_from_the_packages_that_a_script_depends_on() {
    let status = "Package: app\nDepends: node-one, nodejs\n\nPackage: node-one\n\n\
                  Package: node-two\n\nPackage: nodejs\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/node", Sample::program().bytes())
        .program("/usr/bin/app", "#!/usr/bin/node\nrequire(x)\n")
        .file("/usr/share/app/data", "")
        .file("/usr/share/doc/app/copyright", "")
        .file("/usr/share/nodejs/one/index.js", "")
        .file("/usr/share/nodejs/@types/one/index.d.ts", "")
        .file("/usr/share/nodejs/@types/two/index.d.ts", "")
        .link("/usr/share/node_modules", "nodejs")
        .link("/usr/lib/default-node", "node-1")
        .link("/usr/lib/node-1", "../share/nodejs");
    for (name, paths) in [
        (
            "app",
            &[
                "/usr/bin/app",
                "/usr/share/app/data",
                "/usr/share/doc/app/copyright",
                "/usr/lib/default-node",
            ][..],
        ),
        (
            "node-one",
            &["/usr/share/nodejs/one/index.js", "/usr/share/nodejs/@types/one/index.d.ts"],
        ),
        ("node-two", &["/usr/share/nodejs/@types/two/index.d.ts"]),
        ("nodejs", &["/usr/bin/node", "/usr/share/nodejs/acorn.js", "/usr/share/node_modules"]),
    ] {
        host = package(host, name, paths);
    }
    assert_eq!(
        remedies(host),
        [
            "symlink \"/usr/lib/default-node\" to=\"node-1\"",
            "symlink \"/usr/share/node_modules\" to=\"nodejs\"",
            "tree \"/usr/share/app\"",
            "tree \"/usr/share/nodejs/@types/one\"",
            "tree \"/usr/share/nodejs/one\"",
        ]
    );
}

#[test]
fn a_shell_gets_what_it_names_of_its_package_and_of_those_that_this_needs() {
    let program = Sample::program().bytes();
    let script =
        "#!/usr/bin/sh\nbase=/usr/lib\nrun=$base/app/run\n$run ${tool:=convert}\nx=app-state\n";
    let status = "Package: app\nDepends: magick\n\nPackage: magick\n\nPackage: other\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/sh", &program)
        .program("/usr/bin/app", script)
        .program("/usr/lib/app/run", "#!/usr/bin/sh\nsort\nother\n")
        .program("/usr/lib/unused/start", &program)
        .directory("/var/lib/app-state");
    for name in ["convert", "identify", "sort", "other"] {
        host = host.program(format!("/usr/bin/{name}"), &program);
    }
    for (name, paths) in [
        (
            "app",
            &["/usr/bin/app", "/usr/lib/app/run", "/usr/lib/unused/start", "/var/lib/app-state"][..],
        ),
        ("magick", &["/usr/bin/convert", "/usr/bin/identify", "/usr/bin/sort"]),
        ("other", &["/usr/bin/other"]),
    ] {
        host = package(host, name, paths);
    }
    assert_eq!(
        remedies(host),
        [
            "binary \"/usr/bin/convert\"",
            "binary \"/usr/bin/sort\"",
            "directory \"/var/lib/app-state\" owner=65532",
            "tree \"/usr/lib/app\"",
        ]
    );
}

#[test]
fn a_package_without_programs_opens_the_libraries_that_it_depends_on() {
    let library = Sample::library().soname("libx.so.1").bytes();
    let status = "Package: app\nArchitecture: all\nDepends: libx1\n\n\
                  Package: libx1\nArchitecture: amd64\nMulti-Arch: same\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/lua", Sample::program().bytes())
        .program("/usr/bin/app", "#!/usr/bin/lua\nffi.load('x')\n")
        .file("/usr/lib/x86_64-linux-gnu/libx.so.1", &library);
    for (name, path) in [("app", "/usr/bin/app"), ("libx1", "/usr/lib/x86_64-linux-gnu/libx.so.1")]
    {
        host = package(host, name, &[path]);
    }
    assert_eq!(remedies(host), ["library \"/usr/lib/x86_64-linux-gnu/libx.so.1\""]);
}

#[test]
fn descriptions_of_libraries_bring_those() {
    let library = Sample::library().soname("libx.so.1").bytes();
    let status = "Package: app\nArchitecture: all\nDepends: gir1.2-x\n\n\
                  Package: gir1.2-x\nArchitecture: amd64\nMulti-Arch: same\nDepends: libx1\n\n\
                  Package: libx1\nArchitecture: amd64\nMulti-Arch: same\n";
    let places = [
        ("app", "/usr/bin/app"),
        ("gir1.2-x", "/usr/lib/x86_64-linux-gnu/girepository-1.0/X-1.0.typelib"),
        ("libx1", "/usr/lib/x86_64-linux-gnu/libx.so.1"),
    ];
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/python3", Sample::program().bytes())
        .program("/usr/bin/app", "#!/usr/bin/python3\n")
        .file(places[1].1, "GOBJ")
        .file(places[2].1, &library);
    for (name, path) in places {
        host = package(host, name, &[path]);
    }
    assert_eq!(
        remedies(host),
        [
            "library \"/usr/lib/x86_64-linux-gnu/libx.so.1\"",
            "tree \"/usr/lib/x86_64-linux-gnu/girepository-1.0\""
        ]
    );
}

#[test]
fn an_interpreter_that_looks_for_others_brings_those_of_its_package() {
    let status = "Package: app\nDepends: lua-any, lua-x\n\nPackage: lua-any\nDepends: lua5.1\n\n\
                  Package: lua5.1\n\nPackage: lua-x\n\nPackage: lua5.4\n";
    let program = || Sample::program().bytes();
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/bash", program())
        .program("/usr/bin/lua-any", "#!/usr/bin/bash\n\"lua$VERSION\"\n")
        .program("/usr/bin/lua5.1", program())
        .program("/usr/bin/lua5.4", program())
        .program("/usr/bin/app", "#!/usr/bin/lua-any\nrequire('x')\n")
        .file("/usr/share/lua/5.1/x.lua", "");
    for (name, path) in [
        ("app", "/usr/bin/app"),
        ("lua-any", "/usr/bin/lua-any"),
        ("lua5.1", "/usr/bin/lua5.1"),
        ("lua5.4", "/usr/bin/lua5.4"),
        ("lua-x", "/usr/share/lua/5.1/x.lua"),
    ] {
        host = package(host, name, &[path]);
    }
    assert_eq!(remedies(host), ["binary \"/usr/bin/lua5.1\"", "tree \"/usr/share/lua\""]);
}

/// A machine with a script in Python of the package `app`, and modules of four packages.
fn python() -> Memory {
    let status = "Package: app\nDepends: python3-one\nRecommends: python3-usual\n\n\
                  Package: python3-one\n\nPackage: python3-usual\n\nPackage: python3-other\n\n\
                  Package: libc-bin\nEssential: yes\n";
    let modules = "/usr/lib/python3/dist-packages";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/python3", Sample::program().bytes())
        .program("/usr/bin/app", "#!/usr/bin/python3\nimport one\nimport usual\nimport loose\n")
        .file(format!("{modules}/one.py"), "try:\n    import other\nexcept ImportError: pass\n")
        .file(format!("{modules}/usual.py"), "")
        .file(format!("{modules}/other.py"), "import deep\n")
        .file(format!("{modules}/deep.py"), "")
        .file(format!("{modules}/loose.py"), "");
    for (name, module) in [("one", "one"), ("usual", "usual"), ("other", "other"), ("more", "deep")]
    {
        host = package(host, &format!("python3-{name}"), &[&format!("{modules}/{module}.py")]);
    }
    package(package(host, "app", &["/usr/bin/app"]), "libc-bin", &["/sbin/ldconfig"])
}

#[test]
fn a_script_of_a_package_does_without_what_its_package_does_not_name() {
    // What is optional of a package that nothing asks for is not followed, and what no package owns is.
    assert_eq!(
        remedies(python()),
        [
            "tree \"/usr/lib/python3\" { exclude \"/dist-packages\"; }",
            "file \"/usr/lib/python3/dist-packages/loose.py\"",
            "file \"/usr/lib/python3/dist-packages/one.py\"",
            "file \"/usr/lib/python3/dist-packages/usual.py\"",
        ]
    );
}

#[test]
fn what_a_script_imports_or_starts_outright_it_needs_whatever_its_package_names() {
    let script = "#!/usr/bin/python3\nimport other\nPopen(['tool', 'x'])\n";
    let host = python()
        .program("/usr/bin/app", script)
        .program("/usr/bin/tool", Sample::program().needs("libc.so.6").bytes());
    assert_eq!(
        remedies(host),
        [
            "tree \"/usr/lib/python3\" { exclude \"/dist-packages\"; }",
            "binary \"/usr/bin/tool\"",
            "file \"/usr/lib/python3/dist-packages/deep.py\"",
            "file \"/usr/lib/python3/dist-packages/one.py\"",
            "file \"/usr/lib/python3/dist-packages/other.py\"",
        ]
    );
}

#[test]
fn what_functions_of_named_modules_import_is_followed_as_far_as_nobody_asks() {
    let status = "Package: app\nDepends: python3-one\n\nPackage: python3-one\n\n\
                  Package: python3-other\nArchitecture: all\n\n\
                  Package: python3-more\nArchitecture: all\n\nPackage: python3-usual\n";
    let one = "def main():\n    import other\n    import usual\n";
    let other = "import deep\ntry:\n    import loose\nexcept ImportError: pass\n";
    let host = python()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/app", "#!/usr/bin/python3\nfrom one import main\nmain()\n")
        .file("/usr/lib/python3/dist-packages/one.py", one)
        .file("/usr/lib/python3/dist-packages/other.py", other);
    // What is compiled (`usual`) is an option; what no package owns counts if it is named.
    assert_eq!(
        remedies(host),
        [
            "tree \"/usr/lib/python3\" { exclude \"/dist-packages\"; }",
            "file \"/usr/lib/python3/dist-packages/deep.py\"",
            "file \"/usr/lib/python3/dist-packages/loose.py\"",
            "file \"/usr/lib/python3/dist-packages/one.py\"",
            "file \"/usr/lib/python3/dist-packages/other.py\"",
        ]
    );
}

#[test]
fn what_is_loaded_before_a_script_does_anything_counts_whatever_the_packages_say() {
    let status = "Package: app\nDepends: python3-one\n\nPackage: python3-one\n\n\
                  Package: python3-usual\nArchitecture: amd64\n";
    let usual = "file \"/usr/lib/python3/dist-packages/usual.py\"".to_owned();
    let modules = "/usr/lib/python3/dist-packages";
    let told = |script: &str, cli: &str| {
        let host = python()
            .file("/var/lib/dpkg/status", status)
            .program("/usr/bin/app", format!("#!/usr/bin/python3\n{script}\n"))
            .file(format!("{modules}/one/__init__.py"), "")
            .file(format!("{modules}/one/cli.py"), cli)
            .file(format!("{modules}/one/part.py"), "import usual\n")
            .file(
                format!("{modules}/one-1.0.egg-info/entry_points.txt"),
                "[x]\napp = one.cli:main\n",
            )
            .file(
                "/var/lib/dpkg/info/python3-one.list",
                format!("{modules}/one-1.0.egg-info\n{modules}/one\n"),
            );
        remedies(host).contains(&usual)
    };
    assert!(told("from one.cli import main", "import usual\n"));
    assert!(told("from one.cli import main", "from .part import x\n"));
    assert!(told("from one import cli", "from . import part\n"));
    assert!(told("f('one==1.0', 'app')", "import usual\n"));
    assert!(!told("f('one==1.0', 'other')", "import usual\n"));
    assert!(!told("from one import none", "import usual\n"));
    assert!(!told(
        "from one.cli import main",
        "try:\n    import usual\nexcept ImportError: pass\n"
    ));
}

#[test]
fn what_is_loaded_whatever_the_packages_say_comes_with_what_its_package_depends_on() {
    let status = "Package: app\n\nPackage: python3-other\nArchitecture: all\nDepends: python3-usual\n\n\
                  Package: python3-usual\n\nPackage: python3-more\n";
    let other = "try:\n    import usual\nexcept ImportError:\n    import deep\n";
    let host = python()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/app", "#!/usr/bin/python3\nimport other\n")
        .file("/usr/lib/python3/dist-packages/other.py", other);
    assert_eq!(
        remedies(host),
        [
            "tree \"/usr/lib/python3\" { exclude \"/dist-packages\"; }",
            "file \"/usr/lib/python3/dist-packages/other.py\"",
            "file \"/usr/lib/python3/dist-packages/usual.py\"",
        ]
    );
}

#[test]
fn who_looks_for_all_that_a_project_requires_wants_its_description() {
    let modules = "/usr/lib/python3/dist-packages";
    let status =
        "Package: app\nDepends: python3-one\n\nPackage: python3-one\n\nPackage: python3-two\n";
    let metadata = "Name: one\nRequires-Dist: two (>=1)\nRequires-Dist: three ; extra == 'all'\n\n\
                    Requires-Dist: four\n";
    let told = |import: &str| {
        let mut host = python()
            .file("/var/lib/dpkg/status", status)
            .program("/usr/bin/app", "#!/usr/bin/python3\nimport one\n")
            .file(format!("{modules}/one/__init__.py"), import)
            .file(format!("{modules}/one-1.0.dist-info/METADATA"), metadata)
            .file(
                "/var/lib/dpkg/info/python3-one.list",
                format!("{modules}/one-1.0.dist-info\n{modules}/one\n"),
            );
        for name in ["two", "three", "four"] {
            host = host.file(format!("{modules}/{name}-1.0.egg-info/PKG-INFO"), "");
        }
        let lines = remedies(host).into_iter();
        lines.filter(|line| line.contains("egg-info")).collect::<Vec<_>>()
    };
    let two = format!("tree \"{modules}/two-1.0.egg-info\"");
    assert_eq!(told("from pkg_resources import iter_entry_points\n"), [two]);
    assert_eq!(told("import importlib\n"), [""; 0]);
}

#[test]
fn a_module_that_a_script_of_node_asks_for_may_be_one_that_its_package_recommends() {
    let told = |script: &str| {
        let status = "Package: app\nRecommends: tool\nDepends: part\n\nPackage: part\n\n\
                      Package: tool\nDepends: below\n\nPackage: below\n\nPackage: other\n";
        let mut host = debian()
            .file("/var/lib/dpkg/status", status)
            .program("/usr/bin/node", Sample::program().bytes())
            .program("/usr/bin/app", format!("#!/usr/bin/node\n{script}\n"));
        host = package(host, "app", &["/usr/bin/app"]);
        for name in ["part", "tool", "below", "other"] {
            let path = format!("/usr/share/nodejs/{name}/package.json");
            host = package(host.file(&path, "{}"), name, &[&path]);
        }
        remedies(host).contains(&"tree \"/usr/share/nodejs/below\"".to_owned())
    };
    assert!(told("resolve('tool', here)") && told("require(\"tool\")"));
    assert!(!told("say('no tool')"));
}

#[test]
fn programs_whose_names_go_on_from_that_of_a_script_are_its_parts() {
    let told = |script: &str, count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!("/usr/bin/app-{at}")).collect();
        let mut paths: Vec<&str> = names.iter().map(String::as_str).collect();
        paths.push("/usr/bin/app");
        let mut host = debian()
            .file("/var/lib/dpkg/status", "Package: app\n")
            .program("/usr/bin/sh", Sample::program().bytes())
            .program("/usr/bin/app", format!("#!/usr/bin/sh\n{script}\n"));
        for name in &names {
            host = host.program(name, Sample::program().bytes());
        }
        remedies(package(host, "app", &paths))
    };
    let both = ["binary \"/usr/bin/app-0\"", "binary \"/usr/bin/app-1\""];
    for script in ["\"$cmd-$1\" x", "for f in \"$0\"-*; do :; done", "exec app-$1", "x=app-${1#-}"]
    {
        assert_eq!(told(script, 2), both, "{script}");
    }
    assert_eq!(told("x=$other", 2), [""; 0]);
    assert_eq!(told("exec app-$1", 1), [""; 0]);
}

#[test]
fn modules_of_an_interpreter_inside_a_program_start_others() {
    let status = "Package: app\nDepends: git\n\nPackage: git\n\nPackage: other\n";
    let modules = "import subprocess\nsubprocess.Popen([b'git', b'init'])\nPopen(['other'])\n";
    let program = Sample::program().bytes();
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/app", Sample::program().needs("libpython3.11.so.1.0").bytes())
        .file(
            "/usr/lib/libpython3.11.so.1.0",
            Sample::library().soname("libpython3.11.so.1.0").bytes(),
        )
        .file("/usr/lib/python3/dist-packages/app.py", modules);
    for name in ["git", "other"] {
        let path = format!("/usr/bin/{name}");
        host = package(host.program(&path, &program), name, &[&path]);
    }
    let host = package(host, "app", &["/usr/bin/app", "/usr/lib/python3/dist-packages/app.py"]);
    let told = remedies(host);
    assert!(told.contains(&"binary \"/usr/bin/git\"".to_owned()), "{told:#?}");
    assert!(!told.contains(&"binary \"/usr/bin/other\"".to_owned()), "{told:#?}");
}

#[test]
fn who_finds_libraries_by_short_names_asks_the_cache() {
    let find = "from ctypes.util import find_library\nfind_library('x')\n";
    let host = python()
        .file("/usr/lib/python3/dist-packages/one.py", find)
        .link("/sbin", "usr/sbin")
        .program("/usr/sbin/ldconfig", Sample::program().bytes());
    assert!(remedies(host).contains(&"binary \"/sbin/ldconfig\"".to_owned()));
}

#[test]
fn programs_of_a_package_without_files_count_for_those_who_depend_on_it() {
    let status = "Package: app\nDepends: suite\n\nPackage: suite\nDepends: tool\n\nPackage: tool\n\n\
                  Package: base\nEssential: yes\n";
    let program = Sample::program().bytes();
    let script = "#!/usr/bin/sh\ntype zip >/dev/null || type pax && x=$(mktemp)\nrun-tool tool\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/sh", &program)
        .program("/usr/bin/app", script)
        .link("/bin", "usr/bin");
    for name in ["tool", "zip", "pax"] {
        host = host.program(format!("/usr/bin/{name}"), &program);
    }
    for (name, paths) in [
        ("app", &["/usr/bin/app"][..]),
        ("suite", &["/usr/share/doc/suite/copyright"]),
        ("tool", &["/usr/bin/tool"]),
        ("base", &["/bin/zip"]),
    ] {
        host = package(host, name, paths);
    }
    // `zip` is asked for, and every system has it; `pax` is asked for too.
    let told = remedies(host);
    assert_eq!(told, ["binary \"/usr/bin/tool\"", "binary \"/usr/bin/zip\"", "needs tmp"]);
}

#[test]
fn what_a_shell_reads_is_a_file_and_its_temporary_files_may_lie_below_var() {
    let script = "#!/usr/bin/sh\n. common-sh\nx=$(mktemp /var/tmp/app.XXXXXX)\n";
    let host = debian()
        .file("/var/lib/dpkg/status", "Package: app\n\nPackage: base\nEssential: yes\n")
        .program("/usr/bin/sh", Sample::program().bytes())
        .program("/usr/bin/app", script)
        .program("/usr/bin/common-sh", "# read by others\nawk 1\n")
        .program("/usr/bin/awk", Sample::program().bytes());
    let found = remedies(package(
        package(host, "app", &["/usr/bin/app", "/usr/bin/common-sh"]),
        "base",
        &["/usr/bin/awk"],
    ));
    let lines = [
        "binary \"/usr/bin/awk\"",
        "file \"/usr/bin/common-sh\"",
        "directory \"/var/tmp\" mode=0o1777",
    ];
    for line in lines {
        assert!(found.contains(&line.to_owned()), "{found:#?}");
    }
}

#[test]
fn what_a_shell_reads_beside_it_may_have_a_name_that_is_put_together() {
    let script = "#!/bin/sh\n. \"$(dirname \"$0\")/app-common\"\n. \"$DIR/app-mode-$1\"\n";
    let paths = ["/usr/bin/app", "/usr/bin/app-common", "/usr/bin/app-mode-a", "/usr/bin/apple"];
    let host = debian()
        .file("/var/lib/dpkg/status", "Package: app\nDepends: tools\n\nPackage: tools\n")
        .program("/usr/bin/sh", Sample::program().bytes())
        .program("/usr/bin/tool", Sample::program().bytes())
        .program("/usr/bin/app", script)
        .program("/usr/bin/app-common", "one() { echo; }\n")
        .file("/usr/bin/app-mode-a", "tool x\n")
        .file("/usr/bin/apple", "");
    let host = package(package(host, "app", &paths), "tools", &["/usr/bin/tool"]);
    assert_eq!(
        remedies(host),
        [
            "binary \"/usr/bin/tool\"",
            "file \"/usr/bin/app-common\"",
            "file \"/usr/bin/app-mode-a\""
        ]
    );
}

#[test]
fn modules_have_parts_that_are_nothing_but_data_or_of_the_same_source() {
    let status = "Package: app\nDepends: node-one, nodejs\n\n\
                  Package: node-one\nSource: one\nDepends: words, one-common, tools, libone\n\n\
                  Package: words\nArchitecture: all\n\n\
                  Package: one-common\nSource: one\nArchitecture: amd64\n\n\
                  Package: tools\nArchitecture: all\n\n\
                  Package: libone\nSource: one\nMulti-Arch: same\nDepends: libone-data, words-two\n\n\
                  Package: libone-data\nSource: one\nArchitecture: all\n\n\
                  Package: words-two\nArchitecture: all\n\nPackage: nodejs\n";
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .program("/usr/bin/node", Sample::program().bytes())
        .program("/usr/bin/app", "#!/usr/bin/node\nrequire(x)\n");
    for (name, paths) in [
        ("app", &["/usr/bin/app"][..]),
        ("node-one", &["/usr/share/nodejs/one/index.js"]),
        ("libone-data", &["/usr/share/one-data/x"]),
        ("words-two", &["/usr/share/words-two/x"]),
        ("words", &["/usr/share/words/en"]),
        ("one-common", &["/usr/lib/one/rc", "/usr/bin/one"]),
        ("tools", &["/usr/share/tools/x", "/usr/bin/tools"]),
        ("libone", &["/usr/share/libone/x"]),
        ("nodejs", &["/usr/bin/node"]),
    ] {
        host = package(host, name, paths);
        for path in paths.iter().filter(|path| !path.starts_with("/usr/bin/")) {
            host = host.file(*path, "");
        }
    }
    let found = remedies(host);
    let trees = [
        "tree \"/usr/lib/one\"",
        "tree \"/usr/share/nodejs\"",
        "tree \"/usr/share/one-data\"",
        "tree \"/usr/share/words\"",
    ];
    assert_eq!(found, trees);
}

#[test]
fn scripts_that_a_package_brings_have_their_shell_and_what_they_start() {
    let status =
        "Package: app\nDepends: filters\n\nPackage: filters\n\nPackage: base\nEssential: yes\n";
    let program = Sample::program().bytes();
    let mut host = debian()
        .file("/var/lib/dpkg/status", status)
        .link("/bin", "usr/bin")
        .program("/usr/bin/perl", &program)
        .program("/usr/bin/bash", &program)
        .program("/usr/bin/cat", &program)
        .program("/usr/bin/diff", &program)
        .program("/usr/bin/app", "#!/usr/bin/perl\nsystem $x; my $cmd = \"diff\";\n")
        .program("/usr/share/app/filter", "#!/bin/bash -\ncat\n");
    for (name, paths) in [
        ("app", &["/usr/bin/app"][..]),
        ("filters", &["/usr/share/app/filter"]),
        ("base", &["/usr/bin/bash", "/usr/bin/cat", "/usr/bin/diff"]),
    ] {
        host = package(host, name, paths);
    }
    let with = case(host).binary("/usr/bin/app", "/usr/bin/app");
    let with = with.tree("/usr/share/app", "/usr/share/app", &[]);
    let told = with.resolve().unwrap().warnings;
    let lines: Vec<String> = told.iter().flat_map(ResolveError::lines).collect();
    for line in ["binary \"/bin/bash\"", "binary \"/usr/bin/cat\"", "binary \"/usr/bin/diff\""] {
        assert!(lines.contains(&line.to_owned()), "{lines:#?}");
    }
    let message = told.iter().map(ToString::to_string).find(|text| text.contains("/usr/bin/app"));
    assert!(message.clone().is_some_and(|text| text.contains("`cat`")), "{message:?}");
}
