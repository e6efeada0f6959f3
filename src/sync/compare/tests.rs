use proptest::prelude::*;

use super::*;

const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
const OTHER: &str = "0cc175b9c0f1b6a831c399e269772661";
const OLD: i64 = 1_000;
const NEW: i64 = 2_000;

struct Row {
    direction: Direction,
    local: (u64, i64),
    remote: (u64, i64, Option<&'static str>),
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn pair(row: &Row) -> Pair<'static> {
    Pair {
        direction: row.direction,
        local: LocalFacts {
            size: row.local.0,
            modified: at(row.local.1),
        },
        remote: RemoteFacts {
            size: row.remote.0,
            modified: at(row.remote.1),
            etag: row.remote.2,
        },
    }
}

fn up(local: (u64, i64), remote: (u64, i64, Option<&'static str>)) -> Row {
    Row {
        direction: Direction::Up,
        local,
        remote,
    }
}

fn down(local: (u64, i64), remote: (u64, i64, Option<&'static str>)) -> Row {
    Row {
        direction: Direction::Down,
        local,
        remote,
    }
}

#[test]
fn sizes_decide_first() {
    for row in [
        up((1, OLD), (2, NEW, Some(MD5))),
        down((2, NEW), (1, NEW, Some(MD5))),
    ] {
        let Look::Decided(Verdict::Changed(Why::Size { .. })) = first_look(&pair(&row)) else {
            panic!("sizes differ");
        };
    }
    let empty = pair(&up((0, NEW), (0, OLD, None)));
    assert_eq!(first_look(&empty), Look::Decided(Verdict::Same));
}

#[test]
fn a_digest_is_taken_only_where_it_can_be_compared() {
    let large = 20 * MEBIBYTE;
    for (size, etag, shape) in [
        (3, MD5, EtagShape::Whole),
        (large, MD5, EtagShape::Whole),
        (3, "900150983cd24fb0d6963f7d28e17f72-1", EtagShape::Parts(1)),
        (
            large,
            "900150983cd24fb0d6963f7d28e17f72-3",
            EtagShape::Parts(3),
        ),
    ] {
        let equal = pair(&up((size, NEW), (size, OLD, Some(etag))));
        assert_eq!(first_look(&equal), Look::NeedsDigest(shape), "{etag}");
        assert_eq!(decide(&equal, etag), Verdict::Same);
        assert_eq!(decide(&equal, &etag.to_uppercase()), Verdict::Same);
    }
}

#[test]
fn without_a_digest_the_object_is_asked() {
    let foreign = Some("900150983cd24fb0d6963f7d28e17f72-4");
    let same = Look::Decided(Verdict::Same);
    let tag = Look::Decided(Verdict::Doubtful(Doubt::Tag));
    let time = Look::Decided(Verdict::Doubtful(Doubt::Time));
    for etag in [
        foreign,
        Some("opaque"),
        Some("900150983cd24fb0d6963f7d28e17f72-x"),
        None,
    ] {
        let size = 20 * MEBIBYTE;
        for (row, expected) in [
            (up((size, OLD), (size, NEW, etag)), tag),
            (up((size, NEW), (size, NEW, etag)), tag),
            (up((size, NEW), (size, OLD, etag)), time),
            (down((size, NEW), (size, NEW, etag)), same),
            (down((size, OLD), (size, NEW, etag)), time),
            (down((size, NEW), (size, OLD, etag)), time),
        ] {
            assert_eq!(first_look(&pair(&row)), expected, "{etag:?}");
        }
    }
}

#[test]
fn another_digest_is_change_or_doubt() {
    let tag = Some(MD5);
    let digest = Verdict::Doubtful(Doubt::Digest);
    let digest_and_time = Verdict::Doubtful(Doubt::DigestAndTime);
    for (row, expected) in [
        (up((3, NEW), (3, OLD, tag)), Verdict::Changed(Why::Content)),
        (up((3, OLD), (3, NEW, tag)), digest),
        (down((3, OLD), (3, NEW, tag)), digest_and_time),
        (down((3, NEW), (3, OLD, tag)), digest_and_time),
        (down((3, NEW), (3, NEW, tag)), digest),
    ] {
        assert_eq!(decide(&pair(&row), OTHER), expected);
    }
}

#[test]
fn the_object_settles_what_is_doubtful() {
    use Doubt::{Digest, DigestAndTime, Tag, Time};
    use Nature::{Honest, Other, Unknown};
    let local = pair(&down((3, OLD), (3, NEW, Some(MD5))));
    let (content, time) = (Some(Why::Content), Some(Why::Time));
    for (doubt, nature, modified, expected) in [
        (Digest, Honest, Some(OLD), content),
        (Digest, Unknown, None, content),
        (Digest, Other, None, None),
        (Digest, Other, Some(NEW), None),
        (DigestAndTime, Honest, Some(OLD), content),
        (DigestAndTime, Unknown, Some(OLD), content),
        (DigestAndTime, Other, Some(OLD), None),
        (DigestAndTime, Other, Some(NEW), time),
        (DigestAndTime, Other, None, time),
        (Time, Honest, Some(OLD), None),
        (Time, Other, Some(OLD), None),
        (Time, Honest, Some(NEW), time),
        (Time, Unknown, None, time),
        (Tag, Honest, Some(NEW), None),
        (Tag, Other, None, None),
        (Tag, Unknown, None, content),
    ] {
        let modified = modified.map(at);
        let said = |content| Said {
            nature,
            modified,
            content,
        };
        let settled = |content| settle(&local, doubt, said(content));
        assert_eq!(settled(None), expected, "{doubt:?} {nature:?} {modified:?}");
        // A checksum of the whole is better than all of that, and a time is cheaper.
        assert_eq!(settled(Some(true)), None);
        let is_cheap = doubt == Time && expected.is_none();
        assert_eq!(settled(Some(false)), content.filter(|_| !is_cheap));
    }
}

#[test]
fn parts_grow_only_when_they_must() {
    let gibibyte = 1024 * MEBIBYTE;
    for (size, part) in [
        (0, 8),
        (1, 8),
        (8 * MEBIBYTE + 1, 8),
        (62 * gibibyte, 8),
        (63 * gibibyte, 16),
        (5 * 1024 * gibibyte, 1024),
    ] {
        assert_eq!(part_size(size), part * MEBIBYTE, "{size}");
    }
    assert_eq!(part_count(0), 1);
    assert_eq!(part_count(20 * MEBIBYTE), 3);
}

proptest! {
    #[test]
    fn parts_always_fit_s3(size in 0..=5u64 << 40) {
        prop_assert!(part_count(size) <= 10_000);
        prop_assert!(part_size(size) >= SINGLE_REQUEST_LIMIT);
        prop_assert!(part_size(size).is_power_of_two());
        prop_assert!(part_size(size) <= 5 << 30);
    }

    #[test]
    fn the_shape_of_any_text_is_read(etag in "\\PC*") {
        let _shape = EtagShape::of(&etag);
    }
}
