//! Joins an error, the places that it is about and the recipes' texts, and writes the result.
//!
//! The phases' errors hold data; this is the only place that turns them into what a user reads, and
//! the only user of miette's printer. What came from outside is made harmless before it is shown.

use imgc_parser::{ImagePath, Printable, SourceFile, SourceMap, Span};
use imgc_planner::{Origins, Place};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity,
    SourceCode,
};
use serde::Serialize;

use crate::args::MessageFormat;

/// Width of what is written for people, in columns: the same on every terminal and in a pipe.
const WIDTH: usize = 100;

/// Longest line of a recipe, in bytes, that is quoted. miette panics beyond column 65,535, and
/// nobody reads a line of this length anyway.
const MAX_QUOTED_LINE: usize = 16 * 1024;

/// An error, a warning or a remark, with everything that is known about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    severity: Severity,
    code: String,
    message: String,
    help: Option<String>,
    labels: Vec<(Span, String)>,
    /// The file at fault when no label says where it is.
    file: Option<String>,
    /// What a recipe can do so that this is not said.
    pub(crate) remedies: Vec<Remedy>,
}

/// Something that ends a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// To add this line.
    Line(String),
    /// To put into the image what this link points at, an absolute path, or to leave the link out.
    Link { link: ImagePath, target: ImagePath },
}

impl Report {
    /// Takes over a diagnostic with the labels that it carries itself.
    pub(crate) fn new(diagnostic: &dyn Diagnostic) -> Self {
        let labels = diagnostic.labels().into_iter().flatten().filter_map(|label| {
            let start = u32::try_from(label.offset()).ok()?;
            let len = u32::try_from(label.len()).ok()?;
            Some((Span { start, len }, label.label().unwrap_or_default().to_owned()))
        });
        Self {
            severity: diagnostic.severity().unwrap_or(Severity::Error),
            code: diagnostic.code().map(|code| code.to_string()).unwrap_or_default(),
            message: message_of(diagnostic),
            help: diagnostic.help().map(|help| help.to_string()),
            labels: labels.collect(),
            file: None,
            remedies: Vec::new(),
        }
    }

    /// Adds the places of a plan's parts.
    pub(crate) fn at(
        mut self,
        places: impl IntoIterator<Item = (Place, &'static str)>,
        origins: &Origins,
    ) -> Self {
        for (place, label) in places {
            let spans = origins.spans(&place);
            self.labels.extend(spans.into_iter().map(|span| (span, label.to_owned())));
        }
        self
    }

    /// Says which lines end it.
    pub(crate) fn ended_by(mut self, lines: Vec<String>) -> Self {
        self.remedies.extend(lines.into_iter().map(Remedy::Line));
        self
    }

    /// Names the file at fault, for a report that has no place in it.
    pub(crate) fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Makes a warning an error.
    pub(crate) fn denied(mut self) -> Self {
        self.severity = Severity::Error;
        self
    }

    /// Tells whether it is a warning.
    pub(crate) fn is_warning(&self) -> bool {
        self.severity == Severity::Warning
    }

    /// Returns the code.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Returns what it says, with its causes.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the first place that this is about, by which reports are sorted.
    pub(crate) fn place(&self) -> Option<Span> {
        self.labels.iter().map(|(span, _)| *span).min()
    }
}

/// Returns what a diagnostic says, with what it says about its causes.
fn message_of(diagnostic: &dyn Diagnostic) -> String {
    let mut message = diagnostic.to_string();
    let mut cause = std::error::Error::source(diagnostic);
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    message
}

/// Writes reports in the format that the user asked for.
#[derive(Debug)]
pub(crate) struct Reporter {
    format: MessageFormat,
    colors: bool,
    messages: Vec<Message>,
}

impl Reporter {
    pub(crate) fn new(format: MessageFormat, colors: bool) -> Self {
        Self { format, colors, messages: Vec::new() }
    }

    /// Writes one report; nothing if all are written together, at the end.
    pub(crate) fn write(&mut self, report: &Report, map: &SourceMap) -> Option<String> {
        match self.format {
            MessageFormat::Human => Some(self.human(report, map)),
            MessageFormat::Json => {
                let message = Message::new(report, map);
                Some(serde_json::to_string(&message).expect("strings and numbers always encode"))
            }
            MessageFormat::Sarif => {
                self.messages.push(Message::new(report, map));
                None
            }
        }
    }

    /// Returns what was reported, if it is written together.
    pub(crate) fn together(&self) -> Option<&[Message]> {
        (self.format == MessageFormat::Sarif).then_some(&self.messages)
    }

    fn human(&self, report: &Report, map: &SourceMap) -> String {
        let theme =
            if self.colors { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(WIDTH)
            .with_links(false)
            .with_context_lines(1);
        let mut text = String::new();
        match handler.render_report(&mut text, &Rendered::new(report, map)) {
            // A blank line sets each report apart from the next.
            Ok(()) => format!("{}\n\n", text.trim_end()),
            // The printer has refused: what is to be said is still said.
            Err(_) => format!("error: {} [{}]", report.message, report.code),
        }
    }
}

/// One diagnostic as programs read it. Fields may be added, never renamed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    pub(crate) severity: &'static str,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) help: String,
    /// The file as the user named it, if the diagnostic is about one.
    pub(crate) file: Option<String>,
    /// From 1; the beginning of the file if the diagnostic is about all of it.
    pub(crate) line: Option<usize>,
    /// From 1, in characters.
    pub(crate) column: Option<usize>,
    /// The line of the character behind the last one.
    pub(crate) end_line: Option<usize>,
    /// The column of the character behind the last one.
    pub(crate) end_column: Option<usize>,
    /// The diagnostic's page.
    pub(crate) url: String,
}

impl Message {
    pub(crate) fn new(report: &Report, map: &SourceMap) -> Self {
        let place = report.labels.first().and_then(|(span, _)| Some((map.file(*span)?, *span)));
        let file = place.map(|(file, _)| file.name.clone()).or_else(|| report.file.clone());
        let whole = file.as_ref().map(|_| (1, 1));
        let start = place.map(|(file, span)| position(file, span)).or(whole);
        let end = place.map(|(file, span)| end_position(file, span)).or(whole);
        Self {
            severity: match report.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Advice => "remark",
            },
            code: report.code.clone(),
            message: report.message.clone(),
            help: report
                .help
                .clone()
                .unwrap_or_else(|| format!("see `imgc explain {}`", report.code)),
            file,
            line: start.map(|(line, _)| line),
            column: start.map(|(_, column)| column),
            end_line: end.map(|(line, _)| line),
            end_column: end.map(|(_, column)| column),
            url: page_of(&report.code),
        }
    }
}

/// Returns the line and column of a span's first byte, both from 1.
pub(crate) fn position(file: &SourceFile, span: Span) -> (usize, usize) {
    position_at(file, file.offset(span))
}

/// Returns the line and column of the byte behind a span, both from 1.
fn end_position(file: &SourceFile, span: Span) -> (usize, usize) {
    position_at(file, file.offset(span) + span.len as usize)
}

fn position_at(file: &SourceFile, offset: usize) -> (usize, usize) {
    let before = file.text.get(..offset.min(file.text.len())).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Returns the place of a report that quotes no line: `file:line:column`, or the file at fault unless
/// the message names it.
fn place_of(report: &Report, map: &SourceMap) -> Option<String> {
    let labelled = report.labels.first().and_then(|(span, _)| {
        let file = map.file(*span)?;
        let (line, column) = position(file, *span);
        Some(format!("{}:{line}:{column}", Printable::new(&file.name)))
    });
    labelled.or_else(|| report.file.clone().filter(|file| !report.message.contains(file)))
}

/// Returns where a code is explained: in the project's repository, if the package names one.
pub(crate) fn page_of(code: &str) -> String {
    let page = format!("docs/errors/{}.md", code.replace("::", "."));
    match env!("CARGO_PKG_REPOSITORY") {
        "" => page,
        repository => format!("{repository}/blob/v{}/{page}", env!("CARGO_PKG_VERSION")),
    }
}

/// A report as miette's printer wants it: offsets in one file, other files as related reports.
#[derive(Debug)]
struct Rendered {
    severity: Severity,
    code: Option<String>,
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    related: Vec<Rendered>,
}

impl Rendered {
    fn new(report: &Report, map: &SourceMap) -> Self {
        let mut files: Vec<(&SourceFile, Vec<LabeledSpan>)> = Vec::new();
        for (span, text) in &report.labels {
            let Some(file) = map.file(*span) else { continue };
            let text = (!text.is_empty()).then(|| text.clone());
            let label = LabeledSpan::new(text, file.offset(*span), span.len as usize);
            match files.iter_mut().find(|(known, _)| std::ptr::eq(*known, file)) {
                Some((_, labels)) => labels.push(label),
                None => files.push((file, vec![label])),
            }
        }
        let mut rendered = files.into_iter().map(|(file, labels)| Self::quote(file, labels));
        let mut first = rendered.next().unwrap_or_else(Self::empty);
        first.related.extend(rendered);
        first.message.clone_from(&report.message);
        if first.source.is_none()
            && let Some(place) = place_of(report, map)
        {
            first.message = format!("{place}: {}", report.message);
        }
        first.severity = report.severity;
        first.code = Some(report.code.clone()).filter(|code| !code.is_empty());
        first.help.clone_from(&report.help);
        first
    }

    fn empty() -> Self {
        Self {
            severity: Severity::Advice,
            code: None,
            message: String::new(),
            help: None,
            source: None,
            labels: Vec::new(),
            related: Vec::new(),
        }
    }

    /// Quotes the labelled lines of a file; nothing if a line of it is too long.
    fn quote(file: &SourceFile, labels: Vec<LabeledSpan>) -> Self {
        let mut quoted = Self::empty();
        if file.text.split('\n').all(|line| line.len() <= MAX_QUOTED_LINE) {
            let name = Printable::new(&file.name).to_string();
            quoted.source = Some(NamedSource::new(name, file.shown()));
            quoted.labels = labels;
        }
        quoted
    }
}

impl std::fmt::Display for Rendered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Rendered {}

impl Diagnostic for Rendered {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(code) as Box<dyn std::fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.related.iter().map(|related| related as &dyn Diagnostic)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_in_characters() {
        let mut map = SourceMap::default();
        let file = map.add("a.kdl".into(), "x\nčč y".into());
        assert_eq!(position(file, file.span(0, 1)), (1, 1));
        assert_eq!(position(file, file.span(7, 1)), (2, 4));
    }
}
