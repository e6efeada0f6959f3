//! Whether data sets can work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::diagnostic::{Code, Diagnostic, SpecPath};
use super::lower::{is_bucket_prefix, parse_bucket_prefix};
use super::model::{CompareSpec, DataSpec};
use crate::sync::Place;

pub(super) fn check_data(data: &DataSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let places = [("from", data.from.as_str()), ("to", data.to.as_str())];
    for (key, text) in places {
        if text.starts_with("s3://") && !is_bucket_prefix(text) {
            found.push(
                Diagnostic::at(
                    path.key(key),
                    Code::BadData,
                    format!("`{text}` is not a bucket and a prefix"),
                )
                .help("write `s3://BUCKET/PREFIX`, with no empty part"),
            );
        }
        if text.starts_with('~') {
            found.push(
                Diagnostic::at(
                    path.key(key),
                    Code::BadData,
                    "`~` means another folder for everybody who reads this spec",
                )
                .help("write a path relative to this file"),
            );
        }
    }
    nameless_archive(data, &places, path, found);
    compared_archive(data, path, found);
    archive_between_buckets(data, path, found);
    if !places.iter().any(|(_, text)| text.starts_with("s3://")) {
        found.push(
            Diagnostic::at(path.clone(), Code::BadData, "neither place is a bucket")
                .help("one of `from` and `to`, or both, is `s3://BUCKET/PREFIX`"),
        );
    }
    let [from, to] = [&data.from, &data.to].map(|text| parse_bucket_prefix(text));
    if let (Some(from), Some(to)) = (from, to)
        && Place::prefix(from.0, from.1).overlaps(&Place::prefix(to.0, to.1))
    {
        found.push(
            Diagnostic::at(
                path.key("to"),
                Code::BadData,
                format!("`{}` and `{}` overlap", data.from, data.to),
            )
            .help("give the target a prefix of its own"),
        );
    }
    for (key, patterns) in [("include", &data.include), ("exclude", &data.exclude)] {
        for (index, pattern) in patterns.iter().enumerate() {
            if let Err(problem) = crate::sync::validate_pattern(pattern) {
                found.push(
                    Diagnostic::at(
                        path.key(key).index(index),
                        Code::BadData,
                        format!("`{pattern}` is not a pattern: {problem}"),
                    )
                    .help("`*` matches within one folder, `**` across folders, `?` one character"),
                );
            }
        }
    }
}

/// An archive is named after its prefix, so there has to be one.
fn nameless_archive(
    data: &DataSpec,
    places: &[(&str, &str)],
    path: &SpecPath,
    found: &mut Vec<Diagnostic>,
) {
    if data.archive.is_none() {
        return;
    }
    for (key, text) in places {
        let prefix = parse_bucket_prefix(text).map(|(_, prefix)| prefix);
        if prefix.is_some_and(|prefix| prefix.is_empty()) {
            found.push(
                Diagnostic::at(
                    path.key(key),
                    Code::BadData,
                    "an archive is named after its prefix, and this has none",
                )
                .help("write `s3://BUCKET/NAME`: the archive is `NAME.zip` or `NAME.tar.zst`"),
            );
        }
    }
}

/// Between buckets S3 copies by itself, and packs nothing.
fn archive_between_buckets(data: &DataSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    let is_in_bucket = |text: &str| parse_bucket_prefix(text).is_some();
    if data.archive.is_some() && is_in_bucket(&data.from) && is_in_bucket(&data.to) {
        found.push(
            Diagnostic::at(
                path.key("archive"),
                Code::BadData,
                "an archive is packed from a folder, or unpacked into one",
            )
            .help("leave `archive` out, and S3 copies the files"),
        );
    }
}

/// What is in an archive is compared with what its manifest says of the content.
fn compared_archive(data: &DataSpec, path: &SpecPath, found: &mut Vec<Diagnostic>) {
    match (data.archive, data.compare) {
        (Some(_), CompareSpec::SizeMtime | CompareSpec::Size) => found.push(
            Diagnostic::at(
                path.key("compare"),
                Code::BadData,
                "the files of an archive are compared by content",
            )
            .help("leave `compare` or `archive` out"),
        ),
        (Some(_), CompareSpec::Content) | (None, _) => {}
    }
}

/// Two entries that write to one place would undo each other's work.
pub(super) fn same_targets(data: &BTreeMap<String, DataSpec>, found: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    for (name, entry) in data {
        let target = if let Some((bucket, prefix)) = parse_bucket_prefix(&entry.to) {
            format!("s3://{bucket}/{prefix}")
        } else {
            let parts = Path::new(&entry.to).components();
            let plain = parts.filter(|part| *part != Component::CurDir);
            plain.collect::<PathBuf>().display().to_string()
        };
        if !seen.insert(target) {
            found.push(
                Diagnostic::at(
                    SpecPath::of_keys(&["data", name, "to"]),
                    Code::BadData,
                    "another entry writes to the same place",
                )
                .help("give each entry a prefix or a folder of its own"),
            );
        }
    }
}
