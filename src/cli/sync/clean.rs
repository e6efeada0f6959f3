//! `sync --clean`: uploads in parts that nobody finishes are given up.

use jiff::Timestamp;
use serde_json::json;

use super::arguments::{Age, Style, Sync};
use super::unsurveyed;
use crate::cli::arguments::Global;
use crate::cli::clock;
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::exit::ExitCode;
use crate::cli::output::Output;
use crate::cli::session::{journals, s3_client};
use crate::render::{bad, escape, good, json_gate, plural, table};
use crate::resource::{human_bytes, human_duration};
use crate::sync::{Abandoned, Failure, Place, abandoned, give_up};

/// How old an upload must be that no run here has left, unless somebody says otherwise: an
/// upload that takes longer may be under way on another machine.
const OLD: Age = Age(24 * 60 * 60);

pub(super) async fn run(global: &Global, arguments: &Sync, output: Output) -> CommandResult {
    let place = &arguments.from.0;
    let Place::Prefix { bucket, .. } = place else {
        let text = format!("{place} is a folder, and unfinished uploads are in buckets");
        return Err(
            CommandError::new(ExitCode::Usage, text).help("name the place as s3://BUCKET/PREFIX")
        );
    };
    let options = arguments.objects.options()?;
    let now = clock::now();
    let age = arguments.older_than.unwrap_or(OLD);
    let reached = s3_client(global, arguments.region.as_deref(), output).await?;
    let client = reached.client;
    let before = now.checked_sub(age.span()).unwrap_or(Timestamp::MIN);
    let folder = journals(global);
    let found = abandoned(&client, place, (folder.as_deref(), before), &options)
        .await
        .map_err(|error| unsurveyed(&error))?;
    let (count, bytes) = (found.len(), found.iter().map(|upload| upload.bytes).sum());
    let is_json = arguments.format == Style::Json;
    if is_json {
        for upload in &found {
            output.raw(&event(upload));
        }
    } else {
        output.data(&listing(&found, now));
    }
    if arguments.dry_run || count == 0 {
        if !is_json {
            output.say(&summary(place, count, bytes));
        } else if !arguments.dry_run {
            output.raw(&done(0, 0));
        }
        return Ok(ExitCode::Done);
    }
    let failures = give_up(&client, bucket, found, &options).await;
    let given_up = (count - failures.len().min(count)) as u64;
    if is_json {
        for Failure { key, reason } in &failures {
            let line = json!({"event": "failed", "key": key, "reason": reason.to_string()});
            output.raw(&json_gate(&format!("{line}\n")));
        }
        output.raw(&done(given_up, failures.len()));
    } else {
        say(&failures, (given_up, bytes), output);
    }
    Ok(match (failures.len(), given_up) {
        (0, _) => ExitCode::Done,
        (_, 0) => ExitCode::Failed,
        (_, _) => ExitCode::Partly,
    })
}

/// What came of giving up so many uploads, with so many bytes.
fn say(failures: &[Failure], (given_up, bytes): (u64, u64), output: Output) {
    for failure in failures {
        output.insist(&format!(
            "{} {}: {}",
            bad("failed"),
            escape(&failure.key),
            escape(&failure.reason.to_string())
        ));
    }
    let uploads = plural(given_up, "unfinished upload");
    if failures.is_empty() {
        let size = human_bytes(bytes);
        output.say(&format!("{} {uploads} given up, {size} freed", good("✓")));
    } else {
        let count = failures.len();
        output.insist(&format!("{} {uploads} given up, {count} failed", bad("✗")));
    }
}

/// The end for programs, in one line.
fn done(given_up: u64, failed: usize) -> String {
    let line = json!({
        "event": "done", "complete": failed == 0, "given_up": given_up, "failed": failed,
    });
    json_gate(&format!("{line}\n"))
}

fn listing(found: &[Abandoned], now: Timestamp) -> String {
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|upload| {
            let begun = upload.begun.map_or_else(
                || "begun at an unknown time".to_owned(),
                |begun| {
                    let ago = now.duration_since(begun).as_secs();
                    format!("begun {} ago", human_duration(ago))
                },
            );
            let whose = if upload.is_ours {
                "left by a run on this machine"
            } else {
                ""
            };
            vec![
                escape(&upload.key),
                human_bytes(upload.bytes),
                begun,
                whose.to_owned(),
            ]
        })
        .collect();
    table(&rows)
}

fn summary(place: &Place, count: usize, bytes: u64) -> String {
    let place = escape(&place.to_string());
    if count == 0 {
        format!("{place}: no unfinished upload that nobody works on")
    } else {
        let uploads = plural(count as u64, "unfinished upload");
        format!("{place}: {uploads}, {}, to give up", human_bytes(bytes))
    }
}

/// One upload for programs, in one line.
fn event(upload: &Abandoned) -> String {
    let line = json!({
        "event": "abandoned",
        "key": upload.key,
        "upload": upload.upload,
        "begun": upload.begun,
        "bytes": upload.bytes,
        "ours": upload.is_ours,
    });
    json_gate(&format!("{line}\n"))
}
