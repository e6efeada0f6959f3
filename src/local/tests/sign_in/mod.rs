//! STS: sessions, codes, roles and what they are refused for.

mod codes;
mod federation;
mod policies;
mod roles;
mod sessions;
mod tokens;
mod users;

use super::rig::{Answer, Rig};

const STS: &str = "2011-06-15";
const ROLE: &str = "arn:aws:iam::123456789012:role/team/play_trainer_v1";
const SERIAL: &str = "arn:aws:iam::123456789012:mfa/alex";
const ALEX: &str = "arn:aws:iam::123456789012:user/alex";

const SEED: &str = "JBSWY3DPEHPK3PXP";

/// What a device with that seed shows in each half minute from the rig's noon on; the
/// first is of the half minute before. Python's `hmac` made them.
const CODES: [&str; 5] = [CODE_BEFORE, CODE, "819680", "648187", "630524"];
const CODE_BEFORE: &str = "071338";
const CODE: &str = "953922";

/// Calls an action of STS.
async fn sts(rig: &Rig, action: &str, fields: &[(&str, &str)]) -> Answer {
    rig.query(STS, action, fields).await
}

/// Asks for the role, with more fields; one that is there already takes another value.
async fn assume(rig: &Rig, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("RoleArn", ROLE), ("RoleSessionName", "alex")];
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    fields.extend(more);
    sts(rig, "AssumeRole", &fields).await
}

/// The fields of a device and its code.
fn with_code(code: &str) -> [(&'static str, &str); 2] {
    [("SerialNumber", SERIAL), ("TokenCode", code)]
}

/// Gives an order that must be taken.
async fn order(rig: &Rig, path: &str, body: &str) {
    let answer = rig.control("POST", path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
}

async fn register_device(rig: &Rig) {
    let device = format!(r#"{{"serial":"{SERIAL}","seed":"{SEED}"}}"#);
    order(rig, "devices", &device).await;
}

/// Registers the role, with more of its keys.
async fn register_role(rig: &Rig, more: &str) {
    order(rig, "roles", &format!(r#"{{"arn":"{ROLE}",{more}}}"#)).await;
}

/// Gives a key to Alex and calls with it from now on.
async fn become_alex(rig: &mut Rig) {
    let user = r#"{"key":"AKIAALEX0000000000000","name":"alex"}"#;
    order(rig, "users", user).await;
    rig.become_key("AKIAALEX0000000000000");
}

/// Checks that an answer refuses, with this code and these words somewhere.
fn refuses(answer: &Answer, code: &str, words: &str) {
    assert_eq!(answer.all("Code"), [code], "{}", answer.body);
    assert!(answer.one("Message").contains(words), "{}", answer.body);
    let status = match code {
        "AccessDenied" | "InvalidClientTokenId" | "AuthFailure" | "UnauthorizedOperation" => 403,
        _ => 400,
    };
    assert_eq!(answer.status, status, "{}", answer.body);
}

/// Checks that an answer is one of success.
fn accepts(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
}
