//! What an audit found.

use serde::Serialize;

/// The audit of one recipe.
#[derive(Debug, Serialize)]
pub(crate) struct Audit {
    /// The recipe as the user named it.
    pub(crate) recipe: String,
    /// The images with their digests, as the first build printed them.
    pub(crate) digests: Vec<String>,
    /// Whether they were compared with a lock.
    pub(crate) locked: bool,
    /// All other builds.
    pub(crate) runs: Vec<Run>,
}

/// One build, with something changed.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    /// What was changed.
    pub(crate) name: &'static str,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
}

/// What came of a build.
#[derive(Debug, Serialize)]
#[serde(tag = "verdict", content = "detail", rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// The same images, although the build saw what was changed.
    Same,
    /// Other images.
    Differs(Box<Differing>),
    /// No images: what it said.
    Failed(String),
    /// The change could not be made: why.
    NotApplied(String),
    /// The same images, but the build saw nothing of these changes.
    NoEffect(String),
}

/// How images came out instead.
#[derive(Debug, Serialize)]
pub(crate) struct Differing {
    /// Their digests.
    pub(crate) digests: Vec<String>,
    /// What they differ in from the first build's, as `imgc diff` says it.
    pub(crate) differences: Vec<String>,
}

/// A recipe that was not rebuilt: it is wrong, or has drifted away from its lock.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal {
    /// The recipe as the user named it.
    pub(crate) recipe: String,
    /// The codes and messages of its errors.
    pub(crate) errors: Vec<RefusalError>,
}

/// One of its errors.
#[derive(Debug, Serialize)]
pub(crate) struct RefusalError {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Audit {
    /// Tells whether every build that was made came out the same.
    pub(crate) fn passes(&self) -> bool {
        self.runs.iter().all(|run| match run.verdict {
            Verdict::Same | Verdict::NotApplied(_) | Verdict::NoEffect(_) => true,
            Verdict::Differs(_) | Verdict::Failed(_) => false,
        })
    }

    /// Returns how many builds came out the same.
    pub(crate) fn same(&self) -> usize {
        self.runs.iter().filter(|run| matches!(run.verdict, Verdict::Same)).count()
    }
}

impl Verdict {
    /// Returns the verdict in words, and what is to be said about it.
    pub(crate) fn words(&self) -> (&'static str, String) {
        match self {
            Self::Same => ("same", String::new()),
            Self::Differs(other) => ("differs", other.digests.join(", ")),
            Self::Failed(reason) => ("failed", reason.clone()),
            Self::NotApplied(reason) => ("not applied", reason.clone()),
            Self::NoEffect(changes) => ("no effect", format!("on {changes}")),
        }
    }

    /// Returns what the images differ in, if they do.
    pub(crate) fn differences(&self) -> &[String] {
        match self {
            Self::Differs(other) => &other.differences,
            Self::Same | Self::Failed(_) | Self::NotApplied(_) | Self::NoEffect(_) => &[],
        }
    }
}
