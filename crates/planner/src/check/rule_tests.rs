//! The rules about the time after the start, over programs that are made up here.

use std::collections::BTreeMap;

use imgc_parser::{Epoch, ImagePath, Platform, ProjectPath, SourceMap, SourceText, Texts};

use crate::closure::{Closure, Content, Found, Need, Reason, Rule};
use crate::digest::Digest;
use crate::facts::{ElfFacts, ElfKind, Mention};
use crate::node::{Attributes, NodeKind};
use crate::{assemble, check, plan};

struct OneText<'a>(&'a str);

impl Texts for OneText<'_> {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        Ok(SourceText { name: path.to_string(), bytes: self.0.into() })
    }
}

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).expect(text)
}

/// A dynamic program of glibc that calls these functions.
fn calls(functions: &[&str]) -> ElfFacts {
    ElfFacts {
        kind: ElfKind::Dynamic,
        interpreter: Some(b"/lib64/ld-linux-x86-64.so.2"[..].into()),
        imports: functions.iter().map(|name| name.as_bytes().into()).collect(),
        ..ElfFacts::default()
    }
}

/// A file with these texts in its constants.
fn with(mut facts: ElfFacts, mentions: &[Mention]) -> ElfFacts {
    facts.mentions.extend(mentions);
    facts
}

/// A static program of Go with these texts.
fn go(mentions: &[Mention]) -> ElfFacts {
    with(ElfFacts { kind: ElfKind::Static, go: true, ..ElfFacts::default() }, mentions)
}

/// A library that calls these functions.
fn library(functions: &[&str]) -> ElfFacts {
    ElfFacts { kind: ElfKind::Library, interpreter: None, ..calls(functions) }
}

/// Checks a recipe in which `binary "/app"` is this program, and needs libraries in a row: each the
/// next one.
fn findings(recipe: &str, program: ElfFacts, libraries: &[(&str, ElfFacts)]) -> Vec<String> {
    findings_of(None, recipe, program, libraries)
}

/// The same with a program from a section of an archive.
fn findings_of(
    section: Option<&str>,
    recipe: &str,
    program: ElfFacts,
    libraries: &[(&str, ElfFacts)],
) -> Vec<String> {
    let old = with(library(&[]), &[Mention::ServersFirst]);
    findings_in(old, section, recipe, program, libraries)
}

/// The same in an image with this C library; the others have one that asks name servers first.
fn findings_in(
    libc: ElfFacts,
    section: Option<&str>,
    recipe: &str,
    program: ElfFacts,
    libraries: &[(&str, ElfFacts)],
) -> Vec<String> {
    let main = ProjectPath::resolve(&ProjectPath::project(), "app.kdl").expect("a path");
    let mut map = SourceMap::default();
    let parsed = imgc_parser::parse(&main, &mut OneText(recipe), &mut map).expect("a recipe");
    let plan = plan(&parsed).expect("a plan").0;
    let mut entries = BTreeMap::new();
    let mut facts = BTreeMap::from([(Digest::of(b"libc.so.6"), libc)]);
    let mut binary = None;
    for (node, request) in plan.requests() {
        let empty = |executable| Content::File { digest: Digest::of(b""), size: 0, executable };
        let (to, content, attributes) = match &request.kind {
            NodeKind::Binary(program) => {
                binary = Some((program.to.clone(), node));
                let digest = Digest::of(program.to.as_bytes());
                let content = Content::File { digest, size: 0, executable: true };
                (&program.to, content, program.attributes)
            }
            NodeKind::Text(text) => (&text.path, empty(false), text.attributes),
            NodeKind::Directory(node) => (&node.path, Content::Directory, node.attributes),
            other => panic!("not for these tests: {other:?}"),
        };
        let needs = vec![Need { reason: Reason::Asked, node }];
        entries.insert(to.clone(), Found { content, attributes, needs });
    }
    let (to, node) = binary.expect("a binary");
    let needed = program.needed.clone();
    facts.insert(Digest::of(to.as_bytes()), program);
    // A library is needed by the one before it, if the program does not need it itself.
    let mut by = to.clone();
    for (name, library) in libraries {
        let digest = Digest::of(name.as_bytes());
        facts.insert(digest, library.clone());
        let at = path(&format!("/lib/{name}"));
        if needed.iter().any(|needed| **needed == *name.as_bytes()) {
            by = to.clone();
        }
        let reason =
            Reason::Needed { by: by.clone(), name: name.as_bytes().into(), rule: Rule::Default };
        let content = Content::File { digest, size: 0, executable: false };
        let needs = vec![Need { reason, node }];
        entries.insert(at.clone(), Found { content, attributes: Attributes::ROOT, needs });
        by = at;
    }
    let amd64 = Platform::parse("linux/amd64").expect("a platform");
    let platform = plan.image().platforms.first().copied().unwrap_or(amd64);
    let sections = section.map(|section| (path("/app"), section.to_owned())).into_iter().collect();
    let closure = Closure { platform, entries, accounts: BTreeMap::new(), facts, sections };
    let spec = assemble(&plan, &closure, Epoch::ZERO).expect("a spec");
    check(&plan, &spec, &closure)
        .iter()
        .map(|finding| finding.code().rsplit("::").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn what_a_program_uses_and_the_image_lacks_is_said() {
    let fine: &[&str] = &[];
    for (program, recipe, code) in [
        (calls(&["getaddrinfo"]), "", "no_nsswitch"),
        (calls(&["gethostbyname", "socket"]), "", "no_nsswitch"),
        (calls(&["gethostbyname"]), "", "may_need"),
        (calls(&["gethostbyaddr"]), "", "no_nsswitch"),
        (go(&[Mention::ResolverConfiguration, Mention::ConnectsInGo]), "", "no_nsswitch"),
        (calls(&["SSL_CTX_set_default_verify_paths"]), "", "no_certificates"),
        (calls(&["gnutls_certificate_set_x509_system_trust"]), "", "no_certificates"),
        (with(calls(&[]), &[Mention::TimeZones]), "", "no_time_zones"),
        (go(&[Mention::LoadsTimeZones]), "", "may_need"),
        (with(calls(&[]), &[Mention::TimeZones, Mention::D]), "", "may_need"),
        (calls(&["setlocale"]), "env LANG=\"de_DE.UTF-8\"", "no_locale"),
        (calls(&["setupterm"]), "", "no_terminfo"),
        (
            with(calls(&["setupterm", "setlocale"]), &[Mention::Utf8Locales]),
            "directory \"/usr/share/terminfo/x\"",
            "no_utf8_locale",
        ),
        (calls(&["gnutls_certificate_verify_peers2"]), "", "may_need"),
        (calls(&["getpwnam", "setuid"]), "", "may_need"),
        (calls(&["initgroups"]), "", "may_need"),
        (calls(&["getgrnam"]), "", "no_users"),
        (calls(&["getgrgid"]), "", "may_need"),
        (calls(&["getpwnam"]), "", "may_need"),
        (with(calls(&["getgrnam"]), &[Mention::OCaml]), "", "may_need"),
        (go(&[Mention::LooksUpUsersInGo]), "", "no_users"),
        (go(&[Mention::LooksUpIdsInGo]), "", "may_need"),
        (
            ElfFacts {
                go: true,
                ..with(calls(&[]), &[Mention::ResolvesInGo, Mention::ConnectsInGo])
            },
            "",
            "no_nsswitch",
        ),
        (go(&[Mention::ResolverConfiguration]), "", "may_need"),
        (go(&[Mention::ResolverConfiguration, Mention::DialsInGo]), "", "no_nsswitch"),
        (
            go(&[Mention::ResolverConfiguration, Mention::DialsInGo, Mention::LogsToMachineInGo]),
            "",
            "may_need",
        ),
        (go(&[Mention::Certificates, Mention::ConnectsInGo]), "", "no_certificates"),
        (go(&[Mention::Certificates]), "", "may_need"),
        (go(&[Mention::MakesTemporaryFiles, Mention::ReadsFormsInGo]), "", "may_need"),
        (calls(&["getpwuid"]), "", "may_need"),
        (calls(&["tmpfile"]), "", "no_tmp"),
        (calls(&["_ZNSt10filesystem19temp_directory_pathB5cxx11Ev"]), "", "no_tmp"),
        (with(calls(&["mkstemp"]), &[Mention::TemporaryFiles]), "", "no_tmp"),
        (go(&[Mention::MakesTemporaryFiles]), "", "no_tmp"),
        (calls(&[]), "env TZ=\"Europe/Prague\"", "no_time_zone"),
        (calls(&[]), "env SSL_CERT_FILE=\"/nowhere\"", "no_certificate_file"),
        (calls(&[]), "user root", "runs_as_root"),
        (ElfFacts { x86_64_level: 3, ..calls(&[]) }, "", "level_too_high"),
    ] {
        let recipe = format!("binary \"/app\"\n{recipe}");
        assert_eq!(findings(&recipe, program, &[]), [code], "{recipe}");
    }
    for (program, recipe) in [
        (calls(&["getaddrinfo"]), "text \"/etc/nsswitch.conf\" \"hosts: files dns\\n\""),
        (go(&[Mention::TimeZones]), ""),
        (go(&[Mention::LoadsTimeZones, Mention::OwnTimeZones]), ""),
        (go(&[Mention::TemporaryFiles, Mention::Users]), ""),
        (ElfFacts { go: true, ..calls(&["getaddrinfo", "getpwnam_r"]) }, ""),
        (with(calls(&["getpwnam_r"]), &[Mention::Haskell]), ""),
        (with(calls(&[]), &[Mention::TimeZones, Mention::Rust]), ""),
        (calls(&["mkstemp"]), ""),
        (calls(&["mkstemp", "tmpfile"]), "directory \"/tmp\" mode=0o1777"),
        (calls(&["mkstemp", "tmpfile"]), "env TMPDIR=\"/var\"\ndirectory \"/var\""),
        (calls(&["setlocale"]), ""),
        (calls(&["setlocale"]), "env LANG=\"C\""),
        (calls(&["setlocale"]), "env LANG=\"C.UTF-8\"\ndirectory \"/usr/lib/locale/C.utf8\""),
        (calls(&["getpwnam"]), "user app uid=7"),
        (calls(&[]), "env TZ=\"CET-1CEST\""),
        (
            calls(&["SSL_CTX_set_default_verify_paths"]),
            "env SSL_CERT_FILE=\"/a\"\ntext \"/a\" \"\"",
        ),
        (
            calls(&["gnutls_certificate_set_x509_system_trust"]),
            "text \"/etc/ssl/certs/ca-certificates.crt\" \"\"",
        ),
        (ElfFacts { x86_64_level: 3, ..calls(&[]) }, "platform \"linux/amd64/v3\""),
    ] {
        let recipe = format!("binary \"/app\"\n{recipe}");
        assert_eq!(findings(&recipe, program, &[]), fine, "{recipe}");
    }
}

#[test]
fn what_a_program_is_for_tells_what_it_does_aside() {
    let recipe = "binary \"/app\"";
    let found = |section, functions| findings_of(Some(section), recipe, calls(functions), &[]);
    assert_eq!(found("net", &["getaddrinfo"]), ["no_nsswitch"]);
    assert_eq!(found("science", &["getaddrinfo"]), ["may_need"]);
    assert_eq!(found("science", &["getgrnam"]), ["no_users"]);
    assert_eq!(found("lisp", &["getgrnam"]), ["may_need"]);
    let curl = [("libcurl.so.4", library(&["getaddrinfo"]))];
    assert_eq!(findings_of(Some("science"), recipe, calls(&[]), &curl), ["no_nsswitch"]);
}

#[test]
fn only_root_becomes_another_user() {
    let recipe = "binary \"/app\"\nuser root";
    for functions in [&["getpwnam", "setuid"][..], &["initgroups"]] {
        let found = findings(recipe, calls(functions), &[]);
        assert!(found.contains(&"no_users".to_owned()), "{found:?}");
    }
}

#[test]
fn openssl_looks_for_hashed_names_and_not_for_a_bundle() {
    let client = || calls(&["SSL_CTX_set_default_verify_paths"]);
    let with = |file: &str| format!("binary \"/app\"\ntext \"{file}\" \"\"");
    let bundle = with("/etc/ssl/certs/ca-certificates.crt");
    assert_eq!(findings(&bundle, client(), &[]), ["no_certificates"]);
    for file in ["/etc/ssl/certs/4042bcee.0", "/usr/lib/ssl/cert.pem"] {
        assert_eq!(findings(&with(file), client(), &[]), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn a_library_speaks_for_those_who_need_it_themselves() {
    let recipe = "binary \"/app\"";
    let resolver = ("libcurl.so.4", library(&["getaddrinfo"]));
    assert_eq!(findings(recipe, calls(&[]), std::slice::from_ref(&resolver)), ["no_nsswitch"]);
    let between = ("libother.so.1", library(&[]));
    assert_eq!(findings(recipe, calls(&[]), &[between, resolver]), Vec::<String>::new());
    // One of which nothing is known hides no other.
    let tls = |name: &str| ElfFacts {
        soname: Some(name.as_bytes().into()),
        ..with(library(&[]), &[Mention::Certificates])
    };
    let both = [("liba.so.1", tls("liba.so.1")), ("libcurl.so.4", tls("libcurl.so.4"))];
    let needs = ElfFacts {
        needed: both.iter().map(|(name, _)| name.as_bytes().into()).collect(),
        ..calls(&[])
    };
    assert_eq!(findings(recipe, needs.clone(), &both[..1]), ["may_need"]);
    assert_eq!(findings(recipe, needs, &both), ["no_certificates"]);
    // Of others it is not known, unless they are a part of the program.
    let other = ("libresolving.so.1", library(&["getaddrinfo"]));
    assert_eq!(findings(recipe, calls(&[]), &[other]), ["may_need"]);
    let own = ("libapp64.so.1", library(&["getaddrinfo"]));
    assert_eq!(findings(recipe, calls(&[]), &[own]), ["no_nsswitch"]);
    let looks = ("libsvn_subr-1.so.1", library(&["apr_temp_dir_get"]));
    assert_eq!(findings(recipe, calls(&[]), &[looks]), ["no_tmp"]);
    let name: Box<[u8]> = Box::from(*b"libapp.so.1");
    let opens = with(library(&["fopen"]), &[Mention::TemporaryFiles]);
    let opens = [("libapp.so.1", ElfFacts { soname: Some(name.clone()), ..opens })];
    let needs = ElfFacts { needed: vec![name], ..calls(&[]) };
    assert_eq!(findings(recipe, needs, &opens), ["may_need"]);
    assert_eq!(findings(recipe, calls(&[]), &opens), Vec::<String>::new());
}

#[test]
fn a_library_that_can_do_much_speaks_only_for_those_who_call_that_part() {
    let crypto = [("libcrypto.so.3", library(&["getaddrinfo"]))];
    let recipe = "binary \"/app\"";
    assert_eq!(findings(recipe, calls(&["SHA256_Init"]), &crypto), Vec::<String>::new());
    assert_eq!(findings(recipe, calls(&["BIO_new_connect"]), &crypto), ["no_nsswitch"]);
}

#[test]
fn what_an_interpreter_can_do_is_only_remarked() {
    let recipe = "binary \"/usr/bin/python3.11\"\nentrypoint \"/usr/bin/python3.11\"";
    let found = findings(recipe, calls(&["getaddrinfo", "getpwnam"]), &[]);
    assert_eq!(found, ["may_need", "may_need"]);
    let home = with(calls(&[]), &[Mention::Home]);
    assert_eq!(findings(recipe, home.clone(), &[]), ["no_home"]);
    let shell = "binary \"/usr/bin/bash\"\nentrypoint \"/usr/bin/bash\"";
    assert_eq!(findings(shell, home, &[]), Vec::<String>::new());
}

#[test]
fn rights_are_compared_with_the_users() {
    let fine: &[&str] = &[];
    for (recipe, expected) in [
        ("text \"/a\" \"\" mode=0o600", &["not_readable"][..]),
        ("text \"/a\" \"\" mode=0o600 owner=65532", fine),
        ("directory \"/d\" mode=0o700\ntext \"/d/a\" \"\"", &["not_readable"]),
        ("directory \"/d\"\nvolume \"/d\"", &["not_writable"]),
        ("directory \"/d\" owner=65532\nvolume \"/d\"", fine),
        ("directory \"/d\"\nworkdir \"/d\"", &["not_writable"]),
        ("workdir \"/d\"\nvolume \"/v\"", fine),
        ("directory \"/d\" mode=0o777", &["writable_by_all"]),
        ("directory \"/d\" mode=0o1777", fine),
        ("text \"/a\" \"\" mode=0o666", &["writable_by_all"]),
        ("binary \"/b\" mode=0o4755\nentrypoint \"/app\"", &["set_id"]),
    ] {
        let recipe = format!("binary \"/app\"\n{recipe}");
        assert_eq!(findings(&recipe, calls(&[]), &[]), expected, "{recipe}");
    }
}

#[test]
fn a_warning_with_its_reason_is_accepted() {
    let recipe = "binary \"/app\"\nallow no_nsswitch \"only numbers\"";
    assert_eq!(findings(recipe, calls(&["getaddrinfo"]), &[]), Vec::<String>::new());
}

#[test]
fn a_c_library_that_looks_into_hosts_first_has_the_usual_order() {
    let recipe = "binary \"/app\"";
    let found = |libc: &[Mention], program: ElfFacts| {
        findings_in(with(library(&[]), libc), None, recipe, program, &[])
    };
    assert_eq!(found(&[Mention::ServersFirst], calls(&["getaddrinfo"])), ["no_nsswitch"]);
    assert_eq!(found(&[], calls(&["getaddrinfo"])), ["may_need"]);
    // Who verifies whom it talks to is told whichever it is.
    let client = calls(&["getaddrinfo", "SSL_CTX_set_default_verify_paths"]);
    assert_eq!(found(&[], client), ["no_nsswitch", "no_certificates"]);
}
