//! What is proved about an image before it is written.
//!
//! Each rule is a function from the image spec to findings, in a file of its own. The rules see the
//! image as the target machine will, and nothing of the machine that builds.

mod entrypoint;
mod finding;
mod link;

pub use finding::{CODES, Finding};

use crate::plan::Plan;
use crate::spec::ImageSpec;
use crate::tree::ImageTree;

/// Checks an image; returns what is wrong with it, errors first.
///
/// Warnings that the recipe accepts with `allow` are not among them.
#[must_use]
pub fn check(plan: &Plan, spec: &ImageSpec) -> Vec<Finding> {
    let tree = ImageTree::new(spec);
    let mut findings = Vec::new();
    findings.extend(entrypoint::check(plan, spec, &tree));
    findings.extend(link::check(plan, &tree));
    findings.retain(|finding| finding.is_error() || !plan.image().allows(finding.code()));
    findings.sort_by_key(|finding| !finding.is_error());
    findings
}

#[cfg(test)]
mod tests;
