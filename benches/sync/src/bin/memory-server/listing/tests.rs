//! Pages are those of S3, whatever they are cut by.

use std::ops::Bound;

use bytes::Bytes;

use super::{Request, Row, collect, read_token, write_token};
use crate::content::{Content, Digest};
use crate::query::Query;
use crate::store::{Object, Objects};

fn bucket(keys: &[&str]) -> Objects {
    keys.iter()
        .map(|key| {
            let object = Object {
                content: Content::Whole(Bytes::new()),
                digest: Digest::of(b"", false),
                modified: 0,
                description: None,
            };
            (key.as_bytes().into(), object)
        })
        .collect()
}

/// All rows of all pages; common prefixes end with `*`.
fn rows(keys: &[&str], query: &str) -> Vec<String> {
    let objects = bucket(keys);
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let query = Query::parse(&format!("list-type=2&{query}{token}"));
        let request = Request::of(&query).unwrap();
        let page = collect(&objects, &request);
        assert!(page.rows.len() <= request.most);
        found.extend(page.rows.iter().map(|row| match row {
            Row::Object(key, _) => String::from_utf8_lossy(key).into_owned(),
            Row::Prefix(prefix) => format!("{}*", String::from_utf8_lossy(prefix)),
        }));
        match page.next {
            Some(next) => token = format!("&continuation-token={}", write_token(&next)),
            None => return found,
        }
    }
}

const KEYS: [&str; 6] = ["a", "b/1", "b/2", "b/c/3", "b0", "d"];

#[test]
fn any_page_size_gives_the_same_rows() {
    for size in 1..7 {
        let all = rows(&KEYS, &format!("max-keys={size}"));
        assert_eq!(all, KEYS);
        let folders = rows(&KEYS, &format!("max-keys={size}&delimiter=/"));
        assert_eq!(folders, ["a", "b/*", "b0", "d"]);
        let inside = rows(&KEYS, &format!("max-keys={size}&delimiter=/&prefix=b/"));
        assert_eq!(inside, ["b/1", "b/2", "b/c/*"]);
    }
}

#[test]
fn a_listing_begins_behind_a_key_that_need_not_be_there() {
    assert_eq!(rows(&KEYS, "start-after=b/2"), ["b/c/3", "b0", "d"]);
    assert_eq!(rows(&KEYS, "start-after=b/20&prefix=b"), ["b/c/3", "b0"]);
}

#[test]
fn a_token_is_read_as_it_was_written() {
    for bound in [
        Bound::Included(b"a/\xff".to_vec()),
        Bound::Excluded(Vec::new()),
    ] {
        assert_eq!(read_token(&write_token(&bound)), Some(bound));
    }
    assert_eq!(read_token("x1"), None);
    assert_eq!(read_token("é"), None);
}
