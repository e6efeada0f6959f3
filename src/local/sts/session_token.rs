//! `GetSessionToken`: a user's own rights for a while, and that a code was given.

use super::code;
use super::duration;
use super::opening::Opening;
use super::refusals::denied;
use crate::local::cloud::Turn;
use crate::local::identity::Caller;
use crate::local::state::SessionKind;
use crate::local::wire::{Node, Refusal, Reply, Xml, after};

pub(super) fn run(turn: &mut Turn, caller: &Caller, node: &Node) -> Reply {
    let asked = duration::read(node, 43_200, 900..=129_600)?;
    let attempt = code::read(node)?;
    authorize(turn, caller)?;
    if let Some(attempt) = &attempt {
        code::spend(turn, attempt)?;
    }
    let opening = Opening {
        account: caller.account.clone(),
        arn: caller.arn.clone(),
        user: caller.user.clone(),
        expires: after(turn.now, asked),
        kind: SessionKind::User {
            authenticated: attempt.is_some().then_some(turn.now),
        },
        policy: None,
    };
    let mut xml = Xml::default();
    opening.open(turn, &mut xml);
    Ok(xml)
}

fn authorize(turn: &Turn, caller: &Caller) -> Result<(), Refusal> {
    if caller.session.is_some() {
        return Err(denied(
            "Cannot call GetSessionToken with session credentials",
        ));
    }
    // The call needs no permission, so that only an explicit refusal can bar it.
    match turn.world.iam.users.get(&caller.key) {
        Some(user) if !user.session_tokens => Err(denied(format!(
            "User: {} is not authorized to perform: sts:GetSessionToken with an explicit deny in \
             an identity-based policy",
            caller.arn
        ))),
        Some(_) | None => Ok(()),
    }
}
