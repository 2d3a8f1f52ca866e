//! tinydns answers over UDP, on the loopback of its container.

use super::engine::{Engine, Loaded, Running};
use crate::workbench::run;
use std::{fs, thread, time::Duration};

/// All that recipes/tinydns.kdl says that the server needs, and no more.
const CAPABILITIES: [&str; 10] = [
    "--cap-drop",
    "ALL",
    "--cap-add",
    "NET_BIND_SERVICE",
    "--cap-add",
    "SYS_CHROOT",
    "--cap-add",
    "SETUID",
    "--cap-add",
    "SETGID",
];

/// Starts the name server, and waits until it answers.
pub(super) fn start(image: &Loaded) -> Running {
    let server = image.start(&CAPABILITIES);
    for _ in 0..50 {
        if ask(&server, "www.example.test", "A") == "127.0.0.1\n" {
            return server;
        }
        thread::sleep(Duration::from_millis(200));
    }
    panic!("the name server does not answer within ten seconds");
}

/// What the server answers, asked over UDP inside its network.
fn ask(server: &Running, name: &str, kind: &str) -> String {
    let mut dig = server.command("dig");
    dig.args(["+short", "+notcp", "+tries=1", "+time=1", "@127.0.0.1", name, kind]);
    run(&mut dig).stdout
}

fn check(engine: Engine) {
    let Some(project) = super::project() else { return };
    let image = engine.load(&project, "tinydns");
    let server = start(&image);

    assert_eq!(ask(&server, "example.test", "TXT"), "\"built by imgc\"\n");
    assert_eq!(ask(&server, "example.test", "NS"), "a.ns.example.test.\n");

    // It has become the user that the recipe's environment names, and has kept no privilege.
    let status = format!("/proc/{}/status", server.pid);
    let status = fs::read_to_string(&status).expect("the server runs");
    for line in ["Uid:\t65532\t65532\t65532\t65532", "CapEff:\t0000000000000000"] {
        assert!(status.lines().any(|found| found == line), "no `{line}` in {status}");
    }
}

#[test]
fn docker_runs_a_name_server() {
    check(Engine::Docker);
}

#[test]
fn podman_runs_a_name_server() {
    check(Engine::Podman);
}
