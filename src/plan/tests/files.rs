//! Data sets as steps, notes and refusals.

use super::super::fixtures::{desired, observed, plan_of};
use super::super::{Held, Note, Observed, Refusal, audit};
use super::words;
use crate::resource::fixtures::now;
use crate::resource::{
    Address, Compare, DataPlace, DataSet, Deletion, DeletionLimit, Desired, ObjectOptions,
};
use crate::sync::{
    Change as FileChange, Deleted, Origin, Place, Side, SkipReason, Skipped, SyncPlan,
    TooManyDeletions, Totals, Transfer, Withheld,
};

fn data_set() -> DataSet {
    DataSet {
        from: DataPlace::Folder("/data".into()),
        to: DataPlace::Prefix {
            bucket: "bucket".to_owned(),
            prefix: "data/".to_owned(),
        },
        include: Vec::new(),
        exclude: Vec::new(),
        delete: Deletion::Never,
        archive: None,
        max_delete: DeletionLimit::default(),
        options: ObjectOptions::default(),
        compare: Compare::Content,
    }
}

fn files(keys: &[&str]) -> SyncPlan {
    SyncPlan {
        from: Place::Folder("/data".into()),
        to: Place::prefix("bucket", "data"),
        transfers: keys
            .iter()
            .map(|key| Transfer {
                key: (*key).to_owned(),
                bytes: 5,
                change: FileChange::New,
                origin: Origin::File { modified: now() },
            })
            .collect(),
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
    }
}

fn with_data(names: &[(&str, SyncPlan)]) -> (Desired, Observed) {
    let (mut desired, mut observed) = (desired(&[]), observed(&[]));
    for (name, files) in names {
        let address = Address::Data((*name).to_owned());
        desired.data.insert(address.clone(), data_set());
        observed.data.insert(address, files.clone());
    }
    (desired, observed)
}

#[test]
fn files_that_differ_are_a_step_and_files_that_do_not_are_unchanged() {
    let (desired, observed) = with_data(&[("new", files(&["a", "b"])), ("same", files(&[]))]);
    let plan = plan_of(&desired, &observed);
    assert_eq!(words(&plan), ["sync data.new: files-differ"]);
    assert_eq!(plan.unchanged, [Address::Data("same".to_owned())]);
    let summary = plan.summary();
    assert_eq!((summary.transfer_files, summary.transfer_bytes), (2, 10));
    assert_eq!(audit(&plan), []);
}

#[test]
fn files_left_out_and_deletions_withheld_are_noted() {
    let mut files = files(&[]);
    files.skipped = vec![Skipped {
        key: "x".to_owned(),
        side: Side::From,
        reason: SkipReason::BrokenLink,
    }];
    files.withheld = Some(Withheld::UnreadableFolder("private".to_owned()));
    files.region = Some("us-west-2".to_owned());
    let (desired, observed) = with_data(&[("set", files)]);
    let address = Address::Data("set".to_owned());
    assert_eq!(
        plan_of(&desired, &observed).notes,
        [
            Note::FilesSkipped {
                address: address.clone(),
                count: 1,
                first: "x: the symbolic link leads nowhere".to_owned(),
            },
            Note::OtherRegion {
                address: address.clone(),
                region: "us-west-2".to_owned(),
            },
            Note::DeletionsWithheld {
                address,
                reason: "nothing is deleted, because the folder `private` cannot be read"
                    .to_owned(),
            },
        ]
    );
}

#[test]
fn files_of_the_source_that_cannot_be_read_are_held() {
    let mut files = files(&[]);
    let unreadable = Skipped {
        key: "x".to_owned(),
        side: Side::From,
        reason: SkipReason::UnreadableFile("permission denied".to_owned()),
    };
    files.skipped = vec![unreadable.clone(), unreadable];
    let (desired, mut observed) = with_data(&[("set", files)]);
    let plan = plan_of(&desired, &observed);
    let held = Held::Unreadable {
        address: Address::Data("set".to_owned()),
        count: 2,
        first: "x: cannot be read: permission denied".to_owned(),
    };
    assert_eq!(plan.held, [held]);
    assert!(plan.notes.is_empty() && !plan.is_empty());
    // At the target it is no loss.
    for files in observed.data.values_mut() {
        for skipped in &mut files.skipped {
            skipped.side = Side::To;
        }
    }
    let plan = plan_of(&desired, &observed);
    assert_eq!((plan.held.len(), plan.notes.len()), (0, 1));
}

#[test]
fn more_deletions_than_a_data_set_allows_refuse_the_plan() {
    let refusal = |limit: &str, deletions: u64| {
        let mut files = files(&[]);
        files.same.files = 9;
        files.deletions = (0..deletions)
            .map(|number| Deleted {
                key: number.to_string(),
                bytes: 1,
                modified: now(),
            })
            .collect();
        let (mut desired, observed) = with_data(&[("set", files)]);
        for set in desired.data.values_mut() {
            set.max_delete = limit.parse().unwrap();
        }
        plan_of(&desired, &observed).refusal
    };
    assert_eq!(refusal("50%", 9), None);
    assert_eq!(refusal("1", 1), None);
    assert_eq!(refusal("0", 0), None);
    let excess = |deletions, allowed| {
        Some(Refusal::TooManyDeletions {
            address: Address::Data("set".to_owned()),
            excess: TooManyDeletions {
                deletions,
                there: 9 + deletions,
                allowed,
            },
        })
    };
    assert_eq!(refusal("50%", 11), excess(11, 10));
    assert_eq!(refusal("10%", 2), excess(2, 1));
    assert_eq!(refusal("0", 1), excess(1, 0));
}
