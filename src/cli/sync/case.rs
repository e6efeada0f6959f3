//! What becomes of keys that differ in case only, as it is written.

use clap::ValueEnum;

use crate::sync::OnCaseConflict;

/// What becomes of keys of one folder that differ in case only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Case {
    /// Do nothing at all
    Error,
    /// Name them and download them
    Warn,
    /// Download the first alone
    Skip,
    /// Download them
    Ignore,
}

impl Case {
    /// What is asked of the engine.
    pub(super) fn rule(self) -> OnCaseConflict {
        match self {
            Self::Error => OnCaseConflict::Error,
            Self::Warn => OnCaseConflict::Warn,
            Self::Skip => OnCaseConflict::Skip,
            Self::Ignore => OnCaseConflict::Ignore,
        }
    }

    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Skip => "skip",
            Self::Ignore => "ignore",
        }
    }
}
