//! Numbers and names in words.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::lease::Deadline;
use crate::resource::{Address, GroupName, Ordinals, human_duration};

/// `1 file`, `2 files`.
pub fn plural(number: u64, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}

/// `150 GiB`, `2 TiB`.
pub(super) fn gibibytes_words(gibibytes: u64) -> String {
    if gibibytes >= 1024 && gibibytes.is_multiple_of(1024) {
        format!("{} TiB", gibibytes / 1024)
    } else {
        format!("{gibibytes} GiB")
    }
}

/// Addresses in brief: `trainer[0-3]`, `data.mockups`.
pub fn ordinals_of<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let mut groups: BTreeMap<&GroupName, Vec<u32>> = BTreeMap::new();
    let mut others = Vec::new();
    for address in addresses {
        match address {
            Address::Instance { group, ordinal } => groups.entry(group).or_default().push(*ordinal),
            Address::Data(_)
            | Address::Volume(_)
            | Address::SecurityGroup(_)
            | Address::KeyPair(_)
            | Address::PlacementGroup(_) => others.push(address.to_string()),
        }
    }
    let mut names: Vec<String> = groups
        .into_iter()
        .map(|(group, ordinals)| format!("{group}[{}]", ordinals.into_iter().collect::<Ordinals>()))
        .collect();
    names.extend(others);
    names.join(", ")
}

/// When a lease ends.
pub fn human_end(deadline: Deadline) -> String {
    match deadline {
        Deadline::At(end) => end.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Deadline::Unreadable => "unreadable".to_owned(),
    }
}

/// An instant with its distance: people read the one, and check the other.
pub(super) fn when(instant: Timestamp, now: Timestamp) -> String {
    let seconds = instant.duration_since(now).as_secs();
    let distance = human_duration(seconds.abs());
    let clock = instant.strftime("%Y-%m-%d %H:%M UTC");
    if seconds >= 0 {
        format!("{clock} (in {distance})")
    } else {
        format!("{clock} ({distance} ago)")
    }
}
