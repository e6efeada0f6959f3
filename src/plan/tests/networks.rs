//! Security groups of ours, members, and the places of instances.

use std::collections::BTreeSet;

use super::super::fixtures::{context, desired, observed, resolution};
use super::super::{Action, Context, Held, Observed, Plan, Reason, Targets, audit, plan_destroy};
use super::{launches, planned, planned_with, there};
use crate::resource::fixtures::plain;
use crate::resource::{
    Address, Caller, EnvironmentName, GroupName, Instance, LiveInstance, OwnNetwork,
    OwnSecurityGroup, Ssh, SshSource, member_tags, object_tags, wanted_rules,
};

fn caller() -> Caller {
    Caller {
        name: "alex".to_owned(),
        address: Some("203.0.113.7".parse().unwrap()),
    }
}

fn open(name: &str) -> Instance {
    let mut instance = plain(name);
    instance.ssh = Some(Ssh {
        from: [SshSource::Me].into(),
        public_key: None,
    });
    instance
}

fn own_group(name: &str, instance: &Instance, environment: &EnvironmentName) -> OwnSecurityGroup {
    OwnSecurityGroup {
        id: format!("sg-{name}"),
        name: format!("trainyard-demo-{name}"),
        network: None,
        rules: wanted_rules(instance, &caller()),
        tags: object_tags(
            environment,
            &crate::resource::fixtures::account(),
            &GroupName::new(name),
        ),
    }
}

fn with_network(lives: &[LiveInstance], groups: Vec<OwnSecurityGroup>) -> Observed {
    let mut observed = observed(lives);
    observed.network = Some(OwnNetwork {
        security_groups: groups,
        ..OwnNetwork::default()
    });
    observed
}

#[test]
fn a_copy_of_our_tags_makes_nobodys_security_group_ours() {
    let instance = open("trainer");
    let wanted = desired(&[(instance.clone(), 1)]);
    let mut theirs = own_group("trainer", &instance, &wanted.environment);
    theirs.name = "theirs".to_owned();
    theirs.rules.clear();
    let seen = with_network(&[], vec![theirs]);
    let context = Context {
        caller: caller(),
        ..context()
    };
    let plan = planned(&wanted, &seen, &context);
    let Action::SecurityGroup(made) = &plan.steps[0].action else {
        panic!("{plan:?}");
    };
    assert_eq!(
        (&made.existing, made.name.as_str()),
        (&None, "trainyard-demo-trainer")
    );
    assert!(crate::plan::plan_destroy(&wanted.environment, &seen, &context).is_empty());
}

#[test]
fn a_security_group_comes_before_its_instances_and_goes_after_them() {
    let instance = open("trainer");
    let context = Context {
        caller: caller(),
        ..context()
    };
    let wanted = desired(&[(instance.clone(), 2)]);
    let plan = planned(&wanted, &with_network(&[], Vec::new()), &context);
    let [made, launched] = &plan.steps[..] else {
        panic!("{plan:?}");
    };
    assert!(matches!(made.action, Action::SecurityGroup(_)));
    assert_eq!(launched.after, [made.id].into());
    let own = launches(&plan)[0].own_group.clone();
    assert_eq!(own, Some(Address::SecurityGroup(GroupName::new("trainer"))));

    let group = own_group("trainer", &instance, &wanted.environment);
    let mut lives = there(&instance, &[0, 1]);
    for live in &mut lives {
        live.security_groups = [crate::resource::LiveSecurityGroup {
            id: group.id.clone(),
            name: group.name.clone(),
        }]
        .into();
    }
    let seen = with_network(&lives, vec![group.clone()]);
    assert!(planned(&wanted, &seen, &context).is_empty());
    // One more member is launched into the group that is there.
    let plan = planned(&desired(&[(instance.clone(), 3)]), &seen, &context);
    assert_eq!(launches(&plan)[0].security_groups, ["sg-trainer"]);
    // The caller has moved: the rule follows.
    let moved = Context {
        caller: Caller {
            address: Some("203.0.113.99".parse().unwrap()),
            ..caller()
        },
        ..context.clone()
    };
    let plan = planned(&wanted, &seen, &moved);
    assert_eq!(
        (plan.steps.len(), &plan.steps[0].reason),
        (1, &Reason::Edited)
    );
    // A group that the spec no longer names goes with its instances, after them.
    let plan = planned(&desired(&[(plain("other"), 1)]), &seen, &context);
    let last = plan.steps.last().unwrap();
    assert!(
        matches!(&last.action, Action::DeleteNetwork(objects) if objects[0].id == "sg-trainer")
    );
    assert_eq!(last.after.len(), plan.steps.len() - 1);
    let plan = plan_destroy(&wanted.environment, &seen, &context);
    assert_eq!(audit(&plan), []);
    let last = plan.steps.last().unwrap();
    assert!(matches!(last.action, Action::DeleteNetwork(_)) && last.after == [1].into());
}

#[test]
fn the_token_is_the_same_before_and_after_the_own_group_is_made() {
    let instance = open("trainer");
    let context = Context {
        caller: caller(),
        ..context()
    };
    let wanted = desired(&[(instance.clone(), 2)]);
    let group = own_group("trainer", &instance, &wanted.environment);
    let before = planned(&wanted, &with_network(&[], Vec::new()), &context);
    let after = planned(&wanted, &with_network(&[], vec![group]), &context);
    let identity = |plan: &Plan| launches(plan)[0].identity.clone();
    assert_ne!(
        launches(&before)[0].security_groups,
        launches(&after)[0].security_groups
    );
    assert_eq!(identity(&before), identity(&after));
}

#[test]
fn members_are_told_when_the_group_changes_and_not_again() {
    let mut instance = plain("trainer");
    instance.distributed = true;
    let mut lives = there(&instance, &[0, 1]);
    let group = own_group("trainer", &instance, &EnvironmentName::new("demo"));
    let addresses: Vec<String> = lives
        .iter()
        .filter_map(|live| live.private_address.clone())
        .collect();
    for live in &mut lives {
        live.security_groups = [crate::resource::LiveSecurityGroup {
            id: group.id.clone(),
            name: group.name.clone(),
        }]
        .into();
    }
    let wanted = desired(&[(instance.clone(), 2)]);
    let seen = with_network(&lives, vec![group.clone()]);
    let plan = planned(&wanted, &seen, &context());
    assert_eq!(
        (plan.steps.len(), &plan.steps[0].reason),
        (1, &Reason::MembersChanged)
    );
    for live in &mut lives {
        live.tags.extend(member_tags(&addresses));
    }
    let seen = with_network(&lives, vec![group]);
    assert!(planned(&wanted, &seen, &context()).is_empty());
    let plan = planned(&desired(&[(instance, 3)]), &seen, &context());
    let [launch, told] = &plan.steps[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(told.after, [launch.id].into());
    assert!(matches!(&told.action, Action::Introduce(one) if one.members.len() == 2));
}

#[test]
fn a_security_group_is_where_the_instances_are() {
    let wears = |live: &mut LiveInstance, group: &OwnSecurityGroup| {
        live.security_groups = [crate::resource::LiveSecurityGroup {
            id: group.id.clone(),
            name: group.name.clone(),
        }]
        .into();
    };
    let instance = open("trainer");
    let context = Context {
        caller: caller(),
        ..context()
    };
    let mut lives = there(&instance, &[0, 1]);
    for live in &mut lives {
        live.network = Some("vpc-x".to_owned());
        live.security_groups = BTreeSet::new();
    }
    let wanted = desired(&[(instance.clone(), 2)]);
    let mut elsewhere = own_group("trainer", &instance, &wanted.environment);
    elsewhere.network = Some("vpc-default".to_owned());
    // Nothing is launched, and so no subnet is looked up: theirs counts. A group that
    // is left in another network is of no use to them.
    for left in [Vec::new(), vec![elsewhere.clone()]] {
        let plan = planned(&wanted, &with_network(&lives, left), &context);
        let Action::SecurityGroup(made) = &plan.steps[0].action else {
            panic!("{plan:?}");
        };
        assert_eq!(made.existing, None);
        assert_eq!(made.network.as_deref(), Some("vpc-x"));
    }

    // With one in each network they keep the one that they wear.
    let mut here = elsewhere.clone();
    here.id = "sg-here".to_owned();
    here.name += "-2";
    here.network = Some("vpc-x".to_owned());
    let both = vec![elsewhere.clone(), here.clone()];
    for live in &mut lives {
        wears(live, &here);
    }
    assert!(planned(&wanted, &with_network(&lives, both.clone()), &context).is_empty());

    // What is launched elsewhere takes the one there.
    let more = desired(&[(instance.clone(), 3)]);
    let mut found = resolution(&more);
    found.default_network = Some("vpc-default".to_owned());
    let seen = with_network(&lives, both);
    let plan = planned_with(&more, &seen, &found, &context);
    assert_eq!(launches(&plan)[0].security_groups, [elsewhere.id.clone()]);

    // One that cannot wear the group of the others is told of, and the rest goes on.
    wears(&mut lives[0], &elsewhere);
    lives[0].network = elsewhere.network.clone();
    lives[1].security_groups = BTreeSet::new();
    let plan = planned(&wanted, &with_network(&lives, vec![elsewhere]), &context);
    assert!(plan.steps.is_empty(), "{plan:?}");
    assert!(
        matches!(&plan.held[..], [Held::Unresolved { what, .. }] if what.contains("vpc-x")),
        "{plan:?}"
    );
}

#[test]
fn one_whose_replacement_is_withheld_is_a_member_still() {
    let mut instance = plain("trainer");
    instance.distributed = true;
    instance.protect = true;
    let mut lives = there(&instance, &[0, 1]);
    let group = own_group("trainer", &instance, &EnvironmentName::new("demo"));
    let told = lives.iter().filter_map(|live| live.private_address.clone());
    let told = member_tags(&told.collect::<Vec<String>>());
    for live in &mut lives {
        live.security_groups = [crate::resource::LiveSecurityGroup {
            id: group.id.clone(),
            name: group.name.clone(),
        }]
        .into();
        live.tags.extend(told.clone());
    }
    let seen = with_network(&lives, vec![group]);
    let asked = Context {
        replace: Targets(["trainer[0]".parse().unwrap()].into()),
        ..context()
    };
    // Its protection holds it: the others are told nothing new.
    let wanted = desired(&[(instance.clone(), 2)]);
    let plan = planned(&wanted, &seen, &asked);
    assert!(plan.steps.is_empty(), "{plan:?}");
    assert!(matches!(plan.held[..], [Held::Protected { .. }]));

    // Nothing can be launched in its place: the same.
    instance.protect = false;
    let lifted = desired(&[(instance, 2)]);
    let mut nothing = resolution(&lifted);
    nothing.images.clear();
    let plan = planned_with(&lifted, &seen, &nothing, &asked);
    assert!(matches!(plan.held[..], [Held::Unresolved { .. }]));
    let introduced = |action: &Action| matches!(action, Action::Introduce(_));
    assert!(
        !plan.steps.iter().any(|step| introduced(&step.action)),
        "{plan:?}"
    );

    // The group that it wears is in use, even where the spec has no group of that name.
    let mut closed = plain("trainer");
    closed.protect = true;
    for other in [closed, plain("other")] {
        let plan = planned(&desired(&[(other, 2)]), &seen, &asked);
        let deleted = |action: &Action| matches!(action, Action::DeleteNetwork(_));
        assert!(
            !plan.steps.iter().any(|step| deleted(&step.action)),
            "{plan:?}"
        );
    }
}
