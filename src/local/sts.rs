//! STS: who the caller is, and sessions.

use std::time::Duration;

use super::cloud::{Outcome, Turn};
use super::identity::{Caller, Standing};
use super::state::{Session, derived_hex};
use super::wire::{Node, Query, Refusal, Reply, Xml, after, aws_time};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// For so long a code of an MFA device is remembered as used: the window that
/// it is valid in, and one more on either side for the clock.
const CODE_MEMORY: Duration = Duration::from_secs(90);

/// For so long an expired session is still known to be one.
const SESSION_MEMORY: Duration = Duration::from_hours(24 * 30);

/// The code that no device ever shows here, for tests of a wrong one.
const WRONG_CODE: &str = "000000";

/// Answers a call.
pub(super) fn answer(turn: &mut Turn, caller: &Caller, action: &str, query: &Query) -> Outcome {
    let node = query.root();
    let (reply, changed) = match action {
        "GetCallerIdentity" => (Ok(caller_identity(caller)), false),
        "AssumeRole" => (assume_role(turn, caller, &node), true),
        "GetSessionToken" => (session_token(turn, caller, &node), true),
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

fn assume_role(turn: &mut Turn, caller: &Caller, node: &Node) -> Reply {
    let role = node.required("RoleArn")?;
    let name = node.required("RoleSessionName")?;
    let seconds = duration(node, 3600, 900, 43_200)?;
    let (account, path) = role
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"))
        .filter(|(account, path)| is_account(account) && !path.is_empty())
        .ok_or_else(|| invalid(&format!("{role} is invalid")))?;
    let fits = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
    if !(2..=64).contains(&name.len()) || !name.chars().all(fits) {
        return Err(invalid(&format!(
            "Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    if caller.standing == Standing::Denied {
        return Err(denied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {role}",
            caller.arn
        )));
    }
    check_code(turn, node)?;
    let short = path.rsplit('/').next().unwrap_or(path);
    let id = derived_hex(&["role", role], 17).to_uppercase();
    let session = Session {
        account: account.to_owned(),
        arn: format!("arn:aws:sts::{account}:assumed-role/{short}/{name}"),
        user: format!("AROA{id}:{name}"),
        expires: after(turn.now, seconds),
    };
    let mut xml = Xml::default();
    xml.node("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", &session.user)
            .text("Arn", &session.arn);
    });
    open_session(turn, session, &mut xml);
    Ok(xml)
}

fn session_token(turn: &mut Turn, caller: &Caller, node: &Node) -> Reply {
    let seconds = duration(node, 43_200, 900, 129_600)?;
    check_code(turn, node)?;
    let session = Session {
        account: caller.account.clone(),
        arn: caller.arn.clone(),
        user: caller.user.clone(),
        expires: after(turn.now, seconds),
    };
    let mut xml = Xml::default();
    open_session(turn, session, &mut xml);
    Ok(xml)
}

/// Keeps the session and writes its credentials.
fn open_session(turn: &mut Turn, session: Session, xml: &mut Xml) {
    let now = turn.now;
    turn.world
        .sessions
        .retain(|_, known| after(known.expires, SESSION_MEMORY) > now);
    turn.world.opened += 1;
    let count = turn.world.opened.to_string();
    let digits = derived_hex(&["session", &count], 16).to_uppercase();
    let key = format!("ASIA{digits}");
    xml.node("Credentials", |xml| {
        xml.text("AccessKeyId", &key)
            .text("SecretAccessKey", derived_hex(&["secret", &count], 40))
            .text("SessionToken", derived_hex(&["token", &count], 64))
            .text("Expiration", aws_time(session.expires));
    });
    turn.world.sessions.insert(key, session);
}

/// Checks the code of an MFA device, when there is one. A code works once.
fn check_code(turn: &mut Turn, node: &Node) -> Result<(), Refusal> {
    let (serial, code) = match (node.text("SerialNumber"), node.text("TokenCode")) {
        (None, None) => return Ok(()),
        (Some(serial), Some(code)) => (serial, code),
        (Some(_), None) | (None, Some(_)) => {
            return Err(denied(
                "MultiFactorAuthentication failed, must provide both MFA serial number and one \
                 time pass code.",
            ));
        }
    };
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(&format!(
            "Value '{code}' at 'tokenCode' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [\\d]{{6}}"
        )));
    }
    let now = turn.now;
    let codes = &mut turn.world.codes;
    codes.retain(|_, used| after(*used, CODE_MEMORY) > now);
    if code == WRONG_CODE || codes.insert(format!("{serial} {code}"), now).is_some() {
        return Err(denied(
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        ));
    }
    Ok(())
}

fn duration(node: &Node, usual: u64, least: u64, most: u64) -> Result<Duration, Refusal> {
    let seconds = node.number("DurationSeconds")?.unwrap_or(usual);
    if !(least..=most).contains(&seconds) {
        return Err(invalid(&format!(
            "Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must be \
             between {least} and {most}"
        )));
    }
    Ok(Duration::from_secs(seconds))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn invalid(message: &str) -> Refusal {
    Refusal::new("ValidationError", message)
}

fn denied(message: impl Into<String>) -> Refusal {
    Refusal::new("AccessDenied", message)
}
