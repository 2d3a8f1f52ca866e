//! What is opened at run time (glibc `elf/dl-open.c`, `dl_open_worker`): searched as a need of the
//! caller is, and then loaded with all that it needs.

use super::*;

impl State<'_> {
    /// Opens a library for an object. What goes wrong is an answer of `dlopen`, and ends nothing.
    pub(super) fn open(&mut self, opening: &Opening<'_>) {
        let Some(owner) = self.map_at(opening) else { return };
        let (lookup, before) = (self.trace.lookups.len(), self.maps.len());
        match self.map(opening.name, opening.name, Tag::Opened, owner) {
            Ok(Some(map)) => {
                let known = self.trace.fatal.take();
                let loaded = self.dependencies(vec![Queued { map, done: false }]);
                if loaded.and_then(|()| self.check_levels(before)).is_err() {
                    let fatal = self.trace.fatal.take();
                    self.trace.lookups.truncate(lookup + 1);
                    if let (Some(fatal), Some(lookup)) = (fatal, self.trace.lookups.get_mut(lookup))
                    {
                        let refusal = Refusal::Broken(fatal.cause);
                        let found = Found { rule: Rule::Path, directory: None, capability: None };
                        lookup.tried.push(Candidate { path: fatal.path, found, refusal });
                        lookup.outcome = Outcome::Ignored;
                    }
                }
                self.trace.fatal = known;
            }
            Ok(None) => {}
            Err(stopped) => self.optional_is_broken(lookup, stopped),
        }
    }

    fn map_at(&self, opening: &Opening<'_>) -> Option<usize> {
        let mut maps = self.order.iter().filter_map(|place| match place {
            Place::Map(map) => Some(*map),
            Place::Missing(_) => None,
        });
        maps.find(|map| match self.maps[*map].target {
            Target::Main => self.trace.main.real == *opening.by,
            Target::Object(object) => self.trace.objects[object].walk.real == *opening.by,
            Target::Interpreter | Target::Vdso => false,
        })
    }
}
