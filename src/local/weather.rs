//! The rough weather of AWS: listings that lag and forget, requests that are turned
//! away.
//!
//! Nothing here is random. What is drawn is drawn from the seed and the id of what it
//! is about, so the same calls at the same times have the same answers.

use std::time::Duration;

/// Says how rough the weather is. By default it is calm: what is there is seen as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// What everything that is drawn here follows from.
    pub seed: u64,
    /// At most for so long a new instance is unknown by id and missing from listings, on
    /// top of what [`super::Delays`] says.
    pub visibility: Duration,
    /// At most for so long the tags of what is new are missing where a listing is
    /// filtered by tags. Half of all instances show no tags at all for that time.
    pub tags: Duration,
    /// At most for so long answers show the tags of an instance as they were before an edit.
    pub edits: Duration,
    /// At most so old is the state that a listing shows of an instance. A read by id
    /// shows it once in four times.
    pub states: Duration,
    /// Whether an instance comes and goes in listings for twice the time in which it
    /// is unknown by id.
    pub flaps: bool,
    /// In this time after an instance has terminated its tags vanish one by one.
    pub fading: Option<Duration>,
    /// Whether EC2 counts requests, and refuses more than its default limits allow.
    pub buckets: bool,
    /// Whether a request is refused that was signed a quarter of an hour off the clock.
    pub dates: bool,
}

impl Weather {
    /// Draws a number for something, of which `what` tells one draw from another.
    pub(super) fn draw(&self, id: &str, what: &str) -> u64 {
        let mut hash = mixed(self.seed);
        for part in [id, what] {
            for byte in part.bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            hash = mixed(hash);
        }
        hash
    }

    /// Draws again for every number, such as that of a second or a call.
    pub(super) fn draw_at(&self, id: &str, what: &str, number: u64) -> u64 {
        mixed(self.draw(id, what) ^ mixed(number))
    }

    /// Draws a part of a time, which may be none of it and hardly is all of it.
    pub(super) fn part_of(&self, whole: Duration, id: &str, what: &str) -> Duration {
        // Calm weather draws nothing at all.
        if whole.is_zero() {
            return whole;
        }
        let nanoseconds = whole.as_nanos().saturating_mul(self.draw(id, what).into()) >> 64;
        u64::try_from(nanoseconds).map_or(whole, Duration::from_nanos)
    }
}

/// Spreads every bit of a number over all of it (the finalizer of `SplitMix64`).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(seed: u64) -> Weather {
        Weather {
            seed,
            ..Weather::default()
        }
    }

    #[test]
    fn a_draw_follows_from_seed_id_and_what_alone() {
        let draw = seeded(1).draw("i-1", "tags");
        assert_eq!(seeded(1).draw("i-1", "tags"), draw);
        for other in [
            seeded(2).draw("i-1", "tags"),
            seeded(1).draw("i-2", "tags"),
            seeded(1).draw("i-1", "states"),
            seeded(1).draw("i-1t", "ags"),
            seeded(1).draw_at("i-1", "tags", 0),
        ] {
            assert_ne!(other, draw);
        }
    }

    #[test]
    fn parts_fill_the_whole_evenly() {
        let whole = Duration::from_secs(8);
        let mut eighths = [0_u32; 8];
        for number in 0..8000 {
            let part = seeded(7).part_of(whole, &format!("i-{number}"), "visibility");
            assert!(part < whole);
            eighths[usize::try_from(part.as_secs()).unwrap()] += 1;
        }
        assert!(
            eighths.iter().all(|count| (900..1100).contains(count)),
            "{eighths:?}"
        );
        assert_eq!(
            seeded(7).part_of(Duration::ZERO, "i-1", "x"),
            Duration::ZERO
        );
        let ages = seeded(7).part_of(Duration::MAX, "i-1", "x");
        assert!(ages > Duration::from_hours(1));
    }
}
