//! The limits of EC2's API: every action of every region has a bucket of tokens that
//! time refills (EC2 API reference, request throttling; the sizes are the defaults).

use std::time::Duration;

use jiff::Timestamp;

use crate::local::state::Buckets;
use crate::local::wire::{Node, Refusal, after};

/// How many tokens a bucket holds, and how many come back in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    size: u32,
    refill: u32,
}

impl Bucket {
    const fn of(size: u32, refill: u32) -> Self {
        Self { size, refill }
    }

    /// The time that refills so many tokens.
    fn time_of(self, tokens: u32) -> Duration {
        let one = Duration::from_nanos(1_000_000_000 / u64::from(self.refill.max(1)));
        one.saturating_mul(tokens)
    }
}

/// The actions that have less room where they name neither a filter nor a page. An
/// id is no filter.
const EXPENSIVE: &[&str] = &[
    "DescribeInstances",
    "DescribeInstanceStatus",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSpotInstanceRequests",
    "DescribeVolumes",
];

/// Takes what a call costs, or refuses it. A call that asks for too many instances
/// has used up its request.
pub(super) fn take(
    buckets: &mut Buckets,
    (action, mutates): (&'static str, bool),
    form: &Node,
    now: Timestamp,
) -> Result<(), Refusal> {
    let plain = !["Filter", "MaxResults", "NextToken"]
        .iter()
        .any(|name| form.has(name));
    let (kind, bucket) = if mutates {
        ("requests", changing(action))
    } else if plain && EXPENSIVE.contains(&action) {
        ("plain requests", Bucket::of(50, 10))
    } else {
        ("requests", Bucket::of(100, 20))
    };
    spend(buckets, (action, kind), bucket, 1, now)?;
    match resources(action) {
        Some(bucket) => spend(buckets, (action, "resources"), bucket, asked(form), now),
        None => Ok(()),
    }
}

/// The bucket of the requests of an action that changes something.
fn changing(action: &str) -> Bucket {
    match action {
        "RunInstances" | "StartInstances" => Bucket::of(5, 2),
        "CreateTags" | "DeleteTags" => Bucket::of(100, 10),
        "TerminateInstances"
        | "CreateVolume"
        | "DeleteVolume"
        | "ModifyInstanceMetadataOptions"
        | "AssociateIamInstanceProfile"
        | "DisassociateIamInstanceProfile" => Bucket::of(100, 5),
        _ => Bucket::of(50, 5),
    }
}

/// The bucket of the instances of an action, where it has one.
fn resources(action: &str) -> Option<Bucket> {
    match action {
        "RunInstances" | "StartInstances" => Some(Bucket::of(1000, 2)),
        "TerminateInstances" | "StopInstances" => Some(Bucket::of(1000, 20)),
        _ => None,
    }
}

/// How many instances a call is about.
fn asked(form: &Node) -> u32 {
    let ids = u32::try_from(form.values("InstanceId").len()).unwrap_or(u32::MAX);
    // What is no number is refused later, in better words.
    form.number("MaxCount").ok().flatten().unwrap_or(ids)
}

/// Takes tokens from a bucket. What is kept of it is when it is full again.
fn spend(
    buckets: &mut Buckets,
    key: (&'static str, &'static str),
    bucket: Bucket,
    tokens: u32,
    now: Timestamp,
) -> Result<(), Refusal> {
    let full = buckets.get(&key).map_or(now, |full| *full.max(&now));
    let full = after(full, bucket.time_of(tokens));
    if full > after(now, bucket.time_of(bucket.size)) {
        return Err(Refusal::new(
            "RequestLimitExceeded",
            "Request limit exceeded.",
        ));
    }
    buckets.insert(key, full);
    Ok(())
}
