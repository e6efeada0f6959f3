use http::Request;
use s3s::Body;

use super::{assume, sts};
use crate::local::tests::rig::{Answer, Rig};

const KEY: &str = "ASIA0000000000000000";

async fn call(rig: &Rig, service: &str, key: &str, token: Option<&str>) -> Answer {
    let scope = format!("x Credential={key}/20260301/eu-central-1/any/aws4_request");
    let request = match service {
        "s3" => Request::get("/bucket"),
        "ssm" => Request::post("/").header("x-amz-target", "AmazonSSM.GetParameter"),
        _ => Request::post("/").header("content-type", "application/x-www-form-urlencoded"),
    };
    let body = match service {
        "ec2" => "Action=DescribeVpcs&Version=2016-11-15",
        "sts" => "Action=GetCallerIdentity&Version=2011-06-15",
        "ssm" => r#"{"Name":"/none"}"#,
        _ => "",
    };
    let mut request = request.header("authorization", scope);
    if let Some(token) = token {
        request = request.header("x-amz-security-token", token);
    }
    rig.send(request.body(Body::from(body.to_owned())).expect("request"))
        .await
}

/// The status of an answer to credentials of no session, and words of it.
const REFUSED: [(&str, u16, &str); 4] = [
    ("ec2", 403, "AuthFailure"),
    ("sts", 403, "InvalidClientTokenId"),
    ("ssm", 400, "UnrecognizedClientException"),
    ("s3", 400, "InvalidToken"),
];

#[tokio::test]
async fn the_key_of_a_session_needs_its_token() {
    let rig = Rig::new();
    let opened = assume(&rig, &[]).await;
    let other = assume(&rig, &[]).await;
    let (key, token) = (opened.one("AccessKeyId"), opened.one("SessionToken"));
    for (service, status, code) in REFUSED {
        for wrong in [None, Some(""), Some("x"), Some(other.one("SessionToken"))] {
            let answer = call(&rig, service, key, wrong).await;
            assert_eq!(answer.status, status, "{service}: {}", answer.body);
            assert!(answer.body.contains(code), "{service}: {}", answer.body);
        }
        let answer = call(&rig, service, key, Some(token)).await;
        assert!(!answer.body.contains(code), "{service}: {}", answer.body);
    }
}

#[tokio::test]
async fn the_key_of_no_session_is_refused_by_every_service() {
    let rig = Rig::new();
    for (service, status, code) in REFUSED {
        let answer = call(&rig, service, KEY, Some("token")).await;
        assert_eq!(answer.status, status, "{service}: {}", answer.body);
        assert!(answer.body.contains(code), "{service}: {}", answer.body);
    }
    let answer = call(&rig, "sts", KEY, None).await;
    assert_eq!(
        answer.one("Message"),
        "The security token included in the request is invalid."
    );
}

#[tokio::test]
async fn a_user_needs_no_token() {
    let rig = Rig::new();
    for token in [None, Some("of whatever")] {
        let answer = call(&rig, "sts", "AKIAANY", token).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn every_session_has_credentials_of_its_own() {
    let rig = Rig::new();
    let (one, two) = (
        assume(&rig, &[]).await,
        sts(&rig, "GetSessionToken", &[]).await,
    );
    for name in ["AccessKeyId", "SecretAccessKey", "SessionToken"] {
        assert_ne!(one.one(name), two.one(name));
    }
    assert!(one.one("AccessKeyId").starts_with("ASIA"));
}
