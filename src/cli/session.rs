//! Reaching AWS as the right account, and making plans from what it says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::arguments::{Format, Global};
use super::error::CommandError;
use super::output::Output;
use super::{clock, environment, local_server, specs};
use crate::cloud::{
    Clients, CloudError, CloudErrorKind, Connection, Finding, Identity, Pace, SurveyFailure,
    connect, identify, look_up, observe, observe_instances_first, read_user_data, survey_data,
};
use crate::plan::{
    Context, Inventory, Observed, OtherEnvironment, Plan, other_environments, plan, wanted,
};
use crate::resource::{AccountId, Address, EnvironmentName, InstanceState, Region, Target};
use crate::spec::{Code, Diagnostic, Loaded, Source, SpecPath};

/// A connection to one account and region, checked.
pub(super) struct Session {
    pub(super) clients: Clients,
    pub(super) identity: Identity,
    pub(super) pace: Pace,
    pub(super) lift_protection: bool,
}

impl Session {
    /// What the planner may know besides what is wanted and what is there.
    pub(super) fn context(&self) -> Context {
        let settle = SignedDuration::try_from(self.pace.visible).unwrap_or(SignedDuration::MAX);
        Context {
            now: clock::now(),
            settle,
            lift_protection: self.lift_protection,
        }
    }

    /// For whoever ends instances: volumes that cannot be listed come as an error beside them.
    pub(super) async fn observe_instances_first(
        &self,
    ) -> Result<(Observed, Option<CommandError>), CommandError> {
        let (observed, blind) =
            observe_instances_first(&self.clients, &self.identity.account).await?;
        Ok((observed, blind.map(CommandError::from)))
    }

    pub(super) async fn observe(&self) -> Result<Observed, CommandError> {
        Ok(observe(&self.clients, &self.identity.account).await?)
    }
}

/// Where a session goes to.
pub(super) struct Destination {
    pub(super) profile: Option<String>,
    pub(super) account: Option<AccountId>,
    pub(super) region: Option<Region>,
}

impl From<&Target> for Destination {
    fn from(target: &Target) -> Self {
        let Target {
            profile,
            account,
            region,
        } = target.clone();
        Self {
            profile,
            account: Some(account),
            region: Some(region),
        }
    }
}

/// The region to go to; it is settled before anything is asked of anybody.
///
/// # Errors
///
/// When nobody names one.
pub(super) fn region_of(
    global: &Global,
    destination: &Destination,
) -> Result<Region, CommandError> {
    let fallback = || global.local.then(|| "eu-central-1".to_owned());
    destination
        .region
        .clone()
        .or_else(|| environment::region().or_else(fallback).map(Region::new))
        .ok_or_else(|| {
            CommandError::failed("no region is known").help("pass `--region`, or set AWS_REGION")
        })
}

/// Connects, and checks the account before anything else is read.
pub(super) async fn open(
    global: &Global,
    destination: Destination,
    output: Output,
) -> Result<Session, CommandError> {
    let local = if global.local {
        Some(local_server::ensure(output).await?)
    } else {
        None
    };
    let region = region_of(global, &destination)?;
    let connection = Connection {
        profile: global.profile.clone().or(destination.profile),
        profile_first: global.profile.is_some(),
        region,
        account: destination.account.clone(),
        local,
        own_endpoint: environment::own_endpoint(),
    };
    let clients = connect(&connection).await;
    let identity = identify(&clients)
        .await
        .map_err(|error| no_identity(error, connection.profile.as_deref()))?;
    if let Some(pinned) = destination
        .account
        .filter(|pinned| *pinned != identity.account)
    {
        let text = format!(
            "the credentials belong to the account {}, and {pinned} is asked for; nothing was read and nothing was changed",
            identity.account
        );
        return Err(CommandError::refused(text).help(format!(
            "use a profile of the account {pinned} (these are {})",
            identity.arn
        )));
    }
    let mut pace = if global.local { Pace::LOCAL } else { Pace::AWS };
    if let Some(settle) = global.settle {
        pace.settle = settle.0;
    }
    Ok(Session {
        clients,
        identity,
        pace,
        lift_protection: false,
    })
}

/// Says which credentials were looked for, in words that lead somewhere.
fn no_identity(error: CloudError, profile: Option<&str>) -> CommandError {
    let missing = error.kind == CloudErrorKind::Credentials && error.code.is_none();
    let mut error = CommandError::from(error);
    let chain = [
        "no credentials found in chain",
        "IMDS",
        "provider was not enabled",
    ];
    if missing && chain.iter().any(|words| error.text.contains(words)) {
        error.text = match profile {
            Some(profile) => format!("the profile `{profile}` gives no credentials: ~/.aws/config and ~/.aws/credentials do not have it, or it holds none"),
            None => "no AWS credentials were found: neither in AWS_ACCESS_KEY_ID, nor in a profile of ~/.aws, nor from this machine's role".to_owned(),
        };
    }
    if let Some(profile) = profile {
        error.help = Some(format!(
            "sign in to the profile `{profile}`, or pass another one with `--profile`"
        ));
    }
    error
}

/// A plan with what it takes to apply it.
pub(super) struct Planned {
    pub(super) spec: Loaded,
    pub(super) session: std::sync::Arc<Session>,
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
pub(super) struct Plans {
    pub(super) planned: Vec<Planned>,
    pub(super) others: Vec<OtherEnvironment>,
}

/// Plans every spec; specs of one account and region share a connection and its listings.
pub(super) async fn plan_all(
    global: &Global,
    loaded: Vec<Loaded>,
    lift_protection: bool,
    format: Format,
    output: Output,
) -> Result<Plans, CommandError> {
    let mut by_target: BTreeMap<Target, Vec<Loaded>> = BTreeMap::new();
    for spec in loaded {
        by_target
            .entry(spec.desired.target.clone())
            .or_default()
            .push(spec);
    }
    // What else runs is judged by every spec that is at hand, not only by those
    // of this command.
    let mut named: BTreeSet<EnvironmentName> = specs::known()
        .into_iter()
        .map(|spec| spec.desired.environment)
        .collect();
    named.extend(
        by_target
            .values()
            .flatten()
            .map(|spec| spec.desired.environment.clone()),
    );
    let mut plans = Plans {
        planned: Vec::new(),
        others: Vec::new(),
    };
    let mut bad = Vec::new();
    for (target, loaded) in by_target {
        let mut session = open(global, Destination::from(&target), output).await?;
        session.lift_protection = lift_protection;
        let session = std::sync::Arc::new(session);
        let observed = session.observe().await?;
        plans.others.extend(other_environments(&observed, &named));
        for spec in loaded {
            let starting = is_starting(&observed, &spec.desired.environment);
            match plan_one(&session, &spec, observed.clone()).await? {
                Ok(plan) => {
                    let session = std::sync::Arc::clone(&session);
                    plans.planned.push(Planned {
                        spec,
                        session,
                        plan,
                        starting,
                    });
                }
                Err(findings) => bad.push((spec.source, findings)),
            }
        }
    }
    if !bad.is_empty() {
        return Err(specs::show(&bad, format, output));
    }
    plans
        .planned
        .sort_by(|one, other| one.plan.environment.cmp(&other.plan.environment));
    Ok(plans)
}

/// Plans one spec from listings that are complete.
pub(super) async fn plan_one(
    session: &Session,
    spec: &Loaded,
    mut observed: Observed,
) -> Result<Result<Plan, Vec<Diagnostic>>, CommandError> {
    let desired = &spec.desired;
    read_user_data(&session.clients, desired, &mut observed).await;
    let context = session.context();
    let wanted = wanted(desired, &observed, &context);
    let (looked_up, surveyed) = tokio::join!(
        look_up(&session.clients, &wanted),
        survey_data(&session.clients, &desired.data)
    );
    let (resolution, findings) = looked_up?;
    let (data, failures) = surveyed;
    observed.data = data;
    let mut found: Vec<Diagnostic> = findings.into_iter().map(from_finding).collect();
    found.extend(failures.iter().map(from_failure));
    if found.is_empty() {
        Ok(Ok(plan(desired, &observed, &resolution, &context)))
    } else {
        Ok(Err(found))
    }
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
        Address::Instance { .. } | Address::Volume(_) => failure.address.to_string(),
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
