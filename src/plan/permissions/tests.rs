//! What each kind of step takes, how long the policies are, and what they look like.

use std::collections::BTreeSet;
use std::sync::Arc;

use insta::assert_snapshot;

use super::grants::Grants;
use super::{LONGEST_SESSION_POLICY, PolicyTooLarge, Precision, session_policy};
use crate::plan::action::{
    Action, Doomed, Introduction, KeyImport, NetworkObject, PlacementGroupCreation, RetaggedObject,
    SecurityGroupChange,
};
use crate::plan::fixtures::{address, desired, observed, plan_of};
use crate::plan::step::{Plan, Reason, Step};
use crate::resource::fixtures::{full, live, plain};
use crate::resource::{
    Address, EnvironmentName, GroupName, Instance, InstanceId, KeyKind, LiveAttributes,
    LiveInstance, Market, ObjectOptions, Ordinals, PublicKey, Rule, RuleSource, VolumeId,
};
use crate::sync::{Archive, ArchiveWork, Deleted, Packing, Place, SyncPlan, Totals, Transfers};

/// A plan with these steps and no others.
fn steps(actions: Vec<Action>) -> Plan {
    let mut plan = plan_of(&desired(&[]), &observed(&[]));
    plan.steps = (1..)
        .zip(actions)
        .map(|(id, action)| Step {
            id,
            action,
            reason: Reason::Requested,
            after: BTreeSet::new(),
        })
        .collect();
    plan
}

fn launching(instance: Instance, count: u32) -> Plan {
    plan_of(&desired(&[(instance, count)]), &observed(&[]))
}

/// The plan that makes of one instance another.
fn changing(before: &Instance, after: Instance) -> Plan {
    changing_live(&live(before), after)
}

fn changing_live(live: &LiveInstance, after: Instance) -> Plan {
    let seen = observed(std::slice::from_ref(live));
    let plan = plan_of(&desired(&[(after, 1)]), &seen);
    assert_eq!(plan.steps.len(), 1, "{plan:?}");
    plan
}

/// The plan that takes over an instance that was launched by hand.
fn adopting(after: Instance) -> Plan {
    let mut foreign = live(&full("trainer"));
    foreign.client_token = None;
    foreign.tags.clear();
    foreign.attributes = Some(LiveAttributes {
        protected: false,
        ends_at_shutdown: true,
    });
    for volume in foreign.volumes.values_mut() {
        Arc::make_mut(volume).tags.clear();
    }
    let mut wanted = desired(&[(after, 1)]);
    for group in wanted.groups.values_mut() {
        group.adopt = vec![foreign.id.clone()];
    }
    let plan = plan_of(&wanted, &observed(&[foreign]));
    assert!(matches!(plan.steps[..], [ref step] if step.action.adopted().is_some()));
    plan
}

fn doomed(unprotect: bool, spot_request: Option<&str>) -> Action {
    Action::Terminate(vec![Doomed {
        address: address("trainer", 0),
        id: InstanceId::new("i-0123456789abcdef0"),
        replaced_because: Vec::new(),
        unprotect,
        spot_request: spot_request.map(str::to_owned),
    }])
}

fn group() -> GroupName {
    GroupName::new("trainer")
}

fn security_group(existing: Option<&str>, add: bool, remove: bool) -> Action {
    let rule = Rule {
        protocol: "tcp".to_owned(),
        ports: Some((22, 22)),
        source: RuleSource::Itself,
        description: String::new(),
    };
    let rules = |wanted: bool| wanted.then(|| rule.clone()).into_iter().collect();
    Action::SecurityGroup(SecurityGroupChange {
        address: Address::SecurityGroup(group()),
        existing: existing.map(str::to_owned),
        name: "trainyard-demo-trainer".to_owned(),
        network: Some("vpc-1".to_owned()),
        add: rules(add),
        remove: rules(remove),
        tags: [].into(),
    })
}

fn deleting(address: Address) -> Action {
    Action::DeleteNetwork(vec![NetworkObject {
        address,
        id: "sg-1".to_owned(),
        name: "trainyard-demo-trainer".to_owned(),
    }])
}

fn key() -> Action {
    Action::KeyPair(KeyImport {
        address: Address::KeyPair(group()),
        name: "trainyard-demo-trainer".to_owned(),
        key: PublicKey {
            line: "ssh-ed25519 AAAA".to_owned(),
            kind: KeyKind::Ed25519,
            fingerprint: "SHA256:0".to_owned(),
        },
        tags: [].into(),
    })
}

fn introducing(members: &[u32], launched: &[u32]) -> Action {
    let id = |number: &u32| (*number, InstanceId::new(format!("i-{number}")));
    Action::Introduce(Introduction {
        group: group(),
        members: members.iter().map(id).collect(),
        launched: launched.iter().copied().collect::<Ordinals>(),
    })
}

fn transfer(from: Place, to: Place, deletions: usize) -> SyncPlan {
    let deleted = Deleted {
        key: "old".to_owned(),
        bytes: 1,
        modified: crate::resource::fixtures::now(),
    };
    SyncPlan {
        from,
        to,
        transfers: Transfers::new(),
        deletions: vec![deleted; deletions],
        withheld: None,
        same: Totals::default(),
        skipped: Vec::new(),
        kept: Totals::default(),
        leftovers: Vec::new(),
        archive: None,
        options: ObjectOptions::default(),
        case_conflicts: Vec::new(),
        region: None,
    }
}

fn sync(files: SyncPlan) -> Action {
    // Where the files are stands in their plan; the data set is for people to read.
    let place = || crate::resource::DataPlace::Folder("/data".into());
    Action::Sync {
        address: Address::Data("set".to_owned()),
        data: crate::resource::DataSet {
            from: place(),
            to: place(),
            include: Vec::new(),
            exclude: Vec::new(),
            delete: crate::resource::Deletion::Never,
            archive: None,
            max_delete: crate::resource::DeletionLimit::default(),
            options: ObjectOptions::default(),
            compare: crate::resource::Compare::Content,
        },
        files,
    }
}

fn folder() -> Place {
    Place::Folder("/data".into())
}

fn packed(from: Place, to: Place) -> Action {
    let mut files = transfer(from, to, 1);
    files.archive = Some(Packing {
        kind: Archive::Zip,
        key: "sets/images.zip".to_owned(),
        whole: Totals::default(),
        work: ArchiveWork::Unpack {
            bytes: 1,
            etag: None,
        },
        note: None,
    });
    sync(files)
}

/// All calls that a plan may make besides reading, without their services.
fn calls(plan: &Plan) -> String {
    let grants = Grants::of(plan, None);
    let on = grants.on_ours.values().chain(grants.on_any.values());
    let all: BTreeSet<&str> = on
        .chain(grants.on_files.values())
        .flatten()
        .chain(&grants.making)
        .map(|action| action.split_once(':').unwrap().1)
        .collect();
    let mut words: Vec<&str> = all.into_iter().collect();
    if grants.gives_roles {
        words.push("+role");
    }
    if grants.buys_spot {
        words.push("+spot");
    }
    words.join(" ")
}

fn edited(edit: impl FnOnce(&mut Instance)) -> Plan {
    let mut after = full("trainer");
    edit(&mut after);
    changing(&full("trainer"), after)
}

#[test]
fn a_launch_may_end_what_it_has_launched() {
    let mut protected = full("trainer");
    protected.protect = true;
    let mut spot = plain("trainer");
    spot.market = Market::Spot;
    let run = "RunInstances TerminateInstances";
    assert_eq!(calls(&launching(plain("trainer"), 2)), run);
    assert_eq!(
        calls(&launching(protected, 2)),
        "AssociateIamInstanceProfile ModifyInstanceAttribute \
         ReplaceIamInstanceProfileAssociation RunInstances TerminateInstances +role"
    );
    assert_eq!(
        calls(&launching(spot, 1)),
        format!("CancelSpotInstanceRequests {run} +spot")
    );
    // A launch that may give fewer than it asks for notes how many there are.
    let mut plan = launching(plain("trainer"), 2);
    let Action::Launch(launch) = &mut plan.steps[0].action else {
        panic!("{plan:?}");
    };
    launch.least = 1;
    assert_eq!(calls(&plan), format!("CreateTags {run}"));
}

#[test]
fn a_change_takes_what_its_fields_take() {
    let retag = "CreateTags DeleteTags";
    let with_more = |more: &str| {
        let mut words: Vec<&str> = retag.split(' ').chain(more.split(' ')).collect();
        words.sort_unstable();
        words.join(" ")
    };
    let tags = edited(|it| it.tags.clear());
    assert_eq!(calls(&tags), retag);
    for (plan, more) in [
        (
            edited(|it| it.iam_profile = None),
            "DisassociateIamInstanceProfile",
        ),
        (edited(|it| it.protect = true), "ModifyInstanceAttribute"),
        (
            edited(|it| it.metadata.hop_limit = 1),
            "ModifyInstanceMetadataOptions",
        ),
        (
            edited(|it| it.security_groups = ["other".to_owned()].into()),
            "ModifyInstanceAttribute",
        ),
        (
            edited(|it| it.disk.as_mut().unwrap().size = Some("200 GiB".parse().unwrap())),
            "ModifyVolume",
        ),
        (
            edited(|it| it.disk.as_mut().unwrap().keep = true),
            "ModifyInstanceAttribute",
        ),
        (
            edited(|it| it.machine = crate::resource::fixtures::types(&["g5.2xlarge"])),
            "ModifyInstanceAttribute StartInstances StopInstances",
        ),
    ] {
        assert_eq!(calls(&plan), with_more(more));
    }
    let profile = edited(|it| it.iam_profile = Some("other".to_owned()));
    assert_eq!(
        calls(&profile),
        "AssociateIamInstanceProfile CreateTags DeleteTags \
         ReplaceIamInstanceProfileAssociation +role"
    );
    let mut two = live(&full("trainer"));
    two.interfaces.insert("eni-2".to_owned());
    let mut after = full("trainer");
    after.security_groups = ["other".to_owned()].into();
    let plan = changing_live(&two, after);
    assert_eq!(calls(&plan), with_more("ModifyNetworkInterfaceAttribute"));
}

#[test]
fn every_other_step_takes_what_it_sends() {
    let bucket = || Place::prefix("bucket", "set");
    let other = || Place::prefix("other", "set");
    let retagged = |address| {
        Action::Retag(RetaggedObject {
            address,
            id: "sg-1".to_owned(),
            name: "trainyard-demo-trainer".to_owned(),
            tags: [].into(),
        })
    };
    let placement = PlacementGroupCreation {
        address: Address::PlacementGroup(group()),
        name: "trainyard-demo-trainer".to_owned(),
        tags: [].into(),
    };
    let upload = "AbortMultipartUpload GetObject ListMultipartUploadParts PutObject";
    let volumes = vec![VolumeId::new("vol-1")];
    for (action, expected) in [
        (doomed(false, None), "TerminateInstances"),
        (
            doomed(true, Some("sir-1")),
            "CancelSpotInstanceRequests ModifyInstanceAttribute TerminateInstances",
        ),
        (Action::DeleteVolumes(volumes), "DeleteVolume"),
        (
            security_group(None, true, false),
            "AuthorizeSecurityGroupIngress CreateSecurityGroup",
        ),
        (
            security_group(Some("sg-1"), true, true),
            "AuthorizeSecurityGroupIngress CreateTags RevokeSecurityGroupIngress",
        ),
        (security_group(Some("sg-1"), false, false), "CreateTags"),
        (key(), "ImportKeyPair"),
        (Action::PlacementGroup(placement), "CreatePlacementGroup"),
        (retagged(Address::KeyPair(group())), "CreateTags"),
        (introducing(&[0], &[]), "CreateTags DeleteTags"),
        (introducing(&[], &[0]), "CreateTags DeleteTags"),
        (
            deleting(Address::SecurityGroup(group())),
            "DeleteSecurityGroup RevokeSecurityGroupIngress",
        ),
        (deleting(Address::KeyPair(group())), "DeleteKeyPair"),
        (
            deleting(Address::PlacementGroup(group())),
            "DeletePlacementGroup",
        ),
        (
            Action::CancelSpot(vec!["sir-1".to_owned()]),
            "CancelSpotInstanceRequests",
        ),
        (sync(transfer(bucket(), folder(), 1)), "GetObject"),
        (sync(transfer(folder(), bucket(), 0)), upload),
        (
            sync(transfer(folder(), bucket(), 1)),
            "AbortMultipartUpload DeleteObject GetObject ListMultipartUploadParts PutObject",
        ),
        (
            sync(transfer(other(), bucket(), 0)),
            "AbortMultipartUpload GetObject GetObjectTagging ListMultipartUploadParts \
             PutObject PutObjectTagging",
        ),
        (packed(folder(), bucket()), upload),
        (packed(bucket(), folder()), "GetObject"),
    ] {
        assert_eq!(calls(&steps(vec![action])), expected);
    }
}

#[test]
fn a_take_over_names_what_it_is_about_and_asks_for_no_tag() {
    let mut after = full("trainer");
    after.protect = true;
    let plan = adopting(after);
    assert_eq!(
        calls(&plan),
        "CreateTags DeleteTags ModifyInstanceAttribute"
    );
    let grants = Grants::of(&plan, None);
    assert!(grants.on_ours.is_empty(), "{grants:?}");
    assert!(grants.on_any.keys().all(|objects| objects.id.is_some()));
    for precision in [Precision::FoldedResources, Precision::FoldedActions] {
        let policy = session_policy(&plan, None, precision).unwrap();
        let id = plan.steps[0].action.adopted().unwrap().before.id.as_str();
        assert!(policy.text().contains(&format!(":instance/{id}\"")));
        assert!(!policy.text().contains("instance/*"), "{}", policy.text());
    }
}

/// Uploads to so many prefixes of so many buckets.
fn uploads(prefixes: usize, buckets: usize) -> Plan {
    let upload = |number: usize| {
        let bucket = format!("training-data-of-the-team-{}", number % buckets);
        let to = Place::prefix(bucket, format!("sets/{number:03}"));
        sync(transfer(folder(), to, 0))
    };
    steps((0..prefixes).map(upload).collect())
}

#[test]
fn what_does_not_fit_is_folded_and_then_refused() {
    let precision = |plan: &Plan| {
        let policy = session_policy(plan, None, Precision::Exact).unwrap();
        assert!(policy.text().len() <= LONGEST_SESSION_POLICY);
        policy.precision()
    };
    assert_eq!(precision(&uploads(3, 3)), Precision::Exact);
    assert_eq!(precision(&uploads(200, 1)), Precision::FoldedResources);
    let refused = session_policy(&uploads(200, 200), None, Precision::Exact).unwrap_err();
    assert!(refused.characters > LONGEST_SESSION_POLICY);
    assert_eq!(
        refused.to_string(),
        format!(
            "what this plan may do takes {} characters, and a session policy has 2048 at most",
            refused.characters
        )
    );
    let ends = |count: usize| {
        let one = |number: usize| Doomed {
            address: address("trainer", 0),
            id: InstanceId::new(format!("i-{number:017x}")),
            replaced_because: Vec::new(),
            unprotect: false,
            spot_request: None,
        };
        steps(vec![Action::Terminate((0..count).map(one).collect())])
    };
    assert_eq!(precision(&ends(20)), Precision::Exact);
    assert_eq!(precision(&ends(2_000)), Precision::FoldedResources);
    let takes_over = |count: usize| {
        let plan = adopting(full("trainer"));
        let mut all = Vec::new();
        for number in 0..count {
            let mut action = plan.steps[0].action.clone();
            let Action::Adopt(change) = &mut action else {
                panic!("{action:?}");
            };
            let before = Arc::make_mut(&mut change.before);
            before.id = InstanceId::new(format!("i-{number:017x}"));
            all.push(action);
        }
        session_policy(&steps(all), None, Precision::Exact)
    };
    assert!(takes_over(5).is_ok());
    let PolicyTooLarge { characters } = takes_over(100).unwrap_err();
    assert!(characters > 4_000, "no id is left out: {characters}");
}

#[test]
fn the_last_tier_is_the_shortest_and_every_tier_can_be_asked_for() {
    let mut plan = launching(full("trainer"), 2);
    let more = [
        edited(|it| it.machine = crate::resource::fixtures::types(&["g5.2xlarge"])),
        steps(vec![doomed(true, None), security_group(None, true, false)]),
        uploads(4, 2),
    ];
    plan.steps.extend(more.into_iter().flat_map(|it| it.steps));
    let lengths: Vec<usize> = [Precision::FoldedResources, Precision::FoldedActions]
        .map(|finest| {
            let policy = session_policy(&plan, None, finest).unwrap();
            assert_eq!(policy.precision(), finest);
            policy.text().len()
        })
        .into();
    assert!(lengths.is_sorted_by(|one, next| one > next), "{lengths:?}");
    assert_eq!(Precision::Exact.coarser(), Some(Precision::FoldedResources));
    assert_eq!(Precision::FoldedActions.coarser(), None);
}

#[test]
fn the_same_steps_give_the_same_policy_in_whatever_order_they_are() {
    let mut plan = uploads(4, 2);
    plan.steps.extend(launching(full("trainer"), 2).steps);
    let text = |plan: &Plan| {
        let policy = session_policy(plan, None, Precision::Exact).unwrap();
        policy.text().to_owned()
    };
    let once = text(&plan);
    plan.steps.reverse();
    assert_eq!(text(&plan), once);
}

#[test]
fn a_partition_has_names_of_its_own() {
    for (region, begin) in [
        ("eu-central-1", "arn:aws:ec2:"),
        ("cn-north-1", "arn:aws-cn:ec2:"),
        ("us-gov-west-1", "arn:aws-us-gov:ec2:"),
    ] {
        let mut plan = steps(vec![doomed(false, None)]);
        plan.region = crate::resource::Region::new(region);
        let policy = session_policy(&plan, None, Precision::Exact).unwrap();
        assert!(policy.text().contains(begin), "{}", policy.text());
        assert!(policy.text().contains(&format!("\"{region}\"")));
    }
}

#[test]
fn a_directory_bucket_is_asked_for_a_session() {
    let to = Place::prefix("fast--euc1-az1--x-s3", "set");
    let plan = steps(vec![sync(transfer(folder(), to, 0))]);
    let policy = session_policy(&plan, None, Precision::Exact).unwrap();
    let text = policy.text();
    assert!(text.contains("s3express:CreateSession"), "{text}");
    assert!(!text.contains("s3:PutObject"), "{text}");
}

/// The policy with one statement a line.
fn shown(plan: &Plan, precision: Precision) -> String {
    let policy = session_policy(plan, None, precision).unwrap();
    let text = policy.text().replace("},{\"Action\"", "},\n{\"Action\"");
    format!(
        "{:?}, {} characters\n{text}",
        policy.precision(),
        policy.text().len()
    )
}

/// A usual beginning: files up, a group of ours, and two spot instances with a role.
fn beginning() -> Plan {
    let mut instance = full("trainer");
    instance.market = Market::SpotThenOnDemand;
    let mut plan = launching(instance, 2);
    let to = Place::prefix("my-training-data", "mockups/training_set");
    let more = vec![
        sync(transfer(folder(), to, 0)),
        security_group(None, true, false),
    ];
    plan.steps.extend(steps(more).steps);
    plan
}

#[test]
fn a_usual_beginning() {
    assert_snapshot!(shown(&beginning(), Precision::Exact));
}

#[test]
fn a_usual_beginning_folded() {
    assert_snapshot!(shown(&beginning(), Precision::FoldedActions));
}

#[test]
fn a_change_and_an_end() {
    let mut plan = edited(|it| it.protect = true);
    plan.steps.extend(steps(vec![doomed(false, None)]).steps);
    assert_snapshot!(shown(&plan, Precision::Exact));
}

#[test]
fn a_renamed_environment_is_found_under_both_names() {
    let plan = steps(vec![doomed(false, None)]);
    let before = EnvironmentName::new("before");
    let policy = session_policy(&plan, Some(&before), Precision::Exact).unwrap();
    let both = "\"ec2:ResourceTag/trainyard:environment\":[\"before\",\"demo\"]";
    assert!(policy.text().contains(both), "{}", policy.text());
}
