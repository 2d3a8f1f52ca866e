//! Libraries outside of the loader's own directories: the image's cache leads the real loader to them.

use super::engine::Engine;
use crate::workbench::{Project, run, succeed};
use std::process::Command;

/// Makes a root file system that was unpacked and never configured: its `ld.so.conf` names the
/// directory of a library, and there is no cache.
const PREPARE: &str = r#"set -eu
mkdir -p root/opt/app/lib root/usr/bin root/etc/ld.so.conf.d
echo 'include ld.so.conf.d/*.conf' >root/etc/ld.so.conf
echo /opt/app/lib >root/etc/ld.so.conf.d/app.conf
echo 'const char *greeting(void) { return "found through the cache"; }' >greeting.c
echo '#include <stdio.h>
const char *greeting(void);
int main(void) { return puts(greeting()) < 0; }' >greet.c
library=root/opt/app/lib/libgreeting.so.1
cc -shared -fPIC -Wl,-soname,libgreeting.so.1 -o $library greeting.c
cc -o root/usr/bin/greet greet.c $library
ldd root/usr/bin/greet | grep -o '/[^ ]*' | while read -r file; do
    mkdir -p "root$(dirname "$file")"
    cp -L "$file" "root$file"
done"#;

const RECIPE: &str = "source directory \"../root\"\nbinary \"/usr/bin/greet\"\n";

/// Returns a project with the root file system and its recipe.
fn prepared() -> Project {
    let project = Project::new();
    let mut prepare = Command::new("sh");
    project.settle(prepare.args(["-c", PREPARE]));
    succeed(&mut prepare);
    project.write("recipes/greet.kdl", RECIPE);
    project
}

fn check(engine: Engine) {
    if !super::are_wanted() {
        return;
    }
    let project = prepared();
    let image = engine.load(&project, "greet");
    assert_eq!(image.output(&[], &[]), "found through the cache\n");
}

#[test]
fn docker_finds_libraries_through_the_cache_of_the_image() {
    check(Engine::Docker);
}

#[test]
fn podman_finds_libraries_through_the_cache_of_the_image() {
    check(Engine::Podman);
}

/// `imgc` says what it has done, and `imgc why` says why.
#[test]
fn the_cache_is_explained() {
    if !super::are_wanted() {
        return;
    }
    let project = prepared();
    let outcome = run(&mut project.imgc(&["why", "recipes/greet.kdl", "/etc/ld.so.cache"]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("read by the loader to find libraries"), "{outcome:?}");
    assert!(outcome.stderr.contains("imgc::resolve::loader_cache_is_written"), "{outcome:?}");
}
