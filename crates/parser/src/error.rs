//! What can be wrong with a recipe: one variant for each thing that a user can fix.
//!
//! The wording stands in the attributes. Spans point into the [`crate::SourceMap`] of the run, and
//! every word that comes from a recipe is shown so that it cannot steer a terminal.
//!
//! The file is long because it is a table; what computes a help is in `advice`.

use miette::Diagnostic;
use thiserror::Error;

use crate::advice::{
    capability_help, chain_text, did_you_mean, level_help, name_help, number_help, octal_form,
    path_help, platform_help, properties_help, signal_help, stem_help, unknown_parameter_help,
    unknown_setting_help,
};
use crate::capability::CapabilityProblem;
use crate::image_name::ImageNameProblem;
use crate::path::{PathProblem, ProjectPath};
use crate::platform::PlatformProblem;
use crate::scalar::ScalarProblem;
use crate::shown::Shown;
use crate::span::Span;
use crate::syntax::{NumberProblem, SyntaxProblem};

/// A mistake in a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum ParseError {
    // The file as a whole.
    /// A file cannot be read.
    #[error("cannot read `{path}`: {}", Shown(reason))]
    #[diagnostic(
        code(imgc::parse::not_readable),
        help("paths are relative to the file they stand in")
    )]
    NotReadable {
        /// The file.
        path: ProjectPath,
        /// Why, as the system says it.
        reason: String,
        /// The `use` that names the file; nothing for the recipe itself.
        #[label("used here")]
        span: Option<Span>,
    },
    /// A file is not UTF-8.
    #[error("`{}` is not UTF-8 from byte {offset} on", Shown(name))]
    #[diagnostic(code(imgc::parse::not_utf8), help("save the file as UTF-8"))]
    NotUtf8 {
        /// The file's name.
        name: String,
        /// The offset of the first byte that is wrong.
        offset: usize,
        /// The end of what could be read.
        #[label("the text ends here")]
        span: Span,
    },
    /// A file is UTF-16.
    #[error("`{}` is UTF-16", Shown(name))]
    #[diagnostic(code(imgc::parse::utf16), help("save the file as UTF-8"))]
    Utf16 {
        /// The file's name.
        name: String,
        /// The file's start.
        #[label("in this file")]
        span: Span,
    },
    /// A file is larger than 1 MiB.
    #[error("`{}` has {size} bytes, more than 1 MiB", Shown(name))]
    #[diagnostic(
        code(imgc::parse::too_large),
        help("keep large texts in files of their own: `file \"/path\" from=\"text.txt\"`")
    )]
    TooLarge {
        /// The file's name.
        name: String,
        /// Its size in bytes.
        size: usize,
        /// The file's start.
        #[label("in this file")]
        span: Span,
    },
    /// A line is longer than 16 KiB.
    #[error("a line has {length} bytes, more than 16 KiB")]
    #[diagnostic(
        code(imgc::parse::line_too_long),
        help("break it with `\\` at the end of a line, or write a multi-line string")
    )]
    LineTooLong {
        /// Its length in bytes.
        length: usize,
        /// The start of the line.
        #[label("this line")]
        span: Span,
    },
    /// Blocks or comments lie too deeply inside each other.
    #[error("blocks or comments are nested more than 64 deep")]
    #[diagnostic(
        code(imgc::parse::too_deep),
        help("close the blocks and comments before this one")
    )]
    TooDeep {
        /// The first that is too deep.
        #[label("the 65th starts here")]
        span: Span,
    },
    /// The KDL parser did not come to an end.
    #[error("the recipe is too complex to be read in 10 seconds")]
    #[diagnostic(
        code(imgc::parse::too_complex),
        help("split it into files that `use` joins, or try again on a machine with more memory")
    )]
    TooComplex {
        /// The file's start.
        #[label("in this file")]
        span: Span,
    },
    /// A recipe has more than 64 files.
    #[error("the recipe uses more than 64 files")]
    #[diagnostic(code(imgc::parse::too_many_files), help("join some of them"))]
    TooManyFiles {
        /// The first `use` that is too many.
        #[label("the 65th file")]
        span: Span,
    },

    // The grammar.
    /// The text is not KDL.
    #[error("{problem}")]
    #[diagnostic(code(imgc::parse::syntax), help("{help}"))]
    Syntax {
        /// What is wrong.
        problem: SyntaxProblem,
        /// What to do about it.
        help: &'static str,
        /// Where.
        #[label("here")]
        span: Span,
    },
    /// A word needs quotes.
    #[error("`{}` is not quoted", Shown(written))]
    #[diagnostic(code(imgc::parse::unquoted), help("write `\"{}\"`", Shown(written)))]
    Unquoted {
        /// The word.
        written: String,
        /// Where.
        #[label("contains a character that needs quotes")]
        span: Span,
    },
    /// A word is `true`, `null` and the like, or a `#word` that does not exist.
    #[error("`{}` is no word of KDL", Shown(written))]
    #[diagnostic(
        code(imgc::parse::not_a_keyword),
        help("write `\"{}\"` for a string", Shown(written.trim_start_matches('#')))
    )]
    NotAKeyword {
        /// The word.
        written: String,
        /// Where.
        #[label("here")]
        span: Span,
    },
    /// A word starts like a number and is none.
    #[error("`{}` {problem}", Shown(written))]
    #[diagnostic(code(imgc::parse::not_a_number), help("{}", number_help(written, *problem)))]
    NotANumber {
        /// The word.
        written: String,
        /// Why.
        problem: NumberProblem,
        /// Where.
        #[label("written here")]
        span: Span,
    },

    // Nodes and what belongs to them.
    /// No node has this name.
    #[error("unknown node `{}`", Shown(name))]
    #[diagnostic(code(imgc::parse::unknown_node), help("{}", did_you_mean(name, known)))]
    UnknownNode {
        /// The name.
        name: String,
        /// The names that could stand here.
        known: &'static [&'static str],
        /// Where.
        #[label("not a node of a recipe")]
        span: Span,
    },
    /// A node that imgc will have and this version has not.
    #[error("`{}` is not supported yet by this version", Shown(what))]
    #[diagnostic(code(imgc::parse::not_supported), help("remove it; {instead}"))]
    NotSupported {
        /// The node, with its kind if that is what is missing.
        what: &'static str,
        /// What serves until then.
        instead: &'static str,
        /// Where.
        #[label("asked for here")]
        span: Span,
    },
    /// A node stands in a block that does not take it.
    #[error("`{}` cannot stand in `{parent}`", Shown(name))]
    #[diagnostic(code(imgc::parse::unknown_child), help("{}", did_you_mean(name, known)))]
    UnknownChild {
        /// The node's name.
        name: String,
        /// The node whose block it stands in.
        parent: &'static str,
        /// The nodes that can stand there.
        known: &'static [&'static str],
        /// Where.
        #[label("in the block of `{parent}`")]
        span: Span,
    },
    /// A node has a block and takes none.
    #[error("`{node}` takes no block")]
    #[diagnostic(code(imgc::parse::no_children), help("remove the block from `{{` to `}}`"))]
    NoChildren {
        /// The node.
        node: &'static str,
        /// The node, with its block.
        #[label("has a block")]
        span: Span,
    },
    /// A node has no such property.
    #[error("unknown property `{}` of `{node}`", Shown(name))]
    #[diagnostic(
        code(imgc::parse::unknown_property),
        help("{}", properties_help(name, node, known))
    )]
    UnknownProperty {
        /// The property's name.
        name: String,
        /// The node.
        node: &'static str,
        /// The properties that it has.
        known: &'static [&'static str],
        /// Where.
        #[label("`{node}` does not have it")]
        span: Span,
    },
    /// A property is given twice to one node.
    #[error("property `{}` is given twice", Shown(name))]
    #[diagnostic(code(imgc::parse::duplicate_property), help("remove one of them"))]
    DuplicateProperty {
        /// The property's name.
        name: String,
        /// The first.
        #[label("first given here")]
        first: Span,
        /// The second.
        #[label(primary, "given again here")]
        span: Span,
    },
    /// A node lacks an argument.
    #[error("`{node}` lacks {what}")]
    #[diagnostic(code(imgc::parse::missing_argument), help("write `{example}`"))]
    MissingArgument {
        /// The node.
        node: &'static str,
        /// What is missing.
        what: &'static str,
        /// The node as it could be written.
        example: &'static str,
        /// The node's name.
        #[label("nothing follows that says it")]
        span: Span,
    },
    /// A node has more arguments than it takes.
    #[error("`{node}` takes no argument here")]
    #[diagnostic(code(imgc::parse::extra_argument), help("write `{example}`"))]
    ExtraArgument {
        /// The node.
        node: &'static str,
        /// The node as it could be written.
        example: &'static str,
        /// The first argument that is too many.
        #[label("one too many")]
        span: Span,
    },
    /// A node lacks a property.
    #[error("`{node}` lacks the property `{property}`")]
    #[diagnostic(code(imgc::parse::missing_property), help("write `{example}`"))]
    MissingProperty {
        /// The node.
        node: &'static str,
        /// The property.
        property: &'static str,
        /// The node as it could be written.
        example: &'static str,
        /// The node's name.
        #[label("asked for here")]
        span: Span,
    },
    /// A value is of another type than it has to be.
    #[error("found {} where {expected} is expected", Shown(found))]
    #[diagnostic(code(imgc::parse::wrong_type), help("write {}", Shown(instead)))]
    WrongType {
        /// What stands there, described.
        found: String,
        /// What should.
        expected: &'static str,
        /// What to write.
        instead: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A type annotation.
    #[error("type annotation `({})` means nothing in a recipe", Shown(name))]
    #[diagnostic(code(imgc::parse::type_annotation), help("remove it"))]
    TypeAnnotation {
        /// The name in the parentheses.
        name: String,
        /// What is annotated.
        #[label("annotated here")]
        span: Span,
    },
    /// Something that can be said once is said twice.
    #[error("{} is stated twice", Shown(what))]
    #[diagnostic(code(imgc::parse::stated_twice), help("remove one of them"))]
    StatedTwice {
        /// What is stated.
        what: String,
        /// The first.
        #[label("first stated here")]
        first: Span,
        /// The second.
        #[label(primary, "stated again here")]
        span: Span,
    },

    // Values.
    /// A path is none.
    #[error("path `{}` {problem}", Shown(path))]
    #[diagnostic(code(imgc::parse::bad_path), help("{}", path_help(*problem)))]
    BadPath {
        /// The path.
        path: String,
        /// Why.
        problem: PathProblem,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A mode is none.
    #[error("mode `{}` {problem}", Shown(written))]
    #[diagnostic(
        code(imgc::parse::bad_mode),
        help("write four octal digits or fewer, such as `mode=0o644`")
    )]
    BadMode {
        /// What is written.
        written: String,
        /// Why.
        problem: ScalarProblem,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A mode is written as a number that is not octal.
    #[error("mode `{}` is not written in octal", Shown(written))]
    #[diagnostic(code(imgc::parse::decimal_mode), help("write `{}`", octal_form(written)))]
    DecimalMode {
        /// What is written.
        written: String,
        /// What KDL reads.
        number: i128,
        /// Where.
        #[label("KDL reads the number {number}")]
        span: Span,
    },
    /// A user or group id is none.
    #[error("id `{}` {problem}", Shown(written))]
    #[diagnostic(code(imgc::parse::bad_id), help("write a number such as `10001`"))]
    BadId {
        /// What is written.
        written: String,
        /// Why.
        problem: ScalarProblem,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// An owner is neither names nor numbers.
    #[error("owner `{}` is neither a user nor a pair of ids", Shown(written))]
    #[diagnostic(
        code(imgc::parse::bad_owner),
        help("write `owner=app`, `owner=\"app:web\"`, `owner=10001` or `owner=\"10001:10002\"`")
    )]
    BadOwner {
        /// What is written.
        written: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// The name of a user or group is none.
    #[error("`{}` cannot name a user or group", Shown(name))]
    #[diagnostic(
        code(imgc::parse::bad_account_name),
        help("use at most 32 lower-case letters, digits, `_` and `-`, with a letter or `_` first")
    )]
    BadAccountName {
        /// The name.
        name: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A user is described and not created.
    #[error("user `{}` has `{property}` and no `uid`", Shown(user))]
    #[diagnostic(
        code(imgc::parse::user_without_uid),
        help("add `uid=10001` to create the user, or remove `{property}`")
    )]
    UserWithoutUid {
        /// The user.
        user: String,
        /// The first property that only a new user can have.
        property: String,
        /// The property.
        #[label("only a user that is created has this")]
        span: Span,
    },
    /// A number is described as if it were a user with a name.
    #[error("user `{}` is a number and cannot have `{property}`", Shown(user))]
    #[diagnostic(
        code(imgc::parse::numeric_user),
        help("name the user, as in `user app uid=10001`, or remove `{property}`")
    )]
    NumericUser {
        /// The user.
        user: String,
        /// The first property that only a user with a name can have.
        property: String,
        /// The property.
        #[label("a number creates no user")]
        span: Span,
    },
    /// An image's name is none.
    #[error("image name `{}` {problem}", Shown(name))]
    #[diagnostic(code(imgc::parse::bad_name), help("{}", name_help(name)))]
    BadName {
        /// The name.
        name: String,
        /// Why.
        problem: ImageNameProblem,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// The recipe's file name is no image's name, and no `name` node gives one.
    #[error("file name `{}` gives the image no name: it {problem}", Shown(stem))]
    #[diagnostic(code(imgc::parse::no_name), help("{}", stem_help(stem)))]
    NoName {
        /// The stem of the file's name.
        stem: String,
        /// Why.
        problem: ImageNameProblem,
        /// The file's start.
        #[label("this recipe has no `name` node")]
        span: Span,
    },
    /// A platform is none.
    #[error("platform `{}` {problem}", Shown(written))]
    #[diagnostic(code(imgc::parse::bad_platform), help("{}", platform_help()))]
    BadPlatform {
        /// What is written.
        written: String,
        /// Why.
        problem: PlatformProblem,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A source is of no known kind.
    #[error("unknown kind of source `{}`", Shown(kind))]
    #[diagnostic(code(imgc::parse::unknown_source), help("{}", did_you_mean(kind, known)))]
    UnknownSource {
        /// The kind.
        kind: String,
        /// The kinds there are.
        known: &'static [&'static str],
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A need has no known name.
    #[error("unknown need `{}`", Shown(name))]
    #[diagnostic(code(imgc::parse::unknown_need), help("{}", did_you_mean(name, known)))]
    UnknownNeed {
        /// The name.
        name: String,
        /// The needs there are.
        known: &'static [&'static str],
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A time zone or locale has a name that none can have, or no name.
    #[error("`{}` is no name of a {what}", Shown(written))]
    #[diagnostic(code(imgc::parse::bad_need), help("write `needs {example}`"))]
    BadNeed {
        /// `time zone` or `locale`.
        what: &'static str,
        /// What is written.
        written: String,
        /// How it could be written.
        example: &'static str,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// What a program may do is not said as `setcap` takes it.
    #[error("`{}` cannot be the capabilities of a file: {problem}", Shown(written))]
    #[diagnostic(code(imgc::parse::bad_capability), help("{}", capability_help(problem)))]
    BadCapability {
        /// What is written.
        written: String,
        /// Why.
        problem: CapabilityProblem,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A parameter has a name that none can have.
    #[error("`{}` is no name of a parameter", Shown(name))]
    #[diagnostic(
        code(imgc::parse::bad_parameter),
        help(
            "write a name of letters, digits, `_` and `-`: `${{version}}`; `$${{` stands for `${{`"
        )
    )]
    BadParameter {
        /// What stands there.
        name: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A string names a parameter that no file of the recipe has.
    #[error("unknown parameter `{}`", Shown(name))]
    #[diagnostic(
        code(imgc::parse::unknown_parameter),
        help("{}", unknown_parameter_help(name, known))
    )]
    UnknownParameter {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
        /// The string.
        #[label("named in this string")]
        span: Span,
    },
    /// A parameter has neither a default nor a value from the command line.
    #[error("parameter `{}` has no value", Shown(name))]
    #[diagnostic(
        code(imgc::parse::parameter_without_value),
        help("give it one: `--set {0}=…`, or `param {0} default=\"…\"`", Shown(name))
    )]
    ParameterWithoutValue {
        /// The name.
        name: String,
        /// Where it is declared.
        #[label("declared here")]
        span: Span,
    },
    /// A parameter that stands in no string.
    #[error("parameter `{}` is not used", Shown(name))]
    #[diagnostic(
        code(imgc::parse::unused_parameter),
        help("write `${{{}}}` in a string where it belongs, or remove it", Shown(name))
    )]
    UnusedParameter {
        /// The name.
        name: String,
        /// Where it is declared.
        #[label("declared here")]
        span: Span,
    },
    /// The command line gives a value to what is no parameter.
    #[error("`--set {}` names no parameter of the recipe", Shown(name))]
    #[diagnostic(code(imgc::parse::unknown_setting), help("{}", unknown_setting_help(name, known)))]
    UnknownSetting {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A library is named by a relative path.
    #[error("library `{}` is neither a name nor an absolute path", Shown(name))]
    #[diagnostic(
        code(imgc::parse::bad_library),
        help("write its name, `library \"libz.so.1\"`, or its path from `/` on")
    )]
    BadLibrary {
        /// What is written.
        name: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A pattern stands in a directory of a path.
    #[error("`{}` is not a pattern for the files of one directory", Shown(pattern))]
    #[diagnostic(
        code(imgc::parse::bad_pattern),
        help("use `*`, `?` and `[…]` behind the last `/` alone, and close each `[`")
    )]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A port is none.
    #[error("port `{}` is not of the form `8080` or `53/udp`", Shown(written))]
    #[diagnostic(
        code(imgc::parse::bad_port),
        help(
            "write a number from 1 to 65535, with `/tcp`, `/udp` or `/sctp` behind it or without"
        )
    )]
    BadPort {
        /// What is written.
        written: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A signal is none.
    #[error("unknown signal `{}`", Shown(written))]
    #[diagnostic(code(imgc::parse::bad_signal), help("{}", signal_help(written)))]
    BadSignal {
        /// What is written.
        written: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A date is none.
    #[error("`{}` {problem}", Shown(written))]
    #[diagnostic(code(imgc::parse::bad_date), help("write `created \"2026-11-20\"`"))]
    BadDate {
        /// What is written.
        written: String,
        /// Why.
        problem: ScalarProblem,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// No such compression.
    #[error("unknown compression `{}`", Shown(written))]
    #[diagnostic(code(imgc::parse::unknown_compression), help("{}", did_you_mean(written, &["gzip", "zstd", "none"])))]
    UnknownCompression {
        /// What is written.
        written: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A level that the compression does not have.
    #[error("level `{}` is not one of `{codec}`", Shown(written))]
    #[diagnostic(code(imgc::parse::bad_level), help("{}", level_help(*highest)))]
    BadLevel {
        /// What is written.
        written: String,
        /// The compression.
        codec: &'static str,
        /// Its highest level; 0 if it has none.
        highest: u8,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A value contains a character that it must not.
    #[error("{what} contains the character U+{:04X}", u32::from(*character))]
    #[diagnostic(code(imgc::parse::forbidden_character), help("remove it"))]
    ForbiddenCharacter {
        /// What the value is.
        what: &'static str,
        /// The character.
        character: char,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A value is empty.
    #[error("{what} is empty")]
    #[diagnostic(
        code(imgc::parse::empty_value),
        help("write something between the quotes, or remove it")
    )]
    EmptyValue {
        /// What the value is.
        what: &'static str,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// A value is longer than anything that could hold it.
    #[error("{what} has {length} bytes, more than {limit}")]
    #[diagnostic(code(imgc::parse::too_long), help("shorten it"))]
    TooLong {
        /// What the value is.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The most that it can have.
        limit: usize,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// The name of a variable is none.
    #[error("`{}` cannot name a variable", Shown(name))]
    #[diagnostic(code(imgc::parse::bad_variable), help("use a name without `=` that is not empty"))]
    BadVariable {
        /// The name.
        name: String,
        /// Where.
        #[label("written here")]
        span: Span,
    },
    /// An entrypoint is both a list of arguments and a line for the shell.
    #[error("`entrypoint` has both arguments and `shell`")]
    #[diagnostic(
        code(imgc::parse::two_entrypoints),
        help("remove the arguments, or remove `shell`")
    )]
    TwoEntrypoints {
        /// The first argument.
        #[label("a program here")]
        first: Span,
        /// The `shell` property.
        #[label(primary, "a line for the shell here")]
        span: Span,
    },

    // Other files.
    /// A file is used a second time.
    #[error("`{path}` is used twice")]
    #[diagnostic(
        code(imgc::parse::used_twice),
        help("remove one of them; its nodes are there already")
    )]
    UsedTwice {
        /// The file.
        path: ProjectPath,
        /// The first `use`.
        #[label("first used here")]
        first: Span,
        /// The second.
        #[label(primary, "used again here")]
        span: Span,
    },
    /// Files use each other.
    #[error("files use each other: {}", chain_text(chain))]
    #[diagnostic(code(imgc::parse::use_cycle), help("remove one `use` of the chain"))]
    UseCycle {
        /// The files, the first one again at the end.
        chain: Vec<ProjectPath>,
        /// The `use` that closes the chain.
        #[label("closes the chain")]
        span: Span,
    },

    /// The end of a list that would be too long.
    #[error("and {count} more")]
    #[diagnostic(code(imgc::parse::and_more), help("repair those above first"))]
    AndMore {
        /// How many mistakes are not listed.
        count: usize,
    },
}

/// All codes of [`ParseError`], sorted; each has a page in `docs/errors`.
pub const CODES: &[&str] = &[
    "imgc::parse::and_more",
    "imgc::parse::bad_account_name",
    "imgc::parse::bad_capability",
    "imgc::parse::bad_date",
    "imgc::parse::bad_id",
    "imgc::parse::bad_level",
    "imgc::parse::bad_library",
    "imgc::parse::bad_mode",
    "imgc::parse::bad_name",
    "imgc::parse::bad_need",
    "imgc::parse::bad_owner",
    "imgc::parse::bad_parameter",
    "imgc::parse::bad_path",
    "imgc::parse::bad_pattern",
    "imgc::parse::bad_platform",
    "imgc::parse::bad_port",
    "imgc::parse::bad_signal",
    "imgc::parse::bad_variable",
    "imgc::parse::decimal_mode",
    "imgc::parse::duplicate_property",
    "imgc::parse::empty_value",
    "imgc::parse::extra_argument",
    "imgc::parse::forbidden_character",
    "imgc::parse::line_too_long",
    "imgc::parse::missing_argument",
    "imgc::parse::missing_property",
    "imgc::parse::no_children",
    "imgc::parse::no_name",
    "imgc::parse::not_a_keyword",
    "imgc::parse::not_a_number",
    "imgc::parse::not_readable",
    "imgc::parse::not_supported",
    "imgc::parse::not_utf8",
    "imgc::parse::numeric_user",
    "imgc::parse::parameter_without_value",
    "imgc::parse::stated_twice",
    "imgc::parse::syntax",
    "imgc::parse::too_complex",
    "imgc::parse::too_deep",
    "imgc::parse::too_large",
    "imgc::parse::too_long",
    "imgc::parse::too_many_files",
    "imgc::parse::two_entrypoints",
    "imgc::parse::type_annotation",
    "imgc::parse::unknown_child",
    "imgc::parse::unknown_compression",
    "imgc::parse::unknown_need",
    "imgc::parse::unknown_node",
    "imgc::parse::unknown_parameter",
    "imgc::parse::unknown_property",
    "imgc::parse::unknown_setting",
    "imgc::parse::unknown_source",
    "imgc::parse::unquoted",
    "imgc::parse::unused_parameter",
    "imgc::parse::use_cycle",
    "imgc::parse::used_twice",
    "imgc::parse::user_without_uid",
    "imgc::parse::utf16",
    "imgc::parse::wrong_type",
];

impl ParseError {
    /// Returns the place that the mistake is listed by; nothing if it has none.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        let mut labels: Vec<_> = self.labels()?.collect();
        labels.sort_by_key(|label| !label.primary());
        let label = labels.first()?;
        // Fits: each label was made from a `Span`.
        Some(Span { start: label.offset() as u32, len: label.len() as u32 })
    }
}
