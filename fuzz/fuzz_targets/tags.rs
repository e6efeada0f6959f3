//! Arbitrary tags, tokens and times: who is ours, and when a lease ends.
//!
//! What a proof is stands here once more, in other words than the crate's.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Arbitrary;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use trainyard::lease::{Deadline, deadline};
use trainyard::resource::{
    AccountId, Claim, Lease, LiveInstance, Mark, Ordinals, claim, is_kept, object_claim,
    too_many_tags, volume_claim,
};
use trainyard_fuzz::{Instance, Kit, Moment, Tags, Volume, instant};

/// The longest lease that a spec may ask for, in seconds.
const LONGEST: i64 = 30 * 24 * 3600;

#[derive(Debug, Arbitrary)]
struct Input {
    instance: Instance,
    volume: Volume,
    object: Tags,
    now: Moment,
    lease: String,
    ordinals: String,
    index: u16,
}

fuzz_target!(|input: Input| {
    let kit = Kit::of_everything();
    let account = &kit.desired.target.account;
    let live = input.instance.live(kit);
    let now = instant(input.now).unwrap_or(Timestamp::MAX);
    match claim(&live, account) {
        Claim::Ours(mark) => {
            check_proof(&live, account, &mark);
            check_deadline(&live, &mark, now);
            let instance = &kit.desired.groups[&mark.group_or_first(kit)].instance;
            let place = (&kit.desired.environment, live.instance_type.as_str());
            let (set, remove) = mark.retag(instance, place, &live.tags);
            assert!(
                set.keys().all(|key| !remove.contains(key)),
                "{set:?} {remove:?}"
            );
        }
        Claim::Unproven {
            environment,
            reason,
        } => {
            assert_eq!(live.tags.get("trainyard:environment"), Some(&environment));
            assert!(!reason.is_empty());
        }
        Claim::Foreign => assert!(!live.tags.contains_key("trainyard:environment")),
    }
    let volume = input.volume.live(&live, std::slice::from_ref(&live.id));
    let proven = shared_proof(&volume.tags, account);
    let claimed = volume_claim(&volume, account).map(|name| name.to_string());
    assert_eq!(claimed.as_deref(), proven);
    let _ = is_kept(&volume);
    let tags = input.object.of(&live.tags);
    let group = tags.get("trainyard:group").filter(|name| is_name(name));
    let claimed = object_claim(&tags, account);
    assert_eq!(
        claimed.is_some(),
        shared_proof(&tags, account).is_some() && group.is_some()
    );
    let _ = too_many_tags(&live.tags, tags.keys(), &BTreeSet::new());
    check_lease(&input.lease);
    check_ordinals(&input.ordinals, input.index.into());
});

trait GroupOrFirst {
    fn group_or_first(&self, kit: &Kit) -> trainyard::resource::GroupName;
}

impl GroupOrFirst for Mark {
    fn group_or_first(&self, kit: &Kit) -> trainyard::resource::GroupName {
        let mut names = kit.desired.groups.keys();
        let first = names.next().expect("the spec has groups").clone();
        if kit.desired.groups.contains_key(&self.group) {
            self.group.clone()
        } else {
            first
        }
    }
}

/// The environment that tags prove: version, account and a name that can be one.
fn shared_proof<'a>(tags: &'a BTreeMap<String, String>, account: &AccountId) -> Option<&'a str> {
    let name = tags.get("trainyard:environment")?;
    let version = tags
        .get("trainyard:version")
        .is_some_and(|version| version == "1");
    let here = tags
        .get("trainyard:account")
        .is_some_and(|named| named == account.as_str());
    (version && here && is_name(name)).then_some(name.as_str())
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let rest = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    matches!(bytes, [b'a'..=b'z', ..]) && bytes.len() <= 40 && bytes.iter().all(rest)
}

/// Whoever is ours carries every part of the proof.
fn check_proof(live: &LiveInstance, account: &AccountId, mark: &Mark) {
    let tag = |key: &str| {
        live.tags
            .get(&format!("trainyard:{key}"))
            .map(String::as_str)
    };
    assert_eq!(
        shared_proof(&live.tags, account),
        Some(mark.environment.as_str())
    );
    assert_eq!(tag("group"), Some(mark.group.as_str()));
    assert!(is_name(mark.group.as_str()));
    let own_id = tag("adopted") == Some(live.id.as_str());
    let token = live
        .client_token
        .as_deref()
        .is_some_and(|token| token.starts_with("ty1-"));
    assert!(own_id || token, "{live:#?}");
    assert_eq!(own_id, mark.since.is_some());
    if own_id {
        let since: Result<Timestamp, _> = tag("since").unwrap_or_default().parse();
        assert_eq!(since.ok(), mark.since);
    }
    let numbers = numbers(tag("ordinals").unwrap_or_default()).expect("the numbers can be read");
    let index = if own_id { 0 } else { live.launch_index };
    assert_eq!(numbers.iter().nth(index), Some(&mark.ordinal));
    assert!(tag("incarnation").is_some_and(|text| text.parse() == Ok(mark.incarnation)));
    assert!(
        ["image", "user-data", "spec"]
            .iter()
            .all(|key| tag(key).is_some())
    );
    let named: BTreeSet<u32> = mark.siblings.iter().chain(mark.not_given.iter()).collect();
    assert_eq!(named, numbers);
}

/// The numbers of a list such as `0-3,7`.
fn numbers(text: &str) -> Option<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let mut ends = part.splitn(2, '-');
        let first: u32 = ends.next()?.parse().ok()?;
        let last: u32 = ends.next().map_or(Some(first), |last| last.parse().ok())?;
        if first > last || last > 99_999 {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}

/// A lease that can be read ends when it says, and any other is over.
fn check_deadline(live: &LiveInstance, mark: &Mark, now: Timestamp) {
    let ends = deadline(live, mark);
    let lease = live
        .tags
        .get("trainyard:lease")
        .and_then(|text| seconds(text));
    let begin = mark.since.or(live.first_launched);
    let (Some(lease), Some(begin)) = (lease, begin) else {
        assert_eq!(ends, Deadline::Unreadable);
        assert!(ends.is_over(now) && ends.is_over(Timestamp::MIN));
        return;
    };
    let waited = match live.tags.get("trainyard:waited") {
        None => 0,
        Some(text) => text.parse::<u64>().unwrap_or(u64::MAX),
    };
    let left = i128::from(lease) - i128::from(waited).min(i128::from(lease));
    let second = i128::from(begin.as_second()) + left;
    match ends {
        Deadline::At(end) => {
            assert_eq!(i128::from(end.as_second()), second);
            assert!(end.as_second() - begin.as_second() <= LONGEST);
            assert_eq!(ends.is_over(now), now >= end);
        }
        Deadline::Unreadable => assert!(second > i128::from(Timestamp::MAX.as_second())),
    }
    let _ = ends.seconds_left(now);
    let _ = ends.seconds_left(Timestamp::MIN);
}

/// The seconds of a lease: days, hours and minutes in this order, ten minutes to thirty days.
fn seconds(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0;
    for (unit, factor) in [('d', 86_400), ('h', 3_600), ('m', 60)] {
        let Some((amount, tail)) = rest.split_once(unit) else {
            continue;
        };
        let digits = amount.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || amount.is_empty() || amount.len() > 5 {
            return None;
        }
        total += amount.parse::<i64>().ok()? * factor;
        rest = tail;
    }
    (rest.is_empty() && (600..=LONGEST).contains(&total)).then_some(total)
}

/// A lease is read or refused, and read back as it was written.
fn check_lease(text: &str) {
    let lease: Option<Lease> = text.parse().ok();
    let here = seconds(text).and_then(|seconds| u64::try_from(seconds).ok());
    assert_eq!(lease.map(Lease::seconds), here, "{text:?}");
    if let Some(lease) = lease {
        assert_eq!(lease.to_string().parse().ok(), Some(lease));
    }
}

/// Numbers are read as they are here, and read back as they were written.
fn check_ordinals(text: &str, index: usize) {
    let ordinals: Option<Ordinals> = text.parse().ok();
    let here = numbers(text);
    let Some((ordinals, here)) = ordinals.clone().zip(here.clone()) else {
        assert_eq!(ordinals.is_some(), here.is_some(), "{text:?}");
        return;
    };
    assert_eq!(ordinals.nth(index), here.iter().nth(index).copied());
    assert_eq!(ordinals.len(), here.len());
    assert_eq!(ordinals.to_string().parse().as_ref(), Ok(&ordinals));
    let (low, high) = ordinals.split(index);
    assert_eq!(low.len() + high.len(), here.len());
    assert!(low.iter().chain(high.iter()).eq(here.iter().copied()));
}
