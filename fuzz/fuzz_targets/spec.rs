//! Any bytes as a spec: what `validate` does with them, and a plan where they are a good one.
//!
//! A record separator (U+001E) parts a project file, which goes first, from the spec.
#![no_main]

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use trainyard::plan::{Resolution, plan};
use trainyard::render::{diagnostics_json, diagnostics_text, json_gate};
use trainyard::resource::Desired;
use trainyard::spec::{Diagnostic, ProjectSpec, Source, judge, judge_project};
use trainyard_fuzz::{answer, check_plan, check_shown, context, empty};

/// What parts the project file from the spec.
const SEPARATOR: u8 = 0x1e;
/// The moment at which all of this takes place.
const NOW: i64 = 2_000_000_000;

fuzz_target!(|bytes: &[u8]| {
    let parted = bytes.iter().position(|byte| *byte == SEPARATOR);
    let (project, spec) = match parted {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (&b""[..], bytes),
    };
    let project = parted
        .and_then(|_| judged_project(project))
        .unwrap_or_default();
    let judged = source("/specs/spec.yaml", spec).and_then(|source| judge(source, &project));
    match judged {
        Ok(loaded) => check_desired(&loaded.desired),
        Err(bad) => check_mistakes(&bad),
    }
});

type Bad = Box<(Source, Vec<Diagnostic>)>;

fn source(path: &str, bytes: &[u8]) -> Result<Source, Bad> {
    Source::from_bytes(Path::new(path), bytes.to_vec()).map_err(|failure| {
        let (source, diagnostic) = *failure;
        Box::new((source, vec![diagnostic]))
    })
}

fn judged_project(bytes: &[u8]) -> Option<ProjectSpec> {
    let judged = source("/specs/trainyard.yaml", bytes).and_then(judge_project);
    judged.map_err(|bad| check_mistakes(&bad)).ok()
}

/// Whoever is told of a mistake can find it, and is told of at least one.
fn check_mistakes(bad: &(Source, Vec<Diagnostic>)) {
    let (source, diagnostics) = bad;
    assert!(!diagnostics.is_empty(), "refused without a reason");
    for diagnostic in diagnostics {
        assert!(!diagnostic.summary.is_empty());
        if let Some((line, column)) = source.place(diagnostic) {
            check_place(source, line, column);
        }
    }
    let bad = std::slice::from_ref(bad);
    check_shown(&diagnostics_text(bad));
    let document = diagnostics_json(bad);
    let text = json_gate(&format!("{document:#}"));
    check_shown(&text);
    let back: Result<serde_json::Value, _> = serde_json::from_str(&text);
    assert_eq!(back.ok(), Some(document), "{text}");
}

fn check_place(source: &Source, line: usize, column: usize) {
    let lines: Vec<&str> = source.text.split('\n').collect();
    assert!(
        line >= 1 && line <= lines.len(),
        "line {line} of {}",
        lines.len()
    );
    let length = lines[line - 1].chars().count();
    assert!(
        column >= 1 && column <= length + 1,
        "column {column} of {length}"
    );
    if let Some(span) = source.span(line, column) {
        assert!(source.text.get(span.clone()).is_some(), "{span:?}");
    }
}

/// A good spec has a plan, whether or not AWS has what it names.
fn check_desired(desired: &Desired) {
    let now = Timestamp::from_second(NOW).unwrap();
    let context = context(desired, now);
    let observed = empty(&desired.target.account, &desired.target.region);
    let resolution = answer(desired, &observed, &context);
    for resolution in [&Resolution::default(), &resolution] {
        let planned = plan(desired, &observed, resolution, &context);
        assert_eq!(planned, plan(desired, &observed, resolution, &context));
        check_plan(&planned, &[]);
        let launched: BTreeSet<_> = planned
            .steps
            .iter()
            .filter_map(|step| match &step.action {
                trainyard::plan::Action::Launch(launch) => Some(launch.addresses()),
                _ => None,
            })
            .flatten()
            .collect();
        assert!(
            launched
                .iter()
                .all(|address| desired.instances.contains_key(address))
        );
    }
}
