//! What can be wrong with what a plan asks of the machine: one variant for each thing to fix.
//!
//! The fields are data; `core` joins them to the places of the recipe through
//! [`ResolveError::nodes`].

mod lines;
mod story;

pub(crate) use story::errno as errno_text;
pub(crate) use story::version as version_text;

use std::fmt::{self, Display, Formatter};

use imgc_planner::recipe::{From, ImagePath, PathProblem, Platform, Printable};
use imgc_planner::{NodeId, Rule};
use miette::Diagnostic;
use thiserror::Error;

use crate::host::{Errno, HostPath};
use crate::pattern::PatternProblem;

/// Why a database of packages is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unread {
    /// It has another form than the one that is read.
    #[error("it is {0}, and of rpm's databases those of SQLite are read")]
    Form(&'static str),
    /// A file beside it, with this at the end of its name, has changes that belong to it.
    #[error("the file with `{0}` behind this name has changes that are not in it yet")]
    Log(&'static str),
    /// Its texts are not in UTF-8.
    #[error("its texts are in UTF-16")]
    Encoding,
    /// It is larger than anybody's.
    #[error("it is too large")]
    TooLarge,
    /// It is not as its program writes it.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// Somebody writes to it.
    #[error("it changes while it is read")]
    Changing,
    /// The machine does not give it out.
    #[error("{}", errno_text(*.0))]
    Refused(Errno),
}

/// A name or text that came from a file: any bytes, shown on one line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Wraps `bytes`.
    #[must_use]
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().into())
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Display for Name {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Printable::new(&self.0).fmt(formatter)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}

/// A place where something was looked for, and what was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The path that was tried, as the loader or the kernel would open it.
    pub path: Name,
    /// Why it was tried; nothing for what is no library.
    pub rule: Option<Rule>,
    /// What was there.
    pub found: Name,
}

/// What a plan asks for and the machine does not give.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[non_exhaustive]
pub enum ResolveError {
    /// A source directory is absent or something else.
    #[error("the source `{path}` {found}")]
    #[diagnostic(code(imgc::resolve::source_is_no_directory))]
    #[diagnostic(help("unpack a root file system there, or name its directory"))]
    SourceIsNoDirectory {
        /// The source.
        node: NodeId,
        /// Its directory.
        path: Name,
        /// What is there instead.
        found: Name,
    },
    /// A file of the project or of the sources is absent.
    #[error("there is no `{}`{}", story::origin(from), story::whose(from))]
    #[diagnostic(code(imgc::resolve::file_is_missing))]
    #[diagnostic(help("{}", story::missing_file(from, at, nearest.as_ref())))]
    FileIsMissing {
        /// What asks for it.
        node: NodeId,
        /// What it asks for.
        from: From,
        /// Where the path ends.
        at: ImagePath,
        /// The name in that directory that is most like it.
        nearest: Option<Name>,
    },
    /// A directory, device, fifo or socket stands where a file is needed.
    #[error("`{path}` is {found}, not a regular file")]
    #[diagnostic(code(imgc::resolve::not_a_file))]
    #[diagnostic(help("{}", story::not_a_file(found)))]
    NotAFile {
        /// What asks for it.
        node: NodeId,
        /// The path.
        path: Name,
        /// What stands there.
        found: &'static str,
    },
    /// A tree's root is no directory.
    #[error("`{path}` is {found}, not a directory")]
    #[diagnostic(code(imgc::resolve::tree_is_no_directory))]
    #[diagnostic(help("use `file` instead of `tree`"))]
    TreeIsNoDirectory {
        /// The tree.
        node: NodeId,
        /// Its root.
        path: Name,
        /// What stands there.
        found: &'static str,
    },
    /// A link of the project leads out of it.
    #[error("`{path}` leads out of the project at `{at}`")]
    #[diagnostic(code(imgc::resolve::link_leaves_project))]
    #[diagnostic(help(
        "copy the file into the project, or give an absolute path to take it from a source"
    ))]
    LinkLeavesProject {
        /// What asks for it.
        node: NodeId,
        /// What it asks for, below the project.
        path: Name,
        /// Where the walk left.
        at: ImagePath,
    },
    /// A link of a tree climbs above the image's root.
    #[error("the link `{path}` climbs out of the image by `{target}`")]
    #[diagnostic(code(imgc::resolve::link_leaves_image))]
    #[diagnostic(help("exclude the link, or let it point into the image"))]
    LinkLeavesImage {
        /// The tree.
        node: NodeId,
        /// Where the link would stand.
        path: ImagePath,
        /// Its text.
        target: Name,
    },
    /// A name of a tree can stand in no image.
    #[error("`{name}` in `{directory}` {problem}")]
    #[diagnostic(code(imgc::resolve::name_is_impossible))]
    #[diagnostic(help("rename it, or leave it out with `exclude`"))]
    NameIsImpossible {
        /// The tree.
        node: NodeId,
        /// The directory of the image.
        directory: ImagePath,
        /// The name.
        name: Name,
        /// Why.
        problem: PathProblem,
    },
    /// An `exclude` is no pattern.
    #[error("the pattern `{pattern}` {problem}")]
    #[diagnostic(code(imgc::resolve::exclude_is_no_pattern))]
    #[diagnostic(help("write it as in a .gitignore file: `*.map`, `/cache`, `a/**/b`"))]
    ExcludeIsNoPattern {
        /// The tree.
        node: NodeId,
        /// The text.
        pattern: Name,
        /// Why.
        problem: PatternProblem,
    },
    /// The machine refuses to show a file.
    #[error("cannot {doing} `{path}`: {}", story::errno(*errno))]
    #[diagnostic(code(imgc::resolve::unreadable))]
    #[diagnostic(help("make it readable for the user that builds"))]
    Unreadable {
        /// What asks for it.
        node: NodeId,
        /// The path.
        path: Name,
        /// What was tried, as a verb.
        doing: &'static str,
        /// The machine's answer.
        errno: Errno,
    },
    /// A file is not the same at the end of reading as at the beginning.
    #[error("`{path}` changed while it was read")]
    #[diagnostic(code(imgc::resolve::file_changed))]
    #[diagnostic(help(
        "build again when nothing writes to it; files of /proc and /sys cannot be used"
    ))]
    FileChanged {
        /// What asks for it.
        node: NodeId,
        /// The path.
        path: HostPath,
    },
    /// A program is neither ELF nor a script.
    #[error("`{path}` is no program: it starts with neither an ELF header nor `#!`")]
    #[diagnostic(code(imgc::resolve::not_a_program))]
    #[diagnostic(help("use `file` for data; give a script a first line such as `#!/bin/sh`"))]
    NotAProgram {
        /// What asks for it.
        node: NodeId,
        /// The path in the image.
        path: Name,
    },
    /// An ELF file is damaged.
    #[error("`{path}` is a damaged ELF file: {problem}")]
    #[diagnostic(code(imgc::resolve::damaged_elf))]
    #[diagnostic(help("build or fetch the file again"))]
    DamagedElf {
        /// What asks for it.
        node: NodeId,
        /// The path in the image.
        path: Name,
        /// What is wrong.
        problem: Name,
    },
    /// What the kernel must start for a program is absent.
    #[error("the interpreter `{interpreter}` of `{program}` {found}")]
    #[diagnostic(code(imgc::resolve::interpreter_is_missing))]
    #[diagnostic(help("add a source that has it, or build the program for this one"))]
    InterpreterIsMissing {
        /// What asks for the program.
        node: NodeId,
        /// The program or script.
        program: ImagePath,
        /// The path that stands in it.
        interpreter: Name,
        /// What is there.
        found: Name,
        /// What an ELF program is for.
        platform: Option<Platform>,
    },
    /// The first line of a script ends as on Windows.
    #[error("the `#!` line of `{script}` ends with a carriage return, which starts no program")]
    #[diagnostic(code(imgc::resolve::carriage_return))]
    #[diagnostic(help(
        "save the script with line feeds alone: `sed -i 's/\\r$//'`, or `eol=lf` in \
         `.gitattributes`"
    ))]
    CarriageReturn {
        /// What asks for the script.
        node: NodeId,
        /// The script.
        script: ImagePath,
    },
    /// A file holds what nobody else should know.
    #[error("`{path}` holds {what}")]
    #[diagnostic(code(imgc::resolve::secret), severity(Warning))]
    #[diagnostic(help(
        "leave it out, and give it to the container when it runs; or accept it: `allow secret \"a key for tests\"`"
    ))]
    Secret {
        /// What puts it there.
        node: NodeId,
        /// The file.
        path: ImagePath,
        /// What it is.
        what: &'static str,
    },
    /// Scripts are interpreters of scripts, too often.
    #[error("`{path}` is the sixth script in a row; the kernel starts five")]
    #[diagnostic(code(imgc::resolve::scripts_nest_too_deep))]
    #[diagnostic(help("let one of the scripts name a program as its interpreter"))]
    ScriptsNestTooDeep {
        /// What asks for the first one.
        node: NodeId,
        /// The sixth script.
        path: ImagePath,
    },
    /// What `env` would start for a script is absent.
    #[error("`{name}`, which `{script}` starts through env, is not in the image's PATH")]
    #[diagnostic(code(imgc::resolve::env_program_is_missing))]
    #[diagnostic(help(
        "add a source that has it, or its directory to `env PATH=\"…\"` (now `{search}`)"
    ))]
    EnvProgramIsMissing {
        /// What asks for the script.
        node: NodeId,
        /// The script.
        script: ImagePath,
        /// The program's name.
        name: Name,
        /// The image's `PATH`.
        search: Name,
    },
    /// A library is found nowhere.
    #[error("`{by}` needs `{name}`, which is not found")]
    #[diagnostic(code(imgc::resolve::library_is_missing))]
    #[diagnostic(help("{}", story::missing_library(tried, relocated.as_ref())))]
    LibraryIsMissing {
        /// What asks for the program or library.
        node: NodeId,
        /// The object that needs it.
        by: ImagePath,
        /// The library's name.
        name: Name,
        /// Where it was looked for, in order.
        tried: Vec<Tried>,
        /// Where the program stands in its source, if it stands elsewhere in the image.
        relocated: Option<From>,
    },
    /// A program needs a version of a library that the library does not have.
    #[error("`{by}` needs {} of `{file}`, {found}", story::version(version))]
    #[diagnostic(code(imgc::resolve::version_is_missing))]
    #[diagnostic(help(
        "take the program and its libraries from the same release, or build it for this one"
    ))]
    VersionIsMissing {
        /// What asks for the program.
        node: NodeId,
        /// The object that needs it.
        by: ImagePath,
        /// The library, as the object names it.
        file: Name,
        /// The version.
        version: Name,
        /// What there is instead.
        found: Name,
    },
    /// A library was asked for by name, and no program says how to look for it.
    #[error("`{name}` is looked for as a program's loader does, and there is no dynamic program")]
    #[diagnostic(code(imgc::resolve::library_without_program))]
    #[diagnostic(help("add the `binary` that opens it"))]
    LibraryWithoutProgram {
        /// The library.
        node: NodeId,
        /// Its name.
        name: Name,
    },
    /// A pattern matches no file.
    #[error("no file matches `{pattern}`")]
    #[diagnostic(code(imgc::resolve::nothing_matches))]
    #[diagnostic(help(
        "check the directory and the pattern: only its last component may have `*`, `?` and `[…]`"
    ))]
    NothingMatches {
        /// The library.
        node: NodeId,
        /// The pattern.
        pattern: ImagePath,
    },
    /// The loader would stop with an error.
    #[error("`{program}` would not start: {problem}")]
    #[diagnostic(code(imgc::resolve::loader_stops))]
    #[diagnostic(help(
        "replace the file that the loader cannot use, or take it out of the search path"
    ))]
    LoaderStops {
        /// What asks for it.
        node: NodeId,
        /// The program or library that was to be loaded.
        program: ImagePath,
        /// What the loader would say.
        problem: Name,
    },
    /// The program starts, but not as anybody would want.
    #[error("`{program}` starts, but {problem}")]
    #[diagnostic(code(imgc::resolve::loader_warns), severity(Warning))]
    LoaderWarns {
        /// What asks for it.
        node: NodeId,
        /// The program or library that was loaded.
        program: ImagePath,
        /// What is doubtful.
        problem: Name,
    },
    /// One path, two contents.
    #[error("`{path}` is {first}, and {second}")]
    #[diagnostic(code(imgc::resolve::path_conflict))]
    #[diagnostic(help("keep one of the two, or give one of them another path"))]
    PathConflict {
        /// The path, behind all links.
        path: ImagePath,
        /// What asks for it.
        node: NodeId,
        /// What it asks for.
        first: Name,
        /// What asks for something else.
        other: NodeId,
        /// What that is.
        second: Name,
    },
    /// Something lies below a path that is no directory.
    #[error("`{below}` lies below `{path}`, which is {found}")]
    #[diagnostic(code(imgc::resolve::not_a_directory))]
    #[diagnostic(help("give one of the two another path"))]
    NotADirectory {
        /// The path that is no directory.
        path: ImagePath,
        /// What asks for it.
        node: NodeId,
        /// What stands there.
        found: &'static str,
        /// The path below it.
        below: ImagePath,
        /// What asks for that.
        other: NodeId,
    },
    /// A link above a path leads nowhere.
    #[error("`{path}` lies behind the link `{link}`, which {problem}")]
    #[diagnostic(code(imgc::resolve::link_leads_nowhere))]
    #[diagnostic(help(
        "let the link point at a directory of the image, or add `directory` for it"
    ))]
    LinkLeadsNowhere {
        /// What asks for the path.
        node: NodeId,
        /// The path that cannot be reached.
        path: ImagePath,
        /// The link.
        link: ImagePath,
        /// What asks for the link.
        other: NodeId,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An object is for another machine than the image.
    #[error("`{path}` is for {found}, the image for {expected}")]
    #[diagnostic(code(imgc::resolve::platform_differs))]
    #[diagnostic(help("take it from a source for {expected}, or build the image for {found}"))]
    PlatformDiffers {
        /// What asks for it.
        node: NodeId,
        /// The object.
        path: ImagePath,
        /// What it runs on.
        found: Name,
        /// What the image runs on.
        expected: Platform,
    },
    /// Nothing says what the image runs on.
    #[error("no program says which platform the image is for, so `{assumed}` is assumed")]
    #[diagnostic(code(imgc::resolve::platform_is_assumed), severity(Warning))]
    #[diagnostic(help("add `platform \"{assumed}\"`"))]
    PlatformIsAssumed {
        /// The programs that were asked for in vain, if any.
        nodes: Vec<NodeId>,
        /// What is assumed.
        assumed: Platform,
    },
    /// A program needs more libraries than anybody means.
    #[error("`{program}` needs more than {limit} libraries")]
    #[diagnostic(code(imgc::resolve::too_many_libraries))]
    #[diagnostic(help("check what the program is linked with"))]
    TooManyLibraries {
        /// What asks for it.
        node: NodeId,
        /// The program.
        program: ImagePath,
        /// How many are allowed.
        limit: usize,
    },
    /// The image would have more entries than anybody means.
    #[error("the image has more than {limit} entries")]
    #[diagnostic(code(imgc::resolve::too_many_entries))]
    #[diagnostic(help("leave files out with `exclude`"))]
    TooManyEntries {
        /// What asks for the first one too many.
        node: NodeId,
        /// How many are allowed.
        limit: usize,
    },
    /// The sources lack what a `needs` node stands for.
    #[error("the sources have no {what}")]
    #[diagnostic(code(imgc::resolve::need_is_missing))]
    #[diagnostic(help("{}", story::missing_need(package, tried)))]
    NeedIsMissing {
        /// The `needs` node.
        node: NodeId,
        /// What is missing.
        what: Name,
        /// The package that has it, as most distributions call it.
        package: &'static str,
        /// Where it was looked for.
        tried: Vec<Name>,
    },
    /// A source keeps its packages in a way that is not read.
    #[error("the packages of the sources are in `{path}`, which imgc does not read: {why}")]
    #[diagnostic(code(imgc::resolve::packages_are_unread), severity(Warning))]
    #[diagnostic(help(
        "scanners find os-release alone; accept it: `allow packages_are_unread \"…\"`"
    ))]
    PackagesAreUnread {
        /// The `needs` node.
        node: NodeId,
        /// The database.
        path: &'static str,
        /// What is in the way.
        why: Unread,
    },
    /// An object says that it must open a library, which the sources do not have.
    #[error("`{by}` must open {} at run time{}, which is not found", story::any_of(names), story::for_feature(feature.as_ref()))]
    #[diagnostic(code(imgc::resolve::opened_is_missing))]
    #[diagnostic(help("install the package that has it, or add a source that does"))]
    OpenedIsMissing {
        /// What asks for the program.
        node: NodeId,
        /// The object that holds the note.
        by: ImagePath,
        /// The names of the library, of which one would do.
        names: Vec<Name>,
        /// What it is for.
        feature: Option<Name>,
    },
    /// An object says that it should open a library, which the sources do not have.
    #[error("`{by}` opens {} at run time{}, which is not found", story::any_of(names), story::for_feature(feature.as_ref()))]
    #[diagnostic(code(imgc::resolve::opened_is_recommended), severity(Warning))]
    #[diagnostic(help(
        "install the package that has it; or do without: `allow opened_is_recommended \"…\"`"
    ))]
    OpenedIsRecommended {
        /// What asks for the program.
        node: NodeId,
        /// The object that holds the note.
        by: ImagePath,
        /// The names of the library, of which one would do.
        names: Vec<Name>,
        /// What it is for.
        feature: Option<Name>,
    },
    /// An object says that it can use a library, which the image does not have.
    #[error("`{by}` can use {}{}, which is not in the image", story::any_of(names), story::for_feature(feature.as_ref()))]
    #[diagnostic(code(imgc::resolve::opened_is_suggested), severity(Advice))]
    #[diagnostic(help("add it if it is used: `library \"{}\"`", story::first(names)))]
    OpenedIsSuggested {
        /// What asks for the program.
        node: NodeId,
        /// The object that holds the note.
        by: ImagePath,
        /// The names of the library, of which one would do.
        names: Vec<Name>,
        /// What it is for.
        feature: Option<Name>,
    },
    /// An object opens libraries, and names some that the image does not have.
    #[error(
        "`{by}` may open {} at run time, which {} not in the image",
        story::names(found),
        story::are(found)
    )]
    #[diagnostic(code(imgc::resolve::dlopen), severity(Warning))]
    #[diagnostic(help("{}", story::may_open(found, absent)))]
    MayOpen {
        /// What asks for the program.
        node: NodeId,
        /// The object whose constants have the names.
        by: ImagePath,
        /// The names that lead to something in the sources.
        found: Vec<Name>,
        /// The names that lead to nothing.
        absent: Vec<Name>,
    },
    /// A script uses programs or modules that are not in the image.
    #[error(
        "the script `{script}` uses {}, which {} not in the image",
        story::some_names(names),
        story::are(names)
    )]
    #[diagnostic(code(imgc::resolve::script_needs_more), severity(Warning))]
    #[diagnostic(help("{}", story::paste(add, "script_needs_more")))]
    ScriptNeedsMore {
        /// What asks for the script.
        node: NodeId,
        /// The script.
        script: ImagePath,
        /// Programs, files or modules, as the script names them.
        names: Vec<Name>,
        /// The lines of a recipe that add them.
        add: Vec<Name>,
    },
    /// Data that a program names is not in the image.
    #[error("`{by}` names data that the image has not")]
    #[diagnostic(code(imgc::resolve::data_is_missing), severity(Warning))]
    #[diagnostic(help("{}", story::paste(add, "data_is_missing")))]
    DataIsMissing {
        /// What asks for the program.
        node: NodeId,
        /// The file that names it.
        by: ImagePath,
        /// The lines of a recipe that add it.
        add: Vec<Name>,
    },
    /// A configuration, or data of a library, is not in the image.
    #[error("`{by}` names files that the image has not, and may do without")]
    #[diagnostic(code(imgc::resolve::data_is_left_out), severity(Advice))]
    #[diagnostic(help("{}", story::paste(add, "data_is_left_out")))]
    DataIsLeftOut {
        /// What asks for the program.
        node: NodeId,
        /// The file that names them.
        by: ImagePath,
        /// The lines of a recipe that add them.
        add: Vec<Name>,
    },
    /// The configuration of a service, or one that bears the name of a program, is not in the image.
    #[error("the packages of `{by}` bring a configuration that the image has not")]
    #[diagnostic(code(imgc::resolve::configuration_is_missing), severity(Warning))]
    #[diagnostic(help("{}", story::paste(add, "configuration_is_missing")))]
    ConfigurationIsMissing {
        /// What asks for the program.
        node: NodeId,
        /// The program.
        by: ImagePath,
        /// The lines of a recipe that add it.
        add: Vec<Name>,
    },
    /// Files of a program that may hold secrets are not in the image.
    #[error(
        "`{by}` names {}, which the image has not and not every user may read",
        story::some(files)
    )]
    #[diagnostic(code(imgc::resolve::private_is_left_out), severity(Warning))]
    #[diagnostic(help(
        "if no secret is in it, say who may read it: `file \"{}\" mode=0o644`; or accept it: `allow private_is_left_out \"…\"`",
        files[0]
    ))]
    PrivateIsLeftOut {
        /// What asks for the program.
        node: NodeId,
        /// The program.
        by: ImagePath,
        /// The files.
        files: Vec<ImagePath>,
    },
    /// The program that the image runs has set-id bits in its source, and not in the image.
    #[error(
        "`{by}` runs as its owner or group in the source (mode {mode:#06o}), and as the image's user in the image"
    )]
    #[diagnostic(code(imgc::resolve::set_id_is_left_out), severity(Warning))]
    #[diagnostic(help(
        "if it needs that, say so: `binary \"{by}\" mode={mode:#06o}` with its `owner=`, or run it as that user; or accept it: `allow set_id_is_left_out \"…\"`"
    ))]
    SetIdIsLeftOut {
        /// What asks for the program.
        node: NodeId,
        /// The program.
        by: ImagePath,
        /// The mode of its file in the source.
        mode: u16,
    },
    /// The packages of a program bring files that are not in the image.
    #[error("the packages of `{by}` bring files that the image has not, and it may do without")]
    #[diagnostic(code(imgc::resolve::package_is_left_out), severity(Advice))]
    #[diagnostic(help("{}", story::paste(add, "package_is_left_out")))]
    PackageIsLeftOut {
        /// What asks for the program.
        node: NodeId,
        /// The program.
        by: ImagePath,
        /// The lines of a recipe that add them.
        add: Vec<Name>,
    },
    /// Directories in which a program keeps its files are not in the image.
    #[error("`{by}` names directories for its files that the image has not")]
    #[diagnostic(code(imgc::resolve::state_is_left_out), severity(Advice))]
    #[diagnostic(help("{}", story::paste(add, "state_is_left_out")))]
    StateIsLeftOut {
        /// What asks for the program.
        node: NodeId,
        /// The program.
        by: ImagePath,
        /// The lines of a recipe that add them.
        add: Vec<Name>,
    },
    /// Programs that a program starts are not in the image, and are a part of it.
    #[error("`{by}` starts programs that the image has not: {}", story::names(names))]
    #[diagnostic(code(imgc::resolve::helpers_are_missing), severity(Warning))]
    #[diagnostic(help("{}", story::paste(add, "helpers_are_missing")))]
    HelpersAreMissing {
        /// What asks for the program.
        node: NodeId,
        /// The program.
        by: ImagePath,
        /// What it starts.
        names: Vec<Name>,
        /// The lines of a recipe that add them.
        add: Vec<Name>,
    },
    /// Programs that a program may start are not in the image.
    #[error("`{by}` can start programs that the image has not: {}", story::names(names))]
    #[diagnostic(code(imgc::resolve::helpers_are_left_out), severity(Advice))]
    #[diagnostic(help("{}", story::paste(add, "helpers_are_left_out")))]
    HelpersAreLeftOut {
        /// What asks for the program.
        node: NodeId,
        /// The program.
        by: ImagePath,
        /// What it may start.
        names: Vec<Name>,
        /// The lines of a recipe that add them.
        add: Vec<Name>,
    },
    /// The user or group that a service runs as is not in the image.
    #[error("`{by}` looks up accounts that the image has not: {}", story::names(names))]
    #[diagnostic(code(imgc::resolve::user_is_missing), severity(Warning))]
    #[diagnostic(help("{}", story::paste(add, "user_is_missing")))]
    UserIsMissing {
        /// What asks for the program.
        node: NodeId,
        /// The program.
        by: ImagePath,
        /// The users and groups.
        names: Vec<Name>,
        /// The lines of a recipe that make it.
        add: Vec<Name>,
    },
    /// Plug-ins of a program are not in the image, and are missed.
    #[error("`{by}` opens {family}, which the image has not: {without}")]
    #[diagnostic(code(imgc::resolve::plugins_are_missing), severity(Warning))]
    #[diagnostic(help("{}", story::paste(add, "plugins_are_missing")))]
    PluginsAreMissing {
        /// What asks for the program.
        node: NodeId,
        /// The file that opens them.
        by: ImagePath,
        /// What they are.
        family: &'static str,
        /// What happens without them.
        without: &'static str,
        /// The lines of a recipe that add them.
        add: Vec<Name>,
    },
    /// Plug-ins of a program are not in the image, which few users miss.
    #[error("`{by}` can use {family}, which the image has not: {without}")]
    #[diagnostic(code(imgc::resolve::plugins_are_left_out), severity(Advice))]
    #[diagnostic(help("{}", story::paste(add, "plugins_are_left_out")))]
    PluginsAreLeftOut {
        /// What asks for the program.
        node: NodeId,
        /// The file that opens them.
        by: ImagePath,
        /// What they are.
        family: &'static str,
        /// What happens without them.
        without: &'static str,
        /// The lines of a recipe that add them.
        add: Vec<Name>,
    },
    /// Threads are ended, and the library that unwinds their stacks is not in the image.
    #[error("`{by}` uses `{function}`, which aborts the process without `libgcc_s.so.1`")]
    #[diagnostic(code(imgc::resolve::unwinder_is_missing), severity(Warning))]
    #[diagnostic(help("add `library \"libgcc_s.so.1\"`"))]
    UnwinderIsMissing {
        /// What asks for the program.
        node: NodeId,
        /// The object that uses the function.
        by: ImagePath,
        /// The function.
        function: &'static str,
    },
    /// A library can end threads, and the library that unwinds their stacks is not in the image.
    #[error("`{by}` can call `{function}`, which aborts the process without `libgcc_s.so.1`")]
    #[diagnostic(code(imgc::resolve::unwinder_is_left_out), severity(Advice))]
    #[diagnostic(help("if threads end so, add `library \"libgcc_s.so.1\"`"))]
    UnwinderIsLeftOut {
        /// What asks for the program.
        node: NodeId,
        /// The object that uses the function.
        by: ImagePath,
        /// The function.
        function: &'static str,
    },
    /// Files that no program loads at its start need libraries that the image does not have.
    #[error("{} {} {}, which {} not in the image", story::some(files), if files.len() == 1 { "needs" } else { "need" }, story::names(names), story::are(names))]
    #[diagnostic(code(imgc::resolve::unloaded_needs_more), severity(Warning))]
    #[diagnostic(help("{}", story::load(files)))]
    UnloadedNeedsMore {
        /// What puts the files there.
        node: NodeId,
        /// The files.
        files: Vec<ImagePath>,
        /// What they need: libraries, and interpreters.
        names: Vec<Name>,
        /// The libraries among that.
        libraries: Vec<Name>,
    },
    /// A cache of the image's own was written.
    #[error(
        "`{path}` is written for the loader, which searches {} through it alone",
        story::names(directories)
    )]
    #[diagnostic(code(imgc::resolve::loader_cache_is_written), severity(Advice))]
    #[diagnostic(help(
        "nothing has to be done; a file of the recipe at `{path}` would replace it"
    ))]
    LoaderCacheIsWritten {
        /// What asks for the programs.
        nodes: Vec<NodeId>,
        /// The cache.
        path: ImagePath,
        /// The directories of what it lists, without those that are built into the loader.
        directories: Vec<Name>,
    },
    /// A library was found through a cache that the image does not have.
    #[error("`{by}` finds `{name}` through /etc/ld.so.cache alone, which the image does not have")]
    #[diagnostic(code(imgc::resolve::needs_loader_cache))]
    #[diagnostic(help("add `env LD_LIBRARY_PATH=\"{}\"`", story::directory(path)))]
    NeedsLoaderCache {
        /// What asks for the program.
        node: NodeId,
        /// The object that needs it.
        by: ImagePath,
        /// The library's name.
        name: Name,
        /// Where the source has it.
        path: ImagePath,
    },
    /// The loader finds another file in the image than in the source.
    #[error("in the image `{by}` finds `{name}` {found}, and in the source at `{path}`")]
    #[diagnostic(code(imgc::resolve::image_differs))]
    #[diagnostic(help("take out the node that changes this path or stands in its way"))]
    ImageDiffers {
        /// What asks for the program.
        node: NodeId,
        /// The object that needs it.
        by: ImagePath,
        /// The library's name.
        name: Name,
        /// Where the source has it.
        path: ImagePath,
        /// Where the image has it.
        found: Name,
    },
}

/// Every code of this phase, sorted. Each has a page in `docs/errors/`.
pub const CODES: &[&str] = &[
    "imgc::resolve::carriage_return",
    "imgc::resolve::configuration_is_missing",
    "imgc::resolve::damaged_elf",
    "imgc::resolve::data_is_left_out",
    "imgc::resolve::data_is_missing",
    "imgc::resolve::dlopen",
    "imgc::resolve::env_program_is_missing",
    "imgc::resolve::exclude_is_no_pattern",
    "imgc::resolve::file_changed",
    "imgc::resolve::file_is_missing",
    "imgc::resolve::helpers_are_left_out",
    "imgc::resolve::helpers_are_missing",
    "imgc::resolve::image_differs",
    "imgc::resolve::interpreter_is_missing",
    "imgc::resolve::library_is_missing",
    "imgc::resolve::library_without_program",
    "imgc::resolve::link_leads_nowhere",
    "imgc::resolve::link_leaves_image",
    "imgc::resolve::link_leaves_project",
    "imgc::resolve::loader_cache_is_written",
    "imgc::resolve::loader_stops",
    "imgc::resolve::loader_warns",
    "imgc::resolve::name_is_impossible",
    "imgc::resolve::need_is_missing",
    "imgc::resolve::needs_loader_cache",
    "imgc::resolve::not_a_directory",
    "imgc::resolve::not_a_file",
    "imgc::resolve::not_a_program",
    "imgc::resolve::nothing_matches",
    "imgc::resolve::opened_is_missing",
    "imgc::resolve::opened_is_recommended",
    "imgc::resolve::opened_is_suggested",
    "imgc::resolve::package_is_left_out",
    "imgc::resolve::packages_are_unread",
    "imgc::resolve::path_conflict",
    "imgc::resolve::platform_differs",
    "imgc::resolve::platform_is_assumed",
    "imgc::resolve::plugins_are_left_out",
    "imgc::resolve::plugins_are_missing",
    "imgc::resolve::private_is_left_out",
    "imgc::resolve::script_needs_more",
    "imgc::resolve::scripts_nest_too_deep",
    "imgc::resolve::secret",
    "imgc::resolve::set_id_is_left_out",
    "imgc::resolve::source_is_no_directory",
    "imgc::resolve::state_is_left_out",
    "imgc::resolve::too_many_entries",
    "imgc::resolve::too_many_libraries",
    "imgc::resolve::tree_is_no_directory",
    "imgc::resolve::unloaded_needs_more",
    "imgc::resolve::unreadable",
    "imgc::resolve::unwinder_is_left_out",
    "imgc::resolve::unwinder_is_missing",
    "imgc::resolve::user_is_missing",
    "imgc::resolve::version_is_missing",
];
