//! Members that are told of one another, and spot requests that are cancelled.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    ArchitectureValues, InstanceMarketOptionsRequest, MarketType, ResourceType, Tag,
    TagSpecification,
};

use super::super::introduce::introduce;
use super::super::observe::by_id;
use super::super::{CloudErrorKind, spot, spot_requests};
use super::rig::Rig;
use crate::apply::{Performed, StepError};
use crate::plan::Introduction;
use crate::resource::fixtures::account;
use crate::resource::{
    EnvironmentName, GroupName, InstanceId, LiveInstance, Ordinals, member_tags, object_tags, tag,
};

fn group() -> GroupName {
    GroupName::new("trainer")
}

/// Runs instances, on spot capacity if asked.
async fn run(rig: &Rig, count: i32, spot: bool) -> Vec<InstanceId> {
    let images = rig.clients.ec2.describe_images().send().await.unwrap();
    let image = images
        .images()
        .iter()
        .find(|image| image.architecture().map(ArchitectureValues::as_str) == Some("x86_64"))
        .unwrap();
    let market = InstanceMarketOptionsRequest::builder().market_type(MarketType::Spot);
    let proof = object_tags(&EnvironmentName::new("demo"), &account(), &group());
    let tags = super::super::translate::sdk_tags(&proof);
    let request = TagSpecification::builder()
        .resource_type(ResourceType::SpotInstancesRequest)
        .set_tags(Some(tags));
    let answer = rig
        .clients
        .ec2
        .run_instances()
        .image_id(image.image_id().unwrap())
        .instance_type("g5.xlarge".into())
        .min_count(count)
        .max_count(count)
        .set_instance_market_options(spot.then(|| market.build()))
        .set_tag_specifications(spot.then(|| vec![request.build()]))
        .send()
        .await
        .unwrap();
    let ids = answer.instances().iter();
    ids.filter_map(|live| live.instance_id().map(InstanceId::new))
        .collect()
}

fn introduction(members: &[(u32, &InstanceId)], launched: &[u32]) -> Introduction {
    Introduction {
        group: group(),
        members: numbered(members),
        launched: launched.iter().copied().collect::<Ordinals>(),
    }
}

fn numbered(members: &[(u32, &InstanceId)]) -> BTreeMap<u32, InstanceId> {
    members
        .iter()
        .map(|(number, id)| (*number, (*id).clone()))
        .collect()
}

async fn introduced(
    rig: &Rig,
    introduction: &Introduction,
    launched: &[(u32, &InstanceId)],
) -> Result<Performed, StepError> {
    let launched = numbered(launched);
    introduce(
        &rig.clients,
        &rig.pace,
        introduction,
        &launched,
        &rig.control,
    )
    .await
}

/// What the members' tags say, part by part.
fn told(live: &LiveInstance) -> BTreeMap<String, String> {
    let parts = live.tags.iter();
    parts
        .filter(|(key, _)| key.starts_with(tag::MEMBERS))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[tokio::test]
async fn members_are_told_of_one_another_in_the_order_of_their_numbers() {
    let rig = Rig::new().await;
    let ids = run(&rig, 3, false).await;
    let plan = introduction(&[(1, &ids[0])], &[0, 2]);
    let new = [(2, &ids[1]), (0, &ids[2])];
    // They are not visible yet: they are waited for.
    let done = introduced(&rig, &plan, &new).await.unwrap();
    assert_eq!(done.text, "3 members told of one another");
    let seen = by_id(&rig.clients, &ids).await.unwrap();
    let order = [&ids[2], &ids[0], &ids[1]];
    let addresses = order.map(|id| seen[id].private_address.clone().unwrap());
    for live in seen.values() {
        assert_eq!(told(live), member_tags(&addresses));
    }
    assert_eq!(rig.count("CreateTags").await, 1);
    // Whoever knows is not told again.
    introduced(&rig, &plan, &new).await.unwrap();
    assert_eq!(rig.count("CreateTags").await, 1);
    assert_eq!(rig.count("DeleteTags").await, 0);
}

#[tokio::test]
async fn parts_of_a_longer_list_are_taken_away() {
    let rig = Rig::new().await;
    let ids = run(&rig, 2, false).await;
    let plan = introduction(&[(0, &ids[0]), (1, &ids[1])], &[]);
    introduced(&rig, &plan, &[]).await.unwrap();
    let old = |key: &str| Tag::builder().key(key).value("10.0.0.1").build();
    let request = rig.clients.ec2.create_tags().resources(ids[1].as_str());
    let request = request
        .tags(old(&format!("{}.1", tag::MEMBERS)))
        .tags(old("trainyard:membership"));
    request.send().await.unwrap();
    introduced(&rig, &plan, &[]).await.unwrap();
    let seen = by_id(&rig.clients, &ids).await.unwrap();
    assert_eq!(told(&seen[&ids[0]]).len(), 1);
    let left = seen[&ids[1]].tags.keys();
    let left: Vec<&str> = left.map(String::as_str).collect();
    assert_eq!(left, [tag::MEMBERS, "trainyard:membership"]);
}

#[tokio::test]
async fn a_member_that_has_ended_or_never_shows_is_a_failure() {
    let rig = Rig::new().await;
    let ids = run(&rig, 2, false).await;
    let nobody = InstanceId::new("i-0123456789abcdef0");
    let plan = introduction(&[(0, &ids[0]), (1, &nobody)], &[]);
    let error = introduced(&rig, &plan, &[]).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::TimedOut);
    assert!(error.text.contains(nobody.as_str()), "{error}");
    let end = rig.clients.ec2.terminate_instances();
    end.instance_ids(ids[1].as_str()).send().await.unwrap();
    let plan = introduction(&[(0, &ids[0]), (1, &ids[1])], &[]);
    let error = introduced(&rig, &plan, &[]).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Rejected);
    assert!(error.text.starts_with(ids[1].as_str()), "{error}");
    assert_eq!(rig.count("CreateTags").await, 0);
}

#[tokio::test]
async fn spot_requests_are_listed_until_they_are_cancelled() {
    let rig = Rig::new().await;
    let ids = run(&rig, 2, true).await;
    run(&rig, 1, false).await;
    let mut found = Vec::new();
    for _ in 0..20 {
        found = spot_requests(&rig.clients).await.unwrap();
    }
    let mut instances: Vec<InstanceId> = found
        .iter()
        .filter_map(|one| one.instance.clone())
        .collect();
    instances.sort_unstable();
    let mut wanted = ids;
    wanted.sort_unstable();
    assert_eq!(instances, wanted);
    assert_eq!(found[0].tags[tag::ENVIRONMENT], "demo");
    // One that nobody knows does not keep the others.
    let unknown = "sir-abcd1234".to_owned();
    let requests: Vec<String> = found
        .iter()
        .map(|one| one.id.clone())
        .chain([unknown])
        .collect();
    for _ in 0..2 {
        spot::cancel(&rig.clients, &requests).await.unwrap();
        assert_eq!(spot_requests(&rig.clients).await.unwrap(), []);
    }
    spot::cancel(&rig.clients, &[]).await.unwrap();
}
