//! Text to recipe to plan: whatever the text, there is an answer.
#![no_main]

use imgc_parser::{ProjectPath, SourceMap, SourceText, Texts};
use libfuzzer_sys::fuzz_target;

/// A project in which every file has the same text.
struct OneText<'a>(&'a [u8]);

impl Texts for OneText<'_> {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        Ok(SourceText { name: path.to_string(), bytes: self.0.to_vec() })
    }
}

fuzz_target!(|bytes: &[u8]| {
    let main = ProjectPath::resolve(&ProjectPath::project(), "recipe.kdl").expect("a plain name");
    let mut map = SourceMap::default();
    if let Ok(recipe) = imgc_parser::parse(&main, &mut OneText(bytes), &mut map) {
        let again = imgc_parser::parse(&main, &mut OneText(bytes), &mut SourceMap::default());
        let again = again.expect("the same text is the same recipe");
        let id = |recipe| imgc_planner::plan(recipe).map(|(plan, _)| plan.id()).ok();
        assert_eq!(id(&recipe), id(&again));
    }
});
