//! What `needs` takes from the sources.

use super::*;

const LIB: &str = "/usr/lib/x86_64-linux-gnu";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Case {
    pub(super) fn needs(self, facility: Facility) -> Self {
        self.request(&format!("needs {facility:?}"), NodeKind::Facility(facility))
    }
}

/// A program and the C library, and no more.
fn app(host: Memory, app: Sample) -> Case {
    case(host.program("/usr/bin/app", app.needs("libc.so.6").bytes()))
        .binary("/usr/bin/app", "/usr/bin/app")
}

#[track_caller]
fn check(case: Case, more: &[&str]) {
    let more: Vec<&str> = more.iter().copied().chain(["/usr/bin/app*"]).collect();
    assert_eq!(case.entries(), with_c_library(&more));
}

#[test]
fn the_bundle_comes_with_its_links() {
    let host = debian()
        .link("/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/bundle.pem")
        .file("/etc/pki/ca-trust/bundle.pem", "certificates")
        // An empty bundle is none.
        .file(BUNDLE, "");
    check(
        app(host, Sample::program()).needs(Facility::Tls),
        &[
            "/etc/pki/ca-trust/bundle.pem",
            "/etc/pki/tls/certs/ca-bundle.crt -> /etc/pki/ca-trust/bundle.pem",
        ],
    );
}

#[test]
fn each_library_finds_the_bundle_where_it_looks() {
    let openssl = |directory: &str| {
        Sample::library().constant(&format!("OPENSSLDIR: \"{directory}\"")).bytes()
    };
    let host = debian().file(BUNDLE, "certificates");
    let with = |host: Memory| {
        app(host, Sample::program().needs("libcrypto.so.3").needs("libgnutls.so.30"))
            .needs(Facility::Tls)
    };
    // Nothing stands where OpenSSL looks, nor where this GnuTLS does.
    let gnutls = Sample::library().constant("/etc/pki/tls/certs/ca-bundle.crt").bytes();
    let elsewhere = host
        .clone()
        .file(format!("{LIB}/libcrypto.so.3"), openssl("/opt/ssl"))
        .file(format!("{LIB}/libgnutls.so.30"), gnutls);
    let libraries = [format!("{LIB}/libcrypto.so.3"), format!("{LIB}/libgnutls.so.30")];
    check(
        with(elsewhere),
        &[
            BUNDLE,
            "/etc/pki/tls/certs/ca-bundle.crt -> /etc/ssl/certs/ca-certificates.crt",
            "/opt/ssl/cert.pem -> /etc/ssl/certs/ca-certificates.crt",
            &libraries[0],
            &libraries[1],
        ],
    );
    // Both have their place; one of them behind a link.
    let there = host
        .link("/usr/lib/ssl", "/etc/ssl")
        .file("/etc/ssl/cert.pem", "others")
        .file(format!("{LIB}/libcrypto.so.3"), openssl("/usr/lib/ssl"))
        .file(format!("{LIB}/libgnutls.so.30"), Sample::library().constant(BUNDLE).bytes());
    check(
        with(there),
        &["/etc/ssl/cert.pem", BUNDLE, "/usr/lib/ssl -> /etc/ssl", &libraries[0], &libraries[1]],
    );
}

#[test]
fn a_bundle_of_the_recipe_counts() {
    let host = debian().file(BUNDLE, "certificates").file("/work/own.pem", "own");
    let case = app(host, Sample::program()).file("own.pem", BUNDLE, Some(0o640));
    check(case.needs(Facility::Tls), &[&format!("{BUNDLE} 0o640")]);
    // Also where the sources have none.
    let case = app(debian().file("/work/own.pem", "own"), Sample::program());
    check(case.file("own.pem", BUNDLE, None).needs(Facility::Tls), &[BUNDLE]);
}

#[test]
fn nss_and_java_have_certificates_of_their_own() {
    let host = debian()
        .file(BUNDLE, "certificates")
        .file(format!("{LIB}/libnss3.so"), Sample::library().soname("libnss3.so").bytes())
        .file(format!("{LIB}/libnssckbi.so"), Sample::library().needs("libc.so.6").bytes())
        .link("/usr/lib/security/cacerts", "/etc/ssl/certs/java/cacerts")
        .file("/etc/ssl/certs/java/cacerts", "keys");
    check(
        app(host, Sample::program().needs("libnss3.so")).needs(Facility::Tls),
        &[
            BUNDLE,
            "/etc/ssl/certs/java/cacerts",
            "/usr/lib/security/cacerts -> /etc/ssl/certs/java/cacerts",
            &format!("{LIB}/libnss3.so"),
            &format!("{LIB}/libnssckbi.so"),
        ],
    );
}

#[test]
fn without_a_bundle_the_package_is_named() {
    let problems = app(debian(), Sample::program()).needs(Facility::Tls).resolve().unwrap_err();
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(problem.to_string(), "the sources have no bundle of certificates");
    let help = miette::Diagnostic::help(problem).unwrap().to_string();
    assert!(help.starts_with("install `ca-certificates` there"), "{help}");
    assert!(help.contains("\n  /etc/pki/tls/certs/ca-bundle.crt"), "{help}");
}

#[test]
fn name_services_are_configured_for_who_reads_them() {
    const CONFIGURATION: &str = "/etc/nsswitch.conf";
    check(app(debian(), Sample::program()).needs(Facility::Dns), &[CONFIGURATION]);
    let own = app(debian(), Sample::program()).text(CONFIGURATION, "hosts: dns\n");
    check(own.needs(Facility::Dns), &[CONFIGURATION]);

    // A program that starts alone reads it if it says so.
    let alone = |constant: &str| {
        let program = Sample::library().pie().constant(constant).bytes();
        let host = Memory::on_device(1).program("/usr/bin/app", program).directory("/work");
        case(host).binary("/usr/bin/app", "/usr/bin/app").needs(Facility::Dns).entries()
    };
    assert_eq!(alone("/etc/nsswitch.conf"), [CONFIGURATION, "/usr/bin/app*"]);
    assert_eq!(alone("/etc/resolv.conf"), ["/usr/bin/app*"]);
}

#[test]
fn an_old_glibc_opens_its_name_services() {
    let module = |name: &str| Sample::library().soname(name).needs("libc.so.6").bytes();
    let host = debian()
        .program(format!("{LIB}/ld-linux-x86-64.so.2"), Sample::glibc_loader_of("2.31").bytes())
        .file(format!("{LIB}/libnss_files.so.2"), module("libnss_files.so.2"));
    let problems = app(host.clone(), Sample::program()).needs(Facility::Dns).problems();
    assert_eq!(
        problems,
        ["the sources have no name service `libnss_dns.so.2`, which this version of glibc opens"]
    );
    let dns = Sample::library().needs("libresolv.so.2").needs("libc.so.6").bytes();
    let host = host
        .file(format!("{LIB}/libnss_dns.so.2"), dns)
        .file(format!("{LIB}/libresolv.so.2"), module("libresolv.so.2"));
    check(
        app(host, Sample::program()).needs(Facility::Dns),
        &[
            "/etc/nsswitch.conf",
            &format!("{LIB}/libnss_dns.so.2"),
            &format!("{LIB}/libnss_files.so.2"),
            &format!("{LIB}/libresolv.so.2"),
        ],
    );
}

fn zone(name: &str) -> Facility {
    Facility::TimeZones(ZoneName::parse(name))
}

fn locale(name: &str) -> Facility {
    Facility::Locale(LocaleName::parse(name).unwrap())
}

fn zones() -> Memory {
    debian()
        .file("/usr/share/zoneinfo/Europe/Prague", "TZif2")
        .link("/usr/share/zoneinfo/Europe/Bratislava", "Prague")
        .file("/usr/share/zoneinfo/zone.tab", "CZ")
        .link("/usr/share/zoneinfo/localtime", "/etc/localtime")
        .file("/etc/localtime", "TZif2")
}

#[test]
fn one_time_zone_or_all_of_them() {
    const LINK: &str = "/usr/share/zoneinfo/Europe/Bratislava -> Prague";
    const PRAGUE: &str = "/usr/share/zoneinfo/Europe/Prague";
    let app = || app(zones(), Sample::program());
    check(app().needs(zone("Europe/Bratislava")), &[LINK, PRAGUE]);
    check(
        app().needs(Facility::TimeZones(None)),
        &[
            "/usr/share/zoneinfo/",
            "/usr/share/zoneinfo/Europe/",
            LINK,
            PRAGUE,
            "/usr/share/zoneinfo/zone.tab",
        ],
    );
    for (name, told) in [
        ("Europe/Pragu", "time zone `Europe/Pragu`; there is `Europe/Prague`"),
        ("Europe", "time zone `Europe`"),
        ("zone.tab", "time zone `zone.tab`"),
    ] {
        assert_eq!(app().needs(zone(name)).problems(), [format!("the sources have no {told}")]);
    }
    let bare = self::app(debian(), Sample::program()).needs(Facility::TimeZones(None));
    assert_eq!(bare.problems(), ["the sources have no time zones"]);
}

#[test]
fn a_locale_is_a_directory_whose_categories_may_stand_elsewhere() {
    let host = debian()
        .file("/usr/lib/locale/C.utf8/LC_CTYPE", "utf8")
        .link("/usr/lib/locale/de_DE.utf8/LC_CTYPE", "../C.utf8/LC_CTYPE")
        .file("/usr/lib/locale/de_DE.utf8/LC_MESSAGES/SYS_LC_MESSAGES", "ja");
    let case = || app(host.clone(), Sample::program());
    check(case().needs(locale("C.UTF-8")), &["/usr/lib/locale/C.utf8/LC_CTYPE"]);
    check(
        case().needs(locale("de_DE.UTF-8")),
        &[
            "/usr/lib/locale/C.utf8/LC_CTYPE",
            "/usr/lib/locale/de_DE.utf8/LC_CTYPE -> ../C.utf8/LC_CTYPE",
            "/usr/lib/locale/de_DE.utf8/LC_MESSAGES/SYS_LC_MESSAGES",
        ],
    );
    check(case().needs(locale("POSIX")), &[]);
    assert_eq!(
        case().needs(locale("cs_CZ.UTF-8")).problems(),
        ["the sources have no locale `cs_CZ.UTF-8`"]
    );
}

#[test]
fn character_sets_are_those_beside_the_c_library_with_what_they_need() {
    let host = debian()
        .file(format!("{LIB}/gconv/gconv-modules"), "list")
        .file(format!("{LIB}/gconv/EUC-KR.so"), Sample::library().needs("libKSC.so").bytes())
        .file("/opt/ksc/libKSC.so", Sample::library().soname("libKSC.so").bytes())
        .file("/etc/ld.so.cache", failing::loader_cache("libKSC.so", "/opt/ksc/libKSC.so"));
    check(
        app(host, Sample::program()).needs(Facility::Charsets),
        &[
            "/etc/ld.so.cache",
            "/opt/ksc/libKSC.so",
            &format!("{LIB}/gconv/"),
            &format!("{LIB}/gconv/EUC-KR.so"),
            &format!("{LIB}/gconv/gconv-modules"),
        ],
    );
    let bare = app(debian(), Sample::program()).needs(Facility::Charsets);
    assert_eq!(bare.problems(), ["the sources have no modules of character sets"]);
}

#[test]
fn terminals_and_the_release_are_where_the_sources_have_them() {
    let host = debian()
        .file("/usr/lib/terminfo/x/xterm", "xterm")
        .file("/usr/share/terminfo/v/vt100", "vt100")
        .link("/etc/os-release", "../usr/lib/os-release")
        .file("/usr/lib/os-release", "ID=debian\n");
    let case = app(host, Sample::program());
    check(
        case.needs(Facility::Terminfo).needs(Facility::OsRelease),
        &[
            "/etc/os-release -> ../usr/lib/os-release",
            "/usr/lib/os-release",
            "/usr/lib/terminfo/",
            "/usr/lib/terminfo/x/",
            "/usr/lib/terminfo/x/xterm",
            "/usr/share/terminfo/",
            "/usr/share/terminfo/v/",
            "/usr/share/terminfo/v/vt100",
        ],
    );
    let case = app(debian(), Sample::program());
    assert_eq!(
        case.needs(Facility::Terminfo).needs(Facility::OsRelease).problems(),
        ["the sources have no descriptions of terminals", "the sources have no os-release"]
    );
}
