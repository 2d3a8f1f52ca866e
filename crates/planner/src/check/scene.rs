//! All that the rules look at, made once.

use imgc_parser::ImagePath;

use crate::check::program::{Evidence, Program};
use crate::closure::Closure;
use crate::plan::Plan;
use crate::spec::ImageSpec;
use crate::tree::ImageTree;

/// An image before it is written, and what is known about the files in it.
pub(super) struct Scene<'a> {
    pub(super) plan: &'a Plan,
    pub(super) spec: &'a ImageSpec,
    pub(super) closure: &'a Closure,
    pub(super) tree: ImageTree<'a>,
    pub(super) programs: Vec<Program<'a>>,
}

/// Who uses something: programs that surely do, and those that may.
#[derive(Debug, Default)]
pub(super) struct Users {
    pub(super) sure: Vec<Evidence>,
    pub(super) possible: Vec<Evidence>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(plan: &'a Plan, spec: &'a ImageSpec, closure: &'a Closure) -> Self {
        let tree = ImageTree::new(spec);
        Self { plan, spec, closure, tree, programs: Program::all(closure) }
    }

    /// Tells whether the image has something at a path, behind all links.
    pub(super) fn has(&self, path: &str) -> bool {
        self.tree.resolve(path.as_bytes(), &ImagePath::root()).is_ok()
    }

    /// Tells whether the image has something below a directory, with a name that the test takes.
    pub(super) fn has_in(&self, directory: &str, test: impl Fn(&[u8]) -> bool) -> bool {
        let Ok((directory, _)) = self.tree.resolve(directory.as_bytes(), &ImagePath::root()) else {
            return false;
        };
        self.tree.entries().any(|(path, _)| {
            path.parent().is_some_and(|parent| parent == directory)
                && path.file_name().is_some_and(&test)
        })
    }

    /// Returns the value of a variable of the image's environment, if it is not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&'a str> {
        let variable = self.spec.config.env.iter().rev().find(|(known, _)| known == name);
        variable.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Asks each program whether it uses something.
    pub(super) fn users(&self, uses: impl Fn(&Program<'a>) -> Option<Evidence>) -> Users {
        let mut users = Users::default();
        for program in &self.programs {
            let list = if program.is_interpreter { &mut users.possible } else { &mut users.sure };
            list.extend(uses(program));
        }
        users
    }

    /// Asks each program whether it surely uses something, and those that do not whether they may.
    pub(super) fn users_or(
        &self,
        surely: impl Fn(&Program<'a>) -> Option<Evidence>,
        perhaps: impl Fn(&Program<'a>) -> Option<Evidence>,
    ) -> Users {
        let mut users = self.users(&surely);
        let others = self.users(|program| match surely(program) {
            Some(_) => None,
            None => perhaps(program),
        });
        users.possible.extend(others.sure.into_iter().chain(others.possible));
        users
    }
}
