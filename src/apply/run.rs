//! The executor.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use super::cancel::Cancel;
use super::event::{Event, Sink};
use super::perform::{Control, Performer, StepError, StepErrorKind};
use super::report::{ApplyReport, Outcome};
use crate::plan::{Plan, Step, StepId};

/// How many steps run side by side.
///
/// RunInstances has a bucket of five requests and two a second after that (EC2
/// API throttling), so more would only wait inside the client.
const SIDE_BY_SIDE: usize = 8;

/// Runs the steps of a plan in the order of their dependencies.
///
/// A step that fails stops those that wait for it and no others. Once asked to
/// stop, nothing new begins and what is in flight finishes.
pub async fn run<P: Performer + 'static>(
    plan: &Plan,
    performer: Arc<P>,
    sink: Sink,
    cancel: Cancel,
) -> ApplyReport {
    let mut report = ApplyReport::default();
    let mut waiting: Vec<Step> = plan.steps.clone();
    let mut running = JoinSet::new();
    loop {
        let mut held_back = Vec::new();
        for step in waiting {
            match readiness(&step, &report.outcomes, &cancel) {
                Readiness::Settled(outcome) => finish(&mut report, &sink, step.id, outcome),
                Readiness::Ready if running.len() < SIDE_BY_SIDE => {
                    start(&mut running, step, &performer, &sink, &cancel);
                }
                Readiness::Ready | Readiness::Waiting => held_back.push(step),
            }
        }
        waiting = held_back;
        match running.join_next().await {
            Some(Ok((id, outcome))) => finish(&mut report, &sink, id, outcome),
            Some(Err(error)) => {
                // A step that came to grief in an unforeseen way is one of those
                // without an outcome; they are all unknown, none is done.
                tracing::error!(%error, "a step ended without an outcome");
            }
            None if waiting.is_empty() => break,
            None if waiting.iter().any(|step| {
                !matches!(
                    readiness(step, &report.outcomes, &cancel),
                    Readiness::Waiting
                )
            }) => {}
            None => break,
        }
    }
    for step in &plan.steps {
        let outcome = report.outcomes.entry(step.id);
        outcome.or_insert_with(|| Outcome::Failed(no_outcome()));
    }
    report
}

fn no_outcome() -> StepError {
    let text = "this step ended without an outcome";
    StepError::new(StepErrorKind::Ambiguous, text)
}

enum Readiness {
    Ready,
    Waiting,
    Settled(Outcome),
}

fn readiness(step: &Step, outcomes: &BTreeMap<StepId, Outcome>, cancel: &Cancel) -> Readiness {
    let failed = step.after.iter().find(|earlier| {
        outcomes
            .get(earlier)
            .is_some_and(|outcome| !matches!(outcome, Outcome::Done(_)))
    });
    if let Some(because) = failed {
        return Readiness::Settled(Outcome::Skipped { because: *because });
    }
    if cancel.is_asked() {
        return Readiness::Settled(Outcome::Cancelled);
    }
    if step
        .after
        .iter()
        .all(|earlier| outcomes.contains_key(earlier))
    {
        Readiness::Ready
    } else {
        Readiness::Waiting
    }
}

fn start<P: Performer + 'static>(
    running: &mut JoinSet<(StepId, Outcome)>,
    step: Step,
    performer: &Arc<P>,
    sink: &Sink,
    cancel: &Cancel,
) {
    sink(Event::Started { step: step.id });
    let (performer, sink) = (Arc::clone(performer), Arc::clone(sink));
    let id = step.id;
    let control = Control {
        cancel: cancel.clone(),
        progress: Arc::new(move |text| sink(Event::Progress { step: id, text })),
    };
    running.spawn(async move {
        control.cancel.unheld().await;
        if control.cancel.is_asked() {
            return (step.id, Outcome::Cancelled);
        }
        // A step that came to grief in an unforeseen way may have done anything.
        let attempt = AssertUnwindSafe(performer.perform(&step, &control)).catch_unwind();
        let outcome = match attempt.await {
            Ok(Ok(done)) => Outcome::Done(done),
            Ok(Err(error)) => Outcome::Failed(error),
            Err(_panic) => Outcome::Failed(no_outcome()),
        };
        (step.id, outcome)
    });
}

fn finish(report: &mut ApplyReport, sink: &Sink, step: StepId, outcome: Outcome) {
    sink(Event::Finished {
        step,
        outcome: outcome.clone(),
    });
    report.outcomes.insert(step, outcome);
}
