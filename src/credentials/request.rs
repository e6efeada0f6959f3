//! From what somebody wants to an engine that signs in that way.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};
use jiff::Timestamp;

use super::chain::{Base, Place, chain};
use super::code::Codes;
use super::engine::Engine;
use super::error::SignInError;
use super::kept::Kept;
use super::sts::Sts;
use crate::cloud::Clock;
use crate::resource::{AccountId, SignIn};

/// Who wants to be whom, where.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) wish: SignIn,
    pub(crate) account: Option<AccountId>,
    pub(crate) region: String,
    pub(crate) environment_first: bool,
    /// When the session in the environment ends, where that is said.
    pub(crate) environment_ends: Option<Timestamp>,
    /// How STS is reached.
    pub(crate) sdk: SdkConfig,
    pub(crate) profiles: EnvConfigFiles,
    pub(crate) codes: Arc<Codes>,
    pub(crate) kept: Arc<Kept>,
    pub(crate) clock: Clock,
    /// Who runs the command, by name.
    pub(crate) user: Option<String>,
}

impl Request {
    /// Reads the profiles, and makes an engine where the SDK does not go the whole way.
    ///
    /// # Errors
    ///
    /// When the profiles cannot be read, or the role cannot be told.
    pub(crate) async fn engine(self) -> Result<Option<Engine>, SignInError> {
        let profiles = self.read().await?;
        let place = Place {
            account: self.account.as_ref(),
            region: &self.region,
            environment_first: self.environment_first,
        };
        let chain = chain(&profiles, &self.wish, place)?;
        let ends = self.environment_ends.filter(|_| self.environment_first);
        if let Some(ended) = ends.filter(|ends| *ends <= self.clock.now()) {
            return Err(SignInError::Outlived(ended));
        }
        // A session that ends is watched, although nobody can renew it.
        if chain.is_plain() && ends.is_none() {
            return Ok(None);
        }
        let base = self.base(&chain.base).await;
        let session_name = session_name(self.user.as_deref());
        let endpoint = self.sdk.endpoint_url().unwrap_or("aws").to_owned();
        Ok(Some(Engine {
            chain,
            base,
            sts: Sts { config: self.sdk },
            kept: self.kept,
            codes: self.codes,
            clock: self.clock,
            session_name,
            endpoint,
            policy: None,
            signed: Mutex::default(),
            working: tokio::sync::Mutex::default(),
            is_asking: AtomicBool::new(false),
        }))
    }

    async fn read(&self) -> Result<ProfileSet, SignInError> {
        let profile = self.wish.profile.clone().map(Cow::Owned);
        aws_config::profile::load(&Fs::real(), &Env::real(), &self.profiles, profile)
            .await
            .map_err(|error| SignInError::Profiles(error.to_string()))
    }

    async fn base(&self, base: &Base) -> SharedCredentialsProvider {
        let place = ProviderConfig::without_region().with_region(self.sdk.region().cloned());
        match base {
            Base::Keys {
                profile: _,
                credentials,
            } => SharedCredentialsProvider::new(credentials.clone()),
            Base::Environment => {
                SharedCredentialsProvider::new(EnvironmentKeys(self.environment_ends))
            }
            Base::Profile(name) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&place)
                    .profile_files(self.profiles.clone())
                    .profile_name(name)
                    .build(),
            ),
            Base::Sdk => {
                let chain = DefaultCredentialsChain::builder().configure(place);
                SharedCredentialsProvider::new(chain.build().await)
            }
        }
    }
}

/// The keys in the environment, and when they end: the SDK does not read that.
#[derive(Debug)]
struct EnvironmentKeys(Option<Timestamp>);

impl ProvideCredentials for EnvironmentKeys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let found = EnvironmentVariableCredentialsProvider::new();
            let mut found = found.provide_credentials().await?;
            if let Some(ends) = self.0 {
                *found.expiry_mut() = SystemTime::try_from(ends).ok();
            }
            Ok(found)
        })
    }
}

/// A name for sessions that stays the same from one to the next (API STS, `RoleSessionName`).
fn session_name(user: Option<&str>) -> String {
    let fits = |letter: &char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(*letter);
    let user: String = user
        .unwrap_or_default()
        .chars()
        .filter(fits)
        .take(64)
        .collect();
    if user.len() < 2 {
        "trainyard".to_owned()
    } else {
        user
    }
}

#[cfg(test)]
mod tests {
    use super::session_name;

    #[test]
    fn a_session_has_a_name_that_sts_takes() {
        for (user, expected) in [
            (Some("alex"), "alex"),
            (Some("a b/c:d"), "abcd"),
            (Some("ä"), "trainyard"),
            (Some("x"), "trainyard"),
            (None, "trainyard"),
        ] {
            assert_eq!(session_name(user), expected);
        }
        assert_eq!(session_name(Some(&"x".repeat(100))).len(), 64);
    }
}
