//! musl's loader, which is libc itself (musl 1.2.5 `ldso/dynlink.c`, `load_library`).
//!
//! Breadth first over `DT_NEEDED` alone. No filters, no auditors, no cache, no capability
//! directories, and sonames count for nothing.

use std::collections::HashMap;
use std::sync::Arc;

use imgc_planner::Rule;

use crate::host::{Errno, FileId};
use crate::root::{Roots, Walk};

use super::elf::{Elf, Tag, Unread, View};
use super::fatal::{Cause, Fatal};
use super::path_list::warn;
use super::profile::{Musl, Profile};
use super::request::{Opening, Request};
use super::search;
use super::tokens;
use super::trace::{
    Candidate, Configuration, Found, Interpreter, Listed, Lookup, Missing, Object, Outcome,
    Refusal, Requester, Target, Trace,
};
use super::warning::Warning;
use super::{Loader, MAX_OBJECTS};

/// Names that mean the loader itself, whatever follows the dot.
const RESERVED: [&[u8]; 7] = [b"c.", b"pthread.", b"rt.", b"m.", b"dl.", b"util.", b"xnet."];

/// Longest name that is searched, in bytes (`NAME_MAX`), and the size of the buffer for a
/// candidate: a longer one is passed over.
const MAX_NAME_BYTES: usize = 255;
const BUFFER_BYTES: usize = 2 * MAX_NAME_BYTES + 2;

/// Most bytes of a path file that are read.
const MAX_PATH_FILE_BYTES: u64 = 1 << 20;

/// One loaded object (`struct dso`).
struct Dso {
    target: Target,
    /// The path as it was opened.
    name: Box<[u8]>,
    needed_by: Option<usize>,
    id: Option<FileId>,
    elf: Arc<Elf>,
    /// `DT_RUNPATH`, else `DT_RPATH`, expanded; nothing if there is none or it is void.
    path: Option<(Rule, Vec<u8>)>,
}

struct State<'a> {
    loader: &'a Loader,
    roots: &'a Roots,
    request: &'a Request<'a>,
    interpreter: &'a Interpreter,
    profile: &'a Profile,
    musl: &'a Musl,
    trace: &'a mut Trace,
    dsos: Vec<Dso>,
    /// File names of objects that were found by a search (`shortname`).
    short_names: HashMap<Box<[u8]>, usize>,
    /// The system's list and where it is from, once it was needed.
    system: Option<(Rule, Vec<u8>, Option<Configuration>)>,
    tried: Vec<Candidate>,
}

/// How a search of one list ended.
enum Opened {
    Found(Box<[u8]>, Found, Walk),
    Nothing,
    /// An error that ends every search for this name.
    Inhibited,
}

pub(super) fn load(
    loader: &Loader,
    roots: &Roots,
    request: &Request<'_>,
    (interpreter, musl): (&Interpreter, &Musl),
    openings: &[Opening<'_>],
    trace: &mut Trace,
) {
    let main = Arc::clone(&trace.main.elf);
    let secure = trace.main.secure;
    let cause = match main.segments.as_ref().map(|segments| &segments.dynamic) {
        Ok(Some(Ok(_))) => None,
        Ok(Some(Err(problem))) => Some(Cause::Elf(*problem)),
        // The loader has no word for it, and crashes.
        Ok(None) | Err(_) => Some(Cause::NoDynamic),
    };
    if let Some(cause) = cause {
        let path = request.program.into();
        trace.fatal = Some(Fatal { cause, path, requester: Requester::Main });
        return;
    }
    let mut state = State {
        loader,
        roots,
        request,
        interpreter,
        profile: &interpreter.profile,
        musl,
        trace,
        dsos: Vec::new(),
        short_names: HashMap::new(),
        system: None,
        tried: Vec::new(),
    };
    state.trace.scope.push(Target::Main);
    let program = request.program.into();
    let mut dso = Dso {
        target: Target::Main,
        name: program,
        needed_by: None,
        id: None,
        elf: main,
        path: None,
    };
    dso.path = state.search_path(&dso);
    state.dsos.push(dso);
    let separator = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b':' | 0xb);
    let listed = request.preload.unwrap_or_default().split(separator);
    let listed: Vec<&[u8]> = listed.filter(|name| !name.is_empty()).collect();
    let opened = usize::from(request.opens_last).min(listed.len());
    let first = if secure { listed.len() - opened } else { 0 };
    for name in &listed[first..] {
        state.load(name, Tag::Preload, None);
    }
    // `dlopen` searches for the program, whoever calls it (`load_library(file, head)`).
    for opening in openings {
        state.load(opening.name, Tag::Opened, None);
    }
    let mut at = 0;
    while at < state.dsos.len() {
        let elf = Arc::clone(&state.dsos[at].elf);
        let needed = elf.dynamic().map(|dynamic| &*dynamic.needed).unwrap_or_default();
        for (_, name) in needed.iter().filter(|(tag, _)| *tag == Tag::Needed) {
            state.load(name, Tag::Needed, Some(at));
        }
        at += 1;
        if state.dsos.len() > MAX_OBJECTS {
            let requester = Requester::Main;
            state.trace.fatal =
                Some(Fatal { cause: Cause::TooMany, path: Box::default(), requester });
            return;
        }
    }
}

impl State<'_> {
    /// Loads one name and notes what became of it. Preloaded names have no requester, and are no
    /// error when they are missing.
    fn load(&mut self, name: &[u8], tag: Tag, needed_by: Option<usize>) {
        let requester = match needed_by.map(|by| self.dsos[by].target) {
            Some(Target::Object(object)) => Requester::Object(object),
            _ => Requester::Main,
        };
        let outcome = self.find(name, tag, requester, needed_by);
        let mut tried = std::mem::take(&mut self.tried);
        let outcome = outcome.unwrap_or_else(|| {
            let missing = self.trace.missing.len();
            let required = tag == Tag::Needed;
            if !required {
                self.trace.warnings.push(Warning::OptionalMissing { missing });
            }
            let tried = std::mem::take(&mut tried);
            self.trace.missing.push(Missing { requester, tag, name: name.into(), required, tried });
            Outcome::Missing(missing)
        });
        match outcome {
            Outcome::Opened(object) => {
                self.trace.order.push(Listed::Object(object));
                self.trace.scope.push(Target::Object(object));
            }
            Outcome::Missing(missing) => self.trace.order.push(Listed::Missing(missing)),
            // libc is put into the list by the first who needs it.
            Outcome::Loaded(Target::Interpreter)
                if !self.trace.scope.contains(&Target::Interpreter) =>
            {
                self.trace.scope.push(Target::Interpreter);
            }
            Outcome::Loaded(_) | Outcome::SameFile { .. } | Outcome::Ignored | Outcome::Fatal => {}
        }
        let (written, name) = (name.into(), name.into());
        self.trace.lookups.push(Lookup { requester, tag, written, name, outcome, tried });
    }

    fn find(
        &mut self,
        name: &[u8],
        tag: Tag,
        requester: Requester,
        needed_by: Option<usize>,
    ) -> Option<Outcome> {
        if name.is_empty() {
            return None;
        }
        if is_reserved(name) || *name == *self.interpreter.path {
            return Some(Outcome::Loaded(Target::Interpreter));
        }
        let by_path = name.contains(&b'/');
        let opened = if by_path {
            self.open(name, plain(Rule::Path))
        } else {
            if let Some(dso) = self.short_names.get(name) {
                let target = self.dsos[*dso].target;
                self.note_name(target, name);
                return Some(Outcome::Loaded(target));
            }
            self.search(name, needed_by)
        };
        let Opened::Found(path, found, walk) = opened else { return None };
        let id = walk.stat.id;
        if let Some(dso) = self.dsos.iter().position(|dso| dso.id == Some(id)) {
            // A file that came in by path can be found by its name from now on.
            if !by_path && !self.has_short_name(dso) {
                let short_name = file_name(&self.dsos[dso].name).into();
                self.short_names.entry(short_name).or_insert(dso);
            }
            let target = self.dsos[dso].target;
            self.note_name(target, name);
            let Target::Object(object) = target else { return Some(Outcome::Loaded(target)) };
            return Some(Outcome::SameFile { object, path, found, walk });
        }
        let elf = match self.loader.shelf.read(self.roots, &walk, View::Loader) {
            Ok(elf) if self.is_loadable(&elf) => elf,
            Ok(_) | Err(Unread::Elf(_) | Unread::Open(_)) => {
                self.refuse(&path, found, Refusal::Broken(Cause::NotLoadable));
                return None;
            }
        };
        if is_other_libc(self.roots, &walk, &elf) {
            // Two libcs in one process would be the end: the loader takes its own instead.
            return Some(Outcome::Loaded(Target::Interpreter));
        }
        if path.first() != Some(&b'/') {
            let path = path.clone();
            warn(&mut self.trace.warnings, Warning::DependsOnWorkingDirectory { path });
        }
        if found.rule == Rule::PathFile
            && let Some((_, _, Some(configuration))) = &self.system
            && self.trace.configuration.is_empty()
        {
            self.trace.configuration.push(configuration.clone());
        }
        let object = self.trace.objects.len();
        let mut dso = Dso {
            target: Target::Object(object),
            name: path.clone(),
            needed_by,
            id: Some(id),
            elf: Arc::clone(&elf),
            path: None,
        };
        dso.path = self.search_path(&dso);
        if !by_path {
            self.short_names.entry(file_name(&path).into()).or_insert(self.dsos.len());
        }
        self.dsos.push(dso);
        self.trace.objects.push(Object {
            path,
            names: vec![name.into()],
            soname: elf.dynamic().and_then(|dynamic| dynamic.soname.clone()),
            requester,
            tag,
            found,
            walk,
            audit: false,
            elf,
        });
        Some(Outcome::Opened(object))
    }

    /// Searches `LD_LIBRARY_PATH`, the lists of the requester and of all its ancestors, and the
    /// system's.
    fn search(&mut self, name: &[u8], needed_by: Option<usize>) -> Opened {
        if name.len() > MAX_NAME_BYTES {
            return Opened::Nothing;
        }
        if let Some(list) = self.request.library_path
            && !self.trace.main.secure
        {
            match self.search_list(name, list, &Rule::LibraryPath) {
                Opened::Nothing => {}
                ended => return ended,
            }
        }
        let mut next = needed_by;
        while let Some(dso) = next {
            if let Some((rule, list)) = self.dsos[dso].path.take() {
                let ended = self.search_list(name, &list, &rule);
                self.dsos[dso].path = Some((rule, list));
                match ended {
                    Opened::Nothing => {}
                    ended => return ended,
                }
            }
            next = self.dsos[dso].needed_by;
        }
        let (rule, list, file) = match self.system.take() {
            Some(system) => system,
            None => self.read_system_path(),
        };
        let ended = self.search_list(name, &list, &rule);
        self.system = Some((rule, list, file));
        ended
    }

    /// Opens a name in the directories of one list (`path_open`).
    fn search_list(&mut self, name: &[u8], list: &[u8], rule: &Rule) -> Opened {
        for directory in list.split(|byte| matches!(byte, b':' | b'\n')) {
            if directory.is_empty() {
                continue;
            }
            let path = [directory, b"/", name].concat();
            if path.len() >= BUFFER_BYTES {
                continue;
            }
            let directory = Some(directory.into());
            match self.open(&path, Found { rule: rule.clone(), directory, capability: None }) {
                Opened::Nothing => {}
                ended => return ended,
            }
        }
        Opened::Nothing
    }

    fn open(&mut self, path: &[u8], found: Found) -> Opened {
        match self.roots.walk(path, self.request.cwd) {
            Ok(walk) => Opened::Found(path.into(), found, walk),
            Err(error) => {
                self.refuse(path, found, search::refusal(path, &error));
                match error.errno {
                    Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::NAMETOOLONG => {
                        Opened::Nothing
                    }
                    _ => Opened::Inhibited,
                }
            }
        }
    }

    /// Returns the list of one object (`decode_dyn`, `fixup_rpath`): `DT_RUNPATH` if it is there.
    fn search_path(&mut self, dso: &Dso) -> Option<(Rule, Vec<u8>)> {
        let dynamic = dso.elf.dynamic()?;
        let (rule, list) = match (&dynamic.runpath, &dynamic.rpath) {
            (Some(list), _) => (Rule::Runpath(dso.name.clone()), list),
            (None, Some(list)) => (Rule::Rpath(dso.name.clone()), list),
            (None, None) => return None,
        };
        let secure = self.trace.main.secure;
        if !list.contains(&b'$') {
            self.warn_of_relative(list, dso.target);
            return Some((rule, list.to_vec()));
        }
        let real;
        let from = if dso.target == Target::Main {
            if secure {
                return None;
            }
            real = self.trace.main.real.clone();
            real.as_bytes()
        } else {
            &*dso.name
        };
        let origin = match from.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => &from[..slash],
            None => b".",
        };
        if secure && !origin.is_empty() && origin[0] != b'/' {
            return None;
        }
        let list = tokens::expand_musl(list, origin)?;
        self.warn_of_relative(&list, dso.target);
        Some((rule, list))
    }

    fn warn_of_relative(&mut self, list: &[u8], owner: Target) {
        let owner = match owner {
            Target::Object(object) => Requester::Object(object),
            _ => Requester::Main,
        };
        for element in list.split(|byte| matches!(byte, b':' | b'\n')) {
            if !element.is_empty() && element[0] != b'/' {
                let element = element.into();
                warn(&mut self.trace.warnings, Warning::RelativeElement { element, owner });
            }
        }
    }

    /// Returns the system's list: the path file replaces the built-in one, even if it is empty; one
    /// that cannot be read leaves none.
    fn read_system_path(&mut self) -> (Rule, Vec<u8>, Option<Configuration>) {
        let interpreter = &*self.interpreter.path;
        // Two levels above the loader: `/lib/ld-musl-x86_64.so.1` has an empty prefix.
        let mut slashes = (0..interpreter.len()).rev().filter(|at| interpreter[*at] == b'/');
        let prefix = match (interpreter.first(), slashes.next(), slashes.next()) {
            (Some(b'/'), Some(_), Some(second)) => &interpreter[..second],
            _ => b"",
        };
        let path = [prefix, b"/etc/ld-musl-", &self.musl.architecture, b".path"].concat();
        let read = self.roots.walk(&path, self.request.cwd).map_err(|error| error.errno);
        let read = read.and_then(|walk| {
            let file = self.roots.open(&walk)?;
            let size = walk.stat.size.min(MAX_PATH_FILE_BYTES);
            let mut bytes = vec![0; usize::try_from(size).map_err(|_| Errno::FBIG)?];
            let length = file.read_at(&mut bytes, 0)?;
            bytes.truncate(length);
            Ok((walk, bytes))
        });
        match read {
            Ok((walk, bytes)) => {
                // The file is taken as one C string.
                let list = bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
                let path = path.into();
                (Rule::PathFile, list, Some(Configuration { path, walk }))
            }
            Err(Errno::NOENT) => (Rule::Default, self.musl.path.to_vec(), None),
            Err(_) => (Rule::PathFile, Vec::new(), None),
        }
    }

    fn is_loadable(&self, elf: &Elf) -> bool {
        let same_machine = elf.machine == self.profile.machine
            && elf.layout.class == self.profile.class
            && elf.layout.big_endian == self.profile.big_endian;
        same_machine
            && elf.is_executable_or_shared()
            && elf.segments.as_ref().is_ok_and(|segments| {
                segments.loadable
                    && segments.loads.is_ok()
                    && matches!(segments.dynamic, Some(Ok(_)))
            })
    }

    fn has_short_name(&self, dso: usize) -> bool {
        self.short_names.values().any(|known| *known == dso)
    }

    fn note_name(&mut self, target: Target, name: &[u8]) {
        if let Target::Object(object) = target {
            let names = &mut self.trace.objects[object].names;
            if !names.iter().any(|known| **known == *name) {
                names.push(name.into());
            }
        }
    }

    fn refuse(&mut self, path: &[u8], found: Found, refusal: Refusal) {
        self.tried.push(Candidate { path: path.into(), found, refusal });
    }
}

fn is_reserved(name: &[u8]) -> bool {
    name.strip_prefix(b"lib")
        .is_some_and(|rest| RESERVED.iter().any(|reserved| rest.starts_with(reserved)))
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn plain(rule: Rule) -> Found {
    Found { rule, directory: None, capability: None }
}

/// Tells whether a library is a libc: it defines both of these.
fn is_other_libc(roots: &Roots, walk: &Walk, elf: &Elf) -> bool {
    let names: [&[u8]; 2] = [b"__libc_start_main", b"stdin"];
    roots
        .open(walk)
        .is_ok_and(|file| names.iter().all(|name| elf.defines(&*file, walk.stat.size, name)))
}
