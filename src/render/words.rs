//! Numbers and names in words.

use std::collections::BTreeMap;

use crate::lease::Deadline;
use crate::resource::{Address, GroupName, Ordinals};

/// `1 file`, `2 files`.
pub fn plural(number: u64, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}

/// Addresses in brief: `trainer[0-3]`, `data.mockups`.
pub fn ordinals_of<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let mut groups: BTreeMap<&GroupName, Vec<u32>> = BTreeMap::new();
    let mut others = Vec::new();
    for address in addresses {
        match address {
            Address::Instance { group, ordinal } => groups.entry(group).or_default().push(*ordinal),
            Address::Data(_) | Address::Volume(_) => others.push(address.to_string()),
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
