//! Programs of this machine and imgc itself: they start with what imgc found that they need.

use super::engine::Engine;
use crate::workbench::run;

/// ripgrep searches, also with the library that only `-P` uses.
fn check_ripgrep(engine: Engine) {
    let Some(project) = super::project() else { return };
    let image = engine.load(&project, "rg");

    assert!(image.output(&[], &["--version"]).starts_with("ripgrep "));
    let pcre2 = image.output(&[], &["--pcre2-version"]);
    assert!(pcre2.contains("PCRE2") && pcre2.contains("is available"), "{pcre2}");
    // A look-ahead: the standard engine refuses it. Every image has a /etc/hosts when it runs.
    let found = image.output(&[], &["-P", "-o", "--no-line-number", "local(?=host)", "/etc/hosts"]);
    assert_eq!(found.lines().next(), Some("local"));
}

/// One can look around in an image with a shell; everything belongs to root.
fn check_debug(engine: Engine) {
    let Some(project) = super::project() else { return };
    let image = engine.load(&project, "debug");

    assert!(image.output(&[], &["--version"]).starts_with("ripgrep "));
    let shell = ["--entrypoint", "/bin/sh"];
    let seen = image.output(&shell, &["-c", "busybox id -u; busybox stat -c '%U %a' /bin/busybox"]);
    assert_eq!(seen, "65532\nUNKNOWN 755\n");
}

/// imgc starts in its own image, and can be asked for its version.
fn check_imgc(engine: Engine) {
    let Some(project) = super::project() else { return };
    let here = run(&mut project.imgc(&["--version"]));

    let there = engine.load(&project, "imgc").output(&[], &["--version"]);

    assert!(there.starts_with("imgc "), "{there}");
    assert_eq!(there, here.stdout);
}

#[test]
fn docker_runs_ripgrep_with_pcre2() {
    check_ripgrep(Engine::Docker);
}

#[test]
fn podman_runs_ripgrep_with_pcre2() {
    check_ripgrep(Engine::Podman);
}

#[test]
fn docker_runs_the_shell_of_a_debug_image() {
    check_debug(Engine::Docker);
}

#[test]
fn podman_runs_the_shell_of_a_debug_image() {
    check_debug(Engine::Podman);
}

#[test]
fn docker_runs_imgc() {
    check_imgc(Engine::Docker);
}

#[test]
fn podman_runs_imgc() {
    check_imgc(Engine::Podman);
}
