//! Every field: which change it gives, and with which effect.

use super::super::fixtures::{disk, full, live, mark, plain, types};
use super::super::{
    Disk, DiskKind, Effect, ImageSelector, Instance, InstanceState, LiveInstance, LiveMetadata,
    LiveSecurityGroup, LiveVolume, Placement, Tokens, Value, VolumeId,
};
use super::{Known, diff, in_place_changes};

/// Field, before, after and effect as one line each.
fn lines(desired: &Instance, live: &LiveInstance) -> Vec<String> {
    diff(desired, live, &mark(live), Known::default())
        .into_iter()
        .map(|change| {
            let (before, after) = (change.before, change.after);
            format!("{}: {before} -> {after}, {:?}", change.field, change.effect)
        })
        .collect()
}

/// What an edit of the full spec changes on an instance that was launched from it.
fn edited(edit: impl FnOnce(&mut Instance)) -> Vec<String> {
    let live = live(&full("trainer"));
    let mut desired = full("trainer");
    edit(&mut desired);
    lines(&desired, &live)
}

/// What a change on AWS differs in from the full spec.
fn drifted(drift: impl FnOnce(&mut LiveInstance)) -> Vec<String> {
    let mut live = live(&full("trainer"));
    drift(&mut live);
    lines(&full("trainer"), &live)
}

fn root(instance: &mut Instance) -> &mut Disk {
    instance.disk.as_mut().unwrap()
}

#[test]
fn what_was_launched_from_a_spec_does_not_differ_from_it() {
    for instance in [plain("trainer"), full("trainer")] {
        let live = live(&instance);
        assert_eq!(lines(&instance, &live), Vec::<String>::new());
    }
}

type Edit = fn(&mut Instance);

fn each_gives(table: &[(&str, Edit)]) {
    for (expected, edit) in table {
        assert_eq!(edited(edit), [*expected]);
    }
}

#[test]
fn every_edit_of_the_machine_gives_its_own_change() {
    each_gives(&[
        (
            "image: name:amazon/deep-learning-* -> ssm:/a/b, Replace",
            |it| it.image = ImageSelector::Ssm("/a/b".to_owned()),
        ),
        ("type: g5.xlarge -> g5.2xlarge, Restart", |it| {
            it.machine = types(&["g5.2xlarge"]);
        }),
        ("zone: eu-central-1a -> eu-central-1c, Replace", |it| {
            it.placement = Placement::Zone("eu-central-1c".to_owned());
        }),
        (
            "subnet: subnet-0123456789abcdef0 -> subnet-1, Replace",
            |it| it.placement = Placement::Subnet("subnet-1".to_owned()),
        ),
        ("iam_profile: trainer -> other, InPlace", |it| {
            it.iam_profile = Some("other".to_owned());
        }),
        ("iam_profile: trainer -> (none), InPlace", |it| {
            it.iam_profile = None;
        }),
        (
            "security_groups: [training] -> [other, training], InPlace",
            |it| {
                it.security_groups.insert("other".to_owned());
            },
        ),
        ("key: alex -> kim, Replace", |it| {
            it.key = Some("kim".to_owned());
        }),
        ("key: alex -> (none), Replace", |it| it.key = None),
        ("disk.size: 150 GiB -> 151 GiB, InPlace", |it| {
            root(it).size = Some("151 GiB".parse().unwrap());
        }),
        ("disk.size: 150 GiB -> 149 GiB, Replace", |it| {
            root(it).size = Some("149 GiB".parse().unwrap());
        }),
        ("disk.type: gp3 -> io2, InPlace", |it| {
            root(it).kind = DiskKind::Io2;
        }),
        ("disk.iops: 3000 -> 4000, InPlace", |it| {
            root(it).iops = Some(4_000);
        }),
        ("disk.throughput: 125 MiB/s -> 250 MiB/s, InPlace", |it| {
            root(it).throughput = Some("250 MiB/s".parse().unwrap());
        }),
        ("volumes./dev/sdf.size: 500 GiB -> 501 GiB, InPlace", |it| {
            it.volumes.insert("/dev/sdf".to_owned(), disk("501 GiB"));
        }),
        ("volumes./dev/sdg: (none) -> 1 GiB, Replace", |it| {
            it.volumes.insert("/dev/sdg".to_owned(), disk("1 GiB"));
        }),
        ("volumes./dev/sdf: 500 GiB -> (none), Replace", |it| {
            it.volumes.clear();
        }),
    ]);
}

#[test]
fn every_edit_of_its_surroundings_gives_its_own_change() {
    each_gives(&[
        ("metadata.tokens: required -> optional, InPlace", |it| {
            it.metadata.tokens = Tokens::Optional;
        }),
        ("metadata.hop_limit: 2 -> 3, InPlace", |it| {
            it.metadata.hop_limit = 3;
        }),
        ("metadata.enabled: true -> false, InPlace", |it| {
            it.metadata.enabled = false;
        }),
        ("user_data: (not readable) -> (1 lines), Replace", |it| {
            it.user_data = Some("#!/bin/bash\n".to_owned());
        }),
        ("user_data: (not readable) -> (none), Replace", |it| {
            it.user_data = None;
        }),
        ("protect: false -> true, InPlace", |it| it.protect = true),
        ("tags.team: (none) -> vision, InPlace", |it| {
            it.tags.insert("team".to_owned(), "vision".to_owned());
        }),
        ("tags.owner: alex -> kim, InPlace", |it| {
            it.tags.insert("owner".to_owned(), "kim".to_owned());
        }),
        ("tags.owner: alex -> (none), InPlace", |it| {
            it.tags.remove("owner");
        }),
    ]);
}

#[test]
fn what_cannot_or_need_not_follow_an_edit_is_no_difference() {
    // The guest's timer was armed at launch.
    let lease = edited(|it| it.lease = "3d".parse().unwrap());
    assert_eq!(lease, Vec::<String>::new());
    // An account can encrypt everything, whatever a spec says.
    let encrypted = edited(|it| root(it).encrypted = Some(false));
    assert_eq!(encrypted, Vec::<String>::new());
}

type Drift = fn(&mut LiveInstance);

#[test]
fn every_drift_is_seen() {
    let table: &[(&str, Drift)] = &[
        ("state: stopped -> running, Restart", |it| {
            it.state = InstanceState::Stopped;
        }),
        ("state: stopping -> running, Restart", |it| {
            it.state = InstanceState::Stopping;
        }),
        ("type: t3.nano -> g5.xlarge, Restart", |it| {
            it.instance_type = "t3.nano".to_owned();
        }),
        ("iam_profile: (none) -> trainer, InPlace", |it| {
            it.iam_profile = None;
        }),
        (
            "security_groups: [open, training] -> [training], InPlace",
            |it| {
                it.security_groups.insert(LiveSecurityGroup {
                    id: "sg-0".to_owned(),
                    name: "open".to_owned(),
                });
            },
        ),
        ("disk.encrypted: false -> true, Replace", |it| {
            std::sync::Arc::make_mut(it.volumes.get_mut("/dev/xvda").unwrap()).encrypted = false;
        }),
        ("volumes./dev/sdf: (none) -> 500 GiB, Replace", |it| {
            it.volumes.remove("/dev/sdf");
            it.devices.remove("/dev/sdf");
        }),
        ("metadata.tokens: optional -> required, InPlace", |it| {
            it.metadata = it.metadata.map(|metadata| LiveMetadata {
                tokens: Tokens::Optional,
                ..metadata
            });
        }),
        ("tags.owner: mallory -> alex, InPlace", |it| {
            it.tags.insert("owner".to_owned(), "mallory".to_owned());
        }),
        ("tags.owner: (none) -> alex, InPlace", |it| {
            it.tags.remove("owner");
        }),
    ];
    for (expected, drift) in table {
        assert_eq!(drifted(drift), [*expected]);
    }
}

#[test]
fn what_is_on_its_way_or_unknown_is_no_difference() {
    let table: &[(&str, Drift)] = &[
        ("pending", |it| it.state = InstanceState::Pending),
        ("a state of the future", |it| {
            it.state = InstanceState::Unknown;
        }),
        ("another image with the same question", |it| {
            it.image_id = "ami-0fedcba9876543210".to_owned();
        }),
        ("a listing without metadata options", |it| {
            it.metadata = None;
        }),
        ("a listing without the root disk", |it| {
            it.volumes.remove("/dev/xvda");
        }),
        ("a tag of somebody else", |it| {
            it.tags.insert("billing:center".to_owned(), "7".to_owned());
        }),
        ("a volume attached by hand", |it| {
            let volume = LiveVolume {
                id: VolumeId::new("vol-0"),
                tags: std::collections::BTreeMap::new(),
                ..it.volumes["/dev/sdf"].as_ref().clone()
            };
            it.volumes.insert("/dev/sdz".to_owned(), volume.into());
        }),
    ];
    for (name, drift) in table {
        assert_eq!(drifted(drift), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_volume_that_no_listing_shows_yet_is_no_difference() {
    // The launch made it, the listing of volumes lags: unknown is never absent.
    let changes = drifted(|it| {
        it.volumes.remove("/dev/sdf");
    });
    assert_eq!(changes, Vec::<String>::new());
    // While it is being started, the instance itself may not name it yet either.
    let changes = drifted(|it| {
        it.state = InstanceState::Pending;
        it.volumes.clear();
        it.devices.clear();
    });
    assert_eq!(changes, Vec::<String>::new());
}

#[test]
fn what_the_spec_does_not_state_is_not_compared() {
    let mut live = live(&plain("trainer"));
    live.zone = Some("eu-central-1c".to_owned());
    live.subnet = Some("subnet-2".to_owned());
    live.security_groups.insert(LiveSecurityGroup {
        id: "sg-1".to_owned(),
        name: "other".to_owned(),
    });
    let root = std::sync::Arc::make_mut(live.volumes.get_mut("/dev/xvda").unwrap());
    root.gibibytes = 99;
    root.kind = "io1".to_owned();
    root.encrypted = true;
    assert_eq!(lines(&plain("trainer"), &live), Vec::<String>::new());
    // A disk of which only the type is stated is compared in its type alone.
    let mut desired = plain("trainer");
    desired.disk = Some(Disk {
        size: None,
        kind: DiskKind::Gp3,
        iops: None,
        throughput: None,
        encrypted: None,
        keep: false,
    });
    assert_eq!(
        lines(&desired, &live),
        ["disk.type: io1 -> gp3, InPlace".to_owned()]
    );
}

#[test]
fn a_metadata_service_that_is_off_has_no_other_figures() {
    let mut instance = plain("trainer");
    instance.metadata.enabled = false;
    let mut live = live(&instance);
    live.metadata = live.metadata.map(|metadata| LiveMetadata {
        tokens: Tokens::Optional,
        hop_limit: 1,
        ..metadata
    });
    assert_eq!(lines(&instance, &live), Vec::<String>::new());
}

#[test]
fn volumes_that_the_image_brings_along_are_not_the_specs() {
    let mut live = live(&plain("trainer"));
    let volume = live.volumes["/dev/xvda"].as_ref().clone();
    assert!(volume.tags.contains_key(super::super::tag::ENVIRONMENT));
    live.volumes.insert("/dev/sdb".to_owned(), volume.into());
    assert_eq!(lines(&plain("trainer"), &live), Vec::<String>::new());
}

#[test]
fn a_security_group_may_be_named_by_id_or_by_name() {
    let wanted = full("trainer");
    let live = live(&wanted);
    let group = live.security_groups.first().unwrap();
    for name in [group.id.clone(), group.name.clone()] {
        let mut desired = wanted.clone();
        desired.security_groups = [name].into();
        assert_eq!(lines(&desired, &live), Vec::<String>::new());
    }
}

#[test]
fn an_image_is_replaced_when_the_question_changes_and_not_when_the_answer_does() {
    let live = live(&plain("trainer"));
    let mut desired = plain("trainer");
    for (image, differs) in [
        (ImageSelector::Id(live.image_id.clone()), false),
        (ImageSelector::Id("ami-00000000".to_owned()), true),
        (
            ImageSelector::Name {
                pattern: "deep-learning-*".to_owned(),
                owner: "self".to_owned(),
            },
            true,
        ),
    ] {
        desired.image = image;
        assert_eq!(!lines(&desired, &live).is_empty(), differs, "{desired:?}");
    }
}

#[test]
fn selectors_that_fit_no_tag_are_pinned_by_their_digest() {
    let long = |letter: char| ImageSelector::Ssm(format!("/{}", letter.to_string().repeat(400)));
    let mut instance = plain("trainer");
    instance.image = long('a');
    let live = live(&instance);
    assert!(instance.image.tag_value().len() <= 255);
    assert_eq!(lines(&instance, &live), Vec::<String>::new());
    instance.image = long('b');
    assert_eq!(lines(&instance, &live).len(), 1);
}

#[test]
fn tags_merge_three_ways() {
    // (wanted by the spec, set by us before, there now) and what is said of it.
    let table = [
        (Some("a"), true, Some("a"), None),
        (Some("a"), false, Some("a"), None),
        (Some("a"), true, Some("b"), Some("tags.k: b -> a, InPlace")),
        (Some("a"), false, Some("b"), Some("tags.k: b -> a, InPlace")),
        (Some("a"), true, None, Some("tags.k: (none) -> a, InPlace")),
        (Some("a"), false, None, Some("tags.k: (none) -> a, InPlace")),
        (None, true, Some("b"), Some("tags.k: b -> (none), InPlace")),
        (None, true, None, None),
        (None, false, Some("b"), None),
        (None, false, None, None),
    ];
    for (wanted, set_before, there, expected) in table {
        let mut before = plain("trainer");
        if set_before {
            before.tags.insert("k".to_owned(), "a".to_owned());
        }
        let mut live = live(&before);
        live.tags.remove("k");
        live.tags
            .extend(there.map(|it| ("k".to_owned(), it.to_owned())));
        let mut desired = plain("trainer");
        desired
            .tags
            .extend(wanted.map(|it| ("k".to_owned(), it.to_owned())));
        let expected: Vec<String> = expected.map(str::to_owned).into_iter().collect();
        let case = (wanted, set_before, there);
        assert_eq!(lines(&desired, &live), expected, "{case:?}");
    }
}

#[test]
fn user_data_is_shown_where_it_could_be_read() {
    let mut live = live(&full("trainer"));
    live.user_data = full("trainer").user_data;
    let mut desired = full("trainer");
    desired.user_data = Some("#!/bin/sh\necho other\n".to_owned());
    let changes = diff(&desired, &live, &mark(&live), Known::default());
    let before = Value::Lines("#!/bin/sh\necho hello\n".to_owned());
    assert_eq!((changes.len(), &changes[0].before), (1, &before));
    // Where there was none, none could be read, and that is known.
    let live = super::super::fixtures::live(&plain("trainer"));
    let changes = diff(
        &Instance {
            user_data: desired.user_data,
            ..plain("trainer")
        },
        &live,
        &mark(&live),
        Known::default(),
    );
    assert_eq!((changes.len(), &changes[0].before), (1, &Value::Absent));
}

#[test]
fn only_in_place_changes_are_in_place() {
    let live = live(&full("trainer"));
    let mut desired = full("trainer");
    desired.tags.clear();
    let mut changes = diff(&desired, &live, &mark(&live), Known::default());
    assert!(changes.len() == 2 && in_place_changes(&changes));
    desired.machine = types(&["t3.nano"]);
    changes = diff(&desired, &live, &mark(&live), Known::default());
    assert!(!in_place_changes(&changes));
    assert!(Effect::InPlace < Effect::Restart && Effect::Restart < Effect::Replace);
}
