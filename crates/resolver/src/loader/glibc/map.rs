//! What is loaded, and under which names it is known (glibc `elf/dl-load.c`, `_dl_map_object`).

use std::collections::HashMap;
use std::sync::Arc;

use crate::host::FileId;
use crate::loader::elf::Machine;

use super::*;
use crate::loader::elf::Elf;
use crate::loader::search::Opened;
use crate::loader::trace::Object;
use crate::loader::verify;

/// Places of the two that are loaded by the kernel; the vDSO comes third.
pub(in crate::loader) const MAIN: usize = 0;
pub(in crate::loader) const INTERPRETER: usize = 1;

/// One loaded object (`struct link_map`).
pub(in crate::loader) struct Map {
    pub(in crate::loader) target: Target,
    /// `l_name`.
    pub(in crate::loader) path: Box<[u8]>,
    /// `l_libname`: what it was asked for as, without its soname until that was asked for.
    pub(in crate::loader) names: Vec<Box<[u8]>>,
    /// Who loaded it (`l_loader`).
    pub(super) loader: Option<usize>,
    /// Directory part of the path.
    pub(super) origin: Box<[u8]>,
    /// Its file; main, loader and vDSO have none, so that their files can be loaded again.
    id: Option<FileId>,
    /// Its headers; the vDSO has none.
    pub(in crate::loader) elf: Option<Arc<Elf>>,
    pub(super) rpath: Option<PathList>,
    pub(super) runpath: Option<PathList>,
    /// Whether it stands before the program in the loader's list, as filters of the program do. The
    /// loader reads its list from the program on, so that no name leads to this (`_ns_loaded`).
    pub(in crate::loader) hidden: bool,
}

impl Map {
    /// Tells whether the object has this name (`_dl_name_match_p`); its soname is none as long as
    /// nobody asked for it.
    pub(in crate::loader) fn has_name(&self, name: &[u8]) -> bool {
        *self.path == *name || self.names.iter().any(|own| **own == *name)
    }
}

/// Which maps have a name: as their path, their names or their soname.
#[derive(Default)]
pub(super) struct Names(HashMap<Box<[u8]>, Vec<usize>>);

impl Names {
    fn add(&mut self, name: &[u8], map: usize) {
        match self.0.get_mut(name) {
            Some(maps) if maps.contains(&map) => {}
            Some(maps) => maps.push(map),
            None => drop(self.0.insert(name.into(), vec![map])),
        }
    }
}

/// Returns who a map is when it asks for something.
pub(in crate::loader) fn place_of(map: &Map) -> Requester {
    match map.target {
        Target::Object(place) => Requester::Object(place),
        Target::Main | Target::Interpreter | Target::Vdso => Requester::Main,
    }
}

impl State<'_> {
    /// Adds the program, the loader and the vDSO.
    pub(super) fn add_first_maps(&mut self) {
        let main = Arc::clone(&self.trace.main.elf);
        let interpreter = self.interpreter;
        self.add_map(Target::Main, b"", b"", Some(main), None, None);
        let path = &interpreter.path;
        let elf = Some(Arc::clone(&interpreter.elf));
        self.add_map(Target::Interpreter, path, path, elf, None, None);
        // The loader records its own soname (`elf/rtld.c`); others get theirs when it is asked for.
        if let Some(soname) = interpreter.elf.dynamic().and_then(|dynamic| dynamic.soname.clone()) {
            self.maps[INTERPRETER].names.push(soname);
        }
        let vdso: &[u8] = match self.profile.machine {
            Machine::I386 => b"linux-gate.so.1",
            Machine::PPC64 | Machine::S390 => b"linux-vdso64.so.1",
            _ => b"linux-vdso.so.1",
        };
        self.add_map(Target::Vdso, vdso, vdso, None, None, None);
    }

    fn add_map(
        &mut self,
        target: Target,
        path: &[u8],
        name: &[u8],
        elf: Option<Arc<Elf>>,
        loader: Option<usize>,
        id: Option<FileId>,
    ) -> usize {
        let map = self.maps.len();
        self.names.add(path, map);
        self.names.add(name, map);
        if let Some(soname) =
            elf.as_ref().and_then(|elf| elf.dynamic()).and_then(|dynamic| dynamic.soname.as_deref())
        {
            self.names.add(soname, map);
        }
        self.maps.push(Map {
            target,
            path: path.into(),
            names: vec![name.into()],
            loader,
            origin: self.origin(path),
            id,
            elf,
            rpath: None,
            runpath: None,
            hidden: false,
        });
        self.order.push(Place::Map(map));
        map
    }

    /// Moves a map before another one in the loader's list, as filters are.
    pub(super) fn move_before(&mut self, map: usize, owner: usize) {
        self.order.retain(|other| *other != Place::Map(map));
        let place = self.place_before(owner);
        self.order.insert(place, Place::Map(map));
        self.maps[map].hidden = owner == MAIN || self.maps[owner].hidden;
    }

    /// Returns the place of a map in the loader's list.
    pub(super) fn place_before(&self, owner: usize) -> usize {
        self.order.iter().position(|other| *other == Place::Map(owner)).unwrap_or(0)
    }

    /// Returns the maps that names lead to, in the order of the loader's list.
    pub(super) fn listed(&self) -> impl Iterator<Item = usize> {
        self.order.iter().filter_map(|place| match place {
            Place::Map(map) if !self.maps[*map].hidden => Some(*map),
            Place::Map(_) | Place::Missing(_) => None,
        })
    }

    /// Returns the map that `name` leads to: one that has the name, one that is the same file, or
    /// a new one. Nothing if there is none.
    pub(super) fn map(
        &mut self,
        written: &[u8],
        name: &[u8],
        tag: Tag,
        owner: usize,
    ) -> Result<Option<usize>, Stopped> {
        let requester = place_of(&self.maps[owner]);
        let mut lookup = Lookup {
            requester,
            tag,
            written: written.into(),
            name: name.into(),
            outcome: Outcome::Fatal,
            tried: Vec::new(),
        };
        if let Some(map) = self.loaded(name) {
            lookup.outcome = Outcome::Loaded(self.maps[map].target);
            self.note_name(map, name);
            self.trace.lookups.push(lookup);
            return Ok(Some(map));
        }
        let found = self.find(name, owner);
        lookup.tried = std::mem::take(&mut self.search.tried);
        let opened = match found {
            Ok(Some(opened)) => opened,
            Ok(None) => {
                let missing = self.trace.missing.len();
                lookup.outcome = Outcome::Missing(missing);
                let tried = std::mem::take(&mut lookup.tried);
                self.trace.lookups.push(lookup);
                let required = matches!(tag, Tag::Needed | Tag::Filter) && !self.audit;
                if !required {
                    self.trace.warnings.push(Warning::OptionalMissing { missing });
                }
                let name = name.into();
                self.trace.missing.push(Missing { requester, tag, name, required, tried });
                return Ok(None);
            }
            Err(stopped) => {
                self.trace.lookups.push(lookup);
                return Err(stopped);
            }
        };
        if opened.path.first() != Some(&b'/') {
            let path = opened.path.clone();
            warn(&mut self.trace.warnings, Warning::DependsOnWorkingDirectory { path });
        }
        let id = opened.walk.stat.id;
        let same_file = self.listed().find(|map| self.maps[*map].id == Some(id));
        if let Some(map) = same_file {
            self.note_name(map, name);
            if let Target::Object(object) = self.maps[map].target {
                let Opened { path, found, walk, .. } = opened;
                lookup.outcome = Outcome::SameFile { object, path, found, walk };
            }
            self.trace.lookups.push(lookup);
            return Ok(Some(map));
        }
        let checked = verify::contents(&opened.elf, self.glibc.version);
        if let Err(cause) = checked {
            self.trace.lookups.push(lookup);
            return Err(Stopped { path: opened.path, found: opened.found, cause });
        }
        let object = self.trace.objects.len();
        lookup.outcome = Outcome::Opened(object);
        self.trace.lookups.push(lookup);
        let map = self.add_map(
            Target::Object(object),
            &opened.path,
            name,
            Some(Arc::clone(&opened.elf)),
            Some(owner),
            Some(id),
        );
        self.trace.objects.push(Object {
            path: opened.path,
            names: vec![name.into()],
            soname: opened.elf.dynamic().and_then(|dynamic| dynamic.soname.clone()),
            requester,
            tag,
            found: opened.found,
            walk: opened.walk,
            audit: self.audit,
            elf: opened.elf,
        });
        Ok(Some(map))
    }

    /// Returns the first map of the list that has this path, name or soname.
    fn loaded(&self, name: &[u8]) -> Option<usize> {
        match &**self.names.0.get(name)? {
            [] => None,
            [map] => (!self.maps[*map].hidden).then_some(*map),
            // Rare: two objects with one soname. The list is in another order than the maps only
            // after a filter.
            maps => self.listed().find(|map| maps.contains(map)),
        }
    }

    fn note_name(&mut self, map: usize, name: &[u8]) {
        self.names.add(name, map);
        if !self.maps[map].has_name(name) {
            self.maps[map].names.push(name.into());
        }
        if let Target::Object(object) = self.maps[map].target {
            let names = &mut self.trace.objects[object].names;
            if !names.iter().any(|known| **known == *name) {
                names.push(name.into());
            }
        }
    }

    /// Returns the directory of a path as it was opened (`elf/dl-object.c`, `_dl_new_object`).
    fn origin(&self, path: &[u8]) -> Box<[u8]> {
        let absolute;
        let path = if path.first() == Some(&b'/') {
            path
        } else {
            let cwd = self.request.cwd;
            let cwd = self.cwd.get_or_init(|| {
                self.search.roots.walk(b".", cwd).map_or(cwd.clone(), |walk| walk.real)
            });
            let slash: &[u8] = if cwd.is_root() { b"" } else { b"/" };
            absolute = [cwd.as_bytes(), slash, path].concat();
            &absolute
        };
        let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        path[..slash.max(1)].into()
    }
}
