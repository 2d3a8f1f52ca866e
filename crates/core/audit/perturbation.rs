//! What is changed from build to build.

use super::process::Base;

/// A user that no machine has.
pub(super) const OTHER_USER: u32 = 54_321;

/// Where a build takes its recipe from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The project itself.
    Project,
    /// A copy under another path, its files made in the opposite order and dated otherwise.
    Checkout,
    /// A copy in memory.
    Memory,
    /// A copy that belongs to another user.
    OtherUser,
}

/// One change of a build's surroundings.
#[derive(Debug)]
pub(super) struct Perturbation {
    /// What it is called.
    pub(super) name: &'static str,
    /// What a process sees differently if it takes effect.
    pub(super) changes: &'static [&'static str],
    /// Where it builds.
    pub(super) place: Place,
    /// What runs the program, with its arguments before the program's own.
    pub(super) wrapper: &'static [&'static str],
    /// Variables that are set.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// Whether all other variables are taken away, also `PATH`.
    pub(super) bare: bool,
    /// Whether two hundred other variables are added.
    pub(super) junk: bool,
    /// The directory that it is started in, if not the project's.
    pub(super) cwd: Option<&'static str>,
    /// `--jobs`.
    pub(super) threads: Option<&'static str>,
    /// Whether it changes the date that an image may carry.
    pub(super) is_date: bool,
}

const NONE: Perturbation = Perturbation {
    name: "none",
    changes: &[],
    place: Place::Project,
    wrapper: &[],
    variables: &[],
    bare: false,
    junk: false,
    cwd: None,
    threads: None,
    is_date: false,
};

/// A wrapper that runs a line of the shell first.
macro_rules! shell {
    ($line:literal) => {
        &["sh", "-c", concat!($line, "; exec \"$@\""), "sh"]
    };
}

impl Perturbation {
    /// Returns the one that changes nothing.
    pub(super) fn none() -> Self {
        NONE
    }

    /// Says which tool is missing, if one is.
    pub(super) fn missing_tool(&self, base: &Base) -> Option<String> {
        if self.changes == ["processor"] && !cfg!(target_arch = "x86_64") {
            return Some("the emulator is for x86_64".into());
        }
        let tool = self.wrapper.first()?;
        (!base.has(tool)).then(|| format!("{tool} is not installed"))
    }
}

/// Returns all of them.
pub(super) fn all() -> Vec<Perturbation> {
    vec![
        Perturbation {
            name: "working directory",
            changes: &["working directory"],
            cwd: Some("/"),
            ..NONE
        },
        Perturbation {
            name: "path of the checkout, times of files",
            changes: &["project directory", "times of files"],
            place: Place::Checkout,
            ..NONE
        },
        Perturbation {
            name: "file system, order of directories",
            changes: &["file system", "order of directories"],
            place: Place::Memory,
            ..NONE
        },
        Perturbation {
            name: "home directory",
            changes: &["home"],
            variables: &[("HOME", "/nonexistent")],
            ..NONE
        },
        Perturbation {
            name: "empty environment",
            changes: &["number of variables"],
            bare: true,
            ..NONE
        },
        Perturbation {
            name: "full environment",
            changes: &["number of variables"],
            junk: true,
            ..NONE
        },
        Perturbation {
            name: "LD_LIBRARY_PATH",
            changes: &["LD_LIBRARY_PATH"],
            variables: &[("LD_LIBRARY_PATH", "/nonexistent:/usr/local/lib")],
            ..NONE
        },
        Perturbation {
            name: "SOURCE_DATE_EPOCH",
            changes: &["SOURCE_DATE_EPOCH"],
            variables: &[("SOURCE_DATE_EPOCH", "1234567890")],
            is_date: true,
            ..NONE
        },
        Perturbation {
            name: "time zone",
            changes: &["time zone"],
            variables: &[("TZ", "Pacific/Kiritimati")],
            ..NONE
        },
        Perturbation {
            name: "locale tr_TR.UTF-8",
            changes: &["locale"],
            variables: &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")],
            ..NONE
        },
        Perturbation {
            name: "locale et_EE.ISO-8859-15",
            changes: &["locale"],
            variables: &[("LC_ALL", "et_EE.ISO-8859-15")],
            ..NONE
        },
        Perturbation {
            name: "umask 000",
            changes: &["umask"],
            wrapper: shell!("umask 000"),
            ..NONE
        },
        Perturbation {
            name: "umask 077",
            changes: &["umask"],
            wrapper: shell!("umask 077"),
            ..NONE
        },
        Perturbation {
            name: "another user",
            changes: &["user"],
            place: Place::OtherUser,
            wrapper: &["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"],
            ..NONE
        },
        Perturbation {
            name: "another user in a namespace",
            changes: &["user"],
            wrapper: &["unshare", "--user", "--map-user=54321", "--map-group=54321"],
            ..NONE
        },
        Perturbation { name: "1 thread", changes: &["threads"], threads: Some("1"), ..NONE },
        Perturbation { name: "3 threads", changes: &["threads"], threads: Some("3"), ..NONE },
        Perturbation { name: "16 threads", changes: &["threads"], threads: Some("16"), ..NONE },
        Perturbation {
            name: "processor qemu64",
            changes: &["processor"],
            wrapper: &["qemu-x86_64-static", "-cpu", "qemu64"],
            ..NONE
        },
        Perturbation {
            name: "processor Nehalem",
            changes: &["processor"],
            wrapper: &["qemu-x86_64-static", "-cpu", "Nehalem"],
            ..NONE
        },
        Perturbation {
            name: "host name",
            changes: &["host name"],
            wrapper: &[
                "unshare",
                "--user",
                "--map-root-user",
                "--uts",
                "sh",
                "-c",
                // Only root of the machine can write to the file; the tool takes root of a namespace.
                "{ hostname perturbed 2>/dev/null || echo perturbed > /proc/sys/kernel/hostname; } \
                 && exec \"$@\"",
                "sh",
            ],
            ..NONE
        },
        Perturbation {
            name: "clock, 500 days ahead",
            changes: &["day"],
            wrapper: &["faketime", "-f", "+500d"],
            ..NONE
        },
        Perturbation {
            name: "clock, 500 days back",
            changes: &["day"],
            wrapper: &["faketime", "-f", "-500d"],
            ..NONE
        },
    ]
}
