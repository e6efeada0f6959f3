use jiff::Timestamp;

use super::*;
use crate::sync::Place;
use crate::sync::stamp::Stamp;

fn object(key: &str) -> RemoteObject {
    RemoteObject {
        key: key.to_owned(),
        size: 1,
        modified: Timestamp::UNIX_EPOCH,
        etag: None,
        archived: None,
    }
}

fn file(key: &str) -> LocalFile {
    LocalFile {
        key: key.to_owned(),
        size: 1,
        modified: Timestamp::UNIX_EPOCH,
        stamp: Stamp {
            device: 0,
            inode: 0,
            size: 1,
            modified: (0, 0),
            changed: (0, 0),
        },
        link: false,
    }
}

fn unreadable(key: &str) -> Joined {
    Joined::SkippedLocal {
        key: key.to_owned(),
        reason: SkipReason::UnreadableFolder("permission denied".to_owned()),
    }
}

fn close(direction: Direction, delete: Deletion, found: Vec<Joined>) -> SyncPlan {
    let mut tally = Tally::new(direction, delete, Policy::default());
    for joined in found {
        assert!(tally.add(joined).is_none());
    }
    let (folder, prefix) = (
        Place::Folder("here".into()),
        Place::prefix("bucket", "data"),
    );
    tally.close(&match direction {
        Direction::Up => Request::new(folder, prefix),
        Direction::Down => Request::new(prefix, folder),
    })
}

/// Where case is folded a new file is the one that has its name in another case: what was found
/// to be there must not be deleted then.
#[test]
fn a_file_of_a_name_in_another_case_is_left_alone() {
    let (folder, prefix) = (Place::Folder("here".into()), Place::prefix("bucket", "a"));
    for folds in [false, true] {
        let mut tally = Tally::new(Direction::Down, Deletion::Extra, Policy::default());
        tally.on_case_conflict(OnCaseConflict::Ignore, folds);
        for joined in [
            Joined::Local(file("A/x")),
            Joined::Local(file("gone")),
            Joined::Remote(object("a/X")),
            Joined::Remote(object("a/x")),
        ] {
            assert!(tally.add(joined).is_none());
        }
        let plan = tally.close(&Request::new(prefix.clone(), folder.clone()));
        let deleted: Vec<&str> = plan.deletions.iter().map(|one| one.key.as_str()).collect();
        if folds {
            assert_eq!(deleted, ["gone"]);
            assert!(plan.transfers.is_empty());
            let named = SkipReason::SameButCase("A/x".to_owned());
            let skipped: Vec<_> = plan
                .skipped
                .iter()
                .map(|one| (&*one.key, &one.reason))
                .collect();
            assert_eq!(skipped, [("a/X", &named), ("a/x", &named)]);
        } else {
            assert_eq!(deleted, ["A/x", "gone"]);
            assert_eq!(plan.transfers.len(), 2);
        }
    }
}

#[test]
fn a_folder_that_cannot_be_read_withholds_every_deletion() {
    let up = || vec![unreadable("closed"), Joined::Remote(object("far/away"))];
    let plan = close(Direction::Up, Deletion::Extra, up());
    assert_eq!(plan.deletions, []);
    assert_eq!(
        plan.withheld,
        Some(Withheld::UnreadableFolder("closed".to_owned()))
    );
    // Where none was asked for, none is withheld.
    assert_eq!(close(Direction::Up, Deletion::Never, up()).withheld, None);

    let down = vec![unreadable("closed"), Joined::Local(file("far/away"))];
    let plan = close(Direction::Down, Deletion::Extra, down);
    assert_eq!(plan.deletions, []);
    assert!(plan.withheld.is_some());
}

#[test]
fn a_file_that_cannot_be_read_protects_itself_and_what_is_below() {
    let skipped = Joined::SkippedLocal {
        key: "odd".to_owned(),
        reason: SkipReason::UnreadableFile("permission denied".to_owned()),
    };
    let found = vec![
        skipped,
        Joined::Remote(object("odd")),
        Joined::Remote(object("odd/below")),
        Joined::Remote(object("odd2")),
    ];
    let plan = close(Direction::Up, Deletion::Extra, found);
    let keys: Vec<_> = plan
        .deletions
        .iter()
        .map(|extra| extra.key.as_str())
        .collect();
    assert_eq!(keys, ["odd2"]);
}

#[test]
fn a_key_that_gives_way_to_a_folder_hides_nothing_in_it() {
    let in_the_way = vec![Joined::Remote(object("a")), Joined::Local(file("a/extra"))];
    let also_folder = vec![
        Joined::Remote(object("a")),
        Joined::Remote(object("a/b")),
        Joined::Local(file("a/extra")),
    ];
    for found in [in_the_way, also_folder] {
        let plan = close(Direction::Down, Deletion::Extra, found);
        let keys: Vec<_> = plan.deletions.iter().map(|extra| &extra.key).collect();
        assert_eq!(keys, ["a/extra"]);
        assert_eq!(plan.skipped.len(), 1);
    }
}
