//! What a command takes from the process that it runs in.

use std::sync::{Arc, Mutex, PoisonError};

use super::clock;
use super::sign_in::SignIns;
use crate::apply::Cancel;
use crate::cloud::{Clock, Transport};
use crate::credentials::Terminal;

/// The surroundings of a command: this process by default, or those of a simulation.
#[derive(Debug, Clone)]
pub struct Host {
    /// What time it is.
    pub clock: Clock,
    /// What carries requests instead of the network.
    pub transport: Option<Transport>,
    /// What asks the command to stop instead of the signals of the process.
    pub cancel: Option<Cancel>,
    /// Where its words go.
    pub streams: Streams,
    /// How a simulation signs in; its commands need no credentials where it says nothing.
    pub sign_in: Option<SimulatedSignIn>,
    /// Who has signed in so far.
    pub(super) sign_ins: SignIns,
}

impl Host {
    /// The surroundings of a simulation.
    pub fn simulated(
        clock: Clock,
        transport: Transport,
        cancel: Option<Cancel>,
        streams: Streams,
    ) -> Self {
        Self {
            clock,
            transport: Some(transport),
            cancel,
            streams,
            sign_in: None,
            sign_ins: SignIns::default(),
        }
    }
}

/// What a simulation signs in with.
#[derive(Debug, Clone)]
pub struct SimulatedSignIn {
    /// What stands in `~/.aws/config`.
    pub profiles: String,
    /// Who can be asked for a code.
    pub terminal: Option<Arc<dyn Terminal>>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            clock: Clock::new(clock::now),
            transport: None,
            cancel: None,
            streams: Streams::Process,
            sign_in: None,
            sign_ins: SignIns::default(),
        }
    }
}

/// Where the words of a command go.
#[derive(Debug, Clone, Copy)]
pub enum Streams {
    /// To stdout and stderr.
    Process,
    /// Into memory.
    Kept(&'static Kept),
}

/// What was printed, in the order in which it was, both streams together.
#[derive(Debug, Default)]
pub struct Kept(Mutex<String>);

impl Kept {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(Mutex::new(String::new()))
    }

    /// Adds to it, without our own styling.
    pub(super) fn push(&self, text: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(anstream::adapter::strip_str(text));
    }

    /// Takes what there is.
    pub fn take(&self) -> String {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept)
    }
}
