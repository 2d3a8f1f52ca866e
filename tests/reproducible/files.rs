//! How the input files came to where they are does not matter.

use super::subject::{
    BUILD, archive, assert_same, check_below, fill, fill_backwards, plain_archive, project,
};
use crate::workbench::{IMGC, Project, has, is_root, run, skip, succeed};
use std::path::Path;
use std::process::Command;

/// A directory in memory that everybody may write to, on every Linux.
const IN_MEMORY: &str = "/dev/shm";

#[test]
fn another_clone_in_another_directory_gives_the_same_image() {
    let deeper = Project::new();
    deeper.write("a/rather/long/way/down with spaces/.here", "");
    check_below(&deeper.path("a/rather/long/way/down with spaces"));
}

#[test]
fn two_builds_in_one_directory_give_the_same_image() {
    let project = project();
    assert_same(&plain_archive(&project), &plain_archive(&project));
}

/// Fails if the image differs after a shell has done `change` to the project's files.
fn check_after(change: &str) {
    let project = project();
    let plain = plain_archive(&project);
    succeed(Command::new("sh").args(["-c", change]).current_dir(project.path("")));
    assert_same(&plain, &plain_archive(&project));
}

#[test]
fn the_times_of_files_do_not_matter() {
    check_after("find . -exec touch -h -d @86400 {} +");
}

#[test]
fn a_checkout_under_a_narrow_umask_gives_the_same_image() {
    check_after("chmod -R go-rwx .");
}

#[test]
fn a_checkout_under_a_wide_umask_gives_the_same_image() {
    check_after("chmod -R go+w .");
}

#[test]
fn the_owner_of_files_does_not_matter() {
    if !is_root() {
        return skip("only root can give files away");
    }
    check_after("chown -R 54321:54322 www conf");
}

#[test]
fn a_name_that_stands_for_the_same_file_twice_does_not_matter() {
    check_after("ln conf/app.toml another-name");
}

#[test]
fn files_with_holes_give_the_same_image() {
    check_after("cp --sparse=always www/blob b && mv b www/blob");
}

/// Whether a directory is in memory; says that the running test is skipped if not.
fn is_in_memory(directory: &str) -> bool {
    let kind = run(Command::new("stat").args(["-f", "-c", "%T", directory])).stdout;
    if kind.trim() != "tmpfs" {
        skip(&format!("{directory} is not in memory"));
    }
    kind.trim() == "tmpfs"
}

#[test]
fn a_project_in_memory_gives_the_same_image() {
    if is_in_memory(IN_MEMORY) {
        check_below(Path::new(IN_MEMORY));
    }
}

/// tmpfs lists a directory in the order of the making of its files, the newest first.
#[test]
fn the_order_in_which_a_directory_is_listed_does_not_matter() {
    if !is_in_memory(IN_MEMORY) {
        return;
    }
    let (one, other) = (Project::below(Path::new(IN_MEMORY)), Project::below(Path::new(IN_MEMORY)));
    fill(&one);
    fill_backwards(&other);
    let list =
        |project: &Project| succeed(Command::new("ls").arg("-U").arg(project.path("www/odd")));
    assert_ne!(list(&one), list(&other), "both directories are listed in one order");

    assert_same(&plain_archive(&one), &plain_archive(&other));
}

#[test]
fn a_project_on_ext4_gives_the_same_image() {
    if !is_root() || !has("mkfs.ext4") || !has("unshare") {
        return skip("only root can mount a file system, and it takes mkfs.ext4 and unshare");
    }
    let project = project();
    let plain = plain_archive(&project);
    // The mount is seen by this shell and its children alone, and ends with them.
    let build = format!(
        "set -e; truncate -s 64M disk; mkfs.ext4 -q disk; mkdir on; mount -o loop disk on
         test \"$(stat -f -c %T on)\" = ext2/ext3
         mkdir -p on/project/.git; cp -r recipe.kdl www conf on/project; cd on/project
         {IMGC} {}; cp image.tar ../../image.tar",
        BUILD.join(" ")
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &build]);
    project.settle(&mut command);

    assert_same(&plain, &archive(&project, &mut command));
}
