//! Who we are, asked before anything else.

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
