//! Secrets in files: private keys and tokens whose form is known.
//!
//! An image goes to a registry, and whoever may pull it may read it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imgc_planner::recipe::ImagePath;
use imgc_planner::{Content, Digest, Found};
use memchr::memmem::Finder;

use crate::contents::{FileKey, FileRef};
use crate::error::ResolveError;
use crate::host::HostPath;
use crate::owner::{Database, read};
use crate::pristine::sum;
use crate::root::Root;

/// What a private key in text form begins with, after `-----BEGIN ` and its kind (RFC 7468, RFC 4716).
const KEY: &[u8] = b"PRIVATE KEY-----";
const BEGIN: &[u8] = b"-----BEGIN ";

/// Fewest characters of base64 that follow; less is an example in a text.
const MIN_KEY_BYTES: usize = 40;

/// Tokens by their beginning, and how many letters and digits follow (documentation of GitHub, GitLab,
/// AWS, npm, Slack, PyPI).
const TOKENS: &[(&[u8], usize, &str)] = &[
    (b"ghp_", 36, "a token of GitHub"),
    (b"gho_", 36, "a token of GitHub"),
    (b"github_pat_", 22, "a token of GitHub"),
    (b"glpat-", 20, "a token of GitLab"),
    (b"AKIA", 16, "a key of AWS"),
    (b"npm_", 36, "a token of npm"),
    (b"xoxb-", 20, "a token of Slack"),
    (b"pypi-AgEIcHlwaS5vcmc", 40, "a token of PyPI"),
];

/// Returns what secret stands in the beginning of a file.
pub(crate) fn find(bytes: &[u8]) -> Option<&'static str> {
    let is_key = Finder::new(KEY).find_iter(bytes).any(|at| is_key(bytes, at));
    if is_key {
        return Some("a private key");
    }
    TOKENS.iter().find_map(|(start, count, name)| {
        let finder = Finder::new(start);
        let mut places = finder.find_iter(bytes);
        places.any(|at| is_token(bytes, at, start.len(), *count)).then_some(*name)
    })
}

fn is_key(bytes: &[u8], at: usize) -> bool {
    let line = bytes[..at].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let follows = &bytes[at + KEY.len()..];
    let body = follows.iter().filter(|byte| !byte.is_ascii_whitespace());
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    line.starts_with(BEGIN)
        && follows.first().is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
        && body.take_while(is_base64).take(MIN_KEY_BYTES).count() == MIN_KEY_BYTES
}

fn is_token(bytes: &[u8], at: usize, start: usize, count: usize) -> bool {
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let begins = at == 0 || !is_of_token(&bytes[at - 1]);
    let token: Vec<u8> =
        bytes[at + start..].iter().copied().take_while(|byte| is_of_token(byte)).collect();
    let first = token.first().copied().unwrap_or_default();
    // The same letter again and again stands for a token in a text.
    begins && token.len() >= count && token.iter().any(|byte| *byte != first)
}

/// Returns a warning for each file of an image that has a secret in it.
pub(crate) fn judge(
    entries: &BTreeMap<ImagePath, Found>,
    secrets: &BTreeMap<Digest, &'static str>,
) -> Vec<ResolveError> {
    let mut warnings = Vec::new();
    for (path, found) in entries {
        let Content::File { digest, .. } = &found.content else { continue };
        if let Some(what) = secrets.get(digest) {
            let node = found.needs[0].node;
            warnings.push(ResolveError::Secret { node, path: path.clone(), what });
        }
    }
    warnings
}

/// Returns those of some files of a root that are as a package brought them, as keys for tests do:
/// everybody can have them. Such a file has its sum in dpkg's records; settings, and what a package's
/// scripts make, have none.
pub(crate) fn published(root: &Root, files: &[&FileRef]) -> BTreeSet<FileKey> {
    let files = files.iter().filter(|file| Arc::ptr_eq(&file.host, root.host()));
    let mut keys: BTreeMap<HostPath, Vec<FileKey>> = BTreeMap::new();
    for file in files {
        keys.entry(source(&file.path)).or_default().push(file.key());
    }
    let base = root.host_path(&ImagePath::root());
    let database = Database::open(&**root.host(), &base);
    let mut sums = BTreeMap::new();
    let packages = database.packages(keys.keys());
    let with_sum = packages.iter().filter(|(file, package)| {
        let sums = sums.entry(*package).or_insert_with(|| database.sums(package));
        let known = database.path(file).and_then(|path| sums.get(&path));
        known.is_some_and(|known| {
            read(&**root.host(), file).is_some_and(|text| sum(&text) == *known)
        })
    });
    with_sum.flat_map(|(file, _)| keys[file].iter().copied()).collect()
}

/// Returns what Python has compiled a file from, `x.py` for `__pycache__/x.cpython-311.pyc` (PEP 3147):
/// packages have that, and a script of theirs makes the rest.
fn source(path: &HostPath) -> HostPath {
    let parts = path.as_bytes().rsplitn(3, |byte| *byte == b'/').collect::<Vec<_>>();
    match parts[..] {
        [name, b"__pycache__", directory] if name.ends_with(b".pyc") => {
            let stem = name.split(|byte| *byte == b'.').next().unwrap_or(name);
            HostPath::new(&[directory, b"/", stem, b".py"].concat())
        }
        _ => path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{find, source};
    use crate::host::HostPath;

    #[test]
    fn what_is_compiled_comes_from_its_source() {
        for (path, from) in [
            ("/usr/lib/a/__pycache__/b.cpython-311.pyc", "/usr/lib/a/b.py"),
            ("/usr/lib/a/b.pyc", "/usr/lib/a/b.pyc"),
            ("/b", "/b"),
        ] {
            assert_eq!(source(&HostPath::new(path.as_bytes())).as_bytes(), from.as_bytes());
        }
    }

    #[test]
    fn secrets_are_told_from_texts_about_them() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7".repeat(2);
        let key = |kind: &str| format!("x\n-----BEGIN {kind}PRIVATE KEY-----\n{body}\n");
        for secret in [key(""), key("RSA "), key("OPENSSH ")] {
            assert_eq!(find(secret.as_bytes()), Some("a private key"), "{secret}");
        }
        let token = "token=ghp_0123456789abcdefghijABCDEFGHIJ012345\n";
        assert_eq!(find(token.as_bytes()), Some("a token of GitHub"));
        assert_eq!(find(b"AKIAIOSFODNN7EXAMPL0"), Some("a key of AWS"));
        for text in [
            "-----BEGIN PRIVATE KEY-----\n...\n",
            "a line `-----BEGIN RSA PRIVATE KEY-----` begins it\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "XAKIAIOSFODNN7EXAMPL0",
            "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7",
            "",
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
    }
}
