//! Tokens to lines.

use crate::syntax::{Kind, Token, lex};

/// One level of indentation.
const INDENT: &str = "    ";

/// Lays out a text that is known to be KDL.
pub(super) fn layout(text: &str) -> String {
    let mut layout = Layout::default();
    for token in lex(text).0 {
        layout.token(text, token);
    }
    layout.finish()
}

/// Returns a token's text with line feeds for line breaks, and for a comment without space at the
/// ends of its lines.
pub(super) fn written(text: &str, token: Token) -> String {
    let written = token.text(text).replace("\r\n", "\n").replace('\r', "\n");
    match token.kind {
        Kind::LineComment => written.trim_end().to_owned(),
        Kind::BlockComment => written.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n"),
        _ => written,
    }
}

/// What lies between the last token that was written and the next.
#[derive(Default)]
struct Gap {
    /// Whether there is anything.
    space: bool,
    /// The number of line breaks that end a line, `;` not counted.
    newlines: usize,
    /// The backslashes that hide line breaks, each with the comment behind it.
    continuations: Vec<String>,
}

#[derive(Default)]
struct Layout {
    out: String,
    /// The blocks that are open.
    depth: usize,
    /// Whether the current node has started and not ended.
    in_node: bool,
    /// Whether the next word has to start a line, though no line break stands before it.
    breaks: bool,
    /// Whether a `/-` waits for what it removes; line breaks end nothing until then.
    removing: bool,
    /// The kind of the last token that was written.
    last: Option<Kind>,
    gap: Gap,
}

impl Layout {
    fn token(&mut self, text: &str, token: Token) {
        match token.kind {
            // A byte order mark says nothing in UTF-8.
            Kind::Space => self.gap.space = true,
            Kind::Newline => self.newline(),
            Kind::Semicolon => {
                self.end_continuation();
                self.in_node = false;
                self.breaks = true;
            }
            Kind::Continuation => self.continuation(token.text(text)),
            Kind::LineComment => {
                self.end_continuation();
                self.comment(&written(text, token));
                self.in_node = self.in_node && self.removing;
                self.breaks = true;
            }
            Kind::BlockComment => {
                if !self.in_node {
                    self.end_continuation();
                }
                self.separate(!self.is_line_start());
                self.write(&written(text, token), token.kind);
            }
            Kind::Open => {
                self.removing = false;
                self.separate(self.last != Some(Kind::Slashdash) || self.gap.space);
                self.write("{", token.kind);
                self.depth += 1;
                self.in_node = false;
                self.breaks = true;
            }
            Kind::Close => self.close(),
            Kind::Equals | Kind::CloseType => {
                self.separate(false);
                self.write(&written(text, token), token.kind);
            }
            Kind::OpenType | Kind::Slashdash | Kind::Word | Kind::Keyword | Kind::Quoted => {
                let tight = match self.last {
                    Some(Kind::Equals | Kind::OpenType | Kind::CloseType) => true,
                    Some(Kind::Slashdash) => !self.gap.space,
                    _ => false,
                };
                if !self.in_node {
                    self.end_continuation();
                }
                self.separate(!tight);
                self.write(&written(text, token), token.kind);
                self.removing = token.kind == Kind::Slashdash;
                self.in_node |= token.kind != Kind::Slashdash;
            }
        }
    }

    fn newline(&mut self) {
        if self.last == Some(Kind::Slashdash) {
            // `/-` and what it removes stay on one line.
            self.gap.space = true;
            return;
        }
        self.end_continuation();
        self.gap.newlines += 1;
        self.in_node = self.in_node && self.removing;
    }

    fn continuation(&mut self, text: &str) {
        self.gap.space = true;
        let comment = text[1..].trim().replace("\r\n", "\n").replace('\r', "\n");
        if comment.is_empty() && (self.removing || !self.gap.continuations.is_empty()) {
            // One line break is as good as several.
            return;
        }
        self.gap.continuations.retain(|before| !before.is_empty());
        self.gap.continuations.push(comment);
    }

    /// Gives up a hidden line break that nothing follows in its node; its comment is kept.
    fn end_continuation(&mut self) {
        for comment in std::mem::take(&mut self.gap.continuations) {
            for token in lex(&comment).0 {
                match token.kind {
                    Kind::LineComment => {
                        self.comment(&written(&comment, token));
                        self.breaks = true;
                    }
                    Kind::BlockComment => {
                        self.separate(!self.is_line_start());
                        self.write(&written(&comment, token), token.kind);
                    }
                    _ => {}
                }
            }
        }
    }

    fn close(&mut self) {
        self.end_continuation();
        self.depth -= 1;
        self.removing = false;
        if self.last == Some(Kind::Open) {
            self.gap = Gap::default();
        } else {
            self.gap = Gap { newlines: 1, ..Gap::default() };
        }
        self.breaks = false;
        self.separate(false);
        self.write("}", Kind::Close);
        self.in_node = true;
    }

    /// Writes a comment that reaches to the end of its line.
    fn comment(&mut self, text: &str) {
        // What breaks the line does so behind a comment that stands on it.
        if self.gap.newlines == 0 && self.last != Some(Kind::LineComment) {
            self.breaks = false;
        }
        self.separate(!self.is_line_start());
        self.write(text, Kind::LineComment);
    }

    fn is_line_start(&self) -> bool {
        self.out.is_empty() || self.out.ends_with('\n')
    }

    /// Writes what has to stand between the last token and the next.
    fn separate(&mut self, space: bool) {
        let gap = std::mem::take(&mut self.gap);
        if !gap.continuations.is_empty() {
            if (self.breaks || gap.newlines > 0) && !self.is_line_start() {
                self.out.push('\n');
                self.indent(self.depth + 1);
            }
            for comment in gap.continuations {
                let lead = if self.is_line_start() || self.out.ends_with(' ') { "" } else { " " };
                let space = if comment.is_empty() { "" } else { " " };
                self.out.push_str(&format!("{lead}\\{space}{comment}\n"));
                self.indent(self.depth + 1);
            }
            self.breaks = false;
            return;
        }
        if gap.newlines > 0 || self.breaks {
            self.breaks = false;
            if self.out.is_empty() {
                return;
            }
            if !self.is_line_start() {
                self.out.push('\n');
            }
            if gap.newlines > 1 && self.last != Some(Kind::Open) {
                self.out.push('\n');
            }
            let continued = usize::from(self.removing && self.in_node);
            self.indent(self.depth + continued);
        } else if space && !self.out.is_empty() && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
    }

    fn indent(&mut self, depth: usize) {
        for _ in 0..depth {
            self.out.push_str(INDENT);
        }
    }

    fn write(&mut self, text: &str, kind: Kind) {
        self.out.push_str(text);
        self.last = Some(kind);
    }

    fn finish(mut self) -> String {
        self.end_continuation();
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }
}
