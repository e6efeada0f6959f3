//! The SDK's way to ask for credentials.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

use super::engine::{Engine, Mode};
use super::error::SignInError;

/// Gives the SDK what an engine has signed in with; nobody is asked for a code here.
///
/// The SDK asks in the middle of a request, and waits for seconds only: whoever is to be
/// asked for a code is asked before that, between two requests.
#[derive(Debug, Clone)]
pub(crate) struct Provider(pub(crate) Arc<Engine>);

impl Provider {
    async fn provide(&self) -> Result<Credentials, CredentialsError> {
        // Nobody waits for somebody who looks for a device.
        if self.0.is_asking.load(Ordering::SeqCst)
            && let Some(credentials) = self.unexpired()
        {
            return Ok(credentials);
        }
        match self.0.sign_in(Mode::Silent).await {
            Ok(signed) => Ok(signed.credentials),
            Err(error) => {
                // What needs a code soon is good until it ends.
                self.unexpired().ok_or_else(|| unprovided(error))
            }
        }
    }

    fn unexpired(&self) -> Option<Credentials> {
        let now = self.0.clock.now();
        let current = self.0.current();
        let good = current.filter(|signed| signed.expires.is_none_or(|end| end > now));
        good.map(|signed| signed.credentials)
    }
}

fn unprovided(error: SignInError) -> CredentialsError {
    if let SignInError::Cloud(_) = error {
        CredentialsError::provider_error(error)
    } else {
        CredentialsError::not_loaded(error.to_string())
    }
}

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}
