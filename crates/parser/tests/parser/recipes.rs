//! What recipes mean: each node, as the planner gets it.

use crate::support::{codes, recipe};
use imgc_parser::{
    Codec, EntryPoint, Epoch, From, LibraryName, Mode, Owner, Protocol, SourceKind, Statement, User,
};

/// Parses a recipe of one statement.
#[track_caller]
fn only(text: &str) -> Statement {
    let mut statements =
        recipe(text).unwrap_or_else(|errors| panic!("{text}: {errors:?}")).statements;
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0)
}

/// Writes a statement in short, to compare it with a line.
#[track_caller]
fn short(text: &str) -> String {
    let attributes = |attributes: &imgc_parser::Attributes| {
        let mode =
            attributes.mode.as_ref().map_or(String::new(), |mode| format!(" {}", mode.value));
        let owner = attributes
            .owner
            .as_ref()
            .map_or(String::new(), |owner| format!(" {}", self::owner(&owner.value)));
        mode + &owner
    };
    let from = |from: &From| match from {
        From::Project(path) => format!("project:{path}"),
        From::Source(path) => format!("source:{path}"),
    };
    let maybe = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    match only(text) {
        Statement::Name(name) => name.value.to_string(),
        Statement::Platform(platforms) => {
            platforms.iter().map(|platform| format!("{} ", platform.value)).collect()
        }
        Statement::Source(source) => {
            let kind = match &source.kind {
                SourceKind::Host => "host".to_owned(),
                SourceKind::Directory(path) => format!("directory {}", from(&path.value)),
            };
            format!("{kind} {}", maybe(source.platform.map(|platform| platform.value.to_string())))
        }
        Statement::Binary(binary) => format!(
            "{} {}{}",
            from(&binary.from.value),
            maybe(binary.to.map(|to| to.value.to_string())),
            attributes(&binary.attributes)
        ),
        Statement::Library(library) => match library.name.value {
            LibraryName::Soname(name) => format!("soname {name}"),
            LibraryName::Pattern(path) => format!("pattern {path}"),
        },
        Statement::File(file) => format!(
            "{} {}{}",
            file.path.value,
            maybe(file.from.map(|path| from(&path.value))),
            attributes(&file.attributes)
        ),
        Statement::Text(text) => {
            format!("{} {:?}{}", text.path.value, text.text, attributes(&text.attributes))
        }
        Statement::Tree(tree) => format!(
            "{} {}{} {:?}",
            tree.path.value,
            maybe(tree.from.map(|path| from(&path.value))),
            attributes(&tree.attributes),
            tree.exclude.iter().map(|pattern| pattern.value.as_str()).collect::<Vec<_>>()
        ),
        Statement::Directory(directory) => {
            format!("{}{}", directory.path.value, attributes(&directory.attributes))
        }
        Statement::Symlink(link) => format!(
            "{} {} {}",
            link.path.value,
            link.target.value,
            maybe(link.owner.map(|value| owner(&value.value)))
        ),
        Statement::Capability(capability) => {
            format!("{} {}", capability.path.value, capability.capabilities.value)
        }
        Statement::Needs(facility) => format!("{:?}", facility.value),
        Statement::Variant(variant) => {
            format!("{} {}", variant.name.value, variant.statements.len())
        }
        Statement::Layer(layer) => format!("{} {}", layer.name.value, layer.statements.len()),
        Statement::User(User::Created(account)) => format!(
            "{} {} {} {} {}",
            account.name.value,
            account.uid.value,
            maybe(account.gid.map(|id| id.value.to_string())),
            maybe(account.home.map(|path| path.value.to_string())),
            maybe(account.shell.map(|path| path.value.to_string())),
        ),
        Statement::User(User::Named(name)) => format!("named {}", name.value),
        Statement::User(User::Numeric { uid, gid, .. }) => format!("{uid}:{gid}"),
        Statement::Group(group) => format!("{} {}", group.name.value, group.gid.value),
        Statement::Env(env) => format!("{}={:?}", env.name.value, env.value.value),
        Statement::Workdir(path) | Statement::Volume(path) => path.value.to_string(),
        Statement::Entrypoint(entrypoint) => match entrypoint.value {
            EntryPoint::Arguments(arguments) => {
                format!("{:?}", arguments.iter().map(|a| a.value.as_str()).collect::<Vec<_>>())
            }
            EntryPoint::Shell(line) => format!("sh {}", line.value),
        },
        Statement::Command(arguments) => format!("{:?}", arguments.value),
        Statement::Expose(expose) => {
            let protocol = match expose.value.protocol {
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
                Protocol::Sctp => "sctp",
            };
            format!("{}/{protocol}", expose.value.port)
        }
        Statement::StopSignal(signal) => signal.value,
        Statement::Label(pair) | Statement::Annotation(pair) => {
            format!("{}={:?}", pair.key.value, pair.value.value)
        }
        Statement::Created(epoch) => epoch.value.to_string(),
        Statement::Compression(compression) => {
            let codec = match compression.value.codec {
                Codec::Gzip => "gzip",
                Codec::Zstd => "zstd",
                Codec::None => "none",
            };
            format!("{codec} {}", maybe(compression.value.level.map(|level| level.to_string())))
        }
        Statement::Allow(allow) => format!("{}: {}", allow.code.value, allow.reason.value),
    }
}

fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Named { user, group: None } => user.clone(),
        Owner::Named { user, group: Some(group) } => format!("{user}:{group}"),
        Owner::Numeric { uid, gid } => format!("{uid}:{gid}"),
    }
}

#[test]
fn nodes_mean_what_they_say() {
    for (text, expected) in [
        ("name \"ghcr.io/acme/rg:14\"", "ghcr.io/acme/rg:14"),
        ("name rg", "rg"),
        ("platform \"linux/amd64\" \"linux/arm/v7\"", "linux/amd64 linux/arm/v7 "),
        ("source host", "host -"),
        ("source host platform=\"linux/arm64\"", "host linux/arm64"),
        ("source directory \"sysroot\"", "directory project:sysroot -"),
        ("source directory \"/srv/root\"", "directory source:/srv/root -"),
        ("binary \"/usr/bin/rg\"", "source:/usr/bin/rg -"),
        ("binary \"build/hello\" to=\"/hello\"", "project:build/hello /hello"),
        ("binary \"build/hello\" mode=0o4755 owner=root", "project:build/hello - 0o4755 root"),
        ("library \"libz.so.1\"", "soname libz.so.1"),
        ("library \"/usr/lib//ossl/[!x]*.so\"", "pattern /usr/lib/ossl/[!x]*.so"),
        ("file \"/etc/x\"", "/etc/x -"),
        (
            "file \"/etc/x\" from=\"./c/x\" mode=\"0640\" owner=\"app:web\"",
            "/etc/x project:c/x 0o640 app:web",
        ),
        ("file \"/etc/x\" from=\"/etc/y\" owner=10001", "/etc/x source:/etc/y 10001:10001"),
        ("file \"/etc/x\" owner=\"1:2\"", "/etc/x - 1:2"),
        ("file \"/etc/x\" owner=\"7\"", "/etc/x - 7:7"),
        ("text \"/a\" \"b\\n\" mode=0o600", "/a \"b\\n\" 0o600"),
        ("text \"/a\" \"\"", "/a \"\""),
        (
            "tree \"/srv\" from=\"dist\" { exclude \"*.map\" \"/cache\"; exclude \"a/**/b\"; }",
            "/srv project:dist [\"*.map\", \"/cache\", \"a/**/b\"]",
        ),
        ("tree \"/srv\" from=\".\"", "/srv project:. []"),
        ("directory \"/var/lib/app/\" mode=0o1777", "/var/lib/app 0o1777"),
        ("symlink \"/bin/sh\" to=\"busybox\" owner=5", "/bin/sh busybox 5:5"),
        ("needs dns", "Dns"),
        ("needs tls", "Tls"),
        ("needs users", "Users"),
        ("needs \"tmp\"", "Tmp"),
        ("needs timezones", "TimeZones(None)"),
        ("needs timezones=UTC", "TimeZones(Some(ZoneName(\"UTC\")))"),
        ("needs locale=\"C.UTF-8\"", "Locale(LocaleName(\"C.UTF-8\"))"),
        ("needs os-release", "OsRelease"),
        ("variant debug { binary \"/bin/sh\"; env A=\"1\" B=\"2\"; user root; }", "debug 4"),
        ("variant debug {}", "debug 0"),
        ("capability \"/bin/ping\" \"cap_net_raw+ep\"", "/bin/ping cap_net_raw=ep"),
        ("layer \"assets\" { file \"/a\"; tree \"/b\"; }", "assets 2"),
        (
            "user app uid=10001 gid=10002 home=\"/home/app\" shell=\"/bin/sh\"",
            "app 10001 10002 /home/app /bin/sh",
        ),
        ("user app uid=0x10", "app 16 - - -"),
        ("user root", "named root"),
        ("user 65532", "65532:65532"),
        ("user \"65532\"", "65532:65532"),
        ("user \"1:2\"", "1:2"),
        ("group web gid=5", "web 5"),
        ("env LANG=\"C.UTF-8\"", "LANG=\"C.UTF-8\""),
        ("env \"a b\"=\"x\\ny\"", "a b=\"x\\ny\""),
        ("workdir \"/\"", "/"),
        ("entrypoint \"/rg\" \"--no-config\" \"\"", "[\"/rg\", \"--no-config\", \"\"]"),
        ("entrypoint shell=\"exec rg\"", "sh exec rg"),
        ("command --help \"-x\"", "[\"--help\", \"-x\"]"),
        ("expose 8080", "8080/tcp"),
        ("expose \"53/udp\"", "53/udp"),
        ("expose \"443/tcp\"", "443/tcp"),
        ("volume \"/data\"", "/data"),
        ("stop-signal SIGTERM", "SIGTERM"),
        ("stop-signal TERM", "SIGTERM"),
        ("stop-signal 15", "15"),
        ("stop-signal SIGRTMIN+3", "SIGRTMIN+3"),
        ("label \"a\" \"\"", "a=\"\""),
        ("annotation a b", "a=\"b\""),
        ("created \"2026-11-20\"", "2026-11-20T00:00:00Z"),
        ("compression gzip level=12", "gzip 12"),
        ("compression zstd", "zstd -"),
        ("compression none", "none -"),
        ("allow dlopen \"plugins are not used\"", "dlopen: plugins are not used"),
        ("allow \"imgc::check::dlopen\" why", "imgc::check::dlopen: why"),
    ] {
        assert_eq!(short(text), expected, "{text}");
    }
}

#[test]
fn lists_become_a_statement_each() {
    let count = |text: &str| recipe(text).unwrap().statements.len();
    assert_eq!(count("env A=\"1\" B=\"2\"\nenv C=\"3\""), 3);
    assert_eq!(count("expose 8080 \"53/udp\""), 2);
    assert_eq!(count("needs dns tls locale=\"C\"\nneeds tmp"), 4);
    assert_eq!(count("volume \"/a\" \"/b\""), 2);
}

#[test]
fn nothing_is_a_recipe() {
    assert_eq!(recipe("").unwrap().statements, []);
    assert_eq!(recipe("// nothing\n/- nope { nope; }\n").unwrap().statements, []);
}

#[test]
fn line_ends_and_a_byte_order_mark_mean_nothing() {
    let text = "binary \"/a\" \\\n  to=\"/b\" // c\nlayer \"x\" {\n  text \"/t\" \"\"\"\n    a\n\n      b\n    \"\"\"\n}\n";
    let expected = recipe(text).unwrap();
    assert_eq!(recipe(&format!("\u{feff}{text}")).unwrap().stem, "app");
    let crlf = recipe(&format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
    let texts = |recipe: &imgc_parser::Recipe| {
        recipe
            .statements
            .iter()
            .filter_map(|statement| match statement {
                Statement::Layer(layer) => match &layer.statements[0] {
                    Statement::Text(text) => Some(text.text.clone()),
                    _ => None,
                },
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&crlf), ["a\n\n  b"]);
    assert_eq!(texts(&expected), texts(&crlf));
}

#[test]
fn what_slashdash_removes_is_not_there() {
    let text = "env A=\"1\" /- B=\"2\" /* c */ C=\"3\"\n/- user root\nlayer \"x\" /-{ nope; } { /- nope\n file \"/a\"; /- nope\n}\n/-\nnope 0o9 nope=#huh {\n nope\n}\n";
    let recipe = recipe(text).unwrap();
    assert_eq!(recipe.statements.len(), 3);
}

#[test]
fn spans_cover_what_is_written() {
    let text =
        "/* c */ file \"/a\"  mode = 0o640 // d\nlayer \"x\" {\n  file \"/é\" from=#\"b\"#\n}  \n";
    let (result, map) =
        crate::support::read("app.kdl", crate::support::Memory::of(&[("app.kdl", text)]));
    let statements = result.unwrap().statements;
    let source = |span| {
        let file = map.file(span).unwrap();
        let at = file.offset(span);
        &file.text[at..at + span.len as usize]
    };
    let Statement::File(file) = &statements[0] else { panic!("a file") };
    assert_eq!(source(file.span), "file \"/a\"  mode = 0o640");
    assert_eq!(source(file.path.span), "\"/a\"");
    assert_eq!(source(file.attributes.mode.as_ref().unwrap().span), "0o640");
    let Statement::Layer(layer) = &statements[1] else { panic!("a layer") };
    assert_eq!(source(layer.span), "layer \"x\" {\n  file \"/é\" from=#\"b\"#\n}");
    let Statement::File(file) = &layer.statements[0] else { panic!("a file") };
    assert_eq!(source(file.span), "file \"/é\" from=#\"b\"#");
    assert_eq!(source(file.from.as_ref().unwrap().span), "#\"b\"#");
}

#[test]
fn values_are_typed() {
    let Statement::File(file) = only("file \"/a\" mode=0o755") else { panic!("a file") };
    assert_eq!(file.attributes.mode.map(|mode| mode.value), Some(Mode::EXECUTABLE));
    let Statement::Created(epoch) = only("created \"1970-01-01\"") else { panic!("a date") };
    assert_eq!(epoch.value, Epoch::ZERO);
    assert_eq!(codes(&recipe("mode=0o755")), ["syntax"]);
}
