//! What a plan leaves alone, and what a reviewer should know.

use std::collections::BTreeMap;

use super::escape::escape;
use super::plan_text::line;
use super::style::warn;
use super::words::{ordinals_of, plural, when};
use crate::plan::{Held, Note, OtherEnvironment, Plan};
use crate::resource::{Address, ResolvedImage};
use jiff::Timestamp;

pub(super) fn push_held(text: &mut String, plan: &Plan) {
    for held in &plan.held {
        line(
            text,
            &format!("{} {}", warn("  ="), escape(&held_words(held))),
        );
    }
}

/// What is left alone, why, and what to do about it.
pub fn held_words(held: &Held) -> String {
    match held {
        Held::NotYetVisible { address, until } => format!(
            "{address} was launched a moment ago and is not listed yet; waiting until {}",
            until.strftime("%H:%M:%S UTC")
        ),
        Held::Unproven { id, reason } => format!(
            "{id} names this environment, but {reason}; it is left alone: look at it by hand"
        ),
        Held::Protected {
            address,
            id,
            withheld,
        } => {
            format!(
                "{address} ({id}) is protected, so it is {withheld}; `--lift-protection` does it"
            )
        }
        Held::Blocked { address, by } => {
            format!("{address} is not launched while {by} may already be it")
        }
        Held::Unreadable {
            address,
            count,
            first,
        } => {
            let files = plural(*count as u64, "file");
            format!("{address} is not whole: {files} cannot be read, such as {first}")
        }
        Held::NotAdopted { address, id, why } => {
            format!("{address}: {id} is not taken over: {why}")
        }
        Held::Unresolved { address, what } => format!("{address} waits for {what}"),
    }
}

pub(super) fn push_notes(text: &mut String, plan: &Plan, others: &[OtherEnvironment]) {
    let mut alike = Alike::default();
    for note in &plan.notes {
        if let Some(words) = note_words(note, &mut alike) {
            push_note(text, &words);
        }
    }
    for words in alike.words() {
        push_note(text, &words);
    }
    for other in others {
        push_note(text, &other_words(other, plan.made_at));
    }
}

fn push_note(text: &mut String, words: &str) {
    line(text, &format!("{} {}", warn("note:"), escape(words)));
}

/// Notes on single instances that are told together.
#[derive(Default)]
struct Alike<'a> {
    keeps: BTreeMap<String, Vec<&'a Address>>,
    grows: BTreeMap<&'a str, Vec<&'a Address>>,
    keys: Vec<&'a Address>,
}

impl Alike<'_> {
    fn words(self) -> Vec<String> {
        let Self { keeps, grows, keys } = self;
        let mut words = Vec::new();
        for (lease, addresses) in keeps {
            let names = ordinals_of(addresses);
            words.push(format!(
                "{names}: {lease} stays, because the timer was armed at launch; an edit holds for new instances"
            ));
        }
        for (field, addresses) in grows {
            let names = ordinals_of(addresses);
            words.push(format!(
                "{names}: {field} grows, and the file system on it does not: grow it in the guest (`growpart`, then `resize2fs` or `xfs_growfs`)"
            ));
        }
        if !keys.is_empty() {
            let names = ordinals_of(keys);
            words.push(format!(
                "{names}: launched with another public key than yours; add yours in the guest, or replace it"
            ));
        }
        words
    }
}

/// A note in words, or nothing where it is told together with its like.
fn note_words<'a>(note: &'a Note, alike: &mut Alike<'a>) -> Option<String> {
    let words = match note {
        Note::KeepsLease { address, lease } => {
            let unreadable = || "the unreadable lease".to_owned();
            let lease = lease.map_or_else(unreadable, |lease| format!("the lease of {lease}"));
            alike.keeps.entry(lease).or_default().push(address);
            return None;
        }
        Note::FileSystem { address, field } => {
            alike.grows.entry(field).or_default().push(address);
            return None;
        }
        Note::OtherKey { address } => {
            alike.keys.push(address);
            return None;
        }
        Note::LooseVolume { id, gibibytes } => format!(
            "{id} ({gibibytes} GiB) is ours and attached to nothing; it costs money, and `destroy` deletes it"
        ),
        Note::KeptVolume { id, gibibytes } => format!(
            "{id} ({gibibytes} GiB) was kept as its spec says and costs money; `destroy --delete-kept` deletes it"
        ),
        Note::NewerImage {
            addresses,
            runs,
            newest,
        } => newer_image_words(addresses, runs, newest),
        Note::ImageWarning { group, text } => format!("{group}: {text}"),
        Note::Fewer {
            group,
            alive,
            count,
            min,
        } => format!(
            "{group} has {alive} of {count}, which is enough for its `min` of {min}; raise `min` to have the rest launched"
        ),
        Note::OnlyTargets { targets } => format!(
            "only {} was looked at, as you asked; the rest may differ too",
            targets.join(", ")
        ),
        Note::DeletionsWithheld { address, reason } => format!("{address}: {reason}"),
        Note::FilesSkipped {
            address,
            count,
            first,
        } => {
            let files = plural(*count as u64, "file");
            format!("{address}: {files} left out, such as {first}")
        }
    };
    Some(words)
}

fn newer_image_words(addresses: &[Address], runs: &str, newest: &ResolvedImage) -> String {
    let (run, them) = if addresses.len() == 1 {
        ("runs", "it")
    } else {
        ("run", "them")
    };
    format!(
        "{} {run} {runs}; {} ({}, made {}) is newer: `--upgrade-image` replaces {them}",
        ordinals_of(addresses),
        newest.id,
        newest.name,
        newest.day()
    )
}

fn other_words(other: &OtherEnvironment, now: Timestamp) -> String {
    let OtherEnvironment {
        environment,
        instances,
        loose_volumes,
        lease_ends,
    } = other;
    if *instances == 0 {
        let volumes = plural(*loose_volumes as u64, "volume");
        return format!(
            "{environment} has left {volumes} that are attached to nothing, and no spec here names it"
        );
    }
    let end = lease_ends.map_or_else(
        || "its lease cannot be read".to_owned(),
        |end| format!("lease ends {}", when(end, now)),
    );
    let number = plural(*instances as u64, "instance");
    format!("{environment} is running too, and no spec here names it: {number}, {end}")
}
