//! A recipe and the files that it uses, to one list of statements.

use std::collections::BTreeMap;

use crate::error::ParseError;
use crate::image_name::ImageName;
use crate::parameter::Parameters;
use crate::path::ProjectPath;
use crate::recipe::{Recipe, Statement};
use crate::span::{SourceMap, Span};
use crate::syntax::{self, MAX_BYTES, Origin, Parsed, Undecodable};
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
    parse_with(main, texts, map, &BTreeMap::new())
}

/// The same with values for the recipe's parameters, by their names.
///
/// # Errors
/// As [`parse`]; also for a name that is no parameter's.
pub fn parse_with(
    main: &ProjectPath,
    texts: &mut dyn Texts,
    map: &mut SourceMap,
    given: &BTreeMap<String, String>,
) -> Result<Recipe, Vec<ParseError>> {
    let mut reading = Reading {
        texts,
        map,
        chain: Vec::new(),
        used: BTreeMap::new(),
        is_full: false,
        is_complete: true,
        parameters: Parameters::new(given),
        files: Vec::new(),
        order: Vec::new(),
        errors: Vec::new(),
    };
    let start = reading.file(main, None);
    let statements = reading.statements();
    let Reading { mut errors, parameters, is_complete, .. } = reading;
    // If something is wrong already, the place where a parameter stands may be what could not be
    // read.
    if errors.is_empty() {
        parameters.check_use(&mut errors);
    }
    if is_complete {
        parameters.check_given(&mut errors);
    }
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
    /// Whether every file could be read.
    is_complete: bool,
    parameters: Parameters<'a>,
    /// The files that were read, in the order in which they are used.
    files: Vec<FileText>,
    /// The nodes of all files in the order in which they stand when `use` is gone: which file, and
    /// which of its nodes.
    order: Vec<(usize, usize)>,
    errors: Vec<ParseError>,
}

/// A file whose nodes wait for the parameters of all others.
struct FileText {
    path: ProjectPath,
    origin: Origin,
    parsed: Parsed,
}

impl Reading<'_> {
    /// Reads a file and those that it uses; returns the place where it starts.
    fn file(&mut self, path: &ProjectPath, by: Option<Span>) -> Option<Span> {
        let Some((origin, text)) = self.text(path, by) else {
            self.is_complete = false;
            return None;
        };
        let start = origin.span(0..0);
        let Some(parsed) = text.and_then(|text| syntax::parse(&text, origin, &mut self.errors))
        else {
            self.is_complete = false;
            return Some(start);
        };
        self.chain.push(path.clone());
        for node in parsed.document.nodes().iter().filter(|node| node.name().value() == "param") {
            let declaration = Walker::new(origin, path, &parsed, &mut self.errors).param(node);
            if let Some(declaration) = declaration {
                self.parameters.declare(declaration, &mut self.errors);
            }
        }
        let file = self.files.len();
        self.files.push(FileText { path: path.clone(), origin, parsed });
        for node in 0..self.files[file].parsed.document.nodes().len() {
            match self.files[file].parsed.document.nodes()[node].name().value() {
                "param" => {}
                "use" => self.use_node(file, node),
                _ => self.order.push((file, node)),
            }
        }
        self.chain.pop();
        Some(start)
    }

    /// Reads all nodes, now that every parameter is known.
    fn statements(&mut self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for (file, node) in std::mem::take(&mut self.order) {
            let FileText { path, origin, parsed } = &mut self.files[file];
            let node = &mut parsed.document.nodes_mut()[node];
            if !self.parameters.fill(node, *origin, &mut self.errors) {
                continue;
            }
            let node = node.clone();
            statements
                .extend(Walker::new(*origin, path, parsed, &mut self.errors).statement(&node));
        }
        statements
    }

    /// Reads `use`; in its path stand parameters of the files that were opened before.
    fn use_node(&mut self, file: usize, node: usize) {
        let FileText { path, origin, parsed } = &mut self.files[file];
        let node = &mut parsed.document.nodes_mut()[node];
        if !self.parameters.fill(node, *origin, &mut self.errors) {
            return;
        }
        let node = node.clone();
        let used = Walker::new(*origin, path, parsed, &mut self.errors).r#use(&node);
        if let Some(used) = used {
            self.r#use(&used.value, used.span);
        }
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
