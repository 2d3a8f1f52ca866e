//! What is built twice: a recipe that uses a little of everything.

use crate::workbench::{Project, succeed};
use std::path::Path;
use std::process::Command;

/// A program of this machine with its libraries, and files of the project.
const RECIPE: &str = r#"
binary "/usr/bin/env"
tree "/srv/www" from="www"
file "/etc/app.toml" from="conf/app.toml" mode=0o640 owner=10001
text "/etc/nsswitch.conf" "hosts: files dns\n"
directory "/var/lib/app" owner=10001
symlink "/bin/first" to="../usr/bin/env"

layer "assets" {
    file "/srv/assets/blob" from="www/blob"
}

env LANG="C.UTF-8" ZONE="any"
expose 8080 "53/udp"
label "org.example.b" "two"
label "org.example.a" "one"
label "org.example.c" "three"
annotation "org.example.e" "five"
annotation "org.example.d" "four"
"#;

/// How many pages the tree has: more than a directory lists in the order of their making.
const PAGES: usize = 100;

/// The files of the tree, with names whose order depends on who sorts them.
fn pages() -> Vec<(String, String)> {
    let odd = ["a-b", "a/b", "a.b", "A", "B", "é", "z", "Z", "i", "I", "_", "10", "9", ".hidden"];
    let odd = odd.iter().map(|name| (format!("www/odd/{name}"), format!("this is {name}\n")));
    let plain = (0..PAGES).map(|page| (format!("www/{}/{page}.html", page % 7), page.to_string()));
    plain.chain(odd).collect()
}

/// Makes the subject in an empty project.
pub(super) fn fill(project: &Project) {
    write(project, pages().into_iter());
}

/// Makes the same subject, its files in the opposite order.
pub(super) fn fill_backwards(project: &Project) {
    write(project, pages().into_iter().rev());
}

fn write(project: &Project, pages: impl Iterator<Item = (String, String)>) {
    for (name, content) in pages {
        project.write(&name, content);
    }
    // Large enough to be compressed in several pieces by several threads, if that is how it is done.
    let blob: Vec<u8> = (0_u32..700_000).flat_map(|word| (word / 3).to_le_bytes()).collect();
    project.write("www/blob", blob);
    project.write("conf/app.toml", "answer = 42\n");
    project.write("recipe.kdl", RECIPE);
}

/// A new project with the subject in it.
pub(super) fn project() -> Project {
    let project = Project::new();
    fill(&project);
    project
}

/// The bytes of the archive that a command of this project writes to `image.tar`.
pub(super) fn archive(project: &Project, command: &mut Command) -> Vec<u8> {
    succeed(command);
    project.read("image.tar")
}

/// The arguments that build the subject.
pub(super) const BUILD: [&str; 4] = ["build", "recipe.kdl", "-o", "image.tar"];

/// The archive as it comes out when nothing is special.
pub(super) fn plain_archive(project: &Project) -> Vec<u8> {
    archive(project, &mut project.imgc(&BUILD))
}

/// Fails if two archives differ, without printing either.
pub(super) fn assert_same(one: &[u8], other: &[u8]) {
    let differ_at = one.iter().zip(other).position(|(one, other)| one != other);
    assert!(one == other, "{} and {} bytes, at {differ_at:?}", one.len(), other.len());
}

/// Fails if the subject comes out differently with what `change` does to the command.
pub(super) fn check(change: impl FnOnce(&mut Command)) {
    let project = project();
    let plain = plain_archive(&project);
    let mut command = project.imgc(&BUILD);
    change(&mut command);
    assert_same(&plain, &archive(&project, &mut command));
}

/// Fails if the subject comes out differently in a project below `parent`.
pub(super) fn check_below(parent: &Path) {
    let (here, there) = (project(), Project::below(parent));
    fill(&there);
    assert_same(&plain_archive(&here), &plain_archive(&there));
}
