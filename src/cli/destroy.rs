//! `destroy`: ends an environment and proves that nothing of it is left.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::arguments::{Destroy, Global};
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use super::session::{Blind, Session, open_with, region_of};
use super::signals::{self, Known};
use super::specs;
use super::{progress, prompt};
use crate::apply::{Cancel, Outcome, run as run_plan};
use crate::cloud::Patience;
use crate::plan::{
    Action, Held, Inventory, Note, Observed, Plan, VolumeFacts, audit, other_environments,
    plan_destroy,
};
use crate::render::{bad, escape, good, held_words, kept_words, plan_text, plural, warn};
use crate::resource::{EnvironmentName, VolumeId};
use crate::spec::nearest;

/// How often what turns up late is ended before giving up.
const MOST_ROUNDS: u32 = 5;

pub(super) async fn run(global: &Global, arguments: &Destroy, output: Output) -> CommandResult {
    let (environment, destination) =
        specs::target(&arguments.environment, &arguments.place, output)?;
    let former = specs::former_name(&arguments.environment, output)?;
    region_of(global, &destination)?;
    let opened = open_with(global, destination, Patience::Steadfast, output).await;
    let mut session = opened.map_err(|error| {
        unknown(
            error,
            &format!("trainyard destroy {environment}{}", global.again()),
        )
    })?;
    session.wishes.lift_protection = arguments.lift_protection;
    session.delete_kept = arguments.delete_kept;
    let flags = flags(global, arguments, &session);
    let resume = format!("trainyard destroy {environment}{flags}");
    let known = Known::default();
    let former = former.map(|name| Former {
        command: format!("trainyard destroy {name}{flags}"),
        name,
    });
    let (observed, blind) = Box::pin(session.observe_for_destroy(output))
        .await
        .map_err(|error| unknown(error, &resume))?;
    let plan = plan_destroy(&environment, &observed, &session.context());
    output.data(&plan_text(&plan, &[]));
    if plan.steps.is_empty() && plan.held.is_empty() {
        say_unseen(&session, &environment, &observed, output);
        refuse_slip(&environment, &observed)?;
    } else if !plan.steps.is_empty() && !arguments.yes {
        let question = format!(
            "Destroy {environment} in account {}, {}?",
            plan.account, plan.region
        );
        if !prompt::confirm(&question, environment.as_str())? {
            return Err(CommandError::refused("not confirmed; nothing was changed"));
        }
    }
    let cancel = signals::listen(&global.host, output, Arc::clone(&known), resume.clone());
    let work = Work {
        session: &session,
        environment: &environment,
        former: former.as_ref(),
        known,
        cancel,
        output,
        told: (plan.notes.iter().filter_map(kept_volume))
            .map(|volume| volume.id.clone())
            .collect(),
        left: RefCell::default(),
        blind: RefCell::new(blind),
        protected: Cell::default(),
    };
    let code = work
        .until_nothing_is_left(plan)
        .await
        .map_err(|error| unknown(error, &resume))?;
    if code != ExitCode::Done {
        // Without the word that lifts it, a protection would hold for ever.
        let lift = if work.protected.get() {
            " --lift-protection"
        } else {
            ""
        };
        output.insist(&format!("to go on: {resume}{lift}"));
    }
    Ok(code)
}

/// What follows the name in a command that goes on with the same wishes, wherever it is run.
fn flags(global: &Global, arguments: &Destroy, session: &Session) -> String {
    let mut flags = global.again();
    for (flag, given) in [
        (" --lift-protection", arguments.lift_protection),
        (" --delete-kept", arguments.delete_kept),
    ] {
        if given {
            flags.push_str(flag);
        }
    }
    let (region, account) = (&session.clients.region, &session.identity.account);
    format!("{flags} --region {region} --account {account}")
}

/// What cannot be read is unknown: never "nothing is left".
fn unknown(mut error: CommandError, resume: &str) -> CommandError {
    if error.exit == ExitCode::Failed {
        error.exit = ExitCode::Alive;
        error.text = format!("{}\nwhether anything is left is not known", error.text);
        error.help = Some(match error.help {
            Some(help) => format!("{help}; then run `{resume}`"),
            None => format!("run `{resume}` again"),
        });
    }
    error
}

/// Nothing is listed: that is no proof yet, and may be a slip of the pen.
fn say_unseen(
    session: &Session,
    environment: &EnvironmentName,
    observed: &Observed,
    output: Output,
) {
    let others = other_environments(observed, &BTreeSet::new());
    let names: Vec<&str> = others
        .iter()
        .map(|other| other.environment.as_str())
        .collect();
    output.say(&format!(
        "nothing of {environment} is listed in account {}, {}",
        session.identity.account, session.clients.region
    ));
    if !names.is_empty() {
        output.say(&format!("running there: {}", names.join(", ")));
    }
}

/// A slip of the pen must not look like a proof that the machines are gone.
fn refuse_slip(environment: &EnvironmentName, observed: &Observed) -> Result<(), CommandError> {
    let has_left_traces = !Inventory::of(observed, environment).members.is_empty();
    let others = other_environments(observed, &BTreeSet::new());
    let names = others.iter().map(|other| other.environment.as_str());
    match nearest(environment.as_str(), names) {
        Some(near) if !has_left_traces => Err(CommandError::refused(format!(
            "there is no {environment}, and there is {near}; nothing was changed"
        ))
        .help(format!("did you mean `trainyard destroy {near}`?"))),
        Some(_) | None => Ok(()),
    }
}

/// The name that an environment had before its spec gave it another.
struct Former {
    name: EnvironmentName,
    /// The command that ends what has that name.
    command: String,
}

impl Former {
    /// What a renaming that was not finished has left under the old name, in words.
    fn left(&self, observed: &Observed) -> Option<String> {
        let inventory = Inventory::of(observed, &self.name);
        let instances = inventory.alive().count() + inventory.unproven.len() + inventory.late.len();
        let volumes = inventory.loose_volumes.len();
        let mut parts = Vec::new();
        for (number, what) in [(instances, "instance"), (volumes, "volume")] {
            if number > 0 {
                parts.push(plural(number as u64, what));
            }
        }
        (!parts.is_empty()).then(|| parts.join(" and "))
    }
}

struct Work<'a> {
    session: &'a Session,
    environment: &'a EnvironmentName,
    /// The name before, under which a part may still run.
    former: Option<&'a Former>,
    known: Known,
    cancel: Cancel,
    output: Output,
    /// Kept disks that the plan has named already.
    told: BTreeSet<VolumeId>,
    /// What is left of what costs nothing.
    left: RefCell<Vec<(String, String)>>,
    /// What could not be listed.
    blind: RefCell<Blind>,
    /// Whether termination protection is what held something.
    protected: Cell<bool>,
}

impl Work<'_> {
    /// Runs the plan, then looks for as long as a listing may lag; what turns up is ended too.
    async fn until_nothing_is_left(&self, mut plan: Plan) -> CommandResult {
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
        let aws = Arc::new(self.session.aws());
        let sink = progress::sink(plan, Arc::clone(&self.known), self.output);
        let report = run_plan(plan, aws, sink, self.cancel.clone()).await;
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
            let plan = plan_destroy(self.environment, &observed, &self.session.context());
            if !plan.steps.is_empty() {
                return Ok(Watch::Found(Box::new(plan)));
            }
            if let Some(error) = blind.filter(|_| Instant::now() >= until) {
                return Err(error);
            }
            if Instant::now() >= until {
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

    fn verdict(&self, plan: &Plan, ended: usize, quiet: &Quiet) -> ExitCode {
        let Quiet {
            looks,
            held,
            former,
            kept,
        } = quiet;
        if !held.is_empty() {
            self.output
                .insist(&format!("{} left alone, and still there:", bad("error:")));
            let is_protected = |one: &Held| matches!(one, Held::Protected { .. });
            self.protected.set(held.iter().any(is_protected));
            for one in held {
                self.output
                    .insist(&format!("  {}", escape(&held_words(one))));
            }
            return ExitCode::Alive;
        }
        for note in kept_words(kept.iter().filter(|one| !self.told.contains(&one.id))) {
            self.output
                .insist(&format!("{} {}", warn("note:"), escape(&note)));
        }
        let proof = format!(
            "{} over {} s showed nothing of it",
            plural(*looks, "complete listing"),
            self.session.pace.settle.as_secs()
        );
        let blind = self.blind.borrow();
        if let Some(error) = &blind.spot {
            self.output.insist(&format!(
                "{} no instance of {} is listed, but whether a spot request of it is still open, and launches another one, is not known: {}",
                bad("error:"),
                self.environment,
                escape(error)
            ));
            return ExitCode::Alive;
        }
        let left_behind = self.former.zip(former.as_deref());
        let what = if let Some((Former { name, .. }, left)) = left_behind {
            format!(
                "nothing is left under the name {}: {proof}; under {name}, its name before, there still is: {left}",
                self.environment
            )
        } else if !blind.network.is_empty() {
            format!(
                "no instance of {} is left: {proof}; what goes with instances is not known",
                self.environment
            )
        } else if ended == 0 {
            format!("nothing of {} is there: {proof}", self.environment)
        } else {
            format!(
                "{} is gone: {} read back as terminated, and {proof}",
                self.environment,
                plural(ended as u64, "instance")
            )
        };
        self.output.data(&format!(
            "{} {what} (account {}, {})\n",
            good("✓"),
            plan.account,
            plan.region
        ));
        let code = self.verdict_on_the_rest();
        match left_behind {
            Some((Former { name, command }, left)) => {
                self.output.insist(&format!(
                    "{} what still has the name {name} was not ended: {left}; to end it: {command}",
                    bad("error:")
                ));
                ExitCode::Partly
            }
            None => code,
        }
    }

    /// The exit code once no instance is left: the rest costs nothing, and is named.
    fn verdict_on_the_rest(&self) -> ExitCode {
        let blind = self.blind.borrow();
        for error in &blind.network {
            self.output.insist(&format!(
                "{} {}: whether any of it is left is not known",
                warn("note:"),
                escape(error)
            ));
        }
        let left = self.left.borrow();
        if left.is_empty() {
            return if blind.network.is_empty() {
                ExitCode::Done
            } else {
                ExitCode::Partly
            };
        }
        self.output.insist(&format!(
            "{} this is left, and costs nothing:",
            warn("note:")
        ));
        for (id, state) in left.iter() {
            self.output
                .insist(&format!("  {}  {}", escape(id), escape(state)));
        }
        ExitCode::Partly
    }
}

enum Watch {
    Quiet(Box<Quiet>),
    Found(Box<Plan>),
    Interrupted,
}

struct Quiet {
    looks: u64,
    held: Vec<Held>,
    /// What is left under the name before.
    former: Option<String>,
    /// What stays because its spec says so.
    kept: Vec<VolumeFacts>,
}

/// The disk that stays, where that is what the note is about.
fn kept_volume(note: &Note) -> Option<&VolumeFacts> {
    match note {
        Note::KeptVolume(facts) => Some(facts),
        Note::KeepsLease { .. }
        | Note::LooseVolume(_)
        | Note::VolumeGoes(_)
        | Note::DisksStay { .. }
        | Note::OthersDisk { .. }
        | Note::NewerImage { .. }
        | Note::ImageWarning { .. }
        | Note::FileSystem { .. }
        | Note::Fewer { .. }
        | Note::NothingRenamed { .. }
        | Note::OtherKey { .. }
        | Note::OnlyTargets { .. }
        | Note::DeletionsWithheld { .. }
        | Note::FilesSkipped { .. } => None,
    }
}

fn instances(plan: &Plan) -> usize {
    let doomed = plan.steps.iter().filter_map(|step| step.action.doomed());
    doomed.map(<[_]>::len).sum()
}
