//! Every place to die: before, during and after every call of every scenario.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use trainyard::cli::ExitCode;
use trainyard::local::{self, Settings};

use super::goal;
use super::history::{End, History, Order, SPEAK, Specs, play, variable};
use super::network::{Call, Moment, Weather};
use super::report;
use super::scenario::{Scenario, all};

/// What comes after a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The same apply again, or the spec from before where it was a destroy.
    Apply,
    Destroy,
    /// Nobody ever comes back.
    Nothing,
}

const NEXT: [Next; 3] = [Next::Apply, Next::Destroy, Next::Nothing];

/// A scenario with its specs written.
pub(super) struct Stage<'a> {
    scenario: &'a Scenario,
    before: Option<PathBuf>,
    after: Option<PathBuf>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(scenario: &'a Scenario, specs: &Specs) -> Self {
        let write =
            |name: &str, text: &Option<String>| text.as_ref().map(|text| specs.write(name, text));
        Self {
            scenario,
            before: write("before", &scenario.before),
            after: write("after", &scenario.after),
        }
    }

    /// Brings a history to where the scenario begins.
    pub(super) async fn set(&self, history: &History) {
        self.scenario.set(&history.cloud);
        if let Some(path) = &self.before {
            let over = history.calmly(&Order::Apply(path.clone())).await;
            assert!(over.is(ExitCode::Done), "{}", over.output);
        }
    }

    /// What the scenario does.
    pub(super) fn order(&self) -> Order {
        match &self.after {
            Some(path) => Order::Apply(path.clone()),
            None if self.scenario.is_protected() => Order::DestroyAll,
            None => Order::Destroy,
        }
    }

    /// The spec to go on with, and its text.
    pub(super) fn wanted(&self) -> (PathBuf, &str) {
        let text = self
            .scenario
            .after
            .as_ref()
            .or(self.scenario.before.as_ref());
        let path = self.after.as_ref().or(self.before.as_ref());
        (path.unwrap().clone(), text.unwrap())
    }
}

fn settings(weather: &local::Weather) -> Settings {
    Settings {
        weather: weather.clone(),
        ..Settings::default()
    }
}

/// Listings that lag, and forget for a moment what they have shown.
fn rough() -> local::Weather {
    local::Weather {
        seed: 3,
        visibility: Duration::from_secs(10),
        tags: Duration::from_secs(10),
        flaps: true,
        ..local::Weather::default()
    }
}

/// The calls of a scenario that goes well.
pub(super) fn record(stage: &Stage) -> Vec<Call> {
    record_in(&local::Weather::default(), stage)
}

fn record_in(weather: &local::Weather, stage: &Stage) -> Vec<Call> {
    play(0, settings(weather), async |history| {
        stage.set(history).await;
        let over = history.calmly(&stage.order()).await;
        assert!(over.is(ExitCode::Done), "{:?} {}", over.end, over.output);
        assert_eq!(history.laws.verdict(), [] as [String; 0], "{}", over.output);
        over.calls
    })
}

/// One history: dies at each of the places, then what comes next; what was found broken.
fn history(
    weather: &local::Weather,
    stage: &Stage,
    deaths: &[(usize, Moment)],
    next: Next,
) -> Vec<String> {
    play(0, settings(weather), async |history| {
        stage.set(history).await;
        for death in deaths {
            let weather = Weather {
                death: Some(*death),
                ..Weather::default()
            };
            let over = history.run(&stage.order(), weather).await;
            if over.end != End::Killed {
                history
                    .laws
                    .broken(format!("uncovered: {death:?} was not reached"));
            }
        }
        let (path, text) = stage.wanted();
        match next {
            Next::Apply => {
                goal::reach(history, &path, text).await;
                goal::destroy(history).await;
            }
            Next::Destroy => goal::destroy(history).await,
            Next::Nothing => goal::outlive(history, Duration::from_hours(4)).await,
        }
        history.laws.verdict()
    })
}

fn enumerate(name: &str) {
    enumerate_in(&local::Weather::default(), name, name);
}

/// The scenario of a name in some weather; `title` is what its report is called.
fn enumerate_in(weather: &local::Weather, name: &str, title: &str) {
    let scenarios = all();
    let scenario = scenarios.iter().find(|one| one.name == name).unwrap();
    let specs = Specs::new();
    let stage = Stage::new(scenario, &specs);
    let calls = record_in(weather, &stage);
    let mut histories = 0;
    let mut found = String::new();
    for call in &calls {
        for moment in Moment::ALL {
            for next in NEXT {
                histories += 1;
                let death = (call.number, moment);
                let broken = history(weather, &stage, &[death], next);
                for law in broken {
                    let _written = writeln!(
                        found,
                        "TRAINYARD_CRASH='{name} {} {moment:?} {next:?}' ({}): {law}",
                        call.number, call.action
                    );
                }
            }
        }
    }
    let line = format!(
        "crash points of {title}: {} calls, {} points of {} covered, {histories} histories, {} violations",
        calls.len(),
        calls.len() * Moment::ALL.len(),
        calls.len() * Moment::ALL.len(),
        found.lines().count()
    );
    report::line(&format!("crash-{title}"), &line);
    assert!(found.is_empty(), "{line}\n{found}");
}

/// Dies twice: at a call of the first run, and at a call of the run that goes on.
fn twice(name: &str) {
    let scenarios = all();
    let scenario = scenarios.iter().find(|one| one.name == name).unwrap();
    let specs = Specs::new();
    let stage = Stage::new(scenario, &specs);
    let calm = local::Weather::default();
    let mut pairs = 0;
    let mut found = Vec::new();
    for first in record(&stage) {
        let first = (first.number, Moment::After);
        for second in record_after(&stage, first) {
            let second = (second.number, Moment::After);
            pairs += 1;
            let broken = history(&calm, &stage, &[first, second], Next::Apply).into_iter();
            found.extend(broken.map(|law| format!("{name} {first:?} {second:?}: {law}")));
        }
    }
    let line = format!(
        "pairs of crash points of {name}: {pairs} covered, {} violations",
        found.len()
    );
    report::line(&format!("crash-twice-{name}"), &line);
    assert!(found.is_empty(), "{line}\n{}", found.join("\n"));
}

/// The calls of the run that goes on after a death.
fn record_after(stage: &Stage, death: (usize, Moment)) -> Vec<Call> {
    play(0, Settings::default(), async |history| {
        stage.set(history).await;
        let weather = Weather {
            death: Some(death),
            ..Weather::default()
        };
        history.run(&stage.order(), weather).await;
        history.calmly(&stage.order()).await.calls
    })
}

#[test]
fn a_create_that_dies_twice() {
    twice("create");
}

#[test]
fn a_shrink_that_dies_twice() {
    twice("shrink");
}

#[test]
fn a_create_in_rough_weather() {
    enumerate_in(&rough(), "create", "create-in-rough-weather");
}

#[test]
fn a_destroy_in_rough_weather() {
    enumerate_in(&rough(), "destroy", "destroy-in-rough-weather");
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test] fn $name() { enumerate(stringify!($name)); })*
        /// Every scenario is one of these tests.
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

scenarios! {
    create
    create_with_a_way_in
    grow
    shrink
    replace
    stop_start
    update
    fallback
    spot
    disks
    introduce
    destroy
    destroy_with_a_way_in
    destroy_protected
    destroy_kept
    destroy_placed
    destroy_spot
}

#[test]
#[ignore = "plays the death in TRAINYARD_CRASH"]
fn replay() {
    let line = variable("TRAINYARD_CRASH").unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let scenarios = all();
    let scenario = scenarios.iter().find(|one| one.name == words[0]).unwrap();
    let moment = Moment::ALL
        .into_iter()
        .find(|one| format!("{one:?}") == words[2]);
    let next = NEXT.into_iter().find(|one| format!("{one:?}") == words[3]);
    let specs = Specs::new();
    let stage = Stage::new(scenario, &specs);
    let death = (words[1].parse().unwrap(), moment.unwrap());
    SPEAK.set(true);
    let broken = history(&local::Weather::default(), &stage, &[death], next.unwrap());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_scenario_is_enumerated() {
    let names: Vec<&str> = all().iter().map(|one| one.name).collect();
    assert_eq!(names, NAMES);
}
