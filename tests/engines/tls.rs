//! curl looks a name up and verifies the server of that name, against an authority that a recipe
//! adds to those of curl.kdl.
//!
//! Three parties share one loopback: the name server of tinydns.kdl, `openssl s_server`, and curl.

use super::dns;
use super::engine::{Engine, Running};
use crate::workbench::{Project, succeed};
use std::process::{Child, Command, Stdio};

/// The name is known to recipes/src/tinydns/data alone.
const URL: &str = "https://www.example.test:8443/";

/// What curl exits with if it does not trust the server.
const NOT_TRUSTED: i32 = 60;

fn check(engine: Engine) {
    let Some(project) = super::project() else { return };
    make_certificates(&project);
    let name = openssl(&project, &["x509", "-hash", "-noout", "-in", "ca.pem"]);
    let recipe =
        format!("use \"curl.kdl\"\nfile \"/etc/ssl/certs/{}.0\" from=\"../ca.pem\"\n", name.trim());
    project.write("recipes/curl-with-ca.kdl", recipe);
    project.write("resolv.conf", "nameserver 127.0.0.1\n");

    let name_server = engine.load(&project, "tinydns");
    let name_server = dns::start(&name_server);
    let _web_server = WebServer::start(&project, &name_server);
    let network = format!("container:{}", name_server.id);
    let resolver = format!("{}:/etc/resolv.conf:ro", project.path("resolv.conf").display());
    let options = ["--volume", resolver.as_str()];
    let patience = ["--retry", "20", "--retry-delay", "1", "--retry-connrefused", "-sS", URL];

    let curl = engine.load(&project, "curl-with-ca");
    let page = curl.run_in(&network, &options, &patience);
    assert_eq!(page.code, Some(0), "{page:?}");
    assert!(page.stdout.contains("TLSv1.3"), "{page:?}");

    let curl = engine.load(&project, "curl");
    assert_eq!(curl.run_in(&network, &options, &patience).code, Some(NOT_TRUSTED));
}

/// An authority `ca.pem`, and the certificate `server.pem` that it gives to the server.
fn make_certificates(project: &Project) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let authority =
        ["req", "-x509", "-subj", "/CN=imgc test authority", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(project, &[&authority[..], &key].concat());
    let server =
        ["req", "-x509", "-subj", "/CN=www.example.test", "-CA", "ca.pem", "-CAkey", "ca.key"];
    let server_name = ["-addext", "subjectAltName=DNS:www.example.test"];
    let not_an_authority = ["-addext", "basicConstraints=critical,CA:FALSE"];
    let files = ["-keyout", "server.key", "-out", "server.pem"];
    openssl(project, &[&server[..], &server_name, &not_an_authority, &files, &key].concat());
}

fn openssl(project: &Project, arguments: &[&str]) -> String {
    succeed(Command::new("openssl").args(arguments).current_dir(project.path("")))
}

/// A server that tells, on every page, which protocol it was asked over; ended when it is dropped.
struct WebServer(Child);

impl WebServer {
    /// Starts it in the network of `neighbour`.
    fn start(project: &Project, neighbour: &Running) -> Self {
        let mut command = neighbour.command("openssl");
        command.args(["s_server", "-quiet", "-www", "-accept", "127.0.0.1:8443"]);
        command.args(["-cert", "server.pem", "-key", "server.key"]).current_dir(project.path(""));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("openssl can be started"))
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        // It may be gone already; there is nobody to tell in either case.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn docker_runs_curl_with_an_authority_added() {
    check(Engine::Docker);
}

#[test]
fn podman_runs_curl_with_an_authority_added() {
    check(Engine::Podman);
}

#[test]
fn curl_says_what_it_can_do_if_nothing_is_asked() {
    let Some(project) = super::project() else { return };
    let help = Engine::Docker.load(&project, "curl").output(&[], &[]);
    assert!(help.starts_with("Usage: curl"), "{help}");
}
