//! `needs tls`: servers are verified by the certificates that the sources trust.
//!
//! Each library of TLS looks at a place of its own, which stands in its constants. The bundle of the
//! sources goes to the image as it is there, with its links; a library that looks at a place where
//! the sources have nothing gets a link there.

use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;

use super::{Asking, files};
use crate::contents::FileRef;
use crate::draft::{DraftContent, Drafts};
use crate::evidence;
use crate::launch::Run;

/// Where distributions have their bundle, as Go's `crypto/x509/root_linux.go` lists them; programs
/// that try several places try these.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What stands in OpenSSL before its own directory, which a quotation mark ends (`OpenSSL_version`,
/// `OPENSSL_DIR`); the bundle is `cert.pem` in it (`X509_get_default_cert_file`).
const OPENSSL_DIRECTORY: &[u8] = b"OPENSSLDIR: \"";

/// The library in which NSS keeps its certificates, and who opens it.
const NSS_ROOTS: &str = "libnssckbi.so";
const NSS: &str = "libnss3.so";

/// Where a Java runtime has its certificates, from the directory of its programs.
const JAVA_ROOTS: &str = "../lib/security/cacerts";

pub(super) fn add(asking: &Asking<'_>, drafts: &mut Drafts) -> Vec<Run> {
    let Some(bundle) = BUNDLES.into_iter().find(|path| is_bundle(asking, path)) else {
        asking.lacks("bundle of certificates", "ca-certificates", &BUNDLES, drafts);
        return Vec::new();
    };
    supply(asking, bundle, drafts);
    let mut places = BTreeSet::new();
    for file in files(drafts) {
        let Places { named, openssl } = places_in(&file);
        // A program that names several takes the first that is there.
        let named = match named.iter().find(|path| is_bundle(asking, path)) {
            Some(there) => Some((*there).to_owned()),
            None => named.first().map(|path| (*path).to_owned()),
        };
        places.extend(openssl.into_iter().chain(named));
    }
    for place in places {
        if asking.find(place.as_bytes()).is_some() {
            supply(asking, &place, drafts);
        } else if let Ok(path) = ImagePath::parse(place.as_bytes()) {
            asking.put(&path, DraftContent::Link(bundle.as_bytes().into()), drafts);
        }
    }
    java(asking, drafts);
    nss(asking, drafts)
}

fn is_bundle(asking: &Asking<'_>, path: &str) -> bool {
    asking.find(path.as_bytes()).is_some_and(|walk| walk.stat.size > 0)
}

fn supply(asking: &Asking<'_>, path: &str, drafts: &mut Drafts) {
    if let Some(walk) = asking.find(path.as_bytes()) {
        asking.supply(&walk, drafts);
    }
}

/// Where a file looks for certificates.
#[derive(Default)]
struct Places {
    /// Those of [`BUNDLES`] that it names, in their order.
    named: Vec<&'static str>,
    /// Where the OpenSSL in it does.
    openssl: Option<String>,
}

fn places_in(file: &FileRef) -> Places {
    let mut named = [false; BUNDLES.len()];
    let mut openssl = None;
    let directory = memchr::memmem::Finder::new(OPENSSL_DIRECTORY);
    let bundles = BUNDLES.map(|path| memchr::memmem::Finder::new(path.as_bytes()));
    evidence::look(file, |chunk| {
        for (named, bundle) in named.iter_mut().zip(&bundles) {
            *named |= !*named && bundle.find(chunk).is_some();
        }
        if openssl.is_none()
            && let Some(at) = directory.find(chunk)
        {
            let text = &chunk[at + OPENSSL_DIRECTORY.len()..];
            let end = memchr::memchr(b'"', text).unwrap_or_default();
            let text = std::str::from_utf8(&text[..end]).unwrap_or_default();
            openssl = text.starts_with('/').then(|| format!("{text}/cert.pem"));
        }
    });
    let named = BUNDLES.into_iter().zip(named).filter_map(|(path, is)| is.then_some(path));
    Places { named: named.collect(), openssl }
}

/// Adds the certificates of Java runtimes: a program beside which they stand is one.
fn java(asking: &Asking<'_>, drafts: &mut Drafts) {
    for run in asking.runs.iter().filter(|run| run.is_start()) {
        let directory = run.trace.main.real.parent().unwrap_or_else(ImagePath::root);
        let path = [directory.as_bytes(), b"/", JAVA_ROOTS.as_bytes()].concat();
        if let Some(walk) = asking.find(&path) {
            asking.supply(&walk, drafts);
        }
    }
}

/// Adds the certificates of NSS, which are a library.
fn nss(asking: &Asking<'_>, drafts: &mut Drafts) -> Vec<Run> {
    let mut opened = Vec::new();
    for run in asking.runs {
        if let Some(by) = asking.object(run, NSS) {
            opened.extend(asking.open(run, by, NSS_ROOTS, drafts));
        }
    }
    opened
}
