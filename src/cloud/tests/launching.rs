//! One launch for one token, whatever happens on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::super::launch::launch;
use super::super::{CloudErrorKind, observe};
use super::rig::Rig;
use crate::apply::{Performed, StepError};
use crate::lease::user_part;
use crate::local::Delays;
use crate::plan::Launch;
use crate::resource::fixtures::{account, attempt, mark, plain};
use crate::resource::{Instance, InstanceId, InstanceState, VolumeId};

async fn launched(rig: &Rig, what: &Launch) -> Result<Performed, StepError> {
    launch(&rig.aws(), what, &rig.control).await
}

fn ids(performed: &Performed) -> BTreeSet<InstanceId> {
    performed
        .instances
        .iter()
        .map(|live| live.id.clone())
        .collect()
}

#[tokio::test]
async fn a_launch_waits_until_all_of_it_runs_and_is_ours() {
    let rig = Rig::new().await;
    let done = launched(&rig, &rig.launch(&plain("trainer"), &[0, 1, 4]).await)
        .await
        .unwrap();
    assert_eq!(done.text, "3 instances running");
    let mut numbers: Vec<u32> = done
        .instances
        .iter()
        .map(|live| mark(live).ordinal)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 4]);
    assert!(
        done.instances
            .iter()
            .all(|live| live.state == InstanceState::Running && live.first_launched.is_some())
    );
    assert_eq!(rig.count("RunInstances").await, 1);
    assert_eq!(
        rig.progress()[0],
        "launched 3 instances, waiting until they run"
    );
    // Volumes carry the proof from their first instant too.
    let observed = observe(&rig.clients, &account()).await.unwrap();
    let volumes: BTreeSet<&VolumeId> = observed.volumes.iter().map(|volume| &volume.id).collect();
    assert_eq!((volumes.len(), observed.instances.len()), (3, 3));
    let live = &observed.instances[0];
    assert_eq!(live.devices, live.volumes.keys().cloned().collect());
}

#[tokio::test]
async fn a_reply_that_is_lost_launches_nothing_twice() {
    let rig = Rig::new().await;
    let what = rig.launch(&plain("trainer"), &[0, 1]).await;
    rig.fault("RunInstances", "after", json!("drop"), 1).await;
    let first = launched(&rig, &what).await.unwrap();
    assert_eq!(rig.count("RunInstances").await, 2, "the client asked again");
    let again = launched(&rig, &what).await.unwrap();
    assert_eq!(ids(&first), ids(&again));
    assert_eq!((ids(&first).len(), rig.alive().await), (2, 2));
}

#[tokio::test]
async fn when_every_reply_is_lost_what_may_exist_is_named() {
    let rig = Rig::new().await;
    let what = rig.launch(&plain("trainer"), &[0, 1]).await;
    rig.fault("RunInstances", "after", json!("drop"), 9).await;
    let error = launched(&rig, &what).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Ambiguous, "{error}");
    let unknown = |name: &str| (name.to_owned(), "not known to exist".to_owned());
    assert_eq!(error.alive, [unknown("trainer[0]"), unknown("trainer[1]")]);
    assert_eq!(rig.alive().await, 2, "and so it was");
}

#[tokio::test]
async fn a_burnt_token_is_stepped_over() {
    let rig = Rig::new().await;
    let what = rig.launch(&plain("trainer"), &[0, 1]).await;
    let mut all = BTreeSet::new();
    for incarnation in 0..3 {
        let done = launched(&rig, &what).await.unwrap();
        for live in &done.instances {
            assert_eq!(mark(live).incarnation, incarnation);
        }
        all.extend(ids(&done));
        let names = ids(&done).iter().map(ToString::to_string).collect();
        let end = rig.clients.ec2.terminate_instances();
        end.set_instance_ids(Some(names)).send().await.unwrap();
    }
    assert_eq!((all.len(), rig.alive().await), (6, 0));
}

#[tokio::test]
async fn another_launch_with_the_same_token_is_refused_and_launches_nothing() {
    let rig = Rig::new().await;
    let what = rig.launch(&plain("trainer"), &[0]).await;
    launched(&rig, &what).await.unwrap();
    let mut other = what.clone();
    other.instance = std::sync::Arc::new(Instance {
        protect: true,
        ..plain("trainer")
    });
    let error = launched(&rig, &other).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Rejected);
    let token = what.token(&attempt(&plain("trainer")), 0);
    assert!(error.help.as_ref().unwrap().contains(&token), "{error:?}");
    assert_eq!((error.alive, rig.alive().await), (Vec::new(), 1));
}

#[tokio::test]
async fn what_ends_instead_of_running_is_a_failure_that_names_the_rest() {
    let rig = Rig::with(Delays {
        pending: Duration::from_hours(1),
        ..Delays::default()
    })
    .await;
    let what = rig.launch(&plain("trainer"), &[0, 1]).await;
    let sabotage = async {
        loop {
            let observed = observe(&rig.clients, &account()).await.unwrap();
            if let Some(live) = observed.instances.first() {
                let end = rig.clients.ec2.terminate_instances();
                end.instance_ids(live.id.as_str()).send().await.unwrap();
                return live.id.clone();
            }
        }
    };
    let (result, ended) = tokio::join!(launched(&rig, &what), sabotage);
    let error = result.unwrap_err();
    let begin = format!("1 of 2 instances ended instead of running: {ended}");
    assert!(error.text.starts_with(&begin), "{error}");
    assert!(!error.alive.is_empty());
}

#[tokio::test]
async fn why_an_instance_ended_instead_of_running_is_said_in_the_words_of_aws() {
    let rig = Rig::new().await;
    let full = json!({"code": "Client.VolumeLimitExceeded"});
    rig.order("fails", &full).await;
    let what = rig.launch(&plain("trainer"), &[0]).await;
    let error = launched(&rig, &what).await.unwrap_err();
    assert!(error.text.contains("ended instead of running"), "{error}");
    assert!(error.text.contains("Client.VolumeLimitExceeded"), "{error}");
    assert_eq!((error.alive.len(), rig.alive().await), (0, 0));
}

#[tokio::test]
async fn so_many_burnt_tokens_are_stepped_over_and_no_more() {
    let rig = Rig::new().await;
    let burnt = json!({"error": {
        "code": "IdempotentInstanceTerminated", "status": 400, "message": "terminated"
    }});
    rig.fault("RunInstances", "before", burnt, 60).await;
    let what = rig.launch(&plain("trainer"), &[0]).await;
    let error = launched(&rig, &what).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Rejected);
    assert!(error.text.starts_with("50 launches"), "{error}");
    assert!(error.help.is_some());
    assert_eq!(
        (rig.count("RunInstances").await, rig.alive().await),
        (50, 0)
    );
}

#[tokio::test]
async fn launching_takes_no_longer_than_its_bound() {
    let mut rig = Rig::with(Delays {
        pending: Duration::from_hours(1),
        ..Delays::default()
    })
    .await;
    rig.pace.running = Duration::from_millis(50);
    let error = launched(&rig, &rig.launch(&plain("trainer"), &[0]).await)
        .await
        .unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::TimedOut);
    assert_eq!(error.alive.len(), 1, "{error:?}");
}

#[tokio::test]
async fn asked_to_stop_before_it_launches_it_does_not() {
    let rig = Rig::new().await;
    rig.control.cancel.ask();
    let error = launched(&rig, &rig.launch(&plain("trainer"), &[0]).await)
        .await
        .unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Cancelled);
    assert_eq!((rig.count("RunInstances").await, rig.alive().await), (0, 0));
}

#[tokio::test]
async fn refusals_keep_their_kind_and_have_a_remedy() {
    let table = [
        (
            "InsufficientInstanceCapacity",
            400,
            CloudErrorKind::Capacity,
        ),
        ("VcpuLimitExceeded", 400, CloudErrorKind::Quota),
        ("UnauthorizedOperation", 403, CloudErrorKind::Denied),
        ("InvalidParameterValue", 400, CloudErrorKind::Rejected),
    ];
    let rig = Rig::new().await;
    let what = rig.launch(&plain("trainer"), &[0]).await;
    for (code, status, kind) in table {
        let deed = json!({"error": {"code": code, "status": status, "message": "no"}});
        rig.fault("RunInstances", "before", deed, 1).await;
        let error = launched(&rig, &what).await.unwrap_err();
        assert_eq!((error.kind, error.alive.len()), (kind, 0), "{code}");
        assert!(error.text.contains(code), "{error}");
        assert_eq!(error.help.is_some(), kind != CloudErrorKind::Rejected);
    }
    assert_eq!(rig.alive().await, 0);
}

#[tokio::test]
async fn the_lease_and_the_users_script_are_in_the_user_data() {
    let rig = Rig::new().await;
    let mut instance = plain("trainer");
    instance.user_data = Some("#!/bin/sh\necho hello\n".to_owned());
    let what = rig.launch(&instance, &[0]).await;
    let done = launched(&rig, &what).await.unwrap();
    let answer = rig
        .clients
        .ec2
        .describe_instance_attribute()
        .instance_id(done.instances[0].id.as_str())
        .attribute(aws_sdk_ec2::types::InstanceAttributeName::UserData)
        .send()
        .await
        .unwrap();
    let encoded = answer.user_data().unwrap().value().unwrap().to_owned();
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, encoded).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text, what.user_data(&attempt(&instance)));
    assert_eq!(user_part(&text), instance.user_data);
}
