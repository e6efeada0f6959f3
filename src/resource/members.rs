//! The addresses of a distributed group, as tags that the metadata service shows its members.
//!
//! A member needs no credentials to read its own tags. An address leaves out the
//! leading parts that it shares with the one before: `172.31.16.4,9,17.1` is
//! `172.31.16.4`, `172.31.16.9` and `172.31.17.1`.

use std::collections::BTreeMap;

use super::own_tags::LONGEST_VALUE;
use super::ownership::tag;

/// The most members that a distributed group may have: their addresses must fit into the tags.
pub const MOST_MEMBERS: u32 = 256;
/// How many addresses fit into one tag at the worst: each with all of its parts.
const FEWEST_PER_PART: usize = LONGEST_VALUE / 16;
/// How many fit where they lie in one network of at most 65,536 addresses.
const USUAL_PER_PART: usize = (LONGEST_VALUE - 8) / 8;

/// How many tags the addresses of so many members may take.
pub(super) fn parts(members: usize) -> usize {
    if members <= FEWEST_PER_PART {
        usize::from(members > 0)
    } else {
        members.div_ceil(USUAL_PER_PART)
    }
}

/// The tags that tell the members' addresses, in the order of their ranks.
pub fn member_tags(addresses: &[String]) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    let mut value = String::new();
    let mut before: Option<&str> = None;
    for address in addresses {
        let mut text = before.map_or(address.as_str(), |before| shortened(before, address));
        if !value.is_empty() && value.len() + 1 + text.len() > LONGEST_VALUE {
            tags.insert(key(tags.len()), std::mem::take(&mut value));
            text = address;
        }
        if !value.is_empty() {
            value.push(',');
        }
        value.push_str(text);
        before = Some(address);
    }
    if !value.is_empty() {
        tags.insert(key(tags.len()), value);
    }
    tags
}

/// The addresses that the tags tell; each part begins with a whole one.
pub(super) fn read(tags: &BTreeMap<String, String>) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for part in 0.. {
        let Some(value) = tags.get(&key(part)) else {
            break;
        };
        for text in value.split(',') {
            let missing = 4_usize.saturating_sub(text.split('.').count());
            let before = addresses.last().map_or("", String::as_str);
            let shared: Vec<&str> = before.split('.').take(missing).chain([text]).collect();
            addresses.push(shared.join("."));
        }
    }
    addresses
}

/// The parts of an address that differ from the one before; the last is always written.
fn shortened<'a>(before: &str, address: &'a str) -> &'a str {
    let mut rest = address;
    for (one, other) in before.split('.').zip(address.split('.')) {
        match rest.split_once('.') {
            Some((first, tail)) if one == other && first == other => rest = tail,
            Some(_) | None => break,
        }
    }
    rest
}

fn key(part: usize) -> String {
    if part == 0 {
        tag::MEMBERS.to_owned()
    } else {
        format!("{}.{part}", tag::MEMBERS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(count: u32) -> Vec<String> {
        (0..count)
            .map(|number| format!("172.31.{}.{}", 16 + number / 200, number % 200 + 4))
            .collect()
    }

    #[test]
    fn addresses_are_written_briefly_and_read_back() {
        let few: Vec<String> = ["172.31.16.4", "172.31.16.9", "172.31.17.1", "10.0.0.1"]
            .map(str::to_owned)
            .to_vec();
        let tags = member_tags(&few);
        assert_eq!(tags[tag::MEMBERS], "172.31.16.4,9,17.1,10.0.0.1");
        assert_eq!(read(&tags), few);
        for count in [0, 1, 15, 16, 31, 200, MOST_MEMBERS] {
            let all = addresses(count);
            let tags = member_tags(&all);
            assert_eq!(read(&tags), all, "{count}");
            assert!(tags.values().all(|value| value.len() <= LONGEST_VALUE));
            assert!(tags.len() <= parts(all.len()), "{count}: {}", tags.len());
        }
    }
}
