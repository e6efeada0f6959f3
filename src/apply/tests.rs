//! Order, failures, stops: with a performer that does as it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::{
    ApplyReport, Cancel, Control, Event, Outcome, Performed, Performer, Sink, StepError,
    StepErrorKind, run,
};
use crate::plan::fixtures::{desired, observed, plan_of};
use crate::plan::{Action, Plan, Reason, Step, StepId};

/// What a step of a test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Deed {
    #[default]
    Succeed,
    Fail,
    Panic,
    /// Asks everybody to stop, and succeeds.
    Stop,
}

/// Does as it is told, and remembers what happened in which order.
#[derive(Default)]
struct Fake {
    deeds: BTreeMap<StepId, Deed>,
    /// A step ends once it may take one of these.
    gate: Option<Arc<Semaphore>>,
    log: Mutex<Vec<String>>,
    side_by_side: Mutex<(usize, usize)>,
}

impl Fake {
    fn new(deeds: &[(StepId, Deed)]) -> Self {
        Self {
            deeds: deeds.iter().copied().collect(),
            ..Self::default()
        }
    }

    fn note(&self, text: String, more: bool) {
        self.log.lock().unwrap().push(text);
        let (now, most) = &mut *self.side_by_side.lock().unwrap();
        *now = if more { *now + 1 } else { *now - 1 };
        *most = (*most).max(*now);
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn most_side_by_side(&self) -> usize {
        self.side_by_side.lock().unwrap().1
    }
}

impl Performer for Fake {
    async fn perform(&self, step: &Step, control: &Control) -> Result<Performed, StepError> {
        self.note(format!("+{}", step.id), true);
        (control.progress)(format!("at {}", step.id));
        match &self.gate {
            Some(gate) => gate.acquire().await.unwrap().forget(),
            None => tokio::task::yield_now().await,
        }
        self.note(format!("-{}", step.id), false);
        match self.deeds.get(&step.id).copied().unwrap_or_default() {
            Deed::Succeed => Ok(Performed::default()),
            Deed::Fail => Err(StepError::new(StepErrorKind::Rejected, "told to")
                .alive(vec![(format!("i-{}", step.id), "running".to_owned())])),
            // Without a message: it is no news.
            Deed::Panic => std::panic::resume_unwind(Box::new("told to")),
            Deed::Stop => {
                control.cancel.ask();
                Ok(Performed::default())
            }
        }
    }
}

/// A plan of steps that wait for each other as said.
fn plan(after: &[&[StepId]]) -> Plan {
    let mut plan = plan_of(&desired(&[]), &observed(&[]));
    plan.steps = (1..)
        .zip(after)
        .map(|(id, after)| Step {
            id,
            action: Action::DeleteVolumes(Vec::new()),
            reason: Reason::Leftover,
            after: after.iter().copied().collect(),
        })
        .collect();
    plan
}

async fn applied(plan: &Plan, fake: Fake) -> (ApplyReport, Arc<Fake>) {
    let fake = Arc::new(fake);
    let sink: Sink = Arc::new(|_| {});
    let report = run(plan, Arc::clone(&fake), sink, Cancel::default()).await;
    (report, fake)
}

fn words(report: &ApplyReport) -> Vec<String> {
    report
        .outcomes
        .values()
        .map(|outcome| match outcome {
            Outcome::Done(_) => "done".to_owned(),
            Outcome::Failed(error) => format!("failed: {error}"),
            Outcome::Skipped { because } => format!("skipped for {because}"),
            Outcome::Cancelled => "cancelled".to_owned(),
        })
        .collect()
}

#[tokio::test]
async fn steps_run_in_the_order_of_their_dependencies() {
    // Written in an order in which they cannot be run.
    let (report, fake) = applied(&plan(&[&[3], &[1], &[]]), Fake::default()).await;
    assert_eq!(words(&report), ["done", "done", "done"]);
    assert_eq!(fake.log(), ["+3", "-3", "+1", "-1", "+2", "-2"]);
    assert!(report.is_success() && report.did_anything());
}

#[tokio::test]
async fn an_empty_plan_is_a_success_that_did_nothing() {
    let (report, _) = applied(&plan(&[]), Fake::default()).await;
    assert!(report.is_success() && !report.did_anything());
}

#[tokio::test]
async fn a_failure_skips_what_waits_for_it_and_nothing_else() {
    let plan = plan(&[&[], &[1], &[2], &[], &[4]]);
    let (report, fake) = applied(&plan, Fake::new(&[(1, Deed::Fail)])).await;
    assert_eq!(
        words(&report),
        [
            "failed: told to",
            "skipped for 1",
            "skipped for 2",
            "done",
            "done"
        ]
    );
    assert!(!fake.log().contains(&"+2".to_owned()));
    assert!(!report.is_success() && report.did_anything());
    let alive: Vec<&(String, String)> = report.alive().collect();
    assert_eq!(alive, [&("i-1".to_owned(), "running".to_owned())]);
}

#[tokio::test]
async fn a_panic_is_a_failure_of_its_step_alone() {
    let plan = plan(&[&[], &[1], &[]]);
    let (report, _) = applied(&plan, Fake::new(&[(1, Deed::Panic)])).await;
    assert_eq!(
        words(&report),
        [
            "failed: this step ended without an outcome",
            "skipped for 1",
            "done"
        ]
    );
    let Outcome::Failed(error) = &report.outcomes[&1] else {
        panic!("a failure");
    };
    assert_eq!(error.kind, StepErrorKind::Ambiguous, "it may have done all");
}

#[tokio::test]
async fn asked_to_stop_nothing_new_begins_and_what_is_in_flight_finishes() {
    let plan = plan(&[&[], &[], &[1], &[3]]);
    let (report, fake) = applied(&plan, Fake::new(&[(1, Deed::Stop)])).await;
    assert_eq!(
        words(&report),
        ["done", "done", "cancelled", "skipped for 3"]
    );
    let mut log = fake.log();
    log.sort();
    assert_eq!(log, ["+1", "+2", "-1", "-2"]);
}

#[tokio::test]
async fn asked_before_it_begins_it_does_not_begin() {
    let cancel = Cancel::default();
    cancel.ask();
    let fake = Arc::new(Fake::default());
    let report = run(
        &plan(&[&[], &[]]),
        Arc::clone(&fake),
        Arc::new(|_| {}),
        cancel,
    )
    .await;
    assert_eq!(words(&report), ["cancelled", "cancelled"]);
    assert_eq!(fake.log(), Vec::<String>::new());
}

#[tokio::test]
async fn at_most_eight_run_side_by_side_and_all_get_their_turn() {
    let plan = plan(&[&[] as &[StepId]; 30]);
    let gate = Arc::new(Semaphore::new(0));
    let fake = Fake {
        gate: Some(Arc::clone(&gate)),
        ..Fake::default()
    };
    let (report, fake) = tokio::join!(applied(&plan, fake), async {
        // Nobody may end yet: as many begin as ever will side by side.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(30);
    })
    .0;
    assert_eq!(report.outcomes.len(), 30);
    assert!(report.is_success());
    assert_eq!(fake.most_side_by_side(), 8);
}

#[tokio::test]
async fn every_step_is_told_of_from_its_beginning_to_its_end() {
    let plan = plan(&[&[], &[1], &[]]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&seen);
    let sink: Sink = Arc::new(move |event| {
        events.lock().unwrap().push(match event {
            Event::Started { step } => format!("{step} starts"),
            Event::Progress { step, text } => format!("{step} is {text}"),
            Event::Finished { step, outcome } => {
                let done = matches!(outcome, Outcome::Done(_));
                format!("{step} ends {}", if done { "well" } else { "badly" })
            }
        });
    });
    let fake = Arc::new(Fake::new(&[(1, Deed::Panic)]));
    let _report = run(&plan, fake, sink, Cancel::default()).await;
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    let expected = [
        "1 ends badly",
        "1 is at 1",
        "1 starts",
        "2 ends badly",
        "3 ends well",
        "3 is at 3",
        "3 starts",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn steps_that_wait_for_each_other_end_with_an_outcome_too() {
    // No planner writes such a plan; it must not hang all the same.
    let (report, fake) = applied(&plan(&[&[2], &[1], &[9], &[]]), Fake::default()).await;
    assert_eq!(report.outcomes.len(), 4);
    assert!(matches!(report.outcomes[&4], Outcome::Done(_)));
    for id in 1..=3 {
        assert!(matches!(report.outcomes[&id], Outcome::Failed(_)), "{id}");
    }
    assert_eq!(fake.log(), ["+4", "-4"]);
}

fn any_steps() -> impl Strategy<Value = Vec<(BTreeSet<StepId>, Deed)>> {
    let deed = prop_oneof![
        8 => Just(Deed::Succeed),
        1 => Just(Deed::Fail),
        1 => Just(Deed::Panic),
    ];
    prop::collection::vec((prop::collection::btree_set(1_u32..40, 0..4), deed), 0..40).prop_map(
        |mut steps| {
            for (id, (after, _)) in (1..).zip(&mut steps) {
                after.retain(|earlier| *earlier < id);
            }
            steps
        },
    )
}

proptest! {
    #[test]
    fn every_step_ends_as_its_own_deed_and_those_before_it_say(steps in any_steps()) {
        let after: Vec<Vec<StepId>> =
            steps.iter().map(|(after, _)| after.iter().copied().collect()).collect();
        let after: Vec<&[StepId]> = after.iter().map(Vec::as_slice).collect();
        let deeds: Vec<(StepId, Deed)> =
            (1..).zip(steps.iter().map(|(_, deed)| *deed)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (report, fake) = runtime.block_on(applied(&plan(&after), Fake::new(&deeds)));
        prop_assert_eq!(report.outcomes.len(), steps.len());
        let done = |id: &StepId| matches!(report.outcomes[id], Outcome::Done(_));
        let log = fake.log();
        let at = |word: String| log.iter().position(|one| *one == word);
        for (id, (after, deed)) in (1_u32..).zip(&steps) {
            match &report.outcomes[&id] {
                Outcome::Done(_) => prop_assert_eq!(*deed, Deed::Succeed),
                Outcome::Failed(_) => prop_assert_ne!(*deed, Deed::Succeed),
                Outcome::Skipped { because } => {
                    prop_assert!(after.contains(because) && !done(because));
                    prop_assert_eq!(at(format!("+{id}")), None);
                    continue;
                }
                Outcome::Cancelled => prop_assert!(false, "nobody asked"),
            }
            for earlier in after {
                prop_assert!(done(earlier));
                let (end, begin) = (at(format!("-{earlier}")), at(format!("+{id}")));
                prop_assert!(end < begin);
            }
        }
        prop_assert!(fake.most_side_by_side() <= 8);
    }
}
