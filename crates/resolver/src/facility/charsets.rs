//! `needs charsets`: texts are converted between character sets (`iconv(3)`).
//!
//! glibc has a module for most of them, in the directory `gconv` beside itself, with a list of all.
//! musl has its own in itself.

use imgc_planner::recipe::ImagePath;

use super::Asking;
use crate::draft::Drafts;
use crate::evidence::Scene;
use crate::glob::names;
use crate::launch::Run;

pub(super) fn add(asking: &Asking<'_>, drafts: &mut Drafts) -> Vec<Run> {
    let mut opened = Vec::new();
    let mut seen = Vec::new();
    for run in asking.runs.iter().filter(|run| run.is_start() && Scene::glibc(run).is_some()) {
        let Some(libc) = asking.object(run, "libc.so.6") else { continue };
        let parent = libc.parent().unwrap_or_else(ImagePath::root);
        // A C library that was moved to /usr has its modules there as well.
        let places = [format!("{parent}/gconv"), format!("/usr{parent}/gconv")];
        if seen.contains(&places) {
            continue;
        }
        seen.push(places.clone());
        match places.iter().find(|place| asking.tree(place, &[], drafts)) {
            Some(place) => opened.extend(modules(asking, run, libc, place, drafts)),
            None => {
                let tried: Vec<&str> = places.iter().map(String::as_str).collect();
                asking.lacks("modules of character sets", "libc6", &tried, drafts);
            }
        }
    }
    opened
}

/// Adds what the modules need.
fn modules(
    asking: &Asking<'_>,
    run: &Run,
    libc: &ImagePath,
    place: &str,
    drafts: &mut Drafts,
) -> Vec<Run> {
    let Ok(directory) = ImagePath::parse(place.as_bytes()) else { return Vec::new() };
    let names = names(asking.plain, &directory);
    let modules = names.iter().filter_map(|name| std::str::from_utf8(name).ok());
    modules
        .filter(|name| name.ends_with(".so"))
        .filter_map(|name| asking.open(run, libc, &format!("{directory}/{name}"), drafts))
        .collect()
}
