//! What time alone has changed since the last call.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::{Cause, Instance, InstanceState, LooseInterface, Region};
use crate::local::wire::after;
use crate::local::{Delays, Settings, Weather};

/// For so long after its last instance ended a client token stays burnt.
const TOKEN_OUTLIVES: Duration = Duration::from_hours(24);

impl Region {
    /// Brings the region to `now`: states that are due, what a termination does
    /// to volumes, and what is no longer listed. Every effect has the instant
    /// at which it was due, not the one at which somebody looked.
    pub(crate) fn settle(&mut self, now: Timestamp, settings: &Settings) {
        let delays = &settings.delays;
        while self.step(now, delays) {}
        if let Some(time) = settings.weather.fading {
            self.fade(now, time, &settings.weather);
        }
        self.forget(now, settings);
    }

    /// Lets every instance take the step that is due, and tells whether one
    /// did: a successor may have steps of its own to take.
    fn step(&mut self, now: Timestamp, delays: &Delays) -> bool {
        let due: Vec<(String, InstanceState, Timestamp)> = self
            .instances
            .values()
            .filter_map(|instance| due(instance, now, delays))
            .collect();
        let some = !due.is_empty();
        for (id, state, since) in due {
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.take(state, since);
            }
            if state == InstanceState::Terminated {
                self.relaunch(&id, since);
                self.finish(&id, since, delays);
            }
        }
        some
    }

    /// Does what the end of an instance does to everything around it.
    fn finish(&mut self, id: &str, ended: Timestamp, delays: &Delays) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        for device in std::mem::take(&mut instance.devices) {
            if device.delete_on_termination {
                self.volumes.remove(&device.volume);
                self.tags.remove(&device.volume);
            } else if let Some(volume) = self.volumes.get_mut(&device.volume) {
                volume.attachment = None;
            }
        }
        if delays.interfaces.is_zero() {
            self.tags.remove(&instance.interface.id);
        } else {
            let left = LooseInterface::left_by(instance, after(ended, delays.interfaces));
            self.loose.insert(left.id.clone(), left);
        }
        self.associations
            .retain(|_, association| association.instance != id);
        let instances = &self.instances;
        for token in self.tokens.values_mut() {
            let alive = |id: &String| {
                instances
                    .get(id)
                    .is_some_and(|instance| instance.state() != InstanceState::Terminated)
            };
            if token.instances.contains(id) && !token.instances.iter().any(alive) {
                token.ended = Some(ended);
            }
        }
    }

    /// Takes from terminated instances the tags whose time has come.
    fn fade(&mut self, now: Timestamp, time: Duration, weather: &Weather) {
        for (id, instance) in &self.instances {
            if instance.state() != InstanceState::Terminated {
                continue;
            }
            let ended = instance.lifecycle.since;
            if let Some(tags) = self.tags.get_mut(id) {
                tags.retain(|key, _| {
                    let time = weather.part_of(time, id, &format!("fading {key}"));
                    now < after(ended, time)
                });
            }
        }
    }

    fn forget(&mut self, now: Timestamp, settings: &Settings) {
        let mut gone = Vec::new();
        let listed = settings.delays.terminated_listed;
        let over = self.instances.extract_if(.., |_, instance| {
            instance.state() == InstanceState::Terminated
                && after(instance.lifecycle.since, listed) <= now
        });
        for (id, instance) in over {
            gone.push(id);
            gone.extend(instance.spot.as_ref().map(|spot| spot.request.clone()));
            // Whoever only uses the cloud has no use for what is over.
            if settings.control {
                self.past.push(instance);
            }
        }
        self.loose.retain(|id, loose| {
            let over = loose.until.is_some_and(|until| until <= now);
            if over {
                gone.push(id.clone());
            }
            !over
        });
        let requests: BTreeSet<&String> = self
            .instances
            .values()
            .filter_map(|instance| instance.spot.as_ref().map(|spot| &spot.request))
            .collect();
        // The request of a terminated instance may have a successor.
        gone.retain(|id| !requests.contains(id));
        for id in gone {
            self.tags.remove(&id);
        }
        self.tokens.retain(|_, token| {
            token
                .ended
                .is_none_or(|ended| after(ended, TOKEN_OUTLIVES) > now)
        });
    }
}

impl Instance {
    /// Takes the step to a state that is due.
    fn take(&mut self, state: InstanceState, since: Timestamp) {
        match state {
            InstanceState::Running => {
                self.reach(state, since);
                self.boot(since);
            }
            InstanceState::Stopping | InstanceState::ShuttingDown => self.power_off(state, since),
            InstanceState::Terminated if self.state() == InstanceState::Pending => {
                let code = self.doomed.take().unwrap_or_default();
                self.enter_for(Cause::Failure(&code), state, since);
                self.interface.public_address = None;
            }
            InstanceState::Pending | InstanceState::Stopped | InstanceState::Terminated => {
                self.reach(state, since);
            }
        }
    }
}

/// Gives the state that an instance has reached by itself, and since when.
fn due(
    instance: &Instance,
    now: Timestamp,
    delays: &Delays,
) -> Option<(String, InstanceState, Timestamp)> {
    let (state, delay) = match instance.state() {
        InstanceState::Pending if instance.doomed.is_some() => {
            (InstanceState::Terminated, delays.pending)
        }
        InstanceState::Pending => (InstanceState::Running, delays.pending),
        InstanceState::Stopping => (InstanceState::Stopped, delays.stopping),
        InstanceState::ShuttingDown => (InstanceState::Terminated, delays.shutting_down),
        InstanceState::Running => {
            let (state, at) = instance.powers_off()?;
            return (at <= now).then(|| (instance.id.clone(), state, at));
        }
        InstanceState::Stopped | InstanceState::Terminated => return None,
    };
    let since = after(instance.lifecycle.since, delay);
    (since <= now).then(|| (instance.id.clone(), state, since))
}
