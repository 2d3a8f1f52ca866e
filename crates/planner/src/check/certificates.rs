//! Who verifies the certificates of others has some to trust, where its library looks.

use imgc_parser::Printable;

use crate::check::carrier;
use crate::check::program::{Evidence, Object, Program};
use crate::check::scene::Scene;
use crate::check::want::Want;
use crate::check::{Finding, lacks};
use crate::closure::{Content, Reason};
use crate::facts::{ElfKind, Mention};
use crate::node::{Facility, Node, NodeKind};

/// Functions by which OpenSSL looks in its own places (`SSL_CTX_load_verify_locations(3)`).
const OPENSSL: &[&str] = &[
    "SSL_CTX_set_default_verify_paths",
    "SSL_CTX_set_default_verify_dir",
    "SSL_CTX_set_default_verify_file",
    "SSL_CTX_set_default_verify_store",
    "X509_STORE_set_default_paths",
    "X509_STORE_set_default_paths_ex",
];

/// Functions by which GnuTLS reads the trust of the system.
const GNUTLS: &[&str] =
    &["gnutls_certificate_set_x509_system_trust", "gnutls_x509_trust_list_add_system_trust"];

/// Functions by which a program verifies whom it talks to, whose certificates it read itself.
const VERIFY: &[&str] = &["gnutls_certificate_verify_peers2", "gnutls_certificate_verify_peers3"];

/// Directories of OpenSSL (`OPENSSLDIR`) of Debian, upstream, Fedora and Alpine.
const OPENSSL_DIRECTORIES: &[&str] =
    &["/usr/lib/ssl", "/usr/local/ssl", "/etc/pki/tls", "/etc/ssl", "/usr/local/openssl"];

/// Files of trusted certificates: Debian, Fedora, openSUSE, FreeBSD and Alpine, as in Go's
/// `crypto/x509/root_linux.go`.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Libraries in which such places stand for those who ask for them.
const LIBRARIES_OF_TLS: &[&str] =
    &["libcrypto.so", "libssl.so", "libgnutls.so", "libp11-kit.so", "libnss3.so", "libc."];

/// Variables that name a file or directory, and the functions of those who read them.
const VARIABLES: &[&str] = &["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let named: Vec<(&str, &str)> =
        VARIABLES.iter().filter_map(|name| Some((*name, scene.variable(name)?))).collect();
    let (there, absent): (Vec<_>, Vec<_>) = named.into_iter().partition(|(_, path)| {
        path.split(':').any(|path| path.starts_with('/') && scene.has(path))
    });
    let mut findings: Vec<Finding> = absent
        .into_iter()
        .map(|(variable, path)| Finding::NoCertificateFile { variable, path: path.to_owned() })
        .collect();
    // Where each library looks is found out for `needs tls` from the files themselves.
    let asks = |node: &Node| node.kind == NodeKind::Facility(Facility::Tls);
    if !there.is_empty() || !findings.is_empty() || scene.plan.nodes().values().any(asks) {
        return findings;
    }
    let bundle = BUNDLES.iter().any(|path| scene.has(path));
    let openssl = OPENSSL_DIRECTORIES.iter().any(|directory| {
        let is_hashed = |name: &[u8]| name.len() == 10 && name.ends_with(b".0");
        scene.has(&format!("{directory}/cert.pem"))
            || scene.has_in(&format!("{directory}/certs"), is_hashed)
    });
    let perhaps = |program: &Program<'_>| {
        let by_openssl = || program.calls(OPENSSL).filter(|_| !openssl);
        let by_file = || {
            let calls = program.calls(GNUTLS).or_else(|| program.calls_itself(VERIFY));
            calls.or_else(|| mentions(program, true)).filter(|_| !bundle)
        };
        by_openssl().or_else(by_file)
    };
    let surely = |program: &Program<'_>| {
        let by_openssl = program.surely_calls(OPENSSL).filter(|_| !openssl);
        by_openssl.or_else(|| by_file(program).filter(|_| !bundle))
    };
    let mut users = scene.users_or(surely, perhaps);
    if !openssl {
        users.possible.extend(plugins(scene));
    }
    findings.extend(lacks(Want::Certificates, users, |by| Finding::NoCertificates { by }));
    findings
}

/// Tells whether a program verifies the certificates of others by those that it trusts.
pub(super) fn verifies(program: &Program<'_>) -> bool {
    program.surely_calls(OPENSSL).or_else(|| by_file(program)).is_some()
}

/// Returns how a program surely verifies by a file of certificates that stands where its library, or it
/// itself, looks.
fn by_file(program: &Program<'_>) -> Option<Evidence> {
    program.surely_calls(GNUTLS).or_else(|| mentions(program, false))
}

/// Returns libraries that no program loads at its start and that verify by OpenSSL: modules of a
/// language, plug-ins.
fn plugins(scene: &Scene<'_>) -> Option<Evidence> {
    scene.closure.entries.iter().find_map(|(path, found)| {
        let need = found
            .needs
            .iter()
            .find(|need| matches!(need.reason, Reason::Asked | Reason::Matched))?;
        let Content::File { digest, .. } = &found.content else { return None };
        let facts = scene.closure.facts.get(digest)?;
        let object = Object { path, facts };
        let is_plugin = facts.kind == ElfKind::Library && !is_of_tls(&object);
        let sign = OPENSSL.iter().find(|name| facts.imports.contains(name.as_bytes()))?;
        is_plugin.then(|| Evidence { program: path.clone(), node: need.node, library: None, sign })
    })
}

fn is_of_tls(object: &Object<'_>) -> bool {
    let name = object.path.file_name().unwrap_or_default();
    LIBRARIES_OF_TLS.iter().any(|start| name.starts_with(start.as_bytes()))
}

/// Returns who of a program names such a place itself: of libraries those that connect to others for
/// whoever needs them, or `any`; Go's part that serves others has it too.
fn mentions(program: &Program<'_>, any: bool) -> Option<Evidence> {
    let own = program.mentions(Mention::Certificates);
    own.filter(|_| any || !program.is_go() || program.connects_in_go()).or_else(|| {
        let sign = Mention::Certificates.text();
        let names = |library: &&Object<'_>| {
            library.facts.mentions.contains(&Mention::Certificates) && !is_of_tls(library)
        };
        let mut libraries = program.libraries.iter().filter(names);
        let by = libraries.find(|library| {
            if any {
                carrier::carries(library, sign, program)
            } else {
                program.is_sure_of(library, sign)
            }
        });
        by.map(|library| program.evidence(Some(library), sign))
    })
}

/// Shows a value of a variable.
pub(super) fn shown(value: &str) -> String {
    Printable::new(value).to_string()
}
