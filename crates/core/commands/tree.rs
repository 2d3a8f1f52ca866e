//! `imgc tree`: what is in an image, drawn as a tree.

use std::collections::BTreeMap;

use crate::args::ContentsArguments;
use crate::commands::{Failure, Outcome};
use crate::contents;
use crate::listing::{Listing, Row};
use crate::quantity::size;
use crate::session::Session;

/// A directory's entries by name. The map's order is that of the names' bytes.
#[derive(Default)]
struct Branch<'a> {
    row: Option<&'a Row>,
    below: BTreeMap<&'a str, Branch<'a>>,
}

/// Prints the tree; or the same JSON as `ls`.
pub(crate) fn run(
    arguments: &ContentsArguments,
    session: &mut Session,
) -> Result<Outcome, Failure> {
    if arguments.json {
        return super::ls::run(arguments, session);
    }
    for listing in contents::list(&arguments.image, session)? {
        let Listing { name, platform, entries } = &listing;
        session.output.line(format!("{name}  {platform}  {}", size(listing.size())))?;
        let mut root = Branch::default();
        for row in entries {
            let names = row.path.split('/').filter(|name| !name.is_empty());
            let branch = names.fold(&mut root, |at, name| at.below.entry(name).or_default());
            branch.row = Some(row);
        }
        let mut lines = Vec::new();
        draw(&root, "", &mut lines);
        for line in lines {
            session.output.line(line)?;
        }
    }
    Ok(Outcome::Done)
}

fn draw(branch: &Branch<'_>, indent: &str, lines: &mut Vec<String>) {
    let last = branch.below.len().saturating_sub(1);
    for (index, (name, below)) in branch.below.iter().enumerate() {
        let (corner, bar) =
            if index == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let shown = below.row.map_or(String::new(), |row| {
            let bytes = row.size.map_or(String::new(), |bytes| format!("  {}", size(bytes)));
            format!("{}{bytes}", row.arrow())
        });
        lines.push(format!("{indent}{corner}{name}{shown}"));
        draw(below, &format!("{indent}{bar}"), lines);
    }
}
