//! A recipe and the files that it uses, to one list of statements.

use std::collections::BTreeMap;

use crate::error::ParseError;
use crate::image_name::ImageName;
use crate::path::ProjectPath;
use crate::recipe::{Recipe, Statement};
use crate::span::{SourceMap, Span};
use crate::syntax::{self, MAX_BYTES, Origin, Undecodable};
use crate::texts::Texts;
use crate::walk::{Walker, check_twice};

/// Most files of one recipe; more is a mistake or an attack.
const MAX_FILES: usize = 64;

/// Most mistakes that are returned. Nobody reads more, and each costs a printer some kilobytes.
const MAX_ERRORS: usize = 64;

/// Reads a recipe.
///
/// `main` and the files that it names with `use` are asked of `texts`, each once; their texts go
/// into `map`, also when this fails, so that every span of the result or the errors can be shown.
///
/// # Errors
/// All mistakes that were found, in the order of their places, at most 65: after 64, a
/// [`ParseError::AndMore`] counts the rest.
pub fn parse(
    main: &ProjectPath,
    texts: &mut dyn Texts,
    map: &mut SourceMap,
) -> Result<Recipe, Vec<ParseError>> {
    let mut reading = Reading {
        texts,
        map,
        chain: Vec::new(),
        used: BTreeMap::new(),
        is_full: false,
        statements: Vec::new(),
        errors: Vec::new(),
    };
    let start = reading.file(main, None);
    let Reading { statements, mut errors, .. } = reading;
    let stem = stem(main).to_owned();
    check_twice(&statements, &mut errors);
    let is_named = statements.iter().any(|statement| matches!(statement, Statement::Name(_)));
    // If something is wrong already, a name may be among what could not be read.
    if let (false, true, Some(span)) = (is_named, errors.is_empty(), start)
        && let Err(problem) = ImageName::parse(&stem)
    {
        errors.push(ParseError::NoName { stem: stem.clone(), problem, span });
    }
    if errors.is_empty() {
        return Ok(Recipe { stem, statements });
    }
    errors.sort_by_key(ParseError::span);
    if errors.len() > MAX_ERRORS {
        let count = errors.len() - MAX_ERRORS;
        errors.truncate(MAX_ERRORS);
        errors.push(ParseError::AndMore { count });
    }
    Err(errors)
}

/// Returns a file's name without the extension.
fn stem(path: &ProjectPath) -> &str {
    let name = path.file_name();
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

struct Reading<'a> {
    texts: &'a mut dyn Texts,
    map: &'a mut SourceMap,
    /// The files that are open, each used by the one before it.
    chain: Vec<ProjectPath>,
    /// The files that were used, and where.
    used: BTreeMap<ProjectPath, Span>,
    /// Whether a file too many was already reported.
    is_full: bool,
    statements: Vec<Statement>,
    errors: Vec<ParseError>,
}

impl Reading<'_> {
    /// Reads a file and those that it uses; returns the place where it starts.
    fn file(&mut self, path: &ProjectPath, by: Option<Span>) -> Option<Span> {
        let (origin, text) = self.text(path, by)?;
        let start = origin.span(0..0);
        let Some(parsed) = text.and_then(|text| syntax::parse(&text, origin, &mut self.errors))
        else {
            return Some(start);
        };
        self.chain.push(path.clone());
        for node in parsed.document.nodes() {
            let mut walker = Walker::new(origin, path, &parsed, &mut self.errors);
            if node.name().value() == "use" {
                if let Some(used) = walker.r#use(node) {
                    self.r#use(&used.value, used.span);
                }
            } else {
                let statements = walker.statement(node);
                self.statements.extend(statements);
            }
        }
        self.chain.pop();
        Some(start)
    }

    fn r#use(&mut self, path: &ProjectPath, span: Span) {
        if let Some(start) = self.chain.iter().position(|open| open == path) {
            let mut chain = self.chain[start..].to_vec();
            chain.push(path.clone());
            self.errors.push(ParseError::UseCycle { chain, span });
            return;
        }
        if let Some(first) = self.used.get(path) {
            let (path, first) = (path.clone(), *first);
            self.errors.push(ParseError::UsedTwice { path, first, span });
            return;
        }
        // The recipe itself is a file too.
        if self.used.len() + 1 == MAX_FILES {
            if !self.is_full {
                self.errors.push(ParseError::TooManyFiles { span });
            }
            self.is_full = true;
            return;
        }
        self.used.insert(path.clone(), span);
        self.file(path, Some(span));
    }

    /// Reads a file's text into the map; no text if it is none.
    fn text(&mut self, path: &ProjectPath, span: Option<Span>) -> Option<(Origin, Option<String>)> {
        let source = match self.texts.read(path) {
            Ok(source) => source,
            Err(reason) => {
                self.errors.push(ParseError::NotReadable { path: path.clone(), reason, span });
                return None;
            }
        };
        let (name, bytes) = (source.name, source.bytes);
        let decoded = syntax::decode(&bytes);
        // The map shows what could be read; of a file that is no text, nothing.
        let text = match decoded {
            Ok(text) => text,
            Err(Undecodable::NotUtf8 { valid }) => {
                std::str::from_utf8(&bytes[..valid.min(MAX_BYTES)]).unwrap_or_default()
            }
            Err(Undecodable::TooLarge | Undecodable::Utf16) => "",
        };
        let origin = Origin::of(self.map.add(name.clone(), text.to_owned()));
        let span = origin.span(0..0);
        match decoded {
            Ok(text) => return Some((origin, Some(text.to_owned()))),
            Err(Undecodable::TooLarge) => {
                self.errors.push(ParseError::TooLarge { name, size: bytes.len(), span });
            }
            Err(Undecodable::Utf16) => self.errors.push(ParseError::Utf16 { name, span }),
            Err(Undecodable::NotUtf8 { valid }) => {
                let span = origin.span(valid..valid);
                self.errors.push(ParseError::NotUtf8 { name, offset: valid, span });
            }
        }
        Some((origin, None))
    }
}
