//! AWS is too busy for ten minutes, for whatever is asked of it.

use std::time::Duration;

use trainyard::cli::ExitCode;
use trainyard::local::Settings;

use super::goal;
use super::history::{Order, Specs, play};
use super::laws::alive;
use super::network::Weather;
use super::report;
use super::scenario::{TYPE, spec};

const STORM: Duration = Duration::from_mins(10);
/// How long a destroy may take beside the storm: `src/design` states it.
const BOUND: Duration = Duration::from_mins(5);

/// Destroys in a storm that begins so long after the destroy.
fn destroy_in_a_storm(after: Duration) -> Duration {
    let specs = Specs::new();
    let path = specs.write("lab", &spec(3, &[TYPE]));
    play(7, Settings::default(), async |history| {
        let over = history.calmly(&Order::Apply(path)).await;
        assert!(over.is(ExitCode::Done), "{}", over.output);
        let begin = history.time.elapsed();
        let weather = Weather {
            storm_from: begin + after,
            storm_until: Some(begin + after + STORM),
            ..Weather::default()
        };
        let over = history.run(&Order::Destroy, weather).await;
        assert!(
            over.is(ExitCode::Done),
            "{:?} {:?}: {}",
            history.time.since(begin),
            over,
            over.output
        );
        goal::is_gone(history);
        assert_eq!(alive(&history.cloud), []);
        assert_eq!(history.laws.verdict(), [] as [String; 0]);
        history.time.since(begin)
    })
}

#[test]
fn ten_minutes_of_throttling_do_not_keep_a_destroy_from_its_end() {
    let mut longest = Duration::ZERO;
    for after in [0, 50, 100, 200, 400, 1_000, 5_000, 20_000] {
        let took = destroy_in_a_storm(Duration::from_millis(after));
        longest = longest.max(took);
        assert!(took < STORM + BOUND, "{after} ms: {took:?}");
    }
    let line = format!(
        "destroy in ten minutes of throttling: {} s at most, {} s allowed",
        longest.as_secs(),
        (STORM + BOUND).as_secs()
    );
    report::line("storm", &line);
}

#[test]
fn a_plan_in_a_storm_gives_up_within_its_bound_and_says_so() {
    let specs = Specs::new();
    let path = specs.write("lab", &spec(1, &[TYPE]));
    play(7, Settings::default(), async |history| {
        let weather = Weather {
            storm_until: Some(STORM),
            ..Weather::default()
        };
        let over = history.run(&Order::Apply(path), weather).await;
        assert!(over.is(ExitCode::Failed), "{:?}", over.end);
        assert!(
            over.output.contains("run the command again"),
            "{}",
            over.output
        );
        assert!(history.time.elapsed() < Duration::from_mins(3));
        assert_eq!(history.laws.ever(), 0);
    });
}
