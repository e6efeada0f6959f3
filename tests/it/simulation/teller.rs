//! Playing a story.

use std::time::Duration;

use trainyard::apply::Cancel;
use trainyard::cli::ExitCode;
use trainyard::local::Settings;

use super::goal;
use super::history::{History, Order, play};
use super::laws::alive;
use super::network::{Moment, Weather};
use super::palette::Palette;
use super::story::{Attempt, Event, Goal, Story};

/// Longer than a late request and the lag of a listing together.
const CAUGHT_UP: Duration = Duration::from_secs(30);
/// The lease of every spec of the palette.
const LEASE: Duration = Duration::from_hours(4);
/// The zone that an outage hits.
const ZONE: &str = r#"[{"zone": "us-east-1a"}]"#;

/// Plays a story, and gives the laws that it broke.
pub(super) fn tell(story: &Story, palette: &Palette) -> Vec<String> {
    told(story, palette).0
}

/// The laws that a story broke, and how each of its commands ended.
pub(super) fn told(story: &Story, palette: &Palette) -> (Vec<String>, Vec<String>) {
    let settings = Settings {
        weather: story.weather(),
        ..Settings::default()
    };
    play(story.seed, settings, async |history| {
        if story.may_double() {
            history.laws.allow_doubles();
        }
        if story.weather().states > Duration::ZERO {
            history.laws.allow_old_states();
        }
        for event in &story.events {
            happen(history, (story, event), palette).await;
        }
        (history.laws.verdict(), history.log.lock().unwrap().clone())
    })
}

impl Story {
    /// Whether two instances at one address can come about: a command that was killed, or
    /// was not told the answer, launched what a listing does not show to the next, which
    /// asks for something else.
    fn may_double(&self) -> bool {
        let goals = self.events.iter().filter_map(Event::goal);
        let mut goals = goals.filter_map(|goal| match goal {
            Goal::Apply(name) => Some(name),
            Goal::Destroy | Goal::Nothing => None,
        });
        let first = goals.next();
        let several = goals.any(|name| Some(name) != first);
        several || matches!(first, Some("ways" | "fallback"))
    }
}

async fn happen(history: &History, (story, event): (&Story, &Event), palette: &Palette) {
    let cloud = &history.cloud;
    match event {
        Event::Visibility(_)
        | Event::Tags(_)
        | Event::States(_)
        | Event::Flaps
        | Event::Fading(_)
        | Event::Buckets => {}
        Event::Foreign => super::foreign::plant(history).await,
        Event::Shortage(kind) => {
            let body = format!("[{{\"type\": \"{kind}\"}}]");
            cloud.order("capacity", &body).unwrap();
        }
        Event::Run(attempt) => {
            if matches!(attempt.death, Some((_, Moment::Late))) {
                // What it has sent lands in the middle of the next command.
                history.laws.allow_old_states();
            }
            run(history, attempt, palette).await;
        }
        Event::Wait(seconds) => history.wait(Duration::from_secs(*seconds)).await,
        Event::Ends => {
            if let Some(one) = alive(cloud).first() {
                let body = format!("{{\"instance\": \"{}\"}}", one.id);
                cloud.order("ends", &body).unwrap();
            }
        }
        Event::Outage => {
            cloud.order("outages", ZONE).unwrap();
        }
        Event::OutageOver => {
            cloud.order("DELETE outages", "").unwrap();
        }
        Event::Finally(last) => {
            cloud.order("DELETE outages", "").unwrap();
            // What flaps may be missing from the very next listing.
            let flaps = story.events.contains(&Event::Flaps);
            let late = flaps || story.may_double() || history.laws.shows_old_states();
            if late {
                // What is on its way arrives, and listings catch up with what was.
                history.wait(CAUGHT_UP).await;
            }
            let done = if flaps || story.may_double() { 3 } else { 1 };
            finish(history, (*last, done), palette).await;
        }
    }
}

async fn run(history: &History, attempt: &Attempt, palette: &Palette) {
    let Attempt {
        goal,
        death,
        faults,
        storm,
        skew,
        stop,
    } = attempt;
    let order = match goal {
        Goal::Apply(name) => Order::Apply(palette.spec(name).0),
        Goal::Destroy => Order::Destroy,
        Goal::Nothing => return,
    };
    let cancel = Cancel::default();
    let weather = Weather {
        death: *death,
        faults: faults.clone(),
        storm_until: (*storm > 0).then(|| history.time.elapsed() + Duration::from_secs(*storm)),
        skew: *skew,
        stop: stop.map(|call| (call, cancel.clone())),
        ..Weather::default()
    };
    let over = history.run_as(&order, weather, cancel).await;
    if !over.is(ExitCode::Done) {
        return;
    }
    match goal {
        Goal::Apply(name) => goal::has_all(history, palette.spec(name).1, &over.output),
        Goal::Destroy => goal::is_gone(history),
        Goal::Nothing => {}
    }
}

async fn finish(history: &History, (last, done): (Goal, usize), palette: &Palette) {
    match last {
        Goal::Apply(name) => {
            let (path, text) = palette.spec(name);
            goal::reach_in(done, history, &path, text).await;
        }
        Goal::Destroy => goal::destroy(history).await,
        Goal::Nothing => goal::outlive(history, LEASE).await,
    }
}
