//! What the ELF files of a closure say about themselves, as far as checks ask.
//!
//! The resolver reads this once for each file; nothing of it reaches a digest.

use std::collections::BTreeSet;

/// What one ELF file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ElfFacts {
    /// What kind of file it is.
    pub kind: ElfKind,
    /// `PT_INTERP` of a program that has a loader.
    pub interpreter: Option<Box<[u8]>>,
    /// `DT_SONAME`.
    pub soname: Option<Box<[u8]>>,
    /// `DT_NEEDED` in file order.
    pub needed: Vec<Box<[u8]>>,
    /// Names of the dynamic symbols that others must define, without versions. Weak ones are not
    /// among them: who refers to a symbol weakly does without it.
    pub imports: BTreeSet<Box<[u8]>>,
    /// The level of x86-64 that it asks for (`GNU_PROPERTY_X86_ISA_1_NEEDED`): 1 is the baseline,
    /// 0 stands for a file that does not say.
    pub x86_64_level: u8,
    /// Whether Go's linker made it (a note of owner `Go`).
    pub go: bool,
    /// Which of the well-known names stand in its constants.
    pub mentions: BTreeSet<Mention>,
}

/// What an ELF file is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ElfKind {
    /// Nothing starts it: a library, or something else that is no program.
    #[default]
    Library,
    /// A program that a loader loads.
    Dynamic,
    /// A program that the kernel starts alone. It has no imports: what it uses is in it, and only
    /// [`ElfFacts::mentions`] tells.
    Static,
}

/// A name that files carry which use what it stands for. A byte string in the constants of a file is
/// evidence and no proof: a C library holds most of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mention {
    /// `/etc/nsswitch.conf`: name services by configuration.
    NameServices,
    /// `dns [!UNAVAIL=return] files`: a C library that asks name servers before it looks into `/etc/hosts`,
    /// if no configuration says how.
    ServersFirst,
    /// `/etc/resolv.conf`: it asks name servers itself.
    ResolverConfiguration,
    /// `/etc/hosts`.
    Hosts,
    /// `/etc/services`.
    Services,
    /// `/etc/passwd`.
    Users,
    /// `/etc/group`.
    Groups,
    /// A directory or file of root certificates: `/etc/ssl/certs`, `/etc/ssl/cert.pem`,
    /// `/etc/pki/tls`, `/etc/pki/ca-trust`.
    Certificates,
    /// `/usr/share/zoneinfo`.
    TimeZones,
    /// `/usr/lib/locale`.
    Locales,
    /// `gconv-modules`: character sets that are loaded.
    CharacterSets,
    /// `TERMINFO` or `/usr/share/terminfo`.
    Terminals,
    /// `/tmp`, at the end of a text or before a slash; `TMPDIR` at the end of one.
    TemporaryFiles,
    /// `time.LoadLocation`: a Go program that looks zones up by name. Go's linker keeps the names of
    /// the functions that can be reached, and of no others (`runtime.pclntab`).
    LoadsTimeZones,
    /// `time/tzdata`: a Go program that has the zones in itself.
    OwnTimeZones,
    /// `os.CreateTemp`, `os.MkdirTemp`: a Go program that makes temporary files.
    MakesTemporaryFiles,
    /// `mime/multipart.(*Reader).readForm`: a Go program that serves forms, with which files come that are
    /// large. Whoever links Go's server of HTTP has it.
    ReadsFormsInGo,
    /// `net/http.(*Transport).roundTrip`, `net.DialTimeout` and the like: a Go program that connects to
    /// others by their names.
    ConnectsInGo,
    /// `net.Dial`: the same, if it is not there for the log of the machine.
    DialsInGo,
    /// `log/syslog.(*Writer).connect`: a Go program that logs to the machine, by `net.Dial`.
    LogsToMachineInGo,
    /// `os/exec.(*Cmd).Start`: a Go program that starts others.
    StartsProgramsInGo,
    /// `net.(*Resolver).lookupIPAddr`: a Go program that comes to resolve names. Go links the C library's
    /// resolver to every program with the package `net` in it.
    ResolvesInGo,
    /// `os/user.Lookup`, `os/user.LookupGroup`: a Go program that looks users up by their names.
    LooksUpUsersInGo,
    /// `os/user.LookupId`, `os/user.LookupGroupId`: by their numbers, to show them, or to find the home of
    /// its own.
    LooksUpIdsInGo,
    /// `GHCRTS`: a program of Haskell, whose runtime brings calls that few programs come to.
    Haskell,
    /// `OCAMLRUNPARAM`: a program of OCaml, whose libraries are linked whole.
    OCaml,
    /// `std/datetime/timezone.d`: a program of D, whose library is linked whole.
    D,
    /// The name of a character set of old, such as `ISO-8859-1`: a program that converts others than
    /// that of its surroundings.
    CharacterSetNames,
    /// `C.UTF-8`, `en_US.UTF-8`: a program that tries them by name, since it wants one.
    Utf8Locales,
    /// `HOME`, as a whole text: the home of the user, by the environment.
    Home,
    /// `crt1.o`: the file with which programs of C start, which compilers give to the linker.
    StartFiles,
    /// `RUST_BACKTRACE`: a program with the standard library of Rust in it.
    Rust,
}

impl Mention {
    /// The byte strings that are looked for, each with what it stands for.
    pub const TEXTS: &[(&[u8], Self)] = &[
        (b"/etc/nsswitch.conf", Self::NameServices),
        (b"dns [!UNAVAIL=return] files", Self::ServersFirst),
        (b"/etc/resolv.conf", Self::ResolverConfiguration),
        (b"/etc/hosts", Self::Hosts),
        (b"/etc/services", Self::Services),
        (b"/etc/passwd", Self::Users),
        (b"/etc/group", Self::Groups),
        (b"/etc/ssl/certs\0", Self::Certificates),
        (b"/etc/ssl/certs/ca-", Self::Certificates),
        (b"/etc/ssl/cert.pem", Self::Certificates),
        (b"/etc/pki/tls", Self::Certificates),
        (b"/etc/pki/ca-trust", Self::Certificates),
        (b"/usr/share/zoneinfo", Self::TimeZones),
        (b"/usr/lib/locale", Self::Locales),
        (b"gconv-modules", Self::CharacterSets),
        (b"TERMINFO", Self::Terminals),
        (b"/usr/share/terminfo", Self::Terminals),
        (b"/tmp/", Self::TemporaryFiles),
        (b"/tmp\0", Self::TemporaryFiles),
        // Compilers put short texts into the code; the variable stands where its name is given away.
        (b"TMPDIR\0", Self::TemporaryFiles),
        (b"time.LoadLocation\0", Self::LoadsTimeZones),
        (b"time/tzdata", Self::OwnTimeZones),
        (b"os.CreateTemp\0", Self::MakesTemporaryFiles),
        (b"os.MkdirTemp\0", Self::MakesTemporaryFiles),
        (b"mime/multipart.(*Reader).readForm\0", Self::ReadsFormsInGo),
        (b"net/http.(*Transport).roundTrip\0", Self::ConnectsInGo),
        (b"net.Dial\0", Self::DialsInGo),
        (b"log/syslog.(*Writer).connect\0", Self::LogsToMachineInGo),
        (b"net.DialTimeout\0", Self::ConnectsInGo),
        (b"crypto/tls.DialWithDialer\0", Self::ConnectsInGo),
        (b"os/exec.(*Cmd).Start\0", Self::StartsProgramsInGo),
        (b"ISO-8859-1", Self::CharacterSetNames),
        (b"iso-8859-1", Self::CharacterSetNames),
        (b"CP1252", Self::CharacterSetNames),
        (b"EUC-JP", Self::CharacterSetNames),
        (b"C.UTF-8\0", Self::Utf8Locales),
        (b"en_US.UTF-8\0", Self::Utf8Locales),
        (b"net.(*Resolver).lookupIPAddr\0", Self::ResolvesInGo),
        (b"os/user.Lookup\0", Self::LooksUpUsersInGo),
        (b"os/user.LookupId\0", Self::LooksUpIdsInGo),
        (b"os/user.LookupGroup\0", Self::LooksUpUsersInGo),
        (b"os/user.LookupGroupId\0", Self::LooksUpIdsInGo),
        (b"GHCRTS\0", Self::Haskell),
        (b"OCAMLRUNPARAM\0", Self::OCaml),
        (b"std/datetime/timezone.d", Self::D),
        (b"\0HOME\0", Self::Home),
        (b"crt1.o", Self::StartFiles),
        (b"RUST_BACKTRACE", Self::Rust),
    ];
}

impl Mention {
    /// Returns the text by which it is shown: the first that is looked for.
    #[must_use]
    pub fn text(self) -> &'static str {
        let found = Self::TEXTS.iter().find(|(_, mention)| *mention == self);
        found
            .and_then(|(text, _)| std::str::from_utf8(text).ok())
            .unwrap_or_default()
            .trim_matches('\0')
    }
}

impl ElfFacts {
    /// Tells whether it refers to one of these symbols, not weakly.
    #[must_use]
    pub fn imports_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.imports.contains(name.as_bytes()))
    }
}
