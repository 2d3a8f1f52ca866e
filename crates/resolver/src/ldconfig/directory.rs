//! The libraries of one directory, as `ldconfig` enters them (glibc `elf/ldconfig.c`, `search_dir`;
//! `elf/readelflib.c`).

use std::collections::BTreeMap;

use imgc_planner::recipe::ImagePath;

use crate::host::FileType;
use crate::loader::{CacheAbi, CacheEntry, Elf, compare_names};
use crate::root::{Roots, Step, Walk};

/// One file that may stand for a name.
struct Candidate {
    file: Vec<u8>,
    is_link: bool,
    abi: CacheAbi,
    big_endian: bool,
}

/// Returns the entries of the directory at `path`, each with its byte order, sorted by name.
///
/// Capability directories are left out: the image runs on every processor of its platform.
pub(super) fn libraries(roots: &Roots, path: &[u8], directory: &Walk) -> Vec<(CacheEntry, bool)> {
    let mut found: BTreeMap<Box<[u8]>, Candidate> = BTreeMap::new();
    for file in roots.read_dir(directory).unwrap_or_default() {
        let Some((name, candidate)) = candidate(roots, directory, file) else { continue };
        match found.get_mut(&name) {
            None => drop(found.insert(name, candidate)),
            // A file is preferred to a link, and then the greater number.
            Some(known) => {
                let newer = compare_names(&known.file, &candidate.file, true).is_lt();
                if (!candidate.is_link && known.is_link)
                    || (candidate.is_link == known.is_link && newer)
                {
                    *known = candidate;
                }
            }
        }
    }
    let slash: &[u8] = if path == b"/" { b"" } else { b"/" };
    let entry = |(name, candidate): (Box<[u8]>, Candidate)| {
        let Candidate { file, abi, big_endian, .. } = candidate;
        // `ldconfig` makes a link of this name to the file, and enters the link.
        let is_there = is_file(roots, directory, &name);
        let last = if is_there { &name[..] } else { &file };
        let path = [path, slash, last].concat().into();
        (CacheEntry { name, path, abi }, big_endian)
    };
    found.into_iter().map(entry).collect()
}

fn is_file(roots: &Roots, directory: &Walk, name: &[u8]) -> bool {
    let Ok(path) = directory.real.join(name) else { return false };
    roots
        .walk(path.as_bytes(), &ImagePath::root())
        .is_ok_and(|walk| walk.stat.file_type == FileType::Regular)
}

/// Returns the name under which a file is entered; nothing for what is no shared library.
fn candidate(roots: &Roots, directory: &Walk, file: Vec<u8>) -> Option<(Box<[u8]>, Candidate)> {
    let is_library = file.starts_with(b"lib") || file.starts_with(b"ld-");
    let has_suffix = file.windows(3).any(|window| window == b".so");
    let is_prelink = file.windows(10).any(|window| window == b".#prelink#");
    if !is_library || !has_suffix || is_prelink {
        return None;
    }
    let path = directory.real.join(&file).ok()?;
    let walk = roots.walk(path.as_bytes(), &ImagePath::root()).ok()?;
    if walk.stat.file_type != FileType::Regular {
        return None;
    }
    let is_link =
        walk.trail.iter().any(|step| matches!(step, Step::Link { at, .. } if *at == path));
    let open = roots.open(&walk).ok()?;
    let elf = Elf::read(&*open, walk.stat.size, None).ok()?;
    let dynamic = elf.dynamic()?;
    if elf.is_fixed() || !elf.is_executable_or_shared() || dynamic.is_pie() {
        return None;
    }
    let soname = dynamic.soname.clone().unwrap_or_else(|| file.as_slice().into());
    // A link that is neither of the soname nor the one for linkers stands for the file itself.
    let for_linkers = file.ends_with(b".so") && soname.starts_with(&file);
    let is_link = is_link && (*soname == *file || for_linkers);
    let name = if is_link { file.as_slice().into() } else { soname };
    let abi = CacheAbi::of_machine(elf.machine, elf.layout.class, elf.flags);
    let big_endian = elf.layout.big_endian;
    Some((name, Candidate { file, is_link, abi, big_endian }))
}
