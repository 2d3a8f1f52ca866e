//! What a loader is asked to start, and in which surroundings.

use imgc_planner::recipe::ImagePath;

use crate::host::{HostFile, Stat};

/// One start of a program. There is no `Default`: each of these changes the answer.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The path as it will be executed: any bytes, relative ones start at `cwd`.
    pub program: &'a [u8],
    /// The program's file, if it is not (yet) what stands at `program` in the roots.
    pub placed: Option<Placed<'a>>,
    /// Working directory in the image.
    pub cwd: &'a ImagePath,
    /// `LD_LIBRARY_PATH` in the image's environment.
    pub library_path: Option<&'a [u8]>,
    /// `LD_PRELOAD` in the image's environment.
    pub preload: Option<&'a [u8]>,
    /// Whether the last name in `preload` stands for what is opened after the start, to which the limits
    /// of a secure start do not apply.
    pub opens_last: bool,
    /// The processor's level for which libraries are chosen; nothing for the baseline.
    pub level: Option<Level>,
    /// Value of `$PLATFORM`; nothing for what the machine's name is.
    pub platform: Option<&'a [u8]>,
    /// Whether the program has file capabilities (`security.capability`), which make its start a
    /// secure one, as set-id bits do.
    pub file_capabilities: bool,
    /// Whether a shared library may stand for a program, as `ldd` has it: it is loaded by the
    /// machine's usual loader, if the roots have that. To the kernel it is a static program.
    pub libraries: bool,
}

/// A library that an object opens at run time (`dlopen(3)`).
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The object: its path without links.
    pub by: &'a ImagePath,
    /// The name that it gives: with a slash, a path.
    pub name: &'a [u8],
}

/// A program's file, given apart from where it will stand.
#[derive(Clone, Copy)]
pub struct Placed<'a> {
    /// Where it will stand in the image, without links: `$ORIGIN` is the directory of this.
    pub real: &'a ImagePath,
    /// What is known of the file. The mode is that of the image: set-id bits count.
    pub stat: Stat,
    /// The bytes.
    pub file: &'a dyn HostFile,
}

/// A level of x86-64 (x86-64 psABI, "Micro-Architecture Levels").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `x86-64-v2`.
    V2,
    /// `x86-64-v3`.
    V3,
    /// `x86-64-v4`.
    V4,
}

impl Level {
    /// Returns the name of its capability directory below `glibc-hwcaps`.
    #[must_use]
    pub fn name(self) -> &'static [u8] {
        match self {
            Self::V2 => b"x86-64-v2",
            Self::V3 => b"x86-64-v3",
            Self::V4 => b"x86-64-v4",
        }
    }
}
