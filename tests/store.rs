//! What builds keep for the next ones, seen from the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::workbench::{Built, Project, has, run, skip, succeed};

/// A project with files of several sizes, and no program.
fn project() -> Project {
    let project = Project::with_recipe(
        "tree \"/srv\" from=\"data\"\nplatform \"linux/amd64\"\nallow nothing_to_run \"data\"\n",
    );
    for number in 0..20_u32 {
        let size = number * 5_000;
        let bytes = (0..size).flat_map(|n| n.wrapping_mul(n + number).to_le_bytes());
        project.write(&format!("data/{number}"), bytes.collect::<Vec<u8>>());
    }
    project
}

fn build(command: &mut Command) -> String {
    Built::parse(succeed(command).trim_end()).digest
}

const BUILD: [&str; 4] = ["build", "recipe.kdl", "-o", "out"];

#[test]
fn no_digest_depends_on_which_store_is_used() {
    let project = project();
    let afresh = build(project.imgc(&BUILD).arg("--no-store"));
    assert!(!project.path(".cache").exists(), "`--no-store` keeps nothing");
    for _ in 0..2 {
        assert_eq!(build(&mut project.imgc(&BUILD)), afresh);
        assert_eq!(build(project.imgc(&BUILD).args(["--store", "by-option"])), afresh);
        assert_eq!(build(project.imgc(&BUILD).env("IMGC_STORE", "by-variable")), afresh);
        let mut command = project.imgc(&BUILD);
        assert_eq!(build(command.env("XDG_CACHE_HOME", project.path("cache"))), afresh);
        // An option is nearer than a variable, and an empty variable is none.
        let mut command = project.imgc(&BUILD);
        command.args(["--store", "by-option"]).env("IMGC_STORE", "/dev/null");
        assert_eq!(build(&mut command), afresh);
        assert_eq!(build(project.imgc(&BUILD).env("IMGC_STORE", "")), afresh);
    }
    for store in [".cache/imgc", "by-option", "by-variable", "cache/imgc"] {
        assert!(project.path(store).join("store-1/blobs").is_dir(), "{store}");
        fs::remove_dir_all(project.path(store)).expect("a store can be removed");
    }
    assert_eq!(build(&mut project.imgc(&BUILD)), afresh);
}

#[test]
fn a_build_does_without_a_store_that_cannot_be_used() {
    let project = project();
    let afresh = build(project.imgc(&BUILD).arg("--no-store"));

    let outcome = run(project.imgc(&BUILD).args(["--store", "recipe.kdl/store"]));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(Built::parse(outcome.stdout.trim_end()).digest, afresh);
    assert!(outcome.stderr.contains("imgc::program::store_is_not_used"), "{}", outcome.stderr);

    // One that nobody named is no news.
    let outcome = run(project.imgc(&BUILD).arg("--quiet").env("HOME", project.path("recipe.kdl")));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_store_that_others_may_write_to_is_refused() {
    let project = project();
    fs::create_dir(project.path("open")).expect("a directory can be made");
    fs::set_permissions(project.path("open"), fs::Permissions::from_mode(0o777))
        .expect("a mode can be set");
    let outcome = run(project.imgc(&BUILD).args(["--store", "open"]));
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("imgc::store::foreign"), "{}", outcome.stderr);
    assert!(!project.path("out").exists());
}

/// What a build looked at and wrote, as strace saw it.
fn trace(project: &Project) -> String {
    let mut command = Command::new("strace");
    project.settle(&mut command);
    command.args(["-f", "-qq", "-o", "trace", "-e", "trace=file,desc", crate::workbench::IMGC]);
    succeed(command.args(BUILD));
    String::from_utf8_lossy(&project.read("trace")).into_owned()
}

#[test]
fn a_build_in_which_nothing_changed_reads_no_input_and_writes_nothing() {
    if !has("strace") {
        return skip("strace is not installed");
    }
    let project = project();
    let first = run(&mut project.imgc(&BUILD));
    let second = run(&mut project.imgc(&BUILD));
    assert_eq!((&first.stdout, &first.stderr), (&second.stdout, &second.stderr));
    let trace = trace(&project);
    let root = project.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let opened = |line: &&str| line.contains("open") && line.contains(&root);
    let opened: Vec<&str> = trace.lines().filter(opened).collect();
    assert!(opened.iter().all(|line| line.contains(".cache/imgc")), "{opened:#?}");
    assert!(trace.contains("/data/7\""), "every path is looked at");
    // A static program asks for its own place at the start, with readlink.
    for call in ["O_CREAT", "O_WRONLY", "O_RDWR", "rename", "unlink", "mkdir", " link(", "linkat("]
    {
        assert!(!trace.contains(call), "{call}");
    }
}

#[test]
fn every_change_is_noticed() {
    type Change = fn(&Project);
    let changes: [(&str, Change); 16] = [
        ("a file", |project| project.write("data/3", "changed")),
        ("a file of the same size", |project| {
            let mut bytes = project.read("data/4");
            bytes[70] ^= 1;
            project.write("data/4", bytes);
        }),
        ("a new file", |project| project.write("data/new", "new")),
        ("a file less", |project| fs::remove_file(project.path("data/2")).expect("it was there")),
        ("a name", |project| {
            fs::rename(project.path("data/5"), project.path("data/five")).expect("it was there");
        }),
        ("a mode", |project| {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(project.path("data/6"), mode).expect("a mode can be set");
        }),
        ("a link for a file", |project| {
            fs::remove_file(project.path("data/7")).expect("it was there");
            std::os::unix::fs::symlink("8", project.path("data/7")).expect("a link can be made");
        }),
        ("the recipe", |project| {
            let recipe = String::from_utf8(project.read("recipe.kdl")).expect("text");
            project.write("recipe.kdl", format!("{recipe}env A=\"b\"\n"));
        }),
        ("a used file", |project| project.write("base.kdl", "env BASE=\"2\"\n")),
        ("another directory", |project| {
            fs::rename(project.path("data"), project.path("old")).expect("it was there");
            project.write("data/1", "1");
        }),
        ("no output", |project| fs::remove_dir_all(project.path("out")).expect("it was there")),
        ("an output cut off", |project| project.write("out/index.json", "{}")),
        ("more in the output", |project| project.write("out/blobs/sha256/stray", "x")),
        ("less in the output", |project| {
            fs::remove_file(project.path("out/index.json")).expect("it was there");
        }),
        ("another output", |project| {
            fs::remove_dir_all(project.path("out")).expect("it was there");
            succeed(&mut project.imgc(&["build", "other.kdl", "-o", "out"]));
        }),
        ("no store", |project| {
            fs::remove_dir_all(project.path(".cache")).expect("it was there");
        }),
    ];
    for (what, change) in changes {
        let project = project();
        let recipe = String::from_utf8(project.read("recipe.kdl")).expect("text");
        project.write("recipe.kdl", format!("{recipe}use \"base.kdl\"\n"));
        project.write("base.kdl", "env BASE=\"1\"\n");
        project.write("other.kdl", "name \"other\"\n".to_owned() + &recipe);
        // Each with a receipt for what is changed next.
        build(&mut project.imgc(&BUILD));
        build(&mut project.imgc(&BUILD));
        change(&project);
        let digest = build(&mut project.imgc(&BUILD));
        let afresh = project.imgc(&["build", "recipe.kdl", "-o", "fresh", "--no-store"]);
        assert_eq!(digest, build(&mut { afresh }), "{what}");
        let compared = Command::new("diff")
            .arg("-r")
            .args(["out", "fresh"].map(|output| project.path(output)))
            .status();
        assert!(compared.expect("diff runs").success(), "{what}");
    }
}

#[test]
fn a_receipt_is_for_one_command_line_alone() {
    let project = project();
    build(&mut project.imgc(&BUILD));
    let dated = build(project.imgc(&BUILD).env("SOURCE_DATE_EPOCH", "1700000000"));
    assert_ne!(build(&mut project.imgc(&BUILD)), dated);
    assert_eq!(build(project.imgc(&BUILD).env("SOURCE_DATE_EPOCH", "1700000000")), dated);
    succeed(&mut project.imgc(&["lock", "recipe.kdl"]));
    let locked = run(project.imgc(&BUILD).arg("--locked"));
    assert_eq!(locked.code, Some(0), "{}", locked.stderr);
    fs::remove_file(project.path("recipe.lock")).expect("it was there");
    assert_eq!(run(project.imgc(&BUILD).arg("--locked")).code, Some(1));
}

/// The files of the store, by their place in it.
fn kept(project: &Project, store: &str) -> Vec<String> {
    let mut command = Command::new("find");
    let found = succeed(command.arg(project.path(store)).args(["-type", "f", "-printf", "%P\n"]));
    let mut kept: Vec<String> = found.lines().map(str::to_owned).collect();
    kept.sort();
    kept
}

#[test]
fn the_collector_keeps_what_recipes_need_that_are_there() {
    let project = project();
    let recipe = String::from_utf8(project.read("recipe.kdl")).expect("text");
    for (name, file) in [("one", "1"), ("two", "2"), ("three", "3")] {
        let tree = format!("from=\"data\" {{ exclude \"{file}\"; }}\n");
        let text = recipe.replace("from=\"data\"\n", &tree);
        project.write(&format!("{name}.kdl"), text);
        succeed(&mut project.imgc(&["build", &format!("{name}.kdl")]));
    }
    let all = kept(&project, ".cache/imgc");
    let stat = succeed(&mut project.imgc(&["store", "stat", "--json"]));
    let stat: serde_json::Value = serde_json::from_str(&stat).expect("JSON");
    assert_eq!((&stat["blobs"]["files"], &stat["receipts"]["files"]), (&3.into(), &3.into()));
    assert_eq!(stat["total"]["files"], all.len());
    succeed(&mut project.imgc(&["store", "gc"]));
    assert_eq!(kept(&project, ".cache/imgc"), all, "all recipes are there");
    succeed(&mut project.imgc(&["store", "gc", "--keep-days", "1"]));
    assert_eq!(kept(&project, ".cache/imgc"), all, "all were used today");

    fs::remove_file(project.path("two.kdl")).expect("it was there");
    project.write(".cache/imgc/store-1/blobs/.tmp.1.0", "what a dead process left");
    succeed(&mut project.imgc(&["store", "gc"]));
    let rest = kept(&project, ".cache/imgc");
    assert_eq!(rest.len(), all.len() - 3, "a blob, a layer and a receipt less");
    succeed(&mut project.imgc(&["store", "verify"]));

    // Room for one of the two that are left.
    let blob = stat["blobs"]["bytes"].as_u64().expect("a number") / 3;
    let room = (blob * 3 / 2 + 50_000).to_string();
    succeed(&mut project.imgc(&["store", "gc", "--keep-size", &room]));
    assert_eq!(kept(&project, ".cache/imgc").len(), all.len() - 6);
    for _ in 0..2 {
        for name in ["one", "three"] {
            let recipe = format!("{name}.kdl");
            let digest = build(&mut project.imgc(&["build", &recipe]));
            let afresh = project.imgc(&["build", &recipe, "-o", "fresh", "--no-store"]);
            assert_eq!(digest, build(&mut { afresh }), "{name}");
        }
    }
    succeed(&mut project.imgc(&["store", "gc", "--keep-size", "0"]));
    let empty = kept(&project, ".cache/imgc");
    assert!(empty.iter().all(|file| file.starts_with("store-1/memory/")), "{empty:?}");
}

#[test]
fn damage_is_named_and_removed() {
    let project = project();
    let digest = build(&mut project.imgc(&BUILD));
    let sound = run(&mut project.imgc(&["store", "verify"]));
    assert_eq!(sound.code, Some(0), "{}", sound.stderr);
    let store = ".cache/imgc/store-1";
    for file in kept(&project, store) {
        let path = format!("{store}/{file}");
        let mut bytes = project.read(&path);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        project.write(&path, bytes);
        let found = run(&mut project.imgc(&["store", "verify", "--message-format", "json"]));
        assert_eq!(found.code, Some(1), "{file}");
        assert!(found.stderr.contains("imgc::store::damaged"), "{}", found.stderr);
        assert!(found.stderr.contains(&file), "{}", found.stderr);
        succeed(&mut project.imgc(&["store", "verify", "--repair"]));
        succeed(&mut project.imgc(&["store", "verify"]));
        assert!(!project.path(&path).exists(), "{file}");
        fs::remove_dir_all(project.path("out")).expect("it was there");
        assert_eq!(build(&mut project.imgc(&BUILD)), digest, "{file}");
    }
    project.write(".cache/imgc/store-1/notes.txt", "mine");
    assert_eq!(run(&mut project.imgc(&["store", "verify"])).code, Some(1));
    succeed(&mut project.imgc(&["store", "verify", "--repair"]));
    assert!(!project.path(".cache/imgc/store-1/notes.txt").exists());
}

/// Waits until something is being written beside an output, and returns whether that happened.
fn is_writing(project: &Project) -> bool {
    (0..2000).any(|_| {
        let names = fs::read_dir(project.path("")).expect("the project can be listed");
        let is_temporary =
            |entry: fs::DirEntry| entry.file_name().to_string_lossy().contains(".imgc-tmp.");
        let found = names.flatten().any(is_temporary);
        if !found {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        found
    })
}

#[test]
fn a_signal_leaves_nothing_behind_and_the_old_output_alone() {
    use std::os::unix::process::ExitStatusExt;
    let project = project();
    let old = build(&mut project.imgc(&BUILD));
    let numbers: Vec<u8> =
        (0..8_000_000_u32).flat_map(|n| n.wrapping_mul(n ^ 77).to_le_bytes()).collect();
    project.write("data/large", numbers);
    let output = project.read("out/index.json");
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        // Whoever runs the tests may ignore some of them.
        let mut command = Command::new("env");
        project.settle(&mut command);
        command.args(["--default-signal=INT,TERM,HUP", crate::workbench::IMGC]);
        let mut child = command.args(BUILD).arg("-j1").spawn().expect("imgc starts");
        assert!(is_writing(&project), "{name}: nothing is written");
        let process = child.id().to_string();
        succeed(Command::new("kill").args([&format!("-{name}"), &process]));
        let status = child.wait().expect("imgc ends");
        assert_eq!(status.signal(), Some(number), "{name}: {status}");
        assert!(project.read("out/index.json") == output, "{name}: the old output stays");
        let names = fs::read_dir(project.path("")).expect("the project can be listed");
        let names: Vec<_> = names.flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names.len(), 5, "{name}: {names:?}");
        succeed(&mut project.imgc(&["store", "verify"]));
    }
    // What the caller ignores stays ignored.
    let mut command = Command::new("sh");
    project.settle(&mut command);
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", crate::workbench::IMGC]);
    let mut child = command.args(BUILD).arg("-j1").spawn().expect("imgc starts");
    assert!(is_writing(&project), "nothing is written");
    succeed(Command::new("kill").args(["-HUP", &child.id().to_string()]));
    assert!(child.wait().expect("imgc ends").success());
    assert_ne!(build(&mut project.imgc(&BUILD)), old);
}

#[test]
fn what_the_machine_does_not_give_out_is_an_error() {
    let project = Project::with_recipe("binary \"/usr/bin/env\"\n");
    let afresh = build(project.imgc(&BUILD).arg("--no-store"));
    let mut failed = 0;
    for files in 4..24 {
        let mut command = Command::new("sh");
        project.settle(&mut command);
        command.args(["-c", &format!("ulimit -n {files}; exec \"$@\""), "sh"]);
        let outcome = run(command.arg(crate::workbench::IMGC).args(BUILD));
        match outcome.code {
            Some(0) => assert_eq!(Built::parse(outcome.stdout.trim_end()).digest, afresh),
            code => {
                assert_eq!(code, Some(1), "{files}: {}", outcome.stderr);
                assert!(!outcome.stderr.is_empty());
                failed += 1;
            }
        }
        fs::remove_dir_all(project.path(".cache")).unwrap_or_default();
    }
    assert!(failed > 0);
}

#[test]
fn builds_that_share_a_store_and_are_killed_harm_nobody() {
    let project = project();
    let recipe = String::from_utf8(project.read("recipe.kdl")).expect("text");
    let recipes: Vec<String> = (0..8).map(|number| format!("r{number}.kdl")).collect();
    for (number, name) in recipes.iter().enumerate() {
        let tree = format!("from=\"data\" {{ exclude \"{number}\"; }}\n");
        project.write(name, recipe.replace("from=\"data\"\n", &tree));
    }
    let expected: Vec<String> = recipes
        .iter()
        .map(|recipe| build(&mut project.imgc(&["build", recipe, "-o", "fresh", "--no-store"])))
        .collect();
    fs::remove_dir_all(project.path("fresh")).expect("it was there");

    // Times that differ from build to build, the same in every run of the test.
    let mut state = 5_u64;
    let mut random = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut command = |number: usize| {
        let mut command = project.imgc(&["build", &recipes[number % 8], "--quiet", "-j2"]);
        command.stdout(std::process::Stdio::null());
        command.spawn().expect("imgc starts")
    };
    let mut builds: Vec<_> = (0..32).map(&mut command).collect();
    for build in builds.iter_mut().step_by(2) {
        std::thread::sleep(std::time::Duration::from_millis(random() % 40));
        // One that is done already is one that was not killed.
        let _ = build.kill();
    }
    for (number, build) in builds.iter_mut().enumerate() {
        let status = build.wait().expect("imgc ends");
        assert!(number % 2 == 0 || status.success(), "{number}: {status}");
    }
    succeed(&mut project.imgc(&["store", "verify"]));
    for (recipe, expected) in recipes.iter().zip(&expected) {
        assert_eq!(&build(&mut project.imgc(&["build", recipe])), expected, "{recipe}");
        let name = recipe.trim_end_matches(".kdl");
        succeed(&mut project.imgc(&["verify", &format!("out/{name}"), "--recipe", recipe]));
    }
    succeed(&mut project.imgc(&["store", "verify"]));
    succeed(&mut project.imgc(&["store", "gc"]));
    let mut find = Command::new("find");
    let litter = succeed(find.arg(project.path("")).args(["-name", "*tmp*"]));
    assert_eq!(litter, "");
}

#[test]
fn the_collector_harms_no_build_that_runs() {
    let project = project();
    let afresh = build(project.imgc(&BUILD).arg("--no-store"));
    for round in 0..4 {
        let start = |number: usize| {
            let output = format!("out-{number}");
            let mut command = project.imgc(&["build", "recipe.kdl", "-o", &output, "--quiet"]);
            command.stdout(std::process::Stdio::piped()).spawn().expect("imgc starts")
        };
        let builds: Vec<_> = (0..6).map(start).collect();
        for _ in 0..8 {
            succeed(&mut project.imgc(&["store", "gc", "--keep-size", "0"]));
            succeed(&mut project.imgc(&["store", "verify"]));
        }
        for build in builds {
            let output = build.wait_with_output().expect("imgc ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let line = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(Built::parse(line.trim_end()).digest, afresh, "round {round}");
        }
        // In place of the store, another one.
        let old = project.path(".cache/imgc");
        if old.exists() {
            fs::rename(old, project.path(&format!("old-{round}"))).expect("it was there");
        }
    }
}
