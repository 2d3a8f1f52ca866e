//! Bytes as a database of rpm: the packages of an image are those that it has, or there is a warning.
#![no_main]

use std::sync::{Arc, LazyLock};

use imgc_parser::{ProjectPath, SourceMap, SourceText, Texts};
use imgc_planner::Plan;
use imgc_resolver::{Host, HostPath, Memory};
use libfuzzer_sys::fuzz_target;

struct Recipe;

impl Texts for Recipe {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        let bytes = b"source host\nfile \"/usr/bin/tool\"\nneeds packages\n".to_vec();
        Ok(SourceText { name: path.to_string(), bytes })
    }
}

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let main = ProjectPath::resolve(&ProjectPath::project(), "recipe.kdl").expect("a plain name");
    let recipe = imgc_parser::parse(&main, &mut Recipe, &mut SourceMap::default());
    let recipe = recipe.unwrap_or_else(|_| panic!("the recipe is one"));
    let (plan, _) = imgc_planner::plan(&recipe).unwrap_or_else(|_| panic!("it has a plan"));
    plan
});

fuzz_target!(|bytes: &[u8]| {
    let host = Memory::new()
        .link("/bin", "usr/bin")
        .file("/usr/bin/tool", "tool")
        .file("/etc/os-release", "ID=fedora\n")
        .file("/usr/lib/sysimage/rpm/rpmdb.sqlite", bytes)
        .directory("/work");
    let host: Arc<dyn Host> = Arc::new(host);
    let project = HostPath::new(b"/work");
    let again = || imgc_resolver::resolve(&PLAN, None, &project, &host);
    match (again(), again()) {
        (Ok(one), Ok(other)) => assert_eq!(one.closure, other.closure),
        // A database without packages.
        (Err(one), Err(other)) => assert_eq!(one, other),
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("the same bytes are the same packages"),
    }
});
