//! Nodes that say how the image runs.

use kdl::{KdlNode, KdlValue};

use super::Walker;
use super::node::{ANY, Form, Value};
use crate::error::ParseError;
use crate::recipe::{EntryPoint, Env, Expose, Port, Protocol, Statement};
use crate::span::Spanned;

const ENV: Form = Form {
    node: "env",
    example: "env LANG=\"C.UTF-8\"",
    required: &[],
    most: 0,
    properties: ANY,
    block: false,
};

const WORKDIR: Form = Form {
    node: "workdir",
    example: "workdir \"/srv\"",
    required: &["a path"],
    most: 1,
    properties: &[],
    block: false,
};

const ENTRYPOINT: Form = Form {
    node: "entrypoint",
    example: "entrypoint \"/rg\" \"--no-config\"",
    required: &[],
    most: usize::MAX,
    properties: &["shell"],
    block: false,
};

const COMMAND: Form = Form {
    node: "command",
    example: "command \"--help\"",
    required: &["an argument"],
    most: usize::MAX,
    properties: &[],
    block: false,
};

const EXPOSE: Form = Form {
    node: "expose",
    example: "expose 8080 \"53/udp\"",
    required: &["a port"],
    most: usize::MAX,
    properties: &[],
    block: false,
};

const VOLUME: Form = Form {
    node: "volume",
    example: "volume \"/data\"",
    required: &["a path"],
    most: usize::MAX,
    properties: &[],
    block: false,
};

const STOP_SIGNAL: Form = Form {
    node: "stop-signal",
    example: "stop-signal SIGTERM",
    required: &["a signal"],
    most: 1,
    properties: &[],
    block: false,
};

/// Signals of Linux by name, signal(7); `RTMIN+1` to `RTMAX-1` are read by their form.
pub(crate) const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS", "RTMIN", "RTMAX",
];

/// The last real-time signal of Linux.
const HIGHEST_SIGNAL: i128 = 64;

/// How far `RTMIN+n` and `RTMAX-n` reach: signals 34 to 64 under glibc.
const REAL_TIME_SPAN: u8 = 30;

impl Walker<'_> {
    /// Reads `env LANG="C.UTF-8" …`.
    pub(super) fn env(&mut self, node: &KdlNode) -> Vec<Statement> {
        let has_entries = !node.entries().is_empty();
        let node = self.open(node, &ENV);
        if !has_entries {
            let Form { node: name, example, .. } = ENV;
            let what = "a variable";
            let error = ParseError::MissingArgument { node: name, what, example, span: node.name };
            self.errors.push(error);
        }
        let mut statements = Vec::new();
        for property in node.properties {
            let name = property.name.to_owned();
            if name.is_empty() || name.contains('=') || name.contains(char::is_control) {
                self.errors.push(ParseError::BadVariable { name, span: property.span });
                continue;
            }
            let name = Spanned::new(name, property.span);
            let value = property.value.and_then(|value| self.c_string(value, "a variable's value"));
            statements.extend(value.map(|value| Statement::Env(Env { name, value })));
        }
        statements
    }

    /// Reads `workdir "/srv"`.
    pub(super) fn workdir(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &WORKDIR);
        self.image_path(node.argument(0)?).map(Statement::Workdir)
    }

    /// Reads `entrypoint "/rg" "--no-config"` or `entrypoint shell="…"`.
    pub(super) fn entrypoint(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &ENTRYPOINT);
        let arguments = self.command_line(&node.arguments);
        if let Some(property) = node.find("shell") {
            if let Some(first) = node.argument(0) {
                let (first, span) = (first.span, property.span);
                self.errors.push(ParseError::TwoEntrypoints { first, span });
                return None;
            }
            let line = self.c_string(property.value?, "a line for the shell")?;
            if line.value.trim().is_empty() {
                let what = "a line for the shell";
                self.errors.push(ParseError::EmptyValue { what, span: line.span });
                return None;
            }
            return Some(Statement::Entrypoint(Spanned::new(EntryPoint::Shell(line), node.span)));
        }
        if node.arguments.is_empty() {
            let Form { node: name, example, .. } = ENTRYPOINT;
            let what = "a program";
            let error = ParseError::MissingArgument { node: name, what, example, span: node.name };
            self.errors.push(error);
            return None;
        }
        let arguments = arguments?;
        if let Some(program) = arguments.first().filter(|program| program.value.is_empty()) {
            self.errors.push(ParseError::EmptyValue { what: "a program", span: program.span });
            return None;
        }
        let entrypoint = EntryPoint::Arguments(arguments);
        Some(Statement::Entrypoint(Spanned::new(entrypoint, node.span)))
    }

    /// Reads `command "--help"`.
    pub(super) fn command(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &COMMAND);
        let arguments = self.command_line(&node.arguments)?;
        let arguments = arguments.into_iter().map(|argument| argument.value).collect();
        Some(Statement::Command(Spanned::new(arguments, node.span)))
    }

    fn command_line(&mut self, values: &[Option<Value<'_>>]) -> Option<Vec<Spanned<String>>> {
        // All of them are read before one that is wrong ends it, so that each is reported.
        let read: Vec<_> = values
            .iter()
            .map(|value| value.and_then(|value| self.c_string(value, "an argument")))
            .collect();
        read.into_iter().collect()
    }

    /// Reads `expose 8080 "53/udp"`.
    pub(super) fn expose(&mut self, node: &KdlNode) -> Vec<Statement> {
        let node = self.open(node, &EXPOSE);
        let mut statements = Vec::new();
        for value in node.arguments.into_iter().flatten() {
            let expose = match value.value {
                KdlValue::Integer(port) => {
                    port_number(*port).map(|port| Expose { port, protocol: Protocol::Tcp })
                }
                _ => match self.string_like(value, "a port", "8080") {
                    Some(text) => parse_port(text),
                    None => continue,
                },
            };
            match expose {
                Some(expose) => {
                    statements.push(Statement::Expose(Spanned::new(expose, value.span)))
                }
                None => {
                    let written = value.value.as_string().unwrap_or(value.written).to_owned();
                    self.errors.push(ParseError::BadPort { written, span: value.span });
                }
            }
        }
        statements
    }

    /// Reads `volume "/data"`.
    pub(super) fn volume(&mut self, node: &KdlNode) -> Vec<Statement> {
        let node = self.open(node, &VOLUME);
        let values = node.arguments.into_iter().flatten();
        values.filter_map(|value| self.image_path(value)).map(Statement::Volume).collect()
    }

    /// Reads `stop-signal SIGTERM`.
    pub(super) fn stop_signal(&mut self, node: &KdlNode) -> Option<Statement> {
        let node = self.open(node, &STOP_SIGNAL);
        let value = node.argument(0)?;
        let signal = match value.value {
            KdlValue::Integer(number) => {
                Some(number.to_string()).filter(|_| (1..=HIGHEST_SIGNAL).contains(number))
            }
            _ => parse_signal(self.string_like(value, "a signal", "SIGTERM")?),
        };
        if signal.is_none() {
            let written = value.value.as_string().unwrap_or(value.written).to_owned();
            self.errors.push(ParseError::BadSignal { written, span: value.span });
        }
        Some(Statement::StopSignal(Spanned::new(signal?, value.span)))
    }
}

fn port_number(number: i128) -> Option<Port> {
    u16::try_from(number).ok().and_then(Port::new)
}

fn parse_port(text: &str) -> Option<Expose> {
    let (number, protocol) = match text.split_once('/') {
        None | Some((_, "tcp")) => (text.trim_end_matches("/tcp"), Protocol::Tcp),
        Some((number, "udp")) => (number, Protocol::Udp),
        Some((number, "sctp")) => (number, Protocol::Sctp),
        Some(_) => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.then(|| number.parse().ok()).flatten().and_then(port_number)?;
    Some(Expose { port, protocol })
}

/// Returns a signal in the form that engines take: `SIGTERM`, `SIGRTMIN+3` or a number.
fn parse_signal(text: &str) -> Option<String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.parse::<i128>().ok().filter(|n| (1..=HIGHEST_SIGNAL).contains(n))?;
        return Some(number.to_string());
    }
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let distance = name.strip_prefix("RTMIN+").or_else(|| name.strip_prefix("RTMAX-"));
    let is_known = match distance {
        Some(distance) => {
            distance.bytes().all(|byte| byte.is_ascii_digit())
                && distance.parse::<u8>().is_ok_and(|distance| distance <= REAL_TIME_SPAN)
        }
        None => SIGNALS.contains(&name),
    };
    is_known.then(|| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_one_form() {
        for (text, expected) in [
            ("SIGTERM", Some("SIGTERM")),
            ("TERM", Some("SIGTERM")),
            ("SIGRTMIN+3", Some("SIGRTMIN+3")),
            ("RTMAX-30", Some("SIGRTMAX-30")),
            ("015", Some("15")),
            ("64", Some("64")),
            ("65", None),
            ("0", None),
            ("RTMIN+31", None),
            ("RTMIN++3", None),
            ("term", None),
            ("SIGSIGTERM", None),
            ("", None),
        ] {
            assert_eq!(parse_signal(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn ports_have_a_protocol() {
        let read = |text| parse_port(text).map(|expose| (expose.port.get(), expose.protocol));
        assert_eq!(read("8080"), Some((8080, Protocol::Tcp)));
        assert_eq!(read("53/udp"), Some((53, Protocol::Udp)));
        assert_eq!(read("9899/sctp"), Some((9899, Protocol::Sctp)));
        for text in ["", "0", "65536", "+1", "80/tcp/tcp", "80/", "http", "80-90"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
