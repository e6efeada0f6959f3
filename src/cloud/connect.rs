//! Clients with explicit patience.

use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region as SdkRegion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::patience::{Notice, Patience, Trouble, own_quota};
use super::whole::Whole;
use crate::resource::{AccountId, Region};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one attempt of a control call may take; the SDK's own default is for ever.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How long it may take to open a session for a request that needs one.
const OPENING: Duration = Duration::from_mins(1);
/// How long one request of a transfer may take, its body included: 8 MiB beside
/// thirty others, over a slow uplink. What guards against a dead connection is the
/// SDK's stalled-stream protection.
const TRANSFER: Duration = Duration::from_mins(15);
/// How often a request of a transfer is tried.
const TRANSFER_ATTEMPTS: u32 = 6;

/// What carries requests instead of the network, and tells them the time.
#[derive(Debug, Clone)]
pub struct Transport {
    /// Takes requests and gives answers.
    pub http: SharedHttpClient,
    /// The time that requests are signed with.
    pub time: SharedTimeSource,
    /// The address that requests are made out to.
    pub address: String,
}

/// How to reach AWS.
#[derive(Clone)]
pub struct Connection {
    /// The profile to use; the default chain where there is none.
    pub profile: Option<String>,
    /// Whether the profile goes before credentials of the environment, because the
    /// user named it for this very command.
    pub profile_first: bool,
    /// Who gives the credentials, where it is not the SDK by itself.
    pub provider: Option<SharedCredentialsProvider>,
    /// The region.
    pub region: Region,
    /// The account that the embedded cloud is to play, where that is used.
    pub account: Option<AccountId>,
    /// The address of the embedded cloud, where that is used.
    pub local: Option<String>,
    /// Whether the environment names an endpoint of its own.
    pub own_endpoint: bool,
    /// For how long calls are tried.
    pub patience: Patience,
    /// Takes a word on why AWS keeps us waiting.
    pub notice: Option<Notice>,
    /// What carries requests instead of the network, where something does.
    pub transport: Option<Transport>,
}

/// One client for each service.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Instances and what belongs to them.
    pub ec2: aws_sdk_ec2::Client,
    /// Files.
    pub s3: aws_sdk_s3::Client,
    /// Public parameters.
    pub ssm: aws_sdk_ssm::Client,
    /// Who we are.
    pub sts: aws_sdk_sts::Client,
    /// Who gives their credentials.
    pub credentials: Option<SharedCredentialsProvider>,
    /// The address that all requests go to, where one is given.
    pub endpoint: Option<String>,
    /// The region that they all speak to.
    pub region: Region,
}

/// The region that the environment or a profile names, as every AWS tool finds it.
pub async fn region_of_profile(profile: Option<&str>) -> Option<Region> {
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = profile {
        chain = chain.profile_name(profile);
    }
    let region = chain.build().region().await?;
    Some(Region::new(region.to_string()))
}

/// How STS is reached by whoever has no credentials yet.
pub(crate) async fn unsigned(connection: &Connection) -> SdkConfig {
    let mut loader = loader(connection).no_credentials();
    if let Some(address) = connection.address() {
        loader = loader.endpoint_url(address);
    }
    loader.load().await
}

impl Connection {
    /// The address that all requests go to, where one is given.
    fn address(&self) -> Option<&String> {
        let transport = self.transport.as_ref();
        let address = transport.map(|transport| &transport.address);
        address.or(self.local.as_ref())
    }
}

fn loader(connection: &Connection) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(connection.patience.longest())
        .build();
    let region = SdkRegion::new(connection.region.to_string());
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .retry_config(connection.patience.retries())
        .timeout_config(timeouts);
    if let Some(Transport { http, time, .. }) = &connection.transport {
        loader = loader.http_client(http.clone()).time_source(time.clone());
    }
    loader
}

/// Makes the clients; nothing is sent yet.
pub async fn connect(connection: &Connection) -> Clients {
    let region = SdkRegion::new(connection.region.to_string());
    let mut loader = loader(connection);
    if let Some(profile) = &connection.profile {
        loader = loader.profile_name(profile);
        if connection.profile_first {
            // A role of a profile that names no region is assumed in this one.
            let place = ProviderConfig::without_region().with_region(Some(region.clone()));
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&place)
                .profile_name(profile)
                .build();
            loader = loader.credentials_provider(provider);
        }
    }
    if let Some(address) = connection.address() {
        // The embedded cloud plays whatever account the key names.
        let account = connection.account.as_ref().map_or("", AccountId::as_str);
        let key = format!("TRAINYARD{account}");
        let keys = Credentials::new(key, "local", None, None, "trainyard-local");
        loader = loader.endpoint_url(address).credentials_provider(keys);
    }
    if let Some(provider) = &connection.provider {
        // A session may have to be opened first, by way of several roles.
        let cache = IdentityCache::lazy().load_timeout(OPENING).build();
        loader = loader
            .credentials_provider(provider.clone())
            .identity_cache(cache);
    }
    let config = loader.load().await;
    let path_style = connection.own_endpoint || config.endpoint_url().is_some();
    Clients::with(
        &config,
        connection.region.clone(),
        path_style,
        connection.notice.clone(),
    )
}

impl Clients {
    /// Makes the clients of a configuration that has been loaded.
    ///
    /// `path_style` says that buckets have no host names of their own.
    pub fn of(config: &SdkConfig, region: Region, path_style: bool) -> Self {
        Self::with(config, region, path_style, None)
    }

    fn with(config: &SdkConfig, region: Region, path_style: bool, notice: Option<Notice>) -> Self {
        // A transfer takes as long as its bytes do: what guards it is that bytes keep
        // coming, not a limit on the whole.
        let transfer = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(TRANSFER)
            .disable_operation_attempt_timeout()
            .disable_operation_timeout()
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(path_style)
            .retry_config(RetryConfig::standard().with_max_attempts(TRANSFER_ATTEMPTS))
            // A quota that all requests share ends with the first few dozen that fail at once.
            .retry_partition(own_quota())
            .timeout_config(transfer)
            .interceptor(Whole)
            .build();
        let trouble = Trouble::new(notice);
        let ec2 = aws_sdk_ec2::config::Builder::from(config)
            .retry_partition(own_quota())
            .retry_classifier(trouble.clone())
            .interceptor(Whole);
        let ssm = aws_sdk_ssm::config::Builder::from(config)
            .retry_partition(own_quota())
            .retry_classifier(trouble.clone());
        let sts = aws_sdk_sts::config::Builder::from(config)
            .retry_partition(own_quota())
            .retry_classifier(trouble)
            .interceptor(Whole);
        Self {
            ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
            s3: aws_sdk_s3::Client::from_conf(s3),
            ssm: aws_sdk_ssm::Client::from_conf(ssm.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            credentials: config.credentials_provider(),
            endpoint: config.endpoint_url().map(str::to_owned),
            region,
        }
    }
}
