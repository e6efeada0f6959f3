//! Where a node stands, and which word of the line is meant.

use super::source;
use crate::spec::locate::locate;
use crate::spec::{Code, Segment, SpecPath};

const TEXT: &str = "\
# first line
version: 1
\"quoted key\": \"a value\"
block: |
  many
  lines
folded: >-
  one
list:
  - first
  - {in: a flow, map: [x, y, z]}
  -   - nested
? complex
: value
anchor: &anchor
  inside: 1
alias: *anchor
empty:
7: number
größe: 日本
";

fn at(path: &SpecPath) -> Option<(usize, usize)> {
    locate(TEXT, path)
}

fn placed(text: &str) -> Option<(usize, usize)> {
    let source = source(text).unwrap();
    source.place(&source.parse().unwrap_err())
}

#[test]
fn a_text_that_ends_too_early_is_shown_at_its_end() {
    assert_eq!(placed("a: {"), Some((1, 5)));
    assert_eq!(placed("a: {\n"), Some((2, 1)));
}

#[test]
fn a_wide_space_is_marked_as_a_whole() {
    let source = source("a: {\u{3000}: 1}\n").unwrap();
    assert_eq!(source.span(1, 5), Some(4..7));
}

#[test]
fn a_line_that_only_yaml_sees_is_refused() {
    let found = source("a: 1 # shown\u{85}b: 2\n").unwrap_err();
    assert_eq!(
        (found.code, found.position),
        (Code::BadCharacter, Some((1, 13)))
    );
}

fn path(keys: &[&str]) -> SpecPath {
    SpecPath::of_keys(keys)
}

#[test]
fn every_kind_of_node_has_its_place() {
    let list = path(&["list"]);
    let table = [
        (SpecPath::default(), (2, 1)),
        (path(&["version"]), (2, 10)),
        (path(&["quoted key"]), (3, 15)),
        (SpecPath::default().the_key("quoted key"), (3, 1)),
        (path(&["block"]), (4, 8)),
        (path(&["folded"]), (7, 9)),
        (list.clone(), (10, 3)),
        (list.index(0), (10, 5)),
        (list.index(1), (11, 5)),
        (list.index(1).key("in"), (11, 10)),
        (list.index(1).the_key("map"), (11, 18)),
        (list.index(1).key("map").index(2), (11, 30)),
        (list.index(2).index(0), (12, 9)),
        (path(&["complex"]), (14, 3)),
        (path(&["anchor"]).key("inside"), (16, 11)),
        (SpecPath::default().the_key("alias"), (17, 1)),
        (SpecPath::default().the_key("7"), (19, 1)),
        (path(&["größe"]), (20, 8)),
    ];
    for (path, place) in table {
        assert_eq!(at(&path), Some(place), "{path}");
    }
}

#[test]
fn what_is_not_there_is_shown_where_it_would_be() {
    let table = [
        (path(&["nowhere"]), (2, 1)),
        (path(&["nowhere", "at", "all"]), (2, 1)),
        (path(&["list"]).index(9), (9, 1)),
        (path(&["list"]).index(1).key("out"), (11, 5)),
        (path(&["version", "below"]), (2, 10)),
    ];
    for (path, place) in table {
        assert_eq!(at(&path), Some(place), "{path}");
    }
}

#[test]
fn the_word_at_a_place_is_underlined_and_no_more() {
    let source = source(TEXT).unwrap();
    let table = [
        ((2, 10), "1"),
        ((2, 1), "version"),
        ((3, 1), "\"quoted key\""),
        ((3, 15), "\"a value\""),
        ((11, 10), "a flow"),
        ((11, 30), "z"),
        ((20, 1), "größe"),
        ((20, 8), "日本"),
    ];
    for ((line, column), word) in table {
        let span = source.span(line, column).unwrap();
        assert_eq!(&source.text[span], word);
    }
    assert_eq!(source.span(99, 1), None);
    assert_eq!(source.span(0, 1), None);
    assert_eq!(source.span(1, 0), None);
}

#[test]
fn a_path_reads_as_people_write_it() {
    let path = path(&["instances", "trainer"])
        .key("volumes")
        .key("/dev/sdf");
    assert_eq!(path.to_string(), "instances.trainer.volumes./dev/sdf");
    let item = SpecPath::of_keys(&["data"])
        .key("a")
        .key("exclude")
        .index(3);
    assert_eq!(item.to_string(), "data.a.exclude[3]");
    assert_eq!(item.segments.last(), Some(&Segment::Index(3)));
}
