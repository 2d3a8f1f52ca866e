//! What goes wrong around the phases: files that are named, programs that are asked for help.

use std::io;
use std::path::Path;

use imgc_parser::Printable;
use miette::Diagnostic;
use thiserror::Error;

/// A problem of the program itself, as opposed to one of a phase. Names are harmless already.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum ProgramError {
    /// A recipe that cannot be read.
    #[error("recipe `{recipe}` cannot be read: {reason}")]
    #[diagnostic(
        code(imgc::program::recipe_unreadable),
        help("give the path of a recipe, such as `recipes/rg.kdl`")
    )]
    RecipeUnreadable { recipe: String, reason: String },
    /// A recipe outside the directory that is its project.
    #[error("recipe `{recipe}` lies outside the project `{project}`, or its path is not UTF-8")]
    #[diagnostic(
        code(imgc::program::outside_project),
        help("name a directory above the recipe with `--project`")
    )]
    OutsideProject { recipe: String, project: String },
    /// `SOURCE_DATE_EPOCH` is no time.
    #[error("`SOURCE_DATE_EPOCH` is `{value}`, which is no number of seconds since 1970")]
    #[diagnostic(
        code(imgc::program::source_date_epoch),
        help("set it to digits (1700000000), or unset it")
    )]
    SourceDateEpoch { value: String },
    /// Two images that would be written to one place.
    #[error("`{first}` and `{second}` would both be written to `{output}`")]
    #[diagnostic(
        code(imgc::program::output_taken),
        help("give one of them another name with a `name` node, or build them one by one")
    )]
    OutputTaken { first: String, second: String, output: String },
    /// A recipe that is not formatted, with `fmt --check`.
    #[error("`{file}` is not formatted")]
    #[diagnostic(code(imgc::program::not_formatted), help("format it: `imgc fmt {file}`"))]
    NotFormatted { file: String },
    /// A recipe that `fmt` does not know how to lay out.
    #[error("formatting `{file}` would change what it means, so it is left as it is")]
    #[diagnostic(
        code(imgc::program::format_changes),
        help("this is a mistake in imgc: please report it with the recipe")
    )]
    FormatChanges { file: String },
    /// A file that cannot be written.
    #[error("cannot write `{file}`")]
    #[diagnostic(
        code(imgc::program::cannot_write),
        help("look at the directory's permissions and at the space that is left")
    )]
    CannotWrite {
        file: String,
        #[source]
        source: io::Error,
    },
    /// A directory that cannot be read.
    #[error("cannot read `{file}`")]
    #[diagnostic(code(imgc::program::cannot_read), help("name a directory that you may read"))]
    CannotRead {
        file: String,
        #[source]
        source: io::Error,
    },
    /// `init` would write over a file.
    #[error("`{path}` is there already")]
    #[diagnostic(
        code(imgc::program::recipe_exists),
        help("remove it first, or write to stdout by leaving `-o` out")
    )]
    RecipeExists { path: String },
    /// `init` is given what is no program.
    #[error("`{name}` is no program, and there is none of that name in PATH")]
    #[diagnostic(
        code(imgc::program::no_such_program),
        help(
            "give the path of a file that may be executed, or of a directory of them by `--all-in`"
        )
    )]
    NoSuchProgram { name: String },
    /// A build of an audit that fails without anything being changed.
    #[error("`{recipe}` cannot be built in a process of its own: {reason}")]
    #[diagnostic(code(imgc::program::audit_failed), help("see why: `imgc build {recipe}`"))]
    AuditFailed { recipe: String, reason: String },
    /// A lock that the system does not give out.
    #[error("cannot read the lock `{file}`")]
    #[diagnostic(
        code(imgc::program::lock_unreadable),
        help("look at its permissions; `imgc lock` does not help here")
    )]
    LockUnreadable {
        file: String,
        #[source]
        source: io::Error,
    },
    /// Something that decides what is in an image, and that the machine does not give out.
    #[error("cannot read `{file}`")]
    #[diagnostic(
        code(imgc::program::unreadable),
        help("nothing was written; remove the cause and try again")
    )]
    Unreadable {
        file: String,
        #[source]
        source: io::Error,
    },
    /// A command about the store where there can be none.
    #[error("no store is named, and there is no home directory to look for one")]
    #[diagnostic(
        code(imgc::program::no_store),
        help("name its directory with `--store` or `IMGC_STORE`")
    )]
    NoStore,
    /// A store that a build does without.
    #[error("the store is not used: {reason}")]
    #[diagnostic(
        code(imgc::program::store_is_not_used),
        severity(Warning),
        help("name another directory with `--store` or `IMGC_STORE`, or use `--no-store`")
    )]
    StoreIsNotUsed { reason: String },
    /// What a build could not keep for the next one.
    #[error("the image is complete, but the store was not updated: {reason}")]
    #[diagnostic(
        code(imgc::program::store_is_not_updated),
        severity(Warning),
        help("look at the store's permissions and at the space that is left, or use `--no-store`")
    )]
    StoreIsNotUpdated { reason: String },
    /// `--variant` names none.
    #[error("`{recipe}` has no variant `{}`", imgc_parser::Printable::new(variant))]
    #[diagnostic(
        code(imgc::program::unknown_variant),
        help("{}", if known.is_empty() { "leave `--variant` out".into() } else { format!("its variants: {}", known.join(", ")) })
    )]
    UnknownVariant { variant: String, recipe: String, known: Vec<String> },
    /// A code that nothing has.
    #[error("no error or warning has the code `{code}`")]
    #[diagnostic(
        code(imgc::program::unknown_code),
        help("list all codes: `imgc explain`{}", nearest.as_ref().map_or(String::new(), |code| format!("; or did you mean `{code}`?")))
    )]
    UnknownCode { code: String, nearest: Option<String> },
    /// A recipe accepts what nothing ever says.
    #[error("no warning has the code `{}`", imgc_parser::Printable::new(code))]
    #[diagnostic(
        code(imgc::program::unknown_allow),
        severity(Warning),
        help("list all codes: `imgc explain`{}", nearest.as_ref().map_or(String::new(), |code| format!("; or did you mean `{code}`?")))
    )]
    UnknownAllow { code: String, nearest: Option<String> },
    /// A path that the image does not have.
    #[error("`{path}` is not in the image")]
    #[diagnostic(code(imgc::program::not_in_image), help("list what is: `imgc ls {recipe}`"))]
    NotInImage { path: String, recipe: String },
    /// An engine that takes no images.
    #[error("`{engine}` did not load the image: {reason}")]
    #[diagnostic(
        code(imgc::program::load_failed),
        help(
            "see whether `{engine} info` works; the image itself is sound: build it with `-o image.tar`"
        )
    )]
    LoadFailed { engine: &'static str, reason: String },
    /// The current directory, stdin or stdout do not work.
    #[error("{what}")]
    #[diagnostic(code(imgc::program::input_output))]
    InputOutput {
        what: &'static str,
        #[source]
        source: io::Error,
    },
}

impl ProgramError {
    /// Makes the error of a path of this machine that cannot be read.
    pub(crate) fn unreadable(path: &Path, source: io::Error) -> Self {
        let file = Printable::new(path.as_os_str().as_encoded_bytes()).to_string();
        Self::Unreadable { file, source }
    }
}
