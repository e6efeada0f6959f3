use std::time::Duration;

use http::Request;
use s3s::Body;

use super::rig::{Answer, Rig};

const STS: &str = "2011-06-15";
const ROLE: (&str, &str) = (
    "RoleArn",
    "arn:aws:iam::123456789012:role/team/play_trainer_v1",
);
const NAME: (&str, &str) = ("RoleSessionName", "alex");
const SERIAL: (&str, &str) = ("SerialNumber", "arn:aws:iam::123456789012:mfa/alex");

async fn assume(rig: &Rig, more: &[(&str, &str)]) -> Answer {
    let fields: Vec<(&str, &str)> = [ROLE, NAME].iter().chain(more).copied().collect();
    rig.query(STS, "AssumeRole", &fields).await
}

#[tokio::test]
async fn a_session_is_its_role_until_it_ends() {
    let mut rig = Rig::new();
    let opened = assume(&rig, &[("DurationSeconds", "900")]).await;
    assert_eq!(opened.one("Expiration"), "2026-03-01T12:15:00.250Z");
    rig.become_key(Box::leak(
        opened.one("AccessKeyId").to_owned().into_boxed_str(),
    ));
    let who = rig.query(STS, "GetCallerIdentity", &[]).await;
    assert_eq!(
        who.one("Arn"),
        "arn:aws:sts::123456789012:assumed-role/play_trainer_v1/alex"
    );
    assert_eq!(who.one("Account"), "123456789012");
    rig.pass(Duration::from_mins(15));
    let late = rig.query(STS, "GetCallerIdentity", &[]).await;
    assert_eq!(late.one("Code"), "ExpiredToken");
    rig.refused("DescribeInstances", &[], "RequestExpired")
        .await;
}

#[tokio::test]
async fn a_code_works_once() {
    let rig = Rig::new();
    let code = [SERIAL, ("TokenCode", "123456")];
    assert_eq!(assume(&rig, &code).await.status, 200);
    assert_eq!(assume(&rig, &code).await.one("Code"), "AccessDenied");
    rig.pass(Duration::from_secs(90));
    assert_eq!(assume(&rig, &code).await.status, 200);
    for (bad, expected) in [
        ("000000", "AccessDenied"),
        ("12345", "ValidationError"),
        ("abcdef", "ValidationError"),
    ] {
        let answer = assume(&rig, &[SERIAL, ("TokenCode", bad)]).await;
        assert_eq!(answer.one("Code"), expected, "{bad}");
    }
    assert_eq!(assume(&rig, &[SERIAL]).await.one("Code"), "AccessDenied");
    let long = [("DurationSeconds", "43201")];
    assert_eq!(assume(&rig, &long).await.one("Code"), "ValidationError");
}

#[tokio::test]
async fn public_parameters_name_images_that_exist() {
    let rig = Rig::new();
    let ask = |action: &str, body: &str| {
        Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("AmazonSSM.{action}"))
            .header(
                "authorization",
                "x Credential=A/1/eu-central-1/ssm/aws4_request",
            )
            .body(Body::from(body.to_owned()))
            .expect("request")
    };
    let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    let answer = rig
        .send(ask("GetParameter", &format!(r#"{{"Name":"{name}"}}"#)))
        .await;
    let value: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    let image = value["Parameter"]["Value"].as_str().expect("an image");
    rig.ok("DescribeImages", &[("ImageId.1", image)]).await;
    let resolved = rig
        .launch("1", &[("ImageId", &format!("resolve:ssm:{name}"))])
        .await;
    assert_eq!(resolved.one("imageId"), image);
    for (action, body, expected) in [
        ("GetParameter", r#"{"Name":"/none"}"#, "ParameterNotFound"),
        ("GetParameter", "{}", "ValidationException"),
        ("GetParameter", "{", "SerializationException"),
        ("GetParameters", r#"{"Names":[]}"#, "ValidationException"),
        ("PutParameter", "{}", "UnknownOperationException"),
    ] {
        let answer = rig.send(ask(action, body)).await;
        assert!(
            answer.status == 400 && answer.body.contains(expected),
            "{}",
            answer.body
        );
    }
    let both = format!(r#"{{"Names":["{name}","/none"]}}"#);
    let answer = rig.send(ask("GetParameters", &both)).await;
    assert!(
        answer.body.contains(r#""InvalidParameters":["/none"]"#),
        "{}",
        answer.body
    );
    let moved = format!(r#"{{"name":"{name}","value":"ami-0123456789abcdef0"}}"#);
    rig.control("POST", "parameters", &moved).await;
    let answer = rig.send(ask("GetParameters", &both)).await;
    assert!(answer.body.contains(r#""Value":"ami-0123456789abcdef0""#));
}
