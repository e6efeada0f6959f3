use std::time::Duration;

use http::Request;
use s3s::Body;
use serde_json::{Value, json};

use super::{assume, register_role, sts};
use crate::local::tests::rig::{Answer, Rig};

/// The credentials of an answer as the endpoint takes them.
fn credentials(opened: &Answer) -> Value {
    json!({
        "sessionId": opened.one("AccessKeyId"),
        "sessionKey": opened.one("SecretAccessKey"),
        "sessionToken": opened.one("SessionToken"),
    })
}

async fn ask(rig: &Rig, session: &Value, more: &[(&str, &str)]) -> Answer {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("Action", "getSigninToken");
    query.extend_pairs(more);
    query.append_pair("Session", &session.to_string());
    get(rig, &format!("/federation?{}", query.finish())).await
}

async fn get(rig: &Rig, address: &str) -> Answer {
    let request = Request::get(address).body(Body::empty()).expect("request");
    rig.send(request).await
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let value: Value = serde_json::from_str(&answer.body).expect("JSON");
    value["SigninToken"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn the_session_of_a_role_opens_the_console() {
    let rig = Rig::new();
    let (one, two) = (assume(&rig, &[]).await, assume(&rig, &[]).await);
    let first = token(&ask(&rig, &credentials(&one), &[]).await);
    let second = token(&ask(&rig, &credentials(&two), &[]).await);
    assert_ne!(first, second);
    let listed = rig.control("GET", "requests", "").await;
    let expected = r#"{"action":"getSigninToken","service":"federation"}"#;
    assert!(listed.body.contains(expected), "{}", listed.body);
}

#[tokio::test]
async fn the_console_is_closed_to_whom_it_does_not_know() {
    let rig = Rig::new();
    let opened = assume(&rig, &[]).await;
    let good = credentials(&opened);
    for key in ["sessionId", "sessionKey", "sessionToken"] {
        for wrong in [json!("x"), json!(1), Value::Null] {
            let mut bad = good.clone();
            bad[key] = wrong;
            assert_eq!(ask(&rig, &bad, &[]).await.status, 400, "{key}");
        }
    }
    rig.pass(Duration::from_hours(1));
    assert_eq!(ask(&rig, &good, &[]).await.status, 400);
}

#[tokio::test]
async fn the_session_of_a_user_opens_no_console() {
    let rig = Rig::new();
    let opened = sts(&rig, "GetSessionToken", &[]).await;
    assert_eq!(ask(&rig, &credentials(&opened), &[]).await.status, 400);
}

#[tokio::test]
async fn the_console_stays_open_for_as_long_as_the_role_allows() {
    let mut rig = Rig::new();
    register_role(&rig, r#""longest":7200"#).await;
    let session = assume(&rig, &[]).await;
    for (seconds, status) in [
        ("899", 400),
        ("900", 200),
        ("7200", 200),
        ("7201", 400),
        ("x", 400),
    ] {
        let answer = ask(
            &rig,
            &credentials(&session),
            &[("SessionDuration", seconds)],
        )
        .await;
        assert_eq!(answer.status, status, "{seconds}");
    }
    rig.become_session(&session);
    let chained = credentials(&assume(&rig, &[]).await);
    let long = [("SessionDuration", "900")];
    assert_eq!(ask(&rig, &chained, &long).await.status, 400);
    assert_eq!(ask(&rig, &chained, &[]).await.status, 200);
}

#[tokio::test]
async fn other_requests_are_refused_or_are_for_a_bucket() {
    let rig = Rig::new();
    for query in ["Action=getSigninToken", "Action=login", "Action=%ff"] {
        let answer = get(&rig, &format!("/federation?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    for address in ["/federation", "/federation?list-type=2", "/bucket?Action=x"] {
        let answer = get(&rig, address).await;
        assert!(answer.body.contains("This cloud has no S3"), "{address}");
    }
}
