//! The small programs: they start, as the unprivileged user that is the default.

use super::engine::Engine;

/// A recipe says `says` when it runs without any option.
fn check(engine: Engine, recipe: &str, says: &str) {
    if let Some(project) = super::project() {
        assert_eq!(engine.load(&project, recipe).output(&[], &[]), says);
    }
}

const FROM_C: &str = "hello from C, as 65532:65532\n";
const FROM_RUST: &str = "hello from Rust, with 0 arguments\n";

#[test]
fn docker_runs_a_static_program() {
    check(Engine::Docker, "hello", FROM_C);
}

#[test]
fn podman_runs_a_static_program() {
    check(Engine::Podman, "hello", FROM_C);
}

#[test]
fn docker_runs_a_static_program_with_musl() {
    check(Engine::Docker, "hello-musl", FROM_C);
}

#[test]
fn podman_runs_a_static_program_with_musl() {
    check(Engine::Podman, "hello-musl", FROM_C);
}

#[test]
fn docker_runs_a_dynamic_program() {
    check(Engine::Docker, "hello-dynamic", FROM_C);
}

#[test]
fn podman_runs_a_dynamic_program() {
    check(Engine::Podman, "hello-dynamic", FROM_C);
}

#[test]
fn docker_runs_a_static_program_in_rust() {
    check(Engine::Docker, "rust-static", FROM_RUST);
}

#[test]
fn podman_runs_a_static_program_in_rust() {
    check(Engine::Podman, "rust-static", FROM_RUST);
}
