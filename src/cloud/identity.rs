//! Who we are, asked before anything else.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::patience::Patience;
use crate::resource::AccountId;

/// Whom the credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The user or role.
    pub arn: String,
}

/// Asks STS.
///
/// # Errors
///
/// When nobody answers, or the credentials are missing, expired or refused.
pub async fn identify(clients: &Clients, patience: Patience) -> Result<Identity, CloudError> {
    const OPERATION: &str = "find out whose credentials these are";
    // The first request is where a wrong address or a missing network shows: nobody who
    // can come back later wants to wait long for that.
    let retries = match patience {
        Patience::Brief => patience.retries().with_max_attempts(3),
        Patience::Steadfast => patience.retries(),
    };
    let answer = clients
        .sts
        .get_caller_identity()
        .customize()
        .config_override(aws_sdk_sts::config::Config::builder().retry_config(retries))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
    let account = answer.account().filter(|account| is_account(account));
    let account = account.ok_or_else(|| {
        CloudError::of(
            OPERATION,
            CloudErrorKind::Rejected,
            "AWS did not name an account",
        )
    })?;
    Ok(Identity {
        account: AccountId::new(account),
        arn: answer.arn().unwrap_or("an unnamed identity").to_owned(),
    })
}

/// Whether a text is the number of an account.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What time it is at AWS, by the head of an answer.
pub async fn time_of_aws(clients: &Clients) -> Option<Timestamp> {
    let seen = Dated::default();
    let asked = clients.sts.get_caller_identity().customize();
    drop(asked.interceptor(seen.clone()).send().await);
    let date = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
    let date = jiff::fmt::rfc2822::parse(date.as_deref()?).ok()?;
    Some(date.timestamp())
}

/// Keeps the date of an answer.
#[derive(Debug, Clone, Default)]
struct Dated(Arc<Mutex<Option<String>>>);

impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "Dated"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _properties: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(str::to_owned);
        Ok(())
    }
}
