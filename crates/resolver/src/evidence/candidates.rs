//! Names of libraries in the constants of objects that open some: what they may mean to open.
//!
//! A name that stands in a file is a true argument of `dlopen` in 96 of 100 cases, and needed in far
//! fewer (measured over the 206 such objects of a Debian machine). So it puts nothing into an
//! image, and only what the sources have is worth a word.

use std::collections::{BTreeMap, BTreeSet};

use imgc_planner::ElfFacts;
use imgc_planner::recipe::ImagePath;

use super::parcels::Parcels;
use super::scene::{Object, Scene};
use crate::error::{Name, ResolveError};
use crate::loader::{Opening, Outcome, Tag, Trace};

/// Functions that open a library by the name that they are given.
const OPENERS: &[&str] = &[
    "dlopen",
    "dlmopen",
    "g_module_open",
    "g_module_open_full",
    "lt_dlopen",
    "lt_dlopenadvise",
    "lt_dlopenext",
    "osl_loadModule",
    "osl_loadModuleAscii",
    "PR_LoadLibrary",
    "PR_LoadLibraryWithFlags",
    "SDL_LoadObject",
];
/// Beginning of the constructors of `QLibrary`, as C++ compilers write them.
const QT_OPENER: &[u8] = b"_ZN8QLibraryC";

/// Names that are known to be opened for nothing that an image lacks, by the object that holds them
/// (beginning of its soname or file name; empty for any) and the beginning of the name.
const HARMLESS: &[(&str, &str, &str)] = &[
    ("libc.so.6", "", "the C library's own: name services and the unwinder have rules of theirs"),
    ("", "libgcc_s.so", "has a rule of its own"),
    ("", "libc.so", "a text for linkers and debuggers, or the C library itself"),
    ("", "libm.so", "a part of the C library"),
    ("", "libdl.so", "a part of the C library"),
    ("", "libpthread.so", "a part of the C library; debuggers look for it in other programs"),
    ("", "libthread_db.so", "only a debugger of threads opens it, in the version of its target"),
    ("libselinux.so.1", "libsepol.so", "only who loads the policy, at the boot of a machine"),
    ("libncurses", "libgpm.so", "the mouse of a console, which no container has"),
    ("libmount.so.1", "libcryptsetup.so", "only for verity mounts of a machine"),
    ("libSDL", "", "what shows and plays, on a screen and with a sound card that no container has"),
    ("", "libEGL.so", "drivers of graphics, for a screen that no container has"),
    ("", "libGL.so", "drivers of graphics, for a screen that no container has"),
    ("", "libOpenGL.so", "drivers of graphics, for a screen that no container has"),
    ("", "libglapi.so", "drivers of graphics, for a screen that no container has"),
    ("", "libmfxhw", "a driver of graphics cards"),
    ("", "libOpenCL.so", "a driver of graphics cards"),
    ("", "libvulkan.so", "a driver of graphics cards"),
    ("libvdpau.so.1", "libvdpau_trace.so", "only if VDPAU_TRACE asks for a trace"),
];

/// Most libraries that one of another package is said to open: one that opens more leaves a choice.
const MAX_OF_OTHERS: usize = 6;

/// Tells whether an object opens libraries by names that are its own.
pub(super) fn opens_libraries(facts: &ElfFacts) -> bool {
    facts.imports_any(OPENERS) || facts.imports.iter().any(|name| name.starts_with(QT_OPENER))
}

/// Tells whether a text is the name or absolute path of a shared library: `libx.so`, `libx.so.1.2`.
pub(super) fn is_library(text: &[u8]) -> bool {
    let slash = text.iter().rposition(|byte| *byte == b'/');
    if slash.is_some() && text[0] != b'/' {
        return false;
    }
    let name = &text[slash.map_or(0, |slash| slash + 1)..];
    if !name.starts_with(b"lib") || !name.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    // What follows the last `.so` is a version: `.1.2`, or nothing.
    let Some(at) = name.windows(3).rposition(|window| window == b".so") else { return false };
    let version = &name[at + 3..];
    at > 3
        && (version.is_empty()
            || version.starts_with(b".")
                && version[1..]
                    .split(|byte| *byte == b'.')
                    .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit)))
        && !name.contains(&b'%')
}

/// Returns a warning for each object that names libraries which the sources have and the image has
/// not.
pub(super) fn judge(
    scene: &Scene<'_>,
    known: &BTreeSet<Box<[u8]>>,
    parcels: &Parcels<'_>,
) -> Vec<ResolveError> {
    let mut warnings: BTreeMap<_, ResolveError> = BTreeMap::new();
    let mut remarks = Vec::new();
    for run in scene.runs {
        let Some(program) = &scene.program(run) else { continue };
        let objects = scene.objects(run);
        let objects: Vec<&Object<'_>> =
            objects.iter().filter(|object| !warnings.contains_key(&object.path)).collect();
        let wanted: Vec<(&Object<'_>, Vec<&[u8]>)> =
            objects.into_iter().map(|object| (object, candidates(object, known))).collect();
        let openings: Vec<Opening<'_>> = wanted
            .iter()
            .flat_map(|(object, names)| {
                names.iter().map(|name| Opening { by: object.source, name })
            })
            .collect();
        if openings.is_empty() {
            continue;
        }
        let extra = run.extra.as_deref();
        let surroundings = &scene.surroundings;
        let Ok(trace) = surroundings.trace_again(run, extra, &openings) else {
            continue;
        };
        let is_found = |name: &[u8]| opened(&trace, name).is_some();
        for (object, names) in wanted {
            let (found, absent): (Vec<&[u8]>, Vec<&[u8]>) =
                names.into_iter().partition(|name| is_found(name));
            if found.is_empty() {
                continue;
            }
            // What a library of others can open, few of its users come to.
            let is_of_others = parcels.get(program).is_some_and(|(_, parcel)| {
                object.path != program.path && !parcel.paths.contains(object.source)
            });
            if is_of_others && found.len() <= MAX_OF_OTHERS {
                warnings.insert(object.path.clone(), remark(object, found));
                continue;
            }
            // What no package of the program asks for, it works without.
            let (found, optional): (Vec<&[u8]>, Vec<&[u8]>) = found.into_iter().partition(|name| {
                let real = opened(&trace, name);
                real.is_none_or(|real| is_asked_for(scene, parcels, program, object, real))
            });
            if found.is_empty() {
                warnings.insert(object.path.clone(), remark(object, optional));
                continue;
            }
            if !optional.is_empty() {
                remarks.push(remark(object, optional));
            }
            let names = |names: Vec<&[u8]>| names.into_iter().map(Name::new).collect();
            let warning = ResolveError::MayOpen {
                node: object.node,
                by: object.path.clone(),
                found: names(found),
                absent: names(absent),
            };
            warnings.insert(object.path.clone(), warning);
        }
    }
    warnings.into_values().chain(remarks).collect()
}

/// Returns where a name led to that was opened; nothing if it led to no new file.
fn opened<'t>(trace: &'t Trace, name: &[u8]) -> Option<&'t ImagePath> {
    trace.lookups.iter().find_map(|lookup| match &lookup.outcome {
        _ if lookup.tag != Tag::Opened || *lookup.written != *name => None,
        Outcome::Opened(object) => Some(&trace.objects[*object].walk.real),
        Outcome::SameFile { walk, .. } => Some(&walk.real),
        _ => None,
    })
}

/// Tells whether the packages of a program, or that of the object which opens a library, bring this or
/// ask for the package that does; true if no package is known.
fn is_asked_for(
    scene: &Scene<'_>,
    parcels: &Parcels<'_>,
    program: &Object<'_>,
    object: &Object<'_>,
    library: &ImagePath,
) -> bool {
    let Some((_, parcel)) = parcels.get(program) else { return true };
    let Some((packages, owner)) = parcels.owner(scene, library) else { return true };
    let by = parcels.owner(scene, object.source).map(|(_, package)| package);
    parcel.packages.contains(owner)
        || parcel.dependencies.contains(owner)
        || by.is_some_and(|by| by == owner || packages.named(by).any(|name| name == owner))
}

/// Returns the remark that an object can open libraries.
pub(super) fn remark<'n>(
    object: &Object<'_>,
    names: impl IntoIterator<Item = &'n [u8]>,
) -> ResolveError {
    let line = |name: &[u8]| Name::new([&b"library \""[..], name, b"\""].concat());
    ResolveError::PluginsAreLeftOut {
        node: object.node,
        by: object.path.clone(),
        family: "libraries by their names",
        without: "what they are for cannot be done",
        add: names.into_iter().map(line).collect(),
    }
}

/// Returns the names in an object that lead to nothing of the image, sorted.
pub(super) fn candidates<'a>(object: &'a Object<'_>, known: &BTreeSet<Box<[u8]>>) -> Vec<&'a [u8]> {
    let facts = object.facts();
    let own = facts.soname.as_deref().or(object.path.file_name()).unwrap_or_default();
    let base = |name: &'a [u8]| name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let is_harmless = |name: &[u8]| {
        HARMLESS.iter().any(|(by, start, _)| {
            own.starts_with(by.as_bytes()) && name.starts_with(start.as_bytes())
        })
    };
    let names = object.evidence.names.iter().map(|name| &**name);
    names
        .filter(|name| {
            let base = base(name);
            base != own
                && !facts.needed.iter().any(|needed| **needed == *base)
                && !known.contains(base)
                && !is_harmless(base)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libraries_are_told_from_other_texts() {
        for name in ["libx.so", "libx.so.1", "libGL.so.1.7.0", "/usr/lib/libx.so.2", "libc++.so.1"]
        {
            assert!(is_library(name.as_bytes()), "{name}");
        }
        for name in [
            "x.so",
            "lib.so",
            "libx.so.",
            "libx.so.a",
            "libx.so.1.",
            "dir/libx.so",
            "libx.so.%d",
            "lib%s.so",
            "libx.soname",
            "lib x.so",
            "libx.a",
            "",
        ] {
            assert!(!is_library(name.as_bytes()), "{name}");
        }
    }
}
