//! What a script's package brings for it, and what the packages do that this one depends on.
//!
//! What a program loads by names that it puts together, no reading finds. But a distribution says for
//! each package which others it takes to work, and Debian's policy (7.2) has no program run without
//! them. So of a script that a package owns, all data of that package counts; of the packages that it
//! depends on, those with modules of a language in which it is written; and of the programs of both,
//! those that it names ([`commands`](super::commands)).

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

use imgc_planner::recipe::ImagePath;

use super::Missing;
use super::code::Code;
use super::commands::can_start;
use super::language::{LANGUAGES, Language, is_below};
use crate::evidence::data::{is_data, is_public, is_shared};
use crate::evidence::scene::Scene;
use crate::host::FileType;
use crate::packages::Packages;
use crate::programs;
use crate::root::Step;

/// Packages that serve the installation of others: they are needed to install, not to run.
pub(in crate::evidence) const INSTALLERS: &[&str] = &[
    "adduser",
    "apt",
    "debconf",
    "debconf-2.0",
    "dpkg",
    "init-system-helpers",
    "install-info",
    "libc6",
    "systemd",
    "sysvinit-utils",
    "tex-common",
    "ucf",
];

/// What packages put into other programs' directories, and what only people, compilers, package
/// managers and editors read.
const FOREIGN: &[&str] = &[
    "/etc/apparmor.d",
    "/etc/cron.*",
    "/etc/dhcp",
    "/etc/emacs",
    "/etc/logcheck",
    "/etc/logrotate.d",
    "/etc/perl",
    "/etc/python3*",
    "/etc/ucf.conf",
    "/etc/xdg",
    "/usr/lib/*/cmake",
    "/usr/lib/*/pkgconfig",
    "/usr/lib/cmake",
    "/usr/lib/jvm/java-[0-9][0-9]-*",
    "/usr/lib/lsb",
    "/usr/lib/mime",
    "/usr/lib/modules-load.d",
    "/usr/lib/pkgconfig",
    "/usr/lib/python3.*",
    "/usr/lib/sysctl.d",
    "/usr/lib/sysusers.d",
    "/usr/share/aclocal",
    "/usr/share/appdata",
    "/usr/share/apport",
    "/usr/share/binfmts",
    "/usr/share/debhelper",
    "/usr/share/doc-base",
    "/usr/share/emacs",
    "/usr/share/fish",
    "/usr/share/gtk-doc",
    "/usr/share/initramfs-tools",
    "/usr/share/lintian",
    "/usr/share/menu",
    "/usr/share/metainfo",
    "/usr/share/mime",
    "/usr/share/perl",
    "/usr/share/polkit-1",
    "/usr/share/python3",
    "/usr/share/vim",
    "/usr/share/zsh",
    "/usr/share/zsh-*",
];

/// Packages for which there is a need: what they are, what they bring, the need.
const NEEDS: &[(&str, &str, &str)] = &[
    ("ca-certificates", "/etc/ssl/certs/ca-certificates.crt", "tls"),
    ("tzdata", "/usr/share/zoneinfo", "timezones"),
];

/// Where packages have directories for what changes.
const STATE: &[&str] = &["/var/lib/", "/var/cache/", "/var/log/", "/var/spool/"];

/// How a module comes to a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Its packages need it: [`Brought::add_data`] adds it.
    Needed,
    /// They usually have it, or it is from no package: it counts if it is named.
    Usual,
    /// It is there for others, and its package is for all architectures: it counts if somebody cannot do
    /// without it.
    Light,
    /// It is there for others. Whoever names it does without if it is not there.
    None,
}

/// What packages say of one script.
pub(super) struct Brought<'p> {
    pub(super) packages: &'p Packages<'p>,
    /// The name of the script.
    pub(super) script: String,
    /// Those of the same source that it depends on, and itself.
    pub(super) own: BTreeSet<&'p str>,
    /// All that it depends on, and itself.
    pub(super) closure: BTreeSet<&'p str>,
    /// What its own recommend, with what that depends on, where it is not among the above.
    recommended: BTreeSet<&'p str>,
    /// Those with modules of its languages.
    pub(super) modules: BTreeSet<&'p str>,
    languages: Vec<&'static Language>,
    /// Those with modules that the script loads whatever its own say, and all that they depend on.
    adopted: RefCell<BTreeSet<&'p str>>,
}

impl<'p> Brought<'p> {
    /// Finds the packages of a script; nothing if none owns it. `real` is its path in the source.
    pub(super) fn find(packages: &'p Packages<'p>, real: &ImagePath) -> Option<Self> {
        let package = packages.owner(real.as_bytes())?;
        let source = packages.source(package);
        let installers = INSTALLERS.iter().filter(|name| packages.source(name) != source);
        let installers: Vec<&str> = installers.copied().collect();
        let closure = packages.closure(package, &installers);
        let is_own = |name: &&&str| packages.source(name) == source && !packages.is_library(name);
        let mut own: BTreeSet<&str> = closure.iter().filter(is_own).copied().collect();
        own.insert(package);
        let usual = own.iter().flat_map(|own| packages.recommends(own));
        let mut recommended: BTreeSet<&str> =
            usual.flat_map(|name| packages.closure(name, &installers)).collect();
        recommended.retain(|name| !closure.contains(name));
        let (modules, languages) = (BTreeSet::new(), Vec::new());
        let adopted = RefCell::default();
        let script = String::from_utf8_lossy(real.file_name().unwrap_or_default()).into_owned();
        Some(Self { packages, script, own, closure, recommended, modules, languages, adopted })
    }

    /// Tells by which relation of packages a module of the sources comes to the script.
    pub(super) fn relation(&self, scene: &Scene<'_>, module: &str) -> Relation {
        let walk = scene.surroundings.roots.walk(module.as_bytes(), &ImagePath::root());
        let Ok(walk) = walk else { return Relation::None };
        let real = walk.real.as_bytes();
        if self.packages.is_of(real, &self.closure) {
            Relation::Needed
        } else if self.packages.is_of(real, &self.recommended)
            || self.packages.is_of(real, &self.adopted.borrow())
            || !self.packages.is_owned(real)
        {
            Relation::Usual
        } else if self.packages.owner(real).is_some_and(|owner| !self.packages.is_compiled(owner)) {
            Relation::Light
        } else {
            Relation::None
        }
    }

    /// Takes a module that the script loads whatever its packages say: what the package of that depends on
    /// comes with it.
    pub(super) fn adopt(&self, scene: &Scene<'_>, module: &str) {
        let walk = scene.surroundings.roots.walk(module.as_bytes(), &ImagePath::root());
        let owner = walk.ok().and_then(|walk| self.packages.owner(walk.real.as_bytes()));
        if let Some(owner) = owner {
            self.adopted.borrow_mut().extend(self.packages.closure(owner, INSTALLERS));
        }
    }

    /// Takes the languages that run the script, or that it starts, if its packages have modules of
    /// them.
    pub(super) fn learn_languages(&mut self, interpreter: &str, script: &Code) {
        for language in LANGUAGES {
            if language.is_run_by(interpreter) || script.starts(language.launchers) {
                let has =
                    |name: &&&str| self.packages.paths(name).iter().any(|path| language.has(path));
                let mut modules: Vec<&str> = self.closure.iter().filter(has).copied().collect();
                for package in self.recommended.iter().filter(has) {
                    if self.packages.paths(package).iter().any(|path| script.asks_for(path)) {
                        let closure = self.packages.closure(package, INSTALLERS);
                        modules.extend(closure.iter().filter(has));
                    }
                }
                if !modules.is_empty() {
                    self.modules.extend(modules);
                    self.languages.push(language);
                }
            }
        }
    }

    /// Returns what its own packages list.
    pub(super) fn files(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        self.own.iter().flat_map(|own| self.packages.paths(own))
    }

    /// Tells whether its packages have modules of a language.
    pub(super) fn has_languages(&self) -> bool {
        !self.languages.is_empty()
    }

    /// Adds the data of the script's packages and the modules of its languages.
    pub(super) fn add_data(&self, scene: &Scene<'_>, script: &Code, missing: &mut Missing) {
        let parts = self.parts_of_modules();
        let all: BTreeSet<&str> = self.own.union(&parts).copied().collect();
        let is_module = |path: &[u8]| self.languages.iter().any(|language| language.has(path));
        let listed: BTreeSet<_> = all.iter().flat_map(|name| self.packages.paths(name)).collect();
        let mut trees: BTreeSet<Vec<u8>> = BTreeSet::new();
        for package in &all {
            let is_language = parts.contains(package);
            for path in self.packages.paths(package) {
                let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
                if above.clone().any(|(at, _)| trees.contains(&path[..at])) {
                    continue;
                }
                let is_wanted =
                    is_module(&path) || is_own_data(&path) && (is_language || script.uses(&path));
                if !is_wanted || is_foreign(&path) {
                    continue;
                }
                match self.packages.is_directory_of(&path, &all) {
                    Some(true) => {
                        trees.insert(path.to_vec());
                        let start = [&path, &b"/"[..]].concat();
                        let mut below = listed
                            .range(Cow::Borrowed(&start[..])..)
                            .take_while(|path| path.starts_with(&start));
                        if below.any(|path| is_absent(scene, path)) {
                            add(scene, &path, missing);
                        }
                    }
                    // What is below it comes by itself.
                    Some(false) => {}
                    None if is_absent(scene, &path) => add(scene, &path, missing),
                    None => {}
                }
            }
        }
        for path in self.languages.iter().flat_map(|language| language.made) {
            if !scene.image_has(path) {
                add(scene, path.as_bytes(), missing);
            }
        }
        self.add_needs(scene, &all, missing);
    }

    /// Returns the packages with modules, and what they depend on that is nothing but data, or was cut
    /// from the same source: python3-pyphen reads hyphen-en-us, python3-rpm reads rpm-common.
    fn parts_of_modules(&self) -> BTreeSet<&'p str> {
        let is_plain = |name: &str| {
            let mut paths = self.packages.paths(name).into_iter();
            let has_part = |path: &[u8]| {
                programs::behind(path).is_some() || LANGUAGES.iter().any(|one| one.has(path))
            };
            !self.packages.is_compiled(name) && !paths.any(|path| has_part(&path))
        };
        let mut parts = self.modules.clone();
        let data = |package: &'p str| {
            let source = self.packages.source(package);
            self.packages.depends(package).into_iter().filter(move |name| {
                !INSTALLERS.contains(name)
                    && !self.packages.is_library(name)
                    && (self.packages.source(name) == source || is_plain(name))
            })
        };
        for module in &self.modules {
            parts.extend(data(module));
            let depends = self.packages.depends(module).into_iter();
            let libraries = depends.filter(|name| self.packages.is_library(name));
            // Of what a library depends on, only what was cut from it is surely its own.
            parts.extend(libraries.flat_map(|library| {
                let source = self.packages.source(library);
                data(library).filter(move |name| self.packages.source(name) == source)
            }));
        }
        parts
    }

    /// Adds what has a need of its own, if these packages depend on it.
    fn add_needs(&self, scene: &Scene<'_>, all: &BTreeSet<&str>, missing: &mut Missing) {
        for (package, path, need) in NEEDS {
            let depends = || all.iter().any(|one| self.packages.depends(one).contains(package));
            if !scene.image_has(path) && scene.source_has(path).is_some() && depends() {
                missing.names.insert((*path).to_owned());
                missing.lines.insert(format!("needs {need}"));
            }
        }
    }

    /// Adds directories in which the script's packages keep what changes, where it names them.
    pub(super) fn add_state(&self, scene: &Scene<'_>, script: &Code, missing: &mut Missing) {
        for path in self.own.iter().flat_map(|own| self.packages.paths(own)) {
            let Ok(path) = std::str::from_utf8(&path) else { continue };
            let Some((_, name)) = STATE.iter().find_map(|state| path.split_once(state)) else {
                continue;
            };
            if !name.contains('/')
                && path.starts_with("/var/")
                && (script.names_path(path) || script.names_word(name))
                && !scene.image_has(path)
                && scene.source_has(path) == Some(FileType::Directory)
            {
                missing.names.insert(path.to_owned());
                // Written to by whom the image runs as, which is this user if nothing else is said.
                missing.lines.insert(format!("directory \"{path}\" owner=65532"));
            }
        }
    }
}

/// Tells whether a path is data of a package of its own: neither a library of all programs, nor what
/// others read.
pub(super) fn is_own_data(path: &[u8]) -> bool {
    is_data(path) && !is_shared(path) && !is_foreign(path)
}

fn is_foreign(path: &[u8]) -> bool {
    let within = [path, b"/"].concat();
    FOREIGN.iter().any(|pattern| is_below(pattern.as_bytes(), &within))
}

/// Tells whether the sources have something at a path, and the image has nothing, though the recipe
/// does not leave it out.
fn is_absent(scene: &Scene<'_>, path: &[u8]) -> bool {
    let text = std::str::from_utf8(path);
    let is_placed = || ImagePath::parse(path).is_ok_and(|path| scene.is_placed(&path));
    text.is_ok_and(|text| !scene.image_has(text) && scene.source_has(text).is_some())
        && !is_placed()
}

/// Adds what stands at a path in the sources.
fn add(scene: &Scene<'_>, path: &[u8], missing: &mut Missing) {
    let Ok(text) = std::str::from_utf8(path) else { return };
    if text.contains(['"', '\\']) {
        return;
    }
    let Ok(walk) = scene.surroundings.roots.walk(path, &ImagePath::root()) else { return };
    let is_readable = walk.stat.mode & 0o004 != 0;
    let link = walk.trail.iter().find_map(|step| match step {
        Step::Link { at, target } => (at.as_bytes() == path).then_some(target),
        Step::Directory(_) => None,
    });
    if let (FileType::Directory, Some(target)) = (walk.stat.file_type, link) {
        // The directory itself is another path, and may be wanted or not.
        if let Ok(target) = std::str::from_utf8(target) {
            let name = text.rsplit('/').next().unwrap_or(text).to_owned();
            let line = format!("symlink \"{text}\" to=\"{target}\"");
            missing.links.push((name, line, walk.real.clone()));
        }
        return;
    }
    let node = match walk.stat.file_type {
        FileType::Directory
            if path.starts_with(b"/etc/") && !is_public(scene.surroundings.roots, &walk.real) =>
        {
            return;
        }
        FileType::Directory => "tree",
        FileType::Regular if !is_readable => return,
        // What has no first line for the kernel is read by a shell, whatever its mode says.
        FileType::Regular
            if walk.stat.mode & 0o111 != 0 && !text.contains(".so") && can_start(scene, text) =>
        {
            "binary"
        }
        FileType::Regular => "file",
        FileType::Symlink | FileType::Special => return,
    };
    missing.names.insert(text.rsplit('/').next().unwrap_or(text).to_owned());
    missing.lines.insert(format!("{node} \"{text}\""));
}
