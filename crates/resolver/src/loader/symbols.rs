//! Symbols that are needed and not there, as `ldd -r` finds them (glibc `elf/dl-lookup.c`,
//! `elf/do-rel.h`; musl `ldso/dynlink.c`, `do_relocs`).
//!
//! Relocations are walked, not symbol tables: an undefined symbol that no relocation names does not
//! matter. Each is looked up in the objects of the start, in the order of the loader's scope. How
//! one object is searched, is in [`object`].

mod blocks;
mod object;

use std::collections::HashMap;
use std::sync::Arc;

use crate::host::FileType;
use crate::root::{Roots, Walk};

use super::Loader;
use super::elf::{Elf, Machine};
use super::profile::Family;
use super::trace::{Requester, Target, Trace};
use super::versions::{VersionCause, VersionProblem};
use object::{Class, Object, Reference, Relocation, Symbol, Version};

/// Most entries of hash chains that one check looks at. Chromium's needs some million; a file that
/// was made to have no end stops here.
const MAX_STEPS: u64 = 1 << 28;

/// One symbol that is needed and not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolProblem {
    /// Who needs it.
    pub object: Requester,
    /// The symbol; empty if the problem is about no single one.
    pub name: Box<[u8]>,
    /// Which version of it.
    pub version: Option<Box<[u8]>>,
    /// What is wrong.
    pub cause: SymbolCause,
}

/// What is wrong with a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SymbolCause {
    /// Data refers to it: the program does not start.
    Data,
    /// It is called, and the object binds all at the start (`DF_BIND_NOW`, always with musl): the
    /// program does not start.
    BoundAtStart,
    /// It is called, and looked up then: the program starts, and ends at the call.
    BoundWhenCalled,
    /// A copy relocation of a protected symbol that its object needs at its own place: the program
    /// does not start.
    CopyOfProtected,
    /// A copy relocation has another size than the symbol: a message of the loader.
    OtherSize,
    /// The relocations of this machine are not known: nothing was checked.
    UnknownMachine,
    /// Tables are broken: what is in them was not checked.
    Unreadable,
}

impl SymbolCause {
    /// Tells whether the program does not start.
    #[must_use]
    pub fn is_fatal(self) -> bool {
        match self {
            Self::Data | Self::BoundAtStart | Self::CopyOfProtected => true,
            Self::BoundWhenCalled | Self::OtherSize | Self::UnknownMachine | Self::Unreadable => {
                false
            }
        }
    }

    /// Tells whether something cannot work, now or later.
    #[must_use]
    pub fn fails(self) -> bool {
        match self {
            Self::OtherSize => false,
            Self::BoundWhenCalled | Self::UnknownMachine | Self::Unreadable => true,
            Self::Data | Self::BoundAtStart | Self::CopyOfProtected => true,
        }
    }
}

impl Loader {
    /// Looks up every symbol that the relocations of a start name, and notes those that are not
    /// there in `trace`. Does nothing if the start ends before that.
    pub fn check_symbols(&self, roots: &Roots, trace: &mut Trace) {
        if trace.fatal.is_some() || trace.kind.interpreter().is_none() {
            return;
        }
        let mut check = Check::open(roots, trace);
        for place in 0..check.scope.len() {
            check.relocate(place);
        }
        trace.symbols = check.problems;
    }
}

/// Looks at each object that needs versions of a file without any (`NoSymbolVersions`): only if a
/// relocation leads to a symbol of that file, the loader ends in an assertion (`check_match`).
pub(super) fn check_unversioned(roots: &Roots, trace: &mut Trace) {
    let is_open = |problem: &VersionProblem| problem.cause == VersionCause::NoSymbolVersions;
    if !trace.versions.iter().any(is_open) {
        return;
    }
    let mut check = Check::open(roots, trace);
    for problem in trace.versions.iter_mut().filter(|problem| is_open(problem)) {
        if !check.binds(problem) {
            problem.cause = VersionCause::NoInformation;
        }
    }
}

/// What a relocation looks for: name, version, and which definitions count.
type Wanted = (Box<[u8]>, Option<Version>, Class);

/// One check of all objects of a start.
struct Check {
    machine: Machine,
    is_musl: bool,
    /// In the order of the search.
    scope: Vec<Member>,
    /// What names led to: they recur in most objects.
    known: HashMap<Wanted, Option<(usize, Symbol)>>,
    steps: u64,
    problems: Vec<SymbolProblem>,
}

/// An object of the scope.
struct Member {
    target: Target,
    elf: Arc<Elf>,
    object: Object,
}

impl Check {
    fn open(roots: &Roots, trace: &Trace) -> Self {
        let mut check = Self {
            machine: trace.main.elf.machine,
            is_musl: trace
                .kind
                .interpreter()
                .is_some_and(|loader| matches!(loader.profile.family, Family::Musl(_))),
            scope: Vec::new(),
            known: HashMap::new(),
            steps: 0,
            problems: Vec::new(),
        };
        for target in &trace.scope {
            let (walk, elf): (Option<&Walk>, &Arc<Elf>) = match target {
                Target::Main => (trace.main.walk.as_ref(), &trace.main.elf),
                Target::Interpreter => match trace.kind.interpreter() {
                    Some(interpreter) => (Some(&interpreter.walk), &interpreter.elf),
                    None => continue,
                },
                Target::Object(place) => {
                    let object = &trace.objects[*place];
                    (Some(&object.walk), &object.elf)
                }
                Target::Vdso => continue,
            };
            let file = walk
                .filter(|walk| walk.stat.file_type == FileType::Regular)
                .and_then(|walk| Some((roots.open(walk).ok()?, walk.stat.size)));
            match file.and_then(|(file, size)| Object::open(file, size, elf)) {
                Some(object) => {
                    let (target, elf) = (*target, Arc::clone(elf));
                    check.scope.push(Member { target, elf, object });
                }
                None => check.note(*target, b"", None, SymbolCause::Unreadable),
            }
        }
        check
    }

    /// Looks up what one object's relocations name.
    fn relocate(&mut self, place: usize) {
        let Member { target, elf, .. } = &self.scope[place];
        let target = *target;
        // glibc's loader has relocated itself before. musl's is libc, and needs nobody.
        if target == Target::Interpreter {
            return;
        }
        let Some(dynamic) = elf.dynamic() else { return };
        let bound_at_start = self.is_musl || dynamic.binds_at_start();
        let own_first = dynamic.searches_itself() && !self.is_musl;
        let Some(types) = object::types(self.machine) else {
            self.note(target, b"", None, SymbolCause::UnknownMachine);
            return;
        };
        let Some(relocations) = self.scope[place].object.relocations(types) else {
            self.note(target, b"", None, SymbolCause::Unreadable);
            return;
        };
        for Relocation { symbol, class, lazy } in relocations {
            let reference = self.scope[place].object.reference(symbol, self.is_musl);
            let Some(reference) = reference else {
                self.note(target, b"", None, SymbolCause::Unreadable);
                return;
            };
            if reference.symbol.is_bound_locally() {
                continue;
            }
            let Ok(found) = self.look_up(&reference, class, own_first.then_some(place)) else {
                self.note(target, b"", None, SymbolCause::Unreadable);
                return;
            };
            let cause = match found {
                None if reference.symbol.is_weak() => continue,
                None if !lazy => SymbolCause::Data,
                None if bound_at_start => SymbolCause::BoundAtStart,
                None => SymbolCause::BoundWhenCalled,
                Some((provider, symbol)) if class == Class::Copy => {
                    let elf = &self.scope[provider].elf;
                    let keeps =
                        elf.segments.as_ref().is_ok_and(|segments| segments.keeps_protected);
                    if symbol.is_protected() && keeps && !self.is_musl {
                        SymbolCause::CopyOfProtected
                    } else if symbol.size != reference.symbol.size {
                        SymbolCause::OtherSize
                    } else {
                        continue;
                    }
                }
                Some(_) => continue,
            };
            let version = reference.version.map(|version| version.name);
            self.note(target, &reference.name, version, cause);
        }
    }

    /// Tells whether an object has a relocation with a version of a file that this file defines. What
    /// cannot be read may have one.
    fn binds(&mut self, problem: &VersionProblem) -> bool {
        let object = match problem.object {
            Requester::Main => Target::Main,
            Requester::Object(place) => Target::Object(place),
        };
        let place = |target| self.scope.iter().position(|member| member.target == target);
        let provider = problem.provider.and_then(place);
        let (Some(object), Some(provider), Some(types)) =
            (place(object), provider, object::types(self.machine))
        else {
            return true;
        };
        let Some(relocations) = self.scope[object].object.relocations(types) else { return true };
        relocations.into_iter().any(|Relocation { symbol, class, .. }| {
            match self.scope[object].object.reference(symbol, false) {
                Some(reference) if reference.version.is_some() => {
                    self.search(provider, &reference, class).map_or(true, |found| found.is_some())
                }
                Some(_) => false,
                None => true,
            }
        })
    }

    /// Finds the definition that a reference is bound to (`do_lookup_x`). Fails when there is too
    /// much to look at.
    fn look_up(
        &mut self,
        reference: &Reference,
        class: Class,
        own: Option<usize>,
    ) -> Result<Option<(usize, Symbol)>, TooMuch> {
        if let Some(own) = own
            && let Some(symbol) = self.search(own, reference, class)?
        {
            return Ok(Some((own, symbol)));
        }
        let key = (reference.name.clone(), reference.version.clone(), class);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let mut found = None;
        for place in 0..self.scope.len() {
            // A copy is made of what the others define.
            if class == Class::Copy && self.scope[place].target == Target::Main {
                continue;
            }
            if let Some(symbol) = self.search(place, reference, class)? {
                found = Some((place, symbol));
                break;
            }
        }
        self.known.insert(key, found);
        Ok(found)
    }

    fn search(
        &mut self,
        place: usize,
        reference: &Reference,
        class: Class,
    ) -> Result<Option<Symbol>, TooMuch> {
        let object = &mut self.scope[place].object;
        let found = object.find(reference, class, self.is_musl, &mut self.steps);
        if self.steps > MAX_STEPS { Err(TooMuch) } else { Ok(found) }
    }

    fn note(
        &mut self,
        target: Target,
        name: &[u8],
        version: Option<Box<[u8]>>,
        cause: SymbolCause,
    ) {
        let object = match target {
            Target::Object(place) => Requester::Object(place),
            Target::Main | Target::Interpreter | Target::Vdso => Requester::Main,
        };
        let problem = SymbolProblem { object, name: name.into(), version, cause };
        if self.problems.last() != Some(&problem) {
            self.problems.push(problem);
        }
    }
}

/// More was asked than any real program asks.
struct TooMuch;
