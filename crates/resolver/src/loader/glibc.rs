//! glibc's loader: which objects a program starts with, and in which order they come.
//!
//! The order is that of `elf/dl-deps.c` (`_dl_map_object_deps`): breadth first, filters before
//! their owners. Where a single name is searched, is in [`find`]; what is loaded, in [`map`].

mod find;
mod map;
mod open;
mod preload;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use imgc_planner::Rule;
use imgc_planner::recipe::ImagePath;

use crate::root::Roots;

use super::cache::{self, Cache};
use super::capability;
use super::elf::{AbiTag, Tag};
use super::fatal::{Cause, Fatal};
use super::path_list::{self, PathList, warn};
use super::profile::{Glibc, Profile};
use super::request::{Opening, Request};
use super::search::{Search, Stopped};
use super::tokens::{self, Secure, Values};
use super::trace::{
    Candidate, Configuration, Found, Interpreter, Listed, Lookup, Missing, Outcome, Refusal,
    Requester, Target, Trace,
};
use super::warning::Warning;
use super::{Loader, MAX_OBJECTS, verify, versions};
use map::{INTERPRETER, MAIN, Names};
pub(super) use map::{Map, place_of};

/// State of one start, in one namespace of the loader.
struct State<'a> {
    loader: &'a Loader,
    request: &'a Request<'a>,
    interpreter: &'a Interpreter,
    profile: &'a Profile,
    glibc: &'a Glibc,
    platform: Option<&'a [u8]>,
    trace: &'a mut Trace,
    search: Search<'a>,
    /// All that is loaded: main, the loader, the vDSO, and then objects.
    maps: Vec<Map>,
    /// The loader's list, in whose order names are compared.
    order: Vec<Place>,
    names: Names,
    /// The working directory without links, as `getcwd(3)` tells it, once it matters.
    cwd: OnceCell<ImagePath>,
    /// Directory of the program's real file: `/proc/self/exe` (`_dl_get_origin`).
    main_origin: Box<[u8]>,
    library_path: PathList,
    default_directories: PathList,
    active: Vec<Box<[u8]>>,
    cache: Option<Option<Arc<Cache>>>,
    /// Whether this is the namespace of an auditor.
    audit: bool,
}

/// A place of the loader's list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A map.
    Map(usize),
    /// What a trace shows for a name that is missing; no name matches it.
    Missing(usize),
}

/// A map that waits for its dependencies, or has them.
#[derive(Clone, Copy)]
struct Queued {
    map: usize,
    done: bool,
}

/// Says that the loading ended; why, is in the trace.
struct Ended;

pub(super) fn load(
    loader: &Loader,
    roots: &Roots,
    request: &Request<'_>,
    (interpreter, glibc): (&Interpreter, &Glibc),
    openings: &[Opening<'_>],
    trace: &mut Trace,
) {
    let audits = audit_names(trace);
    let mut state = State::new(loader, roots, request, interpreter, glibc, trace, false);
    let finished = state.program();
    state.check_maps();
    state.note_order();
    if finished.is_ok() {
        for opening in openings {
            state.open(opening);
        }
        let (maps, order) = (std::mem::take(&mut state.maps), std::mem::take(&mut state.order));
        versions::check(&maps, &order, glibc.version, trace);
    }
    for name in audits {
        // Each auditor has a namespace of its own; one that is broken is only a message.
        let mut state = State::new(loader, roots, request, interpreter, glibc, trace, true);
        state.auditor(&name);
    }
}

/// Returns what `DT_AUDIT` and `DT_DEPAUDIT` of the program name, in order.
fn audit_names(trace: &Trace) -> Vec<Box<[u8]>> {
    let Some(dynamic) = trace.main.elf.dynamic() else { return Vec::new() };
    let lists = [&dynamic.audit, &dynamic.depaudit];
    let names = lists.into_iter().flatten().flat_map(|list| list.split(|byte| *byte == b':'));
    // In a secure start, names with a slash are passed over (`elf/rtld.c`, `audit_list_next`).
    names
        .filter(|name| !name.is_empty())
        .filter(|name| !(trace.main.secure && name.contains(&b'/')))
        .map(Into::into)
        .collect()
}

impl<'a> State<'a> {
    fn new(
        loader: &'a Loader,
        roots: &'a Roots,
        request: &'a Request<'a>,
        interpreter: &'a Interpreter,
        glibc: &'a Glibc,
        trace: &'a mut Trace,
        audit: bool,
    ) -> Self {
        let profile = &*interpreter.profile;
        let platform = request.platform.or_else(|| profile.machine.platform());
        let active = capability::active(&glibc.capabilities, request.level);
        let parent = trace.main.real.parent();
        let main_origin = parent.map_or_else(|| (*b"/").into(), |path| path.as_bytes().into());
        let search = Search {
            roots,
            shelf: &loader.shelf,
            cwd: request.cwd,
            profile,
            passes_over_files: glibc.version >= (2, 39),
            prefixes: capability::prefixes(
                &active,
                profile,
                glibc.version,
                request.level,
                request.platform,
            ),
            known: HashMap::new(),
            tried: Vec::new(),
            only_set_user_id: false,
        };
        let mut state = State {
            loader,
            request,
            interpreter,
            profile,
            glibc,
            platform,
            trace,
            search,
            maps: Vec::new(),
            order: Vec::new(),
            names: Names::default(),
            cwd: OnceCell::new(),
            main_origin,
            library_path: PathList::new(),
            default_directories: glibc.directories.clone(),
            active,
            cache: None,
            audit,
        };
        state.add_first_maps();
        if let Some(list) = request.library_path
            && !state.trace.main.secure
        {
            state.library_path = state.path_list(list, b":;", MAIN);
        }
        state
    }

    /// Loads the preloaded objects, and then what the program and they need.
    fn program(&mut self) -> Result<(), Ended> {
        let mut queue = vec![Queued { map: MAIN, done: false }];
        for (name, is_opened) in self.preloads() {
            if let Some(map) = self.preload(&name, is_opened) {
                queue.push(Queued { map, done: false });
            }
        }
        let main = &self.trace.main.elf;
        let dynamic = main.segments.as_ref().ok().map(|segments| &segments.dynamic);
        match dynamic {
            Some(Some(Ok(_))) => {
                self.dependencies(queue)?;
                self.check_levels(MAIN)
            }
            Some(Some(Err(problem))) => {
                let cause = Cause::Elf(*problem);
                Err(self.stop(cause, MAIN, self.request.program))
            }
            // The loader has no word for it, and crashes.
            Some(None) | None => Err(self.stop(Cause::NoDynamic, MAIN, self.request.program)),
        }
    }

    /// Compares what objects ask of the processor, once all of them are loaded: those from `first` on
    /// (`sysdeps/x86/dl-prop.h`, `dl_isa_level_check`). The loader itself runs already.
    fn check_levels(&mut self, first: usize) -> Result<(), Ended> {
        let too_high = (first..self.maps.len()).rev().find_map(|map| {
            let elf = self.maps[map].elf.as_ref().filter(|_| map != INTERPRETER)?;
            let checked = verify::check_level(elf, self.glibc.version, self.request.level);
            Some((map, checked.err()?))
        });
        match too_high {
            Some((MAIN, cause)) => Err(self.stop(cause, MAIN, self.request.program)),
            Some((map, cause)) => {
                let path = self.maps[map].path.clone();
                Err(self.stop(cause, map, &path))
            }
            None => Ok(()),
        }
    }

    /// Loads an auditor with all that it needs, in the namespace of its own.
    fn auditor(&mut self, name: &[u8]) {
        let lookup = self.trace.lookups.len();
        self.search.only_set_user_id = self.trace.main.secure;
        let mapped = self.map(name, name, Tag::Audit, MAIN);
        self.search.only_set_user_id = false;
        match mapped {
            Ok(Some(map)) => {
                // Its start may fail; the program's does not.
                let fatal = self.trace.fatal.take();
                let _ = self.dependencies(vec![Queued { map, done: false }]);
                self.trace.fatal = fatal;
            }
            Ok(None) => {}
            Err(stopped) => self.optional_is_broken(lookup, stopped),
        }
    }

    /// Walks the queue (`_dl_map_object_deps`).
    fn dependencies(&mut self, mut queue: Vec<Queued>) -> Result<(), Ended> {
        let mut waiting: Vec<bool> = vec![false; self.maps.len()];
        for queued in &queue {
            waiting[queued.map] = true;
        }
        let mut at = 0;
        let mut steps = 0;
        while at < queue.len() {
            // Filters that name each other are moved before each other for ever.
            steps += 1;
            if steps > 4 * MAX_OBJECTS || self.maps.len() > MAX_OBJECTS {
                return Err(self.stop(Cause::TooMany, queue[at].map, b""));
            }
            let owner = queue[at].map;
            queue[at].done = true;
            let mut owner_at = at;
            let elf = self.maps[owner].elf.clone();
            let needed = elf.as_ref().and_then(|elf| elf.dynamic());
            for (tag, written) in needed.map(|dynamic| &*dynamic.needed).unwrap_or_default() {
                let Some(name) = self.expand_name(written, *tag, owner)? else { continue };
                let lookup = self.trace.lookups.len();
                let mapped = match self.map(written, &name, *tag, owner) {
                    Ok(mapped) => mapped,
                    Err(stopped) if *tag == Tag::Auxiliary => {
                        self.optional_is_broken(lookup, stopped);
                        continue;
                    }
                    Err(stopped) => return Err(self.stop(stopped.cause, owner, &stopped.path)),
                };
                let Some(map) = mapped else {
                    self.note_missing(lookup, owner);
                    continue;
                };
                waiting.resize(self.maps.len(), false);
                if *tag == Tag::Needed {
                    if !waiting[map] {
                        waiting[map] = true;
                        queue.push(Queued { map, done: false });
                    }
                    continue;
                }
                if waiting[map] {
                    // It stays where it is if that is earlier, and moves here if it is later.
                    let later = (owner_at + 1..queue.len()).find(|place| queue[*place].map == map);
                    match later {
                        Some(later) => drop(queue.remove(later)),
                        None => continue,
                    }
                }
                waiting[map] = true;
                queue.insert(owner_at, Queued { map, done: false });
                owner_at += 1;
                self.move_before(map, owner);
            }
            while queue.get(at).is_some_and(|queued| queued.done) {
                at += 1;
            }
        }
        if !self.audit {
            self.trace.scope = queue.iter().map(|queued| self.maps[queued.map].target).collect();
        }
        Ok(())
    }

    /// Expands the tokens of a name (`elf/dl-deps.c`, `expand_dst`). The loader means to stop for a
    /// `DT_NEEDED` without a value and to pass over an auxiliary one, and does the reverse.
    fn expand_name(
        &mut self,
        written: &[u8],
        tag: Tag,
        owner: usize,
    ) -> Result<Option<Box<[u8]>>, Ended> {
        if !tokens::has_token(written) {
            return Ok(Some(written.into()));
        }
        if self.trace.main.secure {
            return Err(self.stop(Cause::SecureToken, owner, written));
        }
        self.warn_of_platform(written, owner);
        if let Some(name) = tokens::expand(written, &self.values(owner)) {
            return Ok(Some(name.into()));
        }
        if tag == Tag::Auxiliary {
            return Err(self.stop(Cause::EmptyToken, owner, written));
        }
        let lookup = Lookup {
            requester: place_of(&self.maps[owner]),
            tag,
            written: written.into(),
            name: Box::default(),
            outcome: Outcome::Ignored,
            tried: Vec::new(),
        };
        self.trace.lookups.push(lookup);
        Ok(None)
    }

    fn stop(&mut self, cause: Cause, owner: usize, path: &[u8]) -> Ended {
        let requester = place_of(&self.maps[owner]);
        self.trace.fatal = Some(Fatal { cause, path: path.into(), requester });
        Ended
    }

    /// Turns what would be fatal into a message: the object is optional.
    fn optional_is_broken(&mut self, lookup: usize, stopped: Stopped) {
        let missing = self.trace.missing.len();
        self.trace.warnings.push(Warning::OptionalMissing { missing });
        let refusal = Refusal::Broken(stopped.cause);
        let candidate = Candidate { path: stopped.path, found: stopped.found, refusal };
        let Some(lookup) = self.trace.lookups.get_mut(lookup) else { return };
        let mut tried = std::mem::take(&mut lookup.tried);
        tried.push(candidate);
        lookup.outcome = Outcome::Missing(missing);
        self.trace.missing.push(Missing {
            requester: lookup.requester,
            tag: lookup.tag,
            name: lookup.name.clone(),
            required: false,
            tried,
        });
    }

    /// Returns what tokens stand for in `owner`.
    fn values(&self, owner: usize) -> Values<'_> {
        let origin = if owner == MAIN { &self.main_origin } else { &self.maps[owner].origin };
        Values {
            origin,
            lib: &self.glibc.lib,
            platform: self.platform,
            secure: self
                .trace
                .main
                .secure
                .then_some(Secure { trusted: &self.glibc.directories, in_main: owner == MAIN }),
        }
    }

    fn path_list(&mut self, list: &[u8], separators: &[u8], owner: usize) -> PathList {
        let mut warnings = std::mem::take(&mut self.trace.warnings);
        let requester = place_of(&self.maps[owner]);
        let list =
            path_list::parse(list, separators, &self.values(owner), requester, &mut warnings);
        self.trace.warnings = warnings;
        list
    }

    fn warn_of_platform(&mut self, text: &[u8], owner: usize) {
        if tokens::has_platform(text) {
            let owner = place_of(&self.maps[owner]);
            warn(&mut self.trace.warnings, Warning::Platform { text: text.into(), owner });
        }
    }

    fn note_order(&mut self) {
        let listed = self.order.iter().filter_map(|place| match place {
            Place::Missing(missing) => Some(Listed::Missing(*missing)),
            Place::Map(map) => match self.maps[*map].target {
                Target::Object(object) => Some(Listed::Object(object)),
                Target::Main | Target::Interpreter | Target::Vdso => None,
            },
        });
        self.trace.order = listed.collect();
    }

    /// Puts what a look-up did not find into the list: at its end, or before the owner of a filter.
    fn note_missing(&mut self, lookup: usize, owner: usize) {
        let Some(Lookup { outcome: Outcome::Missing(missing), tag, .. }) =
            self.trace.lookups.get(lookup)
        else {
            return;
        };
        let place = match tag {
            Tag::Filter | Tag::Auxiliary => self.place_before(owner),
            Tag::Needed | Tag::Audit | Tag::Preload | Tag::Opened => self.order.len(),
        };
        self.order.insert(place, Place::Missing(*missing));
    }

    /// Warns of what the objects ask of the machine that the image will run on.
    fn check_maps(&mut self) {
        for map in &self.maps {
            let Some(segments) = map.elf.as_ref().and_then(|elf| elf.segments.as_ref().ok()) else {
                continue;
            };
            let object = place_of(map);
            if let Some(tag @ AbiTag { system: 0, version }) = segments.abi_tag
                && self.glibc.version < (2, 36)
                && version[0] > 5
            {
                self.trace.warnings.push(Warning::KernelVersion { object, tag });
            }
            if self.request.level.is_none()
                && self.glibc.version >= (2, 33)
                && segments.isa_needed > 1
            {
                let needed = segments.isa_needed;
                self.trace.warnings.push(Warning::IsaLevel { object, needed });
            }
        }
    }

    /// Returns the cache, read once.
    fn cache(&mut self) -> Option<Arc<Cache>> {
        if let Some(cache) = &self.cache {
            return cache.clone();
        }
        let cache = self.read_cache();
        self.cache = Some(cache.clone());
        cache
    }

    fn read_cache(&self) -> Option<Arc<Cache>> {
        let walk = self.search.roots.walk(&self.glibc.cache, self.request.cwd).ok()?;
        let known = self.loader.caches().get(&walk.stat.id).cloned();
        if let Some(known) = known {
            return known;
        }
        let file = self.search.roots.open(&walk).ok()?;
        let size = walk.stat.size.min(cache::MAX_CACHE_BYTES);
        let bytes = self.loader.read_whole(&*file, size).ok();
        let cache = bytes.and_then(|bytes| Cache::parse(bytes, self.profile.big_endian));
        let cache = cache.map(Arc::new);
        self.loader.caches().insert(walk.stat.id, cache.clone());
        cache
    }
}
