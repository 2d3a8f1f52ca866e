//! Where the parser gets its texts from.

use crate::path::ProjectPath;

/// One file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The name by which the user knows the file; shown in messages.
    pub name: String,
    /// The whole content.
    pub bytes: Vec<u8>,
}

/// Gives the parser the text of a recipe and of the files that it names with `use`.
pub trait Texts {
    /// Reads one file of the project.
    ///
    /// # Errors
    /// When the file cannot be read; the text is the reason, without the file's name.
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String>;
}
