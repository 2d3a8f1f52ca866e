//! Texts in memory, and mistakes as short lines.

use std::collections::BTreeMap;

use imgc_parser::{ParseError, ProjectPath, Recipe, SourceMap, SourceText, Texts, parse};
use miette::Diagnostic;

/// Files by path.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<String, Vec<u8>>);

impl Memory {
    /// Returns a project of these files.
    pub(crate) fn of<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Self {
        let file = |(path, text): &(&str, T)| ((*path).to_owned(), text.as_ref().to_vec());
        Self(files.iter().map(file).collect())
    }
}

impl Texts for Memory {
    fn read(&mut self, path: &ProjectPath) -> Result<SourceText, String> {
        let bytes = self.0.get(path.as_str()).ok_or("no such file")?;
        Ok(SourceText { name: path.as_str().to_owned(), bytes: bytes.clone() })
    }
}

/// Parses the file `main` of a project.
pub(crate) fn read(main: &str, mut files: Memory) -> (Result<Recipe, Vec<ParseError>>, SourceMap) {
    let main = ProjectPath::resolve(&ProjectPath::project(), main).expect("a path of a project");
    let mut map = SourceMap::default();
    (parse(&main, &mut files, &mut map), map)
}

/// Parses one text as `app.kdl`.
pub(crate) fn recipe(text: &str) -> Result<Recipe, Vec<ParseError>> {
    read("app.kdl", Memory::of(&[("app.kdl", text)])).0
}

/// Returns the codes of the mistakes, without `imgc::parse::`.
pub(crate) fn codes(result: &Result<Recipe, Vec<ParseError>>) -> Vec<String> {
    result.as_ref().err().into_iter().flatten().map(code).collect()
}

/// Returns the last part of a mistake's code.
pub(crate) fn code(error: &ParseError) -> String {
    error.code().expect("each mistake has a code").to_string().replace("imgc::parse::", "")
}

/// Writes mistakes as `code: message [label text -> label] | help`, one a line.
pub(crate) fn lines(result: &Result<Recipe, Vec<ParseError>>, map: &SourceMap) -> String {
    let mut lines = String::new();
    for error in result.as_ref().err().into_iter().flatten() {
        let labels: String = error
            .labels()
            .into_iter()
            .flatten()
            .map(|label| {
                let span =
                    imgc_parser::Span { start: label.offset() as u32, len: label.len() as u32 };
                let file = map.file(span).expect("labels lie in files");
                let at = file.offset(span);
                let text = &file.text[at..at + label.len()];
                format!(" [{text} -> {}]", label.label().expect("labels have a text"))
            })
            .collect();
        let help = error.help().expect("each mistake has help");
        lines += &format!("{}: {error}{labels} | {help}\n", code(error));
    }
    lines
}

/// Parses one text and writes its mistakes as `lines` does.
pub(crate) fn mistakes(text: &str) -> String {
    let (result, map) = read("app.kdl", Memory::of(&[("app.kdl", text)]));
    lines(&result, &map)
}
