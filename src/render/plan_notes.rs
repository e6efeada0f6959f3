//! What a plan leaves alone, and what a reviewer should know.

use std::collections::BTreeMap;

use super::escape::escape;
use super::plan_disks::{kept_words, left_words};
use super::plan_text::line;
use super::style::warn;
use super::words::{ordinals_of, plural, when};
use crate::plan::{Held, KeyDifference, Note, OtherEnvironment, Plan, VolumeFacts};
use crate::resource::{Address, GroupName, ResolvedImage};
use crate::spec::nearest;
use jiff::Timestamp;

pub(super) fn push_held(text: &mut String, plan: &Plan) {
    for held in &plan.held {
        line(
            text,
            &format!("{} {}", warn("  !"), escape(&held_words(held))),
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
    keys: BTreeMap<KeyDifference, Vec<&'a Address>>,
    loose: Vec<&'a VolumeFacts>,
    kept: Vec<&'a VolumeFacts>,
}

impl Alike<'_> {
    fn words(self) -> Vec<String> {
        let Self {
            keeps,
            grows,
            keys,
            loose,
            kept,
        } = self;
        let mut words = left_words(loose);
        words.extend(kept_words(kept));
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
        for (key, addresses) in keys {
            let what = match key {
                KeyDifference::Other => {
                    "launched with another public key than yours; add yours in the guest, or replace it"
                }
                KeyDifference::None => {
                    "launched without a key, and a key goes in at launch only; `--replace` launches it anew"
                }
                KeyDifference::NotAskedFor => {
                    "launched with a public key that the spec does not name any more, and keeps it; remove it in the guest, or replace it"
                }
            };
            words.push(format!("{}: {what}", ordinals_of(addresses)));
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
        Note::OtherKey { address, key } => {
            alike.keys.entry(*key).or_default().push(address);
            return None;
        }
        Note::LooseVolume(facts) => {
            alike.loose.push(facts);
            return None;
        }
        Note::KeptVolume(facts) => {
            alike.kept.push(facts);
            return None;
        }
        // They are said with the steps that they are about.
        Note::VolumeGoes(_) | Note::DisksStay { .. } => return None,
        Note::OthersDisk {
            address,
            device,
            id,
            gibibytes,
        } => format!(
            "{address}: {id} ({device}, {gibibytes} GiB) outlives the instance and the spec does not name it, so it stays nobody's of ours: no lease covers it and no `destroy` deletes it"
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
        Note::NothingRenamed {
            group,
            renamed_from,
            ending,
        } => nothing_renamed_words(group, renamed_from, ending),
        Note::OnlyTargets { targets } => format!(
            "only {} was looked at, as you asked; the rest may differ too",
            targets.join(", ")
        ),
        Note::DeletionsWithheld { address, reason } => format!("{address}: {reason}"),
        Note::ArchiveFound { address, remark } => format!("{address}: {remark}"),
        Note::OtherRegion { address, region } => {
            format!("{address}: its bucket is in another region, {region}")
        }
        Note::CaseConflicts {
            address,
            count,
            first,
        } => {
            let objects = plural(*count as u64, "object");
            format!("{address}: {objects} may be one file with another: {first}")
        }
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

fn nothing_renamed_words(
    group: &GroupName,
    renamed_from: &GroupName,
    ending: &[GroupName],
) -> String {
    let near = nearest(renamed_from.as_str(), ending.iter().map(GroupName::as_str));
    let advice = match near {
        Some(near) => format!("did you mean `renamed_from: {near}`?"),
        None => "remove `renamed_from` if that is what you want".to_owned(),
    };
    format!(
        "{group} is launched anew, because nothing called `{renamed_from}` is there to be renamed; {advice}"
    )
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
