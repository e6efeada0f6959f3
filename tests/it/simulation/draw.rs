//! Drawing a story from a seed.

use fastrand::Rng;

use super::fault::{Fault, all_faults};
use super::network::Moment;
use super::palette::NAMES;
use super::story::{Attempt, Event, Goal, Story};

/// How far down its calls something can happen to a command.
const CALLS: usize = 30;
/// The longest lag of a listing, in seconds. The settle window of `destroy` must be
/// longer: that is the assumption which its proof rests on.
const LAG: u64 = 20;

/// The story of a seed.
pub(super) fn draw(seed: u64) -> Story {
    let mut rng = Rng::with_seed(seed);
    let mut events = weather(&mut rng);
    for _ in 0..rng.usize(1..5) {
        if rng.u32(..4) == 0 {
            events.push(between(&mut rng));
        }
        events.push(Event::Run(attempt(&mut rng)));
    }
    if rng.u32(..3) == 0 {
        events.push(between(&mut rng));
    }
    let last = match rng.u32(..10) {
        0 => Goal::Nothing,
        1..=4 => Goal::Destroy,
        _ => Goal::Apply(name(&mut rng)),
    };
    events.push(Event::Finally(last));
    // A running instance is not moved to a type that is not to be had: it is left stopped,
    // and every apply says so.
    let mut goals = events.iter().filter_map(Event::goal);
    if goals.any(|goal| matches!(goal, Goal::Apply(name) if name != "fallback")) {
        events.retain(|event| !matches!(event, Event::Shortage(_)));
    }
    Story { seed, events }
}

fn name(rng: &mut Rng) -> &'static str {
    NAMES[rng.usize(..NAMES.len())]
}

fn weather(rng: &mut Rng) -> Vec<Event> {
    let mut events = Vec::new();
    let one_in = |rng: &mut Rng, number: u32| rng.u32(..number) == 0;
    if one_in(rng, 2) {
        events.push(Event::Visibility(rng.u64(1..=LAG / 2)));
    }
    if one_in(rng, 2) {
        events.push(Event::Tags(rng.u64(1..=LAG / 2)));
    }
    if one_in(rng, 3) {
        events.push(Event::States(rng.u64(1..=LAG)));
    }
    if one_in(rng, 4) {
        events.push(Event::Flaps);
    }
    if one_in(rng, 3) {
        events.push(Event::Fading(rng.u64(1..600)));
    }
    if one_in(rng, 3) {
        events.push(Event::Buckets);
    }
    if one_in(rng, 3) {
        events.push(Event::Foreign);
    }
    if one_in(rng, 5) {
        events.push(Event::Shortage("p3.2xlarge"));
    }
    events
}

/// What others do, or time, between two commands.
fn between(rng: &mut Rng) -> Event {
    match rng.u32(..6) {
        0 => Event::Ends,
        1 => Event::Outage,
        2 => Event::OutageOver,
        3 => Event::Wait(rng.u64(1..30)),
        4 => Event::Wait(rng.u64(30..3_600)),
        _ => Event::Wait(rng.u64(3_600..30_000)),
    }
}

fn attempt(rng: &mut Rng) -> Attempt {
    let goal = if rng.u32(..4) == 0 {
        Goal::Destroy
    } else {
        Goal::Apply(name(rng))
    };
    let mut attempt = Attempt::calm(goal);
    if rng.u32(..5) < 2 {
        let moment = Moment::ALL[rng.usize(..Moment::ALL.len())];
        attempt.death = Some((rng.usize(..CALLS), moment));
    }
    if rng.u32(..5) < 2 {
        let faults: Vec<Fault> = all_faults().collect();
        for _ in 0..rng.usize(1..5) {
            let fault = faults[rng.usize(..faults.len())];
            attempt.faults.push((rng.usize(..CALLS), fault));
        }
    }
    if rng.u32(..12) == 0 {
        attempt.storm = rng.u64(1..700);
    }
    if rng.u32(..12) == 0 {
        attempt.skew = rng.i64(-1_200..1_200);
    }
    if rng.u32(..12) == 0 {
        attempt.stop = Some(rng.usize(..CALLS));
    }
    attempt
}
