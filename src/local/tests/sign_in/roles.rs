use std::time::Duration;

use super::{
    ALEX, CODE, ROLE, accepts, assume, become_alex, refuses, register_device, register_role, sts,
    with_code,
};
use crate::local::tests::rig::{Answer, Rig};

const OTHER: &str = "arn:aws:iam::123456789012:role/other";

fn is_refused(answer: &Answer, caller: &str) {
    let words =
        format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {ROLE}");
    refuses(answer, "AccessDenied", &words);
}

#[tokio::test]
async fn a_role_has_a_longest_session() {
    let rig = Rig::new();
    register_role(&rig, r#""longest":7200"#).await;
    accepts(&assume(&rig, &[("DurationSeconds", "7200")]).await);
    let refused = assume(&rig, &[("DurationSeconds", "7201")]).await;
    refuses(
        &refused,
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
    let other = [("RoleArn", OTHER), ("DurationSeconds", "43200")];
    accepts(&assume(&rig, &other).await);
}

#[tokio::test]
async fn a_role_that_another_assumes_lasts_an_hour() {
    let mut rig = Rig::new();
    let opened = assume(&rig, &[("RoleArn", OTHER)]).await;
    rig.become_session(&opened);
    accepts(&assume(&rig, &[("DurationSeconds", "3600")]).await);
    let refused = assume(&rig, &[("DurationSeconds", "3601")]).await;
    refuses(
        &refused,
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
         role chaining",
    );
    // The session of a user is no role: nothing is chained.
    rig.become_key("AKIALOCAL");
    let opened = sts(&rig, "GetSessionToken", &[]).await;
    rig.become_session(&opened);
    accepts(&assume(&rig, &[("DurationSeconds", "43200")]).await);
}

#[tokio::test]
async fn a_role_may_want_a_code() {
    let mut rig = Rig::new();
    become_alex(&mut rig).await;
    register_device(&rig).await;
    register_role(&rig, r#""mfa":true"#).await;
    is_refused(&assume(&rig, &[]).await, ALEX);
    let opened = assume(&rig, &with_code(CODE)).await;
    accepts(&opened);
    // The next role is told nothing of the code.
    rig.become_session(&opened);
    let session = "arn:aws:sts::123456789012:assumed-role/play_trainer_v1/alex";
    is_refused(&assume(&rig, &[]).await, session);
}

#[tokio::test]
async fn the_session_of_a_user_remembers_its_code() {
    let mut rig = Rig::new();
    become_alex(&mut rig).await;
    register_role(&rig, r#""mfa":true,"mfa_age":3600"#).await;
    let without = sts(&rig, "GetSessionToken", &[]).await;
    let with = sts(&rig, "GetSessionToken", &with_code("123456")).await;
    rig.become_session(&without);
    is_refused(&assume(&rig, &[]).await, ALEX);
    rig.become_session(&with);
    rig.pass(Duration::from_hours(1));
    accepts(&assume(&rig, &[]).await);
    rig.pass(Duration::from_millis(1));
    is_refused(&assume(&rig, &[]).await, ALEX);
    register_role(&rig, r#""mfa":true"#).await;
    accepts(&assume(&rig, &[]).await);
}

#[tokio::test]
async fn an_age_of_a_code_wants_one() {
    let rig = Rig::new();
    register_role(&rig, r#""mfa_age":60"#).await;
    assert_eq!(assume(&rig, &[]).await.one("Code"), "AccessDenied");
    accepts(&assume(&rig, &with_code("123456")).await);
}

#[tokio::test]
async fn a_role_may_want_an_external_id() {
    let mut rig = Rig::new();
    become_alex(&mut rig).await;
    accepts(&assume(&rig, &[("ExternalId", "anything")]).await);
    register_role(&rig, r#""external_id":"of-the-team""#).await;
    accepts(&assume(&rig, &[("ExternalId", "of-the-team")]).await);
    is_refused(&assume(&rig, &[]).await, ALEX);
    is_refused(&assume(&rig, &[("ExternalId", "of-the-teams")]).await, ALEX);
    for bad in ["", "x", "of the team"] {
        let answer = assume(&rig, &[("ExternalId", bad)]).await;
        refuses(&answer, "ValidationError", "externalId");
    }
}

#[tokio::test]
async fn a_role_lets_in_whom_it_trusts() {
    let mut rig = Rig::new();
    become_alex(&mut rig).await;
    let account = "arn:aws:iam::123456789012:root";
    for trusted in [ALEX, account, "123456789012", "*"] {
        register_role(&rig, &format!(r#""trusts":["{OTHER}","{trusted}"]"#)).await;
        accepts(&assume(&rig, &[]).await);
    }
    for others in [
        "",
        "\"arn:aws:iam::123456789012:user/eva\"",
        "\"210987654321\"",
    ] {
        register_role(&rig, &format!(r#""trusts":[{others}]"#)).await;
        is_refused(&assume(&rig, &[]).await, ALEX);
    }
}

#[tokio::test]
async fn a_role_may_trust_another_role_or_one_session_of_it() {
    let mut rig = Rig::new();
    let opened = assume(&rig, &[("RoleArn", OTHER)]).await;
    rig.become_session(&opened);
    let session = "arn:aws:sts::123456789012:assumed-role/other/alex";
    for trusted in [OTHER, session] {
        register_role(&rig, &format!(r#""trusts":["{trusted}"]"#)).await;
        accepts(&assume(&rig, &[]).await);
    }
    register_role(&rig, &format!(r#""trusts":["{ALEX}"]"#)).await;
    is_refused(&assume(&rig, &[]).await, session);
}

#[tokio::test]
async fn who_may_only_look_becomes_no_role() {
    let mut rig = Rig::new();
    rig.become_key("DENIED1");
    is_refused(
        &assume(&rig, &[]).await,
        "arn:aws:iam::123456789012:user/local",
    );
}

#[tokio::test]
async fn a_request_names_a_role_and_a_session() {
    let rig = Rig::new();
    for (field, bad) in [
        ("RoleArn", "arn:aws:iam::123456789012:user/alex"),
        ("RoleArn", "arn:aws:iam::12345:role/x"),
        ("RoleArn", "arn:aws:iam::123456789012:role/"),
        ("RoleSessionName", "a"),
        ("RoleSessionName", "a b"),
    ] {
        let answer = assume(&rig, &[(field, bad)]).await;
        assert_eq!(answer.one("Code"), "ValidationError", "{bad}");
    }
}

#[tokio::test]
async fn roles_that_make_no_sense_are_refused() {
    let rig = Rig::new();
    for bad in [
        r#"{"arn":"role/x"}"#.to_owned(),
        format!(r#"{{"arn":"{ROLE}","longest":3599}}"#),
        format!(r#"{{"arn":"{ROLE}","longest":43201}}"#),
        format!(r#"{{"arn":"{ROLE}","mfaAge":1}}"#),
        format!(r#"{{"arn":"{ROLE}","trusts":"*"}}"#),
    ] {
        let answer = rig.control("POST", "roles", &bad).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}
