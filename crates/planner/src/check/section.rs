//! What programs are for, by the sections of Debian's archive (Debian Policy, 2.4).

/// Sections of packages that run what others have written.
const INTERPRETERS: &[&str] = &["interpreters", "lisp"];

/// Sections of packages for work on what lies on the machine: that some of them can connect to others too
/// is no part of that.
const ALONE: &[&str] = &[
    "editors",
    "education",
    "electronics",
    "fonts",
    "gnu-r",
    "graphics",
    "interpreters",
    "lisp",
    "localization",
    "math",
    "science",
    "tex",
    "text",
    "x11",
];

/// Tells whether programs of a section run what others have written.
pub(super) fn runs_others(section: &str) -> bool {
    INTERPRETERS.contains(&section)
}

/// Tells whether programs of a section work without a network.
pub(super) fn works_alone(section: &str) -> bool {
    ALONE.contains(&section)
}
