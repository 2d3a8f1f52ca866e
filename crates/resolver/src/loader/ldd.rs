//! A trace as `imgc ldd` shows it.

use imgc_planner::Rule;

use super::elf::Tag;
use super::trace::{Requester, Trace};

/// What `imgc ldd` shows of one program. The loader and the vDSO are not among the libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The program, as it was asked for.
    pub file: Box<[u8]>,
    /// `PT_INTERP`.
    pub interpreter: Option<Box<[u8]>>,
    /// The libraries in the order of the loader's list, then those that are missing.
    pub libraries: Vec<Library>,
    /// What ended the loading.
    pub fatal: Option<String>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The name as it was first asked for, after expansion of tokens.
    pub name: Box<[u8]>,
    /// The path as it was opened; nothing if it is missing.
    pub path: Option<Box<[u8]>>,
    /// The path in the root with all links resolved.
    pub real_path: Option<Box<[u8]>>,
    /// How it was found.
    pub rule: Option<Rule>,
    /// Who asked first: the path as opened, or the program's.
    pub needed_by: Box<[u8]>,
}

impl Trace {
    /// Returns what `imgc ldd` shows of this, for a program asked for as `file`.
    #[must_use]
    pub fn listing(&self, file: &[u8]) -> Listing {
        let by = |requester| match requester {
            Requester::Main => file.into(),
            Requester::Object(place) => self.objects[place].path.clone(),
        };
        let found = self.order.iter().map(|place| &self.objects[*place]).map(|object| Library {
            name: object.names.first().cloned().unwrap_or_default(),
            path: Some(object.path.clone()),
            real_path: Some(object.walk.real.as_bytes().into()),
            rule: Some(object.found.rule.clone()),
            needed_by: by(object.requester),
        });
        let missing =
            self.missing.iter().filter(|missing| missing.tag != Tag::Audit).map(|missing| {
                Library {
                    name: missing.name.clone(),
                    path: None,
                    real_path: None,
                    rule: None,
                    needed_by: by(missing.requester),
                }
            });
        Listing {
            file: file.into(),
            interpreter: self.kind.interpreter().map(|interpreter| interpreter.path.clone()),
            libraries: found.chain(missing).collect(),
            fatal: self.fatal.as_ref().map(|fatal| {
                let path = imgc_planner::recipe::Printable::new(&fatal.path);
                format!("{path}: {}", fatal.cause)
            }),
        }
    }
}
