//! Instances of others, which nobody may touch.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use s3s::Body;
use std::time::Duration;

use super::history::History;

const IMAGE: &str = "ami-19bc1b1c6a7474187";

/// One without tags, one of another environment whose name begins alike, and one that
/// carries a copy of our tags from another account.
pub(super) async fn plant(history: &History) {
    let other = |environment, account| {
        vec![
            ("trainyard:version", "1"),
            ("trainyard:environment", environment),
            ("trainyard:account", account),
            ("trainyard:group", "trainer"),
            ("trainyard:ordinals", "0"),
            ("trainyard:incarnation", "0"),
            ("trainyard:lease", "240h"),
        ]
    };
    launch(history, "none", &[]).await;
    launch(
        history,
        "ty1-laboratory",
        &other("laboratory", super::laws::ACCOUNT),
    )
    .await;
    launch(
        history,
        "ty1-elsewhere",
        &[("Name", "lab-trainer"), ("environment", "lab")],
    )
    .await;
    history.wait(Duration::from_mins(2)).await;
    history.laws.guard(&history.cloud);
}

async fn launch(history: &History, token: &str, tags: &[(&str, &str)]) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("Action", "RunInstances"),
        ("Version", "2016-11-15"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("InstanceType", "t3.small"),
        ("ImageId", IMAGE),
        ("ClientToken", token),
    ] {
        form.append_pair(name, value);
    }
    if !tags.is_empty() {
        form.append_pair("TagSpecification.1.ResourceType", "instance");
    }
    for (number, (key, value)) in (1..).zip(tags) {
        let tag = format!("TagSpecification.1.Tag.{number}");
        form.append_pair(&format!("{tag}.Key"), key);
        form.append_pair(&format!("{tag}.Value"), value);
    }
    let date = history.time.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential=TRAINYARD{}/{}/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0",
        super::laws::ACCOUNT,
        &date[..8]
    );
    let request = http::Request::post("http://cloud.invalid/")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, credential)
        .header("x-amz-date", date)
        .body(Body::from(form.finish()))
        .unwrap();
    let answer = history.cloud.handle(request).await;
    assert!(answer.status().is_success(), "{answer:?}");
}
