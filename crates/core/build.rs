//! Puts the pages of `docs/errors` into the program, for `imgc explain`, and decides how it is
//! linked.

#[path = "build/linking.rs"]
mod linking;

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() -> std::io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo names the package's directory");
    let target = env::var("OUT_DIR").expect("cargo names the output directory");
    let directory = Path::new(&root).join("docs/errors");
    println!("cargo::rerun-if-changed={}", directory.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory)? {
        let name = entry?.file_name().into_string().expect("pages have ASCII names");
        names.extend(name.strip_suffix(".md").map(str::to_owned));
    }
    names.sort();
    let mut table = String::from("&[\n");
    for name in names {
        let code = name.replace('.', "::");
        let page = directory.join(format!("{name}.md"));
        println!("cargo::rerun-if-changed={}", page.display());
        writeln!(table, "    ({code:?}, include_str!({page:?})),").expect("a string grows");
    }
    table.push_str("]\n");
    fs::write(Path::new(&target).join("pages.rs"), table)?;
    linking::decide(Path::new(&root), Path::new(&target))
}
