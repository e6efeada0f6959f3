//! Types, markets and zones: what a launch tries, and how long.

use std::collections::BTreeSet;

use super::super::fixtures::{context, desired, observed, resolution};
use super::super::{Action, Context, Launch, Note, Reason, Resolution, unfit_groups, wanted};
use super::{group, launches, planned, planned_with, there};
use crate::resource::fixtures::{first_type, image, live, machine, mark, now, plain, types};
use crate::resource::{ImageSelector, MachineSelector, Market, Need, Placement, Purchase, tag};

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
