//! A plan for people: what would happen, why, and one line that sums it up.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::escape;
use super::plan_changes::changes_text;
use super::plan_disks::Disks;
use super::plan_launch::launch_facts;
use super::plan_network::{
    push_introduction, push_key, push_placement_group, push_requests, push_retagged,
    push_security_group, push_unused,
};
use super::plan_notes::{push_held, push_notes};
use super::style::{bad, bold, dim, sign, warn};
use super::words::{ordinals_of, plural, when};
use crate::plan::{
    Action, Change, Doomed, Launch, Mode, OtherEnvironment, Plan, Reason, Refusal, Step, Summary,
    Verb,
};
use crate::resource::{Address, DataSet, VolumeId, hide_secrets, human_bytes, human_duration};
use crate::sync::{ASSUMPTION, ArchiveWork, Estimate, SyncPlan};

/// How many of the largest files a plan names.
const LARGEST_FILES: usize = 3;

/// How many files to delete a plan for people names one by one.
const MOST_DELETIONS: usize = 50;

/// The plan as text, ending with its summary line.
pub fn plan_text(plan: &Plan, others: &[OtherEnvironment]) -> String {
    let mut text = header(plan);
    let disks = Disks::of(plan);
    let replaced: BTreeMap<&Address, (&Doomed, &Reason)> = plan
        .steps
        .iter()
        .flat_map(|step| {
            let doomed = step.action.doomed().into_iter().flatten();
            doomed.map(|one| (&one.address, (one, &step.reason)))
        })
        .filter(|(_, (one, _))| !one.replaced_because.is_empty())
        .collect();
    let mut updates: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
    for step in &plan.steps {
        match &step.action {
            Action::Launch(launch) => push_launch(&mut text, launch, (&replaced, &disks)),
            Action::Update(change) => {
                updates
                    .entry(change_key(Verb::Update, step, change))
                    .or_default()
                    .push(change);
            }
            Action::Restart(change) => {
                updates
                    .entry(change_key(Verb::Restart, step, change))
                    .or_default()
                    .push(change);
            }
            Action::Terminate(doomed) => push_doomed(&mut text, doomed, (&step.reason, &disks)),
            Action::DeleteVolumes(volumes) => {
                push_volumes(&mut text, volumes, (&step.reason, &disks));
            }
            Action::Adopt(change) => {
                let heading = change_key(Verb::Update, step, change);
                updates.entry(heading).or_default().push(change);
            }
            Action::SecurityGroup(group) => push_security_group(&mut text, group, &step.reason),
            Action::KeyPair(key) => push_key(&mut text, key),
            Action::PlacementGroup(group) => push_placement_group(&mut text, group),
            Action::Retag(object) => push_retagged(&mut text, object),
            Action::Introduce(introduction) => push_introduction(&mut text, introduction),
            Action::DeleteNetwork(objects) => push_unused(&mut text, objects, &step.reason),
            Action::CancelSpot(requests) => push_requests(&mut text, requests),
            Action::Sync {
                address,
                data,
                files,
            } => push_files(&mut text, address, data, files),
        }
    }
    for (heading, changes) in updates {
        push_changes(&mut text, &heading, &changes);
    }
    push_held(&mut text, plan);
    push_notes(&mut text, plan, others);
    if plan.steps.is_empty() && plan.held.is_empty() && !plan.unchanged.is_empty() {
        let names = ordinals_of(&plan.unchanged);
        line(
            &mut text,
            &format!("{} {names}  {}", dim("  ="), dim("as the spec says")),
        );
    }
    if let Some(refusal) = &plan.refusal {
        push_refusal(&mut text, refusal, plan);
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text.push_str(&summary_line(plan.summary(), plan.mode));
    text.push('\n');
    text
}

/// The one line that scripts may look for; its words never vary.
pub fn summary_line(summary: Summary, mode: Mode) -> String {
    let Summary {
        create,
        update,
        restart,
        replace,
        delete,
        transfer_files,
        transfer_bytes,
        delete_files,
        held,
    } = summary;
    let held = if held == 0 {
        String::new()
    } else {
        format!(", {held} held")
    };
    if mode == Mode::Destroy {
        return format!("Destroy: {delete} to delete{held}.");
    }
    let mut line = format!(
        "Plan: {create} to create, {update} to update, {restart} to restart, {replace} to replace, {delete} to delete{held}"
    );
    if transfer_files > 0 {
        let files = plural(transfer_files, "file");
        write!(
            line,
            "; {files} ({}) to transfer",
            human_bytes(transfer_bytes)
        )
        .unwrap_or_default();
    }
    if delete_files > 0 {
        write!(line, "; {} to delete", plural(delete_files, "file")).unwrap_or_default();
    }
    line.push('.');
    line
}

/// Adds a line; what looks like a secret is hidden, wherever in a plan it stands.
pub(super) fn line(text: &mut String, content: &str) {
    text.push_str(&hide_secrets(content));
    text.push('\n');
}

fn header(plan: &Plan) -> String {
    let mut text = format!(
        "{}  account {}, {}",
        bold(plan.environment.as_str()),
        plan.account,
        plan.region
    );
    let over = plan.refusal.is_some();
    match (plan.lease_ends, plan.lease) {
        (None, _) if over => write!(text, ", lease unreadable"),
        (Some(end), _) => write!(text, ", lease ends {}", when(end, plan.made_at)),
        (None, Some(lease)) if plan.mode == Mode::Reconcile => {
            write!(text, ", lease {lease} from launch")
        }
        (None, _) => Ok(()),
    }
    .unwrap_or_default();
    text.push_str("\n\n");
    text
}

fn push_launch(
    text: &mut String,
    launch: &Launch,
    (replaced, disks): (&BTreeMap<&Address, (&Doomed, &Reason)>, &Disks<'_>),
) {
    let (again, new): (Vec<Address>, Vec<Address>) = launch
        .addresses()
        .partition(|address| replaced.contains_key(address));
    if !again.is_empty() {
        push_replaced(text, &again, (replaced, disks));
    }
    if !new.is_empty() {
        let number = plural(new.len() as u64, "instance");
        line(
            text,
            &format!(
                "{} {}  {number}",
                sign(Verb::Create),
                bold(&ordinals_of(&new))
            ),
        );
        for (name, value) in launch_facts(launch) {
            line(
                text,
                &format!("      {} {}", dim(&format!("{name:<16}")), escape(&value)),
            );
        }
    }
}

fn push_replaced(
    text: &mut String,
    again: &[Address],
    (replaced, disks): (&BTreeMap<&Address, (&Doomed, &Reason)>, &Disks<'_>),
) {
    // Instances that are replaced for the same changes stand on one line.
    let mut alike: BTreeMap<(&Reason, String), Vec<&Doomed>> = BTreeMap::new();
    for address in again {
        if let Some((doomed, reason)) = replaced.get(address) {
            alike
                .entry((reason, changes_text(&doomed.replaced_because)))
                .or_default()
                .push(*doomed);
        }
    }
    for ((reason, changes), doomed) in alike {
        let number = plural(doomed.len() as u64, "instance");
        let loss = disks.loss(doomed.iter().copied());
        let what = format!("{number} terminated and launched anew; {loss}");
        let addresses = doomed.iter().map(|one| &one.address);
        line(
            text,
            &format!(
                "{} {}  {}; {}",
                sign(Verb::Replace),
                bold(&ordinals_of(addresses)),
                warn(&what),
                dim(&reason.text())
            ),
        );
        text.push_str(&disks.kept_lines(doomed));
        text.push_str(&changes);
    }
}

/// Changes that read the same are shown once, for all the instances that they are made to.
fn change_key(verb: Verb, step: &Step, change: &Change) -> String {
    let group = &change.after.group;
    format!(
        "{}\u{0}{}\u{0}{group}\u{0}{}",
        verb.word(),
        step.reason.text(),
        changes_text(&change.changes)
    )
}

fn push_changes(text: &mut String, key: &str, changes: &[&Change]) {
    let mut parts = key.split('\u{0}');
    let verb = if parts.next() == Some(Verb::Restart.word()) {
        Verb::Restart
    } else {
        Verb::Update
    };
    let reason = parts.next().unwrap_or_default();
    let body = parts.nth(1).unwrap_or_default();
    let names = ordinals_of(changes.iter().map(|change| &change.address));
    let effect = match verb {
        Verb::Restart => {
            warn("stopped and started: minutes, a new public address, instance store lost")
        }
        Verb::Create | Verb::Update | Verb::Replace | Verb::Delete | Verb::Sync => dim("in place"),
    };
    line(
        text,
        &format!("{} {}  {effect}; {}", sign(verb), bold(&names), dim(reason)),
    );
    text.push_str(body);
}

fn push_volumes(text: &mut String, volumes: &[VolumeId], (reason, disks): (&Reason, &Disks<'_>)) {
    let reason = dim(&reason.text());
    for volume in volumes {
        let facts = disks
            .facts(volume)
            .map_or_else(String::new, |facts| format!("{}; ", escape(&facts)));
        let name = bold(&format!("volume {}", escape(volume.as_str())));
        line(
            text,
            &format!("{} {name}  {facts}{reason}", sign(Verb::Delete)),
        );
    }
}

fn push_doomed(text: &mut String, doomed: &[Doomed], (reason, disks): (&Reason, &Disks<'_>)) {
    let gone: Vec<&Doomed> = doomed
        .iter()
        .filter(|one| one.replaced_because.is_empty())
        .collect();
    if gone.is_empty() {
        return;
    }
    let names = ordinals_of(gone.iter().map(|one| &one.address));
    let number = plural(gone.len() as u64, "instance");
    let reason = dim(&reason.text());
    line(
        text,
        &format!(
            "{} {}  {number} terminated; {reason}",
            sign(Verb::Delete),
            bold(&names)
        ),
    );
    text.push_str(&disks.kept_lines(gone.iter().copied()));
    for one in gone {
        let lift = if one.unprotect {
            "  its protection is lifted first"
        } else {
            ""
        };
        line(
            text,
            &format!(
                "      {}  {}{lift}",
                escape(one.id.as_str()),
                dim(&one.address.to_string())
            ),
        );
    }
}

fn push_files(text: &mut String, address: &Address, data: &DataSet, files: &SyncPlan) {
    let DataSet {
        from,
        to,
        include: _,
        exclude: _,
        delete: _,
        archive,
        max_delete: _,
        options: _,
        compare: _,
    } = data;
    let places = format!(
        "{} → {}",
        escape(&from.to_string()),
        escape(&to.to_string())
    );
    line(
        text,
        &format!(
            "{} {}  {places}",
            sign(Verb::Sync),
            bold(&address.to_string())
        ),
    );
    let (new, changed, deleted) = (files.new_files(), files.changed(), files.deleted());
    line(
        text,
        &format!(
            "      {} new ({}), {} changed ({}), {} the same, {} to delete",
            new.files,
            human_bytes(new.bytes),
            changed.files,
            human_bytes(changed.bytes),
            files.same.files,
            deleted.files
        ),
    );
    if let (Some(kind), Some(packing)) = (archive, &files.archive) {
        let sent = match packing.work {
            ArchiveWork::Pack { .. } => "packed and sent whole",
            ArchiveWork::Unpack { .. } => "unpacked where it differs",
        };
        let whole = human_bytes(packing.whole.bytes);
        let key = escape(&packing.key);
        line(
            text,
            &format!(
                "      one {kind}, {key}: {} files ({whole}), {sent}",
                packing.whole.files
            ),
        );
    }
    let Estimate { requests, seconds } = Estimate::of(files);
    let duration = human_duration(i64::try_from(seconds).unwrap_or(i64::MAX));
    let requests = plural(requests, "request");
    line(
        text,
        &format!("      {requests}, about {duration} {ASSUMPTION}"),
    );
    push_keys(text, files);
}

/// The largest files to move, and those to delete.
fn push_keys(text: &mut String, files: &SyncPlan) {
    let largest: Vec<String> = files
        .largest(LARGEST_FILES)
        .into_iter()
        .map(|transfer| {
            format!(
                "{} ({})",
                escape(&transfer.key),
                human_bytes(transfer.bytes)
            )
        })
        .collect();
    if !largest.is_empty() {
        line(text, &format!("      largest: {}", largest.join(", ")));
    }
    for deleted in files.deletions.iter().take(MOST_DELETIONS) {
        line(
            text,
            &format!(
                "      {} {}",
                sign(Verb::Delete).trim_start(),
                escape(&deleted.key)
            ),
        );
    }
    if files.deletions.len() > MOST_DELETIONS {
        let more = files.deletions.len() - MOST_DELETIONS;
        line(
            text,
            &format!("      and {more} more; `--format json` lists them all"),
        );
    }
}

fn push_refusal(text: &mut String, refusal: &Refusal, plan: &Plan) {
    let ended = match refusal {
        Refusal::LeaseOver { ended } => ended,
        Refusal::TooManyDeletions { address, excess } => {
            line(
                text,
                &format!(
                    "{} {address} of {}: {excess}",
                    bad("refused:"),
                    plan.environment
                ),
            );
            let count = excess.deletions;
            let help = format!("      if they shall go, write `max_delete: {count}` in the spec");
            line(text, &help);
            return;
        }
    };
    let when = ended.map_or_else(
        || "cannot be read, which counts as over".to_owned(),
        |ended| format!("is over: it ended {}", when(ended, plan.made_at)),
    );
    line(
        text,
        &format!(
            "{} the lease of {} {when}",
            bad("refused:"),
            plan.environment
        ),
    );
    line(
        text,
        &format!(
            "      run `trainyard destroy {}`, then apply again",
            plan.environment
        ),
    );
}
