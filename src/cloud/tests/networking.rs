//! Security groups, key pairs and placement groups: made once, changed, and deleted.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{ArchitectureValues, IpPermission, IpRange, Placement, UserIdGroupPair};
use serde_json::json;

use super::super::security_group::ensure;
use super::super::{
    CloudErrorKind, key_pair, network_for_destroy, observe_network, own_network, placement_group,
};
use super::rig::Rig;
use crate::apply::{Performed, StepError};
use crate::plan::{KeyImport, NetworkObject, PlacementGroupCreation, SecurityGroupChange};
use crate::resource::fixtures::account;
use crate::resource::{
    Address, EnvironmentName, GroupName, OwnNetwork, OwnSecurityGroup, Rule, RuleSource,
    object_tags,
};

const NAME: &str = "trainyard-demo-trainer";

fn group() -> GroupName {
    GroupName::new("trainer")
}

fn proof(environment: &str) -> BTreeMap<String, String> {
    object_tags(&EnvironmentName::new(environment), &account(), &group())
}

fn ssh(block: &str, description: &str) -> Rule {
    Rule {
        protocol: "tcp".to_owned(),
        ports: Some((22, 22)),
        source: RuleSource::Block(block.parse().unwrap()),
        description: description.to_owned(),
    }
}

fn members() -> Rule {
    Rule {
        protocol: "-1".to_owned(),
        ports: None,
        source: RuleSource::Itself,
        description: "members of the group".to_owned(),
    }
}

fn creation(rules: impl IntoIterator<Item = Rule>) -> SecurityGroupChange {
    SecurityGroupChange {
        address: Address::SecurityGroup(group()),
        existing: None,
        name: NAME.to_owned(),
        network: None,
        add: rules.into_iter().collect(),
        remove: BTreeSet::new(),
        tags: proof("demo"),
    }
}

fn edit(id: &str, add: &[Rule], remove: &[Rule]) -> SecurityGroupChange {
    SecurityGroupChange {
        existing: Some(id.to_owned()),
        remove: remove.iter().cloned().collect(),
        tags: BTreeMap::new(),
        ..creation(add.iter().cloned())
    }
}

fn key() -> KeyImport {
    let line = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAIBERERERERERERERERERERERERERERERERERERERERER alex@laptop";
    KeyImport {
        address: Address::KeyPair(group()),
        name: "trainyard-demo-trainer-0123456789".to_owned(),
        key: line.parse().unwrap(),
        tags: proof("demo"),
    }
}

fn placement() -> PlacementGroupCreation {
    PlacementGroupCreation {
        address: Address::PlacementGroup(group()),
        name: NAME.to_owned(),
        tags: proof("demo"),
    }
}

async fn seen(rig: &Rig) -> OwnNetwork {
    observe_network(&rig.clients, true).await.unwrap()
}

async fn the_group(rig: &Rig) -> OwnSecurityGroup {
    let mut groups = seen(rig).await.security_groups;
    assert_eq!(groups.len(), 1, "{groups:?}");
    groups.remove(0)
}

/// Makes a group by other means.
async fn by_hand(rig: &Rig, name: &str) -> String {
    let request = rig.clients.ec2.create_security_group();
    let request = request.group_name(name).description("by hand");
    let answer = request.send().await.unwrap();
    answer.group_id().unwrap().to_owned()
}

async fn let_in(rig: &Rig, id: &str, permission: IpPermission) {
    let request = rig.clients.ec2.authorize_security_group_ingress();
    let request = request.group_id(id).ip_permissions(permission);
    request.send().await.unwrap();
}

fn from_group(id: &str) -> IpPermission {
    IpPermission::builder()
        .ip_protocol("-1")
        .user_id_group_pairs(UserIdGroupPair::builder().group_id(id).build())
        .build()
}

fn objects(network: &OwnNetwork) -> Vec<NetworkObject> {
    let object = |address: Address, id: &str, name: &str| NetworkObject {
        address,
        id: id.to_owned(),
        name: name.to_owned(),
    };
    let groups = network.security_groups.iter();
    let keys = network.key_pairs.iter();
    let placements = network.placement_groups.iter();
    groups
        .map(|one| object(Address::SecurityGroup(group()), &one.id, &one.name))
        .chain(keys.map(|one| object(Address::KeyPair(group()), &one.id, &one.name)))
        .chain(placements.map(|one| object(Address::PlacementGroup(group()), &one.name, &one.name)))
        .collect()
}

async fn deleted(rig: &Rig, objects: &[NetworkObject]) -> Result<Performed, StepError> {
    own_network::delete(&rig.clients, &rig.pace, objects, &rig.control).await
}

/// Runs an instance in a security group and in the placement group.
async fn run_in(rig: &Rig, security_group: &str) -> String {
    let images = rig.clients.ec2.describe_images().send().await.unwrap();
    let image = images
        .images()
        .iter()
        .find(|image| image.architecture().map(ArchitectureValues::as_str) == Some("x86_64"))
        .unwrap();
    let answer = rig
        .clients
        .ec2
        .run_instances()
        .image_id(image.image_id().unwrap())
        .instance_type("g5.xlarge".into())
        .min_count(1)
        .max_count(1)
        .security_group_ids(security_group)
        .placement(Placement::builder().group_name(NAME).build())
        .send()
        .await
        .unwrap();
    answer.instances()[0].instance_id().unwrap().to_owned()
}

#[tokio::test]
async fn a_group_is_made_once_with_its_ways_in_and_its_proof() {
    let rig = Rig::new().await;
    let change = creation([ssh("203.0.113.0/24", "ssh"), members()]);
    let (id, words) = ensure(&rig.clients, &change).await.unwrap();
    assert_eq!(words, "made, 2 ways in");
    let made = the_group(&rig).await;
    assert_eq!((&made.id, made.name.as_str()), (&id, NAME));
    assert_eq!((made.rules, made.tags), (change.add.clone(), proof("demo")));
    // A run that was cut short left it behind: the next one takes it up.
    let (again, words) = ensure(&rig.clients, &change).await.unwrap();
    assert_eq!((again, words.as_str()), (id, "found again"));
    assert_eq!(rig.count("AuthorizeSecurityGroupIngress").await, 1);
}

#[tokio::test]
async fn a_group_whose_making_was_not_answered_gets_its_ways_in() {
    let rig = Rig::new().await;
    let drop = json!("drop");
    rig.fault("CreateSecurityGroup", "after", drop, 1).await;
    let change = creation([ssh("203.0.113.0/24", "ssh"), members()]);
    let (id, words) = ensure(&rig.clients, &change).await.unwrap();
    assert_eq!(words, "found again, 2 ways in added");
    let made = the_group(&rig).await;
    assert_eq!((made.id, made.rules), (id, change.add));
}

#[tokio::test]
async fn a_group_that_is_not_known_everywhere_yet_is_waited_for() {
    let rig = Rig::new().await;
    let deed = json!({"error": {"code": "InvalidGroup.NotFound", "status": 400, "message": "no"}});
    let action = "AuthorizeSecurityGroupIngress";
    rig.fault(action, "before", deed.clone(), 1).await;
    let change = creation([members()]);
    let (id, _) = ensure(&rig.clients, &change).await.unwrap();
    assert_eq!(the_group(&rig).await.rules, change.add);
    // One that was there for long is gone when it is not found.
    rig.fault(action, "before", deed, 1).await;
    let change = edit(&id, &[ssh("203.0.113.0/24", "ssh")], &[]);
    let error = ensure(&rig.clients, &change).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Rejected);
}

#[tokio::test]
async fn a_group_of_somebody_else_is_not_taken_up() {
    let rig = Rig::new().await;
    let id = by_hand(&rig, NAME).await;
    let change = creation([members()]);
    let error = ensure(&rig.clients, &change).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Rejected);
    assert!(error.text.contains(&id), "{error}");
    assert!(error.text.contains("do not prove it ours"), "{error}");
    assert_eq!(rig.count("AuthorizeSecurityGroupIngress").await, 0);
    assert_eq!(seen(&rig).await, OwnNetwork::default());
}

#[tokio::test]
async fn what_is_open_already_does_not_keep_the_rest_closed() {
    let rig = Rig::new().await;
    let (id, _) = ensure(&rig.clients, &creation([])).await.unwrap();
    let one = ssh("203.0.113.7/32", "ssh");
    let other = ssh("198.51.100.0/24", "ssh");
    let first = edit(&id, std::slice::from_ref(&one), &[]);
    let (_, words) = ensure(&rig.clients, &first).await.unwrap();
    assert_eq!(words, "1 way in added");
    let both = edit(&id, &[one.clone(), other.clone()], &[]);
    ensure(&rig.clients, &both).await.unwrap();
    let rules = the_group(&rig).await.rules;
    assert_eq!(rules, BTreeSet::from([one.clone(), other.clone()]));
    // What is closed already is no failure either.
    let gone = ssh("192.0.2.0/24", "ssh");
    let change = edit(&id, &[members()], &[one, gone]);
    let (_, words) = ensure(&rig.clients, &change).await.unwrap();
    assert_eq!(words, "1 way in added, 2 taken away");
    let rules = the_group(&rig).await.rules;
    assert_eq!(rules, BTreeSet::from([other, members()]));
}

#[tokio::test]
async fn a_rule_may_change_what_it_says_of_itself() {
    let rig = Rig::new().await;
    let old = ssh("203.0.113.7/32", "ssh for alex");
    let new = ssh("203.0.113.7/32", "ssh for kim");
    let (id, _) = ensure(&rig.clients, &creation([old.clone()]))
        .await
        .unwrap();
    let change = edit(&id, std::slice::from_ref(&new), &[old]);
    ensure(&rig.clients, &change).await.unwrap();
    assert_eq!(the_group(&rig).await.rules, BTreeSet::from([new]));
}

#[tokio::test]
async fn a_key_and_a_placement_group_are_made_once() {
    let rig = Rig::new().await;
    rig.fault("ImportKeyPair", "after", json!("drop"), 1).await;
    let drop = json!("drop");
    rig.fault("CreatePlacementGroup", "after", drop, 1).await;
    for _ in 0..2 {
        let id = key_pair::import(&rig.clients, &key()).await.unwrap();
        let name = placement_group::create(&rig.clients, &placement())
            .await
            .unwrap();
        let network = seen(&rig).await;
        let keys: Vec<_> = network.key_pairs.iter().map(|key| &key.id).collect();
        let groups = network.placement_groups.iter();
        let groups: Vec<_> = groups.map(|group| &group.name).collect();
        assert_eq!((keys, groups), (vec![&id], vec![&name]));
        assert_eq!(network.key_pairs[0].tags, proof("demo"));
        assert_eq!(network.placement_groups[0].tags, proof("demo"));
    }
    // The same names in another environment are those of somebody else.
    let foreign = KeyImport {
        tags: proof("test"),
        ..key()
    };
    let error = key_pair::import(&rig.clients, &foreign).await.unwrap_err();
    assert!(error.text.contains("do not prove it ours"), "{error}");
    let foreign = PlacementGroupCreation {
        tags: proof("test"),
        ..placement()
    };
    let error = placement_group::create(&rig.clients, &foreign).await;
    let error = error.unwrap_err();
    assert!(error.text.contains("do not prove it ours"), "{error}");
}

#[tokio::test]
async fn everything_that_went_with_a_group_is_deleted() {
    let rig = Rig::new().await;
    ensure(&rig.clients, &creation([members()])).await.unwrap();
    key_pair::import(&rig.clients, &key()).await.unwrap();
    placement_group::create(&rig.clients, &placement())
        .await
        .unwrap();
    let all = objects(&seen(&rig).await);
    let done = deleted(&rig, &all).await.unwrap();
    let words = "1 key pair, 1 placement group, 1 security group deleted";
    assert_eq!(done.text, words);
    assert_eq!(seen(&rig).await, OwnNetwork::default());
    // What is gone is what was wanted.
    assert_eq!(deleted(&rig, &all).await.unwrap().text, words);
}

#[tokio::test]
async fn a_rule_of_ours_that_refers_to_a_group_does_not_keep_it() {
    let rig = Rig::new().await;
    let (id, _) = ensure(&rig.clients, &creation([])).await.unwrap();
    let other = SecurityGroupChange {
        name: format!("{NAME}-2"),
        ..creation([ssh("203.0.113.0/24", "ssh")])
    };
    let (other, _) = ensure(&rig.clients, &other).await.unwrap();
    let_in(&rig, &other, from_group(&id)).await;
    let object = objects(&seen(&rig).await)
        .into_iter()
        .find(|object| object.id == id);
    deleted(&rig, &[object.unwrap()]).await.unwrap();
    let left = the_group(&rig).await;
    assert_eq!(left.id, other);
    assert_eq!(left.rules, BTreeSet::from([ssh("203.0.113.0/24", "ssh")]));
}

#[tokio::test]
async fn what_holds_a_group_is_named_and_the_rest_goes() {
    let rig = Rig::new().await;
    let (id, _) = ensure(&rig.clients, &creation([])).await.unwrap();
    key_pair::import(&rig.clients, &key()).await.unwrap();
    let foreign = by_hand(&rig, "bastion").await;
    let_in(&rig, &foreign, from_group(&id)).await;
    let all = objects(&seen(&rig).await);
    let error = deleted(&rig, &all).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Rejected);
    let holder = format!("held by a rule of {foreign} (bastion), which is not ours");
    assert_eq!(error.text, format!("{id} is {holder}"));
    assert_eq!(error.alive, [(id, holder)]);
    assert!(error.partly && error.help.is_some());
    assert_eq!(seen(&rig).await.key_pairs, []);
}

#[tokio::test]
async fn what_instances_use_is_deleted_once_they_are_gone() {
    let mut rig = Rig::new().await;
    let (id, _) = ensure(&rig.clients, &creation([])).await.unwrap();
    placement_group::create(&rig.clients, &placement())
        .await
        .unwrap();
    let instance = run_in(&rig, &id).await;
    let all = objects(&seen(&rig).await);
    let error = deleted(&rig, &all).await.unwrap_err();
    assert!(error.text.starts_with("2 of 2 are left: "), "{error}");
    assert_eq!(error.alive.len(), 2);
    let (held, reason) = &error.alive[0];
    assert_eq!(held, &id);
    assert!(reason.contains(&format!("of {instance}")), "{reason}");
    assert_eq!(error.alive[1], (NAME.to_owned(), "still in use".to_owned()));
    let end = rig.clients.ec2.terminate_instances();
    end.instance_ids(instance).send().await.unwrap();
    // Its interface outlasts it for a while; the cloud's clock moves with every look.
    rig.pace.settle = std::time::Duration::from_secs(10);
    deleted(&rig, &all).await.unwrap();
    assert_eq!(seen(&rig).await, OwnNetwork::default());
}

#[tokio::test]
async fn asked_to_stop_what_is_left_is_named() {
    let rig = Rig::new().await;
    let (id, _) = ensure(&rig.clients, &creation([])).await.unwrap();
    let foreign = by_hand(&rig, "bastion").await;
    let_in(&rig, &foreign, from_group(&id)).await;
    rig.control.cancel.ask();
    let error = deleted(&rig, &objects(&seen(&rig).await)).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Cancelled);
    assert_eq!(error.alive[0].0, id);
}

#[tokio::test]
async fn a_listing_that_fails_is_not_taken_for_nothing_and_keeps_nobody_alive() {
    let rig = Rig::new().await;
    ensure(&rig.clients, &creation([])).await.unwrap();
    let busy = json!({"error": {"code": "ServiceUnavailable", "status": 503, "message": "no"}});
    rig.fault("DescribeKeyPairs", "before", busy, 2).await;
    let (network, blind) = network_for_destroy(&rig.clients).await;
    assert_eq!(network.security_groups.len(), 1);
    assert_eq!((blind.len(), rig.count("DescribeKeyPairs").await), (1, 2));
    assert_eq!(blind[0].operation, "list key pairs");
    let no = json!({"error": {"code": "UnauthorizedOperation", "status": 403, "message": "no"}});
    rig.fault("DescribeSecurityGroups", "before", no, 1).await;
    let error = observe_network(&rig.clients, false).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Denied);
    assert_eq!(rig.count("DescribePlacementGroups").await, 1);
}

#[tokio::test]
async fn only_groups_of_ours_are_listed_and_in_order() {
    let rig = Rig::new().await;
    let foreign = by_hand(&rig, "bastion").await;
    let range = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let open = IpPermission::builder().ip_protocol("-1").ip_ranges(range);
    let_in(&rig, &foreign, open.build()).await;
    for number in [3, 1, 2] {
        let change = SecurityGroupChange {
            name: format!("{NAME}-{number}"),
            ..creation([])
        };
        ensure(&rig.clients, &change).await.unwrap();
    }
    let groups = seen(&rig).await.security_groups;
    let ids: Vec<&String> = groups.iter().map(|group| &group.id).collect();
    assert_eq!(groups.len(), 3);
    assert!(ids.is_sorted());
}
