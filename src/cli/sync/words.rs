//! What a sync says of its plan and its end.

use serde_json::json;

use crate::cli::output::Output;
use crate::render::{Columns, bad, escape, good, json_gate, plural, warn};
use crate::resource::{human_bytes, human_duration};
use crate::sync::{
    ASSUMPTION, ArchiveWork, Change, Deleted, Estimate, Packing, Place, SkipReason, Skipped,
    SyncPlan, SyncReport, Totals, Transfer,
};

/// How much of a listing is printed at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// Prints the plan, file by file. There may be a million of them, which need not be held as
/// text, so that they are gone through twice.
pub(super) fn list(plan: &SyncPlan, output: Output) {
    let verb = match (&plan.from, &plan.to, &plan.archive) {
        (Place::Prefix { .. }, Place::Prefix { .. }, _) => "copy",
        (_, Place::Folder(_), None) => "download",
        (_, Place::Folder(_), Some(_)) => "unpack",
        (Place::Folder(_), Place::Prefix { .. }, None) => "upload",
        (Place::Folder(_), Place::Prefix { .. }, Some(_)) => "pack",
    };
    let rows = || {
        let moved = plan.transfers.iter().map(|transfer| row(verb, &transfer));
        moved.chain(plan.deletions.iter().map(deletion))
    };
    let mut columns = Columns::default();
    rows().for_each(|row| columns.fit(&row));
    let mut text = String::new();
    for row in rows() {
        text.push_str(&columns.line(&row));
        if text.len() >= CHUNK {
            output.data(&text);
            text.clear();
        }
    }
    output.data(&text);
}

fn deletion(deleted: &Deleted) -> Vec<String> {
    let Deleted {
        key,
        bytes,
        modified: _,
    } = deleted;
    vec!["delete".to_owned(), escape(key), human_bytes(*bytes)]
}

fn row(verb: &str, transfer: &Transfer) -> Vec<String> {
    let Transfer {
        key,
        bytes,
        change,
        origin: _,
    } = transfer;
    let why = match change {
        Change::New => "new".to_owned(),
        Change::Changed(why) => why.to_string(),
    };
    vec![verb.to_owned(), escape(key), human_bytes(*bytes), why]
}

/// The plan in one line.
pub(super) fn summary(plan: &SyncPlan) -> String {
    let (new, changed) = (plan.new_files(), plan.changed());
    format!(
        "{} -> {}: {} to transfer ({} new, {} changed), {} to delete, {} the same{}{}{}",
        escape(&plan.from.to_string()),
        escape(&plan.to.to_string()),
        size_of(plan.transferred()),
        new.files,
        changed.files,
        plan.deletions.len(),
        plan.same.files,
        skipped(plan),
        packed(plan),
        elsewhere(plan),
    )
}

/// Where the bucket was found.
fn elsewhere(plan: &SyncPlan) -> String {
    match &plan.region {
        Some(region) => format!("; the bucket is in {}", escape(region)),
        None => String::new(),
    }
}

/// What travels besides the files that differ.
fn packed(plan: &SyncPlan) -> String {
    match &plan.archive {
        Some(Packing {
            kind: _,
            key,
            whole,
            work: ArchiveWork::Pack { .. },
            note: _,
        }) if !plan.is_empty() => {
            let key = escape(key);
            format!("; all of {key} is sent: {}", size_of(*whole))
        }
        Some(_) | None => String::new(),
    }
}

/// What the plan will cost, in one line; `None` where there is nothing to do.
pub(super) fn estimate(plan: &SyncPlan) -> Option<String> {
    let Estimate { requests, seconds } = Estimate::of(plan);
    (!plan.is_empty()).then(|| {
        format!(
            "estimated: {}, about {} {ASSUMPTION}",
            plural(requests, "request"),
            human_duration(i64::try_from(seconds).unwrap_or(i64::MAX)),
        )
    })
}

fn size_of(totals: Totals) -> String {
    let files = plural(totals.files, "file");
    format!("{files}, {}", human_bytes(totals.bytes))
}

fn skipped(plan: &SyncPlan) -> String {
    let counts = [
        (plan.kept.files, "kept"),
        (plan.skipped.len() as u64, "skipped"),
    ];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = some
        .map(|(count, word)| format!(", {count} {word}"))
        .collect();
    words.concat()
}

/// What is reported and left alone.
pub(super) fn say_left_alone(plan: &SyncPlan, is_told: impl Fn(&Skipped) -> bool, output: Output) {
    for skipped in plan.skipped.iter().filter(|skipped| is_told(skipped)) {
        let word = if skipped.reason == SkipReason::Immutable {
            bad("failed")
        } else {
            warn("skipped")
        };
        output.insist(&format!(
            "{word} {}: {}",
            escape(&skipped.key),
            escape(&skipped.reason.to_string())
        ));
    }
    if is_nothing(plan) {
        let from = escape(&plan.from.to_string());
        let text = format!("{} nothing below {from} takes part", warn("note:"));
        output.insist(&text);
    }
    for conflict in &plan.case_conflicts {
        output.insist(&format!(
            "{} {}",
            warn("note:"),
            escape(&conflict.to_string())
        ));
    }
    if let Some(withheld) = &plan.withheld {
        output.insist(&format!(
            "{} {}",
            warn("note:"),
            escape(&withheld.to_string())
        ));
    }
    if let Some(remark) = plan.archive.as_ref().and_then(Packing::remark) {
        output.insist(&format!("{} {}", warn("note:"), escape(&remark)));
    }
}

/// Whether the source has no file at all, as far as is asked: a slip in its name looks like that.
fn is_nothing(plan: &SyncPlan) -> bool {
    let files = plan.same.files + plan.kept.files + plan.transferred().files;
    files == 0 && plan.skipped.is_empty() && plan.deletions.is_empty() && plan.archive.is_none()
}

/// Every file that could not be moved or deleted, and why.
pub(super) fn say_failures(report: &SyncReport, output: Output) {
    for failure in &report.failures {
        output.insist(&format!(
            "{} {}: {}",
            bad("failed"),
            escape(&failure.key),
            escape(&failure.reason.to_string())
        ));
    }
}

/// How it ended, in one line.
pub(super) fn verdict(plan: &SyncPlan, report: &SyncReport, rate: &str) -> String {
    let SyncReport {
        transferred,
        deleted,
        failures,
        not_transferred,
        not_deleted,
        unfinished,
        cancelled,
    } = report;
    let mut text = if plan.is_empty() {
        format!("nothing to do, {} the same", size_of(plan.same))
    } else if plan.carried().files == 0 {
        "nothing to transfer".to_owned()
    } else {
        format!("{} transferred in {rate}", size_of(*transferred))
    };
    text.push_str(&skipped(plan));
    let counts = [
        (*deleted, "deleted"),
        (failures.len() as u64, "failed"),
        (*not_transferred, "not begun"),
        (*not_deleted, "not deleted"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    text.extend(told.map(|(count, word)| format!(", {count} {word}")));
    if *unfinished > 0 {
        let uploads = plural(*unfinished, "unfinished upload");
        let kept = [
            "; ",
            &uploads,
            " kept in the bucket, and the same command goes on with what is there",
        ];
        text.extend(kept);
    }
    let sign = if *cancelled {
        warn("stopped:")
    } else if report.is_complete() {
        good("✓")
    } else {
        bad("✗")
    };
    format!("{sign} {text}")
}

/// The plan for programs, in one line.
pub(super) fn planned_event(plan: &SyncPlan) -> String {
    let skipped: Vec<_> = plan
        .skipped
        .iter()
        .map(|skipped| json!({"key": skipped.key, "reason": skipped.reason.to_string()}))
        .collect();
    let line = json!({
        "event": "planned",
        "from": plan.from.to_string(),
        "to": plan.to.to_string(),
        "new": plan.new_files(),
        "changed": plan.changed(),
        "same": plan.same,
        "kept": plan.kept,
        "delete": plan.deleted(),
        "skipped": skipped,
        "withheld": plan.withheld.as_ref().map(ToString::to_string),
        "archive": plan.archive.as_ref().map(|packing| json!({
            "kind": packing.kind,
            "key": packing.key,
            "whole": packing.whole,
            "note": packing.remark(),
        })),
        "case_conflicts": plan.case_conflicts,
        "region": plan.region,
        "estimate": Estimate::of(plan),
    });
    json_gate(&format!("{line}\n"))
}

/// The end for programs, in one line.
pub(super) fn done_event(plan: &SyncPlan, report: &SyncReport) -> String {
    let line = json!({
        "event": "done",
        "complete": report.is_complete(),
        "cancelled": report.cancelled,
        "transferred": report.transferred,
        "deleted": report.deleted,
        "failed": report.failures.len(),
        "skipped": plan.skipped.len(),
        "not_transferred": report.not_transferred,
        "not_deleted": report.not_deleted,
        "unfinished": report.unfinished,
    });
    json_gate(&format!("{line}\n"))
}
