use std::time::Duration;

use super::rig::{Rig, prompt};
use crate::local::{Settings, Weather};

fn limited() -> Rig {
    Rig::with(Settings {
        weather: Weather {
            buckets: true,
            ..Weather::default()
        },
        ..prompt()
    })
}

/// Calls until EC2 refuses, and counts the calls that it took.
async fn taken(rig: &Rig, action: &str, fields: &[(&str, &str)]) -> usize {
    for count in 0..2000 {
        let answer = rig.ec2(action, fields).await;
        if answer.body.contains("RequestLimitExceeded") {
            assert_eq!(answer.status, 503);
            return count;
        }
    }
    panic!("{action} is never refused");
}

/// An action with its fields, what its bucket holds and what a second brings back.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], usize, usize);

#[tokio::test]
async fn every_action_has_its_bucket_and_time_refills_it() {
    let rig = limited();
    let filter = [
        ("Filter.1.Name", "availability-zone"),
        ("Filter.1.Value.1", "eu-central-1a"),
    ];
    let none = [];
    let cases: [Case; 10] = [
        ("DescribeVpcs", &none, 100, 20),
        ("DescribeInstances", &none, 50, 10),
        ("DescribeInstances", &filter, 100, 20),
        ("DescribeInstances", &[("MaxResults", "5")], 0, 20),
        ("CreateSecurityGroup", &none, 50, 5),
        ("AuthorizeSecurityGroupIngress", &none, 50, 5),
        ("StartInstances", &none, 5, 2),
        ("TerminateInstances", &none, 100, 5),
        ("DeleteTags", &none, 100, 10),
        ("CreateVolume", &none, 100, 5),
    ];
    for (action, fields, size, refill) in cases {
        assert_eq!(taken(&rig, action, fields).await, size, "{action}");
        rig.pass(Duration::from_secs(1));
        assert_eq!(taken(&rig, action, fields).await, refill, "{action}");
    }
    rig.pass(Duration::from_mins(10));
    assert_eq!(taken(&rig, "DescribeVpcs", &none).await, 100, "never more");
}

#[tokio::test]
async fn instances_are_counted_beside_requests() {
    let rig = limited();
    let subnet = rig.ok("DescribeSubnets", &[]).await;
    let subnet = [("SubnetId", subnet.one("subnetId"))];
    assert_eq!(rig.launch("600", &subnet).await.status, 200);
    let more = rig.launch("401", &subnet).await;
    assert_eq!(
        (more.status, more.one("Code")),
        (503, "RequestLimitExceeded")
    );
    assert_eq!(rig.launch("400", &subnet).await.status, 200);
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.launch("3", &subnet).await.status, 503);
    assert_eq!(rig.launch("2", &subnet).await.status, 200);

    let ids: Vec<String> = rig.cloud.truth().into_iter().map(|one| one.id).collect();
    let names: Vec<String> = (1..=1000).map(|n| format!("InstanceId.{n}")).collect();
    let names = names.iter().map(String::as_str);
    let all: Vec<(&str, &str)> = names.zip(ids.iter().map(String::as_str)).collect();
    rig.ok("TerminateInstances", &all).await;
    let one = all.get(..1).expect("one");
    rig.refused("TerminateInstances", one, "RequestLimitExceeded")
        .await;
    rig.pass(Duration::from_millis(50));
    rig.ok("TerminateInstances", one).await;
}

#[tokio::test]
async fn a_dry_run_counts_and_another_region_or_account_has_its_own() {
    let mut rig = limited();
    let dry = [("DryRun", "true")];
    assert_eq!(taken(&rig, "RunInstances", &dry).await, 5);
    rig.move_to("us-east-1");
    assert_eq!(taken(&rig, "RunInstances", &dry).await, 5);
    rig.become_key("TRAINYARD210987654321");
    assert_eq!(taken(&rig, "RunInstances", &dry).await, 5);
}

#[tokio::test]
async fn in_calm_weather_nothing_is_counted() {
    let rig = Rig::with(prompt());
    for _ in 0..300 {
        rig.ok("DescribeInstances", &[]).await;
    }
}
