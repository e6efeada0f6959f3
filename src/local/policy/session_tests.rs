//! The policies that are made of plans, held against what a plan sends and what it must not.

use std::collections::BTreeMap;

use super::{Policy, Request};
use crate::plan::fixtures::{desired, observed, plan_of};
use crate::plan::{Action, Plan, Precision, Reason, Step, session_policy};
use crate::resource::fixtures::{full, live, plain};
use crate::resource::{
    Address, Compare, DataPlace, DataSet, Deletion, DeletionLimit, EnvironmentName, LiveInstance,
    Market, ObjectOptions, tag,
};
use crate::sync::{Place, SyncPlan, Totals, Transfers};

const TIERS: [Precision; 3] = [
    Precision::Exact,
    Precision::FoldedResources,
    Precision::FoldedActions,
];

fn of(plan: &Plan, finest: Precision) -> Policy {
    let policy = session_policy(plan, None, finest).unwrap();
    Policy::parse(policy.text()).unwrap()
}

fn named(environment: &str) -> BTreeMap<String, String> {
    [(tag::ENVIRONMENT.to_owned(), environment.to_owned())].into()
}

fn arn(kind: &str, id: &str) -> String {
    format!("arn:aws:ec2:eu-central-1:123456789012:{kind}/{id}")
}

/// A call on something that has these tags.
fn on(policy: &Policy, action: &str, resource: &str, has: &BTreeMap<String, String>) -> bool {
    policy.allows(&Request {
        action,
        region: "eu-central-1",
        request_tags: &BTreeMap::new(),
        resource_tags: has,
        resource,
    })
}

/// A call that makes something with these tags.
fn making(policy: &Policy, action: &str, with: &BTreeMap<String, String>) -> bool {
    let resource = arn("instance", "*");
    let request = Request {
        action,
        region: "eu-central-1",
        request_tags: with,
        resource_tags: &BTreeMap::new(),
        resource: &resource,
    };
    let tagged = Request {
        action: "ec2:CreateTags",
        ..request
    };
    let (_, creating) = action.split_once(':').unwrap();
    // Tags alone, on what is there already, are another matter.
    assert!(!policy.allows(&tagged));
    policy.allows(&request) && policy.allows_while_creating(&tagged, creating)
}

fn launching() -> Plan {
    let mut instance = full("trainer");
    instance.market = Market::Spot;
    plan_of(&desired(&[(instance, 2)]), &observed(&[]))
}

/// The plan that gives a running instance another type.
fn restarting() -> (LiveInstance, Plan) {
    let before = live(&full("trainer"));
    let mut after = full("trainer");
    after.machine = crate::resource::fixtures::types(&["g5.2xlarge"]);
    let seen = observed(std::slice::from_ref(&before));
    (before, plan_of(&desired(&[(after, 1)]), &seen))
}

#[test]
fn a_launch_makes_what_names_its_environment_and_nothing_else() {
    for tier in TIERS {
        let policy = of(&launching(), tier);
        let none = BTreeMap::new();
        assert!(making(&policy, "ec2:RunInstances", &named("demo")));
        assert!(!making(&policy, "ec2:RunInstances", &named("other")));
        assert!(!making(&policy, "ec2:RunInstances", &none));
        assert!(!making(&policy, "ec2:CreateSecurityGroup", &named("demo")));
        for (kind, id) in [
            ("image", "ami-0123456789abcdef0"),
            ("snapshot", "snap-1"),
            ("subnet", "subnet-1"),
            ("key-pair", "alex"),
        ] {
            assert!(
                on(&policy, "ec2:RunInstances", &arn(kind, id), &none),
                "{kind}"
            );
        }
        for (kind, id) in [
            ("image", "ami-1"),
            ("key-pair", "kim"),
            ("security-group", "sg-1"),
        ] {
            assert!(
                !on(&policy, "ec2:RunInstances", &arn(kind, id), &none),
                "{kind}"
            );
        }
        let role = "arn:aws:iam::123456789012:role/trainer";
        assert!(on(&policy, "iam:PassRole", role, &none));
        assert!(!on(
            &policy,
            "iam:PassRole",
            "arn:aws:iam::210987654321:role/r",
            &none
        ));
    }
}

#[test]
fn a_launch_ends_what_it_has_launched_and_nothing_of_others() {
    for tier in TIERS {
        let policy = of(&launching(), tier);
        let (launched, request) = (
            arn("instance", "i-1"),
            arn("spot-instances-request", "sir-1"),
        );
        for (action, resource) in [
            ("ec2:TerminateInstances", &launched),
            ("ec2:CancelSpotInstanceRequests", &request),
            ("ec2:AssociateIamInstanceProfile", &launched),
        ] {
            assert!(on(&policy, action, resource, &named("demo")), "{action}");
            assert!(!on(&policy, action, resource, &named("other")), "{action}");
            assert!(!on(&policy, action, resource, &BTreeMap::new()), "{action}");
        }
        // Nobody makes another's instance one's own first.
        assert!(!on(&policy, "ec2:CreateTags", &launched, &BTreeMap::new()));
        assert!(!on(
            &policy,
            "ec2:DeleteVolume",
            &arn("volume", "vol-1"),
            &named("demo")
        ));
    }
}

#[test]
fn a_change_is_to_the_instance_of_the_plan() {
    let (before, plan) = restarting();
    let its = arn("instance", before.id.as_str());
    for tier in TIERS {
        let policy = of(&plan, tier);
        for action in [
            "ec2:StopInstances",
            "ec2:ModifyInstanceAttribute",
            "ec2:StartInstances",
            "ec2:CreateTags",
        ] {
            assert!(on(&policy, action, &its, &before.tags), "{action}");
            assert!(!on(&policy, action, &its, &named("other")), "{action}");
            let another = arn("instance", "i-1");
            assert!(!on(&policy, action, &another, &BTreeMap::new()), "{action}");
            // From the second tier on its tag is all that it is known by.
            let ours = on(&policy, action, &another, &named("demo"));
            assert_eq!(ours, tier != Precision::Exact, "{action}");
        }
        for volume in before.volumes.values() {
            let volume_arn = arn("volume", volume.id.as_str());
            assert!(on(&policy, "ec2:CreateTags", &volume_arn, &volume.tags));
        }
        for id in &before.interfaces {
            let interface = arn("network-interface", id);
            assert!(on(&policy, "ec2:CreateTags", &interface, &BTreeMap::new()));
        }
    }
    for tier in [Precision::Exact, Precision::FoldedResources] {
        let policy = of(&plan, tier);
        assert!(!on(&policy, "ec2:TerminateInstances", &its, &before.tags));
        assert!(!making(&policy, "ec2:RunInstances", &named("demo")));
    }
}

#[test]
fn a_replacement_ends_one_instance_and_launches_another() {
    let before = live(&full("trainer"));
    let mut after = full("trainer");
    after.key = Some("kim".to_owned());
    let plan = plan_of(
        &desired(&[(after, 1)]),
        &observed(std::slice::from_ref(&before)),
    );
    assert_eq!(plan.summary().replace, 1);
    for tier in TIERS {
        let policy = of(&plan, tier);
        let its = arn("instance", before.id.as_str());
        assert!(on(&policy, "ec2:TerminateInstances", &its, &before.tags));
        assert!(!on(
            &policy,
            "ec2:TerminateInstances",
            &its,
            &named("other")
        ));
        assert!(making(&policy, "ec2:RunInstances", &named("demo")));
    }
}

#[test]
fn a_new_name_is_given_to_what_carries_the_old_one() {
    let instance = plain("trainer");
    let lives = [live(&instance), live(&plain("gone"))];
    let mut moved = desired(&[(instance, 1)]);
    moved.environment = EnvironmentName::new("production");
    moved.renamed_from = Some(EnvironmentName::new("demo"));
    let plan = plan_of(&moved, &observed(&lives));
    assert_eq!((plan.summary().update, plan.summary().delete), (1, 1));
    let before = moved.renamed_from.as_ref();
    let policy = session_policy(&plan, before, Precision::Exact).unwrap();
    let policy = Policy::parse(policy.text()).unwrap();
    let [renamed, gone] = lives.map(|live| (arn("instance", live.id.as_str()), live.tags));
    assert!(on(&policy, "ec2:CreateTags", &renamed.0, &renamed.1));
    assert!(on(
        &policy,
        "ec2:CreateTags",
        &renamed.0,
        &named("production")
    ));
    assert!(on(&policy, "ec2:TerminateInstances", &gone.0, &gone.1));
    assert!(!on(
        &policy,
        "ec2:TerminateInstances",
        &renamed.0,
        &renamed.1
    ));
}

#[test]
fn only_the_region_of_the_plan_is_open() {
    for plan in [launching(), restarting().1] {
        for tier in TIERS {
            let policy = of(&plan, tier);
            let asked = |region: &str| {
                policy.allows(&Request {
                    action: "ec2:DescribeInstances",
                    region,
                    request_tags: &BTreeMap::new(),
                    resource_tags: &BTreeMap::new(),
                    resource: "*",
                })
            };
            assert!(asked("eu-central-1"));
            assert!(!asked("us-east-1"));
        }
    }
    let policy = of(&launching(), Precision::Exact);
    let launch = |region: &str| {
        policy.allows(&Request {
            action: "ec2:RunInstances",
            region,
            request_tags: &named("demo"),
            resource_tags: &BTreeMap::new(),
            resource: &arn("instance", "*"),
        })
    };
    assert!(launch("eu-central-1"));
    assert!(!launch("us-east-1"));
}

#[test]
fn a_plan_without_steps_may_look_and_nothing_else() {
    let policy = of(&plan_of(&desired(&[]), &observed(&[])), Precision::Exact);
    let none = BTreeMap::new();
    for action in [
        "ec2:DescribeInstances",
        "ssm:GetParameters",
        "sts:GetCallerIdentity",
    ] {
        assert!(on(&policy, action, "*", &none), "{action}");
    }
    for action in [
        "ec2:RunInstances",
        "ec2:TerminateInstances",
        "s3:GetObject",
        "iam:PassRole",
    ] {
        assert!(!on(&policy, action, "*", &named("demo")), "{action}");
    }
}

/// A plan that sends files to this prefix of a bucket.
fn uploading(prefix: &str) -> Plan {
    let files = SyncPlan {
        from: Place::Folder("/data".into()),
        to: Place::prefix("bucket", prefix),
        transfers: Transfers::new(),
        deletions: Vec::new(),
        withheld: None,
        same: Totals::default(),
        skipped: Vec::new(),
        kept: Totals::default(),
        leftovers: Vec::new(),
        archive: None,
        options: ObjectOptions::default(),
        case_conflicts: Vec::new(),
        region: None,
    };
    let place = || DataPlace::Folder("/data".into());
    let data = DataSet {
        from: place(),
        to: place(),
        include: Vec::new(),
        exclude: Vec::new(),
        delete: Deletion::Never,
        archive: None,
        max_delete: DeletionLimit::default(),
        options: ObjectOptions::default(),
        compare: Compare::Content,
    };
    let mut plan = plan_of(&desired(&[]), &observed(&[]));
    plan.steps = vec![Step {
        id: 1,
        action: Action::Sync {
            address: Address::Data("set".to_owned()),
            data,
            files,
        },
        reason: Reason::FilesDiffer,
        after: [].into(),
    }];
    plan
}

#[test]
fn files_go_to_their_prefix_and_nowhere_else() {
    let none = BTreeMap::new();
    for prefix in ["set", "a*b", "a?b", "${aws:username}", "größe"] {
        let plan = uploading(prefix);
        let policy = of(&plan, Precision::Exact);
        let may = |policy: &Policy, action: &str, key: &str| {
            on(policy, action, &format!("arn:aws:s3:::{key}"), &none)
        };
        let inside = format!("bucket/{prefix}/a/b.png");
        for action in ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"] {
            assert!(may(&policy, action, &inside), "{action} {inside}");
        }
        assert!(may(&policy, "s3:ListBucket", "bucket"));
        assert!(!may(&policy, "s3:DeleteObject", &inside));
        for outside in ["bucket/other/a", "bucket/axb/a", "theirs/set/a"] {
            assert!(!may(&policy, "s3:PutObject", outside), "{prefix} {outside}");
        }
        let folded = of(&plan, Precision::FoldedActions);
        assert!(may(&folded, "s3:PutObject", "bucket/other/a"));
        assert!(!may(&folded, "s3:PutObject", "theirs/set/a"));
        assert!(!may(&folded, "s3:ListBucket", "theirs"));
    }
}
