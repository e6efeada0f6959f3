use super::*;
use crate::sync::{Change, Origin, Why};
use jiff::Timestamp;
use proptest::prelude::*;

fn time() -> impl Strategy<Value = Timestamp> {
    let seconds = Timestamp::MIN.as_second()..Timestamp::MAX.as_second();
    (seconds, 0..1_000_000_000).prop_map(|(second, nanosecond)| {
        let sign = if second < 0 { -1 } else { 1 };
        Timestamp::new(second, sign * nanosecond).unwrap()
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::New),
        any::<(u64, u64)>().prop_map(|(source_bytes, target_bytes)| {
            Change::Changed(Why::Size {
                source_bytes,
                target_bytes,
            })
        }),
        Just(Change::Changed(Why::Content)),
        Just(Change::Changed(Why::Time)),
        Just(Change::Changed(Why::Touched)),
        Just(Change::Changed(Why::Anew)),
        Just(Change::Changed(Why::Tag)),
        Just(Change::Changed(Why::Link)),
    ]
}

fn digest() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9a-f]{32}",
        "[0-9a-f]{32}-[0-9]{1,3}",
        "[0-9A-F]{0,9}",
        ".{0,9}"
    ]
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![
        time().prop_map(|modified| Origin::File { modified }),
        (proptest::option::of(digest()), time())
            .prop_map(|(etag, modified)| Origin::Object { etag, modified }),
        (digest(), time(), any::<bool>()).prop_map(|(sha256, modified, executable)| {
            Origin::Entry {
                sha256,
                modified,
                executable,
            }
        }),
    ]
}

prop_compose! {
    fn transfer()(
        key in "(ä|ö|日本|a|b|/){0,12}",
        bytes in any::<u64>(),
        change in change(),
        origin in origin(),
    ) -> Transfer {
        Transfer { key, bytes, change, origin }
    }
}

proptest! {
    #[test]
    fn what_is_put_in_comes_out(all in proptest::collection::vec(transfer(), 0..200)) {
        let list: Transfers = all.iter().cloned().collect();
        prop_assert_eq!(list.len(), all.len());
        prop_assert_eq!(list.iter().len(), all.len());
        let came: Vec<Transfer> = list.iter().collect();
        prop_assert_eq!(&came, &all);
        let came: Vec<Transfer> = list.clone().into_iter().collect();
        prop_assert_eq!(&came, &all);
        for place in 0..=all.len() {
            let there = list.get(place);
            prop_assert_eq!(there.as_ref(), all.get(place));
        }
        let json = serde_json::to_string(&list).unwrap();
        let same = serde_json::to_string(&all).unwrap();
        prop_assert_eq!(&json, &same);
        let read: Transfers = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &list);
        let mut even = list.clone();
        even.retain(|transfer| transfer.bytes % 2 == 0);
        let expected = all.into_iter().filter(|transfer| transfer.bytes % 2 == 0);
        let expected: Transfers = expected.collect();
        prop_assert_eq!(even, expected);
    }
}

#[test]
fn a_file_among_others_takes_some_twenty_bytes() {
    let modified: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
    let file = |number: i64| Transfer {
        key: format!("train/class-{:03}/image-{number:06}.jpg", number / 1000),
        bytes: 100_000 + number.unsigned_abs(),
        change: Change::New,
        origin: Origin::File {
            modified: modified + jiff::SignedDuration::from_secs(number),
        },
    };
    let list: Transfers = (0..10_000).map(file).collect();
    let bytes = list.taken();
    assert!(bytes < 22 * 10_000, "{bytes}");
    assert_eq!(Transfers::new().taken(), 0);
}
