//! Reaching AWS as the right account.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::SignedDuration;
use tokio::sync::OnceCell;

use super::arguments::{Global, Wishes};
use super::caller::caller_name;
use super::error::CommandError;
use super::output::Output;
use super::{environment, local_server, sign_in, specs};
use crate::cloud::{
    Aws, Clients, Clock, CloudError, CloudErrorKind, Connection, Identity, Pace, Patience, connect,
    identify, network_for_destroy, observe, observe_instances_first, own_address,
    region_of_profile, spot_requests,
};
use crate::credentials::{Engine, Mode, Provider, SignInError};
use crate::plan::{Context, Observed, Targets};
use crate::render::{dim, escape, warn};
use crate::resource::{AccountId, Caller, Region, SignIn, Target};

/// A connection to one account and region, checked.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) clients: Clients,
    /// What signs in again, where it takes more than the SDK does by itself.
    pub(super) engine: Option<Arc<Engine>>,
    pub(super) identity: Identity,
    pub(super) pace: Pace,
    pub(super) wishes: Wishes,
    pub(super) delete_kept: bool,
    /// The folder that keeps what is known of files from one run to the next.
    pub(super) journals: Option<PathBuf>,
    connection: Connection,
    /// The session that this one was restricted from.
    whole: Option<Arc<Self>>,
    local: bool,
    pub(super) output: Output,
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

    /// The same in a session of its role that can do no more than a policy says.
    ///
    /// # Errors
    ///
    /// When there is no role, or AWS refuses it.
    pub(super) async fn restricted(&self, policy: &str) -> Result<Self, SignInError> {
        let engine = self
            .engine
            .as_ref()
            .filter(|engine| engine.role().is_some());
        let engine = engine.ok_or(SignInError::NoRole)?;
        let engine = Arc::new(engine.with_policy(policy.to_owned()));
        engine.sign_in(Mode::Ask).await?;
        let mut connection = self.connection.clone();
        let provider = Provider(Arc::clone(&engine));
        connection.provider = Some(SharedCredentialsProvider::new(provider));
        Ok(Self {
            clients: connect(&connection).await,
            engine: Some(engine),
            connection,
            whole: Some(Arc::new(self.clone())),
            ..self.clone()
        })
    }

    /// The session without a restriction: what was launched and must not stay is ended,
    /// whatever a policy made from a plan forgot.
    pub(super) fn whole(&self) -> &Self {
        self.whole.as_deref().unwrap_or(self)
    }

    /// AWS, as somebody who carries out steps.
    pub(super) fn aws(&self) -> Aws {
        Aws {
            clients: self.clients.clone(),
            account: self.identity.account.clone(),
            pace: self.pace,
            clock: self.clock.clone(),
            journals: self.journals.clone(),
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
#[derive(Clone)]
pub(super) struct Destination {
    pub(super) sign_in: SignIn,
    pub(super) account: Option<AccountId>,
    pub(super) region: Option<Region>,
}

impl From<&Target> for Destination {
    fn from(target: &Target) -> Self {
        let Target {
            sign_in,
            account,
            region,
        } = target.clone();
        Self {
            sign_in,
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
    let Reached {
        clients,
        connection,
        engine,
    } = reach(global, &destination, patience, output).await?;
    let identity = identify(&clients, patience).await.map_err(|error| {
        let of_environment = global.profile.is_none() && environment::has_keys();
        no_identity(
            error,
            (connection.profile.as_deref(), engine.is_some()),
            of_environment,
        )
    })?;
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
        engine,
        identity,
        pace,
        wishes: Wishes::default(),
        delete_kept: false,
        journals: journals(global),
        connection,
        whole: None,
        local: global.local,
        output,
        clock: global.host.clock.clone(),
        address: OnceCell::new(),
    })
}

/// A client for buckets, and what signs in again where the SDK does not do that.
pub(super) struct BucketSession {
    pub(super) client: aws_sdk_s3::Client,
    pub(super) engine: Option<Arc<Engine>>,
}

/// A client for buckets. Nobody is asked whose credentials these are: the bucket decides.
pub(super) async fn s3_client(
    global: &Global,
    region: Option<&str>,
    output: Output,
) -> Result<BucketSession, CommandError> {
    let region = match region.map(Region::new) {
        Some(region) => Some(region),
        None if global.local => None,
        None => region_of_profile(global.profile.as_deref()).await,
    };
    let place = specs::project_place();
    let destination = Destination {
        sign_in: place.sign_in,
        // A role without an account is one of the project's.
        account: place.account.filter(|_| !global.local),
        // S3 itself is asked in this one by whoever names none.
        region: region.or_else(|| (!global.local).then(|| Region::new("us-east-1"))),
    };
    let reached = reach(global, &destination, Patience::Brief, output).await?;
    Ok(BucketSession {
        client: reached.clients.s3,
        engine: reached.engine,
    })
}

/// The folder that keeps what is known of files; a simulation leaves nothing behind.
pub(super) fn journals(global: &Global) -> Option<PathBuf> {
    let is_real = global.host.transport.is_none();
    let cache = is_real.then(environment::cache).flatten();
    cache.map(|cache| cache.join("journals"))
}

/// Clients that are signed in.
pub(super) struct Reached {
    pub(super) clients: Clients,
    pub(super) engine: Option<Arc<Engine>>,
    /// How they reach AWS.
    connection: Connection,
}

/// Makes the clients, and signs in where the SDK does not do that by itself.
///
/// # Errors
///
/// When the embedded cloud does not start, no region is known, or nobody can be signed in.
pub(super) async fn reach(
    global: &Global,
    destination: &Destination,
    patience: Patience,
    output: Output,
) -> Result<Reached, CommandError> {
    let local = if global.local {
        Some(local_server::ensure(output).await?)
    } else {
        None
    };
    let region = region_of(global, destination)?;
    let profile = global.profile.clone();
    let mut connection = Connection {
        profile: profile.or_else(|| destination.sign_in.profile.clone()),
        profile_first: global.profile.is_some(),
        provider: None,
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
    // The futures of all commands hold these: boxed, they are not laid out in each.
    let engine = sign_in::engine(global, destination, &connection, output);
    let engine = Box::pin(engine).await?;
    if let Some(engine) = &engine {
        Box::pin(sign_in::sign_in(global, engine, output)).await?;
        let provider = Provider(Arc::clone(engine));
        connection.provider = Some(SharedCredentialsProvider::new(provider));
    }
    Ok(Reached {
        clients: connect(&connection).await,
        engine,
        connection,
    })
}

/// Says which credentials were looked for, in words that lead somewhere.
fn no_identity(
    error: CloudError,
    (profile, is_kept): (Option<&str>, bool),
    of_environment: bool,
) -> CommandError {
    let is_refused = error.kind == CloudErrorKind::Credentials && error.code.is_some();
    if error.is_of_the_clock() {
        return error.into();
    }
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
    if is_refused && of_environment {
        error.help = Some("the keys in AWS_ACCESS_KEY_ID go before every profile of a spec: `eval \"$(trainyard logout --export)\"` takes them away; then sign in again".to_owned());
    } else if is_refused && is_kept {
        error.help = Some("`trainyard logout` forgets the session that is kept on this machine; then run `trainyard login`".to_owned());
    }
    error
}
