//! Where glibc's loader searches one name (`elf/dl-load.c`, `_dl_map_object`).

use super::*;
use crate::loader::search::Opened;

impl State<'_> {
    /// Opens the file that `name` means for `owner`. Nothing if there is none.
    pub(super) fn find(&mut self, name: &[u8], owner: usize) -> Result<Option<Opened>, Stopped> {
        if name.contains(&b'/') {
            // Tokens a second time: those that came in by the first expansion.
            let Some(path) = tokens::expand(name, &self.values(owner)) else { return Ok(None) };
            return self.search.open(&path, plain(Rule::Path));
        }
        if self.dynamic(owner).is_none_or(|dynamic| dynamic.runpath.is_none())
            && let Some(opened) = self.find_by_rpath(name, owner)?
        {
            return Ok(Some(opened));
        }
        let library_path = std::mem::take(&mut self.library_path);
        let result = self.search.list(name, &library_path, &Rule::LibraryPath);
        self.library_path = library_path;
        if let Some(opened) = result? {
            return Ok(Some(opened));
        }
        if let Some(opened) = self.find_by_runpath(name, owner)? {
            return Ok(Some(opened));
        }
        let refuses_defaults =
            self.dynamic(owner).is_some_and(|dynamic| dynamic.no_default_directories());
        if !self.search.only_set_user_id
            && let Some(opened) = self.find_in_cache(name, refuses_defaults)?
        {
            return Ok(Some(opened));
        }
        if refuses_defaults {
            return Ok(None);
        }
        let directories = std::mem::take(&mut self.default_directories);
        let result = self.search.list(name, &directories, &Rule::Default);
        self.default_directories = directories;
        result
    }

    fn dynamic(&self, map: usize) -> Option<&crate::loader::elf::Dynamic> {
        self.maps[map].elf.as_ref()?.dynamic()
    }

    /// Returns the path that a rule names for a map: the loader has none for the program.
    fn shown(&self, map: usize) -> Box<[u8]> {
        if map == MAIN { self.request.program.into() } else { self.maps[map].path.clone() }
    }

    /// Searches the `DT_RPATH` of the owner, of who loaded it, and so on up to the program.
    fn find_by_rpath(&mut self, name: &[u8], owner: usize) -> Result<Option<Opened>, Stopped> {
        let mut next = Some(owner);
        let mut main_was_searched = false;
        while let Some(map) = next {
            if let Some(opened) = self.search_rpath(name, map)? {
                return Ok(Some(opened));
            }
            main_was_searched |= map == MAIN;
            next = self.maps[map].loader;
        }
        if main_was_searched { Ok(None) } else { self.search_rpath(name, MAIN) }
    }

    fn search_rpath(&mut self, name: &[u8], map: usize) -> Result<Option<Opened>, Stopped> {
        let list = match self.maps[map].rpath.take() {
            Some(list) => list,
            None => {
                let text = self.dynamic(map).and_then(|dynamic| dynamic.effective_rpath());
                let text = text.unwrap_or_default().to_vec();
                self.path_list(&text, b":", map)
            }
        };
        let result = if list.is_empty() {
            Ok(None)
        } else {
            let rule = Rule::Rpath(self.shown(map));
            self.search.list(name, &list, &rule)
        };
        self.maps[map].rpath = Some(list);
        result
    }

    fn find_by_runpath(&mut self, name: &[u8], owner: usize) -> Result<Option<Opened>, Stopped> {
        // Auditors are also searched by the program's, who else asks for them.
        let list = match self.maps[owner].runpath.take() {
            Some(list) => list,
            None => {
                let text = self.dynamic(owner).and_then(|dynamic| dynamic.runpath.as_deref());
                let text = text.unwrap_or_default().to_vec();
                self.path_list(&text, b":", owner)
            }
        };
        let result = if list.is_empty() {
            Ok(None)
        } else {
            let rule = Rule::Runpath(self.shown(owner));
            self.search.list(name, &list, &rule)
        };
        self.maps[owner].runpath = Some(list);
        result
    }

    fn find_in_cache(
        &mut self,
        name: &[u8],
        refuses_defaults: bool,
    ) -> Result<Option<Opened>, Stopped> {
        let Some(cache) = self.cache() else { return Ok(None) };
        let choice = cache::Choice {
            profile: self.profile,
            version: self.glibc.version,
            active: &self.active,
            level: self.request.level,
        };
        let Some(answer) = cache.look_up(name, &choice) else { return Ok(None) };
        let found = Found { capability: answer.capability, ..plain(Rule::Cache) };
        // A comparison of beginnings: what lies below such a directory is refused too.
        let is_default = |path: &[u8]| {
            self.glibc.directories.iter().any(|directory| path.starts_with(directory))
        };
        if refuses_defaults && is_default(&answer.path) {
            self.search.refuse(&answer.path, found, Refusal::DefaultDirectory);
            return Ok(None);
        }
        let opened = self.search.open(&answer.path, found)?;
        if opened.is_some()
            && !self.trace.configuration.iter().any(|known| known.path == self.glibc.cache)
            && let Ok(walk) = self.search.roots.walk(&self.glibc.cache, self.request.cwd)
        {
            let path = self.glibc.cache.clone();
            self.trace.configuration.push(Configuration { path, walk });
        }
        Ok(opened)
    }
}

fn plain(rule: Rule) -> Found {
    Found { rule, directory: None, capability: None }
}
