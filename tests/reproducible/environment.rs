//! What the caller's environment holds does not matter.

use super::subject::{BUILD, archive, assert_same, check, plain_archive, project};
use crate::workbench::{IMGC, Project, is_root, skip, succeed};
use std::fs;
use std::process::Command;

/// imgc as a command of a shell that first runs `before`.
fn after(project: &Project, before: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before}; exec \"$@\""), "sh", IMGC]).args(BUILD);
    project.settle(&mut command);
    command
}

fn check_umask(umask: &str) {
    let project = project();
    let plain = plain_archive(&project);
    let other = archive(&project, &mut after(&project, &format!("umask {umask}")));
    assert_same(&plain, &other);
}

#[test]
fn a_umask_that_allows_all_does_not_matter() {
    check_umask("000");
}

#[test]
fn a_umask_that_allows_only_the_owner_does_not_matter() {
    check_umask("077");
}

#[test]
fn the_time_zone_does_not_matter() {
    check(|command| {
        command.env("TZ", "Pacific/Kiritimati");
    });
}

#[test]
fn the_locale_does_not_matter() {
    check(|command| {
        command.env("LC_ALL", "tr_TR.UTF-8").env("LANG", "tr_TR.UTF-8");
    });
}

#[test]
fn one_thread_is_as_good_as_any() {
    check(|command| {
        command.env("RAYON_NUM_THREADS", "1");
    });
}

#[test]
fn sixteen_threads_are_as_good_as_any() {
    check(|command| {
        command.env("RAYON_NUM_THREADS", "16");
    });
}

#[test]
fn the_path_for_libraries_does_not_matter() {
    let project = project();
    let plain = plain_archive(&project);
    // The same library at another place, where the caller's loader would prefer it.
    let libraries = succeed(Command::new("ldd").arg("/usr/bin/env"));
    let libc = libraries.split_whitespace().find(|word| word.contains("/libc"));
    let Some(libc) = libc.filter(|path| fs::metadata(path).is_ok()) else {
        return skip("env is not linked with a C library");
    };
    fs::create_dir(project.path("lib")).expect("a directory can be made");
    let name = libc.rsplit('/').next().unwrap_or(libc);
    fs::copy(libc, project.path("lib").join(name)).expect("a library can be copied");

    let mut command = project.imgc(&BUILD);
    command.env("LD_LIBRARY_PATH", project.path("lib"));

    assert_same(&plain, &archive(&project, &mut command));
}

#[test]
fn an_unprivileged_user_builds_what_root_builds() {
    if !is_root() {
        return skip("only root can build as another user");
    }
    let project = project();
    let plain = plain_archive(&project);
    fs::remove_file(project.path("image.tar")).expect("the archive is there");
    // The program may stand where the other user does not get to.
    fs::copy(IMGC, project.path("imgc")).expect("the program can be copied");
    succeed(Command::new("chown").args(["-R", "65534:65534"]).arg(project.path("")));

    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.arg(project.path("imgc")).args(BUILD);
    project.settle(&mut command);

    assert_same(&plain, &archive(&project, &mut command));
}
