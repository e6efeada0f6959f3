//! `destroy`: ends an environment and proves that nothing of it is left.

mod attached;
mod uploads;
mod verdict;
mod work;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use self::attached::say_attached;
use self::verdict::kept_volume;
use self::work::Work;
use super::arguments::{Destroy, Global};
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::keeper::Keeper;
use super::output::Output;
use super::session::{Session, open_with, region_of};
use super::signals::{self, Known};
use super::{prompt, specs};
use crate::cloud::Patience;
use crate::plan::{Inventory, Observed, other_environments, plan_destroy};
use crate::render::{plan_text, plural};
use crate::resource::EnvironmentName;
use crate::spec::nearest;

pub(super) async fn run(global: &Global, arguments: &Destroy, output: Output) -> CommandResult {
    let (environment, destination) =
        specs::target(&arguments.environment, &arguments.place, output)?;
    let former = specs::former_name(&arguments.environment, output)?;
    let targets = specs::data_targets(&arguments.environment, output)?;
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
    say_attached(&session, &plan, &observed, output).await;
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
    let told = plan.notes.iter().filter_map(kept_volume);
    let work = Work {
        session: &session,
        environment: &environment,
        former: former.as_ref(),
        known,
        cancel,
        output,
        told: told.map(|volume| volume.id.clone()).collect(),
        left: RefCell::default(),
        gone: RefCell::default(),
        deleted: RefCell::default(),
        blind: RefCell::new(blind),
        protected: Cell::default(),
    };
    let engine = session.engine.as_ref();
    let keeper = Keeper::begin(engine, &global.host.clock, &work.cancel, output);
    let mut code = work
        .until_nothing_is_left(plan)
        .await
        .map_err(|error| unknown(error, &resume))?;
    uploads::give_up_left(&session, &targets, output).await;
    if code != ExitCode::Done {
        // Without the word that lifts it, a protection would hold for ever.
        let lift = if work.protected.get() {
            " --lift-protection"
        } else {
            ""
        };
        let mut login = String::new();
        if keeper.has_ended() {
            login = format!("trainyard login{}, then ", global.again());
            code = ExitCode::Alive;
        }
        output.insist(&format!("to go on: {login}{resume}{lift}"));
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
            "nothing of {environment} is listed, and there is {near}; nothing was changed"
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
