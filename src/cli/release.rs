//! `release`: gives instances up without ending them.

use super::arguments::{Global, Release};
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use super::prompt;
use super::session::{Session, open};
use super::specs;
use crate::cloud::release;
use crate::lease::deadline;
use crate::plan::{Inventory, Targets};
use crate::render::{bold, escape, good, human_end, plural, warn};
use crate::resource::{Address, EnvironmentName, LiveInstance, Mark, tag};

pub(super) async fn run(global: &Global, arguments: &Release, output: Output) -> CommandResult {
    let (environment, destination) =
        specs::target(&arguments.environment, &arguments.place, output)?;
    let session = open(global, destination, output).await?;
    let chosen = chosen(&session, &environment, arguments).await?;
    if chosen.is_empty() {
        output.say(&format!("no instance of {environment} is there"));
        return Ok(ExitCode::Done);
    }
    for (address, live, mark) in &chosen {
        let end = deadline(live, mark);
        let timer = if mark.since.is_some() {
            "no timer of ours runs in it"
        } else {
            "the timer in it still powers it off then"
        };
        output.data(&format!(
            "{} {}  {}, lease ends {}: {timer}\n",
            bold(&address.to_string()),
            escape(live.id.as_str()),
            live.state,
            human_end(end)
        ));
    }
    let number = plural(chosen.len() as u64, "instance");
    output.say(&format!(
        "{} nobody will end what is released: `destroy` and `status` no longer see it",
        warn("note:")
    ));
    let question = format!("Release {number} of {environment}?");
    if !arguments.yes && !prompt::confirm(&question, environment.as_str())? {
        return Err(CommandError::refused("not confirmed; nothing was changed"));
    }
    for (address, live, _) in &chosen {
        release(&session.clients, live).await?;
        output.say(&format!("  {} {address} {} released", good("✓"), live.id));
    }
    output.data(&format!(
        "{} {number} released at {}; take the instances out of the spec, or the next plan launches new ones\n",
        good("✓"),
        global.host.clock.now().strftime("%H:%M UTC")
    ));
    Ok(ExitCode::Done)
}

/// The members that are alive and asked for, as EC2 lists them.
async fn chosen(
    session: &Session,
    environment: &EnvironmentName,
    arguments: &Release,
) -> Result<Vec<(Address, LiveInstance, Mark)>, CommandError> {
    let observed = session.observe().await?;
    let inventory = Inventory::of(&observed, environment);
    let targets = Targets(arguments.target.iter().cloned().collect());
    let chosen: Vec<(Address, LiveInstance, Mark)> = inventory
        .alive()
        .filter(|(address, _, _)| targets.includes(address))
        .map(|(address, live, mark)| (address.clone(), with_own_disks(live), mark.as_ref().clone()))
        .collect();
    let there: Vec<&Address> = chosen.iter().map(|(address, _, _)| address).collect();
    let unknown = targets.unknown(&there);
    match unknown.first() {
        Some(name) => Err(CommandError::new(
            ExitCode::Usage,
            format!("{environment} has no `{name}` that is alive"),
        )),
        None => Ok(chosen),
    }
}

/// Only disks that carry our tags are let go with it.
fn with_own_disks(live: &LiveInstance) -> LiveInstance {
    let mut live = live.clone();
    live.volumes
        .retain(|_, volume| volume.tags.contains_key(tag::ENVIRONMENT));
    live
}
