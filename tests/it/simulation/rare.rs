//! What seldom happens, and goes on for long: sleep, clocks, whole regions, other people.

use std::time::Duration;

use trainyard::cli::ExitCode;
use trainyard::local::{self, Delays, Settings};

use super::crash::{Stage, record};
use super::fault::{Fault, Spoil};
use super::foreign::stop;
use super::goal;
use super::history::{End, Order, Specs, play};
use super::laws::alive;
use super::network::Weather;
use super::scenario::{TYPE, all, spec};

const NONE: [String; 0] = [];

/// F11: the machine sleeps beside a call for longer than the lease, and then goes on.
#[test]
fn a_command_that_sleeps_for_longer_than_the_lease_doubles_nothing() {
    let specs = Specs::new();
    for name in ["create", "replace"] {
        let scenarios = all();
        let scenario = scenarios.iter().find(|one| one.name == name).unwrap();
        let stage = Stage::new(scenario, &specs);
        for call in record(&stage) {
            let broken = play(0, Settings::default(), async |history| {
                stage.set(history).await;
                let weather = Weather {
                    sleep: Some((call.number, Duration::from_hours(5))),
                    ..Weather::default()
                };
                history.run(&stage.order(), weather).await;
                let (path, text) = stage.wanted();
                goal::reach(history, &path, text).await;
                goal::destroy(history).await;
                history.laws.verdict()
            });
            assert_eq!(broken, NONE, "{name}, asleep beside {call:?}");
        }
    }
}

/// F18: a page that cannot be read is not the end of what the first ones began.
#[test]
fn a_later_page_that_cannot_be_read_is_not_the_end_of_a_listing() {
    let specs = Specs::new();
    let text = spec(2, &[TYPE]);
    let path = specs.write("lab", &text);
    for spoil in Spoil::ALL {
        play(0, Settings::default(), async |history| {
            goal::reach(history, &path, &text).await;
            let broken_pages = || Weather {
                empty_pages: true,
                next_pages: Some(Fault::Refused(spoil)),
                ..Weather::default()
            };
            let apply = Order::Apply(path.clone());
            let over = history.run(&apply, broken_pages()).await;
            assert!(over.is(ExitCode::Failed), "{spoil:?}: {:?}", over.end);
            let over = history.run(&Order::Destroy, broken_pages()).await;
            assert!(over.is(ExitCode::Alive), "{spoil:?}: {:?}", over.end);
            assert!(over.output.contains("not known"), "{}", over.output);
            assert_eq!(history.laws.ever(), 2, "{spoil:?}");
            goal::reach(history, &path, &text).await;
            goal::destroy(history).await;
            assert_eq!(history.laws.verdict(), NONE, "{spoil:?}");
        });
    }
}

/// F23: answers show for a while what tags were before an edit.
#[test]
fn old_values_of_tags_double_nothing() {
    let specs = Specs::new();
    let first = spec(2, &[TYPE]);
    let edited = spec(2, &[TYPE, "tags: {project: new}", "protect: true"]);
    let again = spec(3, &[TYPE, "tags: {project: newer}"]);
    for seed in 0..20 {
        let settings = Settings {
            weather: local::Weather {
                seed,
                edits: Duration::from_secs(20),
                ..local::Weather::default()
            },
            ..Settings::default()
        };
        play(seed, settings, async |history| {
            for (number, text) in [&first, &edited, &again].into_iter().enumerate() {
                let path = specs.write(&format!("lab{number}"), text);
                goal::reach(history, &path, text).await;
            }
            assert_eq!(history.laws.ever(), 3, "seed {seed}");
            goal::destroy(history).await;
            assert_eq!(history.laws.verdict(), NONE, "seed {seed}");
        });
    }
}

/// F26: one region of two is down: the plan of the other is shown, and nothing is done.
#[test]
fn a_region_that_is_down_hides_no_other() {
    let specs = Specs::new();
    specs.write("lab", &spec(1, &[TYPE]));
    let west = spec(1, &[TYPE]).replace("name: lab", "name: west");
    specs.write("west", &west.replace("us-east-1", "us-west-2"));
    let both = specs.folder();
    play(0, Settings::default(), async |history| {
        let dark = || Weather {
            dark: Some("us-west-2"),
            ..Weather::default()
        };
        let plan = history.run(&Order::Plan(both.clone()), dark()).await;
        assert!(plan.is(ExitCode::Partly), "{:?}: {}", plan.end, plan.output);
        for words in [
            "trainer[0]  1 instance",
            "us-west-2, 123456789012 could not be looked at",
        ] {
            assert!(plan.output.contains(words), "{words}: {}", plan.output);
        }
        let apply = Order::Apply(both.clone());
        let over = history.run(&apply, dark()).await;
        assert!(over.is(ExitCode::Failed), "{:?}: {}", over.end, over.output);
        assert!(
            over.output.contains("nothing was changed"),
            "{}",
            over.output
        );
        assert_eq!(history.cloud.truth().len(), 0);
        let over = history.calmly(&apply).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        assert_eq!(history.cloud.truth().len(), 2);
    });
}

/// F42: a clock that is too wrong for AWS is named, and changes nothing.
#[test]
fn a_clock_that_aws_refuses_is_named() {
    let specs = Specs::new();
    let path = specs.write("lab", &spec(1, &[TYPE]));
    let strict = || Settings {
        weather: local::Weather {
            dates: true,
            ..local::Weather::default()
        },
        ..Settings::default()
    };
    for skew in [-1_200, 1_200] {
        play(0, strict(), async |history| {
            for order in [Order::Apply(path.clone()), Order::Destroy] {
                let wrong = Weather {
                    skew,
                    ..Weather::default()
                };
                let over = history.run(&order, wrong).await;
                assert_ne!(over.end, End::Exit(ExitCode::Done), "{}", over.output);
                let named = over.output.contains("this machine's clock");
                assert!(named, "{order:?}: {}", over.output);
            }
            assert_eq!(history.laws.ever(), 0);
        });
    }
}

/// F42: the clock of a machine is set by ten minutes while a command runs.
#[test]
fn a_clock_that_jumps_launches_nothing_twice() {
    let specs = Specs::new();
    let text = spec(2, &[TYPE]);
    let path = specs.write("lab", &text);
    let apply = Order::Apply(path.clone());
    let calls = play(0, Settings::default(), async |history| {
        history.calmly(&apply).await.calls
    });
    for call in calls {
        for seconds in [-600, 600] {
            play(0, Settings::default(), async |history| {
                let weather = Weather {
                    jump: Some((call.number, seconds)),
                    ..Weather::default()
                };
                let over = history.run(&apply, weather).await;
                assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
                goal::reach(history, &path, &text).await;
                assert_eq!(history.laws.ever(), 2, "{call:?} {seconds}");
                goal::destroy(history).await;
                assert_eq!(history.laws.verdict(), NONE, "{call:?} {seconds}");
            });
        }
    }
}

/// F43: somebody stops an instance as soon as it runs, while an apply waits for another.
#[test]
fn an_instance_that_is_stopped_while_it_starts_is_told_of_and_started_by_the_next() {
    let specs = Specs::new();
    let text = spec(2, &[TYPE]);
    let path = specs.write("lab", &text);
    let settings = Settings {
        delays: Delays {
            pending: Duration::from_secs(10),
            ..Delays::default()
        },
        ..Settings::default()
    };
    play(0, settings, async |history| {
        let stopping = async {
            loop {
                history.wait(Duration::from_millis(10)).await;
                let truth = alive(&history.cloud);
                if let Some(one) = truth.iter().find(|one| one.state == "running") {
                    stop(history, &one.id).await;
                    return one.id.clone();
                }
            }
        };
        let apply = Order::Apply(path.clone());
        let (over, id) = tokio::join!(history.calmly(&apply), stopping);
        assert!(!over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        assert!(over.output.contains(&id), "{}", over.output);
        goal::reach(history, &path, &text).await;
        assert_eq!(history.laws.ever(), 2);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}

/// F44: protection against stopping forbids the end, too.
#[test]
fn protection_against_stopping_is_named_and_lifted_by_a_word() {
    let specs = Specs::new();
    let text = spec(2, &[TYPE]);
    let path = specs.write("lab", &text);
    play(0, Settings::default(), async |history| {
        goal::reach(history, &path, &text).await;
        let one = alive(&history.cloud).remove(0);
        let body = format!("{{\"instance\": \"{}\", \"stop\": true}}", one.id);
        history.cloud.order("protections", &body).unwrap();
        let over = history.calmly(&Order::Destroy).await;
        assert!(over.is(ExitCode::Alive), "{:?}: {}", over.end, over.output);
        for words in [one.id.as_str(), "--lift-protection"] {
            assert!(over.output.contains(words), "{words}: {}", over.output);
        }
        assert_eq!(alive(&history.cloud).len(), 1);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}
