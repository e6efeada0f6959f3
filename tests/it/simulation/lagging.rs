//! Listings that lag for longer than usual, and what of AWS fails while the rest works.

use std::time::Duration;

use serde_json::json;
use trainyard::cli::ExitCode;
use trainyard::local::{self, Settings};

use super::fault::{Fault, Spoil};
use super::goal;
use super::history::{End, History, Order, Specs, play};
use super::laws::alive;
use super::network::{Moment, Weather};
use super::scenario::{SSM, TYPE, spec};

const NONE: [String; 0] = [];

/// A cloud on which new instances are unknown for up to so long.
fn blind_for(seconds: u64) -> Settings {
    Settings {
        weather: local::Weather {
            seed: 11,
            visibility: Duration::from_secs(seconds),
            tags: Duration::from_secs(seconds),
            ..local::Weather::default()
        },
        ..Settings::default()
    }
}

/// Runs a command that dies when the first call of an action has taken effect.
async fn die_after(history: &History, order: &Order, action: &str, calls: usize) {
    for number in 0..calls {
        let weather = Weather {
            death: Some((number, Moment::After)),
            ..Weather::default()
        };
        let over = history.run(order, weather).await;
        assert_eq!(over.end, End::Killed);
        if over.calls.last().is_some_and(|call| call.action == action) {
            return;
        }
    }
    panic!("{action} was never called");
}

/// F20: the launch is unknown for minutes, and nothing is launched again.
#[test]
fn a_launch_that_is_unknown_for_minutes_is_one_launch() {
    let specs = Specs::new();
    let text = spec(2, &[TYPE]);
    let apply = Order::Apply(specs.write("lab", &text));
    play(0, blind_for(240), async |history| {
        die_after(history, &apply, "RunInstances", 12).await;
        for _ in 0..2 {
            let over = history.calmly(&apply).await;
            assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
            goal::is_there(history, &text, &over.output);
        }
        assert_eq!(history.laws.ever(), 2);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}

/// F4: what stays unlisted for longer than the settle window is not seen by a destroy, and
/// ends with its lease.
#[test]
fn what_a_destroy_cannot_see_ends_with_its_lease() {
    let specs = Specs::new();
    let apply = Order::Apply(specs.write("lab", &spec(2, &[TYPE])));
    play(0, blind_for(300), async |history| {
        die_after(history, &apply, "RunInstances", 12).await;
        let over = history.calmly(&Order::Destroy).await;
        let proof = "complete listings over 30 s showed nothing of it";
        let said = over.output.contains(proof) || !over.is(ExitCode::Done);
        assert!(said, "{:?}: {}", over.end, over.output);
        goal::outlive(history, Duration::from_hours(4)).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}

/// F8: the process dies between two batches of a termination.
#[test]
fn a_destroy_that_dies_between_two_batches_is_finished_by_the_next() {
    let specs = Specs::new();
    let apply = Order::Apply(specs.write("lab", &spec(300, &[TYPE])));
    play(0, Settings::default(), async |history| {
        let over = history.calmly(&apply).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        die_after(history, &Order::Destroy, "TerminateInstances", 16).await;
        assert_eq!(alive(&history.cloud).len(), 50);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}

/// F15: only listings are refused, and that keeps nobody alive.
#[test]
fn what_is_known_is_terminated_though_nothing_can_be_listed_any_more() {
    let specs = Specs::new();
    let apply = Order::Apply(specs.write("lab", &spec(3, &[TYPE])));
    play(0, Settings::default(), async |history| {
        let over = history.calmly(&apply).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        let busy = Fault::Refused(Spoil::Busy);
        let weather = Weather {
            broken: vec![
                (7, "DescribeInstances", busy),
                (7, "DescribeInstances by id", busy),
                (7, "DescribeVolumes", busy),
            ],
            ..Weather::default()
        };
        let over = history.run(&Order::Destroy, weather).await;
        assert!(over.is(ExitCode::Alive), "{:?}: {}", over.end, over.output);
        assert_eq!(alive(&history.cloud), []);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}

/// F26: a zone is impaired, so that no listing is answered: that is not an empty one.
#[test]
fn an_impaired_zone_is_unknown_and_a_destroy_that_outlasts_it_ends_all() {
    let specs = Specs::new();
    let apply = Order::Apply(specs.write("lab", &spec(2, &[TYPE])));
    let zones = r#"[{"zone": "us-east-1a"}, {"zone": "us-east-1b"}, {"zone": "us-east-1c"}]"#;
    play(0, Settings::default(), async |history| {
        let over = history.calmly(&apply).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        history.cloud.order("outages", zones).unwrap();
        let over = history.calmly(&Order::Destroy).await;
        assert!(over.is(ExitCode::Alive), "{:?}: {}", over.end, over.output);
        assert!(over.output.contains("not known"), "{}", over.output);
        let ending = async {
            history.wait(Duration::from_mins(5)).await;
            history.cloud.order("DELETE outages", "").unwrap();
        };
        let (over, ()) = tokio::join!(history.calmly(&Order::Destroy), ending);
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        goal::is_gone(history);
        assert_eq!(history.laws.verdict(), NONE);
    });
}

/// F43: somebody ends an instance between two runs, and the next one has another in its place.
#[test]
fn an_instance_that_somebody_ended_is_launched_anew_under_another_incarnation() {
    let specs = Specs::new();
    let text = spec(2, &[TYPE]);
    let path = specs.write("lab", &text);
    play(0, Settings::default(), async |history| {
        goal::reach(history, &path, &text).await;
        let one = alive(&history.cloud).remove(0);
        let body = format!("{{\"instance\": \"{}\"}}", one.id);
        history.cloud.order("ends", &body).unwrap();
        goal::reach(history, &path, &text).await;
        assert_eq!(history.laws.ever(), 3);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}

/// F34: the name means another image after an apply died, and its launch is not listed: the
/// next one cannot know of it, and one of the two is left.
#[test]
fn a_launch_of_another_image_that_turns_up_late_is_ended_as_a_double() {
    let specs = Specs::new();
    let text = spec(1, &[TYPE]);
    let apply = Order::Apply(specs.write("lab", &text));
    play(0, blind_for(120), async |history| {
        history.laws.allow_doubles();
        die_after(history, &apply, "RunInstances", 12).await;
        let name = "al2023-ami-2023.9.20260202.0-kernel-6.1-x86_64";
        let image = json!({"name": name, "created": "2026-02-02T00:00:00.000Z"});
        let image = history.cloud.order("images", &image.to_string()).unwrap();
        let parameter = json!({"name": SSM, "value": image["id"]});
        let order = parameter.to_string();
        history.cloud.order("parameters", &order).unwrap();
        let over = history.calmly(&apply).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        history.wait(Duration::from_mins(5)).await;
        let over = history.calmly(&apply).await;
        assert!(over.is(ExitCode::Done), "{:?}: {}", over.end, over.output);
        goal::is_there(history, &text, &over.output);
        assert_eq!(history.laws.ever(), 2, "it was listed in time");
        assert_eq!(alive(&history.cloud).len(), 1, "{}", over.output);
        goal::destroy(history).await;
        assert_eq!(history.laws.verdict(), NONE);
    });
}
