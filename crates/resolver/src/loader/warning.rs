//! What a user should know about a start that may succeed.

use super::elf::{AbiTag, ElfProblem};
use super::trace::Requester;

/// Something that is no error, and still no good sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A search list has an empty element, which is the working directory.
    EmptyElement {
        /// The list, as it is written.
        list: Box<[u8]>,
        /// Whose list it is.
        owner: Requester,
    },
    /// A search list has a relative element.
    RelativeElement {
        /// The element after expansion.
        element: Box<[u8]>,
        /// Whose list it is.
        owner: Requester,
    },
    /// A path has `$PLATFORM`, whose value is decided where the image runs.
    Platform {
        /// The text.
        text: Box<[u8]>,
        /// In whose table it stands.
        owner: Requester,
    },
    /// A library was found by a path that depends on the working directory.
    DependsOnWorkingDirectory {
        /// The path.
        path: Box<[u8]>,
    },
    /// An optional object (`DT_AUXILIARY`, `DT_AUDIT`, preload) is absent or broken: its place in
    /// [`super::Trace::missing`].
    OptionalMissing {
        /// The place.
        missing: usize,
    },
    /// The loader's file did not tell all, so that its usual directories were taken.
    KnownDefaults {
        /// The loader.
        interpreter: Box<[u8]>,
    },
    /// The program was packed by UPX: what it needs is hidden.
    Packed,
    /// An object asks for a Linux kernel above 5.x, so that glibc before 2.36 may pass over it.
    KernelVersion {
        /// The object.
        object: Requester,
        /// What it asks for.
        tag: AbiTag,
    },
    /// An object needs a higher level of x86-64 than the baseline.
    IsaLevel {
        /// The object.
        object: Requester,
        /// `GNU_PROPERTY_X86_ISA_1_NEEDED`.
        needed: u32,
    },
    /// The program's file has something that the kernel does not look at and a loader refuses in a
    /// library, such as another `EI_CLASS`.
    OddHeader,
    /// Something in the program is broken that this start does not touch.
    Broken {
        /// What.
        problem: ElfProblem,
    },
    /// The program may not be executed by anybody (mode).
    NotExecutable,
}
