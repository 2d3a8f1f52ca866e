//! `imgc init`: a draft compiles, and lacks nothing that the checks know of.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::workbench::{Project, run, succeed};

/// A program of every machine, which looks names and users up where glibc has its own `getent`.
const GETENT: &str = "/usr/bin/getent";

#[test]
fn a_draft_compiles_without_warnings() {
    let project = Project::new();
    let draft = succeed(&mut project.imgc(&["init", GETENT]));
    assert!(draft.contains("binary \"/usr/bin/getent\"\n"), "{draft}");
    project.write("draft.kdl", &draft);
    let checked = run(&mut project.imgc(&["check", "--deny", "warnings", "draft.kdl"]));
    assert_eq!(checked.code, Some(0), "{draft}\n{}", checked.stderr);
    // It is in the form that `fmt` gives it, or becomes so without losing a word.
    succeed(&mut project.imgc(&["fmt", "draft.kdl"]));
}

#[test]
fn a_name_is_looked_for_in_path_and_a_file_is_never_overwritten() {
    let project = Project::new();
    succeed(&mut project.imgc(&["init", "env", "-o", "env.kdl"]));
    let first = project.read("env.kdl");
    assert!(String::from_utf8_lossy(&first).contains("/env\"\n"));
    let again = run(&mut project.imgc(&["init", "env", "-o", "env.kdl"]));
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("recipe_exists"), "{}", again.stderr);
    assert_eq!(project.read("env.kdl"), first);
    let absent = run(&mut project.imgc(&["init", "no-such-program"]));
    assert!(absent.stderr.contains("no_such_program"), "{}", absent.stderr);
    let nowhere = run(&mut project.imgc(&["init", "--all-in", "no-such-directory"]));
    assert!(nowhere.stderr.contains("cannot_read"), "{}", nowhere.stderr);
}

#[test]
fn programs_of_a_directory_become_one_recipe() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write(&format!("bin/{name}"), "#!/usr/bin/env env\n");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(project.path(&format!("bin/{name}")), executable).expect("a mode");
    }
    project.write("bin/readme", "no program");
    let draft = succeed(&mut project.imgc(&["init", "--all-in", "bin"]));
    for line in [
        "binary \"bin/one\" to=\"/usr/bin/one\"",
        "binary \"bin/two\" to=\"/usr/bin/two\"",
        "entrypoint \"/usr/bin/one\"",
    ] {
        assert!(draft.lines().any(|found| found == line), "{line}: {draft}");
    }
    assert!(!draft.contains("readme"), "{draft}");
    project.write("draft.kdl", &draft);
    succeed(&mut project.imgc(&["check", "draft.kdl"]));
}

#[test]
fn what_keeps_a_program_from_being_built_is_said_in_the_draft() {
    let project = Project::new();
    project.write("tool", "#!/no/such/interpreter\n");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(project.path("tool"), executable).expect("a mode");
    let draft = succeed(&mut project.imgc(&["init", "./tool"]));
    assert!(draft.contains("// This keeps it from being built:\n// - "), "{draft}");
    assert!(draft.contains("/no/such/interpreter"), "{draft}");
}
