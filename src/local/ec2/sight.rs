//! What a call can see of what is there: word of a launch and of a change travels,
//! and reaches listings later than anything else.

use std::time::Duration;

use jiff::Timestamp;

use crate::local::state::{Instance, Past, Region, SecurityGroup, Tags, Volume};
use crate::local::wire::after;
use crate::local::{Delays, Weather};

/// One in so many reads by id shows a state that is over.
const READS_TO_A_STALE_ONE: u64 = 4;

/// What one call can see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) delays: &'a Delays,
    pub(crate) weather: &'a Weather,
    pub(crate) now: Timestamp,
    /// How many calls came before this one.
    pub(crate) number: u64,
}

impl Sight<'_> {
    /// Whether word of a launch has reached this call. A client that asks at once is
    /// told that there is no such instance, as AWS may tell it.
    pub(super) fn knows(self, instance: &Instance) -> bool {
        after(instance.lifecycle.created, self.delay(&instance.id)) <= self.now
    }

    /// Whether a listing that names no ids shows an instance.
    pub(super) fn lists(self, instance: &Instance) -> bool {
        if !self.weather.flaps {
            return self.knows(instance);
        }
        let window = self.delay(&instance.id).saturating_mul(2);
        let second = self.now.as_second().unsigned_abs();
        after(instance.lifecycle.created, window) <= self.now
            || self.weather.draw_at(&instance.id, "flaps", second) & 1 == 1
    }

    /// Whether a listing that is filtered by tags has not heard of those of an instance.
    pub(super) fn misses_tags(self, instance: &Instance) -> bool {
        let since = after(instance.lifecycle.created, self.delay(&instance.id));
        self.misses_tags_of(&instance.id, since)
    }

    /// Whether a listing that is filtered by tags has not heard of those of anything
    /// that is there since then.
    pub(super) fn misses_tags_of(self, id: &str, since: Timestamp) -> bool {
        let late = self.weather.tags;
        !late.is_zero() && self.now < after(since, self.weather.part_of(late, id, "tags"))
    }

    /// The same for a volume.
    pub(super) fn misses_tags_of_volume(self, volume: &Volume) -> bool {
        self.misses_tags_of(&volume.id, volume.created)
    }

    /// The same for a security group. The default one was always there.
    pub(super) fn misses_tags_of_group(self, group: &SecurityGroup) -> bool {
        let since = group.created;
        since.is_some_and(|since| self.misses_tags_of(&group.id, since))
    }

    /// The same for a spot request, which is as old as the first instance of it.
    pub(super) fn misses_tags_of_request(self, region: &Region, request: &str) -> bool {
        if self.weather.tags.is_zero() {
            return false;
        }
        let of_it = region.instances.values().filter(|instance| {
            let spot = instance.spot.as_ref();
            spot.is_some_and(|spot| spot.request == request)
        });
        let first = of_it.map(|instance| instance.lifecycle.created).min();
        first.is_some_and(|first| self.misses_tags_of(request, first))
    }

    /// Whether an answer has an instance without its tags.
    pub(super) fn strips(self, instance: &Instance) -> bool {
        self.misses_tags(instance) && self.weather.draw(&instance.id, "stripped") & 1 == 1
    }

    /// The tags of an instance as an answer has them: for a while after an edit, the old ones.
    pub(super) fn tags_of<'r>(self, region: &'r Region, id: &str) -> Option<&'r Tags> {
        let late = self.weather.edits;
        let old = region.edited.get(id).filter(|(edited, _)| {
            !late.is_zero() && self.now < after(*edited, self.weather.part_of(late, id, "edits"))
        });
        old.map_or_else(|| region.tags_of(id), |(_, tags)| Some(tags))
    }

    /// The state of an instance that is over and shown still.
    pub(super) fn stale(self, instance: &Instance, by_id: bool) -> Option<&Past> {
        let whole = self.weather.states;
        if whole.is_zero() {
            return None;
        }
        let lag = self.weather.part_of(whole, &instance.id, "states");
        let past = instance.as_of(before(self.now, lag))?;
        let read = self.weather.draw_at(&instance.id, "read", self.number);
        (!by_id || read.is_multiple_of(READS_TO_A_STALE_ONE)).then_some(past)
    }

    fn delay(self, id: &str) -> Duration {
        let drawn = self
            .weather
            .part_of(self.weather.visibility, id, "visibility");
        self.delays.visibility.saturating_add(drawn)
    }
}

/// Gives `delay` before `instant`, or the first instant there is.
fn before(instant: Timestamp, delay: Duration) -> Timestamp {
    instant.checked_sub(delay).unwrap_or(Timestamp::MIN)
}
