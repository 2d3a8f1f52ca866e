//! What a check has to say.
//!
//! One table of findings: long, since there is one entry for each thing that a user can repair.

use std::collections::BTreeSet;

use imgc_parser::{Id, ImagePath, Mode, Platform, Printable};
use miette::{Diagnostic, Severity};
use thiserror::Error;

use crate::check::certificates::shown;
use crate::check::program::Evidence;
use crate::check::story::{first, others};
use crate::check::want::Want;
use crate::digest::NodeId;
use crate::node::{NodeKind, Symlink};
use crate::origin::{Place, Setting};
use crate::plan::Plan;

/// Something that keeps the image from running, or may do so.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum Finding {
    /// The program that the image runs is not in it.
    #[error(
        "entrypoint `{}` is not in the image: nothing stands at `{missing}`",
        Printable::new(program)
    )]
    #[diagnostic(
        code(imgc::check::entrypoint_missing),
        help(
            "add it with `binary \"{}\"`, or name a program that the image has",
            Printable::new(program)
        )
    )]
    EntrypointMissing {
        /// The program as the recipe names it.
        program: String,
        /// Where the walk to it ended.
        missing: ImagePath,
    },
    /// The program is a bare name that no directory of `PATH` has.
    #[error(
        "entrypoint `{}` is in no directory of `PATH` ({})",
        Printable::new(program),
        Printable::new(path)
    )]
    #[diagnostic(
        code(imgc::check::entrypoint_not_in_path),
        help("write the whole path of the program in the image")
    )]
    EntrypointNotInPath {
        /// The program as the recipe names it.
        program: String,
        /// The image's `PATH`.
        path: String,
    },
    /// The first argument looks like a whole command line.
    #[error(
        "entrypoint `{}` is one string with spaces, and no such file is in the image",
        Printable::new(program)
    )]
    #[diagnostic(
        code(imgc::check::entrypoint_is_a_line),
        help("write each argument as a string of its own: `entrypoint {}`", split(program))
    )]
    EntrypointIsALine {
        /// The string.
        program: String,
    },
    /// The program is a directory.
    #[error("entrypoint `{path}` is a directory")]
    #[diagnostic(code(imgc::check::entrypoint_is_a_directory), help("name the program in it"))]
    EntrypointIsADirectory {
        /// Where it stands.
        path: ImagePath,
    },
    /// The image's user may not execute the program.
    #[error("entrypoint `{path}` has mode `{mode}` and may not be executed by user {uid}:{gid}")]
    #[diagnostic(
        code(imgc::check::entrypoint_not_executable),
        help("add `mode=0o755` to the node that puts it there")
    )]
    EntrypointNotExecutable {
        /// Where it stands.
        path: ImagePath,
        /// Its mode.
        mode: Mode,
        /// The image's user.
        uid: Id,
        /// The image's group.
        gid: Id,
    },
    /// `entrypoint shell="…"` without a shell.
    #[error("the shell form of `entrypoint` needs `/bin/sh`, which is not in the image")]
    #[diagnostic(
        code(imgc::check::shell_missing),
        help(
            "write the program and its arguments as strings of their own; or add a shell, `binary \"/bin/sh\"`"
        )
    )]
    ShellMissing,
    /// Nothing says what runs.
    #[error("nothing says what the image runs")]
    #[diagnostic(
        code(imgc::check::nothing_to_run),
        severity(Warning),
        help(
            "name the program: `entrypoint \"/usr/bin/…\"`; or accept it: `allow nothing_to_run \"data only\"`"
        )
    )]
    NothingToRun,
    /// A link points at nothing.
    #[error("link `{path}` points at `{}`, which is not in the image", Printable::new(target))]
    #[diagnostic(
        code(imgc::check::dangling_link),
        help("add what it points at, or leave the link out (`exclude` in its `tree`)")
    )]
    DanglingLink {
        /// Where the link stands.
        path: ImagePath,
        /// Its target as it is written.
        target: Vec<u8>,
    },
    /// A file needs instructions that the platform does not promise.
    #[error(
        "`{path}` needs the instructions of x86-64-v{level}, and the image is for `{platform}`"
    )]
    #[diagnostic(
        code(imgc::check::level_too_high),
        help(
            "say so, `platform \"linux/amd64/v{level}\"`; or take a file that was built for `{platform}`"
        )
    )]
    LevelTooHigh {
        /// Where it stands.
        path: ImagePath,
        /// What asks for it.
        node: NodeId,
        /// The level, from 2 on.
        level: u8,
        /// The image's platform.
        platform: Platform,
    },
    /// Names are resolved without a configuration of how.
    #[error(
        "{} resolves names{}, and the image has no `/etc/nsswitch.conf`",
        first(by),
        others(by)
    )]
    #[diagnostic(
        code(imgc::check::no_nsswitch),
        severity(Warning),
        help("add `{}`: without it the C library has an order of its own, and older ones ask name servers before `/etc/hosts`", Want::NameServices.line())
    )]
    NoNameServices {
        /// Who does.
        by: Vec<Evidence>,
    },
    /// Certificates are verified, and none is trusted.
    #[error(
        "{} verifies certificates{}, and the image has no trusted ones where it looks",
        first(by),
        others(by)
    )]
    #[diagnostic(
        code(imgc::check::no_certificates),
        severity(Warning),
        help("add `{}`: without it every TLS server is refused", Want::Certificates.line())
    )]
    NoCertificates {
        /// Who does.
        by: Vec<Evidence>,
    },
    /// A variable names certificates that are not there.
    #[error("`{variable}` names `{}`, which is not in the image", shown(path))]
    #[diagnostic(
        code(imgc::check::no_certificate_file),
        severity(Warning),
        help("add it, or leave the variable out and add `{}`", Want::Certificates.line())
    )]
    NoCertificateFile {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: String,
    },
    /// Zones are looked up, and none is there.
    #[error("{} reads time zones{}, and the image has none", first(by), others(by))]
    #[diagnostic(
        code(imgc::check::no_time_zones),
        severity(Warning),
        help("add `{}`, or one zone: `needs timezones=\"Europe/Prague\"`", Want::TimeZones.line())
    )]
    NoTimeZones {
        /// Who does.
        by: Vec<Evidence>,
    },
    /// `TZ` names a zone that is not there.
    #[error("`TZ` names the time zone `{}`, which is not in the image", shown(zone))]
    #[diagnostic(
        code(imgc::check::no_time_zone),
        severity(Warning),
        help("add `needs timezones=\"{}\"`: without it times are those of UTC", shown(zone))
    )]
    NoTimeZone {
        /// The zone.
        zone: String,
    },
    /// The environment names a locale that is not there.
    #[error(
        "`{variable}` names the locale `{}`, which {} sets and the image has not",
        shown(locale),
        first(by)
    )]
    #[diagnostic(
        code(imgc::check::no_locale),
        severity(Warning),
        help("add `needs locale=\"{}\"`: without it the program knows ASCII alone", shown(locale))
    )]
    NoLocale {
        /// The variable.
        variable: &'static str,
        /// Its value.
        locale: String,
        /// Who sets it.
        by: Vec<Evidence>,
    },
    /// A locale of UTF-8 is wanted, and the environment names none.
    #[error("{} wants a locale of UTF-8{}, and the image names none", first(by), others(by))]
    #[diagnostic(
        code(imgc::check::no_utf8_locale),
        severity(Warning),
        help("add `env LANG=\"C.UTF-8\"` and `needs locale=\"C.UTF-8\"`")
    )]
    NoUtf8Locale {
        /// Who does.
        by: Vec<Evidence>,
    },
    /// A terminal is driven, and nothing says what it can do.
    #[error(
        "{} drives terminals{}, and the image has no description of any",
        first(by),
        others(by)
    )]
    #[diagnostic(
        code(imgc::check::no_terminfo),
        severity(Warning),
        help("add `{}`: without it no terminal is known", Want::Terminals.line())
    )]
    NoTerminals {
        /// Who does.
        by: Vec<Evidence>,
    },
    /// Users are looked up, and none is there.
    #[error(
        "{} looks users or groups up{}, and the image has no `/etc/passwd` with `/etc/group`",
        first(by),
        others(by)
    )]
    #[diagnostic(
        code(imgc::check::no_users),
        severity(Warning),
        help("add `{}`, or a user of the image's own: `user app uid=10001`", Want::Users.line())
    )]
    NoUsers {
        /// Who does.
        by: Vec<Evidence>,
    },
    /// Temporary files are made, and there is no place for them.
    #[error("{} makes temporary files{}, and the image has no `/tmp`", first(by), others(by))]
    #[diagnostic(
        code(imgc::check::no_tmp),
        severity(Warning),
        help("add `{}`", Want::TemporaryFiles.line())
    )]
    NoTemporaryDirectory {
        /// Who does.
        by: Vec<Evidence>,
    },
    /// Directories are made below the home of the user, who has none.
    #[error(
        "{} keeps files below `HOME`{}, and the image's user has no home",
        first(by),
        others(by)
    )]
    #[diagnostic(
        code(imgc::check::no_home),
        severity(Advice),
        help("add `{}` and `{}`", HOME[0], HOME[1])
    )]
    NoHome {
        /// Who does.
        by: Vec<Evidence>,
    },
    /// A program may come to use something that is not there.
    #[error("{} may {}{}, and the image has no {want}", first(by), want.use_of_it(), others(by))]
    #[diagnostic(
        code(imgc::check::may_need),
        severity(Advice),
        help("add `{}` if it does", want.line())
    )]
    MayNeed {
        /// What.
        want: Want,
        /// Who.
        by: Vec<Evidence>,
    },
    /// The program has all rights.
    #[error("the image runs as root")]
    #[diagnostic(
        code(imgc::check::runs_as_root),
        severity(Warning),
        help("run it as another user, `user 65532`; or say why not: `allow runs_as_root \"…\"`")
    )]
    RunsAsRoot {
        /// Whether the recipe says so by name.
        named: bool,
    },
    /// A program that runs with the rights of its owner.
    #[error("`{path}` has mode `{mode}`: who starts it gets the rights of user or group {uid}")]
    #[diagnostic(
        code(imgc::check::set_id),
        severity(Warning),
        help("give it a mode without the bits 0o6000; or say why not: `allow set_id \"…\"`")
    )]
    SetId {
        /// Where it stands.
        path: ImagePath,
        /// What asks for it.
        node: NodeId,
        /// Its mode.
        mode: Mode,
        /// Its owner.
        uid: Id,
    },
    /// Everybody may change it.
    #[error("`{path}` has mode `{mode}`: every user may write it")]
    #[diagnostic(
        code(imgc::check::writable_by_all),
        severity(Warning),
        help(
            "give it an owner, `owner=app`, and a mode without the bit 0o002; a directory for all takes the bit 0o1000 too"
        )
    )]
    WritableByAll {
        /// Where it stands.
        path: ImagePath,
        /// What asks for it.
        node: NodeId,
        /// Its mode.
        mode: Mode,
    },
    /// The user may not write where the program works.
    #[error("{what} `{path}` has mode `{mode}`, and user {uid}:{gid} may not write there")]
    #[diagnostic(
        code(imgc::check::not_writable),
        severity(Warning),
        help(
            "add `owner={uid}` to the node that makes it, or leave that node out: it is made then, and the user's"
        )
    )]
    NotWritable {
        /// `volume` or `working directory`.
        what: &'static str,
        /// Where it stands.
        path: ImagePath,
        /// What says that the program works there.
        setting: Setting,
        /// Its mode.
        mode: Mode,
        /// The image's user.
        uid: Id,
        /// The image's group.
        gid: Id,
    },
    /// The user may not read what the recipe put there.
    #[error(
        "user {uid}:{gid} may not read `{path}`{}",
        if *more == 0 { String::new() } else { format!(" and {more} more files from the same place") }
    )]
    #[diagnostic(
        code(imgc::check::not_readable),
        severity(Warning),
        help("give it a mode that lets the user read it, or add `owner={uid}`")
    )]
    NotReadable {
        /// The first of the files.
        path: ImagePath,
        /// What asks for it.
        node: NodeId,
        /// How many more there are from that node.
        more: usize,
        /// The image's user.
        uid: Id,
        /// The image's group.
        gid: Id,
    },
}

/// The lines that give the image's user a home, and the mode of its own that homes have.
const HOME: [&str; 2] =
    ["directory \"/home/nonroot\" owner=65532 mode=0o700", "env HOME=\"/home/nonroot\""];

/// Every code of [`Finding`].
pub const CODES: &[&str] = &[
    "imgc::check::entrypoint_missing",
    "imgc::check::entrypoint_not_in_path",
    "imgc::check::entrypoint_is_a_line",
    "imgc::check::entrypoint_is_a_directory",
    "imgc::check::entrypoint_not_executable",
    "imgc::check::shell_missing",
    "imgc::check::nothing_to_run",
    "imgc::check::dangling_link",
    "imgc::check::level_too_high",
    "imgc::check::no_nsswitch",
    "imgc::check::no_certificates",
    "imgc::check::no_certificate_file",
    "imgc::check::no_time_zones",
    "imgc::check::no_time_zone",
    "imgc::check::no_locale",
    "imgc::check::no_terminfo",
    "imgc::check::no_users",
    "imgc::check::no_tmp",
    "imgc::check::may_need",
    "imgc::check::runs_as_root",
    "imgc::check::set_id",
    "imgc::check::writable_by_all",
    "imgc::check::not_writable",
    "imgc::check::not_readable",
    "imgc::check::no_utf8_locale",
    "imgc::check::no_home",
];

impl Finding {
    /// Tells whether the image must not be written.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity().is_none_or(|severity| severity == Severity::Error)
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EntrypointMissing { .. } => CODES[0],
            Self::EntrypointNotInPath { .. } => CODES[1],
            Self::EntrypointIsALine { .. } => CODES[2],
            Self::EntrypointIsADirectory { .. } => CODES[3],
            Self::EntrypointNotExecutable { .. } => CODES[4],
            Self::ShellMissing => CODES[5],
            Self::NothingToRun => CODES[6],
            Self::DanglingLink { .. } => CODES[7],
            Self::LevelTooHigh { .. } => CODES[8],
            Self::NoNameServices { .. } => CODES[9],
            Self::NoCertificates { .. } => CODES[10],
            Self::NoCertificateFile { .. } => CODES[11],
            Self::NoTimeZones { .. } => CODES[12],
            Self::NoTimeZone { .. } => CODES[13],
            Self::NoLocale { .. } => CODES[14],
            Self::NoTerminals { .. } => CODES[15],
            Self::NoUsers { .. } => CODES[16],
            Self::NoTemporaryDirectory { .. } => CODES[17],
            Self::MayNeed { .. } => CODES[18],
            Self::RunsAsRoot { .. } => CODES[19],
            Self::SetId { .. } => CODES[20],
            Self::WritableByAll { .. } => CODES[21],
            Self::NotWritable { .. } => CODES[22],
            Self::NotReadable { .. } => CODES[23],
            Self::NoUtf8Locale { .. } => CODES[24],
            Self::NoHome { .. } => CODES[25],
        }
    }

    /// Returns the lines of a recipe that end the finding, if adding something does.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = match self {
            Self::NoNameServices { .. } => Want::NameServices.line().to_owned(),
            Self::NoCertificates { .. } => Want::Certificates.line().to_owned(),
            Self::NoTimeZones { .. } => Want::TimeZones.line().to_owned(),
            Self::NoTerminals { .. } => Want::Terminals.line().to_owned(),
            Self::NoUtf8Locale { .. } => {
                return vec!["env LANG=\"C.UTF-8\"".into(), "needs locale=\"C.UTF-8\"".into()];
            }
            Self::NoHome { .. } => return HOME.map(ToOwned::to_owned).to_vec(),
            Self::NoUsers { .. } => Want::Users.line().to_owned(),
            Self::NoTemporaryDirectory { .. } => Want::TemporaryFiles.line().to_owned(),
            Self::MayNeed { want, .. } => want.line().to_owned(),
            Self::NoTimeZone { zone } => {
                format!("needs timezones=\"{}\"", Printable::new(zone))
            }
            Self::NoLocale { locale, .. } => {
                format!("needs locale=\"{}\"", Printable::new(locale))
            }
            Self::EntrypointMissing { .. }
            | Self::EntrypointNotInPath { .. }
            | Self::EntrypointIsALine { .. }
            | Self::EntrypointIsADirectory { .. }
            | Self::EntrypointNotExecutable { .. }
            | Self::ShellMissing
            | Self::NothingToRun
            | Self::DanglingLink { .. }
            | Self::LevelTooHigh { .. }
            | Self::NoCertificateFile { .. }
            | Self::RunsAsRoot { .. }
            | Self::SetId { .. }
            | Self::WritableByAll { .. }
            | Self::NotWritable { .. }
            | Self::NotReadable { .. } => return Vec::new(),
        };
        vec![line]
    }

    /// Returns what the finding is about, and what that place is in the story.
    #[must_use]
    pub fn places(&self, plan: &Plan) -> Vec<(Place, &'static str)> {
        match self {
            Self::EntrypointMissing { .. }
            | Self::EntrypointNotInPath { .. }
            | Self::EntrypointIsALine { .. }
            | Self::EntrypointIsADirectory { .. }
            | Self::EntrypointNotExecutable { .. }
            | Self::ShellMissing => {
                vec![(Place::Setting(Setting::Entrypoint), "this is what the image runs")]
            }
            Self::NothingToRun => Vec::new(),
            Self::DanglingLink { path, .. } => plan
                .nodes()
                .iter()
                .filter(|(_, node)| match &node.kind {
                    NodeKind::Tree(tree) => path.starts_with(&tree.to),
                    NodeKind::Symlink(Symlink { path: own, .. }) => own == path,
                    _ => false,
                })
                .map(|(id, _)| (Place::Node(*id), "comes from here"))
                .collect(),
            Self::NoNameServices { by }
            | Self::NoCertificates { by }
            | Self::NoTimeZones { by }
            | Self::NoTerminals { by }
            | Self::NoUtf8Locale { by }
            | Self::NoHome { by }
            | Self::NoUsers { by }
            | Self::NoTemporaryDirectory { by }
            | Self::NoLocale { by, .. }
            | Self::MayNeed { by, .. } => {
                let nodes: BTreeSet<NodeId> = by.iter().map(|evidence| evidence.node).collect();
                nodes.into_iter().map(|node| (Place::Node(node), "this program does")).collect()
            }
            Self::NoCertificateFile { variable, .. } => {
                vec![(Place::Setting(Setting::Variable((*variable).into())), "named here")]
            }
            Self::NoTimeZone { .. } => {
                vec![(Place::Setting(Setting::Variable("TZ".into())), "named here")]
            }
            Self::RunsAsRoot { .. } => vec![(Place::Setting(Setting::User), "said here")],
            Self::NotWritable { setting, .. } => {
                vec![(Place::Setting(setting.clone()), "the program works here")]
            }
            Self::LevelTooHigh { node, .. }
            | Self::SetId { node, .. }
            | Self::WritableByAll { node, .. }
            | Self::NotReadable { node, .. } => vec![(Place::Node(*node), "comes from here")],
        }
    }
}

/// Writes a shell line as the arguments that it probably means.
fn split(line: &str) -> String {
    let arguments = line.split_whitespace().map(|word| format!("\"{}\"", Printable::new(word)));
    arguments.collect::<Vec<_>>().join(" ")
}
