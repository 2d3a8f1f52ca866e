//! The zone that `TZ` names, and the zones that programs look up, are there.

use crate::check::program::{Evidence, Program};
use crate::check::scene::Scene;
use crate::check::want::Want;
use crate::check::{Finding, lacks};
use crate::facts::Mention;

/// Where zones lie (`tzset(3)`).
const ZONES: &str = "/usr/share/zoneinfo";

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    if let Some(zone) = scene.variable("TZ") {
        return named(scene, zone);
    }
    if scene.has(ZONES) {
        return Vec::new();
    }
    lacks(Want::TimeZones, scene.users_or(means, reads), |by| Finding::NoTimeZones { by })
}

/// Checks the zone of `TZ`, which is the name of a file or a rule of its own.
fn named(scene: &Scene<'_>, value: &str) -> Vec<Finding> {
    let zone = value.strip_prefix(':').unwrap_or(value);
    let is_there = if zone.starts_with('/') {
        scene.has(zone)
    } else {
        matches!(zone, "UTC" | "UTC0" | "GMT" | "GMT0")
            || is_rule(zone)
            || scene.has(&format!("{ZONES}/{zone}"))
    };
    if is_there { Vec::new() } else { vec![Finding::NoTimeZone { zone: zone.to_owned() }] }
}

/// Tells whether a value is a rule (POSIX, 8.3): a name of letters, or one in `<…>`, and an offset.
fn is_rule(value: &str) -> bool {
    let rest = match value.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>').map_or("", |(_, rest)| rest),
        None => value.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()),
    };
    let offset = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    offset.starts_with(|letter: char| letter.is_ascii_digit())
}

/// A program of Go can be asked for a zone by whom it serves, or by a value of a library of it, which few
/// do; one of D has the code in its library.
fn means(program: &Program<'_>) -> Option<Evidence> {
    let is_of_d = program.file.facts.mentions.contains(&Mention::D);
    reads(program).filter(|_| !program.is_go() && !is_of_d)
}

/// A program that names the directory looks zones up by name, unless it is only there to find out
/// the local one: Go and Rust programs that never do more have it too.
fn reads(program: &Program<'_>) -> Option<Evidence> {
    if program.is_go() {
        if program.file.facts.mentions.contains(&Mention::OwnTimeZones) {
            return None;
        }
        return program.mentions(Mention::LoadsTimeZones);
    }
    if program.is_static() || program.file.facts.mentions.contains(&Mention::Rust) {
        return None;
    }
    program.mentions(Mention::TimeZones)
}

#[cfg(test)]
mod tests {
    use super::is_rule;

    #[test]
    fn rules_are_told_from_names() {
        for rule in ["CET-1CEST", "UTC+3", "<+03>-3", "EST5EDT,M3.2.0,M11.1.0"] {
            assert!(is_rule(rule), "{rule}");
        }
        for name in ["Europe/Prague", "Prague", "Etc/GMT+3", ""] {
            assert!(!is_rule(name), "{name}");
        }
    }
}
