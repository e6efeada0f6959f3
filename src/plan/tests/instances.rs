//! Capacity, networks, names, adoption: what a plan makes of them.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::super::fixtures::{address, context, desired, observed, resolution};
use super::super::{
    Action, Change, Context, Held, Launch, Note, Observed, Plan, Reason, Resolution, TargetName,
    Targets, audit, plan, plan_destroy, unfit_groups, wanted,
};
use crate::resource::fixtures::{
    ago, first_type, full, identity, image, launched, live, machine, mark, now, plain, types,
};
use crate::resource::{
    Address, Caller, Desired, EnvironmentName, GroupName, ImageSelector, Instance, InstanceState,
    LiveAttributes, LiveInstance, MachineSelector, Market, Need, OwnNetwork, OwnSecurityGroup,
    Placement, Purchase, Ssh, SshSource, member_tags, object_tags, tag, wanted_rules,
};

fn group(desired: &mut Desired, name: &str, edit: impl FnOnce(&mut crate::resource::Group)) {
    edit(desired.groups.get_mut(&GroupName::new(name)).unwrap());
}

fn planned(desired: &Desired, observed: &Observed, context: &Context) -> Plan {
    planned_with(desired, observed, &resolution(desired), context)
}

fn planned_with(
    desired: &Desired,
    observed: &Observed,
    resolution: &Resolution,
    context: &Context,
) -> Plan {
    let plan = plan(desired, observed, resolution, context);
    assert_eq!(audit(&plan), []);
    plan
}

fn launches(plan: &Plan) -> Vec<&Launch> {
    let launch = |action: &'_ Action| matches!(action, Action::Launch(_));
    let steps = plan.steps.iter().filter(|step| launch(&step.action));
    steps
        .filter_map(|step| {
            if let Action::Launch(launch) = &step.action {
                Some(launch)
            } else {
                None
            }
        })
        .collect()
}

fn there(instance: &Instance, ordinals: &[u32]) -> Vec<LiveInstance> {
    launched(instance, &identity(instance, ordinals), 0, ago(3_600))
}

fn candidates(launch: &Launch) -> Vec<String> {
    launch.candidates.iter().map(ToString::to_string).collect()
}

#[test]
fn candidates_go_market_by_market_then_type_by_type_then_zone_by_zone() {
    let mut instance = plain("trainer");
    instance.machine = types(&["p3.2xlarge", "g5.xlarge"]);
    instance.market = Market::SpotThenOnDemand;
    let desired = desired(&[(instance, 2)]);
    let mut resolution = resolution(&desired);
    let first = resolution.machines.get_mut("p3.2xlarge").unwrap();
    first.zones = ["eu-central-1b".to_owned()].into();
    let plan = planned_with(&desired, &observed(&[]), &resolution, &context());
    let expected = [
        "p3.2xlarge spot",
        "p3.2xlarge spot in eu-central-1b",
        "g5.xlarge spot",
        "g5.xlarge spot in eu-central-1a",
        "g5.xlarge spot in eu-central-1b",
        "g5.xlarge spot in eu-central-1c",
        "p3.2xlarge on-demand",
        "p3.2xlarge on-demand in eu-central-1b",
        "g5.xlarge on-demand",
        "g5.xlarge on-demand in eu-central-1a",
        "g5.xlarge on-demand in eu-central-1b",
        "g5.xlarge on-demand in eu-central-1c",
    ];
    let launch = launches(&plan)[0];
    assert_eq!(candidates(launch), expected);
    // A token of its own for each, and again for each round.
    let tokens: BTreeSet<String> = (0..3)
        .flat_map(|round| launch.attempts(round).collect::<Vec<_>>())
        .map(|attempt| launch.token(&attempt, 0))
        .collect();
    assert_eq!(tokens.len(), 36);
}

#[test]
fn what_cannot_work_is_named_and_not_tried() {
    let mut instance = plain("trainer");
    instance.machine = types(&["t4g.small", "none.large", "g5.xlarge"]);
    instance.placement = Placement::Zone("eu-central-1a".to_owned());
    let desired = desired(&[(instance, 1)]);
    let mut resolution = resolution(&desired);
    resolution
        .machines
        .get_mut("t4g.small")
        .unwrap()
        .architectures = vec!["arm64".to_owned()];
    resolution.machines.remove("none.large");
    let plan = planned_with(&desired, &observed(&[]), &resolution, &context());
    let launch = launches(&plan)[0];
    assert_eq!(candidates(launch), ["g5.xlarge on-demand in eu-central-1a"]);
    let rejected: Vec<&str> = launch
        .rejected
        .iter()
        .map(|one| one.what.as_str())
        .collect();
    assert_eq!(rejected, ["none.large", "t4g.small"]);
    // Where nothing is left, the spec's author is told before anything is planned.
    resolution.machines.get_mut("g5.xlarge").unwrap().zones = ["eu-central-1c".to_owned()].into();
    let unfit = unfit_groups(&desired, &observed(&[]), &resolution, &context());
    assert_eq!(unfit.len(), 1);
    assert!(
        unfit[0]
            .summary
            .contains("eu-central-1a does not offer `g5.xlarge`"),
        "{unfit:?}"
    );
    assert!(unfit[0].exists && unfit[0].path == ["instances", "trainer", "type"]);
}

#[test]
fn an_image_that_does_not_know_the_gpu_rules_a_type_out() {
    let mut instance = plain("trainer");
    instance.machine = types(&["p3.2xlarge", "g5.xlarge"]);
    let desired = desired(&[(instance.clone(), 1)]);
    let mut resolution = resolution(&desired);
    let gpu = |name: &str| crate::resource::MachineGpu {
        name: name.to_owned(),
        manufacturer: "NVIDIA".to_owned(),
        count: 1,
        memory_mib: 16_384,
    };
    resolution.machines.get_mut("p3.2xlarge").unwrap().gpus = vec![gpu("V100")];
    resolution.machines.get_mut("g5.xlarge").unwrap().gpus = vec![gpu("A10G")];
    let found = resolution.images.get_mut(&instance.image).unwrap();
    found.name =
        "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.7 (Ubuntu 22.04) 20250803".to_owned();
    let plan = planned_with(&desired, &observed(&[]), &resolution, &context());
    let launch = launches(&plan)[0];
    assert_eq!(launch.candidates[0].instance_type, "g5.xlarge");
    assert_eq!(launch.rejected[0].what, "p3.2xlarge");
    assert!(
        launch.rejected[0].why.contains("V100"),
        "{:?}",
        launch.rejected
    );
}

fn need(vcpus: &str) -> MachineSelector {
    MachineSelector::Need(Need {
        gpu: Vec::new(),
        gpu_memory: None,
        vcpus: Some(vcpus.parse().unwrap()),
        memory: None,
    })
}

#[test]
fn a_need_is_met_by_the_smallest_machine_and_judged_again_only_when_it_is_edited() {
    let mut instance = plain("trainer");
    instance.machine = need("4..");
    let before = desired(&[(instance.clone(), 1)]);
    let mut resolution = resolution(&before);
    for (name, vcpus) in [("m5.large", 2), ("m5.xlarge", 4), ("m5.2xlarge", 8)] {
        let mut machine = machine(name);
        machine.vcpus = vcpus;
        resolution.machines.insert(name.to_owned(), machine);
    }
    let plan = planned_with(&before, &observed(&[]), &resolution, &context());
    let launch = launches(&plan)[0];
    assert_eq!(launch.candidates[0].instance_type, "m5.xlarge");
    let attempt = launch.attempts(0).next().unwrap();
    let mut running = live(&instance);
    running.tags = launch.tags(&attempt, 0);
    running.instance_type = attempt.candidate.instance_type;
    running.client_token = Some("ty1-x".to_owned());
    let lives = [running.clone()];
    assert!(planned_with(&before, &observed(&lives), &resolution, &context()).is_empty());
    // Somebody chose another type by hand: that is drift.
    let mut drifted = running.clone();
    drifted.instance_type = "m5.2xlarge".to_owned();
    let plan = planned_with(&before, &observed(&[drifted]), &resolution, &context());
    assert_eq!(
        (plan.steps.len(), &plan.steps[0].reason),
        (1, &Reason::Drifted)
    );
    // An edit that the machine meets is a matter of tags; one that it does not meet restarts it.
    for (vcpus, restarts) in [("2..", false), ("8..", true)] {
        let mut edited = instance.clone();
        edited.machine = need(vcpus);
        let after = desired(&[(edited, 1)]);
        let asked = wanted(
            &after,
            &observed(&lives),
            &Resolution::default(),
            &context(),
        );
        assert_eq!(asked.needs.len(), 1);
        let plan = planned_with(&after, &observed(&lives), &resolution, &context());
        let restart = matches!(plan.steps[0].action, Action::Restart(_));
        assert_eq!((plan.steps.len(), restart), (1, restarts), "{vcpus}");
    }
}

#[test]
fn a_spot_instance_cannot_be_stopped_so_another_type_is_another_instance() {
    let mut spot = plain("trainer");
    spot.market = Market::Spot;
    let mut lives = there(&spot, &[0]);
    assert_eq!(lives[0].purchase, Purchase::Spot);
    lives[0].spot_request = Some("sir-1".to_owned());
    let mut other = spot.clone();
    other.machine = types(&["g5.2xlarge"]);
    let plan = planned(&desired(&[(other, 1)]), &observed(&lives), &context());
    let doomed = plan.steps[0].action.doomed().unwrap();
    assert_eq!(doomed[0].spot_request.as_deref(), Some("sir-1"));
    // Any type of the list will do, and either market where both are allowed.
    let mut list = plain("trainer");
    list.machine = types(&["p5.48xlarge", &first_type(&spot)]);
    list.market = Market::SpotThenOnDemand;
    assert!(planned(&desired(&[(list, 1)]), &observed(&lives), &context()).is_empty());
    let bought = plain("trainer");
    let plan = planned(&desired(&[(bought, 1)]), &observed(&lives), &context());
    assert_eq!(plan.summary().replace, 1);
}

#[test]
fn what_is_added_to_a_group_runs_the_image_of_the_rest() {
    let instance = plain("trainer");
    let mut lives = there(&instance, &[0, 1]);
    for live in &mut lives {
        live.image_id = "ami-00000000000000001".to_owned();
    }
    let desired = desired(&[(instance.clone(), 3)]);
    let mut resolution = resolution(&desired);
    let mut old = image();
    old.id = "ami-00000000000000001".to_owned();
    let pin = ImageSelector::Id(old.id.clone());
    resolution.images.insert(pin.clone(), old);
    let asked = wanted(
        &desired,
        &observed(&lives),
        &Resolution::default(),
        &context(),
    );
    assert!(asked.images[&pin].needed && !asked.images[&instance.image].needed);
    let plan = planned_with(&desired, &observed(&lives), &resolution, &context());
    assert_eq!(launches(&plan)[0].image.id, "ami-00000000000000001");
    // The newer image is a note, and becomes a change when it is asked for.
    assert!(matches!(&plan.notes[0], Note::NewerImage { addresses, .. } if addresses.len() == 2));
    let upgrade = Context {
        upgrade_image: true,
        ..context()
    };
    let plan = planned_with(&desired, &observed(&lives), &resolution, &upgrade);
    assert_eq!((plan.summary().replace, plan.summary().create), (2, 1));
    let end = plan
        .steps
        .iter()
        .find(|step| step.action.doomed().is_some());
    assert_eq!(end.unwrap().reason, Reason::Requested);
    for one in plan.replaced() {
        let avoid = one.replaced_because[0].avoid.as_deref();
        assert_eq!(avoid, Some("leave out `--upgrade-image`"));
    }
    assert_eq!(launches(&plan)[0].image.id, image().id);
}

#[test]
fn what_a_launch_was_allowed_not_to_give_is_not_launched_again() {
    let instance = plain("trainer");
    let mut lives = there(&instance, &[0, 1, 2, 3]);
    lives.truncate(3);
    for live in &mut lives {
        live.tags.insert(tag::GIVEN.to_owned(), "3".to_owned());
    }
    let mut wanted = desired(&[(instance.clone(), 4)]);
    assert_eq!(
        launches(&planned(&wanted, &observed(&lives), &context())).len(),
        1
    );
    group(&mut wanted, "trainer", |group| group.min = Some(2));
    let plan = planned(&wanted, &observed(&lives), &context());
    assert!(plan.is_empty(), "{plan:?}");
    assert!(matches!(
        plan.notes[0],
        Note::Fewer {
            alive: 3,
            count: 4,
            min: 2,
            ..
        }
    ));
    // Below the minimum, and for numbers that were never asked for, it is.
    let plan = planned(&wanted, &observed(&lives[..1]), &context());
    assert_eq!(launches(&plan)[0].identity.ordinals.to_string(), "1-3");
    let mut larger = desired(&[(instance, 6)]);
    group(&mut larger, "trainer", |group| group.min = Some(2));
    let plan = planned(&larger, &observed(&lives), &context());
    let launch = launches(&plan)[0];
    assert_eq!(
        (launch.identity.ordinals.to_string().as_str(), launch.least),
        ("4-5", 1)
    );
}

#[test]
fn what_was_waited_is_taken_off_the_lease() {
    let mut instance = plain("trainer");
    instance.wait = Some("45m".parse().unwrap());
    let desired = desired(&[(instance, 1)]);
    let plan = planned(&desired, &observed(&[]), &context());
    let launch = launches(&plan)[0];
    assert_eq!(launch.rounds(), 16);
    let late = launch.attempts(15).next().unwrap();
    assert_eq!(late.waited(), 45 * 60);
    assert!(
        launch
            .user_data(&late)
            .contains(&format!("+ {} ", 43_200 - 2_700))
    );
    let mut running = live(&launch.instance);
    running.tags = launch.tags(&late, 0);
    running.first_launched = Some(now());
    let end = crate::lease::deadline(&running, &mark(&running));
    assert_eq!(end.seconds_left(now()), Some(43_200 - 2_700));
    // The lease that was asked for is the spec's, so there is nothing to tell.
    let plan = planned(&desired, &observed(&[running]), &context());
    assert!(plan.is_empty() && plan.notes.is_empty(), "{plan:?}");
}

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

#[test]
fn a_new_name_is_a_matter_of_tags() {
    let instance = plain("worker");
    let lives = there(&instance, &[0, 1]);
    let mut renamed = desired(&[(plain("trainer"), 2)]);
    assert_eq!(
        planned(&renamed, &observed(&lives), &context())
            .summary()
            .delete,
        2
    );
    group(&mut renamed, "trainer", |group| {
        group.renamed_from = Some(GroupName::new("worker"));
    });
    let plan = planned(&renamed, &observed(&lives), &context());
    let summary = plan.summary();
    assert_eq!(
        (summary.update, summary.create, summary.delete),
        (2, 0, 0),
        "{plan:?}"
    );
    let updates: Vec<&Change> = plan
        .steps
        .iter()
        .filter_map(|step| {
            if let Action::Update(change) = &step.action {
                Some(change)
            } else {
                None
            }
        })
        .collect();
    let change = updates[0];
    let fields: Vec<&str> = change
        .changes
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert!(fields.contains(&"group"), "{fields:?}");
    let place = (&change.environment, change.instance_type.as_str());
    let (set, _) = change.mark.retag(&change.after, place, &change.before.tags);
    assert_eq!(set[tag::GROUP], "trainer");
    // The environment's own name likewise.
    let mut moved = desired(&[(instance, 2)]);
    moved.environment = EnvironmentName::new("production");
    moved.renamed_from = Some(EnvironmentName::new("demo"));
    let plan = planned(&moved, &observed(&lives), &context());
    assert_eq!((plan.summary().update, plan.summary().create), (2, 0));
}

#[test]
fn a_target_limits_what_is_looked_at_and_a_replacement_is_asked_for_by_name() {
    let lives = [there(&plain("a"), &[0, 1]), there(&plain("gone"), &[0])].concat();
    let wanted = desired(&[(full("a"), 2), (plain("b"), 1)]);
    let only = |name: &str| Context {
        targets: Targets([name.parse::<TargetName>().unwrap()].into()),
        ..context()
    };
    let plan = planned(&wanted, &observed(&lives), &only("a[1]"));
    assert_eq!(plan.summary().replace, 1);
    assert_eq!((plan.summary().create, plan.summary().delete), (0, 0));
    assert!(matches!(plan.notes.last(), Some(Note::OnlyTargets { .. })));
    let plan = planned(&wanted, &observed(&lives), &only("b"));
    assert_eq!((plan.summary().create, plan.steps.len()), (1, 1));
    let replace = Context {
        replace: Targets(["a[0]".parse().unwrap()].into()),
        ..context()
    };
    let unchanged = desired(&[(plain("a"), 2)]);
    let plan = planned(&unchanged, &observed(&lives[..2]), &replace);
    assert_eq!(
        (plan.summary().replace, &plan.steps[0].reason),
        (1, &Reason::Requested)
    );
    assert_eq!(plan.unchanged, [address("a", 1)]);
}

fn by_hand(instance: &Instance) -> LiveInstance {
    let mut live = live(instance);
    live.client_token = None;
    live.tags = [("Name".to_owned(), "by hand".to_owned())].into();
    live.launch_index = 3;
    live.attributes = Some(LiveAttributes {
        protected: false,
        ends_at_shutdown: true,
    });
    for volume in live.volumes.values_mut() {
        std::sync::Arc::make_mut(volume).tags.clear();
    }
    live
}

#[test]
fn an_instance_is_taken_over_by_tags_alone_and_then_is_ours() {
    let instance = full("trainer");
    let foreign = by_hand(&instance);
    let mut wanted = desired(&[(instance.clone(), 1)]);
    group(&mut wanted, "trainer", |group| {
        group.adopt = vec![foreign.id.clone()];
    });
    let plan = planned(
        &wanted,
        &observed(std::slice::from_ref(&foreign)),
        &context(),
    );
    let [step] = &plan.steps[..] else {
        panic!("{plan:?}");
    };
    assert_eq!((&step.reason, plan.summary().create), (&Reason::Adopted, 0));
    let mut ours = foreign.clone();
    let place = (&wanted.environment, &crate::resource::fixtures::account());
    let since = now() - SignedDuration::from_hours(1);
    let tags = crate::resource::adoption_tags(&instance, &foreign, place, (0, since));
    ours.tags.extend(tags.clone());
    assert!(planned(&wanted, &observed(std::slice::from_ref(&ours)), &context()).is_empty());
    let end = crate::lease::deadline(&ours, &mark(&ours));
    assert_eq!(
        end.seconds_left(now()),
        Some(11 * 3_600),
        "the lease counts from then"
    );
    // The same tags on another machine prove nothing.
    let mut copy = by_hand(&instance);
    copy.id = crate::resource::InstanceId::new("i-0000000000000000f");
    copy.tags.extend(tags);
    let plan = planned(&wanted, &observed(&[ours, copy]), &context());
    assert!(
        matches!(plan.held[0], Held::Unproven { .. }),
        "{:?}",
        plan.held
    );
}

#[test]
fn protection_is_compared_with_what_ec2_says() {
    let fields = |protect: bool, attributes: Option<LiveAttributes>| {
        let instance = Instance {
            protect,
            ..full("trainer")
        };
        let mut foreign = by_hand(&instance);
        foreign.attributes = attributes;
        let mut wanted = desired(&[(instance, 1)]);
        group(&mut wanted, "trainer", |group| {
            group.adopt = vec![foreign.id.clone()];
        });
        let plan = planned(&wanted, &observed(&[foreign]), &context());
        let step = plan.steps.first()?;
        let Action::Adopt(change) = &step.action else {
            panic!("{step:?}");
        };
        let fields = change.changes.iter().map(|change| change.field.clone());
        Some(fields.filter(|field| !field.starts_with("tags.")).collect())
    };
    let asked = |protected, ends_at_shutdown| {
        Some(LiveAttributes {
            protected,
            ends_at_shutdown,
        })
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(fields(true, asked(true, true)), Some(none.clone()));
    assert_eq!(fields(false, asked(false, false)), Some(none));
    let protect = Some(vec!["protect".to_owned()]);
    assert_eq!(fields(true, asked(false, true)), protect);
    assert_eq!(fields(false, asked(true, true)), protect);
    assert_eq!(fields(true, None), None, "unknown is not off");
}

#[test]
fn what_an_auto_scaling_group_manages_is_not_taken_over() {
    let instance = full("trainer");
    let mut foreign = by_hand(&instance);
    foreign.manager = Some("the auto scaling group workers".to_owned());
    let mut wanted = desired(&[(instance, 1)]);
    group(&mut wanted, "trainer", |group| {
        group.adopt = vec![foreign.id.clone()];
    });
    let plan = planned(&wanted, &observed(&[foreign]), &context());
    let [Held::NotAdopted { why, .. }] = &plan.held[..] else {
        panic!("{:?}", plan.held);
    };
    assert!(why.contains("the auto scaling group workers manages it"));
    assert_eq!(plan.steps, []);
}

/// So many tags of somebody else's.
fn others_tags(number: usize) -> impl Iterator<Item = (String, String)> {
    (0..number).map(|number| (format!("team:{number}"), "x".to_owned()))
}

#[test]
fn more_tags_than_ec2_takes_are_counted_before_anything_is_changed() {
    let instance = full("trainer");
    let mut foreign = by_hand(&instance);
    foreign.tags.extend(others_tags(40));
    // AWS does not count its own.
    let reserved = (0..9).map(|number| (format!("aws:{number}"), "x".to_owned()));
    foreign.tags.extend(reserved);
    let mut wanted = desired(&[(instance.clone(), 1)]);
    group(&mut wanted, "trainer", |group| {
        group.adopt = vec![foreign.id.clone()];
    });
    let place = (&wanted.environment, &crate::resource::fixtures::account());
    let written = crate::resource::adoption_tags(&instance, &foreign, place, (0, now()));
    let number = 40 + written.len();
    let plan = planned(&wanted, &observed(&[foreign.clone()]), &context());
    let [Held::NotAdopted { why, .. }] = &plan.held[..] else {
        panic!("{:?}", plan.held);
    };
    assert!(
        why.contains(&format!("it would carry {number} tags")),
        "{why}"
    );
    let few = |key: &String| !key.starts_with("team:") || key.len() < "team:10".len();
    foreign.tags.retain(|key, _| few(key));
    let disk = foreign.volumes.get_mut("/dev/sdf").unwrap();
    std::sync::Arc::make_mut(disk).tags.extend(others_tags(40));
    let plan = planned(&wanted, &observed(&[foreign.clone()]), &context());
    let Held::NotAdopted { why, .. } = &plan.held[0] else {
        panic!("{:?}", plan.held);
    };
    assert!(why.contains("its disk /dev/sdf would carry"), "{why}");
    let disk = foreign.volumes.get_mut("/dev/sdf").unwrap();
    std::sync::Arc::make_mut(disk).tags.clear();
    assert_eq!(planned(&wanted, &observed(&[foreign]), &context()).held, []);

    // What is ours can have got tags of others since.
    let mut ours = live(&instance);
    let free = 50 - ours.tags.len();
    ours.tags.extend(others_tags(free));
    let mut edited = instance.clone();
    edited.tags.insert("owner".to_owned(), "jo".to_owned());
    let plan = planned(
        &desired(&[(edited.clone(), 1)]),
        &observed(&[ours.clone()]),
        &context(),
    );
    assert_eq!((plan.held.len(), plan.steps.len()), (0, 1));
    edited.tags.insert("more".to_owned(), "x".to_owned());
    let plan = planned(&desired(&[(edited, 1)]), &observed(&[ours]), &context());
    let [Held::Unresolved { what, .. }] = &plan.held[..] else {
        panic!("{:?}", plan.held);
    };
    assert!(what.contains("would carry 51"), "{what}");
    assert_eq!(plan.steps, []);
}

#[test]
fn nothing_is_launched_in_the_place_of_what_is_to_be_taken_over() {
    let instance = full("trainer");
    let mut foreign = by_hand(&instance);
    let mut wanted = desired(&[(instance.clone(), 2)]);
    group(&mut wanted, "trainer", |group| {
        group.adopt = vec![foreign.id.clone()];
    });
    let why = |lives: &[LiveInstance]| {
        let plan = planned(&wanted, &observed(lives), &context());
        assert_eq!(launches(&plan)[0].identity.ordinals.to_string(), "1");
        let Held::NotAdopted { why, .. } = &plan.held[0] else {
            panic!("{:?}", plan.held);
        };
        why.clone()
    };
    assert!(why(&[]).contains("it is not there"));
    foreign.key = Some("other".to_owned());
    assert!(why(std::slice::from_ref(&foreign)).contains("`key: other`"));
    foreign.state = InstanceState::Terminated;
    assert!(why(&[foreign]).contains("it is not there"));
}

#[test]
fn disks_that_are_kept_outlive_the_environment() {
    let mut instance = full("trainer");
    instance.volumes.get_mut("/dev/sdf").unwrap().keep = true;
    let live = live(&instance);
    assert_eq!(live.kept_devices, ["/dev/sdf".to_owned()].into());
    let wanted = desired(&[(instance, 1)]);
    assert!(planned(&wanted, &observed(std::slice::from_ref(&live)), &context()).is_empty());
    let mut loose = live.volumes["/dev/sdf"].as_ref().clone();
    loose.attached_to = None;
    loose.state = "available".to_owned();
    let mut seen = observed(&[]);
    seen.volumes = vec![loose.into()];
    let plan = plan_destroy(&wanted.environment, &seen, &context());
    assert!(plan.steps.is_empty() && matches!(plan.notes[0], Note::KeptVolume(_)));
    let all = Context {
        delete_kept: true,
        ..context()
    };
    let plan = plan_destroy(&wanted.environment, &seen, &all);
    assert!(matches!(plan.steps[0].action, Action::DeleteVolumes(_)));
}

#[test]
fn every_spot_request_of_the_environment_is_cancelled_before_anything_ends() {
    let mut instance = plain("trainer");
    instance.market = Market::Spot;
    let mut lives = there(&instance, &[0]);
    lives[0].spot_request = Some("sir-1".to_owned());
    let mut seen = observed(&lives);
    for id in ["sir-1", "sir-2"] {
        seen.spot_requests.push(crate::resource::SpotRequest {
            id: id.to_owned(),
            instance: None,
            tags: lives[0].tags.clone(),
        });
    }
    let plan = plan_destroy(&EnvironmentName::new("demo"), &seen, &context());
    assert_eq!(audit(&plan), []);
    assert!(matches!(&plan.steps[0].action, Action::CancelSpot(ids) if *ids == ["sir-2"]));
    assert_eq!(plan.steps[1].after, [1].into());
}

#[test]
fn the_request_of_what_was_renamed_goes_with_its_new_name() {
    let mut instance = plain("trainer");
    instance.market = Market::Spot;
    let mut lives = there(&instance, &[0]);
    let tags = lives[0].tags.clone();
    lives[0]
        .tags
        .insert(tag::ENVIRONMENT.to_owned(), "renamed".to_owned());
    lives[0].spot_request = Some("sir-1".to_owned());
    let mut seen = observed(&lives);
    seen.spot_requests.push(crate::resource::SpotRequest {
        id: "sir-1".to_owned(),
        instance: Some(lives[0].id.clone()),
        tags,
    });
    let old = plan_destroy(&EnvironmentName::new("demo"), &seen, &context());
    assert_eq!(old.steps, []);
    let new = plan_destroy(&EnvironmentName::new("renamed"), &seen, &context());
    let [ended] = &new.steps[..] else {
        panic!("{new:?}");
    };
    let doomed = ended.action.doomed().unwrap();
    assert_eq!(doomed[0].spot_request.as_deref(), Some("sir-1"));
}
