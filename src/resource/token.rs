//! The launch guard.

use std::fmt::Write as _;

use serde::Serialize;

use super::{AccountId, Attempt, Digest, EnvironmentName, GroupName, Ordinals, Region};

/// How every token of ours begins; part of the proof of ownership.
pub const TOKEN_PREFIX: &str = "ty1-";

/// Everything that makes a launch this launch and no other.
///
/// Two machines that see the same thing compute the same token and so launch
/// once. The incarnation is not part of this value: it is what moves when EC2
/// says that the token's instances have been terminated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaunchIdentity {
    /// Where the instance is paid for.
    pub account: AccountId,
    /// Where it runs.
    pub region: Region,
    /// Subnet or zone where one is asked for, else empty: EC2 scopes tokens by
    /// zone as soon as one is given (EC2 API idempotency).
    pub place: String,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// Its group.
    pub group: GroupName,
    /// The numbers launched together.
    pub ordinals: Ordinals,
    /// Digest of every launch parameter, so that no two different launches can share a token.
    pub parameters: Digest,
}

impl LaunchIdentity {
    /// The identity of one attempt: another type, zone, way to buy or round is another launch.
    #[must_use]
    pub fn of_attempt(&self, attempt: &Attempt) -> Self {
        let place = attempt.candidate.zone.clone();
        Self {
            place: place.unwrap_or_else(|| self.place.clone()),
            parameters: Digest::of(&(&self.parameters, attempt)),
            ..self.clone()
        }
    }

    /// The `ClientToken` of one incarnation: 56 characters of the 64 that EC2 allows.
    pub fn token(&self, incarnation: u32) -> String {
        let digest = Digest::of(&(self, incarnation));
        let mut token = String::from(TOKEN_PREFIX);
        for byte in &digest.bytes()[..26] {
            // Writing to a string cannot fail.
            write!(token, "{byte:02x}").unwrap_or_default();
        }
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> LaunchIdentity {
        LaunchIdentity {
            account: AccountId::new("123456789012"),
            region: Region::new("eu-central-1"),
            place: String::new(),
            environment: EnvironmentName::new("demo"),
            group: GroupName::new("trainer"),
            ordinals: (0..3).collect(),
            parameters: Digest::of_bytes(b"parameters"),
        }
    }

    #[test]
    fn a_token_is_stable_and_short() {
        let token = identity().token(0);
        assert_eq!(token, identity().token(0));
        assert_eq!(token.len(), 56);
        assert!(token.starts_with(TOKEN_PREFIX) && token.is_ascii());
    }

    #[test]
    fn every_part_changes_the_token() {
        let base = identity();
        let others = [
            LaunchIdentity {
                account: AccountId::new("999999999999"),
                ..base.clone()
            },
            LaunchIdentity {
                region: Region::new("us-east-1"),
                ..base.clone()
            },
            LaunchIdentity {
                place: "eu-central-1a".to_owned(),
                ..base.clone()
            },
            LaunchIdentity {
                environment: EnvironmentName::new("other"),
                ..base.clone()
            },
            LaunchIdentity {
                group: GroupName::new("other"),
                ..base.clone()
            },
            LaunchIdentity {
                ordinals: (0..4).collect(),
                ..base.clone()
            },
            LaunchIdentity {
                parameters: Digest::of_bytes(b"other"),
                ..base.clone()
            },
        ];
        for other in others {
            assert_ne!(other.token(0), base.token(0), "{other:?}");
        }
        assert_ne!(base.token(1), base.token(0));
    }
}
