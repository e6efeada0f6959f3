//! Answers that were cut off.

use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;

use super::super::error::{CloudError, CloudErrorKind};
use super::super::{Clients, identify, observe, spot_requests};
use crate::resource::fixtures::{account, region};

/// Answers every request with the same body, in which ACTION is what was asked for.
#[derive(Debug)]
struct Parrot(String);

impl HttpConnector for Parrot {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = std::str::from_utf8(request.body().bytes().unwrap()).unwrap();
        let (_, action) = asked.split_once("Action=").unwrap();
        let (action, _) = action.split_once('&').unwrap();
        let status = 200_u16.try_into().unwrap();
        let body = SdkBody::from(self.0.replace("ACTION", action));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

fn clients(body: &str) -> Clients {
    let connector = SharedHttpConnector::new(Parrot(body.to_owned()));
    let keys = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(SdkRegion::new(region().to_string()))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Clients::of(&config, region(), true)
}

/// Every beginning of an answer, without its line end.
fn beginnings(whole: &str) -> impl Iterator<Item = &str> {
    (1..whole.len()).map(|end| &whole[..end])
}

fn assert_ambiguous<T: std::fmt::Debug>(answer: Result<T, CloudError>, body: &str) {
    let kind = answer.map_err(|error| error.kind);
    assert!(
        matches!(kind, Err(CloudErrorKind::Ambiguous)),
        "{kind:?} to {body}"
    );
}

#[tokio::test]
async fn a_listing_that_was_cut_off_is_an_error_and_no_shorter_one() {
    let whole = "<DescribeSpotInstanceRequestsResponse><requestId>r</requestId>\
        <spotInstanceRequestSet/></DescribeSpotInstanceRequestsResponse>";
    assert_eq!(spot_requests(&clients(whole)).await, Ok(Vec::new()));
    for body in beginnings(whole) {
        assert_ambiguous(spot_requests(&clients(body)).await, body);
    }
}

#[tokio::test]
async fn what_breaks_off_before_the_first_instance_does_not_say_that_there_is_none() {
    let body = "<ACTIONResponse><requestId>r</requestId>";
    assert_ambiguous(observe(&clients(body), &account()).await, body);
    let whole = format!("{body}</ACTIONResponse>");
    let observed = observe(&clients(&whole), &account()).await.unwrap();
    assert!(observed.instances.is_empty() && observed.volumes.is_empty());
}

#[tokio::test]
async fn nobody_is_identified_by_half_an_answer() {
    let body = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Account>123456789012</Account>";
    assert_ambiguous(identify(&clients(body)).await, body);
}
