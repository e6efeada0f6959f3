//! Single cases that a drawn history would meet too seldom.

use std::time::Duration;

use trainyard::cli::ExitCode;
use trainyard::local::Settings;

use super::fault::{Fault, Spoil};
use super::foreign::{launch, other};
use super::goal;
use super::history::{Order, Specs, play};
use super::laws::{ACCOUNT, alive};
use super::network::Weather;
use super::scenario::{TYPE, spec};

/// F24: the termination is not taken, and the ids are not found: that proves nothing.
#[test]
fn what_is_not_found_is_not_gone() {
    let specs = Specs::new();
    let path = specs.write("lab", &spec(2, &[TYPE]));
    play(0, Settings::default(), async |history| {
        let over = history.calmly(&Order::Apply(path.clone())).await;
        assert!(over.is(ExitCode::Done), "{}", over.output);
        let weather = Weather {
            broken: vec![
                (0, "TerminateInstances", Fault::Refused(Spoil::NotFound)),
                (
                    0,
                    "DescribeInstances by id",
                    Fault::Refused(Spoil::NotFound),
                ),
                (0, "DescribeInstances of ids", Fault::Answer(Spoil::Nothing)),
            ],
            ..Weather::default()
        };
        let over = history.run(&Order::Destroy, weather).await;
        assert!(over.is(ExitCode::Alive), "{:?}: {}", over.end, over.output);
        assert_eq!(alive(&history.cloud).len(), 2);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), [] as [String; 0]);
    });
}

/// F46: a request that persists is cancelled before its instance ends, so that no
/// successor is ever launched.
#[test]
fn a_persistent_request_never_launches_a_successor() {
    play(0, Settings::default(), async |history| {
        let market = "InstanceMarketOptions";
        let kind = format!("{market}.SpotOptions.SpotInstanceType");
        let behavior = format!("{market}.SpotOptions.InstanceInterruptionBehavior");
        let more = [
            ("InstanceMarketOptions.MarketType", "spot"),
            (kind.as_str(), "persistent"),
            (behavior.as_str(), "stop"),
        ];
        launch(history, "ty1-by-hand", &other("lab", ACCOUNT), &more).await;
        history.wait(Duration::from_mins(1)).await;
        let over = history.calmly(&Order::Destroy).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        history.wait(Duration::from_mins(30)).await;
        assert_eq!(alive(&history.cloud), []);
        let ever = history.cloud.truth().len();
        assert_eq!(ever, 1, "a successor was launched: {}", over.output);
    });
}

/// F47: a copy of our tags with another account in them is shown and never touched.
#[test]
fn what_is_not_provably_ours_is_not_touched() {
    play(0, Settings::default(), async |history| {
        launch(history, "ty1-elsewhere", &other("lab", "999999999999"), &[]).await;
        launch(history, "by-hand", &other("lab", ACCOUNT), &[]).await;
        history.wait(Duration::from_mins(2)).await;
        history.laws.guard(&history.cloud);
        let over = history.calmly(&Order::DestroyAll).await;
        assert!(over.is(ExitCode::Alive), "{:?}: {}", over.end, over.output);
        history.laws.look(&history.cloud);
        assert_eq!(history.laws.verdict(), [] as [String; 0]);
    });
}

/// F19: a page may be empty and have another one after it.
#[test]
fn an_empty_page_is_not_the_end_of_a_listing() {
    let specs = Specs::new();
    let text = spec(2, &[TYPE]);
    let path = specs.write("lab", &text);
    play(0, Settings::default(), async |history| {
        let empty_pages = || Weather {
            empty_pages: true,
            ..Weather::default()
        };
        let apply = Order::Apply(path.clone());
        for _ in 0..2 {
            let over = history.run(&apply, empty_pages()).await;
            assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
            goal::is_there(history, &text, &over.output);
        }
        assert_eq!(history.laws.ever(), 2);
        let over = history.run(&Order::Destroy, empty_pages()).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        goal::is_gone(history);
        assert_eq!(history.laws.verdict(), [] as [String; 0]);
    });
}

/// F42: a clock that is a quarter of an hour wrong is no reason for another launch.
#[test]
fn a_clock_that_is_wrong_launches_nothing_twice() {
    let specs = Specs::new();
    let text = spec(1, &[TYPE]);
    let path = specs.write("lab", &text);
    for skew in [-600, 600] {
        play(0, Settings::default(), async |history| {
            let wrong = || Weather {
                skew,
                ..Weather::default()
            };
            let apply = Order::Apply(path.clone());
            for _ in 0..2 {
                let over = history.run(&apply, wrong()).await;
                assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
            }
            assert_eq!(history.laws.ever(), 1);
            let over = history.run(&Order::Destroy, wrong()).await;
            assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
            goal::is_gone(history);
        });
    }
}
