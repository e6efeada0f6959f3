//! Whom a role lets in.

use std::time::Duration;

use jiff::Timestamp;

use super::refusals::denied;
use crate::local::access::{Access, session_allows};
use crate::local::identity::{Caller, Lacking, Standing};
use crate::local::state::{Role, SessionKind};
use crate::local::wire::{Refusal, after};

/// What a request brings with it to be let in.
pub(super) struct Proof<'q> {
    pub(super) external_id: Option<&'q str>,
    /// Whether a code of an MFA device is in the request itself.
    pub(super) code: bool,
    pub(super) now: Timestamp,
}

/// Refuses a caller that the role does not let in, or whose own policies do not let it
/// go there.
pub(super) fn check(arn: &str, role: &Role, caller: &Caller, proof: &Proof) -> Result<(), Refusal> {
    let refusal = format!(
        "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
        caller.arn
    );
    if caller.standing == Standing::Denied || !lets_in(role, caller, proof) {
        return Err(denied(refusal));
    }
    if session_allows(caller, || vec![Access::new("sts:AssumeRole", arn)]) {
        return Ok(());
    }
    let lacking = Lacking::Session.words();
    Err(denied(format!(
        "{refusal} because no {lacking} policy allows the sts:AssumeRole action"
    )))
}

fn lets_in(role: &Role, caller: &Caller, proof: &Proof) -> bool {
    let Role {
        longest: _,
        mfa,
        mfa_age,
        external_id,
        trusts,
    } = role;
    let trusted = trusts
        .as_ref()
        .is_none_or(|trusts| trusts.iter().any(|principal| is(caller, principal)));
    let identified = external_id
        .as_deref()
        .is_none_or(|id| proof.external_id == Some(id));
    let needs_code = *mfa || mfa_age.is_some();
    let authenticated = !needs_code || is_authenticated(caller, proof, *mfa_age);
    trusted && identified && authenticated
}

/// Whether a principal of a trust policy is the caller: its user or session, its role,
/// its account, or everybody.
fn is(caller: &Caller, principal: &str) -> bool {
    let role = match caller.session.as_ref().map(|session| &session.kind) {
        Some(SessionKind::Role { role, chained: _ }) => Some(role.as_str()),
        Some(SessionKind::User { .. }) | None => None,
    };
    principal == "*"
        || principal == caller.arn
        || role == Some(principal)
        || principal == caller.account
        || principal == format!("arn:aws:iam::{}:root", caller.account)
}

/// Whether a code was given, with the request or when the session of a user began, and
/// not too long ago. The session of a role has forgotten the one that it was opened with.
fn is_authenticated(caller: &Caller, proof: &Proof, most: Option<u64>) -> bool {
    let since = if proof.code {
        Some(proof.now)
    } else {
        match caller.session.as_ref().map(|session| &session.kind) {
            Some(SessionKind::User { authenticated }) => *authenticated,
            Some(SessionKind::Role { .. }) | None => None,
        }
    };
    since.is_some_and(|since| {
        most.is_none_or(|most| proof.now <= after(since, Duration::from_secs(most)))
    })
}
