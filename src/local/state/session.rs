//! Sessions that STS opened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::derived_hex;

/// A session that `AssumeRole` or `GetSessionToken` opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) user: String,
    pub(crate) expires: Timestamp,
    /// How many sessions there were with it, counted from 1: its key, its secret and its
    /// token follow from that. A session of an older file has 0, which is nobody's.
    #[serde(default)]
    pub(crate) number: u64,
    #[serde(default)]
    pub(crate) kind: SessionKind,
    /// The session policy: what it does not allow is refused.
    #[serde(default)]
    pub(crate) policy: Option<String>,
}

/// Which call opened a session, and what it remembers of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SessionKind {
    /// `AssumeRole`.
    Role {
        /// The ARN of the role.
        role: String,
        /// Whether it was another role that assumed it.
        chained: bool,
    },
    /// `GetSessionToken`.
    User {
        /// When a code of an MFA device was given, if one was.
        authenticated: Option<Timestamp>,
    },
}

impl Default for SessionKind {
    fn default() -> Self {
        Self::User {
            authenticated: None,
        }
    }
}

impl Session {
    /// The access key id.
    pub(crate) fn key(&self) -> String {
        let digits = self.derived("session", 16).to_uppercase();
        format!("ASIA{digits}")
    }

    /// The secret access key.
    pub(crate) fn secret(&self) -> String {
        self.derived("secret", 40)
    }

    /// The session token, without which the key is worth nothing.
    pub(crate) fn token(&self) -> String {
        self.derived("token", 64)
    }

    fn derived(&self, what: &str, digits: usize) -> String {
        derived_hex(&[what, &self.number.to_string()], digits)
    }
}
