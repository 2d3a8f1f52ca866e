//! What programs use that a root from scratch has not.

use std::fmt::{self, Display, Formatter};

/// One of the things that other roots have without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// How names of hosts are looked up.
    NameServices,
    /// The certificates that a TLS client trusts.
    Certificates,
    /// The rules of time zones.
    TimeZones,
    /// What terminals can do.
    Terminals,
    /// Users and groups.
    Users,
    /// A directory for temporary files.
    TemporaryFiles,
}

impl Want {
    /// Returns what a program does with it, as a verb with its object.
    #[must_use]
    pub fn use_of_it(self) -> &'static str {
        match self {
            Self::NameServices => "resolve names",
            Self::Certificates => "verify certificates",
            Self::TimeZones => "read time zones",
            Self::Terminals => "drive terminals",
            Self::Users => "look users or groups up",
            Self::TemporaryFiles => "make temporary files",
        }
    }

    /// Returns the line of a recipe that adds it.
    #[must_use]
    pub fn line(self) -> &'static str {
        match self {
            Self::NameServices => "needs dns",
            Self::Certificates => "needs tls",
            Self::TimeZones => "needs timezones",
            Self::Terminals => "needs terminfo",
            Self::Users => "needs users",
            Self::TemporaryFiles => "needs tmp",
        }
    }
}

impl Display for Want {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NameServices => "`/etc/nsswitch.conf`",
            Self::Certificates => "trusted certificates where it looks for them",
            Self::TimeZones => "`/usr/share/zoneinfo`",
            Self::Terminals => "description of terminals (terminfo)",
            Self::Users => "`/etc/passwd` with `/etc/group`",
            Self::TemporaryFiles => "`/tmp`",
        })
    }
}
