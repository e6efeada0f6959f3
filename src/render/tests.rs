//! What people see of a plan, one snapshot for each thing that can stand in it.

use insta::assert_snapshot;
use jiff::SignedDuration;

use super::{escape, plan_markdown, plan_text, table};
use crate::plan::fixtures::{address, context, desired, environment, observed, plan_of};
use crate::plan::{
    Action, Context, Held, Note, Observed, OtherEnvironment, Plan, Reason, Refusal, VolumeFacts,
    plan_destroy,
};
use crate::resource::fixtures::{ago, disk, full, identity, launched, live, now, plain, types};
use crate::resource::{
    Address, Compare, DataPlace, DataSet, Deletion, DeletionLimit, Instance, InstanceId,
    LiveInstance, ObjectOptions, Size, VolumeId,
};
use crate::sync::{Change as FileChange, Deleted, Origin, Place, SyncPlan, Totals, Transfer, Why};

/// The text without its styles.
fn bare(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + piece.split_once('m').map_or("", |(_, rest)| rest)
    })
}

fn shown(plan: &Plan) -> String {
    bare(&plan_text(plan, &[]))
}

fn there(instance: &Instance, count: u32) -> Vec<LiveInstance> {
    let ordinals: Vec<u32> = (0..count).collect();
    launched(instance, &identity(instance, &ordinals), 0, ago(3_600))
}

/// The plan for an edit of what runs already.
fn edited(count: u32, edit: impl FnOnce(&mut Instance)) -> Plan {
    let before = full("trainer");
    let mut after = before.clone();
    edit(&mut after);
    let mut lives = there(&before, count);
    for live in &mut lives {
        live.user_data.clone_from(&before.user_data);
    }
    plan_of(&desired(&[(after, count)]), &observed(&lives))
}

#[test]
fn launches() {
    let plan = plan_of(
        &desired(&[(full("eval"), 1), (plain("trainer"), 12)]),
        &observed(&[]),
    );
    assert_snapshot!(shown(&plan));
}

#[test]
fn a_metadata_service_that_does_not_answer_is_said_to_be_off() {
    let mut instance = plain("trainer");
    instance.metadata.enabled = false;
    let text = shown(&plan_of(&desired(&[(instance, 1)]), &observed(&[])));
    assert!(text.contains("metadata         off\n"), "{text}");
}

#[test]
fn updates_that_are_alike_stand_on_one_line() {
    assert_snapshot!(shown(&edited(3, |it| {
        it.tags.insert("team".to_owned(), "vision".to_owned());
        it.tags.remove("owner");
        it.disk.as_mut().unwrap().size = Some(Size::from_gibibytes(200));
        it.protect = true;
    })));
}

#[test]
fn restarts() {
    assert_snapshot!(shown(&edited(2, |it| {
        it.machine = types(&["g5.12xlarge"]);
        it.metadata.hop_limit = 1;
    })));
}

#[test]
fn replacements_show_user_data_line_by_line() {
    assert_snapshot!(shown(&edited(2, |it| {
        it.user_data = Some("#!/bin/sh\nset -e\necho hello\n".to_owned());
        it.key = None;
        it.volumes.insert("/dev/sdg".to_owned(), disk("9 GiB"));
    })));
}

#[test]
fn user_data_that_cannot_be_read_is_said_to_be() {
    let mut after = full("trainer");
    after.user_data = None;
    let plan = plan_of(
        &desired(&[(after, 1)]),
        &observed(&there(&full("trainer"), 1)),
    );
    assert_snapshot!(shown(&plan));
}

#[test]
fn deletions_and_duplicates() {
    let instance = plain("trainer");
    let mut lives = there(&instance, 3);
    lives.extend(launched(&instance, &identity(&instance, &[0]), 1, ago(60)));
    let plan = plan_of(&desired(&[(instance, 1)]), &observed(&lives));
    assert_snapshot!(shown(&plan));
}

#[test]
fn nothing_to_do() {
    let instance = plain("trainer");
    let plan = plan_of(
        &desired(&[(instance.clone(), 4)]),
        &observed(&there(&instance, 4)),
    );
    assert_snapshot!(shown(&plan));
    let plan = plan_of(&desired(&[]), &observed(&[]));
    assert_snapshot!("nothing_at_all", shown(&plan));
}

fn file(key: &str, bytes: u64, change: FileChange) -> Transfer {
    Transfer {
        key: key.to_owned(),
        bytes,
        change,
        origin: Origin::File { modified: now() },
    }
}

fn with_files(transfers: Vec<Transfer>, deletions: &[&str]) -> Plan {
    let address = Address::Data("mockups".to_owned());
    let (mut desired, mut observed) = (desired(&[]), observed(&[]));
    let data = DataSet {
        from: DataPlace::Folder("/data".into()),
        to: DataPlace::Prefix {
            bucket: "bucket".to_owned(),
            prefix: "data/".to_owned(),
        },
        include: Vec::new(),
        exclude: Vec::new(),
        delete: Deletion::Extra,
        archive: None,
        max_delete: DeletionLimit::Percent(100),
        options: ObjectOptions::default(),
        compare: Compare::Content,
    };
    let files = SyncPlan {
        from: Place::Folder("/data".into()),
        to: Place::prefix("bucket", "data"),
        transfers: transfers.into(),
        deletions: deletions
            .iter()
            .map(|key| Deleted {
                key: (*key).to_owned(),
                bytes: 7,
                modified: now(),
            })
            .collect(),
        withheld: None,
        same: Totals {
            files: 9,
            bytes: 99,
        },
        skipped: Vec::new(),
        kept: Totals::default(),
        leftovers: Vec::new(),
        archive: None,
        options: ObjectOptions::default(),
        case_conflicts: Vec::new(),
        region: None,
    };
    desired.data.insert(address.clone(), data);
    observed.data.insert(address, files);
    plan_of(&desired, &observed)
}

#[test]
fn files() {
    let transfers = vec![
        file("a.png", 1_500, FileChange::New),
        file("b.png", 5 << 30, FileChange::Changed(Why::Content)),
        file("c.png", 1, FileChange::New),
        file("d.png", 2 << 20, FileChange::New),
    ];
    assert_snapshot!(shown(&with_files(transfers, &["old.png"])));
}

#[test]
fn many_deletions_are_counted_and_not_all_named() {
    let names: Vec<String> = (0..60).map(|number| format!("{number:02}.png")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = shown(&with_files(Vec::new(), &names));
    assert!(text.contains("and 10 more"), "{text}");
    assert!(text.contains("60 files to delete."), "{text}");
}

/// What nobody but the planner can make all at once.
fn with_everything_held() -> Plan {
    let mut plan = plan_of(&desired(&[]), &observed(&[]));
    let id = InstanceId::new("i-0123456789abcdef0");
    let until = now().checked_add(SignedDuration::from_secs(20)).unwrap();
    plan.held = vec![
        Held::NotYetVisible {
            address: address("trainer", 1),
            until,
        },
        Held::Unproven {
            id: id.clone(),
            reason: "its tag trainyard:group is missing".to_owned(),
        },
        Held::Protected {
            address: address("trainer", 2),
            id,
            withheld: "not terminated".to_owned(),
        },
        Held::Unresolved {
            address: address("trainer", 3),
            what: "the image ssm:/a/b".to_owned(),
        },
        Held::Blocked {
            address: address("trainer", 4),
            by: InstanceId::new("i-0123456789abcdef0"),
        },
        Held::Unreadable {
            address: Address::Data("mockups".to_owned()),
            count: 2,
            first: "x: cannot be read: permission denied".to_owned(),
        },
    ];
    plan.notes = vec![
        Note::KeepsLease {
            address: address("trainer", 0),
            lease: Some("3d".parse().unwrap()),
        },
        Note::KeepsLease {
            address: address("trainer", 1),
            lease: Some("3d".parse().unwrap()),
        },
        Note::KeepsLease {
            address: address("trainer", 5),
            lease: None,
        },
        Note::LooseVolume(VolumeFacts {
            id: VolumeId::new("vol-0123456789abcdef0"),
            gibibytes: 150,
            devices: Vec::new(),
            group: None,
            ordinals: [].into_iter().collect(),
        }),
        Note::DeletionsWithheld {
            address: Address::Data("mockups".to_owned()),
            reason: "nothing is deleted, because the folder `x` cannot be read".to_owned(),
        },
        Note::FilesSkipped {
            address: Address::Data("mockups".to_owned()),
            count: 2,
            first: "a: the symbolic link leads nowhere".to_owned(),
        },
    ];
    plan.lease_ends = Some(ago(90));
    plan.refusal = Some(Refusal::LeaseOver {
        ended: Some(ago(90)),
    });
    plan
}

fn others() -> Vec<OtherEnvironment> {
    let of = |name: &str, lease_ends| OtherEnvironment {
        environment: name.to_owned(),
        instances: 1,
        loose_volumes: 0,
        lease_ends,
    };
    vec![
        of("forgotten", None),
        OtherEnvironment {
            instances: 0,
            loose_volumes: 2,
            ..of("leftover", None)
        },
        of(
            "other",
            now().checked_add(SignedDuration::from_hours(5)).ok(),
        ),
    ]
}

#[test]
fn what_is_left_alone_and_why() {
    let text = plan_text(&with_everything_held(), &others());
    assert_snapshot!(bare(&text));
}

/// Instances of two groups with kept disks, and two kept disks that are attached to nothing.
fn with_kept_disks() -> (Instance, Observed) {
    let mut trainer = full("trainer");
    trainer.disk.as_mut().unwrap().keep = true;
    trainer.volumes.get_mut("/dev/sdf").unwrap().keep = true;
    let mut kept = disk("1 TiB");
    kept.keep = true;
    trainer.volumes.insert("/dev/sdg".to_owned(), kept);
    let mut seen = observed(&[there(&trainer, 2), there(&plain("eval"), 1)].concat());
    let mut old = trainer.clone();
    old.group = crate::resource::GroupName::new("old");
    old.volumes.remove("/dev/sdg");
    for live in there(&old, 2) {
        let mut volume = live.volumes["/dev/sdf"].as_ref().clone();
        volume.attached_to = None;
        seen.volumes.push(volume.into());
    }
    (trainer, seen)
}

#[test]
fn an_end_says_which_disks_are_kept_and_a_deletion_of_them_counts_them() {
    let (_, seen) = with_kept_disks();
    assert_snapshot!(shown(&plan_destroy(&environment(), &seen, &context())));
    let all = Context {
        delete_kept: true,
        ..context()
    };
    let plan = plan_destroy(&environment(), &seen, &all);
    assert_eq!(crate::plan::audit(&plan), []);
    assert_snapshot!("an_end_with_its_kept_disks", shown(&plan));
}

#[test]
fn kept_disks_are_not_lost_when_their_instance_is_replaced_or_goes() {
    let (mut trainer, mut seen) = with_kept_disks();
    for live in &mut seen.instances {
        let live = std::sync::Arc::make_mut(live);
        live.user_data.clone_from(&trainer.user_data);
    }
    trainer.key = None;
    let plan = plan_of(&desired(&[(trainer, 1)]), &seen);
    assert_snapshot!(shown(&plan));
}

#[test]
fn the_end_of_an_environment() {
    let mut instance = plain("trainer");
    instance.protect = true;
    let mut seen = observed(&there(&instance, 2));
    let mut volume = live(&full("eval")).volumes["/dev/sdf"].as_ref().clone();
    volume.attached_to = None;
    seen.volumes.push(volume.into());
    let context = Context {
        lift_protection: true,
        ..context()
    };
    let plan = plan_destroy(&environment(), &seen, &context);
    assert_snapshot!(shown(&plan));
}

/// Rewrites the screen, hides, reorders, ends a line, and ends a fence.
const HOSTILE: &str = "x\u{1b}]52;c;y\u{7}\r\n\u{202e}\u{2066}\u{200b}\u{61c}\u{9b}2J````";

/// A plan with foreign text wherever foreign text can be.
fn hostile() -> Plan {
    let bad = || HOSTILE.to_owned();
    let mut before = full("trainer");
    before.tags.insert(bad(), bad());
    before.key = Some(bad());
    before.iam_profile = Some(bad());
    before.volumes.insert(bad(), disk("9 GiB"));
    before.security_groups = [bad()].into();
    before.user_data = Some(format!("#!/bin/sh\n{HOSTILE}\n"));
    let mut replaced = there(&before, 1);
    replaced[0].user_data.clone_from(&before.user_data);
    let mut updated = full("updated");
    updated.tags.insert("k".to_owned(), bad());
    let mut lives = [replaced, there(&updated, 1), there(&plain("gone"), 1)].concat();
    lives[2].id = InstanceId::new(HOSTILE);
    for volume in lives[2].volumes.values_mut().map(std::sync::Arc::make_mut) {
        volume.attached_to = Some(InstanceId::new(HOSTILE));
    }
    let mut after = before.clone();
    after.user_data = Some(format!("#!/bin/sh\n{HOSTILE}{HOSTILE}\n"));
    after.key = None;
    updated.tags.clear();
    let mut created = before;
    created.group = crate::resource::GroupName::new("created");
    created.image = crate::resource::ImageSelector::Ssm(bad());
    created.machine = types(&[&bad()]);
    let mut plan = plan_of(
        &desired(&[(after, 1), (updated, 1), (created, 1)]),
        &observed(&lives),
    );
    for step in &mut plan.steps {
        if let Action::Launch(launch) = &mut step.action {
            launch.image.name = bad();
            launch.image.id = bad();
            launch.image.created = bad();
            launch.image.architecture = bad();
        }
    }
    let files = with_files(vec![file(HOSTILE, 1, FileChange::New)], &[HOSTILE]);
    plan.steps.extend(files.steps);
    let mut step = plan.steps[0].clone();
    step.action = Action::DeleteVolumes(vec![VolumeId::new(HOSTILE)]);
    step.reason = Reason::Leftover;
    plan.steps.push(step);
    plan.held = vec![
        Held::Unproven {
            id: InstanceId::new(HOSTILE),
            reason: bad(),
        },
        Held::Unresolved {
            address: address("trainer", 0),
            what: bad(),
        },
    ];
    plan.notes = vec![Note::FilesSkipped {
        address: Address::Data("a".to_owned()),
        count: 1,
        first: bad(),
    }];
    plan
}

#[test]
fn nothing_foreign_reaches_a_terminal_as_it_is() {
    let others = [OtherEnvironment {
        environment: HOSTILE.to_owned(),
        instances: 1,
        loose_volumes: 0,
        lease_ends: None,
    }];
    let plan = hostile();
    for text in [plan_text(&plan, &others), plan_markdown(&plan, &others)] {
        let marks = text.matches("]52;c;y").count();
        assert!(marks >= 20, "{marks} in {text}");
        for letter in HOSTILE.chars().filter(|letter| *letter != '\n') {
            if letter.is_control() && letter != '\u{1b}' || !letter.is_ascii() {
                assert!(!text.contains(letter), "{letter:?}");
            }
        }
        // Of escapes only our own styles are left.
        for piece in text.split('\u{1b}').skip(1) {
            let style = piece
                .strip_prefix('[')
                .and_then(|rest| rest.split_once('m'));
            let digits = style.is_some_and(|(digits, _)| {
                digits
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b';')
            });
            assert!(digits, "{piece:?}");
        }
        // No line begins with foreign text: a line break would have cut it off.
        assert!(text.lines().all(|line| !line.starts_with("\\u{202e}")));
    }
}

#[test]
fn no_text_ends_the_fence_of_a_comment() {
    let text = plan_markdown(&hostile(), &[]);
    let fences: Vec<&str> = text
        .lines()
        .filter(|line| line.trim_end_matches("text").chars().all(|it| it == '`') && line.len() > 3)
        .collect();
    let [open, close] = fences[..] else {
        panic!("{fences:?}");
    };
    let longest = text
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap();
    assert_eq!(open, format!("{close}text"));
    assert_eq!(close.len(), longest, "no run is as long as the fence");
    let inside = text.split(close).nth(1).unwrap();
    assert!(inside.contains("````"));
    assert!(!text.contains('\u{1b}'), "a comment has no styles");
}

#[test]
fn a_comment_begins_with_its_summary() {
    let plan = plan_of(&desired(&[(plain("trainer"), 1)]), &observed(&[]));
    assert_snapshot!(plan_markdown(&plan, &[]));
}

#[test]
fn columns_stand_below_each_other_whatever_is_in_them() {
    let rows = [
        ["NAME", "日本語", "x"],
        ["größe", "b", "y"],
        ["\u{1b}[32mok\u{1b}[0m", "\u{1b}[1m日\u{1b}[0m", "z"],
        ["", "e\u{301}", "w"],
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
        .collect();
    let text = bare(&table(&rows));
    let columns = |line: &str| {
        let place = line.rfind(['x', 'y', 'z', 'w']).unwrap();
        unicode_width::UnicodeWidthStr::width(&line[..place])
    };
    let places: Vec<usize> = text.lines().map(columns).collect();
    assert_eq!(places, [15, 15, 15, 15]);
    assert!(text.lines().all(|line| line == line.trim_end()));
}

#[test]
fn tables_of_nothing_and_of_ragged_rows_are_no_trouble() {
    assert_eq!(table(&[]), "");
    let row = |cells: &[&str]| -> Vec<String> { cells.iter().map(|it| (*it).to_owned()).collect() };
    assert_eq!(
        table(&[row(&["a"]), row(&["bb", "c"]), row(&[])]),
        "a\nbb  c\n\n"
    );
}

proptest::proptest! {
    #[test]
    fn escaped_text_is_harmless_and_escaping_it_again_changes_nothing(text in ".{0,60}\\PC{0,9}") {
        let safe = escape(&text);
        proptest::prop_assert!(!safe.chars().any(char::is_control));
        proptest::prop_assert_eq!(escape(&safe), safe);
    }
}
