//! The end is proven by id, and what is not proven is named.

use std::time::Duration;

use aws_sdk_ec2::types::AttributeBooleanValue;
use serde_json::json;

use super::super::CloudErrorKind;
use super::super::terminate::terminate;
use super::rig::Rig;
use crate::apply::{Performed, StepError};
use crate::local::Delays;
use crate::plan::Doomed;
use crate::plan::fixtures::address;
use crate::resource::fixtures::{plain, region};
use crate::resource::{Instance, InstanceId, InstanceState, Placement};

/// An id that no cloud has given out.
const NOWHERE: &str = "i-00000000000000000";

fn doomed(id: &str, unprotect: bool) -> Doomed {
    Doomed {
        address: address("trainer", 0),
        id: InstanceId::new(id),
        replaced_because: Vec::new(),
        unprotect,
        spot_request: None,
    }
}

async fn end(rig: &Rig, doomed: &[Doomed]) -> Result<Performed, StepError> {
    terminate(&rig.clients, &rig.pace, doomed, &rig.control).await
}

async fn protect(rig: &Rig, id: &InstanceId) {
    let on = AttributeBooleanValue::builder().value(true).build();
    rig.clients
        .ec2
        .modify_instance_attribute()
        .instance_id(id.as_str())
        .disable_api_termination(on)
        .send()
        .await
        .unwrap();
}

async fn all(rig: &Rig, count: u32) -> Vec<Doomed> {
    let running = rig.running(count).await;
    running
        .iter()
        .map(|live| doomed(live.id.as_str(), false))
        .collect()
}

#[tokio::test]
async fn it_returns_when_all_have_read_terminated() {
    let rig = Rig::new().await;
    let all = all(&rig, 5).await;
    let done = end(&rig, &all).await.unwrap();
    assert_eq!(done.text, "5 instances terminated, each read back twice");
    assert_eq!(rig.states().await, [InstanceState::Terminated; 5]);
    assert_eq!(rig.count("TerminateInstances").await, 1, "one batch");
    // What is terminated already is proven again.
    assert!(end(&rig, &all).await.is_ok());
}

/// EC2 ends the part of a batch that is in other zones than a protected instance (EC2 API,
/// `TerminateInstances`).
#[tokio::test]
async fn a_batch_that_took_effect_in_one_zone_of_two_is_proven_in_both() {
    let rig = Rig::new().await;
    let mut all = Vec::new();
    for (zone, ordinals) in [("a", [0, 1]), ("b", [2, 3])] {
        let instance = Instance {
            placement: Placement::Zone(format!("{}{zone}", region())),
            ..plain("trainer")
        };
        let launch = rig.launch(&instance, &ordinals).await;
        let launched = crate::cloud::launch::launch(&rig.aws(), &launch, &rig.control).await;
        let launched = launched.unwrap().instances;
        all.extend(launched.iter().map(|live| doomed(live.id.as_str(), false)));
    }
    let safe = &all[3].id;
    protect(&rig, safe).await;
    let error = end(&rig, &all).await.unwrap_err();
    assert_eq!(error.alive.len(), 1, "{error:?}");
    assert_eq!(error.alive[0].0, safe.as_str());
    let ended = rig.states().await.into_iter();
    let ended = ended.filter(|state| *state == InstanceState::Terminated);
    assert_eq!((ended.count(), rig.alive().await), (3, 1));
}

#[tokio::test]
async fn one_protected_instance_spares_itself_alone() {
    let rig = Rig::new().await;
    let all = all(&rig, 4).await;
    let safe = &all[1].id;
    protect(&rig, safe).await;
    let error = end(&rig, &all).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Denied);
    assert!(error.text.starts_with(&format!("{safe}: ")), "{error}");
    assert!(error.help.unwrap().contains("--lift-protection"));
    let [(id, state)] = &error.alive[..] else {
        panic!("{:?}", error.alive);
    };
    assert_eq!(id, safe.as_str());
    assert!(state.starts_with("running, "), "{state}");
    assert_eq!(rig.alive().await, 1);
    // Lifted as asked, it goes too.
    assert!(end(&rig, &[doomed(safe.as_str(), true)]).await.is_ok());
    assert_eq!(rig.alive().await, 0);
}

#[tokio::test]
async fn not_found_is_never_read_as_terminated() {
    let rig = Rig::new().await;
    let error = end(&rig, &[doomed(NOWHERE, false)]).await.unwrap_err();
    let [(id, state)] = &error.alive[..] else {
        panic!("{:?}", error.alive);
    };
    assert_eq!(id, NOWHERE);
    assert!(state.starts_with("unknown, "), "{state}");
}

#[tokio::test]
async fn one_unknown_id_keeps_no_other_alive() {
    let rig = Rig::new().await;
    let mut all = all(&rig, 3).await;
    all.insert(1, doomed(NOWHERE, false));
    let error = end(&rig, &all).await.unwrap_err();
    assert_eq!(error.alive.len(), 1, "{:?}", error.alive);
    assert_eq!(error.alive[0].0, NOWHERE);
    assert_eq!(rig.states().await, [InstanceState::Terminated; 3]);
}

#[tokio::test]
async fn what_vanishes_after_it_read_terminated_is_terminated() {
    let rig = Rig::with(Delays {
        terminated_listed: Duration::from_millis(60),
        ..Delays::default()
    })
    .await;
    let all = all(&rig, 2).await;
    assert!(end(&rig, &all).await.is_ok());
    assert_eq!(rig.states().await, []);
}

#[tokio::test]
async fn a_protection_that_could_not_be_lifted_and_was_not_there_stops_nothing() {
    // A machine whose end takes longer than an effect may lag.
    let rig = Rig::with(Delays {
        shutting_down: Duration::from_mins(2),
        ..Delays::default()
    })
    .await;
    let id = rig.running(1).await.remove(0).id;
    let deed = json!({"error": {"code": "UnsupportedOperation", "status": 400, "message": "no"}});
    rig.fault("ModifyInstanceAttribute", "before", deed, 1)
        .await;
    let done = end(&rig, &[doomed(id.as_str(), true)]).await;
    assert!(done.is_ok(), "{done:?}");
}

#[tokio::test]
async fn a_lost_reply_and_a_throttled_look_change_nothing() {
    let rig = Rig::new().await;
    let all = all(&rig, 2).await;
    rig.fault("TerminateInstances", "after", json!("drop"), 1)
        .await;
    let deed = json!({"error": {"code": "RequestLimitExceeded", "status": 503}});
    rig.fault("DescribeInstances", "before", deed, 2).await;
    assert!(end(&rig, &all).await.is_ok());
    assert_eq!(rig.alive().await, 0);
}

#[tokio::test]
async fn credentials_that_end_meanwhile_leave_the_end_unknown() {
    let rig = Rig::new().await;
    let all = all(&rig, 2).await;
    let deed = json!({"error": {"code": "RequestExpired", "status": 400}});
    rig.fault("DescribeInstances", "before", deed, 9).await;
    let error = end(&rig, &all).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Credentials);
    assert_eq!(error.alive.len(), 2, "{:?}", error.alive);
    let seen = rig.count("DescribeInstances").await;
    assert!(seen < 20, "{seen}: looking on does not help");
}

#[tokio::test]
async fn an_end_that_is_not_seen_in_time_is_a_failure() {
    let mut rig = Rig::with(Delays {
        shutting_down: Duration::from_hours(9),
        ..Delays::default()
    })
    .await;
    rig.pace.terminated = Duration::from_millis(50);
    let all = all(&rig, 1).await;
    let error = end(&rig, &all).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::TimedOut);
    let state = (all[0].id.to_string(), "shutting-down".to_owned());
    assert_eq!(error.alive, [state]);
}

#[tokio::test]
async fn asked_to_stop_it_still_asks_for_the_end_and_says_what_it_saw() {
    let rig = Rig::new().await;
    let all = all(&rig, 1).await;
    rig.control.cancel.ask();
    let error = end(&rig, &all).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Cancelled);
    assert_eq!((error.alive.len(), rig.alive().await), (1, 0));
}
