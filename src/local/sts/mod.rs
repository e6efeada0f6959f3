//! STS: who the caller is, and sessions.

mod assume_role;
mod code;
mod duration;
mod opening;
mod refusals;
mod session_policy;
mod session_token;
mod totp;
mod trust;

use super::cloud::{Outcome, Turn};
use super::identity::Caller;
use super::wire::{Query, Refusal, Xml};

pub(super) use assume_role::split_role;
pub(super) use totp::decode_seed;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers a call.
pub(super) fn answer(turn: &mut Turn, caller: &Caller, action: &str, query: &Query) -> Outcome {
    let node = query.root();
    let (reply, changed) = match action {
        // AWS lets everybody ask this, whatever a policy says.
        "GetCallerIdentity" => (Ok(caller_identity(caller)), false),
        "AssumeRole" => (assume_role::run(turn, caller, &node), true),
        "GetSessionToken" => (session_token::run(turn, caller, &node), true),
        _ => {
            let message = format!("Could not find operation {action} for version 2011-06-15");
            (Err(Refusal::new("InvalidAction", message)), false)
        }
    };
    let document = reply.map(|result| {
        let mut xml = Xml::default();
        xml.append(&format!("{action}Result"), &result);
        xml.node("ResponseMetadata", |xml| {
            xml.text("RequestId", turn.request);
        });
        xml.document(&format!("{action}Response"), Some(NAMESPACE))
    });
    Outcome { document, changed }
}

fn caller_identity(caller: &Caller) -> Xml {
    let mut xml = Xml::default();
    xml.text("Arn", &caller.arn)
        .text("UserId", &caller.user)
        .text("Account", &caller.account);
    xml
}
