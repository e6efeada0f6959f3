//! The laws that every history is held against: the invariants I1 to I10.
//!
//! They are written out here from the cloud's own truth, in words other than the
//! product's, so that a mistake of the one is not a mistake of the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use trainyard::local::{Cloud, TrueInstance};

/// The environment that histories are about.
pub(super) const ENVIRONMENT: &str = "lab";
pub(super) const ACCOUNT: &str = "123456789012";

/// Watches a history, from call to call.
#[derive(Default)]
pub(super) struct Laws {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    broken: BTreeSet<String>,
    /// Every instance of the environment that ever was, and how it is now.
    known: BTreeMap<String, TrueInstance>,
    /// What is nobody's business of ours, as it was when it was put there.
    foreign: BTreeMap<String, TrueInstance>,
    /// Whether two at one address may be for a while.
    doubles: bool,
    /// Whether listings show states that are over.
    old_states: bool,
}

impl Laws {
    /// Two at one address may come about in this history, and must be resolved.
    pub(super) fn allow_doubles(&self) {
        self.state.lock().unwrap().doubles = true;
    }

    /// Listings show old states in this history: what they say of an instance whose state
    /// has just changed cannot be known better.
    pub(super) fn allow_old_states(&self) {
        self.state.lock().unwrap().old_states = true;
    }

    /// Whether listings show old states in this history.
    pub(super) fn shows_old_states(&self) -> bool {
        self.state.lock().unwrap().old_states
    }

    /// Everything that is there now belongs to somebody else.
    pub(super) fn guard(&self, cloud: &Cloud) {
        let truth = cloud.truth().into_iter();
        let mut state = self.state.lock().unwrap();
        state.foreign = truth.map(|one| (one.id.clone(), one)).collect();
    }

    /// Holds the laws of every moment against what is there.
    pub(super) fn look(&self, cloud: &Cloud) {
        let truth = cloud.truth();
        let mut state = self.state.lock().unwrap();
        let mut at: BTreeMap<(String, u32), Vec<String>> = BTreeMap::new();
        for one in truth {
            if let Some(before) = state.foreign.get(&one.id) {
                if (&before.tags, before.ended) != (&one.tags, one.ended) {
                    state
                        .broken
                        .insert(format!("I4: {} is not ours and was touched", one.id));
                }
                continue;
            }
            if !is_labs(&one) {
                continue;
            }
            if !state.known.contains_key(&one.id) {
                state.broken.extend(unmarked(&one));
            }
            if is_alive(&one) {
                let places = at.entry(place(&one)).or_default();
                places.push(one.id.clone());
            }
            state.known.insert(one.id.clone(), one);
        }
        if state.doubles {
            return;
        }
        for ((group, number), ids) in at {
            if ids.len() > 1 {
                let ids = ids.join(" and ");
                state
                    .broken
                    .insert(format!("I1: {group}[{number}] runs twice: {ids}"));
            }
        }
    }

    /// Adds a law of the moment that was found broken.
    pub(super) fn broken(&self, text: impl Into<String>) {
        self.state.lock().unwrap().broken.insert(text.into());
    }

    /// What was broken so far.
    pub(super) fn verdict(&self) -> Vec<String> {
        self.state.lock().unwrap().broken.iter().cloned().collect()
    }

    /// How many instances of the environment there ever were.
    pub(super) fn ever(&self) -> usize {
        self.state.lock().unwrap().known.len()
    }
}

/// Whether an instance was launched for the environment.
pub(super) fn is_labs(one: &TrueInstance) -> bool {
    let name = one.launch_tags.get("trainyard:environment");
    name.is_some_and(|name| name == ENVIRONMENT)
}

/// Whether an instance costs money, or can again.
pub(super) fn is_alive(one: &TrueInstance) -> bool {
    !matches!(one.state.as_str(), "shutting-down" | "terminated")
}

/// The living instances of the environment.
pub(super) fn alive(cloud: &Cloud) -> Vec<TrueInstance> {
    let truth = cloud.truth().into_iter();
    truth.filter(|one| is_labs(one) && is_alive(one)).collect()
}

/// Group and number of an instance, out of the tags of its launch.
pub(super) fn place(one: &TrueInstance) -> (String, u32) {
    let tag = |key: &str| one.launch_tags.get(key).cloned().unwrap_or_default();
    let numbers = numbers(&tag("trainyard:ordinals"));
    let number = numbers.get(one.launch_index as usize).copied();
    (tag("trainyard:group"), number.unwrap_or(u32::MAX))
}

/// `0-2,5` is 0, 1, 2 and 5.
fn numbers(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
            numbers.extend(first..=last);
        }
    }
    numbers
}

/// I2: what an instance must carry from its first instant.
fn unmarked(one: &TrueInstance) -> Vec<String> {
    let keys = [
        "trainyard:version",
        "trainyard:environment",
        "trainyard:account",
        "trainyard:group",
        "trainyard:ordinals",
        "trainyard:incarnation",
        "trainyard:lease",
    ];
    let missing = keys
        .iter()
        .filter(|key| !one.launch_tags.contains_key(**key));
    let mut broken: Vec<String> = missing
        .map(|key| format!("I2: {} was born without {key}", one.id))
        .collect();
    if one
        .launch_tags
        .get("trainyard:account")
        .is_none_or(|account| account != ACCOUNT)
    {
        broken.push(format!("I2: {} names another account", one.id));
    }
    let script = one.user_data.as_deref().unwrap_or_default();
    if !script.contains("poweroff") || !script.contains("text/cloud-boothook") {
        broken.push(format!("I2: {} was born without a timer", one.id));
    }
    if !one.client_token.starts_with("ty1-") && one.spot_request.is_none() {
        broken.push(format!("I2: {} was born without a token of ours", one.id));
    }
    broken
}

/// I8: what must not reach a terminal.
pub(super) fn controls(output: &str) -> Option<char> {
    output.chars().find(|letter| {
        letter.is_control() && *letter != '\n'
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    })
}
