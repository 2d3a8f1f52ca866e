//! Capabilities of a file, in the text form of `setcap(8)` (`cap_from_text(3)`).

use std::fmt::{self, Display, Formatter};

use thiserror::Error;

/// The capabilities of Linux, by their numbers (`capability.h`, up to 6.x), without `cap_`.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// What a program may do beyond its user, as its file grants it (`capabilities(7)`). At least one
/// capability is permitted or inheritable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capabilities {
    permitted: u64,
    inheritable: u64,
    effective: bool,
}

/// Why a text is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CapabilityProblem {
    /// A name that no capability has.
    #[error("`{0}` is no capability")]
    Unknown(String),
    /// No `=`, `+` or `-` behind names, or another flag than `e`, `i` and `p`.
    #[error("what is granted is said by `=`, `+` or `-` and the flags `e`, `i` and `p`")]
    Form,
    /// Nothing is granted.
    #[error("nothing is permitted or inheritable")]
    Empty,
    /// A file has one flag `e` for all that it grants (`capabilities(7)`, "File capabilities").
    #[error("`e` is for all capabilities of a file or for none")]
    PartlyEffective,
}

impl Capabilities {
    /// Reads a text such as `cap_net_raw=ep` or `cap_chown,cap_kill=p cap_kill+e`.
    ///
    /// # Errors
    /// When it is none, grants nothing, or cannot be that of a file.
    pub fn parse(text: &str) -> Result<Self, CapabilityProblem> {
        let mut sets = Sets::default();
        for clause in text.split_ascii_whitespace() {
            sets.apply(clause)?;
        }
        let Sets { effective, inheritable, permitted } = sets;
        let granted = permitted | inheritable;
        if granted == 0 {
            return Err(CapabilityProblem::Empty);
        }
        if effective != 0 && effective != granted {
            return Err(CapabilityProblem::PartlyEffective);
        }
        Ok(Self { permitted, inheritable, effective: effective != 0 })
    }

    /// Returns what the program has, one bit for each number.
    #[must_use]
    pub fn permitted(self) -> u64 {
        self.permitted
    }

    /// Returns what it has if its starter passes it on.
    #[must_use]
    pub fn inheritable(self) -> u64 {
        self.inheritable
    }

    /// Tells whether it can use them without asking.
    #[must_use]
    pub fn effective(self) -> bool {
        self.effective
    }

    /// Returns the extended attribute `security.capability` in revision 2
    /// (`struct vfs_cap_data`): numbers with the lowest byte first.
    #[must_use]
    pub fn attribute(self) -> [u8; 20] {
        let low = |set: u64| (set & u64::from(u32::MAX)) as u32;
        let high = |set: u64| (set >> 32) as u32;
        let words = [
            0x0200_0000 | u32::from(self.effective),
            low(self.permitted),
            low(self.inheritable),
            high(self.permitted),
            high(self.inheritable),
        ];
        let mut bytes = [0; 20];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// The sets while a text is read.
#[derive(Default)]
struct Sets {
    effective: u64,
    inheritable: u64,
    permitted: u64,
}

impl Sets {
    /// Reads names, then operators with flags: `cap_kill,cap_chown=p+e`.
    fn apply(&mut self, clause: &str) -> Result<(), CapabilityProblem> {
        let is_operator = |letter: char| "=+-".contains(letter);
        let at = clause.find(is_operator).ok_or(CapabilityProblem::Form)?;
        let (names, mut rest) = clause.split_at(at);
        // `=p` alone is `all=p`.
        let mask = match names {
            "" if rest.starts_with('=') => all(),
            "" => return Err(CapabilityProblem::Form),
            names => names.split(',').try_fold(0, |mask, name| Ok(mask | number(name)?))?,
        };
        while let Some(operator) = rest.chars().next() {
            let flags = &rest[1..];
            let end = flags.find(is_operator).unwrap_or(flags.len());
            let (flags, behind) = flags.split_at(end);
            if operator == '=' {
                self.effective &= !mask;
                self.inheritable &= !mask;
                self.permitted &= !mask;
            } else if flags.is_empty() {
                return Err(CapabilityProblem::Form);
            }
            for flag in flags.chars() {
                let set = match flag {
                    'e' => &mut self.effective,
                    'i' => &mut self.inheritable,
                    'p' => &mut self.permitted,
                    _ => return Err(CapabilityProblem::Form),
                };
                *set = if operator == '-' { *set & !mask } else { *set | mask };
            }
            rest = behind;
        }
        Ok(())
    }
}

fn all() -> u64 {
    (1 << NAMES.len()) - 1
}

fn number(name: &str) -> Result<u64, CapabilityProblem> {
    let lower = name.to_ascii_lowercase();
    if lower == "all" {
        return Ok(all());
    }
    let known = lower.strip_prefix("cap_");
    let place = known.and_then(|known| NAMES.iter().position(|other| *other == known));
    place.map(|place| 1 << place).ok_or_else(|| CapabilityProblem::Unknown(name.to_owned()))
}

/// The capability that a mistyped name comes nearest to, if any is near enough.
pub(crate) fn nearest(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_prefix("cap_").unwrap_or(&lower);
    crate::shown::nearest(bare, &NAMES).map(|near| format!("cap_{near}"))
}

/// Writes them in one form: `cap_net_raw=ep`, sorted by number, those with equal flags together.
impl Display for Capabilities {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let effective = if self.effective { "e" } else { "" };
        let both = self.permitted & self.inheritable;
        let groups = [(self.permitted & !both, "p"), (both, "ip"), (self.inheritable & !both, "i")];
        let mut joint = "";
        for (set, flags) in groups.into_iter().filter(|(set, _)| *set != 0) {
            let names = NAMES.iter().enumerate().filter(|(number, _)| set & (1 << number) != 0);
            let names: Vec<String> = names.map(|(_, name)| format!("cap_{name}")).collect();
            write!(formatter, "{joint}{}={effective}{flags}", names.join(","))?;
            joint = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_setcap() {
        for (text, expected) in [
            ("cap_net_raw=ep", "cap_net_raw=ep"),
            ("CAP_NET_RAW+ep", "cap_net_raw=ep"),
            (
                "cap_net_raw,cap_net_admin=p cap_net_admin,cap_net_raw+e",
                "cap_net_admin,cap_net_raw=ep",
            ),
            ("cap_kill=p+e-e", "cap_kill=p"),
            ("all=p cap_chown=", ""),
            ("cap_chown=i cap_kill=p", "cap_kill=p cap_chown=i"),
            ("cap_chown=eip", "cap_chown=eip"),
        ] {
            let found = Capabilities::parse(text).map(|found| found.to_string());
            if !expected.is_empty() {
                assert_eq!(found.as_deref(), Ok(expected), "{text}");
            }
        }
        let most = Capabilities::parse("=p cap_chown-p").unwrap();
        assert_eq!(most.permitted(), (1 << 41) - 2);
    }

    #[test]
    fn what_is_none_says_why() {
        let problem = |text: &str| Capabilities::parse(text).unwrap_err();
        let unknown = |name: &str| CapabilityProblem::Unknown(name.into());
        for (text, expected) in [
            ("", CapabilityProblem::Empty),
            ("cap_kill=", CapabilityProblem::Empty),
            ("cap_kill=e", CapabilityProblem::Empty),
            ("cap_kill", CapabilityProblem::Form),
            ("cap_kill=x", CapabilityProblem::Form),
            ("+p", CapabilityProblem::Form),
            ("cap_kill+", CapabilityProblem::Form),
            ("net_raw=p", unknown("net_raw")),
            ("cap_net_rw=p", unknown("cap_net_rw")),
            ("cap_kill=ep cap_chown=p", CapabilityProblem::PartlyEffective),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
    }

    #[test]
    fn the_attribute_is_that_of_the_kernel() {
        // As `setcap cap_net_raw=ep` and `setcap cap_bpf,cap_chown=p` write them.
        let hex = |text: &str| -> String {
            let bytes = Capabilities::parse(text).unwrap().attribute();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        assert_eq!(hex("cap_net_raw=ep"), "0100000200200000000000000000000000000000");
        assert_eq!(hex("cap_bpf,cap_chown=p"), "0000000201000000000000008000000000000000");
    }
}
