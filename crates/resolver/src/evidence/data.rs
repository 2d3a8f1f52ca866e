//! Files of data that programs name: paths in their constants that the sources have and the image has
//! not.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::recipe::ImagePath;
use imgc_planner::{ElfKind, Need, NodeId, Reason};

use super::parcels::{Parcels, plugins_are_missing};
use super::plugins::text;
use super::scene::{Object, Scene, digest};
use super::scripts::is_place_of_modules;
use crate::error::{Name, ResolveError};
use crate::glob::{glob, names};
use crate::host::FileType;
use crate::root::Roots;
use crate::secret;

/// Where data of programs lies.
const ROOTS: &[&str] = &["/usr/share/", "/usr/lib/", "/usr/libexec/", "/usr/lib64/", "/etc/"];

/// Where compilers look for headers of libraries, if their constants have it as a path of its own.
const HEADERS: &[u8] = b"/usr/include";

/// The rules of local time, and those of what it is without them.
const LOCAL_TIME: &str = "/etc/localtime";
const UTC: &str = "/usr/share/zoneinfo/UTC";

/// What lies there and is no program's own: it has needs and rules of its own, or is for people, a
/// desktop, compilers, package managers, or secret.
const SHARED: &[&str] = &[
    "/etc/X11",
    "/etc/adjtime",
    "/etc/aliases",
    "/etc/alternatives",
    "/etc/apt",
    "/etc/bash",
    "/etc/crypttab",
    "/etc/default",
    "/etc/dpkg",
    "/etc/environment",
    "/etc/exports",
    "/etc/fonts",
    "/etc/fstab",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/gshadow",
    "/etc/host",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/init",
    "/etc/initramfs",
    "/etc/inittab",
    "/etc/inputrc",
    "/etc/issue",
    "/etc/krb5",
    "/etc/ld",
    "/etc/ldap",
    "/etc/locale",
    "/etc/localtime",
    "/etc/login",
    "/etc/lsb",
    "/etc/machine-id",
    "/etc/mail",
    "/etc/mailcap",
    "/etc/mailname",
    "/etc/mime",
    "/etc/motd",
    "/etc/mtab",
    "/etc/netconfig",
    "/etc/netgroup",
    "/etc/network",
    "/etc/networks",
    "/etc/nsswitch",
    "/etc/opt",
    "/etc/os-release",
    "/etc/pam",
    "/etc/passwd",
    "/etc/pki",
    "/etc/ppp",
    "/etc/profile",
    "/etc/protocols",
    "/etc/rc",
    "/etc/resolv",
    "/etc/resolvconf",
    "/etc/rpc",
    "/etc/securetty",
    "/etc/security",
    "/etc/selinux",
    "/etc/services",
    "/etc/shadow",
    "/etc/shells",
    "/etc/skel",
    "/etc/ssl",
    "/etc/subgid",
    "/etc/subuid",
    "/etc/sudo",
    "/etc/sudoers",
    "/etc/sysconfig",
    "/etc/sysctl",
    "/etc/terminfo",
    "/etc/timezone",
    "/etc/udev",
    "/etc/utmp",
    "/etc/vconsole",
    "/etc/xdg",
    "/usr/lib/debug",
    "/usr/lib/locale",
    "/usr/lib/os-release",
    "/usr/lib/ssl",
    "/usr/lib/terminfo",
    "/usr/lib/tmpfiles",
    "/usr/lib/udev",
    "/usr/share/applications",
    "/usr/share/bash-completion",
    "/usr/share/bug",
    "/usr/share/cargo",
    "/usr/share/common-licenses",
    "/usr/share/doc",
    "/usr/share/fonts",
    "/usr/share/gdb",
    "/usr/share/icons",
    "/usr/share/info",
    "/usr/share/keyrings",
    "/usr/share/locale",
    "/usr/share/man",
    "/usr/share/pixmaps",
    "/usr/share/pkgconfig",
    "/usr/share/terminfo",
    "/usr/share/themes",
    "/usr/share/zoneinfo",
    "/usr/lib/gconv",
    "/usr/share/ca-certificates",
    "/usr/share/tabset",
    "/usr/share/nls",
    "/usr/lib/bfd-plugins",
    "/usr/lib/systemd",
    "/usr/share/systemd",
    "/etc/systemd",
    "/usr/share/dbus",
    "/etc/dbus",
    "/usr/lib/cryptsetup",
];

/// What a package lists of its own, for editors and for the services of a machine.
const FOR_OTHERS: &[&str] = &["/usr/share/dbus-1", "/usr/share/emacs"];

/// Files that any user may read, and files that somebody may execute.
pub(super) const READABLE: u16 = 0o004;
const PROGRAM: u16 = 0o111;

/// Directories that any user may search.
const SEARCHABLE: u16 = 0o001;

/// Tells whether a text is a path below which data lies.
pub(super) fn is_data(text: &[u8]) -> bool {
    let is_below =
        ROOTS.iter().any(|root| text.starts_with(root.as_bytes()) && text.len() > root.len());
    (is_below || text == HEADERS)
        && text
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !b"%*?<>|:;,'\"()[]{}$=\\".contains(byte))
        && !text.windows(6).any(|window| window == b"/gconv")
        && !text.windows(3).any(|window| window == b".so" || window == b"/..")
}

/// Tells whether a path lies where no program's own data does.
pub(super) fn is_shared(text: &[u8]) -> bool {
    SHARED.iter().any(|place| is_at(place, text))
}

/// Tells whether a path is a place, or below it, or bears its name with more than letters after it: at
/// `/etc/cron` are `/etc/cron.d/app` and `/etc/cron-apt`, and not `/etc/cronolog`.
pub(super) fn is_at(place: &str, path: &[u8]) -> bool {
    let rest = path.strip_prefix(place.as_bytes());
    rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_lowercase))
}

/// Libraries whose paths have needs and plug-ins of their own.
const OTHERS: &[&str] = &[
    "libc.so",
    "libcrypto.so",
    "libssl.so",
    "libpam",
    "libkrb5",
    "libsasl2",
    "libp11-kit",
    "libsystemd.so",
    "libgio-2.0",
];

/// Libraries that read what they name for few of those who need them: the start of the name, and those of
/// the functions that lead there (libnetpbm's `colorname.h`: names of colours).
const CARRIERS: &[(&str, &[&str])] = &[
    (
        "libnetpbm.so",
        &[
            "pm_openColor",
            "pam_colorname",
            "ppm_parsecolor",
            "pnm_parsecolor",
            "pnm_colorspec",
            "ppm_readcolor",
        ],
    ),
    // Plug-ins of compilers, for who reads what they have made for the linker (`nm`, `ar`).
    ("libbfd-", &["bfd_plugin_"]),
    // Plug-ins of HTSlib for files elsewhere, by functions that all who read files come to.
    ("libhts.so", &[]),
    // Modules of its language, for who runs scripts.
    ("libslang.so", &["SLang_load_", "SLns_load_", "SLpath_"]),
];

/// Tells whether a program that needs a library comes by that to the data which the library names.
fn carries(library: &[u8], program: &Object<'_>) -> bool {
    let row = CARRIERS.iter().find(|(start, _)| library.starts_with(start.as_bytes()));
    row.is_none_or(|(_, through)| {
        program
            .facts()
            .imports
            .iter()
            .any(|import| through.iter().any(|start| import.starts_with(start.as_bytes())))
    })
}

/// Where services are (`hier(7)`): few of them start without the configuration that their package
/// brings, while tools have defaults.
const SERVICES: &[&[u8]] = &[b"/usr/sbin/", b"/sbin/"];

/// Where documentation is: no program of Debian may need a file there (Debian Policy, 12.3).
const DOCUMENTATION: &[u8] = b"/usr/share/doc/";

/// Interpreters whose scripts say themselves what they load.
const INTERPRETERS: &[&str] = &["perl", "python"];

/// Most places of data that the plug-ins of one node are asked about: a directory with plug-ins for
/// everything names everything.
const MAX_OF_PLUGINS: usize = 8;

/// Most files of a configuration that are looked at.
const MAX_FILES: usize = 2000;

/// Returns what the programs of a scene name: a warning for data that bears the name of the program or
/// library which names it, a remark for other data and for configuration.
pub(super) fn judge(scene: &Scene<'_>, parcels: &Parcels<'_>) -> Vec<ResolveError> {
    let mut found: BTreeMap<Vec<Name>, ResolveError> = BTreeMap::new();
    for run in scene.runs.iter().filter(|run| run.is_start()) {
        let Some(program) = scene.program(run) else { continue };
        let name =
            String::from_utf8_lossy(program.path.file_name().unwrap_or_default()).into_owned();
        let roots = scene.surroundings.roots;
        let parcel = parcels.get(&program);
        // Who starts one for a script of its own says what that loads.
        let is_helper = runs_script(scene, &program) || parcel.is_none() && has_script(scene);
        if is_helper && INTERPRETERS.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        // A directory that others list too is none of the packages' own.
        let is_shipped = |path: &ImagePath| {
            parcel.is_some_and(|(packages, parcel)| {
                parcel.paths.contains(path) && !packages.is_shared(path, parcel)
            })
        };
        // What is of the same source is another part of the same, though nothing depends on it.
        let is_sibling = |path: &ImagePath| {
            parcel.is_some_and(|(packages, parcel)| {
                !packages.is_collection(parcel) && packages.is_data_of_source(path, parcel)
            })
        };
        let is_service = SERVICES.iter().any(|start| program.source.as_bytes().starts_with(start));
        let needs = &program.facts().needed;
        let objects = scene.objects(run);
        let own = objects.iter().filter(|object| {
            let soname = object.facts().soname.as_deref();
            let is_other =
                |soname: &[u8]| OTHERS.iter().any(|start| soname.starts_with(start.as_bytes()));
            object.path == program.path
                || soname.is_some_and(|soname| {
                    !is_other(soname)
                        && carries(soname, &program)
                        && needs.iter().any(|needed| **needed == *soname)
                })
        });
        for object in own {
            let (node, by) = (run.node, object.path.clone());
            let is_program = object.facts().kind != ElfKind::Library;
            let is_part = is_program
                || parcel.is_some_and(|(_, parcel)| parcel.paths.contains(object.source));
            let own = String::from_utf8_lossy(object.path.file_name().unwrap_or_default());
            let own = own.strip_prefix("lib").filter(|_| !is_program).unwrap_or(&name);
            let is_documentation = |path: &ImagePath| path.as_bytes().starts_with(DOCUMENTATION);
            let is_wanted = |path: &ImagePath| {
                !is_shared(path.as_bytes()) || is_shipped(path) && !is_documentation(path)
            };
            let mut named =
                named(scene, object, is_wanted, |path| parcels.is_published(scene, path));
            named.retain(|named| {
                let path = named.path.as_bytes();
                is_of(own, &named.path) || !FOR_OTHERS.iter().any(|place| is_at(place, path))
            });
            // An interpreter of extensions names the headers for who compiles one.
            named.retain(|named| is_part || named.path.as_bytes() != HEADERS);
            let (private, named): (Vec<Named>, Vec<Named>) =
                named.into_iter().partition(|named| named.is_private);
            let private: Vec<ImagePath> = private
                .into_iter()
                .map(|named| named.path)
                .filter(|path| is_service || !holds_secret(roots, path))
                .filter(|path| {
                    let above = path.parent().filter(|_| is_behind_closed(roots, path));
                    is_program && is_of(own, path)
                        || is_part
                            && (is_shipped(path) || above.is_some_and(|path| is_shipped(&path)))
                })
                .collect();
            if !private.is_empty() {
                let key = private.iter().map(|path| Name::new(path.as_bytes())).collect();
                let by = by.clone();
                found.entry(key).or_insert(ResolveError::PrivateIsLeftOut {
                    node,
                    by,
                    files: private,
                });
            }
            let (data, mut other): (Vec<Named>, Vec<Named>) =
                named.into_iter().partition(|named| {
                    let is_shipped = is_shipped(&named.path);
                    named.is_data && (is_of(own, &named.path) || is_shipped)
                    || named.is_data && is_program && is_sibling(&named.path)
                    // What the packages list has a warning of its own; what their scripts have made
                    // is told by its name.
                    || named.is_configuration
                        && is_of(own, &named.path)
                        && !is_shipped
                        && is_program
                        && is_service
                });
            if is_program && let Some(add) = local_time(scene, object) {
                let by = by.clone();
                found.entry(add.clone()).or_insert(ResolveError::DataIsLeftOut { node, by, add });
            }
            // All that a machine has for a language is there for its programs, and not for this one.
            other.retain(|named| !is_place_of_modules(named.path.as_bytes()));
            let is_of_plugins = data.iter().all(|named| has_libraries_alone(scene, &named.path));
            let as_data = |node, by, add| ResolveError::DataIsMissing { node, by, add };
            let as_missing = if is_of_plugins { plugins_are_missing } else { as_data };
            let as_left_out = |node, by, add| ResolveError::DataIsLeftOut { node, by, add };
            for (named, as_error) in [(data, as_missing), (other, as_left_out)] {
                let add: Vec<Name> = named.into_iter().map(|named| named.line).collect();
                if !add.is_empty() {
                    let by = by.clone();
                    found.entry(add.clone()).or_insert_with(|| as_error(node, by, add));
                }
            }
        }
    }
    found.into_values().collect()
}

/// Tells whether all that lies in a directory of the sources is libraries: then these are plug-ins.
fn has_libraries_alone(scene: &Scene<'_>, directory: &ImagePath) -> bool {
    let files = glob(scene.surroundings.roots, format!("{directory}/*").as_bytes());
    !files.is_empty() && files.iter().all(|path| is_library(path.as_bytes()))
}

/// Tells whether a path is that of a library by its end: `x.so`, `x.so.1.2`.
pub(super) fn is_library(path: &[u8]) -> bool {
    path.ends_with(b".so") || path.windows(4).any(|part| part == b".so.")
}

/// Returns the lines for a local time, if a program names the file of it, as the C library does for all, and
/// may want it to be there (`localtime(5)`).
fn local_time(scene: &Scene<'_>, object: &Object<'_>) -> Option<Vec<Name>> {
    let is_named = object.evidence.paths.iter().any(|path| **path == *LOCAL_TIME.as_bytes());
    let is_absent = is_named && !scene.image_has(LOCAL_TIME) && scene.source_has(UTC).is_some();
    let link = format!("symlink \"{LOCAL_TIME}\" to=\"{UTC}\"");
    is_absent.then(|| vec![Name::new("needs timezones=\"UTC\""), Name::new(link)])
}

/// Returns a remark for each node that puts libraries into the image which no program loads at its
/// start, and which name data: what a plug-in opens is told by nothing else.
pub(super) fn of_plugins(scene: &Scene<'_>, loaded: &BTreeSet<ImagePath>) -> Vec<ResolveError> {
    let mut by_node: BTreeMap<NodeId, (ImagePath, BTreeSet<Name>)> = BTreeMap::new();
    for (path, found) in scene.entries {
        let placed =
            found.needs.iter().find(|need| matches!(need.reason, Reason::Asked | Reason::Matched));
        let read = digest(scene.entries, path).and_then(|digest| scene.evidence.get(&digest));
        let (Some(need), Some(evidence)) = (placed, read) else { continue };
        if evidence.facts.kind != ElfKind::Library || loaded.contains(path) {
            continue;
        }
        let object = Object { node: need.node, source: path, path: path.clone(), evidence };
        let named = named(scene, &object, |path| !is_shared(path.as_bytes()), |_| false);
        let lines: Vec<Name> =
            named.into_iter().filter(|named| named.is_data).map(|named| named.line).collect();
        if !lines.is_empty() {
            let place = by_node.entry(need.node).or_insert_with(|| (path.clone(), BTreeSet::new()));
            place.1.extend(lines);
        }
    }
    let few = by_node.into_iter().filter(|(_, (_, lines))| lines.len() <= MAX_OF_PLUGINS);
    few.map(|(node, (by, lines))| {
        let add = lines.into_iter().collect();
        ResolveError::DataIsLeftOut { node, by, add }
    })
    .collect()
}

/// Tells whether the image has a script that was put there to be started.
fn has_script(scene: &Scene<'_>) -> bool {
    scene.entries.values().flat_map(|found| &found.needs).any(is_by_script)
}

fn is_by_script(need: &Need) -> bool {
    matches!(need.reason, Reason::ScriptInterpreter { .. } | Reason::EnvProgram { .. })
}

pub(super) fn runs_script(scene: &Scene<'_>, program: &Object<'_>) -> bool {
    scene.entries.get(&program.path).is_some_and(|found| found.needs.iter().any(is_by_script))
}

/// Tells whether a path bears the name of a program: a part of it starts as the name does, up to a
/// digit or sign, or the other way round.
fn is_of(program: &str, path: &ImagePath) -> bool {
    let letters = |text: &str| -> String {
        text.chars().take_while(char::is_ascii_alphabetic).map(|l| l.to_ascii_lowercase()).collect()
    };
    let own = letters(program);
    path.to_string().split('/').skip(3).any(|part| {
        let start = letters(part);
        let is_like = own.len() > 1
            && start.len() > 1
            && (start.starts_with(&own) || own.starts_with(&start));
        // `p0f` has no letters to go by.
        is_like || part.split('.').next() == Some(program)
    })
}

/// A path that an object names, and the line that adds it.
struct Named {
    path: ImagePath,
    line: Name,
    /// Whether it is neither a program nor a configuration.
    is_data: bool,
    /// Whether it lies below `/etc`.
    is_configuration: bool,
    /// Whether it is a file that not every user may read, and so may hold a secret.
    is_private: bool,
}

/// Returns what an object names and the image has not: of nested paths the outermost. What
/// `is_published` is told to be for every reader.
fn named(
    scene: &Scene<'_>,
    object: &Object<'_>,
    is_wanted: impl Fn(&ImagePath) -> bool,
    is_published: impl Fn(&ImagePath) -> bool,
) -> Vec<Named> {
    let roots = scene.surroundings.roots;
    let mut trees: Vec<ImagePath> = Vec::new();
    let mut named = Vec::new();
    for path in &object.evidence.paths {
        let Ok(path) = ImagePath::parse(path.strip_suffix(b"/").unwrap_or(path)) else { continue };
        let is_known = trees.iter().any(|tree| path.starts_with(tree)) || scene.has(&path);
        if !is_wanted(&path) {
            continue;
        }
        let (false, Ok(walk)) = (is_known, roots.walk(path.as_bytes(), &ImagePath::root())) else {
            continue;
        };
        let is_configuration = path.as_bytes().starts_with(b"/etc/");
        // A directory that holds much of everything is no program's own.
        let is_deep = path.as_bytes().iter().filter(|byte| **byte == b'/').count() >= 3;
        let is_readable = walk.stat.mode & READABLE != 0;
        let is_program = walk.stat.mode & PROGRAM != 0;
        let (node, is_data) = match walk.stat.file_type {
            FileType::Directory if is_configuration && is_public(roots, &path) => ("tree", false),
            FileType::Directory if path.as_bytes() == HEADERS => ("tree", false),
            FileType::Directory if !is_configuration && is_deep && !is_triplet(&path) => {
                ("tree", true)
            }
            FileType::Regular
                if (!is_readable || is_behind_closed(roots, &path))
                    && (is_program || !is_published(&path)) =>
            {
                let line = Name::new("");
                named.push(Named {
                    path,
                    line,
                    is_data: false,
                    is_configuration,
                    is_private: true,
                });
                continue;
            }
            FileType::Regular if is_program => ("binary", false),
            FileType::Regular => ("file", !is_configuration),
            _ => continue,
        };
        if node == "tree" {
            trees.push(path.clone());
        }
        let line = line(node, &path, is_readable);
        named.push(Named { path, line, is_data, is_configuration, is_private: false });
    }
    named
}

/// Writes the line that adds something; of a file that not every reader of the source may read, so that he
/// may in the image.
pub(super) fn line(node: &str, path: &ImagePath, is_readable: bool) -> Name {
    let mode = if is_readable { "" } else { " mode=0o644" };
    Name::new(format!("{node} \"{path}\"{mode}"))
}

/// Tells whether a file holds a secret, such as the key of a machine. Who is no service names those to make
/// them, or to say where they are.
fn holds_secret(roots: &Roots, path: &ImagePath) -> bool {
    text(roots, &path.to_string()).is_some_and(|text| secret::find(&text).is_some())
}

/// Tells whether not every user may search the directory of a file: then it holds secrets, or is where
/// some are made.
pub(super) fn is_behind_closed(roots: &Roots, path: &ImagePath) -> bool {
    let above = path.parent().and_then(|path| roots.walk(path.as_bytes(), &ImagePath::root()).ok());
    above.is_some_and(|walk| walk.stat.mode & SEARCHABLE == 0)
}

/// Tells whether every user may read every file of a configuration, so that no secret is among them.
pub(super) fn is_public(roots: &Roots, directory: &ImagePath) -> bool {
    let mut pending = vec![directory.clone()];
    let mut count = 0;
    while let Some(path) = pending.pop() {
        count += 1;
        let Ok(walk) = roots.walk(path.as_bytes(), &ImagePath::root()) else { continue };
        if walk.stat.mode & READABLE == 0 || count > MAX_FILES {
            return false;
        }
        if walk.stat.file_type == FileType::Directory {
            pending.extend(names(roots, &path).iter().filter_map(|name| path.join(name).ok()));
        }
    }
    true
}

/// Tells whether a path is a directory of libraries of a machine (`/usr/lib/x86_64-linux-gnu`).
pub(super) fn is_triplet(path: &ImagePath) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.windows(7).any(|part| part == b"-linux-")
}

#[cfg(test)]
mod tests {
    use super::is_at;

    #[test]
    fn a_place_ends_where_its_name_does() {
        assert!(
            is_at("/etc/cron", b"/etc/cron.d/x") && is_at("/usr/share/perl", b"/usr/share/perl5")
        );
        assert!(is_at("/usr/share/doc", b"/usr/share/doc"));
        assert!(!is_at("/usr/share/doc", b"/usr/share/docutils/x"));
        assert!(!is_at("/usr/share/doc", b"/usr/share/do"));
    }
}
