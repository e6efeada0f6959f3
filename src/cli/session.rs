//! Reaching AWS as the right account, and making plans from what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::OnceCell;

use super::arguments::{Format, Global, Wishes};
use super::caller::caller_name;
use super::error::CommandError;
use super::output::Output;
use super::shared::Shared;
use super::targets::{known_targets, named_members, unknown_member};
use super::{environment, local_server, public_keys, specs};
use crate::cloud::{
    Aws, Clients, Clock, CloudError, CloudErrorKind, Connection, Finding, Identity, Pace, Patience,
    SurveyFailure, connect, identify, look_up, network_for_destroy, observe,
    observe_instances_first, own_address, read_adoptions, read_user_data, spot_requests,
    survey_data,
};
use crate::plan::{
    Context, Inventory, Observed, OtherEnvironment, Plan, Resolution, Targets, Unfit, Wanted,
    is_known, launched_groups, needs_address, needs_network, other_environments, plan,
    unfit_groups, wanted,
};
use crate::render::{dim, escape, warn};
use crate::resource::{
    AccountId, Address, Caller, Desired, EnvironmentName, InstanceState, Region, SshSource, Target,
};
use crate::spec::{Code, Diagnostic, Loaded, Source, SpecPath};

/// A connection to one account and region, checked.
pub(super) struct Session {
    pub(super) clients: Clients,
    pub(super) identity: Identity,
    pub(super) pace: Pace,
    pub(super) wishes: Wishes,
    pub(super) delete_kept: bool,
    local: bool,
    output: Output,
    clock: Clock,
    /// The caller's own address, asked for once.
    address: OnceCell<Result<IpAddr, String>>,
}

impl Session {
    /// What the planner may know besides what is wanted and what is there.
    pub(super) fn context(&self) -> Context {
        let settle = SignedDuration::try_from(self.pace.visible).unwrap_or(SignedDuration::MAX);
        let Wishes {
            lift_protection,
            upgrade_image,
            target,
            replace,
            address: _,
        } = &self.wishes;
        Context {
            lift_protection: *lift_protection,
            upgrade_image: *upgrade_image,
            delete_kept: self.delete_kept,
            targets: Targets(target.iter().cloned().collect()),
            replace: Targets(replace.iter().cloned().collect()),
            caller: Caller {
                name: caller_name(&self.identity.arn, environment::user().as_deref()),
                address: None,
            },
            ..Context::plain(self.clock.now(), settle)
        }
    }

    /// The caller's own address: as given, or as the service says; on this machine it is this machine's.
    pub(super) async fn own_address(&self, service: Option<&str>) -> Result<IpAddr, String> {
        if let Some(address) = self.wishes.address {
            return Ok(address);
        }
        let configured = environment::address_service();
        let service = service.map(str::to_owned).or(configured);
        if self.local && service.is_none() {
            return Ok(IpAddr::from([127, 0, 0, 1]));
        }
        let service = service.unwrap_or_else(|| ADDRESS_SERVICE.to_owned());
        let asked = self.address.get_or_init(|| async {
            own_address(&service)
                .await
                .map_err(|error| error.to_string())
        });
        asked.await.clone()
    }

    /// AWS, as somebody who carries out steps.
    pub(super) fn aws(&self) -> Aws {
        Aws {
            clients: self.clients.clone(),
            account: self.identity.account.clone(),
            pace: self.pace,
            clock: self.clock.clone(),
            memory: std::sync::Arc::default(),
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

    /// The same with all that goes with instances: groups, keys, spot requests.
    ///
    /// No listing of these must keep what costs money alive, so one that fails is said
    /// here, and left to the verdict: what was not listed is unknown, not absent.
    pub(super) async fn observe_for_destroy(
        &self,
        output: Output,
    ) -> Result<(Observed, Blind), CommandError> {
        let (instances, requests, network) = tokio::join!(
            observe_instances_first(&self.clients, &self.identity.account),
            spot_requests(&self.clients),
            network_for_destroy(&self.clients),
        );
        // The volumes are listed again before anything is claimed of them.
        let (mut observed, _) = instances?;
        let mut blind = Blind::default();
        let (network, unread) = network;
        observed.network = Some(network);
        for error in unread {
            output.insist(&format!(
                "{} {}; what goes with instances may be left, and costs nothing",
                warn("note:"),
                escape(&error.to_string())
            ));
            blind.network.push(error.to_string());
        }
        match requests {
            Ok(requests) => observed.spot_requests = requests,
            Err(error) => {
                output.insist(&format!(
                    "{} {}; instances are ended all the same",
                    warn("note:"),
                    escape(&error.to_string())
                ));
                blind.spot = Some(error.to_string());
            }
        }
        Ok((observed, blind))
    }

    /// What goes with instances again, as it is now.
    pub(super) async fn network_again(&self, observed: &mut Observed, blind: &mut Blind) {
        let (network, unread) = network_for_destroy(&self.clients).await;
        observed.network = Some(network);
        blind.network = unread.iter().map(ToString::to_string).collect();
    }

    /// Spot requests again, where they are not known yet.
    pub(super) async fn spot_requests_again(&self, observed: &mut Observed, blind: &mut Blind) {
        if blind.spot.is_none() {
            return;
        }
        match spot_requests(&self.clients).await {
            Ok(requests) => {
                observed.spot_requests = requests;
                blind.spot = None;
            }
            Err(error) => blind.spot = Some(error.to_string()),
        }
    }

    pub(super) async fn observe(&self) -> Result<Observed, CommandError> {
        Ok(observe(&self.clients, &self.identity.account).await?)
    }
}

/// What could not be listed for a `destroy`, in words: it is unknown.
#[derive(Debug, Clone, Default)]
pub(super) struct Blind {
    /// Why spot requests are unknown: one that is open launches a successor.
    pub(super) spot: Option<String>,
    /// Why some of what goes with instances is unknown; none of it costs anything.
    pub(super) network: Vec<String>,
}

/// Where the caller's own address is asked for when nobody says otherwise.
const ADDRESS_SERVICE: &str = "https://checkip.amazonaws.com";

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
    open_with(global, destination, Patience::Brief, output).await
}

/// The same with a patience of the caller's.
pub(super) async fn open_with(
    global: &Global,
    destination: Destination,
    patience: Patience,
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
        patience,
        notice: Some(Arc::new(move |text: &str| {
            output.say(&format!("  {} {text}", dim("…")));
        })),
        transport: global.host.transport.clone(),
    };
    let clients = connect(&connection).await;
    let identity = identify(&clients, patience)
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
        wishes: Wishes::default(),
        delete_kept: false,
        local: global.local,
        output,
        clock: global.host.clock.clone(),
        address: OnceCell::new(),
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
    wishes: &Wishes,
    format: Format,
    output: Output,
) -> Result<Plans, CommandError> {
    known_targets(&loaded, wishes)?;
    let mut members = named_members(wishes);
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
        session.wishes = wishes.clone();
        let session = std::sync::Arc::new(session);
        let observed = session.observe().await?;
        let shared = Shared::default();
        plans.others.extend(other_environments(&observed, &named));
        for spec in &loaded {
            members.retain(|(_, address)| !is_known(&spec.desired, &observed, address));
        }
        for spec in loaded {
            let starting = is_starting(&observed, &spec.desired.environment);
            match plan_one(&session, &spec, (observed.clone(), &shared)).await? {
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
    if let Some((flag, address)) = members.first() {
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
        survey_data(&session.clients, &desired.data)
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
