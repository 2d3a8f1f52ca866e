//! `imgc check`: everything that `build` does but writing.

use crate::args::RecipesArguments;
use crate::commands::{Failure, Outcome};
use crate::lockfile;
use crate::pipeline;
use crate::session::Session;

/// Checks all recipes, also behind one that has errors.
pub(crate) fn run(arguments: &RecipesArguments, session: &mut Session) -> Result<Outcome, Failure> {
    let mut reports = Vec::new();
    for recipe in &arguments.recipes {
        let compiled = pipeline::compile(recipe, session);
        let checked = compiled
            .and_then(|compiled| lockfile::check(&compiled, arguments.locked).map(|()| compiled));
        match checked {
            Ok(compiled) => session.talk.say(format!(
                "{}: no errors ({})",
                recipe.display(),
                compiled.summary()
            )),
            Err(Failure(failed)) => reports.extend(failed),
        }
    }
    if reports.is_empty() { Ok(Outcome::Done) } else { Err(reports.into()) }
}
