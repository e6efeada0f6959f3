//! `AssumeRole`: the rights of a role for a while.

use std::time::Duration;

use super::code::{self, Attempt};
use super::duration;
use super::opening::Opening;
use super::refusals::{constraint, invalid};
use super::session_policy::{self, SessionPolicy};
use super::trust;
use crate::local::cloud::Turn;
use crate::local::identity::Caller;
use crate::local::state::{SessionKind, derived_hex};
use crate::local::wire::{Node, Refusal, Reply, Xml, after};

/// What a call asks for.
struct Asked<'q> {
    /// The ARN of the role, its account and its path with the name.
    role: &'q str,
    account: &'q str,
    path: &'q str,
    /// The name of the session.
    name: &'q str,
    duration: Duration,
    external_id: Option<&'q str>,
    policy: Option<SessionPolicy<'q>>,
    attempt: Option<Attempt<'q>>,
}

impl<'q> Asked<'q> {
    fn read(node: &Node<'q>) -> Result<Self, Refusal> {
        let role = node.required("RoleArn")?;
        let name = node.required("RoleSessionName")?;
        let duration = duration::read(node, 3600, 900..=43_200)?;
        let (account, path) =
            split_role(role).ok_or_else(|| invalid(format!("{role} is invalid")))?;
        check_name(name)?;
        Ok(Self {
            role,
            account,
            path,
            name,
            duration,
            external_id: external_id(node)?,
            policy: session_policy::read(node)?,
            attempt: code::read(node)?,
        })
    }
}

/// Splits the ARN of a role into its account and its path with the name.
pub(in crate::local) fn split_role(arn: &str) -> Option<(&str, &str)> {
    let is_account =
        |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    arn.strip_prefix("arn:aws:iam::")?
        .split_once(":role/")
        .filter(|(account, path)| is_account(account) && !path.is_empty())
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
    if (2..=64).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    let rule = "satisfy regular expression pattern: [\\w+=,.@-]*";
    Err(constraint(name, "roleSessionName", rule))
}

fn external_id<'q>(node: &Node<'q>) -> Result<Option<&'q str>, Refusal> {
    let Some(id) = node.text("ExternalId") else {
        return Ok(None);
    };
    let fits =
        |character: char| character.is_ascii_alphanumeric() || "_+=,.@:/-".contains(character);
    if (2..=1224).contains(&id.len()) && id.chars().all(fits) {
        return Ok(Some(id));
    }
    let rule = "satisfy regular expression pattern: [\\w+=,.@:\\/-]*";
    Err(constraint(id, "externalId", rule))
}

/// Answers the call. AWS documents no order of its checks. The code comes last here, so
/// that a request that is refused for anything else does not use it up: a client that
/// asked for too long a session may ask for a shorter one with the same code.
pub(super) fn run(turn: &mut Turn, caller: &Caller, node: &Node) -> Reply {
    let asked = Asked::read(node)?;
    let role = turn.world.iam.role(asked.role);
    duration::check(asked.duration, &role, caller)?;
    let proof = trust::Proof {
        external_id: asked.external_id,
        code: asked.attempt.is_some(),
        now: turn.now,
    };
    trust::check(asked.role, &role, caller, &proof)?;
    if let Some(attempt) = &asked.attempt {
        code::spend(turn, attempt)?;
    }
    Ok(open(turn, caller, &asked))
}

fn open(turn: &mut Turn, caller: &Caller, asked: &Asked) -> Xml {
    let Asked {
        role,
        account,
        path,
        name,
        duration,
        external_id: _,
        policy,
        attempt: _,
    } = asked;
    let short = path.rsplit('/').next().unwrap_or(path);
    let id = derived_hex(&["role", role], 17).to_uppercase();
    let opening = Opening {
        account: (*account).to_owned(),
        arn: format!("arn:aws:sts::{account}:assumed-role/{short}/{name}"),
        user: format!("AROA{id}:{name}"),
        expires: after(turn.now, *duration),
        kind: SessionKind::Role {
            role: (*role).to_owned(),
            chained: duration::is_role(caller),
        },
        policy: policy.as_ref().map(|policy| policy.text.to_owned()),
    };
    let mut xml = Xml::default();
    xml.node("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", &opening.user)
            .text("Arn", &opening.arn);
    });
    xml.maybe(
        "PackedPolicySize",
        policy.as_ref().map(|policy| policy.packed),
    );
    opening.open(turn, &mut xml);
    xml
}
