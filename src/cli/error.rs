//! Why a command did not succeed, and what to do about it.

use super::exit::ExitCode;
use crate::cloud::{CloudError, CloudErrorKind};
use crate::render::escape;

/// Something that ends a command.
#[derive(Debug)]
pub(super) struct CommandError {
    /// How the command exits.
    pub(super) exit: ExitCode,
    /// What is wrong.
    pub(super) text: String,
    /// What to do about it.
    pub(super) help: Option<String>,
}

impl CommandError {
    pub(super) fn new(exit: ExitCode, text: impl Into<String>) -> Self {
        Self {
            exit,
            // What AWS or a command line says may hold line breaks, and a line of its
            // own would pass for ours.
            text: escape(&text.into()),
            help: None,
        }
    }

    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self::new(ExitCode::Failed, text)
    }

    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::new(ExitCode::Refused, text)
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<CloudError> for CommandError {
    fn from(error: CloudError) -> Self {
        let exit = match error.kind {
            CloudErrorKind::Cancelled => ExitCode::Interrupted,
            CloudErrorKind::Denied
            | CloudErrorKind::Credentials
            | CloudErrorKind::Throttled
            | CloudErrorKind::Quota
            | CloudErrorKind::Capacity
            | CloudErrorKind::Rejected
            | CloudErrorKind::Ambiguous
            | CloudErrorKind::Unreachable
            | CloudErrorKind::TimedOut => ExitCode::Failed,
        };
        Self {
            exit,
            text: escape(&error.to_string()),
            help: error.help(),
        }
    }
}

pub(super) type CommandResult = Result<ExitCode, CommandError>;
