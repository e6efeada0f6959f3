//! Instances of others, which nobody may touch.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use s3s::Body;
use std::time::Duration;

use super::history::History;
use super::laws::ACCOUNT;

const IMAGE: &str = "ami-19bc1b1c6a7474187";

/// One without tags, one of another environment whose name begins alike, and one that
/// only looks like ours to people.
pub(super) async fn plant(history: &History) {
    launch(history, "none", &[], &[]).await;
    launch(
        history,
        "ty1-laboratory",
        &other("laboratory", ACCOUNT),
        &[],
    )
    .await;
    let named = [("Name", "lab-trainer"), ("environment", "lab")];
    launch(history, "ty1-elsewhere", &named, &[]).await;
    history.wait(Duration::from_mins(2)).await;
    history.laws.guard(&history.cloud);
}

/// The tags of an instance of ours.
pub(super) fn other(
    environment: &'static str,
    account: &'static str,
) -> Vec<(&'static str, &'static str)> {
    vec![
        ("trainyard:version", "1"),
        ("trainyard:environment", environment),
        ("trainyard:account", account),
        ("trainyard:group", "trainer"),
        ("trainyard:ordinals", "0"),
        ("trainyard:incarnation", "0"),
        ("trainyard:lease", "240h"),
        ("trainyard:image", "ami-1"),
        ("trainyard:user-data", "none"),
        ("trainyard:spec", "0"),
        ("trainyard:protect", "false"),
        ("trainyard:keys", ""),
    ]
}

/// Launches an instance as another tool would, with further parameters.
pub(super) async fn launch(
    history: &History,
    token: &str,
    tags: &[(&str, &str)],
    more: &[(&str, &str)],
) {
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
    for (name, value) in more {
        form.append_pair(name, value);
    }
    let spot = more.iter().any(|(name, _)| name.contains("Spot"));
    let kinds: &[&str] = if spot {
        &["instance", "spot-instances-request"]
    } else {
        &["instance"]
    };
    for (place, kind) in (1..).zip(kinds).filter(|_| !tags.is_empty()) {
        let specification = format!("TagSpecification.{place}");
        form.append_pair(&format!("{specification}.ResourceType"), kind);
        for (number, (key, value)) in (1..).zip(tags) {
            form.append_pair(&format!("{specification}.Tag.{number}.Key"), key);
            form.append_pair(&format!("{specification}.Tag.{number}.Value"), value);
        }
    }
    ask(history, form.finish()).await;
}

/// Stops an instance, as its owner may in the console.
pub(super) async fn stop(history: &History, id: &str) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", "StopInstances");
    form.append_pair("Version", "2016-11-15");
    form.append_pair("InstanceId.1", id);
    ask(history, form.finish()).await;
}

async fn ask(history: &History, form: String) {
    let date = history.time.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential=TRAINYARD{}/{}/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0",
        ACCOUNT,
        &date[..8]
    );
    let request = http::Request::post("http://cloud.invalid/")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, credential)
        .header("x-amz-date", date)
        .body(Body::from(form))
        .unwrap();
    let answer = history.cloud.handle(request).await;
    assert!(answer.status().is_success(), "{answer:?}");
}
