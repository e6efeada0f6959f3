//! A link that opens the AWS console in a session (IAM User Guide, "Enabling custom identity
//! broker access to the AWS console").

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use form_urlencoded::Serializer;
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::SignInError;
use crate::resource::Region;

/// How long the whole question may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// A token has about two thousand characters.
const LONGEST_ANSWER: usize = 64 * 1024;

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SigninToken")]
    token: String,
}

/// Where a session is turned into a sign-in, and the console that it is for.
struct Places {
    federation: String,
    console: String,
}

impl Places {
    /// Those of a region's partition; `endpoint` is that of an embedded cloud.
    fn of(region: &Region, endpoint: Option<&str>) -> Self {
        let region = region.as_str();
        let (signin, console) = if region.starts_with("cn-") {
            ("signin.amazonaws.cn", "console.amazonaws.cn")
        } else if region.starts_with("us-gov-") {
            (
                "signin.amazonaws-us-gov.com",
                "console.amazonaws-us-gov.com",
            )
        } else {
            ("signin.aws.amazon.com", "console.aws.amazon.com")
        };
        Self {
            federation: match endpoint {
                Some(endpoint) => format!("{}/federation", endpoint.trim_end_matches('/')),
                None => format!("https://{signin}/federation"),
            },
            console: format!("https://{console}/ec2/home?region={region}"),
        }
    }
}

/// Makes the link; whoever has it is signed in, once and within a quarter of an hour.
///
/// # Errors
///
/// When the credentials are none of a role's session, or AWS does not answer.
pub(crate) async fn console_link(
    credentials: &Credentials,
    region: &Region,
    endpoint: Option<&str>,
) -> Result<String, SignInError> {
    let Some(token) = credentials.session_token() else {
        return Err(SignInError::NoConsole);
    };
    let places = Places::of(region, endpoint);
    let session = Zeroizing::new(
        serde_json::json!({
            "sessionId": credentials.access_key_id(),
            "sessionKey": credentials.secret_access_key(),
            "sessionToken": token,
        })
        .to_string(),
    );
    let query = Serializer::new(String::new())
        .append_pair("Action", "getSigninToken")
        .append_pair("Session", &session)
        .finish();
    let asked = ask(format!("{}?{query}", places.federation));
    let answer = tokio::time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| SignInError::Federation("it did not answer".to_owned()))??;
    let Answer { token } = serde_json::from_slice(&answer)
        .map_err(|_| SignInError::Federation("what it answered holds no token".to_owned()))?;
    let query = Serializer::new(String::new())
        .append_pair("Action", "login")
        .append_pair("Issuer", "trainyard")
        .append_pair("Destination", &places.console)
        .append_pair("SigninToken", &token)
        .finish();
    Ok(format!("{}?{query}", places.federation))
}

/// No words of the request get into an error: its address holds the session.
async fn ask(address: String) -> Result<Zeroizing<Vec<u8>>, SignInError> {
    let connector = Connector::builder()
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build();
    let mut request = HttpRequest::new(SdkBody::empty());
    let silent = || SignInError::Federation("it cannot be reached".to_owned());
    request.set_uri(address).map_err(|_| silent())?;
    let response = connector.call(request).await.map_err(|_| silent())?;
    let status = response.status().as_u16();
    if status == 400 || status == 403 {
        return Err(SignInError::NoConsole);
    }
    if status != 200 {
        return Err(SignInError::Federation(format!(
            "it answered with status {status}"
        )));
    }
    let body = Limited::new(response.into_body(), LONGEST_ANSWER);
    let body = body.collect().await.map_err(|_| silent())?;
    Ok(Zeroizing::new(body.to_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_console() {
        for (region, signin) in [
            ("eu-central-1", "https://signin.aws.amazon.com/federation"),
            ("cn-north-1", "https://signin.amazonaws.cn/federation"),
            (
                "us-gov-west-1",
                "https://signin.amazonaws-us-gov.com/federation",
            ),
        ] {
            assert_eq!(Places::of(&Region::new(region), None).federation, signin);
        }
        let own = Places::of(&Region::new("eu-west-1"), Some("http://127.0.0.1:1/"));
        assert_eq!(own.federation, "http://127.0.0.1:1/federation");
    }

    #[tokio::test]
    async fn keys_that_last_open_no_console() {
        let keys = Credentials::new("AKIA", "secret", None, None, "test");
        let link = console_link(&keys, &Region::new("eu-west-1"), None).await;
        assert!(matches!(link, Err(SignInError::NoConsole)));
    }
}
