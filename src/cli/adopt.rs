//! `adopt`: writes a spec for what runs already, and proves that it changes nothing but tags.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::arguments::{Adopt, Global};
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use super::planning::{plan_one, show_findings};
use super::session::{Destination, Session, open, region_of};
use super::shared::Shared;
use super::specs;
use crate::cloud::{attributes, default_subnets, has_user_data, with_volumes};
use crate::plan::{Plan, managed};
use crate::render::{escape, good, plan_text, warn};
use crate::resource::{
    AccountId, Claim, EnvironmentName, InstanceId, InstanceState, Lease, LiveInstance, Region,
    TOKEN_PREFIX, claim,
};
use crate::spec::{Draft, DraftInstance, NAME_HELP, load, name_from};

pub(super) async fn run(global: &Global, arguments: &Adopt, output: Output) -> CommandResult {
    let lease = lease(arguments)?;
    let ids = ids(arguments)?;
    let project = specs::project_place();
    let place = &arguments.place;
    let destination = Destination {
        sign_in: project.sign_in,
        account: place
            .account
            .clone()
            .map(AccountId::new)
            .or(project.account),
        region: place.region.clone().map(Region::new).or(project.region),
    };
    region_of(global, &destination)?;
    let session = open(global, destination, output).await?;
    let lives = read(&session, &ids).await?;
    let name = name(arguments, &lives)?;
    let path = arguments
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(specs::DEFAULT_FOLDER).join(format!("{name}.yaml")));
    let text = write_up(&session, (name, arguments.group.clone(), lease), &lives).await?;
    write_new(&path, &text)?;
    let plan = prove(&session, &path, output).await.inspect_err(|_| {
        // A spec that proves nothing must not be applied by mistake.
        std::fs::remove_file(&path).unwrap_or_default();
    })?;
    let region = format!(" --region {}", session.clients.region);
    output.data(&plan_text(&plan, &[]));
    output.say(&format!(
        "{} {} is written, and applying it changes nothing but tags",
        good("✓"),
        path.display()
    ));
    output.say(&format!(
        "to take over: trainyard apply{} {}",
        global.again(),
        path.display()
    ));
    say_boot_scripts(&session, &lives, output).await;
    output.say(&format!(
        "{}. To arm one, run in each: sudo systemd-run --on-active={}s poweroff",
        timers(&lives),
        lease.seconds()
    ));
    say_stopping(&plan, &region, output);
    Ok(ExitCode::Done)
}

/// What is known of timers in the machines: a launch of ours has armed one, for a lease of its own.
fn timers(lives: &[LiveInstance]) -> String {
    let ours = |live: &&LiveInstance| {
        let token = live.client_token.as_deref();
        token.is_some_and(|token| token.starts_with(TOKEN_PREFIX))
    };
    let armed: Vec<&str> = lives
        .iter()
        .filter(ours)
        .map(|live| live.id.as_str())
        .collect();
    if armed.is_empty() {
        return "no timer of ours runs in these machines".to_owned();
    }
    let armed = armed.join(", ");
    format!(
        "the timer that our launch of {armed} armed still goes off, whatever the new lease says; no other runs"
    )
}

/// A boot script is in no spec that is written here: say so of every instance that has one.
async fn say_boot_scripts(session: &Session, lives: &[LiveInstance], output: Output) {
    for live in lives {
        match has_user_data(&session.clients, &live.id).await {
            Ok(true) => output.say(&format!(
                "{} has user data: its boot script has run and is not written into the spec",
                live.id
            )),
            Ok(false) => {}
            Err(error) => output.say(&format!(
                "{} {}; a boot script would not be written into the spec",
                warn("note:"),
                escape(&error.to_string())
            )),
        }
    }
}

/// A stopped instance is not paid for, and its disks are: how to make powering off the end.
fn say_stopping(plan: &Plan, again: &str, output: Output) {
    let adopted = plan.steps.iter().filter_map(|step| step.action.adopted());
    for change in adopted.filter(|change| change.before.stops_at_shutdown()) {
        let id = &change.before.id;
        output.say(&format!(
            "{id} only stops when it is powered off, and its disks go on costing money. To end it then: aws ec2 modify-instance-attribute --instance-id {id} --instance-initiated-shutdown-behavior terminate{again}"
        ));
    }
}

fn lease(arguments: &Adopt) -> Result<Lease, CommandError> {
    arguments.lease.parse().map_err(|error| {
        let text = format!("the lease cannot be `{}`: {error}", arguments.lease);
        CommandError::new(ExitCode::Usage, text)
    })
}

fn ids(arguments: &Adopt) -> Result<Vec<InstanceId>, CommandError> {
    if !EnvironmentName::is_valid(&arguments.group) {
        let text = format!("`{}` cannot be a group's name", arguments.group);
        return Err(CommandError::new(ExitCode::Usage, text).help(NAME_HELP));
    }
    let good = |id: &str| {
        id.strip_prefix("i-").is_some_and(|digits| {
            (8..=17).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    if let Some(bad) = arguments.instances.iter().find(|id| !good(id)) {
        let text = format!("`{bad}` is no instance's id, such as i-0123456789abcdef0");
        return Err(CommandError::new(ExitCode::Usage, text));
    }
    let ids: BTreeSet<&String> = arguments.instances.iter().collect();
    Ok(ids.into_iter().map(InstanceId::new).collect())
}

/// The instances, all of them there, running and nobody's of ours.
async fn read(session: &Session, ids: &[InstanceId]) -> Result<Vec<LiveInstance>, CommandError> {
    let lives = with_volumes(&session.clients, ids).await?;
    for id in ids {
        let Some(live) = lives.iter().find(|live| live.id == *id) else {
            let text = format!("{} has no instance {id}", session.clients.region);
            return Err(CommandError::failed(text).help("check the id, the region and the account"));
        };
        if live.state != InstanceState::Running {
            let text = format!(
                "{id} is {}, and only what runs can be taken over",
                live.state
            );
            return Err(CommandError::refused(text).help("start it first, or terminate it by hand"));
        }
        if let Some(why) = managed(live) {
            return Err(CommandError::refused(format!(
                "{id} cannot be taken over: {why}"
            )));
        }
        if let Claim::Ours(mark) = claim(live, &session.identity.account) {
            let text = format!(
                "{id} belongs to the environment {} already",
                mark.environment
            );
            let release = format!("`trainyard release {}` gives it up", mark.environment);
            return Err(CommandError::refused(text).help(release));
        }
    }
    Ok(lives)
}

fn name(arguments: &Adopt, lives: &[LiveInstance]) -> Result<EnvironmentName, CommandError> {
    if let Some(name) = &arguments.name {
        if EnvironmentName::is_valid(name) {
            return Ok(EnvironmentName::new(name));
        }
        let text = format!("`{name}` cannot be an environment's name");
        return Err(CommandError::new(ExitCode::Usage, text).help(NAME_HELP));
    }
    let names = lives.iter().filter_map(|live| live.tags.get("Name"));
    let first = names.into_iter().find_map(|name| name_from(name));
    Ok(first.unwrap_or_else(|| EnvironmentName::new("adopted")))
}

async fn write_up(
    session: &Session,
    (name, group, lease): (EnvironmentName, String, Lease),
    lives: &[LiveInstance],
) -> Result<String, CommandError> {
    let defaults = default_subnets(&session.clients).await?;
    let mut instances = Vec::new();
    for live in lives {
        let subnet = live.subnet.as_ref();
        instances.push(DraftInstance {
            live,
            protect: attributes(&session.clients, &live.id).await?.protected,
            default_subnet: subnet.is_some_and(|subnet| defaults.contains(subnet)),
        });
    }
    let draft = Draft {
        name,
        account: session.identity.account.clone(),
        region: session.clients.region.clone(),
        lease,
        group,
        instances,
    };
    Ok(draft.text())
}

fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            let text = format!("{} is there already; nothing was written", path.display());
            return CommandError::refused(text)
                .help("name another file with `--output`, or another environment with `--name`");
        }
        CommandError::failed(format!("cannot write {}: {error}", path.display()))
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)
}

/// What may change of a machine that somebody works on: tags.
fn is_harmless(field: &str) -> bool {
    field.starts_with("tags.")
}

/// The plan of the spec that was written: it must take over, and change nothing but tags.
async fn prove(session: &Session, path: &Path, output: Output) -> Result<Plan, CommandError> {
    let mut specs = load(&[path.to_owned()]);
    if let Some((source, found)) = specs.bad.pop() {
        return Err(show_findings(&source, found, output));
    }
    let spec = specs
        .good
        .pop()
        .ok_or_else(|| CommandError::failed("the spec that was written cannot be read"))?;
    let observed = session.observe().await?;
    let plan = plan_one(session, &spec, (observed, &Shared::default()))
        .await?
        .map_err(|found| show_findings(&spec.source, found, output))?;
    let only_tags = plan.steps.iter().all(|step| {
        let adopted = step.action.adopted();
        adopted.is_some_and(|change| change.changes.iter().all(|one| is_harmless(&one.field)))
    });
    if only_tags && plan.held.is_empty() && !plan.steps.is_empty() {
        return Ok(plan);
    }
    output.data(&plan_text(&plan, &[]));
    Err(CommandError::failed(
        "the spec would change more than tags, so it was not kept; nothing was changed",
    )
    .help("write the spec by hand with `adopt: [i-…]`, and look at its plan"))
}
