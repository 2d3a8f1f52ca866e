//! What is proved about an image before it is written.
//!
//! Each rule is a function from the image spec to findings, in a file of its own. The rules see the
//! image as the target machine will, and nothing of the machine that builds.

mod access;
mod accounts;
mod carrier;
mod certificates;
mod entrypoint;
mod finding;
mod home;
mod level;
mod link;
mod locales;
mod name_services;
mod privileges;
mod program;
mod scene;
mod section;
mod story;
mod temporary;
mod terminals;
mod time_zones;
mod want;

pub use finding::{CODES, Finding};
pub use program::Evidence;
pub use want::Want;

use crate::closure::Closure;
use crate::plan::Plan;
use crate::spec::ImageSpec;
use scene::{Scene, Users};

/// The rules: those about the start, about the time after it, about safety.
const RULES: &[fn(&Scene<'_>) -> Vec<Finding>] = &[
    entrypoint::check,
    link::check,
    level::check,
    name_services::check,
    certificates::check,
    time_zones::check,
    locales::check,
    terminals::check,
    accounts::check,
    temporary::check,
    home::check,
    access::check,
    privileges::check,
];

/// Checks an image; returns what is wrong with it, errors first.
///
/// `closure` is what the image was made from. Warnings that the recipe accepts with `allow` are not
/// among the findings.
#[must_use]
pub fn check(plan: &Plan, spec: &ImageSpec, closure: &Closure) -> Vec<Finding> {
    let scene = Scene::new(plan, spec, closure);
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&scene)).collect();
    findings.retain(|finding| finding.is_error() || !plan.image().allows(finding.code()));
    findings.sort_by_key(|finding| !finding.is_error());
    findings
}

/// Reports something that the image has not: those who surely use it end in a warning, and if there
/// are none, those who may in a remark.
fn lacks(want: Want, users: Users, warning: fn(Vec<Evidence>) -> Finding) -> Vec<Finding> {
    let Users { mut sure, mut possible } = users;
    sure.sort();
    possible.sort();
    match (sure.is_empty(), possible.is_empty()) {
        (false, _) => vec![warning(sure)],
        (true, false) => vec![Finding::MayNeed { want, by: possible }],
        (true, true) => Vec::new(),
    }
}

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
