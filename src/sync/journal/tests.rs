use super::*;
use crate::sync::place::Place;

fn record(key: &str) -> Record {
    Record {
        key: key.to_owned(),
        stamp: Stamp {
            device: 1,
            inode: u64::MAX,
            size: 3,
            modified: (-5, 999_999_999),
            changed: (1_900_000_000, 0),
        },
        etag: format!("etag of {key}"),
    }
}

fn journal(folder: &Path) -> Journal {
    let route = Route::of(
        &Place::Folder("data".into()),
        &Place::prefix("bucket", "data"),
    );
    Journal::of(folder, &route.unwrap())
}

#[test]
fn what_keeps_too_many_waiting_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let mut writer = journal.same().unwrap();
    let key = |number: u64| format!("{number:06}");
    let count = 2 * MOST_WAITING as u64;
    for number in 1..count {
        writer.put(number, Some(record(&key(number))));
        assert!(writer.early.len() <= MOST_WAITING);
    }
    // It comes too late to be in order.
    writer.put(0, Some(record(&key(0))));
    writer.finish();
    let mut reader = journal.read();
    assert_eq!(reader.find(&key(0)), None);
    for number in 1..count {
        let found: Option<Record> = reader.find(&key(number));
        assert!(found.is_some(), "{number}");
    }
}

#[test]
fn facts_come_in_any_order_and_are_found_in_that_of_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let mut writer = journal.same().unwrap();
    writer.put(2, Some(record("c")));
    writer.put(0, Some(record("a")));
    writer.put(1, None);
    writer.put(3, Some(record("é/d")));
    writer.finish();
    let mut moved = journal.moved().unwrap();
    let newer = Record {
        etag: "newer".to_owned(),
        ..record("c")
    };
    moved.put(0, Some(record("b")));
    moved.put(1, Some(newer.clone()));
    moved.finish();
    let mut reader = journal.read();
    let found: Vec<_> = ["a", "aa", "b", "c", "é/d", "é/e"]
        .map(|key| reader.find(key))
        .into();
    assert_eq!(
        found,
        [
            Some(record("a")),
            None,
            Some(record("b")),
            Some(newer),
            Some(record("é/d")),
            None
        ]
    );
}

#[test]
fn a_new_survey_takes_the_place_of_both() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    for writer in [journal.moved(), journal.same()] {
        let mut writer = writer.unwrap();
        writer.put(0, Some(record("a")));
        writer.finish();
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(journal.read().find("a"), Some(record("a")));
}

#[test]
fn nothing_is_believed_from_the_first_damage_on() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let mut writer = journal.same().unwrap();
    for (number, key) in (0..).zip(["a", "b", "c"]) {
        writer.put(number, Some(record(key)));
    }
    writer.finish();
    let path = journal.path("same");
    let whole = fs::read(&path).unwrap();
    let believed = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let mut reader = journal.read::<Record>();
        ["a", "b", "c"].map(|key| reader.find(key).is_some())
    };
    assert_eq!(believed(&whole), [true; 3]);
    let record_length = (whole.len() - MAGIC.len()) / 3;
    for position in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x10;
        let good = position.saturating_sub(MAGIC.len()) / record_length;
        let good = if position < MAGIC.len() { 0 } else { good };
        assert_eq!(
            believed(&damaged),
            [0, 1, 2].map(|one| one < good),
            "{position}"
        );
        let complete = position.saturating_sub(MAGIC.len()) / record_length;
        let short = believed(&whole[..position]);
        assert_eq!(short, [0, 1, 2].map(|one| one < complete), "{position}");
    }
}

#[test]
fn a_file_that_was_modified_a_moment_ago_is_not_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let mut writer = journal.same().unwrap();
    let mut fresh = record("fresh");
    fresh.stamp.modified = (writer.begun - 1, 0);
    writer.put(0, Some(fresh));
    writer.finish();
    assert_eq!(journal.read::<Record>().find("fresh"), None);
}

#[test]
fn pairs_of_places_have_journals_of_their_own() {
    let folder = Path::new("journals");
    let of = |path: &str, bucket: &str, prefix: &str| {
        let place = Place::prefix(bucket, prefix);
        Journal::of(
            folder,
            &Route::of(&place, &Place::Folder(path.into())).unwrap(),
        )
    };
    assert_eq!(
        of("data", "bucket", "data"),
        journal(folder),
        "both ways are one"
    );
    for other in [of("data2", "bucket", "data"), of("data", "bucketdata", "")] {
        assert_ne!(other, journal(folder));
    }
}
