//! The three calls of STS that open sessions and tell whose they are.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::Credentials as Given;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;

use super::chain::{Device, Hop};
use super::code::Code;
use super::error::SignInError;
use crate::cloud::CloudError;
use crate::cloud::patience::own_quota;
use crate::resource::SessionLength;

/// What STS is asked with: no credentials of its own.
#[derive(Debug, Clone)]
pub(super) struct Sts {
    pub(super) config: SdkConfig,
}

/// A device and a code of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) device: &'a Device,
    pub(super) code: &'a Code,
}

/// How STS answers who wants a session.
#[derive(Debug)]
pub(super) enum Answer {
    Opened(Box<Credentials>),
    /// The code was refused; AWS's own time, where the answer tells it.
    WrongCode(Option<Timestamp>),
    /// The role, or its being assumed by a role, does not allow a session as long as that.
    TooLong,
    /// It is not allowed at all.
    Denied(CloudError),
}

impl Sts {
    fn client(&self, credentials: &Credentials) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::config::Builder::from(&self.config)
            .credentials_provider(credentials.clone())
            .retry_partition(own_quota());
        aws_sdk_sts::Client::from_conf(config.build())
    }

    /// Opens a session of the user, who shows a code.
    pub(super) async fn user_session(
        &self,
        credentials: &Credentials,
        shown: Shown<'_>,
        seconds: i32,
    ) -> Result<Answer, SignInError> {
        let answer = self
            .client(credentials)
            .get_session_token()
            .serial_number(&shown.device.serial)
            .token_code(shown.code.as_str())
            .duration_seconds(seconds)
            .send()
            .await;
        match answer {
            Ok(opened) => of_given(opened.credentials),
            Err(error) => refused("open a session with the code", &error, Some(&shown)),
        }
    }

    /// Takes on a role.
    pub(super) async fn assume(
        &self,
        credentials: &Credentials,
        wanted: &Assumption<'_>,
        length: SessionLength,
    ) -> Result<Answer, SignInError> {
        let Assumption {
            hop,
            session_name,
            shown,
            policy,
        } = wanted;
        let answer = self
            .client(credentials)
            .assume_role()
            .role_arn(hop.role.as_str())
            .role_session_name(*session_name)
            .set_external_id(hop.external_id.clone())
            .duration_seconds(i32::try_from(length.seconds()).unwrap_or(i32::MAX))
            .set_serial_number(shown.map(|shown| shown.device.serial.clone()))
            .set_token_code(shown.map(|shown| shown.code.as_str().to_owned()))
            .set_policy(policy.map(str::to_owned))
            .send()
            .await;
        match answer {
            Ok(opened) => of_given(opened.credentials),
            Err(error) => {
                let operation = format!("take on the role {}", hop.role);
                refused(&operation, &error, shown.as_ref())
            }
        }
    }

    /// Whose credentials they are: an ARN.
    pub(super) async fn whose(&self, credentials: &Credentials) -> Result<String, CloudError> {
        let answer = self
            .client(credentials)
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| {
                CloudError::from_sdk("find out whose credentials these are", &error)
            })?;
        Ok(answer.arn().unwrap_or_default().to_owned())
    }
}

/// A role to take on, and with what.
#[derive(Debug)]
pub(super) struct Assumption<'a> {
    pub(super) hop: &'a Hop,
    pub(super) session_name: &'a str,
    pub(super) shown: Option<Shown<'a>>,
    pub(super) policy: Option<&'a str>,
}

fn of_given(given: Option<Given>) -> Result<Answer, SignInError> {
    let given = given.ok_or(SignInError::NothingGiven)?;
    let expires = (*given.expiration()).try_into();
    Ok(Answer::Opened(Box::new(Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().to_owned()),
        Some(expires.map_err(|_| SignInError::NothingGiven)?),
        "trainyard",
    ))))
}

/// Tells the refusals apart that something can be done about.
///
/// STS has one code for several of them; its words are those that the AWS CLI's users know
/// (IAM User Guide, "Troubleshoot IAM roles").
fn refused<E>(
    operation: &str,
    error: &SdkError<E, HttpResponse>,
    shown: Option<&Shown<'_>>,
) -> Result<Answer, SignInError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let failure = CloudError::from_sdk(operation, error);
    let words = failure.text.to_lowercase();
    let denied = failure.is_code("AccessDenied");
    if denied && words.contains("multifactorauthentication failed") {
        if let (Some(shown), true) = (shown, words.contains("verify your mfa serial number")) {
            return Err(SignInError::NotTheirs {
                serial: shown.device.serial.clone(),
                said: failure.text,
            });
        }
        return Ok(Answer::WrongCode(date_of(error)));
    }
    if failure.is_code("ValidationError")
        && (words.contains("maxsessionduration") || words.contains("role chaining"))
    {
        return Ok(Answer::TooLong);
    }
    if denied {
        return Ok(Answer::Denied(failure));
    }
    Err(SignInError::Cloud(failure))
}

/// What time it is at AWS.
fn date_of<E>(error: &SdkError<E, HttpResponse>) -> Option<Timestamp> {
    let date = error.raw_response()?.headers().get("date")?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(date.timestamp())
}
