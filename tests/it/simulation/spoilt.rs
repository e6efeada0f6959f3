//! Every call, and everything that can go wrong with its answer: once, or from then on.

use trainyard::cli::ExitCode;
use trainyard::local::Settings;

use super::crash::{Stage, record};
use super::fault::all_faults;
use super::fault::{Fault, Spoil};
use super::goal;
use super::history::{End, History, Order, Specs, play};
use super::network::Weather;
use super::report;
use super::scenario::all;

/// The calls whose answers are what is decided on.
const LISTINGS: [&str; 7] = [
    "DescribeInstances",
    "DescribeInstances by id",
    "DescribeVolumes",
    "DescribeSpotInstanceRequests",
    "DescribeSecurityGroups",
    "TerminateInstances",
    "RunInstances",
];

/// Runs in bad weather, and holds the exit code to its word; then all is well again.
async fn history(history: &History, stage: &Stage<'_>, weather: Weather) {
    stage.set(history).await;
    let order = stage.order();
    let over = history.run(&order, weather).await;
    match (&order, &over.end) {
        (Order::Destroy, End::Exit(ExitCode::Done)) => goal::is_gone(history),
        (Order::Apply(_), End::Exit(ExitCode::Done)) => {
            goal::has_all(history, stage.wanted().1, &over.output);
        }
        _ => {}
    }
    let (path, text) = stage.wanted();
    match order {
        Order::Apply(_) => goal::reach(history, &path, text).await,
        Order::Plan(_) | Order::DestroySpec(_) | Order::Destroy | Order::DestroyAll => {
            goal::destroy(history).await;
        }
    }
}

fn every(name: &str) {
    let scenarios = all();
    let scenario = scenarios.iter().find(|one| one.name == name).unwrap();
    let specs = Specs::new();
    let stage = Stage::new(scenario, &specs);
    let calls = record(&stage);
    let mut weathers = Vec::new();
    for call in &calls {
        for fault in all_faults() {
            weathers.push(Weather {
                faults: vec![(call.number, fault)],
                ..Weather::default()
            });
        }
    }
    for action in LISTINGS {
        let numbers = calls.iter().filter(|call| call.action == action);
        // From the first on, and from the second on: what was known before stays known.
        for call in numbers.take(2) {
            for fault in all_faults() {
                weathers.push(Weather {
                    broken: vec![(call.number, action, fault)],
                    ..Weather::default()
                });
            }
        }
    }
    weathers.push(Weather {
        empty_pages: true,
        ..Weather::default()
    });
    let histories = weathers.len();
    let mut found = Vec::new();
    for weather in weathers {
        let what = format!("{:?} {:?}", weather.faults, weather.broken);
        let broken = play(0, Settings::default(), async |one| {
            history(one, &stage, weather).await;
            one.laws.verdict()
        });
        found.extend(
            broken
                .into_iter()
                .map(|law| format!("{name}: {what}: {law}")),
        );
    }
    let line = format!(
        "spoilt answers of {name}: {} calls, {histories} histories, {} violations",
        calls.len(),
        found.len()
    );
    report::line(&format!("spoilt-{name}"), &line);
    assert!(found.is_empty(), "{line}\n{}", found.join("\n"));
}

#[test]
fn a_create_survives_every_spoilt_answer() {
    every("create_with_a_way_in");
}

#[test]
fn a_destroy_survives_every_spoilt_answer() {
    every("destroy_with_a_way_in");
}

#[test]
fn a_destroy_of_spot_instances_survives_every_spoilt_answer() {
    every("destroy_spot");
}

#[test]
fn an_update_survives_every_spoilt_answer() {
    every("update");
}

#[test]
fn a_restart_survives_every_spoilt_answer() {
    every("stop_start");
}

#[test]
fn an_introduction_survives_every_spoilt_answer() {
    every("introduce");
}

/// I5: what a listing that cannot be read must never come to.
#[test]
fn a_listing_that_cannot_be_read_is_no_empty_listing() {
    let scenarios = all();
    let scenario = scenarios.iter().find(|one| one.name == "destroy").unwrap();
    let specs = Specs::new();
    let stage = Stage::new(scenario, &specs);
    for spoil in Spoil::ALL {
        play(0, Settings::default(), async |history| {
            stage.set(history).await;
            let weather = Weather {
                broken: vec![(0, "DescribeInstances", Fault::Answer(spoil))],
                ..Weather::default()
            };
            let over = history.run(&Order::Destroy, weather).await;
            assert!(over.is(ExitCode::Alive), "{spoil:?}: {:?}", over.end);
            assert!(
                over.output.contains("not known"),
                "{spoil:?}: {}",
                over.output
            );
        });
    }
}
