//! What a sync says of its plan and its end.

use serde_json::json;

use super::arguments::Sync;
use super::is_told;
use crate::cli::exit::ExitCode;
use crate::cli::output::Output;
use crate::render::{Columns, bad, escape, good, json_gate, plural, warn};
use crate::resource::{human_bytes, human_duration};
use crate::sync::{
    ASSUMPTION, ArchiveWork, Change, Deleted, Estimate, Packing, Place, SkipReason, Skipped,
    SyncPlan, SyncReport, Totals, Transfer,
};

/// How much of a listing is printed at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// What moving a file is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verb {
    /// Before it.
    pub(super) to_do: &'static str,
    /// After it.
    pub(super) done: &'static str,
}

/// What moving a file of a plan is called.
pub(super) fn verb(plan: &SyncPlan) -> Verb {
    let (to_do, done) = match (&plan.from, &plan.to, &plan.archive) {
        (Place::Prefix { .. }, Place::Prefix { .. }, _) => ("copy", "copied"),
        (_, Place::Folder(_), None) => ("download", "downloaded"),
        (_, Place::Folder(_), Some(_)) => ("unpack", "unpacked"),
        (Place::Folder(_), Place::Prefix { .. }, None) => ("upload", "uploaded"),
        (Place::Folder(_), Place::Prefix { .. }, Some(_)) => ("pack", "packed"),
    };
    Verb { to_do, done }
}

/// One file that something is done to.
struct Line {
    verb: &'static str,
    key: String,
    bytes: u64,
    /// Nothing is said of deletions: only the target has the file.
    why: Option<String>,
}

/// What is done, file by file. There may be a million of them, so that none is held.
fn lines(plan: &SyncPlan) -> impl Iterator<Item = Line> {
    let verb = verb(plan).to_do;
    let moved = plan.transfers.iter().map(move |transfer| {
        let Transfer {
            key,
            bytes,
            change,
            origin: _,
        } = transfer;
        let why = Some(match change {
            Change::New => "new".to_owned(),
            Change::Changed(why) => why.to_string(),
        });
        Line {
            verb,
            key,
            bytes,
            why,
        }
    });
    let deleted = plan.deletions.iter().map(|deleted| {
        let Deleted {
            key,
            bytes,
            modified: _,
        } = deleted;
        Line {
            verb: "delete",
            key: key.clone(),
            bytes: *bytes,
            why: None,
        }
    });
    moved.chain(deleted)
}

/// Prints the plan, file by file, in columns: it is gone through twice.
pub(super) fn list(plan: &SyncPlan, output: Output) {
    let rows = || {
        lines(plan).map(|line| {
            let Line {
                verb,
                key,
                bytes,
                why,
            } = line;
            let cells = [verb.to_owned(), escape(&key), human_bytes(bytes)];
            cells.into_iter().chain(why).collect::<Vec<_>>()
        })
    };
    let mut columns = Columns::default();
    rows().for_each(|row| columns.fit(&row));
    in_chunks(rows().map(|row| columns.line(&row)), |text| {
        output.data(text);
    });
}

/// Prints the plan for programs, one event a file.
pub(super) fn list_events(plan: &SyncPlan, output: Output) {
    let events = lines(plan).map(|line| {
        let Line {
            verb,
            key,
            bytes,
            why,
        } = line;
        let event = json!({
            "event": "change", "action": verb, "key": key, "bytes": bytes, "why": why,
        });
        json_gate(&format!("{event}\n"))
    });
    in_chunks(events, |text| output.raw(text));
}

fn in_chunks(lines: impl Iterator<Item = String>, print: impl Fn(&str)) {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        if text.len() >= CHUNK {
            print(&text);
            text.clear();
        }
    }
    print(&text);
}

/// The plan in one line.
pub(super) fn summary(plan: &SyncPlan) -> String {
    let (new, changed) = (plan.new_files(), plan.changed());
    let left_alone = [
        (plan.kept.files, "kept"),
        (skipped(plan), "skipped"),
        (refused(plan), "failed"),
    ];
    format!(
        "{} -> {}: {} to transfer ({} new, {} changed), {} to delete, {} the same{}{}{}",
        escape(&plan.from.to_string()),
        escape(&plan.to.to_string()),
        size_of(plan.transferred()),
        new.files,
        changed.files,
        plan.deletions.len(),
        plan.same.files,
        counted(&left_alone),
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

/// Those of the counts that are not nothing.
fn counted(counts: &[(u64, &str)]) -> String {
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = some
        .map(|(count, word)| format!(", {count} {word}"))
        .collect();
    words.concat()
}

/// How many files the target has in another version, which is to stay.
pub(super) fn refused(plan: &SyncPlan) -> u64 {
    plan.skipped.iter().filter(|one| is_refused(one)).count() as u64
}

fn is_refused(skipped: &Skipped) -> bool {
    skipped.reason == SkipReason::Immutable
}

fn skipped(plan: &SyncPlan) -> u64 {
    plan.skipped.len() as u64 - refused(plan)
}

/// What is reported and left alone.
pub(super) fn say_left_alone(plan: &SyncPlan, arguments: &Sync, output: Output) {
    let is_told = is_told(arguments);
    for skipped in plan.skipped.iter().filter(|skipped| is_told(skipped)) {
        let word = if is_refused(skipped) {
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
        let filters = match (arguments.include.is_empty(), arguments.exclude.is_empty()) {
            (true, true) => "",
            (true, false) => ": `--exclude` leaves out what it matches, whatever else is said",
            (false, true) => ": a file has to match one `--include`",
            (false, false) => {
                ": a file has to match one `--include` and no `--exclude`, in any order"
            }
        };
        let text = format!("{} nothing below {from} takes part{filters}", warn("note:"));
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

/// Whether everything that was asked for is done.
pub(super) fn is_complete(plan: &SyncPlan, report: &SyncReport) -> bool {
    report.is_complete() && refused(plan) == 0
}

/// How it ended, in one line.
pub(super) fn verdict(
    plan: &SyncPlan,
    report: &SyncReport,
    (exit, rate): (ExitCode, &str),
) -> String {
    let SyncReport {
        transferred,
        deleted,
        failures,
        not_transferred,
        not_deleted,
        unfinished,
        cancelled,
    } = report;
    let mut text = if plan.is_empty() && refused(plan) == 0 {
        format!("nothing to do, {} the same", size_of(plan.same))
    } else if plan.carried().files == 0 {
        "nothing to transfer".to_owned()
    } else {
        format!("{} transferred in {rate}", size_of(*transferred))
    };
    text.push_str(&counted(&[
        (plan.kept.files, "kept"),
        (skipped(plan), "skipped"),
        (*deleted, "deleted"),
        (failures.len() as u64 + refused(plan), "failed"),
        (*not_transferred, "not transferred"),
        (*not_deleted, "not deleted"),
    ]));
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
    } else if exit == ExitCode::Done {
        good("✓")
    } else if is_complete(plan, report) {
        // All is done that could be, and something was left out.
        warn("!")
    } else {
        bad("✗")
    };
    format!("{sign} {text}")
}

/// The plan for programs, in one line.
pub(super) fn planned_event(plan: &SyncPlan) -> String {
    let told = |refused: bool| -> Vec<_> {
        plan.skipped
            .iter()
            .filter(|skipped| is_refused(skipped) == refused)
            .map(|skipped| json!({"key": skipped.key, "reason": skipped.reason.to_string()}))
            .collect()
    };
    let line = json!({
        "event": "planned",
        "from": plan.from.to_string(),
        "to": plan.to.to_string(),
        "new": plan.new_files(),
        "changed": plan.changed(),
        "same": plan.same,
        "kept": plan.kept,
        "delete": plan.deleted(),
        "skipped": told(false),
        "failed": told(true),
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

/// The files that are to stay in another version, for programs: each is a failure.
pub(super) fn refused_events(plan: &SyncPlan) -> String {
    let refused = plan.skipped.iter().filter(|one| is_refused(one));
    let events = refused.map(|skipped| {
        let reason = skipped.reason.to_string();
        let event = json!({"event": "failed", "key": skipped.key, "reason": reason});
        json_gate(&format!("{event}\n"))
    });
    events.collect()
}

/// The end for programs, in one line.
pub(super) fn done_event(plan: &SyncPlan, report: &SyncReport) -> String {
    let line = json!({
        "event": "done",
        "complete": is_complete(plan, report),
        "cancelled": report.cancelled,
        "transferred": report.transferred,
        "deleted": report.deleted,
        "failed": report.failures.len() as u64 + refused(plan),
        "skipped": skipped(plan),
        "not_transferred": report.not_transferred,
        "not_deleted": report.not_deleted,
        "unfinished": report.unfinished,
    });
    json_gate(&format!("{line}\n"))
}
