//! Help that depends on what is written: the nearest name, the octal form, the lower-case form.
//!
//! Each function makes the help of one or more variants of [`crate::ParseError`].

use crate::capability::CapabilityProblem;
use crate::path::{PathProblem, ProjectPath};
use crate::shown::{Listed, Shown, nearest};
use crate::syntax::NumberProblem;

pub(crate) fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(nearest) => format!("did you mean `{nearest}`? Known here: {}", Listed(known)),
        None => format!("known here: {}", Listed(known)),
    }
}

fn nearest_of<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    nearest(name, &known)
}

pub(crate) fn unknown_parameter_help(name: &str, known: &[String]) -> String {
    let itself = format!("for the text itself write `$${{{}}}`", Shown(name));
    match nearest_of(name, known) {
        Some(near) => format!("did you mean `${{{}}}`? {itself}", Shown(near)),
        None => format!("declare it, `param {} default=\"…\"`; {itself}", Shown(name)),
    }
}

pub(crate) fn unknown_setting_help(name: &str, known: &[String]) -> String {
    match (nearest_of(name, known), known) {
        (Some(near), _) => format!("did you mean `--set {}=…`?", Shown(near)),
        (None, []) => "the recipe has no parameters".into(),
        (None, known) => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            format!("its parameters are {}", Listed(&known))
        }
    }
}

pub(crate) fn capability_help(problem: &CapabilityProblem) -> String {
    let near = match problem {
        CapabilityProblem::Unknown(name) => crate::capability::nearest(name),
        CapabilityProblem::Form | CapabilityProblem::Empty | CapabilityProblem::PartlyEffective => {
            None
        }
    };
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write it as for setcap(8): `cap_net_raw=ep`, `cap_chown,cap_kill=p`".into(),
    }
}

pub(crate) fn properties_help(name: &str, node: &str, known: &[&str]) -> String {
    match (known, nearest(name, known)) {
        ([], _) => format!("remove it; `{node}` takes no properties"),
        (_, None) => format!("`{node}` takes {}", Listed(known)),
        (_, Some(nearest)) => format!("did you mean `{nearest}`? `{node}` takes {}", Listed(known)),
    }
}

pub(crate) fn number_help(written: &str, problem: NumberProblem) -> String {
    match problem {
        NumberProblem::NotANumber | NumberProblem::NotBinary | NumberProblem::NotHexadecimal => {
            format!("write `\"{}\"` for a string", Shown(written))
        }
        NumberProblem::NotOctal => "use the digits 0 to 7 behind `0o`".into(),
        NumberProblem::TooLarge => "write a smaller number, or a string in quotes".into(),
    }
}

pub(crate) fn path_help(problem: PathProblem) -> &'static str {
    match problem {
        PathProblem::Empty => "write a path",
        PathProblem::NotAbsolute => "paths inside an image start with `/`",
        PathProblem::NotRelative => "write a path relative to this file",
        PathProblem::DotDot => "write the path that is meant, without `..`",
        PathProblem::Nul => "remove the NUL",
        PathProblem::Whiteout => "choose another name; this one deletes a file when it is unpacked",
        PathProblem::ComponentTooLong | PathProblem::TooLong => "shorten it",
        PathProblem::OutsideProject => "move the file into the project, or take it from a source",
    }
}

pub(crate) fn octal_form(written: &str) -> String {
    let digits = written.trim_start_matches('0');
    match digits.is_empty() {
        true => "mode=0o0".into(),
        false if digits.bytes().all(|byte| matches!(byte, b'0'..=b'7')) => {
            format!("mode=0o{}", Shown(digits))
        }
        false => "mode=0o644".into(),
    }
}

pub(crate) fn name_help(name: &str) -> String {
    match crate::ImageName::parse(&name.to_lowercase()) {
        Ok(lower) => format!("write `name \"{lower}\"`"),
        Err(_) => "write a name such as `name \"rg\"` or `name \"ghcr.io/acme/rg:14\"`".into(),
    }
}

pub(crate) fn stem_help(stem: &str) -> String {
    match crate::ImageName::parse(&stem.to_lowercase()) {
        Ok(lower) => format!("add `name \"{lower}\"`"),
        Err(_) => "add a name, such as `name \"app\"`".into(),
    }
}

pub(crate) fn platform_help() -> String {
    let names: Vec<_> = crate::Architecture::ALL.iter().map(|known| known.name()).collect();
    format!("write `linux/` and one of {}", Listed(&names))
}

pub(crate) fn signal_help(written: &str) -> String {
    let name = written.to_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let nearest = nearest(name, crate::walk::SIGNALS);
    format!("write `SIG{}` or a number from 1 to 64", nearest.unwrap_or("TERM"))
}

pub(crate) fn level_help(highest: u8) -> String {
    match highest {
        0 => "remove it; what is not compressed has no level".into(),
        highest => format!("write a number from 1 to {highest}"),
    }
}

pub(crate) fn chain_text(chain: &[ProjectPath]) -> String {
    chain.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(" uses ")
}
