//! Ending, and looking for as long as a listing may lag.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::Former;
use super::attached::say_attached;
use super::verdict::{Quiet, kept_volume};
use crate::apply::{Cancel, Outcome, run as run_plan};
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::exit::ExitCode;
use crate::cli::output::Output;
use crate::cli::progress;
use crate::cli::session::{Blind, Session};
use crate::cli::signals::Known;
use crate::plan::{Action, Observed, Plan, Step, audit, plan_destroy};
use crate::render::{bad, escape};
use crate::resource::{EnvironmentName, InstanceId, VolumeId};

/// How often what turns up late is ended before giving up.
const MOST_ROUNDS: u32 = 5;

/// A destroy under way.
pub(super) struct Work<'a> {
    pub(super) session: &'a Session,
    pub(super) environment: &'a EnvironmentName,
    /// The name before, under which a part may still run.
    pub(super) former: Option<&'a Former>,
    pub(super) known: Known,
    pub(super) cancel: Cancel,
    pub(super) output: Output,
    /// Kept disks that the plan has named already.
    pub(super) told: BTreeSet<VolumeId>,
    /// What is left of what costs nothing.
    pub(super) left: RefCell<Vec<(String, String)>>,
    /// What could not be listed.
    pub(super) blind: RefCell<Blind>,
    /// What has read terminated twice: it never lives again, whatever a listing shows.
    pub(super) gone: RefCell<BTreeSet<InstanceId>>,
    /// What goes with instances and was deleted, though a listing may show it for a while.
    pub(super) deleted: RefCell<BTreeSet<String>>,
    /// Whether termination protection is what held something.
    pub(super) protected: Cell<bool>,
}

impl Work<'_> {
    /// Runs the plan, then looks for as long as a listing may lag; what turns up is ended too.
    pub(super) async fn until_nothing_is_left(&self, mut plan: Plan) -> CommandResult {
        let mut ended = 0;
        for _ in 0..MOST_ROUNDS {
            if !plan.steps.is_empty() {
                ended += instances(&plan);
                if let Some(code) = self.apply(&plan).await? {
                    return Ok(code);
                }
            }
            if self.cancel.is_asked() {
                self.output
                    .insist("stopped before it was proven that nothing is left");
                return Ok(ExitCode::Interrupted);
            }
            match self.watch().await? {
                Watch::Quiet(looks) => return Ok(self.verdict(&plan, ended, &looks)),
                Watch::Found(found) => plan = *found,
                Watch::Interrupted => {
                    self.output
                        .insist("stopped before it was proven that nothing is left");
                    return Ok(ExitCode::Interrupted);
                }
            }
        }
        self.output.insist(&format!(
            "{} new instances of {} kept turning up: somebody is launching them",
            bad("error:"),
            self.environment
        ));
        Ok(ExitCode::Alive)
    }

    /// The exit code, where the plan did not succeed.
    async fn apply(&self, plan: &Plan) -> Result<Option<ExitCode>, CommandError> {
        if let Some(violation) = audit(plan).first() {
            return Err(CommandError::failed(format!(
                "the plan breaks a rule of its own (step {}: {})",
                violation.step, violation.rule
            )));
        }
        if instances(plan) > 0 {
            // What they held may go now.
            self.left.borrow_mut().clear();
        }
        let aws = Arc::new(self.session.aws());
        let sink = progress::sink(plan, Arc::clone(&self.known), self.output);
        let report = run_plan(plan, aws, sink, self.cancel.clone()).await;
        let done = |step: &&Step| matches!(report.outcomes.get(&step.id), Some(Outcome::Done(_)));
        let doomed = plan.steps.iter().filter(done);
        let doomed = doomed.flat_map(|step| step.action.doomed().unwrap_or_default());
        self.gone
            .borrow_mut()
            .extend(doomed.map(|one| one.id.clone()));
        for step in plan.steps.iter().filter(done) {
            if let Action::DeleteNetwork(objects) = &step.action {
                let ids = objects.iter().map(|object| object.id.clone());
                self.deleted.borrow_mut().extend(ids);
            }
        }
        if report.is_success() {
            return Ok(None);
        }
        let only_network = plan.steps.iter().all(|step| {
            let done = matches!(report.outcomes.get(&step.id), Some(Outcome::Done(_)));
            done || matches!(step.action, Action::DeleteNetwork(_))
        });
        if only_network && !self.cancel.is_asked() {
            // What is left costs nothing: the machines are gone, and the proof goes on.
            self.left.borrow_mut().extend(report.alive().cloned());
            return Ok(None);
        }
        self.output.insist(&format!(
            "{} alive, or not known to be gone:",
            bad("error:")
        ));
        for (id, state) in report.alive() {
            self.output
                .insist(&format!("  {}  {}", escape(id), escape(state)));
        }
        Ok(Some(if self.cancel.is_asked() {
            ExitCode::Interrupted
        } else {
            ExitCode::Alive
        }))
    }

    /// Looks at complete listings until they have shown nothing new for the settle window.
    async fn watch(&self) -> Result<Watch, CommandError> {
        let until = Instant::now() + self.session.pace.settle;
        let mut looks = 0;
        self.output.say(&format!(
            "  looking for {} s more, because a listing may lag behind",
            self.session.pace.settle.as_secs()
        ));
        loop {
            let (mut observed, blind) = self.session.observe_instances_first().await?;
            let mut unlisted = self.blind.borrow().clone();
            let again = self
                .session
                .spot_requests_again(&mut observed, &mut unlisted);
            again.await;
            *self.blind.borrow_mut() = unlisted;
            looks += 1;
            let mut plan = plan_destroy(self.environment, &observed, &self.session.context());
            forget(&mut plan, &self.gone.borrow());
            if !plan.steps.is_empty() {
                say_attached(self.session, &plan, &observed, self.output).await;
                return Ok(Watch::Found(Box::new(plan)));
            }
            if let Some(error) = blind.filter(|_| Instant::now() >= until) {
                return Err(error);
            }
            if Instant::now() >= until {
                if let Some(plan) = self.left_of_the_network(&mut observed).await {
                    return Ok(Watch::Found(Box::new(plan)));
                }
                return Ok(Watch::Quiet(Box::new(Quiet {
                    looks,
                    held: plan.held,
                    former: self.former.and_then(|former| former.left(&observed)),
                    kept: plan.notes.iter().filter_map(kept_volume).cloned().collect(),
                })));
            }
            tokio::select! {
                () = tokio::time::sleep(self.session.pace.longest) => {}
                () = self.cancel.asked() => return Ok(Watch::Interrupted),
            }
        }
    }
}

impl Work<'_> {
    /// The plan for what goes with instances and is there still: it may have been made
    /// late, or have been held by an instance that turned up late.
    ///
    /// What this run has deleted, or could not, is not asked for again and again.
    async fn left_of_the_network(&self, observed: &mut Observed) -> Option<Plan> {
        let mut blind = self.blind.borrow().clone();
        self.session.network_again(observed, &mut blind).await;
        *self.blind.borrow_mut() = blind;
        let mut plan = plan_destroy(self.environment, observed, &self.session.context());
        forget(&mut plan, &self.gone.borrow());
        let left = self.left.borrow();
        for step in &mut plan.steps {
            if let Action::DeleteNetwork(objects) = &mut step.action {
                objects.retain(|object| {
                    let is_left = left.iter().any(|(id, _)| *id == object.id);
                    !is_left && !self.deleted.borrow().contains(&object.id)
                });
            }
        }
        plan.steps.retain(
            |step| !matches!(&step.action, Action::DeleteNetwork(objects) if objects.is_empty()),
        );
        (!plan.steps.is_empty()).then_some(plan)
    }
}

/// Takes out of a plan what is proven to be gone: listings may show old states for a while
/// (EC2 API, eventual consistency).
fn forget(plan: &mut Plan, gone: &BTreeSet<InstanceId>) {
    let mut idle = BTreeSet::new();
    for step in &mut plan.steps {
        if let Action::Terminate(doomed) = &mut step.action {
            doomed.retain(|one| !gone.contains(&one.id));
            if doomed.is_empty() {
                idle.insert(step.id);
            }
        }
    }
    plan.steps.retain(|step| !idle.contains(&step.id));
    for step in &mut plan.steps {
        step.after.retain(|earlier| !idle.contains(earlier));
    }
}

enum Watch {
    Quiet(Box<Quiet>),
    Found(Box<Plan>),
    Interrupted,
}

fn instances(plan: &Plan) -> usize {
    let doomed = plan.steps.iter().filter_map(|step| step.action.doomed());
    doomed.map(<[_]>::len).sum()
}
