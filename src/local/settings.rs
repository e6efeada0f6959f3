//! How an embedded cloud is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::weather::Weather;

/// Tells the time to a cloud; a test passes one that it turns by hand.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Says where a cloud keeps its state and how it behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder that the state is kept in; without one it lives in memory.
    pub folder: Option<PathBuf>,
    /// The account that every caller belongs to, twelve digits.
    pub account: String,
    /// How long things take.
    pub delays: Delays,
    /// What goes wrong by itself.
    pub weather: Weather,
    /// Whether the control endpoint for tests answers.
    pub control: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: None,
            account: "123456789012".to_owned(),
            delays: Delays::default(),
            weather: Weather::default(),
            control: false,
        }
    }
}

/// Says how long things take that take seconds or minutes on AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// For so long a new instance is missing from listings and unknown by id.
    pub visibility: Duration,
    /// From `pending` to `running`, after a launch and after a start.
    pub pending: Duration,
    /// From `stopping` to `stopped`.
    pub stopping: Duration,
    /// From `shutting-down` to `terminated`.
    pub shutting_down: Duration,
    /// For so long a terminated instance stays listed.
    pub terminated_listed: Duration,
    /// For so long the network interface of a terminated instance holds on to
    /// its security groups.
    pub interfaces: Duration,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            visibility: Duration::from_millis(200),
            pending: Duration::from_millis(600),
            stopping: Duration::from_millis(300),
            shutting_down: Duration::from_millis(400),
            terminated_listed: Duration::from_hours(1),
            interfaces: Duration::from_millis(300),
        }
    }
}

/// Says why a cloud could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The account is not twelve digits.
    #[error("the account {0:?} is not twelve digits")]
    Account(String),
    /// The folder could not be made.
    #[error("failed to make the folder {folder}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of the state could not be read.
    #[error("failed to read the embedded cloud's state {file}")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of the state does not hold a state.
    #[error("the embedded cloud's state {file} is corrupt; move it away to start anew")]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file of the state was written by another version.
    #[error(
        "the embedded cloud's state {file} has version {found}; this program reads version {known}"
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
}
