//! `needs locale`: a language and character set (`locale(7)`).
//!
//! glibc has nothing but `C` in itself, also where `C.UTF-8` comes with it: it looks for the name in
//! `locale-archive`, then for a directory of that name, also with the character set as file names
//! have it. Out of a directory each category goes to the image as it is. Out of an archive, which may hold all languages,
//! the one locale is taken and put into such a directory. musl knows UTF-8 alone and needs nothing.

use imgc_planner::recipe::{ImagePath, LocaleName};

use super::{Asking, locale_archive};
use crate::draft::{DraftContent, Drafts};
use crate::launch::Run;
use crate::loader::Family;
use crate::root::Walk;

const LOCALES: &str = "/usr/lib/locale";

/// Largest archive that is read, in bytes. That of all languages has some 220 MB.
const MAX_ARCHIVE_BYTES: u64 = 1 << 30;

pub(super) fn add(asking: &Asking<'_>, locale: &LocaleName, drafts: &mut Drafts) {
    let is_musl = |run: &&Run| {
        run.trace
            .kind
            .interpreter()
            .is_some_and(|interpreter| matches!(interpreter.profile.family, Family::Musl(_)))
    };
    let starts = || asking.runs.iter().filter(|run| run.is_start());
    if starts().next().is_some() && starts().all(|run| is_musl(&run)) {
        return;
    }
    // These are built in.
    if matches!(locale.as_str(), "C" | "POSIX") {
        return;
    }
    let names = [locale.as_str().to_owned(), locale.normalized()];
    let directories = names.clone().map(|name| format!("{LOCALES}/{name}"));
    for directory in &directories {
        // Categories that are the same in several locales are often links from one to another.
        let files: Vec<Walk> = locale_archive::FILES
            .iter()
            .filter_map(|file| asking.find(format!("{directory}/{file}").as_bytes()))
            .collect();
        if !files.is_empty() {
            files.iter().for_each(|walk| asking.supply(walk, drafts));
            return;
        }
    }
    let archive = format!("{LOCALES}/locale-archive");
    if let Some(files) = from_archive(asking, &archive, &names) {
        for (file, bytes) in files {
            if let Ok(path) = ImagePath::parse(format!("{}/{file}", directories[1]).as_bytes()) {
                asking.put(&path, DraftContent::Text(bytes.into()), drafts);
            }
        }
        return;
    }
    let package = if names[1] == "C.utf8" { "libc-bin" } else { "locales" };
    let tried = [&directories[0], &directories[1], &archive].map(String::as_str);
    asking.lacks(&format!("locale `{locale}`"), package, &tried, drafts);
}

fn from_archive(
    asking: &Asking<'_>,
    path: &str,
    names: &[String],
) -> Option<Vec<(&'static str, Vec<u8>)>> {
    let walk = asking.find(path.as_bytes())?;
    if walk.stat.size > MAX_ARCHIVE_BYTES {
        return None;
    }
    let file = asking.surroundings.roots.open(&walk).ok()?;
    names.iter().find_map(|name| locale_archive::locale(&*file, walk.stat.size, name.as_bytes()))
}
