//! What the kernel does before a loader runs (`fs/binfmt_elf.c`, `load_elf_binary`).

use crate::host::Errno;
use crate::root::WalkError;

use super::elf::{Class, ElfProblem, Machine};

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
    /// The interpreter is neither glibc's nor musl's.
    #[error("the program's interpreter is neither glibc's nor musl's")]
    UnknownLoader {
        /// `PT_INTERP`.
        path: Box<[u8]>,
    },
}
