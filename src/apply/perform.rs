//! The only seam between running a plan and the cloud.

use std::future::Future;
use std::sync::Arc;

use super::cancel::Cancel;
use crate::plan::Step;
use crate::resource::LiveInstance;

/// Carries out one step.
pub trait Performer: Send + Sync {
    /// Does what the step says, and no more.
    fn perform(
        &self,
        step: &Step,
        control: &Control,
    ) -> impl Future<Output = Result<Performed, StepError>> + Send;
}

/// What a performer is given besides the step.
#[derive(Clone)]
pub struct Control {
    /// Whether to stop.
    pub cancel: Cancel,
    /// Takes a few words on how far the step is.
    pub progress: Arc<dyn Fn(String) + Send + Sync>,
}

/// What a step that succeeded left behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Performed {
    /// Instances that now run.
    pub instances: Vec<LiveInstance>,
    /// What was done, in a few words.
    pub text: String,
}

/// What kind of failure it was: what a caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepErrorKind {
    /// The credentials may not do this.
    Denied,
    /// The credentials have expired or are missing.
    Credentials,
    /// AWS was too busy for too long.
    Throttled,
    /// The account's limit is reached.
    Quota,
    /// AWS has no machine of that kind free.
    Capacity,
    /// AWS refused the request as it stands.
    Rejected,
    /// It is not known whether the request took effect.
    Ambiguous,
    /// Nobody answered.
    Unreachable,
    /// It did not come to pass within its time.
    TimedOut,
    /// The user asked to stop.
    Cancelled,
}

/// Why a step did not succeed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{text}")]
pub struct StepError {
    /// What kind of failure it was.
    pub kind: StepErrorKind,
    /// What went wrong.
    pub text: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether a part of it was done.
    pub partly: bool,
    /// What exists, or may exist, all the same: an id or an address and its state.
    pub alive: Vec<(String, String)>,
}

impl StepError {
    /// A failure after which nothing of the step exists.
    pub fn new(kind: StepErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            help: None,
            partly: false,
            alive: Vec::new(),
        }
    }

    /// The same with what exists all the same.
    #[must_use]
    pub fn alive(mut self, alive: Vec<(String, String)>) -> Self {
        self.alive = alive;
        self
    }
}
