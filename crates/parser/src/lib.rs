//! Text to [`Recipe`]: the first phase of imgc.
//!
//! Pure: nothing here touches a file, the clock or the environment. The text of a recipe, and of
//! the files that it names with `use`, comes from the caller's [`Texts`].
//!
//! Start reading at [`Recipe`]; the language itself is described in `docs/recipe-language.md`.

#![forbid(unsafe_code)]

mod advice;
mod capability;
mod error;
mod facility_name;
mod format;
mod image_name;
mod limits;
mod parameter;
mod parse;
mod path;
mod platform;
mod printable;
mod recipe;
mod record;
mod scalar;
mod shown;
mod span;
mod syntax;
mod texts;
mod walk;

pub use capability::{Capabilities, CapabilityProblem};
pub use error::{CODES, ParseError};
pub use facility_name::{LocaleName, ZoneName};
pub use format::{FormatError, format};
pub use image_name::{ImageName, ImageNameProblem};
pub use limits::{MAX_COMPONENT_BYTES, MAX_LINK_TARGET_BYTES, MAX_PATH_BYTES};
pub use parse::{parse, parse_with};
pub use path::{ImagePath, PathProblem, ProjectPath};
pub use platform::{Architecture, Platform, PlatformProblem};
pub use printable::Printable;
pub use recipe::{
    Account, Allow, Attributes, Binary, Capability, Codec, Compression, Directory, EntryPoint, Env,
    Expose, Facility, File, From, Group, KeyValue, Layer, Library, LibraryName, Owner, Port,
    Protocol, Recipe, Source, SourceKind, Statement, Symlink, Text, Tree, User, Variant,
};
pub use record::{Record, RecordError, RecordProblem, RecordValue};
pub use scalar::{Epoch, Id, Mode, ScalarProblem};
pub use span::{SourceFile, SourceMap, Span, Spanned};
pub use syntax::{NumberProblem, SyntaxProblem};
pub use texts::{SourceText, Texts};
