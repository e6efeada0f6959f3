use http::Request;
use s3s::Body;

use super::rig::Rig;

#[tokio::test]
async fn who_is_nobody_gets_nothing() {
    let rig = Rig::new();
    for (version, code) in [
        ("2016-11-15", "AuthFailure"),
        ("2011-06-15", "MissingAuthenticationToken"),
    ] {
        let request = Request::post("/")
            .header(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            )
            .body(Body::from(format!(
                "Action=GetCallerIdentity&Version={version}"
            )))
            .expect("request");
        let answer = rig.send(request).await;
        assert_eq!((answer.status, answer.one("Code")), (403, code));
    }
}

#[tokio::test]
async fn credentials_past_their_time_are_refused_in_the_words_of_each_service() {
    let mut rig = Rig::new();
    rig.become_key("EXPIRED1");
    rig.refused("DescribeInstances", &[], "RequestExpired")
        .await;
    let sts = rig.query("2011-06-15", "GetCallerIdentity", &[]).await;
    assert_eq!(sts.one("Code"), "ExpiredToken");
    assert!(sts.body.contains("<ErrorResponse"));
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let mut rig = Rig::new();
    let ids = rig.running("1", &[]).await;
    let id = ids.first().expect("one").as_str();
    rig.become_key("DENIED1");
    for dry in ["true", "false"] {
        let fields = [("InstanceId.1", id), ("DryRun", dry)];
        let refused = rig
            .refused("TerminateInstances", &fields, "UnauthorizedOperation")
            .await;
        assert_eq!(refused.status, 403);
        assert!(
            refused
                .one("Message")
                .contains("Encoded authorization failure message: ")
        );
    }
    assert_eq!(rig.states(&ids).await, ["running"]);
}

#[tokio::test]
async fn nonsense_is_refused_and_harms_nothing() {
    let rig = Rig::new();
    let form = "application/x-www-form-urlencoded";
    let auth = "AWS4-HMAC-SHA256 Credential=A/1/eu-central-1/ec2/aws4_request";
    let deep = format!(
        "Action=RunInstances&Version=2016-11-15&{}=1",
        "a.".repeat(200_000)
    );
    let huge = "a".repeat((1 << 20) + 1);
    let wide = format!(
        "Action=DescribeInstances&Version=2016-11-15&InstanceId.{}=i",
        u64::MAX
    );
    for (body, code) in [
        ("", "MissingAction"),
        ("Action=", "MissingAction"),
        ("Action=Describe%00&Version=2016-11-15", "InvalidAction"),
        ("Action=DescribeInstances", "InvalidAction"),
        ("Action=DescribeInstances&Version=1", "InvalidAction"),
        ("Action=GetUser&Version=2010-05-08", "InvalidAction"),
        ("Action=%ff", "MalformedQueryString"),
        (deep.as_str(), "UnsupportedOperation"),
        (huge.as_str(), "RequestEntityTooLarge"),
    ] {
        let request = Request::post("/")
            .header("content-type", form)
            .header("authorization", auth);
        let answer = rig
            .send(request.body(Body::from(body.to_owned())).expect("request"))
            .await;
        let start: String = body.chars().take(60).collect();
        assert_eq!(answer.all("Code"), [code], "{start}: {}", answer.body);
    }
    let request = Request::post("/")
        .header("content-type", form)
        .header("authorization", auth);
    assert_eq!(
        rig.send(request.body(Body::from(wide)).expect("request"))
            .await
            .status,
        200
    );
}
