//! What sizes and speeds each type of volume comes in.

use std::ops::RangeInclusive;

use crate::local::state::VolumeShape;
use crate::local::wire::Refusal;

/// The shape that a call asks for.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Wish<'a> {
    pub(in super::super) kind: &'a str,
    /// In GiB.
    pub(in super::super) size: u32,
    pub(in super::super) iops: Option<u32>,
    /// In MiB/s.
    pub(in super::super) throughput: Option<u32>,
}

struct Offer {
    kind: &'static str,
    sizes: RangeInclusive<u32>,
    iops: Speed,
}

enum Speed {
    /// Given by the type and the size.
    Fixed,
    /// May be asked for; the number is what there is otherwise.
    Asked(RangeInclusive<u32>, u32),
    /// Must be asked for.
    Required(RangeInclusive<u32>),
}

const OFFERS: [Offer; 7] = [
    Offer {
        kind: "gp3",
        sizes: 1..=65_536,
        iops: Speed::Asked(3000..=80_000, 3000),
    },
    Offer {
        kind: "gp2",
        sizes: 1..=16_384,
        iops: Speed::Fixed,
    },
    Offer {
        kind: "io1",
        sizes: 4..=16_384,
        iops: Speed::Required(100..=64_000),
    },
    Offer {
        kind: "io2",
        sizes: 4..=65_536,
        iops: Speed::Required(100..=256_000),
    },
    Offer {
        kind: "st1",
        sizes: 125..=16_384,
        iops: Speed::Fixed,
    },
    Offer {
        kind: "sc1",
        sizes: 125..=16_384,
        iops: Speed::Fixed,
    },
    Offer {
        kind: "standard",
        sizes: 1..=1024,
        iops: Speed::Fixed,
    },
];

/// The throughput of a gp3 volume, in MiB/s: what may be asked for, and what
/// there is otherwise.
const THROUGHPUT: RangeInclusive<u32> = 125..=2000;
const USUAL_THROUGHPUT: u32 = 125;

/// Checks a wish and fills in what it leaves open.
pub(in super::super) fn shape(wish: &Wish) -> Result<VolumeShape, Refusal> {
    let kind = wish.kind;
    let offer = OFFERS
        .iter()
        .find(|offer| offer.kind == kind)
        .ok_or_else(|| Refusal::value(format!("Invalid value '{kind}' for VolumeType.")))?;
    if !offer.sizes.contains(&wish.size) {
        return Err(Refusal::value(format!(
            "Volume of {}GiB is invalid for volume type {kind}; must be between {}GiB and {}GiB.",
            wish.size,
            offer.sizes.start(),
            offer.sizes.end()
        )));
    }
    Ok(VolumeShape {
        size: wish.size,
        kind: kind.to_owned(),
        iops: iops(wish, offer)?,
        throughput: throughput(wish)?,
    })
}

fn iops(wish: &Wish, offer: &Offer) -> Result<Option<u32>, Refusal> {
    let kind = offer.kind;
    let (allowed, iops) = match (&offer.iops, wish.iops) {
        (Speed::Fixed, Some(_)) => {
            return Err(Refusal::combination(format!(
                "The parameter iops is not supported for {kind} volumes."
            )));
        }
        // A gp2 volume has three IOPS for each GiB, within bounds.
        (Speed::Fixed, None) if kind == "gp2" => {
            return Ok(Some((wish.size * 3).clamp(100, 16_000)));
        }
        (Speed::Fixed, None) => return Ok(None),
        (Speed::Asked(_, usual), None) => return Ok(Some(*usual)),
        (Speed::Required(_), None) => return Err(Refusal::missing("iops")),
        (Speed::Asked(allowed, _) | Speed::Required(allowed), Some(iops)) => (allowed, iops),
    };
    if allowed.contains(&iops) {
        return Ok(Some(iops));
    }
    Err(Refusal::value(format!(
        "Volume iops of {iops} is invalid for volume type {kind}; must be between {} and {}.",
        allowed.start(),
        allowed.end()
    )))
}

fn throughput(wish: &Wish) -> Result<Option<u32>, Refusal> {
    match wish.throughput {
        None => Ok((wish.kind == "gp3").then_some(USUAL_THROUGHPUT)),
        Some(_) if wish.kind != "gp3" => Err(Refusal::combination(format!(
            "The parameter throughput is not supported for {} volumes.",
            wish.kind
        ))),
        Some(throughput) if THROUGHPUT.contains(&throughput) => Ok(Some(throughput)),
        Some(throughput) => Err(Refusal::value(format!(
            "Throughput of {throughput} is invalid; must be between {} and {}.",
            THROUGHPUT.start(),
            THROUGHPUT.end()
        ))),
    }
}
