use std::collections::BTreeSet;
use std::time::Duration;

use super::rig::{Rig, prompt};
use crate::local::{Settings, Weather};

const MINUTE: Duration = Duration::from_mins(1);

const BY_TAG: [(&str, &str); 2] = [("Filter.1.Name", "tag:env"), ("Filter.1.Value.1", "alex")];

const TAGGED: [(&str, &str); 6] = [
    ("TagSpecification.1.ResourceType", "instance"),
    ("TagSpecification.1.Tag.1.Key", "env"),
    ("TagSpecification.1.Tag.1.Value", "alex"),
    ("TagSpecification.2.ResourceType", "volume"),
    ("TagSpecification.2.Tag.1.Key", "env"),
    ("TagSpecification.2.Tag.1.Value", "alex"),
];

fn rough(weather: Weather) -> Rig {
    Rig::with(Settings {
        weather,
        ..prompt()
    })
}

/// Launches forty instances with a tag, and gives their ids.
async fn launched(rig: &Rig) -> Vec<String> {
    let answer = rig.launch("40", &TAGGED).await;
    let ids = answer.all("instanceId");
    ids.into_iter().map(str::to_owned).collect()
}

/// Which of the instances are known by id, and which a listing shows.
async fn seen(rig: &Rig, ids: &[String]) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut known = BTreeSet::new();
    for id in ids {
        let answer = rig.ec2("DescribeInstances", &[("InstanceId.1", id)]).await;
        if answer.status == 200 {
            known.insert(id.clone());
        } else {
            assert_eq!(answer.one("Code"), "InvalidInstanceID.NotFound");
        }
    }
    (known, listed(rig, &[]).await)
}

async fn listed(rig: &Rig, fields: &[(&str, &str)]) -> BTreeSet<String> {
    let listed = rig.ok("DescribeInstances", fields).await;
    let ids = listed.all("instanceId");
    ids.into_iter().map(str::to_owned).collect()
}

fn some(set: &BTreeSet<String>) -> bool {
    (8..=32).contains(&set.len())
}

#[tokio::test]
async fn word_of_a_launch_takes_a_time_of_its_own_for_every_instance() {
    let weather = |seed| Weather {
        seed,
        visibility: MINUTE,
        ..Weather::default()
    };
    let mut halfway = Vec::new();
    for seed in [1, 1, 2] {
        let rig = rough(weather(seed));
        let ids = launched(&rig).await;
        rig.pass(MINUTE / 2);
        let (known, listed) = seen(&rig, &ids).await;
        assert!(some(&known), "{}", known.len());
        assert_eq!(known, listed);
        let unknown = ids.iter().find(|id| !known.contains(*id)).expect("one");
        let call = [("InstanceId.1", unknown.as_str())];
        rig.refused("TerminateInstances", &call, "InvalidInstanceID.NotFound")
            .await;
        rig.pass(MINUTE / 2);
        assert_eq!(seen(&rig, &ids).await.0.len(), 40);
        halfway.push(known);
    }
    assert_eq!(halfway.first(), halfway.get(1), "the same seed");
    assert_ne!(halfway.first(), halfway.get(2), "another seed");
}

#[tokio::test]
async fn tags_reach_a_filtered_listing_later_than_the_instance() {
    let rig = rough(Weather {
        tags: MINUTE,
        ..Weather::default()
    });
    launched(&rig).await;
    rig.pass(MINUTE / 2);
    assert_eq!(listed(&rig, &[]).await.len(), 40);
    assert!(some(&listed(&rig, &BY_TAG).await));
    let volumes = rig.ok("DescribeVolumes", &BY_TAG).await;
    assert!((8..=32).contains(&volumes.all("size").len()));
    let rows = rig.ok("DescribeTags", &[]).await.all("value").len();
    assert!((20..=60).contains(&rows), "{rows}");
    rig.pass(MINUTE / 2);
    assert_eq!(listed(&rig, &BY_TAG).await.len(), 40);
    let volumes = rig.ok("DescribeVolumes", &BY_TAG).await;
    assert_eq!(volumes.all("size").len(), 40);
    assert_eq!(rig.ok("DescribeTags", &[]).await.all("value").len(), 80);
}

#[tokio::test]
async fn half_of_all_instances_show_no_tags_for_a_while() {
    let rig = rough(Weather {
        tags: MINUTE,
        ..Weather::default()
    });
    let ids = launched(&rig).await;
    let with_tags = async || {
        let mut count = 0;
        for id in &ids {
            let answer = rig.ok("DescribeInstances", &[("InstanceId.1", id)]).await;
            count += answer.all("value").len();
        }
        count
    };
    let at_once = with_tags().await;
    assert!((10..=30).contains(&at_once), "{at_once}");
    rig.pass(MINUTE);
    assert_eq!(with_tags().await, 40);
}

#[tokio::test]
async fn tags_of_groups_and_spot_requests_are_late_too() {
    let rig = rough(Weather {
        tags: Duration::from_hours(1),
        ..Weather::default()
    });
    let group = [
        ("GroupName", "g"),
        ("GroupDescription", "d"),
        ("TagSpecification.1.ResourceType", "security-group"),
        ("TagSpecification.1.Tag.1.Key", "env"),
        ("TagSpecification.1.Tag.1.Value", "alex"),
    ];
    rig.ok("CreateSecurityGroup", &group).await;
    let spot = [
        ("InstanceMarketOptions.MarketType", "spot"),
        ("TagSpecification.1.ResourceType", "spot-instances-request"),
        ("TagSpecification.1.Tag.1.Key", "env"),
        ("TagSpecification.1.Tag.1.Value", "alex"),
    ];
    assert_eq!(rig.launch("1", &spot).await.status, 200);
    let actions = [
        ("DescribeSecurityGroups", "groupName"),
        ("DescribeSpotInstanceRequests", "state"),
    ];
    for (action, name) in actions {
        let early = rig.ok(action, &BY_TAG).await;
        assert!(early.all(name).is_empty(), "{action}");
        assert!(!rig.ok(action, &[]).await.all(name).is_empty(), "{action}");
    }
    rig.pass(Duration::from_hours(1));
    for (action, name) in actions {
        assert_eq!(rig.ok(action, &BY_TAG).await.all(name).len(), 1, "{action}");
    }
}

#[tokio::test]
async fn a_listing_shows_what_was_and_a_read_by_id_seldom() {
    let rig = rough(Weather {
        states: MINUTE,
        ..Weather::default()
    });
    let ids = launched(&rig).await;
    rig.pass(Duration::from_hours(1));
    let names: Vec<String> = (1..=40).map(|n| format!("InstanceId.{n}")).collect();
    let all: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(ids.iter().map(String::as_str))
        .collect();
    rig.ok("TerminateInstances", &all).await;
    rig.pass(MINUTE / 2);
    let running = [
        ("Filter.1.Name", "instance-state-name"),
        ("Filter.1.Value.1", "running"),
    ];
    let stale = listed(&rig, &running).await;
    assert!(some(&stale), "{}", stale.len());
    let shown = rig.ok("DescribeInstances", &running).await;
    assert_eq!(shown.states(), vec!["running"; stale.len()]);
    assert!(shown.all("stateReason").is_empty());
    assert!(!shown.all("ipAddress").is_empty());

    let (mut old, mut reads) = (0, 0);
    for id in &stale {
        for _ in 0..10 {
            let read = rig.ok("DescribeInstances", &[("InstanceId.1", id)]).await;
            old += usize::from(read.states() == ["running"]);
            reads += 1;
        }
    }
    assert!(
        (reads / 8..=reads * 3 / 8).contains(&old),
        "{old} of {reads}"
    );
    let fresh = ids.iter().find(|id| !stale.contains(*id)).expect("one");
    for _ in 0..20 {
        let read = rig
            .ok("DescribeInstances", &[("InstanceId.1", fresh)])
            .await;
        assert_eq!(read.states(), ["terminated"]);
    }
    rig.pass(MINUTE / 2 + Duration::from_secs(1));
    let states = rig.ok("DescribeInstances", &[]).await.states();
    assert_eq!(states, vec!["terminated"; 40]);
}

#[tokio::test]
async fn what_is_new_comes_and_goes_in_listings() {
    let rig = rough(Weather {
        visibility: MINUTE,
        flaps: true,
        ..Weather::default()
    });
    let ids = launched(&rig).await;
    let mut rounds = Vec::new();
    for _ in 0..8 {
        rounds.push(listed(&rig, &[]).await);
        assert_eq!(rounds.last(), Some(&listed(&rig, &[]).await), "one second");
        rig.pass(Duration::from_secs(1));
    }
    let gone_again = |id: &&String| {
        let shown: Vec<bool> = rounds.iter().map(|round| round.contains(*id)).collect();
        shown.windows(2).any(|pair| pair == [true, false])
    };
    assert!(ids.iter().filter(gone_again).count() > 20);
    rig.pass(MINUTE);
    assert_eq!(seen(&rig, &ids).await.0.len(), 40, "by id they stay");
    rig.pass(MINUTE);
    assert_eq!(listed(&rig, &[]).await.len(), 40);
}

#[tokio::test]
async fn tags_of_what_is_terminated_vanish_one_by_one() {
    let rig = rough(Weather {
        fading: Some(MINUTE * 10),
        ..Weather::default()
    });
    let keys: Vec<(String, String)> = (1..=20)
        .map(|n| {
            (
                format!("TagSpecification.1.Tag.{n}.Key"),
                format!("key-{n}"),
            )
        })
        .collect();
    let mut fields = vec![("TagSpecification.1.ResourceType", "instance")];
    fields.extend(keys.iter().map(|(name, key)| (name.as_str(), key.as_str())));
    let ids = rig.running("1", &fields).await;
    let id = [("InstanceId.1", ids.first().expect("one").as_str())];
    rig.pass(Duration::from_hours(1));
    assert_eq!(rig.ok("DescribeInstances", &id).await.all("key").len(), 20);
    rig.ok("TerminateInstances", &id).await;
    let mut left = Vec::new();
    for _ in 0..11 {
        rig.pass(MINUTE);
        left.push(rig.ok("DescribeInstances", &id).await.all("key").len());
    }
    assert!(left.is_sorted_by(|a, b| a >= b), "{left:?}");
    assert!(left.iter().collect::<BTreeSet<_>>().len() > 4, "{left:?}");
    assert_eq!(left.last(), Some(&0));
    let truth = rig.cloud.truth().pop().expect("one");
    assert_eq!((truth.tags.len(), truth.launch_tags.len()), (0, 20));
}

#[tokio::test]
async fn an_edit_of_tags_is_seen_a_while_later() {
    let rig = rough(Weather {
        edits: MINUTE,
        ..Weather::default()
    });
    let ids = launched(&rig).await;
    rig.pass(Duration::from_hours(1));
    let mut fields = vec![("Tag.1.Key", "run"), ("Tag.1.Value", "second")];
    let names: Vec<String> = (1..=40).map(|n| format!("ResourceId.{n}")).collect();
    let resources = names.iter().map(String::as_str);
    fields.extend(resources.zip(ids.iter().map(String::as_str)));
    rig.ok("CreateTags", &fields).await;
    rig.pass(MINUTE / 2);
    let answer = rig.ok("DescribeInstances", &[]).await;
    let new = answer
        .all("value")
        .iter()
        .filter(|value| **value == "second")
        .count();
    assert!((8..=32).contains(&new), "{new}");
    rig.pass(MINUTE / 2);
    let edited = [("Filter.1.Name", "tag:run"), ("Filter.1.Value.1", "second")];
    assert_eq!(listed(&rig, &edited).await.len(), 40);
}

/// Every answer of a history in the roughest weather, and what is there at its end.
async fn history(seed: u64) -> String {
    let rig = rough(Weather {
        seed,
        visibility: MINUTE,
        tags: MINUTE,
        edits: MINUTE,
        states: MINUTE,
        flaps: true,
        fading: Some(MINUTE),
        buckets: true,
        dates: true,
    });
    let ids = launched(&rig).await;
    let mut told = String::new();
    for round in 0..60 {
        rig.pass(Duration::from_secs(5));
        let id = [("InstanceId.1", ids[round % ids.len()].as_str())];
        for (action, fields) in [
            ("DescribeInstances", &BY_TAG[..]),
            ("DescribeInstances", &id[..]),
            ("TerminateInstances", &id[..]),
            ("DescribeTags", &[]),
        ] {
            told.push_str(&rig.ec2(action, fields).await.body);
        }
    }
    format!("{told}{:?}", rig.cloud.truth())
}

#[tokio::test]
async fn the_same_seed_and_calls_have_the_same_answers_to_the_last_byte() {
    let first = history(1).await;
    assert!(first == history(1).await, "a history differs from itself");
    assert!(first != history(2).await, "another seed changes nothing");
}
