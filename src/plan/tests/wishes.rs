//! New names, targets, kept disks and spot requests.

use super::super::fixtures::{address, context, desired, observed};
use super::super::{
    Action, Change, Context, Note, Reason, TargetName, Targets, audit, plan_destroy,
};
use super::{group, planned, there};
use crate::resource::fixtures::{full, live, plain};
use crate::resource::{EnvironmentName, GroupName, Market, tag};

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
