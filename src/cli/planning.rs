//! Making plans from what AWS says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::arguments::{Format, Global, Wishes};
use super::error::CommandError;
use super::exit::ExitCode;
use super::output::Output;
use super::session::{Destination, Session, open};
use super::shared::Shared;
use super::targets::{known_targets, named_members, unknown_member};
use super::unknown::Unknown;
use super::{public_keys, specs};
use crate::cloud::{Finding, SurveyFailure, look_up, read_adoptions, read_user_data, survey_data};
use crate::plan::{
    Context, Inventory, Observed, OtherEnvironment, Plan, Resolution, Unfit, Wanted, is_known,
    launched_groups, needs_address, needs_network, other_environments, plan, unfit_groups, wanted,
};
use crate::render::{escape, warn};
use crate::resource::{Address, Desired, EnvironmentName, InstanceState, SshSource, Target};
use crate::spec::{Code, Diagnostic, Loaded, Source, SpecPath};
/// A plan with what it takes to apply it.
pub(super) struct Planned {
    pub(super) spec: Loaded,
    pub(super) session: Arc<Session>,
    pub(super) plan: Plan,
    /// Whether some of its instances were still being started.
    pub(super) starting: bool,
}

/// Whether instances of an environment are still being started.
pub(super) fn is_starting(observed: &Observed, environment: &EnvironmentName) -> bool {
    Inventory::of(observed, environment)
        .alive()
        .any(|(_, live, _)| live.state == InstanceState::Pending)
}

/// Plans for every spec, and what else of ours is running beside them.
#[derive(Default)]
pub(super) struct Plans {
    pub(super) planned: Vec<Planned>,
    pub(super) others: Vec<OtherEnvironment>,
    /// The places that could not be looked at: what is there is unknown, not absent.
    pub(super) unknown: Vec<Unknown>,
    /// How many places there are, known or not.
    pub(super) places: usize,
}

/// Plans every spec; specs of one account and region share a connection and its listings.
///
/// A place that cannot be looked at keeps nobody from seeing the plans of the others.
pub(super) async fn plan_all(
    global: &Global,
    loaded: Vec<Loaded>,
    wishes: &Wishes,
    format: Format,
    output: Output,
) -> Result<Plans, CommandError> {
    known_targets(&loaded, wishes)?;
    let named = names_at_hand(&loaded);
    let mut by_target: BTreeMap<Target, Vec<Loaded>> = BTreeMap::new();
    for spec in loaded {
        by_target
            .entry(spec.desired.target.clone())
            .or_default()
            .push(spec);
    }
    let mut plans = Plans {
        places: by_target.len(),
        ..Plans::default()
    };
    let mut members = named_members(wishes);
    let mut bad = Vec::new();
    for (target, specs) in by_target {
        let mut there = Plans::default();
        let into = (&mut there, &mut members, &mut bad);
        match plan_target(global, (&target, specs), (wishes, &named), into, output).await {
            Ok(()) => {
                plans.planned.extend(there.planned);
                plans.others.extend(there.others);
            }
            Err(error) if plans.places == 1 || error.exit != ExitCode::Failed => return Err(error),
            Err(error) => plans
                .unknown
                .push(Unknown::new(&Destination::from(&target), error)),
        }
    }
    // A member may be one of those that nobody could look at.
    if let Some((flag, address)) = members.first().filter(|_| plans.unknown.is_empty()) {
        return Err(unknown_member(flag, address));
    }
    if !bad.is_empty() {
        return Err(specs::show(&bad, format, output));
    }
    plans
        .planned
        .sort_by(|one, other| one.plan.environment.cmp(&other.plan.environment));
    Ok(plans)
}

/// What else runs is judged by every spec that is at hand, not only by those of a command.
fn names_at_hand(loaded: &[Loaded]) -> BTreeSet<EnvironmentName> {
    let named = loaded.iter().map(|spec| spec.desired.environment.clone());
    let known = specs::known();
    let known = known.into_iter().map(|spec| spec.desired.environment);
    known.chain(named).collect()
}

/// What the plans of one place are added to: the plans, what of the wishes nobody knows
/// yet, and mistakes that only AWS could tell.
type Into<'a> = (
    &'a mut Plans,
    &'a mut Vec<(&'static str, Address)>,
    &'a mut Vec<(Source, Vec<Diagnostic>)>,
);

async fn plan_target(
    global: &Global,
    (target, specs): (&Target, Vec<Loaded>),
    (wishes, named): (&Wishes, &BTreeSet<EnvironmentName>),
    (plans, members, bad): Into<'_>,
    output: Output,
) -> Result<(), CommandError> {
    let mut session = open(global, Destination::from(target), output).await?;
    session.wishes = wishes.clone();
    let session = Arc::new(session);
    let observed = session.observe().await?;
    let shared = Shared::default();
    plans.others.extend(other_environments(&observed, named));
    for spec in specs {
        members.retain(|(_, address)| !is_known(&spec.desired, &observed, address));
        let starting = is_starting(&observed, &spec.desired.environment);
        match plan_one(&session, &spec, (observed.clone(), &shared)).await? {
            Ok(plan) => plans.planned.push(Planned {
                spec,
                session: Arc::clone(&session),
                plan,
                starting,
            }),
            Err(findings) => bad.push((spec.source, findings)),
        }
    }
    Ok(())
}

/// How often the steps are looked up, and what that shows to be needed: a restart as another
/// type beside the end of a double takes four. Nothing new ends it before.
const MOST_LOOKUPS: usize = 8;

/// Plans one spec from listings that are complete.
pub(super) async fn plan_one(
    session: &Session,
    spec: &Loaded,
    (mut observed, shared): (Observed, &Shared),
) -> Result<Result<Plan, Vec<Diagnostic>>, CommandError> {
    let desired = &spec.desired;
    let mut found = Vec::new();
    read_user_data(&session.clients, desired, &mut observed).await;
    read_adoptions(&session.clients, desired, &mut observed).await?;
    if needs_network(desired, &observed) {
        let clusters = desired.groups.values().any(|group| group.instance.cluster);
        observed.network = Some(shared.network(&session.clients, clusters).await?);
    }
    let mut context = session.context();
    if needs_address(desired) {
        match session
            .own_address(desired.address_service.as_deref())
            .await
        {
            Ok(address) => context.caller.address = Some(address),
            Err(text) => found.push(no_address(desired, &text)),
        }
    }
    let (keys, unread) = public_keys::read(desired);
    context.public_keys = keys;
    let (looked_up, surveyed) = tokio::join!(
        resolve((session, shared), desired, &observed, &context),
        survey_data(&session.clients, &desired.data, session.journals.as_deref())
    );
    let (resolution, findings) = looked_up?;
    let (data, failures) = surveyed;
    observed.data = data;
    found.extend(findings.into_iter().map(from_finding));
    found.extend(failures.iter().map(from_failure));
    let unfit = unfit_groups(desired, &observed, &resolution, &context);
    let unfit = unfit.into_iter();
    let unfit = unfit.map(|one| one.with_known_gpus(desired, &resolution));
    found.extend(unfit.map(from_unfit));
    let launched = launched_groups(desired, &observed, &resolution, &context);
    found.extend(
        unread
            .into_iter()
            .filter(|(group, _)| launched.contains(group))
            .map(|(_, diagnostic)| diagnostic),
    );
    if found.is_empty() {
        Ok(Ok(plan(desired, &observed, &resolution, &context)))
    } else {
        Ok(Err(found))
    }
}

/// Looks up everything that the steps need: what is found may show that more is needed.
async fn resolve(
    (session, shared): (&Session, &Shared),
    desired: &Desired,
    observed: &Observed,
    context: &Context,
) -> Result<(Resolution, Vec<Finding>), CommandError> {
    let mut resolution = Resolution::default();
    let mut findings = Vec::new();
    let mut last = Wanted::default();
    for _ in 0..MOST_LOOKUPS {
        let now = wanted(desired, observed, &resolution, context);
        if now == last {
            break;
        }
        (resolution, findings) = look_up(&session.clients, &now, &shared.images).await?;
        last = now;
    }
    for text in &resolution.untold {
        let note = format!("{} {}", warn("note:"), escape(text));
        session.output.insist(&note);
    }
    Ok((resolution, findings))
}

fn no_address(desired: &Desired, text: &str) -> Diagnostic {
    let me = |group: &&crate::resource::Group| {
        let ssh = group.instance.ssh.as_ref();
        ssh.is_some_and(|ssh| ssh.from.contains(&SshSource::Me))
    };
    let group = desired.groups.values().find(me);
    let name = group.map_or("", |group| group.instance.group.as_str());
    Diagnostic::at(
        SpecPath::of_keys(&["instances", name, "ssh", "from"]),
        Code::NotFound,
        format!("your own address is not known: {text}"),
    )
    .help("pass it with `--address 203.0.113.7`, or name the block in the spec")
}

fn from_unfit(unfit: Unfit) -> Diagnostic {
    let Unfit {
        path,
        exists,
        summary,
        help,
    } = unfit;
    let help = Some(help);
    from_finding(Finding {
        path,
        exists,
        summary,
        help,
    })
}

/// What AWS does not have is shown where the spec names it.
fn from_finding(finding: Finding) -> Diagnostic {
    let Finding {
        path,
        exists,
        summary,
        help,
    } = finding;
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let code = if exists {
        Code::DoesNotFit
    } else {
        Code::NotFound
    };
    let diagnostic = Diagnostic::at(SpecPath::of_keys(&keys), code, summary);
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

fn from_failure(failure: &SurveyFailure) -> Diagnostic {
    let name = match &failure.address {
        Address::Data(name) => name.clone(),
        Address::Instance { .. }
        | Address::Volume(_)
        | Address::SecurityGroup(_)
        | Address::KeyPair(_)
        | Address::PlacementGroup(_) => failure.address.to_string(),
    };
    let path = SpecPath::of_keys(&["data", &name, failure.key]);
    let diagnostic = Diagnostic::at(path, Code::NotFound, failure.text());
    match failure.help() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// Mistakes of one spec, shown the usual way.
pub(super) fn show_findings(
    source: &Source,
    found: Vec<Diagnostic>,
    output: Output,
) -> CommandError {
    specs::show(&[(source.clone(), found)], Format::Human, output)
}
