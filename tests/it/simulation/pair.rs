//! Two people at once: their calls interleaved.
//!
//! For each pair of commands every schedule with two changes of turn is played: the one
//! makes some of its calls, then the other some of its, then the one goes on to its end.
//! Where the other stops in between only matters beside a call of its that changes
//! something, so there it stops. Longer interleavings are drawn from seeds.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use trainyard::apply::Cancel;
use trainyard::cli::ExitCode;
use trainyard::local::Settings;

use super::goal;
use super::history::{History, Order, Over, Specs, play};
use super::network::{Call, Gate, Turn, Weather};
use super::report;
use super::scenario::{TYPE, spec};

/// Whose turn it is: an actor and how many calls it makes.
#[derive(Debug)]
struct Schedule {
    /// From the last to the first.
    turns: Mutex<Vec<(usize, usize)>>,
    changed: Notify,
}

impl Schedule {
    fn new(turns: &[(usize, usize)]) -> Arc<Self> {
        Arc::new(Self {
            turns: Mutex::new(turns.iter().rev().copied().collect()),
            changed: Notify::new(),
        })
    }

    /// Takes a call of the actor's turn, if it is its turn.
    fn take(&self, actor: usize) -> bool {
        let mut turns = self.turns.lock().unwrap();
        while turns.last().is_some_and(|(_, left)| *left == 0) {
            turns.pop();
        }
        match turns.last_mut() {
            Some((whose, left)) if *whose == actor => {
                *left -= 1;
                true
            }
            Some(_) => false,
            None => true,
        }
    }

    /// The actor makes no more calls.
    fn leave(&self, actor: usize) {
        let mut turns = self.turns.lock().unwrap();
        turns.retain(|(whose, _)| *whose != actor);
        drop(turns);
        self.changed.notify_waiters();
    }
}

/// The gate of one actor.
struct Door {
    schedule: Arc<Schedule>,
    actor: usize,
}

/// Wakes the other when a call has been answered.
struct Bell(Arc<Schedule>);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.changed.notify_waiters();
    }
}

impl Gate for Door {
    fn turn(&self, _call: &Call) -> Pin<Box<dyn Future<Output = Turn> + Send + '_>> {
        Box::pin(async {
            loop {
                let changed = self.schedule.changed.notified();
                if self.schedule.take(self.actor) {
                    let bell = Bell(Arc::clone(&self.schedule));
                    return Turn(Some(Box::new(bell)));
                }
                changed.await;
            }
        })
    }
}

/// What two people do to what was there.
struct Pair {
    name: &'static str,
    before: Option<PathBuf>,
    orders: [Order; 2],
    /// The specs that it may end at.
    last: (PathBuf, String),
    /// Whether both want the same, so that not even for a moment two run at one address.
    same: bool,
}

impl Pair {
    async fn set(&self, history: &History) {
        if let Some(path) = &self.before {
            let over = history.calmly(&Order::Apply(path.clone())).await;
            assert!(over.is(ExitCode::Done), "{}", over.output);
        }
        if !self.same {
            history.laws.allow_doubles();
        }
    }

    /// The calls of one of them, alone.
    fn record(&self, actor: usize) -> Vec<Call> {
        play(0, Settings::default(), async |history| {
            self.set(history).await;
            history.calmly(&self.orders[actor]).await.calls
        })
    }

    fn history(&self, seed: u64, turns: &[(usize, usize)]) -> Vec<String> {
        play(seed, Settings::default(), async |history| {
            self.set(history).await;
            let schedule = Schedule::new(turns);
            let run = |actor: usize| {
                let schedule = Arc::clone(&schedule);
                let drawn = turns.is_empty().then_some(seed + actor as u64);
                async move { self.act(history, actor, schedule, drawn).await }
            };
            tokio::join!(run(0), run(1));
            let (path, text) = &self.last;
            goal::reach(history, path, text).await;
            goal::destroy(history).await;
            history.laws.verdict()
        })
    }

    async fn act(
        &self,
        history: &History,
        actor: usize,
        schedule: Arc<Schedule>,
        drawn: Option<u64>,
    ) -> Over {
        let gate: Arc<dyn Gate> = Arc::new(Door {
            schedule: Arc::clone(&schedule),
            actor,
        });
        let weather = Weather {
            slow: drawn,
            ..Weather::default()
        };
        let order = &self.orders[actor];
        let over = history
            .run_beside((actor, Some(gate)), order, weather, Cancel::default())
            .await;
        schedule.leave(actor);
        if *order == Order::Destroy && over.is(ExitCode::Done) && turns_are_over(&schedule, actor) {
            goal::is_gone(history);
        }
        over
    }
}

/// Whether the other has ended, too: what it launches afterwards is no lie of a destroy.
fn turns_are_over(schedule: &Schedule, actor: usize) -> bool {
    let turns = schedule.turns.lock().unwrap();
    turns.iter().all(|(whose, _)| *whose == actor)
}

/// Where a schedule lets the other stop: beside its calls that change something.
fn stops(calls: &[Call]) -> BTreeSet<usize> {
    let changes = calls.iter().filter(|call| call.mutates());
    let beside = changes.flat_map(|call| [call.number, call.number + 1]);
    beside.chain([calls.len()]).collect()
}

/// More calls than any command makes.
const ALL: usize = usize::MAX;

fn every(pair: &Pair) {
    let calls = [pair.record(0), pair.record(1)];
    let mut histories = 0;
    let mut found = Vec::new();
    for (one, other) in [(0, 1), (1, 0)] {
        for first in 0..=calls[one].len() {
            for second in stops(&calls[other]) {
                let turns = [(one, first), (other, second), (one, ALL), (other, ALL)];
                histories += 1;
                let broken = pair.history(0, &turns).into_iter();
                found.extend(broken.map(|law| format!("{} {turns:?}: {law}", pair.name)));
            }
        }
    }
    for seed in 1..=DRAWN {
        histories += 1;
        let broken = pair.history(seed, &[]).into_iter();
        found.extend(broken.map(|law| format!("{} seed {seed}: {law}", pair.name)));
    }
    let line = format!(
        "interleavings of {}: {} and {} calls, {histories} histories, {} violations",
        pair.name,
        calls[0].len(),
        calls[1].len(),
        found.len()
    );
    report::line(&format!("pair-{}", pair.name), &line);
    assert!(found.is_empty(), "{line}\n{}", found.join("\n"));
}

/// How many interleavings of a pair are drawn.
const DRAWN: u64 = 100;

fn with_specs(
    name: &'static str,
    make: impl FnOnce(&dyn Fn(&str, u32) -> (PathBuf, String)) -> Pair,
) {
    let specs = Specs::new();
    let write = |kind: &str, count: u32| {
        let text = spec(count, &[kind]);
        (
            specs.write(&format!("{name}-{}-{count}", kind.len()), &text),
            text,
        )
    };
    every(&make(&write));
}

const LARGER: &str = "type: t3.medium";

#[test]
fn two_apply_the_same() {
    with_specs("same", |spec| {
        let last = spec(TYPE, 2);
        Pair {
            name: "apply with the same apply",
            before: None,
            orders: [Order::Apply(last.0.clone()), Order::Apply(last.0.clone())],
            last,
            same: true,
        }
    });
}

#[test]
fn two_apply_different_specs() {
    with_specs("different", |spec| {
        let last = spec(LARGER, 1);
        Pair {
            name: "apply with another apply",
            before: None,
            orders: [Order::Apply(spec(TYPE, 1).0), Order::Apply(last.0.clone())],
            last,
            same: false,
        }
    });
}

#[test]
fn one_grows_and_the_other_shrinks() {
    with_specs("sizes", |spec| {
        let last = spec(TYPE, 3);
        Pair {
            name: "grow with shrink",
            before: Some(spec(TYPE, 2).0),
            orders: [Order::Apply(last.0.clone()), Order::Apply(spec(TYPE, 1).0)],
            last,
            same: false,
        }
    });
}

#[test]
fn one_applies_and_the_other_destroys() {
    with_specs("against", |spec| {
        let last = spec(TYPE, 1);
        Pair {
            name: "apply with destroy",
            before: None,
            orders: [Order::Apply(last.0.clone()), Order::Destroy],
            last,
            same: true,
        }
    });
}

#[test]
fn one_grows_and_the_other_destroys() {
    with_specs("growing", |spec| {
        let last = spec(TYPE, 2);
        Pair {
            name: "grow with destroy",
            before: Some(spec(TYPE, 1).0),
            orders: [Order::Apply(last.0.clone()), Order::Destroy],
            last,
            same: true,
        }
    });
}

#[test]
fn two_destroy() {
    with_specs("destroy", |spec| {
        let last = spec(TYPE, 2);
        Pair {
            name: "destroy with destroy",
            before: Some(last.0.clone()),
            orders: [Order::Destroy, Order::Destroy],
            last,
            same: true,
        }
    });
}
