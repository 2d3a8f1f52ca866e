//! What a recipe can add so that a warning ends.

use super::{Name, ResolveError, story};

impl ResolveError {
    /// Returns the lines of a recipe that end a warning or remark, if adding something does.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let library = |name: &Name| format!("library \"{name}\"");
        match self {
            Self::MayOpen { found, .. } => found.iter().map(library).collect(),
            Self::OpenedIsSuggested { names, .. } => names.iter().take(1).map(library).collect(),
            // An interpreter that nothing else in the image needs may be that of another machine.
            Self::UnloadedNeedsMore { libraries, .. } => libraries.iter().map(library).collect(),
            Self::PluginsAreMissing { add, .. }
            | Self::PluginsAreLeftOut { add, .. }
            | Self::DataIsMissing { add, .. }
            | Self::DataIsLeftOut { add, .. }
            | Self::PackageIsLeftOut { add, .. }
            | Self::ConfigurationIsMissing { add, .. }
            | Self::StateIsLeftOut { add, .. }
            | Self::HelpersAreMissing { add, .. }
            | Self::HelpersAreLeftOut { add, .. }
            | Self::UserIsMissing { add, .. }
            | Self::ScriptNeedsMore { add, .. } => add.iter().map(story::written).collect(),
            Self::UnwinderIsMissing { .. } | Self::UnwinderIsLeftOut { .. } => {
                vec!["library \"libgcc_s.so.1\"".into()]
            }
            // All others are repaired otherwise.
            _ => Vec::new(),
        }
    }
}
