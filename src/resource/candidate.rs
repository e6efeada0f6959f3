//! One way in which a launch can be tried.

use std::fmt;

use serde::Serialize;

use super::Purchase;

/// How long a refused candidate is left alone, and so the pause between two rounds, in seconds.
///
/// Karpenter remembers an offering that is out of capacity for as long.
pub const ROUND_SECONDS: u64 = 180;

/// A type, a way to buy it, and a zone where one is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Candidate {
    /// Such as `g5.xlarge`.
    pub instance_type: String,
    /// How it is bought.
    pub purchase: Purchase,
    /// The zone to ask in; `None` leaves it to EC2, or to the subnet.
    pub zone: Option<String>,
}

impl fmt::Display for Candidate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            instance_type,
            purchase,
            zone,
        } = self;
        write!(formatter, "{instance_type} {}", purchase.word())?;
        match zone {
            Some(zone) => write!(formatter, " in {zone}"),
            None => Ok(()),
        }
    }
}

/// A candidate in one round of asking.
///
/// What was waited is taken off the lease, so a later round launches something
/// else and has a token of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// What is asked for.
    pub candidate: Candidate,
    /// The round, from 0.
    pub round: u32,
}

impl Attempt {
    /// For how long was waited before, in seconds.
    pub fn waited(&self) -> u64 {
        u64::from(self.round) * ROUND_SECONDS
    }
}

/// Something that was asked for and is not tried, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Rejected {
    /// A type, or a type and a zone.
    pub what: String,
    /// Why it is not tried.
    pub why: String,
}
