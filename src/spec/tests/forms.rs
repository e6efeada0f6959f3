//! Forms: the schema's pattern and our parser say the same, and nothing makes a gate panic.

use std::path::Path;

use proptest::prelude::*;
use proptest::string::string_regex;

use super::super::form::form;
use super::super::repair::Repaired;
use super::super::schema::{SchemaKind, schema};
use super::super::shape::shape;
use super::GOOD;
use crate::resource::{Lease, Size, Throughput};
use crate::spec::Source;

/// Reads a number with its unit from the front: at most so many digits.
fn number<'a>(text: &'a str, most: usize, units: &[&str]) -> Option<&'a str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    let unit = units.iter().find(|unit| rest.starts_with(**unit))?;
    (1..=most).contains(&digits).then(|| &rest[unit.len()..])
}

/// The pattern of a lease, matched by hand.
fn is_lease(text: &str) -> bool {
    let days = number(text, 5, &["d"]);
    let hours = number(days.unwrap_or(text), 5, &["h"]);
    let rest = hours.or(days).unwrap_or(text);
    let minutes = number(rest, 5, &["m"]);
    !text.is_empty() && minutes.unwrap_or(rest).is_empty()
}

/// The pattern of a size, matched by hand.
fn is_size(text: &str) -> bool {
    let rest = number(text, 6, &[" GiB", "GiB", " TiB", "TiB"]);
    rest == Some("") && !text.starts_with('0')
}

/// The pattern of a throughput, matched by hand.
fn is_throughput(text: &str) -> bool {
    number(text, 5, &[" MiB/s", "MiB/s"]) == Some("") && !text.starts_with('0')
}

#[test]
fn the_matchers_match_what_the_patterns_say() {
    assert_eq!(
        Lease::PATTERN,
        "^([0-9]{1,5}d([0-9]{1,5}h)?([0-9]{1,5}m)?|[0-9]{1,5}h([0-9]{1,5}m)?|[0-9]{1,5}m)$"
    );
    assert_eq!(Size::PATTERN, "^[1-9][0-9]{0,5} ?(GiB|TiB)$");
    assert_eq!(Throughput::PATTERN, "^[1-9][0-9]{0,4} ?MiB/s$");
}

/// Text that matches a pattern, and text that nearly does.
fn near(pattern: &str, letters: &str) -> BoxedStrategy<String> {
    let inside = pattern.trim_start_matches('^').trim_end_matches('$');
    prop_oneof![
        string_regex(inside).unwrap(),
        string_regex(letters).unwrap()
    ]
    .boxed()
}

/// Formats that the schema's pattern describes completely, so that any text they make is good.
const FORMATS: [&str; 10] = [
    "bucket-prefix",
    "environment-name",
    "account",
    "region",
    "zone",
    "instance-type",
    "subnet",
    "image-id",
    "iam-name",
    "ssm-parameter",
];

/// Every schema with a pattern and a format, by format.
fn patterns(schema: &serde_json::Value, found: &mut Vec<(String, String)>) {
    if let (Some(format), Some(pattern)) = (schema["format"].as_str(), schema["pattern"].as_str()) {
        found.push((format.to_owned(), pattern.to_owned()));
    }
    let children = schema.as_object().into_iter().flat_map(|map| map.values());
    for child in children.chain(schema.as_array().into_iter().flatten()) {
        patterns(child, found);
    }
}

#[test]
fn every_pattern_has_a_format_and_examples_fit_both() {
    let mut found = Vec::new();
    patterns(schema(SchemaKind::Environment), &mut found);
    for format in FORMATS {
        assert!(found.iter().any(|(name, _)| name == format), "{format}");
        let nonsense = form(format, "\u{0}");
        assert!(nonsense.is_err(), "{format} is not checked");
    }
}

#[test]
fn the_pattern_of_a_bucket_and_its_parser_agree_on_slashes() {
    let mut found = Vec::new();
    patterns(schema(SchemaKind::Environment), &mut found);
    let bucket = "s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]";
    let (_, pattern) = found
        .into_iter()
        .find(|(name, _)| name == "bucket-prefix")
        .unwrap();
    assert_eq!(pattern, format!("^{bucket}(/([^/]+/)*[^/]*)?$"));
    for (text, good) in [
        ("s3://bucket", true),
        ("s3://bucket/", true),
        ("s3://bucket/a/b/", true),
        ("s3://bucket//a", false),
        ("s3://bucket/a//b", false),
    ] {
        assert_eq!(form("bucket-prefix", text).is_ok(), good, "{text}");
    }
}

proptest! {
    #[test]
    fn what_the_schema_lets_pass_is_read(
        (format, text) in prop::sample::select(FORMATS.to_vec()).prop_flat_map(|format| {
            let mut found = Vec::new();
            patterns(schema(SchemaKind::Environment), &mut found);
            let (_, pattern) = found.into_iter().find(|(name, _)| name == format).unwrap();
            let inside = pattern.trim_start_matches('^').trim_end_matches('$').to_owned();
            (Just(format), string_regex(&inside).unwrap())
        })
    ) {
        prop_assert_eq!(form(format, &text), Ok(()), "{}: {}", format, text);
    }

    #[test]
    fn leases_and_their_pattern_agree(text in near(Lease::PATTERN, "[0-9dhm -]{0,9}")) {
        match text.parse::<Lease>() {
            Ok(lease) => {
                prop_assert!(is_lease(&text));
                prop_assert!(lease >= Lease::SHORTEST && lease <= Lease::LONGEST);
                prop_assert_eq!(lease.to_string().parse(), Ok(lease));
            }
            Err(error) => {
                let bounds = error.to_string().starts_with("a lease is at ");
                prop_assert_eq!(bounds, is_lease(&text), "{}: {}", text, error);
            }
        }
    }

    #[test]
    fn sizes_and_their_pattern_agree(text in near(Size::PATTERN, "[0-9]{0,7} {0,2}[GTM]i?B")) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let factor = if text.ends_with("TiB") { 1_024 } else { 1 };
        let fits = digits.parse::<u64>().is_ok_and(|number| number * factor <= 65_536);
        let size = text.parse::<Size>();
        prop_assert_eq!(size.is_ok(), is_size(&text) && fits, "{}", text);
        if let Ok(size) = size {
            prop_assert!(size <= Size::LARGEST && size.gibibytes() > 0);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }
    }

    #[test]
    fn rates_and_their_pattern_agree(
        text in near(Throughput::PATTERN, "[0-9]{0,6} {0,2}[KM]iB/?s?"),
    ) {
        let rate = text.parse::<Throughput>();
        prop_assert_eq!(rate.is_ok(), is_throughput(&text), "{}", text);
        if let Ok(rate) = rate {
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }
    }

    #[test]
    fn no_bytes_make_a_gate_panic(bytes in any_document()) {
        let Ok(source) = Source::from_bytes(Path::new("x"), bytes) else { return Ok(()) };
        let found = match source.parse() {
            Ok(value) => {
                let schema = schema(SchemaKind::Environment);
                let found = shape(&value, schema);
                let _repaired = Repaired::new(value, &found, schema);
                found
            }
            Err(diagnostic) => vec![diagnostic],
        };
        for diagnostic in found {
            if let Some((line, column)) = source.place(&diagnostic)
                && let Some(span) = source.span(line, column)
            {
                prop_assert!(source.text.get(span).is_some());
            }
        }
    }
}

/// Any bytes, any text of YAML's letters, and a good spec with a wound.
fn any_document() -> impl Strategy<Value = Vec<u8>> {
    let wounded = (
        0..GOOD.len(),
        0..9_usize,
        "[-\\[\\]{}:,&*!?|>'\"%@`# \n\t0a~é]{0,6}",
    );
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[-\\[\\]{}:,&*!?|>'\"%@`# \n0-9a-c~é]{0,80}".prop_map(String::into_bytes),
        wounded.prop_map(|(start, length, text)| {
            let mut document = GOOD.as_bytes().to_vec();
            let end = (start + length).min(document.len());
            document.splice(start..end, text.into_bytes());
            document
        }),
    ]
}
