//! `apply`: shows the plan, asks, and makes it so.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::arguments::{Apply, Format, Global};
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::keeper::Keeper;
use super::output::Output;
use super::planning::{Planned, Plans, is_starting, plan_all, plan_one, show_findings};
use super::session::Session;
use super::settled::{left_running, observe_settled};
use super::shared::Shared;
use super::signals::{self, Known};
use super::{horizon, least_privilege, plan as plan_command, progress, prompt, specs, unknown};
use crate::apply::{ApplyReport, Cancel, Outcome, StepErrorKind, disown, run as run_plan, undo};
use crate::lease::deadline;
use crate::plan::{
    Action, Held, Inventory, Observed, Plan, Refusal, Summary, audit, plan_duplicates,
};
use crate::render::{bold, dim, escape, good, human_end, ordinals_of, plural, table, warn};
use crate::resource::{Address, Claim, InstanceId, LiveInstance, claim};

pub(super) async fn run(global: &Global, arguments: &Apply, output: Output) -> CommandResult {
    let loaded = specs::read_good(&arguments.paths, Format::Human, output)?;
    let mut plans = plan_all(global, loaded, &arguments.wishes, Format::Human, output).await?;
    settle(&mut plans, output).await?;
    plan_command::show(&plans, Format::Human, output);
    horizon::say(&plans, global.host.clock.now(), output);
    refuse_over(&plans)?;
    refuse_unknown(&plans, output)?;
    let held = plans
        .planned
        .iter()
        .any(|planned| !planned.plan.held.is_empty());
    let work: Vec<Planned> = plans
        .planned
        .into_iter()
        .filter(|planned| !planned.plan.steps.is_empty())
        .collect();
    if work.is_empty() && held {
        return Err(CommandError::refused(
            "there is nothing that may be done, and not everything is as the spec says",
        )
        .help("see the lines that begin with `!`"));
    }
    if work.is_empty() {
        output.say(&format!("{} nothing to do", good("✓")));
        return Ok(ExitCode::Done);
    }
    for planned in &work {
        check(&planned.plan)?;
    }
    let work = if arguments.yes {
        work
    } else {
        ask(work, output).await?
    };
    let known = Known::default();
    let mut work = work;
    if arguments.least_privilege {
        for planned in &mut work {
            least_privilege::restrict(planned, output).await?;
        }
    }
    let again = resume(global, arguments);
    let cancel = signals::listen(&global.host, output, Arc::clone(&known), again.clone());
    let mut verdicts = Vec::new();
    let mut has_ended = false;
    for planned in &work {
        let engine = planned.session.engine.as_ref();
        let keeper = Keeper::begin(engine, &global.host.clock, &cancel, output);
        verdicts.push(apply_one(planned, &known, &cancel, output).await);
        has_ended |= keeper.has_ended();
    }
    let verdict = worst(&verdicts, cancel.is_asked() && !has_ended);
    if has_ended && verdict != ExitCode::Done {
        let login = format!("trainyard login{}", global.again());
        output.insist(&format!("to go on: {login}, then {again}"));
    }
    if verdict == ExitCode::Done && held {
        output.insist(&format!(
            "{} not everything is as the spec says: see the lines that begin with `!`",
            warn("note:")
        ));
        return Ok(ExitCode::Partly);
    }
    Ok(verdict)
}

/// The command that goes on where this one stops.
fn resume(global: &Global, arguments: &Apply) -> String {
    let paths = arguments
        .paths
        .iter()
        .map(|path| format!(" {}", path.display()));
    let least = if arguments.least_privilege {
        " --least-privilege"
    } else {
        ""
    };
    format!(
        "trainyard apply{}{}{least}{}",
        global.again(),
        arguments.wishes.again(),
        paths.collect::<String>()
    )
}

/// Waits for instances that were launched a moment ago: until they are listed and have started.
///
/// An interrupted run leaves such instances behind; the next one ends like any
/// other, with instances that run. EC2 changes none that is still starting.
async fn settle(plans: &mut Plans, output: Output) -> Result<(), CommandError> {
    for planned in &mut plans.planned {
        let mut said = false;
        let until = Instant::now() + planned.session.pace.running;
        while is_late(&planned.plan) || planned.starting && Instant::now() < until {
            if !said {
                output.say(&format!(
                    "{}: launched a moment ago and not running yet; looking again",
                    planned.plan.environment
                ));
                said = true;
            }
            tokio::time::sleep(planned.session.pace.longest).await;
            (planned.plan, planned.starting) = again(planned, output).await?;
        }
    }
    Ok(())
}

fn is_late(plan: &Plan) -> bool {
    plan.held
        .iter()
        .any(|held| matches!(held, Held::NotYetVisible { .. }))
}

/// The plan as of now, and whether instances are still being started.
async fn again(planned: &Planned, output: Output) -> Result<(Plan, bool), CommandError> {
    let observed = planned.session.observe().await?;
    let starting = is_starting(&observed, &planned.spec.desired.environment);
    let plan = plan_one(
        &planned.session,
        &planned.spec,
        (observed, &Shared::default()),
    )
    .await?
    .map_err(|found| show_findings(&planned.spec.source, found, output))?;
    Ok((plan, starting))
}

/// What is agreed to is the whole of a plan: nothing is done while a part of it is not known.
fn refuse_unknown(plans: &Plans, output: Output) -> Result<(), CommandError> {
    if plans.unknown.is_empty() {
        return Ok(());
    }
    unknown::say(&plans.unknown, output);
    let text = "not every place could be looked at; nothing was changed";
    Err(CommandError::failed(text)
        .help("run it again, or name the specs of the other places to apply those alone"))
}

fn refuse_over(plans: &Plans) -> Result<(), CommandError> {
    let mut over: Vec<String> = Vec::new();
    for planned in &plans.planned {
        let environment = &planned.plan.environment;
        match &planned.plan.refusal {
            None => {}
            Some(Refusal::LeaseOver { ended: _ }) => over.push(environment.to_string()),
            Some(Refusal::TooManyDeletions { address, excess }) => {
                let text = format!("{address} of {environment}: {excess}; nothing was changed");
                let count = excess.deletions;
                return Err(CommandError::refused(text).help(format!(
                    "look at them with `trainyard plan`; if they shall go, write `max_delete: {count}` in the spec"
                )));
            }
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    let names = over.join(", ");
    Err(
        CommandError::refused(format!("the lease of {names} is over; nothing was changed")).help(
            format!("run `trainyard destroy {}`, then apply again", over[0]),
        ),
    )
}

/// The planner's own mistakes end here, before they cost anything.
fn check(plan: &Plan) -> Result<(), CommandError> {
    let violations = audit(plan);
    let Some(first) = violations.first() else {
        return Ok(());
    };
    Err(CommandError::failed(format!(
        "the plan for {} breaks a rule of its own (step {}: {}); nothing was changed",
        plan.environment, first.step, first.rule
    ))
    .help("this is a mistake in trainyard: please report it with the spec"))
}

/// Asks, and makes sure that what was read is still so.
async fn ask(work: Vec<Planned>, output: Output) -> Result<Vec<Planned>, CommandError> {
    let mut summary = Summary::default();
    for planned in &work {
        summary += planned.plan.summary();
    }
    let question = format!(
        "Apply this to {}?",
        plural(work.len() as u64, "environment")
    );
    if !prompt::confirm(&question, "yes")? {
        return Err(CommandError::refused("not confirmed; nothing was changed"));
    }
    for planned in &work {
        let (now, _) = again(planned, output).await?;
        if now.steps != planned.plan.steps {
            return Err(CommandError::refused(format!(
                "{} changed while you were reading; nothing was changed by this command",
                planned.plan.environment
            ))
            .help("run it again to see what is different"));
        }
    }
    Ok(work)
}

async fn apply_one(
    planned: &Planned,
    known: &Known,
    cancel: &Cancel,
    output: Output,
) -> ApplyReport {
    let plan = &planned.plan;
    output.say(&format!("\napplying {}", bold(plan.environment.as_str())));
    let session = &planned.session;
    let sink = progress::sink(plan, Arc::clone(known), output);
    let mut report = run_plan(plan, Arc::new(session.aws()), sink, cancel.clone()).await;
    if let Some(rest) = undo(plan, &report) {
        let ended = end_rest(session, &rest, known, output).await;
        disown(&mut report, &rest, &ended);
    }
    let observed = observe_settled(session, plan, &report, cancel).await;
    if let Some(observed) = observed.as_ref().filter(|_| tries_several(plan))
        && let Some(rest) = plan_duplicates(plan, observed)
    {
        let ended = end_rest(session, &rest, known, output).await;
        // Whoever came first has the place, and may not be what the spec says.
        disown(&mut report, &rest, &ended);
        // A double that goes on costing money is no success.
        let next = report.outcomes.keys().max().map_or(1, |last| last + 1);
        let failed = ended.outcomes.into_values();
        let failed = failed.filter(|outcome| !matches!(outcome, Outcome::Done(_)));
        report.outcomes.extend((next..).zip(failed));
    }
    show_instances(plan, observed.as_ref(), &report, output);
    if !report.is_success() {
        show_remains(&report, output);
    }
    report
}

/// Ends what must not stay of this run: the rest of a launch that is all or nothing, or a double.
///
/// Whoever asked to stop wants nothing more to be launched; what is paid for and of no use
/// is ended all the same.
async fn end_rest(session: &Session, rest: &Plan, known: &Known, output: Output) -> ApplyReport {
    for step in &rest.steps {
        let doomed = step.action.doomed().unwrap_or_default();
        let names = ordinals_of(doomed.iter().map(|one| &one.address));
        let reason = step.reason.text();
        output.insist(&format!("{} ending {names}: {reason}", warn("note:")));
    }
    let sink = progress::sink(rest, Arc::clone(known), output);
    let aws = Arc::new(session.whole().aws());
    let report = run_plan(rest, aws, sink, Cancel::default()).await;
    if !report.is_success() {
        show_remains(&report, output);
    }
    report
}

/// Whether a launch of the plan had several candidates.
///
/// A run before this one may have been killed after another candidate was launched,
/// and a fresh instance is not listed at once.
fn tries_several(plan: &Plan) -> bool {
    plan.steps
        .iter()
        .any(|step| matches!(&step.action, Action::Launch(launch) if launch.candidates.len() > 1))
}

/// What is there now, where, and until when: as it is listed, or as this run left it.
fn show_instances(plan: &Plan, observed: Option<&Observed>, report: &ApplyReport, output: Output) {
    let mut instances: BTreeMap<InstanceId, LiveInstance> = BTreeMap::new();
    if let Some(observed) = observed {
        let inventory = Inventory::of(observed, &plan.environment);
        instances.extend(
            inventory
                .alive()
                .map(|(_, live, _)| (live.id.clone(), live.as_ref().clone())),
        );
    }
    // What was launched a moment ago may not be listed yet.
    for live in left_running(report) {
        let known = instances.entry(live.id.clone());
        known.or_insert_with(|| live.clone());
    }
    if instances.is_empty() {
        return;
    }
    let mut rows: Vec<_> = instances.values().map(|live| row(plan, live)).collect();
    rows.sort();
    let mut rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
    let heads = [
        "INSTANCE",
        "ID",
        "STATE",
        "TYPE",
        "ZONE",
        "ADDRESS",
        "LEASE ENDS",
    ];
    rows.insert(0, heads.iter().map(|head| dim(head)).collect());
    output.data(&format!("\n{}", table(&rows)));
}

/// A row with the address that it is sorted by.
fn row(plan: &Plan, live: &LiveInstance) -> (Option<Address>, Vec<String>) {
    let none = || "-".to_owned();
    let (address, end) = match claim(live, &plan.account) {
        Claim::Ours(mark) => {
            let end = human_end(deadline(live, &mark));
            (
                Some(Address::Instance {
                    group: mark.group,
                    ordinal: mark.ordinal,
                }),
                end,
            )
        }
        Claim::Unproven { .. } | Claim::Foreign => (None, none()),
    };
    let cells = vec![
        address.as_ref().map_or_else(none, ToString::to_string),
        escape(live.id.as_str()),
        live.state.to_string(),
        escape(&live.instance_type),
        live.zone.as_deref().map_or_else(none, escape),
        (live.public_address.as_deref())
            .or(live.private_address.as_deref())
            .map_or_else(none, escape),
        end,
    ];
    (address, cells)
}

fn show_remains(report: &ApplyReport, output: Output) {
    let alive: Vec<&(String, String)> = report.alive().collect();
    if alive.is_empty() {
        return;
    }
    output.insist(&format!("{} these exist, or may exist:", warn("note:")));
    for (id, state) in alive {
        output.insist(&format!("  {}  {}", escape(id), escape(state)));
    }
    output.insist("run the same command again: it goes on from here and launches nothing twice");
}

fn worst(reports: &[ApplyReport], was_asked: bool) -> ExitCode {
    if reports.iter().all(ApplyReport::is_success) {
        return ExitCode::Done;
    }
    let stopped = reports
        .iter()
        .flat_map(|report| report.outcomes.values())
        .any(|outcome| match outcome {
            Outcome::Failed(error) => error.kind == StepErrorKind::Cancelled,
            Outcome::Cancelled => true,
            Outcome::Done(_) | Outcome::Skipped { .. } => false,
        });
    if was_asked && stopped {
        ExitCode::Interrupted
    } else if reports.iter().any(ApplyReport::did_anything)
        || reports.iter().any(|report| report.alive().next().is_some())
    {
        ExitCode::Partly
    } else {
        ExitCode::Failed
    }
}
