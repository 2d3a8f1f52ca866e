//! What was typed: the command line as data.

mod quick;
pub(crate) mod store;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// A compiler for container images.
///
/// A recipe goes in, a reproducible OCI image made from nothing but what the recipe asks for comes
/// out.
#[derive(Debug, Parser)]
#[command(
    name = "imgc",
    disable_version_flag = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Results go to stdout, talk to stderr.\n\
                  Exit codes: 0 done; 1 errors in a recipe, an image or a file; 2 wrong command \
                  line; 3 a program that its loader refuses (`ldd`); 4 not reproducible, or not made from \
                  the recipe (`audit`); 70 internal error."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    /// Prints the version; with `--verbose` also those of all that decides digests.
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
    /// Says more about the version.
    #[arg(long, requires = "version")]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Arguments {
    /// Reads the command line.
    pub(crate) fn read() -> Self {
        let words: Vec<OsString> = std::env::args_os().skip(1).collect();
        quick::plain(&words).or_else(|| quick::alone(&words)).unwrap_or_else(Self::parse)
    }
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// How errors, warnings and remarks are written to stderr.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "human")]
    pub(crate) message_format: MessageFormat,
    /// Makes warnings errors, except those that a recipe accepts with `allow`.
    #[arg(long, global = true, value_enum, value_name = "WHAT")]
    pub(crate) deny: Option<Denied>,
    /// Says nothing but errors and warnings on stderr.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to use colours; `NO_COLOR` turns them off too.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    /// How many threads compress [default: the number of processors]. No byte of an image depends on
    /// it.
    #[arg(short, long, global = true, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// The project's directory, out of which no relative path may lead [default: the nearest
    /// directory above the recipe that holds `.git`, else the recipe's own].
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) project: Option<PathBuf>,
    /// Gives a parameter of the recipe a value; the last one counts if it is given twice.
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub(crate) set: Vec<(String, String)>,
    /// The directory in which builds keep what the next ones can use [default: `IMGC_STORE`, else
    /// `imgc` in `XDG_CACHE_HOME`, else `~/.cache/imgc`]. No byte of an image depends on it.
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
    /// Builds everything afresh and keeps nothing.
    #[arg(long, global = true, conflicts_with = "store")]
    pub(crate) no_store: bool,
}

/// How diagnostics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// For people: with the lines of the recipe.
    Human,
    /// For programs: one JSON object a line.
    Json,
    /// For code-scanning pages: one SARIF 2.1.0 document at the end.
    Sarif,
}

/// What is an error beside errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Denied {
    /// Warnings that no `allow` of the recipe accepts.
    Warnings,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Builds images from recipes.
    ///
    /// Prints a line for each image on stdout: its name, the digest of its manifest (of its index,
    /// if it is for several platforms), and where it is.
    Build(BuildArguments),
    /// Checks recipes: everything that `build` does but writing.
    Check(RecipesArguments),
    /// Writes a recipe for programs: what their checks ask for, each line with its reason.
    ///
    /// Goes to stdout unless `-o` names a file. Nothing is run.
    Init(InitArguments),
    /// Locks recipes: writes beside each what it was made from and what came out.
    ///
    /// From then on `build` and `check` stop when something has changed. Check the lock in.
    Lock(LockArguments),
    /// Prints the plan of a recipe: what it asks for, as a graph with content-addressed nodes.
    ///
    /// Below it the layers of the image with their sizes, if this machine has all that it takes.
    Plan(PlanArguments),
    /// Says why a path is in an image.
    Why(WhyArguments),
    /// Lists what is in an image: kind and mode, owner, size, digest, path.
    Ls(ContentsArguments),
    /// Shows what is in an image as a tree.
    Tree(ContentsArguments),
    /// Compares two images field by field: recipes, OCI directories or archives, also those of
    /// `docker save`.
    ///
    /// Exits with 0 if they are the same, with 1 if not, with 2 if one cannot be read.
    Diff(DiffArguments),
    /// Reads an image back with a second reader, and checks every rule of its form and all digests.
    Verify(VerifyArguments),
    /// Builds recipes again and again under changes that must not matter, and compares.
    ///
    /// Exits with 4 if a build comes out differently or inputs have drifted from a lock.
    Audit(AuditArguments),
    /// Prints what the program sees of where it runs, for `audit`.
    #[command(hide = true)]
    Surroundings,
    /// Looks at the store, checks it, and removes from it what nobody needs.
    Store(store::StoreArguments),
    /// Formats recipes in place.
    Fmt(FmtArguments),
    /// Lists the libraries of programs as their loader would find them, without running anything.
    ///
    /// Works for any architecture. Exits with 1 if something is missing, with 3 if the loader would
    /// refuse to start a program.
    Ldd(LddArguments),
    /// Explains the code of an error or a warning.
    Explain(ExplainArguments),
    /// Prints a completion script for a shell.
    Completions(CompletionsArguments),
    /// Prints the manual page, or writes one for each command.
    Man(ManArguments),
}

/// Arguments of `build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    #[command(flatten)]
    pub(crate) recipes: RecipesArguments,
    /// Where the images go: a name that ends in `.tar` makes an archive that docker, podman and
    /// skopeo load, anything else an OCI directory [default: an OCI directory `out/NAME` for each
    /// image].
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) output: Option<PathBuf>,
    /// Builds this variant of the recipes alone; every recipe must have it [default: the image and
    /// all its variants].
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// Loads the images into an engine; without `--output` nothing else is written.
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(crate) load: Option<Engine>,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The programs: paths, or names in `PATH`. The first is the entrypoint.
    #[arg(required_unless_present = "all_in", value_name = "PROGRAM", value_hint = ValueHint::ExecutablePath)]
    pub(crate) programs: Vec<PathBuf>,
    /// Takes every program of a directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) all_in: Option<PathBuf>,
    /// The recipe, which must not be there yet [default: stdout].
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

/// An engine that images are loaded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// `docker load`
    Docker,
    /// `podman load`
    Podman,
}

impl Engine {
    /// Returns the program's name.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// Recipes to work on.
#[derive(Debug, Args)]
pub(crate) struct RecipesArguments {
    /// The recipes.
    #[arg(required = true, value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub(crate) recipes: Vec<PathBuf>,
    /// Refuses a recipe that has no lock.
    #[arg(long)]
    pub(crate) locked: bool,
}

/// Arguments of `lock`.
#[derive(Debug, Args)]
pub(crate) struct LockArguments {
    /// The recipes.
    #[arg(required = true, value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub(crate) recipes: Vec<PathBuf>,
    /// Writes nothing; compares what goes in with the locks, without building, and exits with 1 if
    /// something has changed or a lock is missing.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// The recipe.
    #[arg(value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub(crate) recipe: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `why`.
#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    /// The recipe.
    #[arg(value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub(crate) recipe: PathBuf,
    /// An absolute path in the image.
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
}

/// Arguments of `ls` and `tree`.
#[derive(Debug, Args)]
pub(crate) struct ContentsArguments {
    /// A recipe, an OCI directory, or an archive.
    #[arg(value_name = "IMAGE", value_hint = ValueHint::AnyPath)]
    pub(crate) image: PathBuf,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// A recipe, an OCI directory, or an archive.
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub(crate) first: PathBuf,
    /// Another one.
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub(crate) second: PathBuf,
    /// Compares what runs alone: settings, and the tree of all layers together. Times, history,
    /// names of images and owners, compression, and how files are spread over layers do not count.
    #[arg(long)]
    pub(crate) semantic: bool,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// An OCI directory, or an archive of one.
    #[arg(value_name = "IMAGE", value_hint = ValueHint::AnyPath)]
    pub(crate) image: PathBuf,
    /// Also checks that it is what this recipe, and its lock, say.
    #[arg(long, value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub(crate) recipe: Option<PathBuf>,
}

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// The recipes.
    #[arg(required = true, value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub(crate) recipes: Vec<PathBuf>,
    /// Says instead whether this image, an OCI directory or an archive, was made from the recipe.
    #[arg(long, value_name = "IMAGE", value_hint = ValueHint::AnyPath)]
    pub(crate) against: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long, conflicts_with = "against")]
    pub(crate) json: bool,
    /// Prints a short summary in Markdown, for the page of a CI job.
    #[arg(long, conflicts_with_all = ["against", "json"])]
    pub(crate) markdown: bool,
}

/// Arguments of `fmt`.
#[derive(Debug, Args)]
pub(crate) struct FmtArguments {
    /// The recipes; `-` formats stdin to stdout.
    #[arg(required = true, value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub(crate) recipes: Vec<PathBuf>,
    /// Changes nothing; exits with 1 and names the files that would change.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The code, such as `imgc::parse::unknown_node`, or its last part; without one, all codes are
    /// listed.
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Writes `imgc.1` and `imgc-COMMAND.1` into this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

/// Arguments of `ldd`.
#[derive(Debug, Args)]
pub(crate) struct LddArguments {
    /// The programs: paths in the root.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// The root file system [default: this machine's].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) root: Option<PathBuf>,
    /// The directory, in the root, that the program is started from [default: `/` with `--root`,
    /// else the current one].
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// A variable of the program's environment; `LD_LIBRARY_PATH` and `LD_PRELOAD` matter. The
    /// caller's own environment does not.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub(crate) env: Vec<(String, String)>,
    /// What `$PLATFORM` stands for, such as `x86_64` or `haswell`.
    #[arg(long, value_name = "NAME")]
    pub(crate) platform: Option<String>,
    /// Also checks that every symbol is defined somewhere, as `ldd -r` does.
    #[arg(short = 'r', long)]
    pub(crate) symbols: bool,
    /// Prints a JSON object for each program.
    #[arg(long)]
    pub(crate) json: bool,
}

impl LddArguments {
    /// Returns the value of a variable; the last one counts if it is given twice.
    pub(crate) fn variable(&self, name: &str) -> Option<&[u8]> {
        let variable = self.env.iter().rev().find(|(known, _)| known == name);
        variable.map(|(_, value)| value.as_bytes())
    }
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form NAME=VALUE".into()),
    }
}
