//! How long a session is to last.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::refusals::{constraint, invalid};
use crate::local::identity::Caller;
use crate::local::state::{Role, SessionKind};
use crate::local::wire::{Node, Refusal};

/// The longest session of a role that another role assumes, in seconds.
const CHAINED: u64 = 3600;

/// Reads `DurationSeconds`, which is `usual` when it is left out.
pub(super) fn read(
    node: &Node,
    usual: u64,
    bounds: RangeInclusive<u64>,
) -> Result<Duration, Refusal> {
    let seconds = node.number("DurationSeconds")?.unwrap_or(usual);
    if bounds.contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    let (least, most) = bounds.into_inner();
    let rule = if seconds < least {
        format!("have value greater than or equal to {least}")
    } else {
        format!("have value less than or equal to {most}")
    };
    Err(constraint(&seconds.to_string(), "durationSeconds", &rule))
}

/// Refuses what is longer than the role allows, or than a chain of roles does.
pub(super) fn check(asked: Duration, role: &Role, caller: &Caller) -> Result<(), Refusal> {
    if asked.as_secs() > role.longest {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    if is_role(caller) && asked.as_secs() > CHAINED {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed \
             by role chaining",
        ));
    }
    Ok(())
}

/// Whether the caller is a role itself, so that one more makes a chain.
pub(super) fn is_role(caller: &Caller) -> bool {
    let kind = caller.session.as_ref().map(|session| &session.kind);
    matches!(kind, Some(SessionKind::Role { .. }))
}
