use std::time::Duration;

use http::Request;
use s3s::Body;

use super::rig::{Answer, Rig, prompt};
use crate::local::{Settings, Weather};

const SCOPE: &str =
    "AWS4-HMAC-SHA256 Credential=AKIALOCAL/20260301/eu-central-1/any/aws4_request, Signature=0";

/// The clock of the cloud stands a quarter of a second after noon.
const NOON: &str = "20260301T120000Z";

fn strict(dates: bool) -> Rig {
    Rig::with(Settings {
        weather: Weather {
            dates,
            ..Weather::default()
        },
        ..prompt()
    })
}

async fn call(rig: &Rig, service: &str, date: &str) -> Answer {
    let request = match service {
        "s3" => Request::get("/bucket"),
        "ssm" => Request::post("/").header("x-amz-target", "AmazonSSM.GetParameter"),
        _ => Request::post("/").header("content-type", "application/x-www-form-urlencoded"),
    };
    let body = match service {
        "ec2" => "Action=DescribeVpcs&Version=2016-11-15",
        "sts" => "Action=GetCallerIdentity&Version=2011-06-15",
        "ssm" => "{}",
        _ => "",
    };
    let request = request
        .header("authorization", SCOPE)
        .header("x-amz-date", date);
    rig.send(request.body(Body::from(body.to_owned())).expect("request"))
        .await
}

#[tokio::test]
async fn a_request_that_was_signed_too_long_ago_is_refused_by_every_service() {
    let rig = strict(true);
    rig.pass(Duration::from_mins(15));
    for (service, code, status) in [
        ("ec2", "RequestExpired", 400),
        ("sts", "SignatureDoesNotMatch", 403),
        ("ssm", "InvalidSignatureException", 400),
        ("s3", "RequestTimeTooSkewed", 403),
    ] {
        let late = call(&rig, service, NOON).await;
        assert!(late.body.contains(code), "{service}: {}", late.body);
        assert_eq!(late.status, status, "{service}");
        let fresh = call(&rig, service, "20260301T120001Z").await;
        assert!(!fresh.body.contains(code), "{service}: {}", fresh.body);
    }
}

#[tokio::test]
async fn a_request_from_the_future_is_refused_too() {
    let rig = strict(true);
    assert_eq!(call(&rig, "ec2", "20260301T121500Z").await.status, 200);
    let early = call(&rig, "ec2", "20260301T121501Z").await;
    assert_eq!(early.one("Code"), "RequestExpired");
}

#[tokio::test]
async fn dates_that_nobody_asks_for_or_gives_refuse_nothing() {
    let calm = strict(false);
    assert_eq!(call(&calm, "ec2", "20200101T000000Z").await.status, 200);
    let strict = strict(true);
    assert_eq!(call(&strict, "ec2", "yesterday").await.status, 200);
    strict.ok("DescribeVpcs", &[]).await;
}
