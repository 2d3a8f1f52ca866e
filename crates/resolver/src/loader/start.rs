//! What the kernel does before a loader runs (`fs/binfmt_elf.c`, `load_elf_binary`).

use std::sync::Arc;

use crate::host::{Errno, FileType, HostFile};
use crate::root::{Roots, WalkError};

use super::Loader;
use super::elf::{self, Class, Elf, ElfProblem, Machine, Unread, View};
use super::profile::{self, Profile};
use super::request::Request;
use super::scratch::{self, Scratch};
use super::trace::{Interpreter, Main};
use super::usual;
use super::warning::Warning;

/// Set-user-id, set-group-id, and the group's execute bit without which the latter means locking.
const SET_USER_ID: u16 = 0o4000;
const SET_GROUP_ID: u16 = 0o2010;

/// Why a program does not get as far as its loader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartProblem {
    /// The program cannot be reached.
    #[error("the program cannot be reached")]
    Program(WalkError),
    /// The program is no regular file, or may not be read.
    #[error("the program cannot be read: {0}")]
    ProgramUnreadable(Errno),
    /// It is a script (`#!`): its interpreter is a program of its own.
    #[error("the program is a script")]
    Script,
    /// It is no ELF file. A shell would run it as a script, the kernel does not.
    #[error("the program is no ELF file")]
    NotElf,
    /// Its header or segments are refused by the kernel.
    #[error("the kernel refuses the program: {0}")]
    Refused(ElfProblem),
    /// It is neither `ET_EXEC` nor `ET_DYN`.
    #[error("the program's e_type {0} cannot be executed")]
    Type(u16),
    /// It is for a machine that imgc does not know.
    #[error("the program is for an unknown machine")]
    Machine {
        /// `e_machine`.
        machine: Machine,
        /// The width of its addresses.
        class: Class,
    },
    /// `PT_INTERP` names something that cannot be reached: the user sees "No such file or
    /// directory" about the *program*.
    #[error("the program's interpreter cannot be reached")]
    Interpreter {
        /// `PT_INTERP`.
        path: Box<[u8]>,
        /// How far the walk came.
        error: WalkError,
    },
    /// The interpreter is no regular file, or no ELF file, or may not be read.
    #[error("the program's interpreter is no loader: {problem}")]
    InterpreterBroken {
        /// `PT_INTERP`.
        path: Box<[u8]>,
        /// What is wrong with it.
        problem: ElfProblem,
    },
    /// The interpreter is for another machine.
    #[error("the program's interpreter is for another machine")]
    InterpreterMachine {
        /// `PT_INTERP`.
        path: Box<[u8]>,
        /// What it is for.
        machine: Machine,
    },
    /// It is a shared library, and no loader of its machine stands at a usual path.
    #[error("a library names no loader, and none of its machine is at a usual path")]
    NoUsualLoader,
    /// Nobody may execute the interpreter: the user sees "Permission denied" about the *program*.
    #[error("the program's interpreter is not executable")]
    InterpreterNotExecutable {
        /// `PT_INTERP`.
        path: Box<[u8]>,
    },
    /// The interpreter is neither glibc's nor musl's.
    #[error("the program's interpreter is neither glibc's nor musl's")]
    UnknownLoader {
        /// `PT_INTERP`.
        path: Box<[u8]>,
    },
}

/// A program that the kernel takes, and who loads it.
pub(super) struct Start {
    pub(super) main: Main,
    pub(super) interpreter: Option<Interpreter>,
    pub(super) warnings: Vec<Warning>,
}

impl Loader {
    /// Does what the kernel does with `request`.
    pub(super) fn start(
        &self,
        roots: &Roots,
        request: &Request<'_>,
    ) -> Result<Start, StartProblem> {
        let mut warnings = Vec::new();
        let (real, walk, stat, elf) = match request.placed {
            Some(placed) => {
                let elf = elf::read(placed.file, placed.stat.size, View::Kernel);
                let elf = elf.map_err(|problem| match problem {
                    ElfProblem::Magic | ElfProblem::TooShort => {
                        let mut start = [0; 2];
                        match placed.file.read_at(&mut start, 0) {
                            Ok(2) if start == *b"#!" => StartProblem::Script,
                            _ => StartProblem::NotElf,
                        }
                    }
                    problem => StartProblem::Refused(problem),
                })?;
                (placed.real.clone(), None, placed.stat, elf)
            }
            None => {
                let walk =
                    roots.walk(request.program, request.cwd).map_err(StartProblem::Program)?;
                let elf = self.shelf.read(roots, &walk, View::Kernel);
                let elf = elf.map_err(|unread| match unread {
                    Unread::Open(errno) => StartProblem::ProgramUnreadable(errno),
                    Unread::Elf(ElfProblem::Magic | ElfProblem::TooShort) => {
                        match roots.read_start(&walk, 2) {
                            Ok(start) if start == b"#!" => StartProblem::Script,
                            _ => StartProblem::NotElf,
                        }
                    }
                    Unread::Elf(problem) => StartProblem::Refused(problem),
                })?;
                (walk.real.clone(), Some(walk.clone()), walk.stat, elf)
            }
        };
        check_program(&elf, &mut warnings)?;
        if stat.mode & 0o111 == 0 {
            warnings.push(Warning::NotExecutable);
        }
        let secure = request.file_capabilities
            || stat.mode & SET_USER_ID != 0
            || stat.mode & SET_GROUP_ID == SET_GROUP_ID;
        let mut library = false;
        let interpreter = match elf.segments.as_ref().map(|segments| &segments.interpreter) {
            Ok(Some(Ok(path))) => Some(self.interpreter(roots, request, path, &elf)?),
            Ok(Some(Err(problem))) | Err(problem) => return Err(StartProblem::Refused(*problem)),
            Ok(None) if request.libraries && usual::is_library(&elf, stat.mode) => {
                library = true;
                let loader = usual::loaders(&elf)
                    .find_map(|path| self.interpreter(roots, request, path.as_bytes(), &elf).ok());
                Some(loader.ok_or(StartProblem::NoUsualLoader)?)
            }
            Ok(None) => None,
        };
        if interpreter.is_none() && elf.segments.as_ref().is_ok_and(|segments| segments.packed) {
            warnings.push(Warning::Packed);
        }
        Ok(Start { main: Main { real, walk, elf, secure, library }, interpreter, warnings })
    }

    fn interpreter(
        &self,
        roots: &Roots,
        request: &Request<'_>,
        path: &[u8],
        program: &Elf,
    ) -> Result<Interpreter, StartProblem> {
        let broken = |problem| StartProblem::InterpreterBroken { path: path.into(), problem };
        let walk = roots
            .walk(path, request.cwd)
            .map_err(|error| StartProblem::Interpreter { path: path.into(), error })?;
        if walk.stat.file_type != FileType::Regular {
            return Err(broken(ElfProblem::Unreadable(Errno::ACCESS)));
        }
        if walk.stat.mode & 0o111 == 0 {
            return Err(StartProblem::InterpreterNotExecutable { path: path.into() });
        }
        let read = self.shelf.read_open(roots, &walk, View::Kernel);
        let (elf, file) = read.map_err(|unread| match unread {
            Unread::Open(errno) => broken(ElfProblem::Unreadable(errno)),
            Unread::Elf(problem) => broken(problem),
        })?;
        if elf.machine != program.machine || elf.layout != program.layout {
            return Err(StartProblem::InterpreterMachine {
                path: path.into(),
                machine: elf.machine,
            });
        }
        if let Err(problem) = &elf.segments {
            return Err(broken(*problem));
        }
        let known = self.profiles().get(&walk.stat.id).cloned();
        let profile = match known {
            Some(profile) => profile,
            None => {
                let profile = file
                    .map_or_else(|| roots.open(&walk), Ok)
                    .and_then(|file| {
                        read_profile(&*file, walk.stat.size, &elf, &mut self.scratch())
                    })
                    .map_err(|errno| broken(ElfProblem::Unreadable(errno)))?
                    .map(Arc::new);
                self.profiles().insert(walk.stat.id, profile.clone());
                profile
            }
        };
        let profile = profile.ok_or_else(|| StartProblem::UnknownLoader { path: path.into() })?;
        Ok(Interpreter { path: path.into(), walk, profile, elf })
    }
}

/// Checks a program as the kernel does, and what it would regret later (`load_elf_binary`): of
/// `e_ident` only the magic number counts.
fn check_program(elf: &Elf, warnings: &mut Vec<Warning>) -> Result<(), StartProblem> {
    if !elf.is_executable_or_shared() {
        return Err(StartProblem::Type(elf.object_type));
    }
    let own = elf::Layout::of_ident(&elf.ident);
    let known = elf.machine.layout().is_some_and(|layout| {
        layout == elf.layout && !(elf.machine.kernel_checks_class() && own.class != layout.class)
    });
    if !known {
        let (machine, class) = (elf.machine, elf.layout.class);
        return Err(StartProblem::Machine { machine, class });
    }
    let segments = elf.segments.as_ref().map_err(|problem| StartProblem::Refused(*problem))?;
    segments.loads.map_err(StartProblem::Refused)?;
    if own != elf.layout || elf.ident[6] != 1 || elf.version != 1 {
        warnings.push(Warning::OddHeader);
    }
    Ok(())
}

/// Reads the constants of a loader up to its tables for unwinding, and all of it if those do not
/// tell: older linkers put them beside the code.
fn read_profile(
    file: &dyn HostFile,
    size_bytes: u64,
    elf: &Elf,
    scratch: &mut Scratch,
) -> Result<Option<Profile>, Errno> {
    /// Two ranges are no neighbours: nothing must look adjacent across the cut.
    const CUT: [u8; 3] = [0, b'#', 0];
    let size = size_bytes.min(profile::MAX_LOADER_BYTES);
    let segments = elf.segments.as_ref().ok();
    let ranges = segments.map(|segments| &*segments.constants).unwrap_or_default();
    let unwinding = segments.and_then(|segments| segments.unwinding).unwrap_or(size);
    let ranges = ranges.iter().map(|(offset, length)| {
        let offset = (*offset).min(size);
        let end = offset.saturating_add(*length).min(size);
        (offset, if unwinding > offset { end.min(unwinding) - offset } else { end - offset })
    });
    let constants = scratch.take();
    // Ranges that overlap are no loader's, and have no end.
    if ranges.clone().map(|(_, length)| length).sum::<u64>() <= size {
        for (offset, length) in ranges {
            scratch::append(constants, file, offset, length)?;
            constants.extend(CUT);
        }
    }
    match Profile::read(constants, elf) {
        Some(profile) if !profile.defaults_used => Ok(Some(profile)),
        _ => {
            let whole = scratch.take();
            scratch::append(whole, file, 0, size)?;
            Ok(Profile::read(whole, elf))
        }
    }
}
