//! What `needs packages` tells scanners.

use super::*;
use crate::sample::rpm::{Field, database, header};

const STATUS: &str = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n\
    Version: 2.36-9\nConffiles:\n /etc/ld.so.conf.d/x.conf 0123\nDescription: C library\n with more\n\n\
    Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n\
    Package: other\nArchitecture: all\nVersion: 3\n\n\
    Package: terms\nArchitecture: all\nVersion: 4\n";

const SUM: &str = "0123456789abcdef0123456789abcdef";

fn machine() -> Memory {
    let sums = |paths: &[&str]| -> String {
        paths.iter().map(|path| format!("{SUM}  {path}\n")).collect()
    };
    debian()
        .file("/etc/os-release", "ID=debian\n")
        .program("/usr/bin/tool", Sample::program().needs("libc.so.6").bytes())
        .file("/usr/share/tool/data", "data")
        .file("/usr/share/tool/data.distrib", "moved")
        .link("/usr/share/doc/tool", "terms")
        .file("/usr/share/doc/terms/copyright", "free")
        .file("/work/own", "own")
        .file("/var/lib/dpkg/status", STATUS)
        .file(
            "/var/lib/dpkg/diversions",
            "/usr/share/tool/data\n/usr/share/tool/data.distrib\nother\n",
        )
        .file("/var/lib/dpkg/info/libc6:amd64.list", "/lib/x86_64-linux-gnu/libc.so.6\n")
        .file(
            "/var/lib/dpkg/info/libc6:amd64.md5sums",
            sums(&["lib/x86_64-linux-gnu/libc.so.6", "usr/share/doc/libc6/changelog"]),
        )
        .file(
            "/var/lib/dpkg/info/tool.list",
            "/bin/tool\n/usr/share/tool/data\n/usr/share/tool/no\n",
        )
        .file("/var/lib/dpkg/info/tool.md5sums", sums(&["bin/tool", "usr/share/tool/data"]))
        .file("/var/lib/dpkg/info/other.list", "/usr/share/tool/data\n")
        .file("/var/lib/dpkg/info/other.md5sums", sums(&["usr/share/tool/data"]))
        .file("/var/lib/dpkg/info/terms.list", "/usr/share/doc/terms/copyright\n")
        .file("/var/lib/dpkg/info/terms.md5sums", sums(&["usr/share/doc/terms/copyright"]))
        .file("/var/lib/dpkg/info/absent.list", "/usr/bin/absent\n")
}

/// Returns the files below a directory of the image, and what stands in them.
#[track_caller]
fn texts(case: Case, directory: &str) -> Vec<(String, String)> {
    let resolution = case.resolve().unwrap_or_else(|problems| panic!("{problems:#?}"));
    let below = resolution.closure.entries.iter().filter_map(|(path, found)| {
        let name = path.as_bytes().strip_prefix(directory.as_bytes())?.strip_prefix(b"/")?;
        let Content::File { digest, .. } = &found.content else { return None };
        let bytes = resolution.sources.open(digest).unwrap().bytes().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        Some((String::from_utf8_lossy(name).into_owned(), text))
    });
    below.collect()
}

#[test]
fn records_are_those_of_the_packages_that_have_a_file_in_the_image() {
    let case = case(machine())
        .binary("/usr/bin/tool", "/tool")
        .file("/usr/share/tool/data", "/usr/share/tool/data", None)
        .file("own", "/usr/share/tool/no", None)
        .text("/usr/bin/absent", "own")
        .needs(Facility::Packages);
    let found = texts(case, "/var/lib/dpkg/status.d");
    let expected = [
        (
            "libc6",
            "Package: libc6\nArchitecture: amd64\nVersion: 2.36-9\n\
             Description: C library\n with more\n"
                .to_owned(),
        ),
        ("libc6.md5sums", format!("{SUM}  usr/lib/x86_64-linux-gnu/libc.so.6\n")),
        // The file that `other` has diverted is its own.
        ("other", "Package: other\nArchitecture: all\nVersion: 3\n".to_owned()),
        ("other.md5sums", format!("{SUM}  usr/share/tool/data\n")),
        // The terms of `tool` are a file of this one.
        ("terms", "Package: terms\nArchitecture: all\nVersion: 4\n".to_owned()),
        ("terms.md5sums", format!("{SUM}  usr/share/doc/terms/copyright\n")),
        ("tool", "Package: tool\nArchitecture: amd64\nVersion: 1\n".to_owned()),
        ("tool.md5sums", format!("{SUM}  tool\n")),
    ];
    let expected = expected.map(|(name, text)| (name.to_owned(), text));
    assert_eq!(found, expected);
}

#[test]
fn the_version_of_the_distribution_stands_beside_its_name() {
    let host = machine().file("/etc/debian_version", "12.5\n");
    let found = texts(case(host).needs(Facility::Packages), "/etc");
    let expected = [("debian_version", "12.5\n"), ("os-release", "ID=debian\n")];
    assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
}

#[test]
fn records_of_apk_keep_the_files_that_are_there() {
    let installed = "C:Q1x=\nP:tool\nV:1-r0\nA:x86_64\nF:usr\nF:usr/bin\nM:0:0:755\nR:other\n\
        a:0:0:755\nZ:Q1o=\nR:tool\na:0:0:755\nZ:Q1t=\nF:usr/share\nR:data\n\n\
        P:absent\nV:2\nF:usr/bin\nR:absent\n\n";
    let host = Memory::on_device(1)
        .program("/usr/bin/tool", Sample::library().pie().bytes())
        .file("/usr/lib/os-release", "ID=alpine\n")
        .file("/lib/apk/db/installed", installed)
        .directory("/work");
    let case = case(host).binary("/usr/bin/tool", "/usr/bin/tool").needs(Facility::Packages);
    let kept =
        "C:Q1x=\nP:tool\nV:1-r0\nA:x86_64\nF:usr/bin\nM:0:0:755\nR:tool\na:0:0:755\nZ:Q1t=\n\n";
    assert_eq!(texts(case, "/lib/apk/db"), [("installed".to_owned(), kept.to_owned())]);
}

/// The header of a package of version 1-2 that has one file.
fn package(name: &str, directory: &str, file: &str, more: &[(u32, Field<'_>)]) -> Vec<u8> {
    let usual = [
        (1000, Field::Text(name)),
        (1001, Field::Text("1")),
        (1002, Field::Text("2")),
        (1006, Field::Number(1700000000)),
        (1008, Field::Number(1800000000)),
        (1022, Field::Text("x86_64")),
        (1116, Field::Numbers(&[0])),
        (1117, Field::Texts(&[file])),
        (1118, Field::Texts(&[directory])),
    ];
    header(&[&usual, more].concat())
}

/// A machine of rpm, whose packages name files as they were before the merge of `/usr`.
fn fedora() -> Memory {
    let tool = [
        (1003, Field::Number(3)),
        (1009, Field::Number(4096)),
        (1011, Field::Text("A\tvendor\n")),
        (1044, Field::Text("source-1-2.src.rpm")),
    ];
    let libc = [(5009, Field::Long(5 << 30)), (1044, Field::Text("of no known form"))];
    let rows = [
        package("tool", "/bin/", "tool", &tool),
        package("glibc", "/lib/x86_64-linux-gnu/", "libc.so.6", &libc),
        // The file of this one was taken over by `tool`.
        package("replaced", "/usr/bin/", "tool", &[(1029, Field::Bytes(&[1]))]),
        package("elsewhere", "/usr/share/", "tool", &[]),
        header(&[(1000, Field::Text("gpg-pubkey"))]),
    ];
    debian()
        .file("/usr/lib/os-release", "ID=fedora\n")
        .program("/usr/bin/tool", Sample::program().needs("libc.so.6").bytes())
        .file("/usr/lib/sysimage/rpm/rpmdb.sqlite", database(&rows, 512))
        .file("/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "")
}

#[test]
fn records_of_rpm_are_a_line_for_each_package() {
    let case = case(fedora()).binary("/usr/bin/tool", "/tool").needs(Facility::Packages);
    // The time of the build stands for that of the installation too, and the epoch in one place.
    let time = "1700000000\t1700000000";
    let glibc = format!("{time}\t(none)\t(none)\t5368709120\tx86_64\t0\tglibc-1-2.src.rpm");
    let tool = format!("{time}\tA vendor \t(none)\t4096\tx86_64\t3\tsource-1-2.src.rpm");
    let lines = format!("glibc\t1-2\t{glibc}\ntool\t1-2\t{tool}\n");
    let found = texts(case, "/var/lib/rpmmanifest");
    assert_eq!(found, [("container-manifest-2".to_owned(), lines)]);
}

#[test]
fn the_distribution_of_rpm_comes_with_its_links() {
    let host = debian()
        .file("/usr/lib/os-release", "ID=fedora\n")
        .link("/etc/redhat-release", "fedora-release")
        .link("/etc/fedora-release", "../usr/lib/fedora-release")
        .file("/usr/lib/fedora-release", "Fedora release 39 (Thirty Nine)\n")
        .file("/var/lib/rpm/Packages", "of another form");
    let expected = [
        "/etc/fedora-release -> ../usr/lib/fedora-release",
        "/etc/redhat-release -> fedora-release",
        "/usr/lib/fedora-release",
        "/usr/lib/os-release",
    ];
    assert_eq!(case(host).needs(Facility::Packages).entries(), expected);
}

#[test]
fn records_that_are_not_read_are_told() {
    let directory = "/usr/lib/sysimage/rpm";
    let fedora = || debian().file("/etc/os-release", "ID=fedora\n");
    let cases = [
        (
            fedora().file("/var/lib/rpm/Packages", "x"),
            "/var/lib/rpm/Packages",
            "it is a Berkeley DB, and of rpm's databases those of SQLite are read",
        ),
        (
            fedora()
                .link("/var/lib/rpm", "../../usr/lib/sysimage/rpm")
                .file(format!("{directory}/Packages.db"), "x"),
            "/usr/lib/sysimage/rpm/Packages.db",
            "it is an ndb, and of rpm's databases those of SQLite are read",
        ),
        (
            fedora().file(format!("{directory}/rpmdb.sqlite"), "SQLite format 3"),
            "/usr/lib/sysimage/rpm/rpmdb.sqlite",
            "it is damaged: it ends early",
        ),
        (
            fedora()
                .file("/var/lib/rpm/rpmdb.sqlite", database(&[], 512))
                .file("/var/lib/rpm/rpmdb.sqlite-wal", "x"),
            "/var/lib/rpm/rpmdb.sqlite",
            "the file with `-wal` behind this name has changes that are not in it yet",
        ),
        (
            fedora().file("/var/lib/rpm/rpmdb.sqlite", database(&[b"header".to_vec()], 512)),
            "/var/lib/rpm/rpmdb.sqlite",
            "it is damaged: the header of a package is not as rpm writes it",
        ),
    ];
    for (host, path, why) in cases {
        let resolution = case(host).needs(Facility::Packages).resolve().unwrap();
        assert_eq!(lines(&resolution), ["/etc/os-release"]);
        let told: Vec<String> = resolution.warnings.iter().map(ToString::to_string).collect();
        let expected =
            format!("the packages of the sources are in `{path}`, which imgc does not read: {why}");
        assert_eq!(told, [expected]);
    }
}

#[test]
fn a_source_without_records_is_told() {
    let fedora = || debian().file("/etc/os-release", "x");
    let none = case(fedora()).needs(Facility::Packages).problems();
    assert_eq!(none, ["the sources have no records of packages"]);
    let empty = fedora().file("/var/lib/rpm/rpmdb.sqlite", database(&[], 512));
    let none = case(empty).needs(Facility::Packages).problems();
    assert_eq!(none, ["the sources have no records of packages"]);
    // Debian has rpm too, which does not count there.
    let beside = machine().file("/var/lib/rpm/Packages", "x");
    let found = case(beside).needs(Facility::Packages).resolve().unwrap();
    assert_eq!(found.warnings, []);
}
