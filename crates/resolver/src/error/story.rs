//! The parts of an error's story that are put together: texts of several parts, its nodes, its
//! labels.

use std::fmt::Write;

use imgc_planner::recipe::{From, ImagePath};
use imgc_planner::{NodeId, Rule};

use crate::host::Errno;

use super::{Name, ResolveError, Tried};

/// How many of the places where a library was looked for are shown.
const SHOWN_PLACES: usize = 20;

pub(super) fn origin(from: &From) -> String {
    match from {
        From::Project(path) => path.to_string(),
        From::Source(path) => path.to_string(),
    }
}

pub(super) fn whose(from: &From) -> &'static str {
    match from {
        From::Project(_) => " in the project",
        From::Source(_) => " in the sources",
    }
}

pub(super) fn missing_file(from: &From, at: &ImagePath, nearest: Option<&Name>) -> String {
    let ends = match from {
        From::Project(_) => Name::new(at.as_bytes().strip_prefix(b"/").unwrap_or_default()),
        From::Source(_) => Name::new(at.as_bytes()),
    };
    let ends_early = if ends.to_string() == origin(from) {
        String::new()
    } else {
        format!("the path ends at `{ends}`; ")
    };
    match (nearest, from) {
        (Some(name), _) => {
            let directory = ends.as_bytes().rsplitn(2, |byte| *byte == b'/').nth(1);
            let path = directory.map_or_else(
                || name.as_bytes().to_vec(),
                |directory| [directory, b"/", name.as_bytes()].concat(),
            );
            format!("{ends_early}there is `{}`", Name::new(path))
        }
        (None, From::Project(_)) => {
            format!("{ends_early}make the file, or give an absolute path to take it from a source")
        }
        (None, From::Source(_)) => {
            format!("{ends_early}install it there, or add a source that has it")
        }
    }
}

pub(super) fn not_a_file(found: &str) -> &'static str {
    match found {
        "a directory" => "use `tree` to take a directory with all below it",
        _ => "leave it out: an image holds files, directories and links",
    }
}

pub(super) fn missing_library(tried: &[Tried], relocated: Option<&From>) -> String {
    let mut text = String::new();
    if tried.is_empty() {
        text.push_str("no directory is searched for it; ");
    } else {
        text.push_str("looked for");
        for place in tried.iter().take(SHOWN_PLACES) {
            let rule = place.rule.as_ref().map_or("", rule_name);
            let _ = write!(text, "\n  {} ({rule}): {}", place.path, place.found);
        }
        if tried.len() > SHOWN_PLACES {
            let _ = write!(text, "\n  and in {} more places", tried.len() - SHOWN_PLACES);
        }
        text.push('\n');
    }
    match relocated {
        Some(from) => {
            let _ = write!(
                text,
                "keep the program's path `{}`, or put the library where it is looked for with `file`",
                origin(from)
            );
        }
        None => text.push_str("install the package that has it, or add a source that does"),
    }
    text
}

fn rule_name(rule: &Rule) -> &'static str {
    match rule {
        Rule::Path => "the name is a path",
        Rule::Rpath(_) => "RPATH",
        Rule::LibraryPath => "LD_LIBRARY_PATH",
        Rule::Runpath(_) => "RUNPATH",
        Rule::Cache => "ld.so.cache",
        Rule::Default => "the loader's own directories",
        Rule::PathFile => "musl's path file",
        Rule::Preload => "LD_PRELOAD",
        Rule::Loaded => "already loaded",
        Rule::SameFile => "the same file",
    }
}

/// A library that defines no versions at all is told so once, and not for each of them.
pub(crate) fn version(version: &Name) -> String {
    if version.as_bytes().is_empty() { "versions".into() } else { format!("version `{version}`") }
}

/// Lists names, each in backticks.
pub(super) fn names(names: &[Name]) -> String {
    if names.is_empty() {
        return "directories of its own".into();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Most names that a message lists.
const MAX_NAMES: usize = 12;

/// The same for names of which there may be hundreds.
pub(super) fn some_names(all: &[Name]) -> String {
    match all.get(..MAX_NAMES) {
        Some(some) if all.len() > MAX_NAMES + 1 => {
            format!("{} and {} more", names(some), all.len() - MAX_NAMES)
        }
        _ => names(all),
    }
}

pub(super) fn any_of(names: &[Name]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

pub(super) fn first(names: &[Name]) -> String {
    names.first().map(ToString::to_string).unwrap_or_default()
}

pub(super) fn are<T>(things: &[T]) -> &'static str {
    if things.len() == 1 { "is" } else { "are" }
}

pub(super) fn for_feature(feature: Option<&Name>) -> String {
    feature.map(|feature| format!(" for `{feature}`")).unwrap_or_default()
}

/// The lines to paste for names that stand in an object, and what else it names.
pub(super) fn may_open(found: &[Name], absent: &[Name]) -> String {
    let lines: Vec<Name> =
        found.iter().map(|name| Name::new(format!("library \"{name}\""))).collect();
    let mut text = paste(&lines, "dlopen");
    if !absent.is_empty() {
        let _ = write!(text, "\nthe sources do not have what it names beside: ");
        text.push_str(&names(&absent[..absent.len().min(SHOWN_PLACES)]));
    }
    text
}

/// Returns a line of a recipe as it is to be written: what is escaped in it is escaped once.
pub(super) fn written(line: &Name) -> String {
    match std::str::from_utf8(line.as_bytes()) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        Ok(_) | Err(_) => line.to_string(),
    }
}

pub(super) fn paste(lines: &[Name], code: &str) -> String {
    let mut text = String::from("add what is used, or accept it:");
    for line in lines.iter().take(SHOWN_PLACES) {
        let _ = write!(text, "\n  {}", written(line));
    }
    let _ = write!(text, "\n  allow {code} \"…\"");
    text
}

pub(super) fn missing_need(package: &str, tried: &[Name]) -> String {
    let mut text = format!("install `{package}` there, or add a source that has it");
    if !tried.is_empty() {
        text.push_str("; looked for");
        for path in tried {
            let _ = write!(text, "\n  {path}");
        }
    }
    text
}

/// Names some of many files.
pub(super) fn some(files: &[ImagePath]) -> String {
    match files {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [one, two] => format!("`{one}` and `{two}`"),
        [one, rest @ ..] => format!("`{one}` and {} more files", rest.len()),
    }
}

/// The lines that add what files need, by directory if there are many.
pub(super) fn load(files: &[ImagePath]) -> String {
    let mut lines: Vec<Name> = Vec::new();
    for file in files {
        let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else { continue };
        let beside = files.iter().filter(|other| other.parent().as_ref() == Some(&directory));
        let is_library = name.ends_with(b".so");
        let line = if beside.count() > 2 && is_library {
            format!("library \"{directory}/*.so\"")
        } else if is_library || name.windows(4).any(|window| window == b".so.") {
            format!("library \"{file}\"")
        } else {
            format!("binary \"{file}\"")
        };
        let line = Name::new(line);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    paste(&lines, "unloaded_needs_more")
}

pub(super) fn directory(path: &ImagePath) -> String {
    path.parent().unwrap_or_else(ImagePath::root).to_string()
}

pub(crate) fn errno(errno: Errno) -> String {
    match errno {
        Errno::NOENT => "no such file".into(),
        Errno::NOTDIR => "a component of the path is no directory".into(),
        Errno::LOOP => "too many links".into(),
        Errno::NAMETOOLONG => "the path is too long".into(),
        Errno::ACCESS | Errno::PERM => "permission denied".into(),
        Errno::IO => "input/output error".into(),
        other => format!("error {}", other.raw_os_error()),
    }
}

impl ResolveError {
    /// Returns the nodes of the plan that the error is about, the one at fault first. None if
    /// nothing of the recipe is nearer than the whole of it.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        match self {
            Self::PathConflict { node, other, .. }
            | Self::NotADirectory { node, other, .. }
            | Self::LinkLeadsNowhere { node, other, .. } => {
                if node == other {
                    vec![*node]
                } else {
                    vec![*node, *other]
                }
            }
            Self::PlatformIsAssumed { nodes, .. } | Self::LoaderCacheIsWritten { nodes, .. } => {
                nodes.clone()
            }
            Self::SourceIsNoDirectory { node, .. }
            | Self::FileIsMissing { node, .. }
            | Self::NotAFile { node, .. }
            | Self::TreeIsNoDirectory { node, .. }
            | Self::LinkLeavesProject { node, .. }
            | Self::LinkLeavesImage { node, .. }
            | Self::NameIsImpossible { node, .. }
            | Self::ExcludeIsNoPattern { node, .. }
            | Self::Unreadable { node, .. }
            | Self::FileChanged { node, .. }
            | Self::NotAProgram { node, .. }
            | Self::DamagedElf { node, .. }
            | Self::InterpreterIsMissing { node, .. }
            | Self::CarriageReturn { node, .. }
            | Self::ScriptsNestTooDeep { node, .. }
            | Self::EnvProgramIsMissing { node, .. }
            | Self::LibraryIsMissing { node, .. }
            | Self::LibraryWithoutProgram { node, .. }
            | Self::VersionIsMissing { node, .. }
            | Self::NothingMatches { node, .. }
            | Self::LoaderStops { node, .. }
            | Self::LoaderWarns { node, .. }
            | Self::PlatformDiffers { node, .. }
            | Self::TooManyLibraries { node, .. }
            | Self::TooManyEntries { node, .. }
            | Self::NeedsLoaderCache { node, .. }
            | Self::NeedIsMissing { node, .. }
            | Self::PackagesAreUnread { node, .. }
            | Self::OpenedIsMissing { node, .. }
            | Self::OpenedIsRecommended { node, .. }
            | Self::OpenedIsSuggested { node, .. }
            | Self::MayOpen { node, .. }
            | Self::Secret { node, .. }
            | Self::ScriptNeedsMore { node, .. }
            | Self::DataIsMissing { node, .. }
            | Self::DataIsLeftOut { node, .. }
            | Self::PrivateIsLeftOut { node, .. }
            | Self::SetIdIsLeftOut { node, .. }
            | Self::PackageIsLeftOut { node, .. }
            | Self::ConfigurationIsMissing { node, .. }
            | Self::StateIsLeftOut { node, .. }
            | Self::HelpersAreMissing { node, .. }
            | Self::HelpersAreLeftOut { node, .. }
            | Self::UserIsMissing { node, .. }
            | Self::PluginsAreMissing { node, .. }
            | Self::PluginsAreLeftOut { node, .. }
            | Self::UnwinderIsMissing { node, .. }
            | Self::UnwinderIsLeftOut { node, .. }
            | Self::UnloadedNeedsMore { node, .. }
            | Self::ImageDiffers { node, .. } => vec![*node],
        }
    }

    /// Returns what the place of [`Self::nodes`]`[index]` is in the story.
    #[must_use]
    pub fn label(&self, index: usize) -> &'static str {
        match (self, index) {
            (Self::PathConflict { .. }, 0) => "first placed here",
            (Self::PathConflict { .. }, _) => "placed here too",
            (Self::NotADirectory { .. }, 0) => "this is no directory",
            (Self::NotADirectory { .. }, _) => "this lies below it",
            (Self::LinkLeadsNowhere { .. }, 1) => "the link comes from here",
            (Self::SourceIsNoDirectory { .. }, _) => "this source",
            _ => "asked for here",
        }
    }

    /// Returns the path that errors about one node are sorted by.
    pub(crate) fn place(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}
