//! Instances.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Tags};
use crate::local::wire::whole_second;

/// So many past states are kept: from pending to terminated with a stop, a start and
/// one to spare.
const MOST_PAST: usize = 8;

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InstanceState {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
    Stopping,
    Stopped,
}

impl InstanceState {
    /// The number that EC2 gives the state.
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// The name that EC2 gives the state.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the instance is over, or about to be.
    pub(crate) fn is_ending(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

/// What happens when the machine powers itself off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ShutdownBehavior {
    Stop,
    Terminate,
}

impl ShutdownBehavior {
    /// The name that EC2 gives the behaviour.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Terminate => "terminate",
        }
    }
}

/// The settings of the instance metadata service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetadataOptions {
    pub(crate) tokens: String,
    pub(crate) hop_limit: u8,
    pub(crate) endpoint: String,
    pub(crate) protocol_ipv6: String,
    pub(crate) instance_tags: String,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self {
            tokens: "optional".to_owned(),
            hop_limit: 1,
            endpoint: "enabled".to_owned(),
            protocol_ipv6: "disabled".to_owned(),
            instance_tags: "disabled".to_owned(),
        }
    }
}

/// The primary network interface of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) id: String,
    /// Whether it is to outlive the instance.
    pub(crate) kept: bool,
    pub(crate) private_address: Ipv4Addr,
    pub(crate) public_address: Option<Ipv4Addr>,
    /// Whether a start gives the instance a public address again.
    pub(crate) wants_public_address: bool,
}

/// The calls that an instance is protected against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Protection {
    /// `disableApiTermination`.
    pub(crate) termination: bool,
    /// `disableApiStop`, which bars termination too.
    pub(crate) stop: bool,
}

/// A volume in its place on an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockDevice {
    pub(crate) device: String,
    pub(crate) volume: String,
    pub(crate) delete_on_termination: bool,
    pub(crate) attached: Timestamp,
}

/// The spot request that an instance came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spot {
    pub(crate) request: String,
    pub(crate) max_price: Option<String>,
    pub(crate) interruption: String,
    pub(crate) cancelled: bool,
    /// Whether the request launches again when the instance ends.
    #[serde(default)]
    pub(crate) persistent: bool,
}

/// A state that is over, and what went with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) state: InstanceState,
    pub(crate) since: Timestamp,
    pub(crate) reason: Option<(String, String)>,
    pub(crate) transition: String,
    pub(crate) public_address: Option<Ipv4Addr>,
}

/// The moving part of an instance: what time and the state calls change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lifecycle {
    pub(crate) state: InstanceState,
    /// When the state began.
    pub(crate) since: Timestamp,
    /// When the instance was first launched; starting it again keeps this.
    pub(crate) created: Timestamp,
    /// The launch time as EC2 shows it: whole seconds, moved by every start.
    pub(crate) launched: Timestamp,
    /// Code and message of the state reason.
    pub(crate) reason: Option<(String, String)>,
    /// Why the state last changed, as EC2 words it.
    pub(crate) transition: String,
    /// Since when it has been shutting down or terminated.
    #[serde(default)]
    pub(crate) ended: Option<Timestamp>,
    /// When the guest powers itself off, once it has booted.
    #[serde(default)]
    pub(crate) deadline: Option<Timestamp>,
    /// The last states before this one, the oldest first: what is slow to hear shows
    /// one of them. A cloud that was opened anew has heard everything.
    #[serde(skip)]
    pub(crate) past: Vec<Past>,
}

impl Lifecycle {
    /// Begins a life.
    pub(crate) fn begin(now: Timestamp) -> Self {
        Self {
            state: InstanceState::Pending,
            since: now,
            created: now,
            launched: whole_second(now),
            reason: None,
            transition: String::new(),
            ended: None,
            deadline: None,
            past: Vec::new(),
        }
    }
}

/// A network interface that was attached to an instance that has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttachedInterface {
    pub(crate) id: String,
    pub(crate) groups: Vec<String>,
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) reservation: String,
    pub(crate) launch_index: u32,
    pub(crate) client_token: String,
    pub(crate) image: String,
    pub(crate) architecture: String,
    pub(crate) kind: String,
    pub(crate) zone: String,
    pub(crate) subnet: String,
    pub(crate) vpc: String,
    /// By name.
    #[serde(default)]
    pub(crate) placement_group: Option<String>,
    pub(crate) key: Option<String>,
    /// Ids, as many as there are, in the order given.
    pub(crate) groups: Vec<String>,
    /// Base64, as it was sent.
    pub(crate) user_data: Option<String>,
    pub(crate) interface: Interface,
    /// Those that were attached later.
    #[serde(default)]
    pub(crate) attached: Vec<AttachedInterface>,
    pub(crate) protection: Protection,
    pub(crate) shutdown_behavior: ShutdownBehavior,
    pub(crate) ebs_optimized: bool,
    pub(crate) monitoring: bool,
    pub(crate) metadata: MetadataOptions,
    pub(crate) root_device: String,
    pub(crate) devices: Vec<BlockDevice>,
    pub(crate) spot: Option<Spot>,
    pub(crate) lifecycle: Lifecycle,
    /// With which code the launch is to fail.
    #[serde(default)]
    pub(crate) doomed: Option<String>,
    /// The tags that it had from its first instant.
    #[serde(default)]
    pub(crate) launch_tags: Tags,
}

impl Instance {
    /// The state that the instance is in.
    pub(crate) fn state(&self) -> InstanceState {
        self.lifecycle.state
    }

    /// What the instance was at an instant, where that is over. Before it was launched
    /// it was what it was first.
    pub(crate) fn as_of(&self, instant: Timestamp) -> Option<&Past> {
        let lifecycle = &self.lifecycle;
        if lifecycle.since <= instant {
            return None;
        }
        let mut newest_first = lifecycle.past.iter().rev();
        newest_first
            .find(|past| past.since <= instant)
            .or_else(|| lifecycle.past.first())
    }

    /// Moves the instance to a state that follows by itself.
    pub(super) fn reach(&mut self, state: InstanceState, since: Timestamp) {
        let lifecycle = &mut self.lifecycle;
        if lifecycle.past.len() == MOST_PAST {
            lifecycle.past.remove(0);
        }
        lifecycle.past.push(Past {
            state: lifecycle.state,
            since: lifecycle.since,
            reason: lifecycle.reason.clone(),
            transition: lifecycle.transition.clone(),
            public_address: self.interface.public_address,
        });
        lifecycle.state = state;
        lifecycle.since = since;
        if state.is_ending() && lifecycle.ended.is_none() {
            lifecycle.ended = Some(since);
        }
    }

    /// Moves the instance to a state because somebody asked for it.
    pub(crate) fn enter(&mut self, state: InstanceState, now: Timestamp) {
        self.enter_for(Cause::User, state, now);
    }

    /// Moves the instance to a state for a reason, which is told of an end only.
    pub(crate) fn enter_for(&mut self, cause: Cause, state: InstanceState, now: Timestamp) {
        let (reason, transition) = match state {
            InstanceState::Pending | InstanceState::Running => (None, String::new()),
            InstanceState::ShuttingDown
            | InstanceState::Terminated
            | InstanceState::Stopping
            | InstanceState::Stopped => (Some(cause.reason()), cause.transition(now)),
        };
        self.reach(state, now);
        self.lifecycle.reason = reason;
        self.lifecycle.transition = transition;
    }
}
