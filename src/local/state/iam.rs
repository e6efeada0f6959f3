//! What a test has registered with IAM: users, roles and MFA devices.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The longest session of a role that nobody registered, in seconds: IAM's maximum.
const LONGEST: u64 = 43_200;

/// What IAM knows. Who and what is not in it exists all the same, and nothing more is
/// asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Iam {
    /// By access key id.
    pub(crate) users: BTreeMap<String, User>,
    /// By ARN.
    pub(crate) roles: BTreeMap<String, Role>,
    /// By serial number.
    pub(crate) devices: BTreeMap<String, Device>,
}

/// A user, as one of its access keys leads to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    /// Whether it may call `GetSessionToken`.
    pub(crate) session_tokens: bool,
}

/// What a role asks of those who assume it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Role {
    /// The longest that a session may last, in seconds.
    pub(crate) longest: u64,
    /// Whether the caller must have given a code of an MFA device.
    pub(crate) mfa: bool,
    /// The most seconds that may have passed since.
    pub(crate) mfa_age: Option<u64>,
    pub(crate) external_id: Option<String>,
    /// The principals that may assume it; without a list, everybody.
    pub(crate) trusts: Option<BTreeSet<String>>,
}

impl Default for Role {
    fn default() -> Self {
        Self {
            longest: LONGEST,
            mfa: false,
            mfa_age: None,
            external_id: None,
            trusts: None,
        }
    }
}

/// An MFA device that shows time-based codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Device {
    /// The key that it shares with AWS.
    pub(crate) seed: Vec<u8>,
    /// The newest time step whose code was accepted.
    pub(crate) spent: Option<u64>,
}

impl Iam {
    /// A role by its ARN; one that nobody registered asks nothing.
    pub(crate) fn role(&self, arn: &str) -> Role {
        self.roles.get(arn).cloned().unwrap_or_default()
    }
}
