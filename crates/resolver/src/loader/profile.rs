//! What a loader is, read from its own file.
//!
//! The built-in directories differ per distribution, and no header tells them; they stand as plain
//! strings in the file. Nothing else is reliable: Debian's 64-bit loader does not search `/lib64`,
//! Fedora's does, Nix's searches one directory of its store.

use super::constants::Constants;
use super::elf::{Class, Elf, Machine};

/// Most bytes of a loader's file that are read. glibc's and musl's have 200 KiB to 2 MiB.
pub(super) const MAX_LOADER_BYTES: u64 = 16 << 20;

/// A loader: which rules it follows, and where it searches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Whose rules it follows.
    pub family: Family,
    /// The processor.
    pub machine: Machine,
    /// Width of addresses.
    pub class: Class,
    /// Whether numbers are big-endian.
    pub big_endian: bool,
    /// `e_flags`, for the float ABI.
    pub flags: u32,
    /// Whether something was not in the file and the usual value was taken.
    pub defaults_used: bool,
}

/// glibc or musl, with what each of them keeps in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Family {
    /// The GNU C library.
    Glibc(Glibc),
    /// musl.
    Musl(Musl),
}

/// What glibc's loader keeps in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glibc {
    /// Its version, as `(2, 36)`.
    pub version: (u16, u16),
    /// Whether it is Debian's, or made from that, which has patches of its own.
    pub debian: bool,
    /// Built-in directories, each with a slash at the end, in order.
    pub directories: Vec<Box<[u8]>>,
    /// Value of `$LIB`.
    pub lib: Box<[u8]>,
    /// Path of `ld.so.cache`.
    pub cache: Box<[u8]>,
    /// Names of capability directories below `glibc-hwcaps`, best first.
    pub capabilities: Vec<Box<[u8]>>,
}

/// What musl's loader keeps in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Musl {
    /// Its name of the architecture, as in `ld-musl-x86_64.path`.
    pub architecture: Box<[u8]>,
    /// Built-in directories, a list with colons.
    pub path: Box<[u8]>,
}

/// The usual directories of 64-bit glibc, where a file does not tell: Debian's order without the
/// multiarch ones (glibc `Makeconfig`, `slibdir` and `libdir`).
const USUAL_64: [&[u8]; 2] = [b"/lib64/", b"/usr/lib64/"];
const USUAL_32: [&[u8]; 2] = [b"/lib/", b"/usr/lib/"];

/// The version that is assumed where a file does not tell: the oldest whose rules hold until today.
const USUAL_VERSION: (u16, u16) = (2, 39);

impl Profile {
    /// Reads a loader's whole file. Nothing if it is neither glibc's nor musl's.
    #[must_use]
    pub fn read(bytes: &[u8], elf: &Elf) -> Option<Self> {
        let constants = Constants(bytes);
        let (family, defaults_used) = if let Some(architecture) = musl_architecture(constants) {
            let mut texts = constants.places(b":/").filter_map(|at| constants.text_around(at));
            let path = texts.find_map(|(_, text)| is_musl_path(text).then_some(text));
            let family = Family::Musl(Musl {
                architecture,
                path: path.unwrap_or(b"/lib:/usr/local/lib:/usr/lib").into(),
            });
            (family, path.is_none())
        } else {
            glibc(constants, elf)?
        };
        Some(Self {
            family,
            machine: elf.machine,
            class: elf.layout.class,
            big_endian: elf.layout.big_endian,
            flags: elf.flags,
            defaults_used,
        })
    }
}

fn glibc(constants: Constants<'_>, elf: &Elf) -> Option<(Family, bool)> {
    let cache = constants.places(b"/ld.so.cache\0").find_map(|at| {
        let (_, text) = constants.text_around(at)?;
        text.starts_with(b"/").then_some(text)
    })?;
    let release = constants.places(b" version ").find_map(|at| {
        let text = constants.text_around(at)?.1;
        Some((find_version(text)?, is_debian(text)))
    });
    let version = release.map(|(version, _)| version);
    let mut directories = longest_run(constants);
    let known = !directories.is_empty() && version.is_some();
    if directories.is_empty() {
        directories = match elf.layout.class {
            Class::Elf64 => USUAL_64.into(),
            Class::Elf32 => USUAL_32.into(),
        };
    }
    let family = Family::Glibc(Glibc {
        version: version.unwrap_or(USUAL_VERSION),
        debian: release.is_some_and(|(_, debian)| debian),
        lib: find_lib(constants, &directories),
        directories: directories.into_iter().map(Into::into).collect(),
        cache: cache.into(),
        capabilities: find_capabilities(constants, elf.machine),
    });
    Some((family, !known))
}

/// Returns the longest run of directories of libraries with nothing but one NUL between them: the
/// built-in ones.
fn longest_run(constants: Constants<'_>) -> Vec<&[u8]> {
    let mut longest: Vec<&[u8]> = Vec::new();
    let mut run: Vec<&[u8]> = Vec::new();
    let mut end_of_run = 0;
    for at in constants.places(b"/\0") {
        let Some((start, text)) = constants.text_around(at) else { continue };
        let is_directory = text.len() > 1 && text.starts_with(b"/") && contains(text, b"lib");
        if !is_directory || !is_path(text) {
            continue;
        }
        if end_of_run + 1 != start {
            run.clear();
        }
        run.push(text);
        end_of_run = start + text.len();
        if run.len() > longest.len() {
            longest.clone_from(&run);
        }
    }
    longest
}

/// Returns the names of capability directories, best first.
fn find_capabilities(constants: Constants<'_>, machine: Machine) -> Vec<Box<[u8]>> {
    let known: &[u8] = match machine {
        Machine::X86_64 => b"x86-64-v2",
        Machine::PPC64 => b"power9",
        Machine::S390 => b"z13",
        _ => return Vec::new(),
    };
    let list = constants.places(known).find_map(|at| {
        let (_, text) = constants.text_around(at)?;
        is_capability_list(text).then_some(text)
    });
    let names = list.unwrap_or_default().split(|byte| *byte == b':');
    names.filter(|name| !name.is_empty()).map(Into::into).collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn is_path(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_graphic())
}

fn musl_architecture(constants: Constants<'_>) -> Option<Box<[u8]>> {
    const START: &[u8] = b"/etc/ld-musl-";
    // The text is a format: `%.*s/etc/ld-musl-x86_64.path`.
    let at = constants.places(START).next()?;
    let (start, text) = constants.text_around(at)?;
    let rest = text.get(at - start + START.len()..)?;
    let end = rest.windows(5).position(|window| window == b".path")?;
    Some(rest[..end].into())
}

/// Tells the library path from `execvp`'s `/usr/local/bin:/bin:/usr/bin`.
fn is_musl_path(text: &[u8]) -> bool {
    is_path(text)
        && text.contains(&b':')
        && text
            .split(|byte| *byte == b':')
            .all(|element| element.starts_with(b"/") && contains(element, b"lib"))
}

/// Finds the number in `stable release version 2.36` (glibc `csu/version.c`).
fn find_version(text: &[u8]) -> Option<(u16, u16)> {
    const BEFORE: &[u8] = b"release version ";
    if !text.starts_with(b"GNU C Library") && !text.starts_with(b"ld.so (") {
        return None;
    }
    let at = text.windows(BEFORE.len()).position(|window| window == BEFORE)?;
    let mut numbers = text[at + BEFORE.len()..].split(|byte| !byte.is_ascii_digit());
    let mut number = || str::from_utf8(numbers.next()?).ok()?.parse().ok();
    Some((number()?, number()?))
}

/// Tells whether the version is that of Debian or of Ubuntu, which takes Debian's patches
/// (`--with-pkgversion` in `debian/rules.d/build.mk`).
fn is_debian(text: &[u8]) -> bool {
    contains(text, b"(Debian ") || contains(text, b"(Ubuntu ")
}

/// Tells a list of capability directories, by the names of those that exist (glibc
/// `sysdeps/*/dl-hwcaps-subdirs.c`).
fn is_capability_list(text: &[u8]) -> bool {
    const KNOWN: [&[u8]; 8] =
        [b"x86-64-v2", b"x86-64-v3", b"x86-64-v4", b"z13", b"z14", b"power9", b"power10", b"z15"];
    let mut count = 0;
    text.len() < 256
        && text.contains(&b':')
        && text.split(|byte| *byte == b':').all(|name| {
            count += usize::from(KNOWN.contains(&name));
            name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        })
        && count > 0
}

/// Returns `$LIB`: the first built-in directory that also stands without its slashes.
fn find_lib(constants: Constants<'_>, directories: &[&[u8]]) -> Box<[u8]> {
    let bare = |directory: &&'_ [u8]| -> Box<[u8]> {
        let bare = directory.strip_prefix(b"/").unwrap_or(directory);
        bare.strip_suffix(b"/").unwrap_or(bare).into()
    };
    directories
        .iter()
        .map(bare)
        .find(|bare| bare.starts_with(b"lib") && constants.has(bare))
        .unwrap_or_else(|| (*b"lib").into())
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::host::{Host, HostPath};
    use crate::memory::Memory;

    fn read(bytes: &[u8]) -> Option<Profile> {
        let memory = Memory::new().file("/ld", bytes);
        let path = HostPath::new(b"/ld");
        let file = memory.open(&path).unwrap();
        let elf = Elf::read(&*file, bytes.len() as u64, None).unwrap();
        Profile::read(bytes, &elf)
    }

    #[test]
    fn a_loader_of_glibc_tells_all_about_itself() {
        let profile = read(&fixture::glibc("2.36", &fixture::library())).unwrap();
        let Family::Glibc(glibc) = profile.family else { panic!("not glibc") };
        assert_eq!(glibc.version, (2, 36));
        assert_eq!(*glibc.cache, *b"/etc/ld.so.cache");
        assert_eq!(*glibc.lib, *b"lib/x86_64-linux-gnu");
        let directories = glibc.directories.join(&b' ');
        assert_eq!(
            String::from_utf8(directories).unwrap(),
            "/lib/x86_64-linux-gnu/ /usr/lib/x86_64-linux-gnu/ /lib/ /usr/lib/"
        );
        assert_eq!(glibc.capabilities.len(), 3);
        assert!(!profile.defaults_used);
    }

    #[test]
    fn a_loader_of_musl_is_told_by_its_path_file() {
        let profile = read(&fixture::musl()).unwrap();
        let Family::Musl(musl) = profile.family else { panic!("not musl") };
        assert_eq!(*musl.architecture, *b"x86_64");
        assert_eq!(*musl.path, *b"/lib:/usr/local/lib:/usr/lib");
    }

    #[test]
    fn a_loader_without_strings_is_unknown_and_a_short_one_gets_defaults() {
        assert_eq!(read(&fixture::library().bytes()), None);
        let mut bytes = fixture::library().bytes();
        bytes.extend(b"\0/etc/ld.so.cache\0");
        assert!(read(&bytes).unwrap().defaults_used);
    }
}
